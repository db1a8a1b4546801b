//! What every [`UsageIndex`] must do: one function checks one promise, on an index of its own.

use async_trait::async_trait;
use futures::future::join_all;
use rotakey_store::usage_index::{
    Begun, Commit, FileState, IndexError, IndexFile, Ingest, Ingested, Question, Reading, SEEN_DAYS, Stats,
    UsageIndex,
};
use rotakey_trail::event_time::{DAY, EventTime};
use rotakey_trail::rollup::{Batch, Seen, usage};
use rotakey_trail::usage::GroupBy;

use crate::records::{Call, FIRST_DAY, TestFile, call, file, read, unseen};

/// Makes the indexes that the suite runs on.
#[async_trait]
pub(crate) trait Harness: Send + Sync {
    /// A place without an index; another one at every call.
    async fn empty(&self) -> Box<dyn Place>;
}

/// Somewhere that an index is kept.
#[async_trait]
pub(crate) trait Place: Send + Sync {
    /// The index of that place: every call as another process would open it.
    async fn open(&self) -> Box<dyn UsageIndex>;
}

/// Checks every promise of the contract.
pub(crate) async fn check_all(harness: &dyn Harness) {
    an_empty_index_answers(harness).await;
    the_use_of_keys_is_that_of_the_rows(harness).await;
    batches_add_up_to_one(harness).await;
    a_file_is_added_once(harness).await;
    a_changed_file_is_told_and_not_added(harness).await;
    a_process_that_dies_leaves_nothing(harness).await;
    of_two_that_add_the_same_file_at_once_one_wins(harness).await;
    writers_at_once_count_every_call_once(harness).await;
    a_copy_of_an_event_in_a_later_batch_is_known(harness).await;
    a_copy_of_an_event_in_a_batch_at_the_same_time_is_a_conflict(harness).await;
    events_are_forgotten_after_some_days(harness).await;
    a_damaged_file_is_not_added_and_holds_nobody_up(harness).await;
    many_small_batches_of_a_day_are_put_together(harness).await;
    a_question_is_about_keys_and_days(harness).await;
    sessions_are_told_of_their_origin_across_batches(harness).await;
    the_consumers_of_a_key_are_those_of_its_sessions_too(harness).await;
    what_is_pruned_is_gone_and_stays_so(harness).await;
}

/// Nothing in it, nothing out.
async fn an_empty_index_answers(harness: &dyn Harness) {
    let index = harness.empty().await.open().await;
    assert_eq!(index.usage(&Question::default()).await.unwrap(), []);
    assert_eq!(index.keys().await.unwrap(), []);
    assert_eq!(index.seen(0..=99_999, None).await.unwrap(), Seen::new());
    let stats = index.stats().await.unwrap();
    assert_eq!(Stats { bytes: 0, ..stats }, Stats::default());
    ingest(&*index, &[]).await.unwrap();
}

/// What was added is told as it would be without an index, put together by anything.
async fn the_use_of_keys_is_that_of_the_rows(harness: &dyn Harness) {
    let place = harness.empty().await;
    let files = [varied("a", 0, 60), varied("b", 30, 60)];
    ingest(&*place.open().await, &files).await.unwrap();
    expect_all(&*place.open().await, &files).await;
}

/// However files are spread over batches, the index is the same.
async fn batches_add_up_to_one(harness: &dyn Harness) {
    let index = harness.empty().await.open().await;
    let files = [varied("a", 0, 50), varied("b", 20, 50), varied("c", 40, 50)];
    for file in files.iter().rev() {
        ingest(&*index, std::slice::from_ref(file)).await.unwrap();
    }
    expect_all(&*index, &files).await;
    let stats = index.stats().await.unwrap();
    assert_eq!((stats.files, stats.batches, stats.calls), (3, 3, 150));
}

/// A file that is there adds nothing, whoever adds it again.
async fn a_file_is_added_once(harness: &dyn Harness) {
    let place = harness.empty().await;
    let files = [varied("a", 0, 10), varied("b", 3, 10)];
    ingest(&*place.open().await, &files[..1]).await.unwrap();
    for _ in 0..2 {
        ingest(&*place.open().await, &files).await.unwrap();
    }
    let index = place.open().await;
    let begun = index.begin(&[files[0].file.clone(), varied("c", 0, 1).file]).await.unwrap();
    assert_eq!(begun.files, [FileState::Known, FileState::New]);
    expect_all(&*index, &files).await;
    // A caller that does not look at what it is told is refused.
    let (batch, seen) = read(&files[1..], &Seen::new());
    let files = [files[1].file.clone()];
    let result = index.commit(commit(&begun, &files, &batch, &seen)).await;
    assert_eq!(result, Err(IndexError::Conflict));
}

