//! Variables of HCP Terraform or Terraform Enterprise: of a workspace or a variable set.
//!
//! Sensitive variables are never given back, but their description is, and one request changes both. So the mark is the
//! description of the (first) variable, and with one value nothing is ever in doubt. Terraform tells no version that
//! could be known before a write, so a write by somebody else who leaves the description is not noticed. Endpoints: HCP
//! Terraform API, "Workspace Variables", "Variable Sets" and "Workspaces".

use async_trait::async_trait;
use reqwest::Method;
use rotakey_core::destination::{self as specs, Values};
use rotakey_core::rotate::Held;
use rotakey_core::secret::Secret;
use rotakey_engine::port::{PortError, PortErrorKind};
use serde::Deserialize;
use serde_json::{Value, json};
use tokio::sync::OnceCell;

use crate::destination::client::{Client, Login, misdescribed, no_such_place};
use crate::destination::mark::{self, Found, Look, Mark};
use crate::destination::marked::Variables;
use crate::http::segment;

const HEADERS: &[(&str, &str)] =
    &[("accept", "application/vnd.api+json"), ("content-type", "application/vnd.api+json")];

pub(super) struct HcpTerraform {
    client: Client,
    place: String,
    owner: Owner,
    /// Where the variables are, and whether they may be written, once that is known.
    found: OnceCell<(String, bool)>,
    category: &'static str,
    values: Values,
    several_writes: bool,
}

/// Whose variables they are, by the path that tells of it.
enum Owner {
    Workspace(String),
    VariableSet(String),
}

#[derive(Deserialize)]
struct Document<T> {
    data: T,
    meta: Option<Meta>,
}

#[derive(Deserialize)]
struct Meta {
    pagination: Option<Pagination>,
}

#[derive(Deserialize)]
#[serde(rename_all = "kebab-case")]
struct Pagination {
    next_page: Option<u64>,
}

#[derive(Deserialize)]
struct Resource<A> {
    id: String,
    attributes: A,
}

#[derive(Deserialize)]
struct Variable {
    key: String,
    description: Option<String>,
    category: String,
}

#[derive(Deserialize)]
struct Holder {
    permissions: Option<Permissions>,
}

#[derive(Deserialize)]
#[serde(rename_all = "kebab-case")]
struct Permissions {
    /// Of a workspace.
    can_update_variable: Option<bool>,
    /// Of a variable set.
    can_update: Option<bool>,
}

impl HcpTerraform {
    pub(super) fn new(spec: &specs::HcpTerraform) -> Result<Self, PortError> {
        let place = format!("hcp-terraform:{spec}");
        let owner = match (&spec.organization, &spec.workspace, &spec.variable_set) {
            (Some(organization), Some(workspace), None) => {
                let (organization, workspace) = (segment(organization)?, segment(workspace)?);
                Owner::Workspace(format!("/organizations/{organization}/workspaces/{workspace}"))
            }
            (_, None, Some(set)) => Owner::VariableSet(format!("/varsets/{}", segment(set)?)),
            (None, Some(_), None) => {
                return Err(misdescribed(&place, "name the organization of the workspace"));
            }
            (_, None, None) => return Err(misdescribed(&place, "name a workspace or a variable set")),
            (_, Some(_), Some(_)) => {
                return Err(misdescribed(&place, "name a workspace or a variable set, not both"));
            }
        };
        let api_url = spec.api_url.as_deref().unwrap_or("https://app.terraform.io/api/v2");
        Ok(Self {
            client: Client::new(api_url, &spec.token, Login::Bearer, HEADERS)?,
            place,
            owner,
            found: OnceCell::new(),
            category: if spec.terraform { "terraform" } else { "env" },
            values: spec.values.clone(),
            several_writes: spec.several_writes,
        })
    }

