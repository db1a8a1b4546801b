//! A report in which everything occurs, for tests of what is made of reports.

use jiff::Timestamp;
use rotakey_core::secret::Secret;

use super::{About, Repository};
use crate::allow::{Allowed, Mark};
use crate::baseline::Label;
use crate::coverage::{Coverage, Reason, Unread};
use crate::finding::{Digests, Finding, Introduction, Position, redact};
use crate::kind::{Kind, Severity};
use crate::scan::Report;
use crate::specimen::Specimen;

const CONSTANT: &str = "a constant is well formed";

/// The instant at which the scan of the tests begins.
fn start() -> Timestamp {
    "2026-11-26T01:00:00Z".parse().expect(CONSTANT)
}

/// What is told of that scan.
pub fn about() -> About {
    About {
        version: "1.2.3".to_owned(),
        times: Some((start(), "2026-11-26T01:00:02.500Z".parse().expect(CONSTANT))),
        baseline: true,
        repositories: vec![Repository {
            uri: "https://github.com/example/app".to_owned(),
            revision: Some("0123456789abcdef0123456789abcdef01234567".to_owned()),
            branch: None,
        }],
    }
}

/// One value in a file, as a scan tells it.
pub fn told(specimen: &Specimen, kind: Kind, severity: Severity, path: &str, line: u32) -> Finding {
    let value = match kind {
        Kind::AccessKeyId => &specimen.access_key_id,
        Kind::SecretAccessKey => &specimen.secret_access_key,
        Kind::SessionToken => &specimen.session_token,
    };
    let found = crate::detect::Found {
        kind,
        rule: "",
        severity,
        span: 0..value.len(),
        value: Secret::new(value.clone()),
        encodings: Vec::new(),
        pair: None,
    };
    let redacted = redact(&found);
    let id: rotakey_core::id::AccessKeyId = specimen.access_key_id.parse().expect(CONSTANT);
    Finding {
        severity,
        rule: match kind {
            Kind::AccessKeyId => "aws-access-key-id",
            Kind::SecretAccessKey => "aws-secret-access-key",
            Kind::SessionToken => "aws-session-token",
        },
        position: Position { line, column: 5, end_line: line, end_column: 5 + value.len() as u32 },
        account_id: id.account_id(),
        access_key_id: Some(id),
        pair: Some(Digests::of(&Secret::new("pair".to_owned()))),
        excerpt: format!("key = {redacted} # größe"),
        redacted,
        kind,
        repository: None,
        path: path.to_owned(),
        canary: false,
        digests: Digests::of(&Secret::new(value.clone())),
        encodings: Vec::new(),
        blob: None,
        introduced: None,
        value: None,
        allowed: None,
        known: None,
        holder: None,
    }
}

/// A report in which everything occurs, with names that try to break out.
pub fn report(specimen: &Specimen) -> Report {
    let one = |kind, severity, path, line| told(specimen, kind, severity, path, line);
    let introduced = Introduction {
        commit: "89abcdef0123456789abcdef0123456789abcdef".parse().expect(CONSTANT),
        author: "Eve\n::error::gone</failure>\u{1b}[2J".to_owned(),
        email: "eve@example.com".to_owned(),
        seconds: 1_700_000_000,
        in_head: false,
        reach: crate::git::attribute::Reach::Reference,
    };
    let blob = "fedcba9876543210fedcba9876543210fedcba98".parse().expect(CONSTANT);
    let findings = vec![
        one(Kind::AccessKeyId, Severity::High, "src/a.py", 3),
        one(Kind::SecretAccessKey, Severity::High, "src/a.py", 4),
        Finding {
            encodings: vec!["base64"],
            ..one(Kind::SecretAccessKey, Severity::Medium, "k8s/größe x.yaml", 7)
        },
        Finding {
            introduced: Some(introduced),
            blob: Some(blob),
            excerpt: "\u{0}\u{b}]]> & \"'".to_owned(),
            ..one(Kind::SessionToken, Severity::High, "a,b:c%\r\n::error::x.zip!<y>\u{1}", 1)
        },
        Finding {
            blob: Some(blob),
            path: format!("blob {blob}!a.txt"),
            ..one(Kind::AccessKeyId, Severity::Low, "", 1)
        },
        Finding { canary: true, ..one(Kind::AccessKeyId, Severity::Low, "src/a.py", 9) },
        Finding {
            allowed: Some(Allowed::Mark(Mark::DetectSecrets)),
            ..one(Kind::AccessKeyId, Severity::Low, "tests/x.py", 1)
        },
        Finding {
            allowed: Some(Allowed::GitleaksIgnore),
            ..one(Kind::AccessKeyId, Severity::Low, "tests/y.py", 1)
        },
        Finding { known: Some(Label::Harmless), ..one(Kind::AccessKeyId, Severity::Low, "old.py", 1) },
        Finding { known: Some(Label::Unlabelled), ..one(Kind::AccessKeyId, Severity::Low, "old.py", 2) },
        Finding { known: Some(Label::Real), ..one(Kind::SecretAccessKey, Severity::High, "old.py", 3) },
    ];
    let unread = vec![
        Unread { place: "locked".to_owned(), reason: Reason::Io, detail: "permission denied".to_owned() },
        Unread { place: "a.zip!b\n::error::".to_owned(), reason: Reason::Encrypted, detail: String::new() },
    ];
    Report { findings, coverage: Coverage { contents: 12, bytes: 3456, unread, ..Coverage::default() } }
}
