//! Reads `[accounts]`.

use serde::Deserialize as _;

use super::super::accounts::{AccountSelector, AccountsConfig, AccountsFrom, ExternalId};
use super::super::reader::{Field, Reader, Section};
use crate::destination::CredentialSource;

const FROM: [(&str, AccountsFrom); 4] = [
    ("own", AccountsFrom::Own),
    ("organization", AccountsFrom::Organization),
    ("list", AccountsFrom::List),
    ("profiles", AccountsFrom::Profiles),
];

pub(super) fn read(reader: &mut Reader<'_>, section: &Section<'_>) -> AccountsConfig {
    reader.only_known_keys(
        section,
        &["from", "include", "exclude", "list", "profiles", "role", "external_id", "partition"],
    );
    let default = AccountsConfig::default();
    let config = AccountsConfig {
        from: from(reader, section),
        include: many(reader, section, "include"),
        exclude: many(reader, section, "exclude"),
        list: many(reader, section, "list"),
        profiles: many(reader, section, "profiles"),
        role: section.get("role").and_then(|field| role(reader, &field)).unwrap_or(default.role),
        external_id: section.get("external_id").and_then(|field| external_id(reader, field)),
        partition: section.get("partition").and_then(|field| partition(reader, &field)),
    };
    check(reader, section, &config);
    config
}

/// What the section says, or what follows from what else is in it.
fn from(reader: &mut Reader<'_>, section: &Section<'_>) -> AccountsFrom {
    if let Some(field) = section.get("from") {
        return reader.word(&field, &FROM).unwrap_or_default();
    }
    match (section.get("list"), section.get("profiles")) {
        (Some(_), _) => AccountsFrom::List,
        (None, Some(_)) => AccountsFrom::Profiles,
        (None, None) => AccountsFrom::Own,
    }
}

/// What belongs to another source than the one that is used would be passed over in silence.
fn check(reader: &mut Reader<'_>, section: &Section<'_>, config: &AccountsConfig) {
    use AccountsFrom::{List, Organization, Profiles};
    let sources: [(&str, &[AccountsFrom]); 7] = [
        ("include", &[Organization]),
        ("exclude", &[Organization, List]),
        ("list", &[List]),
        ("profiles", &[Profiles]),
        ("role", &[Organization, List]),
        ("external_id", &[Organization, List]),
        ("partition", &[Organization, List]),
    ];
    for (key, of) in sources {
        if let Some(field) = section.get(key)
            && !of.contains(&config.from)
        {
            let names: Vec<_> =
                FROM.iter().filter(|(_, from)| of.contains(from)).map(|(name, _)| *name).collect();
            let what = "means nothing for where the accounts are from";
            reader.mistake(&field, what, Some(format!("it is for: from = \"{}\"", names.join("\" or \""))));
        }
    }
    let empty = match config.from {
        List if config.list.is_empty() => Some("list = [\"111122223333\"]"),
        Profiles if config.profiles.is_empty() => Some("profiles = [\"production\"]"),
        _ => None,
    };
    if let Some(example) = empty {
        reader.mistake_at(section, "names no account", Some(format!("for example: {example}")));
    }
    if config.from == List
        && let (Some(field), true) =
            (section.get("exclude"), config.exclude.iter().any(AccountSelector::needs_tree))
    {
        reader.mistake(&field, "names a unit, but a list has accounts only", None);
    }
}

fn many<T>(reader: &mut Reader<'_>, section: &Section<'_>, key: &str) -> Vec<T>
where
    T: std::str::FromStr<Err: std::fmt::Display>,
{
    let Some(field) = section.get(key) else { return Vec::new() };
    reader.one_or_many(field).iter().filter_map(|field| reader.parsed(field)).collect()
}

/// The name of a role, after its path if it has one.
fn role(reader: &mut Reader<'_>, field: &Field<'_>) -> Option<String> {
    let text = reader.text(field)?.trim_start_matches('/');
    let legal = |name: &str| {
        !name.is_empty()
            && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"+=,.@_-".contains(&byte))
    };
    if text.split('/').all(legal) && text.rsplit('/').next().is_some_and(|name| name.len() <= 64) {
        return Some(text.to_owned());
    }
    let hint = "write its name, such as rotakey-member, not its ARN: the account is put in";
    reader.mistake(field, "is not the name of a role", Some(hint.to_owned()));
    None
}

