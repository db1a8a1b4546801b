//! One user of a forecast: its keys, its applications, and the rotation under way.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Debug;
use std::str::FromStr;
use std::sync::LazyLock;

use jiff::{SignedDuration, Timestamp};

use super::applications::Applications;
use super::traffic::Traffic;
use super::{Assumptions, Happening, Rules, What};
use crate::fact::{KeyFacts, KeyStatus, LastUsed, Seen};
use crate::id::{AccessKeyId, UserId, WorkerId};
use crate::policy::{KeySubject, UserSubject};
use crate::rotate::controls::Permit;
use crate::rotate::effect::{FailureKind, Intent, Outcome};
use crate::rotate::event::{Ending, Event};
use crate::rotate::next::Next;
use crate::rotate::observed::{Held, HeldSlots, Observed, Preflight};
use crate::rotate::rotation::Rotation;
use crate::rotate::{Choice, Chooser, EFFECT_DEADLINE, Plan};
use crate::secret::Fingerprint;

/// Waits up to this long are within one pass of the engine.
const NAP: SignedDuration = SignedDuration::from_secs(90);

/// A rotation that limits keep from beginning is tried again after this.
const TRY_AGAIN: SignedDuration = SignedDuration::from_hours(1);

/// A user that only a person can decide about, or is exempt, is looked at again after this.
const LOOK_AGAIN: SignedDuration = SignedDuration::from_hours(24);

pub(super) struct Simulated {
    subject: UserSubject,
    /// Distinguishes its made-up ids from those of others.
    number: u32,
    keys_made: u32,
    applications: Applications,
    rotation: Option<Box<Run>>,
    /// What was asked last, so that it is told once.
    asked: Option<String>,
    /// The limit of a key that was told to be overdue before its rotation began.
    overdue_told: Option<Timestamp>,
}

/// A rotation under way, and the world that it sees.
struct Run {
    rotation: Option<Rotation>,
    seen: Observed,
    limit_at: Timestamp,
    overdue_told: bool,
}

impl Simulated {
    pub(super) fn new(
        mut subject: UserSubject,
        number: u32,
        assumptions: &Assumptions,
        begun: Timestamp,
    ) -> Self {
        // A saved report does not tell ids; any will do.
        subject.user_id.get_or_insert_with(|| made_up::<UserId>("AIDA", number, 0));
        for (key, place) in subject.keys.iter_mut().zip(1..) {
            key.id.get_or_insert_with(|| made_up::<AccessKeyId>("AKIA", number, u32::MAX - place));
        }
        let active = subject.keys.iter().find(|key| key.is_active());
        let last_used = active.and_then(|key| key.last_used.known());
        let applications = Applications::of(last_used, assumptions, begun);
        Self { subject, number, keys_made: 0, applications, rotation: None, asked: None, overdue_told: None }
    }

    pub(super) fn subject(&self) -> &UserSubject {
        &self.subject
    }

