//! `rotakey trail verify`: whether the log files are those that CloudTrail delivered, all of them.

use std::path::{Path, PathBuf};

use clap::Args;
use rotakey_engine::inventory::Progress as _;
use rotakey_trail::event_time::EventTime;
use rotakey_trail::verify::{
    Code, Coverage, Problem, PublicKey, Severity, Verification, VerifyError, VerifyOptions, WantedKeys,
    verify, wanted_keys,
};
use serde::Serialize;

use super::input::instant;
use crate::assembly::Aws;
use crate::cli::{Format, GlobalArgs};
use crate::error::{CommandError, ErrorKind, Verdict, exit_codes};
use crate::explain::port_error;
use crate::printer::{Palette, Printer, cannot_write};
use crate::progress::Progress;
use crate::quantity::{count, grouped};
use crate::table::{Cell, Fit, Table};
use crate::terminal::escape;

/// The most problems that are told to people one by one.
const FEW: usize = 10;

/// Say whether log files are as CloudTrail delivered them, all of them
#[derive(Debug, Args)]
#[command(after_help = concat!(
    "FOLDER holds what was in the bucket, or a part of it, with the folders
CloudTrail and CloudTrail-Digest, as `aws s3 sync` copies them. A copy lacks what
S3 keeps beside its objects, the signatures: each digest is proven by the one
after it, and the newest by what `aws s3api head-object` prints of it, if that
was saved as NAME.json.gz.metadata.json.

Examples:
  rotakey trail verify logs/               asks CloudTrail for its public keys
  aws cloudtrail list-public-keys --start-time 2026-11-01 > keys.json
  rotakey trail verify --public-keys keys.json logs/
  rotakey trail verify --public-keys keys.json --from 2026-11-01 logs/
  rotakey trail verify --public-keys keys.json --format csv logs/

",
    exit_codes!()
))]
pub(crate) struct VerifyArgs {
    /// Folders with the layout of the bucket
    #[arg(value_name = "FOLDER", required = true)]
    folders: Vec<PathBuf>,
    /// The public keys, as `aws cloudtrail list-public-keys` printed them; of several regions, one after the other
    /// [default: CloudTrail is asked for them]
    #[arg(long, value_name = "FILE")]
    public_keys: Option<PathBuf>,
    /// All from this instant or day on must be proven, such as 2026-11-01 [default: the oldest digest]
    #[arg(long, value_name = "INSTANT", value_parser = instant)]
    from: Option<EventTime>,
    /// All before this instant or day must be proven [default: the newest digest]
    #[arg(long, value_name = "INSTANT", value_parser = instant)]
    until: Option<EventTime>,
    /// The bucket that the digests must have been delivered to
    #[arg(long, value_name = "NAME")]
    bucket: Option<String>,
    /// Show all problems to people, not only the first
    #[arg(long)]
    all: bool,
}

/// Runs the command.
pub(super) async fn run(
    args: &VerifyArgs,
    globals: &GlobalArgs,
    printer: &Printer,
) -> Result<Verdict, CommandError> {
    let options = VerifyOptions {
        from: args.from,
        until: args.until,
        bucket: args.bucket.clone(),
        ..VerifyOptions::default()
    };
    let keys = public_keys(args, &options, globals, printer).await?;
    let progress = Progress::new(printer);
    let watch = |files: u64| {
        let files = usize::try_from(files).unwrap_or(usize::MAX);
        progress.step(files, None, "checking files");
    };
    let verification = verify(&args.folders, &keys, &options, &watch).map_err(refused)?;
    drop(progress);
    match printer.format() {
        Format::Json => printer.json(&verification)?,
        Format::Csv => print_csv(&verification, printer)?,
        Format::Human => print_human(&verification, args.all, printer)?,
    }
    advise(&verification, args, printer);
    Ok(if !verification.complete {
        Verdict::Incomplete
    } else if verification.has_findings() {
        Verdict::Findings
    } else {
        Verdict::Clean
    })
}

/// The keys that the digests are held against: those of a file, or CloudTrail's own, for each region of the folders.
async fn public_keys(
    args: &VerifyArgs,
    options: &VerifyOptions,
    globals: &GlobalArgs,
    printer: &Printer,
) -> Result<Vec<PublicKey>, CommandError> {
    match &args.public_keys {
        Some(path) => saved_keys(path),
        None => live_keys(&wanted_keys(&args.folders, options), globals, printer).await,
    }
}

