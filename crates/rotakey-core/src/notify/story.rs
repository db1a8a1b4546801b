//! What a rotation's log gives to tell.

use jiff::{SignedDuration, Timestamp};

use super::notice::{Incident, IncidentState, Notice, NoticeId, NoticeKind};
use super::reminder::{Evidence, Need, Waiting};
use super::words;
use crate::id::RotationId;
use crate::rotate::{Ending, Entry, Event, IllegalEvent, IllegalHistory, Intent, Rotation, Stage, State};

/// After how many failures of one step in a row somebody is told.
const PATIENCE: u32 = 5;

/// All that there is to tell of one rotation.
#[derive(Debug, Clone)]
pub struct Story {
    rotation: Rotation,
    notices: Vec<Notice>,
    /// The entry that asked what is not answered.
    asked: Option<Waiting>,
    /// The entry from which on somebody was to move to the new key.
    moving: Option<Waiting>,
    /// The entry from which on a step is known to fail again and again.
    failing: Option<u64>,
}

impl Story {
    /// Reads the whole log of a rotation, in order.
    ///
    /// # Errors
    /// A log that no run of the machine can have written.
    pub fn of(id: &RotationId, log: &[Entry]) -> Result<Self, IllegalHistory> {
        let illegal = |version, error| IllegalHistory { rotation: id.clone(), version, error };
        let Some((Entry { event: Event::Planned { plan }, at, .. }, rest)) = log.split_first() else {
            let event = "a log without a plan".to_owned();
            return Err(illegal(0, IllegalEvent { event, state: "none" }));
        };
        let rotation = Rotation::begin(id.clone(), (**plan).clone(), *at);
        let mut story = Self { rotation, notices: Vec::new(), asked: None, moving: None, failing: None };
        story.tell(NoticeKind::Begun, None, *at);
        for entry in rest {
            story.go_on(entry).map_err(|error| illegal(entry.version, error))?;
        }
        Ok(story)
    }

    /// The rotation, as far as the log goes.
    pub fn rotation(&self) -> &Rotation {
        &self.rotation
    }

    /// What happened, in order. Nobody is named in it as the owner.
    pub fn notices(&self) -> &[Notice] {
        &self.notices
    }

    /// What somebody has to be reminded of at `now`, every so often; `None` before the first time. Whether it is still
    /// needed is another question: see [`Need::reminder`].
    pub fn need(&self, every: SignedDuration, now: Timestamp) -> Option<Need<'_>> {
        let waiting = self.asked.or(self.moving)?;
        Need::new(&self.rotation, waiting, self.asked.is_some(), every, now)
    }

    /// When somebody is to be reminded next after `now`, if things stay as they are.
    pub fn next_reminder(&self, every: SignedDuration, now: Timestamp) -> Option<Timestamp> {
        Some(self.asked.or(self.moving)?.next(every, now))
    }

    fn go_on(&mut self, entry: &Entry) -> Result<(), IllegalEvent> {
        let before = self.rotation.clone();
        self.rotation = before.clone().apply(&entry.event, entry.at)?;
        let here = Waiting { version: entry.version, since: entry.at };
        if before.rollback_wanted().is_none() && self.rotation.rollback_wanted().is_some() {
            self.tell(NoticeKind::RollingBack, None, entry.at);
        }
        match (before.question(), self.rotation.question()) {
            (None, Some(_)) => {
                self.asked = Some(here);
                self.tell(NoticeKind::Asks, Some(self.incident("question", entry.version)), entry.at);
            }
            (Some(_), None) => {
                let asked = self.asked.take().map_or(entry.version, |asked| asked.version);
                self.tell(NoticeKind::Settled, Some(over(self.incident("question", asked))), entry.at);
            }
            _ => {}
        }
        let failures = self
            .rotation
            .failing()
            .filter(|(intent, ..)| !matches!(intent, Intent::Probe { .. } | Intent::ProbeService { .. }));
        match (self.failing, failures) {
            (None, Some((_, PATIENCE.., _))) => {
                self.failing = Some(entry.version);
                self.tell(NoticeKind::Failing, Some(self.incident("failing", entry.version)), entry.at);
            }
            (Some(since), None | Some((_, ..PATIENCE, _))) => {
                self.failing = None;
                self.tell(NoticeKind::Settled, Some(over(self.incident("failing", since))), entry.at);
            }
            _ => {}
        }
        if let Some(kind) = moved(&before, &self.rotation) {
            self.tell(kind, None, entry.at);
        }
        let adopts = |rotation: &Rotation| matches!(rotation.state(), State::Adopting { .. });
        match (adopts(&before), adopts(&self.rotation) && self.rotation.rollback_wanted().is_none()) {
            (false, true) => self.moving = Some(here),
            (_, false) => self.moving = None,
            (true, true) => {}
        }
        Ok(())
    }

    fn tell(&mut self, kind: NoticeKind, incident: Option<Incident>, at: Timestamp) {
        let id = NoticeId::new(self.rotation.id(), self.rotation.version(), kind);
        // One entry may settle a question and a failure; both are told, each by an id of its own.
        let again = self.notices.iter().any(|notice| notice.id == id);
        let id = if again { NoticeId::from_stored(format!("{id}-2")) } else { id };
        self.notices.push(words::notice(&self.rotation, id, kind, incident, at));
    }

    fn incident(&self, what: &str, version: u64) -> Incident {
        incident(self.rotation.id(), what, version)
    }
}

