use rotakey_core::destination::DestinationSpec;
use rotakey_core::secret::Fingerprint;
use rotakey_engine::conformance::destination::{Break, Place, check_all};

use super::*;
use crate::destination::tests::pair;
use crate::destination::vendor::suite::{
    NAME, SECRET_OF_OTHERS, Suite, check_several_values, expect_given_up, token,
};
use crate::destination::vendor::{Request, Response, Vendor, description};

/// Bitbucket, as far as its documentation says what happens to variables.
#[derive(Default)]
struct Bitbucket {
    variables: Vec<Kept>,
    made: u32,
}

struct Kept {
    uuid: String,
    key: String,
    value: String,
    secured: bool,
}

impl Bitbucket {
    fn keep(&mut self, key: &str, value: &str, secured: bool) -> serde_json::Value {
        self.made += 1;
        let uuid = format!("{{{:08x}-0000-4000-8000-000000000000}}", self.made);
        let kept = Kept { uuid, key: key.to_owned(), value: value.to_owned(), secured };
        let shown = shown(&kept);
        self.variables.push(kept);
        shown
    }
}

/// A variable, without its value if it is secured.
fn shown(kept: &Kept) -> serde_json::Value {
    let mut shown = json!({
        "type": "pipeline_variable", "uuid": kept.uuid, "key": kept.key, "secured": kept.secured,
    });
    if !kept.secured {
        shown["value"] = json!(kept.value);
    }
    shown
}

impl Vendor for Bitbucket {
    fn answer(&mut self, request: &Request, _: i64) -> Response {
        let login = request.header("authorization").unwrap();
        let token = login.strip_prefix("Bearer ").or((login == "Basic YWxpY2U6d3JpdGVy").then_some("writer"));
        if let Some(refusal) = request.refusal(token) {
            return refusal;
        }
        let words = request.segments("/2.0");
        let words: Vec<&str> = words.iter().map(String::as_str).collect();
        let rest = match &words[..] {
            ["workspaces", "acme", "pipelines-config", "variables", rest @ ..]
            | ["repositories", "acme", "web", "pipelines_config", "variables", rest @ ..]
            | [
                "repositories",
                "acme",
                "web",
                "deployments_config",
                "environments",
                _,
                "variables",
                rest @ ..,
            ] => rest,
            _ => return Response::new(404, json!({ "type": "error", "error": { "message": "Not found" } })),
        };
        let body = request.json();
        let text = |name: &str| body[name].as_str().unwrap().to_owned();
        match (request.method.as_str(), rest) {
            ("GET", []) => {
                // Two at a time, so that there are pages.
                let page: usize = request.parameter("page").unwrap().parse().unwrap();
                let values: Vec<_> = self.variables.iter().skip((page - 1) * 2).take(2).map(shown).collect();
                let mut answer =
                    json!({ "page": page, "pagelen": 2, "size": self.variables.len(), "values": values });
                if page * 2 < self.variables.len() {
                    answer["next"] = json!("https://elsewhere.example/never-asked");
                }
                Response::new(200, answer)
            }
            ("POST", []) => {
                if self.variables.iter().any(|kept| kept.key == text("key")) {
                    return Response::new(409, json!({ "type": "error", "error": { "message": "exists" } }));
                }
                let secured = body["secured"].as_bool().unwrap();
                Response::new(201, self.keep(&text("key"), &text("value"), secured))
            }
            (method, [uuid]) => {
                let Some(index) = self.variables.iter().position(|kept| kept.uuid == *uuid) else {
                    return Response::new(
                        404,
                        json!({ "type": "error", "error": { "message": "Not found" } }),
                    );
                };
                if method == "DELETE" {
                    self.variables.remove(index);
                    return Response::empty(204);
                }
                let kept = &mut self.variables[index];
                (kept.key, kept.value) = (text("key"), text("value"));
                kept.secured = body["secured"].as_bool().unwrap();
                Response::new(200, shown(kept))
            }
            _ => Response::not_found(),
        }
    }

    fn value(&self, name: &str) -> Option<String> {
        self.variables.iter().find(|kept| kept.key == name).map(|kept| kept.value.clone())
    }

    fn contents(&self) -> Vec<u8> {
        let line = |kept: &Kept| format!("{}={} {}\n", kept.key, kept.value, kept.secured);
        self.variables.iter().map(line).collect::<String>().into_bytes()
    }
}

