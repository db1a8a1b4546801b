//! The Markdown documents.

use super::project::{Problem, Project};

/// Every link to a file of the project has its file, and every link to a heading its heading.
pub(super) fn links(project: &Project) -> Vec<Problem> {
    let mut problems = Vec::new();
    for (path, text) in project.ending(".md") {
        for (number, target) in targets(text) {
            if !is_elsewhere(target) && !exists(project, path, target) {
                problems.push(Problem::at_line(
                    path,
                    number,
                    format!("links to {target}, which is not there"),
                ));
            }
        }
    }
    problems
}

/// The changelog has the heading under which a change is written down.
pub(super) fn changelog(project: &Project) -> Vec<Problem> {
    let changelog = project.text("CHANGELOG.md").unwrap_or_default();
    let has_place = changelog.lines().any(|line| line.trim() == "## [Unreleased]");
    if has_place { Vec::new() } else { vec![Problem::at("CHANGELOG.md", "has no heading `## [Unreleased]`")] }
}

/// The targets of the links and pictures in a document, with their line numbers; not those in code.
fn targets(text: &str) -> Vec<(usize, &str)> {
    let mut found = Vec::new();
    for (number, line) in prose(text) {
        // Every second part of a line that is split at its backquotes is code.
        for part in line.split('`').step_by(2) {
            let rests = part.match_indices("](").map(|(start, _)| &part[start + 2..]);
            found.extend(rests.filter_map(|rest| rest.split_once(')')).map(|(target, _)| (number, target)));
        }
        let is_definition = line.starts_with('[') && !line.starts_with("[^");
        if let Some((_, target)) = line.split_once("]: ").filter(|_| is_definition) {
            found.push((number, target.trim()));
        }
    }
    found
}

/// The lines of a document, numbered from 1, without those of code blocks.
fn prose(text: &str) -> impl Iterator<Item = (usize, &str)> {
    let mut in_code = false;
    text.lines().enumerate().filter_map(move |(index, line)| {
        let is_fence = line.trim_start().starts_with("```");
        in_code ^= is_fence;
        (!in_code && !is_fence).then_some((index + 1, line))
    })
}

fn is_elsewhere(target: &str) -> bool {
    ["https://", "http://", "mailto:"].iter().any(|scheme| target.starts_with(scheme))
}

/// Whether the target, as written in the document at `path`, is there.
fn exists(project: &Project, path: &str, target: &str) -> bool {
    let (file, heading) = target.split_once('#').unwrap_or((target, ""));
    let file = if file.is_empty() { path.to_owned() } else { resolve(path, file) };
    let folder = format!("{}/", file.trim_end_matches('/'));
    let is_there = project.files.iter().any(|(found, _)| *found == file || found.starts_with(&folder));
    let has_heading = |text: &str| prose(text).any(|(_, line)| anchor(line).as_deref() == Some(heading));
    is_there && (heading.is_empty() || project.text(&file).is_some_and(has_heading))
}

/// The path below the root that a relative one in the document at `path` means.
fn resolve(path: &str, relative: &str) -> String {
    let mut parts: Vec<&str> = path.split('/').collect();
    parts.pop();
    for part in relative.split('/') {
        match part {
            "." | "" => {}
            ".." => {
                parts.pop();
            }
            name => parts.push(name),
        }
    }
    parts.join("/")
}

/// The anchor that the usual renderers give a heading; `None` for other lines.
fn anchor(line: &str) -> Option<String> {
    let title = line.strip_prefix('#')?.trim_start_matches('#').strip_prefix(' ')?;
    let kept = title.trim().chars().filter(|c| c.is_alphanumeric() || " -_".contains(*c));
    Some(kept.map(|c| if c == ' ' { '-' } else { c.to_ascii_lowercase() }).collect())
}

#[cfg(test)]
mod tests {
    use super::super::project::places;
    use super::*;

    #[test]
    fn a_link_to_a_missing_file_is_found() {
        let text =
            "[a](docs/a.md) and ![b](docs/b.svg)\n[c](https://example.com/c)\n`[d](d.md)`\n[e]: e.md\n";
        let found =
            places(links, &[("README.md", text), ("docs/a.md", "[up](../README.md), [all](..//docs)")]);
        assert_eq!(found, ["README.md:1", "README.md:4"]);
    }

    #[test]
    fn a_link_to_a_missing_heading_is_found() {
        let text =
            "# How it works\n[a](#how-it-works)\n[b](#why)\n[c](other.md#not-there)\n```\n[d](d.md)\n```\n";
        let found = places(links, &[("docs/a.md", text), ("docs/other.md", "## There")]);
        assert_eq!(found, ["docs/a.md:3", "docs/a.md:4"]);
    }

    #[test]
    fn a_changelog_without_a_place_for_the_next_change_is_found() {
        assert_eq!(places(changelog, &[("CHANGELOG.md", "# Changelog\n## [Unreleased]\n")]), [""; 0]);
        assert_eq!(places(changelog, &[("CHANGELOG.md", "# Changelog\n## [0.1.0]\n")]), ["CHANGELOG.md"]);
        assert_eq!(places(changelog, &[]), ["CHANGELOG.md"]);
    }
}
