//! AWS Security Token Service.

use std::time::Duration;

use jiff::Timestamp;
use rotakey_core::id::{AccessKeyId, AccountId};
use rotakey_core::secret::Secret;
use rotakey_iam_policy::{Decision, Principal as PolicyPrincipal, Request as PolicyRequest, evaluate};

use crate::api::{Fault, Tree};
use crate::world::World;
use crate::world::account::Call;
use crate::world::authorization::{context, decide, denied, refused};
use crate::world::iam::Role;
use crate::world::keyring::{Principal, Session};

/// Does one call of STS.
pub(crate) fn handle(world: &mut World, call: &Call<'_>) -> Result<Tree, Fault> {
    match call.action() {
        "GetCallerIdentity" => Ok(caller_identity(call)),
        "GetAccessKeyInfo" => access_key_info(call),
        "GetSessionToken" => session_token(world, call),
        "AssumeRole" => assume_role(world, call),
        action => Err(Fault::unknown_operation(call.service(), action)),
    }
}

/// `GetCallerIdentity`: needs no permission.
fn caller_identity(call: &Call<'_>) -> Tree {
    Tree::map([
        ("Account", call.caller.account_id.to_string().into()),
        ("Arn", (&call.caller.arn).into()),
        ("UserId", (&call.caller.unique_id).into()),
    ])
}

/// `GetAccessKeyInfo`: the account that is encoded in a key id, whether there is such a key or not.
fn access_key_info(call: &Call<'_>) -> Result<Tree, Fault> {
    let text = call.parameters.required("AccessKeyId")?;
    let id: Option<AccessKeyId> = text.parse().ok();
    match id.and_then(|id| id.account_id()) {
        Some(account) => Ok(Tree::map([("Account", account.to_string().into())])),
        None => Err(call.parameters.constraint(text, "AccessKeyId", "Member must be an access key id")),
    }
}

/// `GetSessionToken`: temporary credentials of the same user, for 15 minutes to 36 hours (root: one hour).
fn session_token(world: &mut World, call: &Call<'_>) -> Result<Tree, Fault> {
    if call.caller.session_since.is_some() {
        let message = "Cannot call GetSessionToken with session credentials";
        return Err(Fault::refused("AccessDenied", 403, message));
    }
    let seconds = call.parameters.integer("DurationSeconds", 900, 129_600)?.unwrap_or(43_200);
    let longest = if call.caller.principal == Principal::Root { 3_600 } else { 129_600 };
    let lifetime = Duration::from_secs(seconds.min(longest).unsigned_abs());
    let (account, principal) = (call.caller.account_id, call.caller.principal.clone());
    Ok(Tree::map([("Credentials", issue(world, account, principal, lifetime))]))
}

/// `AssumeRole`: the role's trust policy and the caller's own policies must both allow it. In the role's own
/// account it is enough that the trust policy names the caller itself.
fn assume_role(world: &mut World, call: &Call<'_>) -> Result<Tree, Fault> {
    let arn = call.parameters.required("RoleArn")?;
    let session = call.parameters.required("RoleSessionName")?;
    let legal = |letter: char| letter.is_ascii_alphanumeric() || "_+=,.@-".contains(letter);
    call.parameters.check_text("RoleSessionName", session, 64, legal)?;
    if session.len() < 2 {
        let constraint = "Member must have length greater than or equal to 2";
        return Err(call.parameters.constraint(session, "RoleSessionName", constraint));
    }
    if let Some(external_id) = call.parameters.text("ExternalId") {
        let legal = |letter: char| letter.is_ascii_alphanumeric() || "_+=,.@:/-".contains(letter);
        call.parameters.check_text("ExternalId", external_id, 1_224, legal)?;
    }
    let seconds = call.parameters.integer("DurationSeconds", 900, 43_200)?.unwrap_or(3_600).unsigned_abs();
    if call.caller.principal == Principal::Root {
        return Err(Fault::refused("AccessDenied", 403, "Roles may not be assumed by root accounts."));
    }

    // A role that does not exist is refused in the same words as one that does not trust the caller.
    let (account, role) = find_role(world, arn).ok_or_else(|| denied(call, arn))?;
    let own = decide(world, call, "sts:AssumeRole", arn);
    if own == Decision::ExplicitlyDenied {
        return Err(refused(call, arn, "with an explicit deny in an identity-based policy"));
    }
    let named_here = account == call.caller.account_id && trusts(world, call, &role, arn, Trust::ByName);
    if !trusts(world, call, &role, arn, Trust::InAnyWay) || !(own == Decision::Allowed || named_here) {
        return Err(denied(call, arn));
    }
    if seconds > role.max_session.as_secs() {
        let message = "The requested DurationSeconds exceeds the MaxSessionDuration set for this role.";
        return Err(call.parameters.invalid(message.to_owned()));
    }
    if seconds > 3_600 && matches!(call.caller.principal, Principal::AssumedRole { .. }) {
        let message = "The requested DurationSeconds exceeds the 1 hour session limit for roles assumed by role \
                       chaining.";
        return Err(call.parameters.invalid(message.to_owned()));
    }
    let principal = Principal::AssumedRole {
        role: role.name.clone(),
        role_id: role.id.clone(),
        session: session.to_owned(),
    };
    let user = Tree::map([
        ("AssumedRoleId", format!("{}:{session}", role.id).into()),
        ("Arn", format!("arn:aws:sts::{account}:assumed-role/{}/{session}", role.name).into()),
    ]);
    let credentials = issue(world, account, principal, Duration::from_secs(seconds));
    Ok(Tree::map([("Credentials", credentials), ("AssumedRoleUser", user)]))
}

