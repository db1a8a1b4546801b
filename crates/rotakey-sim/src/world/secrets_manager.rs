//! AWS Secrets Manager: secrets, their versions, and the staging labels on those.

mod policy;
mod replication;
mod versions;

use std::collections::BTreeMap;

use jiff::{SignedDuration, Timestamp};
use rotakey_core::fact::Tags;
use rotakey_core::id::{AccessKeyId, AccountId};
use rotakey_core::secret::{AccessKeyPair, Secret};

use crate::api::{Fault, Tree};
use crate::world::World;
use crate::world::account::{Account, Call};
use crate::world::iam::Document;
use crate::world::paging::page;
pub(crate) use policy::forbids;
use replication::Replica;
use versions::{CURRENT, SecretValue, Version};

/// One secret.
#[derive(Debug)]
pub(crate) struct StoredSecret {
    name: String,
    arn: String,
    description: Option<String>,
    created_at: Timestamp,
    changed_at: Timestamp,
    accessed_at: Option<Timestamp>,
    /// When it was marked for deletion, and when it goes.
    deletion: Option<Deletion>,
    tags: Tags,
    /// By version id.
    versions: BTreeMap<String, Version>,
    kms_key_id: Option<String>,
    /// The resource policy.
    policy: Option<Document>,
    /// The replicas, by region; of a replica there are none.
    replicas: BTreeMap<String, Replica>,
    /// The region of the secret that this one is a replica of.
    primary_region: Option<String>,
}

#[derive(Debug, Clone, Copy)]
struct Deletion {
    asked_at: Timestamp,
    due_at: Timestamp,
}

/// Does one call of Secrets Manager.
pub(crate) fn handle(world: &mut World, call: &Call<'_>) -> Result<Tree, Fault> {
    purge(world, call);
    replication::follow(world, call);
    let outcome = dispatch(world, call);
    if outcome.is_ok() {
        replication::note_change(world, call);
    }
    outcome
}

fn dispatch(world: &mut World, call: &Call<'_>) -> Result<Tree, Fault> {
    replication::refuse_writes_to_replicas(world, call)?;
    match call.action() {
        "CreateSecret" => create(world, call),
        "PutSecretValue" => put_value(world, call),
        "UpdateSecret" => update(world, call),
        "GetSecretValue" => get_value(world, call),
        "DescribeSecret" => describe(world, call),
        "UpdateSecretVersionStage" => move_stage(world, call),
        "ListSecretVersionIds" => list_versions(world, call),
        "DeleteSecret" => delete(world, call),
        "RestoreSecret" => restore(world, call),
        "TagResource" => tag(world, call),
        "UntagResource" => untag(world, call),
        "ListSecrets" => list(world, call),
        "PutResourcePolicy" => policy::put(world, call),
        "GetResourcePolicy" => policy::get(world, call),
        "DeleteResourcePolicy" => policy::delete(world, call),
        "ReplicateSecretToRegions" => replication::replicate(world, call),
        "RemoveRegionsFromReplication" => replication::remove(world, call),
        action => Err(Fault::unknown_operation(call.service(), action)),
    }
}

/// The ARN of the secret that the call names, or what it was named by if there is none.
pub(crate) fn resource(world: &World, call: &Call<'_>) -> String {
    let named = call.parameters.text("SecretId").or(call.parameters.text("Name"));
    match named {
        None => "*".to_owned(),
        Some(arn) if arn.starts_with("arn:") => arn.to_owned(),
        Some(name) => match world.account(call).secrets.get(&call.in_region(name)) {
            Some(secret) => secret.arn.clone(),
            None => format!(
                "arn:aws:secretsmanager:{}:{}:secret:{name}",
                call.request.region, call.caller.account_id
            ),
        },
    }
}

impl World {
    /// The access key that applications find in the `AWSCURRENT` version of a secret: of a value
    /// `{"AccessKeyId", "SecretAccessKey"}`. This is a look behind the API, for simulated applications that read
    /// their secret by a role of their own; it leaves no trace. `None` if there is no such secret or value.
    pub fn current_access_key(&self, account: AccountId, region: &str, name: &str) -> Option<AccessKeyPair> {
        let secret = self.accounts.get(&account)?.secrets.get(&(region.to_owned(), name.to_owned()))?;
        if secret.deletion.is_some() {
            return None;
        }
        let (_, version) = secret.staged(CURRENT)?;
        let SecretValue::Text(text) = &version.value else { return None };
        let value: serde_json::Value = serde_json::from_str(text.expose()).ok()?;
        let id: AccessKeyId = value.get("AccessKeyId")?.as_str()?.parse().ok()?;
        let secret = Secret::new(value.get("SecretAccessKey")?.as_str()?.to_owned());
        Some(AccessKeyPair { id, secret })
    }
}

