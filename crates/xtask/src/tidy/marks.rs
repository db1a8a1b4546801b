//! Marks in the sources: of work not done, of tests not run, of lints not obeyed.

use super::project::{Problem, Project, Source};

/// The longest that a source file may be. Our style asks for half of it.
const MOST_LINES: usize = 700;

/// No source file has more lines than one can keep in mind.
pub(super) fn length(project: &Project) -> Vec<Problem> {
    let lengths = project.sources().map(|source| (source.path, source.lines().count()));
    let too_long = lengths.filter(|(_, length)| *length > MOST_LINES);
    too_long.map(|(path, length)| Problem::at(path, format!("{length} lines; split it by subject"))).collect()
}

/// No code is a placeholder, and no comment promises a repair.
pub(super) fn unfinished(project: &Project) -> Vec<Problem> {
    let marks = ["todo!", "unimplemented!", "FIXME", "TODO"];
    project.sources().flat_map(|source| source.lines_with(&marks, "unfinished")).collect()
}

/// No test is there that is not run. One that another test of the file starts in a process of its own says
/// `#[ignore = "the child of name_of_that_test"]`.
pub(super) fn ignored_tests(project: &Project) -> Vec<Problem> {
    project.sources().flat_map(ignored).collect()
}

fn ignored(source: Source<'_>) -> Vec<Problem> {
    let is_run_by_another = |line: &str| {
        let parent = line.split_once("\"the child of ").and_then(|(_, rest)| rest.split_once('"'));
        parent.is_some_and(|(name, _)| source.text.contains(&format!("fn {name}(")))
    };
    let marked = source.lines().filter(|(_, line)| line.contains("#[ignore"));
    let idle = marked.filter(|(_, line)| !is_run_by_another(line));
    idle.map(|(number, _)| Problem::at_line(source.path, number, "a test that never runs")).collect()
}

/// No test waits for real time to pass: a virtual clock or a condition serves better. Where neither can,
/// a comment on the line before says why, beginning with `// Real time:`.
pub(super) fn sleeping_tests(project: &Project) -> Vec<Problem> {
    project.sources().flat_map(sleeps).collect()
}

fn sleeps(source: Source<'_>) -> Vec<Problem> {
    let first_test_line = source.first_test_line();
    let mut excused = false;
    let mut problems = Vec::new();
    for (number, line) in source.lines() {
        let sleeps = line.contains("thread::sleep(") || line.contains("time::sleep(");
        if sleeps && !excused && number >= first_test_line {
            problems.push(Problem::at_line(source.path, number, "a test that sleeps"));
        }
        excused = line.trim_start().starts_with("// Real time:");
    }
    problems
}

/// Lints are switched off by `expect`, which complains once it is no longer needed. That it gives its
/// reason is clippy's to check.
pub(super) fn allowed_lints(project: &Project) -> Vec<Problem> {
    let marks = ["#[allow(", "#![allow("];
    project.sources().flat_map(|source| source.lines_with(&marks, "use expect, with a reason")).collect()
}

#[cfg(test)]
mod tests {
    use super::super::project::places;
    use super::*;

    #[test]
    fn a_file_of_one_line_too_many_is_found() {
        let longest = "x\n".repeat(MOST_LINES);
        let too_long = "x\n".repeat(MOST_LINES + 1);
        assert_eq!(
            places(length, &[("a.rs", &longest), ("b.rs", &too_long), ("c.lock", &too_long)]),
            ["b.rs"]
        );
    }

    #[test]
    fn unfinished_code_is_found() {
        let text = "fn a() { todo!() }\nfn b() {}\n// FIXME: c\nunimplemented!()\n";
        assert_eq!(places(unfinished, &[("a.rs", text)]), ["a.rs:1", "a.rs:3", "a.rs:4"]);
    }

    #[test]
    fn a_test_that_never_runs_is_found() {
        assert_eq!(
            places(ignored_tests, &[("a.rs", "#[test]\n#[ignore = \"slow\"]\nfn a() {}")]),
            ["a.rs:2"]
        );
    }

    #[test]
    fn a_test_that_another_starts_may_be_ignored_as_long_as_that_one_is_there() {
        let child = "#[ignore = \"the child of parent\"]\nfn child() {}\n";
        let with_parent = format!("{child}#[test]\nfn parent() {{}}\n");
        assert_eq!(places(ignored_tests, &[("a.rs", child), ("b.rs", &with_parent)]), ["a.rs:1"]);
    }

    #[test]
    fn a_test_that_sleeps_is_found_and_the_product_may() {
        let product = "thread::sleep(d);\n#[cfg(test)]\nmod tests { fn a() {\nstd::thread::sleep(d); } }";
        let excused =
            "// Real time: the kernel's.\ntokio::time::sleep(d).await;\ntokio::time::sleep(d).await;";
        let found = places(sleeping_tests, &[("src/a.rs", product), ("tests/b.rs", excused)]);
        assert_eq!(found, ["src/a.rs:4", "tests/b.rs:3"]);
    }

    #[test]
    fn an_allowed_lint_is_found() {
        let text = "#![allow(dead_code)]\n#[expect(dead_code, reason = \"x\")]\n    #[allow(unused)]";
        assert_eq!(places(allowed_lints, &[("a.rs", text)]), ["a.rs:1", "a.rs:3"]);
    }
}
