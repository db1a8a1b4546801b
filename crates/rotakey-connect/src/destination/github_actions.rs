//! Secrets of GitHub Actions: of a repository, of one of its environments, or of an organization.
//!
//! GitHub never gives a secret back, and takes it only sealed to a public key of the place. The mark is a variable beside
//! it. The version of a secret is its `updated_at`, which counts seconds: a write in the very second of the last one is
//! put off, since it could not be seen. Endpoints: GitHub REST API, "Actions secrets" and "Actions variables".

use async_trait::async_trait;
use crypto_box::PublicKey;
use crypto_box::aead::OsRng;
use data_encoding::BASE64;
use jiff::Timestamp;
use reqwest::Method;
use rotakey_core::destination::{self as specs, Values};
use rotakey_core::rotate::Held;
use rotakey_core::secret::Secret;
use rotakey_engine::port::PortError;
use serde::Deserialize;
use serde_json::{Value, json};

use crate::destination::client::{Client, Login, misdescribed, no_such_place};
use crate::destination::mark::{self, Found, Look, Mark};
use crate::destination::marked::Variables;
use crate::http::{if_found, segment};

const HEADERS: &[(&str, &str)] =
    &[("accept", "application/vnd.github+json"), ("x-github-api-version", "2022-11-28")];

/// As many as GitHub gives at once of an organization's secret's repositories.
const PAGE: usize = 100;

pub(super) struct GithubActions {
    client: Client,
    place: String,
    /// The paths of the place's secrets and variables.
    secrets: String,
    variables: String,
    /// That of new secrets, where an organization has them.
    visibility: Option<String>,
    values: Values,
    several_writes: bool,
}

#[derive(Deserialize)]
struct Variable {
    value: String,
}

#[derive(Deserialize)]
struct Metadata {
    updated_at: Timestamp,
    visibility: Option<String>,
}

#[derive(Deserialize)]
struct Key {
    key_id: String,
    key: String,
}

#[derive(Deserialize)]
struct Repositories {
    repositories: Vec<Repository>,
}

#[derive(Deserialize)]
struct Repository {
    id: u64,
}

impl GithubActions {
    pub(super) fn new(spec: &specs::GithubActions) -> Result<Self, PortError> {
        let place = format!("github-actions:{spec}");
        let wrong = |why: &str| misdescribed(&place, why);
        let (secrets, variables) = match (&spec.repository, &spec.environment, &spec.organization) {
            (Some(repository), environment, None) => {
                let (owner, name) = repository
                    .split_once('/')
                    .ok_or_else(|| wrong("name the repository with its owner: repository = \"acme/web\""))?;
                let repository = format!("/repos/{}/{}", segment(owner)?, segment(name)?);
                match environment {
                    None => {
                        (format!("{repository}/actions/secrets"), format!("{repository}/actions/variables"))
                    }
                    Some(environment) => {
                        let environment = format!("{repository}/environments/{}", segment(environment)?);
                        (format!("{environment}/secrets"), format!("{environment}/variables"))
                    }
                }
            }
            (None, None, Some(organization)) => {
                let organization = format!("/orgs/{}/actions", segment(organization)?);
                (format!("{organization}/secrets"), format!("{organization}/variables"))
            }
            (None, None, None) => return Err(wrong("name a repository or an organization")),
            (Some(_), _, Some(_)) => return Err(wrong("name a repository or an organization, not both")),
            (None, Some(_), _) => return Err(wrong("an environment belongs to a repository: name that too")),
        };
        let visibility = match (&spec.organization, spec.visibility.as_deref()) {
            (None, None) => None,
            (None, Some(_)) => return Err(wrong("only secrets of an organization have a visibility")),
            (Some(_), None) => Some("private".to_owned()),
            (Some(_), Some(known @ ("all" | "private" | "selected"))) => Some(known.to_owned()),
            (Some(_), Some(_)) => return Err(wrong("visibility is one of all, private and selected")),
        };
        let api_url = spec.api_url.as_deref().unwrap_or("https://api.github.com");
        Ok(Self {
            client: Client::new(api_url, &spec.token, Login::Bearer, HEADERS)?,
            secrets,
            variables,
            visibility,
            values: spec.values.clone(),
            several_writes: spec.several_writes,
            place,
        })
    }

    async fn key(&self) -> Result<Key, PortError> {
        let path = format!("{}/public-key", self.secrets);
        self.client.get("get the public key of GitHub Actions", &path).await.map_err(no_such_place)?.json()
    }

    /// Who sees a secret of an organization stays as it is: a write has to say it again.
    async fn visibility(&self, name: &str, body: &mut Value) -> Result<(), PortError> {
        let Some(new) = &self.visibility else { return Ok(()) };
        let path = format!("{}/{name}", self.secrets);
        let answer = if_found(self.client.get("get a secret of GitHub Actions", &path).await)?;
        let visibility = match answer {
            Some(answer) => answer.json::<Metadata>()?.visibility,
            None => None,
        };
        if visibility.as_deref() == Some("selected") {
            body["selected_repository_ids"] = json!(self.repositories(name).await?);
        }
        body["visibility"] = json!(visibility.as_ref().unwrap_or(new));
        Ok(())
    }

