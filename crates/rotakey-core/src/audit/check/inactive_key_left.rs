//! An inactive key was left behind: it can be made active again, and takes one of the two places for keys.

use super::{Age, Check, Found, KeyCase, Verdict, Words};
use crate::audit::code::Code;
use crate::audit::command;

pub(super) const CHECK: Check = Check { code: Code::InactiveKeyLeft, judge };

fn judge<'a>(case: &KeyCase<'a>) -> Verdict<'a> {
    if case.key.is_active() {
        return Verdict::Clear;
    }
    let KeyCase { subject, key, age, .. } = *case;
    Verdict::Found(Found::new(None, move || {
        let age = match age {
            Age::Known(age, _) => format!(", {age} old"),
            Age::Ahead(_) | Age::Unknown(_) => String::new(),
        };
        Words {
            message: format!(
                "inactive and left behind{age}: whoever may update keys can make it active again"
            ),
            next_command: command::delete(subject, key),
        }
    }))
}

#[cfg(test)]
mod tests {
    use super::super::message;
    use super::*;
    use crate::fact::{KeyStatus, Seen};
    use crate::policy::{Policy, UserSubject};

    fn inactive(subject: &mut UserSubject, _: &mut Policy) {
        subject.keys[0].status = KeyStatus::Inactive;
    }

    #[test]
    fn an_inactive_key_is_found_at_any_age() {
        assert_eq!(
            message(&CHECK, "120d", inactive),
            "inactive and left behind, 120 d old: whoever may update keys can make it active again"
        );
        let undated = |subject: &mut UserSubject, policy: &mut Policy| {
            inactive(subject, policy);
            subject.keys[0].created_at = Seen::Unknown("no date".into());
        };
        assert!(message(&CHECK, "120d", undated).starts_with("inactive and left behind:"));
    }

    #[test]
    fn an_active_key_is_not_left_behind() {
        assert_eq!(message(&CHECK, "120d", |_, _| {}), "");
    }
}
