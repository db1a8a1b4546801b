//! What a call acted on, as far as its request tells it.

use serde::Serialize;
use serde_json::Value;

use crate::bounded::clip;
use crate::record::Record;

/// The most targets that are told of one call.
const MOST_TARGETS: usize = 6;

/// No name is told beyond so many bytes.
const LONGEST_NAME: usize = 512;

/// Something that was acted on.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
pub struct Target {
    /// What it is: `user`, `role`, `policy`, `bucket`, ...
    pub kind: &'static str,
    /// Its name, id or ARN. Foreign text.
    pub name: String,
}

/// Fields of `requestParameters` that name what is acted on, and what they name. The most telling first.
const FIELDS: &[(&str, &str)] = &[
    ("userName", "user"),
    ("roleName", "role"),
    ("groupName", "group"),
    ("accessKeyId", "key"),
    ("policyArn", "policy"),
    ("policyName", "policy"),
    ("roleArn", "role"),
    ("roleARN", "role"),
    ("role", "role"),
    ("serviceRole", "role"),
    ("taskRoleArn", "role"),
    ("instanceProfileName", "instance profile"),
    ("sAMLProviderArn", "provider"),
    ("openIDConnectProviderArn", "provider"),
    ("serialNumber", "MFA device"),
    ("targetPrincipal", "account"),
    ("bucketName", "bucket"),
    ("key", "object"),
    ("functionName", "function"),
    ("layerName", "layer"),
    ("secretId", "secret"),
    ("secretIdList", "secret"),
    ("keyId", "key"),
    ("instanceId", "instance"),
    ("snapshotId", "snapshot"),
    ("sourceSnapshotId", "snapshot"),
    ("imageId", "image"),
    ("sourceImageId", "image"),
    ("volumeId", "volume"),
    ("groupId", "security group"),
    ("dBInstanceIdentifier", "database"),
    ("dBClusterIdentifier", "database"),
    ("dBSnapshotIdentifier", "snapshot"),
    ("dBClusterSnapshotIdentifier", "snapshot"),
    ("tableName", "table"),
    ("trailName", "trail"),
    ("detectorId", "detector"),
    ("configurationRecorderName", "recorder"),
    ("flowLogId", "flow log"),
    ("logGroupName", "log group"),
    ("rule", "rule"),
    ("documentName", "document"),
    ("projectName", "project"),
    ("stackName", "stack"),
    ("clusterName", "cluster"),
    ("cluster", "cluster"),
    ("family", "task definition"),
    ("modelId", "model"),
    ("trustAnchorId", "trust anchor"),
    ("repositoryName", "repository"),
    ("topicArn", "topic"),
    ("queueUrl", "queue"),
    ("accountId", "account"),
    ("resourceArn", "resource"),
    ("names", "name"),
    ("name", "name"),
    ("path", "path"),
    ("url", "URL"),
];

/// What the call acted on.
pub fn targets(record: &Record<'_>) -> Vec<Target> {
    if record.request.is_none() {
        return Vec::new();
    }
    let request = Record::json(record.request);
    let mut targets = Targets(Vec::new());
    for &(field, kind) in FIELDS {
        targets.add_any(kind, &request[field]);
    }
    targets.add_any("instance profile", &request["iamInstanceProfile"]["arn"]);
    targets.add_any("instance profile", &request["iamInstanceProfile"]["name"]);
    items(&request["instancesSet"]).for_each(|item| {
        targets.add_any("instance", &item["instanceId"]);
        targets.add_any("image", &item["imageId"]);
    });
    if let Some(instance_type) = request["instanceType"].as_str() {
        let count = items(&request["instancesSet"]).find_map(|item| item["maxCount"].as_u64()).unwrap_or(1);
        targets.add("instances", &format!("{count} × {}", clip(instance_type, LONGEST_NAME)));
    }
    // Whom a snapshot or an image is shared with.
    for permission in ["createVolumePermission", "launchPermission"] {
        items(&request[permission]["add"]).for_each(|item| {
            targets.add_any("for account", &item["userId"]);
            targets.add_any("for", &item["group"]);
        });
    }
    strings(&request["valuesToAdd"]).for_each(|account| targets.add("for account", account));
    // Who is let in by a security group.
    items(&request["ipPermissions"]).for_each(|permission| {
        items(&permission["ipRanges"]).for_each(|range| targets.add_any("from", &range["cidrIp"]));
        items(&permission["ipv6Ranges"]).for_each(|range| targets.add_any("from", &range["cidrIpv6"]));
    });
    targets.0
}

struct Targets(Vec<Target>);

impl Targets {
    /// Adds a text, or each text of a list.
    fn add_any(&mut self, kind: &'static str, value: &Value) {
        strings(value).for_each(|name| self.add(kind, name));
    }

    fn add(&mut self, kind: &'static str, name: &str) {
        let name = clip(name, LONGEST_NAME);
        let is_new = !self.0.iter().any(|target| target.name == name);
        if self.0.len() < MOST_TARGETS && !name.is_empty() && is_new {
            self.0.push(Target { kind, name: name.to_owned() });
        }
    }
}

/// A text, or the texts of a list.
fn strings(value: &Value) -> impl Iterator<Item = &str> {
    let list = value.as_array().map(Vec::as_slice).unwrap_or_default();
    value.as_str().into_iter().chain(list.iter().filter_map(Value::as_str))
}

/// The elements of a list, which EC2 and RDS wrap in `items`.
fn items(value: &Value) -> impl Iterator<Item = &Value> {
    value["items"].as_array().or_else(|| value.as_array()).into_iter().flatten()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(request: &str) -> String {
        let record = Record { request: Some(request), ..Record::default() };
        targets(&record).iter().map(|target| format!("{} {}; ", target.kind, target.name)).collect()
    }

    #[test]
    fn the_request_tells_what_was_acted_on() {
        assert_eq!(
            of(r#"{"policyArn":"arn:aws:iam::aws:policy/AdministratorAccess","userName":"bob"}"#),
            "user bob; policy arn:aws:iam::aws:policy/AdministratorAccess; "
        );
        assert_eq!(of(r#"{"bucketName":"b","key":"a/b.csv"}"#), "bucket b; object a/b.csv; ");
        assert_eq!(
            of(
                r#"{"snapshotId":"snap-1","createVolumePermission":{"add":{"items":[{"userId":"444455556666"},
                {"group":"all"}]}}}"#
            ),
            "snapshot snap-1; for account 444455556666; for all; "
        );
        assert_eq!(
            of(
                r#"{"instanceType":"p5.48xlarge","instancesSet":{"items":[{"imageId":"ami-1","maxCount":8}]}}"#
            ),
            "image ami-1; instances 8 × p5.48xlarge; "
        );
        assert_eq!(
            of(
                r#"{"groupId":"sg-1","ipPermissions":{"items":[{"ipRanges":{"items":[{"cidrIp":"0.0.0.0/0"}]}}]}}"#
            ),
            "security group sg-1; from 0.0.0.0/0; "
        );
    }

    #[test]
    fn whatever_the_request_is_little_is_kept() {
        assert_eq!(of("[1]"), "");
        assert_eq!(of(r#"{"userName":7,"name":null,"names":["/a","/a","/b"]}"#), "name /a; name /b; ");
        let long = format!(r#"{{"names":[{}"x"]}}"#, r#""a","b","c","d","e","f","g","#);
        assert_eq!(of(&long).matches(';').count(), MOST_TARGETS);
        assert!(of(&format!(r#"{{"name":"{}"}}"#, "ä".repeat(9_999))).len() < 600);
    }
}
