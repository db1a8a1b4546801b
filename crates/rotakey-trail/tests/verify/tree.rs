//! A folder as CloudTrail fills it, signed by a key of the tests' own: the generator that the verification is
//! held against.
//!
//! The two keys beside this file sign nothing else than these folders.

use std::fs;
use std::path::{Path, PathBuf};

use data_encoding::{BASE64, HEXLOWER};
use jiff::{SignedDuration, Timestamp};
use libdeflater::{CompressionLvl, Compressor};
use ring::digest::{SHA256, digest};
use ring::rand::SystemRandom;
use ring::rsa::KeyPair;
use ring::signature::{KeyPair as _, RSA_PKCS1_SHA256};
use serde_json::{Value, json};
use tempfile::TempDir;

pub(crate) const ACCOUNT: &str = "111122223333";
pub(crate) const REGION: &str = "eu-west-1";
pub(crate) const TRAIL: &str = "my_trail";
pub(crate) const BUCKET: &str = "logs-of-all";
/// When the first digest begins.
pub(crate) const START: &str = "2026-03-01T00:07:31Z";

/// A key that signs.
pub(crate) struct Signer {
    pair: KeyPair,
    pub(crate) fingerprint: String,
}

impl Signer {
    /// CloudTrail's, as far as the tests go.
    pub(crate) fn trail() -> Self {
        Self::read(include_str!("trail-key.pkcs8.base64"))
    }

    /// Somebody else's.
    pub(crate) fn foreign() -> Self {
        Self::read(include_str!("foreign-key.pkcs8.base64"))
    }

    fn read(base64: &str) -> Self {
        let base64: String = base64.split_whitespace().collect();
        let pair = KeyPair::from_pkcs8(&BASE64.decode(base64.as_bytes()).unwrap()).unwrap();
        let fingerprint = hex_hash(pair.public_key().as_ref())[..32].to_owned();
        Self { pair, fingerprint }
    }

    pub(crate) fn public_key(&self) -> &[u8] {
        self.pair.public_key().as_ref()
    }

    /// What `aws cloudtrail list-public-keys` prints.
    pub(crate) fn list(&self) -> Value {
        json!({ "PublicKeyList": [{
            "Value": BASE64.encode(self.public_key()),
            "ValidityStartTime": "2026-01-01T00:00:00+00:00",
            "ValidityEndTime": 1_798_761_600.0,
            "Fingerprint": self.fingerprint,
        }] })
    }

    pub(crate) fn sign(&self, text: &str) -> String {
        let mut signature = vec![0; self.pair.public().modulus_len()];
        self.pair.sign(&RSA_PKCS1_SHA256, &SystemRandom::new(), text.as_bytes(), &mut signature).unwrap();
        HEXLOWER.encode(&signature)
    }
}

/// The folder.
pub(crate) struct Tree {
    pub(crate) folder: TempDir,
    pub(crate) signer: Signer,
    pub(crate) region: String,
    /// The digests, the oldest first.
    pub(crate) digests: Vec<Written>,
    /// When the next digest begins.
    pub(crate) now: Timestamp,
    /// What the next digest names.
    last: Option<(Value, String)>,
}

/// One digest that was written.
pub(crate) struct Written {
    pub(crate) key: String,
    pub(crate) signature: String,
    pub(crate) logs: Vec<String>,
}

/// What a digest holds.
pub(crate) struct NewDigest {
    /// The log files of its hour.
    pub(crate) logs: usize,
    /// Whether it begins a chain.
    pub(crate) is_first: bool,
    pub(crate) is_backfill: bool,
}

impl Tree {
    /// An empty folder.
    pub(crate) fn new() -> Self {
        Self::of_region(REGION)
    }

    pub(crate) fn of_region(region: &str) -> Self {
        Self {
            folder: TempDir::new().unwrap(),
            signer: Signer::trail(),
            region: region.to_owned(),
            digests: Vec::new(),
            now: START.parse().unwrap(),
            last: None,
        }
    }

    /// Six hours with two log files each, but the third, which has none.
    pub(crate) fn usual() -> Self {
        let mut tree = Self::new();
        for hour in 0..6 {
            tree.hour(if hour == 2 { 0 } else { 2 });
        }
        tree
    }

    pub(crate) fn root(&self) -> &Path {
        self.folder.path()
    }

    pub(crate) fn path(&self, key: &str) -> PathBuf {
        self.root().join(key)
    }

    /// An hour with so many log files and its digest.
    pub(crate) fn hour(&mut self, logs: usize) {
        let is_first = self.last.is_none();
        self.digest(NewDigest { logs, is_first, is_backfill: false });
    }

    /// Hours in which nothing is logged; what comes next begins a new chain.
    pub(crate) fn stop_logging(&mut self, hours: i64) {
        self.now += SignedDuration::from_hours(hours);
        self.last = None;
    }

