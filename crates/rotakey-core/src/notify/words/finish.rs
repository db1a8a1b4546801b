//! What notices say of a key that is brought to its end and has no new key to come.

use super::{Lines, ended, log, rollback, span};
use crate::notify::notice::{NoticeKind, Severity};
use crate::rotate::{Finish, Rotation};

/// The words of what differs from a key that is replaced.
pub(super) fn lines(rotation: &Rotation, finish: &Finish, kind: NoticeKind) -> Option<Lines> {
    let plan = rotation.plan();
    let (old, account) = (&plan.old_key, plan.subject.account_id);
    let watched = span(plan.timing.delete_after);
    Some(match kind {
        NoticeKind::Begun => Lines {
            title: "an access key that is not needed any more is to go".into(),
            what: match &finish.successor {
                Some(successor) => format!(
                    "rotakey is to disable {old} in account {account}, since {successor} took its place, and deletes it \
                     {watched} later."
                ),
                None => format!(
                    "{old} in account {account} is inactive. rotakey deletes it in {watched}, unless it is enabled or \
                     used until then."
                ),
            },
            why: Some(plan.reason.clone()),
            what_to_do: Some("Nothing, unless something still needs this key. To keep it:".into()),
            commands: vec![rollback(rotation)],
            ..Lines::default()
        },
        NoticeKind::Deleted => Lines {
            title: "the access key that was not needed any more is deleted".into(),
            what: match &finish.successor {
                Some(successor) => {
                    format!("{old} in account {account} is deleted. {successor} takes its place.")
                }
                None => format!("{old} in account {account}, which had been inactive, is deleted."),
            },
            what_to_do: Some("Nothing.".into()),
            ..Lines::default()
        },
        NoticeKind::RollingBack => Lines {
            title: "the access key is to stay".into(),
            what: format!(
                "rotakey is to leave {old} as it found it, and enables it again if it disabled it."
            ),
            why: rotation.rollback_wanted().map(str::to_owned),
            what_to_do: Some("Nothing yet. You are told when it is done.".into()),
            severity: Some(Severity::Warning),
            ..Lines::default()
        },
        NoticeKind::RolledBack => Lines {
            title: "the access key stays".into(),
            what: format!("{old} in account {account} is as rotakey found it."),
            why: ended(rotation),
            what_to_do: Some(
                "Nothing, unless the cause remains: the next `rotakey rotate apply` tries again.".into(),
            ),
            commands: vec![log(rotation)],
            ..Lines::default()
        },
        _ => return None,
    })
}
