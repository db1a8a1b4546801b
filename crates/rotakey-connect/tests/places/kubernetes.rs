//! Secrets of Kubernetes, on a server that checks every object against the API's own description (version 1.37, every
//! field that it does not know refused), and does with it what the API's conventions say: optimistic locks, dry runs,
//! immutable Secrets, preconditions of a delete, `Status` objects for errors.

mod cluster;

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use async_trait::async_trait;
use rotakey_core::destination::{DestinationSpec, KubernetesSecret, Values};
use rotakey_core::secret::{AccessKeyPair, Secret};
use rotakey_engine::conformance::destination::{
    self as conformance, Application, Break, Broken, Foreign, Harness, Place,
};
use rotakey_engine::conformance::server::{Request, Server, send};
use rotakey_engine::port::{Destination, Destinations, Kept, PortErrorKind};
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::{PATIENCE, block_on, destinations, expect_given_up, pair, silent, values};
use cluster::{Cluster, FULL, READ_ONLY, decoded, encoded};

fn next() -> usize {
    static NEXT: AtomicUsize = AtomicUsize::new(0);
    NEXT.fetch_add(1, Ordering::Relaxed)
}

struct Kubernetes {
    cluster: Arc<Cluster>,
}

/// One Secret, seen through a server of its own.
struct Secrets {
    cluster: Arc<Cluster>,
    server: Server,
    folder: TempDir,
    spec: KubernetesSecret,
}

impl Kubernetes {
    fn start() -> Self {
        Self { cluster: Arc::new(Cluster::new()) }
    }

    fn place(&self) -> Secrets {
        self.place_with(FULL, |_| {})
    }

    fn place_with(&self, token: &str, edit: impl FnOnce(&mut KubernetesSecret)) -> Secrets {
        let cluster = Arc::clone(&self.cluster);
        let server = Server::start(move |request| Some(cluster.answer(request)));
        let folder = tempfile::tempdir().unwrap();
        let kubeconfig = kubeconfig(folder.path(), &server.url(), token);
        let mut spec = KubernetesSecret {
            namespace: Some("shop".to_owned()),
            name: format!("user-{}", next()),
            values: Values::environment(),
            restart: Vec::new(),
            kubeconfig: Some(kubeconfig),
            context: None,
        };
        edit(&mut spec);
        Secrets { cluster: Arc::clone(&self.cluster), server, folder, spec }
    }
}

fn kubeconfig(folder: &Path, server: &str, token: &str) -> PathBuf {
    let path = folder.join("config");
    let text = format!(
        "current-context: test\ncontexts: [{{name: test, context: {{cluster: here, user: me}}}}]\n\
         clusters: [{{name: here, cluster: {{server: '{server}'}}}}]\nusers: [{{name: me, user: {{token: {token}}}}}]\n",
    );
    std::fs::write(&path, text).unwrap();
    path
}

impl Secrets {
    fn key(&self, suffix: &str) -> String {
        format!("secrets/shop/{}{suffix}", self.spec.name)
    }

    fn with(self, edit: impl FnOnce(&mut Value)) -> Self {
        let mut object = json!({
            "apiVersion": "v1", "kind": "Secret", "type": "Opaque", "metadata": { "name": self.spec.name }, "data": {},
        });
        edit(&mut object);
        self.cluster.set(&self.key(""), object);
        self
    }
}

#[async_trait]
impl Place for Secrets {
    fn open(&self) -> Box<dyn Destination> {
        assert!(self.folder.path().exists());
        destinations().open(&DestinationSpec::KubernetesSecret(self.spec.clone())).unwrap()
    }

    async fn contents(&self) -> Vec<u8> {
        let shown = |suffix| self.cluster.get(&self.key(suffix)).map(|object| decoded(object).to_string());
        format!("{:?}{:?}", shown(""), shown("-rotakey"))
            .replace("\\\"", "\"")
            .replace("\\\\", "\\")
            .into_bytes()
    }

