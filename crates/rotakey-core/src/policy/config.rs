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
use super::reader::{Field, Reader, Section};
use super::{AccountsConfig, NotifyEntry, Policy, RotateConfig, StoreName};

/// What `rotakey.toml` says.
#[derive(Debug, Clone, Default, PartialEq, Eq, JsonSchema)]
#[schemars(default, deny_unknown_fields)]
pub struct Config {
    /// Where the log of rotations is kept: a file, `postgres://USER@HOST/DATABASE` or `dynamodb://TABLE?region=REGION`.
    /// A relative file is from the folder of the configuration. `--store` and `ROTAKEY_STORE` go before it.
    pub store: Option<StoreName>,
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
    check_with(text, &|_| Ok(()))
}

/// The same, where somebody can tell whether a text names a store. The error says what is wrong, and does not repeat
/// the text.
///
/// # Errors
///
/// As those of [`check`].
pub fn check_with(
    text: &str,
    names_store: &dyn Fn(&str) -> Result<(), String>,
) -> Result<Config, Vec<Mistake>> {
    let mut reader = Reader::new(text);
    let (document, errors) = DeTable::parse_recoverable(text);
    for error in &errors {
        reader.syntax_error(error);
    }
    let mut config = Config::default();
    if errors.is_empty() {
        config = read(&mut reader, &Section::root(&document), names_store);
    }
    let mistakes = reader.into_mistakes();
    if mistakes.iter().any(|mistake| mistake.gravity == Gravity::Error) {
        return Err(mistakes);
    }
    config.warnings = mistakes;
    Ok(config)
}

fn read(
    reader: &mut Reader<'_>,
    root: &Section<'_>,
    names_store: &dyn Fn(&str) -> Result<(), String>,
) -> Config {
    reader.only_known_keys(root, &["store", "accounts", "policy", "rotate", "notify"]);
    let accounts = root.get("accounts").and_then(|field| reader.section(field));
    let policy = root.get("policy").and_then(|field| reader.section(field));
    let rotate = root.get("rotate").and_then(|field| reader.section(field));
    Config {
        store: root.get("store").and_then(|field| store(reader, &field, names_store)),
        accounts: accounts.map(|section| accounts::read(reader, &section)).unwrap_or_default(),
        policy: policy.map(|section| policy::read(reader, &section)).unwrap_or_default(),
        rotate: rotate.map(|section| rotate::read(reader, &section)).unwrap_or_default(),
        notify: root.get("notify").map(|field| notify::read(reader, field)).unwrap_or_default(),
        warnings: Vec::new(),
    }
}

fn store(
    reader: &mut Reader<'_>,
    field: &Field<'_>,
    names_store: &dyn Fn(&str) -> Result<(), String>,
) -> Option<StoreName> {
    let text = reader.text(field)?;
    if let Err(what) = names_store(text) {
        let hint = "write a file, postgres://USER@HOST/DATABASE or dynamodb://TABLE?region=REGION";
        reader.mistake(field, what, Some(hint.to_owned()));
        return None;
    }
    Some(StoreName::new(text))
}

#[cfg(test)]
mod tests;
