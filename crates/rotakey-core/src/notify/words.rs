//! What notices say. They are read by somebody who has never heard of rotakey, perhaps at night: which key of whom,
//! since when, and the exact command.

mod finish;

use jiff::{SignedDuration, Timestamp};

use super::left::Left;
use super::notice::{Incident, Notice, NoticeId, NoticeKind, Severity, one_line};
use crate::fact::LastUsed;
use crate::id::{AccessKeyId, AccountId, UserName};
use crate::policy::Principal;
use crate::rotate::{ConsumerUse, Ending, Question, Rotation, State};

/// The most consumers that are named at once.
const MOST_NAMED: usize = 5;

/// The words of a notice.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Lines {
    title: String,
    what: String,
    why: Option<String>,
    what_to_do: Option<String>,
    commands: Vec<String>,
    severity: Option<Severity>,
}

/// The notice of what just happened to the rotation.
pub(super) fn notice(
    rotation: &Rotation,
    id: NoticeId,
    kind: NoticeKind,
    incident: Option<Incident>,
    since: Timestamp,
) -> Notice {
    with_lines(rotation, id, kind, incident, since, lines(rotation, kind, since))
}

/// A notice in those words.
pub(super) fn with_lines(
    rotation: &Rotation,
    id: NoticeId,
    kind: NoticeKind,
    incident: Option<Incident>,
    since: Timestamp,
    lines: Lines,
) -> Notice {
    let subject = &rotation.plan().subject;
    Notice {
        id,
        kind,
        severity: lines.severity.unwrap_or(Severity::Info),
        since,
        rotation: Some(rotation.id().clone()),
        account_id: subject.account_id,
        user_name: Principal::User(subject.user_name.clone()),
        old_key: Some(rotation.plan().old_key.clone()),
        new_key: new_key(rotation).cloned(),
        owner: None,
        title: one_line(&format!("{}: {}", subject.user_name, lines.title)),
        what: one_line(&lines.what),
        why: lines.why.as_deref().map(one_line),
        what_to_do: lines.what_to_do.as_deref().map(one_line),
        commands: lines.commands,
        incident,
    }
}

/// The notice of a user that a plan leaves to a person.
pub(super) fn left(left: &Left, id: NoticeId) -> Notice {
    let (user, account) = (&left.user_name, left.account_id);
    let keys: Vec<_> = left.keys.iter().map(ToString::to_string).collect();
    let keys = match keys.is_empty() {
        true => String::new(),
        false => format!(" Its keys: {}.", keys.join("; ")),
    };
    let selection = user.user().map_or_else(String::new, |name| format!(" --user {name}"));
    Notice {
        id,
        kind: NoticeKind::Left,
        severity: Severity::Warning,
        since: left.since,
        rotation: None,
        account_id: account,
        user_name: user.clone(),
        old_key: None,
        new_key: None,
        owner: None,
        title: one_line(&format!("{user}: a key is due, and only a person can say what to do")),
        what: one_line(&format!("rotakey leaves the keys of {user} in account {account} alone.{keys}")),
        why: Some(one_line(&left.why)),
        what_to_do: Some(one_line(&sentence(&left.advice))),
        commands: vec![format!("rotakey rotate plan{selection}")],
        incident: None,
    }
}

/// A test of the way to people, about a user that does not exist.
pub fn test_notice(id: NoticeId, at: Timestamp) -> Notice {
    let account_id = AccountId::new(111_122_223_333).expect("AWS's example account is one");
    Notice {
        id,
        kind: NoticeKind::Test,
        severity: Severity::Info,
        since: at,
        rotation: None,
        account_id,
        user_name: Principal::User("nobody".parse::<UserName>().expect("letters are a user name")),
        old_key: "AKIAIOSFODNN7EXAMPLE".parse::<AccessKeyId>().ok(),
        new_key: None,
        owner: None,
        title: "this is a test of rotakey's notices".to_owned(),
        what: "Somebody ran `rotakey notify test`. If you can read this, notices about access keys reach you here."
            .to_owned(),
        why: None,
        what_to_do: Some("Nothing.".to_owned()),
        commands: Vec::new(),
        incident: None,
    }
}

