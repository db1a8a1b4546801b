//! Reads `[rotate]`.

use super::super::period::Period;
use super::super::reader::{Reader, Section};
use super::super::rotate::{DestinationEntry, DestinationTemplate, RotateConfig};
use super::super::template::Template;
use super::policy::matcher;

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
        destinations: destinations(reader, section),
    };
    let (shortest, longest) = RotateConfig::DELETE_AFTER;
    within(reader, section, "delete_after", config.delete_after, shortest, longest);
    within(reader, section, "quiet_for", config.quiet_for, RotateConfig::LEAST_QUIET_FOR, Period::days(90));
    within(reader, section, "longest_quiet", config.longest_quiet, config.quiet_for, Period::days(400));
    within(reader, section, "adopt_timeout", config.adopt_timeout, config.quiet_for, Period::days(365));
    within(reader, section, "verify_timeout", config.verify_timeout, Period::seconds(30), Period::hours(1));
    if let Some(brown_out) = config.brown_out {
        within(reader, section, "brown_out", brown_out, Period::minutes(1), Period::days(1));
    }
    config
}

fn within(
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

#[derive(Clone, Copy)]
enum Type {
    SecretsManager,
    AgeFile,
    CredentialsFile,
}

fn destination(reader: &mut Reader<'_>, section: &Section<'_>) -> Option<DestinationEntry> {
    let matcher_section = section.get("match").and_then(|field| reader.section(field));
    let matcher = matcher_section.map(|section| matcher(reader, &section)).unwrap_or_default();
    let types = [
        ("secrets-manager", Type::SecretsManager),
        ("age-file", Type::AgeFile),
        ("credentials-file", Type::CredentialsFile),
    ];
    let names = types.map(|(name, _)| name).join(", ");
    let field = reader.required(section, "type", &format!("there are: {names}"))?;
    let template = match reader.word(&field, &types)? {
        Type::SecretsManager => secrets_manager(reader, section),
        Type::AgeFile => age_file(reader, section),
        Type::CredentialsFile => credentials_file(reader, section),
    }?;
    let entry = DestinationEntry { matcher, template };
    if !entry.template.tells_users_apart() && !entry.matcher.names_one_user() {
        reader.warn_at(
            section,
            "is one place for the keys of every user that matches: each would overwrite the other's",
            Some("write {user} in it, or match one user by name".into()),
        );
    }
    Some(entry)
}

fn secrets_manager(reader: &mut Reader<'_>, section: &Section<'_>) -> Option<DestinationTemplate> {
    reader.only_known_keys(section, &["match", "type", "name", "region"]);
    let name = template(reader, section, "name", "name the secret: name = \"iam/access-keys/{user}\"");
    let region = section.get("region").and_then(|field| reader.text(&field).map(str::to_owned));
    Some(DestinationTemplate::SecretsManager { name: name?, region })
}

fn age_file(reader: &mut Reader<'_>, section: &Section<'_>) -> Option<DestinationTemplate> {
    reader.only_known_keys(section, &["match", "type", "path", "recipients", "identity"]);
    let path = template(reader, section, "path", "name the file: path = \"keys/{user}.age\"");
    let recipients = reader
        .required(section, "recipients", "say who can read it: recipients = [\"age1…\"]")
        .map(|field| reader.one_or_many(field));
    let recipients: Option<Vec<String>> = recipients
        .map(|fields| fields.iter().filter_map(|field| reader.text(field).map(str::to_owned)).collect());
    if recipients.as_ref().is_some_and(Vec::is_empty) {
        reader.mistake_at(section, "has no recipient: nobody could read the file", None);
    }
    let identity = reader
        .required(section, "identity", "say what it is read back with: identity = \"identity.txt\"")
        .and_then(|field| reader.text(&field).map(str::to_owned));
    Some(DestinationTemplate::AgeFile { path: path?, recipients: recipients?, identity: identity?.into() })
}

fn credentials_file(reader: &mut Reader<'_>, section: &Section<'_>) -> Option<DestinationTemplate> {
    reader.only_known_keys(section, &["match", "type", "path", "profile"]);
    let path = template(reader, section, "path", "name the file: path = \"/srv/app/.aws/credentials\"");
    let profile = template(reader, section, "profile", "name the profile: profile = \"{user}\"");
    Some(DestinationTemplate::CredentialsFile { path: path?, profile: profile? })
}

fn template(reader: &mut Reader<'_>, section: &Section<'_>, key: &str, hint: &str) -> Option<Template> {
    let field = reader.required(section, key, hint)?;
    reader.parsed(&field)
}
