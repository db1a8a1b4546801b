//! Faults to inject: which calls, when, how often, and what goes wrong. Plain data, so that a test can
//! write them down and the control path of the sandbox can take them as JSON.

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
pub(crate) struct FaultPlan(Vec<InjectedFault>);

impl FaultPlan {
    pub(crate) fn add(&mut self, fault: InjectedFault) {
        self.0.push(fault);
    }

    pub(crate) fn clear(&mut self) {
        self.0.clear();
    }

    pub(crate) fn all(&self) -> &[InjectedFault] {
        &self.0
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
        let hit = self.0.iter().position(|fault| {
            fault.calls != Some(0)
                && fault.matches(service, action, account, now)
                && fault.chance.is_none_or(|chance| random.chance(chance))
        })?;
        let effect = self.0[hit].effect;
        if let Some(calls) = &mut self.0[hit].calls {
            *calls -= 1;
            if *calls == 0 {
                self.0.remove(hit);
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
