//! One look at the world, before a decision.

use std::collections::BTreeMap;

use rotakey_core::fact::{KeyFacts, Seen};
use rotakey_core::id::{AccessKeyId, UserId};
use rotakey_core::rotate::{HeldSlots, Observed, Preflight, Rotation};
use rotakey_core::secret::AccessKeyPair;

use crate::driver::Ports;
use crate::port::{Account, Kept, PortError, PortErrorKind, Slots};

/// What was seen, and the pairs that were read on the way. They are gone (and zeroized) after the step.
pub(crate) struct Look {
    pub(crate) observed: Observed,
    pub(crate) pairs: BTreeMap<AccessKeyId, AccessKeyPair>,
}

/// Looks at all that the next decision of a rotation needs.
pub(crate) async fn look(ports: &Ports<'_>, account: Account<'_>, rotation: &Rotation) -> Look {
    let user_name = &rotation.plan().subject.user_name;
    let user = user(account, rotation).await;
    let keys: Seen<Vec<KeyFacts>> = account.iam.access_keys(user_name).await.into();
    let mut last_used = BTreeMap::new();
    if rotation.needs_last_used() {
        for key in keys.known().into_iter().flatten() {
            last_used.insert(key.id.clone(), account.iam.last_used(&key.id).await.into());
        }
    }
    let mut pairs = BTreeMap::new();
    let mut destinations = Vec::new();
    let mut preflight = Vec::new();
    for spec in &rotation.plan().destinations {
        let opened = ports.destinations.open(spec);
        destinations.push(match &opened {
            Ok(destination) => {
                destination.read().await.map(|slots| without_secrets(slots, &mut pairs)).into()
            }
            Err(error) => Seen::Unknown(error.to_string()),
        });
        if rotation.needs_preflight() {
            preflight.push(match opened {
                Ok(destination) => judge(destination.preflight().await),
                Err(error) => Preflight::Refused(error.to_string()),
            });
        }
    }
    let in_hand = pairs.keys().cloned().collect();
    Look { observed: Observed { user, keys, last_used, destinations, preflight, in_hand }, pairs }
}

async fn user(account: Account<'_>, rotation: &Rotation) -> Seen<Option<UserId>> {
    match account.iam.user(&rotation.plan().subject.user_name).await {
        Ok(user) if user.account_id == rotation.plan().subject.account_id => Seen::Known(Some(user.id)),
        Ok(user) => Seen::Unknown(format!(
            "the credentials in use belong to account {}, the rotation to account {}",
            user.account_id,
            rotation.plan().subject.account_id
        )),
        Err(PortError { kind: PortErrorKind::NotFound, .. }) => Seen::Known(None),
        Err(error) => Seen::Unknown(error.to_string()),
    }
}

/// Moves the pairs aside and keeps what they are recognised by.
fn without_secrets(slots: Slots, pairs: &mut BTreeMap<AccessKeyId, AccessKeyPair>) -> HeldSlots {
    let Slots { pending, current, previous } = slots.map(|kept| {
        let held = kept.held();
        if let Kept::Pair(pair) = kept {
            pairs.insert(pair.id.clone(), pair);
        }
        held
    });
    HeldSlots { pending, current, previous }
}

fn judge(preflight: Result<(), PortError>) -> Preflight {
    match preflight {
        Ok(()) => Preflight::Ready,
        Err(error) if error.kind.is_transient() => Preflight::Unknown(error.to_string()),
        Err(error) => Preflight::Refused(error.to_string()),
    }
}
