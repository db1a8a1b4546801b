//! Variables in a dotenv file.
//!
//! Applications read `.env` and find the values of the current pair, which one rename replaces together. The other
//! slots live in a second file beside it, `.env.rotakey`, that only its owner can read: the
//! [journal](super::journal). Every other byte of the file stays as it is.

use std::path::{Path, PathBuf};

use rotakey_core::destination::Values;
use rotakey_core::rotate::Held;
use rotakey_core::secret::AccessKeyPair;
use rotakey_engine::port::PortError;

use crate::destination::dotenv_file::document::{Document, Problem, check_name};
use crate::destination::exclusive::{self, Exclusive, sibling};
use crate::destination::io::{conflict, invalid, read, resolve};
use crate::destination::journal::{Journal, Step};
use crate::destination::named::{SESSION_TOKEN, Standing, keep};
use crate::destination::{Pairs, SlotFile, stand_in};

mod document;

pub(super) struct DotenvFile {
    path: PathBuf,
    values: Values,
}

/// What was read of both files.
pub(super) struct State {
    document: Document,
    standing: Standing,
    journal: Journal,
}

impl DotenvFile {
    /// Fails if no line of such a file could name one of the variables.
    pub(super) fn new(path: &Path, values: &Values) -> Result<Self, PortError> {
        values
            .iter()
            .try_for_each(|(name, _)| check_name(name))
            .map_err(|problem| invalid("open", path, problem.to_string()))?;
        Ok(Self { path: path.to_owned(), values: values.clone() })
    }

    fn refuse(&self, problem: &Problem) -> PortError {
        let refuse = if problem.is_invalid() { invalid } else { conflict };
        refuse("read", &self.path, problem.to_string())
    }

    fn journal_path(&self) -> Result<PathBuf, PortError> {
        Ok(sibling(&resolve(&self.path)?, "", ".rotakey"))
    }

    fn read_document(&self) -> Result<Document, PortError> {
        let bytes = read(&self.path)?.unwrap_or_default();
        Document::parse(&bytes).map_err(|problem| self.refuse(&problem))
    }

    fn read_journal(&self) -> Result<Journal, PortError> {
        let path = self.journal_path()?;
        let Some(plain) = read(&path)? else { return Ok(Journal::default()) };
        Journal::parse(&plain).map_err(|why| conflict("read", &path, why))
    }

    fn recognise(&self, document: &Document, journal: &Journal) -> Result<Standing, PortError> {
        let names = self.values.iter().map(|(name, _)| name).chain([SESSION_TOKEN]);
        for name in names {
            document.value(name).map_err(|problem| self.refuse(&problem))?;
        }
        Standing::recognise(&self.values, journal, |name| document.value(name).ok().flatten())
            .map_err(|why| conflict("read", &self.path, why.to_string()))
    }

    fn put(&self, document: &mut Document, pair: &AccessKeyPair) -> Result<(), PortError> {
        for (name, value) in self.values.render(pair) {
            document.set(name, &value).map_err(|problem| self.refuse(&problem))?;
        }
        Ok(())
    }
}

impl SlotFile for DotenvFile {
    type State = State;

    fn path(&self) -> &Path {
        &self.path
    }

    fn check(&self) -> Result<(), PortError> {
        exclusive::check(&self.path)?;
        exclusive::check(&self.journal_path()?)?;
        self.load()?;
        // Written into a copy that is thrown away: a value that no quotes can hold shows now.
        self.put(&mut self.read_document()?, &stand_in())
    }

    fn load(&self) -> Result<(State, Pairs), PortError> {
        // The two files are read without a lock. If the first one is the same before and after, then the
        // journal is one that belonged to it at some moment, and every such journal is read right.
        let mut document = self.read_document()?;
        let journal = loop {
            let journal = self.read_journal()?;
            let again = self.read_document()?;
            if again.render() == document.render() {
                break journal;
            }
            document = again;
        };
        let standing = self.recognise(&document, &journal)?;
        let slots = journal.slots(standing.pair.as_ref());
        Ok((State { document, standing, journal }, slots))
    }

    fn unknown<'a>(&self, state: &'a State) -> Option<&'a Held> {
        state.standing.unknown.as_ref()
    }

    fn save(&self, file: &Exclusive, mut state: State, slots: &Pairs) -> Result<(), PortError> {
        let journal_path = sibling(file.target(), "", ".rotakey");
        let renew = !state.standing.exact;
        let steps = state.journal.steps(state.standing.pair.as_ref(), slots, keep(&self.values), renew);
        for step in steps {
            match step {
                Step::Journal(journal) if journal.is_empty() => file.remove(&journal_path)?,
                Step::Journal(journal) => file.replace(&journal_path, &journal.render())?,
                Step::Current(pair) => {
                    self.put(&mut state.document, pair)?;
                    file.replace(file.target(), &state.document.render())?;
                }
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests;
