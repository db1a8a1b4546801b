//! Sums records up to rows that an index keeps: per key, day, principal, client and operation, how many calls there
//! were, the first and the last, and in which hours.
//!
//! The rows tell all that [`KeyUsage`](crate::usage::schema::KeyUsage) tells, to the call, with two exceptions.
//! Source addresses and user agents as they are written are kept as fingerprints, with the first and the last day
//! of each: how many distinct ones a key had is exact over all time, and over some days it counts those that were
//! seen before or in them and also in or after them. Texts are kept up to [`LONGEST_NAME`] characters.
//!
//! Calls that no access key signed (of AWS services, of web and SAML identities) are no rows; the session keys that
//! they give out are known by [`Minted`].

mod batch;
mod interner;
mod sessions;
mod unseen;
mod usage;

use std::collections::hash_map::Entry;
use std::collections::{BTreeSet, HashMap};

pub use batch::{Batch, Client, Days, Names, Operation, Place, Principal, Sighting, Use};
pub use sessions::{Edge, Totals};
pub use unseen::{Seen, Unseen};
pub use usage::{UsageOfRows, usage};

use crate::answer::Answer;
use crate::cadence::DayUse;
use crate::consumer::Consumer;
use crate::fingerprint::fingerprint;
use crate::minted::Minted;
use crate::network::Network;
use crate::record::Record;
use crate::user_agent::Agent;
use interner::Interner;

/// The most characters of a text that are kept. No name of AWS is longer than that; what a client says of itself may
/// be.
pub const LONGEST_NAME: usize = 512;

/// Rows in the making. As large as what it took is varied, so it is asked about some files at a time: whoever
/// reads a long trail makes a batch of each part.
#[derive(Debug, Default)]
pub struct Rollup {
    keys: Interner<String>,
    names: Interner<String>,
    principals: Interner<Principal>,
    clients: Interner<Client>,
    operations: Interner<Operation>,
    uses: HashMap<Place, DayUse>,
    addresses: Sightings,
    user_agents: Sightings,
    minted: BTreeSet<Minted>,
    /// What was made of each `userAgent`, and of each `sourceIPAddress`.
    agents_read: HashMap<String, (Understood, Agent)>,
    sources_read: HashMap<String, Understood>,
    clients_read: HashMap<ClientParts, u32>,
}

/// What a client is made of, by name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
struct ClientParts {
    network: u32,
    agent: u32,
    vpc_endpoint: u32,
    invoked_by: u32,
}

/// By key, the name of what it was summed up to, and fingerprint.
type Sightings = HashMap<(u32, u32, u64), Days>;

/// A text, understood once.
#[derive(Debug, Clone, Copy)]
struct Understood {
    name: u32,
    fingerprint: u64,
}

impl Answer for Rollup {
    fn take(&mut self, records: &[Record<'_>]) {
        for record in records {
            self.minted.extend(Minted::of(record).map(clean));
            if let Some(key) = record.identity.access_key_id {
                self.add(key, record);
            }
        }
    }

    fn merge(&mut self, other: Self) {
        let keys = self.keys.absorb(other.keys, |key| key);
        let names = self.names.absorb(other.names, |name| name);
        let name = |number: u32| names[number as usize];
        let principals = self.principals.absorb(other.principals, |principal| principal.map(name));
        let clients = self.clients.absorb(other.clients, |client| client.map(name));
        let operations = self.operations.absorb(other.operations, |operation| operation.map(name));
        for (place, day_use) in other.uses {
            let place = Place {
                key: keys[place.key as usize],
                day: place.day,
                operation: operations[place.operation as usize],
                client: clients[place.client as usize],
                principal: principals[place.principal as usize],
            };
            add(&mut self.uses, place, day_use);
        }
        for (mine, theirs) in
            [(&mut self.addresses, other.addresses), (&mut self.user_agents, other.user_agents)]
        {
            for ((key, of, fingerprint), days) in theirs {
                see(mine, (keys[key as usize], name(of), fingerprint), days);
            }
        }
        self.minted.extend(other.minted);
    }
}

impl Rollup {
    /// How many rows there are, roughly what it costs to keep them: for whoever decides when to stop.
    pub fn len(&self) -> usize {
        self.uses.len() + self.addresses.len() + self.user_agents.len() + self.minted.len()
    }

