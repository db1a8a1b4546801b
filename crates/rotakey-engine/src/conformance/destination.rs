//! What every [`Destination`] must do. An adapter's test implements [`Harness`] and calls [`check_all`].
//!
//! One function checks one promise; each takes places of its own from the harness, so they can also be
//! called one by one. What a place does when the other side fails half-way is in `failures`.

use std::fmt::Debug;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;

use async_trait::async_trait;
use rotakey_core::id::AccessKeyId;
use rotakey_core::rotate::Held;
use rotakey_core::secret::{AccessKeyPair, Secret};

use crate::port::{Destination, Kept, PortError, PortErrorKind, Slots};

mod failures;

pub use failures::{a_call_that_dies_leaves_the_old_or_the_new_pair, a_silent_place_is_given_up};

/// Makes the places that the suite runs on.
#[async_trait]
pub trait Harness: Send + Sync {
    /// A place that holds nothing; another one at every call.
    async fn empty(&self) -> Box<dyn Place>;

    /// Places that hold something other than access keys, or more than that: at least one.
    async fn foreign(&self) -> Vec<Foreign>;

    /// Places that cannot be written to (a wrong path, unusable keys): at least one for lack of permission.
    async fn broken(&self) -> Vec<Broken>;

    /// Whether the places give back the pairs that were written to them, and not only their
    /// [marks](Kept::Mark).
    fn gives_secrets_back(&self) -> bool {
        true
    }

    /// Whether the other side refuses who has no permission. Some servers for tests do not.
    fn enforces_permissions(&self) -> bool {
        true
    }
}

/// Somewhere that the adapter under test can write to.
#[async_trait]
pub trait Place: Send + Sync {
    /// The adapter on that place. Every call gives a handle of its own, as another process would have.
    fn open(&self) -> Box<dyn Destination>;

    /// All that the place holds, as bytes: equal before and after if and only if nothing was changed.
    async fn contents(&self) -> Vec<u8>;

    /// Reads the place as an application does, not through the adapter. `None` where applications have no
    /// way of their own; the adapter's [`Destination::read`] is watched then.
    fn application(&self) -> Option<Application> {
        None
    }

    /// Lets the other side die at the call of that number from now on, the first being 0, as it would for a process
    /// that is killed there: that call and all later ones fail, until [`mend`](Self::mend). `false` if nobody is
    /// called, and so nobody can die.
    fn break_at(&self, _call: usize, _how: Break) -> bool {
        false
    }

    /// Ends what [`break_at`](Self::break_at) began. Whether so many calls came.
    fn mend(&self) -> bool {
        false
    }
}

/// How a call to a place dies.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Break {
    /// It is not carried out.
    Unheard,
    /// It is carried out, and the answer is lost.
    Unanswered,
}

/// What an application finds when it looks now: a key pair, nothing, or something that it cannot use.
pub type Application = Box<dyn FnMut() -> Result<Option<AccessKeyPair>, String> + Send>;

/// A place with content that rotakey did not write.
pub struct Foreign {
    /// What is special about it, for messages.
    pub name: &'static str,
    /// The place.
    pub place: Box<dyn Place>,
    /// What its contents must still hold after a key was published there. Empty if the adapter must refuse
    /// the place.
    pub kept: Vec<Vec<u8>>,
    /// Secrets in the content, which no error may repeat.
    pub secrets: Vec<String>,
}

/// A place that no key can be published to.
pub struct Broken {
    /// What is wrong with it, for messages.
    pub name: &'static str,
    /// The place.
    pub place: Box<dyn Place>,
    /// The kind of error that the contract asks for.
    pub kind: PortErrorKind,
}

