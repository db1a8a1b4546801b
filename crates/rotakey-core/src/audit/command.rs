//! The commands that findings tell a person to run next. They can be pasted into a shell: a legal user name
//! holds nothing that a shell would touch.

use crate::policy::{KeySubject, Principal, UserSubject};

/// What a person does about the keys of a root user, for which there is no command.
const ROOT_CONSOLE: &str =
    "sign in to the AWS console as the root user, and delete the key under Security credentials";

/// Shows what a rotation of the user's keys would do.
pub(super) fn plan_rotation(subject: &UserSubject) -> String {
    for_user(subject, |name| format!("rotakey rotate plan {}", option("--user", name)))
}

/// Makes the key inactive, which can be undone.
pub(super) fn deactivate(subject: &UserSubject, key: &KeySubject) -> String {
    for_key(subject, key, |user, id| {
        format!("aws iam update-access-key {user} --access-key-id {id} --status Inactive")
    })
}

/// Deletes the key, which cannot be undone.
pub(super) fn delete(subject: &UserSubject, key: &KeySubject) -> String {
    for_key(subject, key, |user, id| format!("aws iam delete-access-key {user} --access-key-id {id}"))
}

/// Shows when, where and for what the key was last used.
pub(super) fn show_last_use(subject: &UserSubject, key: &KeySubject) -> String {
    for_key(subject, key, |_, id| format!("aws iam get-access-key-last-used --access-key-id {id}"))
}

/// Tags the user.
pub(super) fn tag(subject: &UserSubject, tags: &[&str]) -> String {
    let pairs: Vec<_> =
        tags.iter().map(|key| format!("'Key={},Value=VALUE'", key.replace('\'', "'\\''"))).collect();
    for_user(subject, |name| {
        format!("aws iam tag-user {} --tags {}", option("--user-name", name), pairs.join(" "))
    })
}

/// Shows whether the clock of this machine is set by a time server.
pub(super) fn show_clock() -> String {
    "timedatectl status".to_owned()
}

fn for_user(subject: &UserSubject, command: impl FnOnce(&str) -> String) -> String {
    match &subject.principal {
        Principal::Root => ROOT_CONSOLE.to_owned(),
        Principal::User(name) => command(name.as_str()),
    }
}

/// A command that names the key. Where its id is not known, the command that tells it comes first.
fn for_key(subject: &UserSubject, key: &KeySubject, command: impl FnOnce(&str, &str) -> String) -> String {
    for_user(subject, |name| {
        let user = option("--user-name", name);
        match &key.id {
            Some(id) => command(&user, id.as_str()),
            None => format!("aws iam list-access-keys {user}"),
        }
    })
}

/// An option with its value. A name may begin with a hyphen, and would then pass for another option.
fn option(name: &str, value: &str) -> String {
    if value.starts_with('-') { format!("{name}={value}") } else { format!("{name} {value}") }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::policy::test_subject;

    #[test]
    fn commands_name_the_user_and_the_key() {
        let subject = test_subject("alice");
        let key = &subject.keys[0];
        assert_eq!(plan_rotation(&subject), "rotakey rotate plan --user alice");
        assert_eq!(
            deactivate(&subject, key),
            "aws iam update-access-key --user-name alice --access-key-id AKIAIOSFODNN7EXAMPLE --status Inactive"
        );
        assert_eq!(
            tag(&subject, &["Owner", "it's"]),
            r"aws iam tag-user --user-name alice --tags 'Key=Owner,Value=VALUE' 'Key=it'\''s,Value=VALUE'"
        );
    }

    #[test]
    fn a_name_that_begins_with_a_hyphen_is_no_option() {
        assert_eq!(plan_rotation(&test_subject("-rf")), "rotakey rotate plan --user=-rf");
    }

    #[test]
    fn without_the_id_of_the_key_it_is_asked_for_first() {
        let mut subject = test_subject("alice");
        subject.keys[0].id = None;
        assert_eq!(delete(&subject, &subject.keys[0]), "aws iam list-access-keys --user-name alice");
    }

    #[test]
    fn for_the_root_user_there_is_no_command() {
        let mut subject = test_subject("alice");
        subject.principal = Principal::Root;
        assert_eq!(delete(&subject, &subject.keys[0]), ROOT_CONSOLE);
        assert_eq!(plan_rotation(&subject), ROOT_CONSOLE);
    }
}
