//! What must hold whatever happens to a key that needs no successor: it is taken away only while it is out of use,
//! given back as soon as a use shows, and deleted only after it has rested.

use std::collections::BTreeSet;

use jiff::{SignedDuration, Timestamp};
use proptest::prelude::*;

use super::model::*;
use super::*;
use crate::fact::{KeyStatus, LastUsed, Seen};

const HOUR: SignedDuration = SignedDuration::from_hours(1);

#[derive(Debug, Clone, Copy)]
enum Move {
    /// A worker takes some steps, and the effects are done.
    Calm(usize),
    /// A worker takes one step; its answer is ambiguous, or it dies, and the effect was done or not.
    Unlucky {
        dies: bool,
        done: bool,
    },
    /// Hours pass.
    Lapse(i64),
    /// Somebody uses the old key, or a use from before shows only now.
    UseOld,
    /// Applications use the new one.
    UseNew,
    RollBack,
    LookAgain,
    Approve,
    /// The check fails, or is well again.
    Break(bool),
    /// A person says that something is broken.
    Signal,
}

fn moves() -> impl Strategy<Value = Move> {
    prop_oneof![
        6 => (1..5_usize).prop_map(Move::Calm),
        4 => (any::<bool>(), any::<bool>()).prop_map(|(dies, done)| Move::Unlucky { dies, done }),
        6 => prop_oneof![0..5_i64, 0..240_i64].prop_map(Move::Lapse),
        1 => Just(Move::UseOld),
        2 => Just(Move::UseNew),
        1 => Just(Move::RollBack),
        2 => Just(Move::LookAgain),
        2 => Just(Move::Approve),
        2 => any::<bool>().prop_map(Move::Break),
        1 => Just(Move::Signal),
    ]
}

struct Trial {
    world: World,
    rotation: Rotation,
    log: Vec<Entry>,
    /// Since when the old key has been inactive for certain.
    inactive_since: Option<Timestamp>,
    /// Whether the check fails.
    broken: bool,
    /// When the old key was last enabled again.
    enabled_at: Option<Timestamp>,
    /// When a person last answered that an application missed it.
    missed_until: Option<Timestamp>,
}

impl Trial {
    fn new(found_inactive: bool, needs_approval: bool, brown_out: bool) -> Self {
        let mut world = World::new(0, Some(HOUR * 24 * 60));
        world.add_key(&key(NEW));
        world.use_key(&key(NEW), "s3");
        let trial = brown_out.then(|| SignedDuration::from_mins(30));
        let mut plan = plan(&world, Timing { brown_out: trial, ..Timing::default() });
        let brown_out = brown_out && !found_inactive;
        let successor = (!found_inactive).then(|| key(NEW));
        let others = if found_inactive { BTreeSet::from([key(NEW)]) } else { BTreeSet::new() };
        plan.task = Task::Finish(Finish { successor, others, quiet_for: HOUR * 24 * 35, brown_out });
        if found_inactive {
            world.set_status(&key(OLD), KeyStatus::Inactive);
        }
        if needs_approval {
            plan.approvals.push(ApprovalNeed {
                step: ApprovedStep::Delete,
                people: 1,
                by: Vec::new(),
                valid_for: HOUR * 72,
                trust_session_names: false,
            });
        }
        plan.checks.push(CheckSpec::Exec(ExecCheck { command: vec!["check".to_owned()] }));
        let rotation = Rotation::begin(plan.rotation_id(world.begun), plan, world.begun);
        let inactive_since = found_inactive.then_some(world.begun);
        Self {
            world,
            rotation,
            log: Vec::new(),
            inactive_since,
            broken: false,
            enabled_at: None,
            missed_until: None,
        }
    }