/// Checks every promise of the contract but that of [`a_silent_place_is_given_up`], which needs a clock that jumps.
pub async fn check_all(harness: &dyn Harness) {
    an_empty_place_reads_as_nothing(harness).await;
    what_is_read_is_a_pair_or_its_mark(harness).await;
    a_staged_pair_is_unseen_by_applications(harness).await;
    publishing_moves_pending_to_current_to_previous(harness).await;
    publishing_needs_no_stage(harness).await;
    a_different_pending_pair_is_replaced(harness).await;
    staging_the_current_pair_does_nothing(harness).await;
    restoring_undoes_publishing(harness).await;
    restoring_takes_a_pending_pair_too(harness).await;
    restoring_an_unknown_pair_is_not_found(harness).await;
    forgetting_removes_from_pending_and_previous(harness).await;
    forgetting_never_touches_the_current_pair(harness).await;
    forgetting_an_unknown_pair_does_nothing(harness).await;
    every_operation_twice_is_the_same_as_once(harness).await;
    another_handle_sees_the_same(harness).await;
    a_reader_finds_one_whole_pair_at_every_moment(harness).await;
    preflight_changes_nothing(harness).await;
    preflight_refuses_what_publishing_would_refuse(harness).await;
    foreign_content_is_kept_or_refused(harness).await;
    no_error_holds_a_secret(harness).await;
    a_call_that_dies_leaves_the_old_or_the_new_pair(harness).await;
}

/// [`Destination::read`] of an empty place succeeds and finds no pair.
pub async fn an_empty_place_reads_as_nothing(harness: &dyn Harness) {
    let place = harness.empty().await;
    expect_slots(&*place.open(), "an empty place", [None, None, None]).await;
}

/// A place gives back whole pairs, or marks of them, as its [kind](Harness::gives_secrets_back) says.
pub async fn what_is_read_is_a_pair_or_its_mark(harness: &dyn Harness) {
    let place = harness.empty().await;
    let destination = place.open();
    succeeds("publish", destination.publish(&pair(1)).await);
    succeeds("publish", destination.publish(&pair(2)).await);
    succeeds("stage", destination.stage(&pair(3)).await);
    let Slots { pending, current, previous } = succeeds("read", destination.read().await);
    for kept in [pending, current, previous].into_iter().flatten() {
        assert!(
            kept.pair().is_some() == harness.gives_secrets_back(),
            "the place gives secrets back, or does not, against what its kind says"
        );
    }
}

/// [`Destination::stage`] fills `pending` and nothing else.
pub async fn a_staged_pair_is_unseen_by_applications(harness: &dyn Harness) {
    let place = harness.empty().await;
    let destination = place.open();
    succeeds("stage into an empty place", destination.stage(&pair(1)).await);
    expect_slots(&*destination, "a first stage", [Some(1), None, None]).await;
    expect_application(&*place, "a first stage", None);

    succeeds("publish", destination.publish(&pair(1)).await);
    succeeds("stage beside a current pair", destination.stage(&pair(2)).await);
    expect_slots(&*destination, "a stage beside a current pair", [Some(2), Some(1), None]).await;
    expect_application(&*place, "a stage beside a current pair", Some(1));
}

/// [`Destination::publish`] of the staged pair moves every pair on by one slot.
pub async fn publishing_moves_pending_to_current_to_previous(harness: &dyn Harness) {
    let place = harness.empty().await;
    let destination = place.open();
    for number in 1..=3 {
        succeeds("stage", destination.stage(&pair(number)).await);
        succeeds("publish", destination.publish(&pair(number)).await);
        let previous = number.checked_sub(1).filter(|&previous| previous > 0);
        expect_slots(&*destination, "stage and publish", [None, Some(number), previous]).await;
        expect_application(&*place, "stage and publish", Some(number));
    }
}

/// [`Destination::publish`] works without an earlier stage, and empties `pending` whatever it held.
pub async fn publishing_needs_no_stage(harness: &dyn Harness) {
    let place = harness.empty().await;
    let destination = place.open();
    succeeds("publish to an empty place", destination.publish(&pair(1)).await);
    expect_slots(&*destination, "a first publish", [None, Some(1), None]).await;
    succeeds("stage another pair", destination.stage(&pair(2)).await);
    succeeds("publish past the staged pair", destination.publish(&pair(3)).await);
    expect_slots(&*destination, "a publish past another staged pair", [None, Some(3), Some(1)]).await;
}

