//! Private virtual environments of Python.

use std::fs::File;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Instant;

use crate::apt;
use crate::failure::{Failure, While as _};
use crate::process;
use crate::repository::Repository;

/// The name that Python has on `PATH`.
const PYTHON: &str = "python3";

/// A virtual environment below `.test/`, and what must be installed in it.
pub(crate) struct Environment {
    folder: PathBuf,
    /// A requirements file of pip, with every version pinned.
    requirements: &'static str,
}

impl Environment {
    /// The environment of that name; nothing is made yet.
    pub(crate) fn new(repository: &Repository, name: &str, requirements: &'static str) -> Self {
        Self { folder: repository.scratch().join(name), requirements }
    }

    /// Where it is.
    pub(crate) fn folder(&self) -> &Path {
        &self.folder
    }

    /// A program of the environment, such as `python` or `aws`.
    pub(crate) fn program(&self, name: &str) -> PathBuf {
        self.folder.join("bin").join(name)
    }

    /// Makes the environment and installs what it needs, unless that has been done. Another task that does
    /// the same at the same time is waited for.
    pub(crate) fn install(&self) -> Result<(), Failure> {
        let shown = self.folder.display();
        let parent = self.folder.parent().expect("an environment has a name");
        std::fs::create_dir_all(parent).could_not(format!("make {}", parent.display()))?;
        let lock = File::create(self.folder.with_extension("lock")).could_not(format!("lock {shown}"))?;
        lock.lock().could_not(format!("lock {shown}"))?;

        if self.is_installed() {
            return Ok(());
        }
        println!("Installing Python packages into {shown}. This is done once and takes a minute or two.");
        let started = Instant::now();
        require_python()?;
        process::run(Command::new(PYTHON).args(["-m", "venv", "--clear"]).arg(&self.folder))?;
        let requirements = self.folder.join("requirements.txt");
        std::fs::write(&requirements, self.requirements)
            .could_not(format!("write {}", requirements.display()))?;
        let mut pip = Command::new(self.program("python"));
        pip.args(["-m", "pip", "install", "--quiet", "--no-input", "--disable-pip-version-check", "-r"]);
        process::run(pip.arg(&requirements)).map_err(|failure| {
            failure.hint("pip's message is above; Python 3.11 or later and a package index are needed")
        })?;
        std::fs::write(self.stamp(), self.requirements).could_not(format!("finish {shown}"))?;
        println!("Installed in {:.0} s.", started.elapsed().as_secs_f64());
        Ok(())
    }

    /// The stamp is written last and holds what was installed, so that a half-made environment and one
    /// with other pins are made anew. An environment also dies with the interpreter that it was made with.
    fn is_installed(&self) -> bool {
        std::fs::read_to_string(self.stamp()).is_ok_and(|installed| installed == self.requirements)
            && process::works(Command::new(self.program("python")).arg("--version"))
    }

    fn stamp(&self) -> PathBuf {
        self.folder.join("installed")
    }
}

/// Fails unless there is a Python that can make virtual environments. On Debian that is a package of its
/// own, which root gets installed here.
fn require_python() -> Result<(), Failure> {
    let find = || process::works(Command::new(PYTHON).args(["-c", "import venv, ensurepip"])).then_some(());
    let missing = || Failure::new("there is no python3 that can make virtual environments");
    apt::install(&["python3", "python3-venv"], find, missing)
}
