//! Where something is kept, as a user names it.

use std::fmt;
use std::path::PathBuf;
use std::str::FromStr;

use sqlx::postgres::{PgConnectOptions, PgSslMode};

/// Where something is kept: `sqlite:FILE`, or a URL of PostgreSQL. No text of it tells the password.
#[derive(Debug, Clone)]
pub enum Location {
    /// In that file.
    Sqlite(PathBuf),
    /// On that server.
    Postgres(Server),
}

/// A server of PostgreSQL, and what to tell it.
#[derive(Clone)]
pub struct Server {
    pub(crate) options: Box<PgConnectOptions>,
    shown: String,
}

/// A text that names no location. It does not repeat the text, which may hold a password.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the location is not understood: {0}")]
pub struct InvalidLocation(pub(crate) String);

impl FromStr for Location {
    type Err = InvalidLocation;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let invalid = |message: &str| InvalidLocation(message.to_owned());
        let (scheme, rest) = text
            .split_once(':')
            .ok_or_else(|| invalid("sqlite:FILE or postgres://USER@HOST/DATABASE is wanted"))?;
        match scheme {
            "sqlite" if rest.is_empty() || rest.contains('\0') => Err(invalid("sqlite: wants a file")),
            // Three slashes and more are what other programs write for an absolute path.
            "sqlite" => Ok(Self::Sqlite(rest.strip_prefix("//").unwrap_or(rest).into())),
            "postgres" | "postgresql" if rest.starts_with("//") => Server::parse(text).map(Self::Postgres),
            _ => Err(invalid("sqlite:FILE or postgres://USER@HOST/DATABASE is wanted")),
        }
    }
}

impl Server {
    fn parse(url: &str) -> Result<Self, InvalidLocation> {
        // What the library says of it may quote the URL.
        let options = PgConnectOptions::from_str(url).map_err(|_| {
            InvalidLocation("the host, the port or an option of the URL is not understood".to_owned())
        })?;
        let socket = options.get_socket().map(|path| path.display().to_string());
        let is_local = socket.is_some()
            || options.get_host().starts_with('/')
            || matches!(options.get_host(), "localhost" | "127.0.0.1" | "::1" | "[::1]");
        let host = socket.unwrap_or_else(|| format!("{}:{}", options.get_host(), options.get_port()));
        let database = options.get_database().unwrap_or(options.get_username());
        let shown: String = format!("PostgreSQL at {host}, database {database}").escape_debug().collect();
        // PostgreSQL's own default takes a connection in clear where the server offers no other.
        let is_default = matches!(options.get_ssl_mode(), PgSslMode::Prefer)
            && !["sslmode=", "ssl-mode="].iter().any(|option| url.contains(option));
        let options = if is_default && !is_local { options.ssl_mode(PgSslMode::Require) } else { options };
        Ok(Self { options: Box::new(options.application_name("rotakey")), shown })
    }
}

impl fmt::Display for Location {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Sqlite(path) => f.write_str(&crate::error::shown(path)),
            Self::Postgres(server) => server.fmt(f),
        }
    }
}

impl fmt::Display for Server {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.shown)
    }
}

impl fmt::Debug for Server {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Server").field(&self.shown).finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_text_of_a_location_tells_the_password() {
        let location: Location =
            "postgres://keeper:hunter2@db.example.com:6543/keys?sslmode=prefer".parse().unwrap();
        for text in [location.to_string(), format!("{location:?}")] {
            assert!(text.contains("db.example.com:6543, database keys"), "{text}");
            assert!(!text.contains("hunter2") && !text.contains("keeper"), "{text}");
        }
        for wrong in [
            "postgres://keeper:hunter2@db.example.com:hunter2/keys",
            "postgres://keeper:hunter2@db.example.com/keys?sslmode=hunter2",
            "postgres://keeper:hunter2@[/keys",
            "mysql://keeper:hunter2@db.example.com/keys",
            "postgres:keeper:hunter2",
            "hunter2",
            "sqlite:",
        ] {
            let error = wrong.parse::<Location>().unwrap_err();
            assert!(!format!("{error} {error:?}").contains("hunter2"), "{error:?}");
        }
    }

    #[test]
    fn a_password_crosses_no_network_in_clear_unless_that_is_asked_for() {
        let mode = |url: &str| match url.parse().unwrap() {
            Location::Postgres(server) => server.options.get_ssl_mode(),
            Location::Sqlite(path) => panic!("{path:?}"),
        };
        assert!(matches!(mode("postgres://db.example.com/keys"), PgSslMode::Require));
        assert!(matches!(mode("postgres://db.example.com/keys?sslmode=verify-full"), PgSslMode::VerifyFull));
        assert!(matches!(mode("postgres://db.example.com/keys?sslmode=prefer"), PgSslMode::Prefer));
        assert!(matches!(mode("postgres://localhost/keys"), PgSslMode::Prefer));
    }

    #[test]
    fn a_file_is_named_as_people_do() {
        for (text, path) in [
            ("sqlite:usage.db", "usage.db"),
            ("sqlite:/var/usage.db", "/var/usage.db"),
            ("sqlite:///var/usage.db", "/var/usage.db"),
        ] {
            assert_eq!(text.parse::<Location>().unwrap().to_string(), path);
        }
    }
}
