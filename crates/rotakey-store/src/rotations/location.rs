//! Where the rotation log is, as a user names it.

use std::ffi::OsStr;
use std::fmt;
use std::path::PathBuf;
use std::str::FromStr;

use crate::location::{InvalidLocation, Location, Server};

/// Where the rotation log is: a file (as its path, or as `sqlite:FILE`), a URL of PostgreSQL, or
/// `dynamodb://TABLE?region=REGION`. No text of it tells a password.
#[derive(Debug, Clone)]
pub enum LogLocation {
    /// In that SQLite file.
    Sqlite(PathBuf),
    /// On that server.
    Postgres(Server),
    /// In that table of DynamoDB.
    DynamoDb(TableName),
}

/// The name of a table of DynamoDB, and where it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TableName {
    table: String,
    region: Option<String>,
}

impl TableName {
    /// The table.
    pub fn table(&self) -> &str {
        &self.table
    }

    /// The region; that of the configured client if absent.
    pub fn region(&self) -> Option<&str> {
        self.region.as_deref()
    }
}

impl TryFrom<&OsStr> for LogLocation {
    type Error = InvalidLocation;

    /// A path need not be UTF-8.
    fn try_from(named: &OsStr) -> Result<Self, InvalidLocation> {
        match named.to_str() {
            Some(text) => text.parse(),
            None => Ok(Self::Sqlite(named.into())),
        }
    }
}

impl FromStr for LogLocation {
    type Err = InvalidLocation;

    fn from_str(text: &str) -> Result<Self, InvalidLocation> {
        let invalid = |message: &str| Err(InvalidLocation(message.to_owned()));
        match text.split_once(':') {
            Some(("sqlite" | "postgres" | "postgresql", _)) => match text.parse()? {
                Location::Sqlite(path) => Ok(Self::Sqlite(path)),
                Location::Postgres(server) => Ok(Self::Postgres(server)),
            },
            Some(("dynamodb", rest)) => match rest.strip_prefix("//") {
                Some(rest) => table(rest).map(Self::DynamoDb),
                None => invalid("dynamodb://TABLE is wanted, with two slashes"),
            },
            Some((_, rest)) if rest.starts_with("//") => {
                invalid("a file, postgres://USER@HOST/DATABASE or dynamodb://TABLE is wanted")
            }
            _ if text.is_empty() || text.contains('\0') => invalid("a file is wanted"),
            _ => Ok(Self::Sqlite(text.into())),
        }
    }
}

/// <https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/HowItWorks.NamingRulesDataTypes.html>
fn table(rest: &str) -> Result<TableName, InvalidLocation> {
    let invalid = |message: &str| Err(InvalidLocation(message.to_owned()));
    let (table, options) =
        rest.split_once('?').map_or((rest, None), |(table, options)| (table, Some(options)));
    let legal = |byte: u8| byte.is_ascii_alphanumeric() || b"_.-".contains(&byte);
    if !(3..=255).contains(&table.len()) || !table.bytes().all(legal) {
        return invalid(
            "the name of a table has 3 to 255 letters, digits and _.-, and nothing follows it but ?region=",
        );
    }
    let region = match options.map(|options| options.split_once('=')) {
        None => None,
        Some(Some(("region", region))) => Some(region),
        Some(_) => return invalid("the one option of a table is ?region=REGION"),
    };
    let legal = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
    match region {
        Some(region) if !(1..=32).contains(&region.len()) || !region.bytes().all(legal) => {
            invalid("?region= wants the name of a region, such as eu-west-1")
        }
        _ => Ok(TableName { table: table.to_owned(), region: region.map(str::to_owned) }),
    }
}

impl fmt::Display for LogLocation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Sqlite(path) => f.write_str(&crate::error::shown(path)),
            Self::Postgres(server) => server.fmt(f),
            Self::DynamoDb(TableName { table, region }) => {
                write!(f, "dynamodb://{table}")?;
                region.as_ref().map_or(Ok(()), |region| write!(f, "?region={region}"))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::ffi::OsStrExt as _;

    use super::*;

    #[test]
    fn a_log_is_named_as_people_do() {
        for (text, shown) in [
            ("rotations.db", "rotations.db"),
            ("/var/lib/a:b.db", "/var/lib/a:b.db"),
            ("sqlite:rotations.db", "rotations.db"),
            ("sqlite:///var/rotations.db", "/var/rotations.db"),
            (
                "postgres://keeper:hunter2@db.example.com/keys",
                "PostgreSQL at db.example.com:5432, database keys",
            ),
            ("dynamodb://rotations", "dynamodb://rotations"),
            ("dynamodb://team.rotations-1?region=eu-west-1", "dynamodb://team.rotations-1?region=eu-west-1"),
        ] {
            let location: LogLocation = text.parse().unwrap();
            assert_eq!(location.to_string(), shown);
            assert!(!format!("{location:?}").contains("hunter2"));
        }
        let path = OsStr::from_bytes(b"/var/\xff.db");
        assert!(matches!(LogLocation::try_from(path), Ok(LogLocation::Sqlite(found)) if found == path));
    }

    #[test]
    fn what_names_no_log_is_refused_without_repeating_it() {
        for (wrong, told) in [
            ("", "a file is wanted"),
            ("sqlite:", "wants a file"),
            ("postgres:keeper:hunter2", "postgres://USER@HOST/DATABASE"),
            ("postgres://keeper:hunter2@db.example.com:hunter2/keys", "the port"),
            ("mysql://keeper:hunter2@db.example.com/keys", "dynamodb://TABLE is wanted"),
            ("dynamodb:hunter2", "two slashes"),
            ("dynamodb://", "3 to 255 letters"),
            ("dynamodb://id:hunter2@table", "3 to 255 letters"),
            ("dynamodb://table/hunter2", "3 to 255 letters"),
            ("dynamodb://table?profile=hunter2", "the one option"),
            ("dynamodb://table?region=hunter2.example.com", "the name of a region"),
            ("dynamodb://table?region=", "the name of a region"),
        ] {
            let error = wrong.parse::<LogLocation>().unwrap_err();
            assert!(error.to_string().contains(told), "{wrong}: {error}");
            assert!(!format!("{error} {error:?}").contains("hunter2"), "{error:?}");
        }
    }
}
