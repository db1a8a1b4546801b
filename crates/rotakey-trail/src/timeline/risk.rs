//! Calls that matter when a key is in wrong hands.
//!
//! The names are those that CloudTrail writes in `eventName`, without the version that some services append to
//! theirs: Lambda records `CreateFunction20150331` and `UpdateFunctionCode20150331v2`, CloudFront has recorded
//! `UpdateDistribution2016_11_25`, and the next version comes unannounced.

use std::collections::HashMap;
use std::sync::LazyLock;

use serde::Serialize;
use serde_json::Value;

use super::rules::{RULES, Rule};
use crate::record::Record;

/// What makes a call worth a look.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Risk {
    /// It makes, changes or revives something to sign in with.
    Credentials,
    /// It gives somebody more rights, or a program the rights of a role.
    Privilege,
    /// It lets identities of elsewhere in.
    Federation,
    /// It leaves something behind that goes on acting or lets somebody come back.
    Persistence,
    /// It makes the account blind.
    Evasion,
    /// It reads secrets or data, or lets others read them.
    DataAccess,
    /// It destroys data, or makes it unreadable.
    Destruction,
    /// It costs money.
    Cost,
    /// It looks around.
    Discovery,
}

impl Risk {
    /// Its name, as it is serialized.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Credentials => "credentials",
            Self::Privilege => "privilege",
            Self::Federation => "federation",
            Self::Persistence => "persistence",
            Self::Evasion => "evasion",
            Self::DataAccess => "data-access",
            Self::Destruction => "destruction",
            Self::Cost => "cost",
            Self::Discovery => "discovery",
        }
    }
}

/// How much of a risk.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Level {
    /// None known.
    #[default]
    None,
    /// What many an honest program does all day.
    Mild,
    /// To be explained each time.
    Grave,
}

/// The risks of a call and the worst of their levels.
pub fn risks(record: &Record<'_>) -> (Vec<Risk>, Level) {
    static BY_NAME: LazyLock<HashMap<&str, Vec<&Rule>>> = LazyLock::new(|| {
        let mut by_name: HashMap<&str, Vec<&Rule>> = HashMap::new();
        for rule in RULES {
            for name in rule.names() {
                by_name.entry(name).or_default().push(rule);
            }
        }
        by_name
    });
    let (mut risks, mut level) = (Vec::new(), Level::None);
    let mut request = None;
    for rule in BY_NAME.get(without_version(record.event_name)).into_iter().flatten() {
        let applies = rule.service == record.service()
            && (rule.with().next().is_none() || {
                let request = request.get_or_insert_with(|| Record::json(record.request));
                rule.with().any(|field| has(request, field))
            });
        if applies {
            risks.push(rule.risk);
            level = level.max(rule.level);
        }
    }
    risks.sort_unstable();
    risks.dedup();
    (risks, level)
}

/// Whether a call only looks around, going by its name.
pub fn is_look(event_name: &str) -> bool {
    ["List", "Describe", "Get", "Head", "Search", "Lookup", "BatchGet", "Query", "Scan"]
        .iter()
        .any(|verb| event_name.starts_with(verb))
}

/// The name without a date at its end and a `v2` behind that.
pub fn without_version(event_name: &str) -> &str {
    let digits = |text: &str| text.bytes().rev().take_while(u8::is_ascii_digit).count();
    let mut name = event_name;
    let version = digits(name);
    if let Some(dated) = name[..name.len() - version].strip_suffix('v').filter(|_| version > 0) {
        name = dated;
    }
    for form in [&[8][..], &[2, 2, 4]] {
        let mut rest = name;
        let matches = form.iter().enumerate().all(|(index, &length)| {
            let part = if index > 0 { rest.strip_suffix(['_', '-']) } else { Some(rest) };
            part.filter(|part| digits(part) == length)
                .map(|part| rest = &part[..part.len() - length])
                .is_some()
        });
        if matches && !rest.is_empty() {
            return rest.trim_end_matches('_');
        }
    }
    event_name
}

