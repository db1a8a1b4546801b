//! What a store promises about whose turn it is: claims, leases, and what there will be to do.

use std::sync::Arc;

use futures::future::join_all;
use jiff::{SignedDuration, Timestamp};
use rotakey_core::id::AccountId;

use super::{Harness, Log, conflicts, expect_log, succeeds, valid};
use crate::store::{Claim, Outlook, RotationSummary, Store, Turn};

/// How long the leases of this suite are.
const LEASE: SignedDuration = SignedDuration::from_mins(5);

pub(super) async fn check_all(harness: &dyn Harness) {
    what_has_been_due_for_longest_is_claimed_first(harness).await;
    of_what_is_due_at_one_instant_the_first_to_begin_is_claimed_first(harness).await;
    nothing_is_claimed_before_it_is_due(harness).await;
    no_more_is_claimed_than_was_asked_for(harness).await;
    other_accounts_are_left_alone(harness).await;
    a_claimed_rotation_is_left_to_its_worker_until_the_lease_ends(harness).await;
    of_many_claims_at_once_each_rotation_goes_to_one(harness).await;
    an_append_says_anew_when_a_rotation_is_due(harness).await;
    an_append_needs_no_lease(harness).await;
    handing_over_ends_a_lease_and_appends_nothing(harness).await;
    a_late_hand_over_changes_nothing(harness).await;
    what_a_person_is_asked_is_claimed_only_if_a_worker_must_look(harness).await;
    a_closed_rotation_is_nobodys_turn(harness).await;
    the_outlook_names_the_next_instant_and_whether_a_person_is_waited_for(harness).await;
    instants_are_rounded_up_to_the_microsecond(harness).await;
}

/// [`Store::claim`] gives what is due in the order in which it became due, whatever order it began in.
pub async fn what_has_been_due_for_longest_is_claimed_first(harness: &dyn Harness) {
    let store = harness.empty().await.open().await;
    let logs = begin(&*store, [worker(30), worker(10), worker(20)]).await;
    let claimed = claim(&*store, 30).await;
    let expected = [1, 2, 0].map(|index| logs[index].summary_at(Some(leased(30)), 1));
    assert!(claimed == expected, "due at 10, 20 and 30 minutes, but claimed {claimed:?}");
}

/// Of rotations that became due at one instant, those come first that began first.
pub async fn of_what_is_due_at_one_instant_the_first_to_begin_is_claimed_first(harness: &dyn Harness) {
    let store = harness.empty().await.open().await;
    let logs = begin(&*store, [worker(10); 5]).await;
    let claimed = claim(&*store, 10).await;
    let expected: Vec<_> = logs.iter().map(|log| log.summary_at(Some(leased(10)), 1)).collect();
    assert!(claimed == expected, "all due at 10 minutes, but claimed {claimed:?}");
}

/// A rotation that is due later than the claim's present stays where it is.
pub async fn nothing_is_claimed_before_it_is_due(harness: &dyn Harness) {
    let store = harness.empty().await.open().await;
    let logs = begin(&*store, [worker(10), worker(11)]).await;
    expect_ids("before anything is due", &claim(&*store, 9).await, []);
    expect_ids("when the first is due", &claim(&*store, 10).await, [&logs[0]]);
}

/// A claim takes no more rotations than its limit; the next claim takes those after them.
pub async fn no_more_is_claimed_than_was_asked_for(harness: &dyn Harness) {
    let store = harness.empty().await.open().await;
    let logs = begin(&*store, [worker(1), worker(2), worker(3)]).await;
    let accounts = [account()];
    let few = Claim { limit: 2, ..ours(&accounts, 10) };
    expect_ids("at most two", &succeeds("claim", store.claim(few).await), [&logs[0], &logs[1]]);
    expect_ids("the rest", &succeeds("claim", store.claim(few).await), [&logs[2]]);
    expect_ids("nothing is left", &succeeds("claim", store.claim(few).await), []);
}

