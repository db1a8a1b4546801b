//! AWS Identity and Access Management.

mod authorization_details;
mod aws_managed;
mod credential_report;
mod groups;
mod keys;
mod policies;
mod roles;
mod state;
mod summary;
mod users;

use std::sync::Arc;

use rotakey_core::fact::Tags;
use rotakey_core::id::UserName;

pub(crate) use credential_report::CredentialReports;
pub(crate) use keys::{QUOTA as KEYS_PER_USER, whole_second};
pub(crate) use policies::local_arn;
pub(crate) use state::{
    AccessKey, Document, Group, IamState, LoginProfile, ManagedPolicy, MfaDevice, Policies, Role, User,
    Versioned,
};

use crate::api::{Fault, Tree};
use crate::world::World;
use crate::world::account::Call;
use crate::world::keyring::Principal;
use crate::world::paging::{Page, page};

/// Does one call of IAM.
pub(crate) fn handle(world: &mut World, call: &Call<'_>) -> Result<Tree, Fault> {
    if let Some((verb, owner)) = policies::on_an_owner(call.action()) {
        return policies::handle(world, call, verb, owner);
    }
    match call.action() {
        "CreateUser" => users::create(world, call),
        "GetUser" => users::get(world, call),
        "ListUsers" => users::list(world, call),
        "UpdateUser" => users::update(world, call),
        "DeleteUser" => users::delete(world, call),
        "TagUser" => users::tag(world, call),
        "UntagUser" => users::untag(world, call),
        "ListUserTags" => users::list_tags(world, call),
        "CreateLoginProfile" => users::create_login_profile(world, call),
        "GetLoginProfile" => users::get_login_profile(world, call),
        "DeleteLoginProfile" => users::delete_login_profile(world, call),
        "ListMFADevices" => users::list_mfa_devices(world, call),
        "CreateAccessKey" => keys::create(world, call),
        "ListAccessKeys" => keys::list(world, call),
        "UpdateAccessKey" => keys::update(world, call),
        "DeleteAccessKey" => keys::delete(world, call),
        "GetAccessKeyLastUsed" => keys::last_used(world, call),
        "CreateGroup" => groups::create(world, call),
        "DeleteGroup" => groups::delete(world, call),
        "GetGroup" => groups::get(world, call),
        "ListGroups" => groups::list(world, call),
        "ListGroupsForUser" => groups::list_for_user(world, call),
        "AddUserToGroup" => groups::add_user(world, call),
        "RemoveUserFromGroup" => groups::remove_user(world, call),
        "ListEntitiesForPolicy" => policies::list_entities(world, call),
        "ListRoleTags" => roles::list_tags(world, call),
        "CreateRole" => roles::create(world, call),
        "GetRole" => roles::get(world, call),
        "ListRoles" => roles::list(world, call),
        "DeleteRole" => roles::delete(world, call),
        "UpdateAssumeRolePolicy" => roles::update_trust(world, call),
        "CreatePolicy" => policies::create(world, call),
        "GetPolicy" => policies::get(world, call),
        "GetPolicyVersion" => policies::get_version(world, call),
        "ListPolicies" => policies::list(world, call),
        "DeletePolicy" => policies::delete(world, call),
        "GenerateCredentialReport" => credential_report::generate(world, call),
        "GetCredentialReport" => credential_report::get(world, call),
        "GetAccountAuthorizationDetails" => authorization_details::get(world, call),
        "GetAccountSummary" => summary::get(world, call),
        "GetAccountPasswordPolicy" => summary::password_policy(call),
        "ListVirtualMFADevices" => summary::virtual_mfa_devices(world, call),
        action => summary::nothing(action).ok_or_else(|| Fault::unknown_operation(call.service(), action)),
    }
}

