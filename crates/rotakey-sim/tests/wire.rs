//! The endpoint as plain HTTP: the control path, and what becomes of requests that are no calls.
//!
//! Signed calls are made by real clients: in `unchanged_clients/`, and in the scenarios over the AWS SDK.

use std::fs;
use std::io::{Read as _, Write as _};
use std::net::{Ipv4Addr, SocketAddr, TcpStream};
use std::sync::{Arc, Mutex};

use jiff::{SignedDuration, Timestamp};
use rotakey_core::fact::KeyStatus;
use rotakey_core::id::{AccountId, UserName};
use rotakey_core::secret::AccessKeyPair;
use rotakey_sim::simulation::Simulation;
use rotakey_sim::wire::{RealTime, Running, Server};
use rotakey_sim::world::World;
use rotakey_sim::world::plant::{NewKey, NewUser};
use serde_json::{Value, json};

const MANUAL: &str = include_str!("../../../docs/sandbox.md");
const START: &str = "2031-02-03T04:05:06Z";

/// An account with the user `alice`, who has one key.
struct Scene {
    simulation: Simulation,
    account_id: AccountId,
    alice: AccessKeyPair,
    /// What the server takes for the real time.
    real_now: Arc<Mutex<Timestamp>>,
    server: Running,
}

impl Scene {
    async fn with_standing_clock() -> Self {
        Self::set(|server| server).await
    }

    async fn with_running_clock() -> Self {
        Self::set(Server::following_real_time).await
    }

    async fn set(configure: impl FnOnce(Server) -> Server) -> Self {
        let start: Timestamp = START.parse().unwrap();
        let mut world = World::new(11, start);
        let account_id = world.create_account("main", start);
        let name: UserName = "alice".parse().unwrap();
        world.plant_user(account_id, NewUser::new(name.clone(), start));
        let key = NewKey { created_at: start, status: KeyStatus::Active, last_used: None };
        let alice = world.plant_key(account_id, &name, key);
        let simulation = Simulation::new(world);

        let real_now = Arc::new(Mutex::new("2026-11-23T10:00:00Z".parse().unwrap()));
        let real_time: RealTime = {
            let now = real_now.clone();
            Arc::new(move || *now.lock().unwrap())
        };
        let server = configure(Server::new(simulation.clone(), real_time));
        let server = server.start(SocketAddr::from((Ipv4Addr::LOCALHOST, 0))).await.unwrap();
        Self { simulation, account_id, alice, real_now, server }
    }

    /// Sends these bytes and reads until the server closes the connection.
    fn exchange(&self, request: &[u8]) -> String {
        let mut stream = TcpStream::connect(self.server.address()).unwrap();
        // The server may answer and close before it has read all.
        let _ = stream.write_all(request);
        let mut answer = Vec::new();
        let _ = stream.read_to_end(&mut answer);
        String::from_utf8_lossy(&answer).into_owned()
    }

    /// The status and the body of the answer to one request.
    fn request(&self, method: &str, path: &str, headers: &str, body: &str) -> (u16, String) {
        let length = body.len();
        let head = format!(
            "{method} {path} HTTP/1.1\r\nhost: x\r\nconnection: close\r\ncontent-length: {length}\r\n"
        );
        let answer = self.exchange(format!("{head}{headers}\r\n{body}").as_bytes());
        let (head, body) = answer.split_once("\r\n\r\n").unwrap_or_else(|| panic!("no answer: {answer:?}"));
        (head[9..12].parse().unwrap(), body.to_owned())
    }

    /// The status and the answer of a control request.
    fn control(&self, method: &str, resource: &str, body: &Value) -> (u16, Value) {
        let body = if body.is_null() { String::new() } else { body.to_string() };
        let (status, body) = self.request(method, &format!("/_sandbox/{resource}"), "", &body);
        (status, serde_json::from_str(&body).unwrap())
    }

    fn get(&self, resource: &str) -> Value {
        let (status, answer) = self.control("GET", resource, &Value::Null);
        assert_eq!(status, 200, "{answer}");
        answer
    }

    fn post(&self, resource: &str, body: Value) -> Value {
        let (status, answer) = self.control("POST", resource, &body);
        assert_eq!(status, 200, "{answer}");
        answer
    }
}

const FORM: &str = "content-type: application/x-www-form-urlencoded\r\n";
const LIST_USERS: &str = "Action=ListUsers&Version=2010-05-08";

