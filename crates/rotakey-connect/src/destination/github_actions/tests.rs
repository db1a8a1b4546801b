use std::collections::BTreeMap;

use crypto_box::SecretKey;
use rotakey_core::destination::DestinationSpec;
use rotakey_engine::conformance::destination::{Place, check_all};
use rotakey_engine::port::PortErrorKind;

use super::*;
use crate::destination::tests::pair;
use crate::destination::vendor::suite::{
    NAME, SECRET_OF_OTHERS, Suite, check_several_values, expect_given_up, token,
};
use crate::destination::vendor::{Request, Response, Vendor, description};

/// GitHub, as far as its documentation says what happens to secrets and variables.
struct GitHub {
    /// Its half of the public key.
    private: SecretKey,
    secrets: BTreeMap<String, Kept>,
    variables: BTreeMap<String, String>,
    /// The paths that exist, without what is asked of them.
    places: &'static [&'static str],
}

/// A secret, in clear.
struct Kept {
    value: String,
    updated_at: i64,
    visibility: Option<String>,
    repositories: Vec<u64>,
}

impl Default for GitHub {
    fn default() -> Self {
        Self {
            private: SecretKey::from([7; 32]),
            secrets: BTreeMap::new(),
            variables: BTreeMap::new(),
            places: &[
                "/repos/acme/web/actions",
                "/repos/acme/web/environments/prod%2Feu",
                "/orgs/acme/actions",
            ],
        }
    }
}

impl GitHub {
    fn keep(&mut self, name: &str, value: &str) {
        let kept =
            Kept { value: value.to_owned(), updated_at: 0, visibility: None, repositories: Vec::new() };
        self.secrets.insert(name.to_owned(), kept);
    }

    fn secret(&mut self, request: &Request, words: &[String], organization: bool, now: i64) -> Response {
        let time = |second| jiff::Timestamp::from_second(second).unwrap().to_string();
        match (request.method.as_str(), words) {
            ("GET", [key]) if key == "public-key" => {
                let key = BASE64.encode(self.private.public_key().as_bytes());
                Response::new(200, json!({ "key_id": "568250167242549743", "key": key }))
            }
            ("GET", [name]) => match self.secrets.get(name) {
                None => Response::not_found(),
                Some(kept) => {
                    let mut body = json!({
                        "name": name, "created_at": time(0), "updated_at": time(kept.updated_at),
                    });
                    if let Some(visibility) = &kept.visibility {
                        body["visibility"] = json!(visibility);
                    }
                    Response::new(200, body)
                }
            },
            ("GET", [name, repositories]) if repositories == "repositories" => {
                let page: usize = request.parameter("page").unwrap().parse().unwrap();
                let all = &self.secrets[name].repositories;
                // Fewer than asked for, so that there is a second page.
                let listed: Vec<_> =
                    all.iter().skip((page - 1) * 2).take(2).map(|id| json!({ "id": id })).collect();
                let response =
                    Response::new(200, json!({ "total_count": all.len(), "repositories": listed }));
                if page * 2 < all.len() {
                    response.with("link", "<https://x>; rel=\"next\"")
                } else {
                    response
                }
            }
            ("PUT", [name]) => {
                let body = request.json();
                if body["key_id"] != "568250167242549743" {
                    return Response::new(422, json!({ "message": "bad key id" }));
                }
                let sealed = BASE64.decode(body["encrypted_value"].as_str().unwrap().as_bytes()).unwrap();
                let Ok(value) = self.private.unseal(&sealed) else {
                    return Response::new(422, json!({ "message": "bad box" }));
                };
                assert_eq!(body.get("visibility").is_some(), organization, "visibility is for organizations");
                let kept = Kept {
                    value: String::from_utf8(value).unwrap(),
                    updated_at: now,
                    visibility: body["visibility"].as_str().map(str::to_owned),
                    repositories: serde_json::from_value(body["selected_repository_ids"].clone())
                        .unwrap_or_default(),
                };
                match self.secrets.insert(name.clone(), kept) {
                    None => Response::new(201, json!({})),
                    Some(_) => Response::empty(204),
                }
            }
            ("DELETE", [name]) => match self.secrets.remove(name) {
                None => Response::not_found(),
                Some(_) => Response::empty(204),
            },
            _ => Response::not_found(),
        }
    }