/// The ARN of what the call acts on.
pub(crate) fn resource(world: &World, call: &Call<'_>) -> String {
    let (account, iam) = (call.caller.account_id, world.account(call).iam.present());
    let named = |name| call.parameters.text(name);
    let arn = |kind, path: &str, name: &str| format!("arn:aws:iam::{account}:{kind}{path}{name}");
    let path = named("Path").unwrap_or("/");
    if let Some(name) = named("GroupName") {
        return iam.groups.get(name).map_or_else(|| arn("group", path, name), |group| group.arn(account));
    }
    if let Some(name) = named("RoleName") {
        return iam.roles.get(name).map_or_else(|| arn("role", path, name), |role| role.arn(account));
    }
    if let Some(name) = named("UserName") {
        let user = name.parse::<UserName>().ok().and_then(|name| iam.users.get(&name));
        return user.map_or_else(|| arn("user", path, name), |user| user.arn(account));
    }
    match call.action() {
        "CreatePolicy" => arn("policy", path, named("PolicyName").unwrap_or_default()),
        "GetPolicy" | "GetPolicyVersion" | "DeletePolicy" => named("PolicyArn").unwrap_or("*").to_owned(),
        "ListUsers" => arn("user", "/", ""),
        "ListGroups" => arn("group", "/", ""),
        "ListRoles" => arn("role", "/", ""),
        "ListPolicies" => arn("policy", "/", ""),
        "GetAccessKeyLastUsed" => {
            let key = world.keyring.get(named("AccessKeyId").unwrap_or_default());
            match key.map(|key| &key.principal) {
                Some(Principal::User { name, .. }) => {
                    iam.users.get(name).map_or_else(|| "*".to_owned(), |user| user.arn(account))
                }
                _ => "*".to_owned(),
            }
        }
        "GetUser" | "CreateAccessKey" | "ListAccessKeys" | "UpdateAccessKey" | "DeleteAccessKey" => {
            call.caller.arn.clone()
        }
        _ => "*".to_owned(),
    }
}

impl World {
    /// IAM of the caller's account as a read sees it, which may be stale.
    fn iam_seen(&mut self, call: &Call<'_>) -> Arc<IamState> {
        let account = &self.accounts[&call.caller.account_id];
        account.iam.seen(self.now, self.consistency.stale_reads, &mut self.random)
    }

    /// IAM of the caller's account, to be changed.
    fn iam_change(&mut self, call: &Call<'_>) -> &mut IamState {
        let (now, staleness) = (self.now, self.consistency.stale_reads);
        self.account_mut(call).iam.change(now, staleness)
    }
}

impl IamState {
    /// The user of that name.
    fn user(&self, name: &UserName) -> Result<&User, Fault> {
        let missing = || no_such_entity(format!("The user with name {name} cannot be found."));
        self.users.get(name).map(AsRef::as_ref).ok_or_else(missing)
    }

    /// The user of that name, to be changed.
    pub(crate) fn user_mut(&mut self, name: &UserName) -> Result<&mut User, Fault> {
        let missing = || no_such_entity(format!("The user with name {name} cannot be found."));
        self.users.get_mut(name).map(Arc::make_mut).ok_or_else(missing)
    }

    /// The document of the managed policy of that ARN, the customer's or AWS's.
    pub(crate) fn managed(&self, arn: &str) -> Option<Document> {
        let own = self.policies.get(arn).map(|policy| policy.document.clone());
        own.or_else(|| aws_managed::document(arn))
    }
}

/// `NoSuchEntity`.
fn no_such_entity(message: String) -> Fault {
    Fault::refused("NoSuchEntity", 404, message)
}

/// `EntityAlreadyExists`.
fn already_exists(message: String) -> Fault {
    Fault::refused("EntityAlreadyExists", 409, message)
}

/// `DeleteConflict`.
fn delete_conflict(what: &str) -> Fault {
    Fault::refused("DeleteConflict", 409, format!("Cannot delete entity, must {what} first."))
}

/// `LimitExceeded` of a quota.
fn quota_exceeded(quota: &str, limit: usize) -> Fault {
    Fault::refused("LimitExceeded", 409, format!("Cannot exceed quota for {quota}: {limit}"))
}