fn external_id(reader: &mut Reader<'_>, field: Field<'_>) -> Option<ExternalId> {
    let value = reader.json(&field)?;
    if value.is_string() {
        let text = reader.text(&field)?;
        let legal = |byte: u8| byte.is_ascii_alphanumeric() || b"_+=,.@:/-".contains(&byte);
        if (2..=1_224).contains(&text.len()) && text.bytes().all(legal) {
            return Some(ExternalId::Text(text.to_owned()));
        }
        let what = "is not an external id: 2 to 1,224 letters, digits and _+=,.@:/-";
        reader.mistake(&field, what, None);
        return None;
    }
    match CredentialSource::deserialize(value) {
        Ok(source) => Some(ExternalId::From(source)),
        Err(_) => {
            let hint =
                "a text, or one of { env = \"NAME\" }, { file = \"PATH\" }, { command = [\"PROGRAM\"] }";
            reader.mistake(&field, "does not say what the id is", Some(hint.to_owned()));
            None
        }
    }
}

fn partition(reader: &mut Reader<'_>, field: &Field<'_>) -> Option<String> {
    let text = reader.text(field)?;
    if text == "aws"
        || text.strip_prefix("aws-").is_some_and(|rest| {
            !rest.is_empty() && rest.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'-')
        })
    {
        return Some(text.to_owned());
    }
    reader.mistake(field, "is not a partition", Some("there are: aws, aws-cn, aws-us-gov".to_owned()));
    None
}

#[cfg(test)]
mod tests {
    use super::super::check;
    use super::*;

    fn read(text: &str) -> Result<AccountsConfig, Vec<String>> {
        check(text)
            .map(|config| config.accounts)
            .map_err(|mistakes| mistakes.iter().map(ToString::to_string).collect())
    }

    #[test]
    fn without_the_section_the_one_account_of_the_credentials_is_meant() {
        assert_eq!(read("").unwrap().from, AccountsFrom::Own);
    }

    #[test]
    fn where_accounts_are_from_follows_from_what_is_named() {
        assert_eq!(read("[accounts]\nlist = \"111122223333\"").unwrap().from, AccountsFrom::List);
        assert_eq!(read("[accounts]\nprofiles = [\"a\", \"b\"]").unwrap().from, AccountsFrom::Profiles);
        let organization = read(
            "[accounts]\nfrom = \"organization\"\ninclude = [\"Workloads\"]\nexclude = \"ou-ab12-11112222\"\n\
             role = \"ops/rotakey\"\nexternal_id = { env = \"ROTAKEY_EXTERNAL_ID\" }\npartition = \"aws-cn\"",
        )
        .unwrap();
        assert_eq!(organization.role, "ops/rotakey");
        let env = CredentialSource::Env("ROTAKEY_EXTERNAL_ID".to_owned());
        assert_eq!(organization.external_id, Some(ExternalId::From(env)));
        assert_eq!(organization.exclude, ["ou-ab12-11112222".parse().unwrap()]);
    }

    #[test]
    fn what_would_be_passed_over_or_cannot_be_meant_is_a_mistake() {
        for (text, part) in [
            ("from = \"list\"", "names no account"),
            ("from = \"profiles\"", "names no account"),
            ("include = [\"Workloads\"]", "means nothing"),
            ("from = \"organization\"\nlist = [\"111122223333\"]", "means nothing"),
            ("profiles = [\"a\"]\nrole = \"x\"", "means nothing"),
            ("list = [\"111122223333\"]\nexclude = [\"Workloads\"]", "a list has accounts only"),
            ("list = [\"1111\"]", "not a twelve-digit"),
            (
                "list = [\"111122223333\"]\nrole = \"arn:aws:iam::111122223333:role/x\"",
                "not the name of a role",
            ),
            ("list = [\"111122223333\"]\nexternal_id = \"a b\"", "not an external id"),
            ("list = [\"111122223333\"]\nexternal_id = { vault = \"x\" }", "does not say what the id is"),
            ("list = [\"111122223333\"]\npartition = \"gcp\"", "not a partition"),
            ("from = \"organisation\"", "not known"),
        ] {
            let mistakes = read(&format!("[accounts]\n{text}")).expect_err(text);
            assert!(mistakes.iter().any(|mistake| mistake.contains(part)), "{text}: {mistakes:?}");
        }
    }
}
