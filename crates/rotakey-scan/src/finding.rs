//! What is told of a match: everything but the secret.

use rotakey_core::id::{AccessKeyId, AccountId};
use rotakey_core::secret::Secret;
use sha1::Sha1;
use sha2::{Digest as _, Sha256};

use crate::allow::Allowed;
use crate::baseline::Label;
use crate::detect::Found;
use crate::git::attribute::Reach;
use crate::holder::Holder;
use crate::kind::{Kind, Severity};
use crate::object_id::ObjectId;

/// A leaked value, and where it is.
#[derive(Debug)]
pub struct Finding {
    /// What it is.
    pub kind: Kind,
    /// The rule that found it.
    pub rule: &'static str,
    /// How bad it is.
    pub severity: Severity,
    /// The repository, where several are scanned.
    pub repository: Option<String>,
    /// The file, with the members behind `!` for what is in a container. Empty for a blob whose path is unknown.
    pub path: String,
    /// Where in the content.
    pub position: Position,
    /// The id itself, or that of the pair.
    pub access_key_id: Option<AccessKeyId>,
    /// The account that is encoded in the id.
    pub account_id: Option<AccountId>,
    /// Whether the account is one that is known to lay out keys as a trap.
    pub canary: bool,
    /// The digests of the value.
    pub digests: Digests,
    /// The digests of the other half.
    pub pair: Option<Digests>,
    /// The value as it may be shown: an id whole, a secret's first characters.
    pub redacted: String,
    /// The line that it is on, all found values redacted, at most a few hundred characters.
    pub excerpt: String,
    /// The encodings that were taken off, outermost first.
    pub encodings: Vec<&'static str>,
    /// The blob that it is in.
    pub blob: Option<ObjectId>,
    /// The commit that brought it in, where history was read.
    pub introduced: Option<Introduction>,
    /// The value in clear, only where it was asked to be kept.
    pub value: Option<Secret>,
    /// What allows it, if anything does.
    pub allowed: Option<Allowed>,
    /// What the baseline says of it; `None` if it is new, or there is no baseline.
    pub known: Option<Label>,
    /// Whose key it is, where somebody was asked.
    pub holder: Option<Holder>,
}

impl Finding {
    /// Whether somebody has to do something about it: nothing allows it, and the baseline does not know it.
    pub fn is_open(&self) -> bool {
        self.allowed.is_none() && self.known.is_none()
    }
}

/// A place in a text. Lines and columns count from 1; columns count characters (bytes where the text is not UTF-8).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Position {
    /// The line on which it begins.
    pub line: u32,
    /// The column in which it begins.
    pub column: u32,
    /// The line on which it ends.
    pub end_line: u32,
    /// The column behind its end.
    pub end_column: u32,
}

/// The digests by which a value is recognised. A secret has 240 random bits, so they give nothing away.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Digests {
    /// As detect-secrets keeps it.
    pub sha1: [u8; 20],
    /// Ours.
    pub sha256: [u8; 32],
}

impl Digests {
    /// Those of a value in clear.
    pub fn of(value: &Secret) -> Self {
        let value = value.expose().as_bytes();
        Self { sha1: Sha1::digest(value).into(), sha256: Sha256::digest(value).into() }
    }

    /// The SHA-1 in lower-case hexadecimal.
    pub fn sha1_hex(&self) -> String {
        data_encoding::HEXLOWER.encode(&self.sha1)
    }

    /// The SHA-256 in lower-case hexadecimal.
    pub fn sha256_hex(&self) -> String {
        data_encoding::HEXLOWER.encode(&self.sha256)
    }
}

/// The commit in which a blob is first seen at a path.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Introduction {
    /// The commit.
    pub commit: ObjectId,
    /// The name of its author.
    pub author: String,
    /// The address of its author.
    pub email: String,
    /// When it was authored, in seconds since the beginning of 1970.
    pub seconds: i64,
    /// Whether the blob is still in HEAD, at that path or at another.
    pub in_head: bool,
    /// What the commit is reachable from.
    pub reach: Reach,
}

/// How far a text was read, in lines and columns. It goes on from span to span, so that many of them cost no more than
/// the text.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub struct Mark {
    /// The lines before this one.
    lines: u64,
    /// The characters before, on this line.
    columns: u64,
}

impl Mark {
    /// Goes on to the end of a part of the text.
    pub fn advance(&mut self, part: &[u8]) {
        let line = match memchr::memrchr(b'\n', part) {
            Some(last) => {
                self.lines += memchr::memchr_iter(b'\n', &part[..=last]).count() as u64;
                self.columns = 0;
                &part[last + 1..]
            }
            None => part,
        };
        // A character counts as one, and so does each byte that belongs to none.
        let count = |chunk: std::str::Utf8Chunk<'_>| chunk.valid().chars().count() + chunk.invalid().len();
        self.columns += line.utf8_chunks().map(count).sum::<usize>() as u64;
    }
}

impl Position {
    /// From one mark to another.
    pub fn between(start: Mark, end: Mark) -> Self {
        let from_one = |count: u64| u32::try_from(count + 1).unwrap_or(u32::MAX);
        Self {
            line: from_one(start.lines),
            column: from_one(start.columns),
            end_line: from_one(end.lines),
            end_column: from_one(end.columns),
        }
    }

    /// Where a span is in a content.
    pub fn of(content: &[u8], span: &std::ops::Range<usize>) -> Self {
        let mut start = Mark::default();
        start.advance(&content[..span.start]);
        let mut end = start;
        end.advance(&content[span.clone()]);
        Self::between(start, end)
    }
}

/// The value as it may be shown.
pub fn redact(found: &Found) -> String {
    let value = found.value.expose();
    match found.kind {
        Kind::AccessKeyId => value.to_owned(),
        // Four characters of forty: enough to be recognised by who has the secret, nothing for who does not.
        Kind::SecretAccessKey | Kind::SessionToken => {
            format!("{}…({} characters)", value.get(..4).unwrap_or_default(), value.len())
        }
    }
}
#[cfg(test)]
pub(crate) mod testing {
    //! Findings for the tests of what is done with them.

    use super::*;

    /// A finding of a value in a file, with nothing that is not asked for.
    pub(crate) fn finding(path: &str, kind: Kind, value: &str, line: u32) -> Finding {
        Finding {
            kind,
            rule: "aws-access-key-id",
            severity: Severity::Low,
            repository: None,
            path: path.to_owned(),
            position: Position { line, column: 1, end_line: line, end_column: 21 },
            access_key_id: None,
            account_id: None,
            canary: false,
            digests: Digests::of(&Secret::new(value.to_owned())),
            pair: None,
            redacted: String::new(),
            excerpt: String::new(),
            encodings: Vec::new(),
            blob: None,
            introduced: None,
            value: None,
            allowed: None,
            known: None,
            holder: None,
        }
    }
}