#[tokio::test(flavor = "multi_thread")]
async fn an_unsigned_call_is_refused_in_the_words_of_its_service() {
    let scene = Scene::with_standing_clock().await;
    for (method, headers, body, status, code) in [
        ("POST", FORM, LIST_USERS, 403, "<Code>MissingAuthenticationToken</Code>"),
        ("POST", FORM, "Action=GetCallerIdentity&Version=2011-06-15", 403, "MissingAuthenticationToken"),
        ("POST", FORM, "Action=ListUsers&Version=1999-01-01", 400, "InvalidAction"),
        ("POST", FORM, "", 400, "MissingAction"),
        (
            "POST",
            "x-amz-target: secretsmanager.ListSecrets\r\n",
            "{}",
            400,
            r#""__type":"MissingAuthenticationTokenException""#,
        ),
        ("POST", "x-amz-target: AmazonSSM.GetParameter\r\n", "[", 400, "SerializationException"),
        ("POST", "x-amz-target: Nobody.Nothing\r\n", "{}", 400, "UnknownOperationException"),
        ("GET", "", "", 403, "<Error><Code>AccessDenied</Code>"),
    ] {
        let (seen, text) = scene.request(method, "/", headers, body);
        assert_eq!(seen, status, "{text}");
        assert!(text.contains(code), "{code} is not in {text}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_signature_that_is_none_is_called_incomplete() {
    let scene = Scene::with_standing_clock().await;
    let signed = |authorization: &str, date: &str| {
        let headers = format!("{FORM}authorization: {authorization}\r\nx-amz-date: {date}\r\n");
        scene.request("POST", "/", &headers, LIST_USERS).1
    };
    let credential = format!("{}/20261123/us-east-1/iam/aws4_request", scene.alice.id);
    let zeros = "0".repeat(64);
    let whole =
        format!("AWS4-HMAC-SHA256 Credential={credential}, SignedHeaders=host;x-amz-date, Signature={zeros}");
    let unknown = whole.replace(scene.alice.id.as_str(), "AKIAIOSFODNN7EXAMPLE");
    let of_s3 = whole.replace("/iam/", "/s3/");
    let stamp = "20261123T100000Z";
    for (authorization, date, code) in [
        ("Basic YTpi", stamp, "IncompleteSignature"),
        ("AWS4-HMAC-SHA256 Credential=x", stamp, "IncompleteSignature"),
        (&whole, "yesterday", "IncompleteSignature"),
        (&whole, stamp, "SignatureDoesNotMatch"),
        (&whole, "20261124T100000Z", "SignatureDoesNotMatch"),
        (&unknown, stamp, "InvalidClientTokenId"),
        // S3 wants the digest of the payload, too.
        (&of_s3, stamp, "AuthorizationHeaderMalformed"),
    ] {
        let text = signed(authorization, date);
        assert!(text.contains(&format!("<Code>{code}</Code>")), "{code}: {text}");
        assert!(!text.contains(scene.alice.secret.expose()), "an error tells a secret");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn broken_requests_do_not_harm_the_server() {
    let scene = Scene::with_standing_clock().await;
    let huge =
        format!("POST / HTTP/1.1\r\nhost: x\r\ncontent-length: {}\r\n\r\n{}", 2 << 20, "x".repeat(2 << 20));
    assert!(scene.exchange(huge.as_bytes()).starts_with("HTTP/1.1 413"));
    let endless = format!("GET /{} HTTP/1.1\r\n\r\n", "x".repeat(1 << 20));
    for request in
        [&b"\0\xff\r\n\r\n"[..], b"GET / HTTP/9.9\r\n\r\n", b"POST / HTTP/1.1\r\ncontent-length: x\r\n\r\n"]
            .into_iter()
            .chain([endless.as_bytes()])
    {
        let answer = scene.exchange(request);
        assert!(answer.starts_with("HTTP/1.1 4"), "{answer}");
    }
    assert_eq!(scene.get("state")["now"], START, "the server still answers");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_clock_is_moved_and_never_back() {
    let scene = Scene::with_standing_clock().await;
    assert_eq!(scene.post("clock", json!({ "advance": "7d 4h" })), json!({ "now": "2031-02-10T08:05:06Z" }));
    assert_eq!(
        scene.post("clock", json!({ "set": "2031-03-01T00:00:00Z" })),
        json!({ "now": "2031-03-01T00:00:00Z" })
    );
    for wrong in [
        json!({ "set": START }),
        json!({ "advance": "-1s" }),
        json!({ "advance": "soon" }),
        json!({ "advance": "1mo" }),
        json!({ "advance": "9999999d" }),
        json!({ "advance": "1d", "set": START }),
        json!({ "forward": "1d" }),
        json!([]),
        Value::Null,
    ] {
        let (status, answer) = scene.control("POST", "clock", &wrong);
        assert_eq!(status, 400, "{wrong}: {answer}");
        assert!(answer["error"].is_string(), "{answer}");
    }
    assert_eq!(scene.get("state")["now"], "2031-03-01T00:00:00Z");
    assert_eq!(scene.get("state")["clock"], "stands");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_running_clock_follows_the_real_one_from_wherever_it_is_set() {
    let scene = Scene::with_running_clock().await;
    let pass = |seconds| *scene.real_now.lock().unwrap() += SignedDuration::from_secs(seconds);
    pass(10);
    assert_eq!(scene.get("state")["now"], "2031-02-03T04:05:16Z");
    scene.post("clock", json!({ "advance": "1d" }));
    pass(10);
    assert_eq!(scene.get("state")["now"], "2031-02-04T04:05:26Z");
    scene.simulation.advance_to("2031-02-05T00:00:00Z".parse().unwrap());
    pass(10);
    assert_eq!(scene.get("state")["now"], "2031-02-05T00:00:10Z");
    pass(-3600);
    assert_eq!(scene.get("state")["now"], "2031-02-05T00:00:10Z", "the real clock was set back");
    assert_eq!(scene.get("state")["clock"], "follows-real-time");
    let latency = &scene.get("consistency")["latency"];
    assert_eq!(latency, &json!({ "shortest": 0, "longest": 0 }), "a call takes the real time that it takes");
}

#[tokio::test(flavor = "multi_thread")]
async fn faults_are_set_listed_and_ended() {
    let scene = Scene::with_standing_clock().await;
    let faults = json!([
        { "service": "iam", "action": "CreateAccessKey", "calls": 1, "effect": { "type": "no-answer", "happened": true } },
        { "account_id": scene.account_id, "effect": { "type": "throttle" } }
    ]);
    assert_eq!(scene.post("faults", faults.clone()), faults);
    assert_eq!(scene.get("faults"), faults);
    assert_eq!(
        scene.post("faults", json!([faults[1]])),
        json!([faults[1]]),
        "a new list takes the place of the old"
    );
    let (status, _) = scene.control("POST", "faults", &json!([{ "effect": { "type": "earthquake" } }]));
    assert_eq!(status, 400);
    assert_eq!(scene.get("faults"), json!([faults[1]]), "a wrong list changes nothing");
    assert_eq!(scene.control("DELETE", "faults", &Value::Null), (200, json!([])));
    assert_eq!(scene.get("faults"), json!([]));
}

#[tokio::test(flavor = "multi_thread")]
async fn consistency_is_told_and_set() {
    let scene = Scene::with_standing_clock().await;
    let mut consistency = scene.get("consistency");
    consistency["stale_reads"] = json!(90_000);
    assert_eq!(scene.post("consistency", consistency.clone()), consistency);
    assert_eq!(scene.get("consistency"), consistency);
    assert_eq!(scene.control("POST", "consistency", &json!({ "gravity": 1 })).0, 400);
}

#[tokio::test(flavor = "multi_thread")]
async fn calls_are_counted_from_many_connections_at_once() {
    let scene = Scene::with_standing_clock().await;
    std::thread::scope(|threads| {
        for _ in 0..20 {
            threads.spawn(|| {
                for _ in 0..25 {
                    assert_eq!(scene.request("POST", "/", FORM, LIST_USERS).0, 403);
                }
            });
        }
    });
    let state = scene.get("state");
    assert_eq!(state["calls"], json!({ "iam:ListUsers": 500 }));
    assert_eq!(state["refusals"], json!({ "MissingAuthenticationToken": 500 }));
    assert_eq!(state["unanswered"], 0);
    scene.post("reset-counters", Value::Null);
    let state = scene.get("state");
    assert_eq!((&state["calls"], &state["refusals"]), (&json!({}), &json!({})));
}

#[tokio::test(flavor = "multi_thread")]
async fn the_truth_is_told_of_keys_and_secrets() {
    let scene = Scene::with_standing_clock().await;
    let key = json!({
        "account_id": scene.account_id,
        "user_name": "alice",
        "access_key_id": scene.alice.id,
        "status": "Active",
        "created_at": START,
        "last_used_at": null
    });
    assert_eq!(scene.get("keys"), json!([key]));
    assert_eq!(scene.get("secrets-issued"), json!([scene.alice.secret.expose()]));
    let state = scene.get("state");
    assert_eq!((&state["seed"], &state["access_keys_issued"]), (&json!(11), &json!(1)));
    assert_eq!(state["accounts"], json!([scene.account_id]));
}

#[tokio::test(flavor = "multi_thread")]
async fn applications_call_while_the_clock_moves() {
    let scene = Scene::with_standing_clock().await;
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("credentials");
    let (id, secret) = (&scene.alice.id, scene.alice.secret.expose());
    fs::write(&path, format!("[app]\naws_access_key_id = {id}\naws_secret_access_key = {secret}\n")).unwrap();

    let file = json!({ "type": "credentials-file", "path": path, "profile": "app" });
    scene.post("applications", json!({ "name": "works", "every": "10m", "source": file }));
    let buckets = json!({ "service": "s3", "action": "ListBuckets" });
    let denied =
        json!({ "name": "may not", "every": "1h", "cache_for": "1d", "source": file, "calls": buckets });
    scene.post("applications", denied);
    let secret = json!({
        "type": "secrets-manager", "account_id": scene.account_id, "region": "us-east-1", "name": "nothing"
    });
    scene.post("applications", json!({ "name": "has no key", "every": "1d", "source": secret }));
    scene.post("clock", json!({ "advance": "1d" }));

    let applications = scene.get("applications");
    let counts: Vec<_> = applications
        .as_array()
        .unwrap()
        .iter()
        .map(|one| json!([one["name"], one["calls"], one["failed"], one["failed_for_credentials"]]))
        .collect();
    assert_eq!(
        counts,
        [json!(["works", 144, 0, 0]), json!(["may not", 24, 24, 0]), json!(["has no key", 1, 1, 1])]
    );
    assert_eq!(applications[0]["last_access_key_id"], json!(scene.alice.id));
    assert_eq!(applications[1]["failures"][0]["code"], "AccessDenied");
    assert_eq!(applications[1]["failures"][0]["at"], "2031-02-03T05:05:06Z");
    let missing = json!({ "at": "2031-02-04T04:05:06Z", "access_key_id": null, "code": "NoCredentials" });
    assert_eq!(applications[2]["failures"], json!([missing]));

    for wrong in [
        json!({ "name": "x", "every": "often", "source": file }),
        json!({ "name": "x", "every": "-5m", "source": file }),
        json!({ "name": "x", "every": "5m", "cache_for": "long", "source": file }),
        json!({ "name": "x", "every": "5m", "source": { "type": "post-it" } }),
        json!({ "name": "x", "every": "5m" }),
    ] {
        assert_eq!(scene.control("POST", "applications", &wrong).0, 400, "{wrong}");
    }
    assert_eq!(scene.get("applications").as_array().unwrap().len(), 3, "a wrong one is not started");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_wrong_resource_or_method_is_named_and_every_right_one_is_in_the_manual() {
    let scene = Scene::with_standing_clock().await;
    let (status, answer) = scene.control("GET", "weather", &Value::Null);
    assert_eq!((status, answer), (404, json!({ "error": "there is no /_sandbox/weather" })));
    for (resource, method, allowed) in [
        ("state", "POST", "GET"),
        ("clock", "GET", "POST"),
        ("faults", "PUT", "GET, POST, DELETE"),
        ("consistency", "DELETE", "GET, POST"),
        ("keys", "POST", "GET"),
        ("secrets-issued", "DELETE", "GET"),
        ("applications", "DELETE", "GET, POST"),
        ("reset-counters", "GET", "POST"),
    ] {
        let (status, answer) = scene.control(method, resource, &Value::Null);
        assert_eq!(status, 405, "{method} {resource}");
        assert_eq!(answer["error"], format!("/_sandbox/{resource} takes {allowed}"));
        for method in allowed.split(", ") {
            let documented = format!("| `{method} {resource}` |");
            assert!(MANUAL.contains(&documented), "no {documented} in the manual");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_examples_of_the_manual_are_accepted() {
    let scene = Scene::with_standing_clock().await;
    let blocks = MANUAL.split("```json\n").skip(1).map(|rest| rest.split_once("```").unwrap().0);
    let examples: Vec<Value> = blocks.map(|block| serde_json::from_str(block).unwrap()).collect();
    let resources = ["clock", "clock", "faults", "applications"];
    assert_eq!(examples.len(), resources.len());
    for (resource, example) in resources.into_iter().zip(examples) {
        scene.post(resource, example);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_environment_is_all_that_a_client_needs() {
    let scene = Scene::with_standing_clock().await;
    let environment = scene.server.environment(&scene.alice, "eu-central-1");
    let value =
        |name: &str| environment.iter().find(|(key, _)| *key == name).map(|(_, value)| value.as_str());
    assert_eq!(value("AWS_ENDPOINT_URL"), Some(scene.server.url().as_str()));
    assert_eq!(value("AWS_ACCESS_KEY_ID"), Some(scene.alice.id.as_str()));
    assert_eq!(value("AWS_SECRET_ACCESS_KEY"), Some(scene.alice.secret.expose()));
    assert_eq!(value("AWS_SESSION_TOKEN"), Some(""));
    assert_eq!(value("AWS_REGION"), Some("eu-central-1"));
    assert_eq!(value("AWS_DEFAULT_REGION"), Some("eu-central-1"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stopped_server_has_let_go_of_its_port() {
    let scene = Scene::with_standing_clock().await;
    let address = scene.server.address();
    // A connection that is open and idle does not hold the server up.
    let _idle = TcpStream::connect(address).unwrap();
    scene.get("state");
    scene.server.stop().await;
    assert!(TcpStream::connect(address).is_err());
}
