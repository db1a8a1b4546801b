//! What people are told of a rotation, from its log.

use std::collections::BTreeSet;

use jiff::{SignedDuration, Timestamp};

use super::*;
use crate::destination::{DestinationSpec, SecretsManager};
use crate::fact::{KeyStatus, LastUsed, Seen};
use crate::id::{AccessKeyId, RotationId};
use crate::policy::Principal;
use crate::rotate::{
    Answer, ChainHash, Consumer, ConsumerUse, EFFECT_DEADLINE, Ending, Entry, Event, FailureKind, Finish,
    Intent, KeyUsage, KnownKey, Note, Outcome, Plan, Question, Subject, Task, Timing,
};
use crate::secret::{AccessKeyPair, Secret};

const OLD: &str = "AKIAOLDOLDOLDOLDOLD2";
const NEW: &str = "AKIANEWNEWNEWNEWNEW2";

/// A log that is written by hand, an hour between any two entries.
struct Log {
    id: RotationId,
    entries: Vec<Entry>,
    now: Timestamp,
}

impl Log {
    fn begun() -> Self {
        Self::with(Timing::default())
    }

    fn with(timing: Timing) -> Self {
        Self::of(timing, Task::Replace)
    }

    /// A key is brought to its end, whose place that one took.
    fn finishing(successor: Option<AccessKeyId>) -> Self {
        let quiet_for = SignedDuration::from_hours(24 * 40);
        let finish = Finish { successor, others: BTreeSet::new(), quiet_for, brown_out: true };
        Self::of(Timing::default(), Task::Finish(finish))
    }

    fn of(timing: Timing, task: Task) -> Self {
        let now: Timestamp = "2026-11-01T08:00:00Z".parse().unwrap();
        let plan = Plan {
            subject: Subject {
                account_id: "111122223333".parse().unwrap(),
                user_name: "ci-deploy".parse().unwrap(),
                user_id: "AIDACKCEVSQ6C2EXAMPLE".parse().unwrap(),
            },
            old_key: key(OLD),
            old_key_last_used: used("2026-11-01T07:00:00Z"),
            destinations: vec![DestinationSpec::SecretsManager(SecretsManager::named("ci", None))],
            reason: "90 days old".into(),
            timing,
            checks: Vec::new(),
            task,
            limit_at: None,
            own_key: false,
            traits: None,
            approvals: Vec::new(),
        };
        let log = Self { id: "r-abcdefgh".parse().unwrap(), entries: Vec::new(), now };
        log.then(Event::Planned { plan: Box::new(plan) })
    }

    fn then(mut self, event: Event) -> Self {
        let version = self.entries.len() as u64 + 1;
        self.entries.push(Entry {
            version,
            at: self.now,
            event,
            hash: ChainHash::from_stored(String::new()),
        });
        self.now += SignedDuration::from_hours(1);
        self
    }

    fn does(self, intent: Intent, result: Outcome) -> Self {
        let deadline = self.now + EFFECT_DEADLINE;
        self.then(Event::Started { intent, by: "w".parse().unwrap(), deadline })
            .then(Event::Finished { result })
    }

    fn notes(self, note: Note) -> Self {
        self.then(Event::Noted { note })
    }

    fn published(self) -> Self {
        let pair = AccessKeyPair { id: key(NEW), secret: Secret::new("x".into()) };
        let created = Outcome::Created { key: key(NEW), fingerprint: pair.fingerprint() };
        let accepted =
            || Outcome::Accepted { account_id: "111122223333".parse().unwrap(), arn: "arn".into() };
        let mut log = self
            .does(Intent::Create { keys_before: [key(OLD)].into() }, created)
            .does(Intent::Stage { destination: 0, key: key(NEW) }, Outcome::Done)
            .notes(Note::Delivered);
        for _ in 0..3 {
            log = log.does(Intent::Probe { key: key(NEW) }, accepted());
        }
        log.does(Intent::Publish { destination: 0, key: key(NEW) }, Outcome::Done).notes(Note::Published)
    }

    fn ready(self) -> Self {
        let quiet_since = self.now;
        self.notes(Note::ReadyToDisable { quiet_since, adopted: "it was used".into() })
    }

