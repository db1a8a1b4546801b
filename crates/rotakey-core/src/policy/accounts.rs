//! The `[accounts]` section: which accounts are worked in, and how each is entered.

use std::convert::Infallible;
use std::fmt;
use std::str::FromStr;

use schemars::JsonSchema;

use super::schema::AccountNumber;
use crate::destination::CredentialSource;
use crate::id::AccountId;

/// The `[accounts]` section.
#[derive(Debug, Clone, PartialEq, Eq, JsonSchema)]
#[schemars(default, deny_unknown_fields)]
pub struct AccountsConfig {
    /// Where the accounts are from. May be left out where `list` or `profiles` says it.
    pub from: AccountsFrom,
    /// Of an organization, only these: ids of organizational units and accounts, or paths of units. A unit stands
    /// for all that is below it. All if empty.
    #[schemars(with = "Vec<String>")]
    pub include: Vec<AccountSelector>,
    /// Of an organization or a list, not these. What is excluded stays so, whatever includes it.
    #[schemars(with = "Vec<String>")]
    pub exclude: Vec<AccountSelector>,
    /// These accounts.
    #[schemars(with = "Vec<AccountNumber>")]
    pub list: Vec<AccountId>,
    /// The accounts of these profiles of AWS's configuration files, each entered as its profile says.
    pub profiles: Vec<String>,
    /// The role that is assumed in each account of an organization or a list, with its path if it has one.
    pub role: String,
    /// What the trust policy of that role asks for.
    pub external_id: Option<ExternalId>,
    /// The partition of AWS: `aws`, `aws-cn`, `aws-us-gov`. That of the region if absent.
    pub partition: Option<String>,
}

impl Default for AccountsConfig {
    fn default() -> Self {
        Self {
            from: AccountsFrom::default(),
            include: Vec::new(),
            exclude: Vec::new(),
            list: Vec::new(),
            profiles: Vec::new(),
            role: "rotakey-member".to_owned(),
            external_id: None,
            partition: None,
        }
    }
}

/// Where accounts are from.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, JsonSchema)]
#[schemars(rename_all = "kebab-case")]
pub enum AccountsFrom {
    /// The one account of the credentials.
    #[default]
    Own,
    /// AWS Organizations.
    Organization,
    /// `list`.
    List,
    /// `profiles`.
    Profiles,
}

/// What a trust policy asks for. AWS does not treat it as a secret; it may be kept out of the configuration all the
/// same.
#[derive(Debug, Clone, PartialEq, Eq, JsonSchema)]
#[schemars(untagged)]
pub enum ExternalId {
    /// The id itself.
    Text(String),
    /// Where it is read from.
    From(CredentialSource),
}

/// One or more accounts of an organization, as a person names them.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum AccountSelector {
    /// That account.
    Account(AccountId),
    /// All accounts below the root or unit of that id: `r-ab12`, `ou-ab12-11112222`.
    Unit(String),
    /// All accounts below the unit that is reached by these names from the root.
    Path(Vec<String>),
}

impl AccountSelector {
    /// Whether it takes the tree of the organization to tell whom it means.
    pub fn needs_tree(&self) -> bool {
        !matches!(self, Self::Account(_))
    }
}

/// `111122223333`, `ou-ab12-11112222`, or `Workloads/Production`.
impl FromStr for AccountSelector {
    type Err = Infallible;

    fn from_str(text: &str) -> Result<Self, Infallible> {
        if let Ok(account) = text.parse() {
            return Ok(Self::Account(account));
        }
        if is_unit_id(text) {
            return Ok(Self::Unit(text.to_owned()));
        }
        Ok(Self::Path(text.split('/').filter(|name| !name.is_empty()).map(str::to_owned).collect()))
    }
}

impl fmt::Display for AccountSelector {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Account(account) => account.fmt(f),
            Self::Unit(id) => f.write_str(id),
            Self::Path(names) => f.write_str(&names.join("/")),
        }
    }
}

/// The forms are those of the API reference of AWS Organizations.
fn is_unit_id(text: &str) -> bool {
    let lower = |part: &str, shortest: usize| {
        (shortest..=32).contains(&part.len())
            && part.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit())
    };
    match text.split('-').collect::<Vec<_>>().as_slice() {
        ["r", root] => lower(root, 4),
        ["ou", root, unit] => lower(root, 4) && lower(unit, 8),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn accounts_units_and_paths_are_told_apart_by_their_form() {
        let read = |text: &str| text.parse::<AccountSelector>().unwrap();
        assert_eq!(read("000000000001"), AccountSelector::Account(AccountId::new(1).unwrap()));
        assert_eq!(read("ou-ab12-11112222"), AccountSelector::Unit("ou-ab12-11112222".to_owned()));
        assert_eq!(read("r-ab12"), AccountSelector::Unit("r-ab12".to_owned()));
        let path = AccountSelector::Path(vec!["Workloads".to_owned(), "Production".to_owned()]);
        assert_eq!(read("Workloads/Production"), path);
        assert_eq!(read("/Workloads/Production/"), path);
        assert_eq!(path.to_string(), "Workloads/Production");
        for name in ["ou-ab-1", "r-AB12", "ou-ab12-11112222-3", "12345"] {
            assert!(matches!(read(name), AccountSelector::Path(_)), "{name} is the name of a unit");
        }
    }
}