fn new_key(rotation: &Rotation) -> Option<&AccessKeyId> {
    match rotation.ending() {
        Some(Ending::Rotated { new_key }) => Some(new_key),
        _ => rotation.new_key().or_else(|| rotation.plan().finish()?.successor.as_ref()),
    }
}

fn lines(rotation: &Rotation, kind: NoticeKind, at: Timestamp) -> Lines {
    let plan = rotation.plan();
    let (old, account) = (&plan.old_key, plan.subject.account_id);
    if let Some(lines) = plan.finish().and_then(|finish| finish::lines(rotation, finish, kind)) {
        return lines;
    }
    let new = new_key(rotation).map_or("the new key", AccessKeyId::as_str);
    let places: Vec<_> = plan.destinations.iter().map(ToString::to_string).collect();
    let places = places.join(", ");
    match kind {
        NoticeKind::Begun => Lines {
            title: "a new access key is on its way".into(),
            what: format!(
                "rotakey began to replace {old} in account {account}. Its successor goes to {places}."
            ),
            why: Some(plan.reason.clone()),
            what_to_do: Some(
                "Nothing yet. Once the new key is in place, what uses the old one has to be restarted."
                    .into(),
            ),
            ..Lines::default()
        },
        NoticeKind::Published => Lines {
            title: "the new access key is in place, restart what uses it".into(),
            what: format!(
                "{new} is in place at {places} since {}. {old} goes on working until it has been quiet for at least {}.",
                minute(at),
                span(plan.timing.quiet_for)
            ),
            what_to_do: Some(format!(
                "Restart or redeploy every application that reads its key there, so that it takes {new}."
            )),
            commands: vec!["rotakey rotate status".into()],
            severity: Some(Severity::Warning),
            ..Lines::default()
        },
        NoticeKind::Asks => Lines { title: "a rotation waits for your decision".into(), ..asks(rotation) },
        NoticeKind::Failing => {
            let (step, times, message) = rotation.failing().map_or_else(
                || ("a step".to_owned(), 0, ""),
                |(intent, times, message)| (intent.describe(plan), times, message),
            );
            Lines {
                title: "a step of the rotation fails again and again".into(),
                what: format!(
                    "rotakey tried {times} times to {step}, and goes on trying. No application is affected by that."
                ),
                why: Some(message.to_owned()),
                what_to_do: Some("Deal with the cause. Nothing has to be started again.".into()),
                commands: vec![log(rotation)],
                severity: Some(Severity::Warning),
            }
        }
        NoticeKind::Settled => Lines {
            title: "the rotation goes on".into(),
            what: format!("What kept the rotation of {old} waiting is settled."),
            ..Lines::default()
        },
        NoticeKind::UsedAgain => Lines {
            title: "the old access key is still in use".into(),
            what: format!("{old} was used {} though it had been quiet. It stays active.", last_use(rotation)),
            what_to_do: Some(format!(
                "Find the application that still has {old}, and restart it so that it takes {new}."
            )),
            commands: vec![consumers(old)],
            severity: Some(Severity::Warning),
            ..Lines::default()
        },
        NoticeKind::Rehearsal => Lines {
            title: "the old access key is disabled for a rehearsal".into(),
            what: format!(
                "{old} is disabled since {} and is enabled again {} later, by itself.",
                minute(at),
                plan.timing.brown_out.map_or_else(|| "some minutes".to_owned(), span)
            ),
            what_to_do: Some(format!(
                "If something fails now, it still has {old}: restart it so that it takes {new}. To stop the rotation:"
            )),
            commands: vec![rollback(rotation)],
            severity: Some(Severity::Warning),
            ..Lines::default()
        },
        NoticeKind::Disabled => Lines {
            title: "the old access key is disabled".into(),
            what: format!(
                "{old} is disabled since {}, and is deleted {} later. {new} takes its place.",
                minute(at),
                span(plan.timing.delete_after)
            ),
            what_to_do: Some(
                "If something fails now that worked before, have the old key back at once:".into(),
            ),
            commands: vec![rollback(rotation)],
            severity: Some(Severity::Warning),
            ..Lines::default()
        },
        NoticeKind::EnabledAgain => Lines {
            title: "the old access key works again".into(),
            what: format!(
                "{old} was disabled and is active again since {}: {}.",
                minute(at),
                match rotation.alarm() {
                    Some(alarm) => alarm.what.clone(),
                    None => format!("it was used {}", last_use(rotation)),
                }
            ),
            what_to_do: Some(format!(
                "Find the application that still has {old}, and restart it so that it takes {new}."
            )),
            commands: vec![consumers(old)],
            severity: Some(Severity::Warning),
            ..Lines::default()
        },
        NoticeKind::Deleted => Lines {
            title: "the old access key is deleted, the rotation is done".into(),
            what: format!("{old} in account {account} is deleted. {new} is in use at {places}."),
            what_to_do: Some("Nothing.".into()),
            ..Lines::default()
        },
        NoticeKind::RollingBack => Lines {
            title: "the old access key comes back into use".into(),
            what: format!(
                "rotakey goes back to {old}: it is enabled if it was disabled, and {places} serve it again."
            ),
            why: rotation.rollback_wanted().map(str::to_owned),
            what_to_do: Some("Nothing yet. You are told when every place serves the old key again.".into()),
            severity: Some(Severity::Warning),
            ..Lines::default()
        },
        NoticeKind::RolledBack => Lines {
            title: "the old access key is back in use".into(),
            what: format!(
                "{old} in account {account} is active and in place at {places}. What was created is gone."
            ),
            why: ended(rotation),
            what_to_do: Some(
                "Nothing, unless the cause remains: the next `rotakey rotate apply` tries again.".into(),
            ),
            commands: vec![log(rotation)],
            ..Lines::default()
        },
        NoticeKind::Aborted => Lines {
            title: "the rotation was stopped where it stood".into(),
            what: format!(
                "Nothing more is done about {old}; keys and places were left as they were at {}.",
                minute(at)
            ),
            why: ended(rotation),
            what_to_do: Some("Look at both keys of the user, and remove what is not needed.".into()),
            commands: vec![log(rotation)],
            severity: Some(Severity::Warning),
        },
        // None of these follows from a step of a rotation.
        NoticeKind::Reminder | NoticeKind::Left | NoticeKind::Test => Lines::default(),
    }
}