async fn live_keys(
    wanted: &[WantedKeys],
    globals: &GlobalArgs,
    printer: &Printer,
) -> Result<Vec<PublicKey>, CommandError> {
    if wanted.is_empty() {
        return Ok(Vec::new());
    }
    let aws = Aws::connect(globals).await?;
    let cloudtrail = aws.connection.cloudtrail(aws.clock.clone());
    let mut keys = Vec::new();
    for WantedKeys { region, from, until } in wanted {
        printer.detail(&format!("Asking CloudTrail for its public keys in {region}."));
        let listed = cloudtrail.list_public_keys(region, (*from).into(), (*until).into()).await;
        let listed = listed.map_err(|error| {
            CommandError { kind: ErrorKind::Incomplete, ..port_error(error) }.hint(
                "Or save them where AWS can be asked, for each region: aws cloudtrail list-public-keys \
                     --start-time … > keys.json; then name the file with --public-keys.",
            )
        })?;
        for key in listed {
            let key = PublicKey::new(&key.fingerprint, &key.value).map_err(|error| {
                CommandError::failure(format!("a public key of CloudTrail in {region}: {error}"))
            })?;
            keys.push(key);
        }
    }
    Ok(keys)
}

fn saved_keys(path: &Path) -> Result<Vec<PublicKey>, CommandError> {
    let json = std::fs::read(path).map_err(|error| {
        CommandError::usage(format!("cannot read {}: {error}", path.display())).hint("Name an existing file.")
    })?;
    PublicKey::list(&json).map_err(|error| {
        CommandError::usage(format!("{}: {error}", path.display()))
            .hint("Save them again: aws cloudtrail list-public-keys --start-time … > keys.json")
    })
}

fn refused(error: VerifyError) -> CommandError {
    let hint = match error {
        VerifyError::NotAFolder(_) => "Name the folder that holds CloudTrail and CloudTrail-Digest.",
        VerifyError::EmptyPeriod => "--until names the first instant that is too late.",
    };
    CommandError::usage(error).hint(hint)
}

/// One problem in `--format csv`.
#[derive(Serialize)]
struct Row<'a> {
    severity: Severity,
    code: Code,
    region: String,
    object: String,
    message: &'a str,
}

fn print_csv(verification: &Verification, printer: &Printer) -> Result<(), CommandError> {
    let mut rows = csv::Writer::from_writer(printer.data());
    for Problem { region, object, severity, code, message } in &verification.problems {
        let message = &escape(message);
        let row =
            Row { severity: *severity, code: *code, region: cell(region), object: cell(object), message };
        rows.serialize(row).map_err(|error| cannot_write(error.into()))?;
    }
    rows.flush().map_err(cannot_write)
}

/// Foreign text that no terminal and no spreadsheet takes for something to carry out.
fn cell(text: &str) -> String {
    let quote = if text.starts_with(['=', '+', '-', '@']) { "'" } else { "" };
    format!("{quote}{}", escape(text))
}

fn print_human(verification: &Verification, all: bool, printer: &Printer) -> Result<(), CommandError> {
    let palette = printer.palette();
    if !verification.trails.is_empty() {
        printer.table(&coverage(&verification.trails, palette))?;
        printer.text("\n")?;
    }
    printer.table(&counts(verification, palette))?;
    let problems = worst_first(&verification.problems);
    let shown = if all { problems.len() } else { FEW.min(problems.len()) };
    if shown > 0 {
        printer.text("\n")?;
        printer.table(&problem_table(&problems[..shown], palette))?;
    }
    if let Some(more) = problems.len().checked_sub(shown).filter(|more| *more > 0) {
        printer.text(&format!("… and {}\n", count(more, "more problem")))?;
    }
    printer.text("\n")?;
    let (style, verdict) = verdict(verification, palette);
    printer.text(&format!("{style}{verdict}{style:#}\n"))
}

/// One row for each trail and region, and one more for each further time that is covered.
fn coverage(trails: &[Coverage], palette: Palette) -> Table {
    let mut table = Table::new([Fit::Elide, Fit::Whole, Fit::Whole, Fit::Whole]);
    let titles = ["TRAIL", "REGION", "PROVEN FROM", "UNTIL"];
    table.row(titles.map(|title| Cell::new(title).style(palette.heading)));
    let mut account = None;
    for trail in trails {
        if account.replace(&trail.account) != Some(&trail.account) {
            table.row([Cell::new(format!("Account {}", trail.account)).style(palette.quiet)]);
        }
        let mut names = [Cell::new(format!("  {}", trail.trail)), Cell::new(&trail.region)];
        if trail.covered.is_empty() {
            let [name, region] = names;
            table.row([name, region, Cell::new("nothing").style(palette.bad)]);
            continue;
        }
        for period in &trail.covered {
            let [name, region] = std::mem::take(&mut names);
            table.row([
                name,
                region,
                Cell::new(period.from.to_string()),
                Cell::new(period.until.to_string()),
            ]);
        }
    }
    table
}

