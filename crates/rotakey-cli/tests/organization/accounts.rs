//! Accounts that cannot be entered keep no other, and are told of with what to do.

use rotakey_sim::api::{Service, Tree};
use rotakey_sim::faults::{Effect, InjectedFault};
use rotakey_sim::ports::Client;
use serde_json::Value;

use crate::scene::{EXTERNAL_ID, Flaw, Rights, Scene};

const ALL: Rights<'_> = Rights { without: None };

/// Accounts 0 and 1 are as they should be, 2 has no role, 3 another external id, 4 is suspended, 5 throttles.
fn broken() -> Scene {
    let flaws =
        [Flaw::Nothing, Flaw::Nothing, Flaw::NoRole, Flaw::OtherExternalId, Flaw::Suspended, Flaw::Nothing];
    let scene = Scene::new(ALL, &flaws, 6);
    let throttle =
        InjectedFault::new(Effect::Throttle).on_service(Service::Iam).in_account(scene.accounts[5]);
    scene.simulation.with_world(|world| world.inject(throttle.faster_than(2.0)));
    scene
}

/// Accounts 2 and 3 are named with what to do, 4 as left out, and the external id nowhere.
#[track_caller]
fn names_the_broken(scene: &Scene, told: &str) {
    for broken in [2, 3] {
        let line = told.lines().find(|line| line.contains(&format!("account {}", scene.accounts[broken])));
        let line = line.unwrap_or_else(|| panic!("account {broken} is not named:\n{told}"));
        assert!(line.contains("sts:AssumeRole") && line.contains("StackSet"), "{line}");
    }
    let suspended = format!("Account {} is left out", scene.accounts[4]);
    assert!(told.contains(&suspended), "{told}");
    assert!(!told.contains(EXTERNAL_ID), "{told}");
}

#[test]
fn a_broken_account_keeps_no_other_from_being_audited() {
    let scene = broken();
    let ran = scene.run(&["audit", "--format", "json"]).exits(4);
    names_the_broken(&scene, &format!("{}{}", ran.stderr, ran.stdout));
    let audit = ran.json();
    let mut judged: Vec<String> = audit["keys"]
        .as_array()
        .unwrap()
        .iter()
        .map(|key| key["account_id"].as_str().unwrap().to_owned())
        .collect();
    judged.dedup();
    judged.sort();
    let mut expected = [scene.accounts[1].to_string(), scene.accounts[5].to_string()];
    expected.sort();
    assert_eq!(judged, expected);
}

#[test]
fn a_broken_account_keeps_no_other_from_being_rotated() {
    let scene = broken();
    let plan = scene.run(&["rotate", "plan", "--format", "json"]).exits(4).json();
    assert_eq!((plan["complete"].as_bool(), plan["rotations"].as_array().unwrap().len()), (Some(false), 12));
    let ran = scene.run(&["rotate", "apply"]).exits(4);
    names_the_broken(&scene, &ran.stderr);
    let rotations = scene.rotations();
    assert_eq!(rotations.len(), 12);
    assert!(rotations.iter().all(|rotation| rotation["state"] == "adopting"), "{rotations:#?}");

    // From here on account 1 trusts nobody.
    let shut = scene.accounts[1].to_string();
    let nobody = r#"{"Version":"2012-10-17","Statement":[{"Effect":"Deny","Principal":"*","Action":"sts:AssumeRole"}]}"#;
    let parameters = Tree::map([("RoleName", "rotakey-member".into()), ("PolicyDocument", nobody.into())]);
    scene.inspector(scene.accounts[1]).call(Service::Iam, "UpdateAssumeRolePolicy", parameters).unwrap();
    scene.pass(30);
    let ran = scene.run(&["rotate", "tick"]).exits(4);
    assert!(ran.stderr.contains(&format!("account {shut} was not read: sts:AssumeRole")), "{}", ran.stderr);
    let of = |rotation: &Value| rotation["account_id"] == shut.as_str();
    for rotation in scene.rotations() {
        let expected = if of(&rotation) { "adopting" } else { "disabled" };
        assert_eq!(rotation["state"], expected, "{rotation:#}");
    }
    scene.pass(8 * 24);
    scene.run(&["rotate", "tick"]).exits(4);
    let ended = scene.rotations().iter().filter(|rotation| rotation["state"] == "rotated").count();
    assert_eq!(ended, 6);
}

