//! IAM and the key probe.

use async_trait::async_trait;
use jiff::Timestamp;
use rotakey_core::fact::{KeyFacts, KeyStatus, LastUsed, Tags, UserFacts};
use rotakey_core::id::{AccessKeyId, UserName};
use rotakey_core::secret::{AccessKeyPair, Secret};
use rotakey_engine::port::{CallerIdentity, Iam, KeyProbe, PortError, PortErrorKind};

use crate::api::{Service, Tree};
use crate::ports::client::{Client, required, unreadable};

#[async_trait]
impl Iam for Client {
    async fn user(&self, name: &UserName) -> Result<UserFacts, PortError> {
        const OPERATION: &str = "iam:GetUser";
        let answer = self.call(Service::Iam, "GetUser", user_name(name))?;
        let user = answer.get("User").unwrap_or(&answer);
        let arn = required(user, OPERATION, "Arn")?.to_owned();
        Ok(UserFacts {
            account_id: account_of(OPERATION, &arn)?,
            name: parse(OPERATION, required(user, OPERATION, "UserName")?)?,
            id: parse(OPERATION, required(user, OPERATION, "UserId")?)?,
            path: required(user, OPERATION, "Path")?.to_owned(),
            created_at: time(user, OPERATION, "CreateDate")?,
            tags: tags(user),
            arn,
        })
    }

    async fn access_keys(&self, name: &UserName) -> Result<Vec<KeyFacts>, PortError> {
        list_access_keys(self, name)
    }

    async fn last_used(&self, key: &AccessKeyId) -> Result<LastUsed, PortError> {
        get_last_used(self, key)
    }

    async fn create_access_key(&self, name: &UserName) -> Result<AccessKeyPair, PortError> {
        const OPERATION: &str = "iam:CreateAccessKey";
        let answer = self.call(Service::Iam, "CreateAccessKey", user_name(name))?;
        let key = answer.get("AccessKey").unwrap_or(&answer);
        Ok(AccessKeyPair {
            id: parse(OPERATION, required(key, OPERATION, "AccessKeyId")?)?,
            secret: Secret::new(required(key, OPERATION, "SecretAccessKey")?.to_owned()),
        })
    }

    async fn set_status(
        &self,
        name: &UserName,
        key: &AccessKeyId,
        status: KeyStatus,
    ) -> Result<(), PortError> {
        let parameters = key_of_user(name, key).with("Status", Some(status.to_string()));
        self.call(Service::Iam, "UpdateAccessKey", parameters).map(drop)
    }

    async fn delete_access_key(&self, name: &UserName, key: &AccessKeyId) -> Result<(), PortError> {
        self.call(Service::Iam, "DeleteAccessKey", key_of_user(name, key)).map(drop)
    }
}

#[async_trait]
impl KeyProbe for Client {
    async fn identify(&self, pair: &AccessKeyPair) -> Result<CallerIdentity, PortError> {
        who_calls(&Self::new(self.simulation().clone(), pair.duplicate()))
    }

    async fn knows(&self, pair: &AccessKeyPair, service: &str, region: &str) -> Result<(), PortError> {
        let calls = [
            (Service::S3, "ListBuckets"),
            (Service::DynamoDb, "ListTables"),
            (Service::Sqs, "ListQueues"),
            (Service::Ec2, "DescribeRegions"),
        ];
        let named = calls.into_iter().find(|(known, _)| known.signing_name() == service);
        let Some((service, action)) = named else {
            return Err(unreadable(service, "the simulation has no call of it that changes nothing"));
        };
        let client = Self::new(self.simulation().clone(), pair.duplicate()).in_region(region);
        match client.call(service, action, Tree::empty()) {
            Err(error) if error.kind != PortErrorKind::Denied => Err(error),
            _ => Ok(()),
        }
    }
}

/// `sts:GetCallerIdentity`.
pub(super) fn who_calls(client: &Client) -> Result<CallerIdentity, PortError> {
    const OPERATION: &str = "sts:GetCallerIdentity";
    let answer = client.call(Service::Sts, "GetCallerIdentity", Tree::empty())?;
    Ok(CallerIdentity {
        account_id: parse(OPERATION, required(&answer, OPERATION, "Account")?)?,
        arn: required(&answer, OPERATION, "Arn")?.to_owned(),
    })
}

/// `iam:ListAccessKeys`, all pages.
pub(super) fn list_access_keys(client: &Client, name: &UserName) -> Result<Vec<KeyFacts>, PortError> {
    const OPERATION: &str = "iam:ListAccessKeys";
    let (mut keys, mut marker) = (Vec::new(), None::<String>);
    loop {
        let answer = client.call(Service::Iam, "ListAccessKeys", user_name(name).with("Marker", marker))?;
        for row in answer.items("AccessKeyMetadata") {
            let status = match required(row, OPERATION, "Status")? {
                "Active" => KeyStatus::Active,
                "Inactive" => KeyStatus::Inactive,
                other => return Err(unreadable(OPERATION, format!("unknown status {other:?}"))),
            };
            keys.push(KeyFacts {
                id: parse(OPERATION, required(row, OPERATION, "AccessKeyId")?)?,
                status,
                created_at: time(row, OPERATION, "CreateDate")?,
            });
        }
        marker = answer.text("Marker").map(str::to_owned);
        if marker.is_none() {
            return Ok(keys);
        }
    }
}

/// `iam:GetAccessKeyLastUsed`.
pub(super) fn get_last_used(client: &Client, key: &AccessKeyId) -> Result<LastUsed, PortError> {
    let parameters = Tree::map([("AccessKeyId", key.as_str().into())]);
    let answer = client.call(Service::Iam, "GetAccessKeyLastUsed", parameters)?;
    let used = answer.get("AccessKeyLastUsed").unwrap_or(&answer);
    let known = |member| used.text(member).filter(|text| *text != "N/A").map(str::to_owned);
    Ok(match used.time("LastUsedDate") {
        None => LastUsed::Never,
        Some(at) => LastUsed::At { at, region: known("Region"), service: known("ServiceName") },
    })
}

/// The tags of a user.
pub(super) fn tags(user: &Tree) -> Tags {
    let tag = |tag: &Tree| Some((tag.text("Key")?.to_owned(), tag.text("Value")?.to_owned()));
    user.items("Tags").iter().filter_map(tag).collect()
}

/// The instant of a member that AWS always sends.
pub(super) fn time(answer: &Tree, operation: &str, member: &str) -> Result<Timestamp, PortError> {
    answer.time(member).ok_or_else(|| unreadable(operation, format!("the answer has no {member}")))
}

/// An identifier that AWS sent.
pub(super) fn parse<T>(operation: &str, text: &str) -> Result<T, PortError>
where
    T: std::str::FromStr,
    T::Err: std::fmt::Display,
{
    text.parse().map_err(|error| unreadable(operation, error))
}

fn account_of<T>(operation: &str, arn: &str) -> Result<T, PortError>
where
    T: std::str::FromStr,
    T::Err: std::fmt::Display,
{
    parse(operation, arn.split(':').nth(4).unwrap_or_default())
}

fn user_name(name: &UserName) -> Tree {
    Tree::map([("UserName", name.as_str().into())])
}

fn key_of_user(name: &UserName, key: &AccessKeyId) -> Tree {
    Tree::map([("UserName", name.as_str().into()), ("AccessKeyId", key.as_str().into())])
}
