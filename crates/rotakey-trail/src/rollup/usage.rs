//! From rows back to the use of keys.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::hash::Hash;

use super::batch::{Batch, Client, Names as _, Operation, Principal, Sighting, Use};
use super::interner::Interner;
use super::sessions::{Edge, Totals, parents, sessions};
use crate::cadence::{Cadence, DayUse};
use crate::event_time::{DAY, EventTime};
use crate::network::Network;
use crate::usage::GroupBy;
use crate::usage::schema::{ActionUse, AgentUse, ErrorUse, KeyUsage, NameUse, NetworkUse, Tally};

/// The use of all keys of a batch, with that of the sessions minted from them.
pub fn usage(batch: &Batch, by: GroupBy) -> Vec<KeyUsage> {
    let mut rows = UsageOfRows::new(by);
    rows.take(batch);
    let edges: Vec<Edge> = batch.minted.iter().filter_map(Edge::of).collect();
    rows.finish(&edges, &Totals::of(batch))
}

/// Puts batches of rows together. All rows of one key must be in one batch.
#[derive(Debug)]
pub struct UsageOfRows {
    by: GroupBy,
    names: Interner<String>,
    groups: HashMap<Group, Sum>,
}

/// What a group of rows has in common, by name; 0 where that does not matter.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash)]
struct Group {
    key: u32,
    principal: u32,
    consumer: u32,
    service: u32,
    day: u32,
}

/// A group of rows.
#[derive(Debug, Default)]
struct Sum {
    totals: Totals,
    /// The principals of the last second with a call: one as a rule.
    last_principals: (EventTime, Vec<Principal>),
    actions: HashMap<(u32, u32), Tally>,
    errors: HashMap<(u32, u32, u32), Tally>,
    regions: HashMap<u32, Tally>,
    networks: HashMap<u32, Tally>,
    agents: HashMap<u32, Tally>,
    vpc_endpoints: HashMap<u32, Tally>,
    invoked_by: HashMap<u32, Tally>,
    days: BTreeMap<u32, DayUse>,
    addresses: HashMap<u32, HashSet<u64>>,
    user_agents: HashSet<u64>,
}

impl UsageOfRows {
    /// No rows yet.
    pub fn new(by: GroupBy) -> Self {
        let mut names = Interner::default();
        names.number("");
        Self { by, names, groups: HashMap::new() }
    }

    /// Takes the rows of some keys. Who minted whom is not looked at.
    pub fn take(&mut self, batch: &Batch) {
        let names: Vec<u32> = batch.names.iter().map(|name| self.names.number(&**name)).collect();
        let keys: Vec<u32> = batch.keys.iter().map(|key| self.names.number(&**key)).collect();
        let name = |number: u32| names[number as usize];
        let mut groups_of_key: HashMap<u32, HashSet<Group>> = HashMap::new();
        for one in &batch.uses {
            let principal = batch.principals[one.place.principal as usize];
            let arn = principal.arn;
            let principal = principal.map(name);
            let client = batch.clients[one.place.client as usize].map(name);
            let operation = batch.operations[one.place.operation as usize];
            let error = &batch.names[operation.error as usize];
            let operation = operation.map(name);
            let key = keys[one.place.key as usize];
            let of = self.names.number(principal_of(&batch.names[arn as usize]));
            let group = group(self.by, key, of, &client, &operation, one);
            groups_of_key.entry(one.place.key).or_default().insert(group);
            let sum = self.groups.entry(group).or_default();
            sum.totals.add(error, tally(one.day_use));
            sum.add(principal, client, operation, one.day_use);
        }
        for (sightings, are_addresses) in [(&batch.addresses, true), (&batch.user_agents, false)] {
            for sighting in sightings {
                for group in groups_of_key.get(&sighting.key).into_iter().flatten() {
                    if let Some(sum) = self.groups.get_mut(group) {
                        sum.see(name(sighting.of), sighting, are_addresses);
                    }
                }
            }
        }
    }

