//! Each kind of destination: what describes one, and what can be written about it in the configuration.

use std::fmt;
use std::path::PathBuf;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::field::{Field, FieldKind, Kind};
use super::value::Values;

use FieldKind::{Path, Plain, Profile, Text};

/// All kinds, in the order in which they are listed to people.
pub const KINDS: &[Kind] = &[
    SecretsManager::KIND,
    SsmParameter::KIND,
    GithubActions::KIND,
    GitlabVariables::KIND,
    KubernetesSecret::KIND,
    VaultKv::KIND,
    HcpTerraform::KIND,
    CircleciContext::KIND,
    BitbucketVariables::KIND,
    CredentialsFile::KIND,
    DotenvFile::KIND,
    AgeFile::KIND,
    Exec::KIND,
    Webhook::KIND,
];

/// Where rotakey takes a credential of its own from, to write to a destination with. The credential itself is
/// neither in the configuration nor in a log.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum CredentialSource {
    /// The environment variable of that name.
    Env(String),
    /// The content of that file, without white space at its end.
    File(PathBuf),
    /// What that program writes to its standard output, without white space at its end.
    Command(Vec<String>),
}

/// One JSON value `{"AccessKeyId", "SecretAccessKey"}` in AWS Secrets Manager, under the staging labels
/// `AWSPENDING`, `AWSCURRENT` and `AWSPREVIOUS`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[schemars(inline)]
pub struct SecretsManager {
    /// The name of the secret, such as `iam/access-keys/alice`.
    pub name: String,
    /// The region of the secret; that of the configured client if absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub region: Option<String>,
    /// A role to take on for this secret, as for one in another account.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub role_arn: Option<String>,
    /// What the role's trust policy asks for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub external_id: Option<String>,
    /// The KMS key that a new secret is encrypted with: needed to read it from another account.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub kms_key_id: Option<String>,
    /// The regions that the secret is replicated to.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub replicate_to: Vec<String>,
    /// The resource policy of the secret, as JSON text.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub resource_policy: Option<String>,
    /// Further fields of the JSON value, such as `SmtpPassword = "{ses_smtp_password:eu-west-1}"`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub values: Option<Values>,
}

impl SecretsManager {
    const KIND: Kind = Kind {
        name: "secrets-manager",
        fields: &[
            Field::required("name", Text, "name the secret: name = \"iam/access-keys/{user}\""),
            Field::new("region", Text),
            Field::new("role_arn", Text),
            Field::new("external_id", Text),
            Field::new("kms_key_id", Text),
            Field::new("replicate_to", Plain),
            Field::new("resource_policy", Plain),
            Field::new("values", FieldKind::Values),
        ],
    };

    /// The secret of that name, with nothing special about it.
    pub fn named(name: impl Into<String>, region: Option<String>) -> Self {
        Self {
            name: name.into(),
            region,
            role_arn: None,
            external_id: None,
            kms_key_id: None,
            replicate_to: Vec::new(),
            resource_policy: None,
            values: None,
        }
    }
}

impl fmt::Display for SecretsManager {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        at_region(f, &self.name, self.region.as_deref())
    }
}

/// One JSON value `{"AccessKeyId", "SecretAccessKey"}` in a SecureString of the Parameter Store.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[schemars(inline)]
pub struct SsmParameter {
    /// The name of the parameter, such as `/access-keys/alice`.
    pub name: String,
    /// The region; that of the configured client if absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub region: Option<String>,
    /// A role to take on for this parameter, as for one in another account.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub role_arn: Option<String>,
    /// What the role's trust policy asks for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub external_id: Option<String>,
    /// The KMS key that it is encrypted with; the account's default key if absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub kms_key_id: Option<String>,
}

impl SsmParameter {
    const KIND: Kind = Kind {
        name: "ssm-parameter",
        fields: &[
            Field::required("name", Text, "name the parameter: name = \"/access-keys/{user}\""),
            Field::new("region", Text),
            Field::new("role_arn", Text),
            Field::new("external_id", Text),
            Field::new("kms_key_id", Text),
        ],
    };
}

