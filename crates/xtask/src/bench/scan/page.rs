//! The part of the page that has the results, in Markdown.

use std::fmt::Write as _;

use super::super::machine::Machine;
use super::super::page::{Aims, grouped, opening};
use super::corpus::Corpora;
use super::tool::Tool;
use super::verdict::{Recall, Share};
use super::{Options, Outcome, Results, ToolResult};

const NOT_MEASURED: &str = "not measured in this run";

/// The part. Every figure in it comes from the measurements.
pub(super) fn write(options: &Options, machine: &Machine, corpora: &Corpora, results: &Results) -> String {
    let mut text = introduction(options, machine);
    text.push_str(&labelled(corpora, results));
    for (tree, results, what) in [
        (&corpora.tree, &results.tree, "Work tree"),
        (&corpora.small_tree, &results.small_tree, "Smaller work tree, for slow tools"),
    ] {
        let size = tree.bytes as f64;
        let _ = write!(
            text,
            "\n### {what}: {} files, {:.0} MB\n\n{} keys are planted in it.\n\n",
            grouped(tree.files),
            size / 1e6,
            planted(results)
        );
        text.push_str(&costs(results, size, Tool::Ripgrep, "CPU beside ripgrep"));
    }
    let history = &corpora.history;
    let _ = write!(
        text,
        "\n### History: {} commits, {} objects\n\n\
         A bare repository of one pack of {:.0} MB, in which there are {} blobs of {:.0} MB together. {} keys are planted in\n\
         it: kept, removed later, in a file for one commit, in a merge, on a branch of its own, and three in blobs that no\n\
         commit reaches, which only who reads all objects can find.\n\n",
        grouped(history.commits),
        grouped(history.objects),
        history.pack_bytes as f64 / 1e6,
        grouped(history.blobs),
        history.blob_bytes as f64 / 1e6,
        planted(&results.history),
    );
    let size = history.blob_bytes as f64;
    text.push_str(&costs(&results.history, size, Tool::InflatePack, "CPU beside inflating"));
    text.push_str(&staged(results));
    text.push_str(&aims(results));
    text.push_str(&mistakes(results));
    text.push_str(LEFT_OUT);
    text
}

fn introduction(options: &Options, machine: &Machine) -> String {
    let opening = opening("Scan", &format!("bench scan{}", options.given), machine);
    format!(
        "{opening} Seed {}.

Each tool is a whole process, from its start to its end, in turns, on files that are in memory already; figures are
medians. CPU is that of the process and of all that it starts. No tool asks AWS whether a key is live, and none looks for
updates. Peak memory counts mapped files too; where it was looked at, the memory beside these stands behind it, from a run
of its own. Work trees are read without heeding ignore files, by all tools. Kingfisher's compiled rules are in its cache.

The corpora are made from packages that `pip` and `npm` fetch, in pinned versions (`crates/xtask/requirements/scan-*.txt`);
the keys in them are made from the seed and were never anybody's. Planted keys stand there as settings, source, CSV, JSON
with escaped slashes, and base64 of a whole credentials file. *Reports* is how many findings a tool has in all; most beside
the planted keys are what tests and documentation of the packages hold.
",
        options.seed
    )
}

fn labelled(corpora: &Corpora, results: &Results) -> String {
    let (positive, negative, disputed) = corpora.labelled.labels.counts();
    let mut text = format!(
        "\n### Labelled set: {} files\n\n\
         {positive} hold keys, {negative} only look like it, and {disputed} are disputed: a comment allows the key, or it is\n\
         split or incomplete. The set is the project's own (`crates/rotakey-corpus/src/leaks/cases/`), so read the figures of\n\
         others with that in mind. An id, a secret or a token is found if a finding in the same file shows the value or tells\n\
         its digest; of git-secrets, which shows lines, if its line is shown. A false alarm is any finding in a file that\n\
         holds nothing, by whichever rule.\n\n\
         | tool | ids | secrets | tokens | false alarms | disputed, reported |\n|---|--:|--:|--:|--:|--:|\n",
        positive + negative + disputed
    );
    for result in &results.labelled {
        let name = result.tool.name();
        let _ = match &result.outcome {
            Outcome::Labels(recall) => writeln!(
                text,
                "| {name} | {} | {} | {} | {} | {} |",
                recall.ids.in_words(),
                recall.secrets.in_words(),
                recall.tokens.in_words(),
                recall.alarms.in_words(),
                recall.disputed.in_words(),
            ),
            _ => writeln!(text, "| {name} | {NOT_MEASURED} | | | | |"),
        };
    }
    text
}

