//! From a row of a report to what a policy judges.

use jiff::Timestamp;

use super::row::{LastUseCell, Row, Slot};
use crate::fact::{KeyStatus, LastUsed, Seen, Tags};
use crate::policy::{KeySlot, KeySubject, Principal, Privilege, UserSubject};

impl Row<'_> {
    /// Whether there is anything to judge.
    pub fn holds_keys(&self) -> bool {
        self.slots.iter().any(Slot::holds_key)
    }

    /// The user with its keys, from this row alone: what a credential report does not tell (tags, policies,
    /// the ids of keys) is unknown. `generated_at` is when the report was made.
    pub fn to_subject(&self, generated_at: Option<Timestamp>) -> UserSubject {
        let is_root = self.principal == Principal::Root;
        let untold = || "a credential report does not tell it".to_owned();
        UserSubject {
            account_id: self.account_id,
            principal: self.principal.clone(),
            arn: self.arn.into(),
            user_id: None,
            path: path_of(self.arn).to_owned(),
            tags: if is_root { Seen::Known(Tags::new()) } else { Seen::Unknown(untold()) },
            privilege: match is_root {
                true => Seen::Known(Privilege::Administrator { because: "it is the root user".to_owned() }),
                false => Seen::Unknown(untold()),
            },
            // AWS does not tell it of the root user only, which always has a password.
            console_password: Seen::Known(self.password_enabled.unwrap_or(is_root)),
            keys: self.keys(generated_at),
        }
    }

    /// The keys of the row, without their ids. `generated_at` is when the report was made.
    pub fn keys(&self, generated_at: Option<Timestamp>) -> Vec<KeySubject> {
        let slots = [KeySlot::First, KeySlot::Second].into_iter().zip(&self.slots);
        slots
            .filter(|(_, slot)| slot.holds_key())
            .map(|(number, slot)| KeySubject {
                id: None,
                slot: Some(number),
                status: if slot.active { KeyStatus::Active } else { KeyStatus::Inactive },
                created_at: match slot.last_rotated {
                    Some(at) => Seen::Known(at),
                    None => Seen::Unknown("the credential report has no date for it".to_owned()),
                },
                last_used: slot.last_used(),
                last_used_as_of: generated_at,
            })
            .collect()
    }
}

impl Slot<'_> {
    /// The last use of the key there.
    pub(crate) fn last_used(&self) -> Seen<LastUsed> {
        match self.last_used {
            LastUseCell::Never => Seen::Known(LastUsed::Never),
            LastUseCell::At { at, region, service } => Seen::Known(LastUsed::At {
                at,
                region: region.map(str::to_owned),
                service: service.map(str::to_owned),
            }),
            LastUseCell::Unknown => Seen::Unknown("the credential report does not tell it".to_owned()),
        }
    }
}

/// The path in `arn:aws:iam::123456789012:user/path/name`, with its slashes: `/path/`.
fn path_of(arn: &str) -> &str {
    let resource = arn.splitn(6, ':').nth(5).unwrap_or_default();
    match (resource.find('/'), resource.rfind('/')) {
        (Some(first), Some(last)) => &resource[first..=last],
        _ => "/",
    }
}
