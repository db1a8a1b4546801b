//! Names that become part of a statement. Each type holds only what can stand in one.

use std::fmt;
use std::str::FromStr;

/// Why a text is no such name.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{text:?} is no {what}: {rule}")]
pub struct NameError {
    text: String,
    what: &'static str,
    rule: &'static str,
}

macro_rules! name {
    ($(#[$doc:meta])* $name:ident, $what:literal, $rule:literal, $is:expr) => {
        $(#[$doc])*
        #[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
        pub struct $name(String);

        impl $name {
            /// The text.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl FromStr for $name {
            type Err = NameError;

            fn from_str(text: &str) -> Result<Self, NameError> {
                let is: fn(&str) -> bool = $is;
                match is(text) {
                    true => Ok(Self(text.to_owned())),
                    false => Err(NameError { text: text.to_owned(), what: $what, rule: $rule }),
                }
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }
    };
}

name!(
    /// A database or a table of Athena.
    Identifier, "name of a database or table", "small letters, digits and underscores, at most 128, no digit first",
    |text| {
        let is_word = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_';
        (1..=128).contains(&text.len())
            && text.chars().all(is_word)
            && !text.starts_with(|c: char| c.is_ascii_digit())
    }
);

name!(
    /// A region, such as `eu-central-1`.
    RegionName, "region", "such as eu-central-1",
    |text| {
        (3..=32).contains(&text.len())
            && text.starts_with(|c: char| c.is_ascii_lowercase())
            && text.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-')
    }
);

name!(
    /// An organization, such as `o-exampleorgid`.
    OrganizationId, "organization id", "o- and 10 to 32 small letters or digits",
    |text| {
        text.strip_prefix("o-").is_some_and(|rest| {
            (10..=32).contains(&rest.len())
                && rest.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit())
        })
    }
);

name!(
    /// Where ClickHouse's servers find log files themselves, without `*` and its like.
    Pattern, "folder of log files", "no control characters, and none of * ? { }",
    |text| !text.is_empty() && !text.contains(|c: char| c.is_control() || "*?{}".contains(c))
);

/// Where a trail delivers: `s3://bucket/prefix`, without `AWSLogs` and what is below it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Bucket {
    /// Ends with a slash.
    url: String,
    organization: Option<OrganizationId>,
}

impl Bucket {
    /// The place of `AWSLogs/`, with the organization's folder if the trail is one of an organization. Ends with a slash.
    pub fn accounts_folder(&self, organization: Option<&OrganizationId>) -> String {
        match organization.or(self.organization.as_ref()) {
            Some(organization) => format!("{}AWSLogs/{organization}/", self.url),
            None => format!("{}AWSLogs/", self.url),
        }
    }
}

impl FromStr for Bucket {
    type Err = NameError;

    fn from_str(text: &str) -> Result<Self, NameError> {
        let wrong = |rule| NameError { text: text.to_owned(), what: "location of a trail", rule };
        let rest = text.strip_prefix("s3://").ok_or_else(|| wrong("it looks like s3://BUCKET/PREFIX"))?;
        let (bucket, path) = rest.split_once('/').unwrap_or((rest, ""));
        let is_bucket = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '.' || c == '-';
        if !(3..=63).contains(&bucket.len()) || !bucket.chars().all(is_bucket) {
            return Err(wrong("a bucket has small letters, digits, dots and hyphens"));
        }
        let mut prefix = Vec::new();
        let mut below = None;
        for part in path.split('/').filter(|part| !part.is_empty()) {
            match &mut below {
                None if part == "AWSLogs" => below = Some(Vec::new()),
                None => prefix.push(part),
                Some(below) => below.push(part),
            }
        }
        let is_plain = |c: char| c.is_ascii_alphanumeric() || "!-_.()+=@:, ".contains(c);
        if !prefix.iter().all(|part| part.chars().all(is_plain)) {
            return Err(wrong("a prefix has letters, digits, spaces and ! - _ . ( ) + = @ : , only"));
        }
        let organization = match below.as_deref() {
            None | Some([]) => None,
            Some([organization]) if organization.starts_with("o-") => Some(organization.parse()?),
            Some(_) => return Err(wrong("it ends before AWSLogs/; name accounts and regions beside it")),
        };
        let folders = std::iter::once(bucket).chain(prefix).collect::<Vec<_>>().join("/");
        Ok(Self { url: format!("s3://{folders}/"), organization })
    }
}
