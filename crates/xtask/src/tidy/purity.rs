//! Absences: what crates never depend on and never call.

use super::project::{Problem, Project};

/// The crates that only decide: time, randomness and facts are arguments there.
const DOMAIN: &[&str] = &["rotakey-core", "rotakey-iam-policy"];

/// Packages that act: they run tasks, open connections and files, or make up random numbers.
const ACTING: &[&str] = &[
    "async-trait",
    "fastrand",
    "futures",
    "getrandom",
    "hyper",
    "mio",
    "rand",
    "reqwest",
    "rustix",
    "socket2",
    "sqlx",
    "tempfile",
    "tokio",
    "ureq",
];

/// Parts of the standard library that act, and the word that makes functions asynchronous.
const ACTING_CALLS: &[&str] = &[
    "std::env",
    "std::fs",
    "TcpStream",
    "UdpSocket",
    "std::process",
    "std::thread",
    "std::time::Instant",
    "std::time::SystemTime",
    "async fn",
    "async {",
    "async move",
];

/// Only `rotakey-aws` depends on the crates of the AWS SDK.
pub(super) fn the_sdk_has_one_home(project: &Project) -> Vec<Problem> {
    let mut problems = Vec::new();
    for (name, dependencies) in project.graph.direct.iter().filter(|(name, _)| *name != "rotakey-aws") {
        for dependency in dependencies.iter().filter(|dependency| dependency.starts_with("aws-")) {
            problems.push(Problem::at(name, format!("depends on {dependency}; only rotakey-aws may")));
        }
    }
    problems
}

/// No crate of the domain depends on a package that acts, not even through another.
pub(super) fn no_acting_dependency(project: &Project) -> Vec<Problem> {
    let mut problems = Vec::new();
    for name in DOMAIN {
        let dependencies = project.graph.transitive.get(*name).into_iter().flatten();
        let is_acting =
            |dependency: &&String| ACTING.contains(&dependency.as_str()) || dependency.starts_with("aws-");
        for dependency in dependencies.filter(is_acting) {
            problems.push(Problem::at(*name, format!("depends on {dependency}, which acts")));
        }
    }
    problems
}

/// No crate of the domain calls what acts, outside its tests.
pub(super) fn no_acting_call(project: &Project) -> Vec<Problem> {
    let mut problems = Vec::new();
    let folders: Vec<String> = DOMAIN.iter().map(|name| format!("crates/{name}/src/")).collect();
    for source in
        project.sources().filter(|source| folders.iter().any(|folder| source.path.starts_with(folder)))
    {
        let first_test_line = source.first_test_line();
        for (number, line) in source.lines().take_while(|(number, _)| *number < first_test_line) {
            let code = line.split("//").next().unwrap_or_default();
            for call in ACTING_CALLS.iter().filter(|call| code.contains(**call)) {
                let what = format!("`{call}`: this crate decides and never acts");
                problems.push(Problem::at_line(source.path, number, what));
            }
        }
    }
    problems
}

#[cfg(test)]
mod tests {
    use super::super::project::places;
    use super::*;

    #[test]
    fn a_second_home_of_the_sdk_is_found() {
        let mut project = Project::of_files(&[]);
        for name in ["rotakey-aws", "rotakey-cli"] {
            project.graph.direct.insert(name.to_owned(), ["aws-sdk-iam".to_owned()].into());
        }
        let problems = the_sdk_has_one_home(&project);
        assert_eq!(problems, [Problem::at("rotakey-cli", "depends on aws-sdk-iam; only rotakey-aws may")]);
    }

    #[test]
    fn an_acting_dependency_of_the_domain_is_found_though_it_is_indirect() {
        let mut project = Project::of_files(&[]);
        let tokio = || ["serde".to_owned(), "tokio".to_owned()].into();
        project.graph.transitive.insert("rotakey-core".to_owned(), tokio());
        project.graph.transitive.insert("rotakey-engine".to_owned(), tokio());
        assert_eq!(
            no_acting_dependency(&project),
            [Problem::at("rotakey-core", "depends on tokio, which acts")]
        );
    }

    #[test]
    fn an_acting_call_in_the_domain_is_found_but_not_in_its_tests_and_comments() {
        let core =
            "fn load() { std::fs::read(x) }\n// std::env\n#[cfg(test)]\nmod tests { std::fs::read(y) }\n";
        let found = places(
            no_acting_call,
            &[
                ("crates/rotakey-core/src/lib.rs", core),
                ("crates/rotakey-cli/src/main.rs", core),
                ("crates/rotakey-iam-policy/src/lib.rs", "async fn fetch() {}"),
            ],
        );
        assert_eq!(found, ["crates/rotakey-core/src/lib.rs:1", "crates/rotakey-iam-policy/src/lib.rs:1"]);
    }

    #[test]
    fn a_module_that_only_tests_have_may_act_though_it_is_a_file_of_its_own() {
        let found = places(
            no_acting_call,
            &[
                ("crates/rotakey-core/src/rotate/mod.rs", "mod next;\n#[cfg(test)]\nmod stories;\n"),
                ("crates/rotakey-core/src/rotate/next.rs", "#[cfg(test)]\nmod tests;\nuse std::env;\n"),
                ("crates/rotakey-core/src/rotate/next/tests.rs", "use std::env;\n"),
                ("crates/rotakey-core/src/rotate/plan.rs", "use std::env;\n"),
                ("crates/rotakey-core/src/rotate/stories.rs", "use std::env;\n"),
                ("crates/rotakey-core/src/rotate/stories/scene.rs", "use std::env;\n"),
            ],
        );
        assert_eq!(found, ["crates/rotakey-core/src/rotate/plan.rs:1"]);
    }
}
