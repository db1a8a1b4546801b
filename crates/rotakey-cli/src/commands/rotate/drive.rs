//! Drives rotations with the engine, and says what happens.

use std::cell::RefCell;

use jiff::Timestamp;
use rotakey_core::id::{RotationId, UserName};
use rotakey_core::rotate::{Event, Outcome, Rotation};
use rotakey_engine::driver::{Engine, Report, Standing, Tick, Undriven};

use super::status;
use super::words::describe;
use crate::assembly::{Outside, worker_id};
use crate::error::{CommandError, Verdict};
use crate::explain::{journal_error, store_error};
use crate::printer::Printer;
use crate::quantity::{count, instant, relative};

/// Lends an engine to `work`. What it does is told on standard error while it does it.
pub(crate) async fn with_engine<T>(
    outside: &Outside,
    printer: &Printer,
    work: impl AsyncFnOnce(&Engine<'_>) -> Result<T, CommandError>,
) -> Result<T, CommandError> {
    let tell = |rotation: &Rotation, event: &Event| tell(rotation, event, printer);
    let engine = Engine::new(outside.ports(), worker_id()?, &tell);
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
#[derive(Debug)]
pub(crate) struct Driven {
    /// Those that were driven, as they stand now.
    rotations: Vec<Rotation>,
    /// What those wait for that time alone moves on.
    waits: Vec<(UserName, String)>,
    /// When there is something to do again.
    due: Option<Timestamp>,
    undriven: Vec<Undriven>,
}

impl Driven {
    /// Whether there was nothing to do.
    pub(crate) fn is_nothing(&self) -> bool {
        self.rotations.is_empty() && self.undriven.is_empty()
    }
}

impl From<Tick> for Driven {
    fn from(tick: Tick) -> Self {
        let due = tick.due();
        let waits = tick.reports.iter().filter_map(|report| match &report.standing {
            Standing::Waits { why, .. } => {
                Some((report.rotation.plan().subject.user_name.clone(), why.clone()))
            }
            Standing::Asks(_) | Standing::Ended(_) => None,
        });
        let waits = waits.collect();
        let rotations = tick.reports.into_iter().map(|report| report.rotation).collect();
        Self { rotations, waits, due, undriven: tick.undriven }
    }
}

/// Moves every open rotation on; with `wait`, until all of them have ended or ask.
pub(crate) async fn tick(engine: &Engine<'_>, printer: &Printer, wait: bool) -> Result<Driven, CommandError> {
    if !wait {
        return Ok(engine.tick().await.map_err(store_error)?.into());
    }
    // A rotation that has ended is in no later pass.
    let ended = RefCell::new(Vec::new());
    let last = engine.run(|tick| {
        tell_due(tick, printer);
        let reports = tick.reports.iter().map(|report| &report.rotation);
        ended.borrow_mut().extend(reports.filter(|rotation| rotation.ending().is_some()).cloned());
    });
    let last = Driven::from(last.await.map_err(store_error)?);
    let mut rotations = ended.into_inner();
    rotations.extend(last.rotations.into_iter().filter(|rotation| rotation.ending().is_none()));
    Ok(Driven { rotations, ..last })
}

fn tell_due(tick: &Tick, printer: &Printer) {
    if let Some(due) = tick.due() {
        let waits = |report: &&Report| matches!(report.standing, Standing::Waits { .. });
        let waiting = tick.reports.iter().filter(waits).count();
        printer.note(&format!(
            "{} under way; the next step is at {}",
            count(waiting, "rotation"),
            instant(due)
        ));
    }
}

/// Moves one rotation on, and says where it stands then.
pub(crate) async fn drive_one(
    engine: &Engine<'_>,
    id: &RotationId,
    printer: &Printer,
    now: Timestamp,
) -> Result<Verdict, CommandError> {
    let report = engine.drive(id).await.map_err(journal_error)?;
    report_on(Tick { reports: vec![report], undriven: Vec::new() }.into(), printer, now)
}

/// Prints where the rotations stand, what they wait for, and what could not be driven.
pub(crate) fn report_on(driven: Driven, printer: &Printer, now: Timestamp) -> Result<Verdict, CommandError> {
    status::print(&driven.rotations, printer, now)?;
    for (user_name, why) in &driven.waits {
        printer.note(&format!("{user_name} waits: {why}"));
    }
    if let Some(due) = driven.due {
        printer.hint(&format!(
            "`rotakey rotate tick` goes on; there is something to do again {} ({}).",
            relative(due, now),
            instant(due)
        ));
    }
    if driven.undriven.is_empty() {
        return Ok(status::verdict(&driven.rotations));
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