const SUITE: Suite<Bitbucket> = Suite {
    description: &description::BITBUCKET,
    vendor: Bitbucket::default,
    spec: |url, name| {
        let spec = json!({
            "workspace": "acme", "repository": "web", "api_url": format!("{url}/2.0"), "token": token(name),
        });
        DestinationSpec::BitbucketVariables(serde_json::from_value(spec).unwrap())
    },
    nowhere: |spec| edit(spec).repository = Some("nothing".to_owned()),
    torn: |spec, values| edit(spec).values = values,
    foreign: &[
        (
            "variables of others",
            |bitbucket| {
                bitbucket.keep("OTHER", SECRET_OF_OTHERS, true);
                bitbucket.keep("ANOTHER", "of others", false);
                bitbucket.keep("A_THIRD", "of others too", false);
            },
            &[SECRET_OF_OTHERS, "ANOTHER=of others", "A_THIRD=of others too"],
        ),
        (
            "a variable that rotakey did not write",
            |bitbucket| {
                bitbucket.keep(NAME, SECRET_OF_OTHERS, true);
            },
            &[],
        ),
        (
            "a variable that was handed over",
            |bitbucket| {
                bitbucket.keep(NAME, SECRET_OF_OTHERS, true);
                bitbucket.keep("AWS_ACCESS_KEY_ROTAKEY", "adopt", false);
                bitbucket.keep("OTHER", "of others", false);
            },
            &["OTHER=of others"],
        ),
    ],
    gives_secrets_back: false,
};

fn edit(spec: &mut DestinationSpec) -> &mut specs::BitbucketVariables {
    let DestinationSpec::BitbucketVariables(spec) = spec else { unreachable!() };
    spec
}

#[tokio::test]
async fn variables_of_bitbucket_keep_the_contract_of_destinations() {
    check_all(&SUITE).await;
}

#[tokio::test(start_paused = true)]
async fn a_vendor_that_never_answers_is_given_up_in_time() {
    expect_given_up(&SUITE).await;
}

#[tokio::test]
async fn several_variables_of_bitbucket_are_finished_after_a_crash_between_them() {
    check_several_values(&SUITE, |spec| edit(spec).several_writes = true).await;
}

#[tokio::test]
async fn values_are_secured_and_only_the_mark_is_open() {
    let place = SUITE.place("writer");
    place.open().publish(&pair(1)).await.unwrap();
    place.server.vendor(|bitbucket| {
        let secured: Vec<_> =
            bitbucket.variables.iter().map(|kept| (kept.key.as_str(), kept.secured)).collect();
        assert_eq!(secured, [("AWS_ACCESS_KEY_ROTAKEY", false), (NAME, true)]);
    });
}

#[tokio::test]
async fn where_no_version_is_told_a_write_in_doubt_stays_so_until_it_is_repeated() {
    let place = SUITE.place("writer");
    place.open().publish(&pair(1)).await.unwrap();
    // The list, the mark, and then the value.
    place.server.die_at(2, Break::Unheard);
    place.open().publish(&pair(2)).await.unwrap_err();
    assert!(place.server.live_again());
    let current = place.open().read().await.unwrap().current.unwrap().held();
    assert_eq!(current, Held { key: pair(2).id, fingerprint: Fingerprint::unknown() });
    place.open().publish(&pair(1)).await.unwrap();
    assert_eq!(place.open().read().await.unwrap().current.unwrap().held(), Held::of(&pair(1)));
}

#[tokio::test]
async fn workspaces_and_deployments_have_paths_of_their_own_and_passwords_are_sent_as_such() {
    for (repository, deployment) in
        [(None, None), (Some("web"), Some("f0f0f0f0-0000-4000-8000-000000000000"))]
    {
        let mut place = SUITE.place("writer");
        edit(&mut place.spec).repository = repository.map(str::to_owned);
        edit(&mut place.spec).deployment = deployment.map(str::to_owned);
        edit(&mut place.spec).token = rotakey_core::destination::CredentialSource::Command(vec![
            "echo".to_owned(),
            "alice:writer".to_owned(),
        ]);
        place.open().preflight().await.unwrap();
        place.open().publish(&pair(1)).await.unwrap();
        assert_eq!(place.open().read().await.unwrap().current.unwrap().held(), Held::of(&pair(1)));
    }
}

#[tokio::test]
async fn a_request_that_the_description_does_not_know_is_refused_by_the_test_server() {
    let place = SUITE.place("writer");
    let DestinationSpec::BitbucketVariables(spec) = &place.spec else { unreachable!() };
    let client = BitbucketVariables::new(spec).unwrap().client;
    let path = "/repositories/acme/web/pipelines_config/variables";
    for (method, path, body) in [
        (Method::POST, path.to_owned(), json!({ "key": "X", "value": "x" })),
        (Method::POST, path.to_owned(), json!({ "type": "pipeline_variable", "key": "X", "secured": "yes" })),
        (Method::POST, path.to_owned(), json!({ "type": "pipeline_variable", "key": "X", "masked": true })),
        (Method::PUT, format!("{path}/1"), json!({ "type": "pipeline_variable", "key": "X" })),
        (Method::POST, format!("{path}?scope=x"), json!({ "type": "pipeline_variable", "key": "X" })),
    ] {
        client.call("test", method, &path, Some(&body), None).await.unwrap_err();
        assert!(!place.server.take_violations().is_empty(), "{path} {body}");
    }
}