/// How a trust policy must speak of the caller.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Trust {
    /// By its own ARN.
    ByName,
    /// By its ARN or by its account.
    InAnyWay,
}

fn trusts(world: &World, call: &Call<'_>, role: &Role, role_arn: &str, how: Trust) -> bool {
    let context = context(world, call, world.account(call));
    let session = call.parameters.text("RoleSessionName").unwrap_or_default();
    let context = context.with("sts:RoleSessionName", session);
    let context = match call.parameters.text("ExternalId") {
        Some(external_id) => context.with("sts:ExternalId", external_id),
        None => context,
    };
    let mut trust = role.trust.parsed.as_ref().clone();
    if how == Trust::ByName {
        trust.statements.retain(|statement| names(statement, &call.caller.arn));
    }
    let principal =
        Some(PolicyPrincipal::Aws { arn: &call.caller.arn, role_arn: call.caller.role_arn.as_deref() });
    let request =
        PolicyRequest { action: "sts:AssumeRole", resource: role_arn, principal, context: &context };
    evaluate(&request, [&trust]).is_allowed()
}

fn names(statement: &rotakey_iam_policy::Statement, arn: &str) -> bool {
    use rotakey_iam_policy::{PrincipalPattern, Scope};
    match &statement.principals {
        Some(Scope::Only(patterns)) => {
            patterns.iter().any(|pattern| matches!(pattern, PrincipalPattern::Aws(named) if named == arn))
        }
        _ => false,
    }
}

fn find_role(world: &World, arn: &str) -> Option<(AccountId, Role)> {
    let account = arn.split(':').nth(4)?.parse().ok()?;
    let name = arn.rsplit('/').next()?;
    let home = world.accounts.get(&account).filter(|account| !account.suspended)?;
    let role = home.iam.present().roles.get(name)?;
    (role.arn(account) == arn).then(|| (account, role.as_ref().clone()))
}

/// Makes temporary credentials, which work at once.
fn issue(world: &mut World, account: AccountId, principal: Principal, lifetime: Duration) -> Tree {
    let random = &mut world.random;
    let (id, secret) = (random.access_key_id("ASIA", account), random.secret_access_key());
    let token = Secret::new(format!("IQoJb3JpZ2luX2Vj{}==", random.base64(342)));
    let expires_at = end(world.now, lifetime);
    let shown = Tree::map([
        ("AccessKeyId", id.as_str().into()),
        ("SecretAccessKey", secret.expose().into()),
        ("SessionToken", token.expose().into()),
        ("Expiration", expires_at.into()),
    ]);
    let issued_at = world.now;
    world.keyring.add_session(&id, account, principal, secret, Session { token, issued_at, expires_at });
    shown
}

/// The whole second at which a session that begins now ends.
fn end(now: Timestamp, lifetime: Duration) -> Timestamp {
    crate::world::iam::whole_second(now + lifetime)
}
