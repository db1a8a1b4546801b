//! CI/CD variables of GitLab: of a project or a group.
//!
//! GitLab gives values back to those who may change them, masked ones too, so what applications read is read. The mark is
//! a variable beside it which holds the other pairs, whole, in the environment scope `rotakey`: GitLab gives a job only
//! the variables whose scope matches the job's environment ("Limit the environment scope of a CI/CD variable"), so no
//! job but one that deploys to an environment of that name sees it. It is protected, too. Where scopes are not to be had
//! (groups without a Premium licence), that is noticed before anything is kept there. The version of a value is its
//! digest. Endpoints: GitLab REST API, "Project-level CI/CD variables" and "Group-level CI/CD variables".

use std::marker::PhantomData;

use async_trait::async_trait;
use data_encoding::HEXLOWER;
use reqwest::Method;
use rotakey_core::destination::{self as specs, Values};
use rotakey_core::id::AccessKeyId;
use rotakey_core::rotate::Content;
use rotakey_core::secret::{AccessKeyPair, Secret};
use rotakey_engine::port::{Kept, PortError};
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::json;
use sha2::{Digest, Sha256};

use crate::destination::client::{Client, Login, misdescribed, no_such_place};
use crate::destination::mark::{self, Found, Keep, Look, Mark};
use crate::destination::marked::Variables;
use crate::http::{if_found, segment};

/// The environment scope of the mark.
const SCOPE: &str = "rotakey";

/// The shortest value that GitLab masks.
const SHORTEST_MASKED: usize = 8;

pub(super) struct GitlabVariables<T> {
    client: Client,
    place: String,
    /// The paths of the project or group, and of its variables.
    owner: String,
    variables: String,
    scope: String,
    protected: bool,
    values: Values,
    several_writes: bool,
    keep: PhantomData<T>,
}

#[derive(Deserialize)]
struct Variable {
    /// Absent for a hidden one.
    value: Option<String>,
    environment_scope: Option<String>,
}

impl<T: Keep> GitlabVariables<T> {
    pub(super) fn new(spec: &specs::GitlabVariables) -> Result<Self, PortError> {
        let place = format!("gitlab-variables:{spec}");
        let owner = match (&spec.project, &spec.group) {
            (Some(project), None) => format!("/projects/{}", segment(project)?),
            (None, Some(group)) => format!("/groups/{}", segment(group)?),
            (None, None) => return Err(misdescribed(&place, "name a project or a group")),
            (Some(_), Some(_)) => return Err(misdescribed(&place, "name a project or a group, not both")),
        };
        let api_url = spec.api_url.as_deref().unwrap_or("https://gitlab.com/api/v4");
        Ok(Self {
            client: Client::new(api_url, &spec.token, Login::Header("private-token"), &[])?,
            variables: format!("{owner}/variables"),
            owner,
            scope: spec.environment_scope.clone().unwrap_or_else(|| "*".to_owned()),
            protected: spec.protected,
            values: spec.values.clone(),
            several_writes: spec.several_writes,
            place,
            keep: PhantomData,
        })
    }

    /// The path of one variable in one scope: names alone are not unique.
    fn path(&self, name: &str, scope: &str) -> Result<String, PortError> {
        Ok(format!("{}/{name}?filter%5Benvironment_scope%5D={}", self.variables, segment(scope)?))
    }

    async fn get(&self, name: &str, scope: &str) -> Result<Option<Secret>, PortError> {
        let path = self.path(name, scope)?;
        let Some(answer) = if_found(self.client.get("get a GitLab variable", &path).await)? else {
            return Ok(None);
        };
        match answer.json::<Variable>()?.value {
            Some(value) => Ok(Some(Secret::new(value))),
            None => {
                Err(misdescribed(&self.place, &format!("{name} is hidden, so GitLab never gives it back")))
            }
        }
    }

