//! The part of the page that has the results, in Markdown.

use std::fmt::Write as _;

use super::super::machine::Machine;
use super::super::measure::Cost;
use super::super::page::{Aims, grouped, opening};
use super::offline::Offline;
use super::tool::Tool;
use super::truth::{Question, Verdict};
use super::{Fleet, Options, ToolResult};

/// The part. Every figure on it comes from the measurements.
pub(super) fn write(options: &Options, machine: &Machine, fleets: &[Fleet], offline: &Offline) -> String {
    let mut page = introduction(options, machine);
    for fleet in fleets {
        page.push_str(&costs(fleet));
        page.push_str(&verdicts(fleet));
    }
    page.push_str(&saved_report(offline));
    if let Some(fleet) = fleets.first() {
        page.push_str(&aims(fleet, offline));
    }
    page
}

fn introduction(options: &Options, machine: &Machine) -> String {
    let opening = opening("Audit", &format!("bench audit{}", options.given), machine);
    format!(
        "{opening} Seed {}.

Each tool is a whole process, from its start to its end, on the same simulated AWS (`rotakey sandbox`), in turns;
figures are medians. The simulated AWS runs on the same machine and answers within a millisecond or so, where AWS
takes some tens: on AWS, tools that make more calls one after another fall behind further. CPU is the tool's own. The
credential report is made before, as AWS keeps it for four hours. Peak memory cannot show less than the 9 MiB of
the process that starts the tool.
",
        options.seed
    )
}

fn costs(fleet: &Fleet) -> String {
    let (users, with_keys, keys) = fleet.facts.counts();
    let mut text = format!(
        "\n### {} users, {} of them with {} keys\n\n\
         | tool | API calls | wall, s | CPU, s | peak, MiB | wall beside rotakey | runs |\n\
         |---|--:|--:|--:|--:|--:|--:|\n",
        grouped(users as u64),
        grouped(with_keys as u64),
        grouped(keys as u64)
    );
    let ours = wall_of(fleet, Tool::Rotakey);
    for result in &fleet.results {
        let cost = result.median();
        let ratio = ours.map_or(f64::NAN, |ours| cost.wall_seconds / ours);
        let _ = writeln!(
            text,
            "| {} | {} | {:.2} | {:.2} | {:.0} | {ratio:.1}x | {} |",
            result.tool.name(),
            grouped(result.median_calls()),
            cost.wall_seconds,
            cost.cpu_seconds,
            cost.peak_mib,
            result.costs.len()
        );
    }
    text
}

fn verdicts(fleet: &Fleet) -> String {
    let mut text = String::from("\nFound, against the truth, in users:\n\n| a user who … | truth |");
    for result in &fleet.results {
        let _ = write!(text, " {} |", result.tool.name());
    }
    text.push_str("\n|---|--:|");
    text.push_str(&"---|".repeat(fleet.results.len()));
    text.push('\n');
    for question in Question::ALL {
        let truth =
            fleet.results.iter().find_map(|result| verdict(result, question)).map_or(0, |found| found.truth);
        let _ = write!(text, "| {} | {} |", question.text(), grouped(truth as u64));
        for result in &fleet.results {
            let _ = write!(text, " {} |", verdict(result, question).map_or("not asked".to_owned(), in_words));
        }
        text.push('\n');
    }
    text.push_str("| the finding names the key | |");
    for result in &fleet.results {
        text.push_str(if result.tool.names_the_key() { " yes |" } else { " no |" });
    }
    text.push('\n');
    text
}

fn saved_report(offline: &Offline) -> String {
    let mut text = format!(
        "\n### A saved report of {} rows ({:.0} MiB)\n\n\
         Most of its keys have findings. The human form is a summary, csv has all findings, json all keys too.\n\n\
         | rotakey audit --report | rows a second | wall, s | CPU, s | peak, MiB | written, MiB | runs |\n\
         |---|--:|--:|--:|--:|--:|--:|\n",
        grouped(offline.rows),
        offline.mib,
    );
    for form in &offline.forms {
        let Cost { wall_seconds, cpu_seconds, peak_mib, .. } = form.cost;
        let _ = writeln!(
            text,
            "| --format {} | {} | {wall_seconds:.2} | {cpu_seconds:.2} | {peak_mib:.0} | {:.0} | {} |",
            form.name,
            grouped(offline.rows_a_second(form) as u64),
            form.written_mib,
            offline.runs
        );
    }
    text
}

