//! The user of an active key can also sign in to the console with a password: a person who could have
//! short-lived credentials instead, or a program that nobody should be able to sign in as.

use super::{Check, Found, KeyCase, Verdict, Words};
use crate::audit::code::Code;
use crate::audit::command;
use crate::audit::finding::Cause;
use crate::fact::Seen;

pub(super) const CHECK: Check = Check { code: Code::ConsoleUserWithKeys, judge };

fn judge<'a>(case: &KeyCase<'a>) -> Verdict<'a> {
    if case.is_root() || !case.key.is_active() {
        return Verdict::Clear;
    }
    match &case.subject.console_password {
        Seen::Known(false) => Verdict::Clear,
        // Only the credential report tells it, and that is made anew every four hours only.
        Seen::Unknown(why) => Verdict::CannotTell(
            Cause::NotTold,
            format!("it is not known whether the user has a password: {why}"),
        ),
        Seen::Known(true) => {
            let KeyCase { subject, key, .. } = *case;
            Verdict::Found(Found::new(None, move || Words {
                message: format!("{} can also sign in to the console with a password", subject.principal),
                next_command: command::show_last_use(subject, key),
            }))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::message;
    use super::*;
    use crate::fact::KeyStatus;
    use crate::policy::{Policy, Principal, UserSubject};

    fn password(subject: &mut UserSubject, _: &mut Policy) {
        subject.console_password = Seen::Known(true);
    }

    #[test]
    fn a_user_with_a_password_and_an_active_key_is_found() {
        assert_eq!(message(&CHECK, "1d", |_, _| {}), "");
        assert_eq!(message(&CHECK, "1d", password), "alice can also sign in to the console with a password");
    }

    #[test]
    fn inactive_keys_and_the_root_user_are_for_other_checks() {
        let inactive = |subject: &mut UserSubject, policy: &mut Policy| {
            password(subject, policy);
            subject.keys[0].status = KeyStatus::Inactive;
        };
        assert_eq!(message(&CHECK, "1d", inactive), "");
        let root = |subject: &mut UserSubject, policy: &mut Policy| {
            password(subject, policy);
            subject.principal = Principal::Root;
        };
        assert_eq!(message(&CHECK, "1d", root), "");
    }

    #[test]
    fn a_password_that_is_not_told_of_is_not_denied() {
        let hide = |subject: &mut UserSubject, _: &mut Policy| {
            subject.console_password = Seen::Unknown("newer than the report".into());
        };
        assert_eq!(
            message(&CHECK, "1d", hide),
            "cannot tell (NotTold): it is not known whether the user has a password: newer than the report"
        );
    }
}
