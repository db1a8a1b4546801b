//! How old a key may get, and which rule says so.

use std::fmt;

use schemars::JsonSchema;

use super::Policy;
use super::matcher::{Answer, Matcher};
use super::period::Period;
use super::subject::UserSubject;
use crate::text::SharedText;

/// One `[[policy.rule]]`: other limits for some users. The first rule that matches decides.
#[derive(Debug, Clone, PartialEq, Eq, JsonSchema)]
#[schemars(deny_unknown_fields)]
pub struct Rule {
    /// Its name, which every finding shows that the rule judged.
    pub name: String,
    /// Who it is for.
    #[schemars(rename = "match")]
    pub matcher: Matcher,
    /// How old an active key may get.
    pub max_age: Period,
    /// How long before that a key is due soon; the policy's own `warn_before` if absent.
    pub warn_before: Option<Period>,
    /// How long an active key may be without use; the policy's own `unused_after` if absent.
    pub unused_after: Option<Period>,
}

/// The limits that hold for the keys of one user.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// How old an active key may get.
    pub max_age: Period,
    /// How long before that a key is due soon.
    pub warn_before: Period,
    /// How long an active key may be without use.
    pub unused_after: Period,
}

/// The limits for one user, and how they were come by. Shown, it names the rule.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Applied<'p> {
    /// The limits.
    pub limits: Limits,
    /// The rules that may apply, in the order of the file. More than one if a fact is not known that
    /// decides between them.
    candidates: Vec<&'p str>,
    /// The one of them with the lowest age limit.
    strictest: &'p str,
}

impl Applied<'_> {
    /// What the limits are called that hold where no rule matches.
    pub const DEFAULT_RULE: &'static str = "default";

    /// The name of the rule, and if it is not certain, of all that may apply.
    pub fn name(&self) -> SharedText {
        if self.is_certain() { self.strictest.into() } else { self.to_string().into() }
    }

    /// Whether the facts were enough to tell which rule applies.
    pub fn is_certain(&self) -> bool {
        self.candidates.len() == 1
    }
}

impl<'p> Applied<'p> {
    /// One rule more that may apply.
    fn tighten(&mut self, name: &'p str, limits: Limits) {
        self.candidates.push(name);
        self.limits.unused_after = self.limits.unused_after.min(limits.unused_after);
        if limits.max_age < self.limits.max_age {
            self.strictest = name;
            self.limits.max_age = limits.max_age;
            self.limits.warn_before = limits.warn_before;
        }
    }
}

impl fmt::Display for Applied<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.strictest)?;
        if self.is_certain() {
            return Ok(());
        }
        write!(f, " (the strictest of those that may apply: {})", self.candidates.join(", "))
    }
}

