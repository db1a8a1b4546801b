use rotakey_core::destination::DestinationSpec;
use rotakey_core::rotate::Held;
use rotakey_core::secret::Fingerprint;
use rotakey_engine::conformance::destination::{Break, Place, check_all};
use rotakey_engine::port::PortErrorKind;
use serde_json::Value;

use super::*;
use crate::destination::marked::Marked;
use crate::destination::tests::pair;
use crate::destination::vendor::suite::{
    NAME, SECRET_OF_OTHERS, Suite, check_several_values, expect_given_up, token,
};
use crate::destination::vendor::{Request, Response, Vendor, description};

/// GitLab, as far as its documentation says what happens to variables.
#[derive(Default)]
struct GitLab {
    variables: Vec<Value>,
    /// A group without a Premium licence: every scope is `*`.
    without_scopes: bool,
}

impl GitLab {
    fn keep(&mut self, key: &str, scope: &str, value: &str) {
        self.variables.push(json!({
            "key": key, "value": value, "environment_scope": scope, "masked": false, "protected": false, "raw": false,
            "hidden": false, "variable_type": "env_var", "description": null,
        }));
    }

    /// Where the variables of that name are, in that scope if one is asked for.
    fn find(&self, key: &str, request: &Request) -> Vec<usize> {
        let scope = request.parameter("filter[environment_scope]");
        let fits = |variable: &Value| {
            variable["key"] == key && scope.is_none_or(|scope| variable["environment_scope"] == scope)
        };
        (0..self.variables.len()).filter(|index| fits(&self.variables[*index])).collect()
    }
}

/// What GitLab masks: eight characters or more without white space; only some characters where references are expanded.
fn can_mask(variable: &Value) -> bool {
    let value = variable["value"].as_str().unwrap();
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"+/=@:.~-_".contains(&byte);
    value.len() >= 8
        && !value.contains(char::is_whitespace)
        && (variable["raw"] == true || value.bytes().all(plain))
}

impl Vendor for GitLab {
    fn answer(&mut self, request: &Request, _: i64) -> Response {
        if let Some(refusal) = request.refusal(request.header("private-token")) {
            return refusal;
        }
        let words = request.segments("/api/v4");
        let words: Vec<&str> = words.iter().map(String::as_str).collect();
        let body = request.json();
        match (request.method.as_str(), &words[..]) {
            (_, ["projects" | "groups", place, ..]) if *place != "acme/web" && *place != "acme" => {
                Response::not_found()
            }
            ("GET", [_, place]) => Response::new(200, json!({ "id": 1, "path_with_namespace": place })),
            ("POST", [_, _, "variables"]) => {
                let mut variable = json!({
                    "variable_type": "env_var", "protected": false, "masked": false, "raw": false, "hidden": false,
                    "environment_scope": "*", "description": null,
                });
                for (name, value) in body.as_object().unwrap() {
                    variable[name] = value.clone();
                }
                if self.without_scopes {
                    variable["environment_scope"] = json!("*");
                }
                let same = |other: &Value| {
                    other["key"] == variable["key"]
                        && other["environment_scope"] == variable["environment_scope"]
                };
                if self.variables.iter().any(same) {
                    let message = json!({ "key": [format!("({}) has already been taken", variable["key"])] });
                    return Response::new(400, json!({ "message": message }));
                }
                if variable["masked"] == true && !can_mask(&variable) {
                    return Response::new(400, json!({ "message": { "value": ["is invalid"] } }));
                }
                self.variables.push(variable.clone());
                Response::new(201, variable)
            }
            (method, [_, _, "variables", key]) => {
                let found = self.find(key, request);
                let index = match (&found[..], method) {
                    ([], _) => return Response::new(404, json!({ "message": "404 Variable Not Found" })),
                    ([index], _) => *index,
                    _ => return Response::new(409, json!({ "message": "There are multiple variables" })),
                };
                match method {
                    "GET" => {
                        let mut shown = self.variables[index].clone();
                        if shown["hidden"] == true {
                            shown["value"] = Value::Null;
                        }
                        Response::new(200, shown)
                    }
                    "PUT" => {
                        let mut changed = self.variables[index].clone();
                        for (name, value) in body.as_object().unwrap() {
                            changed[name] = value.clone();
                        }
                        if changed["masked"] == true && !can_mask(&changed) {
                            return Response::new(400, json!({ "message": { "value": ["is invalid"] } }));
                        }
                        self.variables[index] = changed.clone();
                        Response::new(200, changed)
                    }
                    "DELETE" => {
                        self.variables.remove(index);
                        Response::empty(204)
                    }
                    _ => Response::not_found(),
                }
            }
            _ => Response::not_found(),
        }
    }