/// Another tag under a known name is [`FileState::Changed`].
async fn a_changed_file_is_told_and_not_added(harness: &dyn Harness) {
    let index = harness.empty().await.open().await;
    let original = varied("a", 0, 10);
    ingest(&*index, std::slice::from_ref(&original)).await.unwrap();
    let mut changed = varied("a", 5, 20);
    changed.file.tag = Some("tuesday".to_owned());
    let begun = index.begin(std::slice::from_ref(&changed.file)).await.unwrap();
    assert_eq!(begun.files, [FileState::Changed]);
    ingest(&*index, &[changed]).await.unwrap();
    expect_all(&*index, &[original]).await;
}

/// Everything before the commit is as if it had never been.
async fn a_process_that_dies_leaves_nothing(harness: &dyn Harness) {
    let place = harness.empty().await;
    let files = [varied("a", 0, 400)];
    let (batch, seen) = read(&files, &Seen::new());
    let names = [files[0].file.clone()];
    // Polled a little further each time, then dropped: whatever was done by then is undone.
    for polls in [0, 1, 2, 3, 5, 8, 13, 21, 34, 55] {
        let index = place.open().await;
        let begun = index.begin(&names).await.unwrap();
        if begun.files == [FileState::Known] {
            break;
        }
        assert_eq!(index.usage(&Question::default()).await.unwrap(), [], "after {polls} polls");
        let mut work = index.commit(commit(&begun, &names, &batch, &seen));
        for _ in 0..polls {
            let polled = futures::poll!(work.as_mut());
            if polled.is_ready() {
                break;
            }
            tokio::task::yield_now().await;
        }
        drop(work);
        index.close().await;
    }
    ingest(&*place.open().await, &files).await.unwrap();
    expect_all(&*place.open().await, &files).await;
}

/// Of commits of one file that began at once one succeeds; the others are a conflict.
async fn of_two_that_add_the_same_file_at_once_one_wins(harness: &dyn Harness) {
    let place = harness.empty().await;
    let files = [varied("a", 0, 20)];
    let (batch, seen) = read(&files, &Seen::new());
    let names = [files[0].file.clone()];
    let mut writers = Vec::new();
    for _ in 0..4 {
        let index = place.open().await;
        let begun = index.begin(&names).await.unwrap();
        writers.push((index, begun));
    }
    let commits = writers.iter().map(|(index, begun)| index.commit(commit(begun, &names, &batch, &seen)));
    let results = join_all(commits).await;
    assert_eq!(results.iter().filter(|result| result.is_ok()).count(), 1, "{results:?}");
    assert!(
        results.iter().flat_map(|result| result.as_ref().err()).all(|error| *error == IndexError::Conflict)
    );
    expect_all(&*writers[0].0, &files).await;
}

/// Several writers that add the same files in other orders, all at once.
async fn writers_at_once_count_every_call_once(harness: &dyn Harness) {
    let place = harness.empty().await;
    let files: Vec<TestFile> = (0..8).map(|number| varied(&format!("f{number}"), number, 10)).collect();
    let mut indexes = Vec::new();
    for _ in 0..3 {
        indexes.push(place.open().await);
    }
    join_all(indexes.iter().enumerate().map(|(writer, index)| {
        let mut files = files.clone();
        files.rotate_left(writer * 3);
        async move {
            for pair in files.chunks(2) {
                ingest(&**index, pair).await.unwrap();
            }
        }
    }))
    .await;
    expect_all(&*place.open().await, &files).await;
}

/// [`UsageIndex::seen`] tells what earlier batches had.
async fn a_copy_of_an_event_in_a_later_batch_is_known(harness: &dyn Harness) {
    let place = harness.empty().await;
    let original = varied("a", 0, 10);
    let mut copy = original.clone();
    copy.file.name = "/logs/copy".to_owned();
    ingest(&*place.open().await, std::slice::from_ref(&original)).await.unwrap();
    ingest(&*place.open().await, &[copy]).await.unwrap();
    let index = place.open().await;
    expect_all(&*index, &[original]).await;
    assert_eq!(index.stats().await.unwrap().files, 2);
}

