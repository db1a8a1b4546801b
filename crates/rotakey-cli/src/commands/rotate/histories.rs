//! Who uses the keys of users that have several active ones, as a source of usage tells.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicUsize, Ordering};

use futures::StreamExt as _;
use futures::stream;
use jiff::Timestamp;
use rotakey_core::fact::Seen;
use rotakey_core::id::{AccessKeyId, AccountId};
use rotakey_core::rotate::KeyUsage;
use rotakey_engine::inventory::Progress as _;
use rotakey_engine::port::{Accounts, UsageSource};

use crate::printer::Printer;
use crate::progress::Progress;

/// Several accounts are looked into at a time. In one, a key at a time: AWS allows two lookups a second there.
const ACCOUNTS_AT_A_TIME: usize = 8;

const LOOKING: &str = "looking who uses keys";

/// What was told of each key that was asked about.
#[derive(Debug, Default)]
pub(super) struct Histories(BTreeMap<AccessKeyId, Seen<KeyUsage>>);

impl Histories {
    /// Asks the sources of the accounts about those keys, from `since` on. Where an account has no source, nothing is
    /// asked; what a source does not answer is kept with the reason.
    pub(super) async fn read(
        keys: BTreeMap<AccountId, Vec<AccessKeyId>>,
        accounts: &dyn Accounts,
        since: Timestamp,
        printer: &Printer,
    ) -> Self {
        let sources = keys.into_iter().filter_map(|(id, keys)| Some((accounts.get(&id)?.usage?, keys)));
        let sources: Vec<(&dyn UsageSource, Vec<AccessKeyId>)> = sources.collect();
        let total: usize = sources.iter().map(|(_, keys)| keys.len()).sum();
        if total == 0 {
            return Self::default();
        }
        let (progress, done) = (Progress::new(printer), AtomicUsize::new(0));
        progress.step(0, Some(total), LOOKING);
        let asked = stream::iter(sources).map(|(source, keys)| {
            let (progress, done) = (&progress, &done);
            async move {
                let mut told = Vec::new();
                for key in keys {
                    let usage = source.usage(&key, since).await.map(KeyUsage::bounded);
                    told.push((key, usage.into()));
                    progress.step(1 + done.fetch_add(1, Ordering::Relaxed), Some(total), LOOKING);
                }
                told
            }
        });
        let told: Vec<_> = asked.buffer_unordered(ACCOUNTS_AT_A_TIME).collect().await;
        Self(told.into_iter().flatten().collect())
    }

    /// What was told of that key, or why nothing was.
    pub(super) fn of(&self, key: &AccessKeyId) -> Seen<KeyUsage> {
        let no_source = || Seen::Unknown("no source tells who uses keys".to_owned());
        self.0.get(key).cloned().unwrap_or_else(no_source)
    }
}
