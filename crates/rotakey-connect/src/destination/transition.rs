//! What each operation means for the three slots. No IO: slots in, slots out.

use std::path::Path;

use rotakey_core::id::AccessKeyId;
use rotakey_core::secret::AccessKeyPair;
use rotakey_engine::port::{PortError, PortErrorKind, Slots};

use crate::destination::io;

/// An operation that the slots do not allow.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Refused {
    /// No slot holds the pair that is to be restored.
    Unknown(AccessKeyId),
    /// The pair that is to be forgotten is the one that applications read.
    Current(AccessKeyId),
}

impl Refused {
    /// The refusal as the error of a file.
    pub(super) fn at(self, path: &Path) -> PortError {
        let path = io::shown(path);
        match self {
            Self::Unknown(id) => PortError::new(
                PortErrorKind::NotFound,
                format!("restore {id} in {path}"),
                "the file holds this key neither as previous nor as pending",
            ),
            Self::Current(id) => PortError::new(
                PortErrorKind::Conflict,
                format!("forget {id} in {path}"),
                "this is the key that applications read",
            ),
        }
    }
}

pub(super) fn stage(slots: Slots, pair: &AccessKeyPair) -> Slots {
    if slots.current.as_ref() == Some(pair) {
        return slots;
    }
    Slots { pending: Some(pair.duplicate()), ..slots }
}

pub(super) fn publish(slots: Slots, pair: &AccessKeyPair) -> Slots {
    if slots.current.as_ref() == Some(pair) {
        return Slots { pending: None, ..slots };
    }
    Slots { pending: None, current: Some(pair.duplicate()), previous: slots.current }
}

pub(super) fn restore(slots: Slots, id: &AccessKeyId) -> Result<Slots, Refused> {
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

pub(super) fn forget(slots: Slots, id: &AccessKeyId) -> Result<Slots, Refused> {
    if holds(slots.current.as_ref(), id) {
        return Err(Refused::Current(id.clone()));
    }
    let unless_named = |slot: Option<AccessKeyPair>| slot.filter(|pair| &pair.id != id);
    Ok(Slots {
        pending: unless_named(slots.pending),
        current: slots.current,
        previous: unless_named(slots.previous),
    })
}

fn holds(slot: Option<&AccessKeyPair>, id: &AccessKeyId) -> bool {
    slot.is_some_and(|pair| &pair.id == id)
}
