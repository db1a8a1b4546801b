//! Drives rotations with the engine, and says what happens.

use std::cell::RefCell;
use std::collections::BTreeMap;

use jiff::Timestamp;
use rotakey_core::id::RotationId;
use rotakey_core::rotate::{Event, Outcome, Rotation};
use rotakey_engine::driver::{Engine, Guard, Report, Standing, Tick, Undriven};
use rotakey_engine::store::Outlook;

use super::control::switch;
use super::held::Holds;
use super::status;
use super::words::describe;
use crate::assembly::{Outside, worker_id};
use crate::error::{CommandError, Verdict};
use crate::explain::{journal_error, store_error};
use crate::printer::Printer;
use crate::quantity::{count, instant, relative};

/// Lends an engine to `work`. What it does is told on standard error while it does it, and after every pass to those
/// whom the configuration names.
pub(crate) async fn with_engine<T>(
    outside: &Outside,
    printer: &Printer,
    work: impl AsyncFnOnce(&Engine<'_>) -> Result<T, CommandError>,
) -> Result<T, CommandError> {
    let tell = |rotation: &Rotation, event: &Event| tell(rotation, event, printer);
    let guard =
        Guard { controls: &outside.config().rotate.controls, switch: &switch, own_key: outside.own_key() };
    let engine = Engine::new(outside.ports(), worker_id()?, &tell).under(guard).with_herald(outside.herald());
    work(&engine).await
}

/// Says what happened. That an effect was started, and that it went well, are details.
fn tell(rotation: &Rotation, event: &Event, printer: &Printer) {
    let (_, text) = describe(event, rotation.plan());
    let line = format!("{}  {}: {text}", instant(rotation.updated_at()), rotation.plan().subject.user_name);
    match event {
        Event::Planned { .. }
        | Event::Started { .. }
        | Event::Finished { result: Outcome::Done | Outcome::Accepted { .. } } => printer.detail(&line),
        Event::Asked { .. } => printer.warning(&line),
        _ => printer.note(&line),
    }
}

/// What moving on came to.
#[derive(Debug, Default)]
pub(crate) struct Driven {
    /// Those that were driven, as they stood then, in the order in which they first were.
    pub(crate) rotations: Vec<Rotation>,
    /// What those wait for that time alone moves on, and until when.
    waits: BTreeMap<RotationId, (Timestamp, String)>,
    /// Those that the last pass could not drive.
    pub(crate) undriven: Vec<Undriven>,
    /// What there is to do after that, also for others.
    outlook: Outlook,
}

impl Driven {
    /// Whether nothing was due.
    pub(crate) fn is_nothing(&self) -> bool {
        self.rotations.is_empty() && self.undriven.is_empty()
    }

    /// Whether nothing is under way.
    pub(crate) fn is_over(&self) -> bool {
        self.is_nothing() && self.outlook == Outlook::default()
    }

    /// Adds what one more pass came to.
    pub(crate) fn add(&mut self, tick: Tick) {
        for Report { rotation, standing } in tick.reports {
            match standing {
                Standing::Waits { until, why } => {
                    drop(self.waits.insert(rotation.id().clone(), (until, why)))
                }
                Standing::Asks(_) | Standing::Ended(_) => drop(self.waits.remove(rotation.id())),
            }
            match self.rotations.iter_mut().find(|known| known.id() == rotation.id()) {
                Some(known) => *known = rotation,
                None => self.rotations.push(rotation),
            }
        }
        (self.undriven, self.outlook) = (tick.undriven, tick.outlook);
    }

    /// How many wait for time, and when the first of them has waited for long enough.
    fn waiting(&self) -> Option<(usize, Timestamp)> {
        let first = self.waits.values().map(|(until, _)| *until).min()?;
        Some((self.waits.len(), first))
    }
}

/// Moves on what is due; with `wait`, until every rotation has ended or asks.
pub(crate) async fn tick(engine: &Engine<'_>, printer: &Printer, wait: bool) -> Result<Driven, CommandError> {
    let driven = RefCell::new(Driven::default());
    if !wait {
        let tick = engine.tick().await.map_err(store_error)?;
        tell_told(&tick, printer);
        driven.borrow_mut().add(tick);
        return Ok(driven.into_inner());
    }
    let passed = |tick: Tick| {
        let mut driven = driven.borrow_mut();
        let told = driven.waiting();
        tell_told(&tick, printer);
        driven.add(tick);
        if let Some((count_of, due)) = driven.waiting().filter(|waiting| Some(*waiting) != told) {
            let under_way = count(count_of, "rotation");
            printer.note(&format!("{under_way} under way; the next step is at {}", instant(due)));
        }
    };
    engine.run(passed).await.map_err(store_error)?;
    Ok(driven.into_inner())
}

/// Says who was told, and who could not be. That is no failure of the rotation, and does not change the exit code.
fn tell_told(tick: &Tick, printer: &Printer) {
    match &tick.told {
        None => {}
        Some(Err(error)) => printer.warning(&format!("nobody could be told: {error}")),
        Some(Ok(told)) => {
            for sent in &told.sent {
                printer.note(&format!("told {}: {}", sent.channel, sent.subject));
            }
            for failed in &told.failed {
                let (channel, subject) = (&failed.channel, &failed.subject);
                printer.warning(&format!("could not tell {channel}: {subject}: {}", failed.error));
            }
            if let Some(failed) = told.failed.first() {
                printer.hint(&format!(
                    "It is tried again by itself. `rotakey notify test --to {}` tries it now.",
                    failed.channel
                ));
            }
            for why in &told.unread {
                printer.warning(&format!("could not find out what to tell: {why}"));
            }
        }
    }
}

/// Moves one rotation on, and says where it stands then.
pub(crate) async fn drive_one(
    engine: &Engine<'_>,
    id: &RotationId,
    outside: &Outside,
    printer: &Printer,
) -> Result<Verdict, CommandError> {
    let report = engine.drive(id).await.map_err(journal_error)?;
    let next = match &report.standing {
        Standing::Waits { until, .. } => Some(*until),
        Standing::Asks(_) | Standing::Ended(_) => None,
    };
    let mut driven = Driven::default();
    let outlook = Outlook { next, asks: false };
    driven.add(Tick { reports: vec![report], outlook, ..Tick::default() });
    report_on(driven, outside, printer)
}

/// Prints where the rotations stand, what they wait for, and what could not be driven.
pub(crate) fn report_on(
    driven: Driven,
    outside: &Outside,
    printer: &Printer,
) -> Result<Verdict, CommandError> {
    let now = outside.now();
    status::print(&driven.rotations, &Holds::default(), printer, now)?;
    for rotation in &driven.rotations {
        if let Some((_, why)) = driven.waits.get(rotation.id()) {
            printer.note(&format!("{} waits: {why}", rotation.plan().subject.user_name));
        }
    }
    if let Some(due) = driven.outlook.next {
        printer.hint(&format!(
            "`rotakey rotate tick` goes on; there is something to do again {} ({}).",
            relative(due, now),
            instant(due)
        ));
    }
    let not_entered = outside.accounts().not_entered();
    for gap in &not_entered {
        printer.warning(&gap.why);
    }
    let verdict = status::verdict(&driven.rotations, now);
    if driven.outlook.asks && verdict == Verdict::Clean {
        printer.hint("`rotakey rotate status` shows what waits for a person.");
    }
    if driven.undriven.is_empty() {
        let asking = if driven.outlook.asks { Verdict::Findings } else { Verdict::Clean };
        let entered = if not_entered.is_empty() { Verdict::Clean } else { Verdict::Incomplete };
        return Ok(verdict.or(asking).or(entered));
    }
    printer.finish()?;
    let mut text = format!("{} could not be moved on:", count(driven.undriven.len(), "rotation"));
    let mut hints = Vec::new();
    for Undriven { rotation, error } in driven.undriven {
        text.push_str(&format!("\n  {rotation}: {error}"));
        hints.extend(journal_error(error).hints);
    }
    hints.dedup();
    hints.push(
        "The others were not affected. `rotakey rotate log ROTATION` shows what happened to one.".to_owned(),
    );
    Err(CommandError { hints, ..CommandError::failure(text) })
}
