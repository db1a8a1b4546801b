//! CloudTrail trails of any size, and files that hold leaked keys, made from a seed, with what is known to be in them. For
//! tests and benchmarks only.
//!
//! The same options make the same bytes, on every machine. A crate of its own, and not a part of `xtask`: making
//! gigabytes needs an optimized build and a compressor, and everything waits for `xtask` to build.

mod agents;
mod catalogue;
mod event;
mod hostile;
pub mod leaks;
mod output;
mod plan;
mod random;
mod template;
mod time;
mod trap;
mod truth;
mod world;

use std::io;
use std::path::Path;

use event::Writer;
use plan::Plan;
use world::World;

/// What to make.
#[derive(Debug, Clone)]
pub struct Options {
    /// How many records there are, those that are there twice counted.
    pub events: u64,
    /// What everything grows from.
    pub seed: u64,
    /// In how many files.
    pub files: u64,
    /// How different in size the files are: the sigma of a logarithmic normal distribution.
    pub spread: f64,
    /// Whether to leave out what CloudTrail never writes: members that are there twice, and names with escapes.
    pub is_delivered: bool,
    /// How many threads write; 0 for as many as there are processors.
    pub threads: usize,
}

impl Options {
    /// So many events, in files as many and as large as a busy organization has.
    pub fn new(events: u64, seed: u64) -> Self {
        let files = (events as f64 * 4_030.0 / 2_000_000.0) as u64;
        Self { events, seed, files: files.max(200), spread: 1.5, is_delivered: false, threads: 0 }
    }
}

/// Makes the corpus in a folder that is not there yet or empty: the trail in `trail/`, what is in it in
/// `truth.json`, and of each key in `keys.jsonl`.
///
/// # Errors
/// If something cannot be written.
pub fn make(options: &Options, folder: &Path) -> io::Result<()> {
    let world = World::new(options.seed, options.events);
    let plan = Plan::new(&world, options);
    output::write(&Writer { world: &world, plan: &plan, is_delivered: options.is_delivered }, options, folder)
}

pub use hostile::make as make_hostile;
