//! The audit trail of key management for people.

use anstyle::Style;
use rotakey_trail::keys::{Change, KeyEvent, KeysDocument, Provenance};

use crate::commands::trail::words::{counted, origin, second, short_arn};
use crate::printer::Palette;
use crate::table::{Cell, Fit, Table};

/// How many events people see unless they want all.
const FEW: usize = 50;

/// The life lines.
pub(super) fn keys(document: &KeysDocument, palette: Palette) -> Table {
    let mut table = Table::new([Fit::Whole, Fit::Whole, Fit::Whole, Fit::Elide]);
    if document.keys.is_empty() {
        table.sentence(0, Cell::new("No event about an access key."));
    }
    for key in &document.keys {
        let user = key.user_name.as_deref().unwrap_or("a user that is not told");
        let state = key.last_change.map_or("no change seen", Change::as_str);
        let line = format!("{}  {user}: {state}", key.access_key_id);
        table.sentence(0, Cell::new(line).style(palette.heading));
        for change in &key.changes {
            table.row([
                Cell::new(format!("  {}", second(change.at))).style(palette.quiet),
                Cell::new(change.change.as_str()),
                provenance(change.provenance, palette),
                Cell::new(short_arn(change.principal.as_deref().unwrap_or_default())),
            ]);
        }
    }
    table
}

/// The events, the newest last.
pub(super) fn events(document: &KeysDocument, all: bool, palette: Palette) -> Table {
    let mut table = Table::new([Fit::Whole, Fit::Elide, Fit::Elide]);
    let left_out = if all { 0 } else { document.events.len().saturating_sub(FEW) };
    if !document.events.is_empty() {
        table.sentence(0, Cell::default());
        let heading = |text| Cell::new(text).style(palette.heading);
        table.row(["TIME (UTC)", "ACTION", "ON"].map(heading));
    }
    for event in &document.events[left_out..] {
        table.row([
            Cell::new(second(event.at)).style(palette.quiet),
            action(event, palette),
            Cell::new(object(event)),
        ]);
        table.sentence(21, Cell::new(actor(event)).style(provenance_style(event.provenance, palette)));
        if let Some(error) = &event.error {
            table.sentence(21, Cell::new(format!("failed: {error}")).style(palette.warning));
        }
    }
    let left_out_looks = document.looks_left_out;
    if left_out > 0 || left_out_looks > 0 {
        table.sentence(0, Cell::default());
    }
    if left_out > 0 {
        let earlier = counted(left_out as u64, "earlier event");
        table.sentence(0, Cell::new(format!("{earlier} not shown: --all shows them.")).style(palette.quiet));
    }
    if left_out_looks > 0 {
        let looks = counted(left_out_looks, "call");
        let text = format!("{looks} that only looked at keys not shown: --looks shows them.");
        table.sentence(0, Cell::new(text).style(palette.quiet));
    }
    table
}

fn action(event: &KeyEvent, palette: Palette) -> Cell {
    let style = if event.succeeded { Style::new() } else { palette.warning };
    Cell::new(&event.action).style(style)
}

/// What was acted on: the user, the key, and what exactly.
fn object(event: &KeyEvent) -> String {
    let detail = event.detail.as_deref().map(short_arn);
    let parts = [event.access_key_id.as_deref().or(event.user_name.as_deref()), detail];
    parts.into_iter().flatten().collect::<Vec<_>>().join(" ")
}

/// Who did it, from where, and whether by rotakey.
fn actor(event: &KeyEvent) -> String {
    let principal = event.principal.as_deref().map_or("somebody", short_arn);
    let origin = origin(event.source_ip.as_deref(), event.user_agent.as_deref());
    match event.provenance {
        Some(provenance) => format!("{}: {principal} {origin}", provenance.as_str()),
        None => format!("{principal} {origin}"),
    }
}

fn provenance(provenance: Option<Provenance>, palette: Palette) -> Cell {
    Cell::new(provenance.map_or("", Provenance::as_str)).style(provenance_style(provenance, palette))
}

fn provenance_style(provenance: Option<Provenance>, palette: Palette) -> Style {
    match provenance {
        Some(Provenance::NotInLog) => palette.bad,
        Some(Provenance::Around) => palette.warning,
        Some(Provenance::Rotakey | Provenance::SaysRotakey) => palette.good,
        None => palette.quiet,
    }
}