/// A claim takes only rotations of the accounts that it names, and the outlook looks only at these.
pub async fn other_accounts_are_left_alone(harness: &dyn Harness) {
    let store = harness.empty().await.open().await;
    let other: AccountId = valid("999999999999".parse());
    let ours_log = Log::new("ours", 1, 1);
    let mut theirs = Log::new("theirs", 2, 1);
    theirs.subject.account_id = other;
    succeeds("begin", theirs.write(&*store, 0, 1, Some(worker(1))).await);
    succeeds("begin", ours_log.write(&*store, 0, 1, Some(worker(2))).await);
    expect_ids("no account", &succeeds("claim", store.claim(ours(&[], 10)).await), []);
    expect_outlook(&*store, &[account()], Some(2), false).await;
    expect_ids("our account", &claim(&*store, 10).await, [&ours_log]);
    expect_outlook(&*store, &[other], Some(1), false).await;
    let both = [account(), other];
    expect_ids("both accounts", &succeeds("claim", store.claim(ours(&both, 10)).await), [&theirs]);
}

/// A claimed rotation is not claimed again before the lease's deadline, and from then on by anybody.
pub async fn a_claimed_rotation_is_left_to_its_worker_until_the_lease_ends(harness: &dyn Harness) {
    let place = harness.empty().await;
    let (dies, takes_over) = (place.open().await, place.open().await);
    let logs = begin(&*dies, [worker(10)]).await;
    expect_ids("when it is due", &claim(&*dies, 10).await, [&logs[0]]);
    for minute in [10, 14] {
        expect_ids("while it is leased", &claim(&*takes_over, minute).await, []);
    }
    expect_ids("when the lease has ended", &claim(&*takes_over, 15).await, [&logs[0]]);
    expect_ids("while it is leased again", &claim(&*dies, 19).await, []);
}

/// When many workers claim at once, no rotation goes to two of them and none is left over.
pub async fn of_many_claims_at_once_each_rotation_goes_to_one(harness: &dyn Harness) {
    const WORKERS: usize = 8;
    const ROTATIONS: usize = 40;
    let place = harness.empty().await;
    let mut stores: Vec<Arc<dyn Store>> = Vec::new();
    for _ in 0..WORKERS {
        stores.push(place.open().await);
    }
    begin(&*stores[0], [worker(1); ROTATIONS]).await;
    let accounts = [account()];
    let few = Claim { limit: 3, ..ours(&accounts, 10) };
    let claim_until_none_is_left = async |store: &Arc<dyn Store>| {
        let mut claimed = Vec::new();
        loop {
            let more = succeeds("claim", store.claim(few).await);
            if more.is_empty() {
                return claimed;
            }
            assert!(more.len() <= 3, "{} claimed at once", more.len());
            claimed.extend(more.into_iter().map(|rotation| rotation.id));
        }
    };
    let mut claimed = join_all(stores.iter().map(claim_until_none_is_left)).await.concat();
    claimed.sort();
    let distinct = claimed.windows(2).all(|pair| pair[0] != pair[1]);
    assert!(distinct, "a rotation was claimed twice: {claimed:?}");
    assert!(claimed.len() == ROTATIONS, "{} of {ROTATIONS} rotations were claimed", claimed.len());
}

/// [`Append::turn`](crate::store::Append::turn) replaces what was said before: it renews the lease of a worker that
/// gets on, and makes a rotation due at once that somebody else has claimed.
pub async fn an_append_says_anew_when_a_rotation_is_due(harness: &dyn Harness) {
    let store = harness.empty().await.open().await;
    let [log] = &begin(&*store, [worker(10)]).await[..] else { unreachable!("one was begun") };
    expect_ids("when it is due", &claim(&*store, 10).await, [log]);
    succeeds("append, and go on until 30", log.write(&*store, 1, 2, Some(worker(30))).await);
    expect_ids("after the first lease", &claim(&*store, 29).await, []);
    expect_ids("after the renewed lease", &claim(&*store, 30).await, [log]);
    succeeds("append, and be done", log.write(&*store, 2, 3, Some(worker(20))).await);
    expect_ids("at once", &claim(&*store, 30).await, [log]);
    succeeds("append, and ask", log.write(&*store, 3, 4, Some(Turn::Person { due: None })).await);
    expect_ids("while a person is asked", &claim(&*store, 1000).await, []);
}