/// `CreateSecret`.
fn create(world: &mut World, call: &Call<'_>) -> Result<Tree, Fault> {
    let name = call.parameters.required("Name")?;
    let legal = |letter: char| letter.is_ascii_alphanumeric() || "/_+=.@-".contains(letter);
    if name.is_empty() || name.len() > 512 || !name.chars().all(legal) {
        return Err(invalid_parameter(
            "Invalid name. It must have 1 to 512 alphanumeric characters or any of the following: -/_+=.@",
        ));
    }
    let tags = call.parameters.tags("Tags")?;
    let value = versions::given_value(call)?;
    let token = value.is_some().then(|| versions::token(call)).transpose()?;
    if let Some(known) = world.account(call).secrets.get(&call.in_region(name)) {
        if known.deletion.is_some() {
            return Err(invalid_request(
                "You can't create this secret because a secret with this name is already scheduled for deletion.",
            ));
        }
        // The same request again is no second secret.
        let again = token.and_then(|token| known.versions.get(token));
        return match (again, value) {
            (Some(version), Some(value)) if version.value == value => Ok(known.identity(token)),
            _ => Err(exists(&format!("The operation failed because the secret {name} already exists."))),
        };
    }
    let (account, suffix) = (call.caller.account_id, world.random.alphanumeric(6));
    let mut secret = StoredSecret {
        name: name.to_owned(),
        arn: format!("arn:aws:secretsmanager:{}:{account}:secret:{name}-{suffix}", call.request.region),
        description: call.parameters.text("Description").map(str::to_owned),
        created_at: call.now,
        changed_at: call.now,
        accessed_at: None,
        deletion: None,
        tags: tags.into_iter().collect(),
        versions: BTreeMap::new(),
        kms_key_id: call.parameters.text("KmsKeyId").map(str::to_owned),
        policy: None,
        replicas: BTreeMap::new(),
        primary_region: None,
    };
    if let Some((token, value)) = token.zip(value) {
        secret.add_version(token, value, &[CURRENT.to_owned()], call.now)?;
    }
    let answer = secret.identity(token);
    world.account_mut(call).secrets.insert(call.in_region(name), secret);
    Ok(answer)
}

/// `PutSecretValue`: a new version, with the given labels (`AWSCURRENT` by default).
fn put_value(world: &mut World, call: &Call<'_>) -> Result<Tree, Fault> {
    let stages = match call.parameters.texts("VersionStages").as_slice() {
        [] => vec![CURRENT.to_owned()],
        stages => stages.iter().map(|stage| (*stage).to_owned()).collect(),
    };
    let token = versions::token(call)?;
    let value = versions::given_value(call)?;
    let secret = secret_mut(world, call)?;
    let value =
        value.ok_or_else(|| invalid_request("You must provide either SecretString or SecretBinary."))?;
    secret.add_version(token, value, &stages, call.now)?;
    let stages = secret.versions[token].stages.iter();
    Ok(secret.identity(Some(token)).with("VersionStages", Some(Tree::list(stages))))
}

/// `UpdateSecret`: a new description, and a new current version if a value is given.
fn update(world: &mut World, call: &Call<'_>) -> Result<Tree, Fault> {
    let value = versions::given_value(call)?;
    let token = value.is_some().then(|| versions::token(call)).transpose()?;
    let description = call.parameters.text("Description").map(str::to_owned);
    let secret = secret_mut(world, call)?;
    if let Some((token, value)) = token.zip(value) {
        secret.add_version(token, value, &[CURRENT.to_owned()], call.now)?;
    }
    secret.description = description.or(secret.description.take());
    secret.changed_at = call.now;
    Ok(secret.identity(token))
}

