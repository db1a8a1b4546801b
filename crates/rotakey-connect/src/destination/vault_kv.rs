//! A secret of the key-value engine, version 2, of HashiCorp Vault or OpenBao.
//!
//! Applications read `aws/alice`. The other slots live in a second secret beside it, `aws/alice-rotakey`, of which the
//! engine keeps no history. Both are written with check-and-set, so that nobody's change is overwritten. Versions of
//! `aws/alice` that hold a key which is gone are destroyed. API: "KV secrets engine - version 2 (API)" in the
//! documentation of either product; OpenBao 2.7 is what the tests run against.

use std::collections::BTreeMap;
use std::path::PathBuf;

use async_trait::async_trait;
use reqwest::{Method, RequestBuilder};
use rotakey_core::destination::{self as specs, Values};
use rotakey_core::secret::{AccessKeyPair, Secret};
use rotakey_engine::port::{PortError, PortErrorKind};
use serde::Deserialize;
use serde_json::{Value, json};

use crate::credential;
use crate::destination::remote::{self, Server};
use crate::destination::secret_map::SecretMap;
use crate::http::{Answer, Api};

/// The one field of the secret beside.
const JOURNAL: &str = "journal";

/// What the server says when a secret is not any more what was read.
const CHANGED: &str = "check-and-set parameter did not match";

/// What the server says where no engine is mounted.
const NO_MOUNT: &str = "no handler for route";

pub(super) struct VaultKv {
    spec: specs::VaultKv,
    mount: String,
    path: String,
}

/// A client with a token.
pub(super) struct Session {
    api: Api,
    token: Secret,
}

/// One secret as it was read.
pub(super) struct Document {
    /// Of the newest version, also if that was deleted; 0 if there is none.
    version: u64,
    shown_version: String,
    data: SecretMap,
}

#[derive(Deserialize)]
struct Data<T> {
    data: T,
}

impl VaultKv {
    /// Fails if the paths cannot be those of a secret.
    pub(super) fn new(spec: &specs::VaultKv) -> Result<Self, PortError> {
        let mount = spec.mount.as_deref().unwrap_or("secret").trim_matches('/').to_owned();
        let path = spec.path.trim_matches('/').to_owned();
        for (what, text) in [("mount", &mount), ("path", &path)] {
            let broken = text.split('/').any(|part| matches!(part, "" | "." | ".."))
                || text.chars().any(char::is_control);
            if broken {
                let message = format!("{what} = {text:?} is not the path of one");
                return Err(PortError::new(PortErrorKind::Invalid, format!("open vault-kv:{spec}"), message));
            }
        }
        Ok(Self { spec: spec.clone(), mount, path })
    }

    fn beside(&self) -> String {
        format!("{}-rotakey", self.path)
    }

    fn url(&self, part: &str, path: &str) -> String {
        format!("/v1/{}/{part}/{}", encoded(&self.mount), encoded(path))
    }

    fn request(&self, session: &Session, method: Method, url: &str) -> RequestBuilder {
        let request = session.api.request(method, url).header("X-Vault-Request", "true");
        let request = match &self.spec.namespace {
            Some(namespace) => request.header("X-Vault-Namespace", namespace),
            None => request,
        };
        let mut token = reqwest::header::HeaderValue::from_str(session.token.expose())
            .unwrap_or_else(|_| reqwest::header::HeaderValue::from_static(""));
        token.set_sensitive(true);
        request.header("X-Vault-Token", token)
    }

    async fn send(
        &self,
        session: &Session,
        operation: &str,
        request: RequestBuilder,
        secrets: &[&Secret],
    ) -> Result<Answer, PortError> {
        let secrets: Vec<&Secret> = secrets.iter().copied().chain([&session.token]).collect();
        session.api.send(&format!("{operation} {}", self.name()), request, &secrets).await.map_err(
            |mut error| {
                if error.kind == PortErrorKind::Invalid && error.message.contains(CHANGED) {
                    error.kind = PortErrorKind::Conflict;
                }
                if error.kind == PortErrorKind::NotFound && error.message.contains(NO_MOUNT) {
                    error.kind = PortErrorKind::Invalid;
                    error.message = format!("there is no secrets engine at {}", self.mount);
                }
                error
            },
        )
    }

    async fn document(&self, session: &Session, path: &str) -> Result<Document, PortError> {
        #[derive(Deserialize)]
        struct Version {
            #[serde(default)]
            data: Option<SecretMap>,
            metadata: Metadata,
        }
        #[derive(Deserialize)]
        struct Metadata {
            version: u64,
        }
        let request = self.request(session, Method::GET, &self.url("data", path));
        match self.send(session, "read", request, &[]).await {
            Ok(answer) => match answer.json::<Data<Version>>() {
                Ok(Data { data }) => Ok(Document::new(data.metadata.version, data.data.unwrap_or_default())),
                Err(error) => {
                    self.check_engine(session).await?;
                    Err(error)
                }
            },
            Err(error) if error.kind == PortErrorKind::NotFound => {
                // Also what an engine of version 1 says, to which nothing must be written.
                self.check_engine(session).await?;
                let version = self.metadata(session, path).await?.map_or(0, |found| found.current_version);
                Ok(Document::new(version, SecretMap::default()))
            }
            Err(error) => Err(error),
        }
    }

