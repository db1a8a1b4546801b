//! The JSON document of an audit.

use std::io::{self, Read, Seek, SeekFrom, Write};

use jiff::Timestamp;
use schemars::{JsonSchema, Schema, schema_for};
use serde::{Deserialize, Serialize};

use super::finding::{Finding, KeyRecord, NotJudged, is_complete};
use super::judge::Judgement;
use crate::policy::Instant;

/// An audit. `complete` stands last, so that a document that was cut off never claims it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Document {
    /// The version of this form. It rises when something is taken away or changes its meaning.
    #[schemars(extend("const" = Document::VERSION))]
    pub schema_version: u32,
    /// The instant by which all ages are counted.
    #[schemars(with = "Instant")]
    pub judged_at: Timestamp,
    /// Every key that was judged.
    pub keys: Vec<KeyRecord>,
    /// Everything that is wrong with them.
    pub findings: Vec<Finding>,
    /// What the audit says nothing about.
    pub not_judged: Vec<NotJudged>,
    /// Whether everything was read that was to be read. If not, the absence of a finding means nothing.
    pub complete: bool,
}

impl Document {
    /// The present [`schema_version`](Self::schema_version).
    pub const VERSION: u32 = 1;
}

/// The JSON Schema (draft 2020-12) of a [`Document`].
pub fn document_schema() -> Schema {
    schema_for!(Document)
}

/// The keys and the findings of some users as they stand in a [`Document`]. Making it takes most of the time of
/// an audit of a large report, so several threads can make one each.
#[derive(Debug, Default)]
pub struct DocumentPart {
    keys: Elements,
    findings: Elements,
}

impl DocumentPart {
    /// Adds one user. Its `not_judged` is for [`DocumentWriter::finish`].
    pub fn user(&mut self, judgement: &Judgement) {
        judgement.keys.iter().for_each(|key| self.keys.key(key));
        judgement.findings.iter().for_each(|finding| self.findings.finding(finding));
    }
}

/// Writes a [`Document`] part by part, in memory that does not grow with their number: keys go out at once,
/// findings by way of a spool (such as a temporary file), for they come behind all keys.
#[derive(Debug)]
pub struct DocumentWriter<W, S> {
    keys: Array<W>,
    findings: Array<S>,
}

impl<W: Write, S: Read + Write + Seek> DocumentWriter<W, S> {
    /// Begins the document. The spool must be empty. Neither it nor `out` need be buffered.
    pub fn new(mut out: W, spool: S, judged_at: Timestamp) -> io::Result<Self> {
        write!(out, "{{\"schema_version\":{},\"judged_at\":\"{judged_at}\",\n\"keys\":[", Document::VERSION)?;
        Ok(Self { keys: Array::new(out), findings: Array::new(spool) })
    }

    /// Adds some users.
    pub fn part(&mut self, part: &DocumentPart) -> io::Result<()> {
        self.keys.write(&part.keys)?;
        self.findings.write(&part.findings)
    }

    /// Ends the document, and gives `out` back, flushed.
    pub fn finish(self, not_judged: &[NotJudged]) -> io::Result<W> {
        let mut out = self.keys.out;
        out.write_all(b"],\n\"findings\":[")?;
        let mut spool = self.findings.out;
        spool.seek(SeekFrom::Start(0))?;
        io::copy(&mut spool, &mut out)?;
        out.write_all(b"],\n\"not_judged\":[")?;
        let mut gaps = Elements::default();
        not_judged.iter().for_each(|gap| gaps.gap(gap));
        let mut array = Array::new(out);
        array.write(&gaps)?;
        let mut out = array.out;
        writeln!(out, "],\n\"complete\":{}}}", is_complete(not_judged))?;
        out.flush()?;
        Ok(out)
    }
}

/// An array on its way out.
#[derive(Debug)]
struct Array<W> {
    out: W,
    is_empty: bool,
}

impl<W: Write> Array<W> {
    fn new(out: W) -> Self {
        Self { out, is_empty: true }
    }

    fn write(&mut self, elements: &Elements) -> io::Result<()> {
        let Some((_comma, first)) = elements.text.split_first() else { return Ok(()) };
        let text = if std::mem::replace(&mut self.is_empty, false) { first } else { &elements.text };
        self.out.write_all(text)
    }
}

