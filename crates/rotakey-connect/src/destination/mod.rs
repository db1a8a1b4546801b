//! The destinations: one module each, and what they share.
//!
//! Some are one file (an age file brings a second one along) with three slots. What an operation means for the slots is
//! decided in `transition`, without IO; how a change becomes durable in one step is the business of `exclusive`; what
//! remains for an adapter is its format.
//!
//! Others are variables of a CI vendor, of which most cannot be read: `mark` says how a later run knows all the same
//! which key is there, `marked` does the steps, and what remains for an adapter are its requests.

use std::path::Path;

use async_trait::async_trait;
use rotakey_core::destination::{self as specs, DestinationSpec};
use rotakey_core::id::AccessKeyId;
use rotakey_core::rotate::Held;
use rotakey_core::secret::AccessKeyPair;
use rotakey_engine::port::{Destination, Destinations, PortError, PortErrorKind, Slots};

use crate::destination::age_file::AgeFile;
use crate::destination::bitbucket_variables::BitbucketVariables;
use crate::destination::circleci_context::CircleciContext;
use crate::destination::credentials_file::CredentialsFile;
use crate::destination::exclusive::Exclusive;
use crate::destination::github_actions::GithubActions;
use crate::destination::gitlab_variables::{GitlabVariables, Whole};
use crate::destination::hcp_terraform::HcpTerraform;
use crate::destination::marked::Marked;

pub(crate) mod age_file;
mod bitbucket_variables;
mod circleci_context;
mod client;
pub(crate) mod credentials_file;
pub(crate) mod exclusive;
mod github_actions;
mod gitlab_variables;
mod hcp_terraform;
pub(crate) mod io;
mod mark;
mod marked;
mod transition;

#[cfg(test)]
mod tests;
#[cfg(test)]
mod vendor;

/// Opens the destinations outside AWS. Every other one is [`PortErrorKind::Invalid`].
#[derive(Debug, Clone, Copy, Default)]
pub struct OutsideDestinations;

impl Destinations for OutsideDestinations {
    fn open(&self, spec: &DestinationSpec) -> Result<Box<dyn Destination>, PortError> {
        match spec {
            DestinationSpec::AgeFile(specs::AgeFile { path, recipients, identity }) => {
                Ok(Box::new(FileDestination(AgeFile::new(path, recipients, identity))))
            }
            DestinationSpec::CredentialsFile(specs::CredentialsFile { path, profile }) => {
                Ok(Box::new(FileDestination(CredentialsFile::new(path, profile)?)))
            }
            DestinationSpec::GithubActions(spec) => Ok(Box::new(Marked(GithubActions::new(spec)?))),
            DestinationSpec::GitlabVariables(spec) if spec.values.holds_whole_pair() => {
                Ok(Box::new(Marked(GitlabVariables::<Whole>::new(spec)?)))
            }
            DestinationSpec::GitlabVariables(spec) => {
                Ok(Box::new(Marked(GitlabVariables::<Held>::new(spec)?)))
            }
            DestinationSpec::CircleciContext(spec) => Ok(Box::new(Marked(CircleciContext::new(spec)?))),
            DestinationSpec::BitbucketVariables(spec) => Ok(Box::new(Marked(BitbucketVariables::new(spec)?))),
            DestinationSpec::HcpTerraform(spec) => Ok(Box::new(Marked(HcpTerraform::new(spec)?))),
            _ => Err(PortError::new(
                PortErrorKind::Invalid,
                format!("open {spec}"),
                "this is not a destination outside AWS",
            )),
        }
    }
}

/// Slots of a place that gives secrets back.
type Pairs = Slots<AccessKeyPair>;

/// A format in which a file keeps the three slots.
trait SlotFile: Send + Sync {
    /// All that was read of the file, as far as writing it back needs it.
    type State;

    /// The file, as configured: it may be a symbolic link.
    fn path(&self) -> &Path;

    /// Changes nothing. Fails with whatever would make a later [`save`](Self::save) fail, as far as that can
    /// be known before.
    fn check(&self) -> Result<(), PortError>;

    /// What the file holds now. Needs no lock.
    fn load(&self) -> Result<(Self::State, Pairs), PortError>;

    /// Turns the state, which was loaded under the same lock, into one that holds these slots. The slots
    /// change as a whole or not at all, whenever the process dies.
    fn save(&self, file: &Exclusive, state: Self::State, slots: &Pairs) -> Result<(), PortError>;
}

/// The operations of a destination over any format.
struct FileDestination<F>(F);

impl<F: SlotFile> FileDestination<F> {
    /// Every operation that writes begins with the checks of preflight, so that the two never disagree.
    fn change(
        &self,
        transition: impl FnOnce(Pairs) -> Result<Pairs, transition::Refused>,
    ) -> Result<(), PortError> {
        self.0.check()?;
        let file = Exclusive::acquire(self.0.path())?;
        let (state, before) = self.0.load()?;
        let after = transition(before).map_err(|refused| refused.at(self.0.path()))?;
        self.0.save(&file, state, &after)
    }
}

#[async_trait]
impl<F: SlotFile> Destination for FileDestination<F> {
    async fn preflight(&self) -> Result<(), PortError> {
        self.0.check()?;
        exclusive::check_space(self.0.path())
    }

    async fn read(&self) -> Result<Slots, PortError> {
        self.0.load().map(|(_, slots)| slots.into())
    }

    async fn stage(&self, pair: &AccessKeyPair) -> Result<(), PortError> {
        self.change(|slots| Ok(transition::stage(slots, pair.duplicate())))
    }

    async fn publish(&self, pair: &AccessKeyPair) -> Result<(), PortError> {
        self.change(|slots| Ok(transition::publish(slots, pair.duplicate())))
    }

    async fn restore(&self, id: &AccessKeyId) -> Result<(), PortError> {
        self.change(|slots| transition::restore(slots, id))
    }

    async fn forget(&self, id: &AccessKeyId) -> Result<(), PortError> {
        self.change(|slots| transition::forget(slots, id))
    }
}
