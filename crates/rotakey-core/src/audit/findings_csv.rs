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
#[derive(Debug, Default)]
pub struct FindingsCsv {
    text: String,
}

impl FindingsCsv {
    /// A text that begins with the header.
    pub fn with_header() -> Self {
        Self { text: FINDING_COLUMNS.join(",") + "\n" }
    }

    /// A text that comes behind another.
    pub fn without_header() -> Self {
        Self::default()
    }

    /// Adds one line.
    pub fn finding(&mut self, finding: &Finding) {
        let exempt = finding.exempt.as_ref();
        self.text(finding.code.as_str());
        self.text(finding.severity.as_str());
        self.number(Some(finding.account_id));
        self.text(finding.user_name.name());
        self.text(&finding.user_arn);
        self.text(finding.access_key_id.as_ref().map_or("", AccessKeyId::as_str));
        self.number(finding.key_slot);
        self.number(finding.created_at);
        self.number(finding.age_seconds);
        self.number(finding.last_used_at);
        self.text(&finding.rule);
        self.number(finding.limit_seconds);
        self.number(finding.due_at);
        self.text(&finding.message);
        self.text(&finding.next_command);
        self.text(exempt.map_or("", |exempt| &exempt.owner));
        self.text(exempt.map_or("", |exempt| &exempt.reason));
        self.number(exempt.map(|exempt| exempt.until));
        self.text(finding.exemption_note.as_deref().unwrap_or_default());
        // The comma behind the last value ends the line instead.
        self.text.pop();
        self.text.push('\n');
    }

    /// The text.
    pub fn into_bytes(self) -> Vec<u8> {
        self.text.into_bytes()
    }

    /// A value of any characters. What could end it stands in quotes, and quotes in it twice.
    fn text(&mut self, value: &str) {
        if value.bytes().any(|byte| matches!(byte, b',' | b'"' | b'\n' | b'\r')) {
            self.text.push('"');
            value.split_inclusive('"').for_each(|piece| {
                self.text.push_str(piece);
                if piece.ends_with('"') {
                    self.text.push('"');
                }
            });
            self.text.push('"');
        } else {
            self.text.push_str(value);
        }
        self.text.push(',');
    }

    /// A number or an instant, which never needs quotes.
    fn number(&mut self, value: Option<impl fmt::Display>) {
        if let Some(value) = value {
            write!(self.text, "{value}").expect("a string takes all text");
        }
        self.text.push(',');
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::audit::{Judge, Mode};
    use crate::policy::{Exempt, Policy, test_key, test_subject};

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

    proptest! {
        #[test]
        fn what_is_written_is_read_as_it_was(reason in r#"[a-z",\n\r ]{0,8}"#, owner in any::<String>()) {
            let mut subject = test_subject("alice");
            subject.keys = vec![test_key("2026-08-01T00:00:00Z")];
            let judge_at = "2026-11-23T12:00:00Z".parse().unwrap();
            let judgement = Judge::new(&Policy::default(), judge_at, Mode::Exact).user(&subject);
            let exempt = Exempt { owner, reason, until: judge_at };
            let finding = Finding { exempt: Some(exempt.clone()), ..judgement.findings[0].clone() };
            let mut csv = FindingsCsv::with_header();
            csv.finding(&finding);
            let text = csv.into_bytes();
            let mut reader = csv::Reader::from_reader(text.as_slice());
            let lines: Vec<_> = reader.records().collect::<Result<_, _>>().unwrap();
            prop_assert_eq!(lines.len(), 1);
            prop_assert_eq!(&lines[0][13], &finding.message);
            prop_assert_eq!((&lines[0][15], &lines[0][16]), (exempt.owner.as_str(), exempt.reason.as_str()));
            // A common writer quotes the same values.
            let mut writer = csv::Writer::from_writer(Vec::new());
            writer.write_record(FINDING_COLUMNS).unwrap();
            lines.iter().for_each(|line| writer.write_record(line).unwrap());
            prop_assert_eq!(text, writer.into_inner().unwrap());
        }
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
