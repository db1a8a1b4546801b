//! A Secret of Kubernetes.
//!
//! Pods read the Secret `NAME`. The other slots live in a second one beside it, `NAME-rotakey`, which no pod mounts. Each
//! is changed by one merge patch that names the `resourceVersion` it was read at, so that nobody's change is
//! overwritten, and labels, owners and other keys stay. API: "Kubernetes API Reference", Secret v1 and the workloads
//! of apps/v1.

use std::collections::BTreeMap;

use async_trait::async_trait;
use data_encoding::BASE64;
use reqwest::header::{AUTHORIZATION, CONTENT_TYPE, HeaderValue};
use reqwest::{Method, RequestBuilder};
use rotakey_core::destination::{self as specs, Values};
use rotakey_core::id::AccessKeyId;
use rotakey_core::secret::{AccessKeyPair, Secret};
use rotakey_engine::port::{PortError, PortErrorKind};
use serde::Deserialize;
use serde_json::{Value, json};

use crate::destination::kubernetes_secret::kubeconfig::Source;
use crate::destination::remote::{self, Server};
use crate::destination::secret_map::SecretMap;
use crate::destination::stand_in;
use crate::http::{Answer, Api, Authorities};

mod kubeconfig;

/// The one key of the Secret beside.
const JOURNAL: &str = "journal";

/// What says that the Secret beside is rotakey's.
const MANAGED_BY: &str = "app.kubernetes.io/managed-by";

pub(super) struct KubernetesSecret {
    spec: specs::KubernetesSecret,
    /// The paths of what is restarted.
    workloads: Vec<String>,
}

/// A client with what it shows.
pub(super) struct Session {
    api: Api,
    token: Option<Secret>,
}

/// One Secret as it was read.
pub(super) struct Document {
    /// Empty if there is none.
    resource_version: String,
    data: BTreeMap<String, Secret>,
    managed: bool,
    immutable: bool,
    leaving: bool,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Raw {
    metadata: RawMetadata,
    #[serde(default)]
    data: Option<SecretMap>,
    #[serde(default)]
    immutable: Option<bool>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct RawMetadata {
    resource_version: String,
    #[serde(default)]
    labels: Option<BTreeMap<String, String>>,
    deletion_timestamp: Option<String>,
}

/// Whether a write is only tried.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Run {
    Real,
    /// The server checks permissions, admission and quotas, and keeps nothing.
    Dry,
}

impl KubernetesSecret {
    /// Fails if no such thing could have one of the names.
    pub(super) fn new(spec: &specs::KubernetesSecret) -> Result<Self, PortError> {
        let invalid = |why: String| {
            PortError::new(PortErrorKind::Invalid, format!("open kubernetes-secret:{spec}"), why)
        };
        let namespace = spec.namespace.as_deref().unwrap_or("default");
        for (what, name, dots) in [("namespace", namespace, false), ("name", &spec.name, true)] {
            if !is_dns_name(name, dots) || name.len() > if dots { 245 } else { 63 } {
                return Err(invalid(format!(
                    "{what} = {name:?}: names have lower-case letters, digits, '-'{} only",
                    if dots { " and '.'" } else { "" }
                )));
            }
        }
        for (name, _) in spec.values.iter() {
            let legal = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte);
            if name.is_empty() || name.len() > 253 || !name.bytes().all(legal) {
                return Err(invalid(format!("{name:?} cannot be a key of a Secret")));
            }
        }
        let workloads = spec.restart.iter().map(|workload| {
            let (kind, name) = workload.split_once('/').unwrap_or((workload, ""));
            let plural = match kind {
                "deployment" => "deployments",
                "statefulset" => "statefulsets",
                "daemonset" => "daemonsets",
                _ => "",
            };
            if plural.is_empty() || !is_dns_name(name, true) {
                let known = "deployment/NAME, statefulset/NAME and daemonset/NAME can be restarted";
                return Err(invalid(format!("restart = {workload:?}: {known}")));
            }
            Ok(format!("/apis/apps/v1/namespaces/{namespace}/{plural}/{name}"))
        });
        Ok(Self { workloads: workloads.collect::<Result<_, _>>()?, spec: spec.clone() })
    }

    fn namespace(&self) -> &str {
        self.spec.namespace.as_deref().unwrap_or("default")
    }

    fn beside(&self) -> String {
        format!("{}-rotakey", self.spec.name)
    }

    fn url(&self, name: &str) -> String {
        format!(
            "/api/v1/namespaces/{}/secrets{}{name}",
            self.namespace(),
            if name.is_empty() { "" } else { "/" }
        )
    }

    async fn send(
        &self,
        session: &Session,
        operation: &str,
        mut request: RequestBuilder,
        secrets: &[&Secret],
    ) -> Result<Answer, PortError> {
        if let Some(token) = &session.token {
            let text = Secret::new(format!("Bearer {}", token.expose()));
            let mut value =
                HeaderValue::from_str(text.expose()).unwrap_or_else(|_| HeaderValue::from_static(""));
            value.set_sensitive(true);
            request = request.header(AUTHORIZATION, value);
        }
        let secrets: Vec<&Secret> = secrets.iter().copied().chain(&session.token).collect();
        session.api.send(&format!("{operation} {}", self.name()), request, &secrets).await
    }

