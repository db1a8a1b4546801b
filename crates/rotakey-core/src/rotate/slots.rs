//! What a destination holds, and what each operation makes of it.

use serde::{Deserialize, Serialize};

use super::effect::FailureKind;
use crate::id::AccessKeyId;
use crate::secret::{AccessKeyPair, Fingerprint};

/// What a destination holds, in three slots that mean what the staging labels of AWS Secrets Manager mean.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Slots<T = Kept> {
    /// Written, but not yet what applications read (`AWSPENDING`).
    pub pending: Option<T>,
    /// What applications read (`AWSCURRENT`).
    pub current: Option<T>,
    /// What applications read before the last publish (`AWSPREVIOUS`).
    pub previous: Option<T>,
}

/// What a slot holds.
#[derive(Debug, PartialEq, Eq)]
pub enum Kept {
    /// The pair itself.
    Pair(AccessKeyPair),
    /// What the pair is recognised by: the place does not give secrets back
    /// ([`DestinationSpec::gives_secrets_back`](crate::destination::DestinationSpec::gives_secrets_back)).
    Mark(Held),
}

/// One pair at a destination, without its secret.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Held {
    /// The key.
    pub key: AccessKeyId,
    /// What the whole pair is recognised by.
    pub fingerprint: Fingerprint,
}

/// What can be moved from slot to slot. Equal if and only if it is the same pair: an id with another secret is
/// another one.
pub trait Content: PartialEq {
    /// The key.
    fn id(&self) -> &AccessKeyId;
}

/// An operation that the slots do not allow. They are what they were.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Refused {
    /// No slot holds the pair that is to be restored.
    #[error("{0} is kept there neither as previous nor as pending")]
    NotKept(AccessKeyId),
    /// The pair that is to be forgotten is the current one.
    #[error("{0} is what applications read")]
    Current(AccessKeyId),
}

impl<T: Content> Slots<T> {
    /// Keeps a pair for later, unless it is current.
    pub fn stage(&mut self, new: T) {
        if self.current.as_ref() != Some(&new) {
            self.pending = Some(new);
        }
    }

    /// Makes a pair current, whatever was pending.
    pub fn publish(&mut self, new: T) {
        if self.current.as_ref() != Some(&new) {
            self.previous = self.current.replace(new);
        }
        self.pending = None;
    }

    /// Makes a pair current that another slot holds, the previous one first. Does nothing if it is current.
    ///
    /// # Errors
    /// [`Refused::NotKept`].
    pub fn restore(&mut self, id: &AccessKeyId) -> Result<(), Refused> {
        if holds(&self.current, id) {
            return Ok(());
        }
        let aside = [&mut self.previous, &mut self.pending];
        let kept = aside.into_iter().find_map(|slot| slot.take_if(|kept| kept.id() == id));
        let kept = kept.ok_or_else(|| Refused::NotKept(id.clone()))?;
        self.previous = self.current.replace(kept);
        Ok(())
    }

    /// Removes a pair from all slots but the current one.
    ///
    /// # Errors
    /// [`Refused::Current`].
    pub fn forget(&mut self, id: &AccessKeyId) -> Result<(), Refused> {
        if holds(&self.current, id) {
            return Err(Refused::Current(id.clone()));
        }
        for slot in [&mut self.pending, &mut self.previous] {
            slot.take_if(|kept| kept.id() == id);
        }
        Ok(())
    }

    /// Whether a slot other than `current` holds the key.
    pub fn keeps_aside(&self, id: &AccessKeyId) -> bool {
        holds(&self.pending, id) || holds(&self.previous, id)
    }

    /// Whether any slot holds the key.
    pub fn hold(&self, id: &AccessKeyId) -> bool {
        holds(&self.current, id) || self.keeps_aside(id)
    }
}

fn holds<T: Content>(slot: &Option<T>, id: &AccessKeyId) -> bool {
    slot.as_ref().is_some_and(|kept| kept.id() == id)
}

