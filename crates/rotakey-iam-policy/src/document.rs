//! What a policy document says, as data.

use crate::condition::Condition;

/// A policy document: identity policy, resource policy or trust policy.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PolicyDocument {
    /// The version of the policy language.
    pub version: Version,
    /// The `Id` element.
    pub id: Option<String>,
    /// The statements, in the order of the document.
    pub statements: Vec<Statement>,
}

/// A version of the policy language.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Version {
    /// `2008-10-17`, also what a document without a `Version` has. `${…}` stands for itself.
    V2008,
    /// `2012-10-17`. `${…}` is a policy variable.
    V2012,
}

/// One statement.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Statement {
    /// The `Sid` element.
    pub sid: Option<String>,
    /// Whether the statement grants or forbids.
    pub effect: Effect,
    /// `Principal` or `NotPrincipal`; absent in identity policies.
    pub principals: Option<Scope<PrincipalPattern>>,
    /// `Action` or `NotAction`: patterns such as `iam:Get*`, compared without regard to case.
    pub actions: Scope<String>,
    /// `Resource` or `NotResource`: ARN patterns; absent in trust policies.
    pub resources: Option<Scope<String>>,
    /// The conditions, all of which must be met.
    pub conditions: Vec<Condition>,
}

/// Whether a statement grants or forbids.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Effect {
    /// The statement grants.
    Allow,
    /// The statement forbids, whatever else grants.
    Deny,
}

/// An element with its negated form: `Action` and `NotAction`, `Resource` and `NotResource`, `Principal` and
/// `NotPrincipal`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Scope<T> {
    /// What any of the entries matches.
    Only(Vec<T>),
    /// What none of the entries matches.
    AllBut(Vec<T>),
}

impl<T> Scope<T> {
    /// Whether something is in scope, given whether it matches an entry.
    pub fn holds(&self, matches: impl FnMut(&T) -> bool) -> bool {
        match self {
            Self::Only(entries) => entries.iter().any(matches),
            Self::AllBut(entries) => !entries.iter().any(matches),
        }
    }
}

/// One entry of a `Principal` or `NotPrincipal` element.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PrincipalPattern {
    /// `"*"` or `{"AWS": "*"}`.
    Anyone,
    /// `{"AWS": …}`: an account id, or the ARN of an account's root, a user, a role or a session.
    Aws(String),
    /// `{"Service": …}`, such as `ec2.amazonaws.com`.
    Service(String),
    /// `{"Federated": …}`: the ARN or the host name of an identity provider.
    Federated(String),
    /// `{"CanonicalUser": …}`, which Amazon S3 alone uses.
    CanonicalUser(String),
}