    async fn document(&self, session: &Session, name: &str) -> Result<Document, PortError> {
        let request = session.api.request(Method::GET, &self.url(name));
        match self.send(session, "read", request, &[]).await {
            Ok(answer) => answer.json::<Raw>()?.document(),
            Err(error) if error.kind == PortErrorKind::NotFound => Ok(Document::absent()),
            Err(error) => Err(error),
        }
    }

    /// Creates the Secret, or changes these keys of it.
    async fn put(
        &self,
        session: &Session,
        name: &str,
        before: &Document,
        values: &BTreeMap<&str, Secret>,
        run: Run,
    ) -> Result<Document, PortError> {
        let mut body = SecretMap::default();
        let data: serde_json::Map<String, Value> = values
            .iter()
            .map(|(name, value)| ((*name).to_owned(), BASE64.encode(value.expose().as_bytes()).into()))
            .collect();
        body.0.insert("data".to_owned(), Value::Object(data));
        let request = if before.resource_version.is_empty() {
            let mut metadata = json!({ "name": name });
            if name != self.spec.name {
                metadata["labels"] = json!({ MANAGED_BY: "rotakey" });
            }
            body.0.extend([
                ("apiVersion".to_owned(), "v1".into()),
                ("kind".to_owned(), "Secret".into()),
                ("type".to_owned(), "Opaque".into()),
                ("metadata".to_owned(), metadata),
            ]);
            session.api.request(Method::POST, &write_url(&self.url(""), run)).json(&body.0)
        } else {
            body.0.insert("metadata".to_owned(), json!({ "resourceVersion": before.resource_version }));
            merge_patch(session.api.request(Method::PATCH, &write_url(&self.url(name), run)), &body.0)
        };
        let secrets: Vec<&Secret> = values.values().collect();
        let result = self.send(session, "write", request, &secrets).await;
        match result {
            Ok(answer) => answer.json::<Raw>()?.document(),
            // It was deleted since it was read; a namespace that is not there is none of anybody's doing meanwhile.
            Err(error) if error.kind == PortErrorKind::NotFound => {
                let kind = if before.resource_version.is_empty() {
                    PortErrorKind::Invalid
                } else {
                    PortErrorKind::Conflict
                };
                Err(PortError { kind, ..error })
            }
            Err(error) => Err(error),
        }
    }

    /// Removes what is beside, if it still is what was read.
    async fn remove(&self, session: &Session, before: &Document, run: Run) -> Result<(), PortError> {
        let mut body = json!({ "apiVersion": "v1", "kind": "DeleteOptions" });
        if !before.resource_version.is_empty() {
            body["preconditions"] = json!({ "resourceVersion": before.resource_version });
        }
        if run == Run::Dry {
            body["dryRun"] = json!(["All"]);
        }
        let request = session.api.request(Method::DELETE, &self.url(&self.beside())).json(&body);
        match self.send(session, "remove what is kept beside", request, &[]).await {
            Err(error) if error.kind != PortErrorKind::NotFound => Err(error),
            _ => Ok(()),
        }
    }

    async fn restart(&self, session: &Session, key: &AccessKeyId, run: Run) -> Result<(), PortError> {
        // A change of the template makes the pods anew, as `kubectl rollout restart` does it. That the key stands there
        // in place of the time makes it happen once for each key, however often it is asked for.
        let annotations = json!({ annotation(&self.spec.name): key.as_str() });
        let body = json!({ "spec": { "template": { "metadata": { "annotations": annotations } } } });
        for workload in &self.workloads {
            let fields = body.as_object().expect("it is one");
            let request = merge_patch(session.api.request(Method::PATCH, &write_url(workload, run)), fields);
            self.send(session, "restart the pods that read", request, &[]).await.map_err(
                |error| match error.kind {
                    PortErrorKind::NotFound => PortError {
                        kind: PortErrorKind::Invalid,
                        message: format!("{} is not there: {}", workload, error.message),
                        ..error
                    },
                    _ => error,
                },
            )?;
        }
        Ok(())
    }
}

impl Raw {
    fn document(self) -> Result<Document, PortError> {
        let mut data = BTreeMap::new();
        if let Some(raw) = &self.data {
            for (name, value) in &raw.0 {
                let bytes = BASE64.decode(value.as_str().unwrap_or_default().as_bytes()).unwrap_or_default();
                // What is no text is no key; that it is there must be seen all the same.
                let text = String::from_utf8(bytes).unwrap_or_else(|_| "\u{fffd}".to_owned());
                data.insert(name.clone(), Secret::new(text));
            }
        }
        let labels = self.metadata.labels.unwrap_or_default();
        Ok(Document {
            resource_version: self.metadata.resource_version,
            data,
            managed: labels.get(MANAGED_BY).is_some_and(|by| by == "rotakey"),
            immutable: self.immutable == Some(true),
            leaving: self.metadata.deletion_timestamp.is_some(),
        })
    }
}

