//! Reads `[rotate]`.

use serde_json::{Map, Value};

use super::super::matcher::Matcher;
use super::super::period::Period;
use super::super::reader::{Field, Reader, Section};
use super::super::rotate::{CheckEntry, DestinationEntry, DestinationTemplate, RotateConfig, RotateRule};
use super::super::template::{InvalidTemplate, Template};
use super::controls;
use super::policy::matcher;
use crate::destination::{FieldKind, KINDS, Kind};
use crate::rotate::CheckSpec;

pub(super) fn read(reader: &mut Reader<'_>, section: &Section<'_>) -> RotateConfig {
    reader.only_known_keys(
        section,
        &[
            "delete_after",
            "quiet_for",
            "longest_quiet",
            "adopt_timeout",
            "verify_timeout",
            "brown_out",
            "destination",
            "rule",
            "check",
            "limits",
            "canary",
            "freeze",
            "window",
            "approval",
            "finish_inactive",
        ],
    );
    let default = RotateConfig::default();
    let config = RotateConfig {
        delete_after: reader.period_or(section, "delete_after", default.delete_after),
        quiet_for: reader.period_or(section, "quiet_for", default.quiet_for),
        longest_quiet: reader.period_or(section, "longest_quiet", default.longest_quiet),
        adopt_timeout: reader.period_or(section, "adopt_timeout", default.adopt_timeout),
        verify_timeout: reader.period_or(section, "verify_timeout", default.verify_timeout),
        brown_out: section.get("brown_out").and_then(|field| reader.period(&field)),
        finish_inactive: controls::chosen_users(reader, section, "finish_inactive"),
        approvals: controls::approvals(reader, section),
        controls: controls::read(reader, section),
        destinations: destinations(reader, section),
        rules: rules(reader, section),
        checks: checks(reader, section),
    };
    let (shortest, longest) = RotateConfig::DELETE_AFTER;
    within(reader, section, "delete_after", config.delete_after, shortest, longest);
    within(reader, section, "quiet_for", config.quiet_for, RotateConfig::LEAST_QUIET_FOR, Period::days(90));
    within(reader, section, "longest_quiet", config.longest_quiet, config.quiet_for, Period::days(400));
    within(reader, section, "adopt_timeout", config.adopt_timeout, config.quiet_for, Period::days(365));
    within(reader, section, "verify_timeout", config.verify_timeout, Period::seconds(30), Period::hours(1));
    if let Some(brown_out) = config.brown_out {
        within_trial(reader, section, brown_out);
    }
    config
}

fn within_trial(reader: &mut Reader<'_>, section: &Section<'_>, brown_out: Period) {
    within(reader, section, "brown_out", brown_out, Period::minutes(1), Period::days(1));
}

fn rules(reader: &mut Reader<'_>, section: &Section<'_>) -> Vec<RotateRule> {
    let field = section.get("rule");
    let sections = field.map(|field| reader.sections(field, "rotate.rule")).unwrap_or_default();
    let rule = |section: &Section<'_>| {
        reader.only_known_keys(section, &["match", "brown_out"]);
        let matcher = matcher_of(reader, section);
        let field = reader.required(section, "brown_out", "for example: brown_out = \"30m\"")?;
        let brown_out = reader.period(&field)?;
        within_trial(reader, section, brown_out);
        Some(RotateRule { matcher, brown_out })
    };
    sections.iter().filter_map(rule).collect()
}

fn checks(reader: &mut Reader<'_>, section: &Section<'_>) -> Vec<CheckEntry> {
    let field = section.get("check");
    let sections = field.map(|field| reader.sections(field, "rotate.check")).unwrap_or_default();
    sections.iter().filter_map(|section| check(reader, section)).collect()
}

fn check(reader: &mut Reader<'_>, section: &Section<'_>) -> Option<CheckEntry> {
    let matcher = matcher_of(reader, section);
    let field = reader.required(section, "type", "there are: http, exec, cloudwatch-alarm")?;
    let known: &[&str] = reader.word(
        &field,
        &[
            ("http", &["match", "type", "url", "status", "text"][..]),
            ("exec", &["match", "type", "command"]),
            ("cloudwatch-alarm", &["match", "type", "name", "region"]),
        ],
    )?;
    reader.only_known_keys(section, known);
    let mut fields = Map::new();
    for (name, field) in section.fields().filter(|(name, _)| *name != "match") {
        fields.insert(name.to_owned(), reader.json(&field)?);
    }
    let told = match serde_json::from_value(Value::Object(fields)) {
        Ok(CheckSpec::Http(check)) if !["https://", "http://"].iter().any(|it| check.url.starts_with(it)) => {
            Err("has a url that begins with neither https:// nor http://".to_owned())
        }
        Ok(CheckSpec::Exec(check)) if check.command.is_empty() => Err("has no command".to_owned()),
        Ok(check) => Ok(check),
        Err(error) => Err(error.to_string()),
    };
    let check = told.map_err(|what| reader.mistake_at(section, what, None)).ok()?;
    Some(CheckEntry { matcher, check })
}

