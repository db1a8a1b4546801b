//! The consumers as people read them.

use anstyle::Style;
use jiff::SignedDuration;
use rotakey_trail::consumers::{ConsumerUse, ConsumersDocument, KeyUse, Move, Verdict};
use rotakey_trail::event_time::EventTime;
use rotakey_trail::usage::schema::NameUse;

use super::super::sessions::minute;
use crate::printer::Palette;
use crate::quantity::{count, grouped, rough};
use crate::table::{Cell, Fit, Table};

/// The most services and regions that are named.
const NAMED: usize = 5;

/// A row and a sentence for each consumer, and the verdict. Foreign text is escaped.
pub(super) fn render(document: &ConsumersDocument, palette: Palette, width: Option<usize>) -> String {
    let table = match document.verdict {
        None => of_one_key(document, palette),
        Some(_) => of_cut_over(document, palette),
    };
    let mut sums = Table::new([Fit::Wrap]);
    for (sentence, style) in summed_up(document, palette) {
        sums.sentence(0, Cell::new(sentence).style(style));
    }
    let tables = if document.consumers.is_empty() { vec![sums] } else { vec![table, sums] };
    tables.iter().map(|table| table.render(width)).collect::<Vec<_>>().join("\n")
}

fn of_one_key(document: &ConsumersDocument, palette: Palette) -> Table {
    let mut table = Table::new([Fit::Elide, Fit::Whole, Fit::Whole, Fit::Whole]);
    table.row(
        ["CONSUMER", "CALLS", "FIRST SEEN", "LAST SEEN"].map(|title| Cell::new(title).style(palette.heading)),
    );
    for consumer in &document.consumers {
        let Some(side) = &consumer.old else { continue };
        table.row([
            Cell::new(consumer.consumer.to_string()).style(palette.heading),
            Cell::new(number(side.uses.calls)),
            Cell::new(time(side.uses.first_at)),
            Cell::new(time(side.uses.last_at)),
        ]);
        table.sentence(2, Cell::new(use_in_words(side)).style(palette.quiet));
    }
    table
}

fn of_cut_over(document: &ConsumersDocument, palette: Palette) -> Table {
    let mut table = Table::new([Fit::Whole, Fit::Elide, Fit::Whole, Fit::Whole]);
    table.row(
        ["MOVED", "CONSUMER", "OLD KEY UNTIL", "NEW KEY SINCE"]
            .map(|title| Cell::new(title).style(palette.heading)),
    );
    for consumer in &document.consumers {
        let Some(moved) = consumer.moved else { continue };
        table.row([
            Cell::new(state(moved)).style(state_style(moved, palette)),
            Cell::new(consumer.consumer.to_string()).style(palette.heading),
            Cell::new(time(consumer.old.as_ref().and_then(|old| old.uses.last_at))),
            Cell::new(time(consumer.new.as_ref().and_then(|new| new.uses.first_at))),
        ]);
        let sides = [("old key", &consumer.old), ("new key", &consumer.new)];
        for (name, side) in sides.iter().filter_map(|(name, side)| Some((name, side.as_ref()?))) {
            let calls = count(usize::try_from(side.uses.calls).unwrap_or(usize::MAX), "call");
            let text = format!("{name}: {calls}, {}", use_in_words(side));
            table.sentence(2, Cell::new(text).style(palette.quiet));
        }
        if let Some(text) = advice(consumer, moved, document.told_until) {
            table.sentence(2, Cell::new(text).style(palette.warning));
        }
    }
    table
}

fn use_in_words(side: &KeyUse) -> String {
    let mut parts = vec![names(&side.services)];
    if !side.regions.is_empty() {
        parts.push(format!("in {}", names(&side.regions)));
    }
    let days = usize::try_from(side.active_days).unwrap_or(usize::MAX);
    let mut cadence = format!("on {}", count(days, "day"));
    if let Some(gap) = side.cadence.as_ref().map(|cadence| cadence.longest_gap_seconds).filter(|&gap| gap > 0)
    {
        let gap = SignedDuration::from_secs(i64::try_from(gap).unwrap_or(i64::MAX));
        cadence.push_str(&format!(", at most {} apart", rough(gap)));
    }
    if let Some(schedule) = side.cadence.as_ref().and_then(|cadence| cadence.schedule.as_ref()) {
        cadence = format!("{}, {cadence}", schedule.text);
    }
    parts.push(cadence);
    if side.session_calls > 0 {
        parts.push(format!("{} by sessions", number(side.session_calls)));
    }
    if side.uses.failed_calls > 0 {
        parts.push(format!("{} failed", number(side.uses.failed_calls)));
    }
    parts.join("; ")
}

fn names(names: &[NameUse]) -> String {
    let named: Vec<&str> = names.iter().take(NAMED).map(|name| name.name.as_str()).collect();
    match names.len().saturating_sub(NAMED) {
        0 => named.join(", "),
        more => format!("{} and {more} more", named.join(", ")),
    }
}

fn state(moved: Move) -> &'static str {
    match moved {
        Move::NotMoved => "no",
        Move::Both => "uses both",
        Move::Moved => "yes",
        Move::Ended => "ended",
        Move::NewOnly => "new only",
    }
}

