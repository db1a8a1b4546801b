//! From counts to rows that can be told.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::net::IpAddr;
use std::ops::Range;
use std::sync::{Arc, PoisonError};

use super::counts::{Counts, Entry};
use super::schema::{
    ActionUse, AgentUse, BaselineUse, ErrorUse, KeyUsage, ListedUse, NameUse, NetworkUse, SessionUse, Tally,
};
use super::symbols::{Class, Symbol, Texts};
use super::{GroupBy, Shared};
use crate::cadence::Cadence;
use crate::event_time::EventTime;
use crate::network::Network;
use crate::network::lists::Lists as Addresses;
use crate::user_agent::Agent;

/// The rows, in the order of their keys. They are made one by one, when they are asked for: all of them together would
/// take many times the memory of the counts.
pub struct UsageTable {
    shared: Arc<Shared>,
    rows: Vec<Counts>,
    sessions: HashMap<Symbol, SessionUse>,
    /// What sources and user agents mean, which many rows have in common.
    networks: HashMap<Symbol, Network>,
    agents: HashMap<Symbol, Agent>,
}

/// A row without its lists: what can be told of all keys in a moment.
#[derive(Debug, Clone, Default, PartialEq)]
#[expect(
    missing_docs,
    reason = "the names are those of `KeyUsage`, and of its lists how many entries they have"
)]
pub struct RowSums<'t> {
    pub access_key_id: Option<&'t str>,
    pub group: Option<&'t str>,
    pub principal_arn: Option<&'t str>,
    pub account_id: Option<&'t str>,
    pub user_name: Option<&'t str>,
    pub calls: u64,
    pub denied_calls: u64,
    pub failed_calls: u64,
    pub throttled_calls: u64,
    pub first_at: Option<EventTime>,
    pub last_at: Option<EventTime>,
    pub actions: u64,
    pub error_codes: u64,
    pub regions: u64,
    pub addresses: u64,
    pub user_agents: u64,
    pub active_days: u64,
    pub sessions: Option<&'t SessionUse>,
}

impl<'t> RowSums<'t> {
    /// Those of a row with lists.
    pub fn of(row: &'t KeyUsage) -> Self {
        let length = |length: usize| length as u64;
        Self {
            access_key_id: row.access_key_id.as_deref(),
            group: row.consumer.as_deref().or(row.service.as_deref()).or(row.day.as_deref()),
            principal_arn: row.principal_arn.as_deref(),
            account_id: row.account_id.as_deref(),
            user_name: row.user_name.as_deref(),
            calls: row.calls,
            denied_calls: row.denied_calls,
            failed_calls: row.failed_calls,
            throttled_calls: row.throttled_calls,
            first_at: row.first_at,
            last_at: row.last_at,
            actions: length(row.actions.len()),
            error_codes: length(row.errors.len()),
            regions: length(row.regions.len()),
            addresses: row.addresses,
            user_agents: row.distinct_user_agents,
            active_days: row.cadence.as_ref().map_or(0, |cadence| cadence.active_days.into()),
            sessions: row.sessions.as_ref(),
        }
    }
}

impl UsageTable {
    pub(super) fn new(shared: Arc<Shared>) -> Self {
        let mut rows = Vec::new();
        for part in &shared.parts {
            let mut part = part.lock().unwrap_or_else(PoisonError::into_inner);
            part.places = hashbrown::HashTable::new();
            rows.append(&mut part.rows);
        }
        let sessions = attribute(&rows);
        // A session key that was minted and never seen again has a row only to be counted with its parent.
        rows.retain(|row| row.calls > 0 || row.key.is_some_and(|key| sessions.contains_key(&key)));
        let texts = shared.symbols.texts();
        let text = |symbol: Option<Symbol>| symbol.map(|symbol| texts.of(symbol));
        if !shared.keys.is_empty() {
            rows.retain(|row| text(row.key).is_none_or(|key| shared.keys.contains(key)));
        }
        rows.sort_unstable_by(|left, right| {
            let order = text(left.key).cmp(&text(right.key));
            order.then_with(|| text(left.group).cmp(&text(right.group)))
        });
        let (mut networks, mut agents) = (HashMap::new(), HashMap::new());
        for (symbol, class, text) in texts.iter() {
            match class {
                Class::Source => drop(networks.insert(symbol, Network::of(text))),
                Class::Agent => drop(agents.insert(symbol, Agent::parse(text))),
                _ => {}
            }
        }
        drop(texts);
        Self { shared, rows, sessions, networks, agents }
    }

