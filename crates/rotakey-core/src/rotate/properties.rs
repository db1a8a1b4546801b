//! What must hold whatever happens, in whatever order: effects that are done or not, answers that are late,
//! lost or wrong, looks that fail or are old, workers that die, people who ask, answer and meddle, and any
//! lapse of time.

mod usage;

use std::collections::{BTreeMap, BTreeSet};

use jiff::{SignedDuration, Timestamp};
use proptest::prelude::*;
use proptest::strategy::ValueTree as _;
use proptest::test_runner::TestRunner;

use super::model::*;
use super::*;
use crate::fact::{KeyFacts, KeyStatus, Seen};
use crate::id::{AccessKeyId, WorkerId};

/// How many worlds are tried, unless `PROPTEST_CASES` says otherwise.
const CASES: u32 = 500;

/// How many steps a rotation takes at most once nothing goes wrong any more.
const MOST_STEPS: usize = 2000;

proptest! {
    #![proptest_config(ProptestConfig { cases: cases(), failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn whatever_happens_no_key_in_use_goes_and_the_rotation_ends_or_asks(script in scripts()) {
        play(script);
    }
}

#[test]
fn the_scripts_lead_everywhere() {
    let mut runner = TestRunner::deterministic();
    let mut visited = BTreeSet::new();
    for _ in 0..200 {
        let script = scripts().new_tree(&mut runner).unwrap().current();
        visited.extend(play(script).visited);
    }
    let everywhere = [
        "adopting",
        "brown-out",
        "closed",
        "deleted",
        "delivering",
        "disabled",
        "issuing",
        "orphaned",
        "planned",
        "ready",
        "rolling-back",
        "verifying",
    ];
    assert_eq!(visited, BTreeSet::from(everywhere));
}

fn play(script: Script) -> Trial {
    let mut trial = Trial::new(script.places, script.timing, script.idle);
    trial.can_see_usage = script.can_see_usage;
    trial.calm(script.calm_steps);
    for next in script.moves {
        trial.play(next);
    }
    trial.come_to_an_end();
    trial
}

/// A world, and what happens in it.
#[derive(Debug, Clone)]
struct Script {
    places: usize,
    timing: Timing,
    /// How long the old key had not been used; `None` if never.
    idle: Option<SignedDuration>,
    /// How many steps go well at first.
    calm_steps: usize,
    /// Whether a source tells who uses the keys.
    can_see_usage: bool,
    moves: Vec<Move>,
}

fn cases() -> u32 {
    std::env::var("PROPTEST_CASES").ok().and_then(|cases| cases.parse().ok()).unwrap_or(CASES)
}

/// One thing that happens.
#[derive(Debug, Clone)]
enum Move {
    /// A worker decides once, seeing that, and its effect fares like that.
    Step(Sight, Fate),
    /// So many steps at which nothing goes wrong.
    Calm(usize),
    /// Time passes until what is waited for is over, and so much longer.
    Sleep(SignedDuration),
    /// Time passes, or a clock is behind by so much.
    Lapse(SignedDuration),
    /// The worker dies between two steps.
    Death,
    /// A worker that was held up before a create, and counted as dead, does it after all.
    WakeUp,
    /// An application uses what its destination serves.
    Use(usize),
    /// An application that was never told uses the old key.
    UseOld,
    /// What the check asks breaks, or is well again.
    Break(bool),
    /// Somebody sees that something is broken.
    Signal,
    /// A person has a wish.
    Wish(Wish),
    /// Somebody who knows nothing of the rotation does something.
    Meddle(Meddling),
}

/// How well a worker sees.
#[derive(Debug, Clone, Default)]
struct Sight {
    /// By how much IAM's list of keys lags behind; `None` if there is no answer.
    keys: Option<SignedDuration>,
    no_user: bool,
    no_last_used: bool,
    no_usage: bool,
    no_health: bool,
    hidden_place: Option<usize>,
    preflight_refused: bool,
}

/// How an effect fares.
#[derive(Debug, Clone, Copy)]
enum Fate {
    Done,
    Refused,
    /// There is no clear answer, and it was done or not.
    Ambiguous(bool),
    /// The worker dies, and it was done or not.
    Crash(bool),
}

#[derive(Debug, Clone, Copy)]
enum Wish {
    RollBack,
    LookAgain,
    Vouch,
    Abort,
}

