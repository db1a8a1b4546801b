//! The checks. To add one: a code, a file here that says when the code is found, and its line in [`CHECKS`].

mod clock_before_creation;
mod console_user_with_keys;
mod inactive_key_left;
mod key_due_soon;
mod key_never_used;
mod key_too_old;
mod key_unused;
mod missing_tag;
mod root_access_key;
mod two_active_keys;

use jiff::Timestamp;

use super::code::Code;
use super::finding::Cause;
use super::mode::Mode;
use crate::fact::Seen;
use crate::policy::{KeySubject, Limits, Period, Policy, Principal, UserSubject};

/// All checks, in the order of [`Code::ALL`].
pub(super) const CHECKS: [Check; Code::ALL.len()] = [
    root_access_key::CHECK,
    key_too_old::CHECK,
    key_due_soon::CHECK,
    key_never_used::CHECK,
    key_unused::CHECK,
    two_active_keys::CHECK,
    inactive_key_left::CHECK,
    missing_tag::CHECK,
    console_user_with_keys::CHECK,
    clock_before_creation::CHECK,
];

/// One check.
pub(super) struct Check {
    /// What it finds.
    pub(super) code: Code,
    /// Whether one key has it.
    pub(super) judge: for<'a> fn(&KeyCase<'a>) -> Verdict<'a>,
}

/// One key before its judge.
pub(super) struct KeyCase<'a> {
    pub(super) subject: &'a UserSubject,
    pub(super) key: &'a KeySubject,
    pub(super) limits: Limits,
    pub(super) policy: &'a Policy,
    pub(super) mode: Mode,
    /// The instant of the audit, in whole seconds.
    pub(super) now: Timestamp,
    /// How old the key is then.
    pub(super) age: Age<'a>,
}

/// What a check says to one key.
pub(super) enum Verdict<'a> {
    /// Nothing is wrong.
    Clear,
    /// This is wrong.
    Found(Found<'a>),
    /// A fact is missing.
    CannotTell(Cause, String),
}

/// What a check adds to a finding.
pub(super) struct Found<'a> {
    /// The limit that it is about, and the last second within it.
    pub(super) limit: Option<(Period, Timestamp)>,
    /// Finds the words. Most findings of a large audit are only counted, and need none.
    pub(super) words: Box<dyn FnOnce() -> Words + 'a>,
}

/// A finding in words.
pub(super) struct Words {
    pub(super) message: String,
    pub(super) next_command: String,
}

impl<'a> Found<'a> {
    /// Something about that limit, if about any.
    pub(super) fn new(limit: Option<(Period, Timestamp)>, words: impl FnOnce() -> Words + 'a) -> Self {
        Self { limit, words: Box::new(words) }
    }
}

/// The age of a key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Age<'a> {
    /// So old, and created then.
    Known(Period, Timestamp),
    /// Created so much later than the instant of the audit.
    Ahead(Period),
    /// Not known, and why.
    Unknown(&'a str),
}

impl<'a> Age<'a> {
    /// AWS refuses calls from a clock that is off by more, so so much may be nobody's mistake.
    const CLOCK_TOLERANCE: Period = Period::minutes(5);

    /// The age of the key at `now`.
    pub(super) fn of(key: &'a KeySubject, now: Timestamp) -> Self {
        match &key.created_at {
            Seen::Unknown(why) => Self::Unknown(why),
            Seen::Known(created_at) => match Period::between(*created_at, now) {
                Some(age) => Self::Known(age, *created_at),
                None => match Period::between(now, *created_at) {
                    Some(ahead) if ahead > Self::CLOCK_TOLERANCE => Self::Ahead(ahead),
                    _ => Self::Known(Period::ZERO, *created_at),
                },
            },
        }
    }
}

impl KeyCase<'_> {
    /// Whether it is a key of the root user.
    pub(super) fn is_root(&self) -> bool {
        self.subject.principal == Principal::Root
    }
}

/// A case for the tests of one check, and the words for what is found: alice, of whom all is known, with one
/// active key of that age, used at the instant of the audit, judged by the default policy.
#[cfg(test)]
fn words(check: &Check, age: &str, change: impl FnOnce(&mut UserSubject, &mut Policy)) -> Option<Words> {
    use crate::policy::{test_key, test_subject};

    let now: Timestamp = "2026-11-23T12:00:00Z".parse().unwrap();
    let age: Period = age.parse().unwrap();
    let mut subject = test_subject("alice");
    subject.keys = vec![test_key(&age.before(now).to_string())];
    let mut policy = Policy::default();
    change(&mut subject, &mut policy);
    let limits = policy.limits_for(&subject).limits;
    let key = &subject.keys[0];
    let age = Age::of(key, now);
    let case = KeyCase { subject: &subject, key, limits, policy: &policy, mode: Mode::Exact, now, age };
    match (check.judge)(&case) {
        Verdict::Clear => None,
        Verdict::Found(found) => Some((found.words)()),
        Verdict::CannotTell(cause, why) => {
            Some(Words { message: format!("cannot tell ({cause:?}): {why}"), next_command: String::new() })
        }
    }
}

/// As [`words`], and only the message; the empty text if nothing was found.
#[cfg(test)]
fn message(check: &Check, age: &str, change: impl FnOnce(&mut UserSubject, &mut Policy)) -> String {
    words(check, age, change).map(|words| words.message).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_code_has_its_check_in_order() {
        assert_eq!(CHECKS.map(|check| check.code), Code::ALL);
    }
}