    /// What the rows are about.
    pub fn group_by(&self) -> GroupBy {
        self.shared.group_by
    }

    /// The rows without their lists, in the order of [`UsageTable::row`].
    pub fn each_sum(&self, mut each: impl FnMut(usize, &RowSums<'_>)) {
        let texts = self.shared.symbols.texts();
        for (number, row) in self.rows.iter().enumerate() {
            each(number, &self.sums(row, &texts));
        }
    }

    fn sums<'t>(&'t self, row: &Counts, texts: &'t Texts<'_>) -> RowSums<'t> {
        let text = |symbol: Option<Symbol>| symbol.map(|symbol| texts.of(symbol));
        let mut sums = RowSums {
            access_key_id: text(row.key),
            group: text(row.group),
            calls: row.calls,
            denied_calls: row.denied.into(),
            failed_calls: row.failed.into(),
            throttled_calls: row.throttled.into(),
            first_at: (row.calls > 0).then(|| row.first_at()),
            last_at: (row.calls > 0).then(|| row.last_at()),
            active_days: row.days.len() as u64,
            sessions: row.key.and_then(|key| self.sessions.get(&key)),
            ..RowSums::default()
        };
        if let Some((_, principal)) = row.principal {
            let mut parts = texts.of(principal).split('\0').map(|part| (!part.is_empty()).then_some(part));
            let mut part = || parts.next().flatten();
            sums.principal_arn = part();
            let _kind = part();
            sums.account_id = part();
            sums.user_name = part().or_else(|| role_of(sums.principal_arn?));
        }
        for entry in row.entries.iter() {
            match texts.class(entry.symbol) {
                Some(Class::Action) => sums.actions += 1,
                Some(Class::Error) => sums.error_codes += 1,
                Some(Class::Region) => sums.regions += 1,
                Some(Class::Source) => sums.addresses += 1,
                Some(Class::Agent) => sums.user_agents += 1,
                _ => {}
            }
        }
        sums
    }

    /// How many rows there are.
    pub fn len(&self) -> usize {
        self.rows.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.rows.is_empty()
    }

    /// So many rows from that one on, made while they are asked for. Rows are in the order of their keys.
    pub fn rows(&self, range: Range<usize>) -> impl Iterator<Item = KeyUsage> {
        let texts = self.shared.symbols.texts();
        self.rows[range].iter().map(move |row| self.row(row, &texts))
    }

    /// The same, with what is needed to find anomalies: the use before that time, and the addresses that are listed.
    pub fn rows_to_examine(
        &self,
        range: Range<usize>,
        until: EventTime,
        lists: &Addresses,
    ) -> impl Iterator<Item = KeyUsage> {
        let texts = self.shared.symbols.texts();
        self.rows[range].iter().map(move |row| {
            let mut usage = self.row(row, &texts);
            usage.baseline = Some(BaselineUse::of(&row.days, until));
            if lists.has_addresses() {
                usage.listed_addresses = listed(row, lists, &texts);
            }
            usage
        })
    }

    fn row(&self, row: &Counts, texts: &Texts<'_>) -> KeyUsage {
        let text = |symbol: Option<Symbol>| symbol.map(|symbol| texts.of(symbol).to_owned());
        let mut usage = KeyUsage {
            access_key_id: text(row.key),
            calls: row.calls,
            denied_calls: row.denied.into(),
            failed_calls: row.failed.into(),
            throttled_calls: row.throttled.into(),
            first_at: (row.calls > 0).then(|| row.first_at()),
            last_at: (row.calls > 0).then(|| row.last_at()),
            cadence: Cadence::of(&row.days),
            parent: text(row.parent),
            sessions: row.key.and_then(|key| self.sessions.get(&key)).cloned(),
            truncated: row.is_truncated,
            ..KeyUsage::default()
        };
        match self.shared.group_by {
            GroupBy::Key | GroupBy::Principal => {}
            GroupBy::Consumer => usage.consumer = text(row.group),
            GroupBy::Service => usage.service = text(row.group),
            GroupBy::Day => usage.day = text(row.group),
        }
        if let Some((_, principal)) = row.principal {
            let mut parts =
                texts.of(principal).split('\0').map(|part| (!part.is_empty()).then(|| part.to_owned()));
            let mut part = || parts.next().flatten();
            usage.principal_arn = part();
            usage.principal_type = part();
            usage.account_id = part();
            usage.user_name = part().or_else(|| role_of(usage.principal_arn.as_deref()?).map(str::to_owned));
        }
        let mut lists = Lists::new(self);
        row.entries.iter().for_each(|entry| lists.take(entry, texts));
        lists.put(&mut usage);
        usage
    }
}

