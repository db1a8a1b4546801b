//! Where the new key of a rotation goes, as data. The code that writes there lives elsewhere.

mod field;
mod kind;
mod ses;
mod value;

use std::fmt;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

pub use field::{Field, FieldKind, Kind};
pub use kind::*;
pub use value::{InvalidValue, ValueTemplate, Values};

/// One place that holds the access key of one user, with all templates filled in. It is recorded in the
/// rotation's log, so that a later run writes to the same place whatever the configuration says by then.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "type", rename_all = "kebab-case")]
pub enum DestinationSpec {
    /// A secret in AWS Secrets Manager.
    SecretsManager(SecretsManager),
    /// A SecureString in the Parameter Store of AWS Systems Manager.
    SsmParameter(SsmParameter),
    /// Secrets of GitHub Actions: of a repository, of one of its environments, or of an organization.
    GithubActions(GithubActions),
    /// CI/CD variables of GitLab: of a project or a group.
    GitlabVariables(GitlabVariables),
    /// A Secret of Kubernetes.
    KubernetesSecret(KubernetesSecret),
    /// A secret of the key-value engine, version 2, of HashiCorp Vault or OpenBao.
    VaultKv(VaultKv),
    /// Variables of a workspace or a variable set of HCP Terraform.
    HcpTerraform(HcpTerraform),
    /// Environment variables of a CircleCI context.
    CircleciContext(CircleciContext),
    /// Variables of Bitbucket Pipelines.
    BitbucketVariables(BitbucketVariables),
    /// A profile in an AWS shared credentials file.
    CredentialsFile(CredentialsFile),
    /// Lines of a dotenv file.
    DotenvFile(DotenvFile),
    /// A file encrypted to one or more age recipients.
    AgeFile(AgeFile),
    /// A program on this machine, spoken to in JSON on its standard input.
    Exec(Exec),
    /// An HTTPS endpoint, spoken to in signed JSON.
    Webhook(Webhook),
}

impl DestinationSpec {
    /// Whether the place gives back the secrets that were written to it. Of others only a mark can be read
    /// that says which key was written last.
    pub fn gives_secrets_back(&self) -> bool {
        match self {
            // Those whose values are made of a pair that cannot be read from them keep it beside them.
            Self::SecretsManager(_)
            | Self::SsmParameter(_)
            | Self::KubernetesSecret(_)
            | Self::VaultKv(_)
            | Self::CredentialsFile(_)
            | Self::DotenvFile(_)
            | Self::AgeFile(_) => true,
            Self::GitlabVariables(GitlabVariables { values, .. }) => values.holds_whole_pair(),
            Self::GithubActions(_)
            | Self::HcpTerraform(_)
            | Self::CircleciContext(_)
            | Self::BitbucketVariables(_)
            | Self::Exec(_)
            | Self::Webhook(_) => false,
        }
    }
}

/// The short form, used as the destination's name in logs, plans and messages.
impl fmt::Display for DestinationSpec {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::SecretsManager(place) => write!(f, "secrets-manager:{place}"),
            Self::SsmParameter(place) => write!(f, "ssm-parameter:{place}"),
            Self::GithubActions(place) => write!(f, "github-actions:{place}"),
            Self::GitlabVariables(place) => write!(f, "gitlab-variables:{place}"),
            Self::KubernetesSecret(place) => write!(f, "kubernetes-secret:{place}"),
            Self::VaultKv(place) => write!(f, "vault-kv:{place}"),
            Self::HcpTerraform(place) => write!(f, "hcp-terraform:{place}"),
            Self::CircleciContext(place) => write!(f, "circleci-context:{place}"),
            Self::BitbucketVariables(place) => write!(f, "bitbucket-variables:{place}"),
            Self::CredentialsFile(place) => write!(f, "credentials-file:{place}"),
            Self::DotenvFile(place) => write!(f, "dotenv-file:{place}"),
            Self::AgeFile(place) => write!(f, "age-file:{place}"),
            Self::Exec(place) => write!(f, "exec:{place}"),
            Self::Webhook(place) => write!(f, "webhook:{place}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn spec(fields: serde_json::Value) -> DestinationSpec {
        serde_json::from_value(fields).unwrap()
    }

    /// A kind that is said to give back what it does not would leave a rotation without a copy to go on from.
    #[test]
    fn every_kind_says_whether_it_gives_secrets_back() {
        let smtp = serde_json::json!({ "P": "{ses_smtp_password:eu-west-1}" });
        for (fields, expected) in [
            (serde_json::json!({ "type": "secrets-manager", "name": "a" }), true),
            (serde_json::json!({ "type": "ssm-parameter", "name": "a" }), true),
            (serde_json::json!({ "type": "github-actions", "repository": "a/b" }), false),
            (serde_json::json!({ "type": "gitlab-variables", "project": "a/b" }), true),
            (serde_json::json!({ "type": "gitlab-variables", "project": "a/b", "values": smtp }), false),
            (serde_json::json!({ "type": "kubernetes-secret", "name": "a" }), true),
            (serde_json::json!({ "type": "kubernetes-secret", "name": "a", "values": smtp }), true),
            (serde_json::json!({ "type": "vault-kv", "path": "a" }), true),
            (serde_json::json!({ "type": "vault-kv", "path": "a", "values": smtp }), true),
            (serde_json::json!({ "type": "hcp-terraform", "variable_set": "varset-1" }), false),
            (serde_json::json!({ "type": "circleci-context", "context_id": "a" }), false),
            (serde_json::json!({ "type": "bitbucket-variables", "workspace": "a" }), false),
            (serde_json::json!({ "type": "credentials-file", "path": "a", "profile": "b" }), true),
            (serde_json::json!({ "type": "dotenv-file", "path": "a" }), true),
            (serde_json::json!({ "type": "dotenv-file", "path": "a", "values": smtp }), true),
            (
                serde_json::json!({ "type": "age-file", "path": "a", "recipients": ["b"], "identity": "c" }),
                true,
            ),
            (serde_json::json!({ "type": "exec", "name": "a", "command": ["b"] }), false),
            (
                serde_json::json!({ "type": "webhook", "name": "a", "url": "b", "signing_secret": { "env": "C" } }),
                false,
            ),
        ] {
            let spec = spec(fields);
            assert_eq!(spec.gives_secrets_back(), expected, "{spec}");
        }
    }
}
