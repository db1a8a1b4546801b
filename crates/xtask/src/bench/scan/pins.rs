//! Which packages the corpora are made of.

use std::path::{Path, PathBuf};

/// The releases that the history is made of.
pub(super) const HISTORY: &str = include_str!("../../../requirements/scan-history.txt");

const TREE: &str = include_str!("../../../requirements/scan-tree.txt");

/// A package in one version.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Package {
    /// Whether it is one of npm, and not of PyPI.
    pub(super) is_npm: bool,
    /// As its client wants it: `name==1.0` or `name@1.0`.
    pub(super) specification: String,
    /// Whether it is one of the tree for slow tools.
    is_small: bool,
    /// Whether its files are imported into the history.
    is_in_history: bool,
}

impl Package {
    /// The name alone.
    pub(super) fn name(&self) -> &str {
        self.specification.split(['@', '=']).next().unwrap_or_default()
    }

    /// Its archive in the folder, if it has been fetched.
    pub(super) fn archive(&self, archives: &Path) -> Option<PathBuf> {
        let (name, version) = (self.name(), self.specification.rsplit(['@', '=']).next().unwrap_or_default());
        if self.is_npm {
            return Some(archives.join(format!("{name}-{version}.tgz"))).filter(|archive| archive.exists());
        }
        let start = format!("{}-{version}-", name.replace('-', "_"));
        let mut paths = std::fs::read_dir(archives).into_iter().flatten().flatten().map(|entry| entry.path());
        paths.find(|path| path.file_name().is_some_and(|name| name.to_string_lossy().starts_with(&start)))
    }
}

/// What the work tree is made of.
pub(super) fn tree() -> Vec<Package> {
    let lines = TREE.lines().filter(|line| !line.starts_with('#'));
    let package = |line: &str| {
        let mut words = line.split_whitespace();
        let is_npm = words.next()? == "npm";
        let specification = words.next()?.to_owned();
        let mark = words.next();
        let (is_small, is_in_history) = (mark == Some("small"), mark == Some("history"));
        Some(Package { is_npm, specification, is_small, is_in_history })
    };
    lines.filter_map(package).collect()
}

/// Those of them that make the tree for slow tools.
pub(super) fn small(packages: &[Package]) -> Vec<Package> {
    packages.iter().filter(|package| package.is_small).cloned().collect()
}

/// The one of them that is enough for a quick run.
pub(super) fn quick(packages: &[Package]) -> Vec<Package> {
    packages.iter().filter(|package| package.name() == "sphinx").cloned().collect()
}

/// Those of them that are imported into the history.
pub(super) fn imported(packages: &[Package]) -> Vec<Package> {
    packages.iter().filter(|package| package.is_in_history).cloned().collect()
}

/// The releases in a list such as [`HISTORY`].
pub(super) fn releases(list: &str) -> Vec<Package> {
    let words = list.lines().filter(|line| !line.starts_with('#')).flat_map(str::split_whitespace);
    let mut name = "";
    let mut releases = Vec::new();
    for word in words {
        match word.strip_suffix(':') {
            Some(package) => name = package,
            None => releases.push(Package {
                is_npm: true,
                specification: format!("{name}@{word}"),
                is_small: false,
                is_in_history: false,
            }),
        }
    }
    releases
}

/// A list of few releases, for a quick run.
pub(super) fn quick_history() -> String {
    let few = releases(HISTORY).into_iter().filter(|release| release.name() == "fastify").take(20);
    let versions = few.map(|release| release.specification.replace("fastify@", " ")).collect::<String>();
    format!("fastify:{versions}\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_versions_are_pinned() {
        let packages = tree();
        assert!(packages.len() > 10 && !small(&packages).is_empty());
        assert!(quick(&packages).len() == 1 && !imported(&packages).is_empty());
        assert!(releases(HISTORY).len() > 1_000);
        for package in packages.iter().chain(&releases(HISTORY)) {
            let version = package.specification.rsplit(['@', '=']).next().unwrap();
            assert!(version.starts_with(|first: char| first.is_ascii_digit()), "{package:?}");
        }
    }

    #[test]
    fn a_list_of_releases_is_read() {
        let read: Vec<String> = releases("# A\na: 1.0.0 1.1.0\n    2.0.0\nb: 3.0.0\n")
            .into_iter()
            .map(|one| one.specification)
            .collect();
        assert_eq!(read, ["a@1.0.0", "a@1.1.0", "a@2.0.0", "b@3.0.0"]);
        assert_eq!(releases(&quick_history()).len(), 20);
    }
}
