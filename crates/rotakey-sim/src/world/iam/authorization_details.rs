//! `GetAccountAuthorizationDetails`: users, groups, roles and policies of the account in one listing.

use std::collections::BTreeSet;

use crate::api::{Fault, Tree};
use crate::world::World;
use crate::world::account::Call;
use crate::world::iam::{
    Group, IamState, Policies, Role, User, aws_managed, groups, page_of, policies, tag_list, url_encoded,
    users,
};

const FILTERS: [&str; 5] = ["User", "Role", "Group", "LocalManagedPolicy", "AWSManagedPolicy"];

/// The member of the answer that an item belongs to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum List {
    Users,
    Groups,
    Roles,
    Policies,
}

/// `GetAccountAuthorizationDetails`. One page counts the items of all four lists together.
pub(super) fn get(world: &mut World, call: &Call<'_>) -> Result<Tree, Fault> {
    let filter = call.parameters.texts("Filter");
    for wanted in &filter {
        call.parameters.one_of("Filter", wanted, &FILTERS)?;
    }
    let wants = |kind: &str| filter.is_empty() || filter.contains(&kind);
    let (seen, account) = (world.iam_seen(call), call.caller.account_id);
    let iam = seen.as_ref();

    let users = iam.users.values().filter(|_| wants("User"));
    let groups = iam.groups.values().filter(|_| wants("Group"));
    let roles = iam.roles.values().filter(|_| wants("Role"));
    let own = iam.policies.values().filter(|_| wants("LocalManagedPolicy"));
    let aws = attached_aws_policies(iam).into_iter().filter(|_| wants("AWSManagedPolicy"));

    // The keys order the listing: users first, then groups, roles and policies. What is not on the page is
    // not described.
    let items = users
        .map(|user| (format!("1/{}", user.name), Item::User(user)))
        .chain(groups.map(|group| (format!("2/{}", group.name), Item::Group(group))))
        .chain(roles.map(|role| (format!("3/{}", role.name), Item::Role(role))))
        .chain(own.map(|policy| (format!("4/{}", policy.arn), Item::Policy(&policy.arn))))
        .chain(aws.map(|arn| (format!("5/{arn}"), Item::Policy(arn))));
    let page = page_of(call, items)?;

    let described = page.items.into_iter().map(|item| match item {
        Item::User(user) => (List::Users, describe_user(user, users::describe(user, account))),
        Item::Group(group) => (List::Groups, describe_group(group, groups::describe(group, account))),
        Item::Role(role) => (List::Roles, describe_role(role, role.arn(account))),
        Item::Policy(arn) => (List::Policies, describe_policy(iam, arn)),
    });
    let described = described.collect::<Vec<_>>();
    let of = |list| {
        let items = described.iter().filter(|(kind, _)| *kind == list).map(|(_, item)| item.clone());
        Tree::List(items.collect())
    };
    Ok(Tree::map([
        ("UserDetailList", of(List::Users)),
        ("GroupDetailList", of(List::Groups)),
        ("RoleDetailList", of(List::Roles)),
        ("Policies", of(List::Policies)),
        ("IsTruncated", page.next.is_some().into()),
    ])
    .with("Marker", page.next))
}

/// One item of the listing, before it is described.
enum Item<'a> {
    User(&'a User),
    Group(&'a Group),
    Role(&'a Role),
    Policy(&'a str),
}

fn describe_user(user: &User, basics: Tree) -> Tree {
    let groups = Tree::list(user.groups.iter());
    let inline = (!user.policies.inline.is_empty()).then(|| inline(&user.policies));
    basics
        .with("UserPolicyList", inline)
        .with("GroupList", Some(groups))
        .with("AttachedManagedPolicies", Some(attached(&user.policies)))
        .with("Tags", Some(tag_list(&user.tags)))
}

fn describe_group(group: &Group, basics: Tree) -> Tree {
    basics
        .with("GroupPolicyList", Some(inline(&group.policies)))
        .with("AttachedManagedPolicies", Some(attached(&group.policies)))
}

fn describe_role(role: &Role, arn: String) -> Tree {
    Tree::map([
        ("Path", (&role.path).into()),
        ("RoleName", (&role.name).into()),
        ("RoleId", (&role.id).into()),
        ("Arn", arn.into()),
        ("CreateDate", role.created_at.into()),
        ("AssumeRolePolicyDocument", url_encoded(&role.trust.text)),
        ("InstanceProfileList", Tree::List(Vec::new())),
        ("RolePolicyList", inline(&role.policies)),
        ("AttachedManagedPolicies", attached(&role.policies)),
        ("Tags", tag_list(&role.tags)),
    ])
}

fn describe_policy(iam: &IamState, arn: &str) -> Tree {
    let own = iam.policies.get(arn);
    let created_at = own.map_or(aws_managed::CREATED_AT, |policy| policy.created_at);
    let basics = match own {
        Some(policy) => Some(policies::describe(iam, policy)),
        None => aws_managed::find(arn).map(|it| aws_managed::describe(it, policies::attachments(iam, arn))),
    };
    let version = iam.managed(arn).map(|document| policies::describe_version(&document.text, created_at));
    basics
        .unwrap_or_else(Tree::empty)
        .with("PolicyVersionList", version.map(|version| Tree::List(vec![version])))
}

fn inline(held: &Policies) -> Tree {
    let policies = held.inline.iter().map(|(name, document)| {
        Tree::map([("PolicyName", name.into()), ("PolicyDocument", url_encoded(&document.text))])
    });
    Tree::List(policies.collect())
}

fn attached(held: &Policies) -> Tree {
    Tree::List(held.attached.iter().map(|arn| policies::attached(arn)).collect())
}

/// The AWS managed policies that anything holds, in order.
fn attached_aws_policies(iam: &IamState) -> BTreeSet<&str> {
    let users = iam.users.values().map(|user| &user.policies);
    let groups = iam.groups.values().map(|group| &group.policies);
    let roles = iam.roles.values().map(|role| &role.policies);
    let arns = users.chain(groups).chain(roles).flat_map(|held| &held.attached);
    arns.map(String::as_str).filter(|arn| aws_managed::find(arn).is_some()).collect()
}
