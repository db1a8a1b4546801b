//! Asking: the same for every engine.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use rotakey_trail::cadence::DayUse;
use rotakey_trail::event_time::{DAY, EventTime};
use rotakey_trail::rollup::{
    Batch, Client, Days, Edge, Operation, Place, Principal, Sighting, Totals, UsageOfRows, Use,
};
use rotakey_trail::usage::GroupBy;
use rotakey_trail::usage::schema::{KeyUsage, Tally};

use super::tables::{Counts, Engine, KeyRow, PERIOD, SightingRow, Span, Table, Tables, UseRow, digest};
use super::{IndexError, KeyConsumers, KnownKey, Question, Stats};

/// How many keys are read at a time.
const KEYS_AT_A_TIME: usize = 500;

pub(super) async fn usage(engine: &dyn Engine, question: &Question) -> Result<Vec<KeyUsage>, IndexError> {
    let mut transaction = engine.read().await?;
    let tables = &mut *transaction;
    let span = Span {
        from: question.from.map_or(i64::MIN, |day| day.saturating_mul(DAY)),
        until: question.until.map_or(i64::MAX, |day| day.saturating_mul(DAY)),
    };
    let periods: Vec<i64> =
        tables.periods().await?.into_iter().filter(|period| overlaps(*period, span)).collect();
    let mut rows = UsageOfRows::new(question.by);
    let (mut edges, mut totals) = (BTreeSet::new(), HashMap::new());
    if question.keys.is_empty() {
        let mut above = 0;
        loop {
            let keys = tables.keys(above, KEYS_AT_A_TIME as i64).await?;
            let Some(last) = keys.last() else { break };
            above = last.id;
            let ids: Vec<i64> = keys.iter().map(|key| key.id).collect();
            take(tables, &mut rows, &periods, &ids, span).await?;
            if question.by == GroupBy::Key {
                sessions(tables, &periods, &ids, span, &mut edges, &mut totals).await?;
            }
        }
    } else {
        let digests: Vec<_> = question.keys.iter().map(|key| digest(&[key])).collect();
        let ids: Vec<i64> = tables.find(Table::AccessKey, &digests).await?.into_values().collect();
        for ids in ids.chunks(KEYS_AT_A_TIME) {
            take(tables, &mut rows, &periods, ids, span).await?;
            if question.by == GroupBy::Key {
                sessions(tables, &periods, ids, span, &mut edges, &mut totals).await?;
            }
        }
    }
    transaction.commit().await?;
    let edges: Vec<Edge> = edges.into_iter().collect();
    Ok(rows.finish(&edges, &totals))
}

fn overlaps(period: i64, span: Span) -> bool {
    let first = period * PERIOD * DAY;
    span.from < first + PERIOD * DAY && first < span.until
}

fn in_span(day: i64, span: Span) -> bool {
    (span.from..span.until).contains(&(day * DAY))
}

/// Hands the rows of some keys over.
async fn take(
    tables: &mut dyn Tables,
    rows: &mut UsageOfRows,
    periods: &[i64],
    keys: &[i64],
    span: Span,
) -> Result<(), IndexError> {
    let mut uses = tables.uses(periods, keys).await?;
    uses.retain(|row| in_span(row.period * PERIOD + row.day, span));
    if uses.is_empty() {
        return Ok(());
    }
    let sightings = tables.sightings(keys).await?;
    rows.take(&batch(tables, &uses, &sightings).await?);
    Ok(())
}