impl Policy {
    /// The limits for the keys of that user: those of the first rule that matches, else the default ones.
    ///
    /// A rule of which it is not known whether it matches may be the one. So all that may be the one are
    /// held against each other, and the lowest limit of each kind is taken: what is not known never
    /// loosens.
    pub fn limits_for(&self, subject: &UserSubject) -> Applied<'_> {
        let mut applied: Option<Applied<'_>> = None;
        let mut consider = |name, limits| match &mut applied {
            Some(applied) => applied.tighten(name, limits),
            None => applied = Some(Applied { limits, candidates: vec![name], strictest: name }),
        };
        let mut decided = false;
        for rule in &self.rules {
            let answer = rule.matcher.matches(subject);
            if answer != Answer::No {
                consider(rule.name.as_str(), self.limits_of(rule));
            }
            if answer == Answer::Yes {
                decided = true;
                break;
            }
        }
        if !decided {
            consider(Applied::DEFAULT_RULE, self.default_limits());
        }
        applied.expect("the default limits are considered where no rule decides")
    }

    /// The limits that hold where no rule matches.
    pub fn default_limits(&self) -> Limits {
        Limits { max_age: self.max_age, warn_before: self.warn_before, unused_after: self.unused_after }
    }

    fn limits_of(&self, rule: &Rule) -> Limits {
        Limits {
            max_age: rule.max_age,
            warn_before: rule.warn_before.unwrap_or(self.warn_before),
            unused_after: rule.unused_after.unwrap_or(self.unused_after),
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::fact::{Seen, Tags};
    use crate::policy::matcher::PrivilegeClass;
    use crate::policy::subject::Privilege;
    use crate::policy::test_subject;

    fn rule(name: &str, days: u32, matcher: Matcher) -> Rule {
        Rule {
            name: name.into(),
            matcher,
            max_age: Period::days(days),
            warn_before: None,
            unused_after: None,
        }
    }

    fn tiers() -> Policy {
        let administrators = Matcher { privilege: Some(PrivilegeClass::Administrator), ..Matcher::default() };
        let production = Matcher { environment: vec!["prod*".into()], ..Matcher::default() };
        let mailers = Matcher { user: vec!["ses-*".into()], ..Matcher::default() };
        Policy {
            rules: vec![
                rule("mailers", 365, mailers),
                rule("administrators", 30, administrators),
                rule("production", 60, production),
            ],
            ..Policy::default()
        }
    }

    fn applied(change: impl FnOnce(&mut UserSubject)) -> String {
        let mut subject = test_subject("alice");
        change(&mut subject);
        let policy = tiers();
        let applied = policy.limits_for(&subject);
        format!("{}: {}", applied.limits.max_age, applied)
    }

    #[test]
    fn the_first_rule_that_matches_decides() {
        assert_eq!(applied(|_| {}), "90 d: default");
        let tag = |subject: &mut UserSubject| {
            subject.tags = Seen::Known(Tags::from([("Environment".into(), "Production".into())]));
        };
        assert_eq!(applied(tag), "60 d: production");
        let administrator = Seen::Known(Privilege::Administrator { because: "a policy".into() });
        let both = |subject: &mut UserSubject| {
            tag(subject);
            subject.privilege = administrator.clone();
        };
        assert_eq!(applied(both), "30 d: administrators");
        let named = |subject: &mut UserSubject| {
            both(subject);
            subject.principal = "ses-relay".parse().unwrap();
        };
        assert_eq!(applied(named), "365 d: mailers", "a rule may also loosen, if it is sure that it matches");
    }

    #[test]
    fn what_is_not_known_takes_the_strictest_that_may_apply() {
        let untagged = |subject: &mut UserSubject| subject.tags = Seen::Unknown("not read".into());
        assert_eq!(
            applied(untagged),
            "60 d: production (the strictest of those that may apply: production, default)"
        );
        let nothing = |subject: &mut UserSubject| {
            untagged(subject);
            subject.privilege = Seen::Unknown("not read".into());
        };
        assert_eq!(
            applied(nothing),
            "30 d: administrators (the strictest of those that may apply: administrators, production, default)"
        );
    }

    proptest! {
        #[test]
        fn not_knowing_never_loosens(
            limits in proptest::collection::vec((1_u32..400, 1_u32..100, any::<bool>(), any::<bool>()), 0..6),
            tag in any::<bool>(),
            administrator in any::<bool>(),
            hide_tags in any::<bool>(),
            hide_privilege in any::<bool>(),
        ) {
            let rules = limits.iter().enumerate().map(|(number, &(age, unused, by_tag, by_privilege))| Rule {
                unused_after: Some(Period::days(unused)),
                ..rule(&number.to_string(), age, Matcher {
                    environment: by_tag.then(|| "prod".into()).into_iter().collect(),
                    privilege: by_privilege.then_some(PrivilegeClass::Administrator),
                    ..Matcher::default()
                })
            });
            let policy = Policy { rules: rules.collect(), ..Policy::default() };
            let mut subject = test_subject("alice");
            let value = if tag { "prod" } else { "test" };
            subject.tags = Seen::Known(Tags::from([("Environment".into(), value.into())]));
            if administrator {
                subject.privilege = Seen::Known(Privilege::Administrator { because: "a policy".into() });
            }
            let known = policy.limits_for(&subject).limits;
            if hide_tags {
                subject.tags = Seen::Unknown("hidden".into());
            }
            if hide_privilege {
                subject.privilege = Seen::Unknown("hidden".into());
            }
            let unknown = policy.limits_for(&subject).limits;
            prop_assert!(unknown.max_age <= known.max_age);
            prop_assert!(unknown.unused_after <= known.unused_after);
        }
    }
}