    fn variable(&mut self, request: &Request, words: &[String]) -> Response {
        let body = request.json();
        match (request.method.as_str(), words) {
            ("POST", []) => {
                let name = body["name"].as_str().unwrap().to_owned();
                if self.variables.contains_key(&name) {
                    return Response::new(409, json!({ "message": "Already exists" }));
                }
                self.variables.insert(name, body["value"].as_str().unwrap().to_owned());
                Response::new(201, json!({}))
            }
            (method, [name]) => match (method, self.variables.get_mut(name)) {
                (_, None) => Response::not_found(),
                ("GET", Some(value)) => Response::new(
                    200,
                    json!({ "name": name, "value": value, "created_at": "2024-01-01T00:00:00Z", "updated_at": "2024-01-01T00:00:00Z" }),
                ),
                ("PATCH", Some(value)) => {
                    *value = body["value"].as_str().unwrap().to_owned();
                    Response::empty(204)
                }
                ("DELETE", Some(_)) => {
                    self.variables.remove(name);
                    Response::empty(204)
                }
                _ => Response::not_found(),
            },
            _ => Response::not_found(),
        }
    }
}

impl Vendor for GitHub {
    fn answer(&mut self, request: &Request, now: i64) -> Response {
        let token = request.header("authorization").and_then(|value| value.strip_prefix("Bearer "));
        if let Some(refusal) = request.refusal(token) {
            return refusal;
        }
        assert_eq!(request.header("accept"), Some("application/vnd.github+json"));
        assert_eq!(request.header("x-github-api-version"), Some("2022-11-28"));
        assert!(request.header("user-agent").is_some(), "GitHub refuses who does not say who calls");
        let Some(place) = self.places.iter().find(|place| request.raw_path.starts_with(**place)) else {
            return Response::not_found();
        };
        let words = request.segments(place);
        match words.split_first() {
            Some((kind, rest)) if kind == "secrets" => {
                self.secret(request, rest, place.starts_with("/orgs"), now)
            }
            Some((kind, rest)) if kind == "variables" => self.variable(request, rest),
            _ => Response::not_found(),
        }
    }

    fn value(&self, name: &str) -> Option<String> {
        self.secrets.get(name).map(|kept| kept.value.clone())
    }

    fn contents(&self) -> Vec<u8> {
        let secrets =
            self.secrets.iter().map(|(name, kept)| format!("{name}={}@{}\n", kept.value, kept.updated_at));
        let variables = self.variables.iter().map(|(name, value)| format!("{name}={value}\n"));
        secrets.chain(variables).collect::<String>().into_bytes()
    }
}

const SUITE: Suite<GitHub> = Suite {
    description: &description::GITHUB,
    vendor: GitHub::default,
    spec: |url, name| {
        let spec = json!({ "repository": "acme/web", "api_url": url, "token": token(name) });
        DestinationSpec::GithubActions(serde_json::from_value(spec).unwrap())
    },
    nowhere: |spec| edit(spec).repository = Some("acme/nothing".to_owned()),
    torn: |spec, values| edit(spec).values = values,
    foreign: &[
        (
            "secrets and variables of others",
            |github| {
                github.keep("OTHER", SECRET_OF_OTHERS);
                github.variables.insert("OTHER".to_owned(), "of others".to_owned());
            },
            &[SECRET_OF_OTHERS, "OTHER=of others"],
        ),
        ("a secret that rotakey did not write", |github| github.keep(NAME, SECRET_OF_OTHERS), &[]),
        (
            "a secret that was handed over",
            |github| {
                github.keep(NAME, SECRET_OF_OTHERS);
                github.keep("OTHER", "of others");
                github.variables.insert("AWS_ACCESS_KEY_ROTAKEY".to_owned(), "adopt".to_owned());
            },
            &["OTHER=of others"],
        ),
        (
            "a mark that somebody wrote over",
            |github| {
                github.keep(NAME, SECRET_OF_OTHERS);
                github.variables.insert("AWS_ACCESS_KEY_ROTAKEY".to_owned(), "{\"current\":1}".to_owned());
            },
            &[],
        ),
    ],
    gives_secrets_back: false,
};

