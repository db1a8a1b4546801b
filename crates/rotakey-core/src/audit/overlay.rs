//! Lays what `iam:ListAccessKeys` says now over what a credential report said hours ago.
//!
//! The report tells the last use of keys but not their ids; the list tells ids, dates and status as they are.
//! What both have is the date of creation, to the second.

use crate::fact::{KeyFacts, Seen};
use crate::policy::KeySubject;

/// The keys that the user has now, each with its last use if the report tells it beyond doubt.
///
/// A key that the report lacks (it is newer), and keys that cannot be told apart by their date, have an unknown
/// last use. Keys of the report that are not in the list any more have been deleted, and are left out.
pub fn overlay(reported: &[KeySubject], listed: &[KeyFacts]) -> Vec<KeySubject> {
    listed
        .iter()
        .map(|key| {
            let created_then = Seen::Known(key.created_at);
            let slots: Vec<_> = reported.iter().filter(|slot| slot.created_at == created_then).collect();
            let twins = listed.iter().filter(|other| other.created_at == key.created_at).count();
            let (slot, last_used, last_used_as_of) = match slots[..] {
                [slot] if twins == 1 => (slot.slot, slot.last_used.clone(), slot.last_used_as_of),
                [] => {
                    (None, Seen::Unknown("the credential report does not have the key yet".to_owned()), None)
                }
                _ => {
                    let why = "another key of the user was created in the same second";
                    (None, Seen::Unknown(why.to_owned()), None)
                }
            };
            KeySubject {
                id: Some(key.id.clone()),
                slot,
                status: key.status,
                created_at: created_then,
                last_used,
                last_used_as_of,
            }
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fact::{KeyStatus, LastUsed};
    use crate::policy::{KeySlot, test_key};

    const JANUARY: &str = "2026-01-01T00:00:00Z";
    const MAY: &str = "2026-05-01T00:00:00Z";

    fn reported(created_at: &str, slot: KeySlot, last_used: LastUsed) -> KeySubject {
        KeySubject { id: None, slot: Some(slot), last_used: Seen::Known(last_used), ..test_key(created_at) }
    }

    fn listed(created_at: &str, id: &str, status: KeyStatus) -> KeyFacts {
        KeyFacts { id: id.parse().unwrap(), status, created_at: created_at.parse().unwrap() }
    }

    #[test]
    fn keys_are_joined_by_their_date_and_the_list_is_right_about_the_status() {
        let slots =
            [reported(JANUARY, KeySlot::First, LastUsed::Never), reported(MAY, KeySlot::Second, used())];
        let keys = overlay(
            &slots,
            &[
                listed(MAY, "AKIAI44QH8DHBEXAMPLE", KeyStatus::Inactive),
                listed(JANUARY, "AKIAIOSFODNN7EXAMPLE", KeyStatus::Active),
            ],
        );
        assert_eq!((keys[0].slot, keys[0].status), (Some(KeySlot::Second), KeyStatus::Inactive));
        assert_eq!(keys[0].last_used, Seen::Known(used()));
        assert_eq!((keys[1].slot, &keys[1].last_used), (Some(KeySlot::First), &Seen::Known(LastUsed::Never)));
    }

    #[test]
    fn a_key_that_the_report_lacks_has_no_known_last_use() {
        let slots = [reported(JANUARY, KeySlot::First, LastUsed::Never)];
        let keys = overlay(&slots, &[listed(MAY, "AKIAIOSFODNN7EXAMPLE", KeyStatus::Active)]);
        assert_eq!(keys.len(), 1, "the key of January was deleted since");
        assert!(matches!(keys[0].last_used, Seen::Unknown(_)));
        assert_eq!(keys[0].last_used_as_of, None);
    }

    #[test]
    fn keys_of_the_same_second_are_never_taken_for_one_another() {
        let slots = [reported(MAY, KeySlot::First, LastUsed::Never), reported(MAY, KeySlot::Second, used())];
        let twins = [
            listed(MAY, "AKIAIOSFODNN7EXAMPLE", KeyStatus::Active),
            listed(MAY, "AKIAI44QH8DHBEXAMPLE", KeyStatus::Active),
        ];
        for listed in [&twins[..], &twins[..1]] {
            for key in overlay(&slots, listed) {
                assert!(matches!(key.last_used, Seen::Unknown(_)));
            }
        }
        let one_slot = overlay(&slots[..1], &twins);
        assert!(
            one_slot.iter().all(|key| key.last_used.known().is_none()),
            "which of the two is in the report?"
        );
    }

    fn used() -> LastUsed {
        LastUsed::At { at: "2026-11-01T00:00:00Z".parse().unwrap(), region: None, service: None }
    }
}
