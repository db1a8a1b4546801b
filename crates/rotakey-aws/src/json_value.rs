//! The JSON value of a secret or a parameter: an access key, what is made of it, and whatever fields others have put
//! beside it.

use rotakey_core::destination::Values;
use rotakey_core::secret::{AccessKeyPair, Secret};
use serde::ser::{Serialize, SerializeMap, Serializer};
use serde_json::{Map, Value};
use sha2::{Digest, Sha256};

pub(crate) const ID: &str = "AccessKeyId";
pub(crate) const SECRET: &str = "SecretAccessKey";

/// The most bytes that a secret may have, so that a value is written without growing (and leaving copies).
const LARGEST: usize = 65_536;

/// What a value holds.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Content {
    /// Nothing: an empty text or an empty object.
    Empty,
    /// No value at all: a version may be labelled before it has one.
    Missing,
    /// An access key, with the further fields of the object.
    Key(AccessKeyPair, Map<String, Value>),
    /// Something else, and what is wrong with it, to follow "the secret " or "the parameter ".
    Foreign(&'static str),
}

impl Content {
    /// Reads the text of a version.
    pub(crate) fn read(text: &Secret) -> Self {
        if text.expose().trim().is_empty() {
            return Self::Empty;
        }
        let mut fields = match serde_json::from_str(text.expose()) {
            Ok(Value::Object(fields)) => fields,
            Ok(_) => return Self::Foreign("is JSON, but no object"),
            Err(_) => return Self::Foreign("is not JSON"),
        };
        if fields.is_empty() {
            return Self::Empty;
        }
        let (Some(Value::String(id)), Some(Value::String(secret))) =
            (fields.remove(ID), fields.remove(SECRET))
        else {
            return Self::Foreign("has not the two fields AccessKeyId and SecretAccessKey");
        };
        let secret = Secret::new(secret);
        match id.parse() {
            Ok(id) => Self::Key(AccessKeyPair { id, secret }, fields),
            Err(_) => Self::Foreign("has an AccessKeyId that is no access key id"),
        }
    }

    /// The pair, if there is one.
    pub(crate) fn pair(&self) -> Option<&AccessKeyPair> {
        match self {
            Self::Key(pair, _) => Some(pair),
            Self::Empty | Self::Missing | Self::Foreign(_) => None,
        }
    }

    /// The pair taken out, if there is one.
    pub(crate) fn into_pair(self) -> Option<AccessKeyPair> {
        match self {
            Self::Key(pair, _) => Some(pair),
            Self::Empty | Self::Missing | Self::Foreign(_) => None,
        }
    }
}

/// The text that holds the pair, what is made of it under these names, and those further fields.
pub(crate) fn write(pair: &AccessKeyPair, made: Option<&Values>, further: &Map<String, Value>) -> Secret {
    let mut text = Vec::with_capacity(LARGEST);
    serde_json::to_writer(&mut text, &Fields { pair, made, further })
        .expect("text keys and JSON values are written without errors");
    Secret::new(String::from_utf8(text).expect("JSON is UTF-8"))
}

struct Fields<'a> {
    pair: &'a AccessKeyPair,
    made: Option<&'a Values>,
    further: &'a Map<String, Value>,
}

/// Always in the same order, since the same text is the same version.
impl Serialize for Fields<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let made = self.made.map(|values| values.render(self.pair)).unwrap_or_default();
        let mut fields = serializer.serialize_map(None)?;
        fields.serialize_entry(ID, self.pair.id.as_str())?;
        fields.serialize_entry(SECRET, self.pair.secret.expose())?;
        for (name, value) in &made {
            fields.serialize_entry(name, value.expose())?;
        }
        for (name, value) in self.further.iter().filter(|(name, _)| !made.contains_key(name.as_str())) {
            fields.serialize_entry(name, value)?;
        }
        fields.end()
    }
}

/// The `ClientRequestToken` of that text, which becomes the id of its version: SHA-256 in hexadecimal. The
/// same text is the same version, so writing it twice writes it once; and a version of that id was written
/// by rotakey. It is public, and gives nothing away: a secret access key has 240 random bits.
pub(crate) fn version_id(text: &Secret) -> String {
    data_encoding::HEXLOWER.encode(&Sha256::digest(text.expose()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Content {
        Content::read(&Secret::new(text.to_owned()))
    }

    fn pair() -> AccessKeyPair {
        AccessKeyPair {
            id: "AKIAIOSFODNN7EXAMPLE".parse().unwrap(),
            secret: Secret::new("a/b+\"c".to_owned()),
        }
    }

    #[test]
    fn what_is_written_is_read_with_its_further_fields() {
        let further = match serde_json::json!({"Region": "eu-west-1", "n": [1, null], "a": {"b": 1.5}}) {
            Value::Object(further) => further,
            other => panic!("{other}"),
        };
        let text = write(&pair(), None, &further);
        assert_eq!(Content::read(&text), Content::Key(pair(), further));
    }

    #[test]
    fn the_value_has_exactly_the_two_fields_that_applications_know() {
        let text = write(&pair(), None, &Map::new());
        assert_eq!(text.expose(), r#"{"AccessKeyId":"AKIAIOSFODNN7EXAMPLE","SecretAccessKey":"a/b+\"c"}"#);
    }

    #[test]
    fn what_is_made_of_the_key_is_made_anew_for_each_key() {
        let made: Values = serde_json::from_str(
            r#"{"User": "{access_key_id}", "SmtpPassword": "{ses_smtp_password:eu-west-1}"}"#,
        )
        .unwrap();
        let Content::Key(read, further) = Content::read(&write(&pair(), Some(&made), &Map::new())) else {
            panic!("no key")
        };
        assert_eq!((&read, &further["User"]), (&pair(), &Value::from("AKIAIOSFODNN7EXAMPLE")));
        let next = AccessKeyPair { secret: Secret::new("next".to_owned()), ..pair() };
        let Content::Key(_, after) = Content::read(&write(&next, Some(&made), &further)) else {
            panic!("no key")
        };
        assert_ne!(further["SmtpPassword"], after["SmtpPassword"]);
        // Written twice, it is the same text, and so the same version.
        let (once, twice) = (write(&next, Some(&made), &further), write(&next, Some(&made), &after));
        assert_eq!(once.expose(), twice.expose());
    }

    #[test]
    fn what_is_not_an_access_key_is_foreign() {
        for text in [
            "hunter2",
            "[]",
            r#"{"username": "u", "password": "p"}"#,
            r#"{"AccessKeyId": "AKIAIOSFODNN7EXAMPLE"}"#,
            r#"{"AccessKeyId": "changeme", "SecretAccessKey": "x"}"#,
            r#"{"AccessKeyId": "AKIAIOSFODNN7EXAMPLE", "SecretAccessKey": 7}"#,
        ] {
            assert!(matches!(read(text), Content::Foreign(_)), "{text}");
        }
        for text in ["", " \n", "{}"] {
            assert_eq!(read(text), Content::Empty, "{text:?}");
        }
    }

    #[test]
    fn version_ids_follow_the_text() {
        let plain = write(&pair(), None, &Map::new());
        let further = Map::from_iter([("a".to_owned(), Value::Null)]);
        assert_eq!(version_id(&plain), version_id(&plain.duplicate()));
        assert_ne!(version_id(&plain), version_id(&write(&pair(), None, &further)));
        assert_eq!(version_id(&plain).len(), 64, "a ClientRequestToken has 32 to 64 characters");
    }
}