/// How many digests and log files are what they should be, and how many are not.
fn counts(verification: &Verification, palette: Palette) -> Table {
    let mut table = Table::new([Fit::Whole, Fit::Whole, Fit::Whole]);
    table.row(["DIGESTS", "LOG FILES", ""].map(|title| Cell::new(title).style(palette.heading)));
    let (digests, logs) = (&verification.digests, &verification.log_files);
    let rows = [
        ("valid", digests.valid, logs.valid, palette.good),
        ("changed, moved, or wrongly signed", digests.invalid, logs.changed, palette.bad),
        ("missing", digests.missing, logs.missing, palette.bad),
        ("in no digest, though their time is covered", 0, logs.unsigned, palette.bad),
        (
            "without a signature here, or proven by no digest",
            digests.unsigned,
            logs.unproven,
            palette.warning,
        ),
        ("not to be judged: no key, or not readable", digests.unverified, logs.unreadable, palette.warning),
        ("of a time that no digest covers", 0, logs.not_covered, palette.warning),
        ("younger than the newest digest", 0, logs.not_yet_covered, palette.quiet),
        ("of another time than asked about", digests.outside, logs.outside, palette.quiet),
    ];
    for (index, (what, digests, logs, style)) in rows.into_iter().enumerate() {
        if index == 0 || digests + logs > 0 {
            let number = |number: u64, width: usize| {
                let number = usize::try_from(number).unwrap_or(usize::MAX);
                Cell::new(if number == 0 {
                    format!("{:>width$}", "-")
                } else {
                    format!("{:>width$}", grouped(number))
                })
            };
            table.row([number(digests, 7), number(logs, 9), Cell::new(what).style(style)]);
        }
    }
    table
}

fn worst_first(problems: &[Problem]) -> Vec<&Problem> {
    let mut problems: Vec<&Problem> = problems.iter().collect();
    problems.sort_by_key(|problem| match problem.severity {
        Severity::Finding => 0,
        Severity::Incomplete => 1,
        Severity::Note => 2,
    });
    problems
}

/// A row and a sentence for each problem.
fn problem_table(problems: &[&Problem], palette: Palette) -> Table {
    let mut table = Table::new([Fit::Whole, Fit::Elide]);
    for problem in problems {
        let style = match problem.severity {
            Severity::Finding => palette.bad,
            Severity::Incomplete => palette.warning,
            Severity::Note => palette.quiet,
        };
        let about = if problem.object.is_empty() { &problem.region } else { &problem.object };
        table.row([Cell::new(problem.code.as_str()).style(style), Cell::new(about)]);
        table.sentence(2, Cell::new(&problem.message));
    }
    table
}

/// What it comes to, in one line.
fn verdict(verification: &Verification, palette: Palette) -> (anstyle::Style, String) {
    let of = |severity: Severity| {
        let counts = verification.problem_counts.iter().filter(|(code, _)| code.severity() == severity);
        usize::try_from(counts.map(|(_, count)| count).sum::<u64>()).unwrap_or(usize::MAX)
    };
    let findings = of(Severity::Finding);
    if findings > 0 {
        return (
            palette.bad,
            format!("Not all is as CloudTrail delivered it: {}.", count(findings, "finding")),
        );
    }
    if !verification.complete {
        return (palette.warning, "Not all could be verified: nothing is claimed.".to_owned());
    }
    let whole = "All log files of these times are as CloudTrail delivered them; none is missing.";
    (palette.good, whole.to_owned())
}

/// Says what to do next.
fn advise(verification: &Verification, args: &VerifyArgs, printer: &Printer) {
    let has = |code| verification.problem_counts.contains_key(&code);
    if has(Code::UnknownPublicKey) {
        printer.hint(
            "save the public keys of each region, from before the oldest digest on: aws cloudtrail \
             list-public-keys --region … --start-time … >> keys.json",
        );
    }
    if has(Code::DigestSignatureUnknown) {
        printer.hint(
            "the signature of the newest digest is kept by S3: save what aws s3api head-object prints of it \
             beside it, as NAME.json.gz.metadata.json.",
        );
    }
    if has(Code::NoDigests) {
        printer.hint("Name the folder that holds CloudTrail and CloudTrail-Digest.");
    }
    if !args.all && printer.format() == Format::Human && verification.problems.len() > FEW {
        printer.hint("--all shows all problems, --format csv lists them.");
    }
}