/// Who could not know of it must begin again.
async fn a_copy_of_an_event_in_a_batch_at_the_same_time_is_a_conflict(harness: &dyn Harness) {
    let place = harness.empty().await;
    let original = varied("a", 0, 10);
    let mut copy = original.clone();
    copy.file.name = "/logs/copy".to_owned();
    let index = place.open().await;
    let names = [copy.file.clone()];
    let begun = index.begin(&names).await.unwrap();
    let (batch, seen) = read(std::slice::from_ref(&copy), &Seen::new());
    ingest(&*place.open().await, std::slice::from_ref(&original)).await.unwrap();
    let result = index.commit(commit(&begun, &names, &batch, &seen)).await;
    assert_eq!(result, Err(IndexError::Conflict));
    // Another file with other events is none, though it began as early.
    let other = [file("other", &[call("AKIAOTHER", 0)])];
    let names = [other[0].file.clone()];
    let (batch, seen) = read(&other, &Seen::new());
    index.commit(commit(&begun, &names, &batch, &seen)).await.unwrap();
}

/// Fingerprints are kept for [`Commit::seen_days`] before the newest day.
async fn events_are_forgotten_after_some_days(harness: &dyn Harness) {
    let index = harness.empty().await.open().await;
    for day in 0..12 {
        ingest(&*index, &[file(&format!("f{day}"), &[call("AKIA1", day)])]).await.unwrap();
    }
    let days: Vec<i64> = index.seen(0..=99_999, None).await.unwrap().into_keys().collect();
    let first = FIRST_DAY + 11 - i64::from(SEEN_DAYS);
    assert_eq!(days, (first..=FIRST_DAY + 11).collect::<Vec<_>>());
    // An event of the far future does not make the index forget all others.
    ingest(&*index, &[file("future", &[call("AKIA1", 5_000)])]).await.unwrap();
    assert!(index.seen(0..=99_999, None).await.unwrap().contains_key(&first));
}

/// What can be read only in part is new the next time, when it may be whole.
async fn a_damaged_file_is_not_added_and_holds_nobody_up(harness: &dyn Harness) {
    let index = harness.empty().await.open().await;
    let mut files = vec![varied("a", 0, 10), varied("b", 0, 10), varied("c", 0, 10)];
    files[1].is_damaged = true;
    let told = ingest(&*index, &files).await.unwrap();
    assert_eq!((told.added, told.damaged), (2, vec!["/logs/b".to_owned()]));
    files[1].is_damaged = false;
    let told = ingest(&*index, &files).await.unwrap();
    assert_eq!((told.added, told.known, told.calls), (1, 2, 10));
    expect_all(&*index, &files).await;
}

/// Continuous ingestion adds to one day again and again; nothing is lost by putting it together.
async fn many_small_batches_of_a_day_are_put_together(harness: &dyn Harness) {
    let index = harness.empty().await.open().await;
    let files: Vec<TestFile> =
        (0..80).map(|number| file(&format!("f{number}"), &[call("AKIA1", 0), call("AKIA2", 1)])).collect();
    let mut run = Ingest::new(&*index, SEEN_DAYS);
    for file in &files {
        ingest_with(&mut run, std::slice::from_ref(file)).await.unwrap();
    }
    let copies: Vec<TestFile> = files
        .iter()
        .map(|file| {
            let mut copy = file.clone();
            copy.file.name.push_str("-copy");
            copy
        })
        .collect();
    assert_eq!(ingest_with(&mut run, &copies).await.unwrap().calls, 0, "the run remembers what it added");
    let seen = index.seen(0..=99_999, None).await.unwrap();
    assert_eq!(seen.values().map(Vec::len).collect::<Vec<_>>(), [80, 80]);
    assert_eq!(index.stats().await.unwrap().seen_events, 160);
    expect_all(&*index, &files).await;
}