/// Whether the value has a field of that name somewhere that says something. As deep as `serde_json` reads.
fn has(value: &Value, name: &str) -> bool {
    let says_something = |value: &Value| match value {
        Value::Null | Value::Bool(false) => false,
        Value::String(text) => !text.is_empty() && text != "false",
        Value::Array(values) => !values.is_empty(),
        Value::Object(fields) => !fields.is_empty(),
        Value::Bool(true) | Value::Number(_) => true,
    };
    match value {
        Value::Object(fields) => fields.iter().any(|(field, value)| {
            (field.eq_ignore_ascii_case(name) && says_something(value)) || has(value, name)
        }),
        Value::Array(values) => values.iter().any(|value| has(value, name)),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use bumpalo::Bump;

    use super::Level::{Grave, Mild};
    use super::Risk::{Cost, Persistence, Privilege};
    use super::*;
    use crate::oracle;

    fn of(service: &str, name: &str, request: &str) -> (Vec<Risk>, Level) {
        let arena = Bump::new();
        let text = format!(
            r#"{{"eventTime":"2026-11-23T15:45:00Z","eventSource":"{service}.amazonaws.com","eventName":"{name}",
            "requestParameters":{request}}}"#
        );
        risks(&oracle::record(&text, &arena).unwrap())
    }

    #[test]
    fn versions_in_event_names_hide_nothing() {
        for (name, base) in [
            ("CreateFunction20150331", "CreateFunction"),
            ("UpdateFunctionCode20150331v2", "UpdateFunctionCode"),
            ("UpdateFunctionConfiguration20150331v2", "UpdateFunctionConfiguration"),
            ("AddPermission20150331v2", "AddPermission"),
            ("CreateEventSourceMapping20150331", "CreateEventSourceMapping"),
            ("PublishLayerVersion20181031", "PublishLayerVersion"),
            ("UpdateDistribution2016_11_25", "UpdateDistribution"),
            ("CreateFunctionUrlConfig", "CreateFunctionUrlConfig"),
            ("CreateOAuth2Token", "CreateOAuth2Token"),
            ("ListObjectsV2", "ListObjectsV2"),
            ("20150331", "20150331"),
            ("v2", "v2"),
            ("", ""),
        ] {
            assert_eq!(without_version(name), base, "{name}");
        }
        assert_eq!(of("lambda", "UpdateFunctionCode20150331v2", "null"), (vec![Persistence], Grave));
        assert_eq!(
            of("lambda", "CreateFunction20150331", r#"{"role":"arn:aws:iam::111122223333:role/x"}"#),
            (vec![Privilege, Persistence], Grave)
        );
    }

    #[test]
    fn the_request_decides_where_the_name_does_not() {
        assert_eq!(of("ssm", "GetParameter", r#"{"name":"/a","withDecryption":true}"#).1, Mild);
        assert_eq!(of("ssm", "GetParameter", r#"{"name":"/a","withDecryption":false}"#).1, Level::None);
        assert_eq!(of("ec2", "ModifyInstanceAttribute", r#"{"userData":{}}"#), (vec![], Level::None));
        assert_eq!(
            of("ec2", "ModifyInstanceAttribute", r#"{"userData":{"value":"x"}}"#),
            (vec![Persistence], Grave)
        );
        assert_eq!(of("ec2", "RunInstances", "null"), (vec![Cost], Grave));
        assert_eq!(
            of("ec2", "RunInstances", r#"{"iamInstanceProfile":{"name":"admin"},"userData":"x"}"#).0,
            [Privilege, Persistence, Cost]
        );
    }

    #[test]
    fn names_are_those_of_their_service() {
        assert_eq!(of("iam", "CreateUser", "null").0, [Persistence]);
        assert_eq!(of("example", "CreateUser", "null"), (vec![], Level::None));
        assert_eq!(of("s3", "PutObject", "null"), (vec![], Level::None));
    }

    #[test]
    fn every_rule_has_names_without_versions_and_none_twice() {
        let mut seen = std::collections::HashSet::new();
        for rule in RULES {
            assert!(rule.names().next().is_some());
            for name in rule.names() {
                assert_eq!(without_version(name), name);
                let with: Vec<_> = rule.with().collect();
                assert!(seen.insert((rule.service, rule.risk, name, with)), "{name} twice");
            }
        }
    }
}
