//! The arrows between the crates, as `ARCHITECTURE.md` draws them and as the manifests have them.
//!
//! The page draws them in a code block that is marked `arrows`, a line for each crate, the upper ones
//! first; `rotakey-` is left out:
//!
//! ```text
//! cli    -> engine, core
//! engine -> core
//! core   ->
//! ```

use std::collections::{BTreeMap, BTreeSet};

use super::project::{Problem, Project};

const PAGE: &str = "ARCHITECTURE.md";

/// The manifests have the arrows that the page draws, and no others.
pub(super) fn as_drawn(project: &Project) -> Vec<Problem> {
    let drawn: BTreeMap<String, BTreeSet<String>> = drawn(project).into_iter().collect();
    let built = built(project);
    let mut problems = Vec::new();
    for (from, targets) in &built {
        let expected = drawn.get(from).cloned().unwrap_or_default();
        for to in targets.difference(&expected) {
            problems.push(Problem::at(from, format!("depends on {to}, which {PAGE} does not draw")));
        }
        for to in expected.difference(targets) {
            problems
                .push(Problem::at(PAGE, format!("draws {from} -> {to}, which its manifest does not have")));
        }
    }
    for from in drawn.keys().filter(|from| !built.contains_key(*from)) {
        problems.push(Problem::at(PAGE, format!("draws arrows of {from}, which is no crate")));
    }
    problems
}

/// Every arrow that the page draws ends in a crate that stands below the one it starts from.
pub(super) fn point_down(project: &Project) -> Vec<Problem> {
    let drawn = drawn(project);
    let mut problems = Vec::new();
    for (position, (from, targets)) in drawn.iter().enumerate() {
        let below: BTreeSet<&String> = drawn[position + 1..].iter().map(|(name, _)| name).collect();
        for to in targets.iter().filter(|to| !below.contains(to)) {
            problems.push(Problem::at(PAGE, format!("{from} -> {to} does not point down")));
        }
    }
    problems
}

/// The page draws a line for every crate, and says in its text what it is.
pub(super) fn every_crate_is_listed(project: &Project) -> Vec<Problem> {
    let page = project.text(PAGE).unwrap_or_default();
    let drawn: BTreeSet<String> = drawn(project).into_iter().map(|(name, _)| name).collect();
    let mut problems = Vec::new();
    for name in project.graph.direct.keys() {
        if !drawn.contains(name) {
            problems.push(Problem::at(PAGE, format!("draws no line of arrows for {name}")));
        }
        if !page.contains(&format!("`{name}`")) {
            problems.push(Problem::at(PAGE, format!("does not say what `{name}` is")));
        }
    }
    problems
}

/// The arrows on the page, in the order of its lines.
fn drawn(project: &Project) -> Vec<(String, BTreeSet<String>)> {
    let page = project.text(PAGE).unwrap_or_default();
    let block = page.lines().skip_while(|line| line.trim() != "```arrows").skip(1);
    let lines = block.take_while(|line| line.trim() != "```");
    let arrows = lines.filter_map(|line| line.split_once("->"));
    let targets = |names: &str| {
        names.split(',').map(str::trim).filter(|name| !name.is_empty()).map(full_name).collect()
    };
    arrows.map(|(from, to)| (full_name(from.trim()), targets(to))).collect()
}

/// The arrows between the crates of the workspace that their manifests have.
fn built(project: &Project) -> BTreeMap<String, BTreeSet<String>> {
    let direct = &project.graph.direct;
    let ours =
        |names: &BTreeSet<String>| names.iter().filter(|name| direct.contains_key(*name)).cloned().collect();
    direct.iter().map(|(from, targets)| (from.clone(), ours(targets))).collect()
}

fn full_name(short: &str) -> String {
    if short == "xtask" { short.to_owned() } else { format!("rotakey-{short}") }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A project whose manifests have these arrows and whose page is this.
    fn project(manifests: &[(&str, &[&str])], page: &str) -> Project {
        let mut project = Project::of_files(&[(PAGE, page)]);
        for (from, targets) in manifests {
            let targets = targets.iter().map(|name| (*name).to_owned()).collect();
            project.graph.direct.insert((*from).to_owned(), targets);
        }
        project
    }

    fn said(problems: &[Problem]) -> Vec<String> {
        problems.iter().map(ToString::to_string).collect()
    }

    const MANIFESTS: &[(&str, &[&str])] =
        &[("rotakey-cli", &["rotakey-core", "clap"]), ("rotakey-core", &["serde"])];

    #[test]
    fn arrows_as_drawn_are_no_problem() {
        let project =
            project(MANIFESTS, "`rotakey-cli` `rotakey-core`\n```arrows\ncli -> core\ncore ->\n```\n");
        assert_eq!(as_drawn(&project), []);
        assert_eq!(point_down(&project), []);
        assert_eq!(every_crate_is_listed(&project), []);
    }

    #[test]
    fn an_arrow_that_is_not_drawn_is_found() {
        let project = project(MANIFESTS, "```arrows\ncli ->\ncore ->\n```");
        assert_eq!(
            said(&as_drawn(&project)),
            ["rotakey-cli: depends on rotakey-core, which ARCHITECTURE.md does not draw"]
        );
    }

    #[test]
    fn an_arrow_that_is_drawn_but_not_there_is_found() {
        let page = "```arrows\ncli -> core, engine\ncore ->\nserver ->\n```";
        assert_eq!(
            said(&as_drawn(&project(MANIFESTS, page))),
            [
                "ARCHITECTURE.md: draws rotakey-cli -> rotakey-engine, which its manifest does not have",
                "ARCHITECTURE.md: draws arrows of rotakey-server, which is no crate",
            ]
        );
    }

    #[test]
    fn an_arrow_that_points_up_or_to_nothing_is_found() {
        let project = project(MANIFESTS, "```arrows\ncore -> core\ncli -> core\n```");
        assert_eq!(
            said(&point_down(&project)),
            [
                "ARCHITECTURE.md: rotakey-core -> rotakey-core does not point down",
                "ARCHITECTURE.md: rotakey-cli -> rotakey-core does not point down",
            ]
        );
    }

    #[test]
    fn a_crate_that_the_page_leaves_out_is_found() {
        let project = project(MANIFESTS, "`rotakey-cli`\n```arrows\ncli -> core\n```");
        assert_eq!(
            said(&every_crate_is_listed(&project)),
            [
                "ARCHITECTURE.md: draws no line of arrows for rotakey-core",
                "ARCHITECTURE.md: does not say what `rotakey-core` is",
            ]
        );
    }
}
