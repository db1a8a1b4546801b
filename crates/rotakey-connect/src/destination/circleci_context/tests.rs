use std::collections::BTreeMap;

use rotakey_core::destination::DestinationSpec;
use rotakey_engine::conformance::destination::{Place, check_all};
use rotakey_engine::port::PortErrorKind;

use super::*;
use crate::destination::tests::pair;
use crate::destination::vendor::suite::{
    NAME, SECRET_OF_OTHERS, Suite, check_several_values, expect_given_up, token,
};
use crate::destination::vendor::{Request, Response, Vendor, description};

const CONTEXT: &str = "0407a4cd-7d9d-4359-a2ad-0a7c67c0ba96";

/// CircleCI, as far as its documentation says what happens to the variables of a context: values and when they were
/// written.
#[derive(Default)]
struct CircleCi(BTreeMap<String, (String, i64)>);

impl CircleCi {
    fn keep(&mut self, name: &str, value: &str) {
        self.0.insert(name.to_owned(), (value.to_owned(), 0));
    }
}

impl Vendor for CircleCi {
    fn answer(&mut self, request: &Request, now: i64) -> Response {
        if let Some(refusal) = request.refusal(request.header("circle-token")) {
            return refusal;
        }
        let words = request.segments("/api/v2");
        let words: Vec<&str> = words.iter().map(String::as_str).collect();
        let time = |second| jiff::Timestamp::from_millisecond(second * 1000 + 42).unwrap().to_string();
        match (request.method.as_str(), &words[..]) {
            (_, ["context", context, ..]) if *context != CONTEXT => {
                Response::new(404, json!({ "message": "Context not found." }))
            }
            ("GET", [_, _, "environment-variable"]) => {
                // Two at a time, so that there are pages.
                let begin: usize = request.parameter("page-token").map_or(0, |token| token.parse().unwrap());
                let item = |(name, (_, updated_at)): (&String, &(String, i64))| {
                    json!({
                        "variable": name, "context_id": CONTEXT, "created_at": time(0), "updated_at": time(*updated_at),
                    })
                };
                let items: Vec<_> = self.0.iter().skip(begin).take(2).map(item).collect();
                let next = (begin + 2 < self.0.len()).then(|| (begin + 2).to_string());
                Response::new(200, json!({ "items": items, "next_page_token": next }))
            }
            ("PUT", [_, _, "environment-variable", name]) => {
                let value = request.json()["value"].as_str().unwrap().to_owned();
                self.0.insert((*name).to_owned(), (value, now));
                Response::new(
                    200,
                    json!({ "variable": name, "context_id": CONTEXT, "updated_at": time(now) }),
                )
            }
            ("DELETE", [_, _, "environment-variable", name]) => match self.0.remove(*name) {
                Some(_) => Response::new(200, json!({ "message": "Environment variable deleted." })),
                None => Response::new(404, json!({ "message": "Environment variable not found." })),
            },
            _ => Response::not_found(),
        }
    }

    fn value(&self, name: &str) -> Option<String> {
        self.0.get(name).map(|(value, _)| value.clone())
    }

    fn contents(&self) -> Vec<u8> {
        let line = |(name, (value, at)): (&String, &(String, i64))| format!("{name}={value}@{at}\n");
        self.0.iter().map(line).collect::<String>().into_bytes()
    }
}

const SUITE: Suite<CircleCi> = Suite {
    description: &description::CIRCLECI,
    vendor: CircleCi::default,
    spec: |url, name| {
        let spec = json!({ "context_id": CONTEXT, "api_url": format!("{url}/api/v2"), "token": token(name) });
        DestinationSpec::CircleciContext(serde_json::from_value(spec).unwrap())
    },
    nowhere: |spec| edit(spec).context_id = CONTEXT.replace('0', "1"),
    torn: |spec, values| edit(spec).values = values,
    foreign: &[
        (
            "variables of others",
            |circleci| {
                circleci.keep("OTHER", "of others");
                circleci.keep("AWS_ACCESS_KEY_ROTAKEY_NOTE", SECRET_OF_OTHERS);
            },
            &["OTHER=of others", SECRET_OF_OTHERS],
        ),
        ("a variable that rotakey did not write", |circleci| circleci.keep(NAME, SECRET_OF_OTHERS), &[]),
        (
            "a variable that was handed over",
            |circleci| {
                circleci.keep(NAME, SECRET_OF_OTHERS);
                circleci.keep("AWS_ACCESS_KEY_ROTAKEY_ADOPT", "yes");
                circleci.keep("OTHER", "of others");
            },
            &["OTHER=of others"],
        ),
    ],
    gives_secrets_back: false,
};

