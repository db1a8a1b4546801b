//! The accounts of the organization.

use rotakey_engine::port::{PortError, PortErrorKind};
use rotakey_sim::api::{Service, Tree};
use rotakey_sim::fleet::{EXTERNAL_ID, FleetPlan, OPERATOR_ROLE};
use rotakey_sim::ports::Client;
use rotakey_sim::simulation::Simulation;

use crate::at;

/// The operator and the accounts.
fn fleet(accounts: usize) -> (Client, Vec<rotakey_core::id::AccountId>) {
    let fleet = FleetPlan { seed: 5, accounts, users: 0, now: at("2026-03-01T00:00:00Z") }.build();
    let mut world = fleet.world;
    world.set_consistency(rotakey_sim::consistency::Consistency::immediate());
    (Client::new(Simulation::new(world), fleet.operator), fleet.accounts)
}

fn call(client: &Client, action: &str, parameters: Tree) -> Result<Tree, PortError> {
    client.call(Service::Organizations, action, parameters)
}

#[test]
fn accounts_come_in_pages_of_twenty_at_most() {
    let (operator, accounts) = fleet(23);
    let first = call(&operator, "ListAccounts", Tree::empty()).unwrap();
    assert_eq!(first.items("Accounts").len(), 20);
    let token = Tree::map([("NextToken", first.text("NextToken").unwrap().into())]);
    let second = call(&operator, "ListAccounts", token).unwrap();
    assert_eq!((second.items("Accounts").len(), second.text("NextToken")), (3, None));
    let ids = [first.items("Accounts"), second.items("Accounts")].concat();
    let mut ids = ids.iter().map(|account| account.text("Id").unwrap().to_owned()).collect::<Vec<_>>();
    let mut expected = accounts.iter().map(ToString::to_string).collect::<Vec<_>>();
    ids.sort();
    expected.sort();
    assert_eq!(ids, expected);
    assert!(call(&operator, "ListAccounts", Tree::map([("MaxResults", 21.into())])).is_err());
}

#[test]
fn the_tree_leads_from_the_root_to_every_account_and_back() {
    let (operator, accounts) = fleet(3);
    let roots = call(&operator, "ListRoots", Tree::empty()).unwrap();
    let root = roots.items("Roots")[0].text("Id").unwrap().to_owned();
    let under = |parent: &str| Tree::map([("ParentId", parent.into())]);
    let units = call(&operator, "ListOrganizationalUnitsForParent", under(&root)).unwrap();
    let unit = units.items("OrganizationalUnits")[0].text("Id").unwrap().to_owned();
    assert_eq!(call(&operator, "ListAccountsForParent", under(&root)).unwrap().items("Accounts").len(), 1);
    assert_eq!(call(&operator, "ListAccountsForParent", under(&unit)).unwrap().items("Accounts").len(), 2);
    let child = Tree::map([("ChildId", accounts[1].to_string().into())]);
    let parents = call(&operator, "ListParents", child).unwrap();
    assert_eq!(parents.items("Parents")[0].text("Id"), Some(unit.as_str()));
    assert!(call(&operator, "ListAccountsForParent", under("ou-none")).is_err());
}

#[test]
fn members_may_only_describe_the_organization() {
    let (operator, accounts) = fleet(2);
    let arn = format!("arn:aws:iam::{}:role/{OPERATOR_ROLE}", accounts[1]);
    let member = operator.assume_role(&arn, Some(EXTERNAL_ID)).unwrap();
    let described = call(&member, "DescribeOrganization", Tree::empty()).unwrap();
    let management = described.get("Organization").unwrap().text("MasterAccountId").unwrap().to_owned();
    assert_eq!(management, accounts[0].to_string());
    assert_eq!(call(&member, "ListAccounts", Tree::empty()).unwrap_err().kind, PortErrorKind::Denied);
}

#[test]
fn units_are_nested_and_a_suspended_account_is_listed_but_let_nobody_in() {
    let fleet = FleetPlan { seed: 5, accounts: 4, users: 0, now: at("2026-03-01T00:00:00Z") }.build();
    let (mut world, accounts) = (fleet.world, fleet.accounts);
    let outer = world.plant_unit("Outer", &accounts[1..2]);
    let inner = world.plant_unit_in(&outer, "Inner", &accounts[2..]);
    world.suspend_account(accounts[3]);
    let operator = Client::new(Simulation::new(world), fleet.operator);
    let under = |parent: &str| Tree::map([("ParentId", parent.into())]);
    let units = call(&operator, "ListOrganizationalUnitsForParent", under(&outer)).unwrap();
    assert_eq!(units.items("OrganizationalUnits")[0].text("Id"), Some(inner.as_str()));
    let listed = call(&operator, "ListAccountsForParent", under(&inner)).unwrap();
    let states = listed.items("Accounts").iter().map(|account| account.text("State").unwrap());
    let mut states: Vec<&str> = states.collect();
    states.sort_unstable();
    assert_eq!(states, ["ACTIVE", "SUSPENDED"]);
    let enter = |account| {
        let arn = format!("arn:aws:iam::{account}:role/{OPERATOR_ROLE}");
        operator.assume_role(&arn, Some(EXTERNAL_ID)).map_err(|error| error.kind)
    };
    assert!(enter(accounts[2]).is_ok());
    assert_eq!(enter(accounts[3]).unwrap_err(), PortErrorKind::Denied);
}

#[test]
fn listing_what_is_below_a_unit_is_judged_by_the_arn_of_that_unit() {
    let fleet = FleetPlan { seed: 5, accounts: 2, users: 0, now: at("2026-03-01T00:00:00Z") }.build();
    let (mut world, accounts) = (fleet.world, fleet.accounts);
    let (open, closed) = (world.plant_unit("Open", &accounts[1..]), world.plant_unit("Closed", &[]));
    let organization = world.organization_id().to_owned();
    let document = format!(
        r#"{{"Version":"2012-10-17","Statement":[{{"Effect":"Allow","Action":"organizations:ListAccountsForParent","Resource":"arn:aws:organizations::*:ou/{organization}/{open}"}}]}}"#
    );
    let trust = format!(
        r#"{{"Version":"2012-10-17","Statement":[{{"Effect":"Allow","Principal":{{"AWS":"arn:aws:iam::{}:root"}},"Action":"sts:AssumeRole","Condition":{{"StringEquals":{{"aws:PrincipalOrgID":"{organization}"}},"StringLike":{{"sts:RoleSessionName":"rotakey*"}}}}}}]}}"#,
        accounts[0]
    );
    let arn = world.plant_role(accounts[0], "lister", &trust, Vec::new(), at("2026-01-01T00:00:00Z"));
    world.plant_role_policy(accounts[0], "lister", "list", &document);
    let operator = Client::new(Simulation::new(world), fleet.operator);
    let lister = operator.assume_role(&arn, None).unwrap();
    let under = |parent: &str| Tree::map([("ParentId", parent.into())]);
    assert_eq!(call(&lister, "ListAccountsForParent", under(&open)).unwrap().items("Accounts").len(), 1);
    for (action, parameters) in [
        ("ListAccountsForParent", under(&closed)),
        ("ListAccounts", Tree::empty()),
        ("ListRoots", Tree::empty()),
    ] {
        assert_eq!(call(&lister, action, parameters).unwrap_err().kind, PortErrorKind::Denied, "{action}");
    }
}
