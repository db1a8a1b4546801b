//! The help of every command, which is the reference in `docs/`.

use std::fmt::Write as _;

use crate::support::{Desk, repository};

const REFERENCE: &str = "docs/reference.md";

/// `docs/reference.md` is generated from the binary, so it cannot lie.
#[test]
fn docs_reference_is_the_help_of_every_command() {
    let mut reference = String::from(
        "# Command reference\n\nThe help of every command, as the binary prints it. Written by `cargo xtask docs`, \
         and held\nagainst the binary by the tests.\n",
    );
    describe(&[], &mut reference);
    let path = repository().join(REFERENCE);
    if std::env::var_os("UPDATE_DOCS").is_some() {
        std::fs::write(&path, &reference).expect("the repository can be written to");
    }
    let written = std::fs::read_to_string(&path).unwrap_or_default();
    assert!(written == reference, "{REFERENCE} is not what the binary says; run `cargo xtask docs`");
}

/// Appends the help of a command and of all commands below it.
fn describe(command: &[&str], reference: &mut String) {
    let help = help(command);
    let title = [&["rotakey"], command].concat().join(" ");
    write!(reference, "\n## {title}\n\n```text\n{}\n```\n", help.trim_end())
        .expect("a string takes all text");
    for name in subcommands(&help) {
        describe(&[command, &[name]].concat(), reference);
    }
}

fn help(command: &[&str]) -> String {
    Desk::new().run(&[command, &["--help"]].concat()).exits(0).stdout
}

/// The names that the help lists under `Commands:`.
fn subcommands(help: &str) -> Vec<&str> {
    help.lines()
        .skip_while(|line| *line != "Commands:")
        .skip(1)
        .take_while(|line| !line.is_empty())
        .filter(|line| line.starts_with("  ") && !line.starts_with("   "))
        .filter_map(|line| line.split_whitespace().next())
        .collect()
}

#[test]
fn every_help_teaches_by_example_and_names_the_exit_codes() {
    fn check(command: &[&str]) {
        let help = help(command);
        let names = subcommands(&help);
        assert!(help.contains("Exit codes:"), "{command:?}");
        assert!(!names.is_empty() || help.contains("Examples:"), "{command:?}");
        let widest = help.lines().map(|line| line.chars().count()).max().unwrap_or(0);
        assert!(widest <= 80, "{command:?} has a line of {widest} columns");
        for name in names {
            check(&[command, &[name]].concat());
        }
    }
    check(&[]);
}

#[test]
fn wrong_usage_exits_with_2_and_writes_no_data() {
    for arguments in [&["--no-such-flag"][..], &["no-such-verb"], &["audit", "--format", "xml"], &[]] {
        let ran = Desk::new().run(arguments).exits(2);
        assert_eq!(ran.stdout, "", "{arguments:?}");
        assert!(ran.stderr.contains("--help"), "{arguments:?}: {}", ran.stderr);
    }
}

#[test]
fn the_version_is_printed() {
    let ran = Desk::new().run(&["--version"]).exits(0);
    assert_eq!(ran.stdout, format!("rotakey {}\n", env!("CARGO_PKG_VERSION")));
}
