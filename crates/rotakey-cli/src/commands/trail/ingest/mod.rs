//! `rotakey trail ingest`: adds the files of a trail to an index, each once.

mod queue;

use std::collections::HashSet;
use std::path::Path;

use clap::Args;
use rotakey_engine::port::Clock as _;
use rotakey_store::usage_index::{IndexFile, Ingest, Ingested, Reading, SEEN_DAYS};
use rotakey_trail::event_time::EventTime;
use rotakey_trail::read::{ReadOptions, read};
use rotakey_trail::rollup::{Seen, Unseen};
use rotakey_trail::selection::Selection;
use rotakey_trail::source::objects::ObjectStores;
use rotakey_trail::source::{Find, FindError, Input, Location, Trail, TrailFile};
use rotakey_trail::summary::Summary;
use serde::Serialize;
use tokio::task::block_in_place;

use self::queue::Source;
use super::index::{IndexArgs, index_error};
use super::input::{instant, named};
use super::tell::tell;
use crate::assembly::{self, Aws};
use crate::cli::{Format, GlobalArgs};
use crate::clock::SystemClock;
use crate::error::{CommandError, Verdict, exit_codes};
use crate::printer::Printer;
use crate::progress::Progress;
use crate::quantity::{count, grouped};

/// Add log files to an index, each once, for quick answers over years
#[derive(Debug, Args)]
#[command(after_help = concat!(
    "A file is known by its name, and by its ETag or time: files that are in the index
already are passed over, so the same command can be run again and again. Copies of
an event are counted once, also when they come in different runs within
--duplicate-days. A file that cannot be read to its end adds nothing; it is told,
and is new the next time.

Examples:
  rotakey trail ingest logs/
  rotakey trail ingest s3://trail-bucket/AWSLogs/ --index postgres://db/keys
  rotakey trail ingest s3://trail-bucket/AWSLogs/ --follow --queue https://sqs...
  rotakey trail ingest --forget-before 2024-01-01

With --queue, PATH is not listed: the queue, which the bucket, its topic or
EventBridge tells of new objects, says what is new, and only what is below PATH is
read. A message is deleted when its objects are in the index.

",
    exit_codes!()
))]
pub(crate) struct IngestArgs {
    /// Log files, folders of them, s3://BUCKET/PREFIX
    #[arg(value_name = "PATH", required_unless_present = "forget_before")]
    paths: Vec<String>,
    #[command(flatten)]
    index: IndexArgs,
    /// Add what this SQS queue tells of, until it is empty
    #[arg(long, value_name = "URL", requires = "paths")]
    queue: Option<String>,
    /// Go on until Ctrl-C
    #[arg(long, requires = "queue")]
    follow: bool,
    /// For how many days copies of an event are known
    #[arg(long, value_name = "DAYS", default_value_t = SEEN_DAYS, value_parser = clap::value_parser!(u32).range(..=400))]
    duplicate_days: u32,
    /// Forget all days before this one, and never add to them again
    #[arg(long, value_name = "DAY", value_parser = instant)]
    forget_before: Option<EventTime>,
}

/// The most files, and bytes as they are stored, that are added together: what of them is in memory.
const FILES_AT_A_TIME: usize = 2_000;
const BYTES_AT_A_TIME: u64 = 64 << 20;

/// What `--format json` writes.
#[derive(Debug, Serialize)]
struct Told<'a> {
    complete: bool,
    added_files: u64,
    known_files: u64,
    changed_files: &'a [String],
    damaged_files: &'a [String],
    added_calls: u64,
    forgotten_rows: u64,
    summary: &'a Summary,
}

/// Runs the command.
pub(super) async fn run(
    args: &IngestArgs,
    globals: &GlobalArgs,
    printer: &Printer,
) -> Result<Verdict, CommandError> {
    if printer.format() == Format::Csv {
        return Err(CommandError::usage("`rotakey trail ingest` has no CSV form")
            .hint("Use --format human or --format json."));
    }
    if args.paths.iter().any(|path| path == "-") {
        return Err(CommandError::usage("standard input has no name by which it could be known again")
            .hint("Name files, folders or s3://BUCKET/PREFIX."));
    }
    let index = args.index.open().await?;
    let forgotten_rows = match args.forget_before {
        Some(before) => index.prune(before.day()).await.map_err(index_error)?,
        None => 0,
    };
    let inputs: Vec<Input> = args.paths.iter().map(|path| named(path)).collect();
    let stores = match inputs.iter().any(|input| matches!(input, Input::Url(_))) {
        true => Some(assembly::object_stores(globals).await?),
        false => None,
    };
    let mut summary = Summary::default();
    let mut run = Ingest::new(&*index, args.duplicate_days);
    let ingested = match (&args.queue, &stores) {
        (Some(url), Some(stores)) => {
            let queue = Aws::connect(globals).await?.connection.notifications(url);
            let source = Source { queue, below: &args.paths, stores, follow: args.follow };
            queue::run(&source, &mut run, &mut summary, printer).await?
        }
        (Some(_), None) => {
            return Err(CommandError::usage("--queue tells of objects in S3, and PATH names none")
                .hint("Name the bucket, as s3://BUCKET/PREFIX: only what is below it is read."));
        }
        (None, stores) => {
            let trail = find(&inputs, stores.as_ref())?;
            let (progress, of) = (Progress::new(printer), trail.files.len());
            let told = |done| {
                rotakey_engine::inventory::Progress::step(&progress, done, Some(of), "adding files");
            };
            add_all(&mut run, trail, &mut summary, told).await?
        }
    };
    drop(run);
    index.close().await;
    report(&ingested, forgotten_rows, &summary, printer)
}

