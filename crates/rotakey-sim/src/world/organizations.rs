//! AWS Organizations: one organization with all accounts of the world.

use std::collections::BTreeMap;

use rotakey_core::id::AccountId;

use crate::api::{Fault, Tree};
use crate::random::Random;
use crate::world::World;
use crate::world::account::{Account, Call};
use crate::world::paging::page;

/// The organization. Its first account is the management account.
#[derive(Debug)]
pub(crate) struct Organization {
    id: String,
    root_id: String,
    pub(crate) management: Option<AccountId>,
    /// Organizational units by id.
    units: BTreeMap<String, Unit>,
    /// The root or unit that each account is in.
    pub(crate) parents: BTreeMap<AccountId, String>,
}

#[derive(Debug)]
struct Unit {
    name: String,
    parent: String,
}

impl Organization {
    /// An organization without accounts.
    pub(crate) fn new(random: &mut Random) -> Self {
        Self {
            id: format!("o-{}", random.lower_alphanumeric(10)),
            root_id: format!("r-{}", random.lower_alphanumeric(4)),
            management: None,
            units: BTreeMap::new(),
            parents: BTreeMap::new(),
        }
    }

    /// The id of the organization.
    pub(crate) fn id(&self) -> &str {
        &self.id
    }

    /// The id of the root.
    pub(crate) fn root_id(&self) -> &str {
        &self.root_id
    }

    /// Adds an organizational unit under the root or under another unit, and says its id.
    pub(crate) fn add_unit(&mut self, name: &str, parent: &str, random: &mut Random) -> String {
        let root = self.root_id.trim_start_matches("r-");
        let id = format!("ou-{root}-{}", random.lower_alphanumeric(8));
        self.units.insert(id.clone(), Unit { name: name.to_owned(), parent: parent.to_owned() });
        id
    }

    fn arn(&self, kind: &str, rest: &str) -> String {
        let management = self.management.map(|id| id.to_string()).unwrap_or_default();
        format!("arn:aws:organizations::{management}:{kind}/{}{rest}", self.id)
    }
}

/// Does one call of Organizations. All but `DescribeOrganization` is for the management account alone.
pub(crate) fn handle(world: &mut World, call: &Call<'_>) -> Result<Tree, Fault> {
    let world = &*world;
    let manages = world.organization.management == Some(call.caller.account_id);
    if !manages && call.action() != "DescribeOrganization" {
        let message = "You don't have permissions to access this resource.";
        return Err(Fault::refused("AccessDeniedException", 400, message));
    }
    match call.action() {
        "DescribeOrganization" => Ok(describe_organization(world)),
        "DescribeAccount" => describe_account(world, call),
        "ListAccounts" => list_accounts(world, call),
        "ListRoots" => list_roots(world, call),
        "ListOrganizationalUnitsForParent" => list_units(world, call),
        "ListAccountsForParent" => list_accounts_of_parent(world, call),
        "ListParents" => list_parents(world, call),
        action => Err(Fault::unknown_operation(call.service(), action)),
    }
}

/// The root or unit whose children are listed, or the account or unit that is asked about; the other listings act on
/// nothing in particular.
pub(crate) fn resource(world: &World, call: &Call<'_>) -> String {
    let organization = &world.organization;
    let named = match call.action() {
        "ListOrganizationalUnitsForParent" | "ListAccountsForParent" => call.parameters.text("ParentId"),
        "DescribeAccount" => call.parameters.text("AccountId"),
        "ListParents" => call.parameters.text("ChildId"),
        _ => None,
    };
    match named {
        None => "*".to_owned(),
        Some(id) if id.starts_with("r-") => organization.arn("root", &format!("/{id}")),
        Some(id) if id.starts_with("ou-") => organization.arn("ou", &format!("/{id}")),
        Some(id) => organization.arn("account", &format!("/{id}")),
    }
}

fn describe_organization(world: &World) -> Tree {
    let organization = &world.organization;
    let management = organization.management.and_then(|id| world.accounts.get(&id));
    let details = Tree::map([
        ("Id", (&organization.id).into()),
        ("Arn", organization.arn("organization", "").into()),
        ("FeatureSet", "ALL".into()),
        ("AvailablePolicyTypes", Tree::List(Vec::new())),
    ])
    .with("MasterAccountId", management.map(|account| account.id.to_string()))
    .with("MasterAccountArn", management.map(|account| account_arn(world, account)))
    .with("MasterAccountEmail", management.map(|account| account.email.clone()));
    Tree::map([("Organization", details)])
}

