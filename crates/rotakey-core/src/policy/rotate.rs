//! The `[rotate]` section: how keys are rotated, and where new ones go.

use std::borrow::Cow;

use schemars::{JsonSchema, Schema, SchemaGenerator};
use serde_json::{Map, Value};

use super::approval::ApprovalRule;
use super::matcher::{Answer, Matcher};
use super::period::Period;
use super::subject::UserSubject;
use super::template::{InvalidTemplate, Template};
use crate::destination::{DestinationSpec, FieldKind, Kind};
use crate::rotate::controls::Controls;
use crate::rotate::{ApprovalNeed, CheckSpec};

/// The `[rotate]` section.
#[derive(Debug, Clone, PartialEq, Eq, JsonSchema)]
#[schemars(default, deny_unknown_fields)]
pub struct RotateConfig {
    /// How long the old key stays inactive before it is deleted: 1 to 30 days.
    pub delete_after: Period,
    /// How long the old key must have been without use before it is made inactive: at least 5 hours, for
    /// AWS shows a use late.
    pub quiet_for: Period,
    /// The longest that an old key must be without use, however far apart its uses were. A key that was last
    /// used twelve days ago has to stay without use for another twelve days, up to this.
    pub longest_quiet: Period,
    /// How long to wait for the last use of the old key before a person is asked.
    pub adopt_timeout: Period,
    /// How long a new key may take until AWS accepts it.
    pub verify_timeout: Period,
    /// For how long the old key is made inactive by way of trial, before it is for good. No trial if absent.
    pub brown_out: Option<Period>,
    /// Whose inactive keys are deleted, after a check, rather than reported: `true` for everybody's.
    pub finish_inactive: ChosenUsers,
    /// Whose approval rotations need.
    #[schemars(rename = "approval")]
    pub approvals: Vec<ApprovalRule>,
    /// What holds rotations back.
    #[schemars(flatten)]
    pub controls: Controls,
    /// Where new keys go. Every entry that matches a user is one destination of it.
    #[schemars(rename = "destination")]
    pub destinations: Vec<DestinationEntry>,
    /// What is different for some users. The first entry that matches counts.
    #[schemars(rename = "rule")]
    pub rules: Vec<RotateRule>,
    /// What tells that applications miss the old key, once it is inactive. Every entry that matches counts.
    #[schemars(rename = "check")]
    pub checks: Vec<CheckEntry>,
}

impl Default for RotateConfig {
    fn default() -> Self {
        Self {
            delete_after: Period::days(7),
            quiet_for: Period::hours(24),
            longest_quiet: Period::days(35),
            adopt_timeout: Period::days(14),
            verify_timeout: Period::minutes(5),
            brown_out: None,
            finish_inactive: ChosenUsers::default(),
            approvals: Vec::new(),
            controls: Controls::default(),
            destinations: Vec::new(),
            rules: Vec::new(),
            checks: Vec::new(),
        }
    }
}

impl RotateConfig {
    /// The range of `delete_after`. No less than 24 hours: whoever still has the old key must have a
    /// working day to be noticed in.
    pub const DELETE_AFTER: (Period, Period) = (Period::days(1), Period::days(30));
    /// The least `quiet_for`: the credential report, and with it the last use of a key, may be four hours
    /// old, and of each quarter of an hour only the first use is recorded.
    pub const LEAST_QUIET_FOR: Period = Period::hours(5);

    /// Whose approval the rotations of that user need. A rule that is perhaps meant for it holds.
    pub fn approvals_for(&self, subject: &UserSubject) -> Vec<ApprovalNeed> {
        let rules = self.approvals.iter().filter(|rule| rule.matcher.matches(subject) != Answer::No);
        rules.flat_map(ApprovalRule::needs).collect()
    }

    /// The destinations of that user, in the order of the file; none if no entry matches.
    ///
    /// # Errors
    ///
    /// If a fact is not known, or missing, on which it depends whether there is a destination or which. A
    /// key must never be delivered to a part of its destinations.
    pub fn destinations_for(&self, subject: &UserSubject) -> Result<Vec<DestinationSpec>, NoDestination> {
        let mut specs = Vec::new();
        for (index, entry) in self.destinations.iter().enumerate() {
            let fail = |why| NoDestination { user: subject.principal.to_string(), entry: index + 1, why };
            match entry.matcher.matches(subject) {
                Answer::No => {}
                Answer::Yes => specs.push(entry.template.fill(subject).map_err(fail)?),
                Answer::Unknown => return Err(fail("it is not known whether the user matches".to_owned())),
            }
        }
        Ok(specs)
    }
}

