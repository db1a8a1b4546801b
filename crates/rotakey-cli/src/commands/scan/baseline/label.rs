//! `rotakey scan baseline label`.

use clap::Args;
use rotakey_scan::baseline::Label;

use super::{FileArgs, digest, read_existing, words, write};
use crate::error::{CommandError, Verdict, exit_codes};
use crate::printer::Printer;

/// Say of a known value whether it is a secret
#[derive(Debug, Args)]
#[command(override_usage = "\
rotakey scan baseline label [OPTIONS] <PATH> <SHA1> --real
       rotakey scan baseline label [OPTIONS] <PATH> <SHA1> --harmless
       rotakey scan baseline label [OPTIONS] <PATH> <SHA1> --unknown")]
#[command(after_help = concat!("Examples:
  rotakey scan baseline label app.conf 17a012ca --real
  rotakey scan baseline label tests/keys.txt 3294e5ee --harmless

", exit_codes!()))]
pub(super) struct LabelArgs {
    /// The file, as `rotakey scan baseline list` names it
    path: String,
    /// The SHA-1 of the value, or its first 6 digits and more
    #[arg(value_name = "SHA1", value_parser = prefix)]
    sha1: String,
    #[command(flatten)]
    label: Answer,
    #[command(flatten)]
    file: FileArgs,
}

#[derive(Debug, Args)]
#[group(required = true, multiple = false)]
struct Answer {
    /// It is a secret, and should not be here
    #[arg(long)]
    real: bool,
    /// It may stay
    #[arg(long)]
    harmless: bool,
    /// Nobody knows
    #[arg(long)]
    unknown: bool,
}

fn prefix(text: &str) -> Result<String, &'static str> {
    let text = text.to_ascii_lowercase();
    if (6..=40).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_hexdigit()) {
        Ok(text)
    } else {
        Err("6 to 40 hexadecimal digits are wanted")
    }
}

/// Runs the command.
pub(super) fn run(args: &LabelArgs, printer: &Printer) -> Result<Verdict, CommandError> {
    let mut baseline = read_existing(&args.file.baseline)?;
    let label = match args.label {
        Answer { real: true, .. } => Label::Real,
        Answer { harmless: true, .. } => Label::Harmless,
        Answer { .. } => Label::Unlabelled,
    };
    let entries = baseline.entries();
    let meant: Vec<_> = entries
        .iter()
        .filter(|entry| entry.id.path == args.path && digest(entry).starts_with(&args.sha1))
        .collect();
    let Some(first) = meant.first() else {
        return Err(CommandError::usage(format!("the baseline has no value {} in {}", args.sha1, args.path))
            .hint("`rotakey scan baseline list --all` names all."));
    };
    if meant.iter().any(|entry| entry.id.sha1 != first.id.sha1) {
        return Err(CommandError::usage(format!(
            "more than one value in {} begins with {}",
            args.path, args.sha1
        ))
        .hint("Give more digits."));
    }
    for entry in &meant {
        baseline.set_label(&entry.id, label);
    }
    if baseline.is_changed() {
        write(&baseline, &args.file.baseline)?;
    }
    printer.note(&format!("{} in {} is {} now.", args.sha1, args.path, words(label)));
    Ok(Verdict::Clean)
}
