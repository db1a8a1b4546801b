//! AWS Organizations: the accounts, and the tree that they hang on.

use std::sync::Arc;

use aws_sdk_organizations::Client;
use aws_sdk_organizations::types::Account;
use futures::stream::{self, StreamExt as _, TryStreamExt as _};
use rotakey_core::organization::{Member, Organization, Unit};
use rotakey_engine::port::{Clock, PortError};

use crate::error::{failed, incomplete};
use crate::iam::parsed;
use crate::paging::next_page;
use crate::patience::patiently;

/// The organization of the account that the credentials belong to. Its listings are for the management account and
/// for delegated administrators.
pub struct AwsOrganization {
    client: Client,
    clock: Arc<dyn Clock>,
}

/// How many parents are asked about at a time. Organizations allows few calls a second.
const CONCURRENCY: usize = 4;

/// What one parent has below it.
struct Below {
    units: Vec<(String, Unit)>,
    accounts: Vec<Account>,
    parent: String,
}

impl AwsOrganization {
    pub(crate) fn new(client: Client, clock: Arc<dyn Clock>) -> Self {
        Self { client, clock }
    }

    /// Its accounts: with the tree that takes two calls for each unit, without it one for each twenty accounts.
    ///
    /// # Errors
    /// Some of it could not be read. Nothing is told then: an account that is missing would not be missed.
    pub async fn read(&self, tree: bool) -> Result<Organization, PortError> {
        if tree { self.tree().await } else { self.accounts().await }
    }

    async fn accounts(&self) -> Result<Organization, PortError> {
        const OPERATION: &str = "organizations:ListAccounts";
        let mut organization = Organization::default();
        let mut token: Option<String> = None;
        loop {
            let page = patiently(&*self.clock, || async {
                let call = self.client.list_accounts().set_next_token(token.clone());
                call.send().await.map_err(failed(OPERATION))
            })
            .await?;
            for account in page.accounts.unwrap_or_default() {
                add(&mut organization, OPERATION, account, None)?;
            }
            token = next_page(OPERATION, page.next_token, token.as_deref())?;
            if token.is_none() {
                return Ok(organization);
            }
        }
    }

    async fn tree(&self) -> Result<Organization, PortError> {
        let mut organization = Organization { root: Some(self.root().await?), ..Organization::default() };
        let mut level: Vec<String> = organization.root.iter().cloned().collect();
        while !level.is_empty() {
            let below: Vec<Below> = stream::iter(std::mem::take(&mut level))
                .map(|parent| self.below(parent))
                .buffered(CONCURRENCY)
                .try_collect()
                .await?;
            for Below { units, accounts, parent } in below {
                for (id, unit) in units {
                    // A unit that is met twice would be walked for ever.
                    if organization.units.insert(id.clone(), unit).is_none() {
                        level.push(id);
                    }
                }
                for account in accounts {
                    add(&mut organization, "organizations:ListAccountsForParent", account, Some(&parent))?;
                }
            }
        }
        Ok(organization)
    }

    async fn root(&self) -> Result<String, PortError> {
        const OPERATION: &str = "organizations:ListRoots";
        let page = patiently(&*self.clock, || async {
            self.client.list_roots().send().await.map_err(failed(OPERATION))
        })
        .await?;
        let root = page.roots.unwrap_or_default().into_iter().next().and_then(|root| root.id);
        root.ok_or_else(|| incomplete(OPERATION, "the root"))
    }

    async fn below(&self, parent: String) -> Result<Below, PortError> {
        let (units, accounts) =
            futures::future::try_join(self.units_of(&parent), self.accounts_of(&parent)).await?;
        Ok(Below { units, accounts, parent })
    }

    async fn units_of(&self, parent: &str) -> Result<Vec<(String, Unit)>, PortError> {
        const OPERATION: &str = "organizations:ListOrganizationalUnitsForParent";
        let mut units = Vec::new();
        let mut token: Option<String> = None;
        loop {
            let page = patiently(&*self.clock, || async {
                let call = self.client.list_organizational_units_for_parent().parent_id(parent);
                call.set_next_token(token.clone()).send().await.map_err(failed(OPERATION))
            })
            .await?;
            for unit in page.organizational_units.unwrap_or_default() {
                let id = unit.id.ok_or_else(|| incomplete(OPERATION, "the id of a unit"))?;
                let name = unit.name.ok_or_else(|| incomplete(OPERATION, "the name of a unit"))?;
                units.push((id, Unit { name, parent: parent.to_owned() }));
            }
            token = next_page(OPERATION, page.next_token, token.as_deref())?;
            if token.is_none() {
                return Ok(units);
            }
        }
    }

    async fn accounts_of(&self, parent: &str) -> Result<Vec<Account>, PortError> {
        const OPERATION: &str = "organizations:ListAccountsForParent";
        let mut accounts = Vec::new();
        let mut token: Option<String> = None;
        loop {
            let page = patiently(&*self.clock, || async {
                let call = self.client.list_accounts_for_parent().parent_id(parent);
                call.set_next_token(token.clone()).send().await.map_err(failed(OPERATION))
            })
            .await?;
            accounts.extend(page.accounts.unwrap_or_default());
            token = next_page(OPERATION, page.next_token, token.as_deref())?;
            if token.is_none() {
                return Ok(accounts);
            }
        }
    }
}

/// An account in any other state than `ACTIVE`, also one that is not known yet, is one that cannot be worked in.
fn add(
    organization: &mut Organization,
    operation: &'static str,
    account: Account,
    parent: Option<&str>,
) -> Result<(), PortError> {
    let id = account.id.as_deref().ok_or_else(|| incomplete(operation, "the id of an account"))?;
    let id = parsed(operation, "account id", id)?;
    // `Status` is what `State` replaces; older endpoints have only that.
    let state = account.state.as_ref().map(|state| state.as_str());
    let state = state.or(account.status.as_ref().map(|status| status.as_str()));
    let state = state.ok_or_else(|| incomplete(operation, "the state of an account"))?;
    let member = Member {
        name: account.name.clone().unwrap_or_default(),
        state: if state == "ACTIVE" { Ok(()) } else { Err(state.to_owned()) },
        parent: parent.map(str::to_owned),
    };
    organization.accounts.insert(id, member);
    Ok(())
}
