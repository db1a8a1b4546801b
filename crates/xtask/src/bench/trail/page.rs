//! The part of the page that has the results, in Markdown.

use std::fmt::Write as _;

use super::super::machine::Machine;
use super::super::page::{Aims, grouped, opening};
use super::tool::Tool;
use super::{Options, Results, Trial};

const MIB: f64 = 1_048_576.0;

/// The part. Every figure in it comes from the measurements.
pub(super) fn write(options: &Options, machine: &Machine, results: &Results) -> String {
    let mut text = introduction(options, machine);
    text.push_str(&trial(&results.main, "as CloudTrail delivers them"));
    text.push_str(&trial(&results.small, "in very small files"));
    if let Some(large) = &results.large {
        text.push_str(&trial(large, "the large trail"));
    }
    text.push_str(&trial(&results.trapped, "with all traps"));
    text.push_str(&aims(results));
    text
}

fn introduction(options: &Options, machine: &Machine) -> String {
    let opening = opening("Trail", &format!("bench trail{}", options.given), machine);
    format!(
        "{opening} Seed {}.

The job: for each access key the number of calls, the first and the last, the distinct source addresses, user agents,
regions and actions, and the failed calls; records that are there twice count once. Each tool is a whole process, from
its start to its end, with two threads where it lets itself be told, in turns, on files that are in memory already;
figures are medians. `rotakey trail usage` answers more than the job asks: user agents and networks summed up, error
codes, days and schedules, and who minted a session key.

The trails are made by `cargo xtask trail-corpus`, which knows what is in them; an answer is exact if all these figures
are right for every key and there is no other key. The main trail leaves out what CloudTrail never writes (members that
are there twice, names with escapes), for which ClickHouse would refuse the whole file; the one with all traps is read
by rotakey and by an independent reader, a page of Python. Inflating is what no reader can do without. Suzaku sums up by
principal and not by key, and does not remove duplicates, so that its answer cannot be compared.
",
        options.seed
    )
}

fn trial(trial: &Trial, what: &str) -> String {
    let corpus = &trial.corpus;
    let mut text = format!(
        "\n### {} events {what}\n\n\
         {} files of {:.1} MiB, {:.1} MiB when decompressed; {} keys; {} records are there twice.\n\n\
         | tool | wall, s | CPU, s | peak, MiB | events a second | wall beside rotakey | answer | runs |\n\
         |---|--:|--:|--:|--:|--:|---|--:|\n",
        grouped(corpus.records),
        grouped(corpus.files),
        corpus.stored_bytes as f64 / MIB,
        corpus.bytes as f64 / MIB,
        grouped(corpus.keys),
        grouped(corpus.duplicates),
    );
    for result in &trial.results {
        let name = result.tool.name();
        let Some(cost) = result.median() else {
            let _ = writeln!(text, "| {name} | not measured in this run | | | | | | 0 |");
            continue;
        };
        let ratio = trial.ratio(result.tool, Tool::Rotakey).map_or("–".to_owned(), times);
        let answer = result.verdict.as_ref().map_or("–".to_owned(), |verdict| verdict.in_words());
        let _ = writeln!(
            text,
            "| {name} | {:.2} | {:.2} | {:.0} | {} | {ratio} | {answer} | {} |",
            cost.wall_seconds,
            cost.cpu_seconds,
            cost.peak_mib,
            grouped((corpus.records as f64 / cost.wall_seconds) as u64),
            result.costs.len(),
        );
    }
    text
}

