//! Reads `rotakey.toml`.

mod accounts;
mod controls;
mod notify;
mod policy;
mod rotate;

use jiff::Timestamp;
use schemars::JsonSchema;
use toml::de::DeTable;

use super::mistake::{Gravity, Mistake};
use super::reader::{Reader, Section};
use super::{AccountsConfig, NotifyEntry, Policy, RotateConfig};

/// What `rotakey.toml` says.
#[derive(Debug, Clone, Default, PartialEq, Eq, JsonSchema)]
#[schemars(default, deny_unknown_fields)]
pub struct Config {
    /// Which accounts are worked in, and how each is entered.
    pub accounts: AccountsConfig,
    /// By what keys are judged.
    pub policy: Policy,
    /// How keys are rotated.
    pub rotate: RotateConfig,
    /// Who is told of what happens to keys.
    pub notify: Vec<NotifyEntry>,
    /// What [`check`] found that is perhaps not meant.
    #[schemars(skip)]
    warnings: Vec<Mistake>,
}

impl Config {
    /// What can be used, but is perhaps not meant, in the order of the file. An exemption that has expired and a
    /// freeze that has ended are among it: they do nothing any more.
    pub fn warnings(&self, now: Timestamp) -> Vec<Mistake> {
        let expired =
            self.policy.exemptions.iter().enumerate().filter(|(_, exemption)| exemption.is_expired(now));
        let expired = expired.map(|(index, exemption)| Mistake {
            position: exemption.position,
            key: format!("policy.exemption[{}].expires", index + 1),
            what: format!("the exemption of {} expired with {} (UTC)", exemption.owner, exemption.expires),
            hint: Some("remove it, or have it granted again".into()),
            gravity: Gravity::Warning,
        });
        let freezes = &self.rotate.controls.freezes;
        let ended = freezes.iter().enumerate().filter(|(_, freeze)| freeze.has_ended(now));
        let ended = ended.map(|(index, freeze)| Mistake {
            position: freeze.position,
            key: format!("rotate.freeze[{}].to", index + 1),
            what: format!("the freeze {:?} ended at {}", freeze.name, freeze.to),
            hint: Some("remove it, or say when it comes again".into()),
            gravity: Gravity::Warning,
        });
        let mut warnings: Vec<_> = self.warnings.iter().cloned().chain(expired).chain(ended).collect();
        warnings.sort_by_key(|warning| warning.position);
        warnings
    }
}

/// Reads the text of a configuration file.
///
/// # Errors
///
/// Every mistake in it, in the order of the text; warnings are among them. Of a text that is no TOML only
/// its mistakes against TOML are told, for what it would say is a guess.
pub fn check(text: &str) -> Result<Config, Vec<Mistake>> {
    let mut reader = Reader::new(text);
    let (document, errors) = DeTable::parse_recoverable(text);
    for error in &errors {
        reader.syntax_error(error);
    }
    let mut config = Config::default();
    if errors.is_empty() {
        config = read(&mut reader, &Section::root(&document));
    }
    let mistakes = reader.into_mistakes();
    if mistakes.iter().any(|mistake| mistake.gravity == Gravity::Error) {
        return Err(mistakes);
    }
    config.warnings = mistakes;
    Ok(config)
}

fn read(reader: &mut Reader<'_>, root: &Section<'_>) -> Config {
    reader.only_known_keys(root, &["accounts", "policy", "rotate", "notify"]);
    let accounts = root.get("accounts").and_then(|field| reader.section(field));
    let policy = root.get("policy").and_then(|field| reader.section(field));
    let rotate = root.get("rotate").and_then(|field| reader.section(field));
    Config {
        accounts: accounts.map(|section| accounts::read(reader, &section)).unwrap_or_default(),
        policy: policy.map(|section| policy::read(reader, &section)).unwrap_or_default(),
        rotate: rotate.map(|section| rotate::read(reader, &section)).unwrap_or_default(),
        notify: root.get("notify").map(|field| notify::read(reader, field)).unwrap_or_default(),
        warnings: Vec::new(),
    }
}

#[cfg(test)]
mod tests;