impl RotateConfig {
    /// For how long the old key of that user is made inactive by way of trial.
    ///
    /// # Errors
    /// If a fact is not known on which it depends.
    pub fn brown_out_for(&self, subject: &UserSubject) -> Result<Option<Period>, Undecided> {
        for (index, rule) in self.rules.iter().enumerate() {
            if is_for(&rule.matcher, subject, "rule", index)? {
                return Ok(Some(rule.brown_out));
            }
        }
        Ok(self.brown_out)
    }

    /// The checks of that user's rotation, in the order of the file.
    ///
    /// # Errors
    /// If a fact is not known on which it depends.
    pub fn checks_for(&self, subject: &UserSubject) -> Result<Vec<CheckSpec>, Undecided> {
        let mut checks = Vec::new();
        for (index, entry) in self.checks.iter().enumerate() {
            if is_for(&entry.matcher, subject, "check", index)? {
                checks.push(entry.check.clone());
            }
        }
        Ok(checks)
    }
}

fn is_for(
    matcher: &Matcher,
    subject: &UserSubject,
    section: &'static str,
    index: usize,
) -> Result<bool, Undecided> {
    match matcher.matches(subject) {
        Answer::Yes => Ok(true),
        Answer::No => Ok(false),
        Answer::Unknown => Err(Undecided { user: subject.principal.to_string(), section, entry: index + 1 }),
    }
}

/// It cannot be told whether an entry is for a user.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("it is not known whether [[rotate.{section}]] number {entry} is for {user}")]
pub struct Undecided {
    user: String,
    section: &'static str,
    entry: usize,
}

/// One `[[rotate.rule]]`.
#[derive(Debug, Clone, PartialEq, Eq, JsonSchema)]
#[schemars(deny_unknown_fields)]
pub struct RotateRule {
    /// For whom; for everybody if absent.
    #[schemars(rename = "match", with = "Option<Matcher>")]
    pub matcher: Matcher,
    /// For how long their old keys are made inactive by way of trial, before they are for good.
    pub brown_out: Period,
}

/// One `[[rotate.check]]`.
#[derive(Debug, Clone, PartialEq, Eq, JsonSchema)]
#[schemars(deny_unknown_fields)]
pub struct CheckEntry {
    /// Whose applications it is about; everybody's if absent.
    #[schemars(rename = "match", with = "Option<Matcher>")]
    pub matcher: Matcher,
    /// The check.
    #[schemars(flatten)]
    pub check: CheckSpec,
}

/// Users for whom something is done: everybody, or those who match one of a list.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ChosenUsers(pub Vec<Matcher>);

impl ChosenUsers {
    /// Whether the user surely is one of them.
    pub fn contain(&self, subject: &UserSubject) -> bool {
        self.0.iter().any(|matcher| matcher.matches(subject) == Answer::Yes)
    }
}

impl JsonSchema for ChosenUsers {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> Cow<'static, str> {
        "ChosenUsers".into()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        let matcher = generator.subschema_for::<Matcher>();
        schemars::json_schema!({
            "anyOf": [
                { "type": "boolean" },
                {
                    "type": "array",
                    "items": {
                        "type": "object",
                        "properties": { "match": matcher },
                        "required": ["match"],
                        "additionalProperties": false,
                    },
                },
            ],
        })
    }
}

/// The destinations of a user cannot be told.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the destinations of {user} cannot be told by [[rotate.destination]] number {entry}: {why}")]
pub struct NoDestination {
    user: String,
    entry: usize,
    why: String,
}

/// One `[[rotate.destination]]`.
#[derive(Debug, Clone, PartialEq, Eq, JsonSchema)]
#[schemars(deny_unknown_fields)]
pub struct DestinationEntry {
    /// Whose keys go there; everybody's if absent.
    #[schemars(rename = "match", with = "Option<Matcher>")]
    pub matcher: Matcher,
    /// The place.
    #[schemars(flatten)]
    pub template: DestinationTemplate,
}

