//! What was seen of one action: how often, on which resources, and with what outcome.

use std::collections::BTreeSet;

use crate::event_time::EventTime;
use crate::policy::resource::WhyAll;
use crate::usage::schema::Tally;

/// The most resources of one action that are told apart.
pub(super) const MOST_RESOURCES: usize = 500;

/// Calls with one outcome.
#[derive(Debug, Clone, Default)]
pub(super) struct Seen {
    pub(super) tally: Option<Tally>,
    resources: BTreeSet<String>,
    why_all: BTreeSet<WhyAll>,
}

impl Seen {
    /// Adds a call.
    pub(super) fn add(&mut self, at: EventTime, resources: &Result<Vec<String>, WhyAll>) {
        self.count(Tally::once(at));
        match resources {
            Ok(arns) => self.resources.extend(arns.iter().cloned()),
            Err(why) => _ = self.why_all.insert(*why),
        }
        self.bound();
    }

    /// Adds all that another one saw.
    pub(super) fn merge(&mut self, other: Self) {
        if let Some(tally) = other.tally {
            self.count(tally);
        }
        self.resources.extend(other.resources);
        self.why_all.extend(other.why_all);
        self.bound();
    }

    /// The resources, or why it is all of them.
    pub(super) fn resources(&self) -> Result<&BTreeSet<String>, &BTreeSet<WhyAll>> {
        if self.why_all.is_empty() { Ok(&self.resources) } else { Err(&self.why_all) }
    }

    /// How many calls there were.
    pub(super) fn calls(&self) -> u64 {
        self.tally.map_or(0, |tally| tally.calls)
    }

    fn count(&mut self, other: Tally) {
        match &mut self.tally {
            Some(tally) => tally.add(other),
            none => *none = Some(other),
        }
    }

    /// Once there were too many resources, there always are: so the order of the calls does not matter.
    fn bound(&mut self) {
        if self.resources.len() > MOST_RESOURCES || self.why_all.contains(&WhyAll::TooMany) {
            self.why_all.insert(WhyAll::TooMany);
            self.resources.clear();
        }
    }
}
