//! `rotakey rotate status`: where every rotation stands.

use clap::Args;
use jiff::Timestamp;
use rotakey_core::id::{AccessKeyId, AccountId, RotationId, UserName};
use rotakey_core::rotate::controls::Controls;
use rotakey_core::rotate::{Ending, PlanHash, Question, Rotation};
use rotakey_engine::store::Store;
use serde::Serialize;

use super::control::halted;
use super::held::{Held, Holds};
use super::logbook::{Logbook, list};
use super::words::progress;
use crate::cli::Format;
use crate::error::{CommandError, Verdict, exit_codes};
use crate::printer::{Printer, cannot_write};
use crate::quantity::count;
use crate::table::{Cell, Fit, Table};

/// Say where every rotation stands
#[derive(Debug, Args)]
#[command(after_help = concat!(
    "Examples:
  rotakey rotate status                    the rotations under way
  rotakey rotate status --all              also those that have ended
  rotakey rotate status --format json

Only the log is read; AWS is not called. Exits with 1 if a rotation waits for
a person: its question and what to do about it are printed.

",
    exit_codes!()
))]
pub(crate) struct StatusArgs {
    /// Also the rotations that have ended
    #[arg(long)]
    all: bool,
}

/// One rotation in `--format json`.
#[derive(Debug, Serialize)]
pub(crate) struct RotationData<'a> {
    rotation: &'a RotationId,
    account_id: AccountId,
    user_name: &'a UserName,
    old_access_key_id: &'a AccessKeyId,
    new_access_key_id: Option<&'a AccessKeyId>,
    state: &'static str,
    progress: String,
    question: Option<QuestionData<'a>>,
    last_failure: Option<&'a str>,
    missing_approval: Option<String>,
    held_back: Option<Held>,
    plan_hash: PlanHash,
    version: u64,
    updated_at: Timestamp,
}

/// A question with what to do about it.
#[derive(Debug, Serialize)]
struct QuestionData<'a> {
    #[serde(flatten)]
    question: &'a Question,
    text: String,
    advice: &'static str,
}

impl<'a> RotationData<'a> {
    /// What is told of a rotation.
    pub(crate) fn of(rotation: &'a Rotation, holds: &Holds<'_>, now: Timestamp) -> Self {
        let subject = &rotation.plan().subject;
        Self {
            rotation: rotation.id(),
            account_id: subject.account_id,
            user_name: &subject.user_name,
            old_access_key_id: &rotation.plan().old_key,
            new_access_key_id: new_key(rotation),
            state: standing(rotation),
            progress: progress(rotation, now),
            question: rotation.question().map(|question| QuestionData {
                question,
                text: question.to_string(),
                advice: question.advice(),
            }),
            last_failure: rotation.last_failure(),
            missing_approval: rotation.awaits_approval(now).map(|missing| missing.to_string()),
            held_back: holds.of(rotation, now),
            plan_hash: rotation.plan().hash(),
            version: rotation.version(),
            updated_at: rotation.updated_at(),
        }
    }
}

/// The new key, while there is one that applications may use, and after the rotation.
fn new_key(rotation: &Rotation) -> Option<&AccessKeyId> {
    match rotation.ending() {
        Some(Ending::Rotated { new_key }) => Some(new_key),
        _ => rotation.new_key(),
    }
}

/// Where it stands in one word; of one that has ended, how.
fn standing(rotation: &Rotation) -> &'static str {
    match rotation.ending() {
        Some(Ending::Rotated { .. }) => "rotated",
        Some(Ending::Finished { .. }) => "finished",
        Some(Ending::RolledBack { .. }) => "rolled-back",
        Some(Ending::Aborted { .. }) => "aborted",
        None => rotation.state().name(),
    }
}

/// Runs the command.
pub(crate) async fn run(
    args: &StatusArgs,
    controls: &Controls,
    store: &dyn Store,
    printer: &Printer,
    now: Timestamp,
) -> Result<Verdict, CommandError> {
    let mut rotations = Vec::new();
    for summary in list(store, args.all).await? {
        rotations.push(Logbook::open(store, &summary.id).await?.rotation);
    }
    let holds = Holds { controls: Some(controls), halt: halted(store).await? };
    if let Some(halt) = &holds.halt {
        printer.warning(&format!("Everything is halted by {}: {}", halt.by, halt.why));
    }
    print(&rotations, &holds, printer, now)?;
    if rotations.is_empty() {
        printer.note(if args.all {
            "No key was ever rotated from this store."
        } else {
            "No rotation is under way."
        });
        printer.hint("`rotakey rotate plan` says what there is to rotate.");
    }
    Ok(verdict(&rotations, now))
}

