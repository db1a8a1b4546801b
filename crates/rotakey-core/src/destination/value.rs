//! What is made of a key pair for those who read it: values by name, such as environment variables.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::fmt;
use std::str::FromStr;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Serialize};

use super::ses;
use crate::braces::{LoneBrace, Piece, escaped, pieces};
use crate::id::AccessKeyId;
use crate::secret::{AccessKeyPair, Secret};

/// A text in which `{access_key_id}`, `{secret_access_key}`, `{json}` (both, as
/// `{"AccessKeyId": …, "SecretAccessKey": …}`) and `{ses_smtp_password:REGION}` stand for what is made of a pair.
/// `{{` and `}}` are a single brace each.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct ValueTemplate {
    parts: Vec<Part>,
}

#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
enum Part {
    Text(String),
    KeyId,
    Secret,
    Json,
    SesSmtpPassword { region: String },
}

/// A text that is no [`ValueTemplate`].
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum InvalidValue {
    /// Braces around something unknown.
    #[error(
        "{{{0}}} is not a placeholder of a value: there are {{access_key_id}}, {{secret_access_key}}, {{json}} and \
         {{ses_smtp_password:REGION}}"
    )]
    UnknownPlaceholder(String),
    /// A brace without its other half.
    #[error("a brace stands alone: write {{{{ or }}}} for the character itself")]
    LoneBrace,
}

impl ValueTemplate {
    /// The placeholders that stand for a part of the pair, without braces; `ses_smtp_password` takes a region.
    pub(crate) fn is_placeholder(name: &str) -> bool {
        placeholder(name).is_some()
    }

    /// The text for that pair.
    pub fn render(&self, pair: &AccessKeyPair) -> Secret {
        // Made at once, for a buffer that grows leaves copies behind.
        let rendered: Vec<Cow<'_, str>> = self.parts.iter().map(|part| part.render(pair)).collect();
        let mut text = String::with_capacity(rendered.iter().map(|part| part.len()).sum());
        rendered.into_iter().for_each(|part| {
            text.push_str(&part);
            if let Cow::Owned(part) = part {
                drop(Secret::new(part));
            }
        });
        Secret::new(text)
    }

    /// Whether the text has a secret in it.
    pub fn is_secret(&self) -> bool {
        self.parts.iter().any(|part| !matches!(part, Part::Text(_) | Part::KeyId))
    }
}

impl Part {
    fn render<'a>(&'a self, pair: &'a AccessKeyPair) -> Cow<'a, str> {
        match self {
            Self::Text(text) => text.into(),
            Self::KeyId => pair.id.as_str().into(),
            Self::Secret => pair.secret.expose().into(),
            // Neither half has a character that JSON escapes.
            Self::Json => {
                format!(r#"{{"AccessKeyId":"{}","SecretAccessKey":"{}"}}"#, pair.id, pair.secret.expose())
                    .into()
            }
            Self::SesSmtpPassword { region } => ses::smtp_password(&pair.secret, region).into(),
        }
    }
}

impl FromStr for ValueTemplate {
    type Err = InvalidValue;

    fn from_str(text: &str) -> Result<Self, InvalidValue> {
        let part = |piece: Piece<'_>| match piece {
            Piece::Text(text) => Ok(Part::Text(text)),
            Piece::Placeholder(name) => {
                placeholder(name).ok_or_else(|| InvalidValue::UnknownPlaceholder(name.to_owned()))
            }
        };
        let pieces = pieces(text).map_err(|LoneBrace| InvalidValue::LoneBrace)?;
        Ok(Self { parts: pieces.into_iter().map(part).collect::<Result<_, _>>()? })
    }
}

fn placeholder(name: &str) -> Option<Part> {
    match name {
        "access_key_id" => Some(Part::KeyId),
        "secret_access_key" => Some(Part::Secret),
        "json" => Some(Part::Json),
        _ => {
            let region = name.strip_prefix("ses_smtp_password:")?;
            let legal = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
            let region = Some(region).filter(|region| !region.is_empty() && region.bytes().all(legal))?;
            Some(Part::SesSmtpPassword { region: region.to_owned() })
        }
    }
}

/// As it was written.
impl fmt::Display for ValueTemplate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.parts.iter().try_for_each(|part| match part {
            Part::Text(text) => f.write_str(&escaped(text)),
            Part::KeyId => f.write_str("{access_key_id}"),
            Part::Secret => f.write_str("{secret_access_key}"),
            Part::Json => f.write_str("{json}"),
            Part::SesSmtpPassword { region } => write!(f, "{{ses_smtp_password:{region}}}"),
        })
    }
}