#[derive(Debug, Clone, Copy)]
enum Meddling {
    /// Makes a key and uses it.
    Create,
    Delete(bool),
    Disable(bool),
    Enable(bool),
    /// Puts another key where applications read.
    Overwrite(usize),
}

fn scripts() -> impl Strategy<Value = Script> {
    let idle = prop::option::of((0..24 * 60_i64).prop_map(SignedDuration::from_hours));
    let calm_steps = prop_oneof![1 => Just(0), 2 => 1..40_usize];
    let can_see_usage = prop::bool::weighted(0.7);
    (1..=2_usize, timings(), idle, calm_steps, can_see_usage, prop::collection::vec(moves(), 0..60)).prop_map(
        |(places, timing, idle, calm_steps, can_see_usage, moves)| Script {
            places,
            timing,
            idle,
            calm_steps,
            can_see_usage,
            moves,
        },
    )
}

fn timings() -> impl Strategy<Value = Timing> {
    (prop::option::of(1..60_i64), 24..100_i64).prop_map(|(brown_out, delete_after)| Timing {
        brown_out: brown_out.map(SignedDuration::from_mins),
        delete_after: SignedDuration::from_hours(delete_after),
        ..Timing::default()
    })
}

fn moves() -> impl Strategy<Value = Move> {
    let lapse = prop_oneof![
        4 => (0..600_i64).prop_map(SignedDuration::from_secs),
        2 => (0..48_i64).prop_map(SignedDuration::from_hours),
        1 => (0..21 * 24_i64).prop_map(SignedDuration::from_hours),
    ];
    let behind = (0..300_i64).prop_map(|seconds| -SignedDuration::from_secs(seconds));
    let place = 0..2_usize;
    prop_oneof![
        12 => (sights(), fates()).prop_map(|(sight, fate)| Move::Step(sight, fate)),
        8 => (1..12_usize).prop_map(Move::Calm),
        6 => lapse.clone().prop_map(Move::Sleep),
        2 => lapse.prop_map(Move::Lapse),
        1 => behind.prop_map(Move::Lapse),
        2 => Just(Move::Death),
        1 => Just(Move::WakeUp),
        4 => place.clone().prop_map(Move::Use),
        1 => Just(Move::UseOld),
        1 => any::<bool>().prop_map(Move::Break),
        1 => Just(Move::Signal),
        1 => prop::sample::select(vec![Wish::RollBack, Wish::LookAgain, Wish::LookAgain, Wish::Vouch, Wish::Abort])
            .prop_map(Move::Wish),
        1 => prop_oneof![
            Just(Meddling::Create),
            any::<bool>().prop_map(Meddling::Delete),
            any::<bool>().prop_map(Meddling::Disable),
            any::<bool>().prop_map(Meddling::Enable),
            place.prop_map(Meddling::Overwrite),
        ].prop_map(Move::Meddle),
    ]
}

fn sights() -> impl Strategy<Value = Sight> {
    let lag = prop_oneof![
        4 => Just(Some(0)),
        4 => (0..SETTLE.as_secs()).prop_map(Some),
        1 => Just(None),
    ];
    let rarely = || prop::bool::weighted(0.05);
    let unseen = (rarely(), rarely(), prop::bool::weighted(0.2), rarely());
    (lag, unseen, prop::option::weighted(0.1, 0..2_usize), rarely()).prop_map(
        |(lag, (no_user, no_last_used, no_usage, no_health), hidden_place, preflight_refused)| Sight {
            keys: lag.map(SignedDuration::from_secs),
            no_user,
            no_last_used,
            no_usage,
            no_health,
            hidden_place,
            preflight_refused,
        },
    )
}

fn fates() -> impl Strategy<Value = Fate> {
    prop_oneof![
        6 => Just(Fate::Done),
        2 => Just(Fate::Refused),
        2 => any::<bool>().prop_map(Fate::Ambiguous),
        2 => any::<bool>().prop_map(Fate::Crash),
    ]
}

