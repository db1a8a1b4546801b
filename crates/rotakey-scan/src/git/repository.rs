//! Where the parts of a repository are, and whether they can be read here.

use std::collections::HashSet;
use std::io;
use std::path::{Path, PathBuf};

use super::config::{Config, ConfigError};
use super::environment::Environment;
use super::objects::ObjectFormat;
use super::path::{path_of, trimmed};
use crate::object_id::ObjectId;

/// A repository: where its parts are.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Repository {
    /// What is its own: `HEAD` and the index. Of a linked work tree, a folder in the repository that it is linked to.
    pub git_dir: PathBuf,
    /// What linked work trees have in common: references and objects.
    pub common_dir: PathBuf,
    /// The files; `None` for a bare repository.
    pub work_tree: Option<PathBuf>,
    /// The index, which need not exist.
    pub index_file: PathBuf,
    /// The objects.
    pub object_directory: PathBuf,
    /// More objects, beside those that `info/alternates` names.
    pub alternate_object_directories: Vec<PathBuf>,
    /// How objects are named.
    pub format: ObjectFormat,
    /// How references are kept.
    pub references: ReferenceStorage,
    /// Whether it is a partial clone: objects may be missing, and are to be had from a remote.
    pub partial: bool,
    /// The commits of a shallow clone whose parents were left behind.
    pub shallow: HashSet<ObjectId>,
}

/// How references are kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ReferenceStorage {
    /// A file for each, and `packed-refs`.
    Files,
    /// Sorted tables.
    Reftable,
}

/// A repository cannot be opened.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// There is none.
    #[error("{} is not in a git repository", path.display())]
    NotARepository {
        /// Where was looked.
        path: PathBuf,
    },
    /// A file of it cannot be read.
    #[error("cannot read {}: {source}", path.display())]
    Io {
        /// The file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// Its configuration cannot be read.
    #[error("cannot read {}: {source}", path.display())]
    Config {
        /// The file.
        path: PathBuf,
        /// Why.
        source: ConfigError,
    },
    /// Its layout is of a kind that is not known here.
    #[error("{} is a repository of a kind that is not known here: {what}", path.display())]
    Unsupported {
        /// The repository.
        path: PathBuf,
        /// What is not known.
        what: String,
    },
    /// A file that leads to its parts is damaged.
    #[error("{} is damaged: {what}", path.display())]
    Damaged {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        what: &'static str,
    },
}

impl Repository {
    /// Finds the repository that a folder is in: itself, or the nearest one above it. A `GIT_DIR` in the environment
    /// is taken at its word.
    pub fn discover(folder: &Path, environment: &Environment) -> Result<Self, OpenError> {
        let start =
            std::path::absolute(folder).map_err(|source| OpenError::Io { path: folder.into(), source })?;
        if let Some(git_dir) = &environment.git_dir {
            let named = start.join(git_dir);
            // As git does, since a submodule's `.git` may be named.
            let git_dir = if named.is_file() { linked(&named)? } else { named };
            if !is_git_dir(&git_dir)? {
                return Err(OpenError::NotARepository { path: git_dir });
            }
            return Self::at(git_dir, Some(start.clone()), &start, environment);
        }
        for folder in start.ancestors() {
            if let Some(found) = Self::look(folder, &start, environment)? {
                return Ok(found);
            }
        }
        Err(OpenError::NotARepository { path: start })
    }

    /// Opens the repository that a folder is: the top of a work tree, its `.git`, or a bare repository. Nothing above
    /// it is looked at; `None` if it is none.
    pub fn open(folder: &Path) -> Result<Option<Self>, OpenError> {
        let start =
            std::path::absolute(folder).map_err(|source| OpenError::Io { path: folder.into(), source })?;
        Self::look(&start, &start, &Environment::default())
    }

    fn look(folder: &Path, start: &Path, environment: &Environment) -> Result<Option<Self>, OpenError> {
        let dot_git = folder.join(".git");
        let work_tree = Some(folder.to_owned());
        if dot_git.is_dir() {
            if is_git_dir(&dot_git)? {
                return Self::at(dot_git, work_tree, start, environment).map(Some);
            }
        } else if dot_git.is_file() {
            let git_dir = linked(&dot_git)?;
            if !is_git_dir(&git_dir)? {
                return Err(OpenError::NotARepository { path: git_dir });
            }
            return Self::at(git_dir, work_tree, start, environment).map(Some);
        }
        if is_git_dir(folder)? {
            let work_tree = match folder.file_name() {
                Some(name) if name == ".git" => folder.parent().map(Path::to_owned),
                _ => None,
            };
            return Self::at(folder.to_owned(), work_tree, start, environment).map(Some);
        }
        Ok(None)
    }

