//! Patterns with `*`, `?` and policy variables.

use crate::document::Version;
use crate::evaluate::Context;

/// A text with wildcards, variables already filled in. What a variable stands for is literal: a user named
/// `*` matches itself alone.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Pattern(Vec<Token>);

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Token {
    Char(char),
    /// `?`: one character.
    One,
    /// `*`: any run of characters, also none.
    Run,
}

impl Pattern {
    /// The pattern that ASCII letters match in either case; the text to be matched must be in lower case.
    pub(crate) fn wild_lowercase(text: &str) -> Self {
        Self(text.chars().map(|character| Token::wild(character.to_ascii_lowercase())).collect())
    }

    /// The pattern with its `${…}` filled in from the context, or `None` if one of them has no value:
    /// then the pattern matches nothing.
    pub(crate) fn with_variables(text: &str, version: Version, context: &Context) -> Option<Self> {
        Self::fill(text, version, context, Token::wild)
    }

    /// As [`with_variables`](Self::with_variables), but `*` and `?` stand for themselves.
    pub(crate) fn literal_with_variables(text: &str, version: Version, context: &Context) -> Option<Self> {
        Self::fill(text, version, context, Token::Char)
    }

    fn fill(text: &str, version: Version, context: &Context, token: impl Fn(char) -> Token) -> Option<Self> {
        let mut tokens = Vec::with_capacity(text.len());
        let mut rest = text;
        while version == Version::V2012
            && let Some((before, variable, after)) = split_at_variable(rest)
        {
            tokens.extend(before.chars().map(&token));
            tokens.extend(value_of(variable, context)?.chars().map(Token::Char));
            rest = after;
        }
        tokens.extend(rest.chars().map(&token));
        Some(Self(tokens))
    }

    /// Whether the whole text matches. Takes time proportional to the product of both lengths at most.
    pub(crate) fn matches(&self, text: &str) -> bool {
        tokens_match(&self.0, text)
    }

    /// Whether an ARN matches. Each of the first five parts of an ARN is matched by itself, so that a `*`
    /// in one does not reach into the next; what is not an ARN is matched as one text.
    pub(crate) fn matches_arn(&self, arn: &str) -> bool {
        let patterns: Vec<_> = self.0.splitn(6, |token| *token == Token::Char(':')).collect();
        let parts: Vec<_> = arn.splitn(6, ':').collect();
        if patterns.len() == 6 && parts.len() == 6 {
            patterns.iter().zip(parts).all(|(pattern, part)| tokens_match(pattern, part))
        } else {
            self.matches(arn)
        }
    }

    /// The lower-case form of a literal pattern.
    pub(crate) fn to_lowercase(&self) -> Self {
        let lower = |token: &Token| match token {
            Token::Char(character) => Token::Char(character.to_ascii_lowercase()),
            other => *other,
        };
        Self(self.0.iter().map(lower).collect())
    }
}

impl Token {
    fn wild(character: char) -> Self {
        match character {
            '*' => Self::Run,
            '?' => Self::One,
            other => Self::Char(other),
        }
    }
}

/// Greedy matching that goes back to the last `*` only: an earlier one never needs to take more.
fn tokens_match(tokens: &[Token], text: &str) -> bool {
    let (mut token, mut rest) = (0, text);
    let mut retry: Option<(usize, &str)> = None;
    loop {
        let mut characters = rest.chars();
        match (tokens.get(token), characters.next()) {
            (Some(Token::Run), _) => {
                retry = Some((token, rest));
                token += 1;
                continue;
            }
            (None, None) => return true,
            (Some(Token::One), Some(_)) => {
                token += 1;
                rest = characters.as_str();
                continue;
            }
            (Some(Token::Char(expected)), Some(found)) if *expected == found => {
                token += 1;
                rest = characters.as_str();
                continue;
            }
            _ => {}
        }
        let Some((run, from)) = retry else { return false };
        let mut skipped = from.chars();
        if skipped.next().is_none() {
            return false;
        }
        retry = Some((run, skipped.as_str()));
        (token, rest) = (run + 1, skipped.as_str());
    }
}

