//! Groups.

use std::sync::Arc;

use rotakey_core::id::AccountId;

use crate::api::{Fault, Tree};
use crate::world::World;
use crate::world::account::Call;
use crate::world::iam::keys::whole_second;
use crate::world::iam::{
    Group, IamState, already_exists, check_name, delete_conflict, iam_page, in_path, named_user,
    no_such_entity, path, quota_exceeded, users,
};

const GROUPS_PER_USER: usize = 10;

/// `CreateGroup`.
pub(super) fn create(world: &mut World, call: &Call<'_>) -> Result<Tree, Fault> {
    let name = call.parameters.required("GroupName")?;
    check_name(call, "GroupName", name, 128)?;
    let (path, id) = (path(call)?, world.random.unique_id("AGPA"));
    let groups = &mut world.iam_change(call).groups;
    if groups.keys().any(|known| known.eq_ignore_ascii_case(name)) {
        return Err(already_exists(format!("Group with name {name} already exists.")));
    }
    let created_at = whole_second(call.now);
    let group = Group { name: name.to_owned(), id, path, created_at, policies: Default::default() };
    let shown = describe(&group, call.caller.account_id);
    groups.insert(name.to_owned(), Arc::new(group));
    Ok(Tree::map([("Group", shown)]))
}

/// `DeleteGroup`.
pub(super) fn delete(world: &mut World, call: &Call<'_>) -> Result<Tree, Fault> {
    let name = call.parameters.required("GroupName")?;
    let iam = world.iam_change(call);
    let group = iam.group(name)?;
    if iam.users.values().any(|user| user.groups.contains(name)) {
        return Err(delete_conflict("remove users from group"));
    }
    if !group.policies.inline.is_empty() || !group.policies.attached.is_empty() {
        return Err(delete_conflict("detach all policies"));
    }
    iam.groups.remove(name);
    Ok(Tree::empty())
}

/// `GetGroup`: the group and the users in it.
pub(super) fn get(world: &mut World, call: &Call<'_>) -> Result<Tree, Fault> {
    let name = call.parameters.required("GroupName")?;
    let (seen, account) = (world.iam_seen(call), call.caller.account_id);
    let group = seen.group(name)?;
    let members = seen.users.values().filter(|user| user.groups.contains(name));
    let members = members.map(|user| (user.name.to_string(), users::describe(user, account)));
    Ok(iam_page(call, "Users", members)?.with("Group", Some(describe(group, account))))
}

/// `ListGroups`.
pub(super) fn list(world: &mut World, call: &Call<'_>) -> Result<Tree, Fault> {
    let (seen, account) = (world.iam_seen(call), call.caller.account_id);
    let groups = seen.groups.values().filter(|group| in_path(call, &group.path));
    iam_page(call, "Groups", groups.map(|group| (group.name.clone(), describe(group, account))))
}

/// `ListGroupsForUser`.
pub(super) fn list_for_user(world: &mut World, call: &Call<'_>) -> Result<Tree, Fault> {
    let (name, seen, account) = (named_user(call)?, world.iam_seen(call), call.caller.account_id);
    let groups = seen.user(&name)?.groups.iter().filter_map(|group| seen.groups.get(group));
    iam_page(call, "Groups", groups.map(|group| (group.name.clone(), describe(group, account))))
}

/// `AddUserToGroup`. Idempotent.
pub(super) fn add_user(world: &mut World, call: &Call<'_>) -> Result<Tree, Fault> {
    let (group, name) = (call.parameters.required("GroupName")?, named_user(call)?);
    let iam = world.iam_change(call);
    iam.group(group)?;
    let user = iam.user_mut(&name)?;
    if user.groups.len() >= GROUPS_PER_USER && !user.groups.contains(group) {
        return Err(quota_exceeded("GroupsPerUser", GROUPS_PER_USER));
    }
    user.groups.insert(group.to_owned());
    Ok(Tree::empty())
}

/// `RemoveUserFromGroup`. Idempotent.
pub(super) fn remove_user(world: &mut World, call: &Call<'_>) -> Result<Tree, Fault> {
    let (group, name) = (call.parameters.required("GroupName")?, named_user(call)?);
    let iam = world.iam_change(call);
    iam.group(group)?;
    iam.user_mut(&name)?.groups.remove(group);
    Ok(Tree::empty())
}

/// The group as `GetGroup` and the listings show it.
pub(super) fn describe(group: &Group, account: AccountId) -> Tree {
    Tree::map([
        ("Path", (&group.path).into()),
        ("GroupName", (&group.name).into()),
        ("GroupId", (&group.id).into()),
        ("Arn", group.arn(account).into()),
        ("CreateDate", group.created_at.into()),
    ])
}

impl IamState {
    fn group(&self, name: &str) -> Result<&Group, Fault> {
        let missing = || no_such_entity(format!("The group with name {name} cannot be found."));
        self.groups.get(name).map(AsRef::as_ref).ok_or_else(missing)
    }
}
