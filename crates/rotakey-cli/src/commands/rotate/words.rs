//! What happens in a rotation, in words.

use jiff::Timestamp;
use rotakey_core::fact::LastUsed;
use rotakey_core::rotate::{Adoption, Answer, Ending, Event, Left, Note, Plan, Rotation, Stage, State};

use crate::quantity::{count, duration, instant, relative};

/// An event in words: what kind it is, and what it says.
pub(crate) fn describe(event: &Event, plan: &Plan) -> (&'static str, String) {
    match event {
        Event::Planned { plan } if plan.finish().is_some() => {
            ("planned", format!("bring {} to its end ({})", plan.old_key, plan.reason))
        }
        Event::Planned { plan } => {
            let places: Vec<String> = plan.destinations.iter().map(ToString::to_string).collect();
            (
                "planned",
                format!("replace {} ({}); deliver to {}", plan.old_key, plan.reason, places.join(", ")),
            )
        }
        Event::Started { intent, .. } => ("started", intent.describe(plan)),
        Event::Finished { result } => ("finished", result.to_string()),
        Event::Noted { note } => ("noted", noted(note)),
        Event::Asked { question } => ("asked", question.to_string()),
        Event::Answered { answer: Answer::LookAgain, by } => ("answered", format!("{by}: look again")),
        Event::Answered { answer: Answer::Vouch, by } => {
            ("answered", format!("{by} vouches that every application has the new key"))
        }
        Event::Signalled { by, what } => ("signalled", format!("{by} says that something is broken: {what}")),
        Event::Approved { approval } => (
            "approved",
            format!("{} agrees to {} (plan {})", approval.by, approval.step, approval.plan.short()),
        ),
        Event::RollbackRequested { by, why } => ("rollback", format!("{by} wants the old key back: {why}")),
        Event::Closed { ending } => ("closed", ended(ending)),
    }
}

fn noted(note: &Note) -> String {
    match note {
        Note::NothingCreated => "the unfinished create did not create a key".to_owned(),
        Note::OrphanFound { key } => format!("{key} came from the unfinished create; its secret is lost"),
        Note::SecretLost { key } => {
            format!("the secret of {key} was lost before any application could read it")
        }
        Note::Gone { key } => format!("{key} is gone"),
        Note::Delivered => "every destination holds the new pair, read back and equal".to_owned(),
        Note::Published => "applications read the new pair at every destination".to_owned(),
        Note::OldKeyUsed { last_used } => format!("the old key was used {}", used(last_used)),
        Note::UsageSeen { old, new } => format!(
            "until {} {} seen on the old key, {} on the new one{}",
            instant(old.as_of),
            count(old.consumers.len(), "consumer"),
            new.consumers.len(),
            old.incomplete.as_ref().map(|why| format!(" (not all: {why})")).unwrap_or_default()
        ),
        Note::UsageUnknown { why } => format!("it cannot be seen who uses the keys: {why}"),
        Note::CheckFailed { message, .. } => {
            format!("a check fails since the old key is disabled: {message}")
        }
        Note::Recovered { proof } => format!("the old key is enabled again: {proof}"),
        Note::ReadyToDisable { quiet_since, adopted } => {
            format!("the old key has been quiet since {}; {adopted}", instant(*quiet_since))
        }
        Note::Superseded { quiet_since, evidence } => {
            format!("the key has been quiet since {}; {evidence}", instant(*quiet_since))
        }
        Note::BrownOutPassed => "nobody used the old key after the brown-out".to_owned(),
        Note::RollingBack => "the way back to the old key begins".to_owned(),
        Note::OldKeyWorks => "AWS accepts the old key again".to_owned(),
        Note::Restored => "every destination serves the old key again".to_owned(),
    }
}

/// A last use in words: `at 2026-11-23T15:45:00Z (s3, eu-central-1)`, `never`.
pub(crate) fn used(last_used: &LastUsed) -> String {
    match last_used {
        LastUsed::Never => "never".to_owned(),
        LastUsed::At { at, region, service } => {
            let place: Vec<&str> = [service, region].into_iter().flatten().map(String::as_str).collect();
            match place.is_empty() {
                true => format!("at {}", instant(*at)),
                false => format!("at {} ({})", instant(*at), place.join(", ")),
            }
        }
    }
}

/// An ending in words.
pub(crate) fn ended(ending: &Ending) -> String {
    match ending {
        Ending::Rotated { new_key } => format!("{new_key} is in use, the old key is deleted"),
        Ending::Finished { key } => format!("{key} is deleted; it needed no successor"),
        Ending::RolledBack { why } => format!("the old key is in use again: {why}"),
        Ending::Aborted { by, why } => {
            format!("aborted by {by}: {why}; keys and destinations were left as they were")
        }
    }
}

