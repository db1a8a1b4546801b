//! The resource policies of secrets. What one allows to other accounts is not simulated; what it denies is.

use rotakey_iam_policy::{
    Decision, Effect, PolicyDocument, Principal as PolicyPrincipal, PrincipalPattern,
    Request as PolicyRequest, Scope, Statement, evaluate,
};

use super::secret_mut;
use crate::api::{Fault, Tree};
use crate::world::World;
use crate::world::account::Call;
use crate::world::authorization::context;
use crate::world::iam::Document;

/// The longest policy, in characters.
const LONGEST: usize = 20_480;

/// `PutResourcePolicy`. A policy that gives the secret to everyone is refused where `BlockPublicPolicy` asks so.
pub(super) fn put(world: &mut World, call: &Call<'_>) -> Result<Tree, Fault> {
    let text = call.parameters.required("ResourcePolicy")?;
    let malformed = |why: String| Fault::refused("MalformedPolicyDocumentException", 400, why);
    if text.is_empty() || text.len() > LONGEST {
        return Err(malformed(format!("The policy must have 1 to {LONGEST} characters.")));
    }
    let policy = Document::parse(text).map_err(|error| malformed(error.to_string()))?;
    if policy.parsed.statements.iter().any(|statement| statement.principals.is_none()) {
        return Err(malformed("This resource policy contains a statement without a principal.".to_owned()));
    }
    if call.parameters.flag("BlockPublicPolicy") && is_public(&policy.parsed) {
        let message = "The resource policy grants broad access to the secret.";
        return Err(Fault::refused("PublicPolicyException", 400, message));
    }
    let secret = secret_mut(world, call)?;
    secret.policy = Some(policy);
    Ok(secret.identity(None))
}

/// `GetResourcePolicy`.
pub(super) fn get(world: &mut World, call: &Call<'_>) -> Result<Tree, Fault> {
    let secret = secret_mut(world, call)?;
    let text = secret.policy.as_ref().map(|policy| policy.text.to_string());
    Ok(secret.identity(None).with("ResourcePolicy", text))
}

/// `DeleteResourcePolicy`.
pub(super) fn delete(world: &mut World, call: &Call<'_>) -> Result<Tree, Fault> {
    let secret = secret_mut(world, call)?;
    secret.policy = None;
    Ok(secret.identity(None))
}

/// Whether the policy of the secret at that ARN forbids the call.
pub(crate) fn forbids(world: &World, call: &Call<'_>, action: &str, arn: &str) -> bool {
    let account = world.account(call);
    let secret = account.secrets.values().find(|secret| secret.arn == arn);
    let Some(policy) = secret.and_then(|secret| secret.policy.as_ref()) else { return false };
    let context = context(world, call, account);
    let principal =
        Some(PolicyPrincipal::Aws { arn: &call.caller.arn, role_arn: call.caller.role_arn.as_deref() });
    let request = PolicyRequest { action, resource: arn, principal, context: &context };
    evaluate(&request, [policy.parsed.as_ref()]) == Decision::ExplicitlyDenied
}

/// Whether a statement gives something to everyone. AWS takes some conditions for a limit; here none is one.
fn is_public(policy: &PolicyDocument) -> bool {
    let to_everyone = |statement: &Statement| match &statement.principals {
        Some(Scope::Only(patterns)) => patterns.contains(&PrincipalPattern::Anyone),
        _ => true,
    };
    policy.statements.iter().any(|statement| statement.effect == Effect::Allow && to_everyone(statement))
}
