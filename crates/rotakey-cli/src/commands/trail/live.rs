//! Records from CloudTrail's event history, where there are no log files: slow, and no more than AWS remembers.

use std::collections::BTreeMap;
use std::fs::{self, File, OpenOptions};
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

use futures::StreamExt as _;
use rotakey_aws::cloudtrail::{LookupPage, LookupProgress, LookupRequest};
use rotakey_engine::inventory::Progress as _;
use rotakey_trail::event_time::EventTime;
use rotakey_trail::selection::Selection;
use rotakey_trail::summary::Problem;
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
    let mut begun = Vec::new();
    for region in regions {
        let mut kept =
            Kept::open(lookup.folder(), &region).map_err(|error| cannot_keep(lookup.folder(), error))?;
        let progress = match kept.progress.take() {
            Some(progress) => progress,
            None => {
                let (progress, out_of_history) = request.begin(&region, aws.clock.now());
                if let Some(out_of_history) = out_of_history.filter(|_| selection.from.is_some()) {
                    lookup.problems.push(Problem {
                        file: format!("event history of {region}"),
                        message: out_of_history.to_string(),
                    });
                }
                progress
            }
        };
        files.insert(region, kept);
        begun.push(progress);
    }
    let bar = Progress::new(printer);
    let mut pages = aws.connection.cloudtrail(aws.clock.clone()).pages_of_all(begun);
    let mut events = 0;
    while let Some(page) = pages.next().await {
        match page {
            Ok(page) => {
                events += page.events.len();
                bar.step(events, None, "looking up events");
                let kept = files.get_mut(&page.progress.region);
                if let Some(kept) = kept {
                    kept.add(&page).map_err(|error| cannot_keep(lookup.folder(), error))?;
                }
                if page.without_record > 0 {
                    let message = format!("{} events came without their record", page.without_record);
                    lookup.problems.push(Problem { file: page.progress.region, message });
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
    Ok(lookup)
}

/// The files of one region.
struct Kept {
    records: File,
    progress_path: PathBuf,
    progress: Option<LookupProgress>,
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
        Ok(Self { records, progress_path, progress })
    }

    /// Keeps a page: first its records, then how far the lookup has come. Killed in between, it is read twice, and
    /// duplicates are told by their ids.
    fn add(&mut self, page: &LookupPage) -> io::Result<()> {
        let mut lines = String::new();
        for event in &page.events {
            // One record is one line, whatever white space AWS writes.
            lines.extend(event.chars().map(|character| if character == '\n' { ' ' } else { character }));
            lines.push('\n');
        }
        self.records.write_all(lines.as_bytes())?;
        let temporary = self.progress_path.with_extension("progress-new");
        fs::write(&temporary, serde_json::to_vec(&page.progress)?)?;
        fs::rename(&temporary, &self.progress_path)
    }
}

fn cannot_keep(folder: &Path, error: io::Error) -> CommandError {
    CommandError::failure(format!("cannot keep looked up events in {}: {error}", folder.display()))
        .hint("Name a folder that can be written to, with nothing else in it, with --keep.")
}
