//! A progress bar on standard error: only on a terminal, only for work that takes more than a moment.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

use crate::printer::Printer;

/// Work that is done before this has passed shows no bar.
const PATIENCE: Duration = Duration::from_secs(2);

/// The progress of one piece of work. Erases itself when dropped.
#[derive(Debug)]
pub(crate) struct Progress {
    bar: ProgressBar,
    /// When the work began; `None` once the bar is drawn, and if none may be.
    waiting_since: Mutex<Option<Instant>>,
}

impl Progress {
    /// Begins work. Nothing is drawn unless the printer allows it.
    pub(crate) fn new(printer: &Printer) -> Self {
        let waiting_since = Mutex::new(printer.shows_progress().then(Instant::now));
        Self { bar: ProgressBar::hidden(), waiting_since }
    }

    /// Begins work that is to be watched from its first moment.
    pub(crate) fn at_once(printer: &Printer) -> Self {
        let progress = Self::new(printer);
        if let Some(since) = progress.waiting_since().as_mut() {
            *since = since.checked_sub(PATIENCE).unwrap_or(*since);
        }
        progress
    }

    /// Takes the bar away while something is printed.
    pub(crate) fn suspended<T>(&self, print: impl FnOnce() -> T) -> T {
        self.bar.suspend(print)
    }

    fn waiting_since(&self) -> MutexGuard<'_, Option<Instant>> {
        self.waiting_since.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl rotakey_engine::inventory::Progress for Progress {
    fn step(&self, done: usize, total: Option<usize>, what: &str) {
        let mut waiting_since = self.waiting_since();
        if waiting_since.is_some_and(|since| since.elapsed() >= PATIENCE) {
            *waiting_since = None;
            self.bar.set_draw_target(ProgressDrawTarget::stderr_with_hz(8));
        }
        if self.bar.message() != what {
            let template = match total {
                Some(_) => "{msg} [{bar:30}] {human_pos}/{human_len}, {elapsed}",
                None if done == 0 => "{spinner} {msg}, {elapsed}",
                None => "{spinner} {msg}, {human_pos} so far, {elapsed}",
            };
            let style = ProgressStyle::with_template(template).expect("the templates are valid");
            self.bar.set_style(style.progress_chars("=> "));
            self.bar.set_message(what.to_owned());
        }
        if let Some(total) = total {
            self.bar.set_length(total as u64);
        }
        self.bar.set_position(done as u64);
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        self.bar.finish_and_clear();
    }
}
