//! An audit as people read it.

use anstyle::Style;
use jiff::{SignedDuration, Timestamp};
use rotakey_core::audit::{Cause, Code, Finding, Judgement, KeyRecord, LastUsedState, NotJudged, Severity};
use rotakey_core::fact::KeyStatus;
use rotakey_core::id::AccountId;

use super::portion::Question;
use super::tally::Tally;
use crate::error::CommandError;
use crate::printer::{Palette, Printer};
use crate::quantity::{count, day, duration, grouped, instant, relative, rough};
use crate::table::{Cell, Fit, Table};
use crate::terminal::elide;

/// The most gaps that are told one by one.
const FEW_GAPS: usize = 10;

/// The widest rule name: as wide as a key id, with which it shares a column.
const RULE_WIDTH: usize = 20;

/// What was judged, when, and by what.
#[derive(Debug)]
pub(crate) struct Header {
    pub(crate) judged_at: Timestamp,
    pub(crate) boundary: &'static str,
    pub(crate) source: Source,
}

/// Where the facts came from.
#[derive(Debug)]
pub(crate) enum Source {
    /// A saved credential report.
    Report { name: String, generated_at: Option<Timestamp> },
    /// The account itself, as those credentials saw it.
    Account { account_id: AccountId, arn: String, report_generated_at: Option<Timestamp> },
    /// Several accounts, each read as a role or a profile there.
    Accounts { read: usize, not_read: usize },
}

impl Header {
    pub(crate) fn new(question: &Question<'_>, source: Source) -> Self {
        Self { judged_at: question.judge.now(), boundary: question.mode.boundary(), source }
    }
}

/// Prints an audit: the users are those worst off, and `left_out` others have findings, too.
pub(crate) fn print_audit(
    header: &Header,
    tally: &Tally,
    users: &[Judgement],
    left_out: usize,
    printer: &Printer,
) -> Result<(), CommandError> {
    print_header(header, tally, printer)?;
    if !users.is_empty() {
        printer.text("\n")?;
        printer.table(&findings(users, header.judged_at, printer.palette()))?;
    }
    if left_out > 0 {
        let more = count(left_out, "more user");
        printer.text(&format!("… and {more} with findings\n"))?;
    }
    print_summary(tally, printer)
}

/// Says what was not judged, and what to do next.
pub(super) fn advise(
    users: &[Judgement],
    left_out: usize,
    tally: &Tally,
    not_judged: &[NotJudged],
    printer: &Printer,
) {
    tell_gaps(not_judged, printer);
    if left_out > 0 {
        printer.hint("--all shows all users with findings, --format csv lists every finding.");
    }
    if let Some(next) = next_command(users, tally) {
        printer.hint(&next);
    }
}

fn print_header(header: &Header, tally: &Tally, printer: &Printer) -> Result<(), CommandError> {
    let mut lines = Table::new([Fit::Whole, Fit::Wrap]);
    let quiet = printer.palette().quiet;
    let mut line = |label: &str, text: String| lines.row([Cell::new(label).style(quiet), Cell::new(text)]);
    let age = |at: Timestamp| duration(header.judged_at.duration_since(at));
    match &header.source {
        Source::Account { account_id, arn, report_generated_at } => {
            line("Account", format!("{account_id}, read as {arn}"));
            if let Some(at) = report_generated_at {
                line(
                    "Data",
                    format!(
                        "credential report of {} ({} old); keys and users as they are now",
                        instant(*at),
                        age(*at)
                    ),
                );
            }
        }
        Source::Accounts { read, not_read } => {
            let missing = match not_read {
                0 => String::new(),
                number => format!("; {} could not be read", count(*number, "account")),
            };
            line("Accounts", format!("{} read{missing}", count(*read, "account")));
        }
        Source::Report { name, generated_at } => {
            let accounts: Vec<String> = tally.accounts.keys().map(AccountId::to_string).collect();
            match accounts.as_slice() {
                [] => {}
                [account] => line("Account", account.clone()),
                [first, rest @ ..] => line("Accounts", format!("{first} and {} more", rest.len())),
            }
            line(
                "Data",
                match generated_at {
                    Some(at) => format!("{name}, made {} ({} old)", instant(*at), age(*at)),
                    None => format!("{name}, made at a time that it does not tell"),
                },
            );
        }
    }
    line("Judged at", instant(header.judged_at));
    line("Boundary", header.boundary.to_owned());
    printer.table(&lines)
}

