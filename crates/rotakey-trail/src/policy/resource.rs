//! The resources of an action, as ARN patterns, as far as the record makes them certain.

use serde::Serialize;
use serde_json::Value;

use crate::policy::resource_table::{BUCKET_ACTIONS, Named, OBJECT_ACTIONS, RULES};
use crate::record::Record;

/// The most characters of an ARN.
const MOST_CHARACTERS: usize = 1_024;

/// Why an action is granted on all resources.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum WhyAll {
    /// There is no rule that tells which resource of the record it is, or the action takes none.
    NoRule,
    /// A record does not name its resource.
    NotNamed,
    /// A record names its resource in a form that a policy cannot hold.
    Unclear,
    /// There were too many.
    TooMany,
}

impl WhyAll {
    /// In a few words, for people.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::NoRule => "takes no resource, or none that rotakey knows to find",
            Self::NotNamed => "names no resource",
            Self::Unclear => "names its resource in a form that policies cannot hold",
            Self::TooMany => "names more resources than can be listed",
        }
    }
}

/// ARN patterns that hold the resource of that action of the record.
pub(super) fn resources(record: &Record<'_>, request: &Value, action: &str) -> Result<Vec<String>, WhyAll> {
    let (prefix, name) = action.split_once(':').unwrap_or(("", action));
    if prefix == "s3" {
        return s3(record, request, name);
    }
    let rule = RULES
        .iter()
        .find(|rule| {
            rule.prefix == prefix && rule.actions.split_ascii_whitespace().any(|known| known == name)
        })
        .ok_or(WhyAll::NoRule)?;
    let place = Place::of(record, request);
    let mut arns = Vec::new();
    for &named in rule.named {
        match named {
            Named::Listed(kind) => {
                for arn in listed(record, kind) {
                    arns.extend(place.arns(prefix, &arn, &[])?);
                }
            }
            Named::Parameter(parameter, templates) => {
                if let Some(value) = request[parameter].as_str() {
                    arns.extend(place.arns(prefix, value, templates)?);
                }
            }
            Named::Parameters(parameter, templates) => {
                for value in request[parameter].as_array().map_or(&[][..], Vec::as_slice) {
                    arns.extend(place.arns(prefix, value.as_str().ok_or(WhyAll::Unclear)?, templates)?);
                }
            }
        }
        if !arns.is_empty() {
            break;
        }
    }
    if arns.is_empty() {
        // A call about a user that names none is about the caller.
        let is_about_user = matches!(rule.named, [Named::Parameter("userName", _)]);
        let own = record.identity.arn.filter(|arn| is_about_user && arn.contains(":user/"));
        arns.push(certain(own.ok_or(WhyAll::NotNamed)?)?.to_owned());
    }
    if prefix == "dynamodb" {
        add_indexes(&mut arns, name, request)?;
    }
    Ok(arns)
}

/// A query through an index needs the index besides its table. The text of a statement is not looked into.
fn add_indexes(arns: &mut Vec<String>, name: &str, request: &Value) -> Result<(), WhyAll> {
    let index = match name {
        "PartiQLSelect" => "*",
        "Query" | "Scan" => match request["indexName"].as_str() {
            Some(index) => certain(index)?,
            None => return Ok(()),
        },
        _ => return Ok(()),
    };
    let indexes: Vec<String> = arns.iter().map(|table| format!("{table}/index/{index}")).collect();
    arns.extend(indexes);
    Ok(())
}

/// The bucket, or all objects in it: which objects a program needs tomorrow is not known from those of today.
fn s3(record: &Record<'_>, request: &Value, name: &str) -> Result<Vec<String>, WhyAll> {
    let is_object = OBJECT_ACTIONS.split_ascii_whitespace().any(|known| known == name);
    let is_bucket = BUCKET_ACTIONS.split_ascii_whitespace().any(|known| name.starts_with(known));
    if !is_object && !is_bucket {
        return Err(WhyAll::NoRule);
    }
    let bucket = request["bucketName"].as_str().ok_or(WhyAll::NotNamed)?;
    s3_bucket(record, bucket, is_object).map(|arn| vec![arn])
}

/// The ARN of a bucket, or of all objects in it.
pub(super) fn s3_bucket(record: &Record<'_>, bucket: &str, objects: bool) -> Result<String, WhyAll> {
    // What is no bucket name is an access point, whose own ARN would have to be granted too.
    let is_name = (3..=63).contains(&bucket.len())
        && bucket.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-._".contains(&byte));
    if !is_name || bucket.ends_with("-s3alias") {
        return Err(WhyAll::Unclear);
    }
    Ok(format!("arn:{}:s3:::{bucket}{}", partition(record), if objects { "/*" } else { "" }))
}

/// The ARNs of that type in `resources`.
fn listed(record: &Record<'_>, kind: &str) -> Vec<String> {
    let resources = Record::json(record.resources);
    let resources = resources.as_array().map_or(&[][..], Vec::as_slice);
    let of_kind = resources.iter().filter(|resource| resource["type"].as_str() == Some(kind));
    of_kind
        .filter_map(|resource| resource["ARN"].as_str().or_else(|| resource["arn"].as_str()))
        .map(str::to_owned)
        .collect()
}

