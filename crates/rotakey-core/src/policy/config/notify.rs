//! Reads `[[notify]]`.

use serde_json::{Map, Value};

use super::super::notify::NotifyEntry;
use super::super::period::Period;
use super::super::reader::{Field, Reader, Section};
use super::policy::matcher;
use crate::destination::{FieldKind, Kind};
use crate::notify::{NOTIFIER_KINDS, NoticeKind, NotifierSpec, Smtp, SmtpTls};

/// What can be written about every kind.
const COMMON: [&str; 8] = ["name", "type", "match", "events", "digest", "remind_every", "subject", "text"];

/// The range of `remind_every`.
const REMIND_EVERY: (Period, Period) = (Period::hours(1), Period::days(90));

pub(super) fn read(reader: &mut Reader<'_>, field: Field<'_>) -> Vec<NotifyEntry> {
    let mut entries: Vec<NotifyEntry> = Vec::new();
    for section in reader.sections(field, "notify") {
        let Some(entry) = entry(reader, &section) else { continue };
        if entries.iter().any(|earlier| earlier.name == entry.name) {
            let what =
                format!("an earlier one is called {:?} too: what was sent is kept by the name", entry.name);
            reader.mistake_at(&section, what, Some("give it another name".into()));
        }
        entries.push(entry);
    }
    entries
}

fn entry(reader: &mut Reader<'_>, section: &Section<'_>) -> Option<NotifyEntry> {
    let before = reader.mistakes();
    let name = reader
        .required(section, "name", "`rotakey notify test --to NAME` calls it so: name = \"platform\"")
        .and_then(|field| reader.text(&field).map(str::to_owned));
    let matcher_section = section.get("match").and_then(|field| reader.section(field));
    let matcher = matcher_section.map(|section| matcher(reader, &section)).unwrap_or_default();
    let events = section.get("events").map(|field| events(reader, field)).unwrap_or_default();
    let remind_every = reader.period_or(section, "remind_every", NotifyEntry::REMIND_EVERY);
    if let Some(field) = section.get("remind_every")
        && !(REMIND_EVERY.0..=REMIND_EVERY.1).contains(&remind_every)
    {
        let (shortest, longest) = REMIND_EVERY;
        reader.mistake(&field, format!("{remind_every} is out of range: from {shortest} to {longest}"), None);
    }
    let subject = section.get("subject").and_then(|field| reader.parsed(&field));
    let text = section.get("text").and_then(|field| reader.parsed(&field));
    let digest_field = section.get("digest");
    let digest = digest_field.clone().and_then(|field| digest(reader, &field));
    let words: Vec<_> = NOTIFIER_KINDS.iter().map(|kind| (kind.name, kind)).collect();
    let names: Vec<_> = NOTIFIER_KINDS.iter().map(|kind| kind.name).collect();
    let kind = reader
        .required(section, "type", &format!("there are: {}", names.join(", ")))
        .and_then(|field| reader.word(&field, &words))?;
    let spec = spec(reader, section, kind)?;
    if let Some(field) = digest_field.filter(|_| !spec.can_digest()) {
        reader.mistake(
            &field,
            "does not go with this type: an incident is opened at once, each by itself",
            None,
        );
    }
    (reader.mistakes() == before).then_some(())?;
    Some(NotifyEntry { name: name?, matcher, events, digest, remind_every, subject, text, spec })
}

fn events(reader: &mut Reader<'_>, field: Field<'_>) -> Vec<NoticeKind> {
    let words = NoticeKind::ALL.map(|kind| (kind.as_str(), kind));
    let fields = reader.one_or_many(field.clone());
    if fields.is_empty() {
        reader.mistake(
            &field,
            "is an empty list: nothing would be told",
            Some("remove it, or fill it".into()),
        );
    }
    fields.iter().filter_map(|field| reader.word(field, &words)).collect()
}

fn digest<T: std::str::FromStr<Err: std::fmt::Display>>(
    reader: &mut Reader<'_>,
    field: &Field<'_>,
) -> Option<T> {
    let text = reader.text(field)?;
    let hint = || Some("for example: digest = \"09:00 Europe/Berlin\"".to_owned());
    text.parse().map_err(|error: T::Err| reader.mistake(field, error.to_string(), hint())).ok()
}

fn spec(reader: &mut Reader<'_>, section: &Section<'_>, kind: &'static Kind) -> Option<NotifierSpec> {
    let known: Vec<_> = COMMON.into_iter().chain(kind.fields.iter().map(|field| field.name)).collect();
    reader.only_known_keys(section, &known);
    let before = reader.mistakes();
    let mut fields = Map::from_iter([("type".to_owned(), Value::from(kind.name))]);
    for field in kind.fields {
        let value = match field.required {
            Some(hint) => reader.required(section, field.name, hint),
            None => section.get(field.name),
        };
        let Some(value) = value else { continue };
        let read = match field.kind {
            FieldKind::List => {
                let texts = reader.one_or_many(value.clone());
                if texts.is_empty() {
                    reader.mistake(&value, "is an empty list", None);
                }
                Some(texts.iter().filter_map(|field| reader.text(field)).collect())
            }
            _ => reader.json(&value),
        };
        fields.extend(read.map(|read| (field.name.to_owned(), read)));
    }
    if reader.mistakes() > before {
        return None;
    }
    let spec = serde_json::from_value(Value::Object(fields));
    let spec = spec.map_err(|error| reader.mistake_at(section, error.to_string(), None)).ok()?;
    plausible(reader, section, &spec);
    Some(spec)
}

/// What a type cannot say.
fn plausible(reader: &mut Reader<'_>, section: &Section<'_>, spec: &NotifierSpec) {
    let mut mistake = |key: &str, what: &str, hint: &str| match section.get(key) {
        Some(field) => reader.mistake(&field, what, Some(hint.to_owned())),
        None => reader.mistake_at(section, what, Some(hint.to_owned())),
    };
    match spec {
        NotifierSpec::Smtp(Smtp { tls: SmtpTls::None, host, .. })
            if !["localhost", "127.0.0.1", "::1"].contains(&host.as_str()) =>
        {
            mistake("tls", "is for a server on this machine only", "write tls = \"starttls\" or \"tls\"");
        }
        NotifierSpec::Smtp(Smtp { username, password, .. }) if username.is_some() != password.is_some() => {
            mistake("username", "goes with password, and password with username", "write both, or neither");
        }
        NotifierSpec::Sns(sns) if sns.topic_arn.split(':').count() != 6 => {
            mistake("topic_arn", "is no ARN", "for example: arn:aws:sns:eu-central-1:111122223333:keys");
        }
        _ => {}
    }
}
