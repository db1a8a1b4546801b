//! How a cluster is reached: from a kubeconfig, or as a pod of the cluster itself.

use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use data_encoding::BASE64;
use rotakey_core::secret::Secret;
use rotakey_engine::port::{PortError, PortErrorKind};
use serde::Deserialize;
use serde_json::{Map, Value};
use tokio::process::Command;
use yaml_rust2::{Yaml, YamlLoader};
use zeroize::Zeroizing;

use crate::destination::io;

/// Where a pod finds what its service account is allowed to know.
const SERVICE_ACCOUNT: &str = "/var/run/secrets/kubernetes.io/serviceaccount";

/// How long a credential plugin may take.
const PATIENCE: Duration = Duration::from_secs(30);

/// A cluster, and who rotakey is there.
pub(super) struct Access {
    pub(super) server: String,
    /// PEM.
    pub(super) authorities: Option<Vec<u8>>,
    pub(super) token: Option<Secret>,
    /// PEM: the certificate, then its private key.
    pub(super) identity: Option<Zeroizing<Vec<u8>>>,
}

/// What to look at: what is configured, what the environment says, or what a pod has.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Source {
    File(PathBuf),
    Pod { server: String },
}

impl Source {
    /// Chooses as kubectl does. Of several files in `KUBECONFIG`, the first one that is there counts.
    pub(super) fn choose(
        configured: Option<&Path>,
        variable: impl Fn(&str) -> Option<String>,
        exists: impl Fn(&Path) -> bool,
    ) -> Option<Self> {
        if let Some(path) = configured {
            return Some(Self::File(path.to_owned()));
        }
        if let Some(paths) = variable("KUBECONFIG").filter(|paths| !paths.is_empty()) {
            return std::env::split_paths(&paths).find(|path| exists(path)).map(Self::File);
        }
        let home = variable("HOME").map(|home| Path::new(&home).join(".kube/config"));
        if let Some(path) = home.filter(|path| exists(path)) {
            return Some(Self::File(path));
        }
        let host = variable("KUBERNETES_SERVICE_HOST")?;
        let host = if host.contains(':') { format!("[{host}]") } else { host };
        let port = variable("KUBERNETES_SERVICE_PORT").unwrap_or_else(|| "443".to_owned());
        Some(Self::Pod { server: format!("https://{host}:{port}") })
    }

    /// Reads it now: a token may have been renewed since.
    pub(super) async fn access(self, context: Option<&str>) -> Result<Access, PortError> {
        match self {
            Self::Pod { server } => {
                let folder = Path::new(SERVICE_ACCOUNT);
                Ok(Access {
                    server,
                    authorities: Some(required(&folder.join("ca.crt"))?.to_vec()),
                    token: Some(text(&folder.join("token"))?),
                    identity: None,
                })
            }
            Self::File(path) => Kubeconfig { path: &path }.access(context).await,
        }
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "kebab-case")]
struct Content {
    #[serde(default)]
    clusters: Vec<Named>,
    #[serde(default)]
    contexts: Vec<Named>,
    #[serde(default)]
    users: Vec<Named>,
    #[serde(default)]
    current_context: Option<String>,
}

/// An entry of a list; its content stands under a key that differs by list.
#[derive(Deserialize)]
struct Named {
    name: String,
    #[serde(flatten)]
    rest: Map<String, Value>,
}

#[derive(Deserialize)]
struct Context {
    cluster: String,
    user: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "kebab-case")]
struct Cluster {
    server: String,
    certificate_authority: Option<PathBuf>,
    certificate_authority_data: Option<String>,
    #[serde(default)]
    insecure_skip_tls_verify: bool,
    tls_server_name: Option<String>,
    proxy_url: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "kebab-case")]
struct User {
    token: Option<String>,
    #[serde(rename = "tokenFile")]
    token_file: Option<PathBuf>,
    client_certificate: Option<PathBuf>,
    client_certificate_data: Option<String>,
    client_key: Option<PathBuf>,
    client_key_data: Option<String>,
    exec: Option<Exec>,
    auth_provider: Option<Value>,
    username: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Exec {
    api_version: String,
    command: String,
    #[serde(default)]
    args: Option<Vec<String>>,
    #[serde(default)]
    env: Option<Vec<Variable>>,
}

#[derive(Deserialize)]
struct Variable {
    name: String,
    value: String,
}

struct Kubeconfig<'a> {
    path: &'a Path,
}

