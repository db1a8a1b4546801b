//! Which records a question is about: the arguments that all verbs share, and how they are read.

use std::path::PathBuf;

use clap::Args;
use rotakey_core::id::AccountId;
use rotakey_trail::answer::Answer;
use rotakey_trail::event_time::{DAY, EventTime};
use rotakey_trail::partial::{Holds, Partial};
use rotakey_trail::read::{ReadOptions, Watch, read};
use rotakey_trail::selection::Selection;
use rotakey_trail::source::objects::ObjectStores;
use rotakey_trail::source::{Find, FindError, Input as Named, Trail};
use rotakey_trail::summary::Summary;
use tokio::task::block_in_place;

use super::live::{self, Lookup};
use super::tell::tell;
use crate::assembly;
use crate::cli::GlobalArgs;
use crate::error::{CommandError, Verdict};
use crate::printer::{Printer, cannot_write};
use crate::progress::Progress;

/// How many seconds before `--from` the minting of sessions is looked for. None lives for longer than 36 hours, and
/// those of sessions for one.
const ORIGINS: i64 = 3 * DAY;

/// Where the records are, and which of them count.
#[derive(Debug, Args)]
pub(super) struct InputArgs {
    /// Log files, folders of them, s3://BUCKET/PREFIX; - is standard input
    #[arg(value_name = "PATH")]
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
    /// Ask CloudTrail's event history instead: 90 days, no data events, 100 events a second
    #[arg(long, conflicts_with = "paths")]
    live: bool,
    /// Write a partial instead of the answer: what answers are made of, of all keys, for `rotakey trail merge`
    #[arg(long, requires = "output")]
    partial: bool,
    /// Keep what --live has read in FOLDER, and go on there the next time
    #[arg(long, value_name = "FOLDER", requires = "live", conflicts_with = "paths")]
    keep: Option<PathBuf>,
}

/// What is to be read.
pub(super) struct Input {
    trail: Trail,
    options: ReadOptions,
    /// Whether a partial is wanted and no answer.
    partial: bool,
    /// What was asked live is in files here.
    _lookup: Option<Lookup>,
}

/// How often a question reads what it asks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Times {
    Once,
    /// What passes by is then kept in a temporary file.
    Twice,
}

impl InputArgs {
    /// Whether neither files nor CloudTrail itself are to be read.
    pub(super) fn names_nothing(&self) -> bool {
        self.paths.is_empty() && !self.live
    }

    /// Which records count.
    pub(super) fn selection(&self) -> Result<Selection, CommandError> {
        if let Some((from, until)) = self.from.zip(self.until)
            && until <= from
        {
            return Err(CommandError::usage(format!("nothing is from {from} on and before {until}"))
                .hint("--until names the first instant that is too late."));
        }
        Ok(Selection {
            from: self.from,
            until: self.until,
            accounts: self.accounts.iter().map(AccountId::to_string).collect(),
            regions: self.regions.iter().cloned().collect(),
        })
    }

    /// Finds the files.
    pub(super) async fn open(
        &self,
        times: Times,
        globals: &GlobalArgs,
        printer: &Printer,
    ) -> Result<Input, CommandError> {
        self.open_selected(self.selection()?, times, globals, printer).await
    }

    /// Finds also the files of what came before, in whatever account and region: a session may have been minted
    /// there. They can be read twice. Together with the selection that was asked for.
    pub(super) async fn open_with_origins(
        &self,
        globals: &GlobalArgs,
        printer: &Printer,
    ) -> Result<(Input, Selection), CommandError> {
        let selection = self.selection()?;
        let earlier = |from: EventTime| EventTime::from_seconds((from.seconds() - ORIGINS).max(0));
        let wider = Selection {
            from: selection.from.and_then(earlier),
            until: selection.until,
            ..Selection::default()
        };
        Ok((self.open_selected(wider, Times::Twice, globals, printer).await?, selection))
    }

