//! Roles.

use std::sync::Arc;
use std::time::Duration;

use rotakey_core::id::AccountId;

use crate::api::{Fault, Tree};
use crate::world::World;
use crate::world::account::Call;
use crate::world::iam::keys::whole_second;
use crate::world::iam::{
    IamState, Role, already_exists, check_name, delete_conflict, document, iam_page, in_path, no_such_entity,
    path, tag_list, tag_rows, url_encoded,
};

/// `CreateRole`.
pub(super) fn create(world: &mut World, call: &Call<'_>) -> Result<Tree, Fault> {
    let name = call.parameters.required("RoleName")?;
    check_name(call, "RoleName", name, 64)?;
    let trust = document(call.parameters.required("AssumeRolePolicyDocument")?)?;
    let max_session = call.parameters.integer("MaxSessionDuration", 3_600, 43_200)?.unwrap_or(3_600);
    let (path, tags) = (path(call)?, call.parameters.tags("Tags")?);
    let id = world.random.unique_id("AROA");
    let roles = &mut world.iam_change(call).roles;
    if roles.keys().any(|known| known.eq_ignore_ascii_case(name)) {
        return Err(already_exists(format!("Role with name {name} already exists.")));
    }
    let role = Role {
        name: name.to_owned(),
        id,
        path,
        created_at: whole_second(call.now),
        description: call.parameters.text("Description").map(str::to_owned),
        trust,
        max_session: Duration::from_secs(max_session.unsigned_abs()),
        tags: tags.into_iter().collect(),
        policies: Default::default(),
    };
    let shown = describe(&role, call.caller.account_id);
    roles.insert(name.to_owned(), Arc::new(role));
    Ok(Tree::map([("Role", shown)]))
}

/// `GetRole`.
pub(super) fn get(world: &mut World, call: &Call<'_>) -> Result<Tree, Fault> {
    let (name, seen) = (call.parameters.required("RoleName")?, world.iam_seen(call));
    let role = seen.role(name)?;
    let tags = (!role.tags.is_empty()).then(|| tag_list(&role.tags));
    Ok(Tree::map([("Role", describe(role, call.caller.account_id).with("Tags", tags))]))
}

/// `ListRoles`.
pub(super) fn list(world: &mut World, call: &Call<'_>) -> Result<Tree, Fault> {
    let seen = world.iam_seen(call);
    let roles = seen.roles.values().filter(|role| in_path(call, &role.path));
    iam_page(call, "Roles", roles.map(|role| (role.name.clone(), describe(role, call.caller.account_id))))
}

/// `ListRoleTags`.
pub(super) fn list_tags(world: &mut World, call: &Call<'_>) -> Result<Tree, Fault> {
    let (name, seen) = (call.parameters.required("RoleName")?, world.iam_seen(call));
    iam_page(call, "Tags", tag_rows(&seen.role(name)?.tags))
}

/// `DeleteRole`. The sessions of the role die with it.
pub(super) fn delete(world: &mut World, call: &Call<'_>) -> Result<Tree, Fault> {
    let name = call.parameters.required("RoleName")?;
    let iam = world.iam_change(call);
    let role = iam.role(name)?;
    if !role.policies.attached.is_empty() {
        return Err(delete_conflict("detach all policies"));
    }
    if !role.policies.inline.is_empty() {
        return Err(delete_conflict("delete policies"));
    }
    iam.roles.remove(name);
    Ok(Tree::empty())
}

/// `UpdateAssumeRolePolicy`.
pub(super) fn update_trust(world: &mut World, call: &Call<'_>) -> Result<Tree, Fault> {
    let name = call.parameters.required("RoleName")?;
    let trust = document(call.parameters.required("PolicyDocument")?)?;
    let iam = world.iam_change(call);
    iam.role(name)?;
    if let Some(role) = iam.roles.get_mut(name).map(Arc::make_mut) {
        role.trust = trust;
    }
    Ok(Tree::empty())
}

/// The role as `GetRole` and the listings show it, without tags.
fn describe(role: &Role, account: AccountId) -> Tree {
    let seconds = i64::try_from(role.max_session.as_secs()).unwrap_or(i64::MAX);
    Tree::map([
        ("Path", (&role.path).into()),
        ("RoleName", (&role.name).into()),
        ("RoleId", (&role.id).into()),
        ("Arn", role.arn(account).into()),
        ("CreateDate", role.created_at.into()),
        ("AssumeRolePolicyDocument", url_encoded(&role.trust.text)),
        ("MaxSessionDuration", seconds.into()),
    ])
    .with("Description", role.description.as_ref())
}

impl IamState {
    fn role(&self, name: &str) -> Result<&Role, Fault> {
        let missing = || no_such_entity(format!("The role with name {name} cannot be found."));
        self.roles.get(name).map(AsRef::as_ref).ok_or_else(missing)
    }
}
