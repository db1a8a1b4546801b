//! A key was created later than the instant at which it is judged: the clock is wrong, and so is every age.

use super::{Age, Check, Found, KeyCase, Verdict, Words};
use crate::audit::code::Code;
use crate::audit::command;

pub(super) const CHECK: Check = Check { code: Code::ClockBeforeCreation, judge };

fn judge<'a>(case: &KeyCase<'a>) -> Verdict<'a> {
    let (Age::Ahead(ahead), now) = (case.age, case.now) else { return Verdict::Clear };
    Verdict::Found(Found::new(None, move || Words {
        message: format!(
            "created {ahead} after {now}, the instant of this audit: a clock is wrong, and with it every age"
        ),
        next_command: command::show_clock(),
    }))
}

#[cfg(test)]
mod tests {
    use super::super::{CHECKS, message};
    use super::*;
    use crate::fact::Seen;
    use crate::policy::{Policy, UserSubject};

    fn created(at: &str) -> impl Fn(&mut UserSubject, &mut Policy) {
        let at = at.parse().unwrap();
        move |subject, _| subject.keys[0].created_at = Seen::Known(at)
    }

    #[test]
    fn a_key_from_the_future_is_found_and_judged_by_nothing_else() {
        let future = created("2026-11-23T14:00:00Z");
        let found: Vec<_> = CHECKS
            .iter()
            .map(|check| message(check, "0s", &future))
            .filter(|text| !text.is_empty())
            .collect();
        assert_eq!(
            found,
            [
                "created 2 h after 2026-11-23T12:00:00Z, the instant of this audit: a clock is wrong, and with it every age"
            ]
        );
    }

    #[test]
    fn some_minutes_may_be_nobodys_mistake() {
        assert_eq!(message(&CHECK, "0s", created("2026-11-23T12:05:00Z")), "");
        assert_ne!(message(&CHECK, "0s", created("2026-11-23T12:05:01Z")), "");
    }
}