/// [`Destination::stage`] replaces a different pair that was pending.
pub async fn a_different_pending_pair_is_replaced(harness: &dyn Harness) {
    let place = harness.empty().await;
    let destination = place.open();
    succeeds("stage", destination.stage(&pair(1)).await);
    succeeds("stage another pair", destination.stage(&pair(2)).await);
    expect_slots(&*destination, "a second stage", [Some(2), None, None]).await;
}

/// [`Destination::stage`] of the current pair leaves all slots as they are.
pub async fn staging_the_current_pair_does_nothing(harness: &dyn Harness) {
    let place = harness.empty().await;
    let destination = place.open();
    succeeds("publish", destination.publish(&pair(1)).await);
    succeeds("publish", destination.publish(&pair(2)).await);
    succeeds("stage the current pair", destination.stage(&pair(2)).await);
    expect_slots(&*destination, "staging the current pair", [None, Some(2), Some(1)]).await;
}

/// [`Destination::restore`] of the previous pair swaps it with the current one, there and back. A place that keeps
/// marks cannot, says so, and changes nothing; publishing the pair again does the same there.
pub async fn restoring_undoes_publishing(harness: &dyn Harness) {
    let place = harness.empty().await;
    let destination = place.open();
    succeeds("publish", destination.publish(&pair(1)).await);
    succeeds("publish", destination.publish(&pair(2)).await);
    succeeds("restore the current pair", destination.restore(&pair(2).id).await);
    expect_slots(&*destination, "restoring the current pair", [None, Some(2), Some(1)]).await;
    put_back(harness, &*destination, 1).await;
    expect_slots(&*destination, "restore", [None, Some(1), Some(2)]).await;
    expect_application(&*place, "restore", Some(1));
    put_back(harness, &*destination, 2).await;
    expect_slots(&*destination, "restoring back", [None, Some(2), Some(1)]).await;
    expect_application(&*place, "restoring back", Some(2));
}

/// [`Destination::restore`] of the pending pair makes it current.
pub async fn restoring_takes_a_pending_pair_too(harness: &dyn Harness) {
    let place = harness.empty().await;
    let destination = place.open();
    succeeds("publish", destination.publish(&pair(1)).await);
    succeeds("stage", destination.stage(&pair(2)).await);
    put_back(harness, &*destination, 2).await;
    let slots = succeeds("read", destination.read().await);
    expect_kept("current", slots.current.as_ref(), Some(2), "restoring the pending pair");
    expect_kept("previous", slots.previous.as_ref(), Some(1), "restoring the pending pair");
}

/// [`Destination::restore`] of a pair that no slot holds is [`PortErrorKind::NotFound`], and changes nothing.
pub async fn restoring_an_unknown_pair_is_not_found(harness: &dyn Harness) {
    let place = harness.empty().await;
    let destination = place.open();
    let nowhere = fails("restore in an empty place", destination.restore(&pair(1).id).await);
    expect_kind("restore in an empty place", &nowhere, &[PortErrorKind::NotFound]);
    succeeds("publish", destination.publish(&pair(1)).await);
    let unknown = fails("restore an unknown pair", destination.restore(&pair(2).id).await);
    expect_kind("restore an unknown pair", &unknown, &[PortErrorKind::NotFound]);
    expect_slots(&*destination, "a refused restore", [None, Some(1), None]).await;
}

/// [`Destination::forget`] empties the one slot that holds the pair, so that its secret is nowhere any more.
pub async fn forgetting_removes_from_pending_and_previous(harness: &dyn Harness) {
    let place = harness.empty().await;
    let destination = place.open();
    succeeds("publish", destination.publish(&pair(1)).await);
    succeeds("publish", destination.publish(&pair(2)).await);
    succeeds("stage", destination.stage(&pair(3)).await);
    succeeds("forget the previous pair", destination.forget(&pair(1).id).await);
    expect_slots(&*destination, "forgetting the previous pair", [Some(3), Some(2), None]).await;
    succeeds("forget the pending pair", destination.forget(&pair(3).id).await);
    expect_slots(&*destination, "forgetting the pending pair", [None, Some(2), None]).await;

    let contents = place.contents().await;
    for number in [1, 3] {
        let gone = !contains(&contents, pair(number).secret.expose().as_bytes());
        assert!(gone, "the secret of a forgotten pair ({}) is still in the place", pair(number).id);
    }
}

