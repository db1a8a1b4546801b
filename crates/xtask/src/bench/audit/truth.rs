//! The truth about the keys of an account, and how near a tool came to it.

use std::collections::BTreeSet;
use std::path::Path;

use serde_json::Value;

use crate::failure::{Failure, While as _};

const DAY: f64 = 86_400.0;

/// The root user's name in a credential report.
const ROOT: &str = "<root_account>";

/// What the tools are asked about each user.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Question {
    TooOld,
    Unused,
    TwoActive,
    Root,
}

impl Question {
    pub(super) const ALL: [Self; 4] = [Self::TooOld, Self::Unused, Self::TwoActive, Self::Root];

    /// What the files of findings call it.
    pub(super) fn code(self) -> &'static str {
        match self {
            Self::TooOld => "key-too-old",
            Self::Unused => "key-unused",
            Self::TwoActive => "two-active-keys",
            Self::Root => "root-access-key",
        }
    }

    /// The question, for the page.
    pub(super) fn text(self) -> &'static str {
        match self {
            Self::TooOld => "has an active key older than 90 days",
            Self::Unused => "has an active key not used for 45 days, or never since its creation before that",
            Self::TwoActive => "has two active keys",
            Self::Root => "is the root user and has a key",
        }
    }
}

/// The keys of an account, as they were read one by one.
#[derive(Debug, Default)]
pub(super) struct Facts {
    users: Vec<User>,
    root_has_key: bool,
}

#[derive(Debug)]
struct User {
    name: String,
    keys: Vec<Key>,
}

/// Instants are seconds since the beginning of 1970.
#[derive(Debug, Clone, Copy)]
struct Key {
    active: bool,
    created: f64,
    used: Option<f64>,
}

impl Facts {
    /// Reads what the sweep wrote.
    pub(super) fn read(path: &Path) -> Result<Self, Failure> {
        let text = std::fs::read_to_string(path).could_not(format!("read {}", path.display()))?;
        Self::parse(&text)
    }

    fn parse(text: &str) -> Result<Self, Failure> {
        let facts: Value = serde_json::from_str(text).could_not("read the facts of the sweep")?;
        Self::from_value(&facts).ok_or_else(|| Failure::new("the facts of the sweep have another form"))
    }

    fn from_value(facts: &Value) -> Option<Self> {
        let key = |key: &Value| {
            let used = if key["used"].is_null() { None } else { Some(key["used"].as_f64()?) };
            Some(Key { active: key["active"].as_bool()?, created: key["created"].as_f64()?, used })
        };
        let user = |user: &Value| {
            let keys = user["keys"].as_array()?.iter().map(key).collect::<Option<_>>()?;
            Some(User { name: user["name"].as_str()?.to_owned(), keys })
        };
        let users = facts["users"].as_array()?.iter().map(user).collect::<Option<_>>()?;
        Some(Self { users, root_has_key: facts["root_keys"].as_u64()? > 0 })
    }

    /// How many users there are, how many of them have keys, and how many keys.
    pub(super) fn counts(&self) -> (usize, usize, usize) {
        let with_keys = self.users.iter().filter(|user| !user.keys.is_empty()).count();
        (self.users.len(), with_keys, self.users.iter().map(|user| user.keys.len()).sum())
    }

    /// How right a tool was that ran from `began` to `ended` and found these users.
    ///
    /// A key may come of age while the tool runs. Then both answers are right. Of the root user, only that it
    /// has a key is judged: the sweep cannot see how old it is.
    pub(super) fn judge(
        &self,
        question: Question,
        found: &BTreeSet<&str>,
        began: f64,
        ended: f64,
    ) -> Verdict {
        let (before, after) = (self.answer(question, began), self.answer(question, ended));
        let certain: BTreeSet<&str> = before.intersection(&after).copied().collect();
        let possible: BTreeSet<&str> = before.union(&after).copied().collect();
        let is_judged = |user: &&&str| question == Question::Root || **user != ROOT;
        Verdict {
            truth: after.len(),
            missing: certain.difference(found).count(),
            invented: found.difference(&possible).filter(|user| is_judged(user)).count(),
        }
    }