/// A rotation in a world, and all that a judge has to know of both.
struct Trial {
    world: World,
    rotation: Rotation,
    records: Vec<Record>,
    custody: BTreeSet<AccessKeyId>,
    /// The lists of keys that IAM may still answer with, and since when each was true.
    lists: Vec<(Timestamp, Vec<KeyFacts>)>,
    due: Timestamp,
    /// The keys that the log names as its own.
    ours: BTreeSet<AccessKeyId>,
    /// Since when each key has been inactive by an effect of the rotation.
    disabled_by_us: BTreeMap<AccessKeyId, Timestamp>,
    /// How many times AWS accepted each key when the rotation asked.
    accepted: BTreeMap<AccessKeyId, u32>,
    /// Whether somebody meddled: then no machine can promise that applications work.
    meddled: bool,
    /// The clock of a worker is never set back behind this by more than some minutes.
    latest: Timestamp,
    /// Since when a worker has been held up before a create.
    held_up: Option<Timestamp>,
    /// Whether it woke up.
    woken: bool,
    /// The names of the states that it was in.
    visited: BTreeSet<&'static str>,
    can_see_usage: bool,
    /// All that applications did.
    uses: Vec<Use>,
    /// Whether what the check asks is broken.
    broken: bool,
    /// Since when a person has answered for all consumers.
    vouched: Option<Timestamp>,
}

/// One call of an application.
struct Use {
    at: Timestamp,
    key: AccessKeyId,
    by: String,
}

impl Trial {
    fn new(places: usize, timing: Timing, idle: Option<SignedDuration>) -> Self {
        let world = World::new(places, idle);
        let mut plan = plan(&world, timing);
        plan.checks = vec![CheckSpec::Exec(ExecCheck { command: vec!["check".to_owned()] })];
        let id = plan.rotation_id(world.begun);
        let planned = Event::Planned { plan: Box::new(plan.clone()) };
        Self {
            records: vec![Record::seal(&id, 1, world.begun, &planned, &ChainHash::origin(&id))],
            rotation: Rotation::begin(id, plan, world.begun),
            custody: BTreeSet::new(),
            lists: vec![(world.begun, world.keys.values().cloned().collect())],
            due: world.now,
            latest: world.now,
            ours: BTreeSet::from([key(OLD)]),
            disabled_by_us: BTreeMap::new(),
            accepted: BTreeMap::new(),
            meddled: false,
            held_up: None,
            woken: false,
            visited: BTreeSet::new(),
            can_see_usage: false,
            uses: Vec::new(),
            broken: false,
            vouched: None,
            world,
        }
    }

    fn play(&mut self, next: Move) {
        match next {
            Move::Step(sight, fate) => drop(self.step(&sight, fate)),
            Move::Calm(steps) => self.calm(steps),
            Move::Sleep(longer) => self.world.now = self.world.now.max(self.due) + longer,
            Move::Lapse(time) => {
                self.world.now = (self.world.now + time).max(self.latest - SETTLE);
            }
            Move::Death => self.custody.clear(),
            Move::WakeUp => self.wake_up(),
            Move::Use(place) => {
                if let Some(slots) = self.world.places.get(place)
                    && let Some(held) = slots.current.clone()
                    && self.world.accepts(&held.key)
                {
                    self.use_key(&held.key, &format!("place {place}"));
                }
            }
            Move::UseOld if self.world.accepts(&key(OLD)) => self.use_key(&key(OLD), "stubborn"),
            Move::UseOld => {}
            Move::Break(broken) => self.broken = broken,
            Move::Signal => {
                let event = Event::Signalled { by: "ann".to_owned(), what: "it is broken".to_owned() };
                if self.rotation.clone().apply(&event, self.world.now).is_ok() {
                    self.append(&event);
                }
            }
            Move::Wish(wish) => self.wish(wish),
            Move::Meddle(meddling) => self.meddle(meddling),
        }
        self.latest = self.latest.max(self.world.now);
        self.remember_list();
        self.check_applications();
    }

    /// A create comes at most a day late, and IAM's quota keeps it from coming once there is another key.
    fn wake_up(&mut self) {
        let awake =
            self.held_up.take().filter(|since| self.world.now < *since + SignedDuration::from_hours(24));
        if awake.is_some() && self.rotation.ending().is_none() {
            let intent = Intent::Create { keys_before: BTreeSet::new() };
            let _lost_answer = self.world.perform(&intent, &mut BTreeSet::new());
            self.woken = true;
        }
    }

    /// Steps at which nothing goes wrong, and the naps in between.
    fn calm(&mut self, steps: usize) {
        let sight = Sight { keys: Some(SignedDuration::ZERO), ..Sight::default() };
        for _ in 0..steps {
            match self.step(&sight, Fate::Done) {
                Next::Wait { until, .. } if until <= self.world.now + SignedDuration::from_secs(90) => {
                    self.world.now = until;
                }
                Next::Do(_) | Next::Record(_) | Next::LookAtUsage { .. } => {}
                Next::Wait { .. } | Next::Ask(_) | Next::Done(_) => break,
            }
        }
    }