    /// Whether there is nothing.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The rows.
    pub fn into_batch(mut self) -> Batch {
        // So that the first name is the empty one, also where nothing is absent.
        self.names.number("");
        let (keys, key_places) = self.keys.sorted();
        let (names, name_places) = self.names.sorted();
        let (principals, principal_places) = renamed(self.principals, &name_places);
        let (clients, client_places) = renamed(self.clients, &name_places);
        let (operations, operation_places) = renamed(self.operations, &name_places);
        let mut uses: Vec<Use> = self
            .uses
            .into_iter()
            .map(|(place, day_use)| Use {
                place: Place {
                    key: key_places[place.key as usize],
                    day: place.day,
                    operation: operation_places[place.operation as usize],
                    client: client_places[place.client as usize],
                    principal: principal_places[place.principal as usize],
                },
                day_use,
            })
            .collect();
        uses.sort_unstable_by_key(|one| one.place);
        let sightings = |sightings: Sightings| {
            let mut sorted: Vec<Sighting> = sightings
                .into_iter()
                .map(|((key, of, fingerprint), days)| Sighting {
                    key: key_places[key as usize],
                    of: name_places[of as usize],
                    fingerprint,
                    days,
                })
                .collect();
            sorted.sort_unstable_by_key(|one| (one.key, one.of, one.fingerprint));
            sorted
        };
        Batch {
            addresses: sightings(self.addresses),
            user_agents: sightings(self.user_agents),
            keys,
            names,
            principals,
            clients,
            operations,
            uses,
            minted: self.minted.into_iter().collect(),
        }
    }

    fn add(&mut self, key: &str, record: &Record<'_>) {
        let key = self.keys.number(&*clipped(key));
        let day_use = DayUse::once(record.time);
        let days = Days { first: day_use.day, last: day_use.day };
        let source = record.source_ip.map(|source| self.source(source));
        let agent = record.user_agent.map(|user_agent| self.agent(user_agent));
        let nothing = self.names.number("");
        if let Some(source) = source {
            see(&mut self.addresses, (key, source.name, source.fingerprint), days);
        }
        if let Some(agent) = agent {
            see(&mut self.user_agents, (key, agent.name, agent.fingerprint), days);
        }
        let parts = ClientParts {
            network: source.map_or(nothing, |source| source.name),
            agent: agent.map_or(nothing, |agent| agent.name),
            vpc_endpoint: self.name(record.vpc_endpoint_id),
            invoked_by: self.name(record.identity.invoked_by),
        };
        let client = self.client(parts, record);
        let principal = Principal {
            arn: self.name(record.identity.arn),
            kind: self.name(record.identity.kind),
            account_id: self.name(record.identity.account_id),
            user_name: self.name(user_name(record)),
        };
        let operation = Operation {
            region: self.name(record.region),
            service: self.name(Some(record.service())),
            action: self.name(Some(record.event_name)),
            error: self.name(record.error_code),
        };
        let place = Place {
            key,
            day: day_use.day,
            operation: self.operations.number(&operation),
            client,
            principal: self.principals.number(&principal),
        };
        add(&mut self.uses, place, day_use);
    }

    /// The client of these parts, which tell the consumer as well.
    fn client(&mut self, parts: ClientParts, record: &Record<'_>) -> u32 {
        if let Some(known) = self.clients_read.get(&parts) {
            return *known;
        }
        let consumer = match record.user_agent.and_then(|user_agent| self.agents_read.get(user_agent)) {
            Some((_, agent)) => Consumer::new(record, agent),
            None => Consumer::of(record),
        };
        let client = Client {
            consumer: self.name(Some(&consumer.fingerprint())),
            description: self.name(Some(&consumer.to_string())),
            network: parts.network,
            agent: parts.agent,
            vpc_endpoint: parts.vpc_endpoint,
            invoked_by: parts.invoked_by,
        };
        let number = self.clients.number(&client);
        self.clients_read.insert(parts, number);
        number
    }