fn describe_account(world: &World, call: &Call<'_>) -> Result<Tree, Fault> {
    let text = call.parameters.required("AccountId")?;
    let account = text.parse().ok().and_then(|id: AccountId| world.accounts.get(&id));
    match account {
        Some(account) => Ok(Tree::map([("Account", describe(world, account))])),
        None => Err(Fault::refused(
            "AccountNotFoundException",
            400,
            "You specified an account that doesn't exist.",
        )),
    }
}

fn list_accounts(world: &World, call: &Call<'_>) -> Result<Tree, Fault> {
    let rows = world.accounts.values().map(|account| (account.id.to_string(), describe(world, account)));
    listing(call, "Accounts", rows)
}

fn list_roots(world: &World, call: &Call<'_>) -> Result<Tree, Fault> {
    let id = &world.organization.root_id;
    let root = Tree::map([
        ("Id", id.into()),
        ("Arn", world.organization.arn("root", &format!("/{id}")).into()),
        ("Name", "Root".into()),
        ("PolicyTypes", Tree::List(Vec::new())),
    ]);
    listing(call, "Roots", [(id.clone(), root)])
}

fn list_units(world: &World, call: &Call<'_>) -> Result<Tree, Fault> {
    let (parent, organization) = (known_parent(world, call)?, &world.organization);
    let units = organization.units.iter().filter(|(_, unit)| unit.parent == parent);
    let rows = units.map(|(id, unit)| {
        let shown = Tree::map([
            ("Id", id.into()),
            ("Arn", organization.arn("ou", &format!("/{id}")).into()),
            ("Name", (&unit.name).into()),
        ]);
        (id.clone(), shown)
    });
    listing(call, "OrganizationalUnits", rows)
}

fn list_accounts_of_parent(world: &World, call: &Call<'_>) -> Result<Tree, Fault> {
    let parent = known_parent(world, call)?;
    let inside =
        |account: &&Account| world.organization.parents.get(&account.id).is_some_and(|of| of == parent);
    let accounts = world.accounts.values().filter(inside);
    listing(call, "Accounts", accounts.map(|account| (account.id.to_string(), describe(world, account))))
}

fn list_parents(world: &World, call: &Call<'_>) -> Result<Tree, Fault> {
    let (child, organization) = (call.parameters.required("ChildId")?, &world.organization);
    let of_account = child.parse().ok().and_then(|id: AccountId| organization.parents.get(&id));
    let parent = of_account.or_else(|| organization.units.get(child).map(|unit| &unit.parent));
    let parent = parent.ok_or_else(|| {
        Fault::refused(
            "ChildNotFoundException",
            400,
            "We can't find an organizational unit or account with the ChildId that you specified.",
        )
    })?;
    let kind = if *parent == organization.root_id { "ROOT" } else { "ORGANIZATIONAL_UNIT" };
    let shown = Tree::map([("Id", parent.into()), ("Type", kind.into())]);
    listing(call, "Parents", [(parent.clone(), shown)])
}

/// The page that `MaxResults` (1 to 20, by default 20) and `NextToken` ask for.
fn listing(
    call: &Call<'_>,
    list: &str,
    rows: impl IntoIterator<Item = (String, Tree)>,
) -> Result<Tree, Fault> {
    let size = call.parameters.page_size("MaxResults", 20, 20)?;
    let page = page(call.action(), rows, call.parameters.text("NextToken"), size)
        .map_err(|_| call.parameters.invalid("You provided an invalid value for NextToken.".to_owned()))?;
    Ok(Tree::empty().with(list, Some(Tree::List(page.items))).with("NextToken", page.next))
}

fn known_parent<'a>(world: &World, call: &Call<'a>) -> Result<&'a str, Fault> {
    let parent = call.parameters.required("ParentId")?;
    if parent == world.organization.root_id || world.organization.units.contains_key(parent) {
        return Ok(parent);
    }
    Err(Fault::refused(
        "ParentNotFoundException",
        400,
        "We can't find a root or OU with the ParentId that you specified.",
    ))
}

fn describe(world: &World, account: &Account) -> Tree {
    let method = if world.organization.management == Some(account.id) { "INVITED" } else { "CREATED" };
    let state = if account.suspended { "SUSPENDED" } else { "ACTIVE" };
    Tree::map([
        ("Id", account.id.to_string().into()),
        ("Arn", account_arn(world, account).into()),
        ("Email", (&account.email).into()),
        ("Name", (&account.name).into()),
        ("Status", state.into()),
        ("State", state.into()),
        ("JoinedMethod", method.into()),
        ("JoinedTimestamp", account.created_at.into()),
    ])
}

fn account_arn(world: &World, account: &Account) -> String {
    world.organization.arn("account", &format!("/{}", account.id))
}
