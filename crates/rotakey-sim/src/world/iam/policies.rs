//! Policies: those inside a user, a group or a role, those attached to one, and customer managed ones.

use std::sync::Arc;

use rotakey_core::id::AccountId;

use crate::api::{Fault, Tree};
use crate::world::World;
use crate::world::account::Call;
use crate::world::iam::keys::whole_second;
use crate::world::iam::{
    IamState, ManagedPolicy, Policies, already_exists, aws_managed, check_name, document, iam_page, in_path,
    no_such_entity, page_of, path, quota_exceeded, url_encoded,
};

const ATTACHED_PER_OWNER: usize = 10;

/// What holds policies.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Owner {
    User,
    Group,
    Role,
}

/// What is done with the policies of an owner. The operations differ in the owner's name only.
#[derive(Debug, Clone, Copy)]
pub(super) enum Verb {
    Put,
    Get,
    List,
    Delete,
    Attach,
    Detach,
    ListAttached,
}

/// What the operation does, if it is one on the policies of an owner: `PutUserPolicy`,
/// `ListAttachedRolePolicies`.
pub(super) fn on_an_owner(action: &str) -> Option<(Verb, Owner)> {
    let owners = [Owner::User, Owner::Group, Owner::Role];
    owners.into_iter().find_map(|owner| {
        let (before, after) = action.split_once(owner.name())?;
        let verb = match (before, after) {
            ("Put", "Policy") => Verb::Put,
            ("Get", "Policy") => Verb::Get,
            ("List", "Policies") => Verb::List,
            ("Delete", "Policy") => Verb::Delete,
            ("Attach", "Policy") => Verb::Attach,
            ("Detach", "Policy") => Verb::Detach,
            ("ListAttached", "Policies") => Verb::ListAttached,
            _ => return None,
        };
        Some((verb, owner))
    })
}

/// Does one operation on the policies of an owner.
pub(super) fn handle(world: &mut World, call: &Call<'_>, verb: Verb, owner: Owner) -> Result<Tree, Fault> {
    let name = call.parameters.required(owner.member())?;
    let policy = |member| call.parameters.required(member);
    match verb {
        Verb::Put => {
            check_name(call, "PolicyName", policy("PolicyName")?, 128)?;
            let document = document(policy("PolicyDocument")?)?;
            let held = world.iam_change(call).policies_mut(owner, name)?;
            let others = held
                .inline
                .iter()
                .filter(|(name, _)| Some(name.as_str()) != call.parameters.text("PolicyName"));
            let size = |text: &str| text.chars().filter(|letter| !letter.is_whitespace()).count();
            let total = others.map(|(_, other)| size(&other.text)).sum::<usize>() + size(&document.text);
            if total > owner.inline_limit() {
                let (limit, kind) = (owner.inline_limit(), owner.name().to_ascii_lowercase());
                let message = format!("Maximum policy size of {limit} bytes exceeded for {kind} {name}");
                return Err(Fault::refused("LimitExceeded", 409, message));
            }
            held.inline.insert(policy("PolicyName")?.to_owned(), document);
            Ok(Tree::empty())
        }
        Verb::Get => {
            let (seen, wanted) = (world.iam_seen(call), policy("PolicyName")?);
            let held = seen.policies_of(owner, name)?;
            let document = held.inline.get(wanted).ok_or_else(|| missing_inline(owner, wanted))?;
            Ok(Tree::map([
                (owner.member(), name.into()),
                ("PolicyName", wanted.into()),
                ("PolicyDocument", url_encoded(&document.text)),
            ]))
        }
        Verb::List => {
            let seen = world.iam_seen(call);
            let names = seen.policies_of(owner, name)?.inline.keys();
            iam_page(call, "PolicyNames", names.map(|name| (name.clone(), name.into())))
        }
        Verb::Delete => {
            let wanted = policy("PolicyName")?;
            let removed = world.iam_change(call).policies_mut(owner, name)?.inline.remove(wanted);
            removed.map(|_| Tree::empty()).ok_or_else(|| missing_inline(owner, wanted))
        }
        Verb::Attach => {
            let arn = policy("PolicyArn")?;
            let iam = world.iam_change(call);
            if iam.managed(arn).is_none() {
                return Err(no_such_entity(format!("Policy {arn} does not exist or is not attachable.")));
            }
            let held = iam.policies_mut(owner, name)?;
            if held.attached.len() >= ATTACHED_PER_OWNER && !held.attached.contains(arn) {
                let quota = format!("PoliciesPer{}", owner.name());
                return Err(quota_exceeded(&quota, ATTACHED_PER_OWNER));
            }
            held.attached.insert(arn.to_owned());
            Ok(Tree::empty())
        }
        Verb::Detach => {
            let arn = policy("PolicyArn")?;
            if world.iam_change(call).policies_mut(owner, name)?.attached.remove(arn) {
                Ok(Tree::empty())
            } else {
                Err(no_such_entity(format!("Policy {arn} was not found.")))
            }
        }
        Verb::ListAttached => {
            let seen = world.iam_seen(call);
            let arns = &seen.policies_of(owner, name)?.attached;
            iam_page(call, "AttachedPolicies", arns.iter().map(|arn| (arn.clone(), attached(arn))))
        }
    }
}