impl Slots {
    /// The pair of that id, in whichever slot it is.
    pub fn find(&self, id: &AccessKeyId) -> Option<&AccessKeyPair> {
        let mut slots = [&self.current, &self.pending, &self.previous].into_iter().flatten();
        slots.find(|kept| kept.id() == id)?.pair()
    }
}

impl<T> Slots<T> {
    /// The same slots with other content.
    pub fn map<U>(self, mut content: impl FnMut(T) -> U) -> Slots<U> {
        Slots {
            pending: self.pending.map(&mut content),
            current: self.current.map(&mut content),
            previous: self.previous.map(content),
        }
    }
}

impl<T> Default for Slots<T> {
    fn default() -> Self {
        Self { pending: None, current: None, previous: None }
    }
}

impl From<Slots<AccessKeyPair>> for Slots {
    fn from(slots: Slots<AccessKeyPair>) -> Self {
        slots.map(Kept::Pair)
    }
}

impl From<Slots<Held>> for Slots {
    fn from(slots: Slots<Held>) -> Self {
        slots.map(Kept::Mark)
    }
}

impl Kept {
    /// The key.
    pub fn id(&self) -> &AccessKeyId {
        match self {
            Self::Pair(pair) => &pair.id,
            Self::Mark(held) => &held.key,
        }
    }

    /// The pair, if the place gave it back.
    pub fn pair(&self) -> Option<&AccessKeyPair> {
        match self {
            Self::Pair(pair) => Some(pair),
            Self::Mark(_) => None,
        }
    }

    /// The pair, without its secret.
    pub fn held(&self) -> Held {
        match self {
            Self::Pair(pair) => Held::of(pair),
            Self::Mark(held) => held.clone(),
        }
    }
}

impl Held {
    /// The pair without its secret.
    pub fn of(pair: &AccessKeyPair) -> Self {
        Self { key: pair.id.clone(), fingerprint: pair.fingerprint() }
    }
}

impl Content for AccessKeyPair {
    fn id(&self) -> &AccessKeyId {
        &self.id
    }
}

impl Content for Held {
    fn id(&self) -> &AccessKeyId {
        &self.key
    }
}

impl Refused {
    /// What the caller's next step depends on.
    pub fn kind(&self) -> FailureKind {
        match self {
            Self::NotKept(_) => FailureKind::NotFound,
            Self::Current(_) => FailureKind::Conflict,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::secret::Secret;

    fn pair(id: u8, secret: &str) -> Held {
        let id = format!("AKIAROTAKEYSLOTS{id:04}").parse().unwrap();
        Held::of(&AccessKeyPair { id, secret: Secret::new(secret.to_owned()) })
    }

    #[test]
    fn an_id_with_another_secret_is_another_pair() {
        let torn = || Slots { pending: None, current: Some(pair(1, "torn")), previous: None };
        let mut slots = torn();
        slots.stage(pair(1, "whole"));
        assert_eq!(slots, Slots { pending: Some(pair(1, "whole")), ..torn() });
        slots.publish(pair(1, "whole"));
        let current = Some(pair(1, "whole"));
        assert_eq!(slots, Slots { pending: None, current, previous: Some(pair(1, "torn")) });
    }

    #[test]
    fn what_is_refused_changes_nothing() {
        let full = || Slots {
            pending: Some(pair(3, "c")),
            current: Some(pair(2, "b")),
            previous: Some(pair(1, "a")),
        };
        let mut slots = full();
        let (unknown, current) = (pair(4, "d").key, pair(2, "b").key);
        assert_eq!(slots.restore(&unknown), Err(Refused::NotKept(unknown.clone())));
        assert_eq!(slots.forget(&current), Err(Refused::Current(current)));
        assert_eq!(slots.forget(&unknown), Ok(()));
        assert_eq!(slots, full());
    }
}