/// Whoever claimed a rotation, others may append to it: leases give no right to act.
pub async fn an_append_needs_no_lease(harness: &dyn Harness) {
    let place = harness.empty().await;
    let (claims, appends) = (place.open().await, place.open().await);
    let logs = begin(&*claims, [worker(10)]).await;
    expect_ids("when it is due", &claim(&*claims, 10).await, [&logs[0]]);
    succeeds("append without a lease", logs[0].append(&*appends, 1, 2).await);
    conflicts("append with a lease, but late", logs[0].append(&*claims, 1, 2).await);
    expect_log(&*claims, &logs[0], 2).await;
}

/// [`Store::hand_over`] says whose turn it is, before or after the lease would have ended, and the log stays as it is.
pub async fn handing_over_ends_a_lease_and_appends_nothing(harness: &dyn Harness) {
    let store = harness.empty().await.open().await;
    let [log] = &begin(&*store, [worker(10)]).await[..] else { unreachable!("one was begun") };
    expect_ids("when it is due", &claim(&*store, 10).await, [log]);
    succeeds("hand over", store.hand_over(&log.id, 1, worker(12)).await);
    expect_ids("before it is due again", &claim(&*store, 11).await, []);
    expect_ids("when it is due again", &claim(&*store, 12).await, [log]);
    succeeds("hand over", store.hand_over(&log.id, 1, worker(500)).await);
    expect_ids("after the lease would have ended", &claim(&*store, 499).await, []);
    expect_log(&*store, log, 1).await;
}

/// A worker that was held up says nothing any more about a rotation that has got on, or has ended, or never was.
pub async fn a_late_hand_over_changes_nothing(harness: &dyn Harness) {
    let store = harness.empty().await.open().await;
    let [log] = &begin(&*store, [worker(10)]).await[..] else { unreachable!("one was begun") };
    succeeds("append", log.write(&*store, 1, 2, Some(worker(20))).await);
    for version in [0, 1, 3] {
        conflicts("hand over another version", store.hand_over(&log.id, version, worker(1)).await);
    }
    expect_outlook(&*store, &[account()], Some(20), false).await;
    succeeds("close", log.close(&*store, 2, 3).await);
    conflicts("hand over what has ended", store.hand_over(&log.id, 3, worker(1)).await);
    conflicts("hand over what never was", store.hand_over(&super::rotation("nowhere"), 0, worker(1)).await);
    expect_ids("nothing is due", &claim(&*store, 1000).await, []);
}

/// A rotation that asks is not due, unless it was said when a worker looks all the same; then the claim does not end
/// the asking.
pub async fn what_a_person_is_asked_is_claimed_only_if_a_worker_must_look(harness: &dyn Harness) {
    let store = harness.empty().await.open().await;
    let looked_at = Turn::Person { due: Some(minute(20)) };
    let logs = begin(&*store, [Turn::Person { due: None }, looked_at]).await;
    expect_ids("before one must look", &claim(&*store, 19).await, []);
    let claimed = claim(&*store, 20).await;
    let expected = [logs[1].summary_at(Some(looked_at.at(minute(20) + LEASE)), 1)];
    assert!(claimed == expected, "one must be looked at, but claimed was {claimed:?}");
    expect_outlook(&*store, &[account()], None, true).await;
}

/// A rotation that has ended is never claimed, whenever it was due, and is in no outlook.
pub async fn a_closed_rotation_is_nobodys_turn(harness: &dyn Harness) {
    let store = harness.empty().await.open().await;
    let asked = Turn::Person { due: Some(minute(1)) };
    let logs = begin(&*store, [worker(1), asked, worker(2)]).await;
    succeeds("close", logs[0].close(&*store, 1, 2).await);
    succeeds("close", logs[1].close(&*store, 1, 3).await);
    expect_ids("the one that is open", &claim(&*store, 1000).await, [&logs[2]]);
    succeeds("close", logs[2].close(&*store, 1, 2).await);
    expect_ids("none is open", &claim(&*store, 9999).await, []);
    expect_outlook(&*store, &[account()], None, false).await;
    let listed = succeeds("list", store.rotations().await);
    assert!(listed.iter().all(|rotation| rotation.turn.is_none()), "somebody's turn: {listed:?}");
}