/// Elements of an array as text, each in a line of its own behind a comma. No method is generic, so that all of
/// it is compiled here, next to the types.
#[derive(Debug, Default)]
struct Elements {
    text: Vec<u8>,
}

impl Elements {
    fn key(&mut self, key: &KeyRecord) {
        serde_json::to_writer(self.next(), key).expect(Self::ALWAYS);
    }

    fn finding(&mut self, finding: &Finding) {
        serde_json::to_writer(self.next(), finding).expect(Self::ALWAYS);
    }

    fn gap(&mut self, gap: &NotJudged) {
        serde_json::to_writer(self.next(), gap).expect(Self::ALWAYS);
    }

    const ALWAYS: &str = "these types have a form in JSON, and a vector takes all bytes";

    fn next(&mut self) -> &mut Vec<u8> {
        self.text.extend_from_slice(b",\n");
        &mut self.text
    }
}

#[cfg(test)]
mod tests {
    use std::io::Cursor;
    use std::path::Path;

    use super::*;
    use crate::audit::{Cause, Judge, Mode};
    use crate::fact::{KeyStatus, LastUsed, Seen};
    use crate::policy::{KeySubject, Policy, test_key, test_subject};

    fn gap(cause: Cause) -> NotJudged {
        NotJudged {
            account_id: None,
            user_name: Some("bob".parse().unwrap()),
            access_key_id: None,
            code: None,
            cause,
            why: "iam:ListAccessKeys: denied".into(),
        }
    }

    fn written(judgements: &[Judgement], not_judged: &[NotJudged]) -> String {
        let judged_at = "2026-11-23T12:00:00Z".parse().unwrap();
        let mut writer = DocumentWriter::new(Vec::new(), Cursor::new(Vec::new()), judged_at).unwrap();
        for judgement in judgements {
            let mut part = DocumentPart::default();
            part.user(judgement);
            writer.part(&part).unwrap();
        }
        String::from_utf8(writer.finish(not_judged).unwrap()).unwrap()
    }

    fn judgement(name: &str) -> Judgement {
        let mut subject = test_subject(name);
        subject.keys = vec![
            KeySubject { last_used: Seen::Known(LastUsed::Never), ..test_key("2026-08-01T00:00:00Z") },
            KeySubject { status: KeyStatus::Inactive, id: None, ..test_key("2025-08-01T00:00:00Z") },
        ];
        Judge::new(&Policy::default(), "2026-11-23T12:00:00Z".parse().unwrap(), Mode::Exact).user(&subject)
    }

    #[test]
    fn what_is_written_is_read_as_the_same_document() {
        let judgements = [judgement("alice"), judgement("a+=,.@_-")];
        let not_judged = vec![gap(Cause::NotTold)];
        let document: Document = serde_json::from_str(&written(&judgements, &not_judged)).unwrap();
        let expected = Document {
            schema_version: 1,
            judged_at: "2026-11-23T12:00:00Z".parse().unwrap(),
            keys: judgements.iter().flat_map(|judgement| judgement.keys.clone()).collect(),
            findings: judgements.iter().flat_map(|judgement| judgement.findings.clone()).collect(),
            not_judged,
            complete: true,
        };
        assert_eq!(document, expected);
        let again: Document = serde_json::from_value(serde_json::to_value(&document).unwrap()).unwrap();
        assert_eq!(again, document);
    }

