//! The timeline as people read it.

use std::collections::{BTreeMap, BTreeSet};

use jiff::{SignedDuration, Timestamp};
use rotakey_trail::event_time::EventTime;
use rotakey_trail::timeline::{Burst, Entry, Level, Run, TimelineDocument, actor, fold, unfolded};

use super::super::sessions::{last_part, minute};
use super::targets_in_words;
use crate::printer::Palette;
use crate::quantity::{count, day, duration, grouped};
use crate::table::{Cell, Fit, Table};

/// The most calls of a burst that are named.
const NAMED: usize = 4;

/// The most kinds of sessions that are explained.
const EXPLAINED: usize = 30;

/// What people want to see.
#[derive(Debug, Clone, Copy)]
pub(super) struct Shown {
    /// Each call by itself.
    pub(super) all: bool,
    /// Only marked ones.
    pub(super) risk_only: bool,
}

/// A line for each entry under the day that it began, where calls came from whenever that changes, and below who
/// called. Foreign text is escaped.
pub(super) fn render(
    document: &TimelineDocument,
    shown: Shown,
    palette: Palette,
    width: Option<usize>,
) -> String {
    let entries = if shown.all { unfolded(&document.rows) } else { fold(&document.rows) };
    let mut labels = Labels::new(document);
    let mut table = Table::new([Fit::Whole, Fit::Whole, Fit::Whole, Fit::Wrap]);
    let (mut today, mut origins) = (String::new(), BTreeMap::new());
    for entry in &entries {
        let at = Timestamp::from(entry.first_at());
        if day(at) != today {
            today = day(at);
            table.sentence(0, Cell::new(&today).style(palette.heading));
        }
        let label = labels.of(entry.actor());
        let origin = entry.origin();
        if origins.insert(label.clone(), origin) != Some(origin) {
            table.row([
                Cell::default(),
                Cell::new(&label),
                Cell::new(from_words(origin)).style(palette.quiet),
            ]);
        }
        let (mark, text) = match entry {
            Entry::Run(run) => (marks(run), run_in_words(run)),
            Entry::Burst(burst) => ("discovery".to_owned(), burst_in_words(burst)),
        };
        let level = match entry {
            Entry::Run(run) => run.level,
            Entry::Burst(burst) => burst.level,
        };
        table.row([
            Cell::new(at.strftime("%H:%M:%S").to_string()).style(palette.quiet),
            Cell::new(&label),
            Cell::new(mark).style(level_style(level, palette)),
            Cell::new(text),
        ]);
    }
    let mut sums = Table::new([Fit::Wrap]);
    summed_up(document, shown).into_iter().for_each(|sentence| sums.sentence(0, Cell::new(sentence)));
    let tables = if entries.is_empty() { vec![sums] } else { vec![table, labels.explained(document), sums] };
    tables.iter().map(|table| table.render(width)).collect::<Vec<_>>().join("\n")
}

/// Short names for those who call: `key` and `s1`, `s2`, ... in the order of their first call.
struct Labels {
    of: BTreeMap<String, String>,
    order: Vec<String>,
    keys: BTreeMap<String, BTreeSet<String>>,
}

impl Labels {
    fn new(document: &TimelineDocument) -> Self {
        let mut keys: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
        for row in &document.rows {
            keys.entry(actor(row)).or_default().insert(row.call.access_key_id.clone());
        }
        let of = BTreeMap::from([(document.access_key_id.clone(), "key".to_owned())]);
        Self { of, order: Vec::new(), keys }
    }

    fn of(&mut self, actor: &str) -> String {
        if let Some(label) = self.of.get(actor) {
            return label.clone();
        }
        self.order.push(actor.to_owned());
        let label = format!("s{}", self.order.len());
        self.of.insert(actor.to_owned(), label.clone());
        label
    }

