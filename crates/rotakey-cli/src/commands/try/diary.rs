//! What happens, day by day: told as it happens, one line for each thing that a day was about.

use std::sync::{Mutex, MutexGuard, PoisonError};

use async_trait::async_trait;
use jiff::{SignedDuration, Timestamp};
use rotakey_core::rotate::{Ending, Event, Note, Rotation, State};
use rotakey_engine::inventory::Progress as _;
use rotakey_engine::port::Clock;
use rotakey_sim::simulation::{SimClock, Simulation};

use crate::cli::Format;
use crate::printer::Printer;
use crate::progress::Progress;
use crate::quantity::{count, grouped};
use crate::table::{Cell, Fit, Table};

/// How far the clock moves at once while somebody waits, so that the time is seen passing.
const STEP: SignedDuration = SignedDuration::from_hours(1);

/// Keeps the diary. It is also the clock of the story, for it must notice how the days go by.
pub(super) struct Diary<'a> {
    clock: SimClock,
    simulation: &'a Simulation,
    begins: Timestamp,
    printer: &'a Printer,
    progress: Progress,
    today: Mutex<Day>,
}

/// What was done on one day.
#[derive(Debug, Default)]
struct Day {
    number: i64,
    published: usize,
    disabled: usize,
    deleted: usize,
    asked: Vec<String>,
}

/// The calls of all applications together.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Calls {
    pub(super) applications: usize,
    pub(super) made: u64,
    pub(super) failed: u64,
}

impl Calls {
    /// What became of them so far.
    pub(super) fn so_far(simulation: &Simulation) -> Self {
        simulation.records().iter().fold(Self::default(), |sum, (_, record)| Self {
            applications: sum.applications + 1,
            made: sum.made + record.calls,
            failed: sum.failed + record.failed,
        })
    }
}

impl<'a> Diary<'a> {
    /// A diary that begins now.
    pub(super) fn new(simulation: &'a Simulation, printer: &'a Printer) -> Self {
        Self {
            clock: simulation.clock(),
            simulation,
            begins: simulation.now(),
            printer,
            progress: Progress::at_once(printer),
            today: Mutex::default(),
        }
    }

    /// Notes what the engine did.
    pub(super) fn note(&self, rotation: &Rotation, event: &Event) {
        self.turn_page();
        let mut today = self.today();
        match event {
            Event::Noted { note: Note::Published } => today.published += 1,
            Event::Finished { .. } => match rotation.state() {
                State::Disabled { since, .. } if *since == Some(rotation.updated_at()) => today.disabled += 1,
                _ => {}
            },
            Event::Closed { ending: Ending::Rotated { .. } } => today.deleted += 1,
            Event::Asked { question } => {
                let user = &rotation.plan().subject.user_name;
                today.asked.push(format!("{user} waits for a person: {question}"));
            }
            _ => {}
        }
    }

    /// The whole days that have passed.
    pub(super) fn days(&self) -> i64 {
        self.simulation.now().duration_since(self.begins).as_hours() / 24
    }

    /// Writes down the day that is over, if one is.
    fn turn_page(&self) {
        if self.days() > self.today().number {
            self.close_day();
        }
    }

    /// Writes down today.
    pub(super) fn close_day(&self) {
        let day = std::mem::take(&mut *self.today());
        self.today().number = self.days();
        if self.printer.format() != Format::Human {
            return;
        }
        let mut lines = Vec::new();
        if day.published > 0 {
            lines.push(format!("{} created, tested, and published", count(day.published, "new key")));
        }
        if day.disabled > 0 {
            lines.push(format!("{} quiet for long enough: disabled", count(day.disabled, "old key")));
        }
        if day.deleted > 0 {
            lines.push(format!("{} not missed by anybody: deleted", count(day.deleted, "old key")));
        }
        lines.extend(day.asked);
        let quiet = self.printer.palette().quiet;
        let mut page = Table::new([Fit::Whole, Fit::Wrap]);
        for line in lines {
            page.row([Cell::new(format!("day {:>2}", day.number)).style(quiet), Cell::new(line)]);
        }
        // What cannot be written here fails again, and is told, when the data is completed.
        let _ = self.progress.suspended(|| self.printer.table(&page).and_then(|()| self.printer.flush()));
    }

    fn show_progress(&self) {
        let calls = Calls::so_far(self.simulation);
        let what = format!(
            "day {}: {} calls by applications, {} failed",
            self.days(),
            grouped_u64(calls.made),
            calls.failed
        );
        self.progress.step(0, None, &what);
    }

    fn today(&self) -> MutexGuard<'_, Day> {
        self.today.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[async_trait]
impl Clock for Diary<'_> {
    fn now(&self) -> Timestamp {
        self.clock.now()
    }

    async fn sleep_until(&self, at: Timestamp) {
        while self.clock.now() < at {
            self.clock.sleep_until(at.min(self.clock.now() + STEP)).await;
            self.turn_page();
            self.show_progress();
        }
    }
}

/// A number of calls with its thousands set apart.
pub(super) fn grouped_u64(number: u64) -> String {
    grouped(usize::try_from(number).unwrap_or(usize::MAX))
}
