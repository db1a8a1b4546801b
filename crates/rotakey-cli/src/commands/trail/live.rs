//! Records from CloudTrail's event history, where there are no log files: slow, and no more than AWS remembers.

use std::collections::BTreeMap;
use std::fs::{self, File, OpenOptions};
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

use futures::StreamExt as _;
use jiff::{SignedDuration, Timestamp};
use rotakey_aws::cloudtrail::{LookupPage, LookupProgress, LookupRequest, OutOfHistory};
use rotakey_engine::inventory::Progress as _;
use rotakey_trail::event_time::EventTime;
use rotakey_trail::selection::Selection;
use rotakey_trail::summary::Problem;
use serde::{Deserialize, Serialize};
use tempfile::TempDir;

use crate::assembly::Aws;
use crate::cli::GlobalArgs;
use crate::error::CommandError;
use crate::explain::port_error;
use crate::printer::Printer;
use crate::progress::Progress;

/// What was looked up, in a folder: for each region the records as JSON lines, and how far the lookup has come.
pub(super) struct Lookup {
    place: Place,
    problems: Vec<Problem>,
}

enum Place {
    Kept(PathBuf),
    Temporary(TempDir),
}

impl Lookup {
    /// Where the records are.
    pub(super) fn folder(&self) -> &Path {
        match &self.place {
            Place::Kept(folder) => folder,
            Place::Temporary(folder) => folder.path(),
        }
    }

    /// What could not be looked up.
    pub(super) fn problems(&self) -> &[Problem] {
        &self.problems
    }
}

/// Looks up all events of the selection's time in its regions, or in that of the connection. What a folder keeps of an
/// earlier lookup is gone on with.
pub(super) async fn look_up(
    selection: &Selection,
    keep: Option<&Path>,
    globals: &GlobalArgs,
    printer: &Printer,
) -> Result<Lookup, CommandError> {
    let aws = Aws::connect(globals).await?;
    let place = match keep {
        Some(folder) => {
            fs::create_dir_all(folder).map_err(|error| cannot_keep(folder, error))?;
            Place::Kept(folder.to_owned())
        }
        None => {
            Place::Temporary(tempfile::tempdir().map_err(|error| cannot_keep(&std::env::temp_dir(), error))?)
        }
    };
    let mut lookup = Lookup { place, problems: Vec::new() };
    let own = aws.connection.region().unwrap_or("us-east-1").to_owned();
    let regions: Vec<String> = match selection.regions.is_empty() {
        true => {
            printer.note(&format!(
                "Looking up events of {own} only; name others with --in-region. IAM's are in us-east-1."
            ));
            vec![own]
        }
        false => selection.regions.iter().cloned().collect(),
    };
    let request = LookupRequest {
        attribute: None,
        from: selection.from.map(Into::into),
        // The last second that counts is the one before the first that does not.
        until: selection.until.and_then(|until| EventTime::from_seconds(until.seconds() - 1)).map(Into::into),
    };
    let mut files = BTreeMap::new();
    for region in regions {
        let kept =
            Kept::open(lookup.folder(), &region).map_err(|error| cannot_keep(lookup.folder(), error))?;
        files.insert(region, kept);
    }
    let bar = Progress::new(printer);
    let cloudtrail = aws.connection.cloudtrail(aws.clock.clone());
    let mut events = 0;
    // What was interrupted is brought to its end; what has happened since then comes after it.
    for is_interrupted in [true, false] {
        let mut begun = Vec::new();
        for (region, kept) in &mut files {
            let (progress, unknown) = kept.begin(region, &request, aws.clock.now());
            if kept.is_interrupted() != is_interrupted {
                continue;
            }
            begun.push(progress);
            if let Some(unknown) = unknown.filter(|_| selection.from.is_some()) {
                let file = format!("event history of {region}");
                lookup.problems.push(Problem { file, message: unknown.to_string() });
            }
        }
        let mut pages = cloudtrail.pages_of_all(begun);
        while let Some(page) = pages.next().await {
            match page {
                Ok(page) => {
                    events += page.events.len();
                    bar.step(events, None, "looking up events");
                    if page.without_record > 0 {
                        let message = format!("{} events came without their record", page.without_record);
                        lookup.problems.push(Problem { file: page.progress.region.clone(), message });
                    }
                    if let Some(kept) = files.get_mut(&page.progress.region) {
                        kept.add(page).map_err(|error| cannot_keep(lookup.folder(), error))?;
                    }
                }
                // Nothing was read at all: the person must hear why, and what to do.
                Err(error) if events == 0 && keep.is_none() => return Err(port_error(error)),
                Err(error) => {
                    lookup
                        .problems
                        .push(Problem { file: "event history".to_owned(), message: error.to_string() });
                }
            }
        }
    }
    Ok(lookup)
}