#[test]
fn every_change_names_its_rotation_in_the_records_of_the_account() {
    let scene = Scene::new(ALL, &[Flaw::Nothing, Flaw::Nothing], 1);
    scene.run(&["rotate", "apply"]).exits(0);
    for hours in [30, 8 * 24] {
        scene.pass(hours);
        scene.run(&["rotate", "tick"]).exits(0);
    }
    let rotation = scene.rotations()[0]["rotation"].as_str().unwrap().to_owned();
    for change in ["CreateAccessKey", "UpdateAccessKey", "DeleteAccessKey"] {
        let events = scene.events(scene.accounts[1], change);
        assert_eq!(events.len(), 1, "{change}: {events:#?}");
        let session = format!("assumed-role/rotakey-member/rotakey-{rotation}");
        assert!(events[0]["userIdentity"]["arn"].as_str().unwrap().ends_with(&session), "{:#}", events[0]);
    }
    let looks = scene.events(scene.accounts[1], "ListAccessKeys");
    let general =
        |event: &Value| event["userIdentity"]["arn"].as_str().unwrap().ends_with("rotakey-member/rotakey");
    assert!(!looks.is_empty() && looks.iter().all(general), "{looks:#?}");
}

/// The least that the steps need, as `cargo xtask bench organization` tells it step by step.
#[test]
fn a_rotation_makes_no_call_that_its_steps_do_not_need() {
    let scene = Scene::new(ALL, &[Flaw::Nothing, Flaw::Nothing], 1);
    let before = scene.calls();
    scene.run(&["rotate", "plan"]).exits(0);
    let plan = scene.calls();
    scene.run(&["rotate", "apply"]).exits(0);
    for hours in [30, 8 * 24] {
        scene.pass(hours);
        scene.run(&["rotate", "tick"]).exits(0);
    }
    assert_eq!(scene.rotations()[0]["state"], "rotated");
    let after = scene.calls();
    let count =
        |calls: &std::collections::BTreeMap<String, u64>, name: &str| calls.get(name).copied().unwrap_or(0);
    for (name, needed) in [
        ("iam:CreateAccessKey", 1),
        ("iam:UpdateAccessKey", 1),
        ("iam:DeleteAccessKey", 1),
        ("iam:GetUser", 4),
        ("iam:ListAccessKeys", 8),
        ("iam:GetAccessKeyLastUsed", 8),
        // Three for the rotation, and one in each run to look.
        ("sts:AssumeRole", 6),
    ] {
        // Applying reads the account as planning does, and begins the one session that planning begins, too.
        let reading = count(&plan, name) - count(&before, name);
        let reading = if name == "sts:AssumeRole" { 0 } else { reading };
        let made = count(&after, name) - count(&plan, name) - reading;
        assert!(made <= needed, "{name}: {made} calls, needed are {needed}");
    }
}

#[test]
fn accounts_are_chosen_by_arguments_too() {
    let scene = Scene::new(ALL, &[Flaw::Nothing, Flaw::Nothing, Flaw::Nothing], 1);
    let accounts = |arguments: &[&str]| -> Vec<String> {
        let arguments = [&["rotate", "plan", "--format", "json"], arguments].concat();
        let plan = scene.run(&arguments).exits(0).json();
        let mut accounts: Vec<String> =
            plan["accounts"].as_array().unwrap().iter().map(|id| id.as_str().unwrap().to_owned()).collect();
        accounts.sort();
        accounts
    };
    let sorted = |numbers: &[usize]| {
        let mut ids: Vec<String> = numbers.iter().map(|number| scene.accounts[*number].to_string()).collect();
        ids.sort();
        ids
    };
    assert_eq!(accounts(&[]), sorted(&[1, 2]));
    assert_eq!(accounts(&["--all-accounts"]), sorted(&[0, 1, 2]));
    assert_eq!(accounts(&["--organizational-unit", "Workloads/Production"]), sorted(&[2]));
    assert_eq!(accounts(&["--account", &scene.accounts[1].to_string()]), sorted(&[1]));
    scene.run(&["rotate", "plan", "--organizational-unit", "workloads"]).exits(2);
    scene.run(&["rotate", "plan", "--account", "999999999999"]).exits(2);
    scene.run(&["rotate", "plan", "--all-accounts", "--account", "999999999999"]).exits(2);
}

impl Scene {
    /// The records of that account's trail about an operation, as somebody with all rights there reads them.
    fn events(&self, account: rotakey_core::id::AccountId, name: &str) -> Vec<Value> {
        self.pass(1);
        let inspector: Client = self.inspector(account);
        let attribute = Tree::map([("AttributeKey", "EventName".into()), ("AttributeValue", name.into())]);
        let wanted = Tree::map([("LookupAttributes", Tree::List(vec![attribute]))]);
        let found = inspector.call(Service::CloudTrail, "LookupEvents", wanted).unwrap();
        let events = found.items("Events").iter();
        events.map(|event| serde_json::from_str(event.text("CloudTrailEvent").unwrap()).unwrap()).collect()
    }
}
