//! Adding a batch: the same for every engine.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::ops::RangeInclusive;

use rotakey_trail::event_time::DAY;
use rotakey_trail::minted::Minted;
use rotakey_trail::rollup::{Batch, Names, Seen};

use super::file::FileState;
use super::tables::{
    Digest, Engine, Entry, FileRow, KINDS, KeyRow, MintRow, PERIOD, SeenRow, SightingRow, Table, Tables,
    UseRow, digest,
};
use super::{Begun, Commit, IndexError, IndexFile};

/// The most fingerprints in one value of a table.
const PART: usize = 1 << 20;

/// When a day has so many short values, they are put together.
const SHORT_PARTS: usize = 32;

pub(super) async fn begin(engine: &dyn Engine, files: &[IndexFile]) -> Result<Begun, IndexError> {
    let mut tables = engine.read().await?;
    let last_batch = tables.last_batch().await?;
    let known = known_files(&mut *tables, files).await?;
    tables.commit().await?;
    let files = files.iter().map(|file| file.state(known.get(&file.digest()))).collect();
    Ok(Begun { files, last_batch })
}

async fn known_files(
    tables: &mut dyn Tables,
    files: &[IndexFile],
) -> Result<HashMap<Digest, FileRow>, IndexError> {
    let digests: Vec<Digest> = files.iter().map(IndexFile::digest).collect();
    let rows = tables.find_files(&digests).await?;
    Ok(rows.into_iter().map(|row| (row.digest, row)).collect())
}

pub(super) async fn seen(
    engine: &dyn Engine,
    days: RangeInclusive<i64>,
    since: Option<&Begun>,
) -> Result<Seen, IndexError> {
    let mut tables = engine.read().await?;
    let mut seen = Seen::new();
    let after_batch = since.map_or(0, |begun| begun.last_batch);
    for row in tables.seen(*days.start(), *days.end(), after_batch).await? {
        seen.entry(row.day).or_default().extend(decoded(&row.fingerprints));
    }
    tables.commit().await?;
    for fingerprints in seen.values_mut() {
        fingerprints.sort_unstable();
        fingerprints.dedup();
    }
    Ok(seen)
}

pub(super) async fn commit(engine: &dyn Engine, commit: Commit<'_>) -> Result<(), IndexError> {
    let mut tables = engine.write().await?;
    let tables_ref = &mut *tables;
    refuse_conflicts(tables_ref, commit).await?;
    let number = tables_ref.last_batch().await? + 1;
    let calls = commit.batch.uses.iter().map(|one| i64::from(one.day_use.calls)).sum();
    let files = i64::try_from(commit.files.len()).unwrap_or(i64::MAX);
    tables_ref.insert_batch(number, commit.now.seconds(), files, calls).await?;
    let rows: Vec<FileRow> = commit.files.iter().map(IndexFile::row).collect();
    tables_ref.insert_files(number, &rows).await?;
    add_rows(tables_ref, commit.batch).await?;
    remember(tables_ref, number, commit).await?;
    Ok(tables.commit().await?)
}

/// Nobody may have added one of the files or events since.
async fn refuse_conflicts(tables: &mut dyn Tables, commit: Commit<'_>) -> Result<(), IndexError> {
    let known = known_files(tables, commit.files).await?;
    if commit.files.iter().any(|file| file.state(known.get(&file.digest())) != FileState::New) {
        return Err(IndexError::Conflict);
    }
    let Some((first, last)) = commit.seen.keys().next().zip(commit.seen.keys().next_back()) else {
        return Ok(());
    };
    for row in tables.seen(*first, *last, commit.begun.last_batch).await? {
        let Some(new) = commit.seen.get(&row.day) else { continue };
        let added: HashSet<u64> = decoded(&row.fingerprints).collect();
        if new.iter().any(|fingerprint| added.contains(fingerprint)) {
            return Err(IndexError::Conflict);
        }
    }
    Ok(())
}

