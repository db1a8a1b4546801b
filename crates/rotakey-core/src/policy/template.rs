//! Names with placeholders, such as `iam/access-keys/{user}`.

use std::borrow::Cow;
use std::fmt;
use std::str::FromStr;

use super::matcher::Matcher;
use super::subject::UserSubject;
use crate::braces::{LoneBrace, Piece, escaped, pieces};
use crate::destination::ValueTemplate;
use crate::fact::Seen;

/// A text in which `{user}`, `{account}`, `{environment}` and `{tag:KEY}` stand for what is known of a user.
/// `{{` and `}}` are a single brace each.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Template {
    parts: Vec<Part>,
    is_value: bool,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Part {
    Text(String),
    User,
    Account,
    /// The value of the tag with that key.
    Tag(String),
    /// A placeholder of a [`ValueTemplate`](crate::destination::ValueTemplate), which stays one.
    Later(String),
}

/// A text that is no [`Template`].
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum InvalidTemplate {
    /// Braces around something unknown.
    #[error("{{{0}}} is not a placeholder: there are {{user}}, {{account}}, {{environment}} and {{tag:KEY}}")]
    UnknownPlaceholder(String),
    /// A brace without its other half.
    #[error("a brace stands alone: write {{{{ or }}}} for the character itself")]
    LoneBrace,
}

impl Template {
    /// A text in which the placeholders of a [`ValueTemplate`] may stand too. What is filled is such a template:
    /// they stay in it, and braces are written twice.
    pub(super) fn of_value(text: &str) -> Result<Self, InvalidTemplate> {
        let mut template = Self::parse(text, ValueTemplate::is_placeholder)?;
        template.is_value = true;
        Ok(template)
    }

    /// The text for that user, or why there is none: a tag is missing or not known.
    pub(super) fn fill(&self, subject: &UserSubject) -> Result<String, String> {
        self.fill_with(subject, |_| true)
    }

    /// As [`fill`](Self::fill), for a path of a file. Values come from outside (whoever may tag a user may
    /// write them), so one that could lead to another directory is refused.
    pub(super) fn fill_path(&self, subject: &UserSubject) -> Result<String, String> {
        self.fill_with(subject, |value| {
            !value.contains(['/', '\\'])
                && !value.contains(char::is_control)
                && !value.trim_matches('.').is_empty()
        })
    }

    /// Whether the text differs from user to user.
    pub(super) fn tells_users_apart(&self) -> bool {
        self.parts.contains(&Part::User)
    }

    fn fill_with(&self, subject: &UserSubject, fit: impl Fn(&str) -> bool) -> Result<String, String> {
        let mut filled = String::new();
        for part in &self.parts {
            let value = match part {
                Part::Text(text) => {
                    filled.push_str(&self.literal(text));
                    continue;
                }
                Part::Later(name) => {
                    filled.push_str(&format!("{{{name}}}"));
                    continue;
                }
                Part::User => subject.principal.name().to_owned(),
                Part::Account => subject.account_id.to_string(),
                Part::Tag(key) => match subject.tag(key) {
                    Seen::Known(Some(value)) => value.to_owned(),
                    Seen::Known(None) => return Err(format!("it has no tag {key:?}")),
                    Seen::Unknown(why) => return Err(format!("its tag {key:?} is not known: {why}")),
                },
            };
            if !fit(&value) {
                return Err(format!("{value:?} is not safe in the name of a file"));
            }
            filled.push_str(&self.literal(&value));
        }
        Ok(filled)
    }

    fn literal<'t>(&self, text: &'t str) -> Cow<'t, str> {
        if self.is_value { escaped(text).into() } else { text.into() }
    }

    fn parse(text: &str, later: impl Fn(&str) -> bool) -> Result<Self, InvalidTemplate> {
        let part = |piece: Piece<'_>| match piece {
            Piece::Text(text) => Ok(Part::Text(text)),
            Piece::Placeholder(name) if later(name) => Ok(Part::Later(name.to_owned())),
            Piece::Placeholder(name) => placeholder(name),
        };
        let pieces = pieces(text).map_err(|LoneBrace| InvalidTemplate::LoneBrace)?;
        Ok(Self { parts: pieces.into_iter().map(part).collect::<Result<_, _>>()?, is_value: false })
    }
}

