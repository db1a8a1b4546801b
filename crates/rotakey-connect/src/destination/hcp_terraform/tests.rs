use rotakey_core::destination::DestinationSpec;
use rotakey_engine::conformance::destination::{Place, check_all};

use super::*;
use crate::destination::tests::pair;
use crate::destination::vendor::suite::{
    NAME, SECRET_OF_OTHERS, Suite, check_several_values, expect_given_up, token,
};
use crate::destination::vendor::{Request, Response, Vendor, description};

/// HCP Terraform, as far as its documentation says what happens to variables.
#[derive(Default)]
struct Terraform(Vec<Kept>);

struct Kept {
    id: String,
    attributes: Value,
}

impl Terraform {
    fn keep(&mut self, attributes: &Value) -> Value {
        let mut all = json!({ "value": "", "description": null, "hcl": false, "sensitive": false });
        for (name, value) in attributes.as_object().unwrap() {
            all[name] = value.clone();
        }
        let kept = Kept { id: format!("var-{:04}", self.0.len()), attributes: all };
        let shown = shown(&kept);
        self.0.push(kept);
        shown
    }

    fn keep_sensitive(&mut self, key: &str, value: &str, description: &str) {
        self.keep(&json!({
            "key": key, "value": value, "description": description, "category": "env", "sensitive": true,
        }));
    }
}

/// A variable, without its value if it is sensitive.
fn shown(kept: &Kept) -> Value {
    let mut attributes = kept.attributes.clone();
    if attributes["sensitive"] == true {
        attributes["value"] = Value::Null;
    }
    json!({ "id": kept.id, "type": "vars", "attributes": attributes })
}

impl Vendor for Terraform {
    fn answer(&mut self, request: &Request, _: i64) -> Response {
        let token = request.header("authorization").and_then(|value| value.strip_prefix("Bearer "));
        if let Some(refusal) = request.refusal(token) {
            return refusal;
        }
        assert_eq!(request.header("content-type"), Some("application/vnd.api+json"));
        let may_write = token == Some("writer");
        let words = request.segments("/api/v2");
        let words: Vec<&str> = words.iter().map(String::as_str).collect();
        let rest = match &words[..] {
            ["organizations", "acme", "workspaces", "web"] => {
                let permissions = json!({ "can-update": may_write, "can-update-variable": may_write });
                let data = json!({ "id": "ws-1", "type": "workspaces", "attributes": { "permissions": permissions } });
                return Response::new(200, json!({ "data": data }));
            }
            ["varsets", "varset-1"] => {
                let attributes = json!({ "name": "keys", "permissions": { "can-update": may_write } });
                let data = json!({ "id": "varset-1", "type": "varsets", "attributes": attributes });
                return Response::new(200, json!({ "data": data }));
            }
            ["workspaces", "ws-1", "vars", rest @ ..]
            | ["varsets", "varset-1", "relationships", "vars", rest @ ..] => rest,
            _ => {
                let error = json!([{ "status": "404", "title": "not found" }]);
                return Response::new(404, json!({ "errors": error }));
            }
        };
        let body = request.json();
        match (request.method.as_str(), rest) {
            ("GET", []) => {
                // Two at a time, so that there are pages.
                let page: usize = request.parameter("page[number]").map_or(1, |page| page.parse().unwrap());
                let data: Vec<_> = self.0.iter().skip((page - 1) * 2).take(2).map(shown).collect();
                let next = (page * 2 < self.0.len()).then_some(page + 1);
                let pagination = json!({ "current-page": page, "next-page": next });
                Response::new(200, json!({ "data": data, "meta": { "pagination": pagination } }))
            }
            ("POST", []) => {
                let attributes = &body["data"]["attributes"];
                let same = |kept: &Kept| {
                    ["key", "category"].iter().all(|name| kept.attributes[name] == attributes[name])
                };
                if self.0.iter().any(same) {
                    let error = json!([{ "status": "422", "detail": "Key has already been taken" }]);
                    return Response::new(422, json!({ "errors": error }));
                }
                Response::new(201, json!({ "data": self.keep(attributes) }))
            }
            ("PATCH", [id]) => {
                let Some(kept) = self.0.iter_mut().find(|kept| kept.id == *id) else {
                    return Response::not_found();
                };
                for (name, value) in body["data"]["attributes"].as_object().unwrap() {
                    kept.attributes[name] = value.clone();
                }
                Response::new(200, json!({ "data": shown(kept) }))
            }
            _ => Response::not_found(),
        }
    }

    fn value(&self, name: &str) -> Option<String> {
        let kept = self
            .0
            .iter()
            .find(|kept| kept.attributes["key"] == name && kept.attributes["category"] == "env")?;
        Some(kept.attributes["value"].as_str().unwrap().to_owned())
    }

    fn contents(&self) -> Vec<u8> {
        let line = |kept: &Kept| {
            let attributes = &kept.attributes;
            let text = |name: &str| attributes[name].as_str().unwrap_or_default().to_owned();
            format!("{}={} ({})\n", text("key"), text("value"), text("description"))
        };
        self.0.iter().map(line).collect::<String>().into_bytes()
    }
}