impl Kubeconfig<'_> {
    async fn access(&self, context: Option<&str>) -> Result<Access, PortError> {
        let content = self.content()?;
        let context = context
            .or(content.current_context.as_deref())
            .filter(|name| !name.is_empty())
            .ok_or_else(|| self.wrong("it has no current context: write context = \"…\"".to_owned()))?;
        let Context { cluster, user } = self.entry(&content.contexts, "context", context)?;
        let cluster: Cluster = self.entry(&content.clusters, "cluster", &cluster)?;
        let user: User = self.entry(&content.users, "user", &user)?;
        if cluster.insecure_skip_tls_verify {
            return Err(
                self.wrong("insecure-skip-tls-verify: secrets are sent to verified servers only".to_owned())
            );
        }
        for (there, what) in [
            (cluster.tls_server_name.is_some(), "tls-server-name"),
            (cluster.proxy_url.is_some(), "proxy-url"),
        ] {
            if there {
                return Err(self.wrong(format!("rotakey does not know {what}")));
            }
        }
        let authorities = self
            .data(cluster.certificate_authority_data.as_deref(), cluster.certificate_authority.as_deref())?
            .map(|pem| pem.to_vec());
        let (token, identity) = self.user(user).await?;
        Ok(Access { server: cluster.server, authorities, token, identity })
    }

    fn content(&self) -> Result<Content, PortError> {
        let bytes = required(self.path)?;
        let text = std::str::from_utf8(&bytes).map_err(|_| self.wrong("it is no text".to_owned()))?;
        // What is wrong is not told: the message may repeat a token.
        let broken = || self.wrong("it is no kubeconfig".to_owned());
        let documents = YamlLoader::load_from_str(text).map_err(|_| broken())?;
        let document = documents.first().ok_or_else(broken)?;
        serde_json::from_value(json(document)).map_err(|_| broken())
    }

    fn entry<T: for<'a> Deserialize<'a>>(
        &self,
        entries: &[Named],
        kind: &str,
        name: &str,
    ) -> Result<T, PortError> {
        let found = entries.iter().find(|entry| entry.name == name);
        let content = found.and_then(|entry| entry.rest.get(kind)).cloned();
        let content = content.ok_or_else(|| self.wrong(format!("it has no {kind} {name:?}")))?;
        serde_json::from_value(content).map_err(|_| self.wrong(format!("its {kind} {name:?} is not whole")))
    }

    async fn user(&self, user: User) -> Result<(Option<Secret>, Option<Zeroizing<Vec<u8>>>), PortError> {
        if let Some(exec) = user.exec {
            return self.plugin(&exec).await;
        }
        if user.auth_provider.is_some() || user.username.is_some() {
            return Err(self.wrong("auth-provider and passwords are of the past: use exec".to_owned()));
        }
        let token = match (user.token, user.token_file) {
            // The file is newer, says the documentation of the format.
            (_, Some(path)) => Some(text(&self.beside(&path))?),
            (Some(token), None) => Some(Secret::new(token)),
            (None, None) => None,
        };
        let certificate =
            self.data(user.client_certificate_data.as_deref(), user.client_certificate.as_deref())?;
        let key = self.data(user.client_key_data.as_deref(), user.client_key.as_deref())?;
        let identity = match (certificate, key) {
            (Some(certificate), Some(key)) => Some(together(&certificate, &key)),
            (None, None) => None,
            _ => return Err(self.wrong("a client certificate without its key, or the reverse".to_owned())),
        };
        Ok((token, identity))
    }

    /// Asks a credential plugin. Its answer is an `ExecCredential` of the group `client.authentication.k8s.io`.
    async fn plugin(&self, exec: &Exec) -> Result<(Option<Secret>, Option<Zeroizing<Vec<u8>>>), PortError> {
        #[derive(Deserialize)]
        struct Credential {
            status: Status,
        }
        #[derive(Deserialize)]
        #[serde(rename_all = "camelCase")]
        struct Status {
            token: Option<String>,
            client_certificate_data: Option<String>,
            client_key_data: Option<String>,
        }
        let failed = |why: String| {
            PortError::new(PortErrorKind::Credentials, format!("ask {} for a credential", exec.command), why)
        };
        let program = Path::new(&exec.command);
        // A path with a slash is relative to the kubeconfig, a bare name is looked up.
        let program =
            if program.components().count() > 1 { self.beside(program) } else { program.to_owned() };
        let information = serde_json::json!({
            "apiVersion": exec.api_version, "kind": "ExecCredential", "spec": { "interactive": false },
        });
        let mut command = Command::new(program);
        command
            .args(exec.args.iter().flatten())
            .envs(exec.env.iter().flatten().map(|variable| (&variable.name, &variable.value)))
            .env("KUBERNETES_EXEC_INFO", information.to_string())
            .stdin(Stdio::null())
            .stderr(Stdio::inherit())
            .kill_on_drop(true);
        let output = tokio::time::timeout(PATIENCE, command.output())
            .await
            .map_err(|_| failed(format!("took longer than {} s", PATIENCE.as_secs())))?
            .map_err(|error| failed(error.to_string()))?;
        if !output.status.success() {
            return Err(failed(output.status.to_string()));
        }
        let answer = Zeroizing::new(output.stdout);
        let Credential { status } = serde_json::from_slice(&answer)
            .map_err(|_| failed("its answer is no ExecCredential with a status".to_owned()))?;
        let identity = match (status.client_certificate_data, status.client_key_data) {
            (Some(certificate), Some(key)) => {
                Some(together(certificate.as_bytes(), Zeroizing::new(key).as_bytes()))
            }
            _ => None,
        };
        if status.token.is_none() && identity.is_none() {
            return Err(failed("its answer has neither a token nor a certificate".to_owned()));
        }
        Ok((status.token.map(Secret::new), identity))
    }

    /// Data in the file itself, or in the file that it names.
    fn data(
        &self,
        inline: Option<&str>,
        path: Option<&Path>,
    ) -> Result<Option<Zeroizing<Vec<u8>>>, PortError> {
        match (inline, path) {
            (Some(text), _) => BASE64
                .decode(text.as_bytes())
                .map(|bytes| Some(Zeroizing::new(bytes)))
                .map_err(|_| self.wrong("data in it is not base64".to_owned())),
            (None, Some(path)) => required(&self.beside(path)).map(Some),
            (None, None) => Ok(None),
        }
    }

    fn beside(&self, path: &Path) -> PathBuf {
        io::directory(self.path).join(path)
    }

    fn wrong(&self, why: String) -> PortError {
        io::invalid("read", self.path, why)
    }
}

