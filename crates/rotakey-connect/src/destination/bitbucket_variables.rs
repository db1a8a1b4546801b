//! Variables of Bitbucket Pipelines: of a workspace, a repository, or one of its deployment environments.
//!
//! Secured variables are never given back, and Bitbucket does not tell when one was written: so while a write is in doubt
//! it stays so until it is repeated, and a write by somebody else is not noticed unless it makes the variable anew. The
//! mark is an open variable beside the secured ones. Endpoints: Bitbucket Cloud REST API, group "Pipelines".

use std::collections::BTreeMap;

use async_trait::async_trait;
use reqwest::Method;
use rotakey_core::destination::{self as specs, Values};
use rotakey_core::rotate::Held;
use rotakey_core::secret::Secret;
use rotakey_engine::port::PortError;
use serde::Deserialize;
use serde_json::json;

use crate::destination::client::{Client, Login, misdescribed, no_such_place};
use crate::destination::mark::{self, Found, Look, Mark};
use crate::destination::marked::Variables;
use crate::http::segment;

/// The most that Bitbucket gives at once.
const PAGE: usize = 100;

/// The identifier of no variable.
const NOBODY: &str = "{00000000-0000-0000-0000-000000000000}";

pub(super) struct BitbucketVariables {
    client: Client,
    place: String,
    /// The path of the variables.
    path: String,
    values: Values,
    several_writes: bool,
}

#[derive(Deserialize)]
struct Page {
    values: Vec<Variable>,
    /// The address of the next page.
    next: Option<String>,
}

#[derive(Deserialize)]
struct Variable {
    uuid: String,
    key: String,
    /// Absent for a secured one.
    value: Option<String>,
}

impl BitbucketVariables {
    pub(super) fn new(spec: &specs::BitbucketVariables) -> Result<Self, PortError> {
        let place = format!("bitbucket-variables:{spec}");
        let workspace = segment(&spec.workspace)?;
        let path = match (&spec.repository, &spec.deployment) {
            (None, None) => format!("/workspaces/{workspace}/pipelines-config/variables"),
            (Some(repository), None) => {
                format!("/repositories/{workspace}/{}/pipelines_config/variables", segment(repository)?)
            }
            (Some(repository), Some(deployment)) => format!(
                "/repositories/{workspace}/{}/deployments_config/environments/{}/variables",
                segment(repository)?,
                // It is written in braces, which mean something else in the configuration.
                segment(&format!("{{{}}}", deployment.trim_matches(['{', '}'])))?
            ),
            (None, Some(_)) => {
                return Err(misdescribed(
                    &place,
                    "a deployment environment belongs to a repository: name that too",
                ));
            }
        };
        let api_url = spec.api_url.as_deref().unwrap_or("https://api.bitbucket.org/2.0");
        Ok(Self {
            client: Client::new(api_url, &spec.token, Login::BasicOrBearer, &[])?,
            place,
            path,
            values: spec.values.clone(),
            several_writes: spec.several_writes,
        })
    }

    /// All variables of the place by name, all pages.
    async fn all(&self) -> Result<BTreeMap<String, Variable>, PortError> {
        let mut all = BTreeMap::new();
        for page in 1.. {
            // Not the address that Bitbucket gives for the next page: the token goes where the user said only.
            let path = format!("{}?pagelen={PAGE}&page={page}", self.path);
            let answer = self.client.get("list Bitbucket variables", &path).await.map_err(no_such_place)?;
            let page: Page = answer.json()?;
            all.extend(page.values.into_iter().map(|variable| (variable.key.clone(), variable)));
            if page.next.is_none() {
                break;
            }
        }
        Ok(all)
    }

    async fn put(
        &self,
        look: &Look<Held>,
        name: &str,
        value: &Secret,
        secured: bool,
    ) -> Result<(), PortError> {
        let (method, path) = match look.ids.get(name) {
            Some(uuid) => (Method::PUT, format!("{}/{}", self.path, segment(uuid)?)),
            None => (Method::POST, self.path.clone()),
        };
        let body =
            json!({ "type": "pipeline_variable", "key": name, "value": value.expose(), "secured": secured });
        self.client
            .call("write a Bitbucket variable", method, &path, Some(&body), Some(value))
            .await
            .map(drop)
    }
}

#[async_trait]
impl Variables for BitbucketVariables {
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
        mark::check_names(&self.place, &self.values)
    }

    async fn look(&self) -> Result<Look<Held>, PortError> {
        let mut look = Look::nothing();
        let mark = mark::name(&self.values);
        for (name, variable) in self.all().await? {
            if name == mark {
                look.found = Found::parse(variable.value.as_deref());
            } else if self.values.iter().any(|(wanted, _)| wanted == name) {
                look.values.insert(name.clone(), None);
            } else {
                continue;
            }
            look.ids.insert(name, variable.uuid);
        }
        Ok(look)
    }

    async fn may_write(&self) -> Result<(), PortError> {
        let nothing = format!("{}/{}", self.path, segment(NOBODY)?);
        self.client.try_delete("write Bitbucket variables", &nothing).await
    }

    async fn write_value(&self, look: &Look<Held>, name: &str, value: &Secret) -> Result<(), PortError> {
        self.put(look, name, value, true).await
    }

    async fn write_mark(&self, look: &Look<Held>, mark: &Mark<Held>) -> Result<(), PortError> {
        self.put(look, &mark::name(&self.values), &mark.text(), false).await
    }
}

#[cfg(test)]
mod tests;
