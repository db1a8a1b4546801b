//! What a place must be after the other side, or the process that writes, died half-way.

use std::time::Duration;

use futures::future::BoxFuture;
use rotakey_core::rotate::Held;

use super::{
    Break, Harness, Place, Step, expect_application, expect_kept, expect_kind, fails, pair, succeeds,
};
use crate::port::{Destination, Kept, PortError, PortErrorKind, Slots};

/// More calls than any step needs.
const MOST_CALLS: usize = 100;

/// Each step is cut off at each of its calls, before and after the call is carried out. Then
///
/// - applications find the old or the new pair, whole;
/// - what is read never claims one pair while applications find another one. Where that cannot be known, it is one of
///   the two keys under a fingerprint that fits neither: then nobody takes the key for served, and nobody for gone;
/// - doing the step again leaves what it leaves when nothing dies;
/// - publishing the old pair goes back.
pub async fn a_call_that_dies_leaves_the_old_or_the_new_pair(harness: &dyn Harness) {
    let steps = [
        Step::Stage(4),
        Step::Publish(3),
        Step::Publish(4),
        Step::Restore(1),
        Step::Forget(1),
        Step::Forget(3),
    ];
    for step in steps.map(|step| step.on(harness)) {
        let whole = begin(harness).await;
        succeeds(&format!("{step:?}"), step.run(&*whole.open()).await);
        let expected = succeeds("read", whole.open().read().await);
        for how in [Break::Unheard, Break::Unanswered] {
            for call in 0.. {
                assert!(call < MOST_CALLS, "{step:?} never ends");
                let what = format!("{step:?}, which died at its call {call} ({how:?})");
                let place = begin(harness).await;
                match cut_off(&*place, step, call, how).await {
                    Cut::NeverDies => return,
                    Cut::Done => {
                        assert!(call > 0, "{step:?} calls somebody, but nobody who could die");
                        break;
                    }
                    Cut::Off => {}
                }
                expect_no_false_claim(&*place, step, &what).await;
                succeeds(&format!("again {what}"), step.run(&*place.open()).await);
                let slots = succeeds("read", place.open().read().await);
                assert!(
                    slots == expected,
                    "{what}, and was done again, left {slots:?} in place of {expected:?}"
                );

                let place = begin(harness).await;
                cut_off(&*place, step, call, how).await;
                go_back(&*place.open()).await;
                expect_current(&*place, 2, &format!("going back from {what}")).await;
            }
        }
    }
}

/// A place that takes every call and never answers is given up in the time that its adapter promises, and then whatever
/// was asked for may have happened. `elapsed` is a clock that jumps when everybody waits.
pub async fn a_silent_place_is_given_up(
    destination: &dyn Destination,
    promised: Duration,
    elapsed: impl Fn() -> Duration,
) {
    let pair = pair(1);
    let operations: [(&str, BoxFuture<'_, Result<(), PortError>>); 6] = [
        ("preflight", destination.preflight()),
        ("read", Box::pin(async { destination.read().await.map(drop) })),
        ("stage", destination.stage(&pair)),
        ("publish", destination.publish(&pair)),
        ("restore", destination.restore(&pair.id)),
        ("forget", destination.forget(&pair.id)),
    ];
    for (operation, result) in operations {
        let what = format!("{operation} on a place that never answers");
        let begun = elapsed();
        expect_kind(&what, &fails(&what, result.await), &[PortErrorKind::Ambiguous]);
        let took = elapsed() - begun;
        // Clocks of timers are that coarse.
        assert!(
            took <= promised + Duration::from_millis(10),
            "{what} took {took:?} in place of {promised:?}"
        );
    }
}

enum Cut {
    /// Nobody is called.
    NeverDies,
    /// The step was done before so many calls.
    Done,
    Off,
}

/// A place that holds a pair in every slot.
async fn begin(harness: &dyn Harness) -> Box<dyn Place> {
    let place = harness.empty().await;
    let destination = place.open();
    succeeds("publish", destination.publish(&pair(1)).await);
    succeeds("publish", destination.publish(&pair(2)).await);
    succeeds("stage", destination.stage(&pair(3)).await);
    place
}

async fn cut_off(place: &dyn Place, step: Step, call: usize, how: Break) -> Cut {
    if !place.break_at(call, how) {
        return Cut::NeverDies;
    }
    let result = step.run(&*place.open()).await;
    if !place.mend() {
        succeeds(&format!("{step:?}"), result);
        return Cut::Done;
    }
    let what = format!("{step:?}, which died");
    expect_kind(&what, &fails(&what, result), &[PortErrorKind::Ambiguous]);
    Cut::Off
}

async fn expect_no_false_claim(place: &dyn Place, step: Step, what: &str) {
    let found = place.application().map(|mut application| {
        let found =
            application().unwrap_or_else(|why| panic!("after {what}, no application can read: {why}"));
        found.as_ref().map(Held::of)
    });
    let new = match step {
        Step::Publish(number) | Step::Restore(number) => number,
        Step::Stage(_) | Step::Forget(_) => 2,
    };
    let (old, new) = (Held::of(&pair(2)), Held::of(&pair(new)));
    if let Some(found) = &found {
        let whole = found.as_ref().is_some_and(|found| *found == old || *found == new);
        assert!(whole, "after {what}, applications find neither the old pair nor the new one");
    }
    let slots = succeeds(&format!("read after {what}"), place.open().read().await);
    let Some(claim) = slots.current.as_ref().map(Kept::held) else {
        panic!("after {what}, nothing is current any more");
    };
    if claim == old || claim == new {
        let false_claim = found.is_some_and(|found| found.as_ref() != Some(&claim));
        assert!(!false_claim, "after {what}, {} is said to be current and is not", claim.key);
    } else {
        let possible = claim.key == new.key || claim.key == old.key;
        assert!(possible, "after {what}, {} is said to be current", claim.key);
    }
}

/// Makes pair 2 current again, as the engine does.
async fn go_back(destination: &dyn Destination) {
    let Slots { current, .. } = succeeds("read", destination.read().await);
    if current.as_ref().map(Kept::held) != Some(Held::of(&pair(2))) {
        succeeds("publish the old pair again", destination.publish(&pair(2)).await);
    }
}

async fn expect_current(place: &dyn Place, number: u8, after: &str) {
    let slots = succeeds("read", place.open().read().await);
    expect_kept("current", slots.current.as_ref(), Some(number), after);
    expect_application(place, after, Some(number));
}
