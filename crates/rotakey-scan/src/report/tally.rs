//! The findings of a report, counted.

use crate::baseline::Label;
use crate::kind::Severity;
use crate::scan::Report;

/// How many findings there are of each sort. Each is counted once: as open, as allowed, or as known.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub struct Tally {
    /// Open ones of high severity.
    pub high: usize,
    /// Open ones of medium severity.
    pub medium: usize,
    /// Open ones of low severity.
    pub low: usize,
    /// Those that a mark or a file allows.
    pub allowed: usize,
    /// Those that the baseline knows.
    pub known: usize,
    /// Of these, those that a person labelled as real secrets.
    pub known_real: usize,
}

impl Tally {
    /// Counts.
    pub fn of(report: &Report) -> Self {
        let mut tally = Self::default();
        for finding in &report.findings {
            if finding.allowed.is_some() {
                tally.allowed += 1;
            } else if let Some(label) = finding.known {
                tally.known += 1;
                tally.known_real += usize::from(label == Label::Real);
            } else {
                match finding.severity {
                    Severity::High => tally.high += 1,
                    Severity::Medium => tally.medium += 1,
                    Severity::Low => tally.low += 1,
                }
            }
        }
        tally
    }

    /// All that are open.
    pub fn open(&self) -> usize {
        self.high + self.medium + self.low
    }
}
