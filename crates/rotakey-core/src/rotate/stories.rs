//! Stories of rotations: a script in, a transcript out. The world here obeys at once and tells the truth;
//! the simulated AWS, with its delays and faults, is used in the simulation of the whole engine.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;

use jiff::{SignedDuration, Timestamp};

use super::*;
use crate::fact::{KeyFacts, KeyStatus, LastUsed, Seen};
use crate::id::AccessKeyId;
use crate::secret::Fingerprint;

const OLD: &str = "AKIAOLDOLDOLDOLDOLD2";
const NEW: &str = "AKIANEWNEWNEWNEWNEW2";
const USER_ID: &str = "AIDAALICEALICEALICE2";

/// A world of one user with one destination, and a rotation in it.
struct Story {
    begun: Timestamp,
    now: Timestamp,
    rotation: Rotation,
    user: Seen<Option<crate::id::UserId>>,
    keys: BTreeMap<AccessKeyId, KeyFacts>,
    last_used: BTreeMap<AccessKeyId, LastUsed>,
    slots: HeldSlots,
    in_hand: BTreeSet<AccessKeyId>,
    preflight: Preflight,
    refusals: BTreeMap<&'static str, u32>,
    blind: bool,
    created: u32,
    transcript: String,
}

fn key(text: &str) -> AccessKeyId {
    text.parse().unwrap()
}

fn fingerprint(key: &AccessKeyId) -> Fingerprint {
    serde_json::from_value(format!("fingerprint of {key}").into()).unwrap()
}

fn held(key: &AccessKeyId) -> Held {
    Held { key: key.clone(), fingerprint: fingerprint(key) }
}

/// A rotation of a key that was last used an hour before it begins.
fn story() -> Story {
    story_with(Timing::default(), Some(SignedDuration::from_hours(1)))
}

fn story_with(timing: Timing, last_use_before: Option<SignedDuration>) -> Story {
    let begun: Timestamp = "2026-01-01T00:00:00Z".parse().unwrap();
    let last_used = match last_use_before {
        None => LastUsed::Never,
        Some(before) => LastUsed::At {
            at: begun - before,
            region: Some("eu-west-1".to_owned()),
            service: Some("s3".to_owned()),
        },
    };
    let plan = Plan {
        subject: Subject {
            account_id: "123456789012".parse().unwrap(),
            user_name: "alice".parse().unwrap(),
            user_id: USER_ID.parse().unwrap(),
        },
        old_key: key(OLD),
        old_key_last_used: last_used.clone(),
        destinations: vec![crate::destination::DestinationSpec::SecretsManager {
            name: "alice".to_owned(),
            region: None,
        }],
        reason: "for the story".to_owned(),
        timing,
    };
    let old = KeyFacts {
        id: key(OLD),
        status: KeyStatus::Active,
        created_at: begun - SignedDuration::from_hours(9999),
    };
    Story {
        begun,
        now: begun,
        rotation: Rotation::begin(plan.rotation_id(begun), plan, begun),
        user: Seen::Known(Some(USER_ID.parse().unwrap())),
        keys: BTreeMap::from([(key(OLD), old)]),
        last_used: BTreeMap::from([(key(OLD), last_used)]),
        slots: HeldSlots { current: Some(held(&key(OLD))), ..HeldSlots::default() },
        in_hand: BTreeSet::new(),
        preflight: Preflight::Ready,
        refusals: BTreeMap::new(),
        blind: false,
        created: 0,
        transcript: String::new(),
    }
}

impl Story {
    fn say(&mut self, line: &str) {
        let since = self.now.duration_since(self.begun);
        let (days, hours) = (since.as_hours() / 24, since.as_hours() % 24);
        let (minutes, seconds) = (since.as_mins() % 60, since.as_secs() % 60);
        writeln!(self.transcript, "day {days} {hours:02}:{minutes:02}:{seconds:02}  {line}").unwrap();
    }

    fn observe(&self) -> Observed {
        let mut in_hand = self.in_hand.clone();
        let slots = [&self.slots.pending, &self.slots.current, &self.slots.previous];
        in_hand.extend(slots.into_iter().flatten().map(|held| held.key.clone()));
        let keys = self.keys.values().cloned().collect();
        Observed {
            user: self.user.clone(),
            keys: if self.blind { Seen::Unknown("throttled".to_owned()) } else { Seen::Known(keys) },
            last_used: self
                .keys
                .keys()
                .map(|key| {
                    (key.clone(), Seen::Known(self.last_used.get(key).cloned().unwrap_or(LastUsed::Never)))
                })
                .collect(),
            destinations: vec![Seen::Known(self.slots.clone())],
            preflight: vec![self.preflight.clone()],
            in_hand,
        }
    }

