//! AWS CloudTrail: a record of every call that was authentic, shown by `LookupEvents`.

mod record;

use std::collections::{BTreeMap, VecDeque};
use std::time::Duration;

use jiff::Timestamp;
use rotakey_core::id::{AccessKeyId, AccountId};

use crate::api::{Fault, Service, Tree};
use crate::random::Random;
use crate::world::World;
use crate::world::account::Call;
use crate::world::paging::page;
use crate::world::workload;
use record::Event;

/// How long `LookupEvents` looks back.
const HISTORY: Duration = Duration::from_secs(90 * 24 * 60 * 60);

/// How many `LookupEvents` an account may do in a second and region. AWS raises it for nobody.
const LOOKUPS_PER_SECOND: usize = 2;

/// The attributes that `LookupEvents` can look for, one at a time.
const ATTRIBUTES: [&str; 8] = [
    "EventId",
    "EventName",
    "ReadOnly",
    "Username",
    "ResourceType",
    "ResourceName",
    "EventSource",
    "AccessKeyId",
];

/// The events of all accounts.
#[derive(Debug, Default)]
pub(crate) struct Trail {
    events: BTreeMap<AccountId, VecDeque<Event>>,
    recorded: u64,
    /// When `LookupEvents` was called in the last second, by account and region.
    lookups: BTreeMap<(AccountId, String), VecDeque<Timestamp>>,
}

impl Trail {
    /// Records a call, whatever its outcome; data events are not recorded.
    pub(crate) fn record(
        &mut self,
        random: &mut Random,
        now: Timestamp,
        call: &Call<'_>,
        outcome: &Result<Tree, Fault>,
    ) {
        if workload::is_data_event(call) {
            return;
        }
        self.recorded += 1;
        let events = self.events.entry(call.caller.account_id).or_default();
        while events.front().is_some_and(|event| event.at + HISTORY < now) {
            events.pop_front();
        }
        events.push_back(Event::of(call, outcome, random.uuid(), self.recorded));
    }

    fn throttle(&mut self, account: AccountId, region: &str, now: Timestamp) -> Result<(), Fault> {
        let recent = self.lookups.entry((account, region.to_owned())).or_default();
        while recent.front().is_some_and(|at| *at + Duration::from_secs(1) <= now) {
            recent.pop_front();
        }
        if recent.len() >= LOOKUPS_PER_SECOND {
            return Err(Fault::throttled(Service::CloudTrail));
        }
        recent.push_back(now);
        Ok(())
    }
}

/// A call that a key signed, as CloudTrail tells it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Used {
    pub(crate) at: Timestamp,
    pub(crate) service: Service,
    pub(crate) region: String,
    pub(crate) source_ip: String,
    pub(crate) user_agent: String,
}

impl World {
    /// The calls of a key in time order, without data events, and until when they are told.
    pub(crate) fn uses_of(&self, key: &AccessKeyId, since: Timestamp) -> (Vec<Used>, Timestamp) {
        let as_of = self.now - self.consistency.trail_delay;
        let events = self.trail.events.values().flatten();
        let of_key =
            events.filter(|event| event.at >= since && event.at <= as_of && event.is_by(key.as_str()));
        (of_key.map(Event::used).collect(), as_of)
    }
}

/// Does one call of CloudTrail.
pub(crate) fn handle(world: &mut World, call: &Call<'_>) -> Result<Tree, Fault> {
    match call.action() {
        "LookupEvents" => lookup(world, call),
        action => Err(Fault::unknown_operation(call.service(), action)),
    }
}

/// `LookupEvents` acts on nothing in particular.
pub(crate) fn resource(_call: &Call<'_>) -> String {
    "*".to_owned()
}

/// `LookupEvents`: the newest first, at most 50 a page, of the region that is asked.
fn lookup(world: &mut World, call: &Call<'_>) -> Result<Tree, Fault> {
    let (account, region) = (call.caller.account_id, &call.request.region);
    world.trail.throttle(account, region, call.now)?;
    let wanted = wanted_attribute(call)?;
    let (from, until) = (call.parameters.time("StartTime")?, call.parameters.time("EndTime")?);
    if from.zip(until).is_some_and(|(from, until)| from > until) {
        let message = "The start time must be before the end time.";
        return Err(Fault::refused("InvalidTimeRangeException", 400, message));
    }
    let size = call.parameters.integer("MaxResults", 1, 50);
    let size =
        size.map_err(|_| Fault::refused("InvalidMaxResultsException", 400, "MaxResults must be 1 to 50."))?;
    let size = size.and_then(|size| usize::try_from(size).ok()).unwrap_or(50);

    let delay = world.consistency.trail_delay;
    let shown = world.trail.events.get(&account).into_iter().flatten().rev().filter(|event| {
        event.region == *region
            && event.at + delay <= call.now
            && event.at + HISTORY >= call.now
            && from.is_none_or(|from| from <= event.at)
            && until.is_none_or(|until| event.at <= until)
            && wanted.is_none_or(|(name, value)| event.has(name, value))
    });
    let rows = shown.map(|event| (event.newest_first(), event));
    // A token is good for the request that it was given out for, and for no other.
    let list = format!("{} {wanted:?} {from:?} {until:?}", call.action());
    let page = page(&list, rows, call.parameters.text("NextToken"), size)
        .map_err(|_| Fault::refused("InvalidNextTokenException", 400, "The NextToken is invalid."))?;
    let events = page.items.into_iter().map(Event::describe).collect();
    Ok(Tree::map([("Events", Tree::List(events))]).with("NextToken", page.next))
}

/// The name and value of the one attribute that is looked for.
fn wanted_attribute<'a>(call: &Call<'a>) -> Result<Option<(&'a str, &'a str)>, Fault> {
    let invalid = |message: &str| Fault::refused("InvalidLookupAttributesException", 400, message);
    match call.parameters.tree.items("LookupAttributes") {
        [] => Ok(None),
        [attribute] => {
            let pair = attribute.text("AttributeKey").zip(attribute.text("AttributeValue"));
            let known = pair.filter(|(name, _)| ATTRIBUTES.contains(name));
            known.map(Some).ok_or_else(|| invalid("The lookup attribute is not valid."))
        }
        _ => Err(invalid("Only one lookup attribute can be specified.")),
    }
}
