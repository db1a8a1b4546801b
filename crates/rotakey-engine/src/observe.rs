//! One look at the world, before a decision.

use std::collections::BTreeMap;

use jiff::{SignedDuration, Timestamp};
use rotakey_core::fact::{KeyFacts, Seen};
use rotakey_core::id::{AccessKeyId, UserId};
use rotakey_core::rotate::{CheckSpec, Health, HeldSlots, Note, Observed, Preflight, Rotation};
use rotakey_core::secret::AccessKeyPair;

use crate::driver::Ports;
use crate::memory::{Memory, Place, recall};
use crate::port::{Account, Kept, PortError, PortErrorKind, Slots};

/// What was seen, and the pairs that were read on the way. They are gone (and zeroized) after the step.
pub(crate) struct Look {
    pub(crate) observed: Observed,
    pub(crate) pairs: BTreeMap<AccessKeyId, AccessKeyPair>,
}

/// Looks at all that the next decision of a rotation needs, as far as it is not remembered. `now` is an instant before
/// the look.
pub(crate) async fn look(
    ports: &Ports<'_>,
    account: Account<'_>,
    rotation: &Rotation,
    memory: &mut Memory,
    now: Timestamp,
) -> Look {
    let user_name = &rotation.plan().subject.user_name;
    let mut looked_at = now;
    let oldest = &mut looked_at;
    let user = recall(&mut memory.user, now, oldest, user(account, rotation)).await;
    let keys: Seen<Vec<KeyFacts>> =
        recall(&mut memory.keys, now, oldest, async { account.iam.access_keys(user_name).await.into() })
            .await;
    let mut last_used = BTreeMap::new();
    if rotation.needs_last_used() {
        for key in keys.known().into_iter().flatten() {
            let remembered = memory.last_used.entry(key.id.clone()).or_default();
            let look = async { account.iam.last_used(&key.id).await.into() };
            last_used.insert(key.id.clone(), recall(remembered, now, oldest, look).await);
        }
    }
    let mut pairs = BTreeMap::new();
    let mut destinations = Vec::new();
    let mut preflight = Vec::new();
    for (index, spec) in rotation.plan().destinations.iter().enumerate() {
        let opened = ports.destinations.open(spec);
        destinations.push(match &opened {
            Ok(destination) => {
                let remembered = memory.places.entry(index).or_default();
                let look = async { destination.read().await.map(place).into() };
                match recall(remembered, now, oldest, look).await {
                    Seen::Known(place) => {
                        pairs.extend(place.pairs.into_iter().map(|pair| (pair.id.clone(), pair)));
                        Seen::Known(place.slots)
                    }
                    Seen::Unknown(why) => Seen::Unknown(why),
                }
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
    let can_see_usage = account.usage.is_some();
    let mut checks = Vec::new();
    if rotation.needs_checks() {
        for check in &rotation.plan().checks {
            checks.push(ask(ports, rotation, check).await);
        }
    }
    let observed = Observed {
        looked_at,
        user,
        keys,
        last_used,
        destinations,
        preflight,
        in_hand,
        can_see_usage,
        checks,
    };
    Look { observed, pairs }
}

/// How often a check must fail in a row, and how long it is waited in between.
const FAILURES: u32 = 3;
const BETWEEN_FAILURES: SignedDuration = SignedDuration::from_secs(3);

/// Makes a check. One failure is none yet.
async fn ask(ports: &Ports<'_>, rotation: &Rotation, check: &CheckSpec) -> Seen<Health> {
    let account_id = &rotation.plan().subject.account_id;
    let mut failures = 0;
    loop {
        let health = ports.checks.ask(account_id, check).await;
        failures += 1;
        match health {
            Ok(Health::Failing(_)) if failures < FAILURES => {
                ports.clock.sleep_until(ports.clock.now() + BETWEEN_FAILURES).await;
            }
            health => return health.into(),
        }
    }
}

/// Looks who uses both keys of a rotation from then on.
pub(crate) async fn look_at_usage(account: Account<'_>, rotation: &Rotation, since: Timestamp) -> Note {
    let Some((source, new)) = account.usage.zip(rotation.successor()) else {
        return Note::UsageUnknown { why: "no source tells who uses keys".to_owned() };
    };
    let both = async {
        let old = source.usage(&rotation.plan().old_key, since).await?;
        Ok::<_, PortError>((old, source.usage(new, since).await?))
    };
    match both.await {
        Ok((old, new)) => Note::UsageSeen { old: Box::new(old.bounded()), new: Box::new(new.bounded()) },
        Err(error) => Note::UsageUnknown { why: error.to_string() },
    }
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

/// Takes the pairs out, and keeps what they are recognised by in their place.
fn place(slots: Slots) -> Place {
    let mut pairs = Vec::new();
    let Slots { pending, current, previous } = slots.map(|kept| {
        let held = kept.held();
        if let Kept::Pair(pair) = kept {
            pairs.push(pair);
        }
        held
    });
    Place { slots: HeldSlots { pending, current, previous }, pairs }
}

fn judge(preflight: Result<(), PortError>) -> Preflight {
    match preflight {
        Ok(()) => Preflight::Ready,
        Err(error) if error.kind.is_transient() => Preflight::Unknown(error.to_string()),
        Err(error) => Preflight::Refused(error.to_string()),
    }
}
