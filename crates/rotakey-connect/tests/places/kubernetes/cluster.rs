//! A part of the API of Kubernetes: Secrets and workloads.

use std::collections::BTreeMap;
use std::sync::Mutex;

use data_encoding::BASE64;
use rotakey_engine::conformance::server::{Request, Response};
use serde_json::{Map, Value, json};

use crate::packages;
use crate::schema::Schemas;

pub(crate) const FULL: &str = "token-of-rotakey";
pub(crate) const READ_ONLY: &str = "token-of-a-reader";

/// The parameters that the API describes for a verb on Secrets, Deployments, StatefulSets and DaemonSets, but for those of
/// lists. As the paths, the verbs and the content type of a patch, compared with Kubernetes' own OpenAPI document,
/// `api__v1_openapi.json` and `apis__apps__v1_openapi.json` in `openapi/openapitest` of client-go at 32ce75a7d6bc.
fn parameters(method: &str) -> &'static [&'static str] {
    match method {
        "POST" => &["dryRun", "fieldManager", "fieldValidation", "pretty"],
        "PATCH" => &["dryRun", "fieldManager", "fieldValidation", "force", "pretty"],
        "DELETE" => &["dryRun", "gracePeriodSeconds", "orphanDependents", "pretty", "propagationPolicy"],
        _ => &["pretty"],
    }
}

pub(crate) struct Cluster {
    schemas: Schemas,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    objects: BTreeMap<String, Value>,
    /// The version that the next change gets.
    version: u64,
    writes: BTreeMap<String, usize>,
    log: Vec<(String, String)>,
}

/// What a request is about.
struct Target<'a> {
    /// `secrets` or a kind of workload.
    kind: &'a str,
    namespace: &'a str,
    name: Option<&'a str>,
}

