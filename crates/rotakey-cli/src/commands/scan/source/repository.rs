//! A repository, opened.

use std::path::{Path, PathBuf};

use rotakey_scan::git::config::Config;
use rotakey_scan::git::environment::Environment;
use rotakey_scan::git::objects::{Directories, ObjectStore};
use rotakey_scan::git::refs::References;
use rotakey_scan::git::repository::{OpenError, Repository};

use crate::error::CommandError;

/// A repository with its objects and references.
pub(super) struct Opened {
    pub(super) repository: Repository,
    pub(super) store: ObjectStore,
    pub(super) references: References,
}

impl Opened {
    /// The repository that a folder is in. What git tells its hooks in the environment is heeded.
    pub(super) fn find(folder: &Path) -> Result<Self, CommandError> {
        let environment = Environment::from_variables(|name| std::env::var_os(name));
        Self::of(Repository::discover(folder, &environment).map_err(not_opened)?)
    }

    /// With its objects and references.
    pub(super) fn of(repository: Repository) -> Result<Self, CommandError> {
        let directories = Directories {
            objects: Some(repository.object_directory.clone()),
            alternates: repository.alternate_object_directories.clone(),
        };
        let store =
            ObjectStore::open_with(&repository.git_dir, &directories).map_err(CommandError::incomplete)?;
        let references = References::read(&repository).map_err(CommandError::incomplete)?;
        Ok(Self { repository, store, references })
    }

    /// The folder that its paths count from.
    pub(super) fn root(&self) -> PathBuf {
        self.repository.work_tree.clone().unwrap_or_else(|| self.repository.git_dir.clone())
    }
}

/// The folder that git runs the hooks of a repository from.
pub(in super::super) fn hooks_folder(folder: &Path) -> Result<PathBuf, CommandError> {
    let environment = Environment::from_variables(|name| std::env::var_os(name));
    let repository = Repository::discover(folder, &environment).map_err(not_opened)?;
    let config = Config::read(&repository.common_dir.join("config")).map_err(CommandError::incomplete)?;
    let usual = repository.common_dir.join("hooks");
    Ok(match config.get("core", "hookspath").map(String::from_utf8_lossy) {
        Some(path) if !path.is_empty() => {
            let top = repository.work_tree.as_deref().unwrap_or(&repository.git_dir);
            top.join(path.as_ref())
        }
        _ => usual,
    })
}

pub(super) fn not_opened(error: OpenError) -> CommandError {
    let error = match error {
        error @ OpenError::NotARepository { .. } => {
            return CommandError::usage(error).hint("Name a repository, or go into one.");
        }
        error => error,
    };
    CommandError::incomplete(error)
}
