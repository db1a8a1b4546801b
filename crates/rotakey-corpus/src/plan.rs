//! Which file holds what: planned in one go and small, so that the files can be written in any order and in all
//! threads, and every event is told by its file and its place in it.

use std::collections::HashMap;

use crate::Options;
use crate::random::Random;
use crate::time::{DAY, HOUR};
use crate::world::{DAYS, REGIONS, Rhythm, World, day_start, strikes};

/// The whole corpus, but for the text.
pub(crate) struct Plan {
    pub(crate) files: Vec<FilePlan>,
    pub(crate) sessions: Vec<SessionPlan>,
}

/// What one file holds. The places of its events are counted through these lists, in this order.
pub(crate) struct FilePlan {
    pub(crate) account: u8,
    pub(crate) region: u8,
    /// Counted from the beginning of the trail.
    pub(crate) day: i64,
    /// The seconds that it covers, but for what comes late.
    pub(crate) window: (i64, i64),
    pub(crate) is_pretty: bool,
    pub(crate) mints: Vec<Mint>,
    /// Sessions, each with the sum of the calls up to and with its own.
    pub(crate) uses: Vec<(u32, u32)>,
    /// Calls of users that have a rhythm: user and time.
    pub(crate) strikes: Vec<(u32, i64)>,
    pub(crate) changes: Vec<Change>,
    /// How many calls of users there are.
    pub(crate) users: u32,
    /// How many events without a key.
    pub(crate) services: u32,
    /// Events of other files, told by file and place, that stand here again.
    pub(crate) copies: Vec<(u32, u32)>,
}

/// The call that gave out a session key.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Mint {
    pub(crate) session: u32,
    /// Whether this is the record in the trail of the role's account, where the caller is a stranger.
    pub(crate) is_mirror: bool,
}

/// A session that is used somewhere.
#[derive(Debug, Clone, Copy)]
pub(crate) struct SessionPlan {
    pub(crate) account: u8,
    pub(crate) created: i64,
    pub(crate) parent: Parent,
}

/// Who called for a session.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Parent {
    /// A user assumed the role.
    User(u32),
    /// A user asked for a session of its own.
    Token(u32),
    Session(u32),
    /// EC2, Lambda and the like.
    Service,
    /// GitHub and the like.
    Web,
    /// The call was before the trail, or never seen.
    Unknown,
}

/// A step in the life of a user's keys.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Change {
    pub(crate) user: u32,
    pub(crate) step: Step,
    pub(crate) time: i64,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Step {
    Create,
    Deactivate,
    Delete,
}

impl FilePlan {
    /// How many events it has that stand here first.
    pub(crate) fn originals(&self) -> u32 {
        (self.mints.len() + self.strikes.len() + self.changes.len()) as u32
            + self.uses.last().map_or(0, |last| last.1)
            + self.users
            + self.services
    }
}

/// What of the events of a file goes where.
struct Budget {
    sessions: u32,
    users: u32,
    services: u32,
    copies: u32,
}

impl Plan {
    pub(crate) fn new(world: &World, options: &Options) -> Self {
        let mut random = Random::of(&[world.seed, 6]);
        let mut files = places(world, options, &mut random);
        let mut by_day: HashMap<(u8, i64), Vec<u32>> = HashMap::new();
        for (index, file) in files.iter().enumerate() {
            by_day.entry((file.account, file.day)).or_default().push(index as u32);
        }
        let planned = rhythms(world, options, &mut files, &by_day) + changes(world, &mut files);
        let mut budgets = budgets(options.events.saturating_sub(planned), &files, options, &mut random);
        let sessions = sessions(world, &mut files, &mut budgets, &by_day, &mut random);
        for (file, budget) in files.iter_mut().zip(&budgets) {
            (file.users, file.services) = (budget.users, budget.services);
            // What no session took is a user's.
            file.users += budget.sessions;
        }
        copies(&mut files, &budgets, &mut random);
        Self { files, sessions }
    }
}

