//! A destination over two documents of a server: the one that applications read, and a [journal](super::journal)
//! beside it. Each is changed only if it is still what was read, so no lock is needed.

use async_trait::async_trait;
use rotakey_core::destination::Values;
use rotakey_core::id::AccessKeyId;
use rotakey_core::rotate::{Held, Refused};
use rotakey_core::secret::{AccessKeyPair, Secret};
use rotakey_engine::port::{Destination, PortError, PortErrorKind, Slots};

use crate::destination::journal::{Journal, Step};
use crate::destination::named::{Standing, keep};
use crate::destination::{Pairs, refused, seen};

/// How often a change is begun anew because somebody else changed a document meanwhile.
const ATTEMPTS: usize = 5;

/// A server, as far as one destination is concerned. A change that fails because the document is not any more
/// what was read fails with [`PortErrorKind::Conflict`].
#[async_trait]
pub(super) trait Server: Send + Sync {
    /// A session with it: whatever is found out once for an operation, such as a credential.
    type Session: Send + Sync;
    /// The document that applications read.
    type Main: Main;
    /// The document beside it, without its text.
    type Beside: Send + Sync;

    /// The destination, in messages.
    fn name(&self) -> String;

    /// The values in the document that applications read.
    fn values(&self) -> &Values;

    async fn connect(&self) -> Result<Self::Session, PortError>;

    /// The document that applications read, also if there is none yet.
    async fn read(&self, session: &Self::Session) -> Result<Self::Main, PortError>;

    /// The document beside it, and its text.
    async fn read_beside(&self, session: &Self::Session)
    -> Result<(Self::Beside, Option<Secret>), PortError>;

    /// Changes nothing. Fails if a write of either document would.
    async fn check(
        &self,
        session: &Self::Session,
        main: &Self::Main,
        beside: &Self::Beside,
    ) -> Result<(), PortError>;

    /// Puts the values into the document that applications read, and keeps all else in it.
    async fn write(
        &self,
        session: &Self::Session,
        main: &Self::Main,
        pair: &AccessKeyPair,
    ) -> Result<(), PortError>;

    /// Replaces the text beside it, or removes the document.
    async fn write_beside(
        &self,
        session: &Self::Session,
        beside: &Self::Beside,
        text: Option<Secret>,
    ) -> Result<Self::Beside, PortError>;

    /// Makes applications look, once for each key that becomes current.
    async fn announce(&self, _session: &Self::Session, _key: &AccessKeyId) -> Result<(), PortError> {
        Ok(())
    }

    /// Whether [`Self::announce`] does something.
    fn announces(&self) -> bool {
        false
    }

    /// Removes from the history of the document every version that holds that pair.
    async fn purge(&self, _session: &Self::Session, _pair: &AccessKeyPair) -> Result<(), PortError> {
        Ok(())
    }
}

/// What was read of the document that applications read.
pub(super) trait Main: Send + Sync {
    /// Another one after every change.
    fn version(&self) -> &str;

    /// The text under that name.
    fn value(&self, name: &str) -> Option<&str>;

    /// Why it can be read and not changed, if that is so.
    fn refusal(&self) -> Option<&'static str> {
        None
    }
}

/// The operations of a destination over any server.
pub(super) struct RemoteDestination<S>(pub(super) S);

struct Loaded<S: Server> {
    main: S::Main,
    beside: S::Beside,
    journal: Journal,
    standing: Standing,
}

impl<S: Server> Loaded<S> {
    fn slots(&self) -> Pairs {
        self.journal.slots(self.standing.pair.as_ref())
    }

    /// Whether the current pair was put there by a process that died before it said so.
    fn is_unannounced(&self, server: &S) -> bool {
        server.announces() && self.journal.foresaw(self.standing.pair.as_ref())
    }
}

impl<S: Server> RemoteDestination<S> {
    async fn load(&self, session: &S::Session) -> Result<Loaded<S>, PortError> {
        let mut main = self.0.read(session).await?;
        loop {
            let (beside, text) = self.0.read_beside(session).await?;
            let journal = match &text {
                Some(text) => {
                    Journal::parse(text.expose().as_bytes()).map_err(|why| self.conflict("read", why))?
                }
                None => Journal::default(),
            };
            let standing = Standing::recognise(self.0.values(), &journal, |name| main.value(name));
            // A journal that knows of the pair is right about it, whichever of the two was read first.
            if !standing.as_ref().is_ok_and(|standing| journal.knows(standing.pair.as_ref())) {
                let again = self.0.read(session).await?;
                if again.version() != main.version() {
                    main = again;
                    continue;
                }
            }
            let standing = standing.map_err(|why| self.conflict("read", &why.to_string()))?;
            return Ok(Loaded { main, beside, journal, standing });
        }
    }

