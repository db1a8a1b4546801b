//! `rotakey`: finds, judges and rotates AWS access keys with no downtime.
//!
//! This crate assembles: it turns arguments and `rotakey.toml` into what the engine needs, hands it the
//! adapters, and says what happened. It decides nothing about keys. One verb, one file: see `commands/`.
//! All text leaves through `printer.rs`, and the only real clock is in `clock.rs`.

use std::process::ExitCode;

mod accounts;
mod assembly;
mod cli;
mod clock;
mod commands;
mod configuration;
mod error;
mod explain;
mod harmless_json;
mod output;
mod places;
mod printer;
mod progress;
mod quantity;
mod rotation_log;
mod signals;
mod table;
mod terminal;

fn main() -> ExitCode {
    cli::main()
}