impl FromStr for Template {
    type Err = InvalidTemplate;

    fn from_str(text: &str) -> Result<Self, InvalidTemplate> {
        Self::parse(text, |_| false)
    }
}

fn placeholder(name: &str) -> Result<Part, InvalidTemplate> {
    match name {
        "user" => Ok(Part::User),
        "account" => Ok(Part::Account),
        "environment" => Ok(Part::Tag(Matcher::ENVIRONMENT_TAG.to_owned())),
        _ => match name.strip_prefix("tag:") {
            Some(key) if !key.is_empty() => Ok(Part::Tag(key.to_owned())),
            _ => Err(InvalidTemplate::UnknownPlaceholder(name.to_owned())),
        },
    }
}

/// As it was written.
impl fmt::Display for Template {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for part in &self.parts {
            match part {
                Part::Text(text) => f.write_str(&escaped(text))?,
                Part::Later(name) => write!(f, "{{{name}}}")?,
                Part::User => f.write_str("{user}")?,
                Part::Account => f.write_str("{account}")?,
                Part::Tag(key) if key == Matcher::ENVIRONMENT_TAG => f.write_str("{environment}")?,
                Part::Tag(key) => write!(f, "{{tag:{key}}}")?,
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fact::Tags;
    use crate::policy::test_subject;

    fn template(text: &str) -> Template {
        text.parse().unwrap()
    }

    #[test]
    fn placeholders_stand_for_what_is_known_of_the_user() {
        let filled =
            template("iam/{account}/{environment}/{tag:Application}/{user}{{}}").fill(&test_subject("a,b"));
        assert_eq!(filled.unwrap(), "iam/111122223333/test/shop/a,b{}");
    }

    #[test]
    fn a_template_is_shown_as_it_was_written() {
        for text in ["iam/access-keys/{user}", "{{{account}}}", "{tag:Team}-{environment}", "plain", ""] {
            assert_eq!(template(text).to_string(), text);
        }
    }

    #[test]
    fn unknown_placeholders_and_lone_braces_are_refused() {
        let unknown = |name: &str| Err(InvalidTemplate::UnknownPlaceholder(name.to_owned()));
        assert_eq!("{usr}".parse::<Template>(), unknown("usr"));
        assert_eq!("{}".parse::<Template>(), unknown(""));
        assert_eq!("{tag:}".parse::<Template>(), unknown("tag:"));
        for text in ["{user", "user}", "a}b", "{"] {
            assert_eq!(text.parse::<Template>(), Err(InvalidTemplate::LoneBrace), "{text}");
        }
    }

    #[test]
    fn a_missing_tag_fills_nothing() {
        let mut subject = test_subject("alice");
        assert_eq!(template("{tag:Team}").fill(&subject).unwrap_err(), r#"it has no tag "Team""#);
        subject.tags = Seen::Unknown("denied".into());
        let error = template("{environment}").fill(&subject).unwrap_err();
        assert_eq!(error, r#"its tag "Environment" is not known: denied"#);
    }

    #[test]
    fn a_tag_cannot_lead_a_file_elsewhere() {
        let mut subject = test_subject("alice");
        for value in ["..", ".", "../../etc", "a/b", "a\\b", "", "a\nb"] {
            subject.tags = Seen::Known(Tags::from([("Team".to_owned(), value.to_owned())]));
            assert!(template("keys/{tag:Team}/x").fill_path(&subject).is_err(), "{value:?}");
        }
        subject.principal = "..".parse().unwrap();
        assert!(template("keys/{user}").fill_path(&subject).is_err(), "a legal name of a user");
    }
}