/// Two lines for each key at least: the key, then each of its findings.
fn findings(users: &[Judgement], now: Timestamp, palette: Palette) -> Table {
    let mut table = Table::new([Fit::Elide, Fit::Whole, Fit::Whole, Fit::Whole]);
    let heading = |style: Style| move |title: &str| Cell::new(title).style(style);
    table.row(["USER", "KEY", "AGE", "LAST USED"].map(heading(palette.heading)));
    table.row(["  finding", "rule", "limit", "due"].map(heading(palette.quiet)));
    for user in users {
        let mut name = user.keys.first().map(|key| key.user_name.to_string()).unwrap_or_default();
        for key in &user.keys {
            let mut of_key = user.findings.iter().filter(|finding| is_about(finding, key)).peekable();
            if of_key.peek().is_none() {
                continue;
            }
            table.row([
                Cell::new(std::mem::take(&mut name)).style(palette.heading),
                Cell::new(key_name(key)),
                Cell::new(age(key)),
                Cell::new(last_used(key, now)),
            ]);
            of_key.for_each(|finding| push_finding(&mut table, finding, now, palette));
        }
    }
    table
}

fn push_finding(table: &mut Table, finding: &Finding, now: Timestamp, palette: Palette) {
    let style = match finding.exempt {
        Some(_) => palette.quiet,
        None => severity_style(finding.severity, palette),
    };
    let code = Cell::new(format!("  {}", finding.code)).style(style);
    match (finding.limit_seconds, finding.due_at) {
        (Some(limit), Some(due)) => table.row([
            code,
            Cell::new(elide(&finding.rule, RULE_WIDTH)),
            Cell::new(duration(SignedDuration::from_secs(limit))),
            Cell::new(format!("{}, {}", day(due), relative(due, now))),
        ]),
        _ => table.row([code, Cell::new(in_brief(finding))]),
    }
    if let Some(exempt) = &finding.exempt {
        let text = format!("exempt until {}: {} ({})", day(exempt.until), exempt.reason, exempt.owner);
        table.row([Cell::default(), Cell::new(text).style(palette.quiet)]);
    }
    if let Some(note) = &finding.exemption_note {
        table.row([Cell::default(), Cell::new(note).style(palette.warning)]);
    }
}

/// A finding without a limit in words. The rows around it tell the user, the other key and the ages, which
/// the whole message repeats.
fn in_brief(finding: &Finding) -> &str {
    match finding.code {
        Code::TwoActiveKeys => "not the only active key of its user",
        Code::InactiveKeyLeft => "left behind; it can be made active again",
        Code::ConsoleUserWithKeys => "its user can also sign in to the console",
        _ => &finding.message,
    }
}

/// A row for each code that was found, and a sentence.
fn print_summary(tally: &Tally, printer: &Printer) -> Result<(), CommandError> {
    let palette = printer.palette();
    let total = tally.total();
    let mut table = Table::new([Fit::Whole, Fit::Whole, Fit::Whole, Fit::Whole]);
    for code in Code::ALL {
        let Some(found) = tally.by_code.get(&code) else { continue };
        let exempt =
            if found.exempt > 0 { format!("{} exempt", grouped(found.exempt)) } else { String::new() };
        table.row([
            Cell::new(format!("{:>7}", grouped(found.counted))),
            Cell::new(code.as_str()).style(severity_style(code.severity(), palette)),
            Cell::new(code.severity().as_str()),
            Cell::new(exempt).style(palette.quiet),
        ]);
    }
    let judged = format!("{} of {} judged", count(tally.keys, "key"), count(tally.users(), "user"));
    let (style, found) = match (total.counted, total.exempt) {
        (0, 0) => (palette.good, "nothing found".to_owned()),
        (0, exempt) => (palette.good, format!("no finding that counts, {} exempt", grouped(exempt))),
        (counted, 0) => (palette.bad, count(counted, "finding")),
        (counted, exempt) => {
            (palette.bad, format!("{}, {} exempt", count(counted, "finding"), grouped(exempt)))
        }
    };
    printer.text("\n")?;
    printer.table(&table)?;
    printer.text(&format!("{judged}: {style}{found}{style:#}.\n"))
}

