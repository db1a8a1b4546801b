//! All that one call needs: its own actions, and those of what it reads or hands over besides.

use serde_json::Value;

use crate::policy::action::{Needed, needed};
use crate::policy::resource::{WhyAll, resources, s3_bucket};
use crate::record::Record;

/// How deep parameters are looked into for roles.
const DEPTH: usize = 6;

/// One action on some resources.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Need {
    /// Such as `s3:GetObject`.
    pub(super) action: String,
    /// ARN patterns, or why it is all resources.
    pub(super) resources: Result<Vec<String>, WhyAll>,
}

/// What the call needs; nothing if a valid key is enough. `None` if the record is not understood.
pub(super) fn needs(record: &Record<'_>, request: &Value) -> Option<Vec<Need>> {
    let actions = match needed(record, request) {
        Needed::Nothing => return Some(Vec::new()),
        Needed::NotUnderstood => return None,
        Needed::Actions(actions) => actions,
    };
    let mut needs: Vec<Need> = actions
        .into_iter()
        .map(|action| Need { resources: resources(record, request, &action), action })
        .collect();
    match record.service() {
        "s3" => s3(record, request, &mut needs),
        "sts" if record.event_name == "AssumeRole" => {
            for (parameter, action) in
                [("tags", "sts:TagSession"), ("sourceIdentity", "sts:SetSourceIdentity")]
            {
                if request.get(parameter).is_some_and(|value| !value.is_null()) {
                    needs.push(Need {
                        resources: resources(record, request, action),
                        action: action.to_owned(),
                    });
                }
            }
        }
        _ => {}
    }
    let roles = passed_roles(record, request);
    if !roles.is_empty() {
        needs.push(Need { action: "iam:PassRole".to_owned(), resources: Ok(roles) });
    }
    Some(needs)
}

/// A copy reads its source. And S3 tells whoever may not list a bucket that access is denied, not that there is
/// no such key ("Permissions" of `GetObject`): who was told needed to list.
fn s3(record: &Record<'_>, request: &Value, needs: &mut Vec<Need>) {
    if let Some(source) = request["x-amz-copy-source"].as_str() {
        let bucket = source.trim_start_matches('/').split(['/', '?']).next().unwrap_or_default();
        let action = if source.contains("versionId=") { "s3:GetObjectVersion" } else { "s3:GetObject" };
        needs.push(Need {
            action: action.to_owned(),
            resources: s3_bucket(record, bucket, true).map(|arn| vec![arn]),
        });
    }
    let reads_object = matches!(record.event_name, "GetObject" | "HeadObject");
    if reads_object
        && record.error_code == Some("NoSuchKey")
        && let Some(bucket) = request["bucketName"].as_str()
    {
        needs.push(Need {
            action: "s3:ListBucket".to_owned(),
            resources: s3_bucket(record, bucket, false).map(|arn| vec![arn]),
        });
    }
}

/// The roles that the call hands over to a service, which needs `iam:PassRole` ("Grant a user permissions to pass
/// a role to an AWS service", IAM user guide): role ARNs in parameters that are named for roles.
fn passed_roles(record: &Record<'_>, request: &Value) -> Vec<String> {
    let hands_over = record.read_only != Some(true)
        && !matches!(record.service(), "iam" | "sts" | "kms" | "s3" | "sso" | "signin" | "lakeformation");
    let mut roles = Vec::new();
    if hands_over {
        collect_roles(request, false, DEPTH, &mut roles);
        roles.sort_unstable();
        roles.dedup();
    }
    roles
}

fn collect_roles(value: &Value, named_for_role: bool, depth: usize, roles: &mut Vec<String>) {
    let Some(depth) = depth.checked_sub(1) else { return };
    match value {
        Value::Object(fields) => {
            for (name, value) in fields {
                collect_roles(value, name.to_ascii_lowercase().contains("role"), depth, roles);
            }
        }
        Value::Array(values) => {
            values.iter().for_each(|value| collect_roles(value, named_for_role, depth, roles));
        }
        Value::String(text) if named_for_role && is_role(text) => roles.push(text.clone()),
        _ => {}
    }
}

fn is_role(text: &str) -> bool {
    let parts: Vec<&str> = text.splitn(6, ':').collect();
    let [arn, partition, service, region, account, resource] = parts[..] else { return false };
    arn == "arn"
        && partition.starts_with("aws")
        && service == "iam"
        && region.is_empty()
        && account.len() == 12
        && account.bytes().all(|byte| byte.is_ascii_digit())
        && resource.strip_prefix("role/").is_some_and(|name| {
            !name.is_empty()
                && name.len() <= 576
                && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"+=,.@_-/".contains(&byte))
        })
        && partition.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
}

/// The instance profile that the call hands over, whose role is not in the record.
pub(super) fn passed_profile(record: &Record<'_>, request: &Value) -> Option<String> {
    if record.service() != "ec2" {
        return None;
    }
    let profile = &request["iamInstanceProfile"];
    let name = profile["arn"].as_str().or_else(|| profile["name"].as_str())?;
    Some(name.chars().take(256).collect())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn told(source: &str, name: &str, error: Option<&str>, request: &Value) -> Vec<String> {
        let record =
            Record { event_source: source, event_name: name, error_code: error, ..Record::default() };
        let needs = needs(&record, request).unwrap();
        let text = |need: Need| match need.resources {
            Ok(arns) => format!("{} {}", need.action, arns.join(" ")),
            Err(why) => format!("{} {why:?}", need.action),
        };
        needs.into_iter().map(text).collect()
    }

    #[test]
    fn a_copy_reads_its_source_and_a_missing_key_was_told_to_who_may_list() {
        let copy = json!({"bucketName": "to-b", "key": "k", "x-amz-copy-source": "/from-b/k?versionId=x"});
        assert_eq!(
            told("s3.amazonaws.com", "CopyObject", None, &copy),
            ["s3:PutObject arn:aws:s3:::to-b/*", "s3:GetObjectVersion arn:aws:s3:::from-b/*"]
        );
        let get = json!({"bucketName": "a-b", "key": "k"});
        assert_eq!(
            told("s3.amazonaws.com", "GetObject", Some("NoSuchKey"), &get),
            ["s3:GetObject arn:aws:s3:::a-b/*", "s3:ListBucket arn:aws:s3:::a-b"]
        );
    }

    #[test]
    fn a_role_that_is_handed_over_must_be_passed() {
        let role = "arn:aws:iam::111122223333:role/service/worker";
        let request = json!({"functionName": "f", "role": role, "environment": {"x": role},
            "executionRoles": [role], "taskRoleArn": "arn:aws:iam::1:role/*"});
        let told_needs = told("lambda.amazonaws.com", "CreateFunction20150331", None, &request);
        assert_eq!(told_needs[1..], [format!("iam:PassRole {role}")]);
        assert_eq!(told("sts.amazonaws.com", "AssumeRole", None, &json!({"roleArn": role})).len(), 1);
    }
}