/// The table of a job: what each tool costs, beside what one of them does, and what it finds.
fn costs(results: &[ToolResult], bytes: f64, bound: Tool, beside: &str) -> String {
    let mut text = format!(
        "| tool | wall, s | CPU, s | MB per CPU second | peak, MiB | {beside} | planted ids | planted secrets | reports | \
         runs |\n|---|--:|--:|--:|--:|--:|--:|--:|--:|--:|\n"
    );
    for result in results {
        let name = result.tool.name();
        let Some(cost) = result.median() else {
            let _ = writeln!(text, "| {name} | {NOT_MEASURED} | | | | | | | | 0 |");
            continue;
        };
        let peak = match result.own_mib {
            Some(own) => format!("{:.0} ({own:.0} beside mapped files)", cost.peak_mib),
            None => format!("{:.0}", cost.peak_mib),
        };
        let found = match &result.outcome {
            Outcome::Planted(harvest) => format!(
                "{} | {} | {}",
                harvest.ids.in_words(),
                harvest.secrets.in_words(),
                grouped(harvest.reports as u64)
            ),
            _ => "– | – | –".to_owned(),
        };
        let _ = writeln!(
            text,
            "| {name} | {:.2} | {:.2} | {:.0} | {peak} | {} | {found} | {} |",
            cost.wall_seconds,
            cost.cpu_seconds,
            bytes / 1e6 / cost.cpu_seconds,
            cpu_ratio(results, result.tool, bound).map_or("–".to_owned(), times),
            result.costs.len(),
        );
    }
    text
}

fn staged(results: &Results) -> String {
    let mut text = "\n### Hook: one staged file that holds a key id\n\n\
                    | tool | wall, ms | CPU, ms | wall in a large repository, ms | peak, MiB | stopped the commit | runs |\n\
                    |---|--:|--:|--:|--:|---|--:|\n"
        .to_owned();
    for (few, many) in results.few.iter().zip(&results.many) {
        let name = few.tool.name();
        let (Some(cost), Some(large)) = (few.median(), many.median()) else {
            let _ = writeln!(text, "| {name} | {NOT_MEASURED} | | | | | 0 |");
            continue;
        };
        let stopped = match (few.tool.form(), few.exit_code) {
            (None, _) => "–",
            (Some(_), Some(0)) => "**no**",
            (Some(_), _) => "yes",
        };
        let _ = writeln!(
            text,
            "| {name} | {:.1} | {:.1} | {:.1} | {:.0} | {stopped} | {} |",
            cost.wall_seconds * 1e3,
            cost.cpu_seconds * 1e3,
            large.wall_seconds * 1e3,
            cost.peak_mib.max(large.peak_mib),
            few.costs.len(),
        );
    }
    text
}

