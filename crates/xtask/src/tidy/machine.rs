//! Traces of the machine that something was written on.

use super::project::{Problem, Project};

/// Folders that only somebody's machine has. Home folders of invented users serve as examples, so they
/// are not among them.
const PATHS: &[&str] = &["/root/", "/work/", "/tmp/brief", "/Users/"];

/// Settings that point a package manager elsewhere than its public registry.
const MIRRORS: &[&str] = &["index-url", "find-links", "replace-with", "registry-auth"];

/// The one registry that `Cargo.lock` may name.
const REGISTRY: &str = "registry+https://github.com/rust-lang/crates.io-index";

/// No file names a folder of somebody's machine.
pub(super) fn paths(project: &Project) -> Vec<Problem> {
    matching(project, |line| {
        PATHS.iter().find(|path| names_folder(line, path)).map(|path| format!("names {path}"))
    })
}

/// Whether the line has the path, and not as the end of a longer one such as `docs/work/`.
fn names_folder(line: &str, path: &str) -> bool {
    let mut before = line.match_indices(path).map(|(start, _)| line[..start].chars().next_back());
    before.any(|character| character.is_none_or(|c| !c.is_alphanumeric() && !"-_.}/".contains(c)))
}

/// Whoever clones the project can fetch all that it needs: no setting names a private mirror, and all
/// locked packages come from the public registry.
pub(super) fn registries(project: &Project) -> Vec<Problem> {
    matching(project, |line| {
        let mirror = MIRRORS.iter().find(|mirror| line.contains(**mirror));
        let source = line.strip_prefix("source = \"").map(|rest| rest.trim_end_matches('"'));
        let foreign = source.filter(|source| *source != REGISTRY);
        mirror.copied().or(foreign).map(|what| format!("points to a private registry: {what}"))
    })
}

/// A problem for each line of which `complaint` has something to say; the checks' own sources are left out.
fn matching(project: &Project, complaint: impl Fn(&str) -> Option<String>) -> Vec<Problem> {
    let mut problems = Vec::new();
    for (path, text) in project.ending("").filter(|(path, _)| !path.starts_with("crates/xtask/src/tidy/")) {
        for (index, line) in text.lines().enumerate() {
            problems.extend(complaint(line).map(|what| Problem::at_line(path, index + 1, what)));
        }
    }
    problems
}

#[cfg(test)]
mod tests {
    use super::super::project::places;
    use super::*;

    #[test]
    fn a_path_of_a_machine_is_found() {
        let text = "see /home/alice/.aws\ncd /root/rotakey\n`/work/main`\ndocs/work/plan.md\n";
        assert_eq!(places(paths, &[("README.md", text)]), ["README.md:2", "README.md:3"]);
    }

    #[test]
    fn a_private_registry_is_found() {
        let lock = "source = \"registry+https://github.com/rust-lang/crates.io-index\"\n\
                    source = \"registry+https://packages.example.com/index\"\n";
        let ci = "pip install --index-url https://packages.example.com/simple moto\n";
        assert_eq!(
            places(registries, &[("Cargo.lock", lock), (".ci/run", ci)]),
            ["Cargo.lock:2", ".ci/run:1"]
        );
    }
}