async fn add_rows(tables: &mut dyn Tables, batch: &Batch) -> Result<(), IndexError> {
    let pruned_before = tables.pruned_before().await?;
    let minted: Vec<&Minted> =
        batch.minted.iter().filter(|minted| minted.at.day() >= pruned_before).collect();

    // What has a number: the texts of the batch, and those of its edges.
    let mut names: Vec<&str> = batch.names.iter().map(String::as_str).collect();
    let mut keys: Vec<&str> = batch.keys.iter().map(String::as_str).collect();
    for one in &minted {
        keys.extend(one.parent.as_deref());
        keys.push(&one.child);
        names.push(&one.event_name);
        names.extend(one.arn.as_deref().into_iter().chain(one.account_id.as_deref()));
    }
    let names = Numbers::of_texts(tables, Table::Name, names).await?;
    let keys = Numbers::of_texts(tables, Table::AccessKey, keys).await?;
    let principals = numbers_of(tables, Table::Principal, batch, &batch.principals, &names).await?;
    let clients = numbers_of(tables, Table::Client, batch, &batch.clients, &names).await?;
    let operations = numbers_of(tables, Table::Operation, batch, &batch.operations, &names).await?;
    let key = |place: u32| keys.get(&batch.keys[place as usize]);

    let mut uses: Vec<UseRow> = Vec::with_capacity(batch.uses.len());
    let mut totals: BTreeMap<u32, KeyRow> = BTreeMap::new();
    for one in &batch.uses {
        let (place, day_use) = (one.place, one.day_use);
        let day = i64::from(place.day);
        if day < pruned_before {
            continue;
        }
        uses.push(UseRow {
            period: day / PERIOD,
            key: key(place.key),
            day: day % PERIOD,
            operation: operations[place.operation as usize],
            client: clients[place.client as usize],
            principal: principals[place.principal as usize],
            calls: day_use.calls.into(),
            first: day_use.first.into(),
            last: day_use.last.into(),
            hours: day_use.hours.into(),
        });
        let (first_at, last_at) = (day * DAY + i64::from(day_use.first), day * DAY + i64::from(day_use.last));
        let total = totals.entry(place.key).or_insert_with(|| KeyRow {
            id: key(place.key),
            access_key_id: String::new(),
            calls: 0,
            first_at: Some(first_at),
            last_at: Some(last_at),
        });
        total.calls += i64::from(day_use.calls);
        total.first_at = total.first_at.min(Some(first_at));
        total.last_at = total.last_at.max(Some(last_at));
    }
    // In the order in which they are kept: pages are written once.
    uses.sort_unstable_by_key(|row| (row.period, row.key, row.day, row.operation, row.client, row.principal));
    tables.add_uses(&uses).await?;
    let totals: Vec<KeyRow> = totals.into_values().collect();
    tables.add_to_keys(&totals).await?;

    let mut sightings: Vec<SightingRow> = KINDS
        .into_iter()
        .zip([&batch.addresses, &batch.user_agents])
        .flat_map(|(kind, sightings)| sightings.iter().map(move |one| (kind, one)))
        .filter(|(_, one)| i64::from(one.days.last) >= pruned_before)
        .map(|(kind, one)| SightingRow {
            key: key(one.key),
            kind,
            name: names.get(&batch.names[one.of as usize]),
            fingerprint: one.fingerprint.cast_signed(),
            first_day: one.days.first.into(),
            last_day: one.days.last.into(),
        })
        .collect();
    sightings.sort_unstable_by_key(|row| (row.key, row.kind, row.name, row.fingerprint));
    tables.add_sightings(&sightings).await?;

    let number = |text: Option<&String>| text.map_or(0, |text| names.get(text));
    let mut mints: Vec<MintRow> = minted
        .into_iter()
        .map(|one| MintRow {
            child: keys.get(&one.child),
            parent: one.parent.as_ref().map_or(0, |parent| keys.get(parent)),
            at: one.at.seconds(),
            event_name: names.get(&one.event_name),
            arn: number(one.arn.as_ref()),
            account_id: number(one.account_id.as_ref()),
        })
        .collect();
    mints.sort_unstable_by_key(|row| (row.child, row.parent, row.at));
    tables.add_mints(&mints).await?;
    Ok(())
}