    async fn put(
        &self,
        exists: bool,
        name: &str,
        scope: &str,
        protected: bool,
        value: &Secret,
    ) -> Result<(), PortError> {
        let operation = "write a GitLab variable";
        if exists {
            let (path, body) = (self.path(name, scope)?, json!({ "value": value.expose() }));
            return self.client.call(operation, Method::PUT, &path, Some(&body), Some(value)).await.map(drop);
        }
        let text = value.expose();
        let body = json!({
            "key": name,
            "value": text,
            "environment_scope": scope,
            "protected": protected,
            "masked": text.len() >= SHORTEST_MASKED && !text.contains(char::is_whitespace),
            // A value that GitLab does not look for references in may have any character and be masked all the same.
            "raw": true,
        });
        let path = &self.variables;
        let answer = self.client.call(operation, Method::POST, path, Some(&body), Some(value)).await?;
        let given = answer.json::<Variable>()?.environment_scope;
        if given.as_deref() == Some(scope) {
            return Ok(());
        }
        let path = self.path(name, given.as_deref().unwrap_or("*"))?;
        self.client.try_delete("delete a GitLab variable", &path).await?;
        Err(misdescribed(
            &self.place,
            "this GitLab gives variables of a group no environment scope (that needs Premium), so other jobs would see \
             the keys that are not in use: use variables of projects",
        ))
    }
}

#[async_trait]
impl<T: Keep> Variables for GitlabVariables<T> {
    type Keep = T;

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
        if self.scope == SCOPE {
            return Err(misdescribed(&self.place, "the environment scope `rotakey` is kept for marks"));
        }
        mark::check_names(&self.place, &self.values)
    }

    async fn look(&self) -> Result<Look<T>, PortError> {
        let mut look = Look::nothing();
        let name = mark::name(&self.values);
        if let Some(text) = self.get(&name, SCOPE).await? {
            look.found = Found::parse(Some(text.expose()));
            look.ids.insert(name.clone(), name);
        }
        let mut found = Vec::new();
        for (name, _) in self.values.iter() {
            if let Some(value) = self.get(name, &self.scope).await? {
                let digest = HEXLOWER.encode(&Sha256::digest(value.expose()));
                look.values.insert(name.to_owned(), Some(digest));
                found.push((name, value));
            }
        }
        let value =
            |wanted: &str| found.iter().find(|(name, _)| *name == wanted).map(|(_, value)| value.expose());
        if let Some(pair) = self.values.read_back(value) {
            let rendered = self.values.render(&pair);
            look.complete = rendered.iter().all(|(name, made)| value(name) == Some(made.expose()));
            look.pair = Some(T::of(&pair));
        }
        if look.ids.is_empty() && look.values.is_empty() {
            self.client.get("get the place of GitLab variables", &self.owner).await.map_err(no_such_place)?;
        }
        Ok(look)
    }

    async fn may_write(&self) -> Result<(), PortError> {
        let nothing = self.path(&format!("{}_PREFLIGHT", mark::name(&self.values)), SCOPE)?;
        self.client.try_delete("write GitLab variables", &nothing).await
    }

    async fn write_value(&self, look: &Look<T>, name: &str, value: &Secret) -> Result<(), PortError> {
        self.put(look.values.contains_key(name), name, &self.scope, self.protected, value).await
    }

    async fn write_mark(&self, look: &Look<T>, mark: &Mark<T>) -> Result<(), PortError> {
        let name = mark::name(&self.values);
        self.put(look.ids.contains_key(&name), &name, SCOPE, true, &mark.text()).await
    }
}

/// A pair in a mark.
#[derive(PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Whole {
    #[serde(rename = "AccessKeyId")]
    id: AccessKeyId,
    #[serde(rename = "SecretAccessKey", serialize_with = "in_clear", deserialize_with = "from_clear")]
    secret: Secret,
}

fn in_clear<S: Serializer>(secret: &Secret, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(secret.expose())
}

fn from_clear<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Secret, D::Error> {
    String::deserialize(deserializer).map(Secret::new)
}

impl Content for Whole {
    fn id(&self) -> &AccessKeyId {
        &self.id
    }
}

impl Keep for Whole {
    const GIVES_BACK: bool = true;

    fn of(pair: &AccessKeyPair) -> Self {
        Self { id: pair.id.clone(), secret: pair.secret.duplicate() }
    }

    fn duplicate(&self) -> Self {
        Self { id: self.id.clone(), secret: self.secret.duplicate() }
    }

    fn pair(&self) -> Option<AccessKeyPair> {
        Some(AccessKeyPair { id: self.id.clone(), secret: self.secret.duplicate() })
    }

    fn kept(self) -> Kept {
        Kept::Pair(AccessKeyPair { id: self.id, secret: self.secret })
    }
}

#[cfg(test)]
mod tests;