/// A [`DestinationSpec`] before it is known for whom: its fields, some of them templates.
#[derive(Debug, Clone, PartialEq)]
pub struct DestinationTemplate {
    kind: &'static Kind,
    /// As JSON, with `type`; every template in it was parsed once.
    fields: Map<String, Value>,
}

impl DestinationTemplate {
    /// A place of that kind.
    ///
    /// # Errors
    /// A field that is not of the type that the kind gives it.
    pub(super) fn new(kind: &'static Kind, mut fields: Map<String, Value>) -> Result<Self, String> {
        fields.insert("type".to_owned(), kind.name.into());
        let mut trial = fields.clone();
        // What stands for facts of the user is not yet filled in, and no template of a value takes it.
        let values = kind.fields.iter().filter(|field| field.kind == FieldKind::Values);
        values.for_each(|field| drop(trial.remove(field.name)));
        serde_json::from_value::<DestinationSpec>(Value::Object(trial)).map_err(|error| error.to_string())?;
        Ok(Self { kind, fields })
    }

    /// The destination of that user, or why there is none.
    fn fill(&self, subject: &UserSubject) -> Result<DestinationSpec, String> {
        let mut fields = self.fields.clone();
        for field in self.kind.fields {
            match (field.kind, fields.get_mut(field.name)) {
                (FieldKind::Values, Some(Value::Object(values))) => {
                    *values = std::mem::take(values)
                        .into_iter()
                        .map(|(name, text)| {
                            let template = |text: &str| -> Result<Template, String> {
                                Template::of_value(text).map_err(|error| error.to_string())
                            };
                            let text = template(text.as_str().unwrap_or_default())?.fill(subject)?;
                            Ok((template(&name)?.fill(subject)?, text.into()))
                        })
                        .collect::<Result<_, String>>()?;
                }
                (FieldKind::Plain | FieldKind::List | FieldKind::Values, _) | (_, None) => {}
                (kind, Some(text)) => {
                    let template: Template = text
                        .as_str()
                        .unwrap_or_default()
                        .parse()
                        .map_err(|error: InvalidTemplate| error.to_string())?;
                    *text = match kind {
                        FieldKind::Path => template.fill_path(subject)?,
                        FieldKind::Profile => profile(template.fill(subject)?)?,
                        _ => template.fill(subject)?,
                    }
                    .into();
                }
            }
        }
        serde_json::from_value(Value::Object(fields)).map_err(|error| error.to_string())
    }

    /// Whether two users of one account never get the same place.
    pub(super) fn tells_users_apart(&self) -> bool {
        self.kind.fields.iter().any(|field| match (field.kind, self.fields.get(field.name)) {
            (FieldKind::Plain | FieldKind::List, _) | (_, None) => false,
            (FieldKind::Values, Some(values)) => {
                let names = values.as_object().into_iter().flatten().map(|(name, _)| name.as_str());
                names.into_iter().any(tells_users_apart)
            }
            (_, Some(text)) => text.as_str().is_some_and(tells_users_apart),
        })
    }
}

fn tells_users_apart(text: &str) -> bool {
    Template::of_value(text).is_ok_and(|template| template.tells_users_apart())
}

/// A profile is a section header: what could end it or begin another line is refused.
fn profile(name: String) -> Result<String, String> {
    match name.contains(['[', ']', '\n', '\r']) {
        true => Err(format!("{name:?} cannot be the name of a profile")),
        false => Ok(name),
    }
}

impl Eq for DestinationTemplate {}

/// Texts in it may be templates; otherwise it is what is logged.
impl JsonSchema for DestinationTemplate {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> Cow<'static, str> {
        DestinationSpec::schema_name()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        DestinationSpec::json_schema(generator)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::destination::KINDS;
    use crate::fact::Seen;
    use crate::policy::test_subject;

    fn secret(matcher: Matcher, name: &str) -> DestinationEntry {
        let fields = Map::from_iter([("name".to_owned(), name.into())]);
        let template = DestinationTemplate::new(&KINDS[0], fields).unwrap();
        DestinationEntry { matcher, template }
    }

    fn config(destinations: Vec<DestinationEntry>) -> RotateConfig {
        RotateConfig { destinations, ..RotateConfig::default() }
    }