fn asks(rotation: &Rotation) -> Lines {
    let Some(question) = rotation.question() else { return Lines::default() };
    let mut commands = vec![format!("rotakey rotate resume {}", rotation.id())];
    if rotation.can_roll_back() {
        commands.push(rollback(rotation));
    }
    if rotation.can_abort() {
        commands.push(format!("rotakey rotate abort {} --why '...'", rotation.id()));
    }
    Lines {
        title: String::new(),
        what: format!(
            "The rotation of {} in account {} stopped: {question}.",
            rotation.plan().old_key,
            rotation.plan().subject.account_id
        ),
        why: None,
        what_to_do: Some(sentence(question.advice())),
        commands,
        severity: Some(Severity::Error),
    }
}

/// The reminder of a question.
pub(super) fn still_asks(rotation: &Rotation, _question: &Question) -> Lines {
    Lines { title: "a rotation still waits for your decision".into(), ..asks(rotation) }
}

/// The reminder of a move that some application has not made.
pub(super) fn old_key_used(rotation: &Rotation, last_used: &LastUsed) -> Lines {
    let old = &rotation.plan().old_key;
    moving(
        rotation,
        "an application still uses the old access key",
        format!("{old} was used {}.", used(last_used)),
    )
}

/// The reminder of a move that these have not made.
pub(super) fn consumers_left(rotation: &Rotation, left: &[&ConsumerUse]) -> Lines {
    let named: Vec<_> = left
        .iter()
        .take(MOST_NAMED)
        .map(|used| format!("{} (last seen on it at {})", used.consumer, minute(used.last_at)))
        .collect();
    let more = match left.len() - named.len() {
        0 => String::new(),
        more => format!("; and {more} more"),
    };
    let old = &rotation.plan().old_key;
    moving(
        rotation,
        "an application still uses the old access key",
        format!("{old} is still used by: {}{more}.", named.join("; ")),
    )
}