    fn superseded(self) -> Self {
        let quiet_since = "2026-11-01T07:00:00Z".parse().unwrap();
        self.notes(Note::Superseded { quiet_since, evidence: "it was used".into() })
    }

    fn disabled(self) -> Self {
        self.does(Intent::Disable { key: key(OLD) }, Outcome::Done)
    }

    fn asks(self, question: Question) -> Self {
        self.then(Event::Asked { question })
    }

    fn story(&self) -> Story {
        Story::of(&self.id, &self.entries).unwrap()
    }

    fn kinds(&self) -> Vec<&'static str> {
        self.story().notices().iter().map(|notice| notice.kind.as_str()).collect()
    }
}

fn key(id: &str) -> AccessKeyId {
    id.parse().unwrap()
}

fn used(at: &str) -> LastUsed {
    LastUsed::At { at: at.parse().unwrap(), region: Some("eu-central-1".into()), service: Some("s3".into()) }
}

/// Notices as a mail shows them.
fn read(notices: &[Notice]) -> String {
    let texts = notices.iter().map(|notice| {
        let message = Message::new(vec![notice.clone()], Vec::new(), None, None).unwrap();
        format!("[{}] {}\n{}", notice.severity.as_str(), message.subject(), message.plain_text())
    });
    texts.collect::<Vec<_>>().join("\n")
}