/// The numbers of texts. The empty one is 0 where it stands for what is absent.
struct Numbers<'a>(HashMap<&'a str, i64>);

impl<'a> Numbers<'a> {
    async fn of_texts(
        tables: &mut dyn Tables,
        table: Table,
        mut texts: Vec<&'a str>,
    ) -> Result<Self, IndexError> {
        texts.sort_unstable();
        texts.dedup();
        texts.retain(|text| !text.is_empty());
        let entries = texts
            .iter()
            .map(|text| Entry { id: 0, digest: digest(&[text]), text, names: Vec::new() })
            .collect();
        let ids = numbered(tables, table, entries).await?;
        Ok(Self(texts.into_iter().zip(ids).collect()))
    }

    fn get(&self, text: &str) -> i64 {
        self.0.get(text).copied().unwrap_or(0)
    }
}

/// The numbers of values that are made of names.
async fn numbers_of<T: Names>(
    tables: &mut dyn Tables,
    table: Table,
    batch: &Batch,
    values: &[T],
    names: &Numbers<'_>,
) -> Result<Vec<i64>, IndexError> {
    let entries = values
        .iter()
        .map(|value| {
            let array = value.to_array();
            let texts: Vec<&str> =
                array.as_ref().iter().map(|name| batch.names[*name as usize].as_str()).collect();
            let names = texts.iter().map(|text| names.get(text)).collect();
            Entry { id: 0, digest: digest(&texts), text: "", names }
        })
        .collect();
    numbered(tables, table, entries).await
}

/// The numbers of entries, in their order. Those that have none get the next ones: nobody else writes now.
async fn numbered(
    tables: &mut dyn Tables,
    table: Table,
    mut entries: Vec<Entry<'_>>,
) -> Result<Vec<i64>, IndexError> {
    let digests: Vec<Digest> = entries.iter().map(|entry| entry.digest).collect();
    let mut known = tables.find(table, &digests).await?;
    let mut next = tables.last_id(table).await?;
    entries.retain_mut(|entry| {
        if known.contains_key(&entry.digest) {
            return false;
        }
        next += 1;
        entry.id = next;
        known.insert(entry.digest, next);
        true
    });
    tables.insert(table, &entries).await?;
    Ok(digests.iter().map(|digest| known.get(digest).copied().unwrap_or(0)).collect())
}

/// Keeps the fingerprints, and drops those that are too old.
async fn remember(tables: &mut dyn Tables, batch: i64, commit: Commit<'_>) -> Result<(), IndexError> {
    for (day, fingerprints) in commit.seen.iter().filter(|(_, fingerprints)| !fingerprints.is_empty()) {
        let mut fingerprints = fingerprints.clone();
        // Continuous ingestion adds a little every minute.
        let short = tables.short_seen(*day, (PART * 4) as i64).await?;
        if short.len() >= SHORT_PARTS {
            for (batch, part) in short {
                fingerprints.extend(decoded(&tables.take_seen(*day, batch, part).await?));
            }
        }
        fingerprints.sort_unstable();
        fingerprints.dedup();
        for (part, fingerprints) in (0..).zip(fingerprints.chunks(PART)) {
            let fingerprints = fingerprints.iter().flat_map(|one| one.to_le_bytes()).collect();
            tables.insert_seen(&SeenRow { day: *day, batch, part, fingerprints }).await?;
        }
    }
    // A clock that is wrong somewhere must not make us forget all days.
    let newest = commit.seen.keys().rev().find(|day| **day <= commit.now.day() + 1);
    if let Some(newest) = newest {
        tables.forget_seen(newest - i64::from(commit.seen_days)).await?;
    }
    Ok(())
}

fn decoded(bytes: &[u8]) -> impl Iterator<Item = u64> + '_ {
    bytes.chunks_exact(8).map(|chunk| {
        let mut eight = [0; 8];
        eight.copy_from_slice(chunk);
        u64::from_le_bytes(eight)
    })
}