impl fmt::Display for SsmParameter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        at_region(f, &self.name, self.region.as_deref())
    }
}

/// Secrets of GitHub Actions. GitHub never gives them back; a variable beside them (`…_ROTAKEY`) says which key
/// was written.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[schemars(inline)]
pub struct GithubActions {
    /// `owner/name` of the repository; or else `organization`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub repository: Option<String>,
    /// The environment of the repository.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub environment: Option<String>,
    /// The organization; or else `repository`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub organization: Option<String>,
    /// Which repositories of the organization see a new secret: `private` (usual), `all` or `selected`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub visibility: Option<String>,
    /// The secrets: one `AWS_ACCESS_KEY` in JSON if absent.
    #[serde(default = "one_json_value")]
    pub values: Values,
    /// Allows `values` of several secrets. GitHub writes one at a time: a job that starts in between finds a
    /// mixture of old and new.
    #[serde(default, skip_serializing_if = "is_false")]
    pub several_writes: bool,
    /// The token: needs to write secrets and variables.
    #[serde(default = "github_token")]
    pub token: CredentialSource,
    /// The API of a GitHub Enterprise Server; `https://api.github.com` if absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub api_url: Option<String>,
}

impl GithubActions {
    const KIND: Kind = Kind {
        name: "github-actions",
        fields: &[
            Field::new("repository", Text),
            Field::new("environment", Text),
            Field::new("organization", Text),
            Field::new("visibility", Plain),
            Field::new("values", FieldKind::Values),
            Field::new("several_writes", Plain),
            Field::new("token", Plain),
            Field::new("api_url", Plain),
        ],
    };
}

impl fmt::Display for GithubActions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.repository.as_deref().or(self.organization.as_deref()).unwrap_or_default())?;
        if let Some(environment) = &self.environment {
            write!(f, "@{environment}")?;
        }
        hash_names(f, &self.values)
    }
}

/// CI/CD variables of GitLab.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[schemars(inline)]
pub struct GitlabVariables {
    /// The path or number of the project; or else `group`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub project: Option<String>,
    /// The path or number of the group; or else `project`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub group: Option<String>,
    /// The environments that see them; `*` if absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub environment_scope: Option<String>,
    /// Whether only protected branches and tags see a new variable.
    #[serde(default, skip_serializing_if = "is_false")]
    pub protected: bool,
    /// The variables: one `AWS_ACCESS_KEY` in JSON if absent. Those with a secret are masked where GitLab can.
    #[serde(default = "one_json_value")]
    pub values: Values,
    /// Allows `values` of several variables, which GitLab writes one at a time.
    #[serde(default, skip_serializing_if = "is_false")]
    pub several_writes: bool,
    /// The token: needs the scope `api` and the role Maintainer.
    #[serde(default = "gitlab_token")]
    pub token: CredentialSource,
    /// The API; `https://gitlab.com/api/v4` if absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub api_url: Option<String>,
}

impl GitlabVariables {
    const KIND: Kind = Kind {
        name: "gitlab-variables",
        fields: &[
            Field::new("project", Text),
            Field::new("group", Text),
            Field::new("environment_scope", Text),
            Field::new("protected", Plain),
            Field::new("values", FieldKind::Values),
            Field::new("several_writes", Plain),
            Field::new("token", Plain),
            Field::new("api_url", Plain),
        ],
    };
}

impl fmt::Display for GitlabVariables {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.project.as_deref().or(self.group.as_deref()).unwrap_or_default())?;
        if let Some(scope) = &self.environment_scope {
            write!(f, "@{scope}")?;
        }
        hash_names(f, &self.values)
    }
}

/// A Secret of Kubernetes, changed in one request.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[schemars(inline)]
pub struct KubernetesSecret {
    /// The namespace; `default` if absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub namespace: Option<String>,
    /// The name of the Secret.
    pub name: String,
    /// The keys of its data; `AWS_ACCESS_KEY_ID` and `AWS_SECRET_ACCESS_KEY` if absent.
    #[serde(default = "Values::environment")]
    pub values: Values,
    /// What is restarted after a publish, such as `deployment/web`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub restart: Vec<String>,
    /// The kubeconfig; that of `KUBECONFIG`, of the home folder, or of the pod if absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub kubeconfig: Option<PathBuf>,
    /// The context in it; the current one if absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub context: Option<String>,
}

