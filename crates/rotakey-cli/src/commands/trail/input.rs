//! Which records a question is about: the arguments that all verbs share, and how they are read.

use clap::Args;
use rotakey_core::id::AccountId;
use rotakey_trail::answer::Answer;
use rotakey_trail::event_time::EventTime;
use rotakey_trail::read::{ReadOptions, Watch, read};
use rotakey_trail::selection::Selection;
use rotakey_trail::source::Trail;
use rotakey_trail::summary::Summary;

use crate::cli::GlobalArgs;
use crate::error::CommandError;
use crate::printer::Printer;
use crate::progress::Progress;

/// Where the records are, and which of them count.
#[derive(Debug, Args)]
pub(super) struct InputArgs {
    /// Log files, folders of them, s3://BUCKET/PREFIX; - is standard input
    #[arg(value_name = "PATH", required = true)]
    paths: Vec<String>,
    /// Only events from this instant or day on, such as 2026-11-01 or 2026-11-01T06:00:00Z
    #[arg(long, value_name = "INSTANT", value_parser = instant)]
    from: Option<EventTime>,
    /// Only events before this instant or day
    #[arg(long, value_name = "INSTANT", value_parser = instant)]
    until: Option<EventTime>,
    /// Only events of this account's trail; can be given several times
    #[arg(long = "account", value_name = "ID")]
    accounts: Vec<AccountId>,
    /// Only events of this region; can be given several times
    #[arg(long = "in-region", value_name = "REGION")]
    regions: Vec<String>,
}

/// What is to be read. It can be read several times.
pub(super) struct Input {
    trail: Trail,
    options: ReadOptions,
}

impl InputArgs {
    /// Finds the files.
    pub(super) async fn open(&self, _globals: &GlobalArgs, printer: &Printer) -> Result<Input, CommandError> {
        if let Some((from, until)) = self.from.zip(self.until)
            && until <= from
        {
            return Err(CommandError::usage(format!("nothing is from {from} on and before {until}"))
                .hint("--until names the first instant that is too late."));
        }
        let selection = Selection {
            from: self.from,
            until: self.until,
            accounts: self.accounts.iter().map(AccountId::to_string).collect(),
            regions: self.regions.iter().cloned().collect(),
        };
        let trail = Trail::find(&self.paths, &selection);
        printer.detail(&format!("{} files to read.", trail.files.len()));
        Ok(Input { trail, options: ReadOptions { selection, ..ReadOptions::default() } })
    }
}

impl Input {
    /// Reads all of it, and answers. `fresh` makes an empty answer.
    pub(super) fn answer<A: Answer>(&self, printer: &Printer, fresh: impl Fn() -> A + Sync) -> (A, Summary) {
        let progress = Bar(Progress::new(printer));
        read(&self.trail, &self.options, fresh, &progress)
    }
}

struct Bar(Progress);

impl Watch for Bar {
    fn progress(&self, files: usize, of: usize, _records: u64) {
        rotakey_engine::inventory::Progress::step(&self.0, files, Some(of), "reading files");
    }
}

/// An instant, or a day, which stands for its first instant in UTC.
pub(super) fn instant(text: &str) -> Result<EventTime, String> {
    EventTime::parse(text)
        .or_else(|| EventTime::parse(&format!("{text}T00:00:00Z")))
        .ok_or_else(|| "a day such as 2026-11-01 or an instant such as 2026-11-01T06:00:00Z is wanted".into())
}