/// `GetSecretValue`: by version id, by label, or the current one.
fn get_value(world: &mut World, call: &Call<'_>) -> Result<Tree, Fault> {
    let (id, stage) = (call.parameters.text("VersionId"), call.parameters.text("VersionStage"));
    let now = call.now;
    let secret = secret_mut(world, call)?;
    let (id, version) = match (id, stage) {
        (Some(id), stage) => {
            let found = secret.versions.get_key_value(id);
            let found = found.filter(|(_, version)| stage.is_none_or(|stage| version.stages.contains(stage)));
            found.ok_or_else(|| no_value(&format!("VersionId: {id}")))?
        }
        (None, stage) => {
            let stage = stage.unwrap_or(CURRENT);
            secret.staged(stage).ok_or_else(|| no_value(&format!("staging label: {stage}")))?
        }
    };
    let value = &version.value;
    let answer = secret
        .identity(Some(id))
        .with("VersionStages", Some(Tree::list(version.stages.iter())))
        .with("CreatedDate", Some(version.created_at))
        .with(value.member(), Some(value.text().expose()));
    secret.accessed_at = Some(now);
    Ok(answer)
}

/// `DescribeSecret`: everything but the values. It also tells of secrets that are marked for deletion.
fn describe(world: &mut World, call: &Call<'_>) -> Result<Tree, Fault> {
    let secret = find_mut(world, call)?;
    let versions = secret.versions.iter().filter(|(_, version)| !version.stages.is_empty());
    let stages = versions.map(|(id, version)| (id.clone(), Tree::list(version.stages.iter()))).collect();
    let stages = (!secret.versions.is_empty()).then_some(Tree::Dictionary(stages));
    let replicas = (!secret.replicas.is_empty()).then(|| secret.replication_status());
    let primary = secret.replicas.keys().next().map(|_| &call.request.region);
    let described = secret.summary().with("VersionIdsToStages", stages);
    Ok(described.with("ReplicationStatus", replicas).with("PrimaryRegion", primary))
}

/// `UpdateSecretVersionStage`.
fn move_stage(world: &mut World, call: &Call<'_>) -> Result<Tree, Fault> {
    let stage = call.parameters.required("VersionStage")?;
    let (from, to) = (call.parameters.text("RemoveFromVersionId"), call.parameters.text("MoveToVersionId"));
    let secret = secret_mut(world, call)?;
    secret.move_stage(stage, from, to)?;
    secret.changed_at = call.now;
    Ok(secret.identity(None))
}

/// `ListSecretVersionIds`: those with a label, or all with `IncludeDeprecated`.
fn list_versions(world: &mut World, call: &Call<'_>) -> Result<Tree, Fault> {
    let all = call.parameters.flag("IncludeDeprecated");
    let size = call.parameters.page_size("MaxResults", 100, 100)?;
    let secret = secret_mut(world, call)?;
    let versions = secret.versions.iter().filter(|(_, version)| all || !version.stages.is_empty());
    let rows = versions.map(|(id, version)| (id.clone(), version.summary(id)));
    let page = page(call.action(), rows, call.parameters.text("NextToken"), size).map_err(|_| bad_token())?;
    Ok(secret.identity(None).with("Versions", Some(Tree::List(page.items))).with("NextToken", page.next))
}

/// `DeleteSecret`: in 7 to 30 days, or at once with `ForceDeleteWithoutRecovery`.
fn delete(world: &mut World, call: &Call<'_>) -> Result<Tree, Fault> {
    let days = call.parameters.integer("RecoveryWindowInDays", 7, 30)?;
    let force = call.parameters.flag("ForceDeleteWithoutRecovery");
    if force && days.is_some() {
        return Err(invalid_parameter(
            "You can't use ForceDeleteWithoutRecovery in conjunction with RecoveryWindowInDays.",
        ));
    }
    let secret = secret_mut(world, call)?;
    if !secret.replicas.is_empty() {
        return Err(invalid_request("You can't delete a secret that still has replica regions."));
    }
    let window = if force { 0 } else { days.unwrap_or(30) };
    let due_at = call.now + SignedDuration::from_hours(24 * window);
    secret.deletion = Some(Deletion { asked_at: call.now, due_at });
    let answer = secret.identity(None).with("DeletionDate", Some(due_at));
    purge(world, call);
    Ok(answer)
}

/// `RestoreSecret`.
fn restore(world: &mut World, call: &Call<'_>) -> Result<Tree, Fault> {
    let secret = find_mut(world, call)?;
    secret.deletion = None;
    Ok(secret.identity(None))
}

/// `TagResource`.
fn tag(world: &mut World, call: &Call<'_>) -> Result<Tree, Fault> {
    let tags = call.parameters.tags("Tags")?;
    secret_mut(world, call)?.tags.extend(tags);
    Ok(Tree::empty())
}

