//! One scan: what is asked for, what came of it, and what that means.

use std::num::NonZeroUsize;
use std::path::PathBuf;

use clap::Args;
use jiff::Timestamp;
use rotakey_engine::port::Clock as _;
use rotakey_scan::coverage::Coverage;
use rotakey_scan::finding::Finding;
use rotakey_scan::kind::Severity;
use rotakey_scan::report::document::FindingDocument;
use rotakey_scan::report::{About, Form, Tally};
use rotakey_scan::scan::Report;
use serde::Serialize;

use super::inventory::Inventory;
use super::source::{self, Scanned};
use super::{human, known, verify, whose};
use crate::cli::{FormatName, GlobalArgs};
use crate::clock::SystemClock;
use crate::error::{CommandError, Verdict};
use crate::printer::{Printer, cannot_write};
use crate::quantity::count;

/// What to scan, and what to make of it.
#[derive(Debug, Args)]
pub(super) struct RunArgs {
    #[command(flatten)]
    pub(super) what: WhatArgs,
    #[command(flatten)]
    pub(super) how: HowArgs,
    #[command(flatten)]
    pub(super) known: known::KnownArgs,
    /// Exit with 1 only for findings at least this bad: low, medium or high
    #[arg(long, value_name = "SEVERITY", value_parser = severity, default_value = "low")]
    fail_on: Severity,
    /// Say whose the keys are and whether they are live: a file of `rotakey audit --format json`, or `aws` to
    /// ask AWS with your own credentials; can be given several times
    #[arg(long, value_name = "FILE")]
    inventory: Vec<PathBuf>,
    /// Ask AWS with each pair that is found whether it works
    #[arg(long)]
    verify: bool,
    /// Show the secrets that are found, on standard output only
    #[arg(long, conflicts_with = "output")]
    show_secrets: bool,
}

/// What to scan.
#[derive(Debug, Args)]
pub(super) struct WhatArgs {
    /// Files and folders, s3://BUCKET/PREFIX, or - for standard input; with the options below repositories
    /// [default: the folder that you are in]
    #[arg(value_name = "PATH")]
    pub(super) paths: Vec<PathBuf>,
    /// What is staged: the index against HEAD
    #[arg(long, group = "where")]
    pub(super) staged: bool,
    /// Every blob of a repository, reachable or not, and the commit that brought it in
    #[arg(long, group = "where")]
    pub(super) history: bool,
    /// What HEAD has and this commit, branch or tag has not
    #[arg(long, value_name = "REV", group = "where")]
    pub(super) since: Option<String>,
    /// As git's hook of that name: what a push brings
    #[arg(long, group = "where")]
    pub(super) pre_receive: bool,
    /// With --history: every repository in and below this folder; can be given several times
    #[arg(long, value_name = "DIR", requires = "history")]
    pub(super) org_dir: Vec<PathBuf>,
    /// With --history: the repositories that this file names, one in each line
    #[arg(long, value_name = "FILE", requires = "history")]
    pub(super) repositories: Option<PathBuf>,
    /// With --history: remember what was scanned: sqlite:FILE, postgres://..., or s3://BUCKET/PREFIX
    #[arg(long, value_name = "LOCATION", requires = "history")]
    pub(super) cache: Option<String>,
}

impl WhatArgs {
    /// Files and folders.
    pub(super) fn files(paths: Vec<PathBuf>) -> Self {
        Self {
            paths,
            staged: false,
            history: false,
            since: None,
            pre_receive: false,
            org_dir: Vec::new(),
            repositories: None,
            cache: None,
        }
    }
}

/// How to scan.
#[derive(Debug, Args)]
pub(super) struct HowArgs {
    /// Also read what .gitignore and .ignore name
    #[arg(long)]
    pub(super) no_ignore: bool,
    /// Leave out paths like this, in the language of .gitignore; can be given several times
    #[arg(long, value_name = "PATTERN")]
    pub(super) exclude: Vec<String>,
    /// Threads [default: as many as there are processors]
    #[arg(long, value_name = "N")]
    pub(super) jobs: Option<NonZeroUsize>,
    /// The most containers in containers that are opened
    #[arg(long, value_name = "N", default_value_t = 8)]
    pub(super) max_depth: usize,
    /// The most that one archive may unpack to, in bytes or as 500M, 64G
    #[arg(long, value_name = "SIZE", default_value = "64G", value_parser = size)]
    pub(super) max_unpacked: u64,
}

fn severity(text: &str) -> Result<Severity, &'static str> {
    [Severity::Low, Severity::Medium, Severity::High]
        .into_iter()
        .find(|severity| severity.name() == text)
        .ok_or("low, medium or high is wanted")
}