/// Says what the audit says nothing about.
fn tell_gaps(not_judged: &[NotJudged], printer: &Printer) {
    let (not_read, not_told): (Vec<&NotJudged>, Vec<&NotJudged>) =
        not_judged.iter().partition(|gap| gap.cause == Cause::NotRead);
    for gap in not_told.iter().take(FEW_GAPS) {
        printer.note(&format!("Not judged: {}", gap_in_words(gap)));
    }
    for gap in not_read.iter().take(FEW_GAPS) {
        printer.warning(&format!("Not read: {}", gap_in_words(gap)));
    }
    let untold = not_told.len().saturating_sub(FEW_GAPS) + not_read.len().saturating_sub(FEW_GAPS);
    if untold > 0 {
        printer
            .note(&format!("… and {} more that were not judged; --format json lists them.", grouped(untold)));
    }
    if !not_read.is_empty() {
        printer.warning("The audit is incomplete: nothing is claimed of what could not be read.");
    }
}

pub(crate) fn gap_in_words(gap: &NotJudged) -> String {
    let what = gap.code.map_or("all checks", Code::as_str);
    let whose = match (&gap.user_name, &gap.access_key_id) {
        (Some(user), Some(key)) => format!(" of {key} ({user})"),
        (Some(user), None) => format!(" of {user}"),
        (None, _) => String::new(),
    };
    format!("{what}{whose}: {}", gap.why)
}

/// The most useful command for all that was found.
fn next_command(users: &[Judgement], tally: &Tally) -> Option<String> {
    let counted = |code| tally.by_code.get(&code).map_or(0, |found| found.counted);
    let to_rotate = counted(Code::KeyTooOld) + counted(Code::KeyDueSoon);
    if to_rotate > 0 {
        return Some(format!(
            "`rotakey rotate plan` shows what rotating {} would do; it changes nothing.",
            count(to_rotate, "old key")
        ));
    }
    let findings = users.iter().flat_map(|user| &user.findings);
    let worst = findings.filter(|finding| finding.exempt.is_none()).max_by_key(|finding| finding.severity)?;
    Some(format!("for {} ({}): {}", worst.user_name, worst.code, worst.next_command))
}

fn is_about(finding: &Finding, key: &KeyRecord) -> bool {
    finding.access_key_id == key.access_key_id && finding.key_slot == key.key_slot
}

fn key_name(key: &KeyRecord) -> String {
    let name = match (&key.access_key_id, key.key_slot) {
        (Some(id), _) => id.to_string(),
        (None, Some(slot)) => format!("access key {slot}"),
        (None, None) => "access key".to_owned(),
    };
    match key.status {
        KeyStatus::Active => name,
        KeyStatus::Inactive if key.access_key_id.is_none() => format!("{name} (off)"),
        KeyStatus::Inactive => name,
    }
}

/// The age at a glance, and more exactly where less than a day decides.
fn age(key: &KeyRecord) -> String {
    let Some(seconds) = key.age_seconds else { return "unknown".to_owned() };
    let age = SignedDuration::from_secs(seconds);
    if seconds.abs_diff(key.limit_seconds) < 86_400 { duration(age) } else { rough(age) }
}

fn last_used(key: &KeyRecord, now: Timestamp) -> String {
    let used = match (key.last_used, key.last_used_at) {
        (LastUsedState::Never, _) => "never".to_owned(),
        (LastUsedState::Used, Some(at)) => relative(at, now),
        (LastUsedState::Unknown | LastUsedState::Used, _) => "unknown".to_owned(),
    };
    match key.status {
        KeyStatus::Active => used,
        KeyStatus::Inactive => format!("{used} (inactive)"),
    }
}

fn severity_style(severity: Severity, palette: Palette) -> Style {
    match severity {
        Severity::Critical | Severity::High => palette.bad,
        Severity::Medium => palette.warning,
        Severity::Low => Style::new(),
    }
}
