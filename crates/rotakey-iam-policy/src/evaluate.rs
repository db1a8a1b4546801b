//! Whether policies let a request through.

use std::collections::BTreeMap;

use crate::document::{Effect, PolicyDocument, Statement, Version};
use crate::pattern::Pattern;
use crate::principal::Principal;

/// One request to AWS.
#[derive(Debug, Clone, Copy)]
pub struct Request<'a> {
    /// The action, such as `iam:CreateAccessKey`; its case does not matter.
    pub action: &'a str,
    /// The ARN of what is acted on; `*` for actions that have no resource.
    pub resource: &'a str,
    /// Who asks. Only needed for policies with a `Principal`; without it none of their statements grants.
    pub principal: Option<Principal<'a>>,
    /// What conditions and policy variables can ask about.
    pub context: &'a Context,
}

/// The values of condition keys. Keys are compared without regard to case.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Context(BTreeMap<String, Vec<String>>);

impl Context {
    /// A context without any key.
    pub fn new() -> Self {
        Self::default()
    }

    /// The context with a key of one value.
    #[must_use]
    pub fn with(self, key: &str, value: impl Into<String>) -> Self {
        self.with_all(key, [value])
    }

    /// The context with a key of several values, such as `aws:TagKeys`.
    #[must_use]
    pub fn with_all<T: Into<String>>(mut self, key: &str, values: impl IntoIterator<Item = T>) -> Self {
        self.0.insert(key.to_ascii_lowercase(), values.into_iter().map(Into::into).collect());
        self
    }

    /// The values of a key.
    pub fn get(&self, key: &str) -> Option<&[String]> {
        self.0.get(&key.to_ascii_lowercase()).map(Vec::as_slice)
    }
}

/// What policies say of a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Decision {
    /// A statement allows it, and none denies it.
    Allowed,
    /// A statement denies it.
    ExplicitlyDenied,
    /// No statement speaks of it.
    ImplicitlyDenied,
}

impl Decision {
    /// Whether the request goes through.
    pub fn is_allowed(self) -> bool {
        self == Self::Allowed
    }
}

/// Judges a request by policies of one kind: the identity policies of a user together, or one resource or
/// trust policy. Where AWS wants several kinds to agree, the caller judges by each.
pub fn evaluate<'a>(
    request: &Request<'_>,
    policies: impl IntoIterator<Item = &'a PolicyDocument>,
) -> Decision {
    let mut decision = Decision::ImplicitlyDenied;
    for policy in policies {
        for statement in &policy.statements {
            if statement.applies_to(request, policy.version) {
                match statement.effect {
                    Effect::Deny => return Decision::ExplicitlyDenied,
                    Effect::Allow => decision = Decision::Allowed,
                }
            }
        }
    }
    decision
}

impl Statement {
    fn applies_to(&self, request: &Request<'_>, version: Version) -> bool {
        self.names_principal(request)
            && self.names_action(request.action)
            && self.names_resource(request.resource, version, request.context)
            && self.conditions.iter().all(|condition| {
                condition.is_met(version, request.context).unwrap_or_else(|| self.when_in_doubt())
            })
    }

    /// What an undecidable part of the statement counts as: a doubt never grants and always denies.
    fn when_in_doubt(&self) -> bool {
        self.effect == Effect::Deny
    }

    fn names_principal(&self, request: &Request<'_>) -> bool {
        match (&self.principals, request.principal) {
            // A statement about no principal and no resource is none that AWS would have accepted.
            (None, _) => self.resources.is_some() || self.when_in_doubt(),
            (Some(_), None) => self.when_in_doubt(),
            (Some(principals), Some(asking)) => principals.holds(|pattern| asking.is_meant_by(pattern)),
        }
    }

    pub(crate) fn names_action(&self, action: &str) -> bool {
        let action = action.to_ascii_lowercase();
        self.actions.holds(|pattern| Pattern::wild_lowercase(pattern).matches(&action))
    }

