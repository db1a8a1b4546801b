//! An active key gets older than its limit within the warning period.

use super::{Age, Check, Found, KeyCase, Verdict, Words};
use crate::audit::code::Code;
use crate::audit::command;
use crate::policy::Period;

pub(super) const CHECK: Check = Check { code: Code::KeyDueSoon, judge };

fn judge<'a>(case: &KeyCase<'a>) -> Verdict<'a> {
    // A key of unknown age is told of by the check of the age itself.
    let (true, Age::Known(age, created_at)) = (case.key.is_active(), case.age) else {
        return Verdict::Clear;
    };
    let limit = case.limits.max_age;
    let due_at = case.mode.due_at(created_at, limit);
    let Some(left) = Period::between(case.now, due_at) else { return Verdict::Clear };
    if left > case.limits.warn_before {
        return Verdict::Clear;
    }
    let subject = case.subject;
    Verdict::Found(Found::new(Some((limit, due_at)), move || Words {
        message: format!("{age} old, limit {limit}: due in {left}"),
        next_command: command::plan_rotation(subject),
    }))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::{key_too_old, message};
    use super::*;
    use crate::fact::KeyStatus;

    #[test]
    fn the_warning_begins_with_its_period_and_ends_with_the_limit() {
        assert_eq!(message(&CHECK, "75d 23h 59m 59s", |_, _| {}), "");
        assert_eq!(message(&CHECK, "76d", |_, _| {}), "76 d old, limit 90 d: due in 14 d");
        assert_eq!(message(&CHECK, "90d", |_, _| {}), "90 d old, limit 90 d: due in 0 s");
        assert_eq!(message(&CHECK, "90d 1s", |_, _| {}), "");
    }

    #[test]
    fn an_inactive_key_is_never_due() {
        assert_eq!(message(&CHECK, "80d", |subject, _| subject.keys[0].status = KeyStatus::Inactive), "");
    }

    proptest! {
        #[test]
        fn a_key_is_never_both_due_and_too_old(age in 0_u32..20_000_000) {
            let age = Period::seconds(age).to_string();
            let due = message(&CHECK, &age, |_, _| {});
            let too_old = message(&key_too_old::CHECK, &age, |_, _| {});
            prop_assert!(due.is_empty() || too_old.is_empty());
        }
    }
}