/// The files, sorted by day, account and region, without their content.
fn places(world: &World, options: &Options, random: &mut Random) -> Vec<FilePlan> {
    let has_every_day = options.files as i64 >= DAYS * 5 / 4;
    let mut places: Vec<(i64, u8, u8)> = (0..options.files as i64)
        .map(|index| {
            if has_every_day && index < DAYS {
                return (index, 0, 0);
            }
            let account = random.below(world.accounts.len());
            (random.within(0..DAYS), account as u8, random.skewed(REGIONS.len()) as u8)
        })
        .collect();
    places.sort_unstable();
    let mut files = Vec::with_capacity(places.len());
    for same in places.chunk_by(|one, other| one == other) {
        for (index, &(day, account, region)) in same.iter().enumerate() {
            let part = |index: usize| day_start(day) + DAY * index as i64 / same.len() as i64;
            files.push(FilePlan {
                account,
                region,
                day,
                window: (part(index), part(index + 1)),
                is_pretty: random.per_mille(10),
                mints: Vec::new(),
                uses: Vec::new(),
                strikes: Vec::new(),
                changes: Vec::new(),
                users: 0,
                services: 0,
                copies: Vec::new(),
            });
        }
    }
    files
}

/// Plans the calls of users that have a rhythm, and tells how many there are.
fn rhythms(
    world: &World,
    options: &Options,
    files: &mut [FilePlan],
    by_day: &HashMap<(u8, i64), Vec<u32>>,
) -> u64 {
    let mut count = 0;
    for (index, user) in world.users.iter().enumerate().filter(|(_, user)| user.rhythm != Rhythm::Steady) {
        let mut random = Random::of(&[world.seed, 7, index as u64]);
        // Two large users would be all of a small corpus.
        let is_small = options.events < 100_000;
        for time in strikes(user.rhythm, user.active.0, user.active.1, is_small) {
            let day = time.div_euclid(DAY) - day_start(0) / DAY;
            let Some(candidates) = by_day.get(&(user.account, day)) else { continue };
            let file = &mut files[*random.pick(candidates) as usize];
            for _ in 0..1 + random.below(3) {
                file.strikes.push((index as u32, time + random.within(0..90)));
                count += 1;
            }
        }
    }
    count
}

/// Plans the rotations of keys, and tells how many events that makes.
fn changes(world: &World, files: &mut [FilePlan]) -> u64 {
    let mut count = 0;
    for (index, user) in world.users.iter().enumerate() {
        let Some(second) = &user.second else { continue };
        for (step, after) in [(Step::Create, 0), (Step::Deactivate, 8), (Step::Delete, 15)] {
            let day = second.day + after;
            let fits = |file: &&mut FilePlan| file.account == user.account && file.day >= day;
            if let Some(file) = files.iter_mut().find(fits) {
                let time = day_start(day) + 10 * HOUR + index as i64 % HOUR;
                file.changes.push(Change { user: index as u32, step, time });
                count += 1;
            }
        }
    }
    count
}

/// Spreads the events over the files: many small ones, a few of many megabytes, some empty ones.
fn budgets(events: u64, files: &[FilePlan], options: &Options, random: &mut Random) -> Vec<Budget> {
    let mut weights: Vec<f64> = files
        .iter()
        .map(|_| if random.per_mille(15) { 0.0 } else { random.log_normal(options.spread).min(80.0) })
        .collect();
    if let Some(first) = weights.first_mut() {
        *first = first.max(1.0);
    }
    let sum: f64 = weights.iter().sum();
    let (mut given, mut reached) = (0, 0.0);
    weights
        .iter()
        .map(|weight| {
            reached += weight / sum;
            let until = (reached * events as f64).round().min(events as f64) as u64;
            let share = (until - given) as u32;
            given = until;
            let mut part = |of: f64| (f64::from(share) * of + random.unit()) as u32;
            let copies = part(0.03).min(share);
            let services = part(0.122).min(share - copies);
            let sessions = part(0.46).min(share - copies - services);
            Budget { sessions, users: share - copies - services - sessions, services, copies }
        })
        .collect()
}

