//! Identifiers. Each is its own type: two strings get swapped, two types do not.

use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

/// An identifier that AWS (or the person at the keyboard) would not accept.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{value:?} is not {expected}")]
pub struct InvalidId {
    value: String,
    expected: &'static str,
}

/// The twelve-digit number of an AWS account. Shown with its leading zeros.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct AccountId(u64);

impl AccountId {
    /// One more than the largest account number.
    const LIMIT: u64 = 1_000_000_000_000;

    /// The account of that number, or `None` if it has more than twelve digits.
    pub const fn new(number: u64) -> Option<Self> {
        if number < Self::LIMIT { Some(Self(number)) } else { None }
    }

    /// The number, below 10^12.
    pub const fn number(self) -> u64 {
        self.0
    }
}

impl fmt::Display for AccountId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:012}", self.0)
    }
}

impl fmt::Debug for AccountId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl FromStr for AccountId {
    type Err = InvalidId;

    fn from_str(text: &str) -> Result<Self, InvalidId> {
        let digits = text.len() == 12 && text.bytes().all(|byte| byte.is_ascii_digit());
        let number = if digits { text.parse().ok() } else { None };
        number
            .map(Self)
            .ok_or_else(|| InvalidId { value: text.to_owned(), expected: "a twelve-digit AWS account id" })
    }
}

impl From<AccountId> for String {
    fn from(id: AccountId) -> Self {
        id.to_string()
    }
}

impl TryFrom<String> for AccountId {
    type Error = InvalidId;

    fn try_from(text: String) -> Result<Self, InvalidId> {
        text.parse()
    }
}

impl Serialize for AccountId {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for AccountId {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(serde::de::Error::custom)
    }
}

/// Declares an identifier that is text of a certain form. It is copied into everything that is said of what it
/// names, so all copies share one text.
macro_rules! text_id {
    ($(#[$doc:meta])* $name:ident, $expected:literal, $valid:expr) => {
        $(#[$doc])*
        #[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Deserialize)]
        #[serde(try_from = "String")]
        pub struct $name(Arc<str>);

        impl $name {
            /// The text of the identifier.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.pad(&self.0)
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }

        impl FromStr for $name {
            type Err = InvalidId;

            fn from_str(text: &str) -> Result<Self, InvalidId> {
                let valid: fn(&str) -> bool = $valid;
                if valid(text) {
                    Ok(Self(text.into()))
                } else {
                    Err(InvalidId { value: text.to_owned(), expected: $expected })
                }
            }
        }

        impl TryFrom<String> for $name {
            type Error = InvalidId;

            fn try_from(text: String) -> Result<Self, InvalidId> {
                text.parse()
            }
        }

        impl From<$name> for String {
            fn from(id: $name) -> Self {
                id.as_str().to_owned()
            }
        }

        impl Serialize for $name {
            fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.serialize_str(&self.0)
            }
        }
    };
}

text_id!(
    /// The id of an access key, such as `AKIA…`: public, unlike the secret that belongs to it.
    AccessKeyId,
    "an access key id (16 to 128 upper-case letters and digits)",
    |text| {
        (16..=128).contains(&text.len())
            && text.bytes().all(|byte| byte.is_ascii_uppercase() || byte.is_ascii_digit())
    }
);

text_id!(
    /// The name of an IAM user: 1 to 64 letters, digits and `+=,.@_-`. It can be given to another user
    /// later, so nothing that lasts is keyed by it: see [`UserId`].
    UserName,
    "an IAM user name (1 to 64 letters, digits and +=,.@_-)",
    |text| {
        (1..=64).contains(&text.len())
            && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"+=,.@_-".contains(&byte))
    }
);

text_id!(
    /// The immutable id of an IAM user (`AIDA…`). A user deleted and made again under the same name has
    /// another one.
    UserId,
    "an IAM unique id (16 to 128 letters and digits)",
    |text| (16..=128).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_alphanumeric())
);

text_id!(
    /// One run of the rotation machine, such as `r-4gq2w6xk7d`.
    RotationId,
    "a rotation id (r- and lower-case letters and digits)",
    |text| {
        text.strip_prefix("r-").is_some_and(|rest| {
            (4..=40).contains(&rest.len())
                && rest.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit())
        })
    }
);

text_id!(
    /// One running process that drives rotations. New for every process, so that a restarted one does not
    /// take its predecessor's unfinished work for its own.
    WorkerId,
    "a worker id (1 to 128 visible ASCII characters)",
    |text| (1..=128).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_graphic())
);

impl AccessKeyId {
    /// The account that is encoded in the id, or `None` for ids that carry none: those made before about
    /// 2019 (their fifth character is `I` or `J`) and those that are not twenty characters of base32.
    ///
    /// The sixteen characters behind the four-letter prefix are base32; bits 1 to 40 of the first 48 are
    /// the account number (Aidan Steele, "AWS Access Key ID formats", 2020; Tal Be'ery, 2023).
    pub fn account_id(&self) -> Option<AccountId> {
        let body = self.0.as_bytes().get(4..20).filter(|_| self.0.len() == 20)?;
        let bytes = data_encoding::BASE32_NOPAD.decode(body).ok()?;
        let first = bytes[..6].iter().fold(0_u64, |value, &byte| value << 8 | u64::from(byte));
        let has_account = first >> 47 == 1;
        if has_account { AccountId::new((first & 0x7fff_ffff_ff80) >> 7) } else { None }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(text: &str) -> AccessKeyId {
        text.parse().unwrap()
    }

    #[test]
    fn the_account_is_read_from_a_key_id_with_its_leading_zero() {
        assert_eq!(key("ASIAY34FZKBOKMUTVV7A").account_id().unwrap().to_string(), "609629065308");
        assert_eq!(key("ASIAQNZGKIQY56JQ7WML").account_id().unwrap().to_string(), "029608264753");
    }

    #[test]
    fn old_key_ids_carry_no_account() {
        assert_eq!(key("AKIAIOSFODNN7EXAMPLE").account_id(), None);
        assert_eq!(key("AKIAJ2222222222222222"[..20].trim()).account_id(), None);
        assert_eq!(key("AKIA000000000000").account_id(), None, "sixteen characters are legal, but no base32");
    }

    #[test]
    fn user_names_may_hold_every_legal_special_character() {
        let name: UserName = "a+=,.@_-Z9".parse().unwrap();
        assert_eq!(name.as_str(), "a+=,.@_-Z9");
        for wrong in ["", "a b", "a/b", "é", &"a".repeat(65)] {
            assert!(wrong.parse::<UserName>().is_err(), "{wrong:?}");
        }
    }

    #[test]
    fn account_ids_have_twelve_digits() {
        assert_eq!("000000000001".parse::<AccountId>().unwrap().number(), 1);
        for wrong in ["1", "12345678901x", "1234567890123", "+12345678901"] {
            assert!(wrong.parse::<AccountId>().is_err(), "{wrong:?}");
        }
    }
}
