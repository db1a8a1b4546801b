//! What is kept beside the pair that applications read, when that takes a second file or secret.
//!
//! Two places cannot be replaced in one step, so the second one is a journal: each of its entries says what the
//! other slots hold *while the current pair is a certain one*. To publish B after A is then
//!
//! | step                       | what applications read | journal                               | read as         |
//! |----------------------------|---|---------------------------------------|-----------------|
//! | before                     | A | A: pending B, previous O              | A, B pending, O |
//! | 1. the journal foresees B  | A | A: pending B, previous O; B: previous A | A, B pending, O |
//! | 2. B is put there          | B | A: pending B, previous O; B: previous A | B, -, A       |
//! | 3. the journal forgets A's | B | B: previous A                         | B, -, A         |
//!
//! and whenever the process dies, all three slots are those from before step 2 or those from after it.

use rotakey_core::id::AccessKeyId;
use rotakey_core::secret::{AccessKeyPair, Fingerprint, Secret};
use serde::ser::SerializeMap;
use serde::{Deserialize, Serialize, Serializer};
use zeroize::Zeroizing;

use crate::destination::Pairs;
use crate::destination::pair_json::{self, PairJson};

/// Whether the journal keeps the current pair too.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Current {
    /// What applications read is the whole pair.
    ReadBack,
    /// What applications read is made of the pair, and the pair cannot be made of it.
    Kept,
}

/// What the other slots hold while the current pair is a certain one.
#[derive(Debug, PartialEq, Eq)]
struct Entry {
    current: Option<Fingerprint>,
    /// The current pair itself: see [`Current::Kept`].
    kept: Option<AccessKeyPair>,
    pending: Option<AccessKeyPair>,
    previous: Option<AccessKeyPair>,
}

impl Entry {
    fn of(slots: &Pairs, keep: Current) -> Self {
        let copy = |slot: &Option<AccessKeyPair>| slot.as_ref().map(AccessKeyPair::duplicate);
        Self {
            current: slots.current.as_ref().map(AccessKeyPair::fingerprint),
            kept: if keep == Current::Kept { copy(&slots.current) } else { None },
            pending: copy(&slots.pending),
            previous: copy(&slots.previous),
        }
    }

    fn is_empty(&self) -> bool {
        self.kept.is_none() && self.pending.is_none() && self.previous.is_none()
    }
}

/// The second place: one entry; two while the first place is being replaced, the older one first.
#[derive(Debug, PartialEq, Eq, Default)]
pub(super) struct Journal(Vec<Entry>);

/// One of the two places replaced: between two steps, the process may die.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Step<'a> {
    Journal(Journal),
    Current(&'a AccessKeyPair),
}

impl Journal {
    /// The steps of the table above, as far as they change something. `before` is what applications read now;
    /// `renew` says that it is to be written also if it is that pair already.
    pub(super) fn steps<'a>(
        &self,
        before: Option<&AccessKeyPair>,
        after: &'a Pairs,
        keep: Current,
        renew: bool,
    ) -> Vec<Step<'a>> {
        let settled = Self::settled(after, keep);
        let mut steps = Vec::new();
        if let Some(current) = &after.current
            && (renew || before != Some(current))
        {
            steps.push(Step::Journal(self.foreseeing(before, after, keep)));
            steps.push(Step::Current(current));
        }
        if !steps.is_empty() || *self != settled {
            steps.push(Step::Journal(settled));
        }
        steps
    }

    /// The journal of slots that are not about to change.
    pub(super) fn settled(slots: &Pairs, keep: Current) -> Self {
        let entry = Entry::of(slots, keep);
        Self(if entry.is_empty() { Vec::new() } else { vec![entry] })
    }

    /// The journal that is right before and after the current pair is replaced.
    fn foreseeing(&self, current: Option<&AccessKeyPair>, after: &Pairs, keep: Current) -> Self {
        Self(vec![Entry::of(&self.slots(current), keep), Entry::of(after, keep)])
    }

    /// The slots while that pair is current.
    pub(super) fn slots(&self, current: Option<&AccessKeyPair>) -> Pairs {
        let fingerprint = current.map(AccessKeyPair::fingerprint);
        let entry = self.0.iter().find(|entry| entry.current == fingerprint);
        // Somebody else replaced the current pair. What was kept beside the former one is not lost for that.
        let entry = entry.or(self.0.last());
        Pairs {
            pending: entry.and_then(|entry| entry.pending.as_ref()).map(AccessKeyPair::duplicate),
            current: current.map(AccessKeyPair::duplicate),
            previous: entry.and_then(|entry| entry.previous.as_ref()).map(AccessKeyPair::duplicate),
        }
    }

    /// Whether there is an entry for that current pair.
    pub(super) fn knows(&self, current: Option<&AccessKeyPair>) -> bool {
        let fingerprint = current.map(AccessKeyPair::fingerprint);
        self.0.is_empty() || self.0.iter().any(|entry| entry.current == fingerprint)
    }

    /// Whether the pair was foreseen and is current now, and nobody has written down that it is.
    pub(super) fn foresaw(&self, current: Option<&AccessKeyPair>) -> bool {
        let [_, foreseen] = &self.0[..] else { return false };
        current.is_some() && foreseen.current == current.map(AccessKeyPair::fingerprint)
    }

    /// Every pair that is written down.
    pub(super) fn pairs(&self) -> impl Iterator<Item = &AccessKeyPair> {
        self.0.iter().flat_map(|entry| [&entry.kept, &entry.pending, &entry.previous]).flatten()
    }

    /// Whether there is nothing to write down.
    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub(super) fn parse(plain: &[u8]) -> Result<Self, &'static str> {
        #[derive(Deserialize)]
        #[serde(deny_unknown_fields)]
        struct RawEntry {
            current: Option<Fingerprint>,
            #[serde(default)]
            kept: Option<RawPair>,
            pending: Option<RawPair>,
            previous: Option<RawPair>,
        }
        #[derive(Deserialize)]
        #[serde(deny_unknown_fields)]
        struct RawPair {
            #[serde(rename = "AccessKeyId")]
            id: AccessKeyId,
            #[serde(rename = "SecretAccessKey")]
            secret: String,
        }
        let pair = |raw: RawPair| AccessKeyPair { id: raw.id, secret: Secret::new(raw.secret) };
        let entries: Vec<RawEntry> =
            serde_json::from_slice(plain).map_err(|_| "the content is not a journal of rotakey")?;
        let entries = entries.into_iter().map(|raw| Entry {
            current: raw.current,
            kept: raw.kept.map(pair),
            pending: raw.pending.map(pair),
            previous: raw.previous.map(pair),
        });
        Ok(Self(entries.collect()))
    }

    pub(super) fn render(&self) -> Zeroizing<Vec<u8>> {
        pair_json::render(&self.0)
    }

    /// The same as a text.
    pub(super) fn text(&self) -> Secret {
        let mut plain = self.render();
        Secret::new(String::from_utf8(std::mem::take(&mut *plain)).expect("JSON is text"))
    }
}

