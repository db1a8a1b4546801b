//! Stories of rotations: a script in, a transcript out.

mod alarm;
mod consumers;
mod crash;
mod finish;
mod finish_alarm;
mod finish_trial;
mod foreign;
mod forward;
mod rollback;

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;

use jiff::{SignedDuration, Timestamp};

use super::model::*;
use super::*;
use crate::fact::{KeyStatus, LastUsed, Seen};
use crate::id::AccessKeyId;

/// A rotation in a world, and what has been told of it.
struct Story {
    world: World,
    rotation: Rotation,
    custody: BTreeSet<AccessKeyId>,
    preflight: Preflight,
    /// How many times each effect is refused before it is done.
    refusals: BTreeMap<&'static str, u32>,
    blind: bool,
    /// The destination that cannot be seen.
    hidden: Option<usize>,
    /// What a source of usage tells of the old and the new key, if there is one.
    usage: Option<[Vec<ConsumerUse>; 2]>,
    /// What the checks say.
    health: Vec<Health>,
    transcript: String,
}

/// A rotation of a key that was last used an hour before it begins.
fn story() -> Story {
    story_with(Timing::default(), Some(SignedDuration::from_hours(1)))
}

fn story_with(timing: Timing, last_use_before: Option<SignedDuration>) -> Story {
    story_in(World::new(1, last_use_before), timing)
}

fn story_in(world: World, timing: Timing) -> Story {
    let plan = plan(&world, timing);
    Story {
        rotation: Rotation::begin(plan.rotation_id(world.begun), plan, world.begun),
        world,
        custody: BTreeSet::new(),
        preflight: Preflight::Ready,
        refusals: BTreeMap::new(),
        blind: false,
        hidden: None,
        usage: None,
        health: Vec::new(),
        transcript: String::new(),
    }
}

impl Story {
    fn say(&mut self, line: &str) {
        let since = self.world.now.duration_since(self.world.begun);
        let (days, hours) = (since.as_hours() / 24, since.as_hours() % 24);
        let (minutes, seconds) = (since.as_mins() % 60, since.as_secs() % 60);
        writeln!(self.transcript, "day {days} {hours:02}:{minutes:02}:{seconds:02}  {line}").unwrap();
    }

    fn observe(&self) -> Observed {
        let mut seen = self.world.observe(&self.custody);
        seen.preflight.fill(self.preflight.clone());
        seen.can_see_usage = self.usage.is_some();
        seen.checks = self.health.iter().cloned().map(Seen::Known).collect();
        if self.blind {
            seen.keys = Seen::Unknown("throttled".to_owned());
        }
        if let Some(hidden) = self.hidden {
            seen.destinations[hidden] = Seen::Unknown("no answer".to_owned());
        }
        seen
    }

    fn append(&mut self, event: &Event) {
        self.rotation = self.rotation.clone().apply(event, self.world.now).unwrap();
    }

    fn start(&mut self, intent: &Intent) {
        let deadline = self.world.now + EFFECT_DEADLINE;
        self.append(&Event::Started { intent: intent.clone(), by: "w".parse().unwrap(), deadline });
    }