    #[test]
    fn the_form_is_stable() {
        insta::assert_snapshot!(written(&[judgement("alice")], &[gap(Cause::NotRead)]), @r#"
        {"schema_version":1,"judged_at":"2026-11-23T12:00:00Z",
        "keys":[
        {"account_id":"111122223333","user_name":"alice","user_arn":"arn:aws:iam::111122223333:user/alice","access_key_id":"AKIAIOSFODNN7EXAMPLE","key_slot":1,"status":"Active","created_at":"2026-08-01T00:00:00Z","age_seconds":9892800,"last_used":"never","last_used_at":null,"last_used_region":null,"last_used_service":null,"last_used_as_of":"2026-11-23T12:00:00Z","privilege":"other","owner":"Ann","rule":"default","limit_seconds":7776000,"due_at":"2026-10-30T00:00:00Z"},
        {"account_id":"111122223333","user_name":"alice","user_arn":"arn:aws:iam::111122223333:user/alice","access_key_id":null,"key_slot":1,"status":"Inactive","created_at":"2025-08-01T00:00:00Z","age_seconds":41428800,"last_used":"used","last_used_at":"2026-11-23T12:00:00Z","last_used_region":"eu-central-1","last_used_service":"s3","last_used_as_of":"2026-11-23T12:00:00Z","privilege":"other","owner":"Ann","rule":"default","limit_seconds":7776000,"due_at":"2025-10-30T00:00:00Z"}],
        "findings":[
        {"code":"key-too-old","severity":"high","account_id":"111122223333","user_name":"alice","user_arn":"arn:aws:iam::111122223333:user/alice","access_key_id":"AKIAIOSFODNN7EXAMPLE","key_slot":1,"created_at":"2026-08-01T00:00:00Z","age_seconds":9892800,"last_used_at":null,"rule":"default","limit_seconds":7776000,"due_at":"2026-10-30T00:00:00Z","message":"114 d 12 h old, limit 90 d","next_command":"rotakey rotate plan --user alice","exempt":null,"exemption_note":null},
        {"code":"key-never-used","severity":"medium","account_id":"111122223333","user_name":"alice","user_arn":"arn:aws:iam::111122223333:user/alice","access_key_id":"AKIAIOSFODNN7EXAMPLE","key_slot":1,"created_at":"2026-08-01T00:00:00Z","age_seconds":9892800,"last_used_at":null,"rule":"default","limit_seconds":3888000,"due_at":"2026-09-15T00:00:00Z","message":"never used in the 114 d 12 h since it was created, limit 45 d","next_command":"aws iam update-access-key --user-name alice --access-key-id AKIAIOSFODNN7EXAMPLE --status Inactive","exempt":null,"exemption_note":null},
        {"code":"inactive-key-left","severity":"low","account_id":"111122223333","user_name":"alice","user_arn":"arn:aws:iam::111122223333:user/alice","access_key_id":null,"key_slot":1,"created_at":"2025-08-01T00:00:00Z","age_seconds":41428800,"last_used_at":"2026-11-23T12:00:00Z","rule":"default","limit_seconds":null,"due_at":null,"message":"inactive and left behind, 479 d 12 h old: whoever may update keys can make it active again","next_command":"aws iam list-access-keys --user-name alice","exempt":null,"exemption_note":null}],
        "not_judged":[
        {"account_id":null,"user_name":"bob","access_key_id":null,"code":null,"cause":"not-read","why":"iam:ListAccessKeys: denied"}],
        "complete":false}
        "#);
    }

    #[test]
    fn an_empty_audit_is_a_whole_document() {
        let document: Document = serde_json::from_str(&written(&[], &[])).unwrap();
        assert!(document.complete && document.keys.is_empty() && document.findings.is_empty());
    }

    #[test]
    fn what_could_not_be_read_makes_the_document_incomplete() {
        let document: Document = serde_json::from_str(&written(&[], &[gap(Cause::NotRead)])).unwrap();
        assert!(!document.complete);
    }

    #[test]
    fn a_document_that_was_cut_off_claims_nothing() {
        let whole = written(&[judgement("alice")], &[]);
        for length in 0..whole.trim_end().len() {
            assert!(serde_json::from_str::<Document>(&whole[..length]).is_err());
        }
    }

    /// The schema in `docs/` is what programs are written against. `cargo xtask docs` writes it anew.
    #[test]
    fn the_schema_in_the_documentation_is_current() {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/audit.schema.json");
        let current = format!("{:#}\n", document_schema().as_value());
        if std::env::var_os("UPDATE_DOCS").is_some() {
            std::fs::write(&path, &current).unwrap();
        }
        let written = std::fs::read_to_string(&path).unwrap();
        assert!(written == current, "{} is out of date: run `cargo xtask docs`", path.display());
    }
}
