//! Killed while files are written: the file that applications read, and the log of rotations.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use jiff::SignedDuration;

use super::place::Kind;
use super::scene::{End, Scene, Watched};
use super::{for_each, from_create};
use crate::proxy::{Call, Count, Moment, Trap};

const APPLY: [&str; 4] = ["rotate", "apply", "--wait", "-v"];
const TICK: [&str; 4] = ["rotate", "tick", "--wait", "-v"];

/// The gaps between two requests in which the watched folder changed: the number of the request before each, and
/// how long the gap was.
fn writes(calls: &[Call]) -> Vec<(usize, Duration)> {
    let pairs = calls.windows(2).enumerate().filter(|(_, pair)| pair[0].folder != pair[1].folder);
    pairs.filter_map(|(number, pair)| Some((number, pair[1].arrived - pair[0].answered?))).collect()
}

/// That many instants in each gap, from its begin to its end.
fn instants(gaps: &[(usize, Duration)], in_each: u32) -> Vec<Trap> {
    let in_gap = |(number, gap): &(usize, Duration)| {
        let (at, gap) = (Count::FromCreate(*number), *gap);
        (0..in_each).map(move |part| Trap { at, moment: Moment::Heard(gap * part / in_each) })
    };
    gaps.iter().flat_map(in_gap).collect()
}

/// Kills at instants spread over every change of the folder, and starts again.
fn check(kind: Kind, watched: Watched, most_gaps: usize, in_each: u32) {
    let whole = Scene::set(kind, watched);
    let watcher = whole.watch();
    whole.run_to_end(&APPLY);
    watcher.assert_always_found();
    whole.assert_rotated();
    let gaps = writes(from_create(&whole.calls()));
    assert!(gaps.len() >= 3, "at least staging, publishing and cleaning up write: {gaps:?}");
    let every = gaps.len().div_ceil(most_gaps);
    let gaps: Vec<_> = gaps.into_iter().step_by(every).collect();
    let instants = instants(&gaps, in_each);
    let killed = AtomicUsize::new(0);
    for_each(&instants, |trap| {
        let scene = Scene::set(kind, watched);
        let watcher = scene.watch();
        match scene.run(&APPLY, Some(*trap)) {
            End::Killed => drop(killed.fetch_add(1, Ordering::Relaxed)),
            // It was faster than the run that the instants were taken from, and done before the blow fell.
            End::Exit(0) => {}
            end => panic!("{end:?}"),
        }
        scene.assert_no_secret_told();
        scene.pass(SignedDuration::from_mins(20));
        scene.run_to_end(&TICK);
        watcher.assert_always_found();
        scene.assert_rotated();
    });
    let killed = killed.into_inner();
    assert!(killed * 2 > instants.len(), "only {killed} of {} were killed at all", instants.len());
}

#[test]
fn a_credentials_file_is_whole_at_every_instant() {
    check(Kind::CredentialsFile, Watched::Keys, 4, 6);
}

#[test]
fn an_age_file_is_whole_at_every_instant() {
    check(Kind::AgeFile, Watched::Keys, 4, 6);
}

#[test]
fn the_log_of_rotations_is_whole_at_every_instant() {
    check(Kind::SecretsManager, Watched::Log, 6, 3);
}
