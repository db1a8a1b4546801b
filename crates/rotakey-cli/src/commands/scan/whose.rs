//! Puts together what is known of a found key: by an inventory, and by AWS itself where it was asked.

use std::collections::BTreeMap;

use rotakey_core::fact::KeyStatus;
use rotakey_scan::finding::{Digests, Finding};
use rotakey_scan::holder::{Holder, Life};

use super::inventory::{Inventory, Known};
use super::verify::Verified;

/// Says of each finding whose the key is. What AWS says of a pair holds for both halves.
pub(super) fn fill(findings: &mut [Finding], inventory: &Inventory, verified: &BTreeMap<Digests, Verified>) {
    for finding in findings {
        let listed =
            finding.access_key_id.as_ref().and_then(|id| match inventory.lookup(id, finding.account_id) {
                Known::Key(record) => Some(Holder {
                    life: Life::Listed(record.status),
                    user_name: Some(record.user_name.to_string()),
                    arn: Some(record.user_arn.clone()),
                    owner: record.owner.clone(),
                    age_seconds: record.age_seconds,
                }),
                Known::Gone => Some(nobody(Life::Deleted)),
                Known::Nothing => None,
            });
        let halves = [Some(finding.digests), finding.pair];
        let answer = halves.iter().flatten().find_map(|digests| verified.get(digests));
        finding.holder = match (answer, listed) {
            (Some(Verified::Live { arn, .. }), listed) => {
                let mut holder = listed.unwrap_or_else(|| nobody(Life::Works));
                holder.life = Life::Works;
                holder.arn = Some(arn.as_str().into());
                Some(holder)
            }
            // The secret may be one that was never the id's: the key itself may be live all the same.
            (Some(Verified::Refused), Some(listed)) if listed.life == Life::Listed(KeyStatus::Active) => {
                Some(listed)
            }
            (Some(Verified::Refused), listed) => Some(listed.unwrap_or_else(|| nobody(Life::Refused))),
            (Some(Verified::Unknown(_)) | None, listed) => listed,
        };
    }
}

fn nobody(life: Life) -> Holder {
    Holder { life, user_name: None, arn: None, owner: None, age_seconds: None }
}
