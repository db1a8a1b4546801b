//! Who and what there is: accounts, regions, users with their keys, roles, sessions. All of it is a function of the
//! seed, so that every event can be written in any thread and any number of times.

use crate::agents;
use crate::random::{BASE32, Random};
use crate::time::{DAY, HOUR};

/// Regions, the busiest first.
pub(crate) const REGIONS: [&str; 13] = [
    "us-east-1",
    "eu-west-1",
    "eu-central-1",
    "us-west-2",
    "us-east-2",
    "ap-southeast-2",
    "ap-northeast-1",
    "eu-north-1",
    "eu-west-2",
    "sa-east-1",
    "ca-central-1",
    "ap-south-1",
    "us-west-1",
];
/// The first day of the trail, 2026-07-01, in days since the beginning of 1970.
pub(crate) const FIRST_DAY: i64 = 20_635;
/// How many days it has.
pub(crate) const DAYS: i64 = 122;

/// The world of a corpus.
pub(crate) struct World {
    pub(crate) seed: u64,
    pub(crate) accounts: Vec<Account>,
    pub(crate) users: Vec<User>,
    pub(crate) agents: Vec<String>,
}

/// An account, and in which layout its trail is stored.
pub(crate) struct Account {
    pub(crate) id: String,
    /// What stands before the account in a path.
    pub(crate) prefix: &'static str,
    /// Its users, as indices.
    pub(crate) users: Vec<u32>,
}

/// An IAM user.
pub(crate) struct User {
    pub(crate) account: u8,
    pub(crate) name: String,
    pub(crate) id: String,
    /// The key that is used first, and one that takes over on a day, if there was a rotation.
    pub(crate) key: String,
    pub(crate) second: Option<Second>,
    pub(crate) habit: Habit,
    pub(crate) rhythm: Rhythm,
    /// The first and the last day of use, counted from the beginning of the trail.
    pub(crate) active: (i64, i64),
    /// As indices into [`REGIONS`]: bit `n` for region `n`.
    pub(crate) regions: u16,
}

/// The key that takes over.
pub(crate) struct Second {
    pub(crate) key: String,
    /// The day of the rotation, counted from the beginning of the trail.
    pub(crate) day: i64,
}

/// What a caller is like.
#[derive(Clone)]
pub(crate) struct Habit {
    /// Indices into the catalogue, the usual ones first.
    pub(crate) actions: Vec<u8>,
    pub(crate) addresses: Vec<String>,
    /// Indices into the user agents.
    pub(crate) agents: Vec<u16>,
    /// How many calls in a thousand fail.
    pub(crate) failing: u16,
    pub(crate) vpc_endpoint: Option<String>,
}

/// When a key is used.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Rhythm {
    /// At any time.
    Steady,
    Monthly,
    Weekly,
    Daily,
    Hourly,
}

impl World {
    pub(crate) fn new(seed: u64, events: u64) -> Self {
        let account_count = if events < 20_000 { 3 } else { 7 };
        let user_count = (events / 5_000).clamp(14, 6_000) as usize;
        let agents = agents::agents(seed, (events / 1_000).clamp(40, 600) as usize);
        let mut random = Random::of(&[seed, 1]);
        let mut accounts: Vec<Account> = (0..account_count)
            .map(|index| Account {
                id: format!("{:012}", 100_000_000_000 + random.below(899_999_999_999)),
                prefix: match index % 3 {
                    0 => "AWSLogs/",
                    1 => "AWSLogs/o-a1b2c3d4e5/",
                    _ => "audit/main/AWSLogs/",
                },
                users: Vec::new(),
            })
            .collect();
        let mut users = Vec::new();
        for index in 0..user_count {
            let user = user(seed, index, &accounts, agents.len());
            accounts[usize::from(user.account)].users.push(index as u32);
            users.push(user);
        }
        Self { seed, accounts, users, agents }
    }

    /// The key that a user signs with on a day. Around a rotation, a part of the consumers has not moved yet.
    pub(crate) fn key(&self, user: &User, day: i64, random: &mut Random) -> String {
        match &user.second {
            Some(second) if day >= second.day => {
                let has_not_moved = day < second.day + 7 && random.per_mille(300);
                if has_not_moved { user.key.clone() } else { second.key.clone() }
            }
            _ => user.key.clone(),
        }
    }

    /// A session by its number.
    pub(crate) fn session(&self, number: u32) -> Session {
        let mut random = Random::of(&[self.seed, 3, u64::from(number)]);
        let role = random.skewed(ROLES.len());
        let mut key = String::from("ASIA");
        random.text(16, BASE32, &mut key);
        let mut role_id = String::from("AROA");
        Random::of(&[self.seed, 4, role as u64]).text(17, BASE32, &mut role_id);
        let mut name = String::new();
        match random.below(4) {
            0 => {
                name.push_str("i-0");
                random.text(16, b"0123456789abcdef", &mut name);
            }
            1 => name.push_str("botocore-session-17"),
            2 => name.push_str("aws-go-sdk-17"),
            _ => name.push_str("GitHubActions"),
        }
        if name.ends_with('7') {
            random.text(8, b"0123456789", &mut name);
        }
        let habit = habit(&mut random, 8, 1, self.agents.len());
        Session { key, role: ROLES[role], role_id, name, habit }
    }
}

/// A role session.
pub(crate) struct Session {
    pub(crate) key: String,
    pub(crate) role: &'static str,
    pub(crate) role_id: String,
    pub(crate) name: String,
    pub(crate) habit: Habit,
}