/// Finds the files, with what they are known by.
fn find(inputs: &[Input], stores: Option<&ObjectStores>) -> Result<Trail, CommandError> {
    let selection = Selection::default();
    let find = Find { selection: &selection, again: false, objects: stores };
    let found = block_in_place(|| {
        let mut trail = Trail::find(inputs, &find)?;
        trail.look();
        Ok(trail)
    });
    found.map_err(|error| match error {
        FindError::Store { .. } => {
            CommandError::usage(error).hint("Such a URL looks like s3://BUCKET/PREFIX.")
        }
    })
}

/// Adds all files of a trail, some at a time.
async fn add_all(
    run: &mut Ingest<'_>,
    trail: Trail,
    summary: &mut Summary,
    told: impl Fn(usize),
) -> Result<Ingested, CommandError> {
    summary.skipped.add(trail.skipped);
    for problem in trail.problems {
        summary.problem(problem.file, problem.message);
    }
    let mut ingested = Ingested::default();
    let mut done = 0;
    for files in portions(trail.files) {
        done += files.len();
        ingested.merge(add(run, files, summary).await?);
        told(done);
    }
    Ok(ingested)
}

/// Files that are added together, in their order.
fn portions(files: Vec<TrailFile>) -> Vec<Vec<TrailFile>> {
    let mut portions: Vec<Vec<TrailFile>> = Vec::new();
    let mut bytes = 0;
    for file in files {
        let size = file.bytes.unwrap_or(0);
        match portions.last_mut() {
            Some(last) if last.len() < FILES_AT_A_TIME && bytes + size <= BYTES_AT_A_TIME => {
                bytes += size;
                last.push(file);
            }
            _ => {
                bytes = size;
                portions.push(vec![file]);
            }
        }
    }
    portions
}

/// Adds files together.
async fn add(
    run: &mut Ingest<'_>,
    files: Vec<TrailFile>,
    summary: &mut Summary,
) -> Result<Ingested, CommandError> {
    let names: Vec<IndexFile> = files.iter().map(index_file).collect();
    let mut files: Vec<Option<TrailFile>> = files.into_iter().map(Some).collect();
    let now = EventTime::from_seconds(SystemClock.now().as_second()).unwrap_or_default();
    let mut told = Summary::default();
    let mut problems = Summary::default();
    let ingested = run
        .add(&names, now, |places, known| {
            let (reading, summary) = block_in_place(|| read_some(places, &mut files, known));
            if reading.damaged.is_empty() {
                told = summary;
            } else {
                // The others are read again: only what is wrong is told of this reading.
                for problem in summary.problems {
                    problems.problem(problem.file, problem.message);
                }
            }
            reading
        })
        .await
        .map_err(index_error)?;
    told.merge(problems);
    summary.merge(told);
    Ok(ingested)
}

/// Reads some of the files, and puts them back.
fn read_some(places: &[usize], files: &mut [Option<TrailFile>], known: &Seen) -> (Reading, Summary) {
    let some = places.iter().filter_map(|place| files.get_mut(*place)?.take()).collect();
    let trail = Trail { files: some, ..Trail::default() };
    let (unseen, summary) = read(&trail, &ReadOptions::default(), || Unseen::new(known), &());
    let (rollup, seen, repeated) = unseen.into_parts();
    let wrong: HashSet<&str> = summary.problems.iter().map(|problem| problem.file.as_str()).collect();
    let damaged = (0..trail.files.len()).filter(|place| wrong.contains(&*trail.files[*place].name)).collect();
    for (place, file) in places.iter().zip(trail.files) {
        files[*place] = Some(file);
    }
    let summary = Summary { duplicates: summary.duplicates + repeated, ..summary };
    (Reading { rollup, seen, damaged }, summary)
}

/// What a file is known by.
fn index_file(file: &TrailFile) -> IndexFile {
    let name = match &file.location {
        Location::Path(path) => whole_name(path),
        _ => file.name.clone(),
    };
    IndexFile { name, bytes: file.bytes, tag: file.etag.clone(), day: file.day }
}

/// The path from the root, whatever folder we are in.
fn whole_name(path: &Path) -> String {
    let whole = path.canonicalize().unwrap_or_else(|_| path.to_owned());
    whole.to_string_lossy().into_owned()
}

fn report(
    ingested: &Ingested,
    forgotten_rows: u64,
    summary: &Summary,
    printer: &Printer,
) -> Result<Verdict, CommandError> {
    let complete = summary.is_complete() && ingested.changed.is_empty() && ingested.damaged.is_empty();
    let number = |number: u64| usize::try_from(number).unwrap_or(usize::MAX);
    if printer.format() == Format::Json {
        printer.json(&Told {
            complete,
            added_files: ingested.added,
            known_files: ingested.known,
            changed_files: &ingested.changed,
            damaged_files: &ingested.damaged,
            added_calls: ingested.calls,
            forgotten_rows,
            summary,
        })?;
    } else {
        printer.text(&format!(
            "{} added with {} calls of access keys; {} there already.\n",
            count(number(ingested.added), "file"),
            grouped(number(ingested.calls)),
            count(number(ingested.known), "file"),
        ))?;
    }
    if forgotten_rows > 0 {
        printer.note(&format!("{} forgotten.", count(number(forgotten_rows), "row")));
    }
    for name in ingested.changed.iter().take(10) {
        printer.warning(&format!("{name}: changed since it was added; it is not added again."));
    }
    let verdict = tell(summary, Verdict::Clean, printer);
    Ok(if complete { verdict } else { Verdict::Incomplete })
}