/// How long before the end of an earlier lookup the next one begins: events come into the history late, within
/// 15 minutes as a rule.
const LATE: SignedDuration = SignedDuration::from_hours(1);

/// The files of one region.
struct Kept {
    records: File,
    progress_path: PathBuf,
    progress: Option<KeptProgress>,
    /// The first second from which on all is kept, once all pages are there.
    since: Timestamp,
}

#[derive(Debug, Serialize, Deserialize)]
struct KeptProgress {
    since: Timestamp,
    lookup: LookupProgress,
}

impl Kept {
    fn open(folder: &Path, region: &str) -> io::Result<Self> {
        let name: String = region
            .chars()
            .filter(|character| character.is_ascii_alphanumeric() || *character == '-')
            .collect();
        let progress_path = folder.join(format!(".{name}.progress"));
        let progress = match fs::read(&progress_path) {
            Ok(text) => Some(serde_json::from_slice(&text)?),
            Err(error) if error.kind() == io::ErrorKind::NotFound => None,
            Err(error) => return Err(error),
        };
        let records =
            OpenOptions::new().create(true).append(true).open(folder.join(format!("{name}.jsonl")))?;
        Ok(Self { records, progress_path, progress, since: Timestamp::MIN })
    }

    /// Whether an earlier lookup was begun that has to be gone on with, as far as `begin` has found.
    fn is_interrupted(&self) -> bool {
        self.progress.as_ref().is_some_and(|kept| kept.since == self.since && !kept.lookup.is_finished)
    }

    /// Where to go on, and what is too old for that. An earlier lookup counts if it goes back as far as this one.
    fn begin(
        &mut self,
        region: &str,
        request: &LookupRequest,
        now: Timestamp,
    ) -> (LookupProgress, Option<OutOfHistory>) {
        let (mut fresh, unknown) = request.begin(region, now);
        let Some(kept) = self.progress.as_ref().filter(|kept| kept.since <= fresh.from) else {
            self.since = fresh.from;
            return (fresh, unknown);
        };
        self.since = kept.since;
        let unknown = unknown.filter(|unknown| unknown.asked_from.is_none_or(|from| from < kept.since));
        if !kept.lookup.is_finished {
            return (kept.lookup.clone(), unknown);
        }
        fresh.from = fresh.from.max(kept.lookup.until.checked_sub(LATE).unwrap_or(Timestamp::MIN));
        fresh.is_finished = fresh.from > fresh.until;
        (fresh, unknown)
    }

    /// Keeps a page: first its records, then how far the lookup has come. Killed in between, it is read twice, and
    /// duplicates are told by their ids.
    fn add(&mut self, page: LookupPage) -> io::Result<()> {
        let mut lines = String::new();
        for event in &page.events {
            // One record is one line, whatever white space AWS writes.
            lines.extend(event.chars().map(|character| if character == '\n' { ' ' } else { character }));
            lines.push('\n');
        }
        self.records.write_all(lines.as_bytes())?;
        let progress = KeptProgress { since: self.since, lookup: page.progress };
        let temporary = self.progress_path.with_extension("progress-new");
        fs::write(&temporary, serde_json::to_vec(&progress)?)?;
        fs::rename(&temporary, &self.progress_path)?;
        self.progress = Some(progress);
        Ok(())
    }
}

fn cannot_keep(folder: &Path, error: io::Error) -> CommandError {
    CommandError::failure(format!("cannot keep looked up events in {}: {error}", folder.display()))
        .hint("Name a folder that can be written to, with nothing else in it, with --keep.")
}
