//! The command line: what all commands share, and the way from arguments to an exit code.

use std::path::PathBuf;
use std::process::ExitCode;

use clap::builder::{PossibleValuesParser, TypedValueParser};
use clap::{Args, Parser, ValueEnum};

use crate::commands::{self, Command};
use crate::error::{CommandError, exit_codes};
use crate::printer::Printer;

/// Finds, judges and rotates AWS access keys with no downtime.
#[derive(Debug, Parser)]
#[command(
    name = "rotakey",
    version,
    max_term_width = 100,
    arg_required_else_help = true,
    disable_help_subcommand = true,
    after_help = concat!(
        "New here, or without an AWS account at hand:
  rotakey try                          the whole story on a simulated AWS

On your account (both change nothing):
  rotakey audit                        every access key judged by policy
  rotakey rotate plan                  what a rotation would do, when and why

AWS credentials, profiles and regions are found as the AWS CLI finds them.

",
        exit_codes!()
    )
)]
pub(crate) struct Cli {
    #[command(subcommand)]
    command: Command,
    #[command(flatten)]
    globals: GlobalArgs,
}

/// The options of every command.
#[derive(Debug, Args)]
#[command(next_help_heading = "Global options")]
pub(crate) struct GlobalArgs {
    /// The policy [default: ./rotakey.toml, else rotakey/rotakey.toml in $XDG_CONFIG_HOME, else built in]
    #[arg(long, value_name = "FILE", global = true, env = "ROTAKEY_CONFIG", hide_env_values = true)]
    pub(crate) config: Option<PathBuf>,

    /// The form of the data
    #[arg(long, value_name = "FORMAT", global = true, default_value = "human", value_parser = FormatName::common())]
    pub(crate) format: FormatName,

    /// Write the data to FILE, whole or not at all, instead of standard output
    #[arg(long, value_name = "FILE", global = true)]
    pub(crate) output: Option<PathBuf>,

    /// The profile in the AWS configuration files
    #[arg(long, value_name = "NAME", global = true)]
    pub(crate) profile: Option<String>,

    /// The AWS region
    #[arg(long, value_name = "REGION", global = true)]
    pub(crate) region: Option<String>,

    /// Send all AWS calls to this URL, such as that of `rotakey sandbox`
    #[arg(long, value_name = "URL", global = true)]
    pub(crate) endpoint_url: Option<String>,

    /// Say more about what happens
    #[arg(short, long, global = true, conflicts_with = "quiet")]
    pub(crate) verbose: bool,

    /// Say nothing but data and errors
    #[arg(short, long, global = true)]
    pub(crate) quiet: bool,

    /// Draw no progress bar
    #[arg(long, global = true)]
    pub(crate) no_progress: bool,

    /// When to use colours; NO_COLOR is honoured
    #[arg(long, value_name = "WHEN", global = true, value_enum, default_value_t = ColorChoice::Auto)]
    pub(crate) color: ColorChoice,
}

/// The form of the data that a command writes: tables and sentences; stable and versioned for programs; one
/// line for each row; the same for query engines; and those of `scan` only, which other programs read. (Were the variants
/// documented one by one, clap would blow up every help to three times its length.)
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum FormatName {
    Human,
    Json,
    Csv,
    #[cfg(feature = "parquet")]
    Parquet,
    Jsonl,
    Sarif,
    Github,
    Junit,
}

/// The forms that commands choose from. Parquet is none of them: it is asked for by [`Printer::writes_parquet`], and
/// [`commands::run`] lets no command begin that does not ask.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Format {
    Human,
    Json,
    Csv,
}

impl FormatName {
    /// Those that commands have in common.
    fn common() -> impl TypedValueParser<Value = Self> {
        Self::only(&[
            Self::Human,
            Self::Json,
            Self::Csv,
            #[cfg(feature = "parquet")]
            Self::Parquet,
        ])
    }

    /// Those of `scan`.
    pub(crate) fn of_scan() -> impl TypedValueParser<Value = Self> {
        Self::only(&[Self::Human, Self::Json, Self::Jsonl, Self::Sarif, Self::Github, Self::Junit])
    }

    fn only(names: &'static [Self]) -> impl TypedValueParser<Value = Self> {
        let values = names.iter().filter_map(ValueEnum::to_possible_value);
        PossibleValuesParser::new(values).try_map(|name| Self::from_str(&name, false))
    }

    /// The form, or the one next to it: Parquet is for programs and has rows, as CSV. Those of `scan` are chosen from by
    /// [`Printer::format_name`] there.
    pub(crate) fn format(self) -> Format {
        match self {
            Self::Human => Format::Human,
            Self::Json => Format::Json,
            Self::Csv => Format::Csv,
            #[cfg(feature = "parquet")]
            Self::Parquet => Format::Csv,
            Self::Jsonl | Self::Sarif | Self::Github | Self::Junit => Format::Json,
        }
    }

    /// Whether it is Parquet.
    pub(crate) fn is_parquet(self) -> bool {
        #[cfg(feature = "parquet")]
        return self == Self::Parquet;
        #[cfg(not(feature = "parquet"))]
        false
    }
}

/// When to use colours; `Auto` means on a terminal.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum ColorChoice {
    Auto,
    Always,
    Never,
}

/// Runs the program.
pub(crate) fn main() -> ExitCode {
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(usage) => {
            // Help and version are no errors, and go to standard output; a reader that has gone is none either.
            let _ = usage.print();
            return ExitCode::from(if usage.use_stderr() { 2 } else { 0 });
        }
    };
    let printer = match Printer::new(&cli.globals) {
        Ok(printer) => printer,
        Err(error) => {
            Printer::plain().error(&error);
            return error.exit_code();
        }
    };
    let runtime = match tokio::runtime::Runtime::new() {
        Ok(runtime) => runtime,
        Err(error) => {
            let error = CommandError::failure(format!("cannot start: {error}"));
            printer.error(&error);
            return error.exit_code();
        }
    };
    let result = runtime.block_on(commands::run(cli.command, &cli.globals, &printer));
    match result.and_then(|verdict| printer.finish().map(|()| verdict)) {
        Ok(verdict) => verdict.into(),
        Err(error) => {
            printer.error(&error);
            error.exit_code()
        }
    }
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory as _;

    use super::*;

    #[test]
    fn the_command_line_is_consistent() {
        Cli::command().debug_assert();
    }
}