fn matcher_of(reader: &mut Reader<'_>, section: &Section<'_>) -> Matcher {
    let section = section.get("match").and_then(|field| reader.section(field));
    section.map(|section| matcher(reader, &section)).unwrap_or_default()
}

pub(super) fn within(
    reader: &mut Reader<'_>,
    section: &Section<'_>,
    key: &str,
    period: Period,
    shortest: Period,
    longest: Period,
) {
    if shortest <= period && period <= longest {
        return;
    }
    let what = format!("{period} is out of range: from {shortest} to {longest}");
    match section.get(key) {
        Some(field) => reader.mistake(&field, what, None),
        // The range depends on another key, and it is the default that is out of it.
        None => reader.mistake_at(section, format!("{key} of {what}"), Some(format!("write {key} too"))),
    }
}

fn destinations(reader: &mut Reader<'_>, section: &Section<'_>) -> Vec<DestinationEntry> {
    let sections = section
        .get("destination")
        .map(|field| reader.sections(field, "rotate.destination"))
        .unwrap_or_default();
    sections.iter().filter_map(|section| destination(reader, section)).collect()
}

fn destination(reader: &mut Reader<'_>, section: &Section<'_>) -> Option<DestinationEntry> {
    let matcher = matcher_of(reader, section);
    let words: Vec<_> = KINDS.iter().map(|kind| (kind.name, kind)).collect();
    let names: Vec<_> = KINDS.iter().map(|kind| kind.name).collect();
    let field = reader.required(section, "type", &format!("there are: {}", names.join(", ")))?;
    let kind = reader.word(&field, &words)?;
    let entry = DestinationEntry { matcher, template: template(reader, section, kind)? };
    if !entry.template.tells_users_apart() && !entry.matcher.names_one_user() {
        reader.warn_at(
            section,
            "is one place for the keys of every user that matches: each would overwrite the other's",
            Some("write {user} in it, or match one user by name".into()),
        );
    }
    Some(entry)
}

/// Reads what the table of the kind says, so that every mistake is told where it is.
fn template(
    reader: &mut Reader<'_>,
    section: &Section<'_>,
    kind: &'static Kind,
) -> Option<DestinationTemplate> {
    let known: Vec<_> =
        ["match", "type"].into_iter().chain(kind.fields.iter().map(|field| field.name)).collect();
    reader.only_known_keys(section, &known);
    let before = reader.mistakes();
    let mut fields = Map::new();
    for field in kind.fields {
        let value = match field.required {
            Some(hint) => reader.required(section, field.name, hint),
            None => section.get(field.name),
        };
        let Some(value) = value else { continue };
        let read = match field.kind {
            FieldKind::Text | FieldKind::Path | FieldKind::Profile => {
                reader.parsed::<Template>(&value).map(|template| template.to_string().into())
            }
            FieldKind::Values => values(reader, value),
            FieldKind::List => list(reader, section, field.name, value),
            FieldKind::Plain => reader.json(&value),
        };
        fields.extend(read.map(|read| (field.name.to_owned(), read)));
    }
    if reader.mistakes() > before {
        return None;
    }
    DestinationTemplate::new(kind, fields).map_err(|error| reader.mistake_at(section, error, None)).ok()
}

fn list(reader: &mut Reader<'_>, section: &Section<'_>, name: &str, value: Field<'_>) -> Option<Value> {
    let fields = reader.one_or_many(value);
    if fields.is_empty() && name == "recipients" {
        reader.mistake_at(section, "has no recipient: nobody could read the file", None);
    }
    Some(fields.iter().filter_map(|field| reader.text(field)).collect())
}

/// Names and the texts to be made of a key.
fn values(reader: &mut Reader<'_>, field: Field<'_>) -> Option<Value> {
    let section = reader.section(field.clone())?;
    let mut values = Map::new();
    for (name, text) in section.fields() {
        let told = |error: InvalidTemplate| error.to_string();
        let checked = reader.text(&text).map(|template| {
            Template::of_value(name).map_err(told)?;
            Template::of_value(template).map_err(told)?;
            values.insert(name.to_owned(), template.into());
            Ok::<(), String>(())
        });
        if let Some(Err(error)) = checked {
            reader.mistake(&text, error, Some(VALUE_PLACEHOLDERS.to_owned()));
        }
    }
    if values.is_empty() {
        reader.mistake(
            &field,
            "has no value",
            Some("for example: values = { AWS_ACCESS_KEY = \"{json}\" }".into()),
        );
    }
    Some(Value::Object(values))
}

const VALUE_PLACEHOLDERS: &str =
    "in values there are also {access_key_id}, {secret_access_key}, {json} and {ses_smtp_password:REGION}";
