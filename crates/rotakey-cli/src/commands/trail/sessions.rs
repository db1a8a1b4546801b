//! What the questions about one key share: its sessions are found by a reading of their own.

use std::sync::Arc;

use clap::Args;
use rotakey_core::id::AccessKeyId;
use rotakey_trail::event_time::EventTime;
use rotakey_trail::lineage::{Edges, KeySet, Reach};
use rotakey_trail::summary::Summary;
use serde::Serialize;

use super::input::Input;
use crate::printer::Printer;

/// How far the descendants of a key are followed.
#[derive(Debug, Args)]
pub(super) struct ReachArgs {
    /// Also follow the long-term keys that were created with the key or with its sessions
    #[arg(long)]
    created_keys: bool,
}

impl From<&ReachArgs> for Reach {
    fn from(args: &ReachArgs) -> Self {
        if args.created_keys { Self::CreatedKeys } else { Self::Sessions }
    }
}

/// The first reading: each of the keys with all that descends from it.
pub(super) fn find_sessions<'a>(
    input: &Input,
    keys: impl IntoIterator<Item = &'a AccessKeyId> + Clone,
    reach: Reach,
    printer: &Printer,
) -> (Vec<Arc<KeySet>>, Summary) {
    let roots: Vec<&str> = keys.into_iter().map(AccessKeyId::as_str).collect();
    let (mut edges, summary) = input.answer(printer, || Edges::new(roots.iter().copied(), reach));
    (roots.iter().map(|root| Arc::new(edges.descendants(root))).collect(), summary)
}

/// The key with its sessions, which takes a first reading, or the key alone.
pub(super) fn with_sessions(
    input: &Input,
    key: &AccessKeyId,
    follow: bool,
    printer: &Printer,
) -> (Arc<KeySet>, Summary) {
    if !follow {
        return (Arc::new(KeySet::only(key.as_str())), Summary::default());
    }
    let (sets, summary) = find_sessions(input, [key], Reach::Sessions, printer);
    (sets[0].clone(), summary)
}

/// The summary of two readings of the same: that of the second, unless only the first has problems to tell.
pub(super) fn worse(first: Summary, second: Summary) -> Summary {
    if second.is_complete() && !first.is_complete() { first } else { second }
}

/// Warns when there were more sessions than could be followed.
pub(super) fn tell_followed(followed: bool, printer: &Printer) {
    if !followed {
        printer.warning(
            "There are more sessions in this trail than can be followed: only those minted with the key itself were.",
        );
        printer.hint("Ask about a shorter time with --from and --until.");
    }
}

/// An answer in `--format json`.
#[derive(Debug, Serialize)]
pub(super) struct Document<'a, T> {
    /// Whether all of the trail was read and followed.
    pub(super) complete: bool,
    #[serde(flatten)]
    pub(super) answer: &'a T,
    pub(super) summary: &'a Summary,
}

/// `2026-11-23 15:45`, UTC.
pub(super) fn minute(at: EventTime) -> String {
    jiff::Timestamp::from(at).strftime("%Y-%m-%d %H:%M").to_string()
}

/// The last part of an ARN, or of any name with slashes.
pub(super) fn last_part(name: &str) -> &str {
    name.rsplit(['/', ':']).next().filter(|part| !part.is_empty()).unwrap_or(name)
}