impl TryFrom<String> for ValueTemplate {
    type Error = InvalidValue;

    fn try_from(text: String) -> Result<Self, InvalidValue> {
        text.parse()
    }
}

impl From<ValueTemplate> for String {
    fn from(template: ValueTemplate) -> Self {
        template.to_string()
    }
}

/// Values by name. Never empty in a plan.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Values(BTreeMap<String, ValueTemplate>);

impl Values {
    /// The two environment variables that every AWS SDK reads.
    pub fn environment() -> Self {
        Self::of([("AWS_ACCESS_KEY_ID", "{access_key_id}"), ("AWS_SECRET_ACCESS_KEY", "{secret_access_key}")])
    }

    /// One value of that name with the pair as JSON: written in one step wherever values are written one by one.
    pub fn json(name: &str) -> Self {
        Self::of([(name, "{json}")])
    }

    fn of<const N: usize>(values: [(&str, &str); N]) -> Self {
        let parsed = |text: &str| text.parse().expect("rotakey's own templates are templates");
        Self(values.map(|(name, text)| (name.to_owned(), parsed(text))).into())
    }

    /// Names and templates, by name.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &ValueTemplate)> {
        self.0.iter().map(|(name, template)| (name.as_str(), template))
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// All values for that pair.
    pub fn render(&self, pair: &AccessKeyPair) -> BTreeMap<&str, Secret> {
        self.iter().map(|(name, template)| (name, template.render(pair))).collect()
    }

    /// Whether the pair can be read back from the values.
    pub fn holds_whole_pair(&self) -> bool {
        let only = |part: &Part| self.0.values().any(|template| template.parts == [part.clone()]);
        only(&Part::Json) || only(&Part::KeyId) && only(&Part::Secret)
    }

    /// The id of the pair in values that were rendered from these templates, if one of them is the id alone.
    pub fn read_id<'a>(&self, value: impl Fn(&str) -> Option<&'a str>) -> Option<AccessKeyId> {
        let (name, _) = self.0.iter().find(|(_, template)| template.parts == [Part::KeyId])?;
        value(name)?.parse().ok()
    }

    /// The pair in values that were rendered from these templates; `None` if there is none in them.
    pub fn read_back<'a>(&self, value: impl Fn(&str) -> Option<&'a str>) -> Option<AccessKeyPair> {
        let find = |wanted: &[Part]| {
            let (name, _) = self.0.iter().find(|(_, template)| template.parts == wanted)?;
            value(name)
        };
        if let (Some(id), Some(secret)) = (find(&[Part::KeyId]), find(&[Part::Secret])) {
            return Some(AccessKeyPair { id: id.parse().ok()?, secret: Secret::new(secret.to_owned()) });
        }
        #[derive(Deserialize)]
        #[serde(rename_all = "PascalCase")]
        struct Json {
            access_key_id: String,
            secret_access_key: String,
        }
        let Json { access_key_id, secret_access_key } = serde_json::from_str(find(&[Part::Json])?).ok()?;
        Some(AccessKeyPair { id: access_key_id.parse().ok()?, secret: Secret::new(secret_access_key) })
    }
}

impl JsonSchema for Values {
    fn schema_name() -> Cow<'static, str> {
        "Values".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "type": "object",
            "description": "Values by name. {access_key_id}, {secret_access_key}, {json} and {ses_smtp_password:REGION} \
                            stand for what is made of the key; {user}, {account}, {environment} and {tag:KEY} for what is \
                            known of the user.",
            "minProperties": 1,
            "additionalProperties": { "type": "string" },
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pair() -> AccessKeyPair {
        let secret = Secret::new("wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY".to_owned());
        AccessKeyPair { id: "AKIAIOSFODNN7EXAMPLE".parse().unwrap(), secret }
    }

    fn rendered(template: &str) -> String {
        template.parse::<ValueTemplate>().unwrap().render(&pair()).expose().to_owned()
    }

    #[test]
    fn placeholders_stand_for_the_halves_of_the_pair() {
        assert_eq!(rendered("id={access_key_id} {{x}}"), "id=AKIAIOSFODNN7EXAMPLE {x}");
        assert_eq!(
            rendered("{json}"),
            r#"{"AccessKeyId":"AKIAIOSFODNN7EXAMPLE","SecretAccessKey":"wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY"}"#
        );
    }