    fn append(&mut self, event: Event) {
        if matches!(
            (&event, self.rotation.question()),
            (Event::Answered { .. }, Some(Question::Missed { .. }))
        ) {
            self.missed_until = Some(self.world.now);
        }
        self.rotation = self.rotation.clone().apply(&event, self.world.now).unwrap();
        let hash = ChainHash::origin(self.rotation.id());
        self.log.push(Entry { version: self.rotation.version(), at: self.world.now, event, hash });
    }

    fn try_append(&mut self, event: Event) {
        if self.rotation.clone().apply(&event, self.world.now).is_ok() {
            self.append(event);
        }
    }

    fn step(&mut self, unlucky: Option<(bool, bool)>) -> Next {
        let mut seen = self.world.observe(&BTreeSet::new());
        if self.rotation.needs_checks() {
            let broken = || Health::Failing("exit code 1".to_owned());
            seen.checks.push(Seen::Known(if self.broken { broken() } else { Health::Well }));
        }
        let next = self.rotation.next(&seen, self.world.now);
        match &next {
            Next::Do(effect) => self.act(effect.intent(), unlucky),
            Next::Record(event) => self.append(event.clone()),
            Next::Ask(question) if self.rotation.question().is_none() => {
                self.append(Event::Asked { question: question.clone() });
            }
            Next::Wait { until, .. } => assert!(*until > self.world.now),
            Next::LookAtUsage { .. } => panic!("a key that needs no successor is judged by its last use"),
            Next::Ask(_) | Next::Done(_) => {}
        }
        next
    }

    fn act(&mut self, intent: &Intent, unlucky: Option<(bool, bool)>) {
        self.judge(intent);
        let deadline = self.world.now + EFFECT_DEADLINE;
        self.append(Event::Started { intent: intent.clone(), by: "w".parse().unwrap(), deadline });
        let was_active = self.world.accepts(&key(OLD));
        let done = unlucky.is_none_or(|(_, done)| done);
        let result = match done {
            true => self.world.perform(intent, &mut BTreeSet::new()),
            false => failed(FailureKind::Denied, "no"),
        };
        match (was_active, self.world.accepts(&key(OLD))) {
            (true, false) => self.inactive_since = Some(self.world.now),
            (false, true) => {
                self.inactive_since = None;
                self.enabled_at = Some(self.world.now);
            }
            _ => {}
        }
        self.world.now += SignedDuration::from_secs(1);
        match unlucky {
            Some((true, _)) => {}
            Some((false, _)) => {
                self.append(Event::Finished { result: failed(FailureKind::Ambiguous, "no answer") });
            }
            None => self.append(Event::Finished { result }),
        }
    }

    fn judge(&self, intent: &Intent) {
        assert_eq!(self.rotation.question(), None);
        let found_inactive = self.rotation.plan().finish().unwrap().found_inactive();
        match intent {
            Intent::Disable { key: victim } => {
                assert_eq!(*victim, key(OLD));
                assert!(!found_inactive, "it was inactive when it was found");
                let missed_until = self.missed_until.unwrap_or(Timestamp::MIN);
                let quiet = self.world.now.duration_since(self.last_use().max(missed_until));
                assert!(quiet >= HOUR * 24 * 35, "it was used or missed {quiet} ago");
                assert!(!self.broken, "a check fails already");
            }
            Intent::Enable { key: victim } => {
                assert_eq!(*victim, key(OLD));
                assert!(!found_inactive, "somebody else disabled it");
            }
            Intent::Delete { key: victim } => {
                assert_eq!(*victim, key(OLD));
                let since = self.inactive_since.expect("an active key is deleted");
                assert!(self.world.now >= since + MINIMUM_REST, "it rested since {since} only");
                assert!(self.last_use() <= since, "somebody missed it");
                assert_eq!(self.rotation.alarm(), None, "somebody said that it is missed");
                assert!(!self.broken || found_inactive, "a check fails");
                let plan = self.rotation.plan();
                let watched = self.enabled_at.is_some_and(|at| since >= at + plan.timing.quiet_for);
                assert!(
                    plan.brown_out().is_none() || watched,
                    "there was no trial that it was watched after"
                );
                assert!(
                    plan.approved(ApprovedStep::Delete, self.rotation.approvals(), self.world.now).is_ok()
                );
            }
            other => panic!("a key is brought to its end by {other:?}"),
        }
    }