/// The batch that these rows came from, as far as they tell it. Nothing in it is sorted.
async fn batch(
    tables: &mut dyn Tables,
    uses: &[UseRow],
    sightings: &[SightingRow],
) -> Result<Batch, IndexError> {
    let of = |id: fn(&UseRow) -> i64| uses.iter().map(id).collect::<BTreeSet<i64>>();
    let principals = tables.entries(Table::Principal, &list(of(|row| row.principal))).await?;
    let clients = tables.entries(Table::Client, &list(of(|row| row.client))).await?;
    let operations = tables.entries(Table::Operation, &list(of(|row| row.operation))).await?;
    let mut name_ids: BTreeSet<i64> = sightings.iter().map(|row| row.name).collect();
    for entries in [&principals, &clients, &operations] {
        name_ids.extend(entries.iter().flat_map(|(_, names)| names));
    }
    name_ids.remove(&0);
    let (mut places, mut names) = (HashMap::from([(0, 0)]), vec![String::new()]);
    for (id, text) in tables.texts(Table::Name, &list(name_ids)).await? {
        places.insert(id, names.len() as u32);
        names.push(text);
    }
    let (mut key_places, mut keys) = (HashMap::new(), Vec::new());
    for (id, text) in tables.texts(Table::AccessKey, &list(of(|row| row.key))).await? {
        key_places.insert(id, keys.len() as u32);
        keys.push(text);
    }
    let name = |id: &i64| places.get(id).copied().unwrap_or(0);
    let (principal_places, principals) =
        placed(&principals, |[arn, kind, account_id, user_name]| Principal {
            arn: name(arn),
            kind: name(kind),
            account_id: name(account_id),
            user_name: name(user_name),
        });
    let (client_places, clients) =
        placed(&clients, |[consumer, description, network, agent, vpc_endpoint, invoked_by]| Client {
            consumer: name(consumer),
            description: name(description),
            network: name(network),
            agent: name(agent),
            vpc_endpoint: name(vpc_endpoint),
            invoked_by: name(invoked_by),
        });
    let (operation_places, operations) = placed(&operations, |[region, service, action, error]| Operation {
        region: name(region),
        service: name(service),
        action: name(action),
        error: name(error),
    });
    // Rows that refer to what is not there are of a damaged index; what refers to nothing is left out.
    let uses = uses
        .iter()
        .filter_map(|row| {
            let day = u32::try_from(row.period * PERIOD + row.day).ok()?;
            let place = Place {
                key: *key_places.get(&row.key)?,
                day,
                operation: *operation_places.get(&row.operation)?,
                client: *client_places.get(&row.client)?,
                principal: *principal_places.get(&row.principal)?,
            };
            let number = |number: i64| u32::try_from(number).unwrap_or(u32::MAX);
            let day_use = DayUse {
                day,
                hours: number(row.hours),
                first: number(row.first),
                last: number(row.last),
                calls: number(row.calls),
            };
            Some(Use { place, day_use })
        })
        .collect();
    let sightings = |kind: i64| {
        let of_kind = sightings.iter().filter(|row| row.kind == kind);
        let sighting = |row: &SightingRow| {
            Some(Sighting {
                key: *key_places.get(&row.key)?,
                of: name(&row.name),
                fingerprint: row.fingerprint.cast_unsigned(),
                days: Days {
                    first: u32::try_from(row.first_day).ok()?,
                    last: u32::try_from(row.last_day).ok()?,
                },
            })
        };
        of_kind.filter_map(sighting).collect()
    };
    Ok(Batch {
        addresses: sightings(super::tables::KINDS[0]),
        user_agents: sightings(super::tables::KINDS[1]),
        keys,
        names,
        principals,
        clients,
        operations,
        uses,
        minted: Vec::new(),
    })
}

/// Values of names, and where each number is among them.
fn placed<T, const N: usize>(
    entries: &[(i64, Vec<i64>)],
    value: impl Fn(&[i64; N]) -> T,
) -> (HashMap<i64, u32>, Vec<T>) {
    let whole =
        entries.iter().filter_map(|(id, names)| Some((*id, value(names.as_slice().try_into().ok()?))));
    let (mut places, mut values) = (HashMap::new(), Vec::new());
    for (id, value) in whole {
        places.insert(id, values.len() as u32);
        values.push(value);
    }
    (places, values)
}

/// Finds who was minted by these keys, and what they did; and who minted these keys.
async fn sessions(
    tables: &mut dyn Tables,
    periods: &[i64],
    keys: &[i64],
    span: Span,
    edges: &mut BTreeSet<Edge>,
    totals: &mut HashMap<String, Totals>,
) -> Result<(), IndexError> {
    let mut pairs = tables.minted_from(keys, span).await?;
    let children: BTreeSet<i64> = pairs.iter().map(|(_, child)| *child).collect();
    pairs.extend(tables.parents(keys, span).await?);
    if pairs.is_empty() {
        return Ok(());
    }
    let ids: BTreeSet<i64> = pairs.iter().flat_map(|(parent, child)| [*parent, *child]).collect();
    let texts: HashMap<i64, String> = tables.texts(Table::AccessKey, &list(ids)).await?.into_iter().collect();
    for (parent, child) in pairs {
        if let Some((parent, child)) = texts.get(&parent).zip(texts.get(&child)) {
            edges.insert(Edge { parent: parent.clone(), child: child.clone() });
        }
    }
    // What another chunk of keys asked for already is not asked for again.
    let children: Vec<i64> = children
        .into_iter()
        .filter(|child| texts.get(child).is_some_and(|text| !totals.contains_key(text)))
        .collect();
    let rows = tables.totals(periods, &children, span).await?;
    let operations: BTreeSet<i64> = rows.iter().map(|row| row.operation).collect();
    let operations = tables.entries(Table::Operation, &list(operations)).await?;
    let errors: BTreeMap<i64, i64> =
        operations.into_iter().filter_map(|(id, names)| Some((id, *names.last()?))).collect();
    let names: BTreeSet<i64> = errors.values().copied().filter(|name| *name != 0).collect();
    let names: HashMap<i64, String> = tables.texts(Table::Name, &list(names)).await?.into_iter().collect();
    for row in rows {
        let Some(key) = texts.get(&row.key) else { continue };
        let error = errors.get(&row.operation).and_then(|name| names.get(name)).map_or("", String::as_str);
        let time = |seconds: i64| EventTime::from_seconds(seconds).unwrap_or_default();
        let tally = Tally {
            calls: row.calls.cast_unsigned(),
            first_at: time(row.first_at),
            last_at: time(row.last_at),
        };
        totals.entry(key.clone()).or_default().add(error, tally);
    }
    Ok(())
}

