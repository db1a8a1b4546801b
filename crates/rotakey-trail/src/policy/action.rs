//! From an event to the IAM actions that allow it.

use serde_json::Value;

use crate::policy::exceptions::{
    ACTIONS, API_GATEWAY_METHODS, API_GATEWAY_NAMED, NOTHING_NEEDED, PARTIQL, PREFIXES,
};
use crate::record::Record;

/// What a call needs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Needed {
    /// Any of the following: a valid key is enough.
    Nothing,
    /// All of these actions, such as `s3:GetObject`.
    Actions(Vec<String>),
    /// The record's service or action is no name of AWS.
    NotUnderstood,
}

/// The actions that allow the call.
pub(super) fn needed(record: &Record<'_>, request: &Value) -> Needed {
    let service = record.service();
    let name = without_date(record.event_name);
    let is_name = |text: &str, extra: &[u8]| {
        (1..=64).contains(&text.len())
            && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || extra.contains(&byte))
    };
    if !is_name(service, b"-.") || !is_name(name, b"") {
        return Needed::NotUnderstood;
    }
    // A sign-in, a page of the console, an event that AWS made by itself: nobody is asked for permission.
    if service == "signin"
        || record.event_type.is_some_and(|kind| !matches!(kind, "AwsApiCall" | "AwsVpceEvent"))
        || NOTHING_NEEDED.contains(&(service, name))
    {
        return Needed::Nothing;
    }
    // Application Auto Scaling writes its events under the source of Amazon EC2 Auto Scaling.
    let prefix = match prefix(service) {
        "autoscaling" if request.get("serviceNamespace").is_some() => "application-autoscaling",
        prefix => prefix,
    };
    let mut actions: Vec<String> = names(prefix, name, request)
        .into_iter()
        .map(|action| if action.contains(':') { action } else { format!("{prefix}:{action}") })
        .collect();
    actions.sort_unstable();
    actions.dedup();
    Needed::Actions(actions)
}

/// The prefix of a service's actions.
fn prefix(service: &str) -> &str {
    let exception =
        |service: &str| PREFIXES.iter().find(|&&(source, _)| source == service).map(|&(_, prefix)| prefix);
    exception(service).unwrap_or_else(|| {
        let last = service.rsplit('.').next().unwrap_or(service);
        exception(last).unwrap_or(last)
    })
}

/// The name without the date of an API version, which AWS Lambda and Amazon CloudFront append:
/// `CreateFunction20150331`, `UpdateFunctionCode20150331v2`, `GetDistribution2020_05_31`.
fn without_date(name: &str) -> &str {
    let (stem, _) = match name.rsplit_once('v') {
        Some((stem, revision))
            if is_digits(revision) && stem.ends_with(|last: char| last.is_ascii_digit()) =>
        {
            (stem, revision)
        }
        _ => (name, ""),
    };
    let cut = |length: usize, is_date: fn(&str) -> bool| {
        let at = stem.len().checked_sub(length)?;
        let (name, date) = stem.split_at_checked(at)?;
        (!name.is_empty() && is_date(date)).then_some(name)
    };
    let with_underscores = |date: &str| {
        let bytes = date.as_bytes();
        bytes[4] == b'_' && bytes[7] == b'_' && is_digits(&date.replace('_', ""))
    };
    cut(8, is_digits).or_else(|| cut(10, with_underscores)).unwrap_or(name)
}

fn is_digits(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit())
}

/// The names of the actions, with a prefix only where it is another one.
fn names(prefix: &str, name: &str, request: &Value) -> Vec<String> {
    let owned = |names: &[&str]| names.iter().map(|&name| name.to_owned()).collect();
    match prefix {
        "apigateway" if !API_GATEWAY_NAMED.iter().any(|part| name.contains(part)) => {
            let longest = API_GATEWAY_METHODS
                .iter()
                .filter(|(verb, _)| name.starts_with(verb))
                .map(|(verb, _)| verb.len())
                .max();
            let methods: Vec<&str> = API_GATEWAY_METHODS
                .iter()
                .filter(|(verb, _)| name.starts_with(verb) && Some(verb.len()) == longest)
                .map(|&(_, method)| method)
                .collect();
            return if methods.is_empty() { vec![name.to_owned()] } else { owned(&methods) };
        }
        "budgets" if !name.ends_with("Resource") && !name.contains("BudgetAction") => {
            let action = if name.starts_with("Describe") { "ViewBudget" } else { "ModifyBudget" };
            return owned(&[action]);
        }
        "dynamodb" => {
            if let Some(exact) = told_by_request(name, request) {
                return owned(&exact);
            }
        }
        "s3" => {
            if let Some(versioned) = of_a_version(name, request) {
                return owned(&versioned);
            }
        }
        _ => {}
    }
    let exception = ACTIONS.iter().find(|&&(service, event, _)| service == prefix && event == name);
    exception.map_or_else(|| owned(&[name]), |(_, _, actions)| owned(actions))
}