    async fn change(
        &self,
        change: impl Fn(&mut Pairs) -> Result<(), Refused> + Send + Sync,
    ) -> Result<(), PortError> {
        let session = self.0.connect().await?;
        let mut attempts = 1;
        loop {
            let loaded = self.load(&session).await?;
            self.may_change(&loaded)?;
            let mut after = loaded.slots();
            change(&mut after).map_err(|why| refused(&self.0.name(), &why))?;
            match self.save(&session, loaded, &after).await {
                Err(error) if error.kind == PortErrorKind::Conflict && attempts < ATTEMPTS => attempts += 1,
                result => return result,
            }
        }
    }

    async fn save(&self, session: &S::Session, loaded: Loaded<S>, after: &Pairs) -> Result<(), PortError> {
        let unannounced = loaded.is_unannounced(&self.0);
        let Loaded { main, mut beside, journal, standing } = loaded;
        let kept: Vec<&AccessKeyPair> =
            [&after.pending, &after.current, &after.previous].into_iter().flatten().collect();
        for gone in journal.pairs().filter(|pair| !kept.contains(pair)) {
            self.0.purge(session, gone).await?;
        }
        let steps = journal.steps(standing.pair.as_ref(), after, keep(self.0.values()), !standing.exact);
        let replaces = steps.iter().any(|step| matches!(step, Step::Current(_)));
        let last = steps.len().saturating_sub(1);
        for (index, step) in steps.into_iter().enumerate() {
            if index == last
                && (replaces || unannounced)
                && let Some(current) = &after.current
            {
                self.0.announce(session, &current.id).await?;
            }
            match step {
                Step::Journal(journal) => {
                    let text = (!journal.is_empty()).then(|| journal.text());
                    beside = self.0.write_beside(session, &beside, text).await?;
                }
                Step::Current(pair) => self.0.write(session, &main, pair).await?,
            }
        }
        Ok(())
    }

    fn may_change(&self, loaded: &Loaded<S>) -> Result<(), PortError> {
        loaded.main.refusal().map_or(Ok(()), |why| Err(self.conflict("write", why)))
    }

    fn conflict(&self, operation: &str, why: &str) -> PortError {
        PortError::new(PortErrorKind::Conflict, format!("{operation} {}", self.0.name()), why)
    }
}

#[async_trait]
impl<S: Server> Destination for RemoteDestination<S> {
    async fn preflight(&self) -> Result<(), PortError> {
        let session = self.0.connect().await?;
        let loaded = self.load(&session).await?;
        self.may_change(&loaded)?;
        self.0.check(&session, &loaded.main, &loaded.beside).await
    }

    async fn read(&self) -> Result<Slots, PortError> {
        let session = self.0.connect().await?;
        let loaded = self.load(&session).await?;
        let mut slots = loaded.slots();
        // Applications may not have been told: then the key is to be published again.
        let unannounced = slots.current.take_if(|_| loaded.is_unannounced(&self.0)).map(|pair| {
            let secret = Secret::new(String::new());
            Held::of(&AccessKeyPair { id: pair.id, secret })
        });
        Ok(seen(slots, unannounced.as_ref().or(loaded.standing.unknown.as_ref())))
    }

    async fn stage(&self, pair: &AccessKeyPair) -> Result<(), PortError> {
        self.change(|slots| {
            slots.stage(pair.duplicate());
            Ok(())
        })
        .await
    }

    async fn publish(&self, pair: &AccessKeyPair) -> Result<(), PortError> {
        self.change(|slots| {
            slots.publish(pair.duplicate());
            Ok(())
        })
        .await
    }

    async fn restore(&self, id: &AccessKeyId) -> Result<(), PortError> {
        self.change(|slots| slots.restore(id)).await
    }

    async fn forget(&self, id: &AccessKeyId) -> Result<(), PortError> {
        self.change(|slots| slots.forget(id)).await
    }
}
