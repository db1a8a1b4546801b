//! The use of keys as people read it.

use rotakey_trail::cadence::Cadence;
use rotakey_trail::event_time::EventTime;
use rotakey_trail::usage::GroupBy;
use rotakey_trail::usage::schema::{KeyUsage, NetworkUse};

use super::rows::Rows;

use crate::error::CommandError;
use crate::printer::{Palette, Printer};
use crate::quantity::{count, duration, grouped};
use crate::table::{Cell, Fit, Table};

/// How many rows are shown unless all are wanted.
const FEW: usize = 40;

/// How many entries of a list are shown in the line below a key, and where one key is told in full.
const BRIEF: usize = 3;
const LONG: usize = 12;

/// Prints the rows: one key in full, or a table of those used last.
pub(super) fn print(table: &Rows, is_of_few: bool, all: bool, printer: &Printer) -> Result<(), CommandError> {
    if table.len() == 0 {
        return printer.text("No key was used in what was read.\n");
    }
    if is_of_few && table.group_by() == GroupBy::Key {
        let mut result = Ok(());
        let mut is_first = true;
        table.each_row(0..table.len(), |row| {
            let separator = if std::mem::take(&mut is_first) { "" } else { "\n" };
            if result.is_ok() {
                result = printer.text(separator).and_then(|()| print_in_full(row, printer));
            }
        });
        return result;
    }
    let chosen = choose(table, all);
    let mut lines = Table::new([Fit::Whole, Fit::Elide, Fit::Whole, Fit::Whole, Fit::Whole, Fit::Whole]);
    let palette = printer.palette();
    let second = match table.group_by() {
        GroupBy::Key | GroupBy::Principal => "PRINCIPAL",
        GroupBy::Consumer => "CONSUMER",
        GroupBy::Service => "SERVICE",
        GroupBy::Day => "DAY",
    };
    let first = if table.group_by() == GroupBy::Principal { "ACCOUNT" } else { "KEY" };
    let heading = |title: &str| Cell::new(title).style(palette.heading);
    lines.row([first, second, "CALLS", "FAILED", "FIRST USE", "LAST USE"].map(heading));
    for &number in &chosen.rows {
        table.each_row(number..number + 1, |row| push(&mut lines, row, table.group_by(), palette));
    }
    printer.table(&lines)?;
    print_rest(&chosen, table, printer)
}

/// Which rows are shown, and what is left out.
struct Chosen {
    rows: Vec<usize>,
    sessions: usize,
    session_calls: u64,
    others: usize,
}

/// The rows that were used last; session keys only if all are wanted.
fn choose(table: &Rows, all: bool) -> Chosen {
    let mut chosen = Chosen { rows: Vec::new(), sessions: 0, session_calls: 0, others: 0 };
    let mut order = Vec::new();
    table.each_sum(|number, row| {
        let is_session = row.access_key_id.is_some_and(|key| key.starts_with("ASIA"));
        if is_session && !all {
            chosen.sessions += 1;
            chosen.session_calls += row.calls;
        } else {
            order.push((row.last_at, number));
        }
    });
    // Days are read in their order, keys by how recently they were used.
    if table.group_by() == GroupBy::Key {
        order.sort_by_key(|(last_at, _)| std::cmp::Reverse(*last_at));
    }
    if !all {
        chosen.others = order.len().saturating_sub(FEW);
        order.truncate(FEW);
    }
    chosen.rows = order.into_iter().map(|(_, number)| number).collect();
    chosen
}

fn print_rest(chosen: &Chosen, table: &Rows, printer: &Printer) -> Result<(), CommandError> {
    if chosen.rows.is_empty() {
        printer.text("No long-term key was used.\n")?;
    }
    if chosen.others > 0 {
        printer.text(&format!("… and {}\n", count(chosen.others, "more row")))?;
    }
    if chosen.sessions > 0 {
        let calls = usize::try_from(chosen.session_calls).unwrap_or(usize::MAX);
        let rows = if table.group_by() == GroupBy::Key { "session key" } else { "row of session keys" };
        let text = match rows {
            "session key" => count(chosen.sessions, "session key"),
            _ => format!("{} of session keys", count(chosen.sessions, "row")),
        };
        printer.text(&format!("Not shown: {text} with {}.\n", count(calls, "call")))?;
    }
    if chosen.others > 0 || chosen.sessions > 0 {
        printer
            .hint("--all shows every row, --format csv or json lists them, --key ID tells all of one key.");
    }
    Ok(())
}