    fn step(&mut self, sight: &Sight, fate: Fate) -> Next {
        let seen = self.look(sight);
        let next = self.rotation.next(&seen, self.world.now);
        match &next {
            Next::Do(effect) => {
                let intent = effect.intent().clone();
                self.judge(&intent);
                let deadline = self.world.now + EFFECT_DEADLINE;
                self.append(&Event::Started { intent: intent.clone(), by: worker(), deadline });
                self.world.now += SignedDuration::from_secs(1);
                let result = self.fare(&intent, fate);
                self.remember_list();
                match fate {
                    Fate::Crash(done) => {
                        self.custody.clear();
                        if !done && matches!(intent, Intent::Create { .. }) {
                            self.held_up = Some(self.world.now);
                        }
                    }
                    _ => self.append(&Event::Finished { result }),
                }
            }
            Next::Record(event) => self.append(event),
            Next::LookAtUsage { .. } if sight.no_usage => {
                self.append(&Event::Noted { note: Note::UsageUnknown { why: "throttled".to_owned() } });
            }
            Next::LookAtUsage { since } => {
                let old = self.usage_of(&key(OLD), *since);
                let new = self.rotation.new_key().map(|new| self.usage_of(new, *since)).unwrap();
                self.append(&Event::Noted { note: Note::UsageSeen { old, new } });
            }
            Next::Wait { until, .. } => {
                assert!(*until > self.world.now, "waits for what is over: {next:?}");
                self.due = *until;
            }
            Next::Ask(question) => {
                if self.rotation.question().is_none() {
                    self.append(&Event::Asked { question: question.clone() });
                }
            }
            Next::Done(ending) => assert_eq!(self.rotation.ending(), Some(ending)),
        }
        self.check_applications();
        self.check_forgeries();
        next
    }

    fn look(&self, sight: &Sight) -> Observed {
        let mut seen = self.world.observe(&self.custody);
        let no_answer = || "no answer".to_owned();
        seen.keys = match sight.keys {
            None => Seen::Unknown(no_answer()),
            Some(lag) => {
                let then = self.world.now - lag;
                let list = self.lists.iter().rev().find(|(since, _)| *since <= then);
                Seen::Known(list.unwrap_or(&self.lists[0]).1.clone())
            }
        };
        if sight.no_user {
            seen.user = Seen::Unknown(no_answer());
        }
        if sight.no_last_used {
            seen.last_used.values_mut().for_each(|last_used| *last_used = Seen::Unknown(no_answer()));
        }
        if let Some(place) = sight.hidden_place.and_then(|place| seen.destinations.get_mut(place)) {
            *place = Seen::Unknown(no_answer());
        }
        seen.can_see_usage = self.can_see_usage;
        seen.checks = vec![match (sight.no_health, self.broken) {
            (true, _) => Seen::Unknown(no_answer()),
            (false, true) => Seen::Known(Health::Failing("it is broken".to_owned())),
            (false, false) => Seen::Known(Health::Well),
        }];
        if sight.preflight_refused {
            seen.preflight[0] = Preflight::Refused("AccessDenied".to_owned());
        }
        seen
    }

    /// What an effect must never be, whatever was seen.
    fn judge(&self, intent: &Intent) {
        assert_eq!(self.rotation.question(), None, "acts while it asks: {intent:?}");
        let named = match intent {
            Intent::Create { .. } => None,
            Intent::Stage { key, .. }
            | Intent::Probe { key }
            | Intent::ProbeService { key, .. }
            | Intent::Publish { key, .. }
            | Intent::Restore { key, .. }
            | Intent::Forget { key, .. }
            | Intent::Disable { key }
            | Intent::Enable { key }
            | Intent::Delete { key } => Some(key),
        };
        if let Some(named) = named {
            assert!(self.ours.contains(named), "a key of somebody else's: {intent:?}");
        }
        match intent {
            Intent::Create { .. } => {
                assert!(self.world.keys.len() <= 1 || self.meddled || self.woken, "a second new key");
            }
            Intent::Delete { key } => {
                let since = self.disabled_by_us.get(key);
                let rested = since.is_some_and(|since| self.latest >= *since + MINIMUM_REST - SETTLE);
                assert!(rested, "{key} is deleted, disabled since {since:?}, at {}", self.world.now);
                assert!(self.meddled || !self.world.accepts(key), "an active key is deleted");
                let is_old = *key == self.rotation.plan().old_key;
                assert!(!is_old || !self.broken, "the old key is deleted while something is broken");
                assert!(!is_old || self.rotation.alarm().is_none(), "it is deleted though it is missed");
            }
            Intent::Disable { key } if *key == self.rotation.plan().old_key => {
                let new = self.rotation.new_key().unwrap();
                assert!(self.accepted.get(new).is_some_and(|times| *times >= 3), "the new key was not tried");
                for place in &self.world.places {
                    assert_eq!(place.current, Some(held(new)), "the old key is still served somewhere");
                }
                let is_first = matches!(self.rotation.state(), State::Ready { .. });
                assert!(!is_first || !self.broken, "the old key is disabled while something is broken");
                if is_first && self.can_see_usage && self.rotation.usage().unknown.is_none() {
                    self.check_nobody_is_left();
                }
            }
            _ => {}
        }
    }