    /// As a job finds it that deploys to no environment, or to one that is not rotakey's.
    fn value(&self, name: &str) -> Option<String> {
        let visible = |variable: &&Value| variable["key"] == name && variable["environment_scope"] == "*";
        Some(self.variables.iter().find(visible)?["value"].as_str().unwrap().to_owned())
    }

    fn contents(&self) -> Vec<u8> {
        let line = |variable: &Value| {
            let text = |name: &str| variable[name].as_str().unwrap().to_owned();
            format!("{}@{}={}\n", text("key"), text("environment_scope"), text("value"))
        };
        self.variables.iter().map(line).collect::<String>().into_bytes()
    }
}

const SUITE: Suite<GitLab> = Suite {
    description: &description::GITLAB,
    vendor: GitLab::default,
    spec: |url, name| {
        let spec = json!({ "project": "acme/web", "api_url": format!("{url}/api/v4"), "token": token(name) });
        DestinationSpec::GitlabVariables(serde_json::from_value(spec).unwrap())
    },
    nowhere: |spec| edit(spec).project = Some("acme/nothing".to_owned()),
    torn: |spec, values| edit(spec).values = values,
    foreign: &[
        (
            "variables of others, also of that name in another scope",
            |gitlab| {
                gitlab.keep("OTHER", "*", "of others");
                gitlab.keep(NAME, "staging", SECRET_OF_OTHERS);
            },
            &["OTHER@*=of others", "AWS_ACCESS_KEY@staging=the/secret+of+somebody+else/and+long"],
        ),
        ("a variable that holds no key", |gitlab| gitlab.keep(NAME, "*", SECRET_OF_OTHERS), &[]),
        (
            "a variable that holds no key and was handed over",
            |gitlab| {
                gitlab.keep(NAME, "*", SECRET_OF_OTHERS);
                gitlab.keep("AWS_ACCESS_KEY_ROTAKEY", "rotakey", "adopt");
                gitlab.keep("OTHER", "*", "of others");
            },
            &["OTHER@*=of others"],
        ),
        (
            "a key that somebody put there",
            |gitlab| {
                let value = Values::json(NAME).render(&pair(9)).remove(NAME).unwrap();
                gitlab.keep(NAME, "*", value.expose());
                gitlab.keep("OTHER", "*", "of others");
            },
            &["OTHER@*=of others"],
        ),
    ],
    gives_secrets_back: true,
};

fn edit(spec: &mut DestinationSpec) -> &mut specs::GitlabVariables {
    let DestinationSpec::GitlabVariables(spec) = spec else { unreachable!() };
    spec
}

#[tokio::test]
async fn variables_of_gitlab_keep_the_contract_of_destinations() {
    check_all(&SUITE).await;
}

#[tokio::test(start_paused = true)]
async fn a_vendor_that_never_answers_is_given_up_in_time() {
    expect_given_up(&SUITE).await;
}

#[tokio::test]
async fn several_variables_of_gitlab_are_finished_after_a_crash_between_them() {
    check_several_values(&SUITE, |spec| edit(spec).several_writes = true).await;
}

#[tokio::test]
async fn a_whole_pair_is_not_all_while_a_value_made_of_it_is_missing() {
    let mut place = SUITE.place("writer");
    edit(&mut place.spec).several_writes = true;
    edit(&mut place.spec).values = serde_json::from_value(json!({
        "A_PAIR": "{json}", "SMTP": "{ses_smtp_password:eu-west-1}",
    }))
    .unwrap();
    place.open().publish(&pair(1)).await.unwrap();
    // Three looks, the mark and the first value; the second one is not written any more.
    place.server.die_at(5, Break::Unheard);
    place.open().publish(&pair(2)).await.unwrap_err();
    assert!(place.server.live_again());
    let pair_there = place.server.vendor(|gitlab| gitlab.value("A_PAIR")).unwrap();
    assert!(pair_there.contains(pair(2).secret.expose()));
    let current = place.open().read().await.unwrap().current.unwrap().held();
    assert_eq!(current, Held { key: pair(2).id, fingerprint: Fingerprint::unknown() });
    place.open().publish(&pair(2)).await.unwrap();
    assert_eq!(place.open().read().await.unwrap().current, Some(Kept::Pair(pair(2))));
}