impl Document {
    fn absent() -> Self {
        Self {
            resource_version: String::new(),
            data: BTreeMap::new(),
            managed: true,
            immutable: false,
            leaving: false,
        }
    }
}

impl remote::Main for Document {
    fn version(&self) -> &str {
        &self.resource_version
    }

    fn value(&self, name: &str) -> Option<&str> {
        self.data.get(name).map(Secret::expose)
    }

    fn refusal(&self) -> Option<&'static str> {
        if self.leaving {
            return Some("the Secret is being deleted");
        }
        self.immutable.then_some("the Secret is immutable: make one that is not, and let the pods read that")
    }
}

#[async_trait]
impl Server for KubernetesSecret {
    type Session = Session;
    type Main = Document;
    type Beside = Document;

    fn name(&self) -> String {
        format!("kubernetes-secret:{}", self.spec)
    }

    fn values(&self) -> &Values {
        &self.spec.values
    }

    async fn connect(&self) -> Result<Session, PortError> {
        let source = Source::choose(
            self.spec.kubeconfig.as_deref(),
            |name| std::env::var(name).ok(),
            |path| path.exists(),
        );
        let source = source.ok_or_else(|| {
            let message = "there is no kubeconfig, and this is no pod: write kubeconfig = \"…\"";
            PortError::new(PortErrorKind::Credentials, format!("open {}", self.name()), message)
        })?;
        let access = source.access(self.spec.context.as_deref()).await?;
        let identity = access.identity.as_ref().map(|pem| &pem[..]);
        let authorities = access.authorities.as_deref().map_or(Authorities::System, Authorities::Only);
        let api = Api::trusting(&access.server, authorities, identity)?;
        Ok(Session { api, token: access.token })
    }

    async fn read(&self, session: &Session) -> Result<Document, PortError> {
        self.document(session, &self.spec.name).await
    }

    async fn read_beside(&self, session: &Session) -> Result<(Document, Option<Secret>), PortError> {
        let mut document = self.document(session, &self.beside()).await?;
        if !document.managed {
            return Err(PortError::new(
                PortErrorKind::Conflict,
                format!("read {}", self.name()),
                format!("there is a Secret {} which rotakey did not make", self.beside()),
            ));
        }
        let text = document.data.remove(JOURNAL);
        Ok((document, text))
    }

    async fn check(&self, session: &Session, main: &Document, beside: &Document) -> Result<(), PortError> {
        let values = self.spec.values.render(&stand_in());
        self.put(session, &self.spec.name, main, &values, Run::Dry).await?;
        let journal = BTreeMap::from([(JOURNAL, Secret::new("[]".to_owned()))]);
        self.put(session, &self.beside(), beside, &journal, Run::Dry).await?;
        self.remove(session, beside, Run::Dry).await?;
        self.restart(session, &stand_in().id, Run::Dry).await
    }

    async fn write(&self, session: &Session, main: &Document, pair: &AccessKeyPair) -> Result<(), PortError> {
        let values = self.spec.values.render(pair);
        self.put(session, &self.spec.name, main, &values, Run::Real).await.map(drop)
    }

    async fn write_beside(
        &self,
        session: &Session,
        beside: &Document,
        text: Option<Secret>,
    ) -> Result<Document, PortError> {
        match text {
            Some(text) => {
                let journal = BTreeMap::from([(JOURNAL, text)]);
                self.put(session, &self.beside(), beside, &journal, Run::Real).await
            }
            None if beside.resource_version.is_empty() => Ok(Document::absent()),
            None => self.remove(session, beside, Run::Real).await.map(|()| Document::absent()),
        }
    }

    async fn announce(&self, session: &Session, key: &AccessKeyId) -> Result<(), PortError> {
        self.restart(session, key, Run::Real).await
    }

    fn announces(&self) -> bool {
        !self.workloads.is_empty()
    }
}

/// The address of a write.
fn write_url(url: &str, run: Run) -> String {
    let dry = if run == Run::Dry { "&dryRun=All" } else { "" };
    format!("{url}?fieldManager=rotakey&fieldValidation=Strict{dry}")
}

fn merge_patch(request: RequestBuilder, body: &serde_json::Map<String, Value>) -> RequestBuilder {
    request.header(CONTENT_TYPE, "application/merge-patch+json").json(body)
}

/// The annotation of a pod template that says which key of a Secret its pods began with. The part behind the slash
/// has at most 63 characters; the end of a longer name tells it from others.
fn annotation(secret: &str) -> String {
    let name = &secret[secret.len().saturating_sub(63)..];
    format!("rotakey/{}", name.trim_start_matches(['-', '.']))
}

fn is_dns_name(name: &str, dots: bool) -> bool {
    name.split('.').all(|label| {
        let legal = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
        !label.is_empty() && label.bytes().all(legal) && !label.starts_with('-') && !label.ends_with('-')
    }) && (dots || !name.contains('.'))
}
