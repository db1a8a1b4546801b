//! Reading policy documents.

use std::borrow::Cow;

use serde_json::{Map, Value};

use crate::condition::{Condition, Operator};
use crate::document::{Effect, PolicyDocument, PrincipalPattern, Scope, Statement, Version};
use crate::json;

/// Why a text is not a policy document.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ParseError {
    /// The text is percent-encoded, but not correctly.
    #[error("not a policy document: {0}")]
    Encoding(&'static str),
    /// The text is not JSON. The message says the line and column.
    #[error("not JSON: {0}")]
    Json(String),
    /// The JSON is not a policy.
    #[error("{place}: {message}")]
    Element {
        /// The element, such as `Statement[1].Effect`.
        place: String,
        /// What is wrong with it.
        message: String,
    },
}

impl PolicyDocument {
    /// Reads a policy document: JSON, or JSON in percent-encoding (RFC 3986) as `iam:GetPolicyVersion` and
    /// `iam:GetAccountAuthorizationDetails` give it.
    ///
    /// # Errors
    /// The first element that the policy language does not allow. Unknown condition operators are no
    /// error here: [`evaluate`](crate::evaluate) fails closed on them.
    pub fn parse(text: &str) -> Result<Self, ParseError> {
        let text = decoded(text)?;
        let value = json::parse(&text).map_err(|error| ParseError::Json(error.to_string()))?;
        Element { place: String::new(), value: &value }.document()
    }
}

/// The JSON text of a document that may be percent-encoded (RFC 3986). JSON policies begin with `{`,
/// percent-encoded ones with `%7B`.
///
/// # Errors
/// [`ParseError::Encoding`].
pub fn decoded(text: &str) -> Result<Cow<'_, str>, ParseError> {
    if !text.trim_start().starts_with('%') {
        return Ok(Cow::Borrowed(text));
    }
    let mut decoded = Vec::with_capacity(text.len());
    let mut rest = text.bytes();
    while let Some(byte) = rest.next() {
        if byte == b'%' {
            let mut digit = || rest.next().and_then(|digit| char::from(digit).to_digit(16));
            let value = digit().zip(digit()).and_then(|(high, low)| u8::try_from(high << 4 | low).ok());
            decoded.push(value.ok_or(ParseError::Encoding("a % is not followed by two hexadecimal digits"))?);
        } else {
            decoded.push(byte);
        }
    }
    let decoded = String::from_utf8(decoded)
        .map_err(|_| ParseError::Encoding("the percent-encoded text is not UTF-8"))?;
    Ok(Cow::Owned(decoded))
}

/// A JSON value and the place it has in the document.
struct Element<'a> {
    place: String,
    value: &'a Value,
}

impl<'a> Element<'a> {
    fn document(&self) -> Result<PolicyDocument, ParseError> {
        let object = self.object("a policy")?;
        self.knows_all(object, &["Version", "Id", "Statement"])?;
        let version = match self.child(object, "Version").map(|version| version.text()).transpose()? {
            None | Some("2008-10-17") => Version::V2008,
            Some("2012-10-17") => Version::V2012,
            Some(other) => {
                return Err(self
                    .at("Version")
                    .wrong(format!("must be \"2012-10-17\" or \"2008-10-17\", not {other:?}")));
            }
        };
        let id = self.optional_text(object, "Id")?;
        let statement = self
            .child(object, "Statement")
            .ok_or_else(|| self.wrong("a policy needs the element Statement".to_owned()))?;
        let statements = statement.one_or_many().map(|item| item.statement()).collect::<Result<_, _>>()?;
        Ok(PolicyDocument { version, id, statements })
    }

    fn statement(&self) -> Result<Statement, ParseError> {
        let object = self.object("a statement")?;
        self.knows_all(
            object,
            &[
                "Sid",
                "Effect",
                "Principal",
                "NotPrincipal",
                "Action",
                "NotAction",
                "Resource",
                "NotResource",
                "Condition",
            ],
        )?;
        let effect = match self.child(object, "Effect") {
            None => return Err(self.wrong("a statement needs the element Effect".to_owned())),
            Some(effect) => match effect.text()? {
                "Allow" => Effect::Allow,
                "Deny" => Effect::Deny,
                other => {
                    return Err(effect.wrong(format!("must be \"Allow\" or \"Deny\", not {other:?}")));
                }
            },
        };
        let actions = self
            .scope(object, "Action", "NotAction", Self::texts)?
            .ok_or_else(|| self.wrong("a statement needs Action or NotAction".to_owned()))?;
        Ok(Statement {
            sid: self.optional_text(object, "Sid")?,
            effect,
            principals: self.scope(object, "Principal", "NotPrincipal", Self::principals)?,
            actions,
            resources: self.scope(object, "Resource", "NotResource", Self::texts)?,
            conditions: self.child(object, "Condition").map_or(Ok(Vec::new()), |item| item.conditions())?,
        })
    }

