//! A forecast for people: the numbers, a chart, and who and what needs attention.

use jiff::Timestamp;
use rotakey_core::policy::Period;

use super::tally::{Day, Overdue, Tally};
use crate::error::CommandError;
use crate::printer::Printer;
use crate::quantity::{count, day, grouped};
use crate::table::{Cell, Fit, Table};

/// A longer forecast is shown by weeks.
const MOST_DAYS: usize = 31;

/// How many rotations, questions and old keys are listed.
const MOST_ROWS: usize = 20;

/// The room of the chart: what is left of 80 columns.
const CHART: usize = 28;

pub(super) fn print(
    tally: &Tally,
    users: usize,
    from: Timestamp,
    until: Timestamp,
    adoption: Period,
    printer: &Printer,
) -> Result<(), CommandError> {
    let palette = printer.palette();
    let heading = |text: &str| format!("{0}{text}{0:#}\n", palette.heading);
    let days = count(tally.days().len(), "day");
    let of = count(users, "user");
    printer.text(&format!("{of}, {days}: {} to {}; nothing is changed.\n", day(from), day(until)))?;
    if users == 0 {
        return printer.text("\nNobody has an access key.\n");
    }
    printer.text(&format!("\n{}", heading(&count(tally.rotations.len(), "rotation"))))?;
    printer.table(&chart(tally, printer))?;
    if let Some(busiest) = tally.busiest() {
        printer.text(&format!(
            "\nAt most {} under way at the end of a day, on {}.\n",
            grouped(busiest.under_way),
            day(busiest.from)
        ))?;
    }
    if !tally.rotations.is_empty() {
        printer.text(&format!("\n{}", heading("The next rotations")))?;
        printer.table(&next_rotations(tally, printer))?;
    }
    if !tally.asked.is_empty() {
        printer.text(&format!(
            "\n{}",
            heading(&format!("{} left for a person", count(tally.asked.len(), "user")))
        ))?;
        printer.table(&asked(tally, printer))?;
    }
    let (already, becoming): (Vec<_>, Vec<_>) = tally.overdue.iter().partition(|overdue| overdue.at <= from);
    if !already.is_empty() {
        printer.text(&format!("\n{} too old already.\n", count(already.len(), "key")))?;
    }
    if !becoming.is_empty() {
        printer
            .text(&format!("\n{}", heading(&format!("{} getting too old", count(becoming.len(), "key")))))?;
        printer.table(&overdue(&becoming, printer))?;
    }
    printer.note(&format!(
        "Assumed: applications use a new key {adoption} after it was published, and a key is used again after as long \
         as it has been idle by now."
    ));
    Ok(())
}

fn chart(tally: &Tally, printer: &Printer) -> Table {
    let palette = printer.palette();
    let (step, title) = if tally.days().len() > MOST_DAYS { (7, "WEEK OF") } else { (1, "DAY") };
    let spans: Vec<Day> = tally.days().chunks(step).map(sum).collect();
    let most = spans.iter().map(|span| span.begun).max().unwrap_or(0).max(1);
    let mut table = Table::new([Fit::Whole, Fit::Whole, Fit::Whole, Fit::Whole, Fit::Whole, Fit::Whole]);
    let titles = [title, "BEGUN", "DISABLED", "DELETED", "ASKED", ""];
    table.row(titles.map(|title| Cell::new(title).style(palette.heading)));
    for span in &spans {
        let asked = if span.asked == 0 { String::new() } else { format!("{:>5}", grouped(span.asked)) };
        table.row([
            Cell::new(day(span.from)),
            Cell::new(format!("{:>7}", grouped(span.begun))),
            Cell::new(format!("{:>8}", grouped(span.disabled))),
            Cell::new(format!("{:>7}", grouped(span.deleted))),
            Cell::new(asked).style(palette.warning),
            Cell::new(bar(span.begun, most)).style(palette.quiet),
        ]);
    }
    table
}

fn sum(days: &[Day]) -> Day {
    let mut days = days.iter();
    let first = days.next().cloned().expect("a chunk is not empty");
    days.fold(first, |sum, day| Day {
        from: sum.from,
        begun: sum.begun + day.begun,
        disabled: sum.disabled + day.disabled,
        deleted: sum.deleted + day.deleted,
        under_way: day.under_way,
        asked: sum.asked + day.asked,
        overdue: sum.overdue + day.overdue,
    })
}

/// A bar in eighths of a character.
fn bar(number: usize, most: usize) -> String {
    const PARTS: [&str; 8] = ["", "▏", "▎", "▍", "▌", "▋", "▊", "▉"];
    let eighths = (number * CHART * 8).div_ceil(most);
    format!("{}{}", "█".repeat(eighths / 8), PARTS[eighths % 8])
}

fn next_rotations(tally: &Tally, printer: &Printer) -> Table {
    let palette = printer.palette();
    let mut table = Table::new([Fit::Whole, Fit::Elide, Fit::Whole, Fit::Whole, Fit::Whole]);
    let titles = ["BEGINS", "USER", "ACCOUNT", "DISABLED", "DELETED"];
    table.row(titles.map(|title| Cell::new(title).style(palette.heading)));
    let when = |at: Option<Timestamp>| at.map_or_else(|| "-".to_owned(), day);
    for rotation in tally.rotations.iter().take(MOST_ROWS) {
        table.row([
            Cell::new(day(rotation.begins_at)),
            Cell::new(&rotation.user_name),
            Cell::new(rotation.account_id.to_string()),
            Cell::new(when(rotation.old_key_disabled_at)),
            Cell::new(when(rotation.old_key_deleted_at)),
        ]);
    }
    more(&mut table, tally.rotations.len(), printer);
    table
}

fn asked(tally: &Tally, printer: &Printer) -> Table {
    let palette = printer.palette();
    let mut table = Table::new([Fit::Whole, Fit::Elide, Fit::Whole]);
    for asked in tally.asked.iter().take(MOST_ROWS) {
        table.row([
            Cell::new(day(asked.at)),
            Cell::new(&asked.user_name).style(palette.warning),
            Cell::new(asked.account_id.to_string()),
        ]);
        table.sentence(2, Cell::new(&asked.why).style(palette.quiet));
        table.sentence(2, Cell::new(format!("do: {}", asked.advice)).style(palette.command));
    }
    more(&mut table, tally.asked.len(), printer);
    table
}

fn overdue(overdue: &[&Overdue], printer: &Printer) -> Table {
    let palette = printer.palette();
    let mut table = Table::new([Fit::Whole, Fit::Elide, Fit::Whole]);
    for key in overdue.iter().take(MOST_ROWS) {
        table.row([
            Cell::new(day(key.at)),
            Cell::new(&key.user_name).style(palette.warning),
            Cell::new(key.account_id.to_string()),
        ]);
        table.sentence(2, Cell::new(format!("because {}", key.because)).style(palette.quiet));
    }
    more(&mut table, overdue.len(), printer);
    table
}

fn more(table: &mut Table, all: usize, printer: &Printer) {
    let more = all.saturating_sub(MOST_ROWS);
    if more > 0 {
        let text = format!("… and {} more; --format json has all", grouped(more));
        table.sentence(0, Cell::new(text).style(printer.palette().quiet));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bar_is_never_empty_for_something_and_full_for_the_most() {
        assert_eq!(bar(0, 100), "");
        assert_eq!(bar(1, 100_000), "▏");
        assert_eq!(bar(100, 100), "█".repeat(CHART));
    }
}