/// What was aimed at, and whether it was reached.
fn aims(results: &Results) -> String {
    let mut aims = Aims::new("Aims");
    let mut ratio = |aim: &str, measured: Option<f64>, is_reached: fn(f64) -> bool| match measured {
        Some(measured) => aims.aim(aim, times(measured), is_reached(measured)),
        None => aims.unmeasured(aim),
    };
    ratio(
        "work tree: at most 1.6 times the CPU of ripgrep looking for ids, with all rules on",
        cpu_ratio(&results.tree, Tool::Rotakey, Tool::Ripgrep),
        |ratio| ratio <= 1.6,
    );
    ratio(
        "history: at most 2 times the CPU of inflating the pack's blob entries once",
        cpu_ratio(&results.history, Tool::Rotakey, Tool::InflatePack),
        |ratio| ratio <= 2.0,
    );
    ratio(
        "history: at least 10 times less CPU than Kingfisher's AWS rules",
        cpu_ratio(&results.history, Tool::KingfisherAws, Tool::Rotakey),
        |ratio| ratio >= 10.0,
    );
    for (results, what) in [(&results.few, "hook"), (&results.many, "hook in a large repository")] {
        let aim = format!("{what}: one staged file in under 15 ms");
        match find(results, Tool::Rotakey).and_then(ToolResult::median) {
            Some(cost) => {
                let milliseconds = cost.wall_seconds * 1e3;
                aims.aim(&aim, format!("{milliseconds:.1} ms"), milliseconds < 15.0);
            }
            None => aims.unmeasured(&aim),
        }
    }
    for (results, what) in [(&results.tree, "work tree"), (&results.history, "history")] {
        let aim = format!("{what}: under 100 MiB at the peak, beside mapped files");
        match find(results, Tool::Rotakey).and_then(|result| result.own_mib) {
            Some(own) => aims.aim(&aim, format!("{own:.0} MiB"), own < 100.0),
            None => aims.unmeasured(&aim),
        }
    }
    let recall = recall(results);
    let mut share = |aim: &str, share: Option<Share>, is_reached: fn(Share) -> bool| match share {
        Some(share) => aims.aim(aim, share.in_words(), is_reached(share)),
        None => aims.unmeasured(aim),
    };
    share("labelled set: all ids", recall.map(|recall| recall.ids), |ids| ids.found == ids.all);
    share("labelled set: 95 % of the secrets", recall.map(|recall| recall.secrets), |secrets| {
        secrets.ratio() >= 0.95
    });
    share("labelled set: no false alarms", recall.map(|recall| recall.alarms), |alarms| alarms.found == 0);
    aims.text()
}

/// What rotakey got wrong in the labelled set, so that nobody needs to look for it.
fn mistakes(results: &Results) -> String {
    match recall(results) {
        Some(recall) if !recall.mistakes.is_empty() => {
            format!("\nWhat `rotakey scan` gets wrong in the labelled set: {}.\n", recall.mistakes.join("; "))
        }
        _ => String::new(),
    }
}

const LEFT_OUT: &str = "
### What this does not tell

TruffleHog, Nosey Parker, Betterleaks and Titus are in no registry that these programs come from, and are not measured;
Kingfisher ships Betterleaks' AWS rules. detect-secrets reads no history. git-secrets does, but greps all files of each
commit in which a line with a key came or went; with as many keys as are planted here it did not come to an end within
minutes, and is left out. Disks are not measured, since all files are in memory. The history is made of real changes, but its
commits are smaller than those of people, so that its pack is too.
";

fn recall(results: &Results) -> Option<&Recall> {
    match &find(&results.labelled, Tool::Rotakey)?.outcome {
        Outcome::Labels(recall) => Some(recall),
        _ => None,
    }
}

/// How many keys are planted, as the verdicts tell.
fn planted(results: &[ToolResult]) -> String {
    let count = results.iter().find_map(|result| match &result.outcome {
        Outcome::Planted(harvest) => Some(harvest.ids.all),
        _ => None,
    });
    count.map_or("Some".to_owned(), |count| count.to_string())
}

fn find(results: &[ToolResult], tool: Tool) -> Option<&ToolResult> {
    results.iter().find(|result| result.tool == tool)
}

/// The CPU time of one tool, in that of another.
fn cpu_ratio(results: &[ToolResult], tool: Tool, beside: Tool) -> Option<f64> {
    let cpu = |tool| Some(find(results, tool)?.median()?.cpu_seconds);
    Some(cpu(tool)? / cpu(beside)?)
}