/// `CreatePolicy`.
pub(super) fn create(world: &mut World, call: &Call<'_>) -> Result<Tree, Fault> {
    let name = call.parameters.required("PolicyName")?;
    check_name(call, "PolicyName", name, 128)?;
    let (path, document) = (path(call)?, document(call.parameters.required("PolicyDocument")?)?);
    let arn = format!("arn:aws:iam::{}:policy{path}{name}", call.caller.account_id);
    let id = world.random.unique_id("ANPA");
    let iam = world.iam_change(call);
    if iam.policies.values().any(|policy| policy.name.eq_ignore_ascii_case(name)) {
        return Err(already_exists(format!(
            "A policy called {name} already exists. Duplicate names are not allowed."
        )));
    }
    let created_at = whole_second(call.now);
    let policy =
        Arc::new(ManagedPolicy { name: name.to_owned(), id, path, arn: arn.clone(), created_at, document });
    iam.policies.insert(arn, Arc::clone(&policy));
    Ok(Tree::map([("Policy", describe(iam, &policy))]))
}

/// `GetPolicy`.
pub(super) fn get(world: &mut World, call: &Call<'_>) -> Result<Tree, Fault> {
    let (arn, seen) = (call.parameters.required("PolicyArn")?, world.iam_seen(call));
    let policy = match aws_managed::find(arn) {
        Some(policy) => aws_managed::describe(policy, attachments(&seen, arn)),
        None => describe(&seen, seen.policies.get(arn).ok_or_else(|| missing(arn))?),
    };
    Ok(Tree::map([("Policy", policy)]))
}

/// `GetPolicyVersion`. There is one version of every policy here, `v1`.
pub(super) fn get_version(world: &mut World, call: &Call<'_>) -> Result<Tree, Fault> {
    let (arn, seen) = (call.parameters.required("PolicyArn")?, world.iam_seen(call));
    let version = call.parameters.required("VersionId")?;
    let document = seen.managed(arn).ok_or_else(|| missing(arn))?;
    if version != "v1" {
        return Err(no_such_entity(format!(
            "Policy {arn} version {version} does not exist or is not attachable."
        )));
    }
    let created_at = seen.policies.get(arn).map_or(aws_managed::CREATED_AT, |policy| policy.created_at);
    Ok(Tree::map([("PolicyVersion", describe_version(&document.text, created_at))]))
}

/// `ListPolicies`, with `Scope` and `OnlyAttached`.
pub(super) fn list(world: &mut World, call: &Call<'_>) -> Result<Tree, Fault> {
    let seen = world.iam_seen(call);
    let scope = call.parameters.text("Scope").unwrap_or("All");
    call.parameters.one_of("Scope", scope, &["All", "AWS", "Local"])?;
    let own = seen.policies.values().filter(|policy| scope != "AWS" && in_path(call, &policy.path));
    let own = own.map(|policy| (policy.arn.clone(), describe(&seen, policy)));
    let aws = aws_managed::ALL.iter().filter(|_| scope != "Local");
    let aws =
        aws.map(|policy| (policy.arn(), aws_managed::describe(policy, attachments(&seen, &policy.arn()))));
    let only_attached = call.parameters.flag("OnlyAttached");
    let mut rows = own.chain(aws).collect::<Vec<_>>();
    rows.retain(|(_, policy)| !only_attached || policy.integer("AttachmentCount") != Some(0));
    rows.sort_by(|(left, _), (right, _)| left.cmp(right));
    iam_page(call, "Policies", rows)
}

/// `ListEntitiesForPolicy`: the users, groups and roles that a policy is attached to. One page counts all three.
pub(super) fn list_entities(world: &mut World, call: &Call<'_>) -> Result<Tree, Fault> {
    let (arn, seen) = (call.parameters.required("PolicyArn")?, world.iam_seen(call));
    if seen.managed(arn).is_none() {
        return Err(missing(arn));
    }
    let has = |held: &Policies| held.attached.contains(arn);
    let entity = |owner: Owner, name: &str, id: &str| {
        let member = format!("{}Id", owner.name());
        let shown = Tree::map([(owner.member(), name.into()), (member.as_str(), id.into())]);
        (format!("{}/{name}", owner.name()), (owner, shown))
    };
    let groups = seen.groups.values().filter(|group| has(&group.policies));
    let roles = seen.roles.values().filter(|role| has(&role.policies));
    let users = seen.users.values().filter(|user| has(&user.policies));
    let rows = groups
        .map(|group| entity(Owner::Group, &group.name, &group.id))
        .chain(roles.map(|role| entity(Owner::Role, &role.name, &role.id)))
        .chain(users.map(|user| entity(Owner::User, user.name.as_str(), user.id.as_str())));
    let page = page_of(call, rows)?;
    let of = |wanted: Owner| {
        let entities = page.items.iter().filter(|(owner, _)| *owner == wanted);
        Tree::List(entities.map(|(_, shown)| shown.clone()).collect())
    };
    Ok(Tree::map([
        ("PolicyGroups", of(Owner::Group)),
        ("PolicyRoles", of(Owner::Role)),
        ("PolicyUsers", of(Owner::User)),
        ("IsTruncated", page.next.is_some().into()),
    ])
    .with("Marker", page.next))
}