    /// A statement without resources, as in trust policies, is about whatever it is attached to.
    pub(crate) fn names_resource(&self, arn: &str, version: Version, context: &Context) -> bool {
        self.resources.as_ref().is_none_or(|resources| {
            resources.holds(|pattern| {
                Pattern::with_variables(pattern, version, context)
                    .is_some_and(|pattern| pattern.matches_arn(arn))
            })
        })
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn policy(text: &str) -> PolicyDocument {
        PolicyDocument::parse(text).unwrap()
    }

    fn identity(statements: &str) -> PolicyDocument {
        policy(&format!(r#"{{"Version": "2012-10-17", "Statement": [{statements}]}}"#))
    }

    fn decide(policy: &PolicyDocument, action: &str, resource: &str) -> Decision {
        let context = Context::new().with("aws:username", "alice").with("aws:SourceIp", "203.0.113.7");
        evaluate(&Request { action, resource, principal: None, context: &context }, [policy])
    }

    #[test]
    fn identity_policies_decide_as_documented() {
        const ALICE: &str = "arn:aws:iam::111122223333:user/alice";
        const BOB: &str = "arn:aws:iam::111122223333:user/bob";
        use Decision::{Allowed, ExplicitlyDenied, ImplicitlyDenied};
        for (statements, action, resource, expected) in [
            ("", "iam:GetUser", ALICE, ImplicitlyDenied),
            (r#"{"Effect": "Allow", "Action": "*", "Resource": "*"}"#, "iam:GetUser", ALICE, Allowed),
            (r#"{"Effect": "Allow", "Action": "IAM:get*", "Resource": "*"}"#, "iam:GetUser", "*", Allowed),
            (r#"{"Effect": "Allow", "Action": "iam:Ge?User", "Resource": "*"}"#, "iam:GetUser", "*", Allowed),
            (
                r#"{"Effect": "Allow", "NotAction": "iam:*", "Resource": "*"}"#,
                "iam:GetUser",
                "*",
                ImplicitlyDenied,
            ),
            (r#"{"Effect": "Allow", "NotAction": "iam:*", "Resource": "*"}"#, "s3:GetObject", "*", Allowed),
            (
                r#"{"Effect": "Allow", "Action": "iam:*",
                 "Resource": "arn:aws:iam::*:user/${aws:username}"}"#,
                "iam:CreateAccessKey",
                ALICE,
                Allowed,
            ),
            (
                r#"{"Effect": "Allow", "Action": "iam:*",
                 "Resource": "arn:aws:iam::*:user/${aws:username}"}"#,
                "iam:CreateAccessKey",
                BOB,
                ImplicitlyDenied,
            ),
            (
                r#"{"Effect": "Allow", "Action": "*", "Resource": "*"},
                {"Effect": "Deny", "Action": "iam:*",
                 "NotResource": "arn:aws:iam::*:user/${aws:username}"}"#,
                "iam:CreateAccessKey",
                BOB,
                ExplicitlyDenied,
            ),
            (
                r#"{"Effect": "Allow", "Action": "*", "Resource": "*"},
                {"Effect": "Deny", "Action": "*", "Resource": "*",
                 "Condition": {"NotIpAddress": {"aws:SourceIp": "203.0.113.0/24"}}}"#,
                "iam:GetUser",
                "*",
                Allowed,
            ),
            (
                r#"{"Effect": "Allow", "Action": "*", "Resource": "*",
                 "Condition": {"StringResembles": {"aws:username": "alice"}}}"#,
                "iam:GetUser",
                "*",
                ImplicitlyDenied,
            ),
            (
                r#"{"Effect": "Deny", "Action": "*", "Resource": "*",
                 "Condition": {"StringResembles": {"aws:username": "bob"}}}"#,
                "iam:GetUser",
                "*",
                ExplicitlyDenied,
            ),
            (
                r#"{"Effect": "Deny", "Action": "*", "Resource": "*",
                 "Condition": {"StringResembles": {"aws:username": "alice"},
                               "StringEquals": {"aws:username": "bob"}}}"#,
                "iam:GetUser",
                "*",
                ImplicitlyDenied,
            ),
            (r#"{"Effect": "Allow", "Action": "*"}"#, "iam:GetUser", "*", ImplicitlyDenied),
        ] {
            assert_eq!(decide(&identity(statements), action, resource), expected, "{statements} {action}");
        }
    }

    #[test]
    fn a_trust_policy_asks_for_the_principal_and_the_external_id() {
        let trust = policy(
            r#"{"Version": "2012-10-17", "Statement": {"Effect": "Allow",
                "Principal": {"AWS": "arn:aws:iam::111122223333:root"}, "Action": "sts:AssumeRole",
                "Condition": {"StringEquals": {"sts:ExternalId": "7f3c"}}}}"#,
        );
        let decide = |principal, external_id: Option<&str>| {
            let context = match external_id {
                Some(id) => Context::new().with("sts:ExternalId", id),
                None => Context::new(),
            };
            let resource = "arn:aws:iam::444455556666:role/rotakey";
            evaluate(&Request { action: "sts:AssumeRole", resource, principal, context: &context }, [&trust])
        };
        let caller = |arn| Some(Principal::Aws { arn, role_arn: None });
        let ours = caller("arn:aws:iam::111122223333:user/alice");
        assert_eq!(decide(ours, Some("7f3c")), Decision::Allowed);
        assert_eq!(decide(ours, Some("7F3C")), Decision::ImplicitlyDenied);
        assert_eq!(decide(ours, None), Decision::ImplicitlyDenied);
        assert_eq!(decide(None, Some("7f3c")), Decision::ImplicitlyDenied);
        let foreign = caller("arn:aws:iam::999999999999:user/alice");
        assert_eq!(decide(foreign, Some("7f3c")), Decision::ImplicitlyDenied);
    }

    #[test]
    fn a_deny_of_everyone_else_spares_the_named_principal() {
        let trust = policy(
            r#"{"Statement": [
                {"Effect": "Allow", "Principal": "*", "Action": "*"},
                {"Effect": "Deny", "NotPrincipal": {"AWS": "111122223333"}, "Action": "*"}]}"#,
        );
        let decide = |arn| {
            let principal = Some(Principal::Aws { arn, role_arn: None });
            let context = Context::new();
            evaluate(
                &Request { action: "sts:AssumeRole", resource: "*", principal, context: &context },
                [&trust],
            )
        };
        assert_eq!(decide("arn:aws:iam::111122223333:user/alice"), Decision::Allowed);
        assert_eq!(decide("arn:aws:iam::999999999999:user/alice"), Decision::ExplicitlyDenied);
    }

    fn statements() -> impl Strategy<Value = Vec<Statement>> {
        let statement = (
            prop_oneof![Just("Allow"), Just("Deny")],
            prop_oneof![Just("Action"), Just("NotAction")],
            prop_oneof![Just("*"), Just("iam:*"), Just("iam:Get*"), Just("s3:GetObject")],
            prop_oneof![Just("Resource"), Just("NotResource")],
            prop_oneof![
                Just("*"),
                Just("arn:aws:iam::*:user/a"),
                Just("arn:aws:iam::*:user/${aws:username}")
            ],
            prop_oneof![
                Just("{}"),
                Just(r#"{"StringEquals": {"aws:username": "a"}}"#),
                Just(r#"{"StringResembles": {"aws:username": "a"}}"#),
            ],
        )
            .prop_map(|(effect, action, actions, resource, resources, condition)| {
                identity(&format!(
                    r#"{{"Effect": "{effect}", "{action}": "{actions}", "{resource}": "{resources}",
                         "Condition": {condition}}}"#
                ))
                .statements
                .remove(0)
            });
        proptest::collection::vec(statement, 0..5)
    }

    fn decide_all(statements: Vec<Statement>, action: &str, user: &str) -> Decision {
        let context = Context::new().with("aws:username", user);
        let resource = format!("arn:aws:iam::111122223333:user/{user}");
        let policy = PolicyDocument { version: Version::V2012, id: None, statements };
        evaluate(&Request { action, resource: &resource, principal: None, context: &context }, [&policy])
    }

    proptest! {
        #[test]
        fn deny_always_wins(
            mut statements in statements(),
            place in any::<proptest::sample::Index>(),
            user in "[ab]",
        ) {
            let deny = identity(r#"{"Effect": "Deny", "Action": "iam:GetUser", "Resource": "*"}"#);
            let place = place.index(statements.len() + 1);
            statements.splice(place..place, deny.statements);
            prop_assert_eq!(decide_all(statements, "iam:GetUser", &user), Decision::ExplicitlyDenied);
        }

        #[test]
        fn one_more_allow_statement_never_removes_access(
            before in statements(),
            more in statements(),
            user in "[ab]",
        ) {
            let allows = more.into_iter().filter(|statement| statement.effect == Effect::Allow);
            let after = before.iter().cloned().chain(allows).collect();
            for action in ["iam:GetUser", "s3:GetObject"] {
                if decide_all(before.clone(), action, &user).is_allowed() {
                    prop_assert!(decide_all(Vec::clone(&after), action, &user).is_allowed());
                }
            }
        }
    }
}
