//! Access keys: their life, their quota, and what becomes of calls that are signed with them.

use std::time::Duration;

use aws_sdk_iam::types::{AccessKeyMetadata, StatusType};
use rotakey_core::id::AccessKeyId;

use crate::cloud::{Cloud, Keys};
use crate::outcome::outcome;
use crate::report::Report;

const PROPAGATION: Duration = Duration::from_secs(60);
const MINUTE: Duration = Duration::from_secs(60);

pub(crate) async fn life_cycle(cloud: &Cloud, report: &mut Report) {
    cloud.create_user("alice").await;
    let created =
        cloud.iam().create_access_key().user_name("alice").send().await.unwrap().access_key.unwrap();
    let keys = Keys {
        id: created.access_key_id().to_owned(),
        secret: created.secret_access_key().to_owned(),
        token: None,
    };
    report.check("a new key is active", "Active", created.status());
    report.check("a secret has forty characters", 40, keys.secret.len());
    let id: AccessKeyId = keys.id.parse().unwrap();
    report.check("a key id tells the account", true, id.account_id() == Some(cloud.account_id));

    cloud.pass(PROPAGATION);
    report.check("a new key works", "user/alice", cloud.whoami(&keys).await);
    report.check("a new key is listed", "Active", statuses(cloud, "alice").await);

    set_status(cloud, "alice", &keys, StatusType::Inactive).await;
    report.check("an inactive key is listed", "Inactive", statuses(cloud, "alice").await);
    set_status(cloud, "alice", &keys, StatusType::Active).await;
    cloud.pass(PROPAGATION);
    report.check("a key that is active again works", "user/alice", cloud.whoami(&keys).await);

    let delete = || cloud.iam().delete_access_key().user_name("alice").access_key_id(&keys.id).send();
    report.check("an active key can be deleted", "ok", outcome(&delete().await));
    report.check("a deleted key is not listed", "", statuses(cloud, "alice").await);
    report.check("a key is deleted once", "NoSuchEntity 404", outcome(&delete().await));
    let activate = cloud
        .iam()
        .update_access_key()
        .user_name("alice")
        .access_key_id(&keys.id)
        .status(StatusType::Active)
        .send()
        .await;
    report.check("a deleted key cannot be brought back", "NoSuchEntity 404", outcome(&activate));
}

pub(crate) async fn quota_of_two(cloud: &Cloud, report: &mut Report) {
    cloud.create_user("alice").await;
    let first = cloud.create_key("alice").await;
    cloud.create_key("alice").await;
    let create = || cloud.iam().create_access_key().user_name("alice").send();
    report.check("a third key is refused", "LimitExceeded 409", outcome(&create().await));
    set_status(cloud, "alice", &first, StatusType::Inactive).await;
    report.check("an inactive key counts", "LimitExceeded 409", outcome(&create().await));
    cloud.iam().delete_access_key().user_name("alice").access_key_id(&first.id).send().await.unwrap();
    report.check("a deleted key does not count", "ok", outcome(&create().await));
}

pub(crate) async fn invalid_status(cloud: &Cloud, report: &mut Report) {
    cloud.create_user("alice").await;
    let keys = cloud.create_key("alice").await;
    let update = cloud
        .iam()
        .update_access_key()
        .user_name("alice")
        .access_key_id(&keys.id)
        .status(StatusType::from("Revoked"))
        .send()
        .await;
    report.check("a status that does not exist is refused", "ValidationError 400", outcome(&update));
    report.check("the key keeps its status", "Active", statuses(cloud, "alice").await);
}

pub(crate) async fn inactive_key_used(cloud: &Cloud, report: &mut Report) {
    cloud.create_user("alice").await;
    let keys = cloud.create_key("alice").await;
    set_status(cloud, "alice", &keys, StatusType::Inactive).await;
    cloud.pass(PROPAGATION);
    report.check("STS refuses it", "InvalidClientTokenId 403", cloud.whoami(&keys).await);
    let secrets = cloud.secrets_manager_as(&keys).list_secrets().send().await;
    report.check("Secrets Manager refuses it", "UnrecognizedClientException 400", outcome(&secrets));
}

