//! The user of a key lacks a tag that says whose it is or what for: nobody can be asked before it is rotated.

use super::{Check, Found, KeyCase, Verdict, Words};
use crate::audit::code::Code;
use crate::audit::command;
use crate::audit::finding::Cause;
use crate::fact::{Seen, Tags};
use crate::policy::Policy;

pub(super) const CHECK: Check = Check { code: Code::MissingTag, judge };

fn judge<'a>(case: &KeyCase<'a>) -> Verdict<'a> {
    // The root user cannot be tagged, and needs no owner: it is the account's.
    if case.is_root() {
        return Verdict::Clear;
    }
    let tags = match &case.subject.tags {
        Seen::Known(tags) => tags,
        Seen::Unknown(why) => {
            return Verdict::CannotTell(Cause::NotRead, format!("its tags are not known: {why}"));
        }
    };
    let missing = missing(case.policy, tags);
    if missing.is_empty() {
        return Verdict::Clear;
    }
    let subject = case.subject;
    Verdict::Found(Found::new(None, move || {
        let names: Vec<_> = missing.iter().map(|alternatives| alternatives.join(" or ")).collect();
        let first: Vec<_> = missing.iter().map(|alternatives| alternatives[0].as_str()).collect();
        let plural = if missing.len() == 1 { "tag" } else { "tags" };
        Words {
            message: format!("{} lacks the {plural} {}", subject.principal, names.join(", ")),
            next_command: command::tag(subject, &first),
        }
    }))
}

/// The tags that are missing, each with the keys that it may have (at least one). An empty value says nothing,
/// and is as good as none.
fn missing<'p>(policy: &'p Policy, tags: &Tags) -> Vec<&'p [String]> {
    let has = |key: &String| tags.get(key).is_some_and(|value| !value.trim().is_empty());
    let owner = std::iter::once(policy.owner_tags.as_slice()).filter(|alternatives| !alternatives.is_empty());
    owner
        .chain(policy.required_tags.iter().map(std::slice::from_ref))
        .filter(|alternatives| !alternatives.iter().any(has))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::super::{message, words};
    use super::*;
    use crate::policy::{Principal, UserSubject};

    fn tags(pairs: &'static [(&str, &str)]) -> impl Fn(&mut UserSubject, &mut Policy) {
        move |subject, _| {
            let owned = pairs.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned()));
            subject.tags = Seen::Known(owned.collect());
        }
    }

    #[test]
    fn every_missing_tag_is_named_at_once() {
        assert_eq!(message(&CHECK, "1d", |_, _| {}), "");
        assert_eq!(
            message(&CHECK, "1d", tags(&[])),
            "alice lacks the tags Owner or owner or Contact or contact, Application, Environment"
        );
        let environment = tags(&[("Contact", "ann@example.com"), ("Application", "shop")]);
        assert_eq!(message(&CHECK, "1d", environment), "alice lacks the tag Environment");
    }

    #[test]
    fn the_command_sets_the_first_that_would_do() {
        let words = words(&CHECK, "1d", tags(&[("Application", "shop")])).expect("two tags are missing");
        assert_eq!(
            words.next_command,
            "aws iam tag-user --user-name alice --tags 'Key=Owner,Value=VALUE' 'Key=Environment,Value=VALUE'"
        );
    }

    #[test]
    fn an_empty_value_is_as_good_as_none_and_keys_are_exact() {
        let almost = tags(&[("Owner", "ann"), ("Application", " "), ("environment", "prod")]);
        assert_eq!(message(&CHECK, "1d", almost), "alice lacks the tags Application, Environment");
    }

    #[test]
    fn tags_that_are_not_known_are_not_taken_for_missing_or_present() {
        let hide = |subject: &mut UserSubject, _: &mut Policy| subject.tags = Seen::Unknown("denied".into());
        assert_eq!(message(&CHECK, "1d", hide), "cannot tell (NotRead): its tags are not known: denied");
    }

    #[test]
    fn the_root_user_has_no_tags() {
        let root = |subject: &mut UserSubject, policy: &mut Policy| {
            tags(&[])(subject, policy);
            subject.principal = Principal::Root;
        };
        assert_eq!(message(&CHECK, "1d", root), "");
    }

    #[test]
    fn a_policy_may_ask_for_no_tags() {
        let none = |subject: &mut UserSubject, policy: &mut Policy| {
            tags(&[])(subject, policy);
            policy.owner_tags.clear();
            policy.required_tags.clear();
        };
        assert_eq!(message(&CHECK, "1d", none), "");
    }
}