    fn scope<T>(
        &self,
        object: &'a Map<String, Value>,
        only: &str,
        all_but: &str,
        read: impl Fn(&Self) -> Result<Vec<T>, ParseError>,
    ) -> Result<Option<Scope<T>>, ParseError> {
        match (self.child(object, only), self.child(object, all_but)) {
            (None, None) => Ok(None),
            (Some(entries), None) => Ok(Some(Scope::Only(read(&entries)?))),
            (None, Some(entries)) => Ok(Some(Scope::AllBut(read(&entries)?))),
            (Some(_), Some(_)) => Err(self.wrong(format!("has both {only} and {all_but}"))),
        }
    }

    fn principals(&self) -> Result<Vec<PrincipalPattern>, ParseError> {
        if let Value::String(text) = self.value {
            return match text.as_str() {
                "*" => Ok(vec![PrincipalPattern::Anyone]),
                other => Err(self.wrong(format!("must be \"*\" or an object, not {other:?}"))),
            };
        }
        let mut principals = Vec::new();
        for kind in self.object("a principal")?.keys() {
            let entries = self.at(kind);
            for text in entries.texts()? {
                principals.push(match kind.as_str() {
                    "AWS" if text == "*" => PrincipalPattern::Anyone,
                    "AWS" => PrincipalPattern::Aws(text),
                    "Service" => PrincipalPattern::Service(text),
                    "Federated" => PrincipalPattern::Federated(text),
                    "CanonicalUser" => PrincipalPattern::CanonicalUser(text),
                    _ => {
                        return Err(entries.wrong(
                            "the kinds of principals are AWS, Service, Federated and CanonicalUser"
                                .to_owned(),
                        ));
                    }
                });
            }
        }
        Ok(principals)
    }

    fn conditions(&self) -> Result<Vec<Condition>, ParseError> {
        let mut conditions = Vec::new();
        for operator in self.object("a condition block")?.keys() {
            let block = self.at(operator);
            for key in block.object("a condition")?.keys() {
                conditions.push(Condition {
                    operator: Operator::from_name(operator),
                    key: key.clone(),
                    values: block.at(key).scalars()?,
                });
            }
        }
        Ok(conditions)
    }

    /// One text or a list of texts.
    fn texts(&self) -> Result<Vec<String>, ParseError> {
        self.one_or_many().map(|item| item.text().map(str::to_owned)).collect()
    }

    /// One value of a condition, or a list of them. Booleans and numbers mean their text.
    fn scalars(&self) -> Result<Vec<String>, ParseError> {
        self.one_or_many()
            .map(|item| match item.value {
                Value::String(text) => Ok(text.clone()),
                Value::Bool(value) => Ok(value.to_string()),
                Value::Number(value) => Ok(value.to_string()),
                _ => Err(item.wrong("must be a string, a number or a boolean".to_owned())),
            })
            .collect()
    }

    fn one_or_many(&self) -> Box<dyn Iterator<Item = Element<'a>> + '_> {
        match self.value {
            Value::Array(items) => Box::new(
                items
                    .iter()
                    .enumerate()
                    .map(|(index, value)| Element { place: format!("{}[{index}]", self.place), value }),
            ),
            value => Box::new(std::iter::once(Element { place: self.place.clone(), value })),
        }
    }