pub(crate) async fn deleted_key_used(cloud: &Cloud, report: &mut Report) {
    cloud.create_user("alice").await;
    let keys = cloud.create_key("alice").await;
    cloud.iam().delete_access_key().user_name("alice").access_key_id(&keys.id).send().await.unwrap();
    cloud.pass(PROPAGATION);
    report.check("STS refuses it", "InvalidClientTokenId 403", cloud.whoami(&keys).await);
    let unknown = Keys { id: "AKIAQNZGKIQY56JQ7WML".to_owned(), ..keys };
    report.check("STS refuses one that never was", "InvalidClientTokenId 403", cloud.whoami(&unknown).await);
}

pub(crate) async fn wrong_secret(cloud: &Cloud, report: &mut Report) {
    cloud.create_user("alice").await;
    let keys = cloud.create_key("alice").await;
    let wrong = Keys { secret: keys.secret.chars().rev().collect(), ..keys };
    report.check("STS refuses it", "SignatureDoesNotMatch 403", cloud.whoami(&wrong).await);
    let secrets = cloud.secrets_manager_as(&wrong).list_secrets().send().await;
    report.check("Secrets Manager refuses it", "InvalidSignatureException 400", outcome(&secrets));
}

pub(crate) async fn last_used(cloud: &Cloud, report: &mut Report) {
    cloud.create_user("alice").await;
    let keys = cloud.create_key("alice").await;
    report.check("a key that was never used", "N/A N/A, no date", place_of_use(cloud, &keys).await);

    cloud.whoami(&keys).await;
    cloud.pass(10 * MINUTE);
    report.check("a key that was used", "sts us-east-1, a date", place_of_use(cloud, &keys).await);

    let first = instant_of_use(cloud, &keys).await;
    let again = async {
        cloud.whoami(&keys).await;
        cloud.pass(10 * MINUTE);
        if instant_of_use(cloud, &keys).await == first { "unchanged" } else { "changed" }.to_owned()
    };
    let seen = cloud.after(Duration::ZERO, again).await;
    report.check("a second use within 15 minutes of the first", "unchanged", seen);
    let later = async {
        cloud.whoami(&keys).await;
        cloud.pass(10 * MINUTE);
        if instant_of_use(cloud, &keys).await == first { "unchanged" } else { "changed" }.to_owned()
    };
    report.check("a use after 15 minutes", "changed", cloud.after(10 * MINUTE, later).await);
}

pub(crate) async fn access_key_info(cloud: &Cloud, report: &mut Report) {
    cloud.create_user("alice").await;
    let keys = cloud.create_key("alice").await;
    let account = async |id: &str| {
        let info = cloud.sts().get_access_key_info().access_key_id(id).send().await;
        match &info {
            Ok(info) if info.account() == Some(&cloud.account_id.to_string()) => {
                "the caller's account".to_owned()
            }
            Ok(info) => info.account().unwrap_or("none").to_owned(),
            Err(_) => outcome(&info),
        }
    };
    report.check("a key of the account", "the caller's account", account(&keys.id).await);
    report.check("a key of another account", "029608264753", account("AKIAQNZGKIQY56JQ7WML").await);
    report.check("what is no key id", "ValidationError 400", account("not-a-key").await);
}

async fn set_status(cloud: &Cloud, user: &str, keys: &Keys, status: StatusType) {
    let update = cloud.iam().update_access_key().user_name(user).access_key_id(&keys.id).status(status);
    update.send().await.unwrap();
}

/// The statuses of the user's keys.
async fn statuses(cloud: &Cloud, user: &str) -> String {
    let keys = cloud.iam().list_access_keys().user_name(user).send().await.unwrap().access_key_metadata;
    let status = |key: &AccessKeyMetadata| key.status().map_or("none", StatusType::as_str).to_owned();
    keys.iter().map(status).collect::<Vec<_>>().join(" ")
}

/// The service and the region of the last use, and whether it is dated.
async fn place_of_use(cloud: &Cloud, keys: &Keys) -> String {
    let used = cloud.iam().get_access_key_last_used().access_key_id(&keys.id).send().await.unwrap();
    let used = used.access_key_last_used.unwrap();
    let date = if used.last_used_date().is_some() { "a date" } else { "no date" };
    format!("{} {}, {date}", used.service_name(), used.region())
}

async fn instant_of_use(cloud: &Cloud, keys: &Keys) -> Option<aws_sdk_iam::primitives::DateTime> {
    let used = cloud.iam().get_access_key_last_used().access_key_id(&keys.id).send().await.unwrap();
    used.access_key_last_used.unwrap().last_used_date
}
