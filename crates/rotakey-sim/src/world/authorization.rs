//! Whether the caller may: identity policies, judged by `rotakey-iam-policy`.

use std::sync::Arc;

use rotakey_core::id::AccountId;
use rotakey_iam_policy::{Context, Decision, PolicyDocument, Request as PolicyRequest, evaluate};

use crate::api::{Fault, Protocol, Service};
use crate::world::account::{Account, Call, Caller};
use crate::world::iam::{self, IamState, Policies};
use crate::world::keyring::Principal;
use crate::world::{World, cloudtrail, organizations, secrets_manager, ssm, workload};

/// Refuses the call unless the caller's identity policies allow it. `AssumeRole` is judged by its handler,
/// because the role has a say in it too.
pub(crate) fn authorize(world: &World, call: &Call<'_>) -> Result<(), Fault> {
    let unguarded = ["GetCallerIdentity", "GetSessionToken", "AssumeRole"];
    if call.service() == Service::Sts && unguarded.contains(&call.action()) {
        return Ok(());
    }
    // A call that names several parameters needs the permission for each.
    let resources = match call.parameters.texts("Names").as_slice() {
        names if call.service() == Service::Ssm && names.len() > 1 => ssm::resources(call, names),
        _ => vec![resource(world, call)],
    };
    let actions: Vec<_> = [policy_action(call)].into_iter().chain(tagging(call)).collect();
    for (resource, action) in
        resources.iter().flat_map(|resource| actions.iter().map(move |action| (resource, action)))
    {
        match decide(world, call, action, resource) {
            Decision::Allowed => {}
            Decision::ImplicitlyDenied => {
                let reason = format!("because no identity-based policy allows the {action} action");
                return Err(refused_to(call, action, resource, &reason));
            }
            Decision::ExplicitlyDenied => {
                let reason = "with an explicit deny in an identity-based policy";
                return Err(refused_to(call, action, resource, reason));
            }
        }
        if call.service() == Service::SecretsManager
            && secrets_manager::forbids(world, call, action, resource)
        {
            return Err(refused_to(
                call,
                action,
                resource,
                "with an explicit deny in a resource-based policy",
            ));
        }
    }
    Ok(())
}

/// What a call that makes something with tags must be allowed, too.
fn tagging(call: &Call<'_>) -> Option<String> {
    call.parameters.tree.get("Tags")?;
    let action = match (call.service(), call.action()) {
        (Service::SecretsManager, "CreateSecret") => "secretsmanager:TagResource",
        (Service::Ssm, "PutParameter") => "ssm:AddTagsToResource",
        (Service::Iam, "CreateUser") => "iam:TagUser",
        (Service::Iam, "CreateRole") => "iam:TagRole",
        (Service::Iam, "CreatePolicy") => "iam:TagPolicy",
        _ => return None,
    };
    Some(action.to_owned())
}

/// What the caller's own policies say. The root user has none and may everything.
pub(crate) fn decide(world: &World, call: &Call<'_>, action: &str, resource: &str) -> Decision {
    if call.caller.principal == Principal::Root {
        return Decision::Allowed;
    }
    let account = world.account(call);
    let mut context = context(world, call, account);
    if let Some(owner) = resource.split(':').nth(4).filter(|owner| !owner.is_empty()) {
        context = context.with("aws:ResourceAccount", owner);
        // All accounts of the world are in the one organization.
        if owner.parse().is_ok_and(|owner: AccountId| world.accounts.contains_key(&owner)) {
            context = context.with("aws:ResourceOrgID", world.organization.id());
        }
    }
    let request = PolicyRequest { action, resource, principal: None, context: &context };
    let policies = identity_policies(&call.caller, account.iam.present());
    evaluate(&request, policies.iter().map(AsRef::as_ref))
}

/// The refusal of a call that no policy allows.
pub(crate) fn denied(call: &Call<'_>, resource: &str) -> Fault {
    let action = policy_action(call);
    refused(call, resource, &format!("because no identity-based policy allows the {action} action"))
}

/// The refusal of a call, with the reason that AWS gives.
pub(crate) fn refused(call: &Call<'_>, resource: &str, reason: &str) -> Fault {
    refused_to(call, &policy_action(call), resource, reason)
}

