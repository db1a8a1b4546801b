//! The `[rotate]` section: how keys are rotated, and where new ones go.

use std::path::PathBuf;

use schemars::JsonSchema;

use super::matcher::{Answer, Matcher};
use super::period::Period;
use super::schema;
use super::subject::UserSubject;
use super::template::Template;
use crate::destination::DestinationSpec;

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
    /// Where new keys go. Every entry that matches a user is one destination of it.
    #[schemars(rename = "destination")]
    pub destinations: Vec<DestinationEntry>,
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
            destinations: Vec::new(),
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

/// A [`DestinationSpec`] before it is known for whom.
#[derive(Debug, Clone, PartialEq, Eq, JsonSchema)]
#[schemars(tag = "type", rename_all = "kebab-case", rename_all_fields = "kebab-case")]
pub enum DestinationTemplate {
    /// A secret in AWS Secrets Manager.
    SecretsManager {
        /// The name of the secret, such as `iam/access-keys/{user}`.
        #[schemars(with = "schema::TemplateText")]
        name: Template,
        /// The region of the secret.
        region: Option<String>,
    },
    /// A file encrypted to age recipients.
    AgeFile {
        /// The file.
        #[schemars(with = "schema::TemplateText")]
        path: Template,
        /// The recipients (`age1…`) that can read it.
        #[schemars(with = "schema::OneOrMany<String>")]
        recipients: Vec<String>,
        /// The file with the identity that rotakey reads the file back with.
        #[schemars(with = "String")]
        identity: PathBuf,
    },
    /// A profile in an AWS shared credentials file.
    CredentialsFile {
        /// The file.
        #[schemars(with = "schema::TemplateText")]
        path: Template,
        /// The name of the profile.
        #[schemars(with = "schema::TemplateText")]
        profile: Template,
    },
}

impl DestinationTemplate {
    /// The destination of that user, or why there is none.
    fn fill(&self, subject: &UserSubject) -> Result<DestinationSpec, String> {
        Ok(match self {
            Self::SecretsManager { name, region } => {
                DestinationSpec::SecretsManager { name: name.fill(subject)?, region: region.clone() }
            }
            Self::AgeFile { path, recipients, identity } => DestinationSpec::AgeFile {
                path: path.fill_path(subject)?.into(),
                recipients: recipients.clone(),
                identity: identity.clone(),
            },
            Self::CredentialsFile { path, profile } => DestinationSpec::CredentialsFile {
                path: path.fill_path(subject)?.into(),
                // A profile is a section header: what could end it or begin another line is refused.
                profile: profile.fill(subject).and_then(|name| {
                    match name.contains(['[', ']', '\n', '\r']) {
                        true => Err(format!("{name:?} cannot be the name of a profile")),
                        false => Ok(name),
                    }
                })?,
            },
        })
    }

    /// Whether two users of one account never get the same place.
    pub(super) fn tells_users_apart(&self) -> bool {
        match self {
            Self::SecretsManager { name, .. } => name.tells_users_apart(),
            Self::AgeFile { path, .. } => path.tells_users_apart(),
            Self::CredentialsFile { path, profile } => {
                path.tells_users_apart() || profile.tells_users_apart()
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fact::Seen;
    use crate::policy::test_subject;

    fn secret(matcher: Matcher, name: &str) -> DestinationEntry {
        let template = DestinationTemplate::SecretsManager { name: name.parse().unwrap(), region: None };
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
    fn without_an_entry_there_is_no_destination() {
        assert_eq!(config(Vec::new()).destinations_for(&test_subject("alice")), Ok(Vec::new()));
    }
}
