//! Users, their tags, passwords and MFA devices.

use std::sync::Arc;

use rotakey_core::id::AccountId;

use crate::api::{Fault, Tree};
use crate::world::World;
use crate::world::account::Call;
use crate::world::iam::keys::whole_second;
use crate::world::iam::{
    LoginProfile, User, already_exists, check_path, delete_conflict, iam_page, in_path, named_user,
    no_such_entity, parse_user_name, path, quota_exceeded, tag_list, tag_rows,
};
use crate::world::keyring::Principal;

const TAGS_PER_USER: usize = 50;

/// `CreateUser`.
pub(super) fn create(world: &mut World, call: &Call<'_>) -> Result<Tree, Fault> {
    let name = parse_user_name(call, "UserName", call.parameters.required("UserName")?)?;
    let (path, tags) = (path(call)?, call.parameters.tags("Tags")?);
    let id = world.random.user_id();
    let users = &mut world.iam_change(call).users;
    // Names are unique without regard to case.
    if users.keys().any(|known| known.as_str().eq_ignore_ascii_case(name.as_str())) {
        return Err(already_exists(format!("User with name {name} already exists.")));
    }
    let user = User {
        name: name.clone(),
        id,
        path,
        created_at: whole_second(call.now),
        tags: tags.into_iter().collect(),
        groups: Default::default(),
        policies: Default::default(),
        login: None,
        mfa_devices: Vec::new(),
        keys: Vec::new(),
    };
    let shown = describe(&user, call.caller.account_id).with("Tags", some_tags(&user));
    users.insert(name, Arc::new(user));
    Ok(Tree::map([("User", shown)]))
}

/// `GetUser`. Without a name, of whoever calls.
pub(super) fn get(world: &mut World, call: &Call<'_>) -> Result<Tree, Fault> {
    let account = call.caller.account_id;
    if call.parameters.text("UserName").is_none() && call.caller.principal == Principal::Root {
        let root = Tree::map([
            ("Arn", (&call.caller.arn).into()),
            ("UserId", account.to_string().into()),
            ("CreateDate", world.account(call).created_at.into()),
        ]);
        return Ok(Tree::map([("User", root)]));
    }
    let name = named_user(call)?;
    let seen = world.iam_seen(call);
    let user = seen.user(&name)?;
    Ok(Tree::map([("User", describe(user, account).with("Tags", some_tags(user)))]))
}

/// `ListUsers`: without their tags, as AWS leaves them out.
pub(super) fn list(world: &mut World, call: &Call<'_>) -> Result<Tree, Fault> {
    let seen = world.iam_seen(call);
    let users = seen.users.values().filter(|user| in_path(call, &user.path));
    iam_page(call, "Users", users.map(|user| (user.name.to_string(), describe(user, call.caller.account_id))))
}

/// `UpdateUser`: a new name or path; the id stays.
pub(super) fn update(world: &mut World, call: &Call<'_>) -> Result<Tree, Fault> {
    let name = parse_user_name(call, "UserName", call.parameters.required("UserName")?)?;
    let new_name = match call.parameters.text("NewUserName") {
        Some(new_name) => parse_user_name(call, "NewUserName", new_name)?,
        None => name.clone(),
    };
    let new_path =
        call.parameters.text("NewPath").map(|path| check_path(call, "NewPath", path)).transpose()?;
    let iam = world.iam_change(call);
    let mut user = iam.user(&name)?.clone();
    if new_name != name
        && iam.users.keys().any(|known| known.as_str().eq_ignore_ascii_case(new_name.as_str()))
    {
        return Err(already_exists(format!("User with name {new_name} already exists.")));
    }
    let id = user.id.clone();
    user.name = new_name.clone();
    user.path = new_path.unwrap_or(user.path);
    iam.users.remove(&name);
    iam.users.insert(new_name.clone(), Arc::new(user));
    world.keyring.rename(&id, &new_name);
    Ok(Tree::empty())
}

/// `DeleteUser`: refused while anything is left of it.
pub(super) fn delete(world: &mut World, call: &Call<'_>) -> Result<Tree, Fault> {
    let name = parse_user_name(call, "UserName", call.parameters.required("UserName")?)?;
    let user = world.account(call).iam.present().user(&name)?;
    let left = [
        (!user.keys.is_empty(), "delete access keys"),
        (user.login.is_some(), "delete login profile"),
        (!user.mfa_devices.is_empty(), "delete MFA device"),
        (!user.groups.is_empty(), "remove users from group"),
        (!user.policies.inline.is_empty(), "delete policies"),
        (!user.policies.attached.is_empty(), "detach all policies"),
    ];
    if let Some((_, what)) = left.into_iter().find(|(is_left, _)| *is_left) {
        return Err(delete_conflict(what));
    }
    world.iam_change(call).users.remove(&name);
    Ok(Tree::empty())
}