/// What names are completed with.
struct Place<'a> {
    partition: &'a str,
    region: Option<&'a str>,
    account: Option<&'a str>,
}

impl<'a> Place<'a> {
    fn of(record: &Record<'a>, request: &'a Value) -> Self {
        Self {
            partition: partition(record),
            region: record.region,
            // Amazon ECR alone is asked for what is in another account by name.
            account: request["registryId"]
                .as_str()
                .or(record.identity.account_id)
                .or(record.recipient_account_id),
        }
    }

    /// The patterns for a value, which is an ARN, or a name to put into the templates.
    fn arns(&self, prefix: &str, value: &str, templates: &[&str]) -> Result<Vec<String>, WhyAll> {
        if let Some(queue) = value.strip_prefix("https://").filter(|_| prefix == "sqs") {
            return self.queue(queue).map(|arn| vec![arn]);
        }
        let value = certain(value)?;
        if value.starts_with("arn:") {
            return from_arn(prefix, value);
        }
        let name = match prefix {
            "ssm" => value.trim_matches('/').split(':').next().unwrap_or_default(),
            "lambda" => value
                .rsplit_once("function:")
                .map_or(value, |(_, name)| name)
                .split(':')
                .next()
                .unwrap_or_default(),
            _ => value,
        };
        if templates.is_empty() || name.is_empty() || name.contains(':') {
            return Err(WhyAll::Unclear);
        }
        templates.iter().map(|template| self.fill(template, name)).collect()
    }

    fn fill(&self, template: &str, name: &str) -> Result<String, WhyAll> {
        let part = |marker: &str, value: Option<&'a str>| match value {
            Some(value) => Ok(value),
            None if template.contains(marker) => Err(WhyAll::NotNamed),
            None => Ok(""),
        };
        let (region, account) = (part("{r}", self.region)?, part("{a}", self.account)?);
        let filled = template.replace("{p}", self.partition).replace("{r}", region).replace("{a}", account);
        certain(region)?;
        certain(account)?;
        Ok(filled.replace("{}", name))
    }

    /// The queue of a URL, `sqs.eu-west-1.amazonaws.com/111122223333/name`.
    fn queue(&self, url: &str) -> Result<String, WhyAll> {
        let mut parts = url.split('/');
        let (Some(_host), Some(account), Some(name), None) =
            (parts.next(), parts.next(), parts.next(), parts.next())
        else {
            return Err(WhyAll::Unclear);
        };
        let (account, name) = (certain(account)?, certain(name)?);
        self.fill(&format!("arn:{{p}}:sqs:{{r}}:{account}:{{}}"), name)
    }
}

/// The patterns for a resource that is named by its ARN.
fn from_arn(prefix: &str, arn: &str) -> Result<Vec<String>, WhyAll> {
    let service = if prefix == "sts" { "iam" } else { prefix };
    let parts: Vec<&str> = arn.splitn(6, ':').collect();
    if parts.len() != 6 || parts[2] != service || parts[5].is_empty() {
        return Err(WhyAll::Unclear);
    }
    Ok(match prefix {
        // With or without a version or an alias behind it, calls ask for the one or the other.
        "lambda" => {
            let name = parts[5].strip_prefix("function:").ok_or(WhyAll::Unclear)?;
            let name = name.split(':').next().unwrap_or(name);
            let function = format!("{}:function:{name}", parts[..5].join(":"));
            vec![format!("{function}:*"), function]
        }
        // An ARN may be given without the six characters that end it.
        "secretsmanager" => vec![format!("{arn}-??????"), arn.to_owned()],
        "cloudformation" => {
            let (stack, _) = arn.rsplit_once('/').ok_or(WhyAll::Unclear)?;
            vec![format!("{stack}/*")]
        }
        _ => vec![arn.to_owned()],
    })
}

/// The text, if it stands for itself in a policy.
fn certain(text: &str) -> Result<&str, WhyAll> {
    let stands_for_itself = !text.is_empty()
        && text.len() <= MOST_CHARACTERS
        && !text.contains(['*', '?', '{', '}'])
        && !text.contains(|character: char| character.is_control() || character.is_whitespace());
    stands_for_itself.then_some(text).ok_or(WhyAll::Unclear)
}

