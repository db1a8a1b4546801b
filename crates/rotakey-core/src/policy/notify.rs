//! One `[[notify]]`: who is told what, and when.

use schemars::JsonSchema;

use super::matcher::{Answer, Matcher};
use super::period::Period;
use super::subject::UserSubject;
use crate::notify::{Digest, Notice, NoticeKind, NoticeTemplate, NotifierSpec};

/// One `[[notify]]`.
#[derive(Debug, Clone, PartialEq, Eq, JsonSchema)]
#[schemars(deny_unknown_fields)]
pub struct NotifyEntry {
    /// What it is called: what was sent is kept by this name.
    pub name: String,
    /// About whose keys it is; everybody's if absent.
    #[schemars(rename = "match", with = "Option<Matcher>")]
    pub matcher: Matcher,
    /// What is told; everything if absent.
    #[schemars(with = "Option<super::schema::OneOrMany<NoticeKind>>")]
    pub events: Vec<NoticeKind>,
    /// Notices are sent together once a day, such as at `09:00 Europe/Berlin`; each at once if absent.
    #[schemars(with = "Option<String>")]
    pub digest: Option<Digest>,
    /// How often somebody is reminded of what is still to be done: 3 days if absent.
    #[schemars(with = "Option<Period>")]
    pub remind_every: Period,
    /// The subject or title, with placeholders such as `{user}` and `{title}`.
    #[schemars(with = "Option<String>")]
    pub subject: Option<NoticeTemplate>,
    /// The text, with placeholders such as `{what}` and `{what_to_do}`.
    #[schemars(with = "Option<String>")]
    pub text: Option<NoticeTemplate>,
    /// The way.
    #[schemars(flatten)]
    pub spec: NotifierSpec,
}

impl NotifyEntry {
    /// How often somebody is reminded unless it is written otherwise.
    pub const REMIND_EVERY: Period = Period::days(3);

    /// Whether it is for notices of that kind, and of that nature.
    pub fn wants(&self, notice: &Notice) -> bool {
        // What opened an incident must be able to close it.
        let chosen = self.events.is_empty()
            || self.events.contains(&notice.kind)
            || notice.kind == NoticeKind::Settled && matches!(self.spec, NotifierSpec::Pagerduty(_));
        chosen && self.spec.takes(notice)
    }

    /// Whether it is for keys of that user. Where that is not known, somebody is rather told too much.
    pub fn is_about(&self, subject: &UserSubject) -> bool {
        self.matcher.matches(subject) != Answer::No
    }

    /// Who is told about keys of that user, in words; `None` if it is not about them.
    pub fn audience(&self, subject: &UserSubject, owner: Option<&str>) -> Option<String> {
        let recipients = self.spec.recipients(owner);
        let to = if recipients.is_empty() { String::new() } else { format!(" to {}", recipients.join(", ")) };
        self.is_about(subject).then(|| format!("{} ({}{to})", self.name, self.spec))
    }
}