fn edit(spec: &mut DestinationSpec) -> &mut specs::GithubActions {
    let DestinationSpec::GithubActions(spec) = spec else { unreachable!() };
    spec
}

#[tokio::test]
async fn secrets_of_github_actions_keep_the_contract_of_destinations() {
    check_all(&SUITE).await;
}

#[tokio::test(start_paused = true)]
async fn a_vendor_that_never_answers_is_given_up_in_time() {
    expect_given_up(&SUITE).await;
}

#[tokio::test]
async fn several_secrets_of_github_are_finished_after_a_crash_between_them() {
    check_several_values(&SUITE, |spec| edit(spec).several_writes = true).await;
}

#[tokio::test]
async fn a_secret_that_somebody_else_wrote_is_refused_until_it_is_handed_over() {
    let place = SUITE.place("writer");
    place.open().publish(&pair(1)).await.unwrap();
    place.server.vendor(|github| {
        let kept = github.secrets.get_mut(NAME).unwrap();
        kept.value = SECRET_OF_OTHERS.to_owned();
        kept.updated_at += 1;
    });
    for error in [
        place.open().read().await.unwrap_err(),
        place.open().preflight().await.unwrap_err(),
        place.open().publish(&pair(2)).await.unwrap_err(),
    ] {
        assert_eq!(error.kind, PortErrorKind::Conflict);
        assert!(error.message.contains("`adopt`"), "{error}");
    }
    place
        .server
        .vendor(|github| github.variables.insert("AWS_ACCESS_KEY_ROTAKEY".to_owned(), "adopt".to_owned()));
    place.open().publish(&pair(2)).await.unwrap();
    assert_eq!(place.open().read().await.unwrap().current.unwrap().held(), Held::of(&pair(2)));
}

#[tokio::test]
async fn a_second_write_in_one_second_is_put_off_because_it_could_not_be_seen() {
    let place = SUITE.place("writer");
    place.server.stop_the_clock(true);
    place.open().publish(&pair(1)).await.unwrap();
    let error = place.open().publish(&pair(2)).await.unwrap_err();
    assert_eq!(error.kind, PortErrorKind::Throttled, "{error}");
    assert_eq!(place.open().read().await.unwrap().current.unwrap().held(), Held::of(&pair(1)));
    place.server.stop_the_clock(false);
    place.open().publish(&pair(2)).await.unwrap();
}

#[tokio::test]
async fn environments_and_organizations_have_paths_of_their_own() {
    for (repository, environment, organization) in
        [(Some("acme/web"), Some("prod/eu"), None), (None, None, Some("acme"))]
    {
        let mut place = SUITE.place("writer");
        let spec = edit(&mut place.spec);
        spec.repository = repository.map(str::to_owned);
        spec.environment = environment.map(str::to_owned);
        spec.organization = organization.map(str::to_owned);
        place.open().preflight().await.unwrap();
        place.open().stage(&pair(1)).await.unwrap();
        place.open().publish(&pair(1)).await.unwrap();
        assert_eq!(place.open().read().await.unwrap().current.unwrap().held(), Held::of(&pair(1)));
    }
}

#[tokio::test]
async fn who_sees_a_secret_of_an_organization_stays_as_it_is() {
    let mut place = SUITE.place("writer");
    (edit(&mut place.spec).repository, edit(&mut place.spec).organization) = (None, Some("acme".to_owned()));
    place.open().publish(&pair(1)).await.unwrap();
    place.server.vendor(|github| {
        let kept = github.secrets.get_mut(NAME).unwrap();
        assert_eq!(kept.visibility.as_deref(), Some("private"));
        kept.visibility = Some("selected".to_owned());
        kept.repositories = vec![1, 2, 3];
    });
    place.open().publish(&pair(2)).await.unwrap();
    place.server.vendor(|github| {
        let kept = &github.secrets[NAME];
        assert_eq!((kept.visibility.as_deref(), &kept.repositories[..]), (Some("selected"), &[1, 2, 3][..]));
    });
}