fn edit(spec: &mut DestinationSpec) -> &mut specs::CircleciContext {
    let DestinationSpec::CircleciContext(spec) = spec else { unreachable!() };
    spec
}

#[tokio::test]
async fn variables_of_a_circleci_context_keep_the_contract_of_destinations() {
    check_all(&SUITE).await;
}

#[tokio::test(start_paused = true)]
async fn a_vendor_that_never_answers_is_given_up_in_time() {
    expect_given_up(&SUITE).await;
}

#[tokio::test]
async fn several_variables_of_circleci_are_finished_after_a_crash_between_them() {
    check_several_values(&SUITE, |spec| edit(spec).several_writes = true).await;
}

#[tokio::test]
async fn a_variable_that_somebody_else_wrote_is_refused() {
    let place = SUITE.place("writer");
    place.open().publish(&pair(1)).await.unwrap();
    place.server.vendor(|circleci| circleci.keep(NAME, SECRET_OF_OTHERS));
    assert_eq!(place.open().read().await.unwrap_err().kind, PortErrorKind::Conflict);
    assert_eq!(place.open().publish(&pair(2)).await.unwrap_err().kind, PortErrorKind::Conflict);
}

#[tokio::test]
async fn one_mark_stays_however_often_is_written() {
    let place = SUITE.place("writer");
    for number in 1..5 {
        place.open().stage(&pair(number)).await.unwrap();
        place.open().publish(&pair(number)).await.unwrap();
    }
    place.server.vendor(|circleci| assert_eq!(circleci.0.len(), 2, "{:?}", circleci.0.keys()));
}

#[test]
fn a_mark_is_read_back_from_its_name() {
    let held = |number| Some(Held::of(&pair(number)));
    let marks = [
        Mark::default(),
        Mark { pending: held(1), doubt: Some(Doubt::Pending), ..Mark::default() },
        Mark {
            pending: held(1),
            current: held(2),
            previous: held(3),
            doubt: Some(Doubt::Current),
            version: Some("MZXW6YTBOI".to_owned()),
        },
    ];
    for mark in marks {
        let name = encode(12, &mark);
        assert!(name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_'), "{name}");
        assert_eq!(decode(&name), Some((12, mark)), "{name}");
        assert!(name.len() < 270, "{}", name.len());
    }
    for foreign in ["", "_", "_x", "_1_P", "_1_P_AKIA", "_1_Z_1", "_NOTE"] {
        assert_eq!(decode(foreign), None, "{foreign}");
    }
}

#[tokio::test]
async fn a_request_that_the_description_does_not_know_is_refused_by_the_test_server() {
    let place = SUITE.place("writer");
    let DestinationSpec::CircleciContext(spec) = &place.spec else { unreachable!() };
    let client = CircleciContext::new(spec).unwrap().client;
    let path = |end: &str| format!("/context/{end}");
    for (method, path, body) in [
        (Method::PUT, path(&format!("{CONTEXT}/environment-variable/X")), json!({ "value": 1 })),
        (Method::PUT, path(&format!("{CONTEXT}/environment-variable/X")), json!({})),
        (Method::PUT, path(&format!("{CONTEXT}/environment-variable/X-Y")), json!({ "value": "x" })),
        (Method::POST, path(&format!("{CONTEXT}/environment-variable/X")), json!({ "value": "x" })),
        (Method::PUT, path("web/environment-variable"), json!({ "value": "x" })),
    ] {
        client.call("test", method, &path, Some(&body), None).await.unwrap_err();
        assert!(!place.server.take_violations().is_empty(), "{path} {body}");
    }
}
