//! The checkout that the tasks work on.

use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::Value;

use crate::failure::{Failure, While as _};
use crate::process;

/// The root of the checkout, and the files that git knows in it.
pub(crate) struct Repository {
    root: PathBuf,
}

impl Repository {
    /// The checkout that this program was built from.
    pub(crate) fn here() -> Self {
        let package = Path::new(env!("CARGO_MANIFEST_DIR"));
        let root = package.ancestors().nth(2).expect("the package is two folders below the root");
        Self { root: root.to_owned() }
    }

    /// The root folder.
    pub(crate) fn root(&self) -> &Path {
        &self.root
    }

    /// The folder for what the tasks install and leave behind; not tracked by git.
    pub(crate) fn scratch(&self) -> PathBuf {
        self.root.join(".test")
    }

    /// A command that starts in the root folder.
    pub(crate) fn command(&self, program: &str) -> Command {
        let mut command = Command::new(program);
        command.current_dir(&self.root);
        command
    }

    /// The cargo that runs us.
    pub(crate) fn cargo(&self) -> Command {
        self.command(&std::env::var("CARGO").unwrap_or_else(|_| "cargo".to_owned()))
    }

    /// The folder that cargo builds in.
    pub(crate) fn target(&self) -> Result<PathBuf, Failure> {
        let metadata =
            process::capture(self.cargo().args(["metadata", "--format-version", "1", "--no-deps"]))?;
        let metadata: Value = serde_json::from_str(&metadata).could_not("read cargo's metadata")?;
        Ok(PathBuf::from(metadata["target_directory"].as_str().unwrap_or("target")))
    }

    /// The text files of the project, as paths below the root with their content: those that git tracks
    /// and those that it would track if they were added. Files that are not UTF-8 are left out.
    pub(crate) fn files(&self) -> Result<Vec<(String, String)>, Failure> {
        let listed = process::capture(self.command("git").args([
            "ls-files",
            "-z",
            "--cached",
            "--others",
            "--exclude-standard",
        ]))?;
        let mut files = Vec::new();
        for path in listed.split_terminator('\0') {
            let full = self.root.join(path);
            // A file may be deleted and not yet committed so, and a link may point to a folder.
            if !full.is_file() {
                continue;
            }
            let bytes = std::fs::read(&full).could_not(format!("read {path}"))?;
            if let Ok(text) = String::from_utf8(bytes) {
                files.push((path.to_owned(), text));
            }
        }
        Ok(files)
    }
}
