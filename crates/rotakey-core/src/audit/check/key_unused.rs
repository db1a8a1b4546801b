//! An active key was used, but not for longer than a key may be without use.

use super::{Age, Check, Found, KeyCase, Verdict, Words};
use crate::audit::code::Code;
use crate::audit::command;
use crate::audit::finding::Cause;
use crate::fact::{LastUsed, Seen};
use crate::policy::Period;

pub(super) const CHECK: Check = Check { code: Code::KeyUnused, judge };

fn judge<'a>(case: &KeyCase<'a>) -> Verdict<'a> {
    if !case.key.is_active() {
        return Verdict::Clear;
    }
    let limit = case.limits.unused_after;
    let (at, region, service) = match &case.key.last_used {
        Seen::Known(LastUsed::At { at, region, service }) => (*at, region.as_deref(), service.as_deref()),
        Seen::Known(LastUsed::Never) => return Verdict::Clear,
        // Younger than the limit, it cannot have been without use for longer than the limit.
        Seen::Unknown(_) if matches!(case.age, Age::Known(age, _) if age <= limit) => {
            return Verdict::Clear;
        }
        Seen::Unknown(why) => {
            return Verdict::CannotTell(Cause::NotRead, format!("its last use is not known: {why}"));
        }
    };
    let Some(idle) = Period::between(at, case.now).filter(|idle| *idle > limit) else {
        return Verdict::Clear;
    };
    let KeyCase { subject, key, .. } = *case;
    Verdict::Found(Found::new(Some((limit, limit.after(at))), move || {
        let service = service.map(|service| format!(" for {service}")).unwrap_or_default();
        let region = region.map(|region| format!(" in {region}")).unwrap_or_default();
        Words {
            message: format!("not used for {idle}, limit {limit}; last at {at}{service}{region}"),
            next_command: command::deactivate(subject, key),
        }
    }))
}

#[cfg(test)]
mod tests {
    use super::super::message;
    use super::*;
    use crate::fact::KeyStatus;
    use crate::policy::{Policy, UserSubject};

    /// Last used so long before the audit.
    fn idle(period: &str) -> impl Fn(&mut UserSubject, &mut Policy) {
        let at = period.parse::<Period>().unwrap().before("2026-11-23T12:00:00Z".parse().unwrap());
        move |subject, _| {
            let (region, service) = (Some("eu-central-1".to_owned()), Some("s3".to_owned()));
            subject.keys[0].last_used = Seen::Known(LastUsed::At { at, region, service });
        }
    }

    #[test]
    fn the_time_without_use_is_exact() {
        assert_eq!(message(&CHECK, "300d", idle("45d")), "");
        assert_eq!(
            message(&CHECK, "300d", idle("45d 1s")),
            "not used for 45 d 1 s, limit 45 d; last at 2026-10-09T11:59:59Z for s3 in eu-central-1"
        );
    }

    #[test]
    fn a_key_that_was_never_used_is_for_another_check() {
        let never = |subject: &mut UserSubject, _: &mut Policy| {
            subject.keys[0].last_used = Seen::Known(LastUsed::Never);
        };
        assert_eq!(message(&CHECK, "300d", never), "");
    }

    #[test]
    fn an_inactive_key_cannot_be_used() {
        let inactive = |subject: &mut UserSubject, policy: &mut Policy| {
            idle("300d")(subject, policy);
            subject.keys[0].status = KeyStatus::Inactive;
        };
        assert_eq!(message(&CHECK, "400d", inactive), "");
    }

    #[test]
    fn an_unknown_last_use_is_never_taken_for_a_recent_one() {
        let hide = |subject: &mut UserSubject, _: &mut Policy| {
            subject.keys[0].last_used = Seen::Unknown("throttled".into());
        };
        let unknown = "cannot tell (NotRead): its last use is not known: throttled";
        assert_eq!(message(&CHECK, "45d 1s", hide), unknown);
        assert_eq!(message(&CHECK, "45d", hide), "", "it is too young for that");
    }

    #[test]
    fn a_use_behind_the_instant_of_the_audit_is_a_recent_one() {
        let later = |subject: &mut UserSubject, _: &mut Policy| {
            let at = "2026-12-24T12:00:00Z".parse().unwrap();
            subject.keys[0].last_used = Seen::Known(LastUsed::At { at, region: None, service: None });
        };
        assert_eq!(message(&CHECK, "300d", later), "");
    }
}
