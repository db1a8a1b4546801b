//! A finding as a cache keeps it.

use std::collections::BTreeSet;
use std::sync::{Mutex, PoisonError};

use data_encoding::HEXLOWER;
use rotakey_core::id::AccessKeyId;
use serde::{Deserialize, Serialize};

use crate::allow::{Allowed, Mark};
use crate::finding::{Digests, Finding, Position};
use crate::kind::{Kind, Severity};
use crate::object_id::ObjectId;

/// A [`Finding`] without what differs from one repository to the next, and without the value. What follows from the rest
/// is not kept: the account is read from the id again.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CachedFinding {
    blob: ObjectId,
    /// The members of containers that lead to it, as `a.zip!b.txt`.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    members: String,
    kind: Kind,
    rule: String,
    severity: Severity,
    /// Line, column, last line, column behind the end.
    position: [u32; 4],
    #[serde(default, skip_serializing_if = "Option::is_none")]
    access_key_id: Option<AccessKeyId>,
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    canary: bool,
    digests: HexDigests,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pair: Option<HexDigests>,
    redacted: String,
    excerpt: String,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    encodings: Vec<String>,
    /// The mark in its line that allows it. Files that allow something are read anew each time.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    mark: Option<Mark>,
}

/// Digests in hexadecimal.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct HexDigests {
    sha1: String,
    sha256: String,
}

/// Why a cached finding cannot be one of this program.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum InvalidFinding {
    /// A digest has not as many hexadecimal digits as its algorithm gives.
    #[error("a digest of a finding is none")]
    Digest,
    /// The name of a rule or of an encoding is none that a program would have.
    #[error("the name of a rule or of an encoding is none")]
    Name,
}

impl CachedFinding {
    /// A finding in a blob whose path is not known yet. `None` for one that has a path, or is in no blob: where its members
    /// begin cannot be told then.
    pub fn of(finding: &Finding) -> Option<Self> {
        // All fields are named, so that a new one cannot be forgotten here.
        let Finding {
            kind,
            rule,
            severity,
            repository: _,
            path,
            position,
            access_key_id,
            account_id: _,
            canary,
            digests,
            pair,
            redacted,
            excerpt,
            encodings,
            blob,
            introduced: _,
            value: _,
            allowed,
            known: _,
            holder: _,
        } = finding;
        let blob = (*blob)?;
        let rest = path.strip_prefix(&format!("blob {blob}")).unwrap_or(path);
        let members = match rest.strip_prefix('!') {
            Some(members) => members,
            None if rest.is_empty() => "",
            None => return None,
        };
        Some(Self {
            blob,
            members: members.to_owned(),
            kind: *kind,
            rule: (*rule).to_owned(),
            severity: *severity,
            position: [position.line, position.column, position.end_line, position.end_column],
            access_key_id: access_key_id.clone(),
            canary: *canary,
            digests: HexDigests::of(digests),
            pair: pair.as_ref().map(HexDigests::of),
            redacted: redacted.clone(),
            excerpt: excerpt.clone(),
            encodings: encodings.iter().map(|&encoding| encoding.to_owned()).collect(),
            mark: match allowed {
                Some(Allowed::Mark(mark)) => Some(*mark),
                Some(Allowed::GitleaksIgnore) | None => None,
            },
        })
    }

    /// The blob that it is in.
    pub fn blob(&self) -> ObjectId {
        self.blob
    }

    /// The finding, with the path that a scan gives to a blob of which nothing else is known.
    ///
    /// # Errors
    /// If no program of ours has written it.
    pub fn finding(&self) -> Result<Finding, InvalidFinding> {
        let [line, column, end_line, end_column] = self.position;
        let separator = if self.members.is_empty() { "" } else { "!" };
        Ok(Finding {
            kind: self.kind,
            rule: name(&self.rule)?,
            severity: self.severity,
            repository: None,
            path: format!("blob {}{separator}{}", self.blob, self.members),
            position: Position { line, column, end_line, end_column },
            account_id: self.access_key_id.as_ref().and_then(AccessKeyId::account_id),
            access_key_id: self.access_key_id.clone(),
            canary: self.canary,
            digests: self.digests.digests()?,
            pair: self.pair.as_ref().map(HexDigests::digests).transpose()?,
            redacted: self.redacted.clone(),
            excerpt: self.excerpt.clone(),
            encodings: self.encodings.iter().map(|encoding| name(encoding)).collect::<Result<_, _>>()?,
            blob: Some(self.blob),
            introduced: None,
            value: None,
            allowed: self.mark.map(Allowed::Mark),
            known: None,
            holder: None,
        })
    }
}

impl HexDigests {
    fn of(digests: &Digests) -> Self {
        Self { sha1: digests.sha1_hex(), sha256: digests.sha256_hex() }
    }

    fn digests(&self) -> Result<Digests, InvalidFinding> {
        let bytes = |text: &str| HEXLOWER.decode(text.as_bytes()).map_err(|_| InvalidFinding::Digest);
        Ok(Digests {
            sha1: bytes(&self.sha1)?.try_into().map_err(|_| InvalidFinding::Digest)?,
            sha256: bytes(&self.sha256)?.try_into().map_err(|_| InvalidFinding::Digest)?,
        })
    }
}

