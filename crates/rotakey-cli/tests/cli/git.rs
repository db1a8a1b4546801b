//! Git repositories, made by git itself, for tests.

use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use crate::support::Desk;

/// A repository in a folder of a desk.
pub(crate) struct Repository {
    folder: PathBuf,
}

impl Repository {
    /// An empty one, in the folder of that name.
    pub(crate) fn new(desk: &Desk, name: &str) -> Self {
        let repository = Self { folder: desk.path(name) };
        std::fs::create_dir_all(&repository.folder).unwrap();
        repository.git(&["init", "-q", "-b", "main"]);
        repository
    }

    /// Its folder.
    pub(crate) fn path(&self) -> &Path {
        &self.folder
    }

    /// Its folder as text.
    pub(crate) fn text(&self) -> &str {
        self.folder.to_str().unwrap()
    }

    /// Writes a file.
    pub(crate) fn write(&self, name: &str, content: impl AsRef<[u8]>) -> &Self {
        let path = self.folder.join(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, content).unwrap();
        self
    }

    /// Commits all that is there. Returns the commit.
    pub(crate) fn commit(&self, message: &str) -> String {
        self.git(&["add", "-A"]);
        self.git(&["commit", "-q", "--no-verify", "--allow-empty", "-m", message]);
        self.git(&["rev-parse", "HEAD"])
    }

    /// Runs git, which must succeed, and returns what it says.
    #[track_caller]
    pub(crate) fn git(&self, arguments: &[&str]) -> String {
        let output = self.try_git(arguments);
        let said = String::from_utf8_lossy(&output.stdout).trim().to_owned();
        assert!(output.status.success(), "git {arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
        said
    }

    /// Runs git with `rotakey` in its PATH.
    pub(crate) fn try_git(&self, arguments: &[&str]) -> Output {
        self.command("git").args(arguments).output().expect("git runs")
    }

    /// A program in the folder, with `rotakey` in its PATH.
    pub(crate) fn command(&self, program: impl AsRef<OsStr>) -> Command {
        let binary = Path::new(env!("CARGO_BIN_EXE_rotakey")).parent().unwrap();
        let mut command = Command::new(program);
        command.current_dir(&self.folder).env_clear();
        command.env("PATH", format!("{}:/usr/local/bin:/usr/bin:/bin", binary.display()));
        command.env("HOME", &self.folder).env("GIT_CONFIG_NOSYSTEM", "1");
        for role in ["AUTHOR", "COMMITTER"] {
            command.env(format!("GIT_{role}_NAME"), "Ann Example");
            command.env(format!("GIT_{role}_EMAIL"), "ann@example.com");
            command.env(format!("GIT_{role}_DATE"), "2026-11-01T10:00:00Z");
        }
        command.stdin(Stdio::null());
        command
    }
}