#[test]
fn a_rotation_tells_what_happened_what_to_do_and_the_command() {
    let log = Log::begun().published().ready().disabled();
    insta::assert_snapshot!(read(log.story().notices()), @r"
    [info] ci-deploy: a new access key is on its way
    rotakey began to replace AKIAOLDOLDOLDOLDOLD2 in account 111122223333. Its successor goes to secrets-manager:ci.

    Why: 90 days old

    What to do: Nothing yet. Once the new key is in place, what uses the old one has to be restarted.

    User ci-deploy in account 111122223333, rotation r-abcdefgh, since 2026-11-01 08:00 UTC

    [warning] ci-deploy: the new access key is in place, restart what uses it
    AKIANEWNEWNEWNEWNEW2 is in place at secrets-manager:ci since 2026-11-01 22:00 UTC. AKIAOLDOLDOLDOLDOLD2 goes on working until it has been quiet for at least 1 day.

    What to do: Restart or redeploy every application that reads its key there, so that it takes AKIANEWNEWNEWNEWNEW2.
        rotakey rotate status

    User ci-deploy in account 111122223333, rotation r-abcdefgh, since 2026-11-01 22:00 UTC

    [warning] ci-deploy: the old access key is disabled
    AKIAOLDOLDOLDOLDOLD2 is disabled since 2026-11-02 01:00 UTC, and is deleted 7 days later. AKIANEWNEWNEWNEWNEW2 takes its place.

    What to do: If something fails now that worked before, have the old key back at once:
        rotakey rotate rollback r-abcdefgh --why '...'

    User ci-deploy in account 111122223333, rotation r-abcdefgh, since 2026-11-02 01:00 UTC
    ");
}

#[test]
fn every_turn_of_a_rotation_is_told_once() {
    let accepted = Outcome::Accepted { account_id: "111122223333".parse().unwrap(), arn: "arn".into() };
    let mut log = Log::begun().published().ready().disabled();
    log.now += SignedDuration::from_hours(7 * 24);
    let done = log
        .does(Intent::Probe { key: key(NEW) }, accepted)
        .does(Intent::Delete { key: key(OLD) }, Outcome::Done)
        .then(Event::Closed { ending: Ending::Rotated { new_key: key(NEW) } });
    assert_eq!(done.kinds(), ["begun", "published", "disabled", "deleted"]);
    let after = done.story();
    assert_eq!(after.notices()[3].new_key, Some(key(NEW)));

    let back = Log::begun().published().ready().disabled();
    let back = back.notes(Note::OldKeyUsed { last_used: used("2026-11-03T07:00:00Z") });
    let back = back.does(Intent::Enable { key: key(OLD) }, Outcome::Done);
    assert_eq!(back.kinds()[2..], ["disabled", "enabled-again"]);

    let again = Log::begun().published().ready();
    let again = again.notes(Note::OldKeyUsed { last_used: used("2026-11-03T07:00:00Z") });
    assert_eq!(again.kinds()[2..], ["used-again"]);

    let timing = Timing { brown_out: Some(SignedDuration::from_mins(30)), ..Timing::default() };
    assert_eq!(Log::with(timing).published().ready().disabled().kinds()[2..], ["rehearsal"]);

    let planned = Log::begun().then(Event::RollbackRequested { by: "ann".into(), why: "a freeze".into() });
    let planned = planned.then(Event::Closed { ending: Ending::RolledBack { why: "a freeze".into() } });
    assert_eq!(planned.kinds(), ["begun", "rolling-back", "rolled-back"]);
    let aborted = Log::begun()
        .then(Event::Closed { ending: Ending::Aborted { by: "ann".into(), why: "a freeze".into() } });
    assert_eq!(aborted.kinds(), ["begun", "aborted"]);
    assert!(aborted.story().notices()[1].why.as_deref().unwrap().contains("ann said: a freeze"));
}

#[test]
fn the_end_of_a_key_that_needs_no_successor_is_told_in_words_of_its_own() {
    let mut log = Log::finishing(Some(key(NEW))).superseded().disabled();
    log.now += SignedDuration::from_hours(7 * 24);
    let done = log
        .does(Intent::Delete { key: key(OLD) }, Outcome::Done)
        .then(Event::Closed { ending: Ending::Finished { key: key(OLD) } });
    insta::assert_snapshot!(read(done.story().notices()), @r"
    [info] ci-deploy: an access key that is not needed any more is to go
    rotakey is to disable AKIAOLDOLDOLDOLDOLD2 in account 111122223333, since AKIANEWNEWNEWNEWNEW2 took its place, and deletes it 7 days later.

    Why: 90 days old

    What to do: Nothing, unless something still needs this key. To keep it:
        rotakey rotate rollback r-abcdefgh --why '...'

    User ci-deploy in account 111122223333, rotation r-abcdefgh, since 2026-11-01 08:00 UTC

    [warning] ci-deploy: the old access key is disabled
    AKIAOLDOLDOLDOLDOLD2 is disabled since 2026-11-01 11:00 UTC, and is deleted 7 days later. AKIANEWNEWNEWNEWNEW2 takes its place.

    What to do: If something fails now that worked before, have the old key back at once:
        rotakey rotate rollback r-abcdefgh --why '...'

    User ci-deploy in account 111122223333, rotation r-abcdefgh, since 2026-11-01 11:00 UTC

    [info] ci-deploy: the access key that was not needed any more is deleted
    AKIAOLDOLDOLDOLDOLD2 in account 111122223333 is deleted. AKIANEWNEWNEWNEWNEW2 takes its place.

    What to do: Nothing.

    User ci-deploy in account 111122223333, rotation r-abcdefgh, since 2026-11-08 14:00 UTC
    ");
    assert!(done.story().notices().iter().all(|notice| notice.new_key == Some(key(NEW))));

    let inactive = Log::finishing(None);
    insta::assert_snapshot!(read(inactive.story().notices()), @r"
    [info] ci-deploy: an access key that is not needed any more is to go
    AKIAOLDOLDOLDOLDOLD2 in account 111122223333 is inactive. rotakey deletes it in 7 days, unless it is enabled or used until then.

    Why: 90 days old

    What to do: Nothing, unless something still needs this key. To keep it:
        rotakey rotate rollback r-abcdefgh --why '...'

    User ci-deploy in account 111122223333, rotation r-abcdefgh, since 2026-11-01 08:00 UTC
    ");

    let late = Log::finishing(Some(key(NEW))).superseded().disabled();
    let late = late.notes(Note::OldKeyUsed { last_used: used("2026-11-03T07:00:00Z") });
    let late = late.does(Intent::Enable { key: key(OLD) }, Outcome::Done);
    assert_eq!(late.kinds(), ["begun", "disabled", "enabled-again"]);

    let mut missed = Log::finishing(Some(key(NEW))).superseded().disabled();
    missed = missed.then(Event::Signalled { by: "ann".into(), what: "the shop is down".into() });
    let missed = missed.does(Intent::Enable { key: key(OLD) }, Outcome::Done);
    assert_eq!(missed.kinds(), ["begun", "disabled", "enabled-again"]);
    let story = missed.story();
    assert!(story.notices()[2].what.ends_with("ann says: the shop is down."), "{}", story.notices()[2].what);

    let kept = Log::finishing(Some(key(NEW))).superseded().disabled();
    let kept = kept.then(Event::RollbackRequested { by: "ann".into(), why: "a freeze".into() });
    let kept = kept.does(Intent::Enable { key: key(OLD) }, Outcome::Done);
    let kept = kept.then(Event::Closed { ending: Ending::RolledBack { why: "a freeze".into() } });
    assert_eq!(kept.kinds(), ["begun", "disabled", "rolling-back", "rolled-back"]);
    insta::assert_snapshot!(read(&kept.story().notices()[2..]), @r"
    [warning] ci-deploy: the access key is to stay
    rotakey is to leave AKIAOLDOLDOLDOLDOLD2 as it found it, and enables it again if it disabled it.

    Why: a freeze

    What to do: Nothing yet. You are told when it is done.

    User ci-deploy in account 111122223333, rotation r-abcdefgh, since 2026-11-01 12:00 UTC

    [info] ci-deploy: the access key stays
    AKIAOLDOLDOLDOLDOLD2 in account 111122223333 is as rotakey found it.

    Why: a freeze

    What to do: Nothing, unless the cause remains: the next `rotakey rotate apply` tries again.
        rotakey rotate log r-abcdefgh

    User ci-deploy in account 111122223333, rotation r-abcdefgh, since 2026-11-01 15:00 UTC
    ");
}

#[test]
fn a_question_opens_an_incident_that_its_answer_settles() {
    let log = Log::begun().published().asks(Question::NotAdopted { since: Timestamp::UNIX_EPOCH });
    let log = log.then(Event::Answered { answer: Answer::LookAgain, by: "ann".into() });
    let story = log.story();
    let [.., asks, settled] = story.notices() else { panic!() };
    let (opened, over) = (asks.incident.clone().unwrap(), settled.incident.clone().unwrap());
    assert_eq!((opened.state, over.state), (IncidentState::Open, IncidentState::Over));
    assert_eq!(opened.key, over.key);
    assert_eq!(asks.severity, Severity::Error);
    let resume = "rotakey rotate resume r-abcdefgh".to_owned();
    assert!(asks.commands.contains(&resume), "{:?}", asks.commands);
}

#[test]
fn a_step_that_fails_five_times_is_told_once_until_it_works() {
    let failed = || Outcome::Failed { kind: FailureKind::Ambiguous, message: "no answer\u{7}".into() };
    let disable = || Intent::Disable { key: key(OLD) };
    let mut log = Log::begun().published().ready().does(disable(), failed());
    for _ in 0..9 {
        log = log.does(disable(), failed());
    }
    assert_eq!(log.kinds()[2..], ["failing"]);
    let story = log.story();
    assert_eq!(story.notices()[2].why.as_deref(), Some("no answer"));
    assert_eq!(log.does(disable(), Outcome::Done).kinds()[2..], ["failing", "settled", "disabled"]);
}

#[test]
fn the_same_log_gives_the_same_ids_and_a_longer_one_the_same_and_more() {
    let log = Log::begun().published();
    let before: Vec<_> = log.story().notices().iter().map(|notice| notice.id.clone()).collect();
    let after: Vec<_> =
        log.ready().disabled().story().notices().iter().map(|notice| notice.id.clone()).collect();
    assert_eq!(before, after[..before.len()]);
    let unique: std::collections::BTreeSet<_> = after.iter().collect();
    assert_eq!(unique.len(), after.len());
}

#[test]
fn a_user_left_to_a_person_is_told_why_with_its_keys_and_what_to_do() {
    let left = Left {
        account_id: "111122223333".parse().unwrap(),
        user_name: "ci-deploy".parse().unwrap(),
        user_id: None,
        why: "an inactive key\u{7} takes the second place".into(),
        keys: vec![KnownKey {
            key: OLD.into(),
            status: KeyStatus::Inactive,
            created_at: None,
            last_used: Some(LastUsed::Never),
        }],
        advice: "delete the inactive key if nobody misses it".into(),
        since: "2026-11-01T08:00:00Z".parse().unwrap(),
        number: 2,
    };
    assert_eq!(left.notice().id.as_str(), "left/111122223333/ci-deploy/2/left");
    insta::assert_snapshot!(read(&[left.notice()]), @r"
    [warning] ci-deploy: a key is due, and only a person can say what to do
    rotakey leaves the keys of ci-deploy in account 111122223333 alone. Its keys: AKIAOLDOLDOLDOLDOLD2 Inactive, never used.

    Why: an inactive key  takes the second place

    What to do: Delete the inactive key if nobody misses it.
        rotakey rotate plan --user ci-deploy

    User ci-deploy in account 111122223333, since 2026-11-01 08:00 UTC
    ");
    let root = Left { user_name: Principal::Root, ..left };
    assert_eq!(root.notice().commands, ["rotakey rotate plan"]);
}

const EVERY: SignedDuration = SignedDuration::from_hours(72);

/// What somebody is reminded of so long after the log ends.
fn reminded(log: &Log, hours: i64, old: Seen<LastUsed>, new: Seen<LastUsed>) -> Option<Notice> {
    let story = log.story();
    let need = story.need(EVERY, log.now + SignedDuration::from_hours(hours))?;
    need.reminder(&Evidence { old_key: old, new_key: new })
}

fn known(at: &str) -> Seen<LastUsed> {
    Seen::Known(used(at))
}

#[test]
fn reminders_come_only_while_the_evidence_says_that_something_is_to_be_done() {
    let log = Log::begun().published();
    let before = || known("2026-11-01T07:00:00Z");
    let unused = || Seen::Known(LastUsed::Never);
    assert_eq!(reminded(&log, 70, before(), unused()), None, "it is too early");
    let first = reminded(&log, 73, before(), unused()).unwrap();
    assert!(first.title.contains("no application uses the new access key yet"), "{}", first.title);
    let second = reminded(&log, 150, before(), unused()).unwrap();
    assert_ne!(first.id, second.id);
    assert_eq!(first.id, reminded(&log, 100, before(), unused()).unwrap().id, "not twice");

    let adopted = reminded(&log, 73, before(), known("2026-11-03T07:00:00Z"));
    assert_eq!(adopted, None, "the new key is used, the old one is not");
    let still = reminded(&log, 73, known("2026-11-03T07:00:00Z"), known("2026-11-03T07:00:00Z")).unwrap();
    assert!(still.what.contains("was used at 2026-11-03 07:00 UTC (s3, eu-central-1)"), "{}", still.what);
    assert_eq!(reminded(&log, 73, unused(), unused()).map(|notice| notice.kind), Some(NoticeKind::Reminder));

    let unknown = || Seen::Unknown("throttled".to_owned());
    for (old, new) in [(unknown(), unused()), (before(), unknown())] {
        let notice = reminded(&log, 73, old, new).unwrap();
        assert!(notice.title.contains("it is not known"), "{}", notice.title);
        assert_eq!(notice.why.as_deref(), Some("throttled"));
    }
    let over = log.ready().disabled();
    assert_eq!(reminded(&over, 1_000, before(), unused()), None);
}

/// The log with a look at who uses the keys, on 2026-11-03 at 10:00: each with its last use.
fn looked(log: Log, old: &[(&str, &str)], new: &[(&str, &str)], incomplete: Option<&str>) -> Log {
    let at = "2026-11-03T10:00:00Z".parse().unwrap();
    let usage = |uses: &[(&str, &str)]| {
        let consumers = uses.iter().map(|(source, at)| ConsumerUse {
            consumer: Consumer {
                source: (*source).to_owned(),
                agent: "aws-cli".to_owned(),
                service: "s3".to_owned(),
                region: "eu-west-1".to_owned(),
            },
            first_at: at.parse().unwrap(),
            last_at: at.parse().unwrap(),
            calls: 1,
            longest_gap: SignedDuration::ZERO,
        });
        Box::new(KeyUsage {
            consumers: consumers.collect(),
            incomplete: incomplete.map(str::to_owned),
            ..KeyUsage::none("2026-08-01T00:00:00Z".parse().unwrap(), at)
        })
    };
    Log { now: at, ..log }.notes(Note::UsageSeen { old: usage(old), new: usage(new) })
}

#[test]
fn a_reminder_names_who_still_uses_the_old_key() {
    let batch = ("10.1.0.0/24", "2026-11-03T07:00:00Z");
    let before = ("10.9.0.0/24", "2026-11-01T07:00:00Z");
    let log = looked(Log::begun().published(), &[batch, before], &[], Some("no data events"));
    let unknown = || Seen::Unknown("throttled".to_owned());
    let notice = reminded(&log, 73, unknown(), unknown()).unwrap();
    insta::assert_snapshot!(read(&[notice]), @r"
    [warning] ci-deploy: an application still uses the old access key
    AKIAOLDOLDOLDOLDOLD2 is still used by: 10.1.0.0/24, aws-cli, s3 in eu-west-1 (last seen on it at 2026-11-03 07:00 UTC). The new key is in place since 2026-11-01 22:00 UTC.

    What to do: Restart or redeploy what still has AKIAOLDOLDOLDOLDOLD2. If nothing needs the key any more, tell rotakey so when it asks.
        rotakey rotate status
        rotakey trail consumers AKIAOLDOLDOLDOLDOLD2

    User ci-deploy in account 111122223333, rotation r-abcdefgh, since 2026-11-01 22:00 UTC
    ");
}

#[test]
fn a_use_of_the_old_key_by_who_has_moved_since_is_no_reason_to_remind() {
    let (old, new) = ([("10.1.0.0/24", "2026-11-03T07:00:00Z")], [("10.1.0.0/24", "2026-11-03T08:00:00Z")]);
    let use_of = |at| (known(at), known("2026-11-03T08:00:00Z"));
    let reminds = |log: &Log, (old, new)| reminded(log, 73, old, new).map(|notice| notice.what);
    let all = looked(Log::begun().published(), &old, &new, None);
    assert_eq!(reminds(&all, use_of("2026-11-03T07:00:00Z")), None, "it has moved");

    let later = reminds(&all, use_of("2026-11-03T11:00:00Z")).unwrap();
    assert!(later.contains("was used at 2026-11-03 11:00 UTC"), "nobody has looked since: {later}");
    let other = reminds(&all, use_of("2026-11-03T09:00:00Z")).unwrap();
    assert!(other.contains("was used at 2026-11-03 09:00 UTC"), "not by anybody that is known: {other}");
    let some = looked(Log::begun().published(), &old, &new, Some("no data events"));
    let perhaps = reminds(&some, use_of("2026-11-03T07:00:00Z")).unwrap();
    assert!(perhaps.contains("was used at 2026-11-03 07:00 UTC"), "others may have used it too: {perhaps}");
}

#[test]
fn whoever_was_vouched_for_is_reminded_of_again_only_if_it_uses_the_old_key_after_that() {
    let log = Log { now: "2026-11-02T12:00:00Z".parse().unwrap(), ..Log::begun().published() };
    let log = log.asks(Question::NotAdopted { since: Timestamp::UNIX_EPOCH });
    let vouched = log.then(Event::Answered { answer: Answer::Vouch, by: "ann".into() });
    let unused = || Seen::Known(LastUsed::Never);
    assert_eq!(reminded(&vouched, 100, known("2026-11-02T11:00:00Z"), unused()), None);
    assert!(reminded(&vouched, 100, known("2026-11-02T14:00:00Z"), unused()).is_some());
}

#[test]
fn a_probe_of_rotakeys_own_is_no_use_of_the_new_key() {
    let log = Log::begun().published();
    // The last probe ended five hours before the log does.
    let probed = Seen::Known(LastUsed::At {
        at: log.now - SignedDuration::from_hours(4),
        region: None,
        service: Some("sts".into()),
    });
    assert!(reminded(&log, 73, known("2026-11-01T07:00:00Z"), probed).is_some());
}

#[test]
fn an_open_question_is_reminded_of_without_any_evidence_and_in_its_own_incident() {
    let log = Log::begun().published().asks(Question::NotAdopted { since: Timestamp::UNIX_EPOCH });
    let unknown = || Seen::Unknown("not looked at".to_owned());
    let notice = reminded(&log, 73, unknown(), unknown()).unwrap();
    let story = log.story();
    assert_eq!(notice.incident, story.notices().last().unwrap().incident);
    assert!(!story.need(EVERY, log.now + EVERY).unwrap().needs_evidence());
    let answered = log.then(Event::Answered { answer: Answer::Vouch, by: "ann".into() });
    assert_eq!(reminded(&answered, 100, unknown(), unknown()), None, "somebody vouched");
}
