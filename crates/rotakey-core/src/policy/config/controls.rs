//! Reads what holds rotations back: limits, canaries, freezes, windows and approvals.

use jiff::civil::Weekday;

use super::super::approval::ApprovalRule;
use super::super::matcher::Matcher;
use super::super::period::Period;
use super::super::reader::{Field, Reader, Section};
use super::super::rotate::ChosenUsers;
use super::policy::{globs, matcher, not_empty, text};
use super::rotate::within;
use crate::rotate::ApprovedStep;
use crate::rotate::controls::{Canary, Controls, Freeze, Gate, Limits, Share, Window, Zone, instant_of};

const DAYS: [(&str, Weekday); 7] = [
    ("mon", Weekday::Monday),
    ("tue", Weekday::Tuesday),
    ("wed", Weekday::Wednesday),
    ("thu", Weekday::Thursday),
    ("fri", Weekday::Friday),
    ("sat", Weekday::Saturday),
    ("sun", Weekday::Sunday),
];

pub(super) fn read(reader: &mut Reader<'_>, section: &Section<'_>) -> Controls {
    let limits = section.get("limits").and_then(|field| reader.section(field));
    Controls {
        limits: limits.map(|section| self::limits(reader, &section)).unwrap_or_default(),
        canaries: each(reader, section, "canary", canary),
        freezes: each(reader, section, "freeze", freeze),
        windows: each(reader, section, "window", window),
    }
}

pub(super) fn approvals(reader: &mut Reader<'_>, section: &Section<'_>) -> Vec<ApprovalRule> {
    each(reader, section, "approval", approval)
}

/// Everybody, or those who match one of a list.
pub(super) fn chosen_users(reader: &mut Reader<'_>, section: &Section<'_>, key: &str) -> ChosenUsers {
    let Some(field) = section.get(key) else { return ChosenUsers::default() };
    if reader.is_switch(&field) {
        return ChosenUsers(
            reader.switch(&field).filter(|all| *all).map(|_| Matcher::default()).into_iter().collect(),
        );
    }
    let sections = reader.sections(field, &format!("rotate.{key}"));
    let matchers = sections.iter().filter_map(|section| {
        reader.only_known_keys(section, &["match"]);
        required_match(reader, section)
    });
    ChosenUsers(matchers.collect())
}

fn each<T>(
    reader: &mut Reader<'_>,
    section: &Section<'_>,
    key: &str,
    read: fn(&mut Reader<'_>, &Section<'_>) -> Option<T>,
) -> Vec<T> {
    let sections =
        section.get(key).map(|field| reader.sections(field, &format!("rotate.{key}"))).unwrap_or_default();
    sections.iter().filter_map(|section| read(reader, section)).collect()
}

fn limits(reader: &mut Reader<'_>, section: &Section<'_>) -> Limits {
    reader.only_known_keys(section, &["in_flight", "in_flight_per_account"]);
    let mut share = |key| section.get(key).and_then(|field| share(reader, &field));
    Limits { in_flight: share("in_flight"), in_flight_per_account: share("in_flight_per_account") }
}

fn share(reader: &mut Reader<'_>, field: &Field<'_>) -> Option<Share> {
    if reader.is_number(field) {
        let number = reader.number(field)?;
        if number == 0 {
            reader.mistake(
                field,
                "would let no rotation begin",
                Some("to stop everything, use `rotakey rotate halt`".into()),
            );
        }
        return Some(Share::Number(number));
    }
    let text = reader.text(field)?;
    let percent = text.strip_suffix('%').and_then(|number| number.trim_end().parse::<u8>().ok());
    match percent {
        Some(percent @ 1..=100) => Some(Share::Percent(percent)),
        _ => {
            let hint = "write a number, such as 20, or a share, such as \"10%\"".to_owned();
            reader.mistake(field, format!("{text:?} is neither a number nor a share"), Some(hint));
            None
        }
    }
}

fn canary(reader: &mut Reader<'_>, section: &Section<'_>) -> Option<Canary> {
    reader.only_known_keys(section, &["match", "soak"]);
    let soak = reader.period_or(section, "soak", Period::ZERO);
    within(reader, section, "soak", soak, Period::ZERO, Period::days(60));
    let matcher = required_match(reader, section)?;
    if matcher.matches_everyone() {
        reader.mistake_at(section, "makes every user a canary", Some("say who goes first".into()));
    }
    Some(Canary { matcher, soak })
}

