//! Faults to inject: which calls, when, how often, and what goes wrong. Plain data, so that a test can
//! write them down and the control path of the sandbox can take them as JSON.

use std::collections::BTreeMap;

use jiff::Timestamp;
use rotakey_core::id::AccountId;
use serde::{Deserialize, Serialize};

use crate::api::Service;
use crate::random::Random;

/// One fault. Absent conditions match every call: `{"effect": {"type": "throttle"}}` throttles everything.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct InjectedFault {
    /// Only calls of this service.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub service: Option<Service>,
    /// Only calls of this operation: `CreateAccessKey`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub action: Option<String>,
    /// Only calls by credentials of this account.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub account_id: Option<AccountId>,
    /// Only calls at or after this instant.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub from: Option<Timestamp>,
    /// Only calls before this instant.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub until: Option<Timestamp>,
    /// The share of the matching calls that is hit, 0 to 1; all of them if absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub chance: Option<f64>,
    /// Only calls that come faster than so many a second: each operation has in each account a token bucket of its own
    /// that holds one second's worth, as IAM has. Calls that are hit take no token.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub faster_than: Option<f64>,
    /// How many calls are hit before the fault is over; no end if absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub calls: Option<u32>,
    /// What goes wrong.
    pub effect: Effect,
}

/// What goes wrong with a call that is hit.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "kebab-case", deny_unknown_fields)]
pub enum Effect {
    /// Refused with the service's throttling error; nothing happens.
    Throttle,
    /// No answer comes, and the call took effect or did not.
    NoAnswer {
        /// Whether it took effect.
        happened: bool,
    },
    /// Refused with the service's 5xx error; nothing happens.
    Outage,
    /// Refused as if no policy allowed the call.
    AccessDenied,
}

impl InjectedFault {
    /// A fault that hits every call, always: narrow it with the methods below.
    pub fn new(effect: Effect) -> Self {
        Self {
            service: None,
            action: None,
            account_id: None,
            from: None,
            until: None,
            chance: None,
            faster_than: None,
            calls: None,
            effect,
        }
    }

    /// Only calls of this operation.
    #[must_use]
    pub fn on(mut self, service: Service, action: &str) -> Self {
        self.service = Some(service);
        self.action = Some(action.to_owned());
        self
    }

    /// Only calls of this service.
    #[must_use]
    pub fn on_service(mut self, service: Service) -> Self {
        self.service = Some(service);
        self
    }

    /// Only calls by credentials of this account.
    #[must_use]
    pub fn in_account(mut self, account: AccountId) -> Self {
        self.account_id = Some(account);
        self
    }

    /// Only from one instant to before another.
    #[must_use]
    pub fn between(mut self, from: Timestamp, until: Timestamp) -> Self {
        self.from = Some(from);
        self.until = Some(until);
        self
    }

    /// Only this share of the calls, 0 to 1.
    #[must_use]
    pub fn with_chance(mut self, chance: f64) -> Self {
        self.chance = Some(chance);
        self
    }

    /// Only the next so many calls.
    #[must_use]
    pub fn times(mut self, calls: u32) -> Self {
        self.calls = Some(calls);
        self
    }

    /// Only calls that come faster than so many a second.
    #[must_use]
    pub fn faster_than(mut self, per_second: f64) -> Self {
        self.faster_than = Some(per_second);
        self
    }

    fn matches(&self, service: Service, action: &str, account: Option<AccountId>, now: Timestamp) -> bool {
        self.service.is_none_or(|wanted| wanted == service)
            && self.action.as_deref().is_none_or(|wanted| wanted == action)
            && self.account_id.is_none_or(|wanted| Some(wanted) == account)
            && self.from.is_none_or(|from| from <= now)
            && self.until.is_none_or(|until| now < until)
    }
}

/// The faults that are injected at present.
#[derive(Debug, Default)]
pub(crate) struct FaultPlan {
    faults: Vec<InjectedFault>,
    buckets: Buckets,
}

/// The tokens of each operation in each account, and since when it has them.
#[derive(Debug, Default)]
struct Buckets(BTreeMap<(Service, String, Option<AccountId>), (f64, Timestamp)>);

impl Buckets {
    /// Takes a token, if there is one.
    fn take(
        &mut self,
        (service, action, account): (Service, &str, Option<AccountId>),
        per_second: f64,
        now: Timestamp,
    ) -> bool {
        let most = per_second.max(1.0);
        let bucket = self.0.entry((service, action.to_owned(), account)).or_insert((most, now));
        let passed = now.duration_since(bucket.1).as_secs_f64();
        *bucket = ((bucket.0 + passed * per_second).min(most), now);
        let has_one = bucket.0 >= 1.0;
        if has_one {
            bucket.0 -= 1.0;
        }
        has_one
    }
}

