//! Sums up calls for people: a run of the same call is one entry, and so is a burst of looking around.

use std::collections::{BTreeMap, HashMap};

use super::{Level, Risk, Row, Target, is_look};
use crate::event_time::EventTime;

/// The most targets that an entry tells.
const MOST_TARGETS: usize = 3;

/// The most seconds between the calls of a run.
const RUN_GAP: i64 = 86_400;

/// How many different calls in a row make a burst.
const BURST: usize = 5;

/// The most seconds between the calls of a burst.
const BURST_GAP: i64 = 600;

/// What people read in one piece.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Entry {
    /// The same call once or many times.
    Run(Run),
    /// Many different calls that only look.
    Burst(Burst),
}

/// The same call of the same actor with the same outcome, over and over. Marked calls are the same only if they come
/// from the same address, grave ones only if they act on the same.
#[derive(Debug, Clone, PartialEq, Eq)]
#[expect(missing_docs, reason = "the names say it")]
pub struct Run {
    pub actor: String,
    pub service: String,
    pub action: String,
    pub level: Level,
    pub risks: Vec<Risk>,
    pub error_code: Option<String>,
    pub calls: u64,
    pub first_at: EventTime,
    pub last_at: EventTime,
    /// The first of what was acted on.
    pub targets: Vec<Target>,
    /// Whether there were further ones.
    pub more_targets: bool,
    /// Where it began: source address, client, region.
    pub source: Option<String>,
    pub agent: Option<String>,
    pub region: Option<String>,
    /// Whether it only looks, and is not known to do harm by it.
    is_look: bool,
}

/// Different calls shortly one after the other that only look around.
#[derive(Debug, Clone, PartialEq, Eq)]
#[expect(missing_docs, reason = "the names say it")]
pub struct Burst {
    pub actor: String,
    pub calls: u64,
    pub failed_calls: u64,
    pub first_at: EventTime,
    pub last_at: EventTime,
    /// Whether any of them is marked.
    pub level: Level,
    /// What was called: service and action, the most frequent first.
    pub actions: Vec<(String, String)>,
    /// Where it began: source address, client, region.
    pub source: Option<String>,
    pub agent: Option<String>,
    pub region: Option<String>,
}

impl Entry {
    /// When it began.
    pub fn first_at(&self) -> EventTime {
        match self {
            Self::Run(run) => run.first_at,
            Self::Burst(burst) => burst.first_at,
        }
    }

    /// Who called: see [`actor`].
    pub fn actor(&self) -> &str {
        match self {
            Self::Run(run) => &run.actor,
            Self::Burst(burst) => &burst.actor,
        }
    }

    /// Where it began: source address, client, region.
    pub fn origin(&self) -> [Option<&str>; 3] {
        let (source, agent, region) = match self {
            Self::Run(run) => (&run.source, &run.agent, &run.region),
            Self::Burst(burst) => (&burst.source, &burst.agent, &burst.region),
        };
        [source.as_deref(), agent.as_deref(), region.as_deref()]
    }
}

/// Who people mean by the one who called: the key itself, or for its sessions the role or user that they are of,
/// which may have had thousands.
pub fn actor(row: &Row) -> String {
    let role = row.call.arn.as_deref().filter(|arn| arn.contains(":assumed-role/"));
    match role.and_then(|arn| arn.rsplit_once('/')) {
        Some((role, _session)) if !row.via.is_empty() => role.to_owned(),
        _ => row.call.access_key_id.clone(),
    }
}

/// Sums up the rows, which are in order of time. The entries are in the order of their beginnings.
pub fn fold(rows: &[Row]) -> Vec<Entry> {
    let mut entries = bursts(runs(rows));
    entries.sort_by_key(Entry::first_at);
    entries
}

/// Each row by itself.
pub fn unfolded(rows: &[Row]) -> Vec<Entry> {
    rows.iter().map(|row| Entry::Run(Run::of(row))).collect()
}

