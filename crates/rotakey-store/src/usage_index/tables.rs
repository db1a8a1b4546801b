//! What an engine must be able to do with the tables, inside of one transaction.

use std::collections::HashMap;

use async_trait::async_trait;
use rotakey_engine::store::StoreError;
use sha2::{Digest as _, Sha256};

/// The beginning of a SHA-256.
pub(super) type Digest = [u8; 16];

/// How many days a period has, by which rows are clustered.
pub(super) const PERIOD: i64 = 32;

/// Addresses, and user agents.
pub(super) const KINDS: [i64; 2] = [0, 1];

/// What has numbers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Table {
    Name,
    AccessKey,
    Principal,
    Client,
    Operation,
}

/// Something that is to get a number.
#[derive(Debug, Clone)]
pub(super) struct Entry<'a> {
    pub(super) id: i64,
    pub(super) digest: Digest,
    /// Of a name or a key.
    pub(super) text: &'a str,
    /// Of the other tables: the numbers of names.
    pub(super) names: Vec<i64>,
}

/// A row of `key_use`, and of what is added to it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct UseRow {
    pub(super) period: i64,
    pub(super) key: i64,
    pub(super) day: i64,
    pub(super) operation: i64,
    pub(super) client: i64,
    pub(super) principal: i64,
    pub(super) calls: i64,
    pub(super) first: i64,
    pub(super) last: i64,
    pub(super) hours: i64,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct SightingRow {
    pub(super) key: i64,
    pub(super) kind: i64,
    pub(super) name: i64,
    pub(super) fingerprint: i64,
    pub(super) first_day: i64,
    pub(super) last_day: i64,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct MintRow {
    pub(super) child: i64,
    pub(super) parent: i64,
    pub(super) at: i64,
    pub(super) event_name: i64,
    pub(super) arn: i64,
    pub(super) account_id: i64,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct FileRow {
    pub(super) digest: Digest,
    pub(super) bytes: Option<i64>,
    pub(super) tag: Option<i64>,
    pub(super) day: Option<i64>,
}

/// The calls of a key: of all time in `access_key`, and what is added to them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct KeyRow {
    pub(super) id: i64,
    pub(super) access_key_id: String,
    pub(super) calls: i64,
    pub(super) first_at: Option<i64>,
    pub(super) last_at: Option<i64>,
}

/// Fingerprints of one day.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct SeenRow {
    pub(super) day: i64,
    pub(super) batch: i64,
    pub(super) part: i64,
    pub(super) fingerprints: Vec<u8>,
}

/// The calls of a key that ended in one error.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct TotalRow {
    pub(super) key: i64,
    pub(super) operation: i64,
    pub(super) calls: i64,
    pub(super) first_at: i64,
    pub(super) last_at: i64,
}

/// From that second on, and before that one.
#[derive(Debug, Clone, Copy)]
pub(super) struct Span {
    pub(super) from: i64,
    pub(super) until: i64,
}

/// Numbers in `stats`.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Counts {
    pub(super) files: i64,
    pub(super) batches: i64,
    pub(super) calls: i64,
    pub(super) keys: i64,
    pub(super) rows: i64,
    pub(super) minted: i64,
    pub(super) first_day: Option<i64>,
    pub(super) last_day: Option<i64>,
    pub(super) seen_bytes: i64,
    pub(super) bytes: i64,
}

/// An engine that has been opened.
#[async_trait]
pub(super) trait Engine: Send + Sync {
    /// Begins to read: everything as it is at one moment.
    async fn read(&self) -> Result<Box<dyn Tables>, StoreError>;

    /// Begins to write, when all others have ended writing.
    async fn write(&self) -> Result<Box<dyn Tables>, StoreError>;
}

/// A transaction. Nothing of it lasts unless it is committed. Lists may be of any length.
#[async_trait]
pub(super) trait Tables: Send {
    async fn commit(self: Box<Self>) -> Result<(), StoreError>;

    /// 0 if there is none.
    async fn last_batch(&mut self) -> Result<i64, StoreError>;
    async fn insert_batch(&mut self, number: i64, at: i64, files: i64, calls: i64) -> Result<(), StoreError>;