type Failure = (u16, &'static str, String);

impl Cluster {
    pub(crate) fn new() -> Self {
        let path =
            packages("kubernetes_validate/kubernetes-json-schema/v1.37.0-local-strict/_definitions.json");
        let cluster = Self { schemas: Schemas::read(&path), state: Mutex::default() };
        cluster.set(
            "deployments/shop/web",
            json!({
                "apiVersion": "apps/v1", "kind": "Deployment",
                "metadata": { "name": "web", "generation": 1 },
                "spec": {
                    "selector": { "matchLabels": { "app": "web" } },
                    "template": {
                        "metadata": { "labels": { "app": "web" } },
                        "spec": { "containers": [{ "name": "web", "image": "web" }] },
                    },
                },
            }),
        );
        cluster
    }

    /// Puts an object there behind the API's back.
    pub(crate) fn set(&self, key: &str, mut object: Value) {
        let mut state = self.state.lock().unwrap();
        state.version += 1;
        object["metadata"]["resourceVersion"] = state.version.to_string().into();
        state.objects.insert(key.to_owned(), object);
    }

    pub(crate) fn get(&self, key: &str) -> Option<Value> {
        self.state.lock().unwrap().objects.get(key).cloned()
    }

    /// How often an object was changed by requests.
    pub(crate) fn writes(&self, key: &str) -> usize {
        self.state.lock().unwrap().writes.get(key).copied().unwrap_or(0)
    }

    /// How many calls come before the first one of that kind.
    pub(crate) fn calls_until(&self, method: &str, path: &str, act: impl FnOnce()) -> usize {
        let before = self.state.lock().unwrap().log.len();
        act();
        let state = self.state.lock().unwrap();
        let wanted = |(found, target): &(String, String)| found == method && target.contains(path);
        state.log[before..].iter().position(wanted).expect("such a call came")
    }

    pub(crate) fn answer(&self, request: &Request) -> Response {
        match self.handle(request) {
            Ok((status, object)) => Response::json(status, &object),
            Err((code, reason, message)) => Response::json(
                code,
                &json!({
                    "apiVersion": "v1", "kind": "Status", "status": "Failure",
                    "message": message, "reason": reason, "code": code,
                }),
            ),
        }
    }

    fn handle(&self, request: &Request) -> Result<(u16, Value), Failure> {
        let bad = |message: String| (400, "BadRequest", message);
        let (path, query) = request.target.split_once('?').unwrap_or((&request.target, ""));
        let writes = request.method != "GET";
        match request.header("authorization").and_then(|value| value.strip_prefix("Bearer ")) {
            Some(FULL) => {}
            Some(READ_ONLY) if writes => return Err((403, "Forbidden", "may only read".to_owned())),
            Some(READ_ONLY) => {}
            _ => return Err((401, "Unauthorized", "Unauthorized".to_owned())),
        }
        let mut given = BTreeMap::new();
        for parameter in query.split('&').filter(|parameter| !parameter.is_empty()) {
            let (name, value) = parameter.split_once('=').unwrap_or((parameter, ""));
            if !parameters(&request.method).contains(&name) {
                return Err(bad(format!("there is no parameter {name}")));
            }
            given.insert(name, value);
        }
        let mut dry = match given.get("dryRun") {
            None => false,
            Some(&"All") => true,
            Some(other) => return Err((422, "Invalid", format!("dryRun {other}"))),
        };
        let target = target(path).ok_or_else(|| (404, "NotFound", format!("no path {path}")))?;
        let body: Value = match &request.body[..] {
            [] => Value::Null,
            body => serde_json::from_slice(body).map_err(|error| bad(error.to_string()))?,
        };
        let mut state = self.state.lock().unwrap();
        state.log.push((request.method.clone(), request.target.clone()));
        let kind = request.header("content-type").unwrap_or_default();
        let key = format!("{}/{}/{}", target.kind, target.namespace, target.name.unwrap_or_default());
        let missing = || (404, "NotFound", format!("{key} not found"));
        match (request.method.as_str(), target.name) {
            ("GET", Some(_)) => {
                state.objects.get(&key).cloned().map(|object| (200, object)).ok_or_else(missing)
            }
            ("POST", None) if target.kind == "secrets" => {
                if kind != "application/json" {
                    return Err((415, "UnsupportedMediaType", kind.to_owned()));
                }
                self.check(&target, &body)?;
                if target.namespace != "shop" {
                    return Err((404, "NotFound", format!("namespaces {:?} not found", target.namespace)));
                }
                let name = body["metadata"]["name"].as_str().unwrap_or_default();
                if !is_name(name) {
                    return Err((422, "Invalid", format!("metadata.name {name:?}")));
                }
                let key = format!("secrets/{}/{name}", target.namespace);
                if state.objects.contains_key(&key) {
                    return Err((409, "AlreadyExists", format!("{key} already exists")));
                }
                Ok((201, state.keep(&key, body, dry)))
            }
            ("PATCH", Some(_)) => {
                if kind != "application/merge-patch+json" {
                    return Err((415, "UnsupportedMediaType", kind.to_owned()));
                }
                let before = state.objects.get(&key).cloned().ok_or_else(missing)?;
                let mut after = before.clone();
                merge(&mut after, &body);
                self.check(&target, &after)?;
                if after["metadata"]["resourceVersion"] != before["metadata"]["resourceVersion"] {
                    return Err((409, "Conflict", "the object has been modified".to_owned()));
                }
                if before["immutable"] == true && after["data"] != before["data"] {
                    return Err((
                        422,
                        "Invalid",
                        "data: field is immutable when `immutable` is set".to_owned(),
                    ));
                }
                if after == before {
                    return Ok((200, before));
                }
                if after["spec"] != before["spec"] {
                    let generation = before["metadata"]["generation"].as_i64().unwrap_or(0);
                    after["metadata"]["generation"] = (generation + 1).into();
                }
                Ok((200, state.keep(&key, after, dry)))
            }
            ("DELETE", Some(_)) => {
                if !body.is_null() {
                    self.schemas
                        .check("io.k8s.apimachinery.pkg.apis.meta.v1.DeleteOptions", &body)
                        .map_err(bad)?;
                    dry |= body["dryRun"] == json!(["All"]);
                }
                let before = state.objects.get(&key).cloned().ok_or_else(missing)?;
                let wanted = &body["preconditions"]["resourceVersion"];
                if !wanted.is_null() && *wanted != before["metadata"]["resourceVersion"] {
                    return Err((409, "Conflict", "the precondition does not hold".to_owned()));
                }
                if !dry {
                    state.objects.remove(&key);
                }
                Ok((200, json!({ "apiVersion": "v1", "kind": "Status", "status": "Success" })))
            }
            (method, _) => Err((405, "MethodNotAllowed", method.to_owned())),
        }
    }

    fn check(&self, target: &Target<'_>, object: &Value) -> Result<(), Failure> {
        let definition = match target.kind {
            "secrets" => "io.k8s.api.core.v1.Secret",
            "deployments" => "io.k8s.api.apps.v1.Deployment",
            "statefulsets" => "io.k8s.api.apps.v1.StatefulSet",
            _ => "io.k8s.api.apps.v1.DaemonSet",
        };
        self.schemas.check(definition, object).map_err(|why| (400, "BadRequest", why))
    }
}

impl State {
    fn keep(&mut self, key: &str, mut object: Value, dry: bool) -> Value {
        if dry {
            return with_version(object, "0");
        }
        self.version += 1;
        object = with_version(object, &self.version.to_string());
        *self.writes.entry(key.to_owned()).or_default() += 1;
        self.objects.insert(key.to_owned(), object.clone());
        object
    }
}

fn with_version(mut object: Value, version: &str) -> Value {
    object["metadata"]["resourceVersion"] = version.into();
    object
}

fn target(path: &str) -> Option<Target<'_>> {
    let parts: Vec<&str> = path.split('/').collect();
    match parts[..] {
        ["", "api", "v1", "namespaces", namespace, "secrets"] => {
            Some(Target { kind: "secrets", namespace, name: None })
        }
        ["", "api", "v1", "namespaces", namespace, "secrets", name] => {
            Some(Target { kind: "secrets", namespace, name: Some(name) })
        }
        ["", "apis", "apps", "v1", "namespaces", namespace, kind, name] => {
            let known = ["deployments", "statefulsets", "daemonsets"].contains(&kind);
            known.then_some(Target { kind, namespace, name: Some(name) })
        }
        _ => None,
    }
}

/// RFC 7396.
fn merge(target: &mut Value, patch: &Value) {
    let Value::Object(patch) = patch else {
        *target = patch.clone();
        return;
    };
    if !target.is_object() {
        *target = Value::Object(Map::new());
    }
    for (name, value) in patch {
        if value.is_null() {
            target.as_object_mut().unwrap().remove(name);
        } else {
            merge(&mut target[name.as_str()], value);
        }
    }
}

fn is_name(name: &str) -> bool {
    let legal = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || b"-.".contains(&byte);
    !name.is_empty() && name.len() <= 253 && name.bytes().all(legal)
}

pub(crate) fn encoded(text: &str) -> String {
    BASE64.encode(text.as_bytes())
}

/// The object with its data as a pod reads it.
pub(crate) fn decoded(mut object: Value) -> Value {
    for value in object["data"].as_object_mut().into_iter().flat_map(Map::values_mut) {
        let bytes = BASE64.decode(value.as_str().unwrap().as_bytes()).unwrap();
        *value = String::from_utf8_lossy(&bytes).into_owned().into();
    }
    object
}