    /// The path of the variables, and whether they may be written.
    async fn find(&self) -> Result<&(String, bool), PortError> {
        let (Owner::Workspace(path) | Owner::VariableSet(path)) = &self.owner;
        let find = || async {
            let answer = self.client.get("find the place of Terraform variables", path).await;
            let holder: Document<Resource<Holder>> = answer.map_err(no_such_place)?.json()?;
            let permissions = holder.data.attributes.permissions;
            let (variables, may_write) = match &self.owner {
                Owner::Workspace(_) => (
                    format!("/workspaces/{}/vars", segment(&holder.data.id)?),
                    permissions.and_then(|permissions| permissions.can_update_variable),
                ),
                Owner::VariableSet(path) => (
                    format!("{path}/relationships/vars"),
                    permissions.and_then(|permissions| permissions.can_update),
                ),
            };
            // Where nothing is said, the first write tells.
            Ok((variables, may_write.unwrap_or(true)))
        };
        self.found.get_or_try_init(find).await
    }

    /// All variables of the place, all pages.
    async fn all(&self) -> Result<Vec<Resource<Variable>>, PortError> {
        let (path, _) = self.find().await?;
        let mut all = Vec::new();
        let mut query = String::new();
        loop {
            let answer = self.client.get("list Terraform variables", &format!("{path}{query}")).await?;
            let page: Document<Vec<Resource<Variable>>> = answer.json()?;
            all.extend(page.data);
            match page.meta.and_then(|meta| meta.pagination).and_then(|pagination| pagination.next_page) {
                None => return Ok(all),
                Some(next) => query = format!("?page%5Bnumber%5D={next}"),
            }
        }
    }

    /// Changes what is given of a variable, or makes it.
    async fn put(
        &self,
        look: &Look<Held>,
        name: &str,
        mut attributes: Value,
        value: Option<&Secret>,
    ) -> Result<(), PortError> {
        let (path, _) = self.find().await?;
        let (method, path, body) = match look.ids.get(name) {
            Some(id) => {
                let data = json!({ "id": id, "type": "vars", "attributes": attributes });
                (Method::PATCH, format!("{path}/{}", segment(id)?), data)
            }
            None => {
                attributes["key"] = json!(name);
                attributes["category"] = json!(self.category);
                attributes["hcl"] = json!(false);
                attributes["sensitive"] = json!(true);
                (Method::POST, path.clone(), json!({ "type": "vars", "attributes": attributes }))
            }
        };
        let body = json!({ "data": body });
        self.client.call("write a Terraform variable", method, &path, Some(&body), value).await.map(drop)
    }

    /// The variable with the mark.
    fn first(&self) -> &str {
        self.values.iter().next().map_or("", |(name, _)| name)
    }
}

#[async_trait]
impl Variables for HcpTerraform {
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
        let mut look = Look { versioned: false, ..Look::nothing() };
        for Resource { id, attributes } in self.all().await? {
            let Variable { key, description, category } = attributes;
            if category != self.category || !self.values.iter().any(|(name, _)| name == key) {
                continue;
            }
            if key == self.first() {
                look.found = Found::parse(description.as_deref());
            }
            look.ids.insert(key.clone(), id);
            look.values.insert(key, None);
        }
        Ok(look)
    }

    async fn may_write(&self) -> Result<(), PortError> {
        if self.find().await?.1 {
            return Ok(());
        }
        let why = "the token may read the variables and not write them";
        Err(PortError::new(PortErrorKind::Denied, "write Terraform variables", why))
    }

    async fn write_value(&self, look: &Look<Held>, name: &str, value: &Secret) -> Result<(), PortError> {
        let attributes = json!({ "value": value.expose(), "sensitive": true });
        self.put(look, name, attributes, Some(value)).await
    }

    /// A mark that comes before the first value makes a variable that is empty.
    async fn write_mark(&self, look: &Look<Held>, mark: &Mark<Held>) -> Result<(), PortError> {
        self.put(look, self.first(), json!({ "description": mark.text().expose() }), None).await
    }

    async fn write_at_once(
        &self,
        look: &Look<Held>,
        value: &Secret,
        mark: &Mark<Held>,
    ) -> Result<bool, PortError> {
        let text = mark.text();
        let attributes = json!({ "value": value.expose(), "description": text.expose(), "sensitive": true });
        self.put(look, self.first(), attributes, Some(value)).await.map(|()| true)
    }
}

#[cfg(test)]
mod tests;
