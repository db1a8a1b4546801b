//! Finds and reads `rotakey.toml`, and shows what is wrong in it.

use std::borrow::Cow;
use std::fmt::Write as _;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use jiff::Timestamp;
use rotakey_core::policy::{Config, Gravity, Mistake, check_with};
use rotakey_store::LogLocation;

use crate::cli::GlobalArgs;
use crate::error::CommandError;
use crate::printer::{Palette, Printer};
use crate::quantity::count;
use crate::terminal::{escape, width};

/// The name of the configuration file.
const FILE_NAME: &str = "rotakey.toml";

/// A configuration file as text.
#[derive(Debug)]
pub(crate) struct Source {
    pub(crate) path: PathBuf,
    pub(crate) text: String,
}

impl Source {
    /// Reads that file.
    pub(crate) fn read(path: &Path) -> Result<Self, CommandError> {
        let fail = |error: String| {
            CommandError::usage(format!("cannot read the configuration {}: {error}", path.display()))
        };
        let bytes = fs::read(path).map_err(|error| match error.kind() {
            io::ErrorKind::NotFound => fail("there is no such file".to_owned())
                .hint("Name an existing file with --config, or leave it out to use the built-in defaults."),
            _ => fail(error.to_string()).hint("Check the permissions of the file."),
        })?;
        let text = String::from_utf8(bytes).map_err(|error| {
            let line =
                1 + error.as_bytes()[..error.utf8_error().valid_up_to()].split(|&byte| byte == b'\n').count();
            fail(format!("line {} is not UTF-8", line - 1))
                .hint("TOML files are UTF-8; save the file as that.")
        })?;
        Ok(Self { path: path.to_owned(), text })
    }

    /// The file that the command uses: the one named, else `rotakey.toml` here, else the person's own.
    /// `None` if there is none, so that the defaults hold.
    pub(crate) fn find(globals: &GlobalArgs) -> Result<Option<Self>, CommandError> {
        match &globals.config {
            Some(path) => Self::read(path).map(Some),
            None => match candidates().into_iter().find(|path| path.exists()) {
                Some(path) => Self::read(&path).map(Some),
                None => Ok(None),
            },
        }
    }

    /// What it says.
    ///
    /// # Errors
    /// Every mistake in it.
    pub(crate) fn check(&self) -> Result<Config, Vec<Mistake>> {
        let names_store = |text: &str| match text.parse::<LogLocation>() {
            Ok(_) => Ok(()),
            Err(error) => Err(error.to_string()),
        };
        check_with(&self.text, &names_store)
    }

    /// The mistake as people read it: what is wrong, the line with a mark below it, and what to do.
    pub(crate) fn explain(&self, mistake: &Mistake, palette: Palette) -> String {
        let (style, gravity) = match mistake.gravity {
            Gravity::Error => (palette.bad, "error"),
            Gravity::Warning => (palette.warning, "warning"),
        };
        let heading = format!("{}:{mistake}", self.path.display());
        let mut text = format!("{style}{gravity}:{style:#} {}\n", escape(&heading));
        let line = self.text.lines().nth(mistake.position.line.saturating_sub(1)).unwrap_or_default();
        let before: String = line.chars().take(mistake.position.column.saturating_sub(1)).collect();
        // What names no store may hold a password anywhere.
        let line = match mistake.key.as_str() {
            "store" => format!("{before}…").into(),
            _ => without_password(line),
        };
        let number = mistake.position.line.to_string();
        let (margin, quiet) = (number.len(), palette.quiet);
        let blank = width(&escape(&before));
        writeln!(text, " {quiet}{number} |{quiet:#} {}", escape(&line)).expect(INFALLIBLE);
        writeln!(text, " {:margin$} {quiet}|{quiet:#} {:blank$}{style}^{style:#}", "", "").expect(INFALLIBLE);
        if let Some(hint) = &mistake.hint {
            writeln!(text, " {:margin$} {quiet}={quiet:#} hint: {}", "", escape(hint)).expect(INFALLIBLE);
        }
        text
    }
}

/// A line of a configuration without what may be a password: what stands in a URL between `//` and `@`.
fn without_password(line: &str) -> Cow<'_, str> {
    match (line.find("//"), line.rfind('@')) {
        (Some(slashes), Some(at)) if slashes < at => format!("{}//…{}", &line[..slashes], &line[at..]).into(),
        _ => line.into(),
    }
}

const INFALLIBLE: &str = "a string takes all that is written";

/// The configuration that the command uses. Its warnings at `now` are printed.
pub(crate) fn load(globals: &GlobalArgs, printer: &Printer, now: Timestamp) -> Result<Config, CommandError> {
    let Some(source) = Source::find(globals)? else {
        printer.detail(&format!("No {FILE_NAME}: the built-in defaults hold."));
        return Ok(Config::default());
    };
    printer.detail(&format!("Configuration: {}", source.path.display()));
    let config = source.check().map_err(|mistakes| unusable(&source, &mistakes))?;
    for warning in config.warnings(now) {
        printer.warning(&format!("{}:{warning}", source.path.display()));
    }
    Ok(config)
}

/// Where the configuration says that the log of rotations is; `None` if it does not say.
pub(crate) fn store(globals: &GlobalArgs) -> Result<Option<LogLocation>, CommandError> {
    let Some(source) = Source::find(globals)? else { return Ok(None) };
    let config = source.check().map_err(|mistakes| unusable(&source, &mistakes))?;
    let Some(name) = config.store else { return Ok(None) };
    let location = match name.expose().parse().map_err(CommandError::usage)? {
        // From wherever rotakey is run, it is one log.
        LogLocation::Sqlite(path) => {
            LogLocation::Sqlite(source.path.parent().map_or_else(PathBuf::new, Path::to_owned).join(path))
        }
        elsewhere => elsewhere,
    };
    Ok(Some(location))
}

/// The error for a configuration with mistakes.
fn unusable(source: &Source, mistakes: &[Mistake]) -> CommandError {
    let path = source.path.display();
    let errors: Vec<&Mistake> = mistakes.iter().filter(|mistake| mistake.gravity == Gravity::Error).collect();
    let mut text = format!("{} in {path}:", count(errors.len(), "mistake"));
    for mistake in errors {
        text.push_str(&format!("\n  {mistake}"));
    }
    CommandError::usage(text).hint(format!("`rotakey config check {path}` shows each in its line."))
}

/// Where a configuration is looked for if none is named.
fn candidates() -> Vec<PathBuf> {
    let variable = |name: &str| std::env::var_os(name).filter(|value| !value.is_empty()).map(PathBuf::from);
    let own = variable("XDG_CONFIG_HOME")
        .filter(|folder| folder.is_absolute())
        .or_else(|| variable("HOME").map(|home| home.join(".config")));
    let own = own.map(|folder| folder.join("rotakey").join(FILE_NAME));
    [Some(PathBuf::from(FILE_NAME)), own].into_iter().flatten().collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_password_of_a_url_is_in_a_line_that_is_shown() {
        for (line, shown) in [
            ("store = \"postgres://keeper:hunter2@db/keys", "store = \"postgres://…@db/keys"),
            ("stor = \"postgres://keeper:hunter@2@db/keys\"", "stor = \"postgres://…@db/keys\""),
            (
                "url = \"https://tickets.example.com/rotakey\"",
                "url = \"https://tickets.example.com/rotakey\"",
            ),
            (
                "from = \"rotakey@example.com\" # see https://example.com",
                "from = \"rotakey@example.com\" # see https://example.com",
            ),
        ] {
            assert_eq!(without_password(line), shown);
        }
    }
}
