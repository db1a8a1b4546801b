//! An audit of a saved credential report: no AWS, a stream from the file to the findings.

use std::fs::File;
use std::io::{self, BufRead, BufReader};
use std::num::NonZeroUsize;
use std::path::Path;
use std::sync::mpsc::{SyncSender, sync_channel};
use std::thread;

use jiff::Timestamp;
use rotakey_core::audit::report_gaps;
use rotakey_core::policy::{Policy, UserSubject};
use rotakey_core::report::{ReportError, ReportReader};
use rotakey_engine::inventory::Progress as _;

use super::AuditArgs;
use super::human::{Header, Source};
use super::portion::{Portion, Question};
use super::sink::Auditor;
use crate::error::{CommandError, Verdict};
use crate::printer::{Printer, cannot_write};
use crate::progress::Progress;

/// How many users travel from the reader to the judge at once.
const BATCH: usize = 512;

/// How many batches may wait for each judge: enough that it need not wait, few enough to bound the memory.
const WAITING: usize = 2;

/// More judges than this wait for the one reader.
const MOST_JUDGES: usize = 4;

/// Runs the audit.
pub(super) fn run(
    args: &AuditArgs,
    path: &Path,
    policy: &Policy,
    printer: &Printer,
    now: Timestamp,
) -> Result<Verdict, CommandError> {
    let name = if path == Path::new("-") { "standard input".to_owned() } else { path.display().to_string() };
    let unreadable = |error: ReportError| unreadable(&name, error);
    let input = open(path).map_err(|error| unreadable(error.into()))?;
    let mut report = ReportReader::new(input).map_err(unreadable)?;
    if !report.unknown_columns().is_empty() {
        printer.note(&format!(
            "Columns that this version does not know are passed over: {}",
            report.unknown_columns().join(", ")
        ));
    }
    let gaps = report_gaps();
    let question = Question::new(args, policy, &gaps, printer.format(), now);
    let mut header = Header::new(&question, Source::Report { name: name.clone(), generated_at: None });
    let mut auditor = Auditor::new(&question, gaps, printer)?;
    let progress = Progress::new(printer);
    let (read, written) = judge_in_threads(&mut report, &question, |portion| {
        auditor.take(portion)?;
        progress.step(auditor.keys(), None, "judging keys");
        Ok(())
    });
    drop(progress);
    written.map_err(cannot_write)?;
    read.map_err(unreadable)?;
    header.source = Source::Report { name, generated_at: report.generated_at() };
    auditor.finish(&header)
}

fn open(path: &Path) -> io::Result<Box<dyn BufRead + Send>> {
    const BUFFER: usize = 256 * 1024;
    if path == Path::new("-") {
        return Ok(Box::new(BufReader::with_capacity(BUFFER, io::stdin())));
    }
    Ok(Box::new(BufReader::with_capacity(BUFFER, File::open(path)?)))
}

/// Reads in one thread, judges in several, and writes in this one, in the order of the report. What is between
/// them is bounded, so the memory is, too.
fn judge_in_threads<R: BufRead + Send>(
    report: &mut ReportReader<R>,
    question: &Question<'_>,
    mut write: impl FnMut(Portion) -> io::Result<()>,
) -> (Result<(), ReportError>, io::Result<()>) {
    let judges = thread::available_parallelism().map_or(1, NonZeroUsize::get).min(MOST_JUDGES);
    thread::scope(|scope| {
        let (mut inputs, mut outputs) = (Vec::new(), Vec::new());
        for _ in 0..judges {
            let (input, batches) = sync_channel::<Vec<UserSubject>>(WAITING);
            let (portions, output) = sync_channel(WAITING);
            inputs.push(input);
            outputs.push(output);
            scope.spawn(move || {
                for batch in batches {
                    if portions.send(question.portion(&batch)).is_err() {
                        break;
                    }
                }
            });
        }
        let reader = scope.spawn(move || read_users(report, &inputs));
        // The batches went to the judges in turn, so the portions come back in turn; the first judge that has
        // none left had the end.
        let written = outputs.iter().cycle().map_while(|output| output.recv().ok()).try_for_each(&mut write);
        // Who waits for room must hear that nobody will make any.
        drop(outputs);
        (reader.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic)), written)
    })
}

/// Sends the users on in batches, to each judge in turn, until the report ends or nobody listens any more.
fn read_users<R: BufRead>(
    report: &mut ReportReader<R>,
    judges: &[SyncSender<Vec<UserSubject>>],
) -> Result<(), ReportError> {
    let mut batch = Vec::with_capacity(BATCH);
    for judge in judges.iter().cycle() {
        while batch.len() < BATCH {
            let generated_at = report.generated_at();
            match report.next_row()? {
                Some(row) => batch.push(row.to_subject(generated_at)),
                None => {
                    // Nobody listens if nothing can be written, which is told elsewhere.
                    let _ = judge.send(batch);
                    return Ok(());
                }
            }
        }
        if judge.send(std::mem::replace(&mut batch, Vec::with_capacity(BATCH))).is_err() {
            break;
        }
    }
    Ok(())
}

/// Why a report cannot be read, and what to do about it.
fn unreadable(name: &str, error: ReportError) -> CommandError {
    let hint = match (&error, error.hint()) {
        (_, Some(hint)) => hint.to_owned(),
        (ReportError::Input(cause), None) if cause.kind() == io::ErrorKind::NotFound => {
            "Name an existing file, or - for standard input.".to_owned()
        }
        _ => "Fetch the report again: `aws iam generate-credential-report`, then `aws iam get-credential-report > report.json`."
            .to_owned(),
    };
    let is_usage = matches!(&error, ReportError::Input(_) | ReportError::NotAReport { .. });
    let text = format!("{name}: {error}");
    let error = if is_usage { CommandError::usage(text) } else { CommandError::incomplete(text) };
    error.hint(hint)
}