    /// What the labels stand for.
    fn explained(&self, document: &TimelineDocument) -> Table {
        let mut table = Table::new([Fit::Whole, Fit::Wrap]);
        let arn_of = |key: &str| {
            let row = document.rows.iter().rev().find(|row| row.call.access_key_id == key)?;
            row.call.arn.clone()
        };
        let root = &document.access_key_id;
        let signs_as = arn_of(root).map(|arn| format!(", {arn}")).unwrap_or_default();
        table.row([Cell::new("key"), Cell::new(format!("{root}{signs_as}"))]);
        for actor in self.order.iter().take(EXPLAINED) {
            let keys = self.keys.get(actor).map_or(0, BTreeSet::len);
            let first = self.keys.get(actor).and_then(|keys| keys.first()).cloned().unwrap_or_default();
            let whose = if *actor == first {
                let arn = arn_of(actor).map(|arn| format!(" of {arn}")).unwrap_or_default();
                format!("session {actor}{arn}")
            } else if keys == 1 {
                format!("session {first} of {actor}")
            } else {
                format!("{} of {actor}", count(keys, "session"))
            };
            table.row([Cell::new(&self.of[actor]), Cell::new(whose)]);
        }
        if self.order.len() > EXPLAINED {
            table.row([Cell::new("…"), Cell::new("the others are in --format json")]);
        }
        table
    }
}

/// `from 198.51.100.7 with Boto3 in eu-west-1`.
fn from_words([source, agent, region]: [Option<&str>; 3]) -> String {
    let agent = agent.map(|agent| format!(" with {agent}")).unwrap_or_default();
    let region = region.map(|region| format!(" in {region}")).unwrap_or_default();
    format!("from {}{agent}{region}", source.unwrap_or("somewhere"))
}

/// The first of the marks, and how many others there are.
fn marks(run: &Run) -> String {
    match run.risks.as_slice() {
        [] => String::new(),
        [risk] => risk.as_str().to_owned(),
        [risk, others @ ..] => format!("{} +{}", risk.as_str(), others.len()),
    }
}

fn run_in_words(run: &Run) -> String {
    let mut text = format!("{} {}", run.service, run.action);
    if run.calls > 1 {
        text.push_str(&times(run.calls, run.first_at, run.last_at));
    }
    let targets = targets_in_words(&run.targets, short);
    if !targets.is_empty() {
        text.push_str(&format!(": {targets}"));
        if run.more_targets {
            text.push_str(" and others");
        }
    }
    match &run.error_code {
        Some(error) if run.level > Level::None => format!("tried {text}; failed: {error}"),
        Some(error) => format!("{text}; failed: {error}"),
        None => text,
    }
}

fn burst_in_words(burst: &Burst) -> String {
    let named = burst.actions.iter().take(NAMED).map(|(service, action)| format!("{service} {action}"));
    let mut text = format!(
        "looked around: {} kinds of calls{}: {}",
        burst.actions.len(),
        times(burst.calls, burst.first_at, burst.last_at),
        named.collect::<Vec<_>>().join(", "),
    );
    if burst.actions.len() > NAMED {
        text.push_str(", …");
    }
    if burst.failed_calls > 0 {
        text.push_str(&format!("; {} failed", number(burst.failed_calls)));
    }
    text
}

/// ` ×341 over 12 min`.
fn times(calls: u64, first: EventTime, last: EventTime) -> String {
    let span = duration(SignedDuration::from_secs(last.seconds() - first.seconds()));
    format!(" ×{} over {span}", number(calls))
}

/// An ARN without what is the same in most; other names as they are.
fn short(name: &str) -> String {
    if name.starts_with("arn:") { last_part(name).to_owned() } else { name.to_owned() }
}

fn number(number: u64) -> String {
    grouped(usize::try_from(number).unwrap_or(usize::MAX))
}

fn level_style(level: Level, palette: Palette) -> anstyle::Style {
    match level {
        Level::Grave => palette.bad,
        Level::Mild => palette.warning,
        Level::None => palette.quiet,
    }
}