/// The text before the first `${…}`, what stands within, and the text behind.
fn split_at_variable(text: &str) -> Option<(&str, &str, &str)> {
    let (before, rest) = text.split_once("${")?;
    let (variable, after) = rest.split_once('}')?;
    Some((before, variable, after))
}

/// The value of `key`, of `key, 'default'`, or of the escapes `*`, `?` and `$`.
fn value_of<'a>(variable: &'a str, context: &'a Context) -> Option<&'a str> {
    if let "*" | "?" | "$" = variable {
        return Some(variable);
    }
    let (key, default) = match variable.split_once(',') {
        Some((key, default)) => {
            (key, default.trim().strip_prefix('\'').and_then(|text| text.strip_suffix('\'')))
        }
        None => (variable, None),
    };
    match context.get(key.trim()) {
        Some([value]) => Some(value),
        // A key with several values cannot stand in a variable.
        Some(_) => None,
        None => default,
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn wild(text: &str) -> Pattern {
        Pattern::with_variables(text, Version::V2008, &Context::new()).unwrap()
    }

    /// The definition, written as it reads and as slow as that is.
    fn naive(pattern: &[char], text: &[char]) -> bool {
        match (pattern.split_first(), text.split_first()) {
            (None, None) => true,
            (Some(('*', rest)), _) => (0..=text.len()).any(|taken| naive(rest, &text[taken..])),
            (Some(('?', rest)), Some((_, text))) => naive(rest, text),
            (Some((expected, rest)), Some((found, text))) => expected == found && naive(rest, text),
            _ => false,
        }
    }

    proptest! {
        #[test]
        fn the_matcher_agrees_with_the_definition(pattern in "[ab:é*?]{0,9}", text in "[ab:é]{0,12}") {
            let expected =
                naive(&pattern.chars().collect::<Vec<_>>(), &text.chars().collect::<Vec<_>>());
            prop_assert_eq!(wild(&pattern).matches(&text), expected);
        }

        #[test]
        fn what_a_variable_stands_for_is_literal(value in "[a*?]{1,4}", text in "[ab]{1,4}") {
            let context = Context::new().with("aws:username", &value);
            let pattern =
                Pattern::with_variables("${aws:UserName}", Version::V2012, &context).unwrap();
            prop_assert!(pattern.matches(&value));
            prop_assert_eq!(pattern.matches(&text), text == value);
        }
    }

    #[test]
    fn many_stars_do_not_explode() {
        assert!(!wild(&"a*".repeat(200)).matches(&"a".repeat(199)));
    }

    #[test]
    fn a_star_stays_within_its_part_of_an_arn() {
        let arn = "arn:aws:iam::111122223333:user/ops/alice";
        for (pattern, expected) in [
            ("*", true),
            ("arn:aws:iam::*:user/*", true),
            ("arn:*:iam::111122223333:user/*/alice", true),
            ("arn:aws:iam::111122223333:*", true),
            ("arn:aws:iam::999999999999:user/*", false),
            ("arn:aws:*:111122223333:user/ops/alice:*:*", false),
            ("arn:aws:iam::111122223333:user/alice", false),
        ] {
            assert_eq!(wild(pattern).matches_arn(arn), expected, "{pattern}");
        }
    }

    #[test]
    fn variables_have_defaults_and_escapes_and_exist_since_2012() {
        let context = Context::new().with("aws:username", "alice").with_all("aws:TagKeys", ["a", "b"]);
        let filled = |text, version| {
            Pattern::with_variables(text, version, &context).map(|pattern| pattern.matches("user/alice*"))
        };
        assert_eq!(filled("user/${aws:username}${*}", Version::V2012), Some(true));
        assert_eq!(filled("user/${aws:none, 'alice'}${*}", Version::V2012), Some(true));
        assert_eq!(filled("user/${aws:none}", Version::V2012), None);
        assert_eq!(filled("user/${aws:TagKeys}", Version::V2012), None);
        assert_eq!(filled("user/${aws:username}*", Version::V2008), Some(false));
    }
}
