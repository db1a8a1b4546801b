//! What a scenario saw, beside what AWS shows.

use std::fmt::{Display, Write as _};

use crate::SCENARIOS;
use crate::deviations::{DEVIATIONS, Deviation};

/// The checks of one run of one scenario.
#[derive(Debug, Default)]
pub(crate) struct Report {
    checks: Vec<Check>,
}

#[derive(Debug)]
struct Check {
    name: &'static str,
    aws: String,
    seen: String,
}

impl Report {
    /// Notes what was seen, beside what AWS shows. The judgement comes at the end, so that one deviation does not
    /// hide the next. Names are unique within a scenario.
    pub(crate) fn check(&mut self, name: &'static str, aws: impl Display, seen: impl Display) {
        assert!(self.checks.iter().all(|check| check.name != name), "two checks are called {name:?}");
        self.checks.push(Check { name, aws: aws.to_string(), seen: seen.to_string() });
    }

    /// The simulation must show what AWS shows.
    #[track_caller]
    pub(crate) fn judge_sandbox(self) {
        let mut complaints = String::new();
        for Check { name, aws, seen } in &self.checks {
            if aws != seen {
                let _ = writeln!(complaints, "{name}: AWS shows {aws:?}, the sandbox {seen:?}");
            }
        }
        self.conclude(&complaints);
    }

    /// moto must show what AWS shows, or what the table of deviations says that it shows.
    #[track_caller]
    pub(crate) fn judge_moto(self, scenario: &str) {
        let listed: Vec<&Deviation> = DEVIATIONS.iter().filter(|row| row.scenario == scenario).collect();
        let mut complaints = String::new();
        for Check { name, aws, seen } in &self.checks {
            match listed.iter().find(|row| row.check == *name) {
                None if aws == seen => {}
                None => {
                    let _ = writeln!(
                        complaints,
                        "{name}: AWS shows {aws:?}, moto {seen:?}: list it in deviations.rs, if it is right"
                    );
                }
                Some(row) if row.aws != aws => {
                    let _ =
                        writeln!(complaints, "{name}: AWS shows {aws:?}, deviations.rs says {:?}", row.aws);
                }
                Some(row) if row.moto == seen => {}
                Some(_) if aws == seen => {
                    let _ =
                        writeln!(complaints, "{name}: moto deviates no more; take it out of deviations.rs");
                }
                Some(row) => {
                    let _ = writeln!(
                        complaints,
                        "{name}: moto shows {seen:?}, deviations.rs says {:?}",
                        row.moto
                    );
                }
            }
        }
        for row in listed {
            if !self.checks.iter().any(|check| check.name == row.check) {
                let _ = writeln!(complaints, "{}: deviations.rs lists it, but it is not checked", row.check);
            }
        }
        self.conclude(&complaints);
    }

    #[track_caller]
    fn conclude(&self, complaints: &str) {
        assert!(!self.checks.is_empty(), "the scenario checked nothing");
        assert!(complaints.is_empty(), "\n{complaints}");
    }
}

#[test]
fn every_listed_deviation_deviates_and_names_a_scenario() {
    for row in DEVIATIONS {
        assert!(SCENARIOS.contains(&row.scenario), "there is no scenario {:?}", row.scenario);
        assert_ne!(row.aws, row.moto, "{} / {} is no deviation", row.scenario, row.check);
        let same = |other: &&Deviation| (other.scenario, other.check) == (row.scenario, row.check);
        assert_eq!(
            DEVIATIONS.iter().filter(same).count(),
            1,
            "{} / {} is listed twice",
            row.scenario,
            row.check
        );
    }
}

/// The judge itself: each way in which a run and the table can disagree fails the suite.
mod judge {
    use super::*;

    fn moto(scenario: &'static str, check: &'static str, aws: &str, seen: &str) {
        let mut report = Report::default();
        for row in DEVIATIONS.iter().filter(|row| row.scenario == scenario && row.check != check) {
            report.check(row.check, row.aws, row.moto);
        }
        report.check(check, aws, seen);
        report.judge_moto(scenario);
    }

    const ROW: &Deviation = &DEVIATIONS[0];

    #[test]
    fn a_listed_deviation_passes() {
        moto(ROW.scenario, ROW.check, ROW.aws, ROW.moto);
    }

    #[test]
    #[should_panic(expected = "moto deviates no more")]
    fn a_listed_deviation_that_is_gone_fails() {
        moto(ROW.scenario, ROW.check, ROW.aws, ROW.aws);
    }

    #[test]
    #[should_panic(expected = "deviations.rs says")]
    fn a_deviation_that_changed_fails() {
        moto(ROW.scenario, ROW.check, ROW.aws, "something else");
    }

    #[test]
    #[should_panic(expected = "list it in deviations.rs")]
    fn an_unlisted_deviation_fails() {
        moto(ROW.scenario, "a check that is not listed", "one", "two");
    }

    #[test]
    #[should_panic(expected = "it is not checked")]
    fn a_listed_deviation_that_is_not_checked_fails() {
        let mut report = Report::default();
        report.check("another check", "one", "one");
        report.judge_moto(ROW.scenario);
    }

    #[test]
    #[should_panic(expected = "the sandbox")]
    fn the_sandbox_may_never_deviate() {
        let mut report = Report::default();
        report.check(ROW.check, ROW.aws, ROW.moto);
        report.judge_sandbox();
    }
}
