//! `rotakey config`: the configuration file, checked and described.

use std::path::PathBuf;

use clap::{Args, Subcommand};
use jiff::Timestamp;
use rotakey_core::policy::{Gravity, Mistake, json_schema};
use serde::Serialize;

use crate::cli::{Format, GlobalArgs};
use crate::configuration::Source;
use crate::error::{CommandError, Verdict, exit_codes};
use crate::printer::Printer;
use crate::quantity::count;

/// Check and describe rotakey.toml
#[derive(Debug, Args)]
#[command(after_help = exit_codes!())]
pub(crate) struct ConfigArgs {
    #[command(subcommand)]
    command: ConfigCommand,
}

#[derive(Debug, Subcommand)]
enum ConfigCommand {
    Init(InitArgs),
    Check(CheckArgs),
    Schema(SchemaArgs),
}

/// Print a commented configuration to begin with
#[derive(Debug, Args)]
#[command(after_help = concat!(
    "Examples:
  rotakey config init --output rotakey.toml

",
    exit_codes!()
))]
struct InitArgs {}

/// Explain every mistake in the configuration, with its line
#[derive(Debug, Args)]
#[command(after_help = concat!(
    "Examples:
  rotakey config check                     the file that other commands use
  rotakey config check team/rotakey.toml
  rotakey config check --format json       for an editor or a pipeline

A mistake of any kind exits with 2; a warning alone does not.

",
    exit_codes!()
))]
struct CheckArgs {
    /// The file [default: the one that other commands would use]
    #[arg(value_name = "FILE")]
    file: Option<PathBuf>,
}

/// Print a JSON Schema of the configuration
#[derive(Debug, Args)]
#[command(after_help = concat!(
    "Examples:
  rotakey config schema > rotakey.schema.json

Editors with a TOML language server complete and check rotakey.toml when its
first line is:
  #:schema ./rotakey.schema.json

",
    exit_codes!()
))]
struct SchemaArgs {}

/// What `config init` writes.
const EXAMPLE: &str = include_str!("example.toml");

/// What `config check --format json` writes.
#[derive(Debug, Serialize)]
struct Checked<'a> {
    file: String,
    usable: bool,
    mistakes: &'a [Mistake],
}

/// Runs the command.
pub(crate) fn run(
    args: &ConfigArgs,
    globals: &GlobalArgs,
    printer: &Printer,
    now: Timestamp,
) -> Result<Verdict, CommandError> {
    match &args.command {
        ConfigCommand::Init(InitArgs {}) => printer.text(EXAMPLE).map(|()| Verdict::Clean),
        ConfigCommand::Check(args) => run_check(args, globals, printer, now),
        ConfigCommand::Schema(SchemaArgs {}) => printer.json(&json_schema()).map(|()| Verdict::Clean),
    }
}

fn run_check(
    args: &CheckArgs,
    globals: &GlobalArgs,
    printer: &Printer,
    now: Timestamp,
) -> Result<Verdict, CommandError> {
    let source = match &args.file {
        Some(path) => Source::read(path)?,
        None => Source::find(globals)?.ok_or_else(|| {
            CommandError::usage("there is no rotakey.toml here, and none of your own")
                .hint("Without one the built-in defaults hold. `rotakey config schema` describes the file.")
        })?,
    };
    let (config, mistakes) = match source.check() {
        Ok(config) => {
            let warnings = config.warnings(now);
            (Some(config), warnings)
        }
        Err(mistakes) => (None, mistakes),
    };
    match printer.format() {
        Format::Human => {
            for mistake in &mistakes {
                printer.text(&format!("{}\n", source.explain(mistake, printer.palette())))?;
            }
        }
        Format::Json => printer.json(&Checked {
            file: source.path.display().to_string(),
            usable: config.is_some(),
            mistakes: &mistakes,
        })?,
        Format::Csv => return Err(no_csv("config check")),
    }
    let Some(config) = config else {
        let errors = mistakes.iter().filter(|mistake| mistake.gravity == Gravity::Error).count();
        let file = source.path.display();
        printer.finish()?;
        return Err(CommandError::usage(format!("{} in {file}", count(errors, "mistake")))
            .hint("Correct the file and check it again; until then no command uses it."));
    };
    if printer.format() == Format::Human {
        printer.text(&format!(
            "{} can be used: {}, {}, {}, {}.\n",
            source.path.display(),
            count(config.policy.rules.len(), "rule"),
            count(config.policy.exemptions.len(), "exemption"),
            count(config.rotate.destinations.len(), "destination"),
            count(config.notify.len(), "notifier"),
        ))?;
    }
    Ok(Verdict::Clean)
}

/// For data that is no list of rows.
pub(crate) fn no_csv(command: &str) -> CommandError {
    CommandError::usage(format!("`rotakey {command}` has no CSV form"))
        .hint("Use --format human or --format json.")
}

#[cfg(test)]
mod tests {
    use rotakey_core::policy::{Config, check};

    use super::*;

    #[test]
    fn the_example_says_what_holds_without_it() {
        assert_eq!(check(EXAMPLE).unwrap(), Config::default());
    }

    #[test]
    fn the_example_can_be_used_with_every_comment_taken_away() {
        let is_setting = |line: &str| line.contains(" = ") || line.starts_with('[');
        let uncommented = EXAMPLE.lines().map(|line| match line.strip_prefix("# ") {
            Some(setting) if is_setting(setting) => format!("{setting}\n"),
            _ => format!("{line}\n"),
        });
        let config = check(&uncommented.collect::<String>()).unwrap();
        assert_eq!((config.policy.rules.len(), config.policy.exemptions.len()), (2, 1));
        assert_eq!((config.rotate.destinations.len(), config.notify.len()), (2, 1));
        assert!(config.rotate.brown_out.is_some() && config.store.is_some());
        assert_eq!(config.warnings("2026-11-23T12:00:00Z".parse().unwrap()), []);
    }
}