/// What the statements of PartiQL or the items of a transaction do, if the record tells all of them.
fn told_by_request(name: &str, request: &Value) -> Option<Vec<&'static str>> {
    let all = |list: &Value, of: &dyn Fn(&Value) -> Option<&'static str>| -> Option<Vec<&'static str>> {
        let list = list.as_array().filter(|list| !list.is_empty())?;
        list.iter().map(of).collect()
    };
    let statement = |value: &Value| -> Option<&'static str> {
        let verb = value["statement"].as_str()?.split_whitespace().next()?.to_ascii_uppercase();
        let index = ["DELETE", "INSERT", "SELECT", "UPDATE"].iter().position(|known| *known == verb)?;
        Some(PARTIQL[index])
    };
    let item = |value: &Value| -> Option<&'static str> {
        let mut kinds = [
            ("conditionCheck", "ConditionCheckItem"),
            ("delete", "DeleteItem"),
            ("put", "PutItem"),
            ("update", "UpdateItem"),
        ]
        .into_iter()
        .filter(|(field, _)| value.get(field).is_some());
        kinds.next().map(|(_, action)| action)
    };
    match name {
        "ExecuteStatement" => statement(request).map(|action| vec![action]),
        "BatchExecuteStatement" => all(&request["statements"], &statement),
        "ExecuteTransaction" => all(&request["transactStatements"], &statement),
        "TransactWriteItems" => all(&request["transactItems"], &item),
        _ => None,
    }
}