/// Whether somebody is waited for.
pub(crate) fn verdict(rotations: &[Rotation], now: Timestamp) -> Verdict {
    let asks = rotations
        .iter()
        .any(|rotation| rotation.question().is_some() || rotation.awaits_approval(now).is_some());
    if asks { Verdict::Findings } else { Verdict::Clean }
}

/// Prints rotations in the form asked for.
pub(crate) fn print(
    rotations: &[Rotation],
    holds: &Holds<'_>,
    printer: &Printer,
    now: Timestamp,
) -> Result<(), CommandError> {
    match printer.format() {
        Format::Json => {
            let data: Vec<_> =
                rotations.iter().map(|rotation| RotationData::of(rotation, holds, now)).collect();
            printer.json(&data)
        }
        Format::Csv => print_csv(rotations, holds, printer, now),
        Format::Human if rotations.is_empty() => Ok(()),
        Format::Human => print_table(rotations, holds, printer, now),
    }
}

fn print_csv(
    rotations: &[Rotation],
    holds: &Holds<'_>,
    printer: &Printer,
    now: Timestamp,
) -> Result<(), CommandError> {
    let mut rows = csv::Writer::from_writer(printer.data());
    for rotation in rotations {
        let data = RotationData::of(rotation, holds, now);
        rows.serialize(RowData {
            rotation: data.rotation,
            account_id: data.account_id,
            user_name: data.user_name,
            old_access_key_id: data.old_access_key_id,
            new_access_key_id: data.new_access_key_id,
            state: data.state,
            progress: &data.progress,
            question: data.question.map(|question| question.text),
            updated_at: data.updated_at,
        })
        .map_err(|error| cannot_write(error.into()))?;
    }
    rows.flush().map_err(cannot_write)
}

/// One rotation in `--format csv`.
#[derive(Debug, Serialize)]
struct RowData<'a> {
    rotation: &'a RotationId,
    account_id: AccountId,
    user_name: &'a UserName,
    old_access_key_id: &'a AccessKeyId,
    new_access_key_id: Option<&'a AccessKeyId>,
    state: &'static str,
    progress: &'a str,
    question: Option<String>,
    updated_at: Timestamp,
}

/// One row of keys and one line of words for each rotation.
fn print_table(
    rotations: &[Rotation],
    holds: &Holds<'_>,
    printer: &Printer,
    now: Timestamp,
) -> Result<(), CommandError> {
    let palette = printer.palette();
    let mut table = Table::new([Fit::Elide, Fit::Whole, Fit::Whole, Fit::Whole]);
    table.row(["USER", "OLD KEY", "NEW KEY", "STATE"].map(|title| Cell::new(title).style(palette.heading)));
    for rotation in rotations {
        let new_key = new_key(rotation).map_or("-", AccessKeyId::as_str);
        let state = Cell::new(standing(rotation));
        table.row([
            Cell::new(rotation.plan().subject.user_name.as_str()),
            Cell::new(rotation.plan().old_key.as_str()),
            Cell::new(new_key),
            if rotation.question().is_some() { state.style(palette.warning) } else { state },
        ]);
        table.sentence(
            2,
            Cell::new(format!("{}  {}", rotation.id(), progress(rotation, now))).style(palette.quiet),
        );
        if let Some(failure) = rotation.last_failure() {
            table.sentence(2, Cell::new(format!("last failure: {failure}")).style(palette.warning));
        }
        if let Some(missing) = rotation.awaits_approval(now) {
            table.sentence(2, Cell::new(format!("needs {missing}")).style(palette.warning));
            let command = format!("rotakey rotate approve {} --step {}", rotation.id(), missing.step);
            table.sentence(2, Cell::new(format!("do:   {command}")).style(palette.command));
        }
        if let Some(held) = holds.of(rotation, now) {
            let text = format!("changes nothing {}", held.words());
            table.sentence(2, Cell::new(text).style(palette.quiet));
        }
        if let Some(question) = rotation.question() {
            table.sentence(2, Cell::new(format!("asks: {question}")).style(palette.warning));
            table.sentence(2, Cell::new(format!("do:   {}", question.advice())).style(palette.command));
        }
    }
    printer.table(&table)?;
    let asks =
        |rotation: &&Rotation| rotation.question().is_some() || rotation.awaits_approval(now).is_some();
    let asking = rotations.iter().filter(asks).count();
    printer.text(&format!("\n{}, {asking} waiting for a person\n", count(rotations.len(), "rotation")))
}