fn state_style(moved: Move, palette: Palette) -> Style {
    match moved {
        Move::NotMoved | Move::Both => palette.bad,
        Move::Moved => palette.good,
        Move::Ended | Move::NewOnly => palette.quiet,
    }
}

/// What helps to judge a consumer that holds things up.
fn advice(consumer: &ConsumerUse, moved: Move, told_until: Option<EventTime>) -> Option<String> {
    let last = consumer.old.as_ref()?.uses.last_at?;
    let silence = rough(SignedDuration::from_secs(told_until?.seconds() - last.seconds()));
    match moved {
        Move::Both if consumer.new.as_ref().and_then(|new| new.uses.last_at) <= Some(last) => {
            Some("used the old key last".to_owned())
        }
        Move::Both => Some(format!(
            "last seen on the old key {silence} before the end of this trail; --quiet-for says how long is enough"
        )),
        Move::NotMoved => Some(format!("last seen {silence} before the end of this trail")),
        Move::Moved | Move::Ended | Move::NewOnly => None,
    }
}

fn summed_up(document: &ConsumersDocument, palette: Palette) -> Vec<(String, Style)> {
    let until = document.told_until.map_or_else(
        || "The trail holds no event of that time.".to_owned(),
        |at| format!("The trail tells until {} UTC.", minute(at)),
    );
    let mut sentences = Vec::new();
    if document.consumers_cut {
        let text = format!(
            "There are more consumers than can be told apart: {} are shown, others are not.",
            grouped(document.consumers.len())
        );
        sentences.push((text, palette.warning));
    }
    let held_up =
        document.consumers.iter().filter(|consumer| consumer.moved.is_some_and(Move::holds_up)).count();
    let of_old = document.consumers.iter().filter(|consumer| consumer.old.is_some()).count();
    let consumers = count(of_old, "consumer");
    let (text, style) = match document.verdict {
        None => (format!("{consumers} of {}.", document.access_key_id), Style::new()),
        Some(Verdict::AllMoved) => {
            (format!("All moved: {consumers} of the old key, none of which still uses it."), palette.good)
        }
        Some(Verdict::NotAllMoved) => {
            (format!("Not all moved: {held_up} of {consumers} may still need the old key."), palette.bad)
        }
        Some(Verdict::Unknown) if of_old == 0 => (
            "Unknown: nobody was seen on the old key, which is no proof that nobody has it.".to_owned(),
            palette.warning,
        ),
        Some(Verdict::Unknown) => (
            "Unknown: nobody is known to hold things up, but not everything was seen.".to_owned(),
            palette.warning,
        ),
    };
    sentences.push((format!("{text} {until}"), style));
    if !document.has_data_events {
        let text =
            "It has no data events: whoever only reads and writes objects, items or messages is not seen.";
        sentences.push((text.to_owned(), palette.warning));
    }
    sentences
}

fn time(at: Option<EventTime>) -> String {
    at.map_or_else(|| "-".to_owned(), minute)
}

fn number(number: u64) -> String {
    grouped(usize::try_from(number).unwrap_or(usize::MAX))
}

#[cfg(test)]
mod tests {
    use rotakey_trail::answer::Answer as _;
    use rotakey_trail::consumers::{Consumers, CutOver};
    use rotakey_trail::record::Record;
    use rotakey_trail::selection::Selection;

    use super::super::super::story::{call, descendants};
    use super::*;

    fn rendered(new_key: Option<&str>) -> String {
        let by = |minute, key, source_ip| Record {
            source_ip: Some(source_ip),
            ..call(minute, key, "s3.amazonaws.com", "PutObject")
        };
        let records = [
            by(0, "AKIA0", "198.51.100.7"),
            by(9, "AKIA1", "198.51.100.7"),
            by(2, "AKIA0", "2001:db8:1::7"),
            by(1, "AKIA1", "2001:db8:1::7"),
            by(5, "AKIA0", "203.0.113.66"),
        ];
        let new = new_key.map(|key| descendants(key, &records));
        let mut consumers = Consumers::new(descendants("AKIA0", &records), new, Selection::default());
        consumers.take(&records);
        let document = consumers.document(&CutOver { complete: true, quiet_seconds: None });
        render(&document, Palette::default(), Some(80))
    }

    #[test]
    fn a_cut_over_tells_who_holds_it_up() {
        let text = rendered(Some("AKIA1"));
        let lines: Vec<&str> = text.lines().filter(|line| line.contains("  2026-11-23 15:")).collect();
        let starts = |start| lines.iter().filter(|line| line.starts_with(start)).count();
        assert_eq!((starts("no "), starts("uses both "), starts("yes ")), (1, 1, 1), "{text}");
        assert!(text.contains("last seen 4 min before the end of this trail"), "{text}");
        assert!(text.contains("Not all moved: 2 of 3 consumers may still need the old key."), "{text}");
        assert!(text.lines().all(|line| crate::terminal::width(line) <= 80), "{text}");
    }

    #[test]
    fn without_a_new_key_each_consumer_is_told_with_its_use() {
        let text = rendered(None);
        assert!(text.contains("1      2026-11-23 15:45  2026-11-23 15:45"), "{text}");
        assert!(text.contains("  s3; in eu-west-1; on 1 day"), "{text}");
        assert!(text.contains("3 consumers of AKIA0. The trail tells until 2026-11-23 15:54 UTC."), "{text}");
    }
}
