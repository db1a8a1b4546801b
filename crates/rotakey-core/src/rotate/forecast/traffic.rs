//! What is under way at one time in a forecast, so that limits and canaries hold rotations back as they would.

use std::collections::BTreeMap;

use jiff::Timestamp;

use crate::id::AccountId;
use crate::policy::{Answer, UserSubject};
use crate::rotate::controls::{Canaries, Candidate, Controls, Fleet, Permit};

/// How the last rotation of a canary went: `None` while it is under way, else whether it ended well, and when.
type Fate = Option<(bool, Timestamp)>;

/// What is under way.
pub(super) struct Traffic {
    fleet: Fleet,
    /// By the number of the user.
    canaries: BTreeMap<u32, (String, Fate)>,
}

impl Traffic {
    /// Nothing is under way for those users.
    pub(super) fn of<'u>(users: impl Iterator<Item = &'u UserSubject>) -> Self {
        let mut fleet = Fleet::default();
        for user in users.filter(|user| user.keys.iter().any(|key| key.is_active())) {
            *fleet.users.entry(user.account_id).or_default() += 1;
        }
        Self { fleet, canaries: BTreeMap::new() }
    }

    /// Whether the rotation of a key that gets too old then may begin now.
    pub(super) fn admit(
        &self,
        user: &UserSubject,
        limit_at: Option<Timestamp>,
        controls: &Controls,
        now: Timestamp,
    ) -> Permit {
        let candidate = Candidate { user, limit_at, own_key: false };
        let mut permits = controls.admit(&[candidate], &self.fleet, None, now);
        permits.pop().unwrap_or(Permit::Go)
    }

    /// A rotation begins.
    pub(super) fn begins(&mut self, number: u32, user: &UserSubject, controls: &Controls) {
        *self.fleet.in_flight.entry(user.account_id).or_default() += 1;
        self.note(number, user, controls, None);
    }

    /// One ends.
    pub(super) fn ends(
        &mut self,
        number: u32,
        user: &UserSubject,
        controls: &Controls,
        at: Timestamp,
        well: bool,
    ) {
        self.leave(user.account_id);
        self.note(number, user, controls, Some((well, at)));
    }

    fn leave(&mut self, account: AccountId) {
        if let Some(count) = self.fleet.in_flight.get_mut(&account) {
            *count = count.saturating_sub(1);
        }
    }

    fn note(&mut self, number: u32, user: &UserSubject, controls: &Controls, fate: Fate) {
        if controls.canaries.is_empty() || controls.is_canary(user) != Answer::Yes {
            return;
        }
        self.canaries.insert(number, (user.principal.name().to_owned(), fate));
        let mut canaries = Canaries::default();
        self.canaries.values().for_each(|(name, fate)| canaries.add(name, *fate));
        self.fleet.canaries = canaries;
    }
}
