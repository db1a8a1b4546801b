//! The accounts of an organization, and which of them are meant.

use std::collections::{BTreeMap, BTreeSet};

use crate::id::AccountId;
use crate::policy::AccountSelector;

/// What was read of an organization. Without its tree, the units are empty and no account has a parent.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Organization {
    /// The id of the root.
    pub root: Option<String>,
    /// The organizational units by id.
    pub units: BTreeMap<String, Unit>,
    /// The accounts, also those that are not in use.
    pub accounts: BTreeMap<AccountId, Member>,
}

/// An organizational unit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unit {
    /// Its name, which no other unit of the same parent has.
    pub name: String,
    /// The root or unit that it is in.
    pub parent: String,
}

/// An account of an organization.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Member {
    /// Its name.
    pub name: String,
    /// Whether it can be worked in; otherwise the word of AWS for why not, such as `SUSPENDED`.
    pub state: Result<(), String>,
    /// The root or unit that it is in; `None` if the tree was not read.
    pub parent: Option<String>,
}

/// The accounts that are meant.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Selected {
    /// Those to work in, with their names.
    pub accounts: BTreeMap<AccountId, String>,
    /// Those that are meant, but cannot be worked in, with the word of AWS for why not.
    pub left_out: BTreeMap<AccountId, String>,
    /// What named no account or unit of the organization. Most likely a mistake in writing: to go on could mean to
    /// work where nobody wanted it.
    pub unknown: Vec<AccountSelector>,
}

impl Organization {
    /// Those that are included, or all if nothing is, without those that are excluded.
    pub fn select(&self, include: &[AccountSelector], exclude: &[AccountSelector]) -> Selected {
        let mut selected = Selected::default();
        let paths = self.paths();
        for selector in include.iter().chain(exclude) {
            if !self.knows(selector, &paths) {
                selected.unknown.push(selector.clone());
            }
        }
        for (id, member) in &self.accounts {
            let above = self.above(member);
            let meant = |selectors: &[AccountSelector]| {
                selectors.iter().any(|selector| match selector {
                    AccountSelector::Account(account) => account == id,
                    AccountSelector::Unit(unit) => above.contains(unit.as_str()),
                    AccountSelector::Path(names) => {
                        above.iter().any(|unit| paths.get(unit).is_some_and(|path| path == names))
                    }
                })
            };
            if (!include.is_empty() && !meant(include)) || meant(exclude) {
                continue;
            }
            match &member.state {
                Ok(()) => selected.accounts.insert(*id, member.name.clone()),
                Err(state) => selected.left_out.insert(*id, state.clone()),
            };
        }
        selected
    }

    fn knows(&self, selector: &AccountSelector, paths: &BTreeMap<&str, Vec<String>>) -> bool {
        match selector {
            AccountSelector::Account(account) => self.accounts.contains_key(account),
            AccountSelector::Unit(unit) => self.units.contains_key(unit) || self.root.as_ref() == Some(unit),
            AccountSelector::Path(names) => paths.values().any(|path| path == names),
        }
    }

    /// The names from the root to each unit.
    fn paths(&self) -> BTreeMap<&str, Vec<String>> {
        let path = |id: &String| {
            let mut names: Vec<String> = self
                .line(id)
                .filter_map(|above| self.units.get(above))
                .map(|unit| unit.name.clone())
                .collect();
            names.reverse();
            names
        };
        self.units.keys().map(|id| (id.as_str(), path(id))).collect()
    }

    /// All units that the account is in, nearest or not, and the root.
    fn above<'a>(&'a self, member: &'a Member) -> BTreeSet<&'a str> {
        member.parent.iter().flat_map(|parent| self.line(parent)).collect()
    }

