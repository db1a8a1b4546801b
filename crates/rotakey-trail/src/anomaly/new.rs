//! What a key did for the first time after its baseline.

use std::collections::{BTreeMap, BTreeSet};

use rotakey_core::audit::Severity;

use super::{Baseline, Code, Evidence, Names, Subject};
use crate::event_time::EventTime;
use crate::network::lists::Lists;
use crate::network::{Network, NetworkKind};

/// Of a key that has a baseline.
pub(super) fn find(subject: &mut Subject<'_>, baseline: &Baseline, lists: &Lists) {
    let row = subject.row;
    let networks = row.networks.iter().filter(|of| is_place(&of.network));
    let networks: Vec<(&Network, EventTime)> = networks.map(|of| (&of.network, of.tally.first_at)).collect();
    let in_new_countries = countries(subject, &networks, baseline, lists);
    // A new country is told, and then its networks need not be told again.
    let networks = networks.into_iter().filter(|(network, _)| !in_new_countries.contains(*network));
    let networks: Vec<_> = networks.map(|(network, at)| (network.to_string(), at)).collect();
    report(subject, baseline, Code::NewNetwork, Severity::Low, "from", "networks", networks);
    let regions = row.regions.iter().map(|region| (region.name.clone(), region.tally.first_at)).collect();
    report(subject, baseline, Code::NewRegion, Severity::Medium, "in", "regions", regions);
    let agents = row.user_agents.iter().map(|of| {
        let agent = &of.agent;
        // Neither a new version nor another container is another program.
        let name = match &agent.runtime {
            Some(runtime) => format!("{} {runtime}", agent.family),
            None => agent.family.clone(),
        };
        (name, of.tally.first_at)
    });
    report(subject, baseline, Code::NewAgent, Severity::Medium, "by", "agents", agents.collect());
}

/// Reports new countries, and tells the networks in them.
fn countries<'r>(
    subject: &mut Subject<'r>,
    networks: &[(&'r Network, EventTime)],
    baseline: &Baseline,
    lists: &Lists,
) -> BTreeSet<&'r Network> {
    let mut countries = BTreeMap::<String, Vec<(&Network, EventTime)>>::new();
    for (network, at) in networks {
        if let Some(country) = lists.country_of_network(network) {
            countries.entry(country).or_default().push((network, *at));
        }
    }
    let is_new = |networks: &[(&Network, EventTime)]| networks.iter().all(|(_, at)| *at >= baseline.until);
    // If no country is known from the time before, every one would be new.
    if countries.values().all(|networks| is_new(networks)) {
        return BTreeSet::new();
    }
    let (new, known): (Vec<_>, Vec<_>) = countries.into_iter().partition(|(_, networks)| is_new(networks));
    let seen =
        new.iter().flat_map(|(country, networks)| networks.iter().map(|(_, at)| (country.clone(), *at)));
    let Some(names) = Names::of(seen.collect()) else { return BTreeSet::new() };
    let in_new: Vec<(&Network, EventTime)> = new.into_iter().flat_map(|(_, networks)| networks).collect();
    let places = in_new.iter().map(|(network, at)| (network.to_string(), *at)).collect();
    let mut evidence = Evidence::new(format!("used from {} for the first time", names.told()));
    if let Some(places) = Names::of(places) {
        evidence.text += &format!(", from {}", places.told());
        evidence = evidence.with_names("networks", &places);
    }
    let evidence = evidence.with_names("countries", &names);
    let before = Names::of(known.into_iter().map(|(country, _)| (country, EventTime::default())).collect());
    let baseline = measure(subject, before.as_ref());
    subject.report(Code::NewCountry, Severity::High, names.first_at, evidence, Some(baseline));
    in_new.into_iter().map(|(network, _)| network).collect()
}

/// Reports those that were never seen before the end of the baseline, in one anomaly.
fn report(
    subject: &mut Subject<'_>,
    baseline: &Baseline,
    code: Code,
    severity: Severity,
    preposition: &str,
    field: &str,
    seen: Vec<(String, EventTime)>,
) {
    let mut first = BTreeMap::<String, EventTime>::new();
    for (name, at) in seen {
        first.entry(name).and_modify(|first| *first = at.min(*first)).or_insert(at);
    }
    let (new, known): (Vec<_>, Vec<_>) = first.into_iter().partition(|(_, at)| *at >= baseline.until);
    let (Some(new), Some(known)) = (Names::of(new), Names::of(known)) else {
        // Without anything from before, as where the trail does not tell it, all would be new.
        return;
    };
    let evidence = Evidence::new(format!("used {preposition} {} for the first time", new.told()));
    let baseline = measure(subject, Some(&known));
    subject.report(code, severity, new.first_at, evidence.with_names(field, &new), Some(baseline));
}

/// What it is measured against.
fn measure(subject: &Subject<'_>, known: Option<&Names>) -> String {
    let before = subject.row.baseline.unwrap_or_default();
    let known = known.map(|known| format!(", always {}", known.told())).unwrap_or_default();
    format!("{} calls on {} days before {}{known}", before.calls, before.active_days, before.until)
}

/// Whether the network is a place where somebody may be.
fn is_place(network: &Network) -> bool {
    matches!(network.kind(), NetworkKind::Public | NetworkKind::Private | NetworkKind::Other)
}
