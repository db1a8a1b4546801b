//! A profile in an AWS shared credentials file.
//!
//! All three slots are profiles of the one file, so that one rename changes them together: `[alice]` is the
//! current pair, `[alice.rotakey-pending]` and `[alice.rotakey-previous]` are there only while they hold
//! something. Every other byte of the file stays as it is.

use std::path::{Path, PathBuf};

use rotakey_engine::port::PortError;

use crate::destination::credentials_file::document::{Document, Problem};
use crate::destination::exclusive::{self, Exclusive};
use crate::destination::io::{conflict, invalid, read};
use crate::destination::{Pairs, SlotFile};

mod document;

pub(super) struct CredentialsFile {
    path: PathBuf,
    current: String,
    pending: String,
    previous: String,
}

impl CredentialsFile {
    /// Fails if no line of such a file could name the profile.
    pub(super) fn new(path: &Path, profile: &str) -> Result<Self, PortError> {
        let nameable = !profile.is_empty()
            && profile.trim() == profile
            && !profile.chars().any(|char| char.is_control() || "[]#;\"'".contains(char));
        if !nameable {
            let message = format!("{profile:?} cannot be the name of a profile");
            return Err(invalid("open", path, message));
        }
        Ok(Self {
            path: path.to_owned(),
            current: profile.to_owned(),
            pending: format!("{profile}.rotakey-pending"),
            previous: format!("{profile}.rotakey-previous"),
        })
    }

    fn refuse(&self, problem: Problem) -> PortError {
        if problem.is_unreadable() {
            invalid("read", &self.path, problem.to_string())
        } else {
            conflict("read", &self.path, problem.to_string())
        }
    }

    fn slots(&self, document: &Document) -> Result<Pairs, Problem> {
        Ok(Pairs {
            pending: document.pair(&self.pending)?,
            current: document.pair(&self.current)?,
            previous: document.pair(&self.previous)?,
        })
    }
}

impl SlotFile for CredentialsFile {
    type State = Document;

    fn path(&self) -> &Path {
        &self.path
    }

    fn check(&self) -> Result<(), PortError> {
        exclusive::check(&self.path)?;
        self.load().map(drop)
    }

    fn load(&self) -> Result<(Document, Pairs), PortError> {
        let bytes = read(&self.path)?.unwrap_or_default();
        let document = Document::parse(&bytes).map_err(|problem| self.refuse(problem))?;
        let slots = self.slots(&document).map_err(|problem| self.refuse(problem))?;
        Ok((document, slots))
    }

    fn save(&self, file: &Exclusive, mut document: Document, slots: &Pairs) -> Result<(), PortError> {
        let before = document.render();
        let wanted = [
            (&self.current, &slots.current),
            (&self.pending, &slots.pending),
            (&self.previous, &slots.previous),
        ];
        for (profile, pair) in wanted {
            match pair {
                Some(pair) => document.set(profile, pair),
                None if profile == &self.current => Ok(()),
                None => document.remove(profile),
            }
            .map_err(|problem| self.refuse(problem))?;
        }
        let after = document.render();
        if before == after { Ok(()) } else { file.replace(file.target(), &after) }
    }
}

#[cfg(test)]
mod tests;
