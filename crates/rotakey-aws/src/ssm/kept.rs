//! What is kept beside a parameter: what is pending, and what was current before.

use rotakey_core::id::AccessKeyId;
use rotakey_core::secret::{AccessKeyPair, Secret};
use rotakey_engine::port::Slots;
use serde::{Deserialize, Serialize};

/// The most bytes that a standard parameter may have, so that a value is written without growing (and leaving copies).
const LARGEST: usize = 4_096;

/// The pairs that are kept. One that is current at the same time is hidden: it is there because the parameter is about
/// to be replaced, or has just been.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Kept {
    pub(super) pending: Option<AccessKeyPair>,
    /// The newest last. `previous` is the last one that is not current.
    pub(super) previous: Vec<AccessKeyPair>,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Document<T> {
    pending: Option<T>,
    previous: Vec<T>,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct Written<'a> {
    access_key_id: &'a str,
    secret_access_key: &'a str,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
struct Found {
    access_key_id: String,
    secret_access_key: String,
}

impl Kept {
    /// Reads the text of the parameter; `None` if it is something else.
    pub(super) fn read(text: &Secret) -> Option<Self> {
        let Document { pending, previous } = serde_json::from_str::<Document<Found>>(text.expose()).ok()?;
        // All are taken over before any is refused, so that no secret is left behind.
        let pending = pending.map(pair);
        let previous: Vec<_> = previous.into_iter().map(pair).collect();
        Some(Self {
            pending: pending.map_or(Some(None), |pair| pair.map(Some))?,
            previous: previous.into_iter().collect::<Option<_>>()?,
        })
    }

    /// The text of the parameter.
    pub(super) fn write(&self) -> Secret {
        fn written(pair: &AccessKeyPair) -> Written<'_> {
            Written { access_key_id: pair.id.as_str(), secret_access_key: pair.secret.expose() }
        }
        let document = Document {
            pending: self.pending.as_ref().map(written),
            previous: self.previous.iter().map(written).collect(),
        };
        let mut text = Vec::with_capacity(LARGEST);
        serde_json::to_writer(&mut text, &document).expect("texts are written without errors");
        Secret::new(String::from_utf8(text).expect("JSON is UTF-8"))
    }

    pub(super) fn is_empty(&self) -> bool {
        self.pending.is_none() && self.previous.is_empty()
    }

    pub(super) fn duplicate(&self) -> Self {
        Self {
            pending: self.pending.as_ref().map(AccessKeyPair::duplicate),
            previous: self.previous.iter().map(AccessKeyPair::duplicate).collect(),
        }
    }

    pub(super) fn holds(&self, id: &AccessKeyId) -> bool {
        self.previous.iter().chain(&self.pending).any(|pair| &pair.id == id)
    }

    /// The slots, while that pair is current.
    pub(super) fn into_slots(self, current: Option<AccessKeyPair>) -> Slots<AccessKeyPair> {
        let Self { pending, previous } = self.without(|pair| current.as_ref() == Some(pair));
        Slots { pending, previous: previous.into_iter().next_back(), current }
    }

    /// With what is current now added to what was current before. Only what can still be asked for stays.
    pub(super) fn and_previous(self, current: Option<&AccessKeyPair>) -> Self {
        let before = self.previous.into_iter().rfind(|pair| current != Some(pair));
        let current = current.map(AccessKeyPair::duplicate);
        Self { pending: self.pending, previous: before.into_iter().chain(current).collect() }
    }

    /// What is left when that pair has become current.
    pub(super) fn settled(
        self,
        current: &AccessKeyPair,
        stays_pending: impl Fn(&AccessKeyPair) -> bool,
    ) -> Self {
        let previous = self.previous.into_iter().rfind(|pair| pair != current);
        Self { pending: self.pending.filter(stays_pending), previous: previous.into_iter().collect() }
    }

    pub(super) fn without(self, goes: impl Fn(&AccessKeyPair) -> bool) -> Self {
        Self {
            pending: self.pending.filter(|pair| !goes(pair)),
            previous: self.previous.into_iter().filter(|pair| !goes(pair)).collect(),
        }
    }
}

fn pair(found: Found) -> Option<AccessKeyPair> {
    let secret = Secret::new(found.secret_access_key);
    Some(AccessKeyPair { id: found.access_key_id.parse().ok()?, secret })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(number: u8) -> AccessKeyPair {
        AccessKeyPair {
            id: format!("AKIAROTAKEYKEPT{number:05}").parse().unwrap(),
            secret: Secret::new(format!("secret/+\"{number}")),
        }
    }

    fn ids(slots: &Slots<AccessKeyPair>) -> [Option<&str>; 3] {
        [&slots.pending, &slots.current, &slots.previous]
            .map(|pair| pair.as_ref().map(|pair| pair.id.as_str()))
    }

    #[test]
    fn what_is_kept_is_read_as_it_was_written() {
        for kept in [
            Kept::default(),
            Kept { pending: Some(key(1)), previous: Vec::new() },
            Kept { pending: Some(key(1)), previous: vec![key(2), key(3)] },
        ] {
            assert_eq!(Kept::read(&kept.write()), Some(kept));
        }
        for other in [
            "",
            "{}",
            "hunter2",
            r#"{"pending":null,"previous":[{"AccessKeyId":"x","SecretAccessKey":"y"}]}"#,
        ] {
            assert_eq!(Kept::read(&Secret::new(other.to_owned())), None, "{other}");
        }
    }

    /// The parameter is replaced between the two writes of what is kept, and a run may end before either of them.
    #[test]
    fn the_slots_are_right_between_any_two_writes() {
        let [one, two, three] = [1, 2, 3].map(|number| key(number).id.to_string());
        let [one, two, three] = [&one, &two, &three].map(|id| Some(id.as_str()));
        let kept = || Kept { pending: Some(key(3)), previous: vec![key(1)] };

        assert_eq!(ids(&kept().into_slots(Some(key(2)))), [three, two, one]);
        let begun = || kept().and_previous(Some(&key(2)));
        assert_eq!(ids(&begun().into_slots(Some(key(2)))), [three, two, one], "nothing has happened yet");
        assert_eq!(ids(&begun().into_slots(Some(key(3)))), [None, three, two], "published");
        assert_eq!(ids(&begun().into_slots(Some(key(1)))), [three, one, two], "restored");
        assert_eq!(begun().settled(&key(3), |_| false), Kept { pending: None, previous: vec![key(2)] });
        assert_eq!(begun().and_previous(Some(&key(2))), begun(), "begun again");
    }
}
