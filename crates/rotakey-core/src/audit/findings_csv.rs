//! The findings of an audit as CSV, one line each.

use std::fmt::{self, Write as _};

use super::finding::Finding;
use crate::id::AccessKeyId;

/// The names of the columns that [`FindingsCsv`] writes.
pub const FINDING_COLUMNS: [&str; 19] = [
    "code",
    "severity",
    "account_id",
    "user_name",
    "user_arn",
    "access_key_id",
    "key_slot",
    "created_at",
    "age_seconds",
    "last_used_at",
    "rule",
    "limit_seconds",
    "due_at",
    "message",
    "next_command",
    "exempt_owner",
    "exempt_reason",
    "exempt_until",
    "exemption_note",
];

/// Findings as CSV (RFC 4180), in columns named as the fields of the JSON document. What JSON calls null is an
/// empty value. Several threads can make one text each, which come one behind the other.
#[derive(Debug)]
pub struct FindingsCsv {
    writer: csv::Writer<Vec<u8>>,
    /// The value that is being written.
    value: String,
}

impl FindingsCsv {
    /// A text that begins with the header.
    pub fn with_header() -> Self {
        let mut text = Self::without_header();
        text.writer.write_record(FINDING_COLUMNS).expect(Self::ALWAYS);
        text
    }

    /// A text that comes behind another.
    pub fn without_header() -> Self {
        Self { writer: csv::Writer::from_writer(Vec::new()), value: String::new() }
    }

    /// Adds one line.
    pub fn finding(&mut self, finding: &Finding) {
        let exempt = finding.exempt.as_ref();
        self.text(finding.code.as_str());
        self.text(finding.severity.as_str());
        self.shown(Some(finding.account_id));
        self.text(finding.user_name.name());
        self.text(&finding.user_arn);
        self.text(finding.access_key_id.as_ref().map_or("", AccessKeyId::as_str));
        self.shown(finding.key_slot);
        self.shown(finding.created_at);
        self.shown(finding.age_seconds);
        self.shown(finding.last_used_at);
        self.text(&finding.rule);
        self.shown(finding.limit_seconds);
        self.shown(finding.due_at);
        self.text(&finding.message);
        self.text(&finding.next_command);
        self.text(exempt.map_or("", |exempt| &exempt.owner));
        self.text(exempt.map_or("", |exempt| &exempt.reason));
        self.shown(exempt.map(|exempt| exempt.until));
        self.text(finding.exemption_note.as_deref().unwrap_or_default());
        self.writer.write_record(None::<&[u8]>).expect(Self::ALWAYS);
    }

    /// The text.
    pub fn into_bytes(self) -> Vec<u8> {
        self.writer.into_inner().map_err(|error| error.into_error()).expect(Self::ALWAYS)
    }

    const ALWAYS: &str = "a vector takes all bytes, and every line has the width of the header";

    fn text(&mut self, text: &str) {
        self.writer.write_field(text).expect(Self::ALWAYS);
    }

    fn shown(&mut self, value: Option<impl fmt::Display>) {
        self.value.clear();
        if let Some(value) = value {
            write!(self.value, "{value}").expect("a string takes all text");
        }
        self.writer.write_field(&self.value).expect(Self::ALWAYS);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::audit::{Judge, Mode};
    use crate::policy::{Policy, test_key, test_subject};

    #[test]
    fn findings_are_lines_with_the_columns_of_the_header() {
        let mut subject = test_subject("a+=,.@_-");
        subject.keys = vec![test_key("2026-08-01T00:00:00Z")];
        let judgement = Judge::new(&Policy::default(), "2026-11-23T12:00:00Z".parse().unwrap(), Mode::Exact)
            .user(&subject);
        let mut csv = FindingsCsv::with_header();
        judgement.findings.iter().for_each(|finding| csv.finding(finding));
        insta::assert_snapshot!(String::from_utf8(csv.into_bytes()).unwrap(), @r#"
        code,severity,account_id,user_name,user_arn,access_key_id,key_slot,created_at,age_seconds,last_used_at,rule,limit_seconds,due_at,message,next_command,exempt_owner,exempt_reason,exempt_until,exemption_note
        key-too-old,high,111122223333,"a+=,.@_-","arn:aws:iam::111122223333:user/a+=,.@_-",AKIAIOSFODNN7EXAMPLE,1,2026-08-01T00:00:00Z,9892800,2026-11-23T12:00:00Z,default,7776000,2026-10-30T00:00:00Z,"114 d 12 h old, limit 90 d","rotakey rotate plan --user a+=,.@_-",,,,
        "#);
    }

    #[test]
    fn the_columns_are_the_fields_of_the_json_document() {
        let mut subject = test_subject("alice");
        subject.keys = vec![test_key("2020-01-01T00:00:00Z")];
        let judgement = Judge::new(&Policy::default(), "2026-11-23T12:00:00Z".parse().unwrap(), Mode::Exact)
            .user(&subject);
        let finding = serde_json::to_value(&judgement.findings[0]).unwrap();
        for column in FINDING_COLUMNS.iter().filter(|column| !column.starts_with("exempt_")) {
            assert!(finding.get(column).is_some(), "{column}");
        }
    }
}
