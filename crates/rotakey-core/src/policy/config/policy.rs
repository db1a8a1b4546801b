//! Reads `[policy]`.

use std::collections::BTreeMap;
use std::str::FromStr;

use super::super::Policy;
use super::super::exemption::Exemption;
use super::super::glob::Glob;
use super::super::matcher::{Matcher, PrivilegeClass};
use super::super::period::Period;
use super::super::reader::{Field, Reader, Section};
use super::super::rule::{Applied, Rule};
use crate::audit::Code;

pub(super) fn read(reader: &mut Reader<'_>, section: &Section<'_>) -> Policy {
    reader.only_known_keys(
        section,
        &["max_age", "warn_before", "unused_after", "required_tags", "owner_tags", "rule", "exemption"],
    );
    let default = Policy::default();
    let mut policy = Policy {
        max_age: reader.period_or(section, "max_age", default.max_age),
        warn_before: reader.period_or(section, "warn_before", default.warn_before),
        unused_after: reader.period_or(section, "unused_after", default.unused_after),
        required_tags: texts(reader, section, "required_tags").unwrap_or(default.required_tags),
        owner_tags: texts(reader, section, "owner_tags").unwrap_or(default.owner_tags),
        rules: Vec::new(),
        exemptions: Vec::new(),
    };
    limits(reader, section, policy.max_age, policy.warn_before, Some(policy.unused_after));
    if let Some(field) = section.get("rule") {
        for section in reader.sections(field, "policy.rule") {
            if let Some(rule) = rule(reader, &section, &policy) {
                policy.rules.push(rule);
            }
        }
    }
    if let Some(field) = section.get("exemption") {
        for section in reader.sections(field, "policy.exemption") {
            policy.exemptions.extend(exemption(reader, &section));
        }
    }
    policy
}

fn rule(reader: &mut Reader<'_>, section: &Section<'_>, policy: &Policy) -> Option<Rule> {
    reader.only_known_keys(section, &["name", "match", "max_age", "warn_before", "unused_after"]);
    let name = reader
        .required(section, "name", "findings show it: name = \"production\"")
        .and_then(|field| reader.text(&field).map(|name| (name.to_owned(), field)));
    if let Some((name, field)) = &name {
        if policy.rules.iter().any(|earlier| earlier.name == *name) {
            reader.mistake(field, format!("an earlier rule is called {name:?} too"), None);
        }
        if name == Applied::DEFAULT_RULE {
            reader.mistake(field, "is what the limits are called that hold where no rule matches", None);
        }
    }
    let matcher = reader
        .required(section, "match", "say who it is for: match = { environment = \"prod*\" }")
        .and_then(|field| reader.section(field));
    let matcher = matcher.map(|section| self::matcher(reader, &section));
    let max_age = reader
        .required(section, "max_age", "say how old a key may get: max_age = \"60d\"")
        .and_then(|field| reader.period(&field));
    let warn_before = section.get("warn_before").and_then(|field| reader.period(&field));
    let unused_after = section.get("unused_after").and_then(|field| reader.period(&field));
    if let Some(max_age) = max_age {
        limits(reader, section, max_age, warn_before.unwrap_or(policy.warn_before), unused_after);
    }
    let rule = Rule { name: name?.0, matcher: matcher?, max_age: max_age?, warn_before, unused_after };
    if let Some(earlier) = policy.rules.iter().find(|earlier| earlier.matcher.covers(&rule.matcher)) {
        reader.mistake_at(
            section,
            format!("never decides: whoever it matches, the rule {:?} before it matches first", earlier.name),
            Some("the first rule that matches decides: put the narrower one first".into()),
        );
    }
    Some(rule)
}

/// Limits that would find every key due, or none.
fn limits(
    reader: &mut Reader<'_>,
    section: &Section<'_>,
    max_age: Period,
    warn_before: Period,
    unused_after: Option<Period>,
) {
    for (key, period) in [("max_age", Some(max_age)), ("unused_after", unused_after)] {
        if let (Some(Period::ZERO), Some(field)) = (period, section.get(key)) {
            reader.mistake(&field, "must be longer than no time at all", None);
        }
    }
    if warn_before >= max_age && max_age > Period::ZERO {
        reader.mistake_at(
            section,
            format!("warn_before ({warn_before}) is not shorter than max_age ({max_age}): every key would be due soon"),
            Some("give it a shorter warn_before of its own".into()),
        );
    }
}