    fn at(
        git_dir: PathBuf,
        work_tree: Option<PathBuf>,
        start: &Path,
        environment: &Environment,
    ) -> Result<Self, OpenError> {
        let common_dir = match &environment.common_dir {
            Some(common_dir) => start.join(common_dir),
            None => common_dir_of(&git_dir)?.unwrap_or_else(|| git_dir.clone()),
        };
        let config = config_of(&git_dir, &common_dir)?;
        let unsupported = |what: String| OpenError::Unsupported { path: git_dir.clone(), what };
        let (format, references) = layout(&config).map_err(unsupported)?;
        let work_tree = match &environment.work_tree {
            Some(work_tree) => Some(start.join(work_tree)),
            None => match config.get("core", "worktree") {
                Some(named) => Some(git_dir.join(path_of(named))),
                // What is linked is never bare, even where what it is linked to is.
                None if config.flag("core", "bare") == Some(true) && git_dir == common_dir => None,
                None => work_tree,
            },
        };
        let object_directory = match &environment.object_directory {
            Some(directory) => start.join(directory),
            None => common_dir.join("objects"),
        };
        Ok(Self {
            index_file: match &environment.index_file {
                Some(file) => start.join(file),
                None => git_dir.join("index"),
            },
            work_tree,
            object_directory,
            alternate_object_directories: environment
                .alternate_object_directories
                .iter()
                .map(|directory| start.join(directory))
                .collect(),
            format,
            references,
            partial: config.get("extensions", "partialclone").is_some()
                || config.any_of("remote", "promisor"),
            shallow: shallow(&common_dir, format)?,
            git_dir,
            common_dir,
        })
    }
}

/// What `HEAD`, objects and references stand in.
fn is_git_dir(folder: &Path) -> Result<bool, OpenError> {
    // A `HEAD` may be a symbolic link to a branch that does not exist yet.
    if folder.join("HEAD").symlink_metadata().is_err() {
        return Ok(false);
    }
    let common_dir = common_dir_of(folder)?.unwrap_or_else(|| folder.to_owned());
    Ok(common_dir.join("objects").is_dir() && common_dir.join("refs").exists())
}

/// Where a `.git` file leads.
fn linked(file: &Path) -> Result<PathBuf, OpenError> {
    let text = read_small(file)?.unwrap_or_default();
    let path = text
        .strip_prefix(b"gitdir:")
        .map(|path| trimmed(path).trim_ascii_start())
        .filter(|path| !path.is_empty())
        .ok_or_else(|| OpenError::Damaged { path: file.into(), what: "it does not begin with `gitdir:`" })?;
    Ok(file.parent().unwrap_or(file).join(path_of(path)))
}

fn common_dir_of(git_dir: &Path) -> Result<Option<PathBuf>, OpenError> {
    let text = read_small(&git_dir.join("commondir"))?;
    Ok(text.map(|text| git_dir.join(path_of(trimmed(&text)))))
}

fn config_of(git_dir: &Path, common_dir: &Path) -> Result<Config, OpenError> {
    let read = |path: PathBuf| Config::read(&path).map_err(|source| OpenError::Config { path, source });
    let mut config = read(common_dir.join("config"))?;
    if config.flag("extensions", "worktreeconfig") == Some(true) {
        config.extend(read(git_dir.join("config.worktree"))?);
    }
    Ok(config)
}

/// How objects are named and references are kept, if all of the layout is known.
fn layout(config: &Config) -> Result<(ObjectFormat, ReferenceStorage), String> {
    let version = config.get("core", "repositoryformatversion").unwrap_or(b"0");
    if version == b"0" {
        // What came with version 1 does not count, and git refuses to go on if it stands there.
        if let Some(key) = config.keys("extensions").find(|key| {
            matches!(
                *key,
                "noop-v1" | "objectformat" | "compatobjectformat" | "refstorage" | "relativeworktrees"
            )
        }) {
            return Err(format!("extension `{key}` in version 0"));
        }
        return Ok((ObjectFormat::Sha1, ReferenceStorage::Files));
    }
    if version != b"1" {
        return Err(format!("version {}", String::from_utf8_lossy(version)));
    }
    if let Some(key) = config.keys("extensions").find(|key| {
        !matches!(
            *key,
            "noop"
                | "noop-v1"
                | "partialclone"
                | "preciousobjects"
                | "worktreeconfig"
                | "objectformat"
                | "compatobjectformat"
                | "refstorage"
                | "relativeworktrees"
        )
    }) {
        return Err(format!("extension `{key}`"));
    }
    let format = match config.get("extensions", "objectformat") {
        None | Some(b"sha1") => ObjectFormat::Sha1,
        Some(b"sha256") => ObjectFormat::Sha256,
        Some(other) => return Err(format!("object format `{}`", String::from_utf8_lossy(other))),
    };
    let references = match config.get("extensions", "refstorage") {
        None | Some(b"files") => ReferenceStorage::Files,
        Some(b"reftable") => ReferenceStorage::Reftable,
        Some(other) => return Err(format!("reference storage `{}`", String::from_utf8_lossy(other))),
    };
    Ok((format, references))
}

fn shallow(common_dir: &Path, format: ObjectFormat) -> Result<HashSet<ObjectId>, OpenError> {
    let path = common_dir.join("shallow");
    let text = read_small(&path)?.unwrap_or_default();
    text.split(|byte| *byte == b'\n')
        .map(trimmed)
        .filter(|line| !line.is_empty())
        .map(|line| {
            ObjectId::from_hex(line).filter(|id| id.as_bytes().len() == format.length()).ok_or_else(|| {
                OpenError::Damaged { path: path.clone(), what: "a line of it is no object id" }
            })
        })
        .collect()
}

/// A small file; `None` if there is none.
fn read_small(path: &Path) -> Result<Option<Vec<u8>>, OpenError> {
    match std::fs::read(path) {
        Ok(text) => Ok(Some(text)),
        Err(error) if matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory) => {
            Ok(None)
        }
        Err(source) => Err(OpenError::Io { path: path.into(), source }),
    }
}

#[cfg(test)]
mod tests;