/// The reminder of a move that no application has made.
pub(super) fn new_key_unused(rotation: &Rotation) -> Lines {
    let new = rotation.new_key().map_or("the new key", AccessKeyId::as_str);
    moving(
        rotation,
        "no application uses the new access key yet",
        format!("{new} has not been used by any application."),
    )
}

/// The reminder where AWS did not say what the keys were used for.
pub(super) fn not_known(rotation: &Rotation, why: &str) -> Lines {
    let lines = moving(
        rotation,
        "it is not known whether applications use the new access key",
        "AWS did not tell when the keys were used last.".to_owned(),
    );
    Lines { why: Some(why.to_owned()), ..lines }
}

fn moving(rotation: &Rotation, title: &str, what: String) -> Lines {
    let published = match rotation.state() {
        State::Adopting { adoption, .. } => {
            format!(" The new key is in place since {}.", minute(adoption.published_at))
        }
        _ => String::new(),
    };
    let old = &rotation.plan().old_key;
    Lines {
        title: title.to_owned(),
        what: format!("{what}{published}"),
        why: None,
        what_to_do: Some(format!(
            "Restart or redeploy what still has {old}. If nothing needs the key any more, tell rotakey so when it asks."
        )),
        commands: vec!["rotakey rotate status".into(), consumers(old)],
        severity: Some(Severity::Warning),
    }
}

fn ended(rotation: &Rotation) -> Option<String> {
    match rotation.ending()? {
        Ending::RolledBack { why } => Some(why.clone()),
        Ending::Aborted { by, why } => Some(format!("{by} said: {why}")),
        Ending::Rotated { .. } | Ending::Finished { .. } => None,
    }
}

fn last_use(rotation: &Rotation) -> String {
    match rotation.state() {
        State::Adopting { adoption, .. } => {
            adoption.last_use.map_or_else(|| "lately".to_owned(), |at| format!("at {}", minute(at)))
        }
        _ => "lately".to_owned(),
    }
}

fn used(last_used: &LastUsed) -> String {
    match last_used {
        LastUsed::Never => "never".to_owned(),
        LastUsed::At { at, service, region } => {
            let place: Vec<&str> = [service, region].into_iter().flatten().map(String::as_str).collect();
            if place.is_empty() {
                format!("at {}", minute(*at))
            } else {
                format!("at {} ({})", minute(*at), place.join(", "))
            }
        }
    }
}

fn log(rotation: &Rotation) -> String {
    format!("rotakey rotate log {}", rotation.id())
}

fn rollback(rotation: &Rotation) -> String {
    format!("rotakey rotate rollback {} --why '...'", rotation.id())
}

fn consumers(key: &AccessKeyId) -> String {
    format!("rotakey trail consumers {key}")
}

/// With a capital letter and a full stop.
fn sentence(text: &str) -> String {
    let mut letters = text.chars();
    let first = letters.next().map(|letter| letter.to_uppercase().to_string()).unwrap_or_default();
    format!("{first}{}.", letters.as_str())
}

/// An instant to the minute, in UTC.
pub(super) fn minute(at: Timestamp) -> String {
    at.strftime("%Y-%m-%d %H:%M UTC").to_string()
}

/// A length of time in the largest unit that it is whole in.
fn span(duration: SignedDuration) -> String {
    let plural = |count: i64, unit: &str| format!("{count} {unit}{}", if count == 1 { "" } else { "s" });
    let minutes = duration.as_mins();
    match (minutes % 1_440, minutes % 60) {
        (0, _) => plural(minutes / 1_440, "day"),
        (_, 0) => plural(minutes / 60, "hour"),
        _ => plural(minutes, "minute"),
    }
}
