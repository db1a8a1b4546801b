//! The versions of a secret and their staging labels.

use std::collections::BTreeSet;
use std::time::Duration;

use jiff::Timestamp;
use rotakey_core::secret::Secret;

use crate::api::{Fault, Tree};
use crate::world::account::Call;
use crate::world::secrets_manager::{StoredSecret, exists, invalid_parameter, invalid_request, no_value};

/// The label of the version that applications read.
pub(super) const CURRENT: &str = "AWSCURRENT";
/// The label of the version that was current before. Secrets Manager moves it by itself.
const PREVIOUS: &str = "AWSPREVIOUS";

const LABELS_PER_VERSION: usize = 20;
/// Versions without a label beyond this number are removed, the oldest first…
const VERSIONS_KEPT: usize = 100;
/// … but none that is younger than this.
const VERSIONS_KEPT_FOR: Duration = Duration::from_secs(24 * 60 * 60);

/// One version of a secret.
#[derive(Debug)]
pub(super) struct Version {
    /// What was given.
    pub(super) value: SecretValue,
    pub(super) created_at: Timestamp,
    pub(super) stages: BTreeSet<String>,
}

/// The content of a version.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum SecretValue {
    /// `SecretString`.
    Text(Secret),
    /// `SecretBinary`, in base64.
    Binary(Secret),
}

impl SecretValue {
    fn duplicate(&self) -> Self {
        match self {
            Self::Text(text) => Self::Text(text.duplicate()),
            Self::Binary(text) => Self::Binary(text.duplicate()),
        }
    }

    /// The member of the answer that it stands in.
    pub(super) fn member(&self) -> &'static str {
        match self {
            Self::Text(_) => "SecretString",
            Self::Binary(_) => "SecretBinary",
        }
    }

    /// The text that the member has.
    pub(super) fn text(&self) -> &Secret {
        match self {
            Self::Text(text) | Self::Binary(text) => text,
        }
    }
}

impl Version {
    /// The same version, for a replica.
    pub(super) fn duplicate(&self) -> Self {
        Self { value: self.value.duplicate(), created_at: self.created_at, stages: self.stages.clone() }
    }

    /// The version as `ListSecretVersionIds` shows it.
    pub(super) fn summary(&self, id: &str) -> Tree {
        let stages = (!self.stages.is_empty()).then(|| Tree::list(self.stages.iter()));
        Tree::map([("VersionId", id.into()), ("CreatedDate", self.created_at.into())])
            .with("VersionStages", stages)
    }
}

/// The `ClientRequestToken` (32 to 64 characters), which becomes the version's id. The SDKs make one up.
pub(super) fn token<'a>(call: &Call<'a>) -> Result<&'a str, Fault> {
    let given = call.parameters.text("ClientRequestToken");
    let token = given.ok_or_else(|| {
        invalid_request("You must provide a ClientRequestToken value. We recommend a UUID-type value.")
    })?;
    if (32..=64).contains(&token.len()) {
        Ok(token)
    } else {
        Err(invalid_parameter("ClientRequestToken must be 32-64 characters long."))
    }
}

/// The value that the call gives.
pub(super) fn given_value(call: &Call<'_>) -> Result<Option<SecretValue>, Fault> {
    let secret = |text: &str| Secret::new(text.to_owned());
    let value = match (call.parameters.text("SecretString"), call.parameters.text("SecretBinary")) {
        (Some(_), Some(_)) => {
            return Err(invalid_parameter("You can't specify both a binary value and a string value."));
        }
        (Some(text), None) => Some(SecretValue::Text(secret(text))),
        (None, Some(text)) => Some(SecretValue::Binary(secret(text))),
        (None, None) => None,
    };
    match &value {
        Some(value) if value.text().expose().is_empty() || value.text().expose().len() > 65_536 => {
            Err(invalid_parameter("The secret value must have 1 to 65536 bytes."))
        }
        _ => Ok(value),
    }
}

impl StoredSecret {
    /// The version that has the label, and its id.
    pub(super) fn staged(&self, stage: &str) -> Option<(&String, &Version)> {
        self.versions.iter().find(|(_, version)| version.stages.contains(stage))
    }

