//! Where a cache is, as a user names it.

use std::fmt;
use std::path::PathBuf;
use std::str::FromStr;

use crate::location::{InvalidLocation, Location};

/// Where a cache is: `sqlite:FILE`, a URL of PostgreSQL, `s3://BUCKET/PREFIX` (or another store's URL), or `file:///FOLDER`.
/// No text of it tells a password.
#[derive(Debug, Clone)]
pub enum CacheLocation {
    /// In a database.
    Database(Location),
    /// In an object store.
    Objects(ObjectUrl),
    /// In a folder, as in an object store.
    Folder(PathBuf),
}

/// The URL of a place in an object store. It holds no credential.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ObjectUrl(String);

impl ObjectUrl {
    /// The URL.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// The object stores that some build of this program knows.
const STORES: [&str; 6] = ["s3", "s3a", "gs", "az", "azure", "abfs"];

impl FromStr for CacheLocation {
    type Err = InvalidLocation;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let invalid = |message: &str| InvalidLocation(message.to_owned());
        match text.split_once("://") {
            Some(("file", folder)) => {
                if !folder.starts_with('/') || folder.contains('\0') {
                    return Err(invalid("file:/// wants the whole path of a folder"));
                }
                Ok(Self::Folder(folder.into()))
            }
            Some((scheme, rest)) if STORES.contains(&scheme) => {
                // A credential, an option, or something that no terminal should see.
                if rest.contains(['@', '?', '#']) || rest.chars().any(char::is_control) {
                    return Err(invalid("a bucket and a prefix are wanted, and nothing else"));
                }
                let (bucket, prefix) = rest.split_once('/').unwrap_or((rest, ""));
                if bucket.is_empty() {
                    return Err(invalid("a bucket is wanted"));
                }
                // A whole bucket may be many other things.
                if prefix.trim_matches('/').is_empty() {
                    return Err(invalid("a prefix in the bucket is wanted, for the cache alone"));
                }
                Ok(Self::Objects(ObjectUrl(text.trim_end_matches('/').to_owned())))
            }
            _ => match text.split_once(':') {
                Some(("sqlite" | "postgres" | "postgresql", _)) => text.parse().map(Self::Database),
                _ => Err(invalid(
                    "sqlite:FILE, postgres://USER@HOST/DATABASE, s3://BUCKET/PREFIX or file:///FOLDER is wanted",
                )),
            },
        }
    }
}

impl fmt::Display for CacheLocation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Database(location) => location.fmt(f),
            Self::Objects(url) => f.write_str(url.as_str()),
            Self::Folder(folder) => f.write_str(&crate::error::shown(folder)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cache_is_named_as_people_do() {
        for (text, shown) in [
            ("sqlite:scans.db", "scans.db"),
            ("sqlite:///var/scans.db", "/var/scans.db"),
            (
                "postgres://keeper:hunter2@db.example.com/keys",
                "PostgreSQL at db.example.com:5432, database keys",
            ),
            ("s3://bucket/team/cache/", "s3://bucket/team/cache"),
            ("gs://bucket/cache", "gs://bucket/cache"),
            ("file:///srv/cache", "/srv/cache"),
        ] {
            let location: CacheLocation = text.parse().unwrap();
            assert_eq!(location.to_string(), shown);
            assert!(!format!("{location:?}").contains("hunter2"));
        }
    }

    #[test]
    fn what_is_no_place_of_a_cache_is_refused_without_repeating_it() {
        for wrong in [
            "",
            "hunter2",
            "sqlite:",
            "s3://hunter2",
            "s3://hunter2/",
            "s3:///hunter2",
            "s3://id:hunter2@bucket/cache",
            "s3://bucket/cache?secret=hunter2",
            "s3://bucket/\u{1b}[2Jhunter2",
            "https://bucket.example.com/hunter2",
            "file://hunter2",
            "file:hunter2",
            "postgres://keeper:hunter2@db.example.com:hunter2/keys",
            "mysql://keeper:hunter2@db.example.com/keys",
        ] {
            let error = wrong.parse::<CacheLocation>().unwrap_err();
            assert!(!format!("{error} {error:?}").contains("hunter2"), "{error:?}");
        }
    }
}
