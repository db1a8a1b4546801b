//! An audit of a saved credential report: no AWS, a stream from the file to the findings.

use std::fs::File;
use std::io::{self, BufRead, BufReader};
use std::num::NonZeroUsize;
use std::path::Path;
use std::sync::mpsc::{SyncSender, sync_channel};
use std::thread;

use jiff::Timestamp;
use rotakey_core::audit::report_gaps;
use rotakey_core::policy::Policy;
use rotakey_core::report::{ReportError, ReportReader, Section, Sections};
use rotakey_engine::inventory::Progress as _;

use super::AuditArgs;
use super::human::{Header, Source};
use super::portion::{Portion, Question};
use super::sink::Auditor;
use crate::error::{CommandError, Verdict};
use crate::printer::{Printer, cannot_write};
use crate::progress::Progress;

/// How many sections may wait for each judge: enough that it need not wait, few enough to bound the memory.
const WAITING: usize = 2;

/// More judges than this wait for whoever cuts and writes.
const MOST_JUDGES: usize = 8;

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
    let report = ReportReader::new(input).map_err(unreadable)?;
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
    let mut sections = report.into_sections();
    let progress = Progress::new(printer);
    judge_in_threads(&mut sections, &question, |portion| {
        auditor.take(portion.map_err(unreadable)?).map_err(cannot_write)?;
        progress.step(auditor.keys(), None, "judging keys");
        Ok(())
    })?;
    drop(progress);
    header.source = Source::Report { name, generated_at: sections.generated_at() };
    auditor.finish(&header)
}

fn open(path: &Path) -> io::Result<Box<dyn BufRead + Send>> {
    const BUFFER: usize = 256 * 1024;
    if path == Path::new("-") {
        return Ok(Box::new(BufReader::with_capacity(BUFFER, io::stdin())));
    }
    Ok(Box::new(BufReader::with_capacity(BUFFER, File::open(path)?)))
}

/// Cuts the report in one thread, reads and judges its sections in several, and hands the portions out in this
/// one, in the order of the report. What is between them is bounded, so the memory is, too.
fn judge_in_threads<R: BufRead + Send>(
    sections: &mut Sections<R>,
    question: &Question<'_>,
    take: impl FnMut(Result<Portion, ReportError>) -> Result<(), CommandError>,
) -> Result<(), CommandError> {
    let judges = thread::available_parallelism().map_or(1, NonZeroUsize::get).min(MOST_JUDGES);
    thread::scope(|scope| {
        let (mut inputs, mut outputs) = (Vec::new(), Vec::new());
        for _ in 0..judges {
            let (input, sections) = sync_channel::<Result<Section, ReportError>>(WAITING);
            let (portions, output) = sync_channel(WAITING);
            inputs.push(input);
            outputs.push(output);
            scope.spawn(move || {
                for section in sections {
                    if portions.send(section.and_then(|section| judge(&section, question))).is_err() {
                        break;
                    }
                }
            });
        }
        scope.spawn(move || cut(sections, &inputs));
        // The sections went to the judges in turn, so the portions come back in turn, and the first judge that
        // has none left had the end. When this returns early, the threads notice that nobody listens.
        outputs.iter().cycle().map_while(|output| output.recv().ok()).try_for_each(take)
    })
}

/// Sends the sections on, to each judge in turn, until the report ends or nobody listens any more.
fn cut<R: BufRead>(sections: &mut Sections<R>, judges: &[SyncSender<Result<Section, ReportError>>]) {
    for judge in judges.iter().cycle() {
        let Some(section) = sections.next_section().transpose() else { break };
        if judge.send(section).is_err() {
            break;
        }
    }
}

/// Judges the users with keys in one section.
fn judge(section: &Section, question: &Question<'_>) -> Result<Portion, ReportError> {
    let mut portion = question.begin();
    let mut rows = section.reader();
    while let Some(row) = rows.next_row()? {
        if row.holds_keys() {
            question.judge(&row.to_subject(section.generated_at()), &mut portion);
        }
    }
    Ok(portion)
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