fn push(lines: &mut Table, row: &KeyUsage, group_by: GroupBy, palette: Palette) {
    let name = |row: &KeyUsage| {
        row.user_name.clone().or_else(|| row.principal_arn.clone()).unwrap_or_else(|| "(unknown)".to_owned())
    };
    let (first, second) = match group_by {
        GroupBy::Key => (row.access_key_id.clone(), name(row)),
        GroupBy::Principal => (row.account_id.clone(), name(row)),
        GroupBy::Consumer => (row.access_key_id.clone(), row.consumer.clone().unwrap_or_default()),
        GroupBy::Service => (row.access_key_id.clone(), row.service.clone().unwrap_or_default()),
        GroupBy::Day => (row.access_key_id.clone(), row.day.clone().unwrap_or_default()),
    };
    let failed = Cell::new(number(row.failed_calls));
    lines.row([
        Cell::new(first.unwrap_or_default()).style(palette.heading),
        Cell::new(second),
        Cell::new(number(row.calls)),
        if row.failed_calls > 0 { failed.style(palette.warning) } else { failed },
        Cell::new(day(row.first_at)),
        Cell::new(day(row.last_at)),
    ]);
    if let Some(sentence) = in_brief(row, group_by) {
        lines.sentence(2, Cell::new(sentence).style(palette.quiet));
    }
}

/// What is said of a row in one line: services, places, clients, rhythm.
fn in_brief(row: &KeyUsage, group_by: GroupBy) -> Option<String> {
    let mut parts = Vec::new();
    if group_by != GroupBy::Service {
        parts.push(few(services(row), BRIEF));
    }
    parts.push(few(row.networks.iter().map(|use_of| use_of.network.to_string()).collect(), BRIEF));
    parts.push(few(row.user_agents.iter().map(|use_of| use_of.agent.to_string()).collect(), BRIEF));
    if group_by == GroupBy::Consumer {
        parts.push(few(row.vpc_endpoints.iter().map(|used| used.name.clone()).collect(), BRIEF));
    }
    if let Some(sessions) = &row.sessions {
        let calls = usize::try_from(sessions.calls).unwrap_or(usize::MAX);
        let keys = usize::try_from(sessions.keys).unwrap_or(usize::MAX);
        parts.push(format!("and {} by {}", count(calls, "call"), count(keys, "session key")));
    }
    parts.retain(|part| !part.is_empty());
    (!parts.is_empty()).then(|| parts.join(" · "))
}