    fn text(&self) -> Result<&'a str, ParseError> {
        self.value.as_str().ok_or_else(|| self.wrong("must be a string".to_owned()))
    }

    fn optional_text(
        &self,
        object: &'a Map<String, Value>,
        name: &str,
    ) -> Result<Option<String>, ParseError> {
        self.child(object, name).map(|item| item.text().map(str::to_owned)).transpose()
    }

    fn object(&self, what: &str) -> Result<&'a Map<String, Value>, ParseError> {
        self.value.as_object().ok_or_else(|| self.wrong(format!("{what} must be a JSON object")))
    }

    fn child(&self, object: &'a Map<String, Value>, name: &str) -> Option<Element<'a>> {
        object.get(name).map(|value| Element { place: self.place_of(name), value })
    }

    /// The child of that name, `null` if there is none.
    fn at(&self, name: &str) -> Element<'a> {
        Element { place: self.place_of(name), value: self.value.get(name).unwrap_or(&Value::Null) }
    }

    fn place_of(&self, name: &str) -> String {
        if self.place.is_empty() { name.to_owned() } else { format!("{}.{name}", self.place) }
    }

    fn knows_all(&self, object: &Map<String, Value>, known: &[&str]) -> Result<(), ParseError> {
        match object.keys().find(|key| !known.contains(&key.as_str())) {
            None => Ok(()),
            Some(unknown) => Err(self.wrong(format!(
                "{unknown:?} is not an element of the policy language (known here: {})",
                known.join(", ")
            ))),
        }
    }

    fn wrong(&self, message: String) -> ParseError {
        let place = if self.place.is_empty() { "the document" } else { &self.place };
        ParseError::Element { place: place.to_owned(), message }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MINIMAL: &str = r#"{"Statement": {"Effect": "Allow", "Action": "iam:*", "Resource": "*"}}"#;

    #[test]
    fn one_statement_one_action_and_lists_of_them_read_alike() {
        let listed = r#"{"Statement": [{"Effect": "Allow", "Action": ["iam:*"], "Resource": ["*"]}]}"#;
        assert_eq!(PolicyDocument::parse(MINIMAL), PolicyDocument::parse(listed));
    }

    #[test]
    fn percent_encoded_text_reads_as_the_plain_one() {
        let encoded: String = MINIMAL
            .bytes()
            .map(|byte| match byte {
                b'a'..=b'z' | b'A'..=b'Z' => char::from(byte).to_string(),
                _ => format!("%{byte:02X}"),
            })
            .collect();
        assert_eq!(PolicyDocument::parse(&encoded).unwrap(), PolicyDocument::parse(MINIMAL).unwrap());
    }

    #[test]
    fn all_forms_of_principals_are_read() {
        let text = r#"{"Version": "2012-10-17", "Statement": [
            {"Effect": "Allow", "Principal": "*", "Action": "sts:AssumeRole"},
            {"Effect": "Allow", "Principal": {"AWS": ["*", "111122223333"], "Service": "ec2.amazonaws.com",
                "Federated": "cognito-identity.amazonaws.com", "CanonicalUser": "79a5"},
             "Action": "sts:AssumeRole"},
            {"Effect": "Deny", "NotPrincipal": {"AWS": "arn:aws:iam::111122223333:root"},
             "Action": "sts:AssumeRole"}]}"#;
        let statements = PolicyDocument::parse(text).unwrap().statements;
        assert_eq!(statements[0].principals, Some(Scope::Only(vec![PrincipalPattern::Anyone])));
        let Some(Scope::Only(all)) = &statements[1].principals else { panic!("{statements:?}") };
        assert_eq!(all.len(), 5);
        for expected in [
            PrincipalPattern::Anyone,
            PrincipalPattern::Aws("111122223333".to_owned()),
            PrincipalPattern::Service("ec2.amazonaws.com".to_owned()),
            PrincipalPattern::Federated("cognito-identity.amazonaws.com".to_owned()),
            PrincipalPattern::CanonicalUser("79a5".to_owned()),
        ] {
            assert!(all.contains(&expected), "{expected:?}");
        }
        assert!(matches!(&statements[2].principals, Some(Scope::AllBut(all)) if all.len() == 1));
    }

    #[test]
    fn errors_say_where_and_what() {
        for (text, expected) in [
            ("", "not JSON: EOF while parsing a value at line 1 column 0"),
            ("[]", "the document: a policy must be a JSON object"),
            ("{}", "the document: a policy needs the element Statement"),
            (
                r#"{"Statement": [], "Version": "2012-10-18"}"#,
                r#"Version: must be "2012-10-17" or "2008-10-17", not "2012-10-18""#,
            ),
            (
                r#"{"Statement": [{"Effect": "allow", "Action": "*"}]}"#,
                r#"Statement[0].Effect: must be "Allow" or "Deny", not "allow""#,
            ),
            (r#"{"Statement": {"Effect": "Allow"}}"#, "Statement: a statement needs Action or NotAction"),
            (
                r#"{"Statement": {"Effect": "Allow", "Action": ["a:b", 3]}}"#,
                "Statement.Action[1]: must be a string",
            ),
            (
                r#"{"Statement": {"Effect": "Allow", "Action": "*", "NotAction": "*"}}"#,
                "Statement: has both Action and NotAction",
            ),
            (
                r#"{"Statement": {"Effect": "Allow", "Action": "*", "Principal": "me"}}"#,
                r#"Statement.Principal: must be "*" or an object, not "me""#,
            ),
            (
                r#"{"Statement": {"Effect": "Allow", "Action": "*", "Condition": {"Bool": {"k": [{}]}}}}"#,
                "Statement.Condition.Bool.k[0]: must be a string, a number or a boolean",
            ),
            ("%7B%zz", "not a policy document: a % is not followed by two hexadecimal digits"),
            ("%7B%ff%7D", "not a policy document: the percent-encoded text is not UTF-8"),
        ] {
            assert_eq!(PolicyDocument::parse(text).unwrap_err().to_string(), expected, "{text}");
        }
        let misspelt = r#"{"Statement": {"Effect": "Allow", "Action": "*", "Resources": "*"}}"#;
        let error = PolicyDocument::parse(misspelt).unwrap_err().to_string();
        assert!(error.starts_with(r#"Statement: "Resources" is not an element"#), "{error}");
    }
}