impl KubernetesSecret {
    const KIND: Kind = Kind {
        name: "kubernetes-secret",
        fields: &[
            Field::new("namespace", Text),
            Field::required("name", Text, "name the Secret: name = \"{user}-aws\""),
            Field::new("values", FieldKind::Values),
            Field::new("restart", Plain),
            Field::new("kubeconfig", Plain),
            Field::new("context", Plain),
        ],
    };
}

impl fmt::Display for KubernetesSecret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.namespace.as_deref().unwrap_or("default"), self.name)
    }
}

/// A secret of a key-value engine, version 2, written with check-and-set.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[schemars(inline)]
pub struct VaultKv {
    /// The address of the server; that of `VAULT_ADDR` or `BAO_ADDR` if absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub address: Option<String>,
    /// The path of the engine; `secret` if absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mount: Option<String>,
    /// The path of the secret, such as `aws/alice`.
    pub path: String,
    /// The namespace.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub namespace: Option<String>,
    /// The keys of the secret; `AWS_ACCESS_KEY_ID` and `AWS_SECRET_ACCESS_KEY` if absent.
    #[serde(default = "Values::environment")]
    pub values: Values,
    /// The token.
    #[serde(default = "vault_token")]
    pub token: CredentialSource,
    /// Further certificates to trust, in PEM.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ca_file: Option<PathBuf>,
}

impl VaultKv {
    const KIND: Kind = Kind {
        name: "vault-kv",
        fields: &[
            Field::new("address", Plain),
            Field::new("mount", Text),
            Field::required("path", Text, "name the secret: path = \"aws/{user}\""),
            Field::new("namespace", Text),
            Field::new("values", FieldKind::Values),
            Field::new("token", Plain),
            Field::new("ca_file", Plain),
        ],
    };
}

impl fmt::Display for VaultKv {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.mount.as_deref().unwrap_or("secret"), self.path)
    }
}

/// Variables of HCP Terraform (or Terraform Enterprise). Sensitive ones are never given back; their description
/// says which key was written.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[schemars(inline)]
pub struct HcpTerraform {
    /// The organization: needed with `workspace`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub organization: Option<String>,
    /// The name of the workspace; or else `variable_set`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub workspace: Option<String>,
    /// The id (`varset-…`) of the variable set; or else `workspace`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub variable_set: Option<String>,
    /// The variables: one `AWS_ACCESS_KEY` in JSON if absent.
    #[serde(default = "one_json_value")]
    pub values: Values,
    /// Allows `values` of several variables, which are written one at a time.
    #[serde(default, skip_serializing_if = "is_false")]
    pub several_writes: bool,
    /// Makes new variables Terraform's own in place of environment variables.
    #[serde(default, skip_serializing_if = "is_false")]
    pub terraform: bool,
    /// The token.
    #[serde(default = "terraform_token")]
    pub token: CredentialSource,
    /// The API; `https://app.terraform.io/api/v2` if absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub api_url: Option<String>,
}

impl HcpTerraform {
    const KIND: Kind = Kind {
        name: "hcp-terraform",
        fields: &[
            Field::new("organization", Text),
            Field::new("workspace", Text),
            Field::new("variable_set", Text),
            Field::new("values", FieldKind::Values),
            Field::new("several_writes", Plain),
            Field::new("terraform", Plain),
            Field::new("token", Plain),
            Field::new("api_url", Plain),
        ],
    };
}

impl fmt::Display for HcpTerraform {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (&self.organization, &self.workspace, &self.variable_set) {
            (Some(organization), Some(workspace), _) => write!(f, "{organization}/{workspace}")?,
            (_, _, set) => f.write_str(set.as_deref().unwrap_or_default())?,
        }
        hash_names(f, &self.values)
    }
}

