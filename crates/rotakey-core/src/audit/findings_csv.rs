//! The findings of an audit as CSV, one line each.

use std::io::{self, Write};

use super::finding::Finding;

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

/// Writes findings as CSV (RFC 4180) with a header, in columns named as the fields of the JSON document. What
/// JSON calls null is an empty value.
#[derive(Debug)]
pub struct FindingsCsv<W: Write> {
    writer: csv::Writer<W>,
}

impl<W: Write> FindingsCsv<W> {
    /// Writes the header.
    pub fn new(out: W) -> io::Result<Self> {
        let mut writer = csv::Writer::from_writer(out);
        writer.write_record(FINDING_COLUMNS)?;
        Ok(Self { writer })
    }

    /// Writes one line.
    pub fn finding(&mut self, finding: &Finding) -> io::Result<()> {
        let exempt = finding.exempt.as_ref();
        let values: [String; FINDING_COLUMNS.len()] = [
            finding.code.to_string(),
            finding.severity.to_string(),
            finding.account_id.to_string(),
            finding.user_name.to_string(),
            finding.user_arn.clone(),
            text(finding.access_key_id.as_ref()),
            text(finding.key_slot),
            text(finding.created_at),
            text(finding.age_seconds),
            text(finding.last_used_at),
            finding.rule.clone(),
            text(finding.limit_seconds),
            text(finding.due_at),
            finding.message.clone(),
            finding.next_command.clone(),
            text(exempt.map(|exempt| &exempt.owner)),
            text(exempt.map(|exempt| &exempt.reason)),
            text(exempt.map(|exempt| exempt.until)),
            text(finding.exemption_note.as_ref()),
        ];
        Ok(self.writer.write_record(&values)?)
    }

    /// Gives the output back, flushed.
    pub fn finish(self) -> io::Result<W> {
        self.writer.into_inner().map_err(|error| error.into_error())
    }
}

fn text(value: Option<impl ToString>) -> String {
    value.map(|value| value.to_string()).unwrap_or_default()
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
        let mut csv = FindingsCsv::new(Vec::new()).unwrap();
        judgement.findings.iter().for_each(|finding| csv.finding(finding).unwrap());
        insta::assert_snapshot!(String::from_utf8(csv.finish().unwrap()).unwrap(), @r#"
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
