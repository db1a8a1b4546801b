//! A file encrypted with age.
//!
//! Applications decrypt `alice.age` and find `{"AccessKeyId": …, "SecretAccessKey": …}`: the current pair,
//! plain, without the other slots. Those live in a second file beside it, `alice.age.rotakey`, encrypted to
//! the same recipients: the [journal](super::journal).

use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};

use age::armor::{ArmoredReader, ArmoredWriter, Format};
use age::x25519::{Identity, Recipient};
use age::{DecryptError, Decryptor, Encryptor};
use rotakey_core::secret::AccessKeyPair;
use rotakey_engine::port::{PortError, PortErrorKind};
use zeroize::Zeroizing;

use crate::destination::age_file::content::Extra;
use crate::destination::exclusive::{self, Exclusive, sibling};
use crate::destination::io::{conflict, failed, invalid, read, resolve, shown};
use crate::destination::journal::{Current, Journal, Step};
use crate::destination::{Pairs, SlotFile};
use crate::identity;

mod content;

pub(super) struct AgeFile {
    path: PathBuf,
    recipients: Vec<String>,
    identity: PathBuf,
}

/// What was read of both files.
pub(super) struct State {
    current: Option<AccessKeyPair>,
    extra: Extra,
    journal: Journal,
}

impl AgeFile {
    pub(super) fn new(path: &Path, recipients: &[String], identity: &Path) -> Self {
        Self { path: path.to_owned(), recipients: recipients.to_owned(), identity: identity.to_owned() }
    }

    fn recipients(&self) -> Result<Vec<Recipient>, PortError> {
        let parse = |(index, text): (usize, &String)| {
            // Not shown: somebody may have put the identity here in place of its recipient.
            let message = format!("recipient {} is not an X25519 recipient (age1…)", index + 1);
            text.parse().map_err(|_| invalid("encrypt", &self.path, message))
        };
        let recipients: Vec<Recipient> =
            self.recipients.iter().enumerate().map(parse).collect::<Result<_, _>>()?;
        if recipients.is_empty() {
            return Err(invalid("encrypt", &self.path, "no recipient is configured"));
        }
        Ok(recipients)
    }

    fn identities(&self) -> Result<Vec<Identity>, PortError> {
        identity::read(&self.identity).map_err(|error| match error.kind {
            // A missing identity is a wrong configuration; a missing destination would be none.
            PortErrorKind::NotFound => PortError { kind: PortErrorKind::Invalid, ..error },
            _ => error,
        })
    }

    fn encrypt(&self, plain: &[u8]) -> Result<Vec<u8>, PortError> {
        let recipients = self.recipients()?;
        let dynamic = recipients.iter().map(|recipient| recipient as &dyn age::Recipient);
        let encryptor = Encryptor::with_recipients(dynamic)
            .map_err(|_| invalid("encrypt", &self.path, "the recipients cannot be used together"))?;
        let seal = || -> io::Result<Vec<u8>> {
            let mut writer =
                encryptor.wrap_output(ArmoredWriter::wrap_output(Vec::new(), Format::AsciiArmor)?)?;
            writer.write_all(plain)?;
            writer.finish()?.finish()
        };
        seal().map_err(|error| failed("encrypt", &self.path, &error))
    }

    fn journal_path(&self) -> Result<PathBuf, PortError> {
        Ok(sibling(&resolve(&self.path)?, "", ".rotakey"))
    }
}

impl SlotFile for AgeFile {
    type State = State;

    fn path(&self) -> &Path {
        &self.path
    }

    fn check(&self) -> Result<(), PortError> {
        let probe = self.encrypt(b"rotakey")?;
        decrypt(&probe, &self.identities()?).map_err(|_| {
            let message = format!(
                "the identity in {} is none of the recipients, so what is written could not be read back",
                shown(&self.identity)
            );
            invalid("encrypt", &self.path, message)
        })?;
        exclusive::check(&self.path)?;
        exclusive::check(&self.journal_path()?)?;
        self.load().map(drop)
    }

    fn load(&self) -> Result<(State, Pairs), PortError> {
        let identities = self.identities()?;
        let journal_path = self.journal_path()?;
        // The two files are read without a lock. If the first one is the same before and after, then the
        // journal is one that belonged to it at some moment, and every such journal is read right.
        let mut sealed = read(&self.path)?;
        let sealed_journal = loop {
            let journal = read(&journal_path)?;
            let again = read(&self.path)?;
            if again == sealed {
                break journal;
            }
            sealed = again;
        };
        let (current, extra) = match open(&self.path, sealed, &identities)? {
            Some(plain) => {
                let (pair, extra) =
                    content::parse_current(&plain).map_err(|why| conflict("read", &self.path, why))?;
                (Some(pair), extra)
            }
            None => (None, Extra::default()),
        };
        let journal = match open(&journal_path, sealed_journal, &identities)? {
            Some(plain) => Journal::parse(&plain).map_err(|why| conflict("read", &journal_path, why))?,
            None => Journal::default(),
        };
        let slots = journal.slots(current.as_ref());
        Ok((State { current, extra, journal }, slots))
    }

    fn save(&self, file: &Exclusive, state: State, slots: &Pairs) -> Result<(), PortError> {
        let steps = state.journal.steps(state.current.as_ref(), slots, Current::ReadBack, false);
        steps.into_iter().try_for_each(|step| self.take(file, &step, &state.extra))
    }
}

impl AgeFile {
    fn take(&self, file: &Exclusive, step: &Step<'_>, extra: &Extra) -> Result<(), PortError> {
        let journal_path = sibling(file.target(), "", ".rotakey");
        match step {
            Step::Journal(journal) if journal.is_empty() => file.remove(&journal_path),
            Step::Journal(journal) => file.replace(&journal_path, &self.encrypt(&journal.render())?),
            Step::Current(pair) => {
                let plain = content::render_current(pair, extra);
                file.replace(file.target(), &self.encrypt(&plain)?)
            }
        }
    }
}

/// The plain text of one of the two files, or `None` if there was no such file.
fn open(
    path: &Path,
    sealed: Option<Zeroizing<Vec<u8>>>,
    identities: &[Identity],
) -> Result<Option<Zeroizing<Vec<u8>>>, PortError> {
    let Some(sealed) = sealed else { return Ok(None) };
    decrypt(&sealed, identities).map(Some).map_err(|error| {
        // Worded here: age's own words follow the language of the machine.
        let why = match error {
            DecryptError::NoMatchingKeys => "it is encrypted, but not to the identity of rotakey",
            DecryptError::InvalidHeader | DecryptError::UnknownFormat => "this is not an age file",
            _ => "the age file is damaged",
        };
        conflict("decrypt", path, why)
    })
}

fn decrypt(sealed: &[u8], identities: &[Identity]) -> Result<Zeroizing<Vec<u8>>, DecryptError> {
    let decryptor = Decryptor::new_buffered(ArmoredReader::new(sealed))?;
    let mut reader = decryptor.decrypt(identities.iter().map(|identity| identity as &dyn age::Identity))?;
    // The plain text is shorter, so the buffer never grows and leaves no copy behind.
    let mut plain = Zeroizing::new(Vec::with_capacity(sealed.len()));
    reader.read_to_end(&mut plain)?;
    Ok(plain)
}

#[cfg(test)]
mod tests;