/// [`Store::outlook`] names the earliest instant at which it is a worker's turn (of a claimed rotation, the end of the
/// lease), and tells whether a person is waited for.
pub async fn the_outlook_names_the_next_instant_and_whether_a_person_is_waited_for(harness: &dyn Harness) {
    let store = harness.empty().await.open().await;
    let ours = [account()];
    expect_outlook(&*store, &ours, None, false).await;
    let logs = begin(&*store, [worker(30), worker(10), Turn::Person { due: Some(minute(5)) }]).await;
    expect_outlook(&*store, &ours, Some(10), true).await;
    expect_ids("what is due", &claim(&*store, 12).await, [&logs[2], &logs[1]]);
    expect_outlook(&*store, &ours, Some(17), true).await;
    succeeds("hand over", store.hand_over(&logs[1].id, 1, worker(90)).await);
    succeeds("close", logs[2].close(&*store, 1, 2).await);
    expect_outlook(&*store, &ours, Some(30), false).await;
    expect_outlook(&*store, &[], None, false).await;
}

/// An instant is kept to the microsecond and never becomes an earlier one, also before 1970. What is due now is so
/// for a claim at the same instant.
pub async fn instants_are_rounded_up_to_the_microsecond(harness: &dyn Harness) {
    let store = harness.empty().await.open().await;
    let accounts = [account()];
    for (user, nanoseconds, kept) in [(1, 1001, 2), (2, 3000, 3), (3, -1999, -1), (4, -4000, -4)] {
        let log = Log::new(&format!("user{user}"), user, 2);
        let due = valid_instant(Timestamp::from_nanosecond(nanoseconds));
        let kept = valid_instant(Timestamp::from_microsecond(kept));
        succeeds("begin", log.write(&*store, 0, 1, Some(Turn::Worker { due })).await);
        let next = succeeds("ask for the outlook", store.outlook(&[account()]).await).next;
        assert!(next == Some(kept), "{due} is kept as {next:?}");
        let now = Claim { now: due, ..ours(&accounts, 0) };
        expect_ids("at that very instant", &succeeds("claim", store.claim(now).await), [&log]);
        succeeds("close", log.close(&*store, 1, 2).await);
    }
}

/// Begins one rotation for each turn, each for a user of its own.
async fn begin<const N: usize>(store: &dyn Store, turns: [Turn; N]) -> Vec<Log> {
    let mut logs = Vec::new();
    for (user, turn) in (1..).zip(turns) {
        // The names are in the opposite order: no store may go by them.
        let log = Log::new(&format!("user{}", 200 - user), user, 4);
        succeeds("begin", log.write(store, 0, 1, Some(turn)).await);
        logs.push(log);
    }
    logs
}

async fn claim(store: &dyn Store, now: i64) -> Vec<RotationSummary> {
    succeeds("claim", store.claim(ours(&[account()], now)).await)
}

fn ours(accounts: &[AccountId], now: i64) -> Claim<'_> {
    Claim { accounts, now: minute(now), until: minute(now) + LEASE, limit: 100 }
}

fn account() -> AccountId {
    super::subject(1).account_id
}

fn minute(number: i64) -> Timestamp {
    Timestamp::UNIX_EPOCH + SignedDuration::from_mins(number)
}

fn worker(due: i64) -> Turn {
    Turn::Worker { due: minute(due) }
}

/// The turn of a rotation that was claimed then.
fn leased(now: i64) -> Turn {
    Turn::Worker { due: minute(now) + LEASE }
}

fn valid_instant(instant: Result<Timestamp, jiff::Error>) -> Timestamp {
    instant.unwrap_or_else(|error| panic!("the suite's own instants are valid: {error}"))
}

fn expect_ids<const N: usize>(when: &str, claimed: &[RotationSummary], expected: [&Log; N]) {
    let claimed: Vec<_> = claimed.iter().map(|rotation| &rotation.id).collect();
    let expected = expected.map(|log| &log.id);
    assert!(claimed == expected, "{when}: {expected:?} must be claimed, but {claimed:?} were");
}

async fn expect_outlook(store: &dyn Store, accounts: &[AccountId], next: Option<i64>, asks: bool) {
    let found = succeeds("ask for the outlook", store.outlook(accounts).await);
    let expected = Outlook { next: next.map(minute), asks };
    assert!(found == expected, "the outlook must be {expected:?}, but is {found:?}");
}