/// Reading or deleting a version of an object needs an action of its own; writing an object with a list of grants
/// or with tags needs two.
fn of_a_version(name: &str, request: &Value) -> Option<Vec<&'static str>> {
    let names_version = request.get("versionId").is_some_and(|version| !version.is_null());
    let version = match name {
        "GetObject" | "HeadObject" => "GetObjectVersion",
        "GetObjectAcl" => "GetObjectVersionAcl",
        "GetObjectAttributes" => "GetObjectVersionAttributes",
        "GetObjectTagging" => "GetObjectVersionTagging",
        "DeleteObject" => "DeleteObjectVersion",
        "DeleteObjectTagging" => "DeleteObjectVersionTagging",
        "PutObjectAcl" => "PutObjectVersionAcl",
        "PutObjectTagging" => "PutObjectVersionTagging",
        "PutObject" | "CopyObject" | "CreateMultipartUpload" => {
            let mut actions = vec!["PutObject"];
            let has = |header: &str| request.get(header).is_some();
            if has("x-amz-acl")
                || request
                    .as_object()
                    .is_some_and(|map| map.keys().any(|key| key.starts_with("x-amz-grant-")))
            {
                actions.push("PutObjectAcl");
            }
            if has("x-amz-tagging") {
                actions.push("PutObjectTagging");
            }
            return Some(actions);
        }
        _ => return None,
    };
    names_version.then(|| vec![version])
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::event_time::EventTime;

    fn check(source: &str, name: &str, request: &Value, expected: &[&str]) {
        let record = Record {
            time: EventTime::default(),
            event_source: source,
            event_name: name,
            event_type: Some("AwsApiCall"),
            ..Record::default()
        };
        let needed = needed(&record, request);
        match expected {
            [] => assert_eq!(needed, Needed::Nothing, "{source} {name}"),
            expected => {
                let expected = expected.iter().map(|&action| action.to_owned()).collect();
                assert_eq!(needed, Needed::Actions(expected), "{source} {name}");
            }
        }
    }

    #[test]
    fn events_are_allowed_by_the_actions_that_the_reference_names() {
        let none = &Value::Null;
        for (source, name, expected) in [
            ("ec2.amazonaws.com", "DescribeInstances", &["ec2:DescribeInstances"][..]),
            ("monitoring.amazonaws.com", "PutMetricData", &["cloudwatch:PutMetricData"]),
            ("email.amazonaws.com", "SendEmail", &["ses:SendEmail"]),
            ("ses.amazonaws.com", "SendEmail", &["ses:SendEmail"]),
            ("states.amazonaws.com", "StartExecution", &["states:StartExecution"]),
            ("streams.dynamodb.amazonaws.com", "GetRecords", &["dynamodb:GetRecords"]),
            ("lambda.amazonaws.com", "CreateFunction20150331", &["lambda:CreateFunction"]),
            ("lambda.amazonaws.com", "UpdateFunctionCode20150331v2", &["lambda:UpdateFunctionCode"]),
            ("lambda.amazonaws.com", "Invoke", &["lambda:InvokeFunction"]),
            ("cloudfront.amazonaws.com", "GetDistribution2020_05_31", &["cloudfront:GetDistribution"]),
            ("securityhub.amazonaws.com", "GetFindingsV2", &["securityhub:GetFindingsV2"]),
            ("s3.amazonaws.com", "ListObjects", &["s3:ListBucket"]),
            ("s3.amazonaws.com", "ListBuckets", &["s3:ListAllMyBuckets"]),
            ("s3.amazonaws.com", "HeadObject", &["s3:GetObject"]),
            ("s3.amazonaws.com", "DeleteBucketCors", &["s3:PutBucketCORS"]),
            ("kms.amazonaws.com", "ReEncrypt", &["kms:ReEncryptFrom", "kms:ReEncryptTo"]),
            ("apigateway.amazonaws.com", "UpdateRestApi", &["apigateway:PATCH"]),
            ("apigateway.amazonaws.com", "TagResource", &["apigateway:POST", "apigateway:PUT"]),
            ("apigateway.amazonaws.com", "CreatePortal", &["apigateway:CreatePortal"]),
            ("budgets.amazonaws.com", "CreateBudget", &["budgets:ModifyBudget"]),
            ("sts.amazonaws.com", "AssumeRole", &["sts:AssumeRole"]),
            ("sts.amazonaws.com", "GetCallerIdentity", &[]),
            ("signin.amazonaws.com", "ConsoleLogin", &[]),
        ] {
            check(source, name, none, expected);
        }
    }

    #[test]
    fn the_request_tells_what_the_name_does_not() {
        let s3 = "s3.amazonaws.com";
        check(s3, "GetObject", &json!({"versionId": "x"}), &["s3:GetObjectVersion"]);
        check(s3, "GetObject", &json!({"versionId": null}), &["s3:GetObject"]);
        check(
            s3,
            "PutObject",
            &json!({"x-amz-acl": "private", "x-amz-tagging": "a=b"}),
            &["s3:PutObject", "s3:PutObjectAcl", "s3:PutObjectTagging"],
        );
        let dynamodb = "dynamodb.amazonaws.com";
        check(
            dynamodb,
            "ExecuteStatement",
            &json!({"statement": "select * from x"}),
            &["dynamodb:PartiQLSelect"],
        );
        check(
            dynamodb,
            "TransactWriteItems",
            &json!({"transactItems": [{"put": {}}, {"delete": {}}]}),
            &["dynamodb:DeleteItem", "dynamodb:PutItem"],
        );
        check(
            dynamodb,
            "TransactWriteItems",
            &Value::Null,
            &[
                "dynamodb:ConditionCheckItem",
                "dynamodb:DeleteItem",
                "dynamodb:PutItem",
                "dynamodb:UpdateItem",
            ],
        );
        check(
            "autoscaling.amazonaws.com",
            "PutScalingPolicy",
            &json!({"serviceNamespace": "ecs"}),
            &["application-autoscaling:PutScalingPolicy"],
        );
    }

    #[test]
    fn what_is_no_name_becomes_no_action() {
        for (source, name) in
            [("s3.amazonaws.com", "*"), ("*", "GetObject"), ("s3.amazonaws.com", "Get\"Object")]
        {
            let record = Record { event_source: source, event_name: name, ..Record::default() };
            assert_eq!(needed(&record, &Value::Null), Needed::NotUnderstood, "{source} {name}");
        }
        assert_eq!(without_date("20150331"), "20150331");
        assert_eq!(without_date("äöü20150331"), "äöü");
        assert_eq!(without_date("ää"), "ää");
    }
}
