//! The crates and what they depend on, from `cargo metadata`.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use crate::failure::{Failure, While as _};

/// The dependencies of the workspace's crates that are part of what is shipped: neither those of tests nor
/// those of build scripts.
#[derive(Debug, Default)]
pub(super) struct Graph {
    /// For each crate of the workspace, the names of the packages that its manifest names.
    pub(super) direct: BTreeMap<String, BTreeSet<String>>,
    /// For each crate of the workspace, the names of all packages that are built for it.
    pub(super) transitive: BTreeMap<String, BTreeSet<String>>,
}

impl Graph {
    /// Reads what `cargo metadata --format-version 1` prints.
    pub(super) fn parse(metadata: &str) -> Result<Self, Failure> {
        let metadata: Value = serde_json::from_str(metadata).could_not("read cargo's metadata")?;
        Self::from_value(&metadata)
            .ok_or_else(|| Failure::new("cargo's metadata has another form than expected"))
    }

    fn from_value(metadata: &Value) -> Option<Self> {
        let mut names = BTreeMap::new();
        for package in metadata["packages"].as_array()? {
            names.insert(package["id"].as_str()?, package["name"].as_str()?);
        }
        let mut edges = BTreeMap::new();
        for node in metadata["resolve"]["nodes"].as_array()? {
            edges.insert(node["id"].as_str()?, shipped_dependencies(node)?);
        }
        let mut graph = Self::default();
        for member in metadata["workspace_members"].as_array()? {
            let member = member.as_str()?;
            let named = |ids: &BTreeSet<&str>| -> Option<BTreeSet<String>> {
                ids.iter().map(|id| names.get(id).map(|name| (*name).to_owned())).collect()
            };
            let name = (*names.get(member)?).to_owned();
            graph.direct.insert(name.clone(), named(edges.get(member)?)?);
            graph.transitive.insert(name, named(&reachable(member, &edges))?);
        }
        Some(graph)
    }
}

/// The ids of the packages that the node depends on otherwise than for tests and build scripts.
fn shipped_dependencies(node: &Value) -> Option<BTreeSet<&str>> {
    let mut shipped = BTreeSet::new();
    for dependency in node["deps"].as_array()? {
        let is_shipped = dependency["dep_kinds"].as_array()?.iter().any(|kind| kind["kind"].is_null());
        if is_shipped {
            shipped.insert(dependency["pkg"].as_str()?);
        }
    }
    Some(shipped)
}

/// All that can be reached from `start`, without `start`.
fn reachable<'a>(start: &'a str, edges: &BTreeMap<&'a str, BTreeSet<&'a str>>) -> BTreeSet<&'a str> {
    let mut found = BTreeSet::new();
    let mut open = vec![start];
    while let Some(id) = open.pop() {
        for &next in edges.get(id).into_iter().flatten() {
            if found.insert(next) {
                open.push(next);
            }
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    /// `app` uses `lib`, which uses `deep`; `app`'s tests use `testing`.
    const METADATA: &str = r#"{
        "packages": [
            {"id": "app#1", "name": "app"}, {"id": "lib#1", "name": "lib"},
            {"id": "deep#1", "name": "deep"}, {"id": "testing#1", "name": "testing"}
        ],
        "workspace_members": ["app#1"],
        "resolve": {"nodes": [
            {"id": "app#1", "deps": [
                {"pkg": "lib#1", "dep_kinds": [{"kind": null}, {"kind": "dev"}]},
                {"pkg": "testing#1", "dep_kinds": [{"kind": "dev"}]}
            ]},
            {"id": "lib#1", "deps": [{"pkg": "deep#1", "dep_kinds": [{"kind": null}]}]},
            {"id": "deep#1", "deps": []},
            {"id": "testing#1", "deps": []}
        ]}
    }"#;

    #[test]
    fn what_only_tests_use_is_no_dependency() {
        let graph = Graph::parse(METADATA).unwrap();
        assert_eq!(graph.direct["app"], BTreeSet::from(["lib".to_owned()]));
        assert_eq!(graph.transitive["app"], BTreeSet::from(["deep".to_owned(), "lib".to_owned()]));
    }

    #[test]
    fn metadata_of_another_form_is_an_error_and_not_an_empty_graph() {
        assert!(Graph::parse("{}").is_err());
        assert!(Graph::parse("not JSON").is_err());
    }
}
