//! Killed with SIGKILL at any instant and started again, the binary loses no secret, leaves no orphan, breaks no
//! application, and tells no secret.
//!
//! Nothing in the product knows of this: a proxy between it and the simulated AWS kills it. Every boundary gets an
//! account of its own, and the rotation is run to its end on the virtual clock.

mod files;
mod place;
mod scene;
mod secrets_manager;
mod usage;

use std::fmt::Debug;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

use jiff::SignedDuration;

use self::scene::{End, Scene};
use crate::proxy::{CLOCK, Call, Count, Trap};

/// How many scenes play at the same time.
const STAGES: usize = 2;

/// Plays each case in a scene of its own. A failure names its case.
fn for_each<T: Debug + Sync>(cases: &[T], play: impl Fn(&T) + Sync) {
    let next = AtomicUsize::new(0);
    thread::scope(|scope| {
        for _ in 0..STAGES {
            scope.spawn(|| {
                while let Some(case) = cases.get(next.fetch_add(1, Ordering::Relaxed)) {
                    let played = catch_unwind(AssertUnwindSafe(|| play(case)));
                    played.unwrap_or_else(|_| panic!("this happened at {case:?}"));
                }
            });
        }
    });
}

/// Whether a request may change something, or decide about it: all but those that only look. Who a new key belongs
/// to is asked for to decide whether applications get it.
fn is_effect(call: &Call) -> bool {
    let looks = ["Get", "List", "Describe", "Generate", "Lookup", CLOCK];
    call.action == "GetCallerIdentity" || !looks.iter().any(|start| call.action.starts_with(start))
}

/// The requests from the first create on, which come in the same order every time.
fn from_create(calls: &[Call]) -> &[Call] {
    let create = calls.iter().position(|call| call.action == "CreateAccessKey").expect("a key is created");
    &calls[create..]
}

/// How long the machine stays down before somebody starts the binary again: from at once to longer than any wait.
fn downtime(number: usize) -> SignedDuration {
    const MINUTES: [i64; 4] = [0, 3, 30, 60 * 24 * 3];
    SignedDuration::from_mins(MINUTES[number % MINUTES.len()])
}

/// Dies there, and is found dead at the request that was meant.
#[track_caller]
fn die(scene: &Scene, arguments: &[&str], action: &str, trap: Trap) {
    assert_eq!(scene.run(arguments, Some(trap)), End::Killed);
    let calls = scene.calls();
    let actions = |skip: usize| calls.iter().skip(skip).map(|call| call.action.as_str());
    let met = match trap.at {
        Count::FromStart(number) => actions(number).next(),
        Count::FromCreate(number) => from_create(&calls).get(number).map(|call| call.action.as_str()),
    };
    assert_eq!(met, Some(action), "the requests come in the order in which they came before");
}
