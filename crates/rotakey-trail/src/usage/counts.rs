//! What is counted of one key, or of one row of another grouping. Small, for there may be millions.

use hashbrown::HashTable;

use super::symbols::Symbol;
use crate::cadence::DayUse;
use crate::event_time::EventTime;
use crate::outcome::Outcome;

/// Lists longer than this have an index.
const LONG: usize = 24;

/// How many distinct things are told of one row. What is beyond is counted in the sums only.
const MOST_ENTRIES: usize = 200_000;

/// Times are kept as 32 bits: up to the year 2106.
fn short(time: EventTime) -> u32 {
    u32::try_from(time.seconds()).unwrap_or(u32::MAX)
}

fn long(seconds: u32) -> EventTime {
    EventTime::from_seconds(i64::from(seconds)).unwrap_or_default()
}

/// The counts of a row.
#[derive(Debug)]
pub(super) struct Counts {
    /// The key; `None` in a row of a principal.
    pub(super) key: Option<Symbol>,
    /// What the row is grouped by beside the key.
    pub(super) group: Option<Symbol>,
    /// The key whose call minted this one.
    pub(super) parent: Option<Symbol>,
    /// The principal of the latest call, and when that was.
    pub(super) principal: Option<(u32, Symbol)>,
    pub(super) calls: u64,
    pub(super) denied: u32,
    pub(super) failed: u32,
    pub(super) throttled: u32,
    first: u32,
    last: u32,
    /// Set if something was left out of the lists.
    pub(super) is_truncated: bool,
    pub(super) entries: Entries,
    /// Sorted.
    pub(super) days: Vec<DayUse>,
}

/// How often something was seen, and when first and last.
#[derive(Debug, Clone, Copy)]
pub(super) struct Entry {
    pub(super) symbol: Symbol,
    pub(super) calls: u32,
    first: u32,
    last: u32,
}

/// Distinct things.
#[derive(Debug, Default)]
pub(super) struct Entries {
    list: Vec<Entry>,
    /// The places of all, once there are many.
    index: Option<Box<HashTable<u32>>>,
}

impl Counts {
    pub(super) fn new(key: Option<Symbol>, group: Option<Symbol>) -> Self {
        Self {
            key,
            group,
            parent: None,
            principal: None,
            calls: 0,
            denied: 0,
            failed: 0,
            throttled: 0,
            first: u32::MAX,
            last: 0,
            is_truncated: false,
            entries: Entries::default(),
            days: Vec::new(),
        }
    }

    /// Counts a call that has all these symbols.
    #[inline]
    pub(super) fn count(&mut self, time: EventTime, outcome: Outcome, symbols: &[Symbol]) {
        let at = short(time);
        self.calls += 1;
        self.first = self.first.min(at);
        self.last = self.last.max(at);
        match outcome {
            Outcome::Done => {}
            Outcome::Denied => {
                self.denied = self.denied.saturating_add(1);
                self.failed = self.failed.saturating_add(1);
            }
            Outcome::Failed => self.failed = self.failed.saturating_add(1),
            Outcome::Throttled => self.throttled = self.throttled.saturating_add(1),
        }
        for &symbol in symbols {
            self.is_truncated |= !self.entries.count(symbol, at);
        }
        let day = DayUse::once(long(at));
        match self.days.last_mut() {
            Some(last) if last.day == day.day => last.add(day),
            Some(last) if last.day > day.day => self.count_earlier(day),
            _ => self.days.push(day),
        }
    }

    fn count_earlier(&mut self, day: DayUse) {
        match self.days.binary_search_by_key(&day.day, |known| known.day) {
            Ok(place) => self.days[place].add(day),
            Err(place) => self.days.insert(place, day),
        }
    }

    pub(super) fn first_at(&self) -> EventTime {
        long(self.first)
    }

    pub(super) fn last_at(&self) -> EventTime {
        long(self.last)
    }

    /// Notes who made a call. Of the principals of a key the latest counts; of several at the same second, the one that
    /// `is_greater`, so that the order of the calls does not matter.
    #[inline]
    pub(super) fn principal(
        &mut self,
        time: EventTime,
        principal: Symbol,
        is_greater: impl FnOnce(Symbol) -> bool,
    ) {
        let at = short(time);
        match &mut self.principal {
            Some((latest, known)) if *known == principal => *latest = at.max(*latest),
            Some((latest, known)) if at < *latest || at == *latest && !is_greater(*known) => {}
            place => *place = Some((at, principal)),
        }
    }
}

impl Entry {
    pub(super) fn first_at(&self) -> EventTime {
        long(self.first)
    }

    pub(super) fn last_at(&self) -> EventTime {
        long(self.last)
    }
}

impl Entries {
    pub(super) fn iter(&self) -> std::slice::Iter<'_, Entry> {
        self.list.iter()
    }

    /// Counts something. False if there is no room for it.
    #[inline]
    fn count(&mut self, symbol: Symbol, at: u32) -> bool {
        if symbol == Symbol::OTHER {
            return false;
        }
        match self.find(symbol) {
            Some(place) => {
                let entry = &mut self.list[place];
                entry.calls = entry.calls.saturating_add(1);
                entry.first = entry.first.min(at);
                entry.last = entry.last.max(at);
                true
            }
            None => self.add(Entry { symbol, calls: 1, first: at, last: at }),
        }
    }

    #[inline]
    fn find(&self, symbol: Symbol) -> Option<usize> {
        match &self.index {
            None => self.list.iter().position(|entry| entry.symbol == symbol),
            Some(index) => {
                let is_it = |place: &u32| self.list[*place as usize].symbol == symbol;
                index.find(hash(symbol), is_it).map(|place| *place as usize)
            }
        }
    }

    fn add(&mut self, entry: Entry) -> bool {
        if self.list.len() >= MOST_ENTRIES {
            return false;
        }
        // Most rows have few entries: to double the room each time would waste half of the memory.
        if self.list.len() == self.list.capacity() {
            self.list.reserve_exact((self.list.len() / 2).max(4));
        }
        self.list.push(entry);
        let place = self.list.len() as u32 - 1;
        let list = &self.list;
        let hasher = |place: &u32| hash(list[*place as usize].symbol);
        match &mut self.index {
            Some(index) => {
                index.insert_unique(hash(entry.symbol), place, hasher);
            }
            None if list.len() > LONG => {
                let mut index = HashTable::with_capacity(list.len() * 2);
                for (place, entry) in list.iter().enumerate() {
                    index.insert_unique(hash(entry.symbol), place as u32, hasher);
                }
                self.index = Some(Box::new(index));
            }
            None => {}
        }
        true
    }
}

/// Symbols are numbers in the order in which texts came; the table wants mixed bits.
fn hash(symbol: Symbol) -> u64 {
    symbol.mixed()
}