#[tokio::test]
async fn a_request_that_the_description_does_not_know_is_refused_by_the_test_server() {
    let place = SUITE.place("writer");
    let DestinationSpec::GithubActions(spec) = &place.spec else { unreachable!() };
    let client = GithubActions::new(spec).unwrap().client;
    let secret = "/repos/acme/web/actions/secrets/X";
    let call = |method, path, body: Value| {
        let client = &client;
        async move { client.call("test", method, path, Some(&body), None).await.unwrap_err() }
    };
    for (method, path, body) in [
        (Method::PUT, secret, json!({ "encrypted_value": "aGVsbG8=" })),
        (Method::PUT, secret, json!({ "encrypted_value": "not base 64", "key_id": "1" })),
        (Method::PUT, secret, json!({ "encrypted_value": "aGVsbG8=", "key_id": "1", "value": "x" })),
        (Method::POST, secret, json!({ "encrypted_value": "aGVsbG8=", "key_id": "1" })),
        (Method::PATCH, "/repos/acme/web/actions/variables/X", json!({ "value": 1 })),
        (Method::GET, "/repos/acme/web/actions/variables/X?scope=all", json!({})),
    ] {
        let error = call(method, path, body).await;
        assert_eq!(error.kind, PortErrorKind::Invalid, "{error}");
        assert!(!place.server.take_violations().is_empty(), "{error}");
    }
}

#[test]
fn a_wrong_description_of_the_place_is_told_without_a_call() {
    let error = |spec: Value| GithubActions::new(&serde_json::from_value(spec).unwrap()).err().unwrap();
    for (spec, hint) in [
        (json!({}), "name a repository or an organization"),
        (json!({ "repository": "web" }), "with its owner"),
        (json!({ "repository": "../web" }), "cannot be a part of a path"),
        (json!({ "repository": "acme/web", "organization": "acme" }), "not both"),
        (json!({ "repository": "acme/web", "visibility": "all" }), "only secrets of an organization"),
        (json!({ "organization": "acme", "visibility": "public" }), "one of all, private and selected"),
    ] {
        let error = error(spec);
        assert_eq!(error.kind, PortErrorKind::Invalid);
        assert!(error.message.contains(hint), "{error}");
    }
}

#[test]
fn github_keeps_some_names_for_itself() {
    let spec = json!({ "repository": "acme/web", "values": { "github_KEY": "{json}" } });
    let adapter = GithubActions::new(&serde_json::from_value(spec).unwrap()).unwrap();
    assert_eq!(adapter.check().unwrap_err().kind, PortErrorKind::Invalid);
}

#[test]
fn boxes_are_those_of_libsodium() {
    // Sealed by libsodium (PyNaCl 1.6) to the public half of this key.
    let private = SecretKey::from([7; 32]);
    let public = "E75P6uryBMf9M1j8nAByGIHRdCeBKCJ+xnTzf3/pe20=";
    assert_eq!(BASE64.encode(private.public_key().as_bytes()), public);
    let theirs =
        "uTeJWUTww4+VC9BKXQT2F1RFe65B6KWimfWloIezMh7jzY1TBUYc+pKqQlvjRuGPCniLVOp98YCXdyt4JJwxUp3lLA==";
    assert_eq!(private.unseal(&BASE64.decode(theirs.as_bytes()).unwrap()).unwrap(), b"sealed by libsodium");
    let ours = seal(public, &Secret::new("sealed by rotakey".to_owned())).unwrap();
    assert_eq!(private.unseal(&BASE64.decode(ours.as_bytes()).unwrap()).unwrap(), b"sealed by rotakey");
    assert_eq!(seal("too short", &Secret::new("x".to_owned())), None);
}