    fn append(&mut self, event: &Event) {
        self.rotation = self.rotation.clone().apply(event, self.now).unwrap();
    }

    fn start(&mut self, intent: &Intent) {
        let deadline = self.now + EFFECT_DEADLINE;
        self.append(&Event::Started { intent: intent.clone(), by: "w".parse().unwrap(), deadline });
    }

    /// Steps until the rotation waits for more than a minute, asks, or ends.
    fn run(mut self) -> Self {
        for _ in 0..100 {
            match self.rotation.next(&self.observe(), self.now) {
                Next::Do(effect) => {
                    let intent = effect.intent().clone();
                    self.start(&intent);
                    let result = self.perform(&intent);
                    let line = format!("{}: {result}", intent.describe(self.rotation.plan()));
                    self.say(&line);
                    self.append(&Event::Finished { result });
                    self.now += SignedDuration::from_secs(1);
                }
                Next::Record(event) => {
                    let line = match &event {
                        Event::Noted { note } => format!("note: {note:?}"),
                        Event::Closed { ending } => format!("closed: {ending:?}"),
                        Event::RollbackRequested { why, .. } => format!("roll back: {why}"),
                        other => format!("{other:?}"),
                    };
                    self.say(&line);
                    self.append(&event);
                }
                Next::Wait { until, .. }
                    if until <= self.now + SignedDuration::from_mins(1) && !self.blind =>
                {
                    self.now = until;
                }
                Next::Wait { until, why } => {
                    let hours = until.duration_since(self.now).as_secs_f64() / 3600.0;
                    self.say(&format!("wait {hours:.2} h: {why}"));
                    return self;
                }
                Next::Ask(question) => {
                    self.say(&format!("ask: {question}"));
                    if self.rotation.question().is_none() {
                        self.append(&Event::Asked { question });
                    }
                    return self;
                }
                Next::Done(ending) => {
                    self.say(&format!("done: {ending:?}"));
                    return self;
                }
            }
        }
        panic!("going round in circles:\n{}", self.transcript);
    }

    fn perform(&mut self, intent: &Intent) -> Outcome {
        if let Some(left) = self.refusals.get_mut(refusal_name(intent))
            && *left > 0
        {
            *left -= 1;
            return Outcome::Failed { kind: FailureKind::Denied, message: "no".to_owned() };
        }
        match intent {
            Intent::Create { .. } => {
                let key = self.create();
                self.in_hand.insert(key.clone());
                return Outcome::Created { fingerprint: fingerprint(&key), key };
            }
            Intent::Stage { key, .. } => self.slots.pending = Some(held(key)),
            Intent::Publish { key, .. } => {
                self.slots.previous = self.slots.current.replace(held(key));
                self.slots.pending = None;
            }
            Intent::Restore { key, .. } => {
                self.slots.previous = self.slots.current.replace(held(key));
            }
            Intent::Forget { key, .. } => {
                self.slots.pending.take_if(|held| held.key == *key);
                self.slots.previous.take_if(|held| held.key == *key);
            }
            Intent::Probe { key } => {
                if self.keys[key].status == KeyStatus::Inactive {
                    return Outcome::Failed {
                        kind: FailureKind::Credentials,
                        message: "InvalidClientTokenId".to_owned(),
                    };
                }
                self.use_key(&key.clone(), "sts");
                return Outcome::Accepted {
                    account_id: self.rotation.plan().subject.account_id,
                    arn: "arn:aws:iam::123456789012:user/alice".to_owned(),
                };
            }
            Intent::Disable { key } => self.keys.get_mut(key).unwrap().status = KeyStatus::Inactive,
            Intent::Enable { key } => self.keys.get_mut(key).unwrap().status = KeyStatus::Active,
            Intent::Delete { key } => drop(self.keys.remove(key)),
        }
        Outcome::Done
    }

    fn create(&mut self) -> AccessKeyId {
        let key = key(&NEW.replace('2', &(2 + self.created).to_string()));
        self.created += 1;
        let facts = KeyFacts { id: key.clone(), status: KeyStatus::Active, created_at: self.now };
        self.keys.insert(key.clone(), facts);
        key
    }

    fn use_key(&mut self, key: &AccessKeyId, service: &str) {
        let at = LastUsed::At { at: self.now, region: None, service: Some(service.to_owned()) };
        self.last_used.insert(key.clone(), at);
    }