/// [`Destination::forget`] of the current pair is a [`PortErrorKind::Conflict`], and changes nothing.
pub async fn forgetting_never_touches_the_current_pair(harness: &dyn Harness) {
    let place = harness.empty().await;
    let destination = place.open();
    succeeds("publish", destination.publish(&pair(1)).await);
    let before = place.contents().await;
    let refused = fails("forget the current pair", destination.forget(&pair(1).id).await);
    expect_kind("forget the current pair", &refused, &[PortErrorKind::Conflict]);
    assert!(before == place.contents().await, "a refused forget changed the place");
}

/// [`Destination::forget`] of a pair that no slot holds succeeds and changes nothing.
pub async fn forgetting_an_unknown_pair_does_nothing(harness: &dyn Harness) {
    let place = harness.empty().await;
    let destination = place.open();
    succeeds("forget in an empty place", destination.forget(&pair(1).id).await);
    expect_slots(&*destination, "forget in an empty place", [None, None, None]).await;
    succeeds("publish", destination.publish(&pair(1)).await);
    succeeds("forget an unknown pair", destination.forget(&pair(2).id).await);
    expect_slots(&*destination, "forgetting an unknown pair", [None, Some(1), None]).await;
}

/// Every operation is idempotent, in every state that a rotation and its rollback go through.
pub async fn every_operation_twice_is_the_same_as_once(harness: &dyn Harness) {
    let script = [
        Step::Stage(1),
        Step::Publish(1),
        Step::Stage(2),
        Step::Publish(2),
        Step::Restore(1),
        Step::Forget(2),
        Step::Publish(3),
        Step::Forget(1),
        Step::Stage(4),
        Step::Forget(4),
    ];
    let place = harness.empty().await;
    let destination = place.open();
    for step in script {
        let step = step.on(harness);
        succeeds(&format!("{step:?}"), step.run(&*destination).await);
        let once = succeeds("read", destination.read().await);
        succeeds(&format!("{step:?} a second time"), step.run(&*destination).await);
        let twice = succeeds("read", destination.read().await);
        assert!(once == twice, "{step:?} once left {once:?}, twice left {twice:?}");
    }
}

/// What one handle wrote, another one reads: nothing is kept in the handle alone.
pub async fn another_handle_sees_the_same(harness: &dyn Harness) {
    let place = harness.empty().await;
    succeeds("stage", place.open().stage(&pair(1)).await);
    expect_slots(&*place.open(), "stage through another handle", [Some(1), None, None]).await;
    succeeds("publish", place.open().publish(&pair(1)).await);
    succeeds("stage", place.open().stage(&pair(2)).await);
    succeeds("publish", place.open().publish(&pair(2)).await);
    expect_slots(&*place.open(), "publish through other handles", [None, Some(2), Some(1)]).await;
    put_back(harness, &*place.open(), 1).await;
    succeeds("forget", place.open().forget(&pair(2).id).await);
    expect_slots(&*place.open(), "restore and forget through other handles", [None, Some(1), None]).await;
}