/// Keys and days that are not asked about are not told.
async fn a_question_is_about_keys_and_days(harness: &dyn Harness) {
    let index = harness.empty().await.open().await;
    let calls: Vec<Call> = (0..100).flat_map(|day| [call("AKIA1", day), call("AKIA2", day)]).collect();
    ingest(&*index, &[file("a", &calls)]).await.unwrap();
    let ask = async |keys: &[&str], from: Option<i64>, until: Option<i64>| {
        let question = Question {
            keys: keys.iter().map(|key| (*key).to_owned()).collect(),
            from: from.map(|day| FIRST_DAY + day),
            until: until.map(|day| FIRST_DAY + day),
            by: GroupBy::Key,
        };
        let usage = index.usage(&question).await.unwrap();
        usage.into_iter().map(|usage| (usage.access_key_id.unwrap(), usage.calls)).collect::<Vec<_>>()
    };
    let told = |key: &str, calls: u64| (key.to_owned(), calls);
    assert_eq!(ask(&["AKIA2", "AKIANONE"], None, None).await, [told("AKIA2", 100)]);
    assert_eq!(ask(&["AKIA1"], Some(10), Some(13)).await, [told("AKIA1", 3)]);
    assert_eq!(ask(&[], Some(31), None).await, [told("AKIA1", 69), told("AKIA2", 69)]);
    assert_eq!(ask(&[], None, Some(65)).await, [told("AKIA1", 65), told("AKIA2", 65)]);
    assert_eq!(ask(&[], Some(100), None).await, []);
}

/// A rotation is told who used a key, by itself and by its sessions, and until when absence means something.
async fn the_consumers_of_a_key_are_those_of_its_sessions_too(harness: &dyn Harness) {
    let index = harness.empty().await.open().await;
    let minting = Call { action: "AssumeRole", mints: Some("ASIA1".to_owned()), ..call("AKIA1", 1) };
    let elsewhere = Call { address: "203.0.113.9".to_owned(), ..call("ASIA1", 40) };
    let files = [file("a", &[minting, elsewhere]), file("b", &[call("AKIA1", 3), call("AKIA2", 50)])];
    ingest(&*index, &files).await.unwrap();
    let found = index.consumers("AKIA1", EventTime::default()).await.unwrap();
    assert_eq!(found.first_day, Some(FIRST_DAY + 1));
    assert_eq!(found.told_until.unwrap().day(), FIRST_DAY + 50);
    let usage = found.uses.usage(jiff::Timestamp::MIN, jiff::Timestamp::MAX, &[]);
    let told: Vec<_> =
        usage.consumers.iter().map(|used| format!("{} {}", used.calls, used.consumer)).collect();
    assert_eq!(
        told,
        [
            "1 203.0.113.0/24, agent, s3 in eu-central-1",
            "1 198.51.100.0/24, agent, s3 in eu-central-1",
            "1 198.51.100.0/24, agent, sts in eu-central-1",
        ]
    );
    assert_eq!((usage.sessions, usage.incomplete), (1, None));
    let since = EventTime::from_seconds((FIRST_DAY + 10) * DAY).unwrap();
    let later = index.consumers("AKIA1", since).await.unwrap().uses;
    assert!(later.usage(jiff::Timestamp::MIN, jiff::Timestamp::MAX, &[]).consumers.len() <= 1);
    let nobody = index.consumers("AKIA9", EventTime::default()).await.unwrap().uses;
    assert!(nobody.usage(jiff::Timestamp::MIN, jiff::Timestamp::MAX, &[]).consumers.is_empty());
}

/// The tree of keys grows over batches, also where a session is seen before its minting.
async fn sessions_are_told_of_their_origin_across_batches(harness: &dyn Harness) {
    let index = harness.empty().await.open().await;
    let mints = |key: &str, child: &str, day: i64| Call {
        action: "AssumeRole",
        mints: Some(child.to_owned()),
        ..call(key, day)
    };
    let denied = Call { error: "AccessDenied", ..call("ASIA2", 2) };
    let files = [
        file("late", &[denied, call("ASIA2", 3)]),
        file("second", &[mints("ASIA1", "ASIA2", 1), mints("ASIA2", "AKIA1", 2)]),
        file("first", &[mints("AKIA1", "ASIA1", 0), mints("AKIA1", "ASIA3", 0)]),
    ];
    for file in &files {
        ingest(&*index, std::slice::from_ref(file)).await.unwrap();
    }
    expect_all(&*index, &files).await;
    let question = Question { keys: vec!["AKIA1".to_owned()], ..Question::default() };
    let told = &index.usage(&question).await.unwrap()[0];
    let sessions = told.sessions.as_ref().unwrap();
    assert_eq!((sessions.keys, sessions.calls, sessions.denied_calls), (3, 4, 1));
    let keys = index.keys().await.unwrap();
    let unused = keys.iter().find(|key| key.access_key_id == "ASIA3").unwrap();
    assert_eq!((unused.calls, unused.first_at), (0, None));
}

