//! The public keys that CloudTrail signs digests with, as `ListPublicKeys` tells them.

use std::fmt;

use data_encoding::{BASE64, HEXLOWER};
use ring::signature::{RSA_PKCS1_2048_8192_SHA256, UnparsedPublicKey};
use serde::Deserialize;
use serde_json::Value;

use crate::event_time::EventTime;

/// A public key of CloudTrail in one region. Regions have different keys, and each is replaced now and then.
#[derive(Clone, PartialEq, Eq)]
pub struct PublicKey {
    /// `Fingerprint`, by which a digest names the key that signed it; in lower case.
    pub fingerprint: String,
    /// `ValidityStartTime`.
    pub valid_from: Option<EventTime>,
    /// `ValidityEndTime`.
    pub valid_until: Option<EventTime>,
    /// `RSAPublicKey` of PKCS #1, in DER.
    pkcs1: Vec<u8>,
}

/// Why public keys cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum PublicKeyError {
    /// The file is not what `aws cloudtrail list-public-keys` prints.
    #[error("this is not the output of `aws cloudtrail list-public-keys`: {0}")]
    NotAList(#[source] serde_json::Error),
    /// The bytes of a key are not those of an RSA key of at least 2048 bits.
    #[error("the value of the key {fingerprint} is no RSA public key of 2048 to 8192 bits")]
    NotAKey {
        /// Which key. Foreign text.
        fingerprint: String,
    },
}

impl PublicKey {
    /// A key of these bytes: DER, either `RSAPublicKey` (what AWS documents) or `SubjectPublicKeyInfo`.
    ///
    /// # Errors
    /// If the bytes are neither, or the key is too short or too long to be used.
    pub fn new(fingerprint: &str, der: &[u8]) -> Result<Self, PublicKeyError> {
        let pkcs1 = rsa_public_key(der)
            .ok_or_else(|| PublicKeyError::NotAKey { fingerprint: fingerprint.to_owned() })?;
        Ok(Self {
            fingerprint: fingerprint.to_ascii_lowercase(),
            valid_from: None,
            valid_until: None,
            pkcs1: pkcs1.to_vec(),
        })
    }

    /// The keys in what `aws cloudtrail list-public-keys` printed, several times if need be: the outputs for
    /// several regions may follow one another in one file.
    ///
    /// # Errors
    /// If the text is something else, or a key in it is none.
    pub fn list(json: &[u8]) -> Result<Vec<Self>, PublicKeyError> {
        let mut keys = Vec::new();
        for list in serde_json::Deserializer::from_slice(json).into_iter() {
            let PublicKeyList { public_key_list } = list.map_err(PublicKeyError::NotAList)?;
            for listed in public_key_list {
                let der = BASE64
                    .decode(listed.value.as_bytes())
                    .map_err(|_| PublicKeyError::NotAKey { fingerprint: listed.fingerprint.clone() })?;
                let key = Self::new(&listed.fingerprint, &der)?;
                keys.push(Self {
                    valid_from: time(&listed.validity_start_time),
                    valid_until: time(&listed.validity_end_time),
                    ..key
                });
            }
        }
        Ok(keys)
    }

    /// Whether the signature of that message was made with the private half of this key.
    pub(super) fn has_signed(&self, message: &[u8], signature: &[u8]) -> bool {
        UnparsedPublicKey::new(&RSA_PKCS1_2048_8192_SHA256, &self.pkcs1).verify(message, signature).is_ok()
    }
}

impl fmt::Debug for PublicKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PublicKey")
            .field("fingerprint", &self.fingerprint)
            .field("valid_from", &self.valid_from)
            .field("valid_until", &self.valid_until)
            .field("pkcs1", &HEXLOWER.encode(&self.pkcs1))
            .finish()
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct PublicKeyList {
    public_key_list: Vec<Listed>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Listed {
    value: String,
    fingerprint: String,
    #[serde(default)]
    validity_start_time: Value,
    #[serde(default)]
    validity_end_time: Value,
}

/// A time as the versions of the aws CLI print it: RFC 3339, or seconds since 1970 with a fraction.
fn time(value: &Value) -> Option<EventTime> {
    match value {
        Value::String(text) => EventTime::parse(text),
        Value::Number(seconds) => {
            let seconds = seconds.as_i64().or_else(|| {
                let seconds = seconds.as_f64()?.trunc();
                // The cast is exact in this range, and nothing outside of it is a time.
                (0.0..253_402_300_800.0).contains(&seconds).then_some(seconds as i64)
            })?;
            EventTime::from_seconds(seconds)
        }
        _ => None,
    }
}

const INTEGER: u8 = 0x02;
const BIT_STRING: u8 = 0x03;
const SEQUENCE: u8 = 0x30;
/// `AlgorithmIdentifier` of rsaEncryption (1.2.840.113549.1.1.1, NULL), without its header.
const RSA_ENCRYPTION: &[u8] = &[0x06, 0x09, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, 0x01, 0x05, 0x00];

/// The `RSAPublicKey` that the bytes are, or that the `SubjectPublicKeyInfo` in them holds.
fn rsa_public_key(der: &[u8]) -> Option<&[u8]> {
    let members = whole(der, SEQUENCE)?;
    let (tag, first, rest) = element(members)?;
    match tag {
        SEQUENCE if first == RSA_ENCRYPTION => {
            let (unused_bits, key) = whole(rest, BIT_STRING)?.split_first()?;
            (*unused_bits == 0 && is_rsa_public_key(whole(key, SEQUENCE)?)).then_some(key)
        }
        INTEGER if is_rsa_public_key(members) => Some(der),
        _ => None,
    }
}

/// Whether these are a modulus of a length that is in use, and an exponent.
fn is_rsa_public_key(members: &[u8]) -> bool {
    let Some((INTEGER, modulus, rest)) = element(members) else { return false };
    let bytes = modulus.strip_prefix(&[0]).unwrap_or(modulus).len();
    (256..=1024).contains(&bytes) && whole(rest, INTEGER).is_some()
}

/// The content of the one element that the bytes are.
fn whole(der: &[u8], expected: u8) -> Option<&[u8]> {
    match element(der)? {
        (tag, content, []) if tag == expected => Some(content),
        _ => None,
    }
}

/// The tag and the content of the first element, and what follows it.
fn element(der: &[u8]) -> Option<(u8, &[u8], &[u8])> {
    let (&tag, rest) = der.split_first()?;
    let (&length, rest) = rest.split_first()?;
    let (length, rest) = match length {
        0..=0x7f => (usize::from(length), rest),
        0x81..=0x83 => {
            let (bytes, rest) = rest.split_at_checked(usize::from(length & 0x7f))?;
            (bytes.iter().fold(0, |length, byte| length << 8 | usize::from(*byte)), rest)
        }
        _ => return None,
    };
    let (content, rest) = rest.split_at_checked(length)?;
    Some((tag, content, rest))
}