/// `DeletePolicy`.
pub(super) fn delete(world: &mut World, call: &Call<'_>) -> Result<Tree, Fault> {
    let arn = call.parameters.required("PolicyArn")?;
    let iam = world.iam_change(call);
    if !iam.policies.contains_key(arn) {
        return Err(missing(arn));
    }
    if attachments(iam, arn) > 0 {
        return Err(Fault::refused("DeleteConflict", 409, "Cannot delete a policy attached to entities."));
    }
    iam.policies.remove(arn);
    Ok(Tree::empty())
}

/// A customer managed policy as `GetPolicy` and the listings show it.
pub(super) fn describe(iam: &IamState, policy: &ManagedPolicy) -> Tree {
    Tree::map([
        ("PolicyName", (&policy.name).into()),
        ("PolicyId", (&policy.id).into()),
        ("Arn", (&policy.arn).into()),
        ("Path", (&policy.path).into()),
        ("DefaultVersionId", "v1".into()),
        ("AttachmentCount", attachments(iam, &policy.arn).into()),
        ("PermissionsBoundaryUsageCount", 0.into()),
        ("IsAttachable", true.into()),
        ("CreateDate", policy.created_at.into()),
        ("UpdateDate", policy.created_at.into()),
    ])
}

/// The one version of a policy.
pub(super) fn describe_version(document: &str, created_at: jiff::Timestamp) -> Tree {
    Tree::map([
        ("Document", url_encoded(document)),
        ("VersionId", "v1".into()),
        ("IsDefaultVersion", true.into()),
        ("CreateDate", created_at.into()),
    ])
}

/// How many users, groups and roles the policy is attached to.
pub(super) fn attachments(iam: &IamState, arn: &str) -> i64 {
    let users = iam.users.values().map(|user| &user.policies);
    let groups = iam.groups.values().map(|group| &group.policies);
    let roles = iam.roles.values().map(|role| &role.policies);
    let held = users.chain(groups).chain(roles).filter(|policies| policies.attached.contains(arn));
    i64::try_from(held.count()).unwrap_or(i64::MAX)
}

/// An attached policy: its name is the end of its ARN.
pub(super) fn attached(arn: &str) -> Tree {
    let name = arn.rsplit('/').next().unwrap_or(arn);
    Tree::map([("PolicyArn", arn.into()), ("PolicyName", name.into())])
}

/// The ARN of a policy of the account.
pub(crate) fn local_arn(account: AccountId, name: &str) -> String {
    format!("arn:aws:iam::{account}:policy/{name}")
}

impl Owner {
    const fn name(self) -> &'static str {
        match self {
            Self::User => "User",
            Self::Group => "Group",
            Self::Role => "Role",
        }
    }

    const fn member(self) -> &'static str {
        match self {
            Self::User => "UserName",
            Self::Group => "GroupName",
            Self::Role => "RoleName",
        }
    }

    /// How many characters, white space not counted, all inline policies together can have.
    const fn inline_limit(self) -> usize {
        match self {
            Self::User => 2_048,
            Self::Group => 5_120,
            Self::Role => 10_240,
        }
    }
}

impl IamState {
    fn policies_of(&self, owner: Owner, name: &str) -> Result<&Policies, Fault> {
        let found = match owner {
            Owner::User => {
                name.parse().ok().and_then(|name| self.users.get(&name)).map(|user| &user.policies)
            }
            Owner::Group => self.groups.get(name).map(|group| &group.policies),
            Owner::Role => self.roles.get(name).map(|role| &role.policies),
        };
        found.ok_or_else(|| missing_owner(owner, name))
    }

    fn policies_mut(&mut self, owner: Owner, name: &str) -> Result<&mut Policies, Fault> {
        let found = match owner {
            Owner::User => {
                let user = name.parse().ok().and_then(|name| self.users.get_mut(&name));
                user.map(|user| &mut Arc::make_mut(user).policies)
            }
            Owner::Group => self.groups.get_mut(name).map(|group| &mut Arc::make_mut(group).policies),
            Owner::Role => self.roles.get_mut(name).map(|role| &mut Arc::make_mut(role).policies),
        };
        found.ok_or_else(|| missing_owner(owner, name))
    }
}

fn missing_owner(owner: Owner, name: &str) -> Fault {
    no_such_entity(format!("The {} with name {name} cannot be found.", owner.name().to_ascii_lowercase()))
}

fn missing_inline(owner: Owner, name: &str) -> Fault {
    let kind = owner.name().to_ascii_lowercase();
    no_such_entity(format!("The {kind} policy with name {name} cannot be found."))
}

fn missing(arn: &str) -> Fault {
    no_such_entity(format!("Policy {arn} was not found."))
}