/// What there was, and what is not shown.
fn summed_up(document: &TimelineDocument, shown: Shown) -> Vec<String> {
    let calls = document.calls;
    let descendants = usize::try_from(document.descendants).unwrap_or(usize::MAX);
    let mut sentences = vec![match calls.total() {
        0 => format!("No call of {} or of a session from it was seen.", document.access_key_id),
        total => format!(
            "{} calls of the key and {} from it: {} grave, {} mild, {} unmarked. Times are UTC.",
            number(total),
            count(descendants, "session"),
            number(calls.grave),
            number(calls.mild),
            number(calls.unmarked),
        ),
    }];
    let mut hidden = document.not_shown;
    if shown.risk_only {
        hidden.unmarked = 0;
    }
    if hidden.total() > 0 {
        let earliest = document.rows.iter().map(|row| row.call.at).min();
        let since = earliest.map(|at| format!(" Shown are calls since {}.", minute(at))).unwrap_or_default();
        sentences.push(format!(
            "Not shown, but counted: {} grave, {} mild, {} unmarked calls; the oldest of their kind. A higher --limit \
             shows more, --from and --until another time.{since}",
            number(hidden.grave),
            number(hidden.mild),
            number(hidden.unmarked),
        ));
    }
    sentences
}

#[cfg(test)]
mod tests {
    use rotakey_trail::answer::Answer as _;
    use rotakey_trail::record::Record;
    use rotakey_trail::selection::Selection;
    use rotakey_trail::timeline::{Timeline, TimelineOptions};

    use super::super::super::story::{call, descendants, gives};
    use super::*;

    fn rendered(limit: usize, shown: Shown) -> String {
        let session = gives("credentials", "ASIA1");
        let mut records = vec![
            Record { response: Some(&session), ..call(0, "AKIA0", "sts.amazonaws.com", "AssumeRole") },
            Record {
                error_code: Some("AccessDenied"),
                request: Some(r#"{"name":"main\u001b[31m"}"#),
                ..call(4, "ASIA1", "cloudtrail.amazonaws.com", "StopLogging")
            },
            Record {
                request: Some(
                    r#"{"userName":"bob","policyArn":"arn:aws:iam::aws:policy/AdministratorAccess"}"#,
                ),
                source_ip: Some("203.0.113.66"),
                ..call(5, "ASIA1", "iam.amazonaws.com", "AttachUserPolicy")
            },
        ];
        records.extend((10..40).map(|minute| call(minute, "AKIA0", "s3.amazonaws.com", "PutObject")));
        for name in ["ListUsers", "ListRoles", "GetUser", "ListGroups", "ListPolicies"] {
            records.extend((50..53).map(|minute| call(minute, "AKIA0", "iam.amazonaws.com", name)));
        }
        let options = TimelineOptions { selection: Selection::default(), limit, risk_only: shown.risk_only };
        let mut timeline = Timeline::new(descendants("AKIA0", &records), options);
        timeline.take(&records);
        render(&timeline.document(), shown, Palette::default(), Some(80))
    }

    const FOLDED: Shown = Shown { all: false, risk_only: false };

    #[test]
    fn people_read_runs_attempts_and_where_calls_come_from() {
        assert_eq!(
            rendered(99, FOLDED),
            "\
2026-11-23
          key  from 198.51.100.7 in eu-west-1
15:45:00  key  credentials  sts AssumeRole
          s1   from 198.51.100.7 in eu-west-1
15:49:00  s1   evasion      tried cloudtrail StopLogging: name main\\u{1b}[31m;
                            failed: AccessDenied
          s1   from 203.0.113.66 in eu-west-1
15:50:00  s1   privilege    iam AttachUserPolicy: user bob, policy
                            AdministratorAccess
15:55:00  key               s3 PutObject ×30 over 29 min
16:35:00  key  discovery    looked around: 5 kinds of calls ×15 over 2 min: iam
                            GetUser, iam ListGroups, iam ListPolicies, iam
                            ListRoles, …

key  AKIA0, arn:aws:iam::111122223333:user/ci
s1   session ASIA1 of arn:aws:iam::111122223333:user/ci

48 calls of the key and 1 session from it: 2 grave, 16 mild, 30 unmarked. Times
are UTC.
"
        );
    }

    #[test]
    fn what_is_cut_or_left_out_is_told() {
        let text = rendered(1, FOLDED);
        assert!(text.contains("Not shown, but counted: 1 grave, 16 mild, 30 unmarked calls"), "{text}");
        let text = rendered(99, Shown { all: true, risk_only: true });
        assert!(!text.contains("PutObject") && !text.contains("Not shown"), "{text}");
        assert_eq!(text.matches("ListUsers").count(), 3);
    }
}