    fn fare(&mut self, intent: &Intent, fate: Fate) -> Outcome {
        let was_active: BTreeSet<_> =
            self.world.keys.keys().filter(|key| self.world.accepts(key)).cloned().collect();
        let done = matches!(fate, Fate::Done | Fate::Ambiguous(true) | Fate::Crash(true));
        let result = if done {
            self.world.perform(intent, &mut self.custody)
        } else {
            failed(FailureKind::Denied, "no")
        };
        let now = self.world.now;
        match (intent, &result) {
            (Intent::Disable { key }, Outcome::Done) => {
                let since = self.disabled_by_us.entry(key.clone()).or_insert(now);
                *since = if was_active.contains(key) { now } else { *since };
            }
            (Intent::Enable { key }, Outcome::Done) => drop(self.disabled_by_us.remove(key)),
            (Intent::Probe { key }, Outcome::Accepted { .. }) => {
                *self.accepted.entry(key.clone()).or_default() += 1
            }
            _ => {}
        }
        match fate {
            Fate::Ambiguous(_) => {
                self.custody
                    .retain(|key| !matches!(&result, Outcome::Created { key: lost, .. } if key == lost));
                failed(FailureKind::Ambiguous, "no answer")
            }
            _ => result,
        }
    }

    fn wish(&mut self, wish: Wish) {
        let by = "bob".to_owned();
        let event = match wish {
            Wish::RollBack => Event::RollbackRequested { by, why: "it broke".to_owned() },
            Wish::LookAgain => Event::Answered { answer: Answer::LookAgain, by },
            Wish::Vouch => Event::Answered { answer: Answer::Vouch, by },
            Wish::Abort => Event::Closed { ending: Ending::Aborted { by, why: "enough".to_owned() } },
        };
        if self.rotation.clone().apply(&event, self.world.now).is_ok() {
            self.append(&event);
            if matches!(wish, Wish::Vouch) {
                self.vouched = Some(self.world.now);
            }
        }
    }

    fn meddle(&mut self, meddling: Meddling) {
        self.meddled = true;
        let choose = |old: bool| {
            let new = self.rotation.new_key().filter(|_| !old).cloned();
            new.unwrap_or_else(|| key(OLD))
        };
        match meddling {
            Meddling::Create => {
                self.world.add_key(&key(FOREIGN));
                self.world.use_key(&key(FOREIGN), "s3");
            }
            Meddling::Delete(old) => drop(self.world.keys.remove(&choose(old))),
            Meddling::Disable(old) => drop(self.world.set_status(&choose(old), KeyStatus::Inactive)),
            Meddling::Enable(old) => drop(self.world.set_status(&choose(old), KeyStatus::Active)),
            Meddling::Overwrite(place) => {
                if let Some(slots) = self.world.places.get_mut(place) {
                    slots.previous = slots.current.replace(held(&key(FOREIGN)));
                }
            }
        }
    }

    fn append(&mut self, event: &Event) {
        self.rotation = self.rotation.clone().apply(event, self.world.now).unwrap();
        let before = &self.records.last().unwrap().hash;
        self.visited.insert(self.rotation.state().name());
        let (id, version) = (self.rotation.id(), self.rotation.version());
        self.records.push(Record::seal(id, version, self.world.now, event, before));
        match event {
            Event::Finished { result: Outcome::Created { key, .. } } => drop(self.ours.insert(key.clone())),
            Event::Noted { note: Note::OrphanFound { key } } => drop(self.ours.insert(key.clone())),
            _ => {}
        }
    }