/// The partition: that of the caller, or else that of the region.
fn partition<'a>(record: &Record<'a>) -> &'a str {
    let of_caller = record.identity.arn.and_then(|arn| arn.split(':').nth(1));
    match of_caller.filter(|partition| partition.starts_with("aws") && partition.len() < 16) {
        Some(partition) if certain(partition).is_ok() => partition,
        _ => match record.region {
            Some(region) if region.starts_with("cn-") => "aws-cn",
            Some(region) if region.starts_with("us-gov-") => "aws-us-gov",
            _ => "aws",
        },
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::record::Identity;

    fn check(action: &str, request: &Value, expected: Result<&[&str], WhyAll>) {
        let listed = json!([
            {"type": "AWS::KMS::Key", "ARN": "arn:aws:kms:eu-west-1:444455556666:key/1234"},
            {"type": "AWS::DynamoDB::Table", "ARN": "arn:aws:dynamodb:eu-west-1:111122223333:table/listed"},
        ])
        .to_string();
        let record = Record {
            region: Some("eu-west-1"),
            identity: Identity {
                arn: Some("arn:aws:iam::111122223333:user/ops/alice"),
                account_id: Some("111122223333"),
                ..Identity::default()
            },
            resources: matches!(action, "kms:Decrypt" | "dynamodb:PutItem").then_some(&listed),
            ..Record::default()
        };
        let expected = expected.map(|arns| arns.iter().map(|&arn| arn.to_owned()).collect::<Vec<_>>());
        assert_eq!(resources(&record, request, action), expected, "{action} {request}");
    }

    #[test]
    fn the_resource_is_the_one_that_the_record_names() {
        let none = &Value::Null;
        check("kms:Decrypt", none, Ok(&["arn:aws:kms:eu-west-1:444455556666:key/1234"]));
        check("dynamodb:PutItem", none, Ok(&["arn:aws:dynamodb:eu-west-1:111122223333:table/listed"]));
        check(
            "dynamodb:Query",
            &json!({"tableName": "t", "indexName": "i"}),
            Ok(&[
                "arn:aws:dynamodb:eu-west-1:111122223333:table/t",
                "arn:aws:dynamodb:eu-west-1:111122223333:table/t/index/i",
            ]),
        );
        check("s3:GetObject", &json!({"bucketName": "b-1", "key": "x/y"}), Ok(&["arn:aws:s3:::b-1/*"]));
        check("s3:ListBucket", &json!({"bucketName": "b-1"}), Ok(&["arn:aws:s3:::b-1"]));
        check(
            "sqs:SendMessage",
            &json!({"queueUrl": "https://sqs.eu-west-1.amazonaws.com/444455556666/jobs"}),
            Ok(&["arn:aws:sqs:eu-west-1:444455556666:jobs"]),
        );
        check(
            "lambda:InvokeFunction",
            &json!({"functionName": "arn:aws:lambda:eu-west-1:444455556666:function:f:$LATEST"}),
            Ok(&[
                "arn:aws:lambda:eu-west-1:444455556666:function:f:*",
                "arn:aws:lambda:eu-west-1:444455556666:function:f",
            ]),
        );
        check(
            "ssm:GetParameters",
            &json!({"names": ["/a/b", "c:3"]}),
            Ok(&[
                "arn:aws:ssm:eu-west-1:111122223333:parameter/a/b",
                "arn:aws:ssm:eu-west-1:111122223333:parameter/c",
            ]),
        );
        check(
            "secretsmanager:GetSecretValue",
            &json!({"secretId": "prod/db"}),
            Ok(&["arn:aws:secretsmanager:eu-west-1:111122223333:secret:prod/db-??????"]),
        );
        check("sts:AssumeRole", &json!({"roleArn": "arn:aws:iam::1:role/r"}), Ok(&["arn:aws:iam::1:role/r"]));
        check("iam:CreateAccessKey", none, Ok(&["arn:aws:iam::111122223333:user/ops/alice"]));
        check(
            "iam:GetUser",
            &json!({"userName": "bob"}),
            Ok(&["arn:aws:iam::111122223333:user/bob", "arn:aws:iam::111122223333:user/*/bob"]),
        );
    }

    #[test]
    fn a_resource_that_is_not_certain_is_not_guessed() {
        let none = &Value::Null;
        check("ec2:DescribeInstances", none, Err(WhyAll::NoRule));
        check("s3:ListAllMyBuckets", none, Err(WhyAll::NoRule));
        check("s3:GetObject", none, Err(WhyAll::NotNamed));
        check("sns:Publish", &json!({"phoneNumber": "x"}), Err(WhyAll::NotNamed));
        for bucket in ["*", "a*", "${aws:username}", "arn:aws:s3:eu-west-1:1:accesspoint/x", "x-s3alias"] {
            check("s3:GetObject", &json!({"bucketName": bucket}), Err(WhyAll::Unclear));
        }
        for role in [
            "*",
            "arn:aws:iam::1:role/*",
            "arn:aws:s3:::x",
            "arn:aws:iam::1:",
            "r",
            "arn:aws:iam::1:role/a b",
        ] {
            check("sts:AssumeRole", &json!({"roleArn": role}), Err(WhyAll::Unclear));
        }
        check("ssm:GetParameters", &json!({"names": ["a", 7]}), Err(WhyAll::Unclear));
        check("sqs:SendMessage", &json!({"queueUrl": "https://x/1"}), Err(WhyAll::Unclear));
    }
}