    async fn find_files(&mut self, digests: &[Digest]) -> Result<Vec<FileRow>, StoreError>;
    async fn insert_files(&mut self, batch: i64, files: &[FileRow]) -> Result<(), StoreError>;

    /// 0 if there is none.
    async fn last_id(&mut self, table: Table) -> Result<i64, StoreError>;
    async fn find(&mut self, table: Table, digests: &[Digest]) -> Result<HashMap<Digest, i64>, StoreError>;
    async fn insert(&mut self, table: Table, entries: &[Entry<'_>]) -> Result<(), StoreError>;

    async fn add_uses(&mut self, rows: &[UseRow]) -> Result<(), StoreError>;
    async fn add_sightings(&mut self, rows: &[SightingRow]) -> Result<(), StoreError>;
    async fn add_mints(&mut self, rows: &[MintRow]) -> Result<(), StoreError>;
    /// By `id`.
    async fn add_to_keys(&mut self, rows: &[KeyRow]) -> Result<(), StoreError>;

    /// Of those days, both counted, those of later batches than that.
    async fn seen(&mut self, first: i64, last: i64, after_batch: i64) -> Result<Vec<SeenRow>, StoreError>;
    /// Of one day, those parts that are shorter than so many bytes: `(batch, part)`.
    async fn short_seen(&mut self, day: i64, bytes: i64) -> Result<Vec<(i64, i64)>, StoreError>;
    async fn insert_seen(&mut self, row: &SeenRow) -> Result<(), StoreError>;
    async fn take_seen(&mut self, day: i64, batch: i64, part: i64) -> Result<Vec<u8>, StoreError>;
    async fn forget_seen(&mut self, before: i64) -> Result<(), StoreError>;

    async fn pruned_before(&mut self) -> Result<i64, StoreError>;
    /// Deletes what is of earlier days, and what nothing refers to any more. Returns how many rows went.
    async fn prune(&mut self, before: i64) -> Result<u64, StoreError>;

    /// The periods that have rows.
    async fn periods(&mut self) -> Result<Vec<i64>, StoreError>;
    /// All keys, or those with an id above that one, at most so many, by id.
    async fn keys(&mut self, above: i64, most: i64) -> Result<Vec<KeyRow>, StoreError>;
    async fn uses(&mut self, periods: &[i64], keys: &[i64]) -> Result<Vec<UseRow>, StoreError>;
    async fn sightings(&mut self, keys: &[i64]) -> Result<Vec<SightingRow>, StoreError>;
    /// The numbers of names of each entry.
    async fn entries(&mut self, table: Table, ids: &[i64]) -> Result<Vec<(i64, Vec<i64>)>, StoreError>;
    /// The texts of names or keys.
    async fn texts(&mut self, table: Table, ids: &[i64]) -> Result<Vec<(i64, String)>, StoreError>;
    /// Pairs of parent and child: what was minted from those keys in that span, directly or not.
    async fn minted_from(&mut self, keys: &[i64], span: Span) -> Result<Vec<(i64, i64)>, StoreError>;
    /// Pairs of parent and child, of those children.
    async fn parents(&mut self, keys: &[i64], span: Span) -> Result<Vec<(i64, i64)>, StoreError>;
    /// The calls of those keys by operation.
    async fn totals(
        &mut self,
        periods: &[i64],
        keys: &[i64],
        span: Span,
    ) -> Result<Vec<TotalRow>, StoreError>;

    /// The last call of any key.
    async fn last_at(&mut self) -> Result<Option<i64>, StoreError>;

    async fn counts(&mut self) -> Result<Counts, StoreError>;
}

/// The digest of a list of texts.
pub(super) fn digest<T: AsRef<[u8]>>(parts: &[T]) -> Digest {
    let mut hash = Sha256::new();
    for part in parts {
        let part = part.as_ref();
        hash.update((part.len() as u64).to_le_bytes());
        hash.update(part);
    }
    let mut digest = Digest::default();
    digest.copy_from_slice(&hash.finalize()[..16]);
    digest
}