    /// The use, sorted by key and then by what else it is put together by. `edges` and `totals` tell what the sessions did: of the keys that
    /// were taken, and of those minted from them. They are asked for only if rows are put together by key.
    pub fn finish(self, edges: &[Edge], totals: &HashMap<String, Totals>) -> Vec<KeyUsage> {
        let by = self.by;
        let (values, places) = self.names.sorted();
        let names = Names { values: &values, places: &places };
        let mut usage: Vec<KeyUsage> =
            self.groups.into_iter().map(|(group, sum)| sum.told(by, &group, &names)).collect();
        if self.by == GroupBy::Key {
            let parents = parents(edges);
            let keys: Vec<String> = usage.iter().filter_map(|usage| usage.access_key_id.clone()).collect();
            let mut sessions = sessions(keys.iter().map(String::as_str), &parents, totals);
            for (usage, key) in usage.iter_mut().zip(&keys) {
                usage.sessions = sessions.remove(key.as_str());
                usage.parent = parents.get(key.as_str()).map(|parent| (*parent).to_owned());
            }
        }
        usage.sort_by(|one, other| {
            fn order(usage: &KeyUsage) -> [&Option<String>; 5] {
                let KeyUsage { access_key_id, principal_arn, consumer, service, day, .. } = usage;
                [access_key_id, consumer, service, day, principal_arn]
            }
            order(one).cmp(&order(other))
        });
        usage
    }
}

/// The group that a row is of.
fn group(by: GroupBy, key: u32, principal: u32, client: &Client, operation: &Operation, one: &Use) -> Group {
    match by {
        GroupBy::Key => Group { key, ..Group::default() },
        GroupBy::Principal => Group { principal, ..Group::default() },
        GroupBy::Consumer => Group { key, consumer: client.consumer, ..Group::default() },
        GroupBy::Service => Group { key, service: operation.service, ..Group::default() },
        GroupBy::Day => Group { key, day: one.place.day + 1, ..Group::default() },
    }
}

impl Sum {
    fn add(&mut self, principal: Principal, client: Client, operation: Operation, day_use: DayUse) {
        let tally = tally(day_use);
        if principal.arn == 0 {
            // Nothing is known of it.
        } else if self.last_principals.0 < tally.last_at || self.last_principals.1.is_empty() {
            self.last_principals = (tally.last_at, vec![principal]);
        } else if self.last_principals.0 == tally.last_at && !self.last_principals.1.contains(&principal) {
            self.last_principals.1.push(principal);
        }
        count(&mut self.actions, (operation.service, operation.action), tally);
        if operation.error != 0 {
            count(&mut self.errors, (operation.service, operation.action, operation.error), tally);
        }
        for (counts, name) in [
            (&mut self.regions, operation.region),
            (&mut self.networks, client.network),
            (&mut self.agents, client.agent),
            (&mut self.vpc_endpoints, client.vpc_endpoint),
            (&mut self.invoked_by, client.invoked_by),
        ] {
            if name != 0 {
                count(counts, name, tally);
            }
        }
        self.days.entry(day_use.day).and_modify(|day| day.add(day_use)).or_insert(day_use);
    }

    /// Counts an address or user agent of the key, if it can be of this group.
    fn see(&mut self, of: u32, sighting: &Sighting, is_address: bool) {
        let (Some((first, _)), Some((last, _))) = (self.days.first_key_value(), self.days.last_key_value())
        else {
            return;
        };
        if sighting.days.last < *first || *last < sighting.days.first {
            return;
        }
        if is_address && self.networks.contains_key(&of) {
            self.addresses.entry(of).or_default().insert(sighting.fingerprint);
        } else if !is_address && self.agents.contains_key(&of) {
            self.user_agents.insert(sighting.fingerprint);
        }
    }

    fn told(self, by: GroupBy, group: &Group, names: &Names<'_>) -> KeyUsage {
        let texts = |principal: &Principal| principal.to_array().map(|name| names.text(name));
        let principal = self.last_principals.1.iter().map(texts).max().unwrap_or_default();
        let [arn, kind, account_id, user_name] =
            principal.map(|text| Some(text).filter(|text| !text.is_empty()));
        let days: Vec<DayUse> = self.days.into_values().collect();
        KeyUsage {
            access_key_id: names.some(group.key),
            principal_arn: arn,
            principal_type: kind,
            account_id,
            user_name,
            consumer: (by == GroupBy::Consumer).then(|| names.text(group.consumer)),
            service: (by == GroupBy::Service).then(|| names.text(group.service)),
            day: group.day.checked_sub(1).map(date),
            calls: self.totals.calls,
            denied_calls: self.totals.denied_calls,
            failed_calls: self.totals.failed_calls,
            throttled_calls: self.totals.throttled_calls,
            first_at: self.totals.first_at,
            last_at: self.totals.last_at,
            actions: ranked(self.actions, |(service, action), tally| ActionUse {
                service: names.text(service),
                action: names.text(action),
                tally,
            }),
            errors: ranked(self.errors, |(service, action, code), tally| ErrorUse {
                service: names.text(service),
                action: names.text(action),
                code: names.text(code),
                tally,
            }),
            regions: names.uses(self.regions),
            addresses: self.addresses.values().map(|addresses| addresses.len() as u64).sum(),
            networks: ranked(self.networks, |network, tally| NetworkUse {
                network: names.parsed(network),
                addresses: self.addresses.get(&network).map_or(0, |addresses| addresses.len() as u64),
                tally,
            }),
            distinct_user_agents: self.user_agents.len() as u64,
            user_agents: ranked(self.agents, |agent, tally| AgentUse {
                agent: serde_json::from_str(&names.text(agent)).unwrap_or_default(),
                tally,
            }),
            vpc_endpoints: names.uses(self.vpc_endpoints),
            invoked_by: names.uses(self.invoked_by),
            cadence: Cadence::of(&days),
            ..KeyUsage::default()
        }
    }
}