    fn used(mut self, key_id: &str) -> Self {
        self.say(&format!("(an application uses {key_id})"));
        self.use_key(&key(key_id), "s3");
        self
    }

    fn hours(mut self, hours: i64) -> Self {
        self.now += SignedDuration::from_hours(hours);
        self
    }

    /// The worker dies after it logged the start of its next effect; the effect is done or not.
    fn crash(mut self, done: bool) -> Self {
        let Next::Do(effect) = self.rotation.next(&self.observe(), self.now) else {
            panic!("nothing to crash in:\n{}", self.transcript)
        };
        let intent = effect.intent().clone();
        self.start(&intent);
        let line = intent.describe(self.rotation.plan());
        self.say(&format!("{line}: the worker dies {} it", if done { "after" } else { "before" }));
        if done {
            let _lost_answer = self.perform(&intent);
        }
        self.in_hand.clear();
        self
    }

    fn edit(mut self, edit: impl FnOnce(&mut Self)) -> Self {
        edit(&mut self);
        self
    }

    fn tell(mut self, event: Event) -> Self {
        self.append(&event);
        self
    }

    #[track_caller]
    fn reads(self, expected: &str) {
        let lines = expected.lines().map(str::trim_start).filter(|line| !line.is_empty());
        let expected: String = lines.map(|line| format!("{line}\n")).collect();
        assert_eq!(self.transcript, expected, "the transcript is:\n{}", self.transcript);
    }
}

fn refusal_name(intent: &Intent) -> &'static str {
    match intent {
        Intent::Create { .. } => "create",
        Intent::Disable { .. } => "disable",
        Intent::Enable { .. } => "enable",
        _ => "other",
    }
}

fn rollback() -> Event {
    Event::RollbackRequested { by: "bob".to_owned(), why: "it broke".to_owned() }
}

fn look_again() -> Event {
    Event::Answered { answer: Answer::LookAgain, by: "bob".to_owned() }
}

/// Up to the point at which the old key is quiet and the new one adopted.
fn adopted() -> Story {
    story().run().hours(1).used(NEW).hours(28).run()
}