    async fn metadata(&self, session: &Session, path: &str) -> Result<Option<Metadata>, PortError> {
        let request = self.request(session, Method::GET, &self.url("metadata", path));
        match self.send(session, "read the metadata of", request, &[]).await {
            Ok(answer) => answer.json::<Data<Metadata>>().map(|found| Some(found.data)),
            Err(error) if error.kind == PortErrorKind::NotFound => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Fails unless the engine keeps key-value pairs in version 2. Any token that may do something there may ask.
    async fn check_engine(&self, session: &Session) -> Result<(), PortError> {
        #[derive(Deserialize)]
        struct Mount {
            #[serde(rename = "type")]
            kind: String,
            options: Option<BTreeMap<String, String>>,
        }
        let url = format!("/v1/sys/internal/ui/mounts/{}", encoded(&self.mount));
        let request = self.request(session, Method::GET, &url);
        let Mount { kind, options } =
            self.send(session, "look up the engine of", request, &[]).await?.json::<Data<Mount>>()?.data;
        let version = options.and_then(|mut options| options.remove("version"));
        let message = match (kind.as_str(), version.as_deref()) {
            ("kv", Some("2")) => return Ok(()),
            ("kv" | "generic", _) => format!(
                "the engine at {} is of version 1, which has no check-and-set: enable versioning (kv enable-versioning)",
                self.mount
            ),
            (other, _) => format!("the engine at {} is of the kind {other:?}, not kv", self.mount),
        };
        Err(PortError::new(PortErrorKind::Invalid, format!("write {}", self.name()), message))
    }

    async fn put(
        &self,
        session: &Session,
        path: &str,
        version: u64,
        data: &SecretMap,
        secrets: &[&Secret],
    ) -> Result<u64, PortError> {
        #[derive(Deserialize)]
        struct Written {
            version: u64,
        }
        let body = SecretMap(
            [
                ("options".to_owned(), json!({ "cas": version })),
                ("data".to_owned(), Value::Object(data.0.clone())),
            ]
            .into_iter()
            .collect(),
        );
        let request = self.request(session, Method::POST, &self.url("data", path)).json(&body.0);
        let answer = self.send(session, "write", request, secrets).await?;
        Ok(answer.json::<Data<Written>>()?.data.version)
    }

    /// Which versions of the secret that applications read hold the pair, but for the newest.
    async fn versions_with(&self, session: &Session, pair: &AccessKeyPair) -> Result<Vec<u64>, PortError> {
        let Some(metadata) = self.metadata(session, &self.path).await? else { return Ok(Vec::new()) };
        let wanted = self.spec.values.render(pair);
        let secret_values: Vec<(&str, &Secret)> = self
            .spec
            .values
            .iter()
            .filter(|(_, template)| template.is_secret())
            .filter_map(|(name, _)| Some((name, wanted.get(name)?)))
            .collect();
        let mut holding = Vec::new();
        for (number, version) in metadata.versions {
            let Ok(number) = number.parse::<u64>() else { continue };
            if number == metadata.current_version || version.destroyed {
                continue;
            }
            let url = format!("{}?version={number}", self.url("data", &self.path));
            let request = self.request(session, Method::GET, &url);
            let found = match self.send(session, "read an older version of", request, &[]).await {
                Ok(answer) => answer.json::<Data<Data<Option<SecretMap>>>>()?.data.data.unwrap_or_default(),
                // Deleted by somebody, who can bring it back: it is not known what it holds, so it is left.
                Err(error) if error.kind == PortErrorKind::NotFound => continue,
                Err(error) => return Err(error),
            };
            if secret_values.iter().any(|(name, value)| found.text(name) == Some(value.expose())) {
                holding.push(number);
            }
        }
        Ok(holding)
    }

    /// Asks which of the needed capabilities the token lacks.
    async fn check_capabilities(&self, session: &Session, main: &Document) -> Result<(), PortError> {
        let path = |part: &str, path: &str| format!("{}/{part}/{path}", self.mount);
        let write = if main.version == 0 { "create" } else { "update" };
        let needed = [
            (path("data", &self.path), vec!["read", write]),
            (path("metadata", &self.path), vec!["read"]),
            (path("destroy", &self.path), vec!["update"]),
            (path("data", &self.beside()), vec!["read", "create", "update"]),
            (path("metadata", &self.beside()), vec!["read", "create", "update", "delete"]),
        ];
        let paths: Vec<&str> = needed.iter().map(|(path, _)| path.as_str()).collect();
        let request =
            self.request(session, Method::POST, "/v1/sys/capabilities-self").json(&json!({ "paths": paths }));
        let answer = self.send(session, "look up the capabilities for", request, &[]).await?;
        let held: BTreeMap<String, Value> = answer.json::<Data<_>>()?.data;
        for (path, wanted) in needed {
            let held: Vec<&str> = held
                .get(&path)
                .and_then(Value::as_array)
                .into_iter()
                .flatten()
                .filter_map(Value::as_str)
                .collect();
            if held.contains(&"root") {
                continue;
            }
            let lacking: Vec<&str> = wanted.into_iter().filter(|wanted| !held.contains(wanted)).collect();
            if !lacking.is_empty() {
                return Err(PortError::new(
                    PortErrorKind::Denied,
                    format!("write {}", self.name()),
                    format!("the policies of the token do not allow {} on {path}", lacking.join(", ")),
                ));
            }
        }
        Ok(())
    }
}

#[derive(Deserialize)]
struct Metadata {
    current_version: u64,
    #[serde(default)]
    versions: BTreeMap<String, VersionMetadata>,
}

#[derive(Deserialize)]
struct VersionMetadata {
    #[serde(default)]
    destroyed: bool,
}

#[async_trait]
impl Server for VaultKv {
    type Session = Session;
    type Main = Document;
    type Beside = Document;

    fn name(&self) -> String {
        format!("vault-kv:{}/{}", self.mount, self.path)
    }

    fn values(&self) -> &Values {
        &self.spec.values
    }

    async fn connect(&self) -> Result<Session, PortError> {
        let address = self
            .spec
            .address
            .clone()
            .or_else(|| ["VAULT_ADDR", "BAO_ADDR"].into_iter().find_map(|name| std::env::var(name).ok()));
        let address = address.ok_or_else(|| {
            let message = "no server is named: write address = \"https://…\", or set VAULT_ADDR";
            PortError::new(PortErrorKind::Invalid, format!("open {}", self.name()), message)
        })?;
        let ca_file: Option<&PathBuf> = self.spec.ca_file.as_ref();
        let api = Api::new(&address, ca_file.map(PathBuf::as_path))?;
        Ok(Session { api, token: credential::read(&self.spec.token).await? })
    }

    async fn read(&self, session: &Session) -> Result<Document, PortError> {
        self.document(session, &self.path).await
    }

    async fn read_beside(&self, session: &Session) -> Result<(Document, Option<Secret>), PortError> {
        let document = self.document(session, &self.beside()).await?;
        let text = document.data.text(JOURNAL).map(|text| Secret::new(text.to_owned()));
        Ok((document, text))
    }

    async fn check(&self, session: &Session, main: &Document, _: &Document) -> Result<(), PortError> {
        self.check_engine(session).await?;
        self.check_capabilities(session, main).await
    }

    async fn write(&self, session: &Session, main: &Document, pair: &AccessKeyPair) -> Result<(), PortError> {
        let rendered = self.spec.values.render(pair);
        let mut data = SecretMap(main.data.0.clone());
        for (name, value) in &rendered {
            data.0.insert((*name).to_owned(), value.expose().into());
        }
        let secrets: Vec<&Secret> = rendered.values().collect();
        self.put(session, &self.path, main.version, &data, &secrets).await.map(drop)
    }

    async fn write_beside(
        &self,
        session: &Session,
        beside: &Document,
        text: Option<Secret>,
    ) -> Result<Document, PortError> {
        let path = self.beside();
        let metadata = self.url("metadata", &path);
        let Some(text) = text else {
            if beside.version > 0 || self.metadata(session, &path).await?.is_some() {
                let request = self.request(session, Method::DELETE, &metadata);
                self.send(session, "clear what is kept beside", request, &[]).await?;
            }
            return Ok(Document::new(0, SecretMap::default()));
        };
        if beside.version == 0 {
            // One version alone: what is replaced there is gone.
            let request = self.request(session, Method::POST, &metadata).json(&json!({ "max_versions": 1 }));
            self.send(session, "make what is kept beside", request, &[]).await?;
        }
        let data = SecretMap([(JOURNAL.to_owned(), text.expose().into())].into_iter().collect());
        let version = self.put(session, &path, beside.version, &data, &[&text]).await?;
        Ok(Document::new(version, SecretMap::default()))
    }

    async fn purge(&self, session: &Session, pair: &AccessKeyPair) -> Result<(), PortError> {
        let versions = self.versions_with(session, pair).await?;
        if versions.is_empty() {
            return Ok(());
        }
        let url = self.url("destroy", &self.path);
        let request = self.request(session, Method::PUT, &url).json(&json!({ "versions": versions }));
        self.send(session, "destroy older versions of", request, &[]).await.map(drop)
    }
}

impl Document {
    fn new(version: u64, data: SecretMap) -> Self {
        Self { version, shown_version: version.to_string(), data }
    }
}

impl remote::Main for Document {
    fn version(&self) -> &str {
        &self.shown_version
    }

    fn value(&self, name: &str) -> Option<&str> {
        self.data.text(name)
    }
}

/// A path in a URL: slashes are left.
fn encoded(path: &str) -> String {
    let mut encoded = String::with_capacity(path.len());
    for byte in path.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~/".contains(&byte) {
            encoded.push(char::from(byte));
        } else {
            encoded.push_str(&format!("%{byte:02X}"));
        }
    }
    encoded
}