/// While pairs are staged, published and restored, a reader finds one of the published pairs, whole, every
/// time that it looks: never a mixture, never a staged pair, never nothing.
pub async fn a_reader_finds_one_whole_pair_at_every_moment(harness: &dyn Harness) {
    const ROUNDS: u8 = 8;
    let place = harness.empty().await;
    let destination = place.open();
    succeeds("publish", destination.publish(&pair(0)).await);

    let write = async {
        for number in 1..=ROUNDS {
            succeeds("stage", destination.stage(&pair(number)).await);
            // Never published, so a reader must never meet it.
            succeeds("stage", destination.stage(&pair(100 + number)).await);
            succeeds("stage", destination.stage(&pair(number)).await);
            succeeds("publish", destination.publish(&pair(number)).await);
            put_back(harness, &*destination, number - 1).await;
            put_back(harness, &*destination, number).await;
            succeeds("forget", destination.forget(&pair(number - 1).id).await);
        }
    };
    let judge = move |found: Option<Held>| {
        let found = found.unwrap_or_else(|| panic!("a reader found nothing where a pair was"));
        let whole = (0..=ROUNDS).any(|number| Held::of(&pair(number)) == found);
        assert!(whole, "a reader found {}, which is not one of the published pairs, whole", found.key);
    };

    let done = StopFlag::default();
    let write = async {
        let _raised_when_dropped = RaiseOnDrop(done.clone());
        write.await;
    };
    if let Some(mut application) = place.application() {
        let done = done.clone();
        let reader = thread::spawn(move || {
            loop {
                // Asked before the look, so that the last look is at the final state.
                let last = done.is_raised();
                match application() {
                    Ok(found) => judge(found.as_ref().map(Held::of)),
                    Err(why) => panic!("a reader could not read the place: {why}"),
                }
                if last {
                    break;
                }
            }
        });
        write.await;
        reader.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic));
    } else {
        let reader = place.open();
        let read = async {
            loop {
                let last = done.is_raised();
                let slots = succeeds("read while another handle writes", reader.read().await);
                judge(slots.current.as_ref().map(Kept::held));
                if last {
                    break;
                }
            }
        };
        futures::join!(write, read);
    }
    expect_slots(&*destination, "the last round", [None, Some(ROUNDS), None]).await;
}

/// [`Destination::preflight`] leaves an empty, a filled, a foreign and a broken place as they are.
pub async fn preflight_changes_nothing(harness: &dyn Harness) {
    let empty = harness.empty().await;
    let before = empty.contents().await;
    succeeds("preflight of an empty place", empty.open().preflight().await);
    assert!(before == empty.contents().await, "preflight changed an empty place");

    succeeds("publish", empty.open().publish(&pair(1)).await);
    succeeds("stage", empty.open().stage(&pair(2)).await);
    let before = empty.contents().await;
    succeeds("preflight of a place that is in use", empty.open().preflight().await);
    assert!(before == empty.contents().await, "preflight changed a place that is in use");

    for Foreign { name, place, .. } in harness.foreign().await {
        let before = place.contents().await;
        let _kept_or_refused = place.open().preflight().await;
        assert!(before == place.contents().await, "preflight changed a foreign place: {name}");
    }
    for Broken { name, place, .. } in harness.broken().await {
        let before = place.contents().await;
        let _refused = place.open().preflight().await;
        assert!(before == place.contents().await, "preflight changed a broken place: {name}");
    }
}

/// Where [`Destination::stage`] or [`Destination::publish`] would fail, [`Destination::preflight`] fails
/// first, and for the same reason.
pub async fn preflight_refuses_what_publishing_would_refuse(harness: &dyn Harness) {
    let broken = harness.broken().await;
    let forbids = |broken: &Broken| matches!(broken.kind, PortErrorKind::Denied | PortErrorKind::Credentials);
    assert!(
        !harness.enforces_permissions() || broken.iter().any(forbids),
        "the harness has no place without permission, so that is not checked"
    );
    for Broken { name, place, kind } in broken {
        let before = place.contents().await;
        let destination = place.open();
        let preflight = fails(&format!("preflight of {name}"), destination.preflight().await);
        expect_kind(&format!("preflight of {name}"), &preflight, &[kind]);
        let stage = fails(&format!("stage into {name}"), destination.stage(&pair(1)).await);
        expect_kind(&format!("stage into {name}"), &stage, &[kind]);
        let publish = fails(&format!("publish to {name}"), destination.publish(&pair(1)).await);
        expect_kind(&format!("publish to {name}"), &publish, &[kind]);
        assert!(before == place.contents().await, "a refused publish changed the place: {name}");
    }
}

