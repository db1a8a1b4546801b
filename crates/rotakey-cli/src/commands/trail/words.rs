//! Principals, clients and numbers in few words, and cells of CSV.

use std::borrow::Cow;

use rotakey_trail::event_time::EventTime;
use rotakey_trail::user_agent::Agent;

use crate::quantity::count;
use crate::terminal::elide;

/// The most columns that a client takes.
const MOST_OF_AGENT: usize = 40;

/// A principal without what its account's principals have in common: `user/ops/alice` of an ARN.
pub(super) fn short_arn(principal: &str) -> &str {
    let is_arn = principal.starts_with("arn:");
    principal.splitn(6, ':').nth(5).filter(|rest| is_arn && !rest.is_empty()).unwrap_or(principal)
}

/// Where a call came from: the address and the client, as far as they are known.
pub(super) fn origin(source_ip: Option<&str>, user_agent: Option<&str>) -> String {
    let mut text = format!("from {}", source_ip.unwrap_or("an unknown address"));
    if let Some(agent) = user_agent {
        let Agent { family, version, .. } = Agent::parse(agent);
        let version = version.map(|version| format!(" {version}")).unwrap_or_default();
        let client = format!("{family}{version}");
        text.push_str(", ");
        text.push_str(&elide(&client, MOST_OF_AGENT));
    }
    text
}

/// `2026-11-23 15:45:01`, UTC.
pub(super) fn second(at: EventTime) -> String {
    jiff::Timestamp::from(at).strftime("%Y-%m-%d %H:%M:%S").to_string()
}

/// `1 event`, `2 events`.
pub(super) fn counted(number: u64, singular: &str) -> String {
    count(usize::try_from(number).unwrap_or(usize::MAX), singular)
}

/// Foreign text for a cell of CSV: what a spreadsheet would take for a formula is made text by an apostrophe.
pub(super) fn csv_cell(text: &str) -> Cow<'_, str> {
    if text.starts_with(['=', '+', '-', '@', '\t', '\r']) {
        Cow::Owned(format!("'{text}"))
    } else {
        Cow::Borrowed(text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_principal_is_shown_without_its_account() {
        assert_eq!(short_arn("arn:aws:iam::111122223333:user/ops/alice"), "user/ops/alice");
        assert_eq!(short_arn("arn:aws:sts::1:assumed-role/r/s:x"), "assumed-role/r/s:x");
        for other in ["ec2.amazonaws.com", "arn:aws:iam::1:", "a:b:c:d:e:f", ""] {
            assert_eq!(short_arn(other), other);
        }
    }

    #[test]
    fn a_spreadsheet_finds_no_formula() {
        assert_eq!(csv_cell("=HYPERLINK(\"x\")"), "'=HYPERLINK(\"x\")");
        assert_eq!(csv_cell("aws-cli/2"), "aws-cli/2");
    }

    #[test]
    fn a_client_is_told_in_few_words() {
        let agent = "aws-cli/2.31.0 md/awscrt#0.27 ua/2.1 os/linux#6.8 lang/python#3.13";
        assert_eq!(origin(Some("192.0.2.7"), Some(agent)), "from 192.0.2.7, aws-cli 2.31.0");
        let long = origin(None, Some(&"é".repeat(1_000)));
        assert!(long.chars().count() <= "from an unknown address, ".len() + MOST_OF_AGENT, "{long}");
    }
}