    async fn open_selected(
        &self,
        selection: Selection,
        times: Times,
        globals: &GlobalArgs,
        printer: &Printer,
    ) -> Result<Input, CommandError> {
        if self.names_nothing() {
            return Err(CommandError::usage("it is not said where the records are").hint(
                "Name log files, folders of them or s3://BUCKET/PREFIX, - for standard input, or say --live.",
            ));
        }
        let lookup = match self.live {
            true => Some(live::look_up(&selection, self.keep.as_deref(), globals, printer).await?),
            false => None,
        };
        let named: Vec<Named> = match &lookup {
            Some(lookup) => vec![Named::Path(lookup.folder().to_owned())],
            None => self.paths.iter().map(|path| named(path)).collect(),
        };
        let has_url = named.iter().any(|named| matches!(named, Named::Url(_)));
        let stores = match has_url {
            true => Some(assembly::object_stores(globals).await?),
            false => None,
        };
        let mut trail = find(&named, &selection, times, stores.as_ref())?;
        if let Some(lookup) = &lookup {
            trail.problems.extend(lookup.problems().iter().cloned());
        }
        printer.detail(&format!("{} files to read.", trail.files.len()));
        let options = ReadOptions { selection, ..ReadOptions::default() };
        Ok(Input { trail, options, partial: self.partial, _lookup: lookup })
    }
}

/// Finds files. The runtime goes on meanwhile: object stores need it.
pub(super) fn find(
    named: &[Named],
    selection: &Selection,
    times: Times,
    objects: Option<&ObjectStores>,
) -> Result<Trail, CommandError> {
    let find = Find { selection, again: times == Times::Twice, objects };
    block_in_place(|| Trail::find(named, &find)).map_err(|error| match error {
        FindError::Store { .. } => {
            CommandError::usage(error).hint("Such a URL looks like s3://BUCKET/PREFIX.")
        }
    })
}

impl Input {
    /// Says that the question needs no more of partials than who uses keys and what comes from them.
    pub(super) fn of_use(mut self) -> Self {
        self.options.needs = Holds::Use;
        self
    }

    /// Writes a partial that holds what the question needs, if that is wanted: then there is no answer.
    pub(super) fn partial(&self, printer: &Printer) -> Result<Option<Verdict>, CommandError> {
        if !self.partial {
            return Ok(None);
        }
        let partial = Partial::begin(printer.sink(), self.options.needs).map_err(cannot_write)?;
        let (answer, summary) = self.answer(printer, || partial.answer());
        drop(answer);
        partial.finish(&summary).map_err(cannot_write)?;
        Ok(Some(tell(&summary, Verdict::Clean, printer)))
    }

    /// Reads all of it, and answers. `fresh` makes an empty answer.
    pub(super) fn answer<A: Answer>(&self, printer: &Printer, fresh: impl Fn() -> A + Sync) -> (A, Summary) {
        let progress = Bar(Progress::new(printer));
        block_in_place(|| read(&self.trail, &self.options, fresh, &progress))
    }
}

struct Bar(Progress);

impl Watch for Bar {
    fn progress(&self, files: usize, of: usize, _records: u64) {
        rotakey_engine::inventory::Progress::step(&self.0, files, Some(of), "reading files");
    }
}

/// What an argument names.
pub(super) fn named(path: &str) -> Named {
    match path {
        "-" => Named::StandardInput,
        url if url.contains("://") => Named::Url(url.to_owned()),
        path => Named::Path(path.into()),
    }
}

/// An instant, or a day, which stands for its first instant in UTC.
pub(super) fn instant(text: &str) -> Result<EventTime, String> {
    EventTime::parse(text).or_else(|| EventTime::parse(&format!("{text}T00:00:00Z"))).ok_or_else(|| {
        "a day such as 2026-11-01 or an instant such as 2026-11-01T06:00:00Z is wanted".to_owned()
    })
}
