//! What people were told of a rotation, as it is taken along.

use rotakey_core::notify::NoticeId;

use super::{Log, Unsound};
use crate::outbox::Delivery;

/// What people were told of one rotation.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Told {
    /// The deliveries, in the order of notices and channels. Each has version 1: how often it was written down is
    /// a matter of the store that it was written to.
    pub deliveries: Vec<Delivery>,
    /// Whether there is nothing more to tell.
    pub is_settled: bool,
}

impl Told {
    /// Of deliveries in any order.
    pub(super) fn new(mut deliveries: Vec<Delivery>, is_settled: bool) -> Self {
        deliveries.sort_by(|one, other| key(one).cmp(&key(other)));
        deliveries.iter_mut().for_each(|delivery| delivery.version = 1);
        Self { deliveries, is_settled }
    }

    /// Checks that each notice is of an entry of the log and told once, and that what is settled has ended.
    pub(super) fn check(&self, log: &Log, is_open: bool) -> Result<(), Unsound> {
        let wrong = |what: String| Err(Unsound::Told { rotation: log.id.clone(), what });
        let versions = 1..=log.records.len() as u64;
        for delivery in &self.deliveries {
            match delivery.notice.entry_of(&log.id) {
                Some(version) if versions.contains(&version) => {}
                _ => return wrong(format!("there is no entry that gave the notice {}", delivery.notice)),
            }
        }
        if let Some(pair) = self.deliveries.windows(2).find(|pair| key(&pair[0]) >= key(&pair[1])) {
            return wrong(format!("the notice {} is there twice, or out of order", pair[1].notice));
        }
        if self.is_settled && is_open {
            return wrong("it is settled, and the rotation has not ended".to_owned());
        }
        Ok(())
    }

    /// What is known here of the same notice on the same channel.
    pub(super) fn find(&self, delivery: &Delivery) -> Option<&Delivery> {
        self.deliveries.iter().find(|known| key(known) == key(delivery))
    }
}

fn key(delivery: &Delivery) -> (&NoticeId, &str) {
    (&delivery.notice, &delivery.channel)
}