/// The incident that the entry of that version opened.
pub(super) fn incident(rotation: &RotationId, what: &str, version: u64) -> Incident {
    Incident { key: format!("rotakey/{rotation}/{what}/{version}"), state: IncidentState::Open }
}

fn over(incident: Incident) -> Incident {
    Incident { state: IncidentState::Over, ..incident }
}

/// What the move from one state to another is to people.
fn moved(before: &Rotation, after: &Rotation) -> Option<NoticeKind> {
    Some(match (before.state(), after.state()) {
        (State::Verifying { .. }, State::Adopting { .. }) => NoticeKind::Published,
        (State::Ready { .. } | State::BrownOut { .. }, State::Adopting { .. }) => NoticeKind::UsedAgain,
        (State::Ready { .. }, State::BrownOut { disabled_at: Some(_), .. }) => NoticeKind::Rehearsal,
        (
            State::Ready { .. } | State::Disabled { since: None, .. },
            State::Disabled { since: Some(_), .. },
        ) => NoticeKind::Disabled,
        (State::Disabled { .. }, State::Adopting { .. }) => NoticeKind::EnabledAgain,
        (State::Disabled { .. }, State::Deleted { .. }) => NoticeKind::Deleted,
        (State::Finishing(before), State::Finishing(after)) => return finishing(before.stage, after.stage),
        (State::Finishing(finishing), State::Planned)
            if finishing.may_be_disabled() && after.rollback_wanted().is_none() =>
        {
            NoticeKind::EnabledAgain
        }
        (_, State::Closed { ending: Ending::Finished { .. } }) => NoticeKind::Deleted,
        (_, State::Closed { ending: Ending::RolledBack { .. } }) => NoticeKind::RolledBack,
        (_, State::Closed { ending: Ending::Aborted { .. } }) => NoticeKind::Aborted,
        _ => return None,
    })
}

/// The same for a key that is brought to its end.
fn finishing(before: Stage, after: Stage) -> Option<NoticeKind> {
    match (before, after) {
        (
            Stage::Ready { .. } | Stage::BrownOut { disabled_at: None, .. },
            Stage::BrownOut { disabled_at: Some(_), enabled_at: None },
        ) => Some(NoticeKind::Rehearsal),
        (
            Stage::Ready { .. } | Stage::Disabled { since: None, .. },
            Stage::Disabled { since: Some(_), disproved: false },
        ) => Some(NoticeKind::Disabled),
        (Stage::BrownOut { .. } | Stage::Disabled { .. }, Stage::GivenBack { .. }) => {
            Some(NoticeKind::EnabledAgain)
        }
        _ => None,
    }
}

impl Need<'_> {
    /// The reminder, if what is known says that somebody must still do something. What is not known is said to be so.
    pub fn reminder(&self, evidence: &Evidence) -> Option<Notice> {
        let lines = self.lines(evidence)?;
        let id = NoticeId::reminder(self.rotation.id(), self.waiting.version, self.number);
        let incident = self.asks.then(|| incident(self.rotation.id(), "question", self.waiting.version));
        let since = self.waiting.since;
        Some(words::with_lines(self.rotation, id, NoticeKind::Reminder, incident, since, lines))
    }
}