/// The most names that are kept, many more than there are rules and encodings.
const NAMES: usize = 1024;

/// The name as the program has it in its text. Names are kept until the process ends, each once, and so only as many as a
/// program may have and only such as a program would have: what comes from a cache may be anybody's.
fn name(text: &str) -> Result<&'static str, InvalidFinding> {
    static KNOWN: Mutex<BTreeSet<&'static str>> = Mutex::new(BTreeSet::new());
    let mut known = KNOWN.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some(name) = known.get(text) {
        return Ok(name);
    }
    let is_name = !text.is_empty()
        && text.len() <= 64
        && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_. +/".contains(&byte));
    if !is_name || known.len() >= NAMES {
        return Err(InvalidFinding::Name);
    }
    let name: &'static str = String::from(text).leak();
    known.insert(name);
    Ok(name)
}

#[cfg(test)]
mod tests {
    use rotakey_core::secret::Secret;

    use super::*;
    use crate::finding::Introduction;
    use crate::specimen::Specimen;

    fn finding(path: &str) -> Finding {
        let specimen = Specimen::from_seed(7);
        let blob = ObjectId::from_bytes(&[7; 20]).unwrap();
        let secret = || Secret::new(specimen.secret_access_key.clone());
        let access_key_id: AccessKeyId = specimen.access_key_id.parse().unwrap();
        Finding {
            kind: Kind::SecretAccessKey,
            rule: "aws-secret-access-key",
            severity: Severity::High,
            repository: Some("somebody's".to_owned()),
            path: path.replace("ID", &blob.to_string()),
            position: Position { line: 3, column: 14, end_line: 3, end_column: 54 },
            account_id: access_key_id.account_id(),
            access_key_id: Some(access_key_id),
            canary: true,
            digests: Digests::of(&secret()),
            pair: Some(Digests::of(&Secret::new(specimen.access_key_id.clone()))),
            redacted: "abcd…(40 characters)".to_owned(),
            excerpt: "secret = abcd…(40 characters)\u{1b}[0m".to_owned(),
            encodings: vec!["base64", "json"],
            blob: Some(blob),
            introduced: Some(Introduction {
                commit: blob,
                author: "Somebody".to_owned(),
                email: "somebody@example.com".to_owned(),
                seconds: 1,
                in_head: true,
                reach: crate::git::attribute::Reach::Reference,
            }),
            value: Some(secret()),
            allowed: Some(Allowed::Mark(Mark::DetectSecrets)),
            known: Some(crate::baseline::Label::Real),
            holder: None,
        }
    }

    #[test]
    fn a_finding_comes_back_as_that_of_a_blob_without_a_repository() {
        for (path, back) in [
            ("blob ID", "blob ID"),
            ("", "blob ID"),
            ("blob ID!a.zip!b!c.txt", "blob ID!a.zip!b!c.txt"),
            ("!a.zip", "blob ID!a.zip"),
        ] {
            let original = finding(path);
            let cached = CachedFinding::of(&original).unwrap();
            let json = serde_json::to_string(&cached).unwrap();
            assert_eq!(serde_json::from_str::<CachedFinding>(&json).unwrap(), cached);
            let again = cached.finding().unwrap();
            let expected =
                Finding { repository: None, introduced: None, value: None, known: None, ..finding(back) };
            assert_eq!(format!("{again:?}"), format!("{expected:?}"));
        }
    }

    #[test]
    fn a_finding_with_a_path_or_without_a_blob_is_not_cached() {
        assert_eq!(CachedFinding::of(&finding("src/main.rs!a")), None);
        assert_eq!(CachedFinding::of(&finding("blob 1234")), None);
        assert_eq!(CachedFinding::of(&Finding { blob: None, ..finding("blob ID") }), None);
    }

    #[test]
    fn the_secret_is_not_in_what_is_kept() {
        let specimen = Specimen::from_seed(7);
        let json = serde_json::to_string(&CachedFinding::of(&finding("blob ID")).unwrap()).unwrap();
        assert!(json.contains(&specimen.access_key_id), "{json}");
        assert!(!json.contains(&specimen.secret_access_key[4..]), "{json}");
        for private in ["somebody", "Somebody", "introduced"] {
            assert!(!json.contains(private), "{json}");
        }
    }

    #[test]
    fn what_no_program_has_written_is_refused() {
        let refused = |change: fn(&mut CachedFinding)| {
            let mut cached = CachedFinding::of(&finding("blob ID")).unwrap();
            change(&mut cached);
            cached.finding().unwrap_err()
        };
        assert_eq!(refused(|finding| finding.rule = "\u{1b}[2J".to_owned()), InvalidFinding::Name);
        assert_eq!(refused(|finding| finding.rule = "a".repeat(65)), InvalidFinding::Name);
        assert_eq!(refused(|finding| finding.encodings.push(String::new())), InvalidFinding::Name);
        assert_eq!(refused(|finding| finding.digests.sha1.truncate(38)), InvalidFinding::Digest);
        assert_eq!(refused(|finding| finding.digests.sha256 = "x".repeat(64)), InvalidFinding::Digest);
    }
}