/// `TagUser`.
pub(super) fn tag(world: &mut World, call: &Call<'_>) -> Result<Tree, Fault> {
    let (name, new) = (named_user(call)?, call.parameters.tags("Tags")?);
    let mut tags = world.account(call).iam.present().user(&name)?.tags.clone();
    tags.extend(new);
    if tags.len() > TAGS_PER_USER {
        return Err(quota_exceeded("TagsPerUser", TAGS_PER_USER));
    }
    world.iam_change(call).user_mut(&name)?.tags = tags;
    Ok(Tree::empty())
}

/// `UntagUser`.
pub(super) fn untag(world: &mut World, call: &Call<'_>) -> Result<Tree, Fault> {
    let (name, keys) = (named_user(call)?, call.parameters.texts("TagKeys"));
    world.iam_change(call).user_mut(&name)?.tags.retain(|key, _| !keys.contains(&key.as_str()));
    Ok(Tree::empty())
}

/// `ListUserTags`.
pub(super) fn list_tags(world: &mut World, call: &Call<'_>) -> Result<Tree, Fault> {
    let (name, seen) = (named_user(call)?, world.iam_seen(call));
    iam_page(call, "Tags", tag_rows(&seen.user(&name)?.tags))
}

/// `CreateLoginProfile`. The password is not kept: nothing here signs in to a console.
pub(super) fn create_login_profile(world: &mut World, call: &Call<'_>) -> Result<Tree, Fault> {
    let name = named_user(call)?;
    call.parameters.required("Password")?;
    let user = world.iam_change(call).user_mut(&name)?;
    if user.login.is_some() {
        return Err(already_exists(format!("Login Profile for user {name} already exists.")));
    }
    let login = LoginProfile {
        created_at: whole_second(call.now),
        last_used: None,
        reset_required: call.parameters.flag("PasswordResetRequired"),
    };
    let shown = describe_login(user.name.as_str(), &login);
    user.login = Some(login);
    Ok(Tree::map([("LoginProfile", shown)]))
}

/// `GetLoginProfile`.
pub(super) fn get_login_profile(world: &mut World, call: &Call<'_>) -> Result<Tree, Fault> {
    let (name, seen) = (named_user(call)?, world.iam_seen(call));
    match &seen.user(&name)?.login {
        Some(login) => Ok(Tree::map([("LoginProfile", describe_login(name.as_str(), login))])),
        None => Err(no_login_profile(name.as_str())),
    }
}

/// `DeleteLoginProfile`.
pub(super) fn delete_login_profile(world: &mut World, call: &Call<'_>) -> Result<Tree, Fault> {
    let name = named_user(call)?;
    match world.iam_change(call).user_mut(&name)?.login.take() {
        Some(_) => Ok(Tree::empty()),
        None => Err(no_login_profile(name.as_str())),
    }
}

/// `ListMFADevices`.
pub(super) fn list_mfa_devices(world: &mut World, call: &Call<'_>) -> Result<Tree, Fault> {
    let (name, seen) = (named_user(call)?, world.iam_seen(call));
    let devices = seen.user(&name)?.mfa_devices.iter().map(|device| {
        let shown = Tree::map([
            ("UserName", name.as_str().into()),
            ("SerialNumber", (&device.serial_number).into()),
            ("EnableDate", device.enabled_at.into()),
        ]);
        (device.serial_number.clone(), shown)
    });
    iam_page(call, "MFADevices", devices)
}

/// The user as `GetUser` and the listings show it, without tags.
pub(super) fn describe(user: &User, account: AccountId) -> Tree {
    Tree::map([
        ("Path", (&user.path).into()),
        ("UserName", user.name.as_str().into()),
        ("UserId", user.id.as_str().into()),
        ("Arn", user.arn(account).into()),
        ("CreateDate", user.created_at.into()),
    ])
    .with("PasswordLastUsed", user.login.as_ref().and_then(|login| login.last_used))
}

fn some_tags(user: &User) -> Option<Tree> {
    (!user.tags.is_empty()).then(|| tag_list(&user.tags))
}

fn describe_login(name: &str, login: &LoginProfile) -> Tree {
    Tree::map([
        ("UserName", name.into()),
        ("CreateDate", login.created_at.into()),
        ("PasswordResetRequired", login.reset_required.into()),
    ])
}

fn no_login_profile(name: &str) -> Fault {
    no_such_entity(format!("Login Profile for User {name} cannot be found."))
}
