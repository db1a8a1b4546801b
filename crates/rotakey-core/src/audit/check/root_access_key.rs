//! The root user has an access key, active or not. No policy limits what can be done with it.

use super::{Check, Found, KeyCase, Verdict, Words};
use crate::audit::code::Code;
use crate::audit::command;

pub(super) const CHECK: Check = Check { code: Code::RootAccessKey, judge };

fn judge<'a>(case: &KeyCase<'a>) -> Verdict<'a> {
    if !case.is_root() {
        return Verdict::Clear;
    }
    let KeyCase { subject, key, .. } = *case;
    Verdict::Found(Found::new(None, move || {
        let status = if key.is_active() { "active" } else { "inactive" };
        Words {
            message: format!("the root user has an {status} access key, which no policy can limit"),
            next_command: command::delete(subject, key),
        }
    }))
}

#[cfg(test)]
mod tests {
    use super::super::message;
    use super::*;
    use crate::fact::KeyStatus;
    use crate::policy::{Policy, Principal, UserSubject};

    fn root(status: KeyStatus) -> impl Fn(&mut UserSubject, &mut Policy) {
        move |subject, _| {
            subject.principal = Principal::Root;
            subject.keys[0].status = status;
        }
    }

    #[test]
    fn any_key_of_the_root_user_is_found() {
        let active = "the root user has an active access key, which no policy can limit";
        assert_eq!(message(&CHECK, "1s", root(KeyStatus::Active)), active);
        assert_eq!(message(&CHECK, "1s", root(KeyStatus::Inactive)), active.replace("active", "inactive"));
    }

    #[test]
    fn keys_of_iam_users_are_not() {
        assert_eq!(message(&CHECK, "900d", |_, _| {}), "");
    }
}
