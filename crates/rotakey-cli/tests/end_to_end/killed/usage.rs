//! Killed while it looks who uses the keys: between the pages of CloudTrail's event history.

use std::collections::BTreeSet;

use super::place::Kind;
use super::scene::{Scene, Watched};
use super::{die, downtime, for_each, from_create};
use crate::proxy::{Call, Count, Moment, Trap};

const APPLY: [&str; 5] = ["rotate", "apply", "--wait", "-v", "--lookup-events"];
const TICK: [&str; 5] = ["rotate", "tick", "--wait", "-v", "--lookup-events"];
const LOOK: &str = "LookupEvents";

fn scene() -> Scene {
    Scene::set(Kind::SecretsManager, Watched::Log)
}

/// The pages that were asked for, by the numbers of the requests from the create on.
fn pages(calls: &[Call]) -> Vec<usize> {
    let numbered = from_create(calls).iter().enumerate();
    numbered.filter(|(_, call)| call.action == LOOK).map(|(number, _)| number).collect()
}

#[test]
fn in_the_middle_of_a_look_at_who_uses_the_keys_the_next_run_looks_again_and_goes_on() {
    let whole = scene();
    whole.run_to_end(&APPLY);
    whole.assert_rotated();
    let pages = pages(&whole.calls());
    assert!(pages.len() >= 4, "two regions are looked at, at least twice: {pages:?}");
    // The first look is before the new key is published, the last before the old one is disabled.
    let places = BTreeSet::from([0, 1, pages.len() / 2, pages.len() - 2, pages.len() - 1]);
    let moments = [Moment::Before, Moment::After];
    let traps = places
        .into_iter()
        .flat_map(|place| moments.map(|moment| Trap { at: Count::FromCreate(pages[place]), moment }));
    let traps: Vec<_> = traps.enumerate().collect();
    for_each(&traps, |(number, trap)| {
        let scene = scene();
        die(&scene, &APPLY, LOOK, *trap);
        scene.assert_no_secret_told();
        scene.pass(downtime(*number));
        scene.run_to_end(&TICK);
        assert!(
            scene.calls().iter().any(|call| call.action == LOOK),
            "the look that was cut off is made again"
        );
        scene.assert_rotated();
    });
}
