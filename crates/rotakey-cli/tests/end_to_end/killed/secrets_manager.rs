//! Killed while keys go to Secrets Manager: between any two requests to AWS.

use jiff::SignedDuration;

use super::place::Kind;
use super::scene::{End, Scene, Watched};
use super::{die, downtime, for_each, from_create, is_effect};
use crate::proxy::{Count, Moment, Trap};

const APPLY: [&str; 4] = ["rotate", "apply", "--wait", "-v"];
const TICK: [&str; 4] = ["rotate", "tick", "--wait", "-v"];

fn scene() -> Scene {
    Scene::set(Kind::SecretsManager, Watched::Log)
}

/// Where to kill a run that would send these requests: before and after each effect, and, of the looks between them,
/// before one of seven and after another one.
fn boundaries(actions: &[(String, bool)], count: impl Fn(usize) -> Count) -> Vec<(String, Trap)> {
    let mut boundaries = Vec::new();
    let last = actions.iter().rposition(|(_, is_effect)| *is_effect).expect("a run has effects");
    for (number, (action, is_effect)) in actions.iter().enumerate().take(last + 1) {
        let moments: &[Moment] = match (is_effect, number % 7) {
            (true, _) => &[Moment::Before, Moment::After],
            (false, 0) => &[Moment::Before],
            (false, 3) => &[Moment::After],
            (false, _) => &[],
        };
        for moment in moments {
            boundaries.push((action.clone(), Trap { at: count(number), moment: *moment }));
        }
    }
    boundaries
}

#[test]
fn at_every_effect_and_a_sample_of_the_looks_between_the_rotation_comes_to_its_end() {
    let whole = scene();
    whole.run_to_end(&APPLY);
    whole.assert_rotated();
    let calls = whole.calls();
    let actions: Vec<_> =
        from_create(&calls).iter().map(|call| (call.action.clone(), is_effect(call))).collect();
    for effect in [
        "CreateAccessKey",
        "PutSecretValue",
        "GetCallerIdentity",
        "UpdateSecretVersionStage",
        "UpdateAccessKey",
        "DeleteAccessKey",
    ] {
        assert!(actions.contains(&(effect.to_owned(), true)), "{effect} is not among {actions:?}");
    }
    let boundaries = boundaries(&actions, Count::FromCreate);
    let numbered: Vec<_> = boundaries.into_iter().enumerate().collect();
    for_each(&numbered, |(number, (action, trap))| {
        let scene = scene();
        die(&scene, &APPLY, action, *trap);
        scene.assert_no_secret_told();
        scene.pass(downtime(*number));
        scene.run_to_end(&TICK);
        scene.assert_rotated();
    });
}

#[test]
fn before_anything_was_begun_nothing_has_happened() {
    let whole = scene();
    whole.run_to_end(&APPLY);
    let calls = whole.calls();
    let create = calls.len() - from_create(&calls).len();
    let numbers: Vec<_> = (0..create).step_by(3).collect();
    assert!(numbers.len() > 4, "{numbers:?}");
    for_each(&numbers, |number| {
        let scene = scene();
        let trap = Trap { at: Count::FromStart(*number), moment: Moment::After };
        assert_eq!(scene.run(&APPLY, Some(trap)), End::Killed);
        scene.pass(downtime(*number));
        scene.run_to_end(&APPLY);
        scene.assert_rotated();
    });
}

#[test]
fn again_and_again_the_rotation_still_comes_to_its_end() {
    for_each(&[1, 2, 3, 4], |seed| {
        let mut random = fastrand::Rng::with_seed(*seed);
        let scene = scene();
        scene.run(&APPLY, Some(Trap { at: Count::FromCreate(random.usize(..30)), moment: Moment::After }));
        for number in 0..8 {
            let moment = if random.bool() { Moment::Before } else { Moment::After };
            scene.run(&TICK, Some(Trap { at: Count::FromStart(random.usize(3..40)), moment }));
            scene.pass(downtime(number));
        }
        scene.run_to_end(&TICK);
        scene.assert_rotated();
    });
}

/// Driven by cron: every run does what is due and ends, and somebody else moves the clock.
#[test]
fn while_cron_drives_it_a_tick_that_dies_is_made_up_for_by_the_next() {
    for_each(&[5, 14], |number| {
        let scene = scene();
        scene.run_to_end(&["rotate", "apply"]);
        let mut died = 0;
        for _ in 0..40 {
            scene.pass(SignedDuration::from_hours(2));
            let trap = Trap { at: Count::FromStart(*number), moment: Moment::After };
            died += usize::from(scene.run(&["rotate", "tick"], Some(trap)) == End::Killed);
            scene.pass(SignedDuration::from_mins(10));
            scene.run_to_end(&["rotate", "tick"]);
            if scene.rotation().is_some_and(|rotation| rotation["state"] == "rotated") {
                break;
            }
        }
        assert!(died > 0, "no tick was killed");
        scene.assert_rotated();
    });
}

#[test]
fn at_every_effect_of_the_way_back_the_old_key_is_in_use_again() {
    // What was published is taken back: the longest way.
    let published = || {
        let scene = scene();
        scene.run_to_end(&["rotate", "apply"]);
        let rotation = scene.rotation().expect("a rotation was begun");
        assert_eq!(rotation["state"], "adopting");
        (scene, rotation["rotation"].as_str().unwrap().to_owned())
    };
    let demand = |scene: &Scene, rotation: &str, trap| {
        scene.run(&["rotate", "rollback", rotation, "--why", "for a test", "-v"], trap)
    };
    let (whole, rotation) = published();
    assert_eq!(demand(&whole, &rotation, None), End::Exit(0));
    let at_once: Vec<_> = whole.calls().iter().map(|call| (call.action.clone(), is_effect(call))).collect();
    whole.run_to_end(&TICK);
    let later: Vec<_> = whole.calls().iter().map(|call| (call.action.clone(), is_effect(call))).collect();
    whole.assert_rolled_back();

    let of_runs = |actions: &[_], is_later: bool| {
        let effects = boundaries(actions, Count::FromStart).into_iter();
        effects.map(move |(action, trap)| (is_later, action, trap)).collect::<Vec<_>>()
    };
    let all = [of_runs(&at_once, false), of_runs(&later, true)].concat();
    let all: Vec<_> = all.into_iter().enumerate().collect();
    for_each(&all, |(number, (is_later, action, trap))| {
        let (scene, rotation) = published();
        if *is_later {
            assert_eq!(demand(&scene, &rotation, None), End::Exit(0));
            die(&scene, &TICK, action, *trap);
        } else {
            die(&scene, &["rotate", "rollback", &rotation, "--why", "for a test", "-v"], action, *trap);
        }
        scene.assert_no_secret_told();
        // Whoever dies before the demand is written down was not heard; asking twice is a usage error.
        let asked_again = demand(&scene, &rotation, None);
        assert!([End::Exit(0), End::Exit(2)].contains(&asked_again), "{asked_again:?}");
        scene.pass(downtime(*number));
        scene.run_to_end(&TICK);
        scene.assert_rolled_back();
    });
}