    /// Adds a version. The same id with the same value again changes nothing, with another value it is
    /// refused.
    pub(super) fn add_version(
        &mut self,
        id: &str,
        value: SecretValue,
        stages: &[String],
        now: Timestamp,
    ) -> Result<(), Fault> {
        if let Some(known) = self.versions.get(id) {
            return if known.value == value {
                Ok(())
            } else {
                Err(exists(&format!(
                    "You can't use ClientRequestToken {id} because that value is already in use for a version of \
                     secret {}.",
                    self.arn
                )))
            };
        }
        if stages.len() > LABELS_PER_VERSION
            || stages.iter().any(|stage| stage.is_empty() || stage.len() > 256)
        {
            return Err(invalid_parameter(
                "A version can have 1 to 20 staging labels of 1 to 256 characters.",
            ));
        }
        // The first version is current, whatever its labels are.
        let mut stages: BTreeSet<String> = stages.iter().cloned().collect();
        if self.versions.is_empty() {
            stages.insert(CURRENT.to_owned());
        }
        self.versions.insert(id.to_owned(), Version { value, created_at: now, stages: BTreeSet::new() });
        for stage in stages {
            self.put_stage(&stage, id);
        }
        self.changed_at = now;
        self.forget_old_versions(now);
        Ok(())
    }

    /// Moves a label from one version to another, puts it on one, or takes it off one.
    pub(super) fn move_stage(
        &mut self,
        stage: &str,
        from: Option<&str>,
        to: Option<&str>,
    ) -> Result<(), Fault> {
        let holder = self.staged(stage).map(|(id, _)| id.clone());
        if let Some(unknown) = [from, to].into_iter().flatten().find(|id| !self.versions.contains_key(*id)) {
            return Err(no_value(&format!("VersionId: {unknown}")));
        }
        if from.is_some() && from != holder.as_deref() {
            return Err(invalid_parameter(&format!(
                "The parameter RemoveFromVersionId can't be a version that staging label {stage} isn't attached to."
            )));
        }
        match (to, &holder) {
            (Some(to), Some(holder)) if to != holder && from.is_none() => Err(invalid_parameter(&format!(
                "The parameter RemoveFromVersionId can't be empty. Staging label {stage} is currently attached to \
                 version {holder}, so you must explicitly reference that version in RemoveFromVersionId."
            ))),
            (Some(to), _) => {
                let full = self.versions[to].stages.len() >= LABELS_PER_VERSION;
                if full && !self.versions[to].stages.contains(stage) {
                    return Err(Fault::refused(
                        "LimitExceededException",
                        400,
                        "A version can have 20 staging labels.",
                    ));
                }
                self.put_stage(stage, to);
                Ok(())
            }
            (None, _) if stage == CURRENT => Err(invalid_parameter(
                "You can only move staging label AWSCURRENT to a different secret version. It can't be completely \
                 removed.",
            )),
            (None, None) => {
                Err(invalid_parameter("You must specify RemoveFromVersionId or MoveToVersionId."))
            }
            (None, Some(_)) if from.is_none() => {
                Err(invalid_parameter("You must specify RemoveFromVersionId or MoveToVersionId."))
            }
            (None, Some(holder)) => {
                if let Some(version) = self.versions.get_mut(holder) {
                    version.stages.remove(stage);
                }
                Ok(())
            }
        }
    }

    /// Puts a label on a version, which takes it off any other. When `AWSCURRENT` moves, `AWSPREVIOUS` goes
    /// to the version that it leaves.
    fn put_stage(&mut self, stage: &str, to: &str) {
        let holder = self.staged(stage).map(|(id, _)| id.clone());
        if holder.as_deref() == Some(to) {
            return;
        }
        for version in self.versions.values_mut() {
            version.stages.remove(stage);
        }
        if let Some(version) = self.versions.get_mut(to) {
            version.stages.insert(stage.to_owned());
        }
        if let (CURRENT, Some(before)) = (stage, holder) {
            self.put_stage(PREVIOUS, &before);
        }
    }

    fn forget_old_versions(&mut self, now: Timestamp) {
        let old =
            |version: &Version| version.stages.is_empty() && version.created_at + VERSIONS_KEPT_FOR < now;
        while self.versions.len() > VERSIONS_KEPT {
            let forgettable = self.versions.iter().filter(|(_, version)| old(version));
            let Some(oldest) = forgettable.min_by_key(|(_, version)| version.created_at) else { return };
            let id = oldest.0.clone();
            self.versions.remove(&id);
        }
    }
}
