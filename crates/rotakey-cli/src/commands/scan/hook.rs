//! `rotakey scan hook`: git hooks that scan.

use std::fs::{self, OpenOptions};
use std::io::{self, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};

use clap::{Args, Subcommand};

use crate::error::{CommandError, Verdict, exit_codes};
use crate::printer::Printer;

/// Install a git hook that refuses leaked keys, or take it away
#[derive(Debug, Args)]
#[command(after_help = exit_codes!())]
pub(super) struct HookArgs {
    #[command(subcommand)]
    command: HookCommand,
}

#[derive(Debug, Subcommand)]
enum HookCommand {
    Install(InstallArgs),
    Uninstall(UninstallArgs),
}

/// Install the hook in one repository
#[derive(Debug, Args)]
#[command(after_help = concat!(
    "The hook is a file of four lines in the folder that git runs hooks from
(core.hooksPath is heeded). It is not put in the place of a hook that is there
already. It lets nothing pass when `rotakey` is not to be found, or when
something could not be read.

For the pre-commit framework, put this into .pre-commit-config.yaml instead:
  - repo: https://github.com/rotakey/rotakey
    rev: main
    hooks: [{id: rotakey}]

Examples:
  rotakey scan hook install                before each commit: what is staged
  rotakey scan hook install --pre-receive /srv/git/app.git
                                           on a server: what a push brings

", exit_codes!()))]
struct InstallArgs {
    /// The repository [default: the one that you are in]
    #[arg(value_name = "REPOSITORY", default_value = ".", hide_default_value = true)]
    repository: PathBuf,
    /// On a server: refuse pushes that bring keys, instead of commits
    #[arg(long)]
    pre_receive: bool,
}

/// Take the hook away again; one that rotakey did not install stays
#[derive(Debug, Args)]
#[command(after_help = concat!("Examples:
  rotakey scan hook uninstall

", exit_codes!()))]
struct UninstallArgs {
    /// The repository [default: the one that you are in]
    #[arg(value_name = "REPOSITORY", default_value = ".", hide_default_value = true)]
    repository: PathBuf,
    /// The hook of a server
    #[arg(long)]
    pre_receive: bool,
}

/// Runs the command.
pub(super) fn run(args: &HookArgs, printer: &Printer) -> Result<Verdict, CommandError> {
    match &args.command {
        HookCommand::Install(args) => install(&Hook::of(args.pre_receive), &args.repository, printer),
        HookCommand::Uninstall(args) => uninstall(&Hook::of(args.pre_receive), &args.repository, printer),
    }
}

/// One of git's hooks.
struct Hook {
    name: &'static str,
    command: &'static str,
}

/// By this line we know our own hooks again.
const MARK: &str = "# Installed by `rotakey scan hook install`; `rotakey scan hook uninstall` takes it away.";

impl Hook {
    fn of(pre_receive: bool) -> Self {
        if pre_receive {
            Self { name: "pre-receive", command: "rotakey scan --pre-receive" }
        } else {
            Self { name: "pre-commit", command: "rotakey scan --staged" }
        }
    }

    fn script(&self) -> String {
        format!("#!/bin/sh\n{MARK}\nexec {}\n", self.command)
    }
}

fn install(hook: &Hook, repository: &Path, printer: &Printer) -> Result<Verdict, CommandError> {
    let folder = super::source::hooks_folder(repository)?;
    fs::create_dir_all(&folder).map_err(|error| cannot_write(&folder, &error))?;
    let path = folder.join(hook.name);
    let mut options = OpenOptions::new();
    match options.write(true).create_new(true).mode(0o777).open(&path) {
        Ok(mut file) => file
            .write_all(hook.script().as_bytes())
            .and_then(|()| file.sync_all())
            .map_err(|error| cannot_write(&path, &error))?,
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
            if !is_ours(&path) {
                return Err(CommandError::usage(format!("there is another hook at {}", path.display()))
                    .hint(format!("Add this line to it: {} || exit", hook.command)));
            }
            // One of an older version, or one that somebody changed.
            fs::write(&path, hook.script()).map_err(|error| cannot_write(&path, &error))?;
        }
        Err(error) => return Err(cannot_write(&path, &error)),
    }
    printer.note(&format!("Installed {}", path.display()));
    if std::env::var_os("PATH")
        .is_none_or(|folders| !std::env::split_paths(&folders).any(|folder| folder.join("rotakey").is_file()))
    {
        printer.warning("`rotakey` is in no folder of PATH. Until it is, the hook lets nothing pass.");
    }
    Ok(Verdict::Clean)
}

fn uninstall(hook: &Hook, repository: &Path, printer: &Printer) -> Result<Verdict, CommandError> {
    let path = super::source::hooks_folder(repository)?.join(hook.name);
    if !path.exists() {
        printer.note(&format!("There is no hook at {}", path.display()));
        return Ok(Verdict::Clean);
    }
    if !is_ours(&path) {
        return Err(CommandError::usage(format!("rotakey did not install the hook at {}", path.display()))
            .hint(format!("If it has a line `{}`, take that line out.", hook.command)));
    }
    fs::remove_file(&path).map_err(|error| cannot_write(&path, &error))?;
    printer.note(&format!("Took {} away", path.display()));
    Ok(Verdict::Clean)
}

fn is_ours(path: &Path) -> bool {
    fs::read_to_string(path).is_ok_and(|script| script.lines().any(|line| line == MARK))
}

fn cannot_write(path: &Path, error: &io::Error) -> CommandError {
    CommandError::failure(format!("cannot write {}: {error}", path.display()))
        .hint("The hook must be written by somebody who may write to the repository.")
}
