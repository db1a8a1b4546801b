//! The destinations: one module each, and what they share.
//!
//! Some are one file (an age file brings a second one along) with three slots. What an operation means for the slots is
//! decided in the core; how a change becomes durable in one step is the business of `exclusive`; what remains for an
//! adapter is its format.
//!
//! Others are variables of a CI vendor, of which most cannot be read: `mark` says how a later run knows all the same
//! which key is there, `marked` does the steps, and what remains for an adapter are its requests.
//!
//! Kubernetes and Vault keep two documents, changed under optimistic locks by `remote`; files and those share `journal`,
//! which makes two places one, and `named`, which makes out a pair in values by name. Programs and endpoints of the
//! user's own are spoken to in one protocol by `hook`.

use std::path::Path;
use std::sync::Arc;

use async_trait::async_trait;
use rotakey_core::destination::{self as specs, DestinationSpec};
use rotakey_core::id::AccessKeyId;
use rotakey_core::rotate::{Held, Refused};
use rotakey_core::secret::{AccessKeyPair, Secret};
use rotakey_engine::port::{Clock, Destination, Destinations, Kept, PortError, PortErrorKind, Slots};

use crate::destination::age_file::AgeFile;
use crate::destination::bitbucket_variables::BitbucketVariables;
use crate::destination::circleci_context::CircleciContext;
use crate::destination::credentials_file::CredentialsFile;
use crate::destination::dotenv_file::DotenvFile;
use crate::destination::exclusive::Exclusive;
use crate::destination::exec::Exec;
use crate::destination::github_actions::GithubActions;
use crate::destination::gitlab_variables::{GitlabVariables, Whole};
use crate::destination::hcp_terraform::HcpTerraform;
use crate::destination::kubernetes_secret::KubernetesSecret;
use crate::destination::marked::Marked;
use crate::destination::remote::RemoteDestination;
use crate::destination::vault_kv::VaultKv;
use crate::destination::webhook::Webhook;

pub(crate) mod age_file;
mod bitbucket_variables;
mod circleci_context;
mod client;
pub(crate) mod credentials_file;
mod dotenv_file;
pub(crate) mod exclusive;
mod exec;
mod github_actions;
mod gitlab_variables;
mod hcp_terraform;
mod hook;
pub(crate) mod io;
mod journal;
mod kubernetes_secret;
mod mark;
mod marked;
mod named;
mod pair_json;
mod remote;
mod secret_map;
mod vault_kv;
mod webhook;

#[cfg(test)]
mod tests;
#[cfg(test)]
mod vendor;

/// Opens the destinations outside AWS. Every other one is [`PortErrorKind::Invalid`].
#[derive(Clone)]
pub struct OutsideDestinations {
    /// Tells the time that signatures bear.
    pub clock: Arc<dyn Clock>,
}

impl Destinations for OutsideDestinations {
    fn open(&self, spec: &DestinationSpec) -> Result<Box<dyn Destination>, PortError> {
        match spec {
            DestinationSpec::AgeFile(specs::AgeFile { path, recipients, identity }) => {
                Ok(Box::new(FileDestination(AgeFile::new(path, recipients, identity))))
            }
            DestinationSpec::CredentialsFile(specs::CredentialsFile { path, profile }) => {
                Ok(Box::new(FileDestination(CredentialsFile::new(path, profile)?)))
            }
            DestinationSpec::DotenvFile(specs::DotenvFile { path, values }) => {
                Ok(Box::new(FileDestination(DotenvFile::new(path, values)?)))
            }
            DestinationSpec::Exec(spec) => Ok(Box::new(Exec::open(spec)?)),
            DestinationSpec::Webhook(spec) => Ok(Box::new(Webhook::open(spec, self.clock.clone())?)),
            DestinationSpec::VaultKv(spec) => Ok(Box::new(RemoteDestination(VaultKv::new(spec)?))),
            DestinationSpec::KubernetesSecret(spec) => {
                Ok(Box::new(RemoteDestination(KubernetesSecret::new(spec)?)))
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

/// What is told of slots: of an unknown current key, its mark.
fn seen(slots: Pairs, unknown: Option<&Held>) -> Slots {
    let mut slots = Slots::from(slots);
    slots.current = slots.current.or_else(|| unknown.cloned().map(Kept::Mark));
    slots
}

/// An operation that the slots of that place do not allow.
fn refused(place: &str, refused: &Refused) -> PortError {
    let operation = match refused {
        Refused::NotKept(_) => "restore a key in",
        Refused::Current(_) => "forget a key in",
    };
    PortError::new(refused.kind(), format!("{operation} {place}"), refused.to_string())
}

/// A pair that is none, to find out whether a place could hold one.
fn stand_in() -> AccessKeyPair {
    let id = "AKIA0000000000000000".parse().expect("sixteen characters behind the prefix are an id");
    AccessKeyPair { id, secret: Secret::new("0123456789abcdefghijABCDEFGHIJ0123456789/+".to_owned()) }
}

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

    /// The current key, where its id alone can be read: then no pair is current in the slots.
    fn unknown<'a>(&self, _state: &'a Self::State) -> Option<&'a Held> {
        None
    }

    /// Turns the state, which was loaded under the same lock, into one that holds these slots. The slots
    /// change as a whole or not at all, whenever the process dies.
    fn save(&self, file: &Exclusive, state: Self::State, slots: &Pairs) -> Result<(), PortError>;
}

/// The operations of a destination over any format.
struct FileDestination<F>(F);

impl<F: SlotFile> FileDestination<F> {
    /// Every operation that writes begins with the checks of preflight, so that the two never disagree.
    fn change(&self, change: impl FnOnce(&mut Pairs) -> Result<(), Refused>) -> Result<(), PortError> {
        self.0.check()?;
        let file = Exclusive::acquire(self.0.path())?;
        let (state, mut slots) = self.0.load()?;
        change(&mut slots).map_err(|why| refused(&io::shown(self.0.path()), &why))?;
        self.0.save(&file, state, &slots)
    }
}

#[async_trait]
impl<F: SlotFile> Destination for FileDestination<F> {
    async fn preflight(&self) -> Result<(), PortError> {
        self.0.check()?;
        exclusive::check_space(self.0.path())
    }

    async fn read(&self) -> Result<Slots, PortError> {
        let (state, slots) = self.0.load()?;
        Ok(seen(slots, self.0.unknown(&state)))
    }

    async fn stage(&self, pair: &AccessKeyPair) -> Result<(), PortError> {
        self.change(|slots| {
            slots.stage(pair.duplicate());
            Ok(())
        })
    }

    async fn publish(&self, pair: &AccessKeyPair) -> Result<(), PortError> {
        self.change(|slots| {
            slots.publish(pair.duplicate());
            Ok(())
        })
    }

    async fn restore(&self, id: &AccessKeyId) -> Result<(), PortError> {
        self.change(|slots| slots.restore(id))
    }

    async fn forget(&self, id: &AccessKeyId) -> Result<(), PortError> {
        self.change(|slots| slots.forget(id))
    }
}