#[test]
fn a_key_is_created_delivered_verified_adopted_disabled_watched_and_only_then_deleted() {
    story().run().hours(1).used(NEW).run().hours(28).run().hours(7 * 24).run().reads(
        "
         day 0 00:00:00  create a new access key for alice: created AKIANEWNEWNEWNEWNEW2
         day 0 00:00:01  stage AKIANEWNEWNEWNEWNEW2 at secrets-manager:alice: done
         day 0 00:00:02  note: Delivered
         day 0 00:00:02  ask AWS whether AKIANEWNEWNEWNEWNEW2 works: accepted as arn:aws:iam::123456789012:user/alice
         day 0 00:00:07  ask AWS whether AKIANEWNEWNEWNEWNEW2 works: accepted as arn:aws:iam::123456789012:user/alice
         day 0 00:00:12  ask AWS whether AKIANEWNEWNEWNEWNEW2 works: accepted as arn:aws:iam::123456789012:user/alice
         day 0 00:01:02  publish AKIANEWNEWNEWNEWNEW2 at secrets-manager:alice: done
         day 0 00:01:03  note: Published
         day 0 00:01:03  wait 1.00 h: no application has used the new key yet
         day 0 01:01:03  (an application uses AKIANEWNEWNEWNEWNEW2)
         day 0 01:01:03  wait 27.00 h: the old key must stay quiet for 1 d
         day 1 05:01:03  note: ReadyToDisable { quiet_since: 2026-01-01T00:01:03Z, adopted: \"the new key was used at 2026-01-01T01:01:03Z (s3)\" }
         day 1 05:01:03  disable AKIAOLDOLDOLDOLDOLD2: done
         day 1 05:01:04  wait 168.00 h: the old key is disabled and watched before it is deleted
         day 8 05:01:04  ask AWS whether AKIANEWNEWNEWNEWNEW2 works: accepted as arn:aws:iam::123456789012:user/alice
         day 8 05:01:05  delete AKIAOLDOLDOLDOLDOLD2: done
         day 8 05:01:06  remove AKIAOLDOLDOLDOLDOLD2 from secrets-manager:alice: done
         day 8 05:01:07  closed: Rotated { new_key: AKIANEWNEWNEWNEWNEW2 }
         day 8 05:01:07  done: Rotated { new_key: AKIANEWNEWNEWNEWNEW2 }
        ",
    );
}

#[test]
fn a_key_whose_create_died_unanswered_is_found_disabled_and_deleted_and_another_made() {
    story()
        .crash(true)
        .run()
        .edit(|story| story.now += EFFECT_DEADLINE)
        .run()
        .hours(1)
        .run()
        .hours(24)
        .run()
        .reads(
        "
         day 0 00:00:00  create a new access key for alice: the worker dies after it
         day 0 00:00:00  wait 0.03 h: create a new access key for alice is under way (w) or was cut off; it is over at the latest by then
         day 0 00:02:00  Finished { result: Unknown }
         day 0 00:02:00  wait 0.08 h: the answer to CreateAccessKey was lost; IAM's answers settle until then
         day 0 01:02:00  note: OrphanFound { key: AKIANEWNEWNEWNEWNEW2 }
         day 0 01:02:00  disable AKIANEWNEWNEWNEWNEW2: done
         day 0 01:02:01  wait 24.00 h: a key whose secret was lost rests before it is deleted
         day 1 01:02:01  delete AKIANEWNEWNEWNEWNEW2: done
         day 1 01:02:02  create a new access key for alice: created AKIANEWNEWNEWNEWNEW3
         day 1 01:02:03  stage AKIANEWNEWNEWNEWNEW3 at secrets-manager:alice: done
         day 1 01:02:04  note: Delivered
         day 1 01:02:04  ask AWS whether AKIANEWNEWNEWNEWNEW3 works: accepted as arn:aws:iam::123456789012:user/alice
         day 1 01:02:09  ask AWS whether AKIANEWNEWNEWNEWNEW3 works: accepted as arn:aws:iam::123456789012:user/alice
         day 1 01:02:14  ask AWS whether AKIANEWNEWNEWNEWNEW3 works: accepted as arn:aws:iam::123456789012:user/alice
         day 1 01:03:04  publish AKIANEWNEWNEWNEWNEW3 at secrets-manager:alice: done
         day 1 01:03:05  note: Published
         day 1 01:03:05  wait 1.00 h: no application has used the new key yet
        ",
    );
}

#[test]
fn a_create_that_died_before_it_was_sent_is_simply_sent_again() {
    story().crash(false).hours(1).run().reads(
        "
         day 0 00:00:00  create a new access key for alice: the worker dies before it
         day 0 01:00:00  Finished { result: Unknown }
         day 0 01:00:00  note: NothingCreated
         day 0 01:00:00  create a new access key for alice: created AKIANEWNEWNEWNEWNEW2
         day 0 01:00:01  stage AKIANEWNEWNEWNEWNEW2 at secrets-manager:alice: done
         day 0 01:00:02  note: Delivered
         day 0 01:00:02  ask AWS whether AKIANEWNEWNEWNEWNEW2 works: accepted as arn:aws:iam::123456789012:user/alice
         day 0 01:00:07  ask AWS whether AKIANEWNEWNEWNEWNEW2 works: accepted as arn:aws:iam::123456789012:user/alice
         day 0 01:00:12  ask AWS whether AKIANEWNEWNEWNEWNEW2 works: accepted as arn:aws:iam::123456789012:user/alice
         day 0 01:01:02  publish AKIANEWNEWNEWNEWNEW2 at secrets-manager:alice: done
         day 0 01:01:03  note: Published
         day 0 01:01:03  wait 1.00 h: no application has used the new key yet
        ",
    );
}

#[test]
fn a_secret_lost_between_create_and_staging_costs_the_key_not_the_application() {
    let mut story = story();
    let Next::Do(effect) = story.rotation.next(&story.observe(), story.now) else { panic!() };
    let create = effect.intent().clone();
    story.start(&create);
    let result = story.perform(&create);
    story.append(&Event::Finished { result });
    story.in_hand.clear();
    story.run().reads(
        "
         day 0 00:00:00  note: SecretLost { key: AKIANEWNEWNEWNEWNEW2 }
         day 0 00:00:00  disable AKIANEWNEWNEWNEWNEW2: done
         day 0 00:00:01  wait 24.00 h: a key whose secret was lost rests before it is deleted
        ",
    );
}

#[test]
fn a_worker_that_dies_after_staging_finds_the_secret_at_the_destination() {
    let mut story = story();
    for _ in 0..1 {
        let Next::Do(effect) = story.rotation.next(&story.observe(), story.now) else { panic!() };
        let intent = effect.intent().clone();
        story.start(&intent);
        let result = story.perform(&intent);
        story.append(&Event::Finished { result });
    }
    story.crash(true).hours(1).run().reads(
        "
         day 0 00:00:00  stage AKIANEWNEWNEWNEWNEW2 at secrets-manager:alice: the worker dies after it
         day 0 01:00:00  Finished { result: Unknown }
         day 0 01:00:00  note: Delivered
         day 0 01:00:00  ask AWS whether AKIANEWNEWNEWNEWNEW2 works: accepted as arn:aws:iam::123456789012:user/alice
         day 0 01:00:05  ask AWS whether AKIANEWNEWNEWNEWNEW2 works: accepted as arn:aws:iam::123456789012:user/alice
         day 0 01:00:10  ask AWS whether AKIANEWNEWNEWNEWNEW2 works: accepted as arn:aws:iam::123456789012:user/alice
         day 0 01:01:00  publish AKIANEWNEWNEWNEWNEW2 at secrets-manager:alice: done
         day 0 01:01:01  note: Published
         day 0 01:01:01  wait 1.00 h: no application has used the new key yet
        ",
    );
}

#[test]
fn a_foreign_key_that_appears_during_a_create_is_not_taken_for_ours_once_it_was_used() {
    story().crash(true).hours(1).used(NEW).run().reads(
        "
         day 0 00:00:00  create a new access key for alice: the worker dies after it
         day 0 01:00:00  (an application uses AKIANEWNEWNEWNEWNEW2)
         day 0 01:00:00  Finished { result: Unknown }
         day 0 01:00:00  ask: the user has keys that this rotation does not know: AKIANEWNEWNEWNEWNEW2 (Active, created 2026-01-01T00:00:00Z)
        ",
    );
}

#[test]
fn a_foreign_key_stops_the_rotation_and_asks() {
    adopted()
        .edit(|story| {
            let id = key("AKIAFOREIGNFOREIGN22");
            let facts = KeyFacts { id: id.clone(), status: KeyStatus::Active, created_at: story.now };
            story.keys.insert(id, facts);
            story.transcript.clear();
        })
        .run()
        .run()
        .reads(
        "
         day 1 05:01:04  ask: the user has keys that this rotation does not know: AKIAFOREIGNFOREIGN22 (Active, created 2026-01-02T05:01:04Z)
         day 1 05:01:04  ask: the user has keys that this rotation does not know: AKIAFOREIGNFOREIGN22 (Active, created 2026-01-02T05:01:04Z)
        ",
    );
}

#[test]
fn a_failed_look_is_never_permission() {
    adopted()
        .edit(|story| {
            story.transcript.clear();
            story.blind = true;
            story.now += SignedDuration::from_hours(24 * 30);
        })
        .run()
        .reads(
            "
         day 31 05:01:04  wait 0.02 h: throttled
        ",
        );
}

#[test]
fn an_old_key_that_is_still_used_is_waited_for_and_then_asked_about() {
    let mut story = story().run().edit(|story| story.transcript.clear());
    for _ in 0..15 {
        story = story.hours(24).used(NEW).used(OLD).edit(|story| story.transcript.clear()).run();
    }
    story.reads(
        "
         day 15 00:01:03  ask: AKIAOLDOLDOLDOLDOLD2 is still used: last at 2026-01-15T00:01:03Z, service s3, region unknown
        ",
    );
}

#[test]
fn a_new_key_that_nobody_uses_is_not_taken_for_adopted_until_somebody_vouches() {
    story()
        .run()
        .edit(|story| story.transcript.clear())
        .hours(14 * 24)
        .run()
        .tell(Event::Answered { answer: Answer::Vouch, by: "bob".to_owned() })
        .run()
        .reads(
        "
         day 14 00:01:03  ask: the old key is quiet, but nobody has used the new one since 2026-01-01T00:01:03Z
         day 14 00:01:03  note: ReadyToDisable { quiet_since: 2026-01-01T00:01:03Z, adopted: \"bob vouched for it\" }
         day 14 00:01:03  disable AKIAOLDOLDOLDOLDOLD2: done
         day 14 00:01:04  wait 168.00 h: the old key is disabled and watched before it is deleted
        ",
    );
}

#[test]
fn a_key_that_was_silent_for_twenty_days_is_waited_for_twenty_days() {
    story_with(Timing::default(), Some(SignedDuration::from_hours(24 * 20)))
        .run()
        .edit(|story| story.transcript.clear())
        .hours(24)
        .used(NEW)
        .run()
        .hours(24 * 20)
        .run()
        .reads(
        "
         day 1 00:01:03  (an application uses AKIANEWNEWNEWNEWNEW2)
         day 1 00:01:03  wait 460.02 h: the old key must stay quiet for 20 d
         day 21 00:01:03  note: ReadyToDisable { quiet_since: 2026-01-01T00:01:03Z, adopted: \"the new key was used at 2026-01-02T00:01:03Z (s3)\" }
         day 21 00:01:03  disable AKIAOLDOLDOLDOLDOLD2: done
         day 21 00:01:04  wait 168.00 h: the old key is disabled and watched before it is deleted
        ",
    );
}

#[test]
fn a_key_that_was_never_used_needs_nobody_to_adopt_it() {
    story_with(Timing::default(), None).run().hours(28).run().reads(
        "
         day 0 00:00:00  create a new access key for alice: created AKIANEWNEWNEWNEWNEW2
         day 0 00:00:01  stage AKIANEWNEWNEWNEWNEW2 at secrets-manager:alice: done
         day 0 00:00:02  note: Delivered
         day 0 00:00:02  ask AWS whether AKIANEWNEWNEWNEWNEW2 works: accepted as arn:aws:iam::123456789012:user/alice
         day 0 00:00:07  ask AWS whether AKIANEWNEWNEWNEWNEW2 works: accepted as arn:aws:iam::123456789012:user/alice
         day 0 00:00:12  ask AWS whether AKIANEWNEWNEWNEWNEW2 works: accepted as arn:aws:iam::123456789012:user/alice
         day 0 00:01:02  publish AKIANEWNEWNEWNEWNEW2 at secrets-manager:alice: done
         day 0 00:01:03  note: Published
         day 0 00:01:03  wait 28.00 h: the old key must stay quiet for 1 d
         day 1 04:01:03  note: ReadyToDisable { quiet_since: 2026-01-01T00:01:03Z, adopted: \"the old key was never used\" }
         day 1 04:01:03  disable AKIAOLDOLDOLDOLDOLD2: done
         day 1 04:01:04  wait 168.00 h: the old key is disabled and watched before it is deleted
        ",
    );
}

#[test]
fn a_use_that_shows_late_enables_the_old_key_again() {
    adopted()
        .edit(|story| story.transcript.clear())
        .edit(|story| {
            let before_the_disable = LastUsed::At {
                at: story.now - SignedDuration::from_hours(3),
                region: None,
                service: Some("s3".to_owned()),
            };
            story.last_used.insert(key(OLD), before_the_disable);
        })
        .hours(2)
        .run()
        .reads(
        "
         day 1 07:01:04  note: OldKeyUsed { last_used: At { at: 2026-01-02T02:01:04Z, region: None, service: Some(\"s3\") } }
         day 1 07:01:04  enable AKIAOLDOLDOLDOLDOLD2 again: done
         day 1 07:01:05  wait 26.02 h: the old key must stay quiet for 1 d 3 h
        ",
    );
}

#[test]
fn a_brown_out_names_the_application_that_was_forgotten() {
    let timing = Timing { brown_out: Some(SignedDuration::from_mins(30)), ..Timing::default() };
    story_with(timing, Some(SignedDuration::from_hours(1)))
        .run()
        .hours(1)
        .used(NEW)
        .hours(28)
        .edit(|story| story.transcript.clear())
        .run()
        .hours(1)
        .run()
        .used(OLD)
        .run()
        .reads(
        "
         day 1 05:01:03  note: ReadyToDisable { quiet_since: 2026-01-01T00:01:03Z, adopted: \"the new key was used at 2026-01-01T01:01:03Z (s3)\" }
         day 1 05:01:03  disable AKIAOLDOLDOLDOLDOLD2: done
         day 1 05:01:04  wait 0.50 h: the old key is disabled for a rehearsal
         day 1 06:01:04  enable AKIAOLDOLDOLDOLDOLD2 again: done
         day 1 06:01:05  wait 28.00 h: after the rehearsal, the old key must not be used again
         day 1 06:01:05  (an application uses AKIAOLDOLDOLDOLDOLD2)
         day 1 06:01:05  note: OldKeyUsed { last_used: At { at: 2026-01-02T06:01:05Z, region: None, service: Some(\"s3\") } }
         day 1 06:01:05  wait 35.02 h: the old key must stay quiet for 1 d 7 h
        ",
    );
}

#[test]
fn a_rollback_after_the_disable_brings_the_old_key_back_before_the_new_one_goes() {
    adopted()
        .edit(|story| story.transcript.clear())
        .tell(rollback())
        .run()
        .hours(28)
        .run()
        .hours(24)
        .run()
        .reads(
        "
         day 1 05:01:04  note: RollingBack
         day 1 05:01:04  enable AKIAOLDOLDOLDOLDOLD2 again: done
         day 1 05:01:05  ask AWS whether AKIAOLDOLDOLDOLDOLD2 works: accepted as arn:aws:iam::123456789012:user/alice
         day 1 05:01:10  ask AWS whether AKIAOLDOLDOLDOLDOLD2 works: accepted as arn:aws:iam::123456789012:user/alice
         day 1 05:01:15  ask AWS whether AKIAOLDOLDOLDOLDOLD2 works: accepted as arn:aws:iam::123456789012:user/alice
         day 1 05:02:04  restore AKIAOLDOLDOLDOLDOLD2 at secrets-manager:alice: done
         day 1 05:02:05  note: Restored
         day 1 05:02:05  wait 28.00 h: applications that already had the new key are to read the old one again
         day 2 09:02:05  disable AKIANEWNEWNEWNEWNEW2: done
         day 2 09:02:06  wait 24.00 h: the new key is disabled and rests before it is deleted
         day 3 09:02:06  delete AKIANEWNEWNEWNEWNEW2: done
         day 3 09:02:07  remove AKIANEWNEWNEWNEWNEW2 from secrets-manager:alice: done
         day 3 09:02:08  closed: RolledBack { why: \"it broke\" }
         day 3 09:02:08  done: RolledBack { why: \"it broke\" }
        ",
    );
}

#[test]
fn a_new_key_that_aws_never_accepts_is_rolled_back_by_itself() {
    story().edit(|story| story.refusals.clear()).run_with_refused_new_key().reads(
        "
         day 0 00:05:05  roll back: AWS did not accept the new key within 5 min
         day 0 00:05:05  note: RollingBack
         day 0 00:05:05  enable AKIAOLDOLDOLDOLDOLD2 again: done
         day 0 00:05:06  ask AWS whether AKIAOLDOLDOLDOLDOLD2 works: accepted as arn:aws:iam::123456789012:user/alice
         day 0 00:05:11  ask AWS whether AKIAOLDOLDOLDOLDOLD2 works: accepted as arn:aws:iam::123456789012:user/alice
         day 0 00:05:16  ask AWS whether AKIAOLDOLDOLDOLDOLD2 works: accepted as arn:aws:iam::123456789012:user/alice
         day 0 00:06:05  note: Restored
         day 0 00:06:05  disable AKIANEWNEWNEWNEWNEW2: done
         day 0 00:06:06  wait 24.00 h: the new key is disabled and rests before it is deleted
         day 0 01:06:06  wait 23.00 h: the new key is disabled and rests before it is deleted
         day 1 01:06:06  delete AKIANEWNEWNEWNEWNEW2: done
         day 1 01:06:07  remove AKIANEWNEWNEWNEWNEW2 from secrets-manager:alice: done
         day 1 01:06:08  closed: RolledBack { why: \"AWS did not accept the new key within 5 min\" }
         day 1 01:06:08  done: RolledBack { why: \"AWS did not accept the new key within 5 min\" }
        ",
    );
}

impl Story {
    fn run_with_refused_new_key(mut self) -> Self {
        for _ in 0..200 {
            let next = self.rotation.next(&self.observe(), self.now);
            match next {
                Next::Do(effect) if matches!(effect.intent(), Intent::Probe { .. }) => {
                    let intent = effect.intent().clone();
                    self.start(&intent);
                    let result = Outcome::Failed {
                        kind: FailureKind::Credentials,
                        message: "InvalidClientTokenId".to_owned(),
                    };
                    self.append(&Event::Finished { result });
                }
                Next::Wait { until, .. } => self.now = until,
                Next::Record(Event::RollbackRequested { .. }) => {
                    return self.run().hours(1).run().hours(24).run();
                }
                Next::Do(effect) => {
                    let intent = effect.intent().clone();
                    self.start(&intent);
                    let result = self.perform(&intent);
                    self.append(&Event::Finished { result });
                }
                Next::Record(event) => self.append(&event),
                other => panic!("{other:?}"),
            }
        }
        panic!("never rolled back");
    }
}

#[test]
fn a_step_that_is_refused_again_and_again_asks() {
    story().edit(|story| story.refusals.extend([("create", 99)])).run().hours(1).run().reads(
        "
         day 0 00:00:00  create a new access key for alice: failed: no
         day 0 00:00:10  create a new access key for alice: failed: no
         day 0 00:00:30  create a new access key for alice: failed: no
         day 0 00:01:10  create a new access key for alice: failed: no
         day 0 00:01:11  wait 0.02 h: trying again after: no
         day 0 01:01:11  create a new access key for alice: failed: no
         day 0 01:01:12  ask: cannot create a new access key for alice: no
        ",
    );
}

#[test]
fn a_delete_whose_answer_was_lost_is_not_taken_for_somebody_elses() {
    let mut story = adopted().hours(7 * 24).edit(|story| story.transcript.clear());
    let Next::Do(effect) = story.rotation.next(&story.observe(), story.now) else { panic!() };
    let probe = effect.intent().clone();
    story.start(&probe);
    let result = story.perform(&probe);
    story.append(&Event::Finished { result });
    story.crash(true).hours(48).run().reads(
        "
         day 8 05:01:04  delete AKIAOLDOLDOLDOLDOLD2: the worker dies after it
         day 10 05:01:04  Finished { result: Unknown }
         day 10 05:06:04  note: Gone { key: AKIAOLDOLDOLDOLDOLD2 }
         day 10 05:06:04  remove AKIAOLDOLDOLDOLDOLD2 from secrets-manager:alice: done
         day 10 05:06:05  closed: Rotated { new_key: AKIANEWNEWNEWNEWNEW2 }
         day 10 05:06:05  done: Rotated { new_key: AKIANEWNEWNEWNEWNEW2 }
        ",
    );
}

#[test]
fn a_user_made_again_under_the_same_name_is_another_user() {
    adopted()
        .edit(|story| {
            story.transcript.clear();
            story.user = Seen::Known(Some("AIDASOMEBODYELSEELSE".parse().unwrap()));
        })
        .hours(7 * 24)
        .run()
        .reads(
            "
         day 8 05:01:04  ask: the user was deleted and made again: its id is AIDASOMEBODYELSEELSE now
        ",
        );
}

#[test]
fn a_destination_that_refuses_is_found_before_a_key_is_created() {
    story()
        .edit(|story| story.preflight = Preflight::Refused("AccessDenied".to_owned()))
        .run()
        .edit(|story| story.preflight = Preflight::Ready)
        .tell(look_again())
        .edit(|story| {
            assert_eq!(story.keys.len(), 1, "no key was created");
            story.transcript.push_str("(it is repaired)\n");
        })
        .run()
        .reads(
        "
         day 0 00:00:00  ask: secrets-manager:alice: AccessDenied
         (it is repaired)
         day 0 00:00:00  create a new access key for alice: created AKIANEWNEWNEWNEWNEW2
         day 0 00:00:01  stage AKIANEWNEWNEWNEWNEW2 at secrets-manager:alice: done
         day 0 00:00:02  note: Delivered
         day 0 00:00:02  ask AWS whether AKIANEWNEWNEWNEWNEW2 works: accepted as arn:aws:iam::123456789012:user/alice
         day 0 00:00:07  ask AWS whether AKIANEWNEWNEWNEWNEW2 works: accepted as arn:aws:iam::123456789012:user/alice
         day 0 00:00:12  ask AWS whether AKIANEWNEWNEWNEWNEW2 works: accepted as arn:aws:iam::123456789012:user/alice
         day 0 00:01:02  publish AKIANEWNEWNEWNEWNEW2 at secrets-manager:alice: done
         day 0 00:01:03  note: Published
         day 0 00:01:03  wait 1.00 h: no application has used the new key yet
        ",
    );
}

#[test]
fn a_key_that_somebody_else_enables_again_is_asked_about_not_deleted() {
    adopted()
        .edit(|story| {
            story.transcript.clear();
            story.keys.get_mut(&key(OLD)).unwrap().status = KeyStatus::Active;
        })
        .hours(7 * 24)
        .run()
        .reads(
            "
         day 8 05:01:04  ask: somebody else enabled AKIAOLDOLDOLDOLDOLD2, which this rotation had disabled
        ",
        );
}

#[test]
fn a_log_in_which_a_key_is_deleted_before_it_is_disabled_cannot_be_written() {
    let story = story().run();
    let delete = Event::Started {
        intent: Intent::Delete { key: key(OLD) },
        by: "w".parse().unwrap(),
        deadline: story.now,
    };
    assert!(story.rotation.clone().apply(&delete, story.now).is_err());
    assert!(adopted().rotation.apply(&delete, story.now).is_err(), "disabled, but not rested nor checked");
}