    /// The unit and all that it is in, up to the root. Never longer than the organization has units: AWS allows no
    /// circle, and an answer that has one must not be walked for ever.
    fn line<'a>(&'a self, id: &'a str) -> impl Iterator<Item = &'a str> {
        let up = |id: &&'a str| self.units.get(*id).map(|unit| unit.parent.as_str());
        std::iter::successors(Some(id), up).take(self.units.len() + 1)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn account(number: u64) -> AccountId {
        AccountId::new(number).unwrap()
    }

    /// The root with account 1; `Workloads` with 2; in it `Production` with 3 and a suspended 4; and `Sandbox` with 5,
    /// in which there is another `Production` with 6.
    fn organization() -> Organization {
        let unit = |name: &str, parent: &str| Unit { name: name.to_owned(), parent: parent.to_owned() };
        let units = [
            ("ou-ab12-workload", unit("Workloads", "r-ab12")),
            ("ou-ab12-producti", unit("Production", "ou-ab12-workload")),
            ("ou-ab12-sandbox1", unit("Sandbox", "r-ab12")),
            ("ou-ab12-sandbox2", unit("Production", "ou-ab12-sandbox1")),
        ];
        let member =
            |parent: &str, state| Member { name: "x".to_owned(), state, parent: Some(parent.to_owned()) };
        let accounts = [
            (1, member("r-ab12", Ok(()))),
            (2, member("ou-ab12-workload", Ok(()))),
            (3, member("ou-ab12-producti", Ok(()))),
            (4, member("ou-ab12-producti", Err("SUSPENDED".to_owned()))),
            (5, member("ou-ab12-sandbox1", Ok(()))),
            (6, member("ou-ab12-sandbox2", Ok(()))),
        ];
        Organization {
            root: Some("r-ab12".to_owned()),
            units: units.map(|(id, unit)| (id.to_owned(), unit)).into(),
            accounts: accounts.map(|(id, member)| (account(id), member)).into(),
        }
    }

    #[track_caller]
    fn check(include: &str, exclude: &str, accounts: &[u64], left_out: &[u64], unknown: &[&str]) {
        let read = |text: &str| -> Vec<AccountSelector> {
            text.split_whitespace().map(|selector| selector.parse().unwrap()).collect()
        };
        let selected = organization().select(&read(include), &read(exclude));
        let numbers = |ids: Vec<&AccountId>| ids.iter().map(|id| id.number()).collect::<Vec<_>>();
        assert_eq!(numbers(selected.accounts.keys().collect()), accounts);
        assert_eq!(numbers(selected.left_out.keys().collect()), left_out);
        assert_eq!(selected.unknown.iter().map(ToString::to_string).collect::<Vec<_>>(), unknown);
    }

    #[test]
    fn without_a_choice_all_accounts_in_use_are_meant() {
        check("", "", &[1, 2, 3, 5, 6], &[4], &[]);
        check("r-ab12", "", &[1, 2, 3, 5, 6], &[4], &[]);
    }

    #[test]
    fn a_unit_stands_for_all_that_is_below_it() {
        check("Workloads", "", &[2, 3], &[4], &[]);
        check("ou-ab12-workload", "", &[2, 3], &[4], &[]);
        check("Workloads/Production", "", &[3], &[4], &[]);
        check("Sandbox/Production 000000000001", "", &[1, 6], &[], &[]);
    }

    #[test]
    fn what_is_excluded_stays_so() {
        check("Workloads", "Workloads/Production", &[2], &[], &[]);
        check("000000000003", "Workloads", &[], &[], &[]);
        check("", "Sandbox 000000000001 Workloads/Production", &[2], &[], &[]);
    }

    #[test]
    fn what_names_nothing_is_told_instead_of_meaning_nothing() {
        check(
            "Workloads Production",
            "Sandboxes 000000000009",
            &[2, 3],
            &[4],
            &["Production", "Sandboxes", "000000000009"],
        );
    }

    #[test]
    fn an_answer_that_goes_in_a_circle_is_not_walked_for_ever() {
        let mut organization = organization();
        organization.units.get_mut("ou-ab12-workload").unwrap().parent = "ou-ab12-producti".to_owned();
        let selected = organization.select(&["Sandbox".parse().unwrap()], &[]);
        assert_eq!(selected.accounts.len(), 2);
    }
}