/// From numbers to texts.
struct Names<'a> {
    values: &'a [String],
    places: &'a [u32],
}

impl Names<'_> {
    fn text(&self, number: u32) -> String {
        self.values[self.places[number as usize] as usize].clone()
    }

    fn some(&self, number: u32) -> Option<String> {
        (number != 0).then(|| self.text(number))
    }

    fn parsed(&self, number: u32) -> Network {
        super::network_of_name(self.text(number))
    }

    fn uses(&self, counts: HashMap<u32, Tally>) -> Vec<NameUse> {
        ranked(counts, |name, tally| NameUse { name: self.text(name), tally })
    }
}

fn count<K: Hash + Eq>(counts: &mut HashMap<K, Tally>, what: K, tally: Tally) {
    counts.entry(what).and_modify(|sum| sum.add(tally)).or_insert(tally);
}

/// By calls, the most first, then by name.
fn ranked<K, T: Ranked>(counts: HashMap<K, Tally>, row: impl Fn(K, Tally) -> T) -> Vec<T> {
    let mut rows: Vec<T> = counts.into_iter().map(|(key, tally)| row(key, tally)).collect();
    rows.sort_by(|one, other| other.calls().cmp(&one.calls()).then_with(|| one.name().cmp(&other.name())));
    rows
}

/// A row of a list.
trait Ranked {
    /// What it is sorted by first, the highest first.
    fn calls(&self) -> u64;

    /// What it is sorted by then.
    fn name(&self) -> impl Ord + '_;
}

impl Ranked for ActionUse {
    fn calls(&self) -> u64 {
        self.tally.calls
    }

    fn name(&self) -> impl Ord + '_ {
        (&self.service, &self.action)
    }
}

impl Ranked for ErrorUse {
    fn calls(&self) -> u64 {
        self.tally.calls
    }

    fn name(&self) -> impl Ord + '_ {
        (&self.service, &self.action, &self.code)
    }
}

impl Ranked for NameUse {
    fn calls(&self) -> u64 {
        self.tally.calls
    }

    fn name(&self) -> impl Ord + '_ {
        &self.name
    }
}

impl Ranked for NetworkUse {
    fn calls(&self) -> u64 {
        self.tally.calls
    }

    fn name(&self) -> impl Ord + '_ {
        &self.network
    }
}

impl Ranked for AgentUse {
    fn calls(&self) -> u64 {
        self.tally.calls
    }

    fn name(&self) -> impl Ord + '_ {
        &self.agent
    }
}

/// The principal that rows are grouped by: of a role session the role, whatever the session is called.
fn principal_of(arn: &str) -> &str {
    let is_session = arn.split(':').nth(5).is_some_and(|resource| resource.starts_with("assumed-role/"));
    match arn.rsplit_once('/') {
        Some((role, _)) if is_session => role,
        _ => arn,
    }
}

/// The counts of a row, without the hours.
pub(super) fn tally(day_use: DayUse) -> Tally {
    let at = |second: u32| {
        EventTime::from_seconds(i64::from(day_use.day) * DAY + i64::from(second)).unwrap_or_default()
    };
    Tally { calls: day_use.calls.into(), first_at: at(day_use.first), last_at: at(day_use.last) }
}

/// The date of a day since 1970.
fn date(day: u32) -> String {
    let time = EventTime::from_seconds(i64::from(day) * DAY).unwrap_or_default();
    time.to_string().chars().take("2026-11-23".len()).collect()
}