/// Environment variables of a CircleCI context, which are never given back; the name of a further variable says
/// which key was written.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[schemars(inline)]
pub struct CircleciContext {
    /// The id of the context.
    pub context_id: String,
    /// The variables: one `AWS_ACCESS_KEY` in JSON if absent.
    #[serde(default = "one_json_value")]
    pub values: Values,
    /// Allows `values` of several variables, which are written one at a time.
    #[serde(default, skip_serializing_if = "is_false")]
    pub several_writes: bool,
    /// The token.
    #[serde(default = "circleci_token")]
    pub token: CredentialSource,
    /// The API; `https://circleci.com/api/v2` if absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub api_url: Option<String>,
}

impl CircleciContext {
    const KIND: Kind = Kind {
        name: "circleci-context",
        fields: &[
            Field::required("context_id", Text, "name the context by its id: context_id = \"…\""),
            Field::new("values", FieldKind::Values),
            Field::new("several_writes", Plain),
            Field::new("token", Plain),
            Field::new("api_url", Plain),
        ],
    };
}

impl fmt::Display for CircleciContext {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.context_id)?;
        hash_names(f, &self.values)
    }
}

/// Variables of Bitbucket Pipelines: secured ones are never given back; an open one beside them says which key was
/// written.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[schemars(inline)]
pub struct BitbucketVariables {
    /// The workspace.
    pub workspace: String,
    /// The repository; the variables of the whole workspace if absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub repository: Option<String>,
    /// The id of a deployment environment of the repository, without its braces.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub deployment: Option<String>,
    /// The variables: one `AWS_ACCESS_KEY` in JSON if absent.
    #[serde(default = "one_json_value")]
    pub values: Values,
    /// Allows `values` of several variables, which are written one at a time.
    #[serde(default, skip_serializing_if = "is_false")]
    pub several_writes: bool,
    /// The token.
    #[serde(default = "bitbucket_token")]
    pub token: CredentialSource,
    /// The API; `https://api.bitbucket.org/2.0` if absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub api_url: Option<String>,
}

impl BitbucketVariables {
    const KIND: Kind = Kind {
        name: "bitbucket-variables",
        fields: &[
            Field::required("workspace", Text, "name the workspace: workspace = \"acme\""),
            Field::new("repository", Text),
            Field::new("deployment", Text),
            Field::new("values", FieldKind::Values),
            Field::new("several_writes", Plain),
            Field::new("token", Plain),
            Field::new("api_url", Plain),
        ],
    };
}

impl fmt::Display for BitbucketVariables {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.workspace)?;
        for part in [&self.repository, &self.deployment].into_iter().flatten() {
            write!(f, "/{part}")?;
        }
        hash_names(f, &self.values)
    }
}

/// A profile in an AWS shared credentials file.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[schemars(inline)]
pub struct CredentialsFile {
    /// The file.
    pub path: PathBuf,
    /// The name of the profile.
    pub profile: String,
}

impl CredentialsFile {
    const KIND: Kind = Kind {
        name: "credentials-file",
        fields: &[
            Field::required("path", Path, "name the file: path = \"/srv/app/.aws/credentials\""),
            Field::required("profile", Profile, "name the profile: profile = \"{user}\""),
        ],
    };
}

impl fmt::Display for CredentialsFile {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}#{}", self.path.display(), self.profile)
    }
}

/// Lines `NAME=value` of a dotenv file; all others are kept.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[schemars(inline)]
pub struct DotenvFile {
    /// The file.
    pub path: PathBuf,
    /// The variables; `AWS_ACCESS_KEY_ID` and `AWS_SECRET_ACCESS_KEY` if absent.
    #[serde(default = "Values::environment")]
    pub values: Values,
}

impl DotenvFile {
    const KIND: Kind = Kind {
        name: "dotenv-file",
        fields: &[
            Field::required("path", Path, "name the file: path = \"/srv/app/.env\""),
            Field::new("values", FieldKind::Values),
        ],
    };
}

impl fmt::Display for DotenvFile {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.path.display().fmt(f)
    }
}

