//! An active key was never used, and was created longer ago than a key may be without use.
//!
//! The time without use counts from the creation, so a key that was made just now is not found: whoever made
//! it may still be about to hand it over.

use super::{Age, Check, Found, KeyCase, Verdict, Words};
use crate::audit::code::Code;
use crate::audit::command;
use crate::fact::{LastUsed, Seen};

pub(super) const CHECK: Check = Check { code: Code::KeyNeverUsed, judge };

fn judge<'a>(case: &KeyCase<'a>) -> Verdict<'a> {
    // What is not known is told of by the checks of the age and of the last use.
    let (true, Seen::Known(LastUsed::Never), Age::Known(age, created_at)) =
        (case.key.is_active(), &case.key.last_used, case.age)
    else {
        return Verdict::Clear;
    };
    let limit = case.limits.unused_after;
    if age <= limit {
        return Verdict::Clear;
    }
    let KeyCase { subject, key, .. } = *case;
    Verdict::Found(Found::new(Some((limit, limit.after(created_at))), move || Words {
        message: format!("never used in the {age} since it was created, limit {limit}"),
        next_command: command::deactivate(subject, key),
    }))
}

#[cfg(test)]
mod tests {
    use super::super::message;
    use super::*;
    use crate::fact::KeyStatus;
    use crate::policy::{Policy, UserSubject};

    fn never(subject: &mut UserSubject, _: &mut Policy) {
        subject.keys[0].last_used = Seen::Known(LastUsed::Never);
    }

    #[test]
    fn a_key_that_was_never_used_counts_from_its_creation() {
        assert_eq!(message(&CHECK, "45d", never), "");
        assert_eq!(
            message(&CHECK, "45d 1s", never),
            "never used in the 45 d 1 s since it was created, limit 45 d"
        );
    }

    #[test]
    fn a_fresh_key_has_its_time_to_be_handed_over() {
        assert_eq!(message(&CHECK, "5m", never), "");
    }

    #[test]
    fn used_and_inactive_keys_are_for_other_checks() {
        assert_eq!(message(&CHECK, "300d", |_, _| {}), "", "it was used");
        let inactive = |subject: &mut UserSubject, policy: &mut Policy| {
            never(subject, policy);
            subject.keys[0].status = KeyStatus::Inactive;
        };
        assert_eq!(message(&CHECK, "300d", inactive), "");
    }

    #[test]
    fn an_unknown_last_use_is_not_never() {
        let hide = |subject: &mut UserSubject, _: &mut Policy| {
            subject.keys[0].last_used = Seen::Unknown("throttled".into());
        };
        assert_eq!(message(&CHECK, "300d", hide), "");
    }
}