/// `UntagResource`.
fn untag(world: &mut World, call: &Call<'_>) -> Result<Tree, Fault> {
    let keys = call.parameters.texts("TagKeys");
    secret_mut(world, call)?.tags.retain(|key, _| !keys.contains(&key.as_str()));
    Ok(Tree::empty())
}

/// `ListSecrets`, by name; those marked for deletion only with `IncludePlannedDeletion`.
fn list(world: &mut World, call: &Call<'_>) -> Result<Tree, Fault> {
    let size = call.parameters.page_size("MaxResults", 100, 100)?;
    if !call.parameters.tree.items("Filters").is_empty() {
        return Err(invalid_parameter("Filters are not simulated."));
    }
    let all = call.parameters.flag("IncludePlannedDeletion");
    let here = |key: &(String, String)| key.0 == call.request.region;
    let secrets = world.account(call).secrets.iter().filter(|(key, _)| here(key)).map(|(_, secret)| secret);
    let shown = secrets.filter(|secret| all || secret.deletion.is_none());
    let rows = shown.map(|secret| (secret.name.clone(), secret.summary()));
    let page = page(call.action(), rows, call.parameters.text("NextToken"), size).map_err(|_| bad_token())?;
    Ok(Tree::map([("SecretList", Tree::List(page.items))]).with("NextToken", page.next))
}

impl StoredSecret {
    /// The members that every answer has.
    fn identity(&self, version: Option<&str>) -> Tree {
        Tree::map([("ARN", (&self.arn).into()), ("Name", (&self.name).into())]).with("VersionId", version)
    }

    fn summary(&self) -> Tree {
        let tags =
            self.tags.iter().map(|(key, value)| Tree::map([("Key", key.into()), ("Value", value.into())]));
        let tags = (!self.tags.is_empty()).then(|| Tree::List(tags.collect()));
        self.identity(None)
            .with("Description", self.description.as_ref())
            .with("CreatedDate", Some(self.created_at))
            .with("LastChangedDate", Some(self.changed_at))
            .with("LastAccessedDate", self.accessed_at)
            .with("DeletedDate", self.deletion.map(|deletion| deletion.asked_at))
            .with("Tags", tags)
            .with("KmsKeyId", self.kms_key_id.as_ref())
            .with("PrimaryRegion", self.primary_region.as_ref())
    }
}

/// Removes what was marked for deletion and is due.
fn purge(world: &mut World, call: &Call<'_>) {
    let now = call.now;
    world.account_mut(call).secrets.retain(|_, secret| secret.deletion.is_none_or(|it| now < it.due_at));
}

/// The secret that the call names by its name or ARN, also if it is marked for deletion.
fn find_mut<'a>(world: &'a mut World, call: &Call<'_>) -> Result<&'a mut StoredSecret, Fault> {
    let id = call.parameters.required("SecretId")?;
    let missing = || {
        Fault::refused("ResourceNotFoundException", 400, "Secrets Manager can't find the specified secret.")
    };
    let Account { secrets, .. } = world.account_mut(call);
    let name = match id.strip_prefix("arn:") {
        None => id.to_owned(),
        Some(_) => {
            let found = secrets.values().find(|secret| {
                secret.arn == id || secret.arn.rsplit_once('-').is_some_and(|(partial, _)| partial == id)
            });
            found.ok_or_else(missing)?.name.clone()
        }
    };
    secrets.get_mut(&call.in_region(&name)).ok_or_else(missing)
}

/// The secret that the call names; refused if it is marked for deletion.
fn secret_mut<'a>(world: &'a mut World, call: &Call<'_>) -> Result<&'a mut StoredSecret, Fault> {
    let secret = find_mut(world, call)?;
    if secret.deletion.is_some() {
        return Err(invalid_request(
            "You can't perform this operation on the secret because it was marked for deletion.",
        ));
    }
    Ok(secret)
}

fn no_value(by: &str) -> Fault {
    let message = format!("Secrets Manager can't find the specified secret value for {by}");
    Fault::refused("ResourceNotFoundException", 400, message)
}

fn invalid_request(message: &str) -> Fault {
    Fault::refused("InvalidRequestException", 400, message)
}

fn invalid_parameter(message: &str) -> Fault {
    Fault::refused("InvalidParameterException", 400, message)
}

fn exists(message: &str) -> Fault {
    Fault::refused("ResourceExistsException", 400, message)
}

fn bad_token() -> Fault {
    Fault::refused("InvalidNextTokenException", 400, "Invalid NextToken.")
}