    pub(crate) fn digest(&mut self, new: NewDigest) {
        let (start, end) = (self.now, self.now + SignedDuration::from_hours(1));
        let mut listed = Vec::new();
        for index in 0..new.logs {
            let time = start + SignedDuration::from_mins(5 + 20 * index as i64);
            let key = self.log_key(time, &format!("{:016}", self.digests.len() * 100 + index));
            let record = json!({ "eventTime": time.to_string(), "eventName": "GetObject", "n": index });
            listed.push(self.write_log(&key, &json!({ "Records": [record] })));
        }
        let suffix = if new.is_backfill { "_backfill" } else { "" };
        let (day, compact) = (end.strftime("%Y/%m/%d"), end.strftime("%Y%m%dT%H%M%SZ"));
        let region = &self.region;
        let key = format!(
            "AWSLogs/{ACCOUNT}/CloudTrail-Digest/{region}/{day}/\
             {ACCOUNT}_CloudTrail-Digest_{region}_{TRAIL}_{REGION}_{compact}{suffix}.json.gz"
        );
        let (previous, signature) = match self.last.clone().filter(|_| !new.is_first && !new.is_backfill) {
            Some((previous, signature)) => (previous, Some(signature)),
            None => (json!({}), None),
        };
        let content = json!({
            "awsAccountId": ACCOUNT,
            "digestStartTime": start.to_string(),
            "digestEndTime": end.to_string(),
            "digestS3Bucket": BUCKET,
            "digestS3Object": key,
            "digestPublicKeyFingerprint": self.signer.fingerprint,
            "digestSignatureAlgorithm": "SHA256withRSA",
            "newestEventTime": end.to_string(),
            "oldestEventTime": start.to_string(),
            "previousDigestS3Bucket": previous["bucket"],
            "previousDigestS3Object": previous["key"],
            "previousDigestHashValue": previous["hash"],
            "previousDigestHashAlgorithm": signature.as_ref().map(|_| "SHA-256"),
            "previousDigestSignature": signature,
            "logFiles": listed,
        });
        let logs = listed.iter().map(|log| log["s3Object"].as_str().unwrap().to_owned()).collect();
        let bytes = serde_json::to_vec(&content).unwrap();
        let signature = self.write_digest(&key, &bytes);
        let link = json!({ "bucket": BUCKET, "key": key, "hash": hex_hash(&bytes) });
        if !new.is_backfill {
            self.last = Some((link, signature.clone()));
            self.now = end;
        }
        self.digests.push(Written { key, signature, logs });
    }

    /// The key of a log file of that time.
    pub(crate) fn log_key(&self, time: Timestamp, unique: &str) -> String {
        let (day, compact) = (time.strftime("%Y/%m/%d"), time.strftime("%Y%m%dT%H%MZ"));
        let region = &self.region;
        format!(
            "AWSLogs/{ACCOUNT}/CloudTrail/{region}/{day}/{ACCOUNT}_CloudTrail_{region}_{compact}_{unique}.json.gz"
        )
    }

    /// Writes a log file, and returns how a digest lists it.
    pub(crate) fn write_log(&self, key: &str, content: &Value) -> Value {
        let bytes = serde_json::to_vec(content).unwrap();
        self.write(key, &gzip(&bytes));
        json!({
            "s3Bucket": BUCKET,
            "s3Object": key,
            "hashValue": hex_hash(&bytes),
            "hashAlgorithm": "SHA-256",
            "newestEventTime": START,
            "oldestEventTime": START,
        })
    }

    /// Writes a digest and, beside it, what S3 has of it, signed by the signer of the tree.
    pub(crate) fn write_digest(&self, key: &str, content: &[u8]) -> String {
        let signature = self.signer.sign(&signed_text(content));
        self.write(key, &gzip(content));
        self.write_signature(key, &signature);
        signature
    }

    pub(crate) fn write_signature(&self, key: &str, signature: &str) {
        let metadata = json!({ "Metadata": {
            "signature": signature,
            "signature-algorithm": "SHA256withRSA",
            "backfill-generation-timestamp": START,
        } });
        self.write(&format!("{key}.metadata.json"), metadata.to_string().as_bytes());
    }

    /// Takes away what S3 has of the digests, as a copy to a disk does.
    pub(crate) fn forget_signatures(&self) {
        for digest in &self.digests {
            let _ = fs::remove_file(self.path(&format!("{}.metadata.json", digest.key)));
        }
    }

    /// What a digest says now.
    pub(crate) fn read_digest(&self, index: usize) -> Value {
        serde_json::from_slice(&gunzip(&fs::read(self.path(&self.digests[index].key)).unwrap())).unwrap()
    }

    pub(crate) fn write(&self, key: &str, bytes: &[u8]) {
        let path = self.path(key);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, bytes).unwrap();
    }

    pub(crate) fn remove(&self, key: &str) {
        fs::remove_file(self.path(key)).unwrap();
    }
}

/// What CloudTrail signs.
pub(crate) fn signed_text(content: &[u8]) -> String {
    let digest: Value = serde_json::from_slice(content).unwrap();
    let text = |name: &str| digest[name].as_str().unwrap_or("null");
    format!(
        "{}\n{}/{}\n{}\n{}",
        text("digestEndTime"),
        text("digestS3Bucket"),
        text("digestS3Object"),
        hex_hash(content),
        text("previousDigestSignature")
    )
}

pub(crate) fn hex_hash(bytes: &[u8]) -> String {
    HEXLOWER.encode(digest(&SHA256, bytes).as_ref())
}

pub(crate) fn gzip(content: &[u8]) -> Vec<u8> {
    let mut compressor = Compressor::new(CompressionLvl::default());
    let mut out = vec![0; compressor.gzip_compress_bound(content.len())];
    let length = compressor.gzip_compress(content, &mut out).unwrap();
    out.truncate(length);
    out
}

pub(crate) fn gunzip(stored: &[u8]) -> Vec<u8> {
    let mut out = vec![0; stored.len() * 100];
    let length = libdeflater::Decompressor::new().gzip_decompress(stored, &mut out).unwrap();
    out.truncate(length);
    out
}
