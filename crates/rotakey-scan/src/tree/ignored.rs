//! What ignore files name.
//!
//! In a repository: the `.gitignore` files from its root down to the folder, its `.git/info/exclude`, and the user's own
//! (`core.excludesFile`), in this order of precedence. Everywhere: `.ignore` files, which come before all of these. As ripgrep
//! has it.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use ignore::Match;
use ignore::gitignore::{Gitignore, GitignoreBuilder};

use crate::coverage::{Reason, Unread};
use crate::scan::Scan;

/// What is ignored in one folder, and in those above it.
#[derive(Debug, Default)]
pub(super) struct Ignored {
    /// The folder above, as far as it has something to say.
    above: Option<Arc<Ignored>>,
    /// `.ignore`.
    own: Option<Gitignore>,
    /// `.gitignore`.
    git: Option<Gitignore>,
    /// `.git/info/exclude`, of the root of a repository.
    exclude: Option<Gitignore>,
    /// Whether this is the root of a repository.
    is_root: bool,
    /// Whether this is in a repository.
    is_git: bool,
}

/// Which ignore files a folder has.
#[derive(Debug, Default, Clone, Copy)]
pub(super) struct Files {
    pub(super) ignore: bool,
    pub(super) gitignore: bool,
    pub(super) git: bool,
}

impl Files {
    /// Notes a name in a folder.
    pub(super) fn note(&mut self, name: &[u8]) {
        match name {
            b".ignore" => self.ignore = true,
            b".gitignore" => self.gitignore = true,
            b".git" => self.git = true,
            _ => {}
        }
    }

    fn any(self) -> bool {
        self.ignore || self.gitignore || self.git
    }
}

impl Ignored {
    /// What is ignored at a path because of the folders above it.
    pub(super) fn above(path: &Path, scan: &Scan) -> Arc<Self> {
        let Ok(path) = std::path::absolute(path).and_then(|path| path.canonicalize()) else {
            return Arc::default();
        };
        let folders: Vec<&Path> = path.ancestors().skip(1).collect();
        folders.into_iter().rev().fold(Arc::default(), |above, folder| {
            let exists = |name: &str| folder.join(name).symlink_metadata().is_ok();
            let files =
                Files { ignore: exists(".ignore"), gitignore: exists(".gitignore"), git: exists(".git") };
            Self::within(&above, folder, files, scan)
        })
    }

    /// What is ignored in a folder that has these ignore files. The path is absolute.
    pub(super) fn within(above: &Arc<Self>, folder: &Path, files: Files, scan: &Scan) -> Arc<Self> {
        if !files.any() {
            return Arc::clone(above);
        }
        let read = |path: PathBuf| {
            let mut builder = GitignoreBuilder::new(folder);
            if let Some(error) = builder.add(&path)
                && !is_missing(&error)
            {
                // A line that is no pattern leaves out less than was meant, and the others hold.
                scan.unread(Unread {
                    place: path.display().to_string(),
                    reason: Reason::Io,
                    detail: format!("not all of it can be heeded: {error}"),
                });
            }
            builder.build().ok().filter(|patterns| !patterns.is_empty())
        };
        let is_git = above.is_git || files.git;
        Arc::new(Self {
            above: Some(Arc::clone(above)),
            own: files.ignore.then(|| read(folder.join(".ignore"))).flatten(),
            git: (files.gitignore && is_git).then(|| read(folder.join(".gitignore"))).flatten(),
            exclude: files.git.then(|| read(folder.join(".git/info/exclude"))).flatten(),
            is_root: files.git,
            is_git,
        })
    }

    /// Whether something in the folder is left out. The path is absolute.
    pub(super) fn is_ignored(&self, path: &Path, is_folder: bool, global: &Gitignore) -> bool {
        let chain = || std::iter::successors(Some(self), |ignored| ignored.above.as_deref());
        let answer = |patterns: &Gitignore| match patterns.matched(path, is_folder) {
            Match::None => None,
            Match::Ignore(_) => Some(true),
            Match::Whitelist(_) => Some(false),
        };
        let own = chain().filter_map(|ignored| ignored.own.as_ref()).find_map(answer);
        if own.is_some() || !self.is_git {
            return own == Some(true);
        }
        // What a repository that this one lies in ignores is of no matter here.
        let mut is_beyond = false;
        let repository: Vec<&Self> =
            chain().take_while(|ignored| !std::mem::replace(&mut is_beyond, ignored.is_root)).collect();
        let git = repository.iter().filter_map(|ignored| ignored.git.as_ref()).find_map(answer);
        let exclude = || repository.iter().filter_map(|ignored| ignored.exclude.as_ref()).find_map(answer);
        git.or_else(exclude).or_else(|| answer(global)) == Some(true)
    }

    /// Whether there is anything to ask.
    pub(super) fn is_silent(&self, global: &Gitignore) -> bool {
        let is_silent =
            |ignored: &Self| ignored.own.is_none() && ignored.git.is_none() && ignored.exclude.is_none();
        (!self.is_git || global.is_empty())
            && std::iter::successors(Some(self), |ignored| ignored.above.as_deref()).all(is_silent)
    }
}

fn is_missing(error: &ignore::Error) -> bool {
    error.io_error().is_some_and(|error| {
        matches!(error.kind(), std::io::ErrorKind::NotFound | std::io::ErrorKind::NotADirectory)
    })
}