const SUITE: Suite<Terraform> = Suite {
    description: &description::TERRAFORM,
    vendor: Terraform::default,
    spec: |url, name| {
        let spec = json!({
            "organization": "acme", "workspace": "web", "api_url": format!("{url}/api/v2"), "token": token(name),
        });
        DestinationSpec::HcpTerraform(serde_json::from_value(spec).unwrap())
    },
    nowhere: |spec| edit(spec).workspace = Some("nothing".to_owned()),
    torn: |spec, values| edit(spec).values = values,
    foreign: &[
        (
            "variables of others, also one of that name for Terraform itself",
            |terraform| {
                terraform.keep_sensitive("OTHER", SECRET_OF_OTHERS, "a note");
                terraform.keep(&json!({ "key": NAME, "value": "of others", "category": "terraform" }));
                terraform.keep_sensitive("ANOTHER", "of others", "");
            },
            &[
                "OTHER=the/secret+of+somebody+else/and+long (a note)",
                "AWS_ACCESS_KEY=of others ()",
                "ANOTHER=of others",
            ],
        ),
        (
            "a variable that rotakey did not write",
            |terraform| {
                terraform.keep_sensitive(NAME, SECRET_OF_OTHERS, "");
            },
            &[],
        ),
        (
            "a variable with a note of somebody",
            |terraform| {
                terraform.keep_sensitive(NAME, SECRET_OF_OTHERS, "rotate me by hand");
            },
            &[],
        ),
        (
            "a variable that was handed over",
            |terraform| {
                terraform.keep_sensitive(NAME, SECRET_OF_OTHERS, "adopt");
                terraform.keep_sensitive("OTHER", "of others", "");
            },
            &["OTHER=of others"],
        ),
    ],
    gives_secrets_back: false,
};

fn edit(spec: &mut DestinationSpec) -> &mut specs::HcpTerraform {
    let DestinationSpec::HcpTerraform(spec) = spec else { unreachable!() };
    spec
}

#[tokio::test]
async fn variables_of_hcp_terraform_keep_the_contract_of_destinations() {
    check_all(&SUITE).await;
}

#[tokio::test(start_paused = true)]
async fn a_vendor_that_never_answers_is_given_up_in_time() {
    expect_given_up(&SUITE).await;
}

#[tokio::test]
async fn several_variables_of_terraform_are_finished_after_a_crash_between_them() {
    check_several_values(&SUITE, |spec| edit(spec).several_writes = true).await;
}

#[tokio::test]
async fn a_variable_set_has_paths_of_its_own_and_new_variables_are_sensitive() {
    let mut place = SUITE.place("writer");
    let spec = edit(&mut place.spec);
    (spec.workspace, spec.variable_set, spec.terraform) = (None, Some("varset-1".to_owned()), true);
    place.open().preflight().await.unwrap();
    place.open().publish(&pair(1)).await.unwrap();
    assert_eq!(place.open().read().await.unwrap().current.unwrap().held(), Held::of(&pair(1)));
    place.server.vendor(|terraform| {
        let attributes = &terraform.0[0].attributes;
        assert_eq!((&attributes["sensitive"], &attributes["category"]), (&json!(true), &json!("terraform")));
        let mark = attributes["description"].as_str().unwrap();
        assert!(!mark.contains(pair(1).secret.expose()));
    });
}

#[tokio::test]
async fn value_and_mark_change_in_one_request() {
    let place = SUITE.place("writer");
    place.open().publish(&pair(1)).await.unwrap();
    place.open().publish(&pair(2)).await.unwrap();
    place.open().stage(&pair(3)).await.unwrap();
    place.server.vendor(|terraform| {
        let description = terraform.0[0].attributes["description"].as_str().unwrap();
        assert!(description.len() < 512, "{} characters", description.len());
    });
    let before = place.server.calls();
    place.open().publish(&pair(3)).await.unwrap();
    assert_eq!(place.server.calls() - before, 3, "find the workspace, list the variables, write");
}

#[tokio::test]
async fn a_request_that_the_description_does_not_know_is_refused_by_the_test_server() {
    let place = SUITE.place("writer");
    let DestinationSpec::HcpTerraform(spec) = &place.spec else { unreachable!() };
    let client = HcpTerraform::new(spec).unwrap().client;
    let data = |attributes: Value| json!({ "data": { "type": "vars", "attributes": attributes } });
    for (method, path, body) in [
        (Method::POST, "/workspaces/ws-1/vars", data(json!({ "key": "X" }))),
        (Method::POST, "/workspaces/ws-1/vars", data(json!({ "key": "X", "category": "shell" }))),
        (
            Method::POST,
            "/workspaces/ws-1/vars",
            data(json!({ "key": "X", "category": "env", "secret": true })),
        ),
        (Method::POST, "/workspaces/ws-1/vars", json!({ "key": "X", "category": "env" })),
        (Method::PATCH, "/workspaces/ws-1/vars/1", data(json!({ "value": "x" }))),
        (Method::PUT, "/workspaces/ws-1/vars/var-1", data(json!({ "value": "x" }))),
    ] {
        client.call("test", method, path, Some(&body), None).await.unwrap_err();
        assert!(!place.server.take_violations().is_empty(), "{path} {body}");
    }
}
