//! Access keys.

use rotakey_core::fact::KeyStatus;
use rotakey_core::id::{AccessKeyId, UserName};

use crate::api::{Fault, Tree};
use crate::world::World;
use crate::world::account::Call;
use crate::world::iam::{AccessKey, iam_page, named_user, no_such_entity, quota_exceeded};
use crate::world::keyring::Principal;

/// How many access keys a user can have, the inactive ones counted.
pub(crate) const QUOTA: usize = 2;

/// Whose key it is.
enum Holder {
    Root,
    User(UserName),
}

/// `CreateAccessKey`: the only answer that ever shows the secret.
pub(super) fn create(world: &mut World, call: &Call<'_>) -> Result<Tree, Fault> {
    let holder = holder(call)?;
    if keys(world, call, &holder)?.len() >= QUOTA {
        return Err(quota_exceeded("AccessKeysPerUser", QUOTA));
    }
    let account = call.caller.account_id;
    let (id, secret) = (world.random.access_key_id("AKIA", account), world.random.secret_access_key());
    let shown = secret.expose().to_owned();
    let principal = match &holder {
        Holder::Root => Principal::Root,
        Holder::User(name) => {
            let user = world.account(call).iam.present().user(name)?;
            Principal::User { name: name.clone(), id: user.id.clone() }
        }
    };
    let created_at = whole_second(call.now);
    world.keyring.add_key(&id, account, principal, secret);
    world.keyring.change(&id, true, call.now, world.consistency.new_key, &mut world.random);
    let key = AccessKey { id, status: KeyStatus::Active, created_at };
    let answer = metadata(&holder, &key).with("SecretAccessKey", Some(shown));
    keys_mut(world, call, &holder)?.push(key);
    Ok(Tree::map([("AccessKey", answer)]))
}

/// `ListAccessKeys`.
pub(super) fn list(world: &mut World, call: &Call<'_>) -> Result<Tree, Fault> {
    let holder = holder(call)?;
    let seen = world.iam_seen(call);
    let keys = match &holder {
        Holder::Root => &world.account(call).root.keys,
        Holder::User(name) => &seen.user(name)?.keys,
    };
    let rows = keys.iter().map(|key| (key.id.to_string(), metadata(&holder, key)));
    // Pages go by the order of the keys of the items, so the rows are put into it.
    let mut rows = rows.collect::<Vec<_>>();
    rows.sort_by(|(left, _), (right, _)| left.cmp(right));
    iam_page(call, "AccessKeyMetadata", rows)
}

/// `UpdateAccessKey`. Idempotent.
pub(super) fn update(world: &mut World, call: &Call<'_>) -> Result<Tree, Fault> {
    let (holder, id) = (holder(call)?, key_id(call)?);
    let status = call.parameters.required("Status")?;
    call.parameters.one_of("Status", status, &["Active", "Inactive"])?;
    let status = if status == "Active" { KeyStatus::Active } else { KeyStatus::Inactive };
    let known = keys(world, call, &holder)?.iter().find(|key| key.id == id).ok_or_else(|| missing(&id))?;
    if known.status == status {
        return Ok(Tree::empty());
    }
    let delay = match status {
        KeyStatus::Active => world.consistency.new_key,
        KeyStatus::Inactive => world.consistency.inactivated_key,
    };
    world.keyring.change(&id, status == KeyStatus::Active, call.now, delay, &mut world.random);
    for key in keys_mut(world, call, &holder)?.iter_mut().filter(|key| key.id == id) {
        key.status = status;
    }
    Ok(Tree::empty())
}

/// `DeleteAccessKey`. It takes active keys as well as inactive ones.
pub(super) fn delete(world: &mut World, call: &Call<'_>) -> Result<Tree, Fault> {
    let (holder, id) = (holder(call)?, key_id(call)?);
    if !keys(world, call, &holder)?.iter().any(|key| key.id == id) {
        return Err(missing(&id));
    }
    world.keyring.change(&id, false, call.now, world.consistency.deleted_key, &mut world.random);
    keys_mut(world, call, &holder)?.retain(|key| key.id != id);
    Ok(Tree::empty())
}

/// `GetAccessKeyLastUsed`.
pub(super) fn last_used(world: &mut World, call: &Call<'_>) -> Result<Tree, Fault> {
    let id = key_id(call)?;
    let seen = world.iam_seen(call);
    let known = world.keyring.get(id.as_str()).filter(|key| key.account_id == call.caller.account_id);
    let holder = match known.map(|key| &key.principal) {
        Some(Principal::User { name, .. }) => Some(name.clone()),
        Some(Principal::Root) => None,
        Some(Principal::AssumedRole { .. }) | None => return Err(missing(&id)),
    };
    let keys = match &holder {
        Some(name) => seen.users.get(name).map(|user| user.keys.as_slice()).unwrap_or_default(),
        None => &world.account(call).root.keys,
    };
    if !keys.iter().any(|key| key.id == id) {
        return Err(missing(&id));
    }
    let used = world.keyring.last_use(id.as_str(), call.now, world.consistency.last_used_lag);
    let shown = match used {
        Some(used) => Tree::map([
            ("LastUsedDate", whole_second(used.at).into()),
            ("Region", (&used.region).into()),
            ("ServiceName", used.service.signing_name().into()),
        ]),
        None => Tree::map([("Region", "N/A".into()), ("ServiceName", "N/A".into())]),
    };
    Ok(Tree::map([("AccessKeyLastUsed", shown)]).with("UserName", holder.map(String::from)))
}

/// IAM keeps no fractions of seconds.
pub(crate) fn whole_second(at: jiff::Timestamp) -> jiff::Timestamp {
    jiff::Timestamp::from_second(at.as_second()).expect("cutting the fraction off stays in range")
}

fn metadata(holder: &Holder, key: &AccessKey) -> Tree {
    let name = match holder {
        Holder::Root => None,
        Holder::User(name) => Some(name.as_str()),
    };
    Tree::map([
        ("AccessKeyId", key.id.as_str().into()),
        ("Status", key.status.to_string().into()),
        ("CreateDate", key.created_at.into()),
    ])
    .with("UserName", name)
}

fn holder(call: &Call<'_>) -> Result<Holder, Fault> {
    match (call.parameters.text("UserName"), &call.caller.principal) {
        (None, Principal::Root) => Ok(Holder::Root),
        _ => named_user(call).map(Holder::User),
    }
}

fn key_id(call: &Call<'_>) -> Result<AccessKeyId, Fault> {
    let text = call.parameters.required("AccessKeyId")?;
    let constraint = "Member must have length between 16 and 128 and match [\\w]+";
    text.parse().map_err(|_| call.parameters.constraint(text, "AccessKeyId", constraint))
}

fn keys<'a>(world: &'a World, call: &Call<'_>, holder: &Holder) -> Result<&'a [AccessKey], Fault> {
    let account = world.account(call);
    match holder {
        Holder::Root => Ok(&account.root.keys),
        Holder::User(name) => account.iam.present().user(name).map(|user| user.keys.as_slice()),
    }
}

fn keys_mut<'a>(
    world: &'a mut World,
    call: &Call<'_>,
    holder: &Holder,
) -> Result<&'a mut Vec<AccessKey>, Fault> {
    match holder {
        Holder::Root => Ok(&mut world.account_mut(call).root.keys),
        Holder::User(name) => world.iam_change(call).user_mut(name).map(|user| &mut user.keys),
    }
}

fn missing(id: &AccessKeyId) -> Fault {
    no_such_entity(format!("The Access Key with id {id} cannot be found."))
}