    fn name(&mut self, text: Option<&str>) -> u32 {
        self.names.number(&*clipped(text.unwrap_or_default()))
    }

    fn source(&mut self, text: &str) -> Understood {
        if let Some(known) = self.sources_read.get(text) {
            return *known;
        }
        let network = Network::of(text).as_str().to_owned();
        let understood =
            Understood { name: self.name(Some(&network)), fingerprint: fingerprint(text.as_bytes()) };
        self.sources_read.insert(text.to_owned(), understood);
        understood
    }

    fn agent(&mut self, text: &str) -> Understood {
        if let Some((known, _)) = self.agents_read.get(text) {
            return *known;
        }
        let written = |agent: &Agent| {
            serde_json::to_string(agent)
                .expect("an agent is made of texts and numbers")
                .replace("\\u0000", " ")
        };
        // Half of a JSON text is none, so it is the user agent that is clipped.
        let parsed = Agent::parse(text);
        let mut agent = written(&parsed);
        if agent.len() > 8 * LONGEST_NAME {
            agent = written(&Agent::parse(&clipped(text)));
        }
        let understood =
            Understood { name: self.names.number(&*agent), fingerprint: fingerprint(text.as_bytes()) };
        self.agents_read.insert(text.to_owned(), (understood, parsed));
        understood
    }
}

fn renamed<T: Names + std::hash::Hash + Ord>(values: Interner<T>, names: &[u32]) -> (Vec<T>, Vec<u32>) {
    let mut renamed = Interner::default();
    let numbers = renamed.absorb(values, |value| value.map(|name| names[name as usize]));
    let (values, places) = renamed.sorted();
    let places = numbers.into_iter().map(|number| places[number as usize]).collect();
    (values, places)
}

fn add(uses: &mut HashMap<Place, DayUse>, place: Place, day_use: DayUse) {
    match uses.entry(place) {
        Entry::Occupied(mut entry) => entry.get_mut().add(day_use),
        Entry::Vacant(entry) => {
            entry.insert(day_use);
        }
    }
}

fn see(sightings: &mut Sightings, what: (u32, u32, u64), days: Days) {
    sightings.entry(what).and_modify(|seen| *seen = seen.and(days)).or_insert(days);
}

/// The network that has this name.
pub(crate) fn network_of_name(name: String) -> Network {
    serde_json::from_value(serde_json::Value::String(name)).unwrap_or_else(|_| Network::of(""))
}

/// The user name, or for a role session the role name.
fn user_name<'a>(record: &Record<'a>) -> Option<&'a str> {
    record.identity.user_name.or_else(|| {
        let (_, session) = record.identity.arn?.split_once(":assumed-role/")?;
        session.split('/').next()
    })
}

/// A text as every engine can keep it: of bounded length, and without NUL, which PostgreSQL has no place for.
fn clipped(text: &str) -> std::borrow::Cow<'_, str> {
    let end = text.char_indices().nth(LONGEST_NAME).map_or(text.len(), |(end, _)| end);
    let text = &text[..end];
    if text.contains('\0') { text.replace('\0', "\u{fffd}").into() } else { text.into() }
}

fn clean(minted: Minted) -> Minted {
    let text = |text: String| clipped(&text).into_owned();
    Minted {
        parent: minted.parent.map(text),
        child: text(minted.child),
        at: minted.at,
        event_name: text(minted.event_name),
        arn: minted.arn.map(text),
        account_id: minted.account_id.map(text),
        caller_account_id: minted.caller_account_id.map(text),
        role_arn: minted.role_arn.map(text),
        session_name: minted.session_name.map(text),
        source_identity: minted.source_identity.map(text),
        expires_at: minted.expires_at,
    }
}

#[cfg(test)]
mod tests;
