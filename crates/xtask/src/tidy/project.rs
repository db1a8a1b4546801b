//! What the checks look at, and what they say.

use std::fmt;

use super::graph::Graph;

/// A check: everything that is wrong with the project in its view.
pub(super) type Check = fn(&Project) -> Vec<Problem>;

/// The project: its text files and its crates.
pub(super) struct Project {
    /// Paths below the root, and contents.
    pub(super) files: Vec<(String, String)>,
    /// The crates of the workspace and all that they depend on.
    pub(super) graph: Graph,
}

impl Project {
    /// The content of the file at exactly that path.
    pub(super) fn text(&self, path: &str) -> Option<&str> {
        self.files.iter().find(|(found, _)| found == path).map(|(_, text)| text.as_str())
    }

    /// The files whose path ends so, such as `.md`.
    pub(super) fn ending(&self, ending: &str) -> impl Iterator<Item = (&str, &str)> {
        let files = self.files.iter().filter(move |(path, _)| path.ends_with(ending));
        files.map(|(path, text)| (path.as_str(), text.as_str()))
    }

    /// The Rust sources, but for those of the checks themselves: they hold examples of what is wrong.
    pub(super) fn sources(&self) -> impl Iterator<Item = Source<'_>> {
        let test_modules: Vec<String> =
            self.ending(".rs").flat_map(|(path, text)| test_modules(path, text)).collect();
        let files = self.ending(".rs").filter(|(path, _)| !path.starts_with("crates/xtask/src/tidy"));
        files.map(move |(path, text)| {
            let in_module = |module: &String| {
                path.strip_prefix(module.as_str()).is_some_and(|rest| rest.starts_with(['/', '.']))
            };
            let is_test =
                path.split('/').any(|folder| folder == "tests") || test_modules.iter().any(in_module);
            Source { path, text, is_test }
        })
    }

    #[cfg(test)]
    pub(super) fn of_files(files: &[(&str, &str)]) -> Self {
        let files = files.iter().map(|(path, text)| ((*path).to_owned(), (*text).to_owned())).collect();
        Self { files, graph: Graph::default() }
    }
}

/// A Rust source file.
#[derive(Clone, Copy)]
pub(super) struct Source<'a> {
    pub(super) path: &'a str,
    pub(super) text: &'a str,
    /// Whether all of it is test code.
    is_test: bool,
}

impl<'a> Source<'a> {
    /// The lines that hold one of the texts, as problems of that description.
    pub(super) fn lines_with(self, needles: &[&str], what: &str) -> Vec<Problem> {
        let hits = self.lines().filter(|(_, line)| needles.iter().any(|needle| line.contains(needle)));
        hits.map(|(number, _)| Problem::at_line(self.path, number, what)).collect()
    }

    /// The lines with their numbers, counted from 1.
    pub(super) fn lines(self) -> impl Iterator<Item = (usize, &'a str)> {
        self.text.lines().enumerate().map(|(index, line)| (index + 1, line))
    }

    /// The number of the first line that is test code. By our style the tests of a file come last.
    pub(super) fn first_test_line(self) -> usize {
        if self.is_test {
            return 1;
        }
        let marked = self.lines().find(|(_, line)| line.trim_start().starts_with("#[cfg(test)]"));
        marked.map_or(usize::MAX, |(number, _)| number)
    }
}

/// The paths, without their endings, of the modules that the file declares for tests in files of their own.
fn test_modules(path: &str, text: &str) -> Vec<String> {
    let (folder, file) = path.rsplit_once('/').unwrap_or(("", path));
    let base = match file {
        "lib.rs" | "main.rs" | "mod.rs" => folder.to_owned(),
        _ => path.trim_end_matches(".rs").to_owned(),
    };
    let pairs = text.lines().zip(text.lines().skip(1));
    let declared = pairs.filter(|(attribute, _)| attribute.trim() == "#[cfg(test)]");
    let names = declared.filter_map(|(_, line)| line.trim().strip_suffix(';')?.rsplit_once("mod "));
    names.map(|(_, name)| format!("{base}/{name}")).collect()
}

/// Something that is wrong, and where.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Problem {
    place: String,
    what: String,
}

impl Problem {
    /// A problem of a file or a crate.
    pub(super) fn at(place: impl Into<String>, what: impl Into<String>) -> Self {
        Self { place: place.into(), what: what.into() }
    }

    /// A problem of a line, counted from 1.
    pub(super) fn at_line(path: &str, number: usize, what: impl Into<String>) -> Self {
        Self::at(format!("{path}:{number}"), what)
    }

    /// Where it is: for the tests of the checks.
    #[cfg(test)]
    pub(super) fn place(&self) -> &str {
        &self.place
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.place, self.what)
    }
}

/// Where the problems are that a check finds in these files.
#[cfg(test)]
pub(super) fn places(check: Check, files: &[(&str, &str)]) -> Vec<String> {
    let problems = check(&Project::of_files(files));
    problems.iter().map(|problem| problem.place().to_owned()).collect()
}