    fn last_use(&self) -> Timestamp {
        self.world.last_used.get(&key(OLD)).and_then(LastUsed::at).unwrap_or(Timestamp::MIN)
    }

    fn play(&mut self, next: Move) {
        let by = || "bob".to_owned();
        match next {
            Move::Calm(steps) => (0..steps).for_each(|_| drop(self.step(None))),
            Move::Unlucky { dies, done } => drop(self.step(Some((dies, done)))),
            Move::Lapse(hours) => self.world.now += HOUR * i32::try_from(hours).unwrap(),
            Move::UseOld if self.world.keys.contains_key(&key(OLD)) => self.world.use_key(&key(OLD), "s3"),
            Move::UseOld => {}
            Move::UseNew => self.world.use_key(&key(NEW), "s3"),
            Move::RollBack => self.try_append(Event::RollbackRequested { by: by(), why: "why not".into() }),
            Move::LookAgain => self.try_append(Event::Answered { answer: Answer::LookAgain, by: by() }),
            Move::Approve => {
                let plan = self.rotation.plan().hash();
                let approval = Approval { step: ApprovedStep::Delete, plan, by: by(), at: self.world.now };
                self.try_append(Event::Approved { approval });
            }
            Move::Break(broken) => self.broken = broken,
            Move::Signal => self.try_append(Event::Signalled { by: by(), what: "it broke".to_owned() }),
        }
        assert!(self.world.accepts(&key(NEW)), "the other key is left alone");
    }

    /// Nothing goes wrong any more, and a person approves: it ends, or asks.
    fn come_to_an_end(mut self) {
        self.broken = false;
        // A key that is watched is looked at every hour.
        for _ in 0..500 {
            match self.step(None) {
                Next::Wait { until, .. } => {
                    self.world.now = until;
                    self.play(Move::Approve);
                }
                Next::Ask(_) | Next::Done(_) => return self.check_the_end(),
                Next::Do(_) | Next::Record(_) | Next::LookAtUsage { .. } => {}
            }
        }
        panic!("not over: {:?}", self.rotation);
    }

    fn check_the_end(self) {
        let plan = Box::new(self.rotation.plan().clone());
        let first = Entry {
            version: 1,
            at: self.world.begun,
            event: Event::Planned { plan },
            hash: ChainHash::origin(self.rotation.id()),
        };
        let log: Vec<_> = [first].into_iter().chain(self.log).collect();
        assert_eq!(Rotation::replay(self.rotation.id(), &log).unwrap(), self.rotation);
        let found_inactive = self.rotation.plan().finish().unwrap().found_inactive();
        match self.rotation.ending() {
            Some(Ending::Finished { .. }) => assert!(!self.world.keys.contains_key(&key(OLD))),
            Some(Ending::RolledBack { .. }) => {
                assert_eq!(self.world.accepts(&key(OLD)), !found_inactive, "it is as it was");
            }
            Some(other) => panic!("{other:?}"),
            None => {
                let question = self.rotation.question();
                let used = matches!(question, Some(Question::StillUsed { .. } | Question::Missed { .. }));
                assert!(!used || found_inactive || self.world.accepts(&key(OLD)), "used, and disabled");
            }
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn a_key_is_taken_away_only_while_it_is_out_of_use_and_given_back_when_it_is_missed(
        found_inactive: bool, needs_approval: bool, brown_out: bool, moves in prop::collection::vec(moves(), 0..40),
    ) {
        let mut trial = Trial::new(found_inactive, needs_approval, brown_out);
        for next in moves {
            trial.play(next);
        }
        trial.come_to_an_end();
    }
}
