//! The policy for people: the document first, then what to know of it.

use std::collections::BTreeMap;
use std::io::Write as _;

use rotakey_trail::policy::{PolicyReport, SubjectKind, SubjectPolicy, WhyAll};

use crate::commands::trail::words::counted;
use crate::error::CommandError;
use crate::harmless_json::HarmlessJson;
use crate::printer::{Printer, cannot_write};
use crate::table::{Cell, Fit, Table};

/// How many actions of a kind people see.
const FEW: usize = 30;

/// Prints it.
pub(super) fn print(report: &PolicyReport, printer: &Printer) -> Result<(), CommandError> {
    for (number, subject) in report.subjects.iter().enumerate() {
        if number > 0 {
            printer.text("\n")?;
        }
        print_subject(report, subject, printer)?;
    }
    Ok(())
}

fn print_subject(
    report: &PolicyReport,
    subject: &SubjectPolicy,
    printer: &Printer,
) -> Result<(), CommandError> {
    let palette = printer.palette();
    let mut head = Table::new([Fit::Wrap]);
    let arn = subject.arn.as_deref().unwrap_or("an unknown principal");
    let title = match subject.kind {
        SubjectKind::User => {
            format!("Policy for {arn}, from {} of {}", counted(subject.calls, "call"), report.access_key_id)
        }
        SubjectKind::Role => {
            format!("Policy for {arn}, from {} by sessions of it", counted(subject.calls, "call"))
        }
    };
    head.sentence(0, Cell::new(title).style(palette.heading));
    printer.table(&head)?;
    for document in &subject.policies {
        let mut data = printer.data();
        data.write_all(b"\n").map_err(cannot_write)?;
        serde_json::to_writer_pretty(HarmlessJson::new(&mut data), document)
            .map_err(std::io::Error::from)
            .map_err(cannot_write)?;
        data.write_all(b"\n").map_err(cannot_write)?;
    }
    let mut table = Table::new([Fit::Elide, Fit::Wrap]);
    let heading = |text: &str| Cell::new(text).style(palette.heading);
    let everywhere: Vec<_> = subject.granted.iter().filter(|granted| !granted.why_all.is_empty()).collect();
    if !everywhere.is_empty() {
        table.sentence(0, Cell::default());
        table.sentence(0, heading("On all resources, because the action or its record"));
        let mut by_reason: BTreeMap<&[WhyAll], Vec<&str>> = BTreeMap::new();
        for granted in everywhere {
            by_reason.entry(&granted.why_all).or_default().push(&granted.action);
        }
        for (reasons, actions) in by_reason {
            let why: Vec<&str> = reasons.iter().map(|why| why.as_str()).collect();
            table.sentence(2, Cell::new(format!("{}: {}", why.join("; "), actions.join(", "))));
        }
    }
    if !subject.denied.is_empty() {
        table.sentence(0, Cell::default());
        table.sentence(0, heading("Tried and denied, so not granted (--include-denied grants it)"));
        for denied in subject.denied.iter().take(FEW) {
            let text = format!("{} on {}", counted(denied.calls, "call"), resources(&denied.resources));
            table.row([Cell::new(format!("  {}", denied.action)), Cell::new(text)]);
        }
        more(&mut table, subject.denied.len());
    }
    table.sentence(0, Cell::default());
    for warning in &subject.warnings {
        table.sentence(0, Cell::new(&warning.message).style(palette.warning));
    }
    printer.table(&table)
}

fn more(table: &mut Table, number: usize) {
    if number > FEW {
        table.sentence(2, Cell::new(format!("… and {} more: --format json lists them.", number - FEW)));
    }
}

fn resources(arns: &[String]) -> String {
    match arns {
        [one] if one == "*" => "resources that are not told".to_owned(),
        [one] => one.clone(),
        [first, rest @ ..] => format!("{first} and {} more", rest.len()),
        [] => String::new(),
    }
}