fn together(certificate: &[u8], key: &[u8]) -> Zeroizing<Vec<u8>> {
    let mut pem = Zeroizing::new(Vec::with_capacity(certificate.len() + 1 + key.len()));
    pem.extend_from_slice(certificate);
    pem.push(b'\n');
    pem.extend_from_slice(key);
    pem
}

fn required(path: &Path) -> Result<Zeroizing<Vec<u8>>, PortError> {
    let missing = || {
        PortError::new(
            PortErrorKind::Credentials,
            format!("read {}", io::shown(path)),
            "there is no such file",
        )
    };
    io::read(path)?.ok_or_else(missing)
}

fn text(path: &Path) -> Result<Secret, PortError> {
    let bytes = required(path)?;
    let text = std::str::from_utf8(&bytes).map_err(|_| io::invalid("read", path, "it is no text"))?;
    Ok(Secret::new(text.trim().to_owned()))
}

/// YAML as JSON, as far as a kubeconfig has it.
fn json(yaml: &Yaml) -> Value {
    match yaml {
        Yaml::String(text) | Yaml::Real(text) => text.as_str().into(),
        Yaml::Integer(number) => (*number).into(),
        Yaml::Boolean(switch) => (*switch).into(),
        Yaml::Array(values) => values.iter().map(json).collect(),
        Yaml::Hash(fields) => {
            let fields =
                fields.iter().filter_map(|(key, value)| Some((key.as_str()?.to_owned(), json(value))));
            Value::Object(fields.collect())
        }
        Yaml::Alias(_) | Yaml::Null | Yaml::BadValue => Value::Null,
    }
}

#[cfg(test)]
mod tests;
