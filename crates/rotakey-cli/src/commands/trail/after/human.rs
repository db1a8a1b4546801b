//! The use of a key after it was switched off, for people.

use jiff::SignedDuration;
use rotakey_trail::after::{AfterDocument, Conclusion, S3Document, Unusable, Use};

use crate::commands::trail::words::{counted, origin, second, short_arn};
use crate::printer::Palette;
use crate::quantity::duration;
use crate::table::{Cell, Fit, Table};

/// How many events or sources people see; JSON and CSV have all.
const FEW: usize = 50;

/// All of it.
pub(super) fn told(document: &AfterDocument, palette: Palette) -> Table {
    let mut table = Table::new([Fit::Whole, Fit::Whole, Fit::Elide]);
    let (text, style) = match document.conclusion {
        Conclusion::UsedAfter => ("used after it was switched off", palette.bad),
        Conclusion::NothingSeen => ("no use seen after it was switched off", palette.good),
        Conclusion::NotSwitchedOff => ("the trail does not tell that it was switched off", palette.warning),
    };
    table.sentence(0, Cell::new(format!("{}: {text}", document.access_key_id)).style(style));
    for time in &document.unusable {
        table.sentence(2, Cell::new(unusable(time)));
    }
    if let Some(last) = document.last_use_before {
        table.sentence(2, Cell::new(format!("Last use before that: {}.", second(last))));
    }
    uses(&mut table, document, palette);
    if let Some(logs) = &document.s3_access_logs {
        access_logs(&mut table, logs, palette);
    }
    table.sentence(0, Cell::default());
    for meaning in &document.meaning {
        table.sentence(0, Cell::new(meaning).style(palette.quiet));
    }
    table
}

fn unusable(time: &Unusable) -> String {
    let by = time.principal.as_deref().map(|principal| format!(" by {}", short_arn(principal)));
    let until = time.until.map_or_else(String::new, |until| format!(", on again {}", second(until)));
    format!("Off since {} ({}{}){until}.", second(time.from), time.because.as_str(), by.unwrap_or_default())
}

/// Whether a use is in a group.
type IsIn = fn(&Use) -> bool;

fn uses(table: &mut Table, document: &AfterDocument, palette: Palette) {
    let heading = |text: String| Cell::new(text).style(palette.heading);
    let allowance =
        SignedDuration::from_secs(i64::try_from(document.propagation_seconds).unwrap_or(i64::MAX));
    let groups: [(String, IsIn); 3] = [
        (format!("{} by the key itself", counted(document.uses_after, "event"),), |told| {
            !told.within_propagation && !told.through_session
        }),
        (
            format!("{} by sessions that were minted with it", counted(document.session_uses_after, "event")),
            |told| told.through_session,
        ),
        (
            format!(
                "{} within the propagation time ({}): no finding",
                counted(document.uses_within_propagation, "event"),
                duration(allowance)
            ),
            |told| told.within_propagation,
        ),
    ];
    for (title, is_in) in groups {
        let in_group: Vec<&Use> = document.uses.iter().filter(|told| is_in(told)).collect();
        if in_group.is_empty() {
            continue;
        }
        table.sentence(0, Cell::default());
        table.sentence(0, heading(title));
        for told in in_group.iter().take(FEW) {
            let event = &told.event;
            let after = SignedDuration::from_secs(i64::try_from(told.seconds_after).unwrap_or(i64::MAX));
            let outcome = event.error_code.as_deref().map(|code| format!(" ({code})")).unwrap_or_default();
            table.row([
                Cell::new(format!("  {}", second(event.at))).style(palette.quiet),
                Cell::new(format!("+{}", duration(after))),
                Cell::new(format!("{}:{}{outcome}", event.service, event.action)),
            ]);
            let mut from = origin(event.source_ip.as_deref(), event.user_agent.as_deref());
            if told.through_session {
                from = format!("{} {from}", event.access_key_id);
            }
            table.sentence(23, Cell::new(from).style(palette.quiet));
        }
        more(table, in_group.len(), palette);
    }
}

fn more(table: &mut Table, number: usize, palette: Palette) {
    if number > FEW {
        let text = format!("… and {} more: --format json lists them.", number - FEW);
        table.sentence(2, Cell::new(text).style(palette.quiet));
    }
}

fn access_logs(table: &mut Table, logs: &S3Document, palette: Palette) {
    table.sentence(0, Cell::default());
    let title = format!(
        "S3 server access logs: {} read, {} with the key in this time",
        counted(logs.lines, "line"),
        counted(logs.request_count, "request")
    );
    table.sentence(0, Cell::new(title).style(palette.heading));
    for request in logs.requests.iter().take(FEW) {
        let status = request.status.map_or_else(String::new, |status| status.to_string());
        let code = request.error_code.as_deref().unwrap_or("granted");
        table.row([
            Cell::new(format!("  {}", second(request.at))).style(palette.quiet),
            Cell::new(format!("{status} {code}")),
            Cell::new(format!("{} {}", request.operation, request.bucket)),
        ]);
        let from = origin(request.source_ip.as_deref(), request.user_agent.as_deref());
        table.sentence(23, Cell::new(from).style(palette.quiet));
    }
    more(table, logs.requests.len(), palette);
    if logs.refused_without_key == 0 {
        return;
    }
    let title = format!(
        "{} refused for some key that does not work; the log does not say which:",
        counted(logs.refused_without_key, "request"),
    );
    table.sentence(2, Cell::new(title));
    for source in logs.refused_sources.iter().take(FEW) {
        let hint = if source.address_of_key { ", from where the key was used before" } else { "" };
        let text = format!(
            "{} {}{hint}",
            counted(source.tally.requests, "request"),
            origin(Some(&source.source_ip), source.user_agent.as_deref()),
        );
        let style = if source.address_of_key { palette.warning } else { palette.quiet };
        table.sentence(4, Cell::new(text).style(style));
    }
    more(table, logs.refused_sources.len(), palette);
}
