//! The rotation machine: create, distribute, verify, wait for adoption, deactivate, watch, delete.
//!
//! A rotation is an append-only log of [`Event`]s. [`Rotation::replay`] folds the log into a state, and
//! [`Rotation::next`] looks at that state and at the world ([`Observed`]) and names **one** safe step. The
//! machine never trusts that an effect happened because it was asked for: it looks again.
//!
//! ```text
//! Planned -> Issuing -> Delivering -> Verifying -> Adopting -> (BrownOut) -> Disabled -> Deleted -> Closed
//!    ^          |            |            |            |            |           |
//!    |          v            v            +------------+-----+------+-----------+
//!    +------ Orphaned <------+                               v
//!                                                       RollingBack -> Closed
//!
//! Planned -> Finishing -> Closed        a key that needs no successor: none is created
//! ```
//!
//! What it rests on:
//!
//! - **Intent before action.** Every effect is logged as started before it is done. A crash in between
//!   means "may have run", and that is resolved by looking, never by repeating a create.
//! - **The victim is chosen by identity, never by age.** Only the key ids that the log names are touched.
//! - **Unknown is not permission.** A failed observation leads to waiting.
//! - **Proofs.** Deleting demands the values of [`proof`], which only replaying the log can make.
//! - **Disable before delete, always**, and at least [`MINIMUM_REST`] in between; also for a key that
//!   nobody can ever have used.

mod apply;
mod approval;
mod check;
mod choice;
pub mod controls;
mod effect;
mod event;
#[cfg(test)]
mod finish_properties;
pub mod forecast;
mod log;
#[cfg(test)]
mod model;
mod next;
mod observed;
mod plan;
pub mod proof;
#[cfg(test)]
mod properties;
mod question;
mod relation;
mod rotation;
mod service;
mod state;
#[cfg(test)]
mod stories;
mod usage;

use jiff::SignedDuration;

pub use approval::{Approval, ApprovalNeed, Approved, ApprovedStep, MissingApproval, PlanHash};
pub use check::{Alarm, AlarmCheck, CheckSpec, ExecCheck, Health, HttpCheck};
pub use choice::{Choice, Chooser, KnownKey};
pub use effect::{Effect, FailureKind, Intent, Outcome};
pub use event::{Answer, Ending, Event, Note};
pub use log::{BrokenLog, ChainHash, Entry, Record};
pub use next::Next;
pub use observed::{Held, HeldSlots, Observed, Preflight};
pub use plan::{Finish, Plan, Subject, Task, Timing, UserTraits, hash_of_all};
pub use question::Question;
pub use relation::{KeyUse, Relation, relation};
pub use rotation::{IllegalEvent, IllegalHistory, InFlight, Rotation};
pub use service::{PROBED_SERVICES, PointProbe, ServicePoint};
pub use state::{Adoption, Finishing, LostCreate, NewKey, OldKey, Probes, Stage, State};
pub use usage::{Consumer, ConsumerUse, KeyUsage, KnownUsage, LOOK_BACK, Left, MOST_CONSUMERS};

/// How long an effect may take. After it, whoever started the effect must no longer do it, and another
/// worker may look at what came of it. The clients' own time-outs are shorter.
pub const EFFECT_DEADLINE: SignedDuration = SignedDuration::from_mins(2);

/// How long a key that was just created or enabled is kept from applications, however soon STS accepts it:
/// each service learns of it on its own. Reports speak of five to thirty seconds, S3 among the slowest.
pub const PROPAGATION: SignedDuration = SignedDuration::from_mins(1);

/// How long IAM's answers may lag behind a change (it is eventually consistent and names no bound; some
/// seconds are usual). A contradiction between the log and the world counts only when it is seen later than
/// this after rotakey's own last change.
pub const SETTLE: SignedDuration = SignedDuration::from_mins(5);

/// How late a use can show up as a key's last use. AWS names no number for access keys; four hours is its
/// number for the related service-last-accessed data, and the credential report's cache.
pub const LAST_USED_LAG: SignedDuration = SignedDuration::from_hours(4);

/// Of all uses within this span only the first is recorded (IAM user guide, credential reports).
pub const LAST_USED_GRANULARITY: SignedDuration = SignedDuration::from_mins(15);

/// The least time between disabling a key and deleting it.
pub const MINIMUM_REST: SignedDuration = SignedDuration::from_hours(24);
