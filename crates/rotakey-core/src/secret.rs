//! Secrets: zeroized when dropped, never printed, never serialized, never cloned by accident.

use std::fmt;

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use zeroize::Zeroizing;

use crate::id::AccessKeyId;

/// A secret text. It has no `Clone`, no `Serialize` and a `Debug` that masks; the one way to its text is
/// [`Secret::expose`], so that every place that handles it in clear can be found by that name.
#[derive(PartialEq, Eq)]
pub struct Secret(Zeroizing<String>);

impl Secret {
    /// Takes the text over. The caller's buffer must not be a copy that lives on.
    pub fn new(text: String) -> Self {
        Self(Zeroizing::new(text))
    }

    /// The secret in clear.
    pub fn expose(&self) -> &str {
        &self.0
    }

    /// A second copy, named so that it is seen in review.
    pub fn duplicate(&self) -> Self {
        Self(self.0.clone())
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(***)")
    }
}

/// An access key id with the secret access key that belongs to it. The two are never handled apart, so
/// that no destination can hold a torn pair.
#[derive(Debug, PartialEq, Eq)]
pub struct AccessKeyPair {
    /// The public half.
    pub id: AccessKeyId,
    /// The secret half.
    pub secret: Secret,
}

impl AccessKeyPair {
    /// What may be written down of the pair, to recognise it again.
    pub fn fingerprint(&self) -> Fingerprint {
        let digest = Sha256::new()
            .chain_update(self.id.as_str())
            .chain_update([0])
            .chain_update(self.secret.expose())
            .finalize();
        Fingerprint(data_encoding::HEXLOWER.encode(&digest))
    }

    /// A second copy, named so that it is seen in review.
    pub fn duplicate(&self) -> Self {
        Self { id: self.id.clone(), secret: self.secret.duplicate() }
    }
}

/// SHA-256 over `id NUL secret`, as 64 hexadecimal digits. A secret access key has 240 random bits, so the
/// digest gives nothing away and may stand in logs.
#[derive(Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Fingerprint(String);

impl Fingerprint {
    /// Stands for the pair of a key that has no secret, in a forecast.
    pub(crate) fn of_no_secret(id: &AccessKeyId) -> Self {
        Self(id.to_string())
    }

    /// What no pair has: it stands beside a key that is perhaps somewhere, or in part.
    pub fn unknown() -> Self {
        Self("unknown".to_owned())
    }
}

impl fmt::Display for Fingerprint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for Fingerprint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pair(secret: &str) -> AccessKeyPair {
        AccessKeyPair { id: "AKIAIOSFODNN7EXAMPLE".parse().unwrap(), secret: Secret::new(secret.to_owned()) }
    }

    #[test]
    fn debug_never_shows_a_secret() {
        let shown = format!("{:?}", pair("wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY"));
        assert_eq!(shown, "AccessKeyPair { id: AKIAIOSFODNN7EXAMPLE, secret: Secret(***) }");
    }

    #[test]
    fn fingerprints_tell_pairs_apart() {
        assert_eq!(pair("one").fingerprint(), pair("one").fingerprint());
        assert_ne!(pair("one").fingerprint(), pair("two").fingerprint());
    }
}