/// The addresses of a row that are in a list.
fn listed(row: &Counts, lists: &Addresses, texts: &Texts<'_>) -> Vec<ListedUse> {
    let sources = row.entries.iter().filter(|entry| texts.class(entry.symbol) == Some(Class::Source));
    let mut listed = Vec::new();
    for entry in sources {
        let Ok(address) = texts.of(entry.symbol).parse::<IpAddr>() else { continue };
        let list = |list: &str| ListedUse { address, list: list.to_owned(), tally: tally(entry) };
        listed.extend(lists.listed(address).map(list));
    }
    listed.sort_by(|left, right| (left.address, &left.list).cmp(&(right.address, &right.list)));
    listed
}

fn tally(entry: &Entry) -> Tally {
    Tally { calls: entry.calls.into(), first_at: entry.first_at(), last_at: entry.last_at() }
}

/// The name of the role in the ARN of a role session.
fn role_of(arn: &str) -> Option<&str> {
    let (_, session) = arn.split_once(":assumed-role/")?;
    session.split('/').next()
}

/// The use of session keys, for each key that they descend from.
fn attribute(rows: &[Counts]) -> HashMap<Symbol, SessionUse> {
    let parents: HashMap<Symbol, Symbol> = rows.iter().filter_map(|row| row.key.zip(row.parent)).collect();
    let mut sessions: HashMap<Symbol, SessionUse> = HashMap::new();
    for row in rows {
        let Some(key) = row.key else { continue };
        // Made up records may go round in circles.
        let mut seen = HashSet::from([key]);
        let mut at = key;
        while let Some(&parent) = parents.get(&at) {
            if !seen.insert(parent) {
                break;
            }
            let all = sessions.entry(parent).or_default();
            all.keys += 1;
            all.calls += row.calls;
            all.denied_calls += u64::from(row.denied);
            all.failed_calls += u64::from(row.failed);
            all.throttled_calls += u64::from(row.throttled);
            if row.calls > 0 {
                all.first_at = Some(all.first_at.map_or(row.first_at(), |first| first.min(row.first_at())));
                all.last_at = all.last_at.max(Some(row.last_at()));
            }
            at = parent;
        }
    }
    sessions
}

/// The lists of a row while they are made.
struct Lists<'t> {
    table: &'t UsageTable,
    usage: KeyUsage,
    networks: BTreeMap<&'t Network, (u64, Tally)>,
    agents: BTreeMap<&'t Agent, Tally>,
}