/// What was aimed at, on the first account, and whether it was reached.
fn aims(fleet: &Fleet, offline: &Offline) -> String {
    let Some(ours) = fleet.results.iter().find(|result| result.tool == Tool::Rotakey) else {
        return String::new();
    };
    let (users, with_keys, _) = fleet.facts.counts();
    let cost = ours.median();
    let times = |tool| wall_of(fleet, tool).map_or(0.0, |wall| wall / cost.wall_seconds);
    let (prowler, custodian) = (times(Tool::Prowler), times(Tool::CustodianAccessKey));
    let most_calls = with_keys as u64 + 10;
    let exact =
        ours.verdicts.len() == Question::ALL.len() && ours.verdicts.iter().all(|(_, found)| found.is_exact());
    let rows = offline.forms.iter().map(|form| offline.rows_a_second(form)).fold(0.0, f64::max);
    let peak = offline.forms.iter().map(|form| form.cost.peak_mib).fold(0.0, f64::max);

    let mut aims = Aims::new(&format!("Aims, on {} users", grouped(users as u64)));
    let mut aim = |text: &str, measured: String, reached: bool| aims.aim(text, measured, reached);
    let calls = ours.median_calls();
    aim(
        &format!("at most {most_calls} calls (users with keys, and 10)"),
        calls.to_string(),
        calls <= most_calls,
    );
    aim("exact findings", if exact { "exact" } else { "not exact" }.to_owned(), exact);
    aim("at least 20 times less wall than Prowler", format!("{prowler:.1}x"), prowler >= 20.0);
    aim("at least 3 times less wall than Custodian", format!("{custodian:.1}x"), custodian >= 3.0);
    aim("under 60 MiB at the peak", format!("{:.0} MiB", cost.peak_mib), cost.peak_mib < 60.0);
    aim("a saved report: 1,000,000 rows a second (the fastest form)", grouped(rows as u64), rows >= 1e6);
    aim("a saved report: under 200 MiB at the peak (the largest)", format!("{peak:.0} MiB"), peak < 200.0);
    aims.text()
}

fn wall_of(fleet: &Fleet, tool: Tool) -> Option<f64> {
    fleet.results.iter().find(|result| result.tool == tool).map(|result| result.median().wall_seconds)
}

fn verdict(result: &ToolResult, question: Question) -> Option<Verdict> {
    result.verdicts.iter().find(|(asked, _)| *asked == question).map(|(_, verdict)| *verdict)
}

fn in_words(verdict: Verdict) -> String {
    let Verdict { missing, invented, .. } = verdict;
    match (missing, invented) {
        (0, 0) => "exact".to_owned(),
        (missing, 0) => format!("{missing} missing"),
        (0, invented) => format!("{invented} invented"),
        (missing, invented) => format!("{missing} missing, {invented} invented"),
    }
}

#[cfg(test)]
mod tests {
    use super::super::offline::Form;
    use super::super::truth::Facts;
    use super::*;

    fn result(tool: Tool, wall_seconds: f64, calls: u64, verdict: Verdict) -> ToolResult {
        let cost = Cost { began: 0.0, ended: 1.0, wall_seconds, cpu_seconds: 0.5, peak_mib: 50.0 };
        ToolResult {
            tool,
            costs: vec![cost],
            calls: vec![calls],
            verdicts: Question::ALL.map(|asked| (asked, verdict)).into(),
        }
    }

    fn offline(wall_seconds: f64) -> Offline {
        let cost = Cost { began: 0.0, ended: 1.0, wall_seconds, cpu_seconds: 0.5, peak_mib: 50.0 };
        let form = Form { name: "csv", cost, written_mib: 500.0 };
        Offline { rows: 1_000_000, mib: 250.0, runs: 1, forms: vec![form] }
    }

    const EXACT: Verdict = Verdict { truth: 9, missing: 0, invented: 0 };
    const WRONG: Verdict = Verdict { truth: 9, missing: 1, invented: 2 };

    #[test]
    fn an_aim_that_is_missed_is_said_to_be_missed() {
        let fleet = |ours| Fleet {
            facts: Facts::default(),
            results: vec![
                result(Tool::Rotakey, 1.0, 10, ours),
                result(Tool::CustodianAccessKey, 2.0, 99, EXACT),
                result(Tool::Prowler, 30.0, 999, WRONG),
            ],
        };
        let text = aims(&fleet(EXACT), &offline(0.5));
        assert!(text.contains("| at most 10 calls (users with keys, and 10) | 10 | yes |"), "{text}");
        assert!(text.contains("| exact findings | exact | yes |"), "{text}");
        assert!(text.contains("than Prowler | 30.0x | yes |"), "{text}");
        assert!(text.contains("than Custodian | 2.0x | **no** |"), "{text}");
        assert!(text.contains("rows a second (the fastest form) | 2,000,000 | yes |"), "{text}");
        assert!(aims(&fleet(WRONG), &offline(2.0)).contains("| exact findings | not exact | **no** |"));
    }

    #[test]
    fn a_wrong_answer_is_counted_in_words() {
        assert_eq!(in_words(EXACT), "exact");
        assert_eq!(in_words(WRONG), "1 missing, 2 invented");
    }
}