/// All that is known of one key.
fn print_in_full(row: &KeyUsage, printer: &Printer) -> Result<(), CommandError> {
    let mut lines = Table::new([Fit::Whole, Fit::Wrap]);
    let palette = printer.palette();
    let mut line = |label: &str, text: String| {
        if !text.is_empty() {
            lines.row([Cell::new(label).style(palette.quiet), Cell::new(text)]);
        }
    };
    line("Key", row.access_key_id.clone().unwrap_or_default());
    line("Principal", row.principal_arn.clone().unwrap_or_default());
    line("Minted by", row.parent.clone().unwrap_or_default());
    let failed = match (row.failed_calls, row.denied_calls) {
        (0, _) => String::new(),
        (failed, denied) => format!(", {} failed, {} of these denied", number(failed), number(denied)),
    };
    let throttled = match row.throttled_calls {
        0 => String::new(),
        throttled => format!(", {} throttled", number(throttled)),
    };
    line("Calls", format!("{}{failed}{throttled}", number(row.calls)));
    line("First use", row.first_at.map(|at| at.to_string()).unwrap_or_default());
    line("Last use", row.last_at.map(|at| at.to_string()).unwrap_or_default());
    if let Some(cadence) = &row.cadence {
        line("Rhythm", rhythm(cadence));
    }
    if let Some(sessions) = &row.sessions {
        let last = sessions.last_at.map(|at| format!(", the last {at}")).unwrap_or_default();
        line(
            "Sessions",
            format!("{} minted, {} calls by them{last}", number(sessions.keys), number(sessions.calls)),
        );
    }
    line(
        "Regions",
        few(row.regions.iter().map(|region| with_calls(&region.name, region.tally.calls)).collect(), LONG),
    );
    line("Sources", few(row.networks.iter().map(source).collect(), LONG));
    line(
        "Clients",
        few(
            row.user_agents
                .iter()
                .map(|used| with_calls(&used.agent.to_string(), used.tally.calls))
                .collect(),
            LONG,
        ),
    );
    line(
        "VPC endpoints",
        few(row.vpc_endpoints.iter().map(|used| with_calls(&used.name, used.tally.calls)).collect(), LONG),
    );
    line(
        "Invoked by",
        few(row.invoked_by.iter().map(|used| with_calls(&used.name, used.tally.calls)).collect(), LONG),
    );
    printer.table(&lines)?;

    let mut actions = Table::new([Fit::Elide, Fit::Whole, Fit::Whole, Fit::Whole]);
    actions.row(
        ["ACTION", "CALLS", "FIRST USE", "LAST USE"].map(|title| Cell::new(title).style(palette.heading)),
    );
    for action in row.actions.iter().take(LONG * 3) {
        actions.row([
            Cell::new(format!("{}:{}", action.service, action.action)),
            Cell::new(number(action.tally.calls)),
            Cell::new(day(Some(action.tally.first_at))),
            Cell::new(day(Some(action.tally.last_at))),
        ]);
    }
    // Not among the actions: these calls are counted there already.
    if !row.errors.is_empty() {
        actions.row(["ERROR", "CALLS", "FIRST", "LAST"].map(|title| Cell::new(title).style(palette.heading)));
    }
    for error in row.errors.iter().take(LONG) {
        actions.row([
            Cell::new(format!("{}:{} {}", error.service, error.action, error.code)).style(palette.warning),
            Cell::new(number(error.tally.calls)),
            Cell::new(day(Some(error.tally.first_at))),
            Cell::new(day(Some(error.tally.last_at))),
        ]);
    }
    printer.text("\n")?;
    printer.table(&actions)?;
    let left_out = row.actions.len().saturating_sub(LONG * 3) + row.errors.len().saturating_sub(LONG);
    if left_out > 0 {
        printer.text(&format!("… and {}; --format json has all.\n", count(left_out, "more line")))?;
    }
    Ok(())
}

/// When the key is used, and how sure that is.
fn rhythm(cadence: &Cadence) -> String {
    let days = count(cadence.active_days as usize, "day");
    let gap = i64::try_from(cadence.longest_gap_seconds).unwrap_or(i64::MAX);
    let gap = duration(jiff::SignedDuration::from_secs(gap));
    let used = match cadence.active_days {
        1 => format!("used on {days}"),
        _ => format!("used on {days}, never quiet for longer than {gap} in between"),
    };
    match &cadence.schedule {
        Some(schedule) => {
            format!("{} (confidence {:.0} %); {used}", schedule.text, schedule.confidence * 100.0)
        }
        None => used,
    }
}

fn source(used: &NetworkUse) -> String {
    let addresses = match used.addresses {
        0 | 1 => String::new(),
        addresses => format!("{} addresses, ", number(addresses)),
    };
    format!("{} ({addresses}{})", used.network, calls(used.tally.calls))
}

fn with_calls(name: &str, number: u64) -> String {
    format!("{name} ({})", calls(number))
}

fn calls(calls: u64) -> String {
    count(usize::try_from(calls).unwrap_or(usize::MAX), "call")
}

/// The services that were called, the busiest first.
fn services(row: &KeyUsage) -> Vec<String> {
    let mut services: Vec<(String, u64)> = Vec::new();
    for action in &row.actions {
        match services.iter_mut().find(|(service, _)| *service == action.service) {
            Some((_, calls)) => *calls += action.tally.calls,
            None => services.push((action.service.clone(), action.tally.calls)),
        }
    }
    services.sort_by(|left, right| right.1.cmp(&left.1).then_with(|| left.0.cmp(&right.0)));
    services.into_iter().map(|(service, _)| service).collect()
}

/// The first of a list, and how many more there are.
fn few(names: Vec<String>, most: usize) -> String {
    let more = names.len().saturating_sub(most);
    let mut text = names.into_iter().take(most).collect::<Vec<_>>().join(", ");
    if more > 0 {
        text.push_str(&format!(" and {} more", grouped(more)));
    }
    text
}

fn number(number: u64) -> String {
    grouped(usize::try_from(number).unwrap_or(usize::MAX))
}

fn day(at: Option<EventTime>) -> String {
    at.map(|at| at.to_string()[..10].to_owned()).unwrap_or_default()
}