/// Content that rotakey did not write is still there after a key was published beside it, or the place is
/// refused: by preflight, before anything happens, and by every call that writes.
pub async fn foreign_content_is_kept_or_refused(harness: &dyn Harness) {
    let foreign = harness.foreign().await;
    assert!(!foreign.is_empty(), "the harness has no foreign place, so nothing would be checked");
    for Foreign { name, place, kept, .. } in foreign {
        let destination = place.open();
        if kept.is_empty() {
            let before = place.contents().await;
            for (operation, result) in [
                ("preflight", destination.preflight().await),
                ("stage", destination.stage(&pair(1)).await),
                ("publish", destination.publish(&pair(1)).await),
            ] {
                let error = fails(&format!("{operation} on {name}"), result);
                let kinds = [PortErrorKind::Conflict, PortErrorKind::Invalid];
                expect_kind(&format!("{operation} on {name}"), &error, &kinds);
            }
            assert!(before == place.contents().await, "a refused place was changed: {name}");
        } else {
            succeeds(&format!("preflight on {name}"), destination.preflight().await);
            for number in 1..=2 {
                succeeds(&format!("stage into {name}"), destination.stage(&pair(number)).await);
                succeeds(&format!("publish to {name}"), destination.publish(&pair(number)).await);
            }
            put_back(harness, &*destination, 1).await;
            succeeds(&format!("forget in {name}"), destination.forget(&pair(2).id).await);
            let slots = succeeds("read", destination.read().await);
            expect_kept("current", slots.current.as_ref(), Some(1), name);
            let contents = place.contents().await;
            for fragment in kept {
                let shown = String::from_utf8_lossy(&fragment).into_owned();
                assert!(contains(&contents, &fragment), "foreign content was lost: {name}: {shown:?}");
            }
        }
    }
}

/// No error, displayed or debugged, holds a secret: neither the one being written nor one found in the place.
pub async fn no_error_holds_a_secret(harness: &dyn Harness) {
    let mut errors = Vec::new();
    let mut secrets: Vec<String> = (1..=2).map(|number| pair(number).secret.expose().to_owned()).collect();

    let place = harness.empty().await;
    let destination = place.open();
    succeeds("publish", destination.publish(&pair(1)).await);
    errors.extend(destination.restore(&pair(2).id).await.err());
    errors.extend(destination.forget(&pair(1).id).await.err());

    let foreign = harness.foreign().await.into_iter().map(|foreign| (foreign.place, foreign.secrets));
    let broken = harness.broken().await.into_iter().map(|broken| (broken.place, Vec::new()));
    for (place, found) in foreign.chain(broken) {
        let destination = place.open();
        secrets.extend(found);
        errors.extend(destination.preflight().await.err());
        errors.extend(destination.read().await.err());
        errors.extend(destination.stage(&pair(1)).await.err());
        errors.extend(destination.publish(&pair(2)).await.err());
        errors.extend(destination.restore(&pair(3).id).await.err());
        errors.extend(destination.forget(&pair(2).id).await.err());
    }
    assert!(errors.len() > 2, "no place of the harness failed, so nothing was checked");
    for error in errors {
        let shown = format!("{error}\n{error:?}");
        let leaked = secrets.iter().any(|secret| shown.contains(secret));
        // The message itself must not repeat the secret, so it names only the operation.
        assert!(!leaked, "the error of `{}` holds a secret", error.operation);
    }
}

/// One call that changes a destination, with the pair of that number.
#[derive(Debug, Clone, Copy)]
enum Step {
    Stage(u8),
    Publish(u8),
    Restore(u8),
    Forget(u8),
}

impl Step {
    /// The step as it is done on such places: see [`put_back`].
    fn on(self, harness: &dyn Harness) -> Self {
        match self {
            Self::Restore(number) if !harness.gives_secrets_back() => Self::Publish(number),
            step => step,
        }
    }