#[tokio::test]
async fn new_variables_are_masked_and_the_other_pairs_are_seen_by_no_job() {
    let place = SUITE.place("writer");
    place.open().publish(&pair(1)).await.unwrap();
    place.open().stage(&pair(2)).await.unwrap();
    place.server.vendor(|gitlab| {
        for variable in &gitlab.variables {
            assert_eq!((&variable["masked"], &variable["raw"]), (&json!(true), &json!(true)), "{variable}");
            let holds_both = variable["value"].as_str().unwrap().contains(pair(2).secret.expose());
            assert_eq!(holds_both, variable["environment_scope"] == "rotakey");
        }
        assert_eq!(gitlab.variables.len(), 2);
    });
}

#[tokio::test]
async fn a_group_without_scopes_is_refused_and_nothing_stays_there() {
    let mut place = SUITE.place("writer");
    (edit(&mut place.spec).project, edit(&mut place.spec).group) = (None, Some("acme".to_owned()));
    place.server.vendor(|gitlab| gitlab.without_scopes = true);
    let error = place.open().stage(&pair(1)).await.unwrap_err();
    assert_eq!(error.kind, PortErrorKind::Invalid);
    assert!(error.message.contains("use variables of projects"), "{error}");
    assert_eq!(place.contents().await, b"");
}

#[tokio::test]
async fn a_hidden_variable_is_refused_because_it_cannot_be_read_back() {
    let place = SUITE.place("writer");
    place.server.vendor(|gitlab| {
        gitlab.keep(NAME, "*", SECRET_OF_OTHERS);
        gitlab.variables[0]["hidden"] = json!(true);
    });
    let error = place.open().preflight().await.unwrap_err();
    assert_eq!(error.kind, PortErrorKind::Invalid);
    assert!(error.message.contains("hidden"), "{error}");
}

#[tokio::test]
async fn values_without_a_whole_pair_are_kept_by_marks() {
    let place = SUITE.place("writer");
    let DestinationSpec::GitlabVariables(mut spec) = place.spec.clone() else { unreachable!() };
    spec.values = serde_json::from_value(json!({ "SMTP": "{ses_smtp_password:eu-west-1}" })).unwrap();
    let destination = Marked(GitlabVariables::<Held>::new(&spec).unwrap());
    use rotakey_engine::port::Destination as _;
    destination.publish(&pair(1)).await.unwrap();
    destination.publish(&pair(2)).await.unwrap();
    assert_eq!(destination.read().await.unwrap().current, Some(Kept::Mark(Held::of(&pair(2)))));
    let contents = String::from_utf8(place.contents().await).unwrap();
    assert!(!contents.contains(pair(1).secret.expose()) && !contents.contains(pair(2).secret.expose()));
    place.server.vendor(|gitlab| {
        gitlab.variables.iter_mut().for_each(|variable| {
            if variable["key"] == "SMTP" {
                variable["value"] = json!("of somebody else");
            }
        })
    });
    assert_eq!(destination.read().await.unwrap_err().kind, PortErrorKind::Conflict);
}

#[tokio::test]
async fn a_request_that_the_description_does_not_know_is_refused_by_the_test_server() {
    let place = SUITE.place("writer");
    let DestinationSpec::GitlabVariables(spec) = &place.spec else { unreachable!() };
    let client = GitlabVariables::<Whole>::new(spec).unwrap().client;
    for (method, path, body) in [
        (Method::POST, "/projects/1/variables", json!({ "key": "X" })),
        (Method::POST, "/projects/1/variables", json!({ "key": "X-Y", "value": "x" })),
        (Method::PUT, "/projects/1/variables/X", json!({ "value": "x", "scope": "*" })),
        (Method::PATCH, "/projects/1/variables/X", json!({ "value": "x" })),
        (Method::PUT, "/projects/1/variables/X?environment_scope=x", json!({ "value": "x" })),
    ] {
        client.call("test", method, path, Some(&body), None).await.unwrap_err();
        assert!(!place.server.take_violations().is_empty(), "{path} {body}");
    }
}
