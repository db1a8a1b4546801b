//! What each operation means for the three slots. No IO: slots in, slots out.

use rotakey_core::id::AccessKeyId;
use rotakey_core::rotate::Held;
use rotakey_core::secret::AccessKeyPair;
use rotakey_engine::port::{PortError, PortErrorKind, Slots};

/// An operation that the slots do not allow.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Refused {
    /// No slot holds the pair that is to be restored.
    Unknown(AccessKeyId),
    /// The pair that is to be forgotten is the one that applications read.
    Current(AccessKeyId),
}

impl Refused {
    /// The refusal as the error of that place.
    pub(super) fn at(self, place: &str) -> PortError {
        match self {
            Self::Unknown(id) => PortError::new(
                PortErrorKind::NotFound,
                format!("restore {id} in {place}"),
                "this key is kept there neither as previous nor as pending",
            ),
            Self::Current(id) => PortError::new(
                PortErrorKind::Conflict,
                format!("forget {id} in {place}"),
                "this is the key that applications read",
            ),
        }
    }
}

/// What slots hold: pairs, or their marks.
pub(super) trait Content: PartialEq {
    fn id(&self) -> &AccessKeyId;

    /// A second copy, named so that it is seen in review.
    fn duplicate(&self) -> Self;
}

impl Content for AccessKeyPair {
    fn id(&self) -> &AccessKeyId {
        &self.id
    }

    fn duplicate(&self) -> Self {
        AccessKeyPair::duplicate(self)
    }
}

impl Content for Held {
    fn id(&self) -> &AccessKeyId {
        &self.key
    }

    fn duplicate(&self) -> Self {
        self.clone()
    }
}

pub(super) fn stage<T: Content>(slots: Slots<T>, new: T) -> Slots<T> {
    if slots.current.as_ref() == Some(&new) {
        return slots;
    }
    Slots { pending: Some(new), ..slots }
}

pub(super) fn publish<T: Content>(slots: Slots<T>, new: T) -> Slots<T> {
    if slots.current.as_ref() == Some(&new) {
        return Slots { pending: None, ..slots };
    }
    Slots { pending: None, current: Some(new), previous: slots.current }
}

pub(super) fn restore<T: Content>(slots: Slots<T>, id: &AccessKeyId) -> Result<Slots<T>, Refused> {
    let Slots { pending, current, previous } = slots;
    if holds(current.as_ref(), id) {
        Ok(Slots { pending, current, previous })
    } else if holds(previous.as_ref(), id) {
        Ok(Slots { pending, current: previous, previous: current })
    } else if holds(pending.as_ref(), id) {
        Ok(Slots { pending: None, current: pending, previous: current })
    } else {
        Err(Refused::Unknown(id.clone()))
    }
}

pub(super) fn forget<T: Content>(slots: Slots<T>, id: &AccessKeyId) -> Result<Slots<T>, Refused> {
    if holds(slots.current.as_ref(), id) {
        return Err(Refused::Current(id.clone()));
    }
    let unless_named = |slot: Option<T>| slot.filter(|kept| kept.id() != id);
    Ok(Slots {
        pending: unless_named(slots.pending),
        current: slots.current,
        previous: unless_named(slots.previous),
    })
}

fn holds<T: Content>(slot: Option<&T>, id: &AccessKeyId) -> bool {
    slot.is_some_and(|kept| kept.id() == id)
}