/// Who has not moved to the new key, the one first that takes longest.
fn left<'a>(rotation: &'a Rotation, adoption: &Adoption, now: Timestamp) -> Vec<Left<'a>> {
    rotation.usage().left(&rotation.plan().timing, adoption.answered_for, now)
}

/// What a rotation does or waits for at `now`, as far as its log tells.
pub(crate) fn progress(rotation: &Rotation, now: Timestamp) -> String {
    let timing = &rotation.plan().timing;
    if let Some(why) = rotation.rollback_wanted() {
        return format!("goes back to the old key: {why}");
    }
    if let Some(alarm) = rotation.alarm() {
        return match alarm.enabled_at {
            None => format!("enables the old key again: {}", alarm.what),
            Some(at) => format!("the old key is enabled again since {}: {}", instant(at), alarm.what),
        };
    }
    match rotation.state() {
        State::Adopting { adoption, .. } if !left(rotation, adoption, now).is_empty() => {
            let left = left(rotation, adoption, now);
            let named: Vec<String> = left.iter().take(3).map(|left| left.used.describe(now)).collect();
            let more = left.len() - named.len();
            let more = if more == 0 { String::new() } else { format!(" and {more} more") };
            let date = left[0].safe_at.strftime("%Y-%m-%d %H:%M");
            let has = if left.len() == 1 { "has" } else { "have" };
            format!(
                "{}{more} {has} not been seen on the new key yet; earliest safe date {date}",
                named.join("; ")
            )
        }
        State::Planned => "nothing was done yet".to_owned(),
        State::Issuing { create } => {
            format!(
                "the answer to the create was lost; looks what came of it {}",
                relative(create.deadline, now)
            )
        }
        State::Orphaned { orphan, .. } => format!("removes {orphan}, which no application ever had"),
        State::Delivering { .. } => "brings the new key to its destinations".to_owned(),
        State::Verifying { .. } => "waits for AWS to accept the new key".to_owned(),
        State::Adopting { adoption, .. } => match adoption.last_use {
            Some(at) => format!("waits for the old key to be quiet; it was used {}", relative(at, now)),
            None => {
                format!("waits for applications to move; published {}", relative(adoption.published_at, now))
            }
        },
        State::Ready { .. } => "is to disable the old key".to_owned(),
        State::BrownOut { enabled_at: None, disabled_at: Some(at), .. } => {
            format!("rehearses: the old key is disabled since {}", instant(*at))
        }
        State::BrownOut { enabled_at: None, disabled_at: None, .. } => {
            "the rehearsal was cut off; enables the old key again".to_owned()
        }
        State::BrownOut { enabled_at: Some(at), .. } => {
            format!("rehearsed {}; watches whether the old key is used again", relative(*at, now))
        }
        State::Disabled { since: None, .. } => "makes sure that the old key is disabled".to_owned(),
        State::Disabled { since: Some(since), .. } => {
            let deleted = since.saturating_add(timing.delete_after);
            match deleted {
                Ok(at) => format!("the old key is disabled; it is deleted {}", relative(at, now)),
                Err(_) => format!("the old key is disabled for {}", duration(timing.delete_after)),
            }
        }
        State::Deleted { .. } => "the old key is deleted; removes its traces".to_owned(),
        State::Finishing(finishing) => match finishing.stage {
            Stage::Ready { .. } => "is to disable the key".to_owned(),
            Stage::BrownOut { enabled_at: None, disabled_at: Some(at) } => {
                format!("rehearses: the key is disabled since {}", instant(at))
            }
            Stage::BrownOut { enabled_at: None, disabled_at: None } => {
                "the rehearsal was cut off; enables the key again".to_owned()
            }
            Stage::BrownOut { enabled_at: Some(at), .. } => {
                format!("rehearsed {}; watches whether the key is used again", relative(at, now))
            }
            Stage::GivenBack { .. } => "the key was missed and is enabled again".to_owned(),
            Stage::Disabled { since: None, .. } => "makes sure that the key is disabled".to_owned(),
            Stage::Disabled { since: Some(since), .. } | Stage::FoundInactive { since } => {
                match since.saturating_add(timing.delete_after) {
                    Ok(at) => format!("the key is inactive; it is deleted {}", relative(at, now)),
                    Err(_) => format!("the key is inactive for {}", duration(timing.delete_after)),
                }
            }
        },
        State::RollingBack { .. } => "goes back to the old key".to_owned(),
        State::Closed { ending } => ended(ending),
    }
}
