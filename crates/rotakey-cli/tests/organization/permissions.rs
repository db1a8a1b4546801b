//! The templates allow what rotakey does, and nothing else.

use std::path::Path;
use std::process::Command;

use serde_json::Value;

use crate::scene::{Flaw, Rights, Scene};
use crate::template::{Template, actions};

const ACCOUNTS: [Flaw; 3] = [Flaw::Nothing; 3];

/// Everything that is done by these roles: two ways to list accounts, an audit, a plan, rotations from the first step to
/// the last and one on its way back. Says what went wrong first.
fn whole_flow(scene: &Scene) -> Result<(), String> {
    let told = |what: &str, wanted: &[i32], ran: crate::scene::Ran| {
        if wanted.contains(&ran.code) { Ok(ran) } else { Err(format!("{what}: {ran:#?}")) }
    };
    told("audit", &[0, 1], scene.run(&["audit", "--all-accounts"]))?;
    let plan = told("plan", &[0, 1], scene.run(&["rotate", "plan", "--format", "json"]))?.json();
    if plan["rotations"].as_array().map(Vec::len) != Some(4) {
        return Err(format!("not all is planned: {plan:#}"));
    }
    told("apply", &[0], scene.run(&["rotate", "apply"]))?;
    let rotations = scene.rotations();
    let last = rotations.iter().rfind(|rotation| rotation["user_name"] == "app-1");
    let last = last.ok_or("nothing was begun")?["rotation"].as_str().unwrap_or_default();
    if let Some(stuck) = rotations.iter().find(|rotation| rotation["state"] != "adopting") {
        return Err(format!("not adopted: {stuck:#}"));
    }
    told("rollback", &[0], scene.run(&["rotate", "rollback", last, "--why", "a test"]))?;
    for hours in [30, 30, 30, 8 * 24, 48, 48] {
        scene.pass(hours);
        told("tick", &[0], scene.run(&["rotate", "tick"]))?;
    }
    let mut ends: Vec<Value> =
        scene.rotations().into_iter().map(|mut rotation| rotation["state"].take()).collect();
    ends.sort_by_key(ToString::to_string);
    let expected = ["rolled-back", "rotated", "rotated", "rotated"];
    if ends == expected { Ok(()) } else { Err(format!("ended as {ends:?}")) }
}

#[test]
fn everything_is_done_by_exactly_the_roles_of_the_templates() {
    let scene = Scene::new(Rights { without: None }, &ACCOUNTS, 2);
    whole_flow(&scene).unwrap();
}

#[test]
fn each_action_of_the_templates_is_needed() {
    let organization = [("OrganizationId", "o-ab12cd34ef")];
    let hub = Template::read("rotakey-hub.yaml", "111122223333", &organization);
    let given = [organization[0], ("HubRoleArn", "x"), ("ExternalId", "x")];
    let member = Template::read("rotakey-member-role.yaml", "111122223333", &given);
    let mut needless = Vec::new();
    for action in actions(&hub.policy()).into_iter().chain(actions(&member.policy())) {
        let scene = Scene::new(Rights { without: Some(&action) }, &ACCOUNTS, 2);
        if whole_flow(&scene).is_ok() {
            needless.push(action);
        }
    }
    assert!(needless.is_empty(), "nothing fails without {needless:?}");
}

#[test]
fn no_action_and_only_what_has_no_name_is_a_wildcard() {
    let organization = [("OrganizationId", "o-ab12cd34ef")];
    let given = [organization[0], ("HubRoleArn", "x"), ("ExternalId", "x")];
    let hub = Template::read("rotakey-hub.yaml", "111122223333", &organization);
    let member = Template::read("rotakey-member-role.yaml", "111122223333", &given);
    let mut everywhere = Vec::new();
    for policy in [hub.policy(), member.policy()] {
        assert!(actions(&policy).iter().all(|action| !action.contains('*')), "{policy:#}");
        let statements = policy["Statement"].as_array().unwrap().iter();
        everywhere
            .extend(statements.filter(|statement| statement["Resource"] == "*").map(|it| it["Sid"].clone()));
    }
    assert_eq!(everywhere, ["ListAccounts", "ReadTheAccount"]);
}

#[test]
fn the_templates_are_sound_for_cfn_lint() {
    let python = std::env::var_os("ROTAKEY_TEST_PYTHON").expect(
        "ROTAKEY_TEST_PYTHON is not set: this test needs Python packages. Run the tests by `cargo xtask test`.",
    );
    let cfn_lint = Path::new(&python).with_file_name("cfn-lint");
    let folder = Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../../integrations/cloudformation"));
    for template in ["rotakey-hub.yaml", "rotakey-member-role.yaml"] {
        let output = Command::new(&cfn_lint).arg(folder.join(template)).output().unwrap();
        let told = String::from_utf8_lossy(&output.stdout);
        assert!(output.status.success() && told.trim().is_empty(), "{told}");
    }
}