const ROLES: &[&str] = &[
    "eks-node",
    "lambda-orders-prod",
    "ecs-task-checkout",
    "GitHubDeploy",
    "ReadOnly",
    "data-pipeline",
    "Admin",
    "OrganizationAccountAccessRole",
    "backup-restore",
    "AWSReservedSSO_PowerUser_0a1b2c3d4e5f6071",
    "SecurityAudit",
    "ci-runner",
];

const USERS: &[&str] = &[
    "ci-deployer",
    "svc-backup",
    "svc-billing",
    "terraform",
    "legacy-import",
    "grafana",
    "jürgen.müller",
    "s3-sync",
    "vendor-scanner",
    "etl",
    "reporting",
    "alice",
    "bob",
    "svc-mail",
    "山田太郎",
];

fn user(seed: u64, index: usize, accounts: &[Account], agents: usize) -> User {
    let mut random = Random::of(&[seed, 2, index as u64]);
    let id = |prefix: &str, random: &mut Random| {
        let mut text = String::from(prefix);
        random.text(20 - prefix.len(), BASE32, &mut text);
        text
    };
    let rhythm = match index {
        // Of those there is always one, and in larger worlds more.
        1 => Rhythm::Monthly,
        2 => Rhythm::Daily,
        3 => Rhythm::Hourly,
        4 => Rhythm::Weekly,
        _ => match random.below(100) {
            0 | 1 => Rhythm::Monthly,
            2 | 3 => Rhythm::Daily,
            4 => Rhythm::Weekly,
            _ => Rhythm::Steady,
        },
    };
    // Account 0 has a file for every day, so that what has a rhythm finds one.
    let account = if rhythm == Rhythm::Steady { index % accounts.len() } else { 0 };
    // The first user of an account is always there: somebody has to be.
    let from = if index < accounts.len() || random.per_mille(600) { 0 } else { random.within(0..DAYS) };
    let last = if index < accounts.len() || random.per_mille(700) { DAYS } else { random.within(from..DAYS) };
    let mut regions = 1_u16 | 1 << random.skewed(REGIONS.len());
    if index < accounts.len() || random.per_mille(150) {
        regions = u16::MAX;
    }
    let is_rotated = rhythm == Rhythm::Steady && random.per_mille(200);
    let mut habit = habit(&mut random, 30, 3, agents);
    if index % 17 == 5 {
        habit.failing = 700;
    }
    User {
        account: account as u8,
        name: format!("{}-{index}", random.pick(USERS)),
        id: id("AIDA", &mut random),
        key: id("AKIA", &mut random),
        second: is_rotated
            .then(|| Second { key: id("AKIA", &mut random), day: random.within(10..DAYS - 20) }),
        habit,
        rhythm,
        active: (from, last),
        regions,
    }
}

fn habit(random: &mut Random, most_actions: usize, most_agents: usize, agents: usize) -> Habit {
    let count = 1 + random.below(most_actions);
    let actions = (0..count).map(|_| random.skewed(crate::catalogue::ACTIONS.len()) as u8).collect();
    let count = if random.per_mille(80) { 2 + random.below(4 * most_agents) } else { 1 };
    let addresses = (0..count).map(|_| address(random)).collect();
    let agents = (0..1 + random.below(most_agents)).map(|_| random.skewed(agents) as u16).collect();
    let vpc_endpoint = random.per_mille(120).then(|| {
        let mut text = String::from("vpce-");
        random.text(17, b"0123456789abcdef", &mut text);
        text
    });
    let failing = if random.per_mille(30) { 400 } else { 25 };
    Habit { actions, addresses, agents, failing, vpc_endpoint }
}

fn address(random: &mut Random) -> String {
    let mut part = || random.below(254) + 1;
    match part() % 14 {
        0 => format!("2001:db8:{:x}:{:x}::{:x}", part() * 200, part(), part()),
        1 => format!(
            "2600:1f18:{:x}:{:x}:{:x}:{:x}:{:x}:{:x}",
            part(),
            part() * 99,
            part(),
            part(),
            part() * 250,
            part()
        ),
        2 => format!("10.{}.{}.{}", part(), part(), part()),
        3 => ["cloudformation", "athena", "backup", "config"][part() % 4].to_owned() + ".amazonaws.com",
        4 if part() < 100 => "AWS Internal".to_owned(),
        5..8 => format!("203.0.113.{}", part()),
        _ => format!("{}.{}.{}.{}", 3 + part() % 200, part(), part(), part()),
    }
}

/// The first second of a day of the trail.
pub(crate) fn day_start(day: i64) -> i64 {
    (FIRST_DAY + day) * DAY
}

/// The times at which a rhythm strikes.
pub(crate) fn strikes(rhythm: Rhythm, first: i64, last: i64, is_small: bool) -> Vec<i64> {
    let days = first..last.min(DAYS);
    let days = days.filter(|day| match rhythm {
        Rhythm::Monthly => crate::time::civil(FIRST_DAY + day).2 == 1,
        Rhythm::Weekly => (FIRST_DAY + day).rem_euclid(7) == 4,
        Rhythm::Daily => true,
        Rhythm::Hourly => !is_small || *day >= DAYS - 5,
        Rhythm::Steady => false,
    });
    let hours = |day: i64| match rhythm {
        Rhythm::Hourly => (0..24).map(|hour| day_start(day) + hour * HOUR + 300).collect(),
        Rhythm::Monthly => vec![day_start(day) + 2 * HOUR],
        _ => vec![day_start(day) + 3 * HOUR + 900],
    };
    days.flat_map(hours).collect()
}