fn freeze(reader: &mut Reader<'_>, section: &Section<'_>) -> Option<Freeze> {
    reader.only_known_keys(section, &["name", "match", "from", "to", "time_zone", "steps"]);
    let name = text(reader, section, "name", "say what it is: name = \"end of the year\"");
    let time_zone = section.get("time_zone").map_or(Some(Zone::default()), |field| reader.parsed(&field));
    let from = reader
        .required(section, "from", "say when it begins: from = 2026-12-18")
        .and_then(|field| reader.local_time(&field, false));
    let to = reader.required(section, "to", "say when it ends: to = 2027-01-03");
    let end = to.as_ref().and_then(|field| reader.local_time(field, true));
    let steps = gates(reader, section);
    let matcher = optional_match(reader, section);
    let (time_zone, from, end) = (time_zone?, from?, end?);
    if end <= from {
        reader.mistake(&to?, "is not later than from", None);
        return None;
    }
    let (from, to) = (instant_of(from, &time_zone), instant_of(end, &time_zone));
    let position = reader.position(section);
    Some(Freeze { name: name?, matcher, from, to, time_zone, steps, position })
}

fn window(reader: &mut Reader<'_>, section: &Section<'_>) -> Option<Window> {
    reader.only_known_keys(section, &["match", "days", "from", "to", "time_zone", "steps"]);
    let days = section.get("days").map(|field| not_empty(reader, field)).unwrap_or_default();
    let days = days.iter().filter_map(|field| reader.word(field, &DAYS)).collect();
    let from = reader
        .required(section, "from", "say when it opens: from = \"22:00\"")
        .and_then(|field| reader.time_of_day(&field));
    let to = reader
        .required(section, "to", "say when it closes: to = \"04:00\"")
        .and_then(|field| reader.time_of_day(&field));
    let time_zone = reader
        .required(section, "time_zone", "say where: time_zone = \"Europe/Berlin\"")
        .and_then(|field| reader.parsed(&field));
    let steps = gates(reader, section);
    let matcher = optional_match(reader, section);
    Some(Window { matcher, days, from: from?, to: to?, time_zone: time_zone?, steps })
}

fn approval(reader: &mut Reader<'_>, section: &Section<'_>) -> Option<ApprovalRule> {
    reader.only_known_keys(section, &["match", "steps", "people", "by", "valid_for", "trust_session_names"]);
    let words = ApprovedStep::ALL.map(|step| (step.as_str(), step));
    let steps = reader
        .required(section, "steps", "say what needs approval: steps = [\"begin\", \"delete\"]")
        .map(|field| not_empty(reader, field));
    let steps: Option<Vec<_>> =
        steps.map(|fields| fields.iter().filter_map(|field| reader.word(field, &words)).collect());
    let people = section.get("people").map_or(Some(1), |field| {
        let number = reader.number(&field)?;
        if !(1..=9).contains(&number) {
            reader.mistake(&field, "is out of range: from 1 to 9", None);
        }
        u8::try_from(number).ok()
    });
    let by = globs(reader, section.get("by"));
    let valid_for = reader.period_or(section, "valid_for", ApprovalRule::VALID_FOR);
    within(reader, section, "valid_for", valid_for, Period::hours(1), Period::days(90));
    let trust_session_names =
        section.get("trust_session_names").is_some_and(|field| reader.switch(&field) == Some(true));
    let matcher = optional_match(reader, section);
    Some(ApprovalRule { matcher, steps: steps?, people: people?, by, valid_for, trust_session_names })
}

fn gates(reader: &mut Reader<'_>, section: &Section<'_>) -> Vec<Gate> {
    let fields = section.get("steps").map(|field| not_empty(reader, field)).unwrap_or_default();
    fields.iter().filter_map(|field| reader.word(field, &Gate::ALL)).collect()
}

fn optional_match(reader: &mut Reader<'_>, section: &Section<'_>) -> Matcher {
    let section = section.get("match").and_then(|field| reader.section(field));
    section.map(|section| matcher(reader, &section)).unwrap_or_default()
}

fn required_match(reader: &mut Reader<'_>, section: &Section<'_>) -> Option<Matcher> {
    let section = reader
        .required(section, "match", "say who: match = { user = \"test-*\" }")
        .and_then(|field| reader.section(field))?;
    Some(matcher(reader, &section))
}