    #[test]
    fn what_is_no_template_is_told() {
        let error = |text: &str| text.parse::<ValueTemplate>().unwrap_err();
        assert_eq!(error("{secret}"), InvalidValue::UnknownPlaceholder("secret".to_owned()));
        assert_eq!(
            error("{ses_smtp_password:}"),
            InvalidValue::UnknownPlaceholder("ses_smtp_password:".to_owned())
        );
        assert_eq!(error("{json"), InvalidValue::LoneBrace);
    }

    #[test]
    fn a_template_is_shown_as_it_was_written() {
        for text in ["a{{b}}c", "{access_key_id}:{secret_access_key}", "{ses_smtp_password:eu-west-1}"] {
            assert_eq!(text.parse::<ValueTemplate>().unwrap().to_string(), text);
        }
    }

    #[test]
    fn the_pair_is_read_back_where_it_is_whole() {
        for values in [Values::environment(), Values::json("AWS_KEY")] {
            assert!(values.holds_whole_pair());
            let written = values.render(&pair());
            let read = values.read_back(|name| written.get(name).map(Secret::expose));
            assert_eq!(read, Some(pair()));
        }
        let derived =
            Values::of([("USER", "{access_key_id}"), ("PASSWORD", "{ses_smtp_password:eu-west-1}")]);
        assert!(!derived.holds_whole_pair());
        assert_eq!(derived.read_back(|_| Some("x")), None);
    }

    use proptest::prelude::*;

    /// Texts and placeholders in any order, as they are written in a template.
    fn template() -> impl Strategy<Value = String> {
        let part = prop_oneof![
            "[a-zA-Z0-9 $'\"/\\\\=,;:\u{e4}-]{0,6}",
            Just("{{".to_owned()),
            Just("}}".to_owned()),
            Just("{access_key_id}".to_owned()),
            Just("{secret_access_key}".to_owned()),
            Just("{json}".to_owned()),
            "\\{ses_smtp_password:[a-z]{2}-[a-z]{4,6}-[1-3]\\}",
        ];
        prop::collection::vec(part, 0..6).prop_map(|parts| parts.concat())
    }

    fn any_pair() -> impl Strategy<Value = AccessKeyPair> {
        ("AKIA[A-Z2-7]{16}", "[A-Za-z0-9/+]{40}").prop_map(|(id, secret)| AccessKeyPair {
            id: id.parse().expect("a valid id"),
            secret: Secret::new(secret),
        })
    }

    proptest! {
        #[test]
        fn a_template_is_read_back_as_it_was_shown(text in template()) {
            let template: ValueTemplate = text.parse().unwrap();
            let shown = template.to_string();
            prop_assert_eq!(&shown, &text);
            prop_assert_eq!(shown.parse::<ValueTemplate>().unwrap(), template);
        }

        #[test]
        fn every_brace_of_a_text_survives_when_it_is_doubled(text in "[{}a-z]{0,12}") {
            let doubled = text.replace('{', "{{").replace('}', "}}");
            prop_assert_eq!(rendered(&doubled), text);
        }

        #[test]
        fn what_is_rendered_holds_the_pair_and_is_read_back(
            pair in any_pair(),
            others in prop::collection::btree_map("[A-Z]{1,3}", template(), 0..3),
            form in 0..3,
        ) {
            let mut values: BTreeMap<String, ValueTemplate> =
                others.into_iter().map(|(name, text)| (name, text.parse().unwrap())).collect();
            let whole: &[(&str, &str)] = match form {
                0 => &[("the id", "{access_key_id}"), ("the secret", "{secret_access_key}")],
                1 => &[("both", "{json}")],
                _ => &[],
            };
            values.extend(whole.iter().map(|(name, text)| ((*name).to_owned(), text.parse().unwrap())));
            let values = Values(values);
            let written = values.render(&pair);
            let read = values.read_back(|name| written.get(name).map(Secret::expose));
            // Of several values that are the pair, all hold the same one.
            prop_assert_eq!(read, values.holds_whole_pair().then(|| pair.duplicate()));
            for (name, template) in values.iter() {
                let holds = written[name].expose().contains(pair.secret.expose());
                prop_assert!(!holds || template.is_secret(), "{} is said to be open", name);
            }
        }
    }
}
