//! Scans work trees, to be measured: `cargo run --release --example tree -- PATH…`.

use std::io::Write;
use std::num::NonZeroUsize;
use std::path::PathBuf;

use rotakey_scan::scan::{Options, Scan};
use rotakey_scan::tree::{self, TreeOptions};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let paths: Vec<PathBuf> = std::env::args_os().skip(1).map(PathBuf::from).collect();
    let scan = Scan::new(Options::default());
    let workers = std::thread::available_parallelism().unwrap_or(NonZeroUsize::MIN);
    tree::scan(&paths, TreeOptions::default(), &scan, workers, &())?;
    let report = scan.finish();
    let coverage = &report.coverage;
    let mut out = std::io::stdout();
    writeln!(
        out,
        "{} findings in {} contents, {} bytes",
        report.findings.len(),
        coverage.contents,
        coverage.bytes
    )?;
    writeln!(out, "{:?}", coverage.left_out)?;
    for unread in coverage.unread.iter().take(50) {
        writeln!(out, "{unread}")?;
    }
    Ok(())
}