fn times(ratio: f64) -> String {
    if ratio < 1.0 { format!("{ratio:.2}x") } else { format!("{ratio:.1}x") }
}

#[cfg(test)]
mod tests {
    use super::super::super::measure::Cost;
    use super::super::verdict::Harvest;
    use super::*;

    fn result(tool: Tool, seconds: f64, own_mib: Option<f64>) -> ToolResult {
        let cost =
            Cost { began: 0.0, ended: 0.0, wall_seconds: seconds, cpu_seconds: seconds, peak_mib: 150.0 };
        let outcome = Outcome::Planted(Harvest { ids: Share { found: 2, all: 3 }, ..Harvest::default() });
        ToolResult { costs: vec![cost], own_mib, exit_code: Some(0), outcome, ..ToolResult::new(tool) }
    }

    fn results(ours: f64) -> Results {
        let recall = Recall {
            ids: Share { found: 9, all: 9 },
            secrets: Share { found: 18, all: 20 },
            mistakes: vec!["a-1: secret_access_key".to_owned()],
            ..Recall::default()
        };
        Results {
            labelled: vec![ToolResult {
                outcome: Outcome::Labels(recall),
                ..result(Tool::Rotakey, 1.0, None)
            }],
            tree: vec![result(Tool::Rotakey, ours, Some(80.0)), result(Tool::Ripgrep, 1.0, None)],
            history: vec![
                result(Tool::Rotakey, ours, None),
                result(Tool::InflatePack, 1.0, None),
                result(Tool::KingfisherAws, 20.0, None),
            ],
            few: vec![result(Tool::Rotakey, 0.010, None), result(Tool::GitSecrets, 0.050, None)],
            many: vec![result(Tool::Rotakey, 0.020, None), ToolResult::new(Tool::GitSecrets)],
            ..Results::default()
        }
    }

    #[test]
    fn an_aim_is_reached_or_missed_by_what_was_measured() {
        let text = aims(&results(1.5));
        for line in [
            "with all rules on | 1.5x | yes |",
            "blob entries once | 1.5x | yes |",
            "Kingfisher's AWS rules | 13.3x | yes |",
            "| hook: one staged file in under 15 ms | 10.0 ms | yes |",
            "| hook in a large repository: one staged file in under 15 ms | 20.0 ms | **no** |",
            "| work tree: under 100 MiB at the peak, beside mapped files | 80 MiB | yes |",
            "| history: under 100 MiB at the peak, beside mapped files | not measured in this run | |",
            "| labelled set: all ids | 9/9 | yes |",
            "| labelled set: 95 % of the secrets | 18/20 | **no** |",
            "| labelled set: no false alarms | 0/0 | yes |",
        ] {
            assert!(text.contains(line), "{line}\n{text}");
        }
        let text = aims(&results(3.0));
        assert!(text.contains("blob entries once | 3.0x | **no** |"), "{text}");
        assert!(aims(&Results::default()).contains("with all rules on | not measured in this run | |"));
    }

    #[test]
    fn tables_say_what_was_found_and_what_was_not_measured() {
        let table = costs(&results(2.0).tree, 4e6, Tool::Ripgrep, "beside");
        assert!(
            table.contains(
                "| rotakey scan | 2.00 | 2.00 | 2 | 150 (80 beside mapped files) | 2.0x | 2/3 | 0/0 | 0 | 1 |"
            ),
            "{table}"
        );
        let table = staged(&results(2.0));
        assert!(table.contains("| rotakey scan | 10.0 | 10.0 | 20.0 | 150 | **no** | 1 |"), "{table}");
        assert!(table.contains("| git-secrets | not measured in this run |"), "{table}");
        assert!(mistakes(&results(2.0)).contains("a-1: secret_access_key"));
    }
}
