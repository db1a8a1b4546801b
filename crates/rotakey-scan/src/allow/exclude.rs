//! `--exclude`: paths that are left out.

use ignore::gitignore::{Gitignore, GitignoreBuilder};

use crate::baseline::path::normal;

/// Patterns of paths, in the language of `.gitignore`: `*.min.js` anywhere, `/vendor` and `docs/*.md` from the root, `build/` a
/// folder. What is below an excluded folder is excluded.
#[derive(Debug, Clone)]
pub struct Exclude {
    patterns: Gitignore,
}

/// A pattern cannot be read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{pattern}` is not a pattern of paths: {why}")]
pub struct BadPattern {
    /// The pattern.
    pub pattern: String,
    /// What is wrong with it.
    pub why: String,
}

impl Exclude {
    /// Of patterns, of which a later one that begins with `!` takes back.
    pub fn new<P: AsRef<str>>(patterns: impl IntoIterator<Item = P>) -> Result<Self, BadPattern> {
        let mut builder = GitignoreBuilder::new("");
        for pattern in patterns {
            let pattern = pattern.as_ref();
            let bad = |why: String| BadPattern { pattern: pattern.to_owned(), why };
            builder.add_line(None, pattern).map_err(|error| bad(error.to_string()))?;
        }
        let patterns = builder.build();
        let patterns =
            patterns.map_err(|error| BadPattern { pattern: String::new(), why: error.to_string() })?;
        Ok(Self { patterns })
    }

    /// Excludes nothing.
    pub fn none() -> Self {
        Self { patterns: Gitignore::empty() }
    }

    /// Whether nothing is excluded.
    pub fn is_empty(&self) -> bool {
        self.patterns.is_empty()
    }

    /// Whether a path is excluded, relative to the root or absolute below it.
    pub fn excludes(&self, path: &str, is_folder: bool, root: Option<&str>) -> bool {
        let path = normal(path, root);
        let path = path.trim_start_matches('/');
        !path.is_empty() && self.patterns.matched_path_or_any_parents(path, is_folder).is_ignore()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns_are_those_of_git() {
        let exclude =
            Exclude::new(["*.min.js", "/vendor", "docs/*.md", "build/", "logs/**", "!logs/keep"]).unwrap();
        let excludes = |path: &str| exclude.excludes(path, false, Some("/repo"));
        for path in [
            "a.min.js",
            "./x/a.min.js",
            "vendor/a/b.go",
            "docs/a.md",
            "x/build/out",
            "logs/a/b",
            "/repo/vendor/x",
        ] {
            assert!(excludes(path), "{path}");
        }
        for path in ["a.js", "x/vendor/a.go", "docs/x/a.md", "build", "logs/keep", ""] {
            assert!(!excludes(path), "{path}");
        }
        assert!(exclude.excludes("build", true, None));
        assert!(Exclude::new(Vec::<String>::new()).unwrap().is_empty());
    }

    #[test]
    fn a_bad_pattern_is_refused() {
        assert_eq!(Exclude::new(["[z-a]"]).unwrap_err().pattern, "[z-a]");
    }
}