/// Reads a policy document, or says `MalformedPolicyDocument`.
fn document(text: &str) -> Result<Document, Fault> {
    Document::parse(text).map_err(|error| Fault::refused("MalformedPolicyDocument", 400, error.to_string()))
}

/// The page that the call asks for, under the list's name.
fn iam_page(
    call: &Call<'_>,
    list: &str,
    items: impl IntoIterator<Item = (String, Tree)>,
) -> Result<Tree, Fault> {
    let page = page_of(call, items)?;
    Ok(Tree::empty()
        .with(list, Some(Tree::List(page.items)))
        .with("IsTruncated", Some(page.next.is_some()))
        .with("Marker", page.next))
}

/// The page that `MaxItems` (1 to 1,000, by default 100) and `Marker` ask for.
fn page_of<T>(call: &Call<'_>, items: impl IntoIterator<Item = (String, T)>) -> Result<Page<T>, Fault> {
    let size = call.parameters.page_size("MaxItems", 100, 1_000)?;
    page(call.action(), items, call.parameters.text("Marker"), size)
        .map_err(|_| call.parameters.invalid("Invalid Marker.".to_owned()))
}

/// The user that the call names, or else the one that calls.
fn named_user(call: &Call<'_>) -> Result<UserName, Fault> {
    match (call.parameters.text("UserName"), &call.caller.principal) {
        (Some(name), _) => parse_user_name(call, "UserName", name),
        (None, Principal::User { name, .. }) => Ok(name.clone()),
        (None, _) => Err(call
            .parameters
            .invalid("Must specify userName when calling with non-User credentials".to_owned())),
    }
}

fn parse_user_name(call: &Call<'_>, member: &str, name: &str) -> Result<UserName, Fault> {
    check_name(call, member, name, 64)?;
    name.parse().map_err(|_| call.parameters.constraint(name, member, "Member must be a user name"))
}

/// Refuses what is no name of a user, group, role or policy.
fn check_name(call: &Call<'_>, member: &str, name: &str, longest: usize) -> Result<(), Fault> {
    let legal = |letter: char| letter.is_ascii_alphanumeric() || "+=,.@_-".contains(letter);
    call.parameters.check_text(member, name, longest, legal)
}

/// The `Path` of a new entity, `/` by default.
fn path(call: &Call<'_>) -> Result<String, Fault> {
    check_path(call, "Path", call.parameters.text("Path").unwrap_or("/"))
}

fn check_path(call: &Call<'_>, member: &str, path: &str) -> Result<String, Fault> {
    call.parameters.check_text(member, path, 512, |letter| ('!'..='\u{7f}').contains(&letter))?;
    if path.starts_with('/') && path.ends_with('/') {
        Ok(path.to_owned())
    } else {
        let message = "The specified value for path is invalid. It must begin and end with / and contain only \
                       alphanumeric characters and/or / characters.";
        Err(call.parameters.invalid(message.to_owned()))
    }
}

/// Whether the `PathPrefix` of a listing takes in the path.
fn in_path(call: &Call<'_>, path: &str) -> bool {
    call.parameters.text("PathPrefix").is_none_or(|prefix| path.starts_with(prefix))
}

fn tag_list(tags: &Tags) -> Tree {
    Tree::List(tag_rows(tags).map(|(_, tag)| tag).collect())
}

/// The tags, by their keys.
fn tag_rows(tags: &Tags) -> impl Iterator<Item = (String, Tree)> {
    tags.iter().map(|(key, value)| (key.clone(), Tree::map([("Key", key.into()), ("Value", value.into())])))
}

/// The text in percent-encoding (RFC 3986), as IAM shows policy documents.
fn url_encoded(text: &str) -> Tree {
    let mut encoded = String::with_capacity(text.len() * 2);
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            encoded.push(char::from(byte));
        } else {
            encoded.push_str(&format!("%{byte:02X}"));
        }
    }
    Tree::Text(encoded)
}