    /// The users of whom the answer is yes at that instant.
    fn answer(&self, question: Question, at: f64) -> BTreeSet<&str> {
        let too_old = |key: &Key| at - key.created > 90.0 * DAY;
        let unused = |key: &Key| at - key.used.unwrap_or(key.created) > 45.0 * DAY;
        let yes = |user: &&User| {
            let mut active = user.keys.iter().filter(|key| key.active);
            match question {
                Question::TooOld => active.any(too_old),
                Question::Unused => active.any(unused),
                Question::TwoActive => active.count() > 1,
                Question::Root => false,
            }
        };
        let root = (question == Question::Root && self.root_has_key).then_some(ROOT);
        self.users.iter().filter(yes).map(|user| user.name.as_str()).chain(root).collect()
    }
}

/// How right an answer is, in users.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Verdict {
    /// How many should be found.
    pub(super) truth: usize,
    /// How many of them were not.
    pub(super) missing: usize,
    /// How many were found that should not.
    pub(super) invented: usize,
}

impl Verdict {
    /// Whether exactly the right users were found.
    pub(super) fn is_exact(self) -> bool {
        self.missing == 0 && self.invented == 0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Judged at day 100: `old` has a key of 100 days, `pair` two young keys, `idle` a young key that was
    /// never used and an inactive one as old as can be, `none` no key.
    fn facts() -> Facts {
        let day = |day: f64| day * DAY;
        let key = |active, created: f64, used: Option<f64>| {
            let used = used.map(day);
            serde_json::json!({"active": active, "created": day(created), "used": used})
        };
        let facts = serde_json::json!({"root_keys": 1, "users": [
            {"name": "old", "keys": [key(true, 0.0, Some(99.0))]},
            {"name": "pair", "keys": [key(true, 90.0, Some(99.0)), key(true, 91.0, None)]},
            {"name": "idle", "keys": [key(true, 50.0, None), key(false, 0.0, None)]},
            {"name": "none", "keys": []},
        ]});
        Facts::parse(&facts.to_string()).unwrap()
    }

    fn judge(question: Question, found: &[&str], day: f64) -> (usize, usize, usize) {
        let verdict = facts().judge(question, &found.iter().copied().collect(), day * DAY, day * DAY);
        (verdict.truth, verdict.missing, verdict.invented)
    }

    #[test]
    fn the_truth_is_exact_to_the_second_and_only_of_active_keys() {
        assert_eq!(judge(Question::TooOld, &["old"], 100.0), (1, 0, 0));
        assert_eq!(judge(Question::TooOld, &[], 90.0), (0, 0, 0));
        assert_eq!(judge(Question::TooOld, &[], 90.0 + 1.0 / DAY), (1, 1, 0));
        assert_eq!(judge(Question::TwoActive, &["pair"], 100.0), (1, 0, 0));
        assert_eq!(judge(Question::Root, &[ROOT], 100.0), (1, 0, 0));
    }

    #[test]
    fn of_the_root_user_only_that_it_has_a_key_is_judged() {
        assert_eq!(judge(Question::TooOld, &["old", ROOT], 100.0), (1, 0, 0));
        assert_eq!(judge(Question::Root, &[], 100.0), (1, 1, 0));
        assert_eq!(judge(Question::Root, &[ROOT, "old"], 100.0), (1, 0, 1));
    }

    #[test]
    fn a_key_that_was_never_used_counts_from_its_creation() {
        assert_eq!(judge(Question::Unused, &["idle"], 100.0), (1, 0, 0));
        assert_eq!(judge(Question::Unused, &["idle"], 95.0), (0, 0, 1));
    }

    #[test]
    fn what_is_missing_and_what_is_invented_is_told_apart() {
        assert_eq!(judge(Question::TooOld, &["none", "pair"], 100.0), (1, 1, 2));
    }

    #[test]
    fn a_key_that_comes_of_age_while_the_tool_runs_may_be_found_or_not() {
        for found in [BTreeSet::new(), BTreeSet::from(["old"])] {
            assert!(facts().judge(Question::TooOld, &found, 89.0 * DAY, 91.0 * DAY).is_exact());
        }
    }

    #[test]
    fn facts_of_another_form_are_an_error() {
        assert!(Facts::parse("{\"users\": [{\"name\": 1}]}").is_err());
    }

    #[test]
    fn users_and_keys_are_counted() {
        assert_eq!(facts().counts(), (4, 3, 5));
    }
}