    /// Steps until the rotation waits for more than a minute, asks, or ends.
    fn run(mut self) -> Self {
        for _ in 0..100 {
            match self.rotation.next(&self.observe(), self.world.now) {
                Next::Do(effect) => {
                    let intent = effect.intent().clone();
                    self.start(&intent);
                    let result = self.perform(&intent);
                    let line = format!("{}: {result}", intent.describe(self.rotation.plan()));
                    self.say(&line);
                    self.append(&Event::Finished { result });
                    self.world.now += SignedDuration::from_secs(1);
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
                Next::LookAtUsage { since } => self.look_at_usage(since),
                Next::Wait { until, .. }
                    if until <= self.world.now + SignedDuration::from_mins(1)
                        && !self.blind
                        && self.hidden.is_none() =>
                {
                    self.world.now = until;
                }
                Next::Wait { until, why } => {
                    let hours = until.duration_since(self.world.now).as_secs_f64() / 3600.0;
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

    /// The source goes back for ninety days, and sees all.
    fn look_at_usage(&mut self, since: Timestamp) {
        let usage = self.usage.clone().unwrap_or_default();
        let [old, new] = usage.map(|consumers| {
            let consumers = consumers.into_iter().filter(|used| used.last_at >= since).collect();
            Box::new(KeyUsage { consumers, ..KeyUsage::none(since, self.world.now) })
        });
        let named = |usage: &KeyUsage| usage.consumers.len();
        self.say(&format!(
            "look who uses the keys: {} the old one, {} the new one",
            named(&old),
            named(&new)
        ));
        self.append(&Event::Noted { note: Note::UsageSeen { old, new } });
    }

    fn perform(&mut self, intent: &Intent) -> Outcome {
        match self.refusals.get_mut(refusal_name(intent)) {
            Some(left) if *left > 0 => {
                *left -= 1;
                match intent {
                    Intent::ProbeService { .. } => failed(FailureKind::Credentials, "InvalidAccessKeyId"),
                    _ => failed(FailureKind::Denied, "no"),
                }
            }
            _ => self.world.perform(intent, &mut self.custody),
        }
    }

    fn used(mut self, key_id: &str) -> Self {
        self.say(&format!("(an application uses {key_id})"));
        self.world.use_key(&key(key_id), "s3");
        self
    }

    /// A consumer was seen on a key, from then until then, so many hours apart.
    fn seen(mut self, key: &str, network: &str, first: &str, last: &str, gap: i64) -> Self {
        let consumer = Consumer {
            source: network.to_owned(),
            agent: "aws-cli".to_owned(),
            service: "s3".to_owned(),
            region: "eu-west-1".to_owned(),
        };
        let used = ConsumerUse {
            consumer,
            first_at: first.parse().unwrap(),
            last_at: last.parse().unwrap(),
            calls: 2,
            longest_gap: SignedDuration::from_hours(gap),
        };
        let side = &mut self.usage.get_or_insert_default()[usize::from(key == NEW)];
        side.retain(|known| known.consumer != used.consumer);
        side.push(used);
        self
    }

    fn hours(mut self, hours: i64) -> Self {
        self.world.now += SignedDuration::from_hours(hours);
        self
    }

    /// The worker dies after it logged the start of its next effect; the effect is done or not.
    fn crash(mut self, done: bool) -> Self {
        let Next::Do(effect) = self.rotation.next(&self.observe(), self.world.now) else {
            panic!("nothing to crash in:\n{}", self.transcript)
        };
        let intent = effect.intent().clone();
        self.start(&intent);
        let line = intent.describe(self.rotation.plan());
        self.say(&format!("{line}: the worker dies {} it", if done { "after" } else { "before" }));
        if done {
            let _lost_answer = self.perform(&intent);
        }
        self.custody.clear();
        self
    }

    /// One effect, done and reported.
    fn step(mut self) -> Self {
        let Next::Do(effect) = self.rotation.next(&self.observe(), self.world.now) else {
            panic!("nothing to do:\n{}", self.transcript)
        };
        let intent = effect.intent().clone();
        self.start(&intent);
        let result = self.perform(&intent);
        self.append(&Event::Finished { result });
        self
    }

    fn edit(mut self, edit: impl FnOnce(&mut Self)) -> Self {
        edit(&mut self);
        self
    }

    /// Forgets what was told so far.
    fn told_from_here(self) -> Self {
        self.edit(|story| story.transcript.clear())
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
        Intent::Stage { .. } => "stage",
        Intent::Probe { .. } => "probe",
        Intent::Disable { .. } => "disable",
        Intent::Enable { .. } => "enable",
        Intent::ProbeService { .. } => "service",
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

/// Up to the point at which the old key is about to be disabled.
fn ready(timing: Timing) -> Story {
    let story = story_with(timing, Some(SignedDuration::from_hours(1))).run().hours(1).used(NEW).hours(28);
    let quiet_since = story.world.begun;
    let note = Note::ReadyToDisable { quiet_since, adopted: "the new key was used".to_owned() };
    story.tell(Event::Noted { note }).told_from_here()
}