    async fn run(self, destination: &dyn Destination) -> Result<(), PortError> {
        match self {
            Self::Stage(number) => destination.stage(&pair(number)).await,
            Self::Publish(number) => destination.publish(&pair(number)).await,
            Self::Restore(number) => destination.restore(&pair(number).id).await,
            Self::Forget(number) => destination.forget(&pair(number).id).await,
        }
    }
}

/// Makes a pair that another slot holds current again, as the engine does: by restoring it or, where only marks are
/// kept and restoring is refused, by publishing it.
async fn put_back(harness: &dyn Harness, destination: &dyn Destination, number: u8) {
    if harness.gives_secrets_back() {
        succeeds("restore", destination.restore(&pair(number).id).await);
        return;
    }
    let before = succeeds("read", destination.read().await);
    let refused = fails("restore from a mark", destination.restore(&pair(number).id).await);
    expect_kind("restore from a mark", &refused, &[PortErrorKind::NotFound]);
    assert!(before == succeeds("read", destination.read().await), "a refused restore changed the place");
    succeeds("publish again", destination.publish(&pair(number)).await);
}

/// Tells the reader that the writer is done.
#[derive(Default, Clone)]
struct StopFlag(Arc<AtomicBool>);

impl StopFlag {
    fn is_raised(&self) -> bool {
        self.0.load(Ordering::Acquire)
    }
}

/// Raises the flag also when the writer panics: the reader would look for ever otherwise.
struct RaiseOnDrop(StopFlag);

impl Drop for RaiseOnDrop {
    fn drop(&mut self) {
        self.0.0.store(true, Ordering::Release);
    }
}

/// The pair of that number: always the same, and unlike any other, with the characters that a real secret
/// has and that formats like to trip over.
fn pair(number: u8) -> AccessKeyPair {
    let id: Result<AccessKeyId, _> = format!("AKIAROTAKEYCHECK{number:04}").parse();
    AccessKeyPair {
        id: id.unwrap_or_else(|error| panic!("the suite's own key ids are valid: {error}")),
        secret: Secret::new(format!("conformance/secret+number{number:015}")),
    }
}

async fn expect_slots(destination: &dyn Destination, after: &str, expected: [Option<u8>; 3]) {
    let Slots { pending, current, previous } =
        succeeds(&format!("read after {after}"), destination.read().await);
    let found = [("pending", pending), ("current", current), ("previous", previous)];
    for ((slot, found), expected) in found.into_iter().zip(expected) {
        expect_kept(slot, found.as_ref(), expected, after);
    }
}

fn expect_kept(slot: &str, found: Option<&Kept>, expected: Option<u8>, after: &str) {
    let found = found.map(Kept::held);
    let expected = expected.map(|number| Held::of(&pair(number)));
    let ids = (found.as_ref().map(|held| &held.key), expected.as_ref().map(|held| &held.key));
    assert!(ids.0 == ids.1, "after {after}, `{slot}` holds {:?} in place of {:?}", ids.0, ids.1);
    assert!(found == expected, "after {after}, `{slot}` holds the right id with a wrong secret");
}

fn expect_application(place: &dyn Place, after: &str, expected: Option<u8>) {
    if let Some(mut application) = place.application() {
        let found =
            application().unwrap_or_else(|why| panic!("after {after}, no application can read: {why}"));
        expect_kept("what applications read", found.map(Kept::Pair).as_ref(), expected, after);
    }
}

fn expect_kind(what: &str, error: &PortError, kinds: &[PortErrorKind]) {
    assert!(kinds.contains(&error.kind), "{what} failed as {:?} in place of {kinds:?}: {error}", error.kind);
}

fn succeeds<T>(what: &str, result: Result<T, PortError>) -> T {
    result.unwrap_or_else(|error| panic!("{what} must succeed, but failed as {:?}: {error}", error.kind))
}

fn fails<T: Debug>(what: &str, result: Result<T, PortError>) -> PortError {
    match result {
        Ok(value) => panic!("{what} must be refused, but succeeded: {value:?}"),
        Err(error) => error,
    }
}

fn contains(haystack: &[u8], needle: &[u8]) -> bool {
    haystack.windows(needle.len()).any(|window| window == needle)
}