fn exemption(reader: &mut Reader<'_>, section: &Section<'_>) -> Option<Exemption> {
    reader.only_known_keys(section, &["match", "access_key", "checks", "owner", "reason", "expires"]);
    let matcher = section.get("match").and_then(|field| reader.section(field));
    let matcher = matcher.map(|section| self::matcher(reader, &section)).unwrap_or_default();
    let access_key = section.get("access_key").map(|field| many(reader, field)).unwrap_or_default();
    if matcher.matches_everyone() && access_key.is_empty() {
        reader.mistake_at(
            section,
            "does not say whose keys it exempts",
            Some("name them by match = { user = \"…\" } or access_key = \"AKIA…\"".into()),
        );
    }
    let checks = reader
        .required(section, "checks", "name the findings: checks = [\"key-too-old\"]")
        .map(|field| codes(reader, field));
    let owner = text(reader, section, "owner", "say who answers for it: owner = \"team-platform\"");
    let reason = text(reader, section, "reason", "say why: reason = \"…\"");
    let expires = reader
        .required(section, "expires", "say how long it holds: expires = 2027-01-31")
        .and_then(|field| reader.day(&field));
    Some(Exemption {
        matcher,
        access_key,
        checks: checks?,
        owner: owner?,
        reason: reason?,
        expires: expires?,
        position: reader.position(section),
    })
}

pub(super) fn matcher(reader: &mut Reader<'_>, section: &Section<'_>) -> Matcher {
    reader.only_known_keys(section, &["account", "user", "path", "environment", "tags", "privilege"]);
    let mut matcher = Matcher {
        account: section.get("account").map(|field| many(reader, field)).unwrap_or_default(),
        user: globs(reader, section.get("user")),
        path: globs(reader, section.get("path")),
        environment: globs(reader, section.get("environment")),
        tags: BTreeMap::new(),
        privilege: section
            .get("privilege")
            .and_then(|field| reader.word(&field, &[("administrator", PrivilegeClass::Administrator)])),
    };
    if let Some(tags) = section.get("tags").and_then(|field| reader.section(field)) {
        for (key, field) in tags.fields() {
            matcher.tags.insert(key.to_owned(), globs(reader, Some(field)));
        }
    }
    matcher
}

pub(super) fn globs(reader: &mut Reader<'_>, field: Option<Field<'_>>) -> Vec<Glob> {
    let fields = field.map(|field| not_empty(reader, field)).unwrap_or_default();
    fields.iter().filter_map(|field| reader.text(field).map(Glob::from)).collect()
}

fn many<T>(reader: &mut Reader<'_>, field: Field<'_>) -> Vec<T>
where
    T: FromStr<Err: std::fmt::Display>,
{
    not_empty(reader, field).iter().filter_map(|field| reader.parsed(field)).collect()
}

fn codes(reader: &mut Reader<'_>, field: Field<'_>) -> Vec<Code> {
    let words = Code::ALL.map(|code| (code.as_str(), code));
    not_empty(reader, field).iter().filter_map(|field| reader.word(field, &words)).collect()
}

/// The values of a condition. None at all would read as "no condition", which is the opposite.
pub(super) fn not_empty<'v>(reader: &mut Reader<'_>, field: Field<'v>) -> Vec<Field<'v>> {
    let fields = reader.one_or_many(field.clone());
    if fields.is_empty() {
        reader.mistake(
            &field,
            "is an empty list, which nothing matches",
            Some("remove it, or fill it".into()),
        );
    }
    fields
}

fn texts(reader: &mut Reader<'_>, section: &Section<'_>, key: &str) -> Option<Vec<String>> {
    let fields = reader.one_or_many(section.get(key)?);
    Some(fields.iter().filter_map(|field| reader.text(field).map(str::to_owned)).collect())
}

pub(super) fn text(reader: &mut Reader<'_>, section: &Section<'_>, key: &str, hint: &str) -> Option<String> {
    let field = reader.required(section, key, hint)?;
    reader.text(&field).map(str::to_owned)
}