/// A file encrypted to one or more age recipients.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[schemars(inline)]
pub struct AgeFile {
    /// The file.
    pub path: PathBuf,
    /// The recipients (`age1…`) that can read it. The identity must be one of them.
    #[schemars(with = "crate::policy::OneOrMany<String>")]
    pub recipients: Vec<String>,
    /// The file with the identity that rotakey reads the file back with.
    pub identity: PathBuf,
}

impl AgeFile {
    const KIND: Kind = Kind {
        name: "age-file",
        fields: &[
            Field::required("path", Path, "name the file: path = \"keys/{user}.age\""),
            Field::required("recipients", FieldKind::List, "say who can read it: recipients = [\"age1…\"]"),
            Field::required("identity", Plain, "say what it is read back with: identity = \"identity.txt\""),
        ],
    };
}

impl fmt::Display for AgeFile {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.path.display().fmt(f)
    }
}

/// A program that is asked to do each step, in JSON on its standard input. See `docs/destinations.md`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[schemars(inline)]
pub struct Exec {
    /// A name for it, which tells it from others and one user's place from another's.
    pub name: String,
    /// The program and its arguments.
    pub command: Vec<String>,
    /// After how many seconds it is stopped; 30 if absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub timeout_seconds: Option<u32>,
}

impl Exec {
    const KIND: Kind = Kind {
        name: "exec",
        fields: &[
            Field::required("name", Text, "give the place a name: name = \"{user}\""),
            Field::required("command", Plain, "name the program: command = [\"/usr/local/bin/put-key\"]"),
            Field::new("timeout_seconds", Plain),
        ],
    };
}

impl fmt::Display for Exec {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let program = self.command.first().map_or("", String::as_str);
        write!(f, "{program}#{}", self.name)
    }
}

/// An endpoint that is asked to do each step, in JSON with a signature. See `docs/destinations.md`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[schemars(inline)]
pub struct Webhook {
    /// A name for the place behind it, which tells one user's place from another's.
    pub name: String,
    /// The address: `https://`, or `http://` of this machine.
    pub url: String,
    /// The secret that requests are signed with.
    pub signing_secret: CredentialSource,
}

impl Webhook {
    const KIND: Kind = Kind {
        name: "webhook",
        fields: &[
            Field::required("name", Text, "give the place a name: name = \"{user}\""),
            Field::required("url", Plain, "name the endpoint: url = \"https://…\""),
            Field::required(
                "signing_secret",
                Plain,
                "say what requests are signed with: signing_secret = { file = \"…\" }",
            ),
        ],
    };
}

impl fmt::Display for Webhook {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}#{}", self.url, self.name)
    }
}

fn at_region(f: &mut fmt::Formatter<'_>, name: &str, region: Option<&str>) -> fmt::Result {
    f.write_str(name)?;
    region.map_or(Ok(()), |region| write!(f, "@{region}"))
}

fn hash_names(f: &mut fmt::Formatter<'_>, values: &Values) -> fmt::Result {
    values.iter().enumerate().try_for_each(|(index, (name, _))| {
        f.write_str(if index == 0 { "#" } else { "," })?;
        f.write_str(name)
    })
}

fn one_json_value() -> Values {
    Values::json("AWS_ACCESS_KEY")
}

fn github_token() -> CredentialSource {
    CredentialSource::Env("GITHUB_TOKEN".to_owned())
}

fn gitlab_token() -> CredentialSource {
    CredentialSource::Env("GITLAB_TOKEN".to_owned())
}

fn vault_token() -> CredentialSource {
    CredentialSource::Env("VAULT_TOKEN".to_owned())
}

fn terraform_token() -> CredentialSource {
    CredentialSource::Env("TFE_TOKEN".to_owned())
}

fn circleci_token() -> CredentialSource {
    CredentialSource::Env("CIRCLECI_TOKEN".to_owned())
}

fn bitbucket_token() -> CredentialSource {
    CredentialSource::Env("BITBUCKET_TOKEN".to_owned())
}

fn is_false(switch: &bool) -> bool {
    !switch
}