fn refused_to(call: &Call<'_>, action: &str, resource: &str, reason: &str) -> Fault {
    let caller = &call.caller.arn;
    let on = if resource == "*" { String::new() } else { format!(" on resource: {resource}") };
    let message = format!("User: {caller} is not authorized to perform: {action}{on} {reason}");
    match call.service().protocol() {
        Protocol::Query | Protocol::RestXml => Fault::refused("AccessDenied", 403, message),
        Protocol::Json => Fault::refused("AccessDeniedException", 400, message),
        Protocol::Ec2Query => Fault::refused("UnauthorizedOperation", 403, message),
    }
}

/// The values of the global condition keys.
pub(crate) fn context(world: &World, call: &Call<'_>, account: &Account) -> Context {
    let caller = &call.caller;
    let mut context = Context::new()
        .with("aws:CurrentTime", call.now.to_string())
        .with("aws:EpochTime", call.now.as_second().to_string())
        .with("aws:PrincipalAccount", caller.account_id.to_string())
        .with("aws:PrincipalOrgID", world.organization.id())
        .with("aws:PrincipalArn", caller.role_arn.as_ref().unwrap_or(&caller.arn))
        .with("aws:RequestedRegion", &call.request.region)
        .with("aws:SecureTransport", "true")
        .with("aws:SourceIp", &call.request.source_ip)
        .with("aws:UserAgent", &call.request.user_agent)
        .with("aws:userid", &caller.unique_id);
    if let Some(issued) = caller.session_since {
        context = context
            .with("aws:MultiFactorAuthPresent", "false")
            .with("aws:TokenIssueTime", issued.to_string());
    }
    let (kind, tags) = match &caller.principal {
        Principal::Root => ("Account", None),
        Principal::User { name, .. } => {
            context = context.with("aws:username", name.as_str());
            ("User", caller.user(account.iam.present()).map(|user| &user.tags))
        }
        Principal::AssumedRole { role, .. } => {
            ("AssumedRole", account.iam.present().roles.get(role).map(|role| &role.tags))
        }
    };
    for (key, value) in tags.into_iter().flatten() {
        context = context.with(&format!("aws:PrincipalTag/{key}"), value);
    }
    context.with("aws:PrincipalType", kind)
}

/// The ARN of what the call acts on; `*` where it acts on nothing in particular.
pub(crate) fn resource(world: &World, call: &Call<'_>) -> String {
    match call.service() {
        Service::Iam => iam::resource(world, call),
        Service::SecretsManager => secrets_manager::resource(world, call),
        Service::Ssm => ssm::resource(call),
        Service::Organizations => organizations::resource(world, call),
        Service::CloudTrail => cloudtrail::resource(call),
        // "To retrieve information about composite alarms, your cloudwatch:DescribeAlarms permission must have a *
        // scope", says the permissions reference of CloudWatch; here it must for all.
        Service::CloudWatch => "*".to_owned(),
        Service::S3 | Service::DynamoDb | Service::Sqs | Service::Ec2 => workload::resource(call),
        Service::Sts => call.parameters.text("RoleArn").unwrap_or("*").to_owned(),
    }
}

/// The action as policies write it: `iam:CreateAccessKey`.
fn policy_action(call: &Call<'_>) -> String {
    let name = match (call.service(), call.action()) {
        (Service::S3, "ListBuckets") => "ListAllMyBuckets",
        (_, action) => action,
    };
    format!("{}:{name}", call.service().action_prefix())
}

fn identity_policies(caller: &Caller, iam: &IamState) -> Vec<Arc<PolicyDocument>> {
    let holders: Vec<&Policies> = match &caller.principal {
        Principal::Root => Vec::new(),
        Principal::User { .. } => caller.user(iam).map_or_else(Vec::new, |user| {
            let groups = user.groups.iter().filter_map(|name| iam.groups.get(name));
            groups.map(|group| &group.policies).chain([&user.policies]).collect()
        }),
        Principal::AssumedRole { role, .. } => {
            iam.roles.get(role).map(|role| &role.policies).into_iter().collect()
        }
    };
    let inline =
        holders.iter().flat_map(|held| held.inline.values()).map(|policy| Arc::clone(&policy.parsed));
    let attached = holders.iter().flat_map(|held| &held.attached);
    inline.chain(attached.filter_map(|arn| iam.managed(arn)).map(|policy| policy.parsed)).collect()
}