impl Run {
    fn of(row: &Row) -> Self {
        let call = &row.call;
        let is_harmless = call.risks.iter().all(|risk| *risk == Risk::Discovery) && call.level < Level::Grave;
        Self {
            actor: actor(row),
            service: call.service.clone(),
            action: call.action.clone(),
            level: call.level,
            risks: call.risks.clone(),
            error_code: call.error_code.clone(),
            calls: 1,
            first_at: call.at,
            last_at: call.at,
            targets: call.targets.clone(),
            more_targets: false,
            source: call.source.clone(),
            agent: call.agent.as_ref().map(|agent| agent.family.clone()),
            region: call.region.clone(),
            is_look: is_harmless && is_look(&call.action),
        }
    }

    fn add(&mut self, row: &Row) {
        self.calls += 1;
        self.last_at = row.call.at;
        for target in &row.call.targets {
            if !self.targets.contains(target) {
                if self.targets.len() < MOST_TARGETS {
                    self.targets.push(target.clone());
                } else {
                    self.more_targets = true;
                }
            }
        }
    }
}

fn runs(rows: &[Row]) -> Vec<Run> {
    let mut runs: Vec<Run> = Vec::new();
    let mut open: HashMap<_, usize> = HashMap::new();
    for row in rows {
        let call = &row.call;
        // A program that does its work day by day is one entry. But where somebody is to look, another source is
        // another entry, and no two users are created in one.
        let source = (call.level > Level::None).then_some(&call.source);
        let acts_alike = call.level < Level::Grave && !call.risks.contains(&Risk::Credentials);
        let targets = (!acts_alike).then_some(&call.targets);
        let what = (&call.service, &call.action, &call.error_code, call.level);
        let key = (actor(row), what, source, targets);
        match open.get(&key) {
            Some(&index) if call.at.seconds() - runs[index].last_at.seconds() <= RUN_GAP => {
                runs[index].add(row);
            }
            _ => {
                open.insert(key, runs.len());
                runs.push(Run::of(row));
            }
        }
    }
    runs
}

/// Puts runs that only look, and follow each other closely, into one entry if they are of many kinds.
fn bursts(runs: Vec<Run>) -> Vec<Entry> {
    let (looks, others): (Vec<Run>, Vec<Run>) = runs
        .into_iter()
        .partition(|run| run.is_look && run.last_at.seconds() - run.first_at.seconds() <= 3_600);
    let mut entries: Vec<Entry> = others.into_iter().map(Entry::Run).collect();
    let mut of_actor: BTreeMap<String, Vec<Run>> = BTreeMap::new();
    looks.into_iter().for_each(|run| of_actor.entry(run.actor.clone()).or_default().push(run));
    for looks in of_actor.into_values() {
        for close in looks.chunk_by(|one, next| next.first_at.seconds() - one.last_at.seconds() <= BURST_GAP)
        {
            match Burst::of(close) {
                Some(burst) => entries.push(Entry::Burst(burst)),
                None => entries.extend(close.iter().cloned().map(Entry::Run)),
            }
        }
    }
    entries
}

impl Burst {
    fn of(runs: &[Run]) -> Option<Self> {
        let mut calls: BTreeMap<(&str, &str), u64> = BTreeMap::new();
        for run in runs {
            *calls.entry((&run.service, &run.action)).or_default() += run.calls;
        }
        let first = runs.first().filter(|_| calls.len() >= BURST)?;
        let mut actions: Vec<_> = calls.into_iter().collect();
        actions.sort_by_key(|&(_, calls)| std::cmp::Reverse(calls));
        let failed = runs.iter().filter(|run| run.error_code.is_some());
        Some(Self {
            actor: first.actor.clone(),
            calls: runs.iter().map(|run| run.calls).sum(),
            failed_calls: failed.map(|run| run.calls).sum(),
            first_at: first.first_at,
            last_at: runs.iter().map(|run| run.last_at).max()?,
            level: runs.iter().map(|run| run.level).max()?,
            actions: actions
                .into_iter()
                .map(|((service, action), _)| (service.to_owned(), action.to_owned()))
                .collect(),
            source: first.source.clone(),
            agent: first.agent.clone(),
            region: first.region.clone(),
        })
    }
}