fn list(ids: BTreeSet<i64>) -> Vec<i64> {
    ids.into_iter().collect()
}

pub(super) async fn consumers(
    engine: &dyn Engine,
    key: &str,
    from: EventTime,
) -> Result<KeyConsumers, IndexError> {
    let mut transaction = engine.read().await?;
    let tables = &mut *transaction;
    let mut found = KeyConsumers {
        first_day: tables.counts().await?.first_day,
        told_until: tables.last_at().await?.and_then(EventTime::from_seconds),
        ..KeyConsumers::default()
    };
    let span = Span { from: from.day() * DAY, until: i64::MAX };
    let roots: Vec<i64> = tables.find(Table::AccessKey, &[digest(&[key])]).await?.into_values().collect();
    let minted = tables.minted_from(&roots, span).await?;
    let sessions: BTreeSet<i64> = minted.into_iter().map(|(_, child)| child).collect();
    let ids: Vec<i64> = roots.into_iter().chain(sessions.iter().copied()).collect();
    let periods: Vec<i64> =
        tables.periods().await?.into_iter().filter(|period| overlaps(*period, span)).collect();
    for ids in ids.chunks(KEYS_AT_A_TIME) {
        let mut uses = tables.uses(&periods, ids).await?;
        uses.retain(|row| in_span(row.period * PERIOD + row.day, span));
        if !uses.is_empty() {
            found.uses.take_rows(&batch(tables, &uses, &[]).await?);
        }
    }
    let names = tables.texts(Table::AccessKey, &list(sessions)).await?;
    found.uses.know_sessions(names.into_iter().map(|(_, name)| name));
    transaction.commit().await?;
    Ok(found)
}

pub(super) async fn keys(engine: &dyn Engine) -> Result<Vec<KnownKey>, IndexError> {
    let time = |seconds: Option<i64>| seconds.and_then(EventTime::from_seconds);
    let known = |row: KeyRow| KnownKey {
        access_key_id: row.access_key_id,
        calls: row.calls.cast_unsigned(),
        first_at: time(row.first_at),
        last_at: time(row.last_at),
    };
    let mut tables = engine.read().await?;
    let rows = tables.keys(0, i64::MAX).await?;
    tables.commit().await?;
    let mut keys: Vec<KnownKey> = rows.into_iter().map(known).collect();
    keys.sort_unstable_by(|one, other| one.access_key_id.cmp(&other.access_key_id));
    Ok(keys)
}

pub(super) async fn stats(engine: &dyn Engine) -> Result<Stats, IndexError> {
    let mut tables = engine.read().await?;
    let counts: Counts = tables.counts().await?;
    tables.commit().await?;
    let number = |count: i64| u64::try_from(count).unwrap_or(0);
    Ok(Stats {
        files: number(counts.files),
        batches: number(counts.batches),
        calls: number(counts.calls),
        keys: number(counts.keys),
        rows: number(counts.rows),
        minted: number(counts.minted),
        days: counts.first_day.zip(counts.last_day).map(|(first, last)| first..=last),
        seen_events: number(counts.seen_bytes) / 8,
        bytes: number(counts.bytes),
    })
}

pub(super) async fn prune(engine: &dyn Engine, before: i64) -> Result<u64, IndexError> {
    let mut tables = engine.write().await?;
    let rows = tables.prune(before).await?;
    tables.commit().await?;
    Ok(rows)
}