    fn application(&self) -> Option<Application> {
        let (cluster, key) = (Arc::clone(&self.cluster), self.key(""));
        Some(Box::new(move || {
            let Some(object) = cluster.get(&key).map(decoded) else { return Ok(None) };
            match (
                object["data"]["AWS_ACCESS_KEY_ID"].as_str(),
                object["data"]["AWS_SECRET_ACCESS_KEY"].as_str(),
            ) {
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

/// The same, with a workload that is restarted.
struct Restarting(Kubernetes);

#[async_trait]
impl Harness for Restarting {
    async fn empty(&self) -> Box<dyn Place> {
        Box::new(self.0.place_with(FULL, |spec| spec.restart = vec!["deployment/web".to_owned()]))
    }

    async fn foreign(&self) -> Vec<Foreign> {
        self.0.foreign().await
    }

    async fn broken(&self) -> Vec<Broken> {
        let place = self.0.place_with(FULL, |spec| spec.restart = vec!["deployment/gone".to_owned()]);
        vec![Broken { name: "no such workload", place: Box::new(place), kind: PortErrorKind::Invalid }]
    }
}

#[async_trait]
impl Harness for Kubernetes {
    async fn empty(&self) -> Box<dyn Place> {
        Box::new(self.place())
    }

    async fn foreign(&self) -> Vec<Foreign> {
        let kept = |name, edit: fn(&mut Value), kept: &[&str]| Foreign {
            name,
            place: Box::new(self.place().with(edit)),
            kept: kept.iter().map(|kept| kept.as_bytes().to_vec()).collect(),
            secrets: Vec::new(),
        };
        let refused = |name, edit: fn(&mut Value)| Foreign {
            name,
            place: Box::new(self.place().with(edit)),
            kept: Vec::new(),
            secrets: vec!["hunter2hunter2".to_owned(), encoded("hunter2hunter2")],
        };
        vec![
            kept(
                "labels, owners, annotations and other keys",
                |object| {
                    object["data"] = json!({ "PORT": encoded("80") });
                    object["metadata"]["labels"] = json!({ "team": "shop" });
                    object["metadata"]["annotations"] = json!({ "note": "mine" });
                    object["metadata"]["ownerReferences"] =
                        json!([{ "apiVersion": "v1", "kind": "ConfigMap", "name": "owner", "uid": "u-1" }]);
                },
                &[r#""PORT":"80""#, r#""team":"shop""#, r#""note":"mine""#, r#""name":"owner""#],
            ),
            refused("an immutable Secret", |object| {
                object["immutable"] = true.into();
                object["data"] = json!({ "X": encoded("hunter2hunter2") });
            }),
            refused("a Secret that is being deleted", |object| {
                object["metadata"]["deletionTimestamp"] = "2026-01-01T00:00:00Z".into();
            }),
            refused("half a pair", |object| {
                object["data"] = json!({ "AWS_SECRET_ACCESS_KEY": encoded("hunter2hunter2") });
            }),
            refused("a key that is no text", |object| {
                object["data"] = json!({ "AWS_SECRET_ACCESS_KEY": "/w==", "AWS_ACCESS_KEY_ID": "/w==" });
            }),
            refused("a session token", |object| {
                object["data"] = json!({ "AWS_SESSION_TOKEN": encoded("hunter2hunter2") });
            }),
        ]
    }

    async fn broken(&self) -> Vec<Broken> {
        let broken = |name, place, kind| Broken { name, place: Box::new(place), kind };
        let taken = self.place();
        let foreign = json!({ "apiVersion": "v1", "kind": "Secret", "metadata": { "name": format!("{}-rotakey", taken.spec.name) } });
        self.cluster.set(&taken.key("-rotakey"), foreign);
        vec![
            broken("a token that may only read", self.place_with(READ_ONLY, |_| {}), PortErrorKind::Denied),
            broken("a token that is none", self.place_with("none", |_| {}), PortErrorKind::Credentials),
            broken(
                "no such namespace",
                self.place_with(FULL, |spec| spec.namespace = Some("nowhere".to_owned())),
                PortErrorKind::Invalid,
            ),
            broken("a Secret of somebody else beside it", taken, PortErrorKind::Conflict),
        ]
    }
}

#[test]
fn secrets_of_kubernetes_keep_the_contract_of_destinations() {
    block_on(conformance::check_all(&Kubernetes::start()));
}

#[tokio::test(start_paused = true)]
async fn a_cluster_that_never_answers_is_given_up_in_time() {
    let ((url, _listener), folder) = (silent(), tempfile::tempdir().unwrap());
    let spec = KubernetesSecret {
        namespace: Some("shop".to_owned()),
        name: "alice-aws".to_owned(),
        values: Values::environment(),
        restart: Vec::new(),
        kubeconfig: Some(kubeconfig(folder.path(), &url, FULL)),
        context: None,
    };
    expect_given_up(&*destinations().open(&DestinationSpec::KubernetesSecret(spec)).unwrap(), PATIENCE).await;
}

#[test]
fn they_keep_it_with_a_workload_that_is_restarted() {
    block_on(conformance::a_call_that_dies_leaves_the_old_or_the_new_pair(&Restarting(Kubernetes::start())));
    block_on(conformance::preflight_changes_nothing(&Restarting(Kubernetes::start())));
}

#[test]
fn a_rotation_leaves_no_second_secret_and_changes_the_first_in_one_request() {
    let kubernetes = Kubernetes::start();
    let place = kubernetes.place().with(|object| {
        object["data"] = json!({
            "AWS_ACCESS_KEY_ID": encoded(pair(1).id.as_str()), "AWS_SECRET_ACCESS_KEY": encoded(pair(1).secret.expose()),
        });
    });
    block_on(async {
        place.open().stage(&pair(2)).await.unwrap();
        assert!(kubernetes.cluster.get(&place.key("-rotakey")).is_some());
        let before = kubernetes.cluster.writes(&place.key(""));
        place.open().publish(&pair(2)).await.unwrap();
        assert_eq!(kubernetes.cluster.writes(&place.key("")) - before, 1);
        place.open().forget(&pair(1).id).await.unwrap();
    });
    assert!(kubernetes.cluster.get(&place.key("-rotakey")).is_none());
}

#[test]
fn what_reads_the_secret_is_restarted_once_for_each_key() {
    let kubernetes = Kubernetes::start();
    let place = kubernetes.place_with(FULL, |spec| spec.restart = vec!["deployment/web".to_owned()]);
    let rollouts =
        || kubernetes.cluster.get("deployments/shop/web").unwrap()["metadata"]["generation"].clone();
    block_on(async {
        let begun = rollouts().as_i64().unwrap();
        place.open().preflight().await.unwrap();
        place.open().stage(&pair(1)).await.unwrap();
        assert_eq!(rollouts(), begun, "nothing is restarted for a key that no pod reads");
        for _ in 0..3 {
            place.open().publish(&pair(1)).await.unwrap();
            assert_eq!(rollouts(), begun + 1);
        }
        place.open().publish(&pair(2)).await.unwrap();
        assert_eq!(rollouts(), begun + 2);
        place.open().restore(&pair(1).id).await.unwrap();
        assert_eq!(rollouts(), begun + 3, "going back is a change too");
        place.open().forget(&pair(2).id).await.unwrap();
        assert_eq!(rollouts(), begun + 3);
    });
    let web = kubernetes.cluster.get("deployments/shop/web").unwrap();
    let template = &web["spec"]["template"];
    assert_eq!(
        template["metadata"]["annotations"][format!("rotakey/{}", place.spec.name)],
        pair(1).id.as_str()
    );
    assert_eq!(template["metadata"]["labels"]["app"], "web", "all else stays");
}

#[test]
fn a_process_that_dies_before_the_restart_lets_the_next_one_do_it() {
    let kubernetes = Kubernetes::start();
    let place = kubernetes.place_with(FULL, |spec| spec.restart = vec!["deployment/web".to_owned()]);
    block_on(place.open().publish(&pair(1))).unwrap();
    let restart = kubernetes.cluster.calls_until("PATCH", "/deployments/web", || {
        drop(block_on(place.open().publish(&pair(2))));
    });
    block_on(place.open().publish(&pair(1))).unwrap();
    place.server.break_at(restart, Break::Unheard);
    block_on(place.open().publish(&pair(2))).unwrap_err();
    assert!(place.server.mend());
    let slots = block_on(place.open().read()).unwrap();
    let current = slots.current.unwrap();
    assert!(*current.id() == pair(2).id && current.pair().is_none(), "it is not said to be done");
    block_on(place.open().publish(&pair(2))).unwrap();
    let web = kubernetes.cluster.get("deployments/shop/web").unwrap();
    let annotations = &web["spec"]["template"]["metadata"]["annotations"];
    assert_eq!(annotations[format!("rotakey/{}", place.spec.name)], pair(2).id.as_str());
    let slots = block_on(place.open().read()).unwrap();
    assert!(slots.current.as_ref().and_then(Kept::pair) == Some(&pair(2)));
}

#[test]
fn a_secret_without_the_pair_itself_is_rotated_and_restored() {
    let kubernetes = Kubernetes::start();
    let smtp = values(&[("username", "{access_key_id}"), ("password", "{ses_smtp_password:eu-west-1}")]);
    let place = kubernetes.place_with(FULL, |spec| spec.values = smtp);
    block_on(async {
        place.open().publish(&pair(1)).await.unwrap();
        let first = kubernetes.cluster.get(&place.key("")).unwrap()["data"].clone();
        place.open().publish(&pair(2)).await.unwrap();
        place.open().restore(&pair(1).id).await.unwrap();
        assert_eq!(kubernetes.cluster.get(&place.key("")).unwrap()["data"], first);
    });
}

/// The server of these tests is worth something only if it refuses what the real one would.
#[test]
fn the_server_refuses_wrong_requests() {
    let cluster = Arc::new(Cluster::new());
    let answering = Arc::clone(&cluster);
    let server = Server::start(move |request| Some(answering.answer(request)));
    let refused = |method: &str, target: &str, kind: &str, body: Value| {
        let headers = vec![
            ("authorization".to_owned(), format!("Bearer {FULL}")),
            ("content-type".to_owned(), kind.to_owned()),
        ];
        let request = Request {
            method: method.to_owned(),
            target: target.to_owned(),
            headers,
            body: body.to_string().into_bytes(),
        };
        let response = send(server.address(), &request);
        let status: Value = serde_json::from_slice(&response.body).unwrap();
        (response.status, status["message"].as_str().unwrap_or_default().to_owned())
    };
    let json = "application/json";
    let secrets = "/api/v1/namespaces/shop/secrets?fieldValidation=Strict";
    let secret = |edit: fn(&mut Value)| {
        let mut secret = json!({ "apiVersion": "v1", "kind": "Secret", "metadata": { "name": "a" } });
        edit(&mut secret);
        secret
    };
    assert_eq!(refused("POST", secrets, json, secret(|_| {})).0, 201, "a right one is taken");
    assert_eq!(refused("POST", secrets, json, secret(|_| {})).0, 409, "it is there already");
    for (status, why, body) in [
        (400, "datas: is not known", secret(|secret| secret["datas"] = json!({}))),
        (400, "data.X: is not base64", secret(|secret| secret["data"] = json!({ "X": "plain text!" }))),
        (400, "type: is not string", secret(|secret| secret["type"] = json!(1))),
        (400, "kind: is none of", secret(|secret| secret["kind"] = json!("ConfigMap"))),
        (422, "name", secret(|secret| secret["metadata"]["name"] = json!("Not_A_Name"))),
        (400, "labels", secret(|secret| secret["metadata"]["labels"] = json!([]))),
    ] {
        let (found, message) = refused("POST", secrets, json, body);
        assert_eq!(found, status, "{message}");
        assert!(message.contains(why), "{message}");
    }
    let one = "/api/v1/namespaces/shop/secrets/a";
    assert_eq!(refused("PATCH", one, json, json!({})).0, 415, "a patch says of which kind it is");
    let merge = "application/merge-patch+json";
    let stale = json!({ "metadata": { "resourceVersion": "1" }, "data": {} });
    assert_eq!(refused("PATCH", one, merge, stale).0, 409, "it is not what was read");
    assert_eq!(refused("PATCH", &format!("{one}?dry=All"), merge, json!({})).0, 400, "no such parameter");
    assert_eq!(refused("PUT", "/api/v1/secrets/a", json, json!({})).0, 404, "no such path");
    assert_eq!(refused("DELETE", one, json, json!({ "precondition": {} })).0, 400, "no such option");
}