    /// Does what is due, and says when there is something to do again.
    pub(super) fn turn(
        &mut self,
        rules: &Rules<'_>,
        traffic: &mut Traffic,
        now: Timestamp,
        tell: &mut dyn FnMut(Happening<'_>),
    ) -> Option<Timestamp> {
        match self.rotation.take() {
            Some(run) => self.go_on(run, rules, traffic, now, tell),
            None => self.choose(rules, traffic, now, tell),
        }
    }

    fn choose(
        &mut self,
        rules: &Rules<'_>,
        traffic: &mut Traffic,
        now: Timestamp,
        tell: &mut dyn FnMut(Happening<'_>),
    ) -> Option<Timestamp> {
        let chooser = Chooser {
            policy: &rules.config.policy,
            rotate: &rules.config.rotate,
            fallback: rules.fallback,
            now,
            also_not_due: false,
            own_key: None,
            usage: &|_| Seen::Unknown("nothing tells who uses keys".to_owned()),
        };
        match chooser.choose(&self.subject) {
            Choice::Rotate(plan) => {
                self.asked = None;
                let controls = &rules.config.rotate.controls;
                if let Permit::Wait { until, why } =
                    traffic.admit(&self.subject, plan.limit_at, controls, now)
                {
                    return Some(self.is_held_back(rules, plan.limit_at, until, &why, now, tell));
                }
                let mut run = self.begin(*plan, rules, now)?;
                tell(Happening { at: now, user: &self.subject, what: What::Begins(run.rotation().plan()) });
                if self.overdue_told.take() == Some(run.limit_at) {
                    run.overdue_told = true;
                } else if now > run.limit_at {
                    run.tell_if_overdue(&self.subject, now, "it was too old when the rotation began", tell);
                }
                traffic.begins(self.number, &self.subject, controls);
                self.go_on(Box::new(run), rules, traffic, now, tell)
            }
            Choice::NotDue { due_at: at } | Choice::Waits { until: at, .. } => {
                self.asked = None;
                Some(rules.next_tick(at))
            }
            Choice::Ask { why, advice, .. } => {
                if self.asked.as_ref() != Some(&why) {
                    tell(Happening {
                        at: now,
                        user: &self.subject,
                        what: What::Asks { why: &why, advice: &advice },
                    });
                }
                self.asked = Some(why);
                Some(now + LOOK_AGAIN)
            }
            Choice::Exempt { .. } => Some(now + LOOK_AGAIN),
            Choice::NoActiveKey => None,
        }
    }

    /// Limits or canaries keep it from beginning: when it is tried again.
    fn is_held_back(
        &mut self,
        rules: &Rules<'_>,
        limit_at: Option<Timestamp>,
        until: Option<Timestamp>,
        why: &str,
        now: Timestamp,
        tell: &mut dyn FnMut(Happening<'_>),
    ) -> Timestamp {
        let again = rules.next_tick(until.unwrap_or(now + TRY_AGAIN).max(now + SignedDuration::from_secs(1)));
        if let Some(limit_at) = limit_at.filter(|limit_at| again > *limit_at)
            && self.overdue_told != Some(limit_at)
        {
            self.overdue_told = Some(limit_at);
            let what = What::IsOverdue { because: why };
            tell(Happening { at: limit_at, user: &self.subject, what });
        }
        again
    }

    fn begin(&mut self, mut plan: Plan, rules: &Rules<'_>, now: Timestamp) -> Option<Run> {
        let key = self.subject.keys.iter().find(|key| key.id.as_ref() == Some(&plan.old_key))?;
        let created_at = *key.created_at.known()?;
        let limit_at = rules.config.policy.limits_for(&self.subject).limits.max_age.after(created_at);
        // In a forecast all is well.
        plan.checks.clear();
        // Whoever must agree does so at once.
        plan.approvals.clear();
        let mut last_used = BTreeMap::new();
        for key in &self.subject.keys {
            last_used.insert(key.id.clone()?, key.last_used.clone());
        }
        let old = plan.old_key.clone();
        if plan.task.is_to_replace() {
            plan.old_key_last_used = self.applications.last_use_of_old(now);
            last_used.insert(old.clone(), Seen::Known(plan.old_key_last_used.clone()));
        }
        let current = plan.task.is_to_replace().then(|| held(&old));
        let slots = HeldSlots { current, ..HeldSlots::default() };
        let seen = Observed {
            looked_at: now,
            user: Seen::Known(Some(plan.subject.user_id.clone())),
            keys: Seen::Known(self.subject.keys.iter().filter_map(facts_of).collect()),
            last_used,
            destinations: vec![Seen::Known(slots); plan.destinations.len()],
            preflight: vec![Preflight::Ready; plan.destinations.len()],
            in_hand: BTreeSet::from([old]),
            can_see_usage: false,
            checks: Vec::new(),
        };
        let rotation = Rotation::begin(plan.rotation_id(now), plan, now);
        Some(Run { rotation: Some(rotation), seen, limit_at, overdue_told: false })
    }

    /// Drives the rotation until it waits for longer than a nap, asks or ends.
    fn go_on(
        &mut self,
        mut run: Box<Run>,
        rules: &Rules<'_>,
        traffic: &mut Traffic,
        begun: Timestamp,
        tell: &mut dyn FnMut(Happening<'_>),
    ) -> Option<Timestamp> {
        let mut now = begun;
        loop {
            self.look(&mut run, now);
            run.seen.looked_at = now;
            match run.rotation().next(&run.seen, now) {
                Next::Do(effect) => {
                    let intent = effect.intent().clone();
                    let controls = &rules.config.rotate.controls;
                    if let Permit::Wait { until, why } =
                        controls.permit_effect(run.rotation(), &intent, None, now)
                    {
                        let again = rules.next_tick(until.unwrap_or(now + LOOK_AGAIN));
                        run.tell_if_overdue(&self.subject, again, &why, tell);
                        self.rotation = Some(run);
                        return Some(again);
                    }
                    let outcome = self.perform(&mut run, &intent, rules, now);
                    tell(Happening { at: now, user: &self.subject, what: What::Does(&intent) });
                    let started = Event::Started { intent, by: worker(), deadline: now + EFFECT_DEADLINE };
                    run.apply(&started, now);
                    run.apply(&Event::Finished { result: outcome }, now);
                }
                Next::Record(event) => run.apply(&event, now),
                Next::LookAtUsage { .. } => unreachable!("nothing tells who uses keys in a forecast"),
                Next::Wait { until, .. } if until <= now + NAP => {
                    now = until;
                }
                Next::Wait { until, why } => {
                    let again = rules.next_tick(until);
                    run.tell_if_overdue(&self.subject, again, &why, tell);
                    self.rotation = Some(run);
                    return Some(again);
                }
                Next::Ask(question) => {
                    let why = question.to_string();
                    let what = What::Asks { why: &why, advice: question.advice() };
                    tell(Happening { at: now, user: &self.subject, what });
                    run.tell_if_overdue(&self.subject, Timestamp::MAX, &why, tell);
                    // Nobody answers in a forecast.
                    self.asked = Some(why);
                    return None;
                }
                Next::Done(ending) => {
                    self.end(&run);
                    let well = matches!(ending, Ending::Rotated { .. } | Ending::Finished { .. });
                    traffic.ends(self.number, &self.subject, &rules.config.rotate.controls, now, well);
                    tell(Happening { at: now, user: &self.subject, what: What::Ends(&ending) });
                    return Some(rules.next_tick(now + SignedDuration::from_secs(1)));
                }
            }
        }
    }

    /// What has happened by itself since the last look.
    fn look(&self, run: &mut Run, now: Timestamp) {
        let Run { rotation: Some(rotation), seen, .. } = run else { return };
        if !rotation.plan().task.is_to_replace() {
            return;
        }
        if let Some(Seen::Known(last_used)) = seen.last_used.get_mut(&rotation.plan().old_key) {
            *last_used = self.applications.last_use_of_old(now);
        }
        let new = rotation.new_key().and_then(|new| seen.last_used.get_mut(new));
        let used = self.applications.last_use_of_new(now);
        if let (Some(Seen::Known(last_used)), true) = (new, used != LastUsed::Never) {
            *last_used = used;
        }
    }

    fn perform(&mut self, run: &mut Run, intent: &Intent, rules: &Rules<'_>, now: Timestamp) -> Outcome {
        let Seen::Known(keys) = &mut run.seen.keys else { unreachable!("a forecast sees everything") };
        let mut set = |key: &AccessKeyId, status| {
            keys.iter_mut().filter(|facts| facts.id == *key).for_each(|facts| facts.status = status);
            Outcome::Done
        };
        match intent {
            Intent::Create { .. } => {
                self.keys_made += 1;
                let key = made_up::<AccessKeyId>("AKIA", self.number, self.keys_made);
                keys.push(KeyFacts { id: key.clone(), status: KeyStatus::Active, created_at: now });
                run.seen.last_used.insert(key.clone(), Seen::Known(LastUsed::Never));
                run.seen.in_hand.insert(key.clone());
                Outcome::Created { fingerprint: held(&key).fingerprint, key }
            }
            Intent::Probe { key } => {
                let sts = LastUsed::At { at: now, region: None, service: Some("sts".to_owned()) };
                run.seen.last_used.insert(key.clone(), Seen::Known(sts));
                let subject =
                    &run.rotation.as_ref().expect("it is only taken out to be moved on").plan().subject;
                Outcome::Accepted { account_id: subject.account_id, arn: subject.user_name.to_string() }
            }
            Intent::ProbeService { .. } => Outcome::Done,
            Intent::Disable { key } => set(key, KeyStatus::Inactive),
            Intent::Enable { key } => set(key, KeyStatus::Active),
            Intent::Delete { key } => {
                keys.retain(|facts| facts.id != *key);
                run.seen.last_used.remove(key);
                Outcome::Done
            }
            Intent::Stage { destination, key } => run.change(*destination, |slots| slots.stage(held(key))),
            Intent::Publish { destination, key } => {
                self.applications.switch_at(now + rules.assumptions.adoption);
                run.change(*destination, |slots| slots.publish(held(key)))
            }
            Intent::Restore { destination, key } => {
                run.change(*destination, |slots| {
                    // Whether a slot held it shows at the next look.
                    let _ = slots.restore(key);
                })
            }
            Intent::Forget { destination, key } => run.change(*destination, |slots| slots.forget(key)),
        }
    }

    /// The user after a rotation.
    fn end(&mut self, run: &Run) {
        let keys = run.seen.keys.known().map(Vec::as_slice).unwrap_or_default();
        let old = &run.rotation().plan().old_key;
        self.subject
            .keys
            .retain(|key| key.id.as_ref() != Some(old) || keys.iter().any(|facts| facts.id == *old));
        let known: BTreeSet<_> = self.subject.keys.iter().filter_map(|key| key.id.clone()).collect();
        for facts in keys.iter().filter(|facts| facts.id != *old && !known.contains(&facts.id)) {
            let mut key = self.subject.keys.first().cloned().unwrap_or_else(|| key_of(facts));
            key.id = Some(facts.id.clone());
            key.status = facts.status;
            key.created_at = Seen::Known(facts.created_at);
            self.subject.keys.push(key);
        }
        self.applications.settle();
    }
}

impl Run {
    fn rotation(&self) -> &Rotation {
        self.rotation.as_ref().expect("it is only taken out to be moved on")
    }

    fn apply(&mut self, event: &Event, at: Timestamp) {
        let moved = self.rotation.take().map(|rotation| rotation.apply(event, at));
        self.rotation = moved.map(|moved| moved.expect("what the machine asks for, it takes"));
    }

    fn change(&mut self, destination: usize, change: impl FnOnce(&mut HeldSlots)) -> Outcome {
        match self.seen.destinations.get_mut(destination) {
            Some(Seen::Known(slots)) => {
                change(slots);
                Outcome::Done
            }
            _ => Outcome::Failed { kind: FailureKind::Invalid, message: "there is no such place".to_owned() },
        }
    }

    /// If the old key is active for longer than it may.
    fn tell_if_overdue(
        &mut self,
        user: &UserSubject,
        until: Timestamp,
        because: &str,
        tell: &mut dyn FnMut(Happening<'_>),
    ) {
        let old = &self.rotation().plan().old_key;
        let active = |facts: &KeyFacts| facts.id == *old && facts.status == KeyStatus::Active;
        let is_active = self.seen.keys.known().is_some_and(|keys| keys.iter().any(active));
        if is_active && until > self.limit_at && !self.overdue_told {
            self.overdue_told = true;
            tell(Happening { at: self.limit_at, user, what: What::IsOverdue { because } });
        }
    }
}

/// What the pair of a key is recognised by. There is no secret in a forecast, so the id stands for it.
fn held(key: &AccessKeyId) -> Held {
    Held { key: key.clone(), fingerprint: Fingerprint::of_no_secret(key) }
}

/// An id like no other of the forecast.
fn made_up<T: FromStr<Err: Debug>>(prefix: &str, user: u32, number: u32) -> T {
    format!("{prefix}{user:010}{number:010}").parse().expect("letters and digits are an id")
}

fn worker() -> WorkerId {
    static WORKER: LazyLock<WorkerId> =
        LazyLock::new(|| "forecast".parse().expect("letters are a worker id"));
    WORKER.clone()
}

fn facts_of(key: &KeySubject) -> Option<KeyFacts> {
    let (id, created_at) = (key.id.clone()?, *key.created_at.known()?);
    Some(KeyFacts { id, status: key.status, created_at })
}

fn key_of(facts: &KeyFacts) -> KeySubject {
    KeySubject {
        id: Some(facts.id.clone()),
        slot: None,
        status: facts.status,
        created_at: Seen::Known(facts.created_at),
        last_used: Seen::Known(LastUsed::Never),
        last_used_as_of: None,
    }
}
