//! An active key is older than its limit.

use super::{Age, Check, Found, KeyCase, Verdict, Words};
use crate::audit::code::Code;
use crate::audit::command;
use crate::audit::finding::Cause;

pub(super) const CHECK: Check = Check { code: Code::KeyTooOld, judge };

fn judge<'a>(case: &KeyCase<'a>) -> Verdict<'a> {
    if !case.key.is_active() {
        return Verdict::Clear;
    }
    let (age, created_at) = match case.age {
        Age::Known(age, created_at) => (age, created_at),
        Age::Ahead(_) => return Verdict::Clear,
        Age::Unknown(why) => return Verdict::CannotTell(Cause::NotRead, why.to_owned()),
    };
    let limit = case.limits.max_age;
    let due_at = case.mode.due_at(created_at, limit);
    if case.now <= due_at {
        return Verdict::Clear;
    }
    let subject = case.subject;
    Verdict::Found(Found::new(Some((limit, due_at)), move || Words {
        message: format!("{age} old, limit {limit}"),
        next_command: command::plan_rotation(subject),
    }))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::message;
    use super::*;
    use crate::fact::{KeyStatus, Seen};
    use crate::policy::Period;

    #[test]
    fn a_key_is_too_old_one_second_behind_its_limit() {
        assert_eq!(message(&CHECK, "90d", |_, _| {}), "", "exactly 90 days are not older than 90 days");
        assert_eq!(message(&CHECK, "90d 1s", |_, _| {}), "90 d 1 s old, limit 90 d");
        assert_eq!(message(&CHECK, "90d 1h", |_, _| {}), "90 d 1 h old, limit 90 d");
        assert_eq!(message(&CHECK, "91d 4h", |_, _| {}), "91 d 4 h old, limit 90 d");
    }

    #[test]
    fn an_inactive_key_is_never_too_old() {
        assert_eq!(message(&CHECK, "900d", |subject, _| subject.keys[0].status = KeyStatus::Inactive), "");
    }

    #[test]
    fn a_key_without_a_date_is_not_judged_to_be_young() {
        let hide = |subject: &mut crate::policy::UserSubject, _: &mut _| {
            subject.keys[0].created_at = Seen::Unknown("the report has no date for it".into());
        };
        assert_eq!(message(&CHECK, "1d", hide), "cannot tell (NotRead): the report has no date for it");
    }

    proptest! {
        #[test]
        fn the_line_is_exact_for_every_limit_and_age(limit in 1_u32..20_000_000, age in 0_u32..20_000_000) {
            let limit = Period::seconds(limit);
            let age = Period::seconds(age);
            let found = message(&CHECK, &age.to_string(), |_, policy| policy.max_age = limit);
            prop_assert_eq!(!found.is_empty(), age > limit);
        }
    }
}