impl FaultPlan {
    pub(crate) fn add(&mut self, fault: InjectedFault) {
        self.faults.push(fault);
    }

    pub(crate) fn clear(&mut self) {
        self.faults.clear();
        self.buckets = Buckets::default();
    }

    pub(crate) fn all(&self) -> &[InjectedFault] {
        &self.faults
    }

    /// The effect of the first fault that hits the call. A fault that has hit as often as it should is
    /// removed.
    pub(crate) fn strike(
        &mut self,
        service: Service,
        action: &str,
        account: Option<AccountId>,
        now: Timestamp,
        random: &mut Random,
    ) -> Option<Effect> {
        let buckets = &mut self.buckets;
        let hit = self.faults.iter().position(|fault| {
            fault.calls != Some(0)
                && fault.matches(service, action, account, now)
                && fault.chance.is_none_or(|chance| random.chance(chance))
                && fault.faster_than.is_none_or(|rate| !buckets.take((service, action, account), rate, now))
        })?;
        let effect = self.faults[hit].effect;
        if let Some(calls) = &mut self.faults[hit].calls {
            *calls -= 1;
            if *calls == 0 {
                self.faults.remove(hit);
            }
        }
        Some(effect)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn strike(plan: &mut FaultPlan, action: &str, second: i64) -> Option<Effect> {
        let now = Timestamp::from_second(second).unwrap();
        plan.strike(Service::Iam, action, None, now, &mut Random::new(second.unsigned_abs()))
    }

    #[test]
    fn a_fault_hits_the_next_calls_of_its_action_and_is_over() {
        let mut plan = FaultPlan::default();
        plan.add(InjectedFault::new(Effect::Throttle).on(Service::Iam, "CreateAccessKey").times(2));
        let hits = ["CreateAccessKey", "GetUser", "CreateAccessKey", "CreateAccessKey"]
            .map(|action| strike(&mut plan, action, 0).is_some());
        assert_eq!(hits, [true, false, true, false]);
        assert!(plan.all().is_empty());
    }

    #[test]
    fn an_outage_lasts_from_its_first_instant_to_before_its_last() {
        let mut plan = FaultPlan::default();
        let at = |second| Timestamp::from_second(second).unwrap();
        plan.add(InjectedFault::new(Effect::Outage).on_service(Service::Iam).between(at(10), at(20)));
        let hits = [9, 10, 19, 20].map(|second| strike(&mut plan, "GetUser", second).is_some());
        assert_eq!(hits, [false, true, true, false]);
    }

    #[test]
    fn a_chance_hits_about_its_share() {
        let mut plan = FaultPlan::default();
        plan.add(InjectedFault::new(Effect::Throttle).with_chance(0.25));
        let hits = (0..1_000).filter(|&second| strike(&mut plan, "GetUser", second).is_some()).count();
        assert!((200..300).contains(&hits), "{hits}");
    }

    #[test]
    fn what_comes_faster_than_its_limit_is_hit_operation_by_operation_and_account_by_account() {
        let mut plan = FaultPlan::default();
        plan.add(InjectedFault::new(Effect::Throttle).on_service(Service::Iam).faster_than(2.0));
        let mut random = Random::new(1);
        let mut hit = |action: &str, account: u64, milliseconds: i64| {
            let now = Timestamp::from_millisecond(milliseconds).unwrap();
            plan.strike(Service::Iam, action, AccountId::new(account), now, &mut random).is_some()
        };
        let seconds = [0, 0, 0, 400, 500, 600, 5_000, 5_000, 5_000];
        let hits = seconds.map(|at| hit("GetUser", 1, at));
        assert_eq!(hits, [false, false, true, true, false, true, false, false, true]);
        assert!(!hit("ListUsers", 1, 5_000) && !hit("GetUser", 2, 5_000));
    }

    #[test]
    fn faults_are_read_from_json() {
        let text = r#"{"service": "secretsmanager", "action": "PutSecretValue", "calls": 1,
                       "effect": {"type": "no-answer", "happened": true}}"#;
        let fault: InjectedFault = serde_json::from_str(text).unwrap();
        assert_eq!(fault.service, Some(Service::SecretsManager));
        assert_eq!(fault.effect, Effect::NoAnswer { happened: true });
        let wrong = r#"{"servise": "iam", "effect": {"type": "throttle"}}"#;
        assert!(serde_json::from_str::<InjectedFault>(wrong).is_err(), "a typing error is said");
    }
}
