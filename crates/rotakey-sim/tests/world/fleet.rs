//! A fleet as its operator sees it.

use std::collections::BTreeMap;

use rotakey_engine::inventory::{Inventory, NoProgress};
use rotakey_sim::fleet::{EXTERNAL_ID, FleetPlan, OPERATOR_ROLE};
use rotakey_sim::ports::Client;
use rotakey_sim::simulation::Simulation;

use crate::{at, done};

#[test]
fn the_operator_sees_every_key_of_every_account_as_it_is() {
    let fleet = FleetPlan { seed: 11, accounts: 3, users: 90, now: at("2026-03-01T00:00:00Z") }.build();
    let (accounts, keys) = (fleet.accounts, fleet.keys);
    let simulation = Simulation::new(fleet.world);
    let operator = Client::new(simulation.clone(), fleet.operator);
    for account in &accounts {
        let arn = format!("arn:aws:iam::{account}:role/{OPERATOR_ROLE}");
        let client = operator.assume_role(&arn, Some(EXTERNAL_ID)).unwrap();
        assert_eq!(done(client.caller()).unwrap().account_id, *account);
        let details = done(client.account_details(&NoProgress)).unwrap();
        let mut seen = BTreeMap::new();
        for user in &details.users {
            for key in done(Inventory::access_keys(&client, &user.name)).unwrap() {
                seen.insert(key.id, (user.id.clone(), key.status, key.created_at));
            }
        }
        let truth = simulation.with_world(|world| world.true_keys(*account));
        let of_users = truth.iter().filter_map(|key| Some((key, key.user.as_ref()?)));
        let expected =
            of_users.map(|(key, (_, id))| (key.id.clone(), (id.clone(), key.status, key.created_at)));
        assert_eq!(seen, expected.collect());
        let report = done(client.credential_report(&NoProgress)).unwrap();
        let rows = String::from_utf8(report.csv).unwrap().lines().count();
        assert_eq!(rows, details.users.len() + 2, "a header, the root user, and every user");
    }
    let issued = keys.values().map(Vec::len).sum::<usize>();
    assert!((110..160).contains(&issued), "{issued} keys of 90 users");
    assert!(
        keys.iter().all(|((account, _), pairs)| pairs.iter().all(|it| it.id.account_id() == Some(*account)))
    );
}