/// Days before the one of [`UsageIndex::prune`] are gone, and do not come back with a late file.
async fn what_is_pruned_is_gone_and_stays_so(harness: &dyn Harness) {
    let index = harness.empty().await.open().await;
    let calls: Vec<Call> =
        (0..70).map(|day| call(if day < 40 { "AKIAOLD" } else { "AKIANEW" }, day)).collect();
    let files: Vec<TestFile> = calls
        .iter()
        .enumerate()
        .map(|(day, one)| file(&format!("f{day}"), std::slice::from_ref(one)))
        .collect();
    ingest(&*index, &files).await.unwrap();
    assert_eq!(index.prune(FIRST_DAY + 50).await.unwrap(), 50);
    assert_eq!(index.prune(FIRST_DAY + 20).await.unwrap(), 0, "an earlier day undoes nothing");
    ingest(&*index, &files).await.unwrap();
    ingest(&*index, &[file("late", &calls)]).await.unwrap();
    let told = index.usage(&Question::default()).await.unwrap();
    assert_eq!(told.len(), 1, "{told:?}");
    // The late file holds copies that nobody knows any more, of the last twenty days only.
    assert!(told[0].access_key_id.as_deref() == Some("AKIANEW") && told[0].calls <= 40, "{told:?}");
    let stats = index.stats().await.unwrap();
    assert_eq!(stats.days, Some(FIRST_DAY + 50..=FIRST_DAY + 69));
    assert_eq!(stats.rows, 20);
}

/// Adds files as a process does.
async fn ingest(index: &dyn UsageIndex, files: &[TestFile]) -> Result<Ingested, IndexError> {
    ingest_with(&mut Ingest::new(index, SEEN_DAYS), files).await
}

async fn ingest_with(run: &mut Ingest<'_>, files: &[TestFile]) -> Result<Ingested, IndexError> {
    let names: Vec<_> = files.iter().map(|file| file.file.clone()).collect();
    let now = EventTime::from_seconds((FIRST_DAY + 400) * DAY).unwrap();
    run.add(&names, now, |places, known| {
        let new: Vec<TestFile> = places.iter().map(|place| files[*place].clone()).collect();
        let damaged = (0..new.len()).filter(|place| new[*place].is_damaged).collect();
        let (rollup, seen, _) = unseen(&new, known).into_parts();
        Reading { rollup, seen, damaged }
    })
    .await
}

fn commit<'a>(begun: &'a Begun, files: &'a [IndexFile], batch: &'a Batch, seen: &'a Seen) -> Commit<'a> {
    let now = EventTime::from_seconds((FIRST_DAY + 400) * DAY).unwrap();
    Commit { begun, files, batch, seen, seen_days: SEEN_DAYS, now }
}

/// The index tells what would be told of the files without one.
async fn expect_all(index: &dyn UsageIndex, files: &[TestFile]) {
    let (batch, _) = read(files, &Seen::new());
    for by in [GroupBy::Key, GroupBy::Principal, GroupBy::Consumer, GroupBy::Service, GroupBy::Day] {
        let question = Question { by, ..Question::default() };
        assert_eq!(index.usage(&question).await.unwrap(), usage(&batch, by), "by {by:?}");
    }
    let all: u64 = index.keys().await.unwrap().iter().map(|key| key.calls).sum();
    assert_eq!(all, batch.uses.iter().map(|one| u64::from(one.day_use.calls)).sum::<u64>());
}

/// A file of calls that differ in everything.
fn varied(name: &str, first_day: i64, calls: i64) -> TestFile {
    let calls: Vec<Call> = (0..calls)
        .map(|number| Call {
            key: format!("AKIA{}", number % 3),
            day: FIRST_DAY + first_day + number / 2,
            second: (number * 7_919) % DAY,
            address: format!("198.51.{}.{}", number % 5, number % 2),
            action: ["GetObject", "PutObject", "ListObjects"][number as usize % 3],
            error: ["", "", "AccessDenied", "SlowDown", "NoSuchKey"][number as usize % 5],
            mints: (number % 7 == 0).then(|| format!("ASIA{}", number % 4)),
        })
        .collect();
    file(name, &calls)
}