    #[test]
    fn every_entry_that_matches_is_a_destination_in_order() {
        let bob = Matcher { user: vec!["bob".into()], ..Matcher::default() };
        let config = config(vec![
            secret(Matcher::default(), "all/{user}"),
            secret(bob, "bob"),
            secret(
                Matcher { environment: vec!["test".into()], ..Matcher::default() },
                "{environment}/{user}",
            ),
        ]);
        let names: Vec<_> = config
            .destinations_for(&test_subject("alice"))
            .unwrap()
            .iter()
            .map(ToString::to_string)
            .collect();
        assert_eq!(names, ["secrets-manager:all/alice", "secrets-manager:test/alice"]);
    }

    #[test]
    fn a_key_is_never_delivered_to_a_part_of_its_destinations() {
        let by_tag = Matcher { environment: vec!["prod".into()], ..Matcher::default() };
        let config = config(vec![secret(Matcher::default(), "all/{user}"), secret(by_tag, "prod/{user}")]);
        let mut subject = test_subject("alice");
        subject.tags = Seen::Unknown("throttled".into());
        assert_eq!(
            config.destinations_for(&subject).unwrap_err().to_string(),
            "the destinations of alice cannot be told by [[rotate.destination]] number 2: it is not known \
             whether the user matches"
        );
    }

    #[test]
    fn a_trial_and_checks_are_for_those_that_match_and_what_is_not_known_is_not_guessed() {
        let test = || Matcher { environment: vec!["test".into()], ..Matcher::default() };
        let command = vec!["/bin/true".to_owned()];
        let config = RotateConfig {
            rules: vec![RotateRule { matcher: test(), brown_out: Period::minutes(30) }],
            checks: vec![CheckEntry {
                matcher: test(),
                check: CheckSpec::Exec(crate::rotate::ExecCheck { command }),
            }],
            ..RotateConfig::default()
        };
        let mut subject = test_subject("alice");
        assert_eq!(config.brown_out_for(&subject), Ok(Some(Period::minutes(30))));
        assert_eq!(config.checks_for(&subject).unwrap().len(), 1);
        subject.tags = Seen::Known(crate::fact::Tags::new());
        assert_eq!(config.brown_out_for(&subject), Ok(None));
        assert_eq!(config.checks_for(&subject), Ok(Vec::new()));
        subject.tags = Seen::Unknown("throttled".into());
        let why = config.brown_out_for(&subject).unwrap_err().to_string();
        assert_eq!(why, "it is not known whether [[rotate.rule]] number 1 is for alice");
        assert!(config.checks_for(&subject).is_err());
    }

    #[test]
    fn without_an_entry_there_is_no_destination() {
        assert_eq!(config(Vec::new()).destinations_for(&test_subject("alice")), Ok(Vec::new()));
    }

    #[test]
    fn the_tables_of_fields_agree_with_the_types() {
        let schema = serde_json::to_value(schemars::schema_for!(DestinationSpec)).unwrap();
        let variants = schema["oneOf"].as_array().unwrap();
        assert_eq!(variants.len(), KINDS.len());
        for (variant, kind) in variants.iter().zip(KINDS) {
            assert_eq!(variant["properties"]["type"]["const"], kind.name);
            let mut typed: Vec<&String> = variant["properties"].as_object().unwrap().keys().collect();
            typed.retain(|name| *name != "type");
            let mut table: Vec<&str> = kind.fields.iter().map(|field| field.name).collect();
            table.sort_unstable();
            typed.sort_unstable();
            assert_eq!(typed, table, "{}", kind.name);
        }
    }

    #[test]
    fn names_and_values_are_templates_too() {
        let values = serde_json::json!({
            "repository": "acme/{user}",
            "values": { "KEY_{account}": "{user}:{access_key_id}:{{x}}" },
        });
        let kind = KINDS.iter().find(|kind| kind.name == "github-actions").unwrap();
        let template = DestinationTemplate::new(kind, values.as_object().unwrap().clone()).unwrap();
        let spec = template.fill(&test_subject("alice")).unwrap();
        assert_eq!(spec.to_string(), "github-actions:acme/alice#KEY_111122223333");
        let DestinationSpec::GithubActions(spec) = spec else { unreachable!() };
        let value = spec.values.iter().next().unwrap().1.to_string();
        assert_eq!(value, "alice:{access_key_id}:{{x}}");
    }
}
