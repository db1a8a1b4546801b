//! The values that fill the placeholders.

use sha1::Sha1;
use sha2::{Digest as _, Sha256};

use super::Kind;
use crate::random::{BASE32, BASE64, HEX, Random};

/// One key: all that may be said of it.
pub(super) struct Key {
    id: String,
    temporary: String,
    old: String,
    secret: String,
    token: String,
}

impl Key {
    /// The next key.
    pub(super) fn new(random: &mut Random) -> Self {
        let mut id = |prefix: &str, first: &[u8]| {
            let mut id = prefix.to_owned();
            random.text(1, first, &mut id);
            random.text(15, BASE32, &mut id);
            id
        };
        // Ids that carry their account have the highest bit set; those from before do not, and begin with I or J.
        let carries_account = b"QRSTUVWXYZ234567";
        let (id, temporary, old) =
            (id("AKIA", carries_account), id("ASIA", carries_account), id("AKIA", b"IJ"));
        let mut secret = String::new();
        random.text(40, BASE64, &mut secret);
        let mut token = "IQoJb3JpZ2luX2Vj".to_owned();
        random.text(402, BASE64, &mut token);
        token.push_str("==");
        Self { id, temporary, old, secret, token }
    }

    /// The value that the placeholder stands for, if it stands for one of a key.
    pub(super) fn value(&self, placeholder: &str) -> Option<(Kind, String)> {
        let other = |prefix: &str| format!("{prefix}{}", &self.id[4..]);
        Some(match placeholder {
            "id" => (Kind::AccessKeyId, self.id.clone()),
            "temporary" => (Kind::AccessKeyId, self.temporary.clone()),
            "old" => (Kind::AccessKeyId, self.old.clone()),
            "abia" => (Kind::AccessKeyId, other("ABIA")),
            "acca" => (Kind::AccessKeyId, other("ACCA")),
            "a3t" => (Kind::AccessKeyId, other("A3TX")),
            "secret" => (Kind::SecretAccessKey, self.secret.clone()),
            "token" => (Kind::SessionToken, self.token.clone()),
            _ => return None,
        })
    }
}

/// What fills a placeholder that stands for no value of a key, such as `hex:40`; `None` if there is no such.
pub(super) fn noise(placeholder: &str, random: &mut Random) -> Option<String> {
    const BASE62: &[u8] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";
    let (kind, argument) = placeholder.split_once(':').unwrap_or((placeholder, ""));
    let mut text = String::new();
    let length = argument.parse().unwrap_or(0);
    match kind {
        "base32" => random.text(length, BASE32, &mut text),
        "base62" => random.text(length, BASE62, &mut text),
        "base64" => random.text(length, BASE64, &mut text),
        "digits" => random.text(length, b"0123456789", &mut text),
        "hex" => random.text(length, HEX, &mut text),
        "HEX" => random.text(length, b"0123456789ABCDEF", &mut text),
        "repeat" => {
            let character = argument.get(..1)?;
            text = character.repeat(argument[1..].parse().ok()?);
        }
        "role" | "user" => {
            text.push_str(if kind == "role" { "AROA" } else { "AIDA" });
            random.text(17, BASE32, &mut text);
        }
        "uuid" => random.uuid(&mut text),
        "escape" => text.push('\u{1b}'),
        "zero" => text.push('\0'),
        _ => return None,
    }
    Some(text)
}

/// The SHA-1 in lower-case hexadecimal, as detect-secrets tells it.
pub(super) fn sha1(value: &str) -> String {
    data_encoding::HEXLOWER.encode(&Sha1::digest(value))
}

/// The SHA-256 in lower-case hexadecimal.
pub(super) fn sha256(value: &str) -> String {
    data_encoding::HEXLOWER.encode(&Sha256::digest(value))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_have_their_forms() {
        let key = Key::new(&mut Random::of(&[1]));
        let length = |placeholder| key.value(placeholder).map(|(_, value)| value.len());
        assert_eq!(["id", "temporary", "old", "abia", "acca", "a3t"].map(length), [Some(20); 6]);
        assert_eq!((length("secret"), length("token"), length("hex:40")), (Some(40), Some(420), None));
        let mut random = Random::of(&[2]);
        assert_eq!(noise("hex:40", &mut random).map(|text| text.len()), Some(40));
        assert_eq!(noise("role", &mut random).map(|text| text.len()), Some(21));
        assert_eq!(noise("repeat:Z3", &mut random).as_deref(), Some("ZZZ"));
        assert_eq!(noise("wrong", &mut random), None);
    }
}