/// Fills the files with sessions, and has each minted where there is room.
fn sessions(
    world: &World,
    files: &mut [FilePlan],
    budgets: &mut [Budget],
    by_day: &HashMap<(u8, i64), Vec<u32>>,
    random: &mut Random,
) -> Vec<SessionPlan> {
    let mut sessions: Vec<SessionPlan> = Vec::new();
    // The last session of each account, and its day.
    let mut recent: HashMap<u8, (i64, u32)> = HashMap::new();
    for index in 0..files.len() {
        let (account, day, window) = (files[index].account, files[index].day, files[index].window);
        while budgets[index].sessions > 0 {
            let number = sessions.len() as u32;
            let mut created = random.within(window.0..window.1);
            let parent = match random.below(100) {
                0..46 => Parent::Service,
                46..76 => Parent::User(user_at(world, account, files[index].region, day, random)),
                76..82 => {
                    let other = random.below(world.accounts.len()) as u8;
                    Parent::User(user_at(world, other, 0, day, random))
                }
                82..93 => match recent.get(&account) {
                    Some(&(on, session)) if on == day => Parent::Session(session),
                    _ => Parent::Service,
                },
                93..96 => Parent::Web,
                96..98 => Parent::Token(user_at(world, account, files[index].region, day, random)),
                _ => Parent::Unknown,
            };
            if let Parent::Session(parent) = parent {
                created = sessions[parent as usize].created + random.within(30..HOUR);
            }
            sessions.push(SessionPlan { account, created, parent });
            recent.insert(account, (day, number));
            mint(world, number, parent, account, index, files, budgets, by_day, random);

            let calls = 1 + (-(1.0 - random.unit()).ln() * 15.4) as u32;
            let here = if random.per_mille(200) { calls.div_ceil(2) } else { calls };
            use_in(files, budgets, index, number, here);
            if here < calls {
                let elsewhere = *random.pick(&by_day[&(account, day)]) as usize;
                use_in(files, budgets, elsewhere, number, calls - here);
            }
        }
    }
    sessions
}

fn use_in(files: &mut [FilePlan], budgets: &mut [Budget], file: usize, session: u32, calls: u32) {
    let calls = calls.min(budgets[file].sessions);
    if calls > 0 {
        budgets[file].sessions -= calls;
        let before = files[file].uses.last().map_or(0, |last| last.1);
        files[file].uses.push((session, before + calls));
    }
}

/// Puts the call that gives out the key into the trail of the caller, and if that is another one, into that of
/// the role too.
#[expect(clippy::too_many_arguments, reason = "the whole state of the planning, used once")]
fn mint(
    world: &World,
    session: u32,
    parent: Parent,
    account: u8,
    index: usize,
    files: &mut [FilePlan],
    budgets: &mut [Budget],
    by_day: &HashMap<(u8, i64), Vec<u32>>,
    random: &mut Random,
) {
    let mut file = index;
    let mut is_foreign = false;
    if let Parent::User(user) = parent {
        let home = world.users[user as usize].account;
        if home != account {
            is_foreign = true;
            let Some(candidates) = by_day.get(&(home, files[index].day)) else { return };
            file = *random.pick(candidates) as usize;
        }
    }
    let (is_keyless, is_seen) = match parent {
        Parent::Service | Parent::Web => (true, true),
        Parent::User(_) | Parent::Token(_) | Parent::Session(_) => (false, true),
        Parent::Unknown => (true, false),
    };
    let budget = &mut budgets[file];
    let room = if is_keyless { &mut budget.services } else { &mut budget.users };
    if !is_seen || *room == 0 {
        return;
    }
    *room -= 1;
    files[file].mints.push(Mint { session, is_mirror: false });
    if is_foreign && budgets[index].services > 0 {
        budgets[index].services -= 1;
        files[index].mints.push(Mint { session, is_mirror: true });
    }
}

/// A user of the account that may call there and then. The first one of an account always may.
pub(crate) fn user_at(world: &World, account: u8, region: u8, day: i64, random: &mut Random) -> u32 {
    let users = &world.accounts[usize::from(account)].users;
    for _ in 0..8 {
        let number = users[random.skewed(users.len())];
        let user = &world.users[number as usize];
        let is_there = (user.active.0..=user.active.1).contains(&day) && user.regions >> region & 1 == 1;
        if is_there && user.rhythm == Rhythm::Steady {
            return number;
        }
    }
    users[0]
}

/// Repeats events in files nearby, as CloudTrail does when it delivers twice or in two regions.
fn copies(files: &mut [FilePlan], budgets: &[Budget], random: &mut Random) {
    for index in 0..files.len() {
        let mut copies = Vec::new();
        for _ in 0..budgets[index].copies {
            let near = (index + random.below(40)).saturating_sub(20).min(files.len() - 1);
            let source = if files[near].originals() > 0 { near } else { index };
            let originals = files[source].originals() as usize;
            if originals > 0 {
                copies.push((source as u32, random.below(originals) as u32));
            } else {
                // Nothing is near to repeat.
                files[index].users += 1;
            }
        }
        files[index].copies = copies;
    }
}