impl<'t> Lists<'t> {
    fn new(table: &'t UsageTable) -> Self {
        Self { table, usage: KeyUsage::default(), networks: BTreeMap::new(), agents: BTreeMap::new() }
    }

    fn take(&mut self, entry: &Entry, texts: &Texts<'_>) {
        let tally = Tally { calls: entry.calls.into(), first_at: entry.first_at(), last_at: entry.last_at() };
        let text = texts.of(entry.symbol);
        let mut parts = text.split('\0');
        let mut part = || parts.next().unwrap_or_default().to_owned();
        let service = |source: String| source.strip_suffix(".amazonaws.com").unwrap_or(&source).to_owned();
        let usage = &mut self.usage;
        match texts.class(entry.symbol) {
            Some(Class::Action) => {
                usage.actions.push(ActionUse { service: service(part()), action: part(), tally });
            }
            Some(Class::Error) => {
                usage.errors.push(ErrorUse { service: service(part()), action: part(), code: part(), tally });
            }
            Some(Class::Region) => usage.regions.push(NameUse { name: text.to_owned(), tally }),
            Some(Class::VpcEndpoint) => usage.vpc_endpoints.push(NameUse { name: text.to_owned(), tally }),
            Some(Class::InvokedBy) => usage.invoked_by.push(NameUse { name: text.to_owned(), tally }),
            Some(Class::Source) => {
                usage.addresses += 1;
                let Some(network) = self.table.networks.get(&entry.symbol) else { return };
                let (addresses, sum) = self.networks.entry(network).or_insert((0, tally));
                if *addresses > 0 {
                    sum.add(tally);
                }
                *addresses += 1;
            }
            Some(Class::Agent) => {
                usage.distinct_user_agents += 1;
                let Some(agent) = self.table.agents.get(&entry.symbol) else { return };
                self.agents.entry(agent).and_modify(|sum| sum.add(tally)).or_insert(tally);
            }
            Some(Class::Key | Class::Principal | Class::Group) | None => {}
        }
    }

    /// Puts the lists into the row, sorted.
    fn put(mut self, row: &mut KeyUsage) {
        let most_first = |left: &Tally, right: &Tally| right.calls.cmp(&left.calls);
        let names = |left: &NameUse, right: &NameUse| {
            most_first(&left.tally, &right.tally).then_with(|| left.name.cmp(&right.name))
        };
        let lists = &mut self.usage;
        lists.actions.sort_unstable_by(|left, right| {
            let names = |entry: &ActionUse| (entry.service.clone(), entry.action.clone());
            most_first(&left.tally, &right.tally).then_with(|| names(left).cmp(&names(right)))
        });
        lists.errors.sort_unstable_by(|left, right| {
            let names = |entry: &ErrorUse| (entry.service.clone(), entry.action.clone(), entry.code.clone());
            most_first(&left.tally, &right.tally).then_with(|| names(left).cmp(&names(right)))
        });
        lists.regions.sort_unstable_by(names);
        lists.vpc_endpoints.sort_unstable_by(names);
        lists.invoked_by.sort_unstable_by(names);
        row.actions = std::mem::take(&mut lists.actions);
        row.errors = std::mem::take(&mut lists.errors);
        row.regions = std::mem::take(&mut lists.regions);
        row.vpc_endpoints = std::mem::take(&mut lists.vpc_endpoints);
        row.invoked_by = std::mem::take(&mut lists.invoked_by);
        row.addresses = lists.addresses;
        row.distinct_user_agents = lists.distinct_user_agents;
        row.networks = self
            .networks
            .into_iter()
            .map(|(network, (addresses, tally))| NetworkUse { network: network.clone(), addresses, tally })
            .collect();
        row.networks.sort_by(|left, right| most_first(&left.tally, &right.tally));
        row.user_agents =
            self.agents.into_iter().map(|(agent, tally)| AgentUse { agent: agent.clone(), tally }).collect();
        row.user_agents.sort_by(|left, right| most_first(&left.tally, &right.tally));
    }
}
