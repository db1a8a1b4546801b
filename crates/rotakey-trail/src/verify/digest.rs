//! One digest: what it says, and what its signature is over.

use data_encoding::{HEXLOWER, HEXLOWER_PERMISSIVE};
use ring::digest::{SHA256, digest};
use serde::{Deserialize, Deserializer};

use super::public_key::PublicKey;
use crate::event_time::EventTime;

/// A SHA-256 hash.
pub(super) type Hash = [u8; 32];

/// The hash of these bytes.
pub(super) fn hash(bytes: &[u8]) -> Hash {
    digest(&SHA256, bytes).as_ref().try_into().expect("a SHA-256 hash has 32 bytes")
}

/// A digest file. Field names are those of AWS's "CloudTrail digest file structure".
#[derive(Debug)]
pub(super) struct Digest {
    pub(super) start: EventTime,
    pub(super) end: EventTime,
    pub(super) bucket: String,
    pub(super) object: String,
    pub(super) fingerprint: String,
    /// `None` in the first digest of a chain.
    pub(super) previous: Option<Previous>,
    pub(super) log_files: Vec<ListedLog>,
    /// Of the decompressed file.
    pub(super) hash: Hash,
    /// `digestEndTime` as it stands there, which is what is signed.
    end_text: String,
    /// `previousDigestSignature`.
    previous_signature: Option<String>,
}

/// What a digest says of the one before it.
#[derive(Debug)]
pub(super) struct Previous {
    pub(super) bucket: String,
    pub(super) object: String,
    pub(super) hash: Option<Hash>,
}

/// What a digest says of a log file.
#[derive(Debug)]
pub(super) struct ListedLog {
    pub(super) object: String,
    pub(super) hash: Hash,
}

impl Digest {
    /// Reads the decompressed content of a digest file; an error says what is wrong with it.
    pub(super) fn parse(content: &[u8]) -> Result<Self, String> {
        let wire: Wire = serde_json::from_slice(content).map_err(|error| error.to_string())?;
        let time = |text: &str, name| EventTime::parse(text).ok_or_else(|| format!("{name} is no time"));
        expect_algorithm(wire.digest_signature_algorithm.as_deref(), "SHA256withRSA")?;
        let previous = match (wire.previous_digest_s3_bucket, wire.previous_digest_s3_object) {
            (Some(bucket), Some(object)) => {
                expect_algorithm(wire.previous_digest_hash_algorithm.as_deref(), "SHA-256")?;
                let hash = wire.previous_digest_hash_value.as_deref().map(parse_hash).transpose()?;
                Some(Previous { bucket, object, hash })
            }
            _ => None,
        };
        let log_files = wire.log_files.into_iter().map(WireLog::listed).collect::<Result<_, _>>()?;
        Ok(Self {
            start: time(&wire.digest_start_time, "digestStartTime")?,
            end: time(&wire.digest_end_time, "digestEndTime")?,
            bucket: wire.digest_s3_bucket,
            object: wire.digest_s3_object,
            fingerprint: wire.digest_public_key_fingerprint.to_ascii_lowercase(),
            previous,
            log_files,
            hash: hash(content),
            end_text: wire.digest_end_time,
            previous_signature: wire.previous_digest_signature,
        })
    }

    /// The signature that the digest before this one must have.
    pub(super) fn previous_signature(&self) -> Option<&str> {
        self.previous_signature.as_deref()
    }

    /// Whether one of the keys has made this signature (in hexadecimal digits) of this digest.
    pub(super) fn is_signed(&self, signature: &str, keys: &[&PublicKey]) -> bool {
        let Ok(signature) = HEXLOWER_PERMISSIVE.decode(signature.trim().as_bytes()) else { return false };
        let message = self.signed_text();
        keys.iter().any(|key| key.has_signed(message.as_bytes(), &signature))
    }

    /// What is signed, as AWS documents it for implementations other than its own.
    fn signed_text(&self) -> String {
        let previous = self.previous_signature.as_deref().unwrap_or("null");
        let hash = HEXLOWER.encode(&self.hash);
        format!("{}\n{}/{}\n{hash}\n{previous}", self.end_text, self.bucket, self.object)
    }
}

fn expect_algorithm(named: Option<&str>, known: &str) -> Result<(), String> {
    match named {
        Some(name) if name != known => Err(format!("the algorithm {name} is not known")),
        _ => Ok(()),
    }
}

fn parse_hash(text: &str) -> Result<Hash, String> {
    let bytes = HEXLOWER_PERMISSIVE.decode(text.as_bytes()).ok();
    bytes.and_then(|bytes| bytes.try_into().ok()).ok_or_else(|| "a hash is not one of SHA-256".to_owned())
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Wire {
    digest_start_time: String,
    digest_end_time: String,
    #[serde(rename = "digestS3Bucket")]
    digest_s3_bucket: String,
    #[serde(rename = "digestS3Object")]
    digest_s3_object: String,
    digest_public_key_fingerprint: String,
    digest_signature_algorithm: Option<String>,
    #[serde(rename = "previousDigestS3Bucket")]
    previous_digest_s3_bucket: Option<String>,
    #[serde(rename = "previousDigestS3Object")]
    previous_digest_s3_object: Option<String>,
    previous_digest_hash_value: Option<String>,
    previous_digest_hash_algorithm: Option<String>,
    previous_digest_signature: Option<String>,
    #[serde(deserialize_with = "null_is_empty")]
    log_files: Vec<WireLog>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct WireLog {
    #[serde(rename = "s3Object")]
    s3_object: String,
    hash_value: String,
    hash_algorithm: Option<String>,
}

impl WireLog {
    fn listed(self) -> Result<ListedLog, String> {
        expect_algorithm(self.hash_algorithm.as_deref(), "SHA-256")?;
        Ok(ListedLog { hash: parse_hash(&self.hash_value)?, object: self.s3_object })
    }
}

fn null_is_empty<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<WireLog>, D::Error> {
    Ok(Option::deserialize(deserializer)?.unwrap_or_default())
}