/// What was aimed at, and whether it was reached.
fn aims(results: &Results) -> String {
    let mut aims = Aims::new("Aims");
    let main = &results.main;
    let mut factor = |text: &str, measured: Option<f64>, reached: fn(f64) -> bool| match measured {
        Some(measured) => aims.aim(text, times(measured), reached(measured)),
        None => aims.unmeasured(text),
    };
    factor(
        "wall at most 2.2 times that of libdeflate inflating the same files in 2 threads",
        main.ratio(Tool::Rotakey, Tool::Inflate),
        |ratio| ratio <= 2.2,
    );
    factor(
        "at least 2.5 times faster than ClickHouse",
        main.ratio(Tool::ClickHouse, Tool::Rotakey),
        |ratio| ratio >= 2.5,
    );
    factor("at least 5 times faster than DuckDB", main.ratio(Tool::DuckDb, Tool::Rotakey), |ratio| {
        ratio >= 5.0
    });
    factor("at least 25 times faster than Suzaku", main.ratio(Tool::Suzaku, Tool::Rotakey), |ratio| {
        ratio >= 25.0
    });
    for (trial, most) in [(Some(main), 200.0), (results.large.as_ref(), 400.0)] {
        let size = trial.map_or("20,000,000".to_owned(), |trial| grouped(trial.corpus.records));
        let text = format!("under {most:.0} MiB at the peak, {size} events");
        match trial.and_then(|trial| trial.cost(Tool::Rotakey)) {
            Some(cost) => aims.aim(&text, format!("{:.0} MiB", cost.peak_mib), cost.peak_mib < most),
            None => aims.unmeasured(&text),
        }
    }
    let text = format!("{} very small files in under 0.1 s", grouped(results.small.corpus.files));
    match results.small.cost(Tool::Rotakey) {
        Some(cost) => aims.aim(&text, format!("{:.3} s", cost.wall_seconds), cost.wall_seconds < 0.1),
        None => aims.unmeasured(&text),
    }
    let text = "exact answers, also with all traps";
    let trials = [Some(main), Some(&results.small), results.large.as_ref(), Some(&results.trapped)];
    let answers: Vec<bool> = trials
        .into_iter()
        .flatten()
        .filter_map(|trial| trial.result(Tool::Rotakey)?.verdict.as_ref())
        .map(|verdict| verdict.is_exact())
        .collect();
    if answers.is_empty() {
        aims.unmeasured(text);
    } else {
        let exact = answers.iter().filter(|exact| **exact).count();
        aims.aim(text, format!("{exact} of {} trails", answers.len()), exact == answers.len());
    }
    let text = "index: the usage of one key among 100,000 after a year of ingestion in under 20 ms";
    match &results.index {
        Some(index) => aims.aim(
            text,
            format!(
                "{:.1} ms, {} keys, {} days",
                index.usage_milliseconds,
                grouped(index.keys),
                grouped(index.days)
            ),
            index.usage_milliseconds < 20.0 && index.keys >= 100_000 && index.days >= 365,
        ),
        None => aims.unmeasured(text),
    }
    aims.text()
}

fn times(ratio: f64) -> String {
    if ratio < 1.0 { format!("{ratio:.2}x") } else { format!("{ratio:.1}x") }
}

#[cfg(test)]
mod tests {
    use std::path::PathBuf;

    use super::super::super::measure::Cost;
    use super::super::corpus::Corpus;
    use super::super::index::Index;
    use super::super::verdict::Verdict;
    use super::super::{ToolResult, Trial};
    use super::*;

    fn trial(walls: &[(Tool, f64)], wrong: u64) -> Trial {
        let result = |&(tool, wall_seconds): &(Tool, f64)| ToolResult {
            tool,
            costs: vec![Cost { began: 0.0, ended: 0.0, wall_seconds, cpu_seconds: 1.0, peak_mib: 150.0 }],
            verdict: Some(Verdict { exact: 9, missing: 0, invented: 0, wrong, wrong_figures: Vec::new() }),
        };
        let corpus = Corpus {
            folder: PathBuf::new(),
            records: 2_000_000,
            files: 4_030,
            keys: 9,
            duplicates: 1,
            stored_bytes: 1,
            bytes: 2,
        };
        Trial { corpus, results: walls.iter().map(result).collect() }
    }

    fn results(ours: f64, wrong: u64) -> Results {
        let walls =
            [(Tool::Rotakey, ours), (Tool::Inflate, 1.0), (Tool::ClickHouse, 5.0), (Tool::DuckDb, 20.0)];
        Results {
            main: trial(&walls, 0),
            small: trial(&[(Tool::Rotakey, 0.05)], 0),
            large: None,
            trapped: trial(&[(Tool::Rotakey, 1.0), (Tool::Python, 9.0)], wrong),
            index: Some(Index { keys: 100_000, days: 365, usage_milliseconds: 25.0 }),
        }
    }

    #[test]
    fn an_aim_is_reached_or_missed_by_what_was_measured() {
        let text = aims(&results(2.0, 0));
        assert!(text.contains("in 2 threads | 2.0x | yes |"), "{text}");
        assert!(text.contains("faster than ClickHouse | 2.5x | yes |"), "{text}");
        assert!(text.contains("faster than Suzaku | not measured in this run | |"), "{text}");
        assert!(text.contains("under 200 MiB at the peak, 2,000,000 events | 150 MiB | yes |"), "{text}");
        assert!(text.contains("under 400 MiB at the peak, 20,000,000 events | not measured"), "{text}");
        assert!(text.contains("in under 0.1 s | 0.050 s | yes |"), "{text}");
        assert!(text.contains("| 3 of 3 trails | yes |"), "{text}");
        assert!(text.contains("25.0 ms, 100,000 keys, 365 days | **no** |"), "{text}");
        let text = aims(&results(3.0, 1));
        assert!(text.contains("in 2 threads | 3.0x | **no** |"), "{text}");
        assert!(text.contains("| 2 of 3 trails | **no** |"), "{text}");
    }
}