fn size(text: &str) -> Result<u64, &'static str> {
    const WANTED: &str = "a number of bytes is wanted, or one with K, M, G or T behind it";
    let (number, unit) = match text.trim_end_matches(|character: char| character.is_ascii_alphabetic()) {
        number if number.len() == text.len() => (number, 0),
        number => match &text[number.len()..] {
            "K" | "k" => (number, 10),
            "M" | "m" => (number, 20),
            "G" | "g" => (number, 30),
            "T" | "t" => (number, 40),
            _ => return Err(WANTED),
        },
    };
    number.parse::<u64>().ok().and_then(|number| number.checked_mul(1 << unit)).ok_or(WANTED)
}

/// Runs the scan.
pub(super) async fn run(
    args: &RunArgs,
    globals: &GlobalArgs,
    printer: &Printer,
) -> Result<Verdict, CommandError> {
    if args.show_secrets && printer.format_name() != FormatName::Human {
        return Err(CommandError::usage("--show-secrets is for people, who read --format human"));
    }
    let exclude = known::exclude(&args.how.exclude)?;
    let inventory = Inventory::read(&args.inventory, globals, printer).await?;
    let began = SystemClock.now();
    let mut scanned =
        source::scan(&args.what, &args.how, args.verify || args.show_secrets, globals, printer).await?;
    let ended = SystemClock.now();
    let has_baseline = known::mark(&args.known, &exclude, &mut scanned, printer)?;
    let verified = match args.verify {
        true => verify::pairs(&scanned.report.findings, globals, printer).await?,
        false => Default::default(),
    };
    whose::fill(&mut scanned.report.findings, &inventory, &verified);
    if args.show_secrets {
        for finding in &mut scanned.report.findings {
            if let Some(value) = &finding.value {
                finding.redacted = value.expose().to_owned();
            }
        }
    }
    tell(&scanned, has_baseline, (began, ended), printer)?;
    if scanned.before > 0 {
        let values = count(scanned.before, "value");
        printer
            .note(&format!("{values} not reported: the file had them in HEAD already; `rotakey scan` does."));
    }
    if printer.format_name() == FormatName::Human && scanned.report.findings.iter().any(Finding::is_open) {
        printer.hint(match args.inventory.is_empty() {
            true => "`--inventory aws` says which keys are live. Rotate those first; then see `rotakey scan baseline --help`.",
            false => "Rotate what is live first: `rotakey rotate plan`. What may stay: `rotakey scan baseline --help`.",
        });
    }
    Ok(verdict(&scanned.report, args.fail_on))
}

/// What a report means. What was not read outweighs what was found: there may be more.
fn verdict(report: &Report, fail_on: Severity) -> Verdict {
    let fails = |finding: &Finding| finding.is_open() && finding.severity >= fail_on;
    if !report.coverage.unread.is_empty() {
        Verdict::Incomplete
    } else if report.findings.iter().any(fails) {
        Verdict::Findings
    } else {
        Verdict::Clean
    }
}

/// The report as one document. `complete` stands last, so that a document that was cut off never claims it.
#[derive(Serialize)]
struct Document<'a> {
    schema_version: u32,
    findings: Vec<FindingDocument>,
    coverage: &'a Coverage,
    complete: bool,
}

fn tell(
    scanned: &Scanned,
    has_baseline: bool,
    times: (Timestamp, Timestamp),
    printer: &Printer,
) -> Result<(), CommandError> {
    let report = &scanned.report;
    let about = About {
        version: env!("CARGO_PKG_VERSION").to_owned(),
        times: Some(times),
        baseline: has_baseline,
        ..About::default()
    };
    let form = match printer.format_name() {
        FormatName::Jsonl => Form::JsonLines,
        FormatName::Sarif => Form::Sarif,
        FormatName::Github => Form::Github,
        FormatName::Junit => Form::Junit,
        FormatName::Json => {
            let findings =
                report.findings.iter().map(|finding| FindingDocument::of(finding, &about)).collect();
            let complete = report.coverage.unread.is_empty();
            printer.json(&Document { schema_version: 1, findings, coverage: &report.coverage, complete })?;
            human::summary(report, &Tally::of(report), printer);
            return Ok(());
        }
        _ => {
            printer.text(&human::listing(report, printer.palette(), printer.width()))?;
            human::summary(report, &Tally::of(report), printer);
            return Ok(());
        }
    };
    rotakey_scan::report::write(form, report, &about, &mut printer.data()).map_err(cannot_write)?;
    human::summary(report, &Tally::of(report), printer);
    Ok(())
}