impl Serialize for Entry {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let pair = |pair| PairJson { pair, extra: None };
        let mut map = serializer.serialize_map(None)?;
        map.serialize_entry("current", &self.current)?;
        if let Some(kept) = &self.kept {
            map.serialize_entry("kept", &pair(kept))?;
        }
        map.serialize_entry("pending", &self.pending.as_ref().map(pair))?;
        map.serialize_entry("previous", &self.previous.as_ref().map(pair))?;
        map.end()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::destination::tests::pair;

    fn slots(pending: Option<u8>, current: Option<u8>, previous: Option<u8>) -> Pairs {
        Pairs { pending: pending.map(pair), current: current.map(pair), previous: previous.map(pair) }
    }

    /// Plays the steps and reads the three slots after each.
    fn played(before: &Pairs, after: &Pairs, keep: Current) -> Vec<Pairs> {
        let mut journal = Journal::settled(before, keep);
        let mut current = before.current.as_ref().map(AccessKeyPair::duplicate);
        let steps = journal.steps(current.as_ref(), after, keep, false);
        let mut seen = Vec::new();
        for step in steps {
            match step {
                // As it is read back.
                Step::Journal(written) => journal = Journal::parse(&written.render()).unwrap(),
                Step::Current(pair) => current = Some(pair.duplicate()),
            }
            seen.push(journal.slots(current.as_ref()));
        }
        seen
    }

    #[test]
    fn between_any_two_steps_the_slots_are_those_from_before_or_from_after() {
        for keep in [Current::ReadBack, Current::Kept] {
            for (before, after) in [
                (slots(None, None, None), slots(None, Some(1), None)),
                (slots(Some(2), Some(1), Some(0)), slots(None, Some(2), Some(1))),
                (slots(None, Some(2), Some(1)), slots(None, Some(1), Some(2))),
                (slots(Some(3), Some(2), Some(1)), slots(Some(3), Some(1), Some(2))),
            ] {
                let seen = played(&before, &after, keep);
                let [first, rest @ ..] = &seen[..] else { panic!("nothing was done") };
                assert_eq!(*first, before);
                assert!(!rest.is_empty() && rest.iter().all(|slots| *slots == after), "{rest:?}");
            }
        }
    }

    #[test]
    fn nothing_is_written_where_nothing_changes() {
        let held = slots(None, Some(1), None);
        let journal = Journal::settled(&held, Current::ReadBack);
        assert!(journal.is_empty(), "a pair that is read back leaves no journal");
        assert_eq!(journal.steps(held.current.as_ref(), &held, Current::ReadBack, false), []);
        let journal = Journal::settled(&held, Current::Kept);
        assert_eq!(journal.pairs().collect::<Vec<_>>(), [&pair(1)]);
        assert_eq!(journal.steps(held.current.as_ref(), &held, Current::Kept, false), []);
        assert_eq!(
            journal.steps(held.current.as_ref(), &held, Current::Kept, true).len(),
            3,
            "it is renewed"
        );
    }
}
