//! An active key is one of two of its user: a rotation that was never finished, or two applications that
//! share a user. Each of the two is found.

use jiff::Timestamp;

use super::{Age, Check, Found, KeyCase, Verdict, Words};
use crate::audit::code::Code;
use crate::audit::command;
use crate::fact::{LastUsed, Seen};
use crate::policy::{KeySubject, Period};

pub(super) const CHECK: Check = Check { code: Code::TwoActiveKeys, judge };

fn judge<'a>(case: &KeyCase<'a>) -> Verdict<'a> {
    let KeyCase { subject, key, now, .. } = *case;
    let others =
        move || subject.keys.iter().filter(move |other| !std::ptr::eq(*other, key) && other.is_active());
    if !key.is_active() || others().next().is_none() {
        return Verdict::Clear;
    }
    Verdict::Found(Found::new(None, move || {
        let others: Vec<_> = others().map(|other| describe(other, now)).collect();
        Words {
            message: format!("not the only active key of {}: also {}", subject.principal, others.join(", ")),
            next_command: command::plan_rotation(subject),
        }
    }))
}

fn describe(other: &KeySubject, now: Timestamp) -> String {
    let age = match Age::of(other, now) {
        Age::Known(age, _) => format!("{age} old"),
        Age::Ahead(_) | Age::Unknown(_) => "of unknown age".to_owned(),
    };
    let use_ = match &other.last_used {
        Seen::Known(LastUsed::Never) => "never used".to_owned(),
        Seen::Known(LastUsed::At { at, .. }) => {
            format!("last used {} before", Period::between(*at, now).unwrap_or(Period::ZERO))
        }
        Seen::Unknown(_) => "its last use not known".to_owned(),
    };
    format!("{other} ({age}, {use_})")
}

#[cfg(test)]
mod tests {
    use super::super::message;
    use super::*;
    use crate::fact::KeyStatus;
    use crate::policy::{Policy, UserSubject, test_key};

    fn second(status: KeyStatus) -> impl Fn(&mut UserSubject, &mut Policy) {
        move |subject, _| {
            let id = Some("AKIAI44QH8DHBEXAMPLE".parse().unwrap());
            let last_used = Seen::Known(LastUsed::Never);
            subject.keys.push(KeySubject { id, status, last_used, ..test_key("2026-11-13T12:00:00Z") });
        }
    }

    #[test]
    fn two_active_keys_are_found_with_what_is_known_of_the_other() {
        assert_eq!(
            message(&CHECK, "80d", second(KeyStatus::Active)),
            "not the only active key of alice: also AKIAI44QH8DHBEXAMPLE (10 d old, never used)"
        );
    }

    #[test]
    fn an_inactive_key_is_not_a_second_one() {
        assert_eq!(message(&CHECK, "80d", |_, _| {}), "");
        assert_eq!(message(&CHECK, "80d", second(KeyStatus::Inactive)), "");
        let first_inactive = |subject: &mut UserSubject, policy: &mut Policy| {
            second(KeyStatus::Active)(subject, policy);
            subject.keys[0].status = KeyStatus::Inactive;
        };
        assert_eq!(message(&CHECK, "80d", first_inactive), "");
    }
}
