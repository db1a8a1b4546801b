//! Patterns with `*` and `?`.

use std::fmt;
use std::str::Chars;

use schemars::JsonSchema;

/// A pattern that a whole text must fit: `*` stands for any number of characters (also `/`), `?` for one,
/// all others for themselves, in exactly that letter case.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct Glob(Box<str>);

impl Glob {
    /// The pattern as written.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether the text fits.
    pub fn matches(&self, text: &str) -> bool {
        fits(self.0.chars(), text.chars(), |pattern, c| pattern == '?' || pattern == c)
    }

    /// Whether the text fits if the case of ASCII letters is ignored.
    pub fn matches_ignoring_case(&self, text: &str) -> bool {
        fits(self.0.chars(), text.chars(), |pattern, c| pattern == '?' || pattern.eq_ignore_ascii_case(&c))
    }

    /// Whether the pattern has neither `*` nor `?`, so that only one text fits.
    pub fn is_literal(&self) -> bool {
        !self.0.contains(['*', '?'])
    }

    /// Whether every text that fits `other` surely fits this pattern too. May say no where the answer is
    /// yes, never the other way round.
    pub(super) fn covers(&self, other: &Self) -> bool {
        // What stands for one character must not swallow a `*` of the other, which stands for many.
        fits(self.0.chars(), other.0.chars(), |pattern, c| match pattern {
            '?' => c != '*',
            _ => pattern == c,
        })
    }
}

impl From<&str> for Glob {
    fn from(pattern: &str) -> Self {
        Self(pattern.into())
    }
}

impl fmt::Display for Glob {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for Glob {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}", self.0)
    }
}

impl JsonSchema for Glob {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Glob".into()
    }

    fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
        schemars::json_schema!({
            "type": "string",
            "minLength": 1,
            "description": "A pattern that the whole text must fit: * stands for any number of characters, ? for one.",
        })
    }
}

/// Matches without recursion: on a mismatch the last `*` takes one character more, and all is tried again
/// from there. Earlier stars never need to be tried again.
fn fits(mut pattern: Chars<'_>, mut text: Chars<'_>, same: fn(char, char) -> bool) -> bool {
    let mut last_star: Option<(Chars<'_>, Chars<'_>)> = None;
    loop {
        match (pattern.next(), text.clone().next()) {
            (Some('*'), _) => last_star = Some((pattern.clone(), text.clone())),
            (Some(expected), Some(c)) if same(expected, c) => {
                text.next();
            }
            (None, None) => return true,
            _ => {
                let Some((after_star, untaken)) = &mut last_star else { return false };
                if untaken.next().is_none() {
                    return false;
                }
                (pattern, text) = (after_star.clone(), untaken.clone());
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns_fit_whole_texts() {
        let cases = [
            ("alice", "alice", true),
            ("alice", "alice2", false),
            ("alice", "Alice", false),
            ("svc-*", "svc-", true),
            ("svc-*", "svc-payments", true),
            ("*-prod-*", "a-prod-b-prod", true),
            ("*-prod-*", "a-prod", false),
            ("*-prod*", "a-prod-b-prod", true),
            ("*a*b", "xaxbxab", true),
            ("/team/*", "/team/a/b/", true),
            ("?", "é", true),
            ("?", "", false),
            ("**", "", true),
            ("a.c", "abc", false),
        ];
        for (pattern, text, expected) in cases {
            assert_eq!(Glob::from(pattern).matches(text), expected, "{pattern} {text}");
        }
        assert!(Glob::from("prod*").matches_ignoring_case("Production"));
    }

    #[test]
    fn hostile_patterns_take_no_exponential_time() {
        let pattern = Glob::from("a*".repeat(40).as_str());
        assert!(!pattern.matches(&format!("{}b", "b".repeat(5_000))));
        assert!(!Glob::from(format!("{}b", "*a".repeat(40)).as_str()).matches(&"a".repeat(5_000)));
    }

    #[test]
    fn covering_is_never_claimed_wrongly() {
        let cases = [
            ("*", "anything*", true),
            ("svc-*", "svc-pay-*", true),
            ("svc-*", "svc-pay", true),
            ("svc-?", "svc-*", false),
            ("svc-?", "svc-?", true),
            ("svc-pay", "svc-*", false),
        ];
        for (wide, narrow, expected) in cases {
            assert_eq!(Glob::from(wide).covers(&Glob::from(narrow)), expected, "{wide} {narrow}");
        }
    }
}