    /// The repositories that see a secret, all pages.
    async fn repositories(&self, name: &str) -> Result<Vec<u64>, PortError> {
        let mut ids = Vec::new();
        for page in 1.. {
            let path = format!("{}/{name}/repositories?per_page={PAGE}&page={page}", self.secrets);
            let answer = self.client.get("list the repositories of a secret", &path).await?;
            ids.extend(answer.json::<Repositories>()?.repositories.iter().map(|repository| repository.id));
            if !answer.has_next_page() {
                break;
            }
        }
        Ok(ids)
    }
}

#[async_trait]
impl Variables for GithubActions {
    type Keep = Held;

    fn place(&self) -> &str {
        &self.place
    }

    fn values(&self) -> &Values {
        &self.values
    }

    fn several_writes(&self) -> bool {
        self.several_writes
    }

    fn check(&self) -> Result<(), PortError> {
        mark::check_names(&self.place, &self.values)?;
        let reserved = |(name, _): (&str, _)| name.to_ascii_uppercase().starts_with("GITHUB_");
        if self.values.iter().any(reserved) {
            return Err(misdescribed(&self.place, "GitHub keeps names that begin with GITHUB_ for itself"));
        }
        Ok(())
    }

    async fn look(&self) -> Result<Look<Held>, PortError> {
        let mut look = Look::nothing();
        let mark = mark::name(&self.values);
        let path = format!("{}/{mark}", self.variables);
        if let Some(answer) = if_found(self.client.get("get a variable of GitHub Actions", &path).await)? {
            look.found = Found::parse(Some(&answer.json::<Variable>()?.value));
            look.ids.insert(mark.clone(), mark);
        }
        for (name, _) in self.values.iter() {
            let path = format!("{}/{name}", self.secrets);
            if let Some(answer) = if_found(self.client.get("get a secret of GitHub Actions", &path).await)? {
                let updated_at = answer.json::<Metadata>()?.updated_at;
                look.fresh |= answer.date().is_some_and(|now| now.as_second() <= updated_at.as_second());
                look.values.insert(name.to_owned(), Some(updated_at.to_string()));
            }
        }
        if look.ids.is_empty() && look.values.is_empty() {
            self.key().await?;
        }
        Ok(look)
    }

    async fn may_write(&self) -> Result<(), PortError> {
        let nothing = format!("{}_PREFLIGHT", mark::name(&self.values));
        for (operation, base) in [
            ("write secrets of GitHub Actions", &self.secrets),
            ("write variables of GitHub Actions", &self.variables),
        ] {
            self.client.try_delete(operation, &format!("{base}/{nothing}")).await?;
        }
        Ok(())
    }

    async fn write_value(&self, _: &Look<Held>, name: &str, value: &Secret) -> Result<(), PortError> {
        let Key { key_id, key } = self.key().await?;
        let sealed = seal(&key, value)
            .ok_or_else(|| misdescribed(&self.place, "GitHub's public key is none of Curve25519"))?;
        let mut body = json!({ "encrypted_value": sealed, "key_id": key_id });
        self.visibility(name, &mut body).await?;
        let path = format!("{}/{name}", self.secrets);
        let operation = "write a secret of GitHub Actions";
        self.client.call(operation, Method::PUT, &path, Some(&body), Some(value)).await.map(drop)
    }

    async fn write_mark(&self, look: &Look<Held>, mark: &Mark<Held>) -> Result<(), PortError> {
        let name = mark::name(&self.values);
        let text = mark.text();
        let (method, path, mut body) = if look.ids.contains_key(&name) {
            (Method::PATCH, format!("{}/{name}", self.variables), json!({ "value": text.expose() }))
        } else {
            let body = json!({ "name": name, "value": text.expose() });
            (Method::POST, self.variables.clone(), body)
        };
        if method == Method::POST && self.visibility.is_some() {
            // No workflow needs it.
            body["visibility"] = json!("selected");
            body["selected_repository_ids"] = json!([]);
        }
        self.client
            .call("write a variable of GitHub Actions", method, &path, Some(&body), None)
            .await
            .map(drop)
    }
}

/// What libsodium's `crypto_box_seal` makes of a text, in base 64; `None` if the key is no key.
fn seal(key: &str, value: &Secret) -> Option<String> {
    let key: [u8; 32] = BASE64.decode(key.as_bytes()).ok()?.try_into().ok()?;
    let sealed = PublicKey::from(key).seal(&mut OsRng, value.expose().as_bytes()).ok()?;
    Some(BASE64.encode(&sealed))
}

#[cfg(test)]
mod tests;
