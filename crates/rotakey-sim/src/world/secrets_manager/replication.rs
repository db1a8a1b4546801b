//! Replicas of secrets in other regions. They follow in their own time; the status that is shown does not tell that a
//! replica lags behind a change, only whether it was ever made.

use std::time::Duration;

use jiff::Timestamp;

use super::{StoredSecret, find_mut, invalid_parameter, invalid_request};
use crate::api::{Fault, Tree};
use crate::world::World;
use crate::world::account::Call;

/// One replica, as the secret itself knows it.
#[derive(Debug, Clone)]
pub(super) struct Replica {
    kms_key_id: Option<String>,
    state: State,
    /// When it has what the secret has now.
    due_at: Option<Timestamp>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    InProgress,
    InSync,
    NameTaken,
}

impl Replica {
    fn show(&self, region: &str) -> Tree {
        let (status, message) = match self.state {
            State::InProgress => ("InProgress", None),
            State::InSync => ("InSync", Some("Replication succeeded".to_owned())),
            State::NameTaken => {
                let why =
                    format!("Replication failed: Secret name simple name already exists in region {region}.");
                ("Failed", Some(why))
            }
        };
        let shown = Tree::map([("Region", region.into()), ("Status", status.into())]);
        shown.with("StatusMessage", message).with("KmsKeyId", self.kms_key_id.as_ref())
    }
}

impl StoredSecret {
    pub(super) fn replication_status(&self) -> Tree {
        Tree::List(self.replicas.iter().map(|(region, replica)| replica.show(region)).collect())
    }
}

/// `ReplicateSecretToRegions`.
pub(super) fn replicate(world: &mut World, call: &Call<'_>) -> Result<Tree, Fault> {
    let lag = draw_lag(world);
    let force = call.parameters.flag("ForceOverwriteReplicaSecret");
    let mut added = Vec::new();
    for wanted in call.parameters.tree.items("AddReplicaRegions") {
        let Some(region) = wanted.text("Region").filter(|region| *region != call.request.region) else {
            return Err(invalid_parameter("Invalid replica region."));
        };
        added.push((region.to_owned(), wanted.text("KmsKeyId").map(str::to_owned)));
    }
    if added.is_empty() {
        return Err(invalid_parameter("You must provide at least one region."));
    }
    let name = find_mut(world, call)?.name.clone();
    for (region, kms_key_id) in added {
        let known = world.account(call).secrets.get(&(region.clone(), name.clone()));
        let is_ours = known.is_none_or(|known| known.primary_region.as_ref() == Some(&call.request.region));
        let state = if is_ours || force { State::InProgress } else { State::NameTaken };
        if !is_ours && force {
            world.account_mut(call).secrets.remove(&(region.clone(), name.clone()));
        }
        let due_at = (state == State::InProgress).then(|| call.now + lag);
        find_mut(world, call)?.replicas.insert(region, Replica { kms_key_id, state, due_at });
    }
    Ok(status(find_mut(world, call)?))
}

/// `RemoveRegionsFromReplication`.
pub(super) fn remove(world: &mut World, call: &Call<'_>) -> Result<Tree, Fault> {
    let regions = call.parameters.texts("RemoveReplicaRegions");
    let secret = find_mut(world, call)?;
    let name = secret.name.clone();
    secret.replicas.retain(|region, _| !regions.contains(&region.as_str()));
    let here = Some(&call.request.region);
    world.account_mut(call).secrets.retain(|(region, known), secret| {
        let goes = *known == name && regions.contains(&region.as_str());
        !(goes && secret.primary_region.as_ref() == here)
    });
    Ok(status(find_mut(world, call)?))
}

fn status(secret: &StoredSecret) -> Tree {
    Tree::map([("ARN", (&secret.arn).into()), ("ReplicationStatus", secret.replication_status())])
}

/// A replica takes no call that changes it.
pub(super) fn refuse_writes_to_replicas(world: &mut World, call: &Call<'_>) -> Result<(), Fault> {
    if READS.contains(&call.action()) || call.parameters.text("SecretId").is_none() {
        return Ok(());
    }
    match find_mut(world, call) {
        Ok(secret) if secret.primary_region.is_some() => Err(invalid_request(
            "Operation not permitted on a replica secret. Call must be made in primary secret's region.",
        )),
        _ => Ok(()),
    }
}

const READS: [&str; 3] = ["GetSecretValue", "DescribeSecret", "ListSecretVersionIds"];

/// A change of a secret reaches its replicas after a while.
pub(super) fn note_change(world: &mut World, call: &Call<'_>) {
    if READS.contains(&call.action()) || find_mut(world, call).is_ok_and(|secret| secret.replicas.is_empty())
    {
        return;
    }
    let lag = draw_lag(world);
    if let Ok(secret) = find_mut(world, call) {
        let follows = |replica: &&mut Replica| replica.state != State::NameTaken;
        for replica in secret.replicas.values_mut().filter(follows) {
            replica.due_at = replica.due_at.or(Some(call.now + lag));
        }
    }
}

/// Gives the replicas that are due what their secrets have.
pub(super) fn follow(world: &mut World, call: &Call<'_>) {
    let secrets = &mut world.account_mut(call).secrets;
    let mut copies = Vec::new();
    for ((region, name), secret) in secrets.iter_mut() {
        for (to, replica) in &mut secret.replicas {
            if replica.due_at.is_some_and(|due| due <= call.now) {
                (replica.state, replica.due_at) = (State::InSync, None);
                copies.push(((to.clone(), name.clone()), (region.clone(), name.clone())));
            }
        }
    }
    for (to, from) in copies {
        let secret = &secrets[&from];
        let replica = secret.replica_of(&from.0, &to.0);
        secrets.insert(to, replica);
    }
}

impl StoredSecret {
    /// What its replica in that region is.
    fn replica_of(&self, here: &str, region: &str) -> Self {
        let versions = self.versions.iter().map(|(id, version)| (id.clone(), version.duplicate()));
        Self {
            name: self.name.clone(),
            arn: self.arn.replacen(&format!(":{here}:"), &format!(":{region}:"), 1),
            description: self.description.clone(),
            created_at: self.created_at,
            changed_at: self.changed_at,
            accessed_at: None,
            deletion: self.deletion,
            tags: self.tags.clone(),
            versions: versions.collect(),
            kms_key_id: self.replicas.get(region).and_then(|replica| replica.kms_key_id.clone()),
            policy: None,
            replicas: Default::default(),
            primary_region: Some(here.to_owned()),
        }
    }
}

fn draw_lag(world: &mut World) -> Duration {
    let number = world.random.number();
    world.consistency.replication.at(number)
}