    fn remember_list(&mut self) {
        let list: Vec<_> = self.world.keys.values().cloned().collect();
        if self.lists.last().is_none_or(|(_, last)| *last != list) {
            self.lists.push((self.world.now, list));
        }
    }

    /// As long as nobody meddles, every destination serves a key that works, whatever else goes wrong.
    fn check_applications(&self) {
        if self.meddled {
            return;
        }
        for place in &self.world.places {
            let served = &place.current.as_ref().unwrap().key;
            assert!(self.world.accepts(served), "{served} is served and does not work: {:?}", self.rotation);
        }
    }

    /// Nothing that is out of place can be written to the log.
    fn check_forgeries(&self) {
        let refused = |event: Event| {
            let result = self.rotation.clone().apply(&event, self.world.now);
            assert!(result.is_err(), "{event:?} was taken in {:?}", self.rotation);
        };
        let start = |intent| Event::Started { intent, by: worker(), deadline: self.world.now };
        let plan = Box::new(self.rotation.plan().clone());
        refused(Event::Planned { plan });
        refused(start(Intent::Disable { key: key(FOREIGN) }));
        refused(start(Intent::Delete { key: key(FOREIGN) }));
        for ours in &self.ours {
            if self
                .disabled_by_us
                .get(ours)
                .is_none_or(|since| self.world.now < *since + MINIMUM_REST - SETTLE)
                && !self.meddled
            {
                refused(start(Intent::Delete { key: ours.clone() }));
            }
        }
        if self.rotation.in_flight().is_none() {
            refused(Event::Finished { result: Outcome::Done });
        }
        if self.rotation.question().is_none() {
            refused(Event::Answered { answer: Answer::LookAgain, by: "bob".to_owned() });
        }
        if self.rotation.ending().is_some() {
            refused(Event::RollbackRequested { by: "bob".to_owned(), why: "late".to_owned() });
            refused(Event::Asked { question: Question::UserGone });
            refused(Event::Noted { note: Note::Delivered });
        }
    }

    /// Nothing goes wrong from here on, and people answer a few times: the rotation ends or asks.
    fn come_to_an_end(&mut self) {
        let sight = Sight { keys: Some(SignedDuration::ZERO), ..Sight::default() };
        self.world.now = self.latest + SETTLE;
        self.broken = false;
        self.remember_list();
        let mut answers = 3;
        let give_up = self.world.now + SignedDuration::from_hours(24 * 150);
        for _ in 0..MOST_STEPS {
            match self.step(&sight, Fate::Done) {
                Next::Wait { until, .. } => {
                    self.world.now = until;
                    for place in 0..self.world.places.len() {
                        self.play(Move::Use(place));
                    }
                }
                Next::Ask(_) if answers > 0 => {
                    answers -= 1;
                    self.wish(Wish::LookAgain);
                }
                Next::Ask(_) | Next::Done(_) => return self.check_the_end(),
                Next::Do(_) | Next::Record(_) | Next::LookAtUsage { .. } => {}
            }
            assert!(self.world.now < give_up, "not over in time: {:?}", self.rotation);
        }
        panic!("not over in {MOST_STEPS} steps: {:?}", self.rotation);
    }

    fn check_the_end(&mut self) {
        // The worker is gone; another one looks.
        self.custody.clear();
        self.calm(10);
        let id = self.rotation.id();
        let log = Entry::open_all(id, &self.records).unwrap();
        assert_eq!(Rotation::replay(id, &log).unwrap(), self.rotation, "the log tells another story");
        if self.meddled {
            return;
        }
        for own in self.world.keys.keys().filter(|own| self.world.accepts(own)) {
            let kept = self.world.places.iter().any(|slots| {
                [&slots.pending, &slots.current, &slots.previous]
                    .into_iter()
                    .flatten()
                    .any(|held| held.key == *own)
            });
            assert!(kept, "the secret of {own} is lost and the key active: {:?}", self.rotation);
        }
        match self.rotation.ending() {
            None | Some(Ending::Aborted { .. }) => {}
            Some(Ending::Rotated { new_key }) => {
                assert_eq!(self.world.keys.keys().collect::<Vec<_>>(), [new_key]);
            }
            Some(Ending::Finished { key }) => panic!("{key} was to be replaced"),
            Some(Ending::RolledBack { .. }) => {
                assert_eq!(self.world.keys.keys().collect::<Vec<_>>(), [&key(OLD)]);
            }
        }
    }
}

fn worker() -> WorkerId {
    "w".parse().unwrap()
}
