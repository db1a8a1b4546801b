//! A seeded fleet: an organization with users as one finds them, and an administrator to look after them.

mod people;

use std::collections::BTreeMap;

use jiff::{SignedDuration, Timestamp};
use rotakey_core::fact::KeyStatus;
use rotakey_core::id::{AccountId, UserName};
use rotakey_core::secret::AccessKeyPair;

use crate::api::Service;
use crate::random::Random;
use crate::world::World;
use crate::world::plant::{NewKey, NewUser};
use people::Kind;

const ADMINISTRATOR: &str = "arn:aws:iam::aws:policy/AdministratorAccess";
const EVERYTHING: &str = r#"{"Version":"2012-10-17","Statement":[{"Sid":"Everything","Effect":"Allow","Action":"*","Resource":"*"}]}"#;

/// The role that the operator assumes in the accounts that are not the management account.
pub const OPERATOR_ROLE: &str = "rotakey";
/// The external id that the role's trust policy asks for.
pub const EXTERNAL_ID: &str = "rotakey-simulation";

/// What fleet to make. The same plan makes the same fleet.
#[derive(Debug, Clone)]
pub struct FleetPlan {
    /// Where everything random comes from.
    pub seed: u64,
    /// How many accounts; at least one. The first one manages the organization.
    pub accounts: usize,
    /// How many users in all, besides the operator. They have about one and a half keys each.
    pub users: usize,
    /// The present; every date of the fleet is before it.
    pub now: Timestamp,
}

/// A fleet.
#[derive(Debug)]
pub struct Fleet {
    /// The world it lives in.
    pub world: World,
    /// The accounts, the management account first. The last one has a key of its root user.
    pub accounts: Vec<AccountId>,
    /// The access key of the user `rotakey-operator` in the management account, an administrator. In the
    /// other accounts it may assume [`OPERATOR_ROLE`] with [`EXTERNAL_ID`].
    pub operator: AccessKeyPair,
    /// The secrets of all users' keys, by user, for applications to use.
    pub keys: BTreeMap<(AccountId, UserName), Vec<AccessKeyPair>>,
}

impl FleetPlan {
    /// Makes the fleet.
    ///
    /// Of the users, about half are service accounts (three in five of them in production), two in five are
    /// people, most of those with a console password, and the rest is legacy without tags. One in ten has
    /// no key, three in ten have one, the rest two; a quarter of the second keys is inactive. Keys are from
    /// hours to four years old, some of them between 90 and 91 days; one in eight was never used.
    pub fn build(&self) -> Fleet {
        self.build_with(plant_keys)
    }

    /// The same users, each with one active key that is half a year old and was never used: every one of them is to be
    /// rotated, and none waits for an application.
    pub fn build_due(&self) -> Fleet {
        self.build_with(plant_due_key)
    }

    fn build_with(&self, plant_keys: PlantKeys) -> Fleet {
        let mut random = Random::new(self.seed ^ 0x666c_6565_7400);
        let mut world = World::new(self.seed, self.now);
        let days = |days: i64| self.now - SignedDuration::from_hours(24 * days);
        let count = self.accounts.max(1);
        let accounts = (0..count).map(|number| world.create_account(&account_name(number), days(2_000)));
        let accounts = accounts.collect::<Vec<_>>();
        let operator = plant_operator(&mut world, accounts[0], days(400), days(10));
        let members = accounts.get(1..).unwrap_or_default();
        if !members.is_empty() {
            world.plant_unit("Workloads", members);
        }
        for account in &accounts {
            plant_shared(&mut world, *account, accounts[0], days(1_900));
        }
        let mut keys = BTreeMap::new();
        for number in 0..self.users {
            let account = accounts[number % count];
            let user = people::user(number, account, self.now, &mut random);
            let (name, kind) = (user.new.name.clone(), user.kind);
            world.plant_user(account, user.new);
            let pairs = plant_keys(&mut world, account, &name, kind, self.now, &mut random);
            keys.insert((account, name), pairs);
        }
        if let Some(account) = accounts.last() {
            let used = Some((days(300), Service::S3, "us-east-1".to_owned()));
            let key = NewKey { created_at: days(1_200), status: KeyStatus::Active, last_used: used };
            world.plant_root_key(*account, key);
        }
        Fleet { world, accounts, operator, keys }
    }
}

fn account_name(number: usize) -> String {
    match number {
        0 => "management".to_owned(),
        number => format!("workload-{number}"),
    }
}

/// The administrator that runs rotakey.
fn plant_operator(
    world: &mut World,
    account: AccountId,
    created_at: Timestamp,
    key_created_at: Timestamp,
) -> AccessKeyPair {
    let name: UserName = "rotakey-operator".parse().expect("the name is legal");
    let mut operator = NewUser::new(name.clone(), created_at);
    operator.attached.push(ADMINISTRATOR.to_owned());
    let tags = [("Application", "rotakey"), ("Environment", "production"), ("Owner", "platform@example.com")];
    operator.tags = tags.map(|(key, value)| (key.to_owned(), value.to_owned())).into();
    world.plant_user(account, operator);
    let key = NewKey { created_at: key_created_at, status: KeyStatus::Active, last_used: None };
    world.plant_key(account, &name, key)
}

/// What every account has: groups, a policy that is an administrator's by another name, and the operator's
/// role.
fn plant_shared(world: &mut World, account: AccountId, management: AccountId, created_at: Timestamp) {
    let aws = |name: &str| vec![format!("arn:aws:iam::aws:policy/{name}")];
    world.plant_group(account, "administrators", aws("AdministratorAccess"), created_at);
    world.plant_group(account, "developers", aws("PowerUserAccess"), created_at);
    world.plant_group(account, "auditors", aws("SecurityAudit"), created_at);
    world.plant_policy(account, people::OPERATIONS_POLICY, EVERYTHING, created_at);
    let trust = format!(
        r#"{{"Version":"2012-10-17","Statement":[{{"Effect":"Allow","Principal":{{"AWS":"arn:aws:iam::{management}:root"}},"Action":"sts:AssumeRole","Condition":{{"StringEquals":{{"sts:ExternalId":"{EXTERNAL_ID}"}}}}}}]}}"#
    );
    world.plant_role(account, OPERATOR_ROLE, &trust, aws("AdministratorAccess"), created_at);
}

/// Gives a user its keys.
type PlantKeys = fn(&mut World, AccountId, &UserName, Kind, Timestamp, &mut Random) -> Vec<AccessKeyPair>;

fn plant_due_key(
    world: &mut World,
    account: AccountId,
    name: &UserName,
    _kind: Kind,
    now: Timestamp,
    _random: &mut Random,
) -> Vec<AccessKeyPair> {
    let created_at = now - SignedDuration::from_hours(24 * 180);
    let key = NewKey { created_at, status: KeyStatus::Active, last_used: None };
    vec![world.plant_key(account, name, key)]
}

fn plant_keys(
    world: &mut World,
    account: AccountId,
    name: &UserName,
    kind: Kind,
    now: Timestamp,
    random: &mut Random,
) -> Vec<AccessKeyPair> {
    let count = match random.below(10) {
        0 => 0,
        1..=3 => 1,
        _ => 2,
    };
    let mut ages = (0..count).map(|_| age(random)).collect::<Vec<_>>();
    // The older key is the first, as in an account that came about by itself.
    ages.sort_by_key(|age| std::cmp::Reverse(*age));
    let mut pairs = Vec::new();
    for (slot, age) in ages.into_iter().enumerate() {
        let inactive = (slot == 1 || count == 2) && random.chance(0.16);
        let status = if inactive { KeyStatus::Inactive } else { KeyStatus::Active };
        let never_used = random.chance(0.125);
        let last_used = (!never_used).then(|| {
            let at = now - SignedDuration::from_secs(draw(random, 60, age.as_secs().max(61)));
            (at, kind.service(random), kind.region(random).to_owned())
        });
        pairs.push(world.plant_key(account, name, NewKey { created_at: now - age, status, last_used }));
    }
    pairs
}

/// The age of a key: hours to four years, with some right at the common limit of 90 days.
fn age(random: &mut Random) -> SignedDuration {
    const DAY: i64 = 24 * 60 * 60;
    let seconds = match random.below(100) {
        0..30 => draw(random, 3_600, 60 * DAY),
        30..45 => draw(random, 60 * DAY, 90 * DAY),
        45..47 => draw(random, 90 * DAY + 1, 91 * DAY),
        47..75 => draw(random, 91 * DAY, 365 * DAY),
        _ => draw(random, 365 * DAY, 4 * 365 * DAY),
    };
    SignedDuration::from_secs(seconds)
}

/// A number from `lowest` to before `highest`.
fn draw(random: &mut Random, lowest: i64, highest: i64) -> i64 {
    lowest + i64::try_from(random.below(highest.abs_diff(lowest))).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn plan(users: usize) -> FleetPlan {
        FleetPlan { seed: 42, accounts: 1, users, now: "2026-11-23T12:00:00Z".parse().unwrap() }
    }

    #[test]
    fn a_thousand_users_have_about_fifteen_hundred_keys_of_every_sort() {
        let fleet = plan(1_000).build();
        let keys = fleet.world.true_keys(fleet.accounts[0]);
        assert!((1_450..1_560).contains(&keys.len()), "{} keys", keys.len());
        let now = fleet.world.now();
        let days = |key: &crate::world::plant::TrueKey| now.duration_since(key.created_at).as_hours() / 24;
        let inactive = keys.iter().filter(|key| key.status == KeyStatus::Inactive).count();
        let never_used = keys.iter().filter(|key| key.last_used_at.is_none()).count();
        let at_the_limit = keys.iter().filter(|key| days(key) == 90).count();
        assert!(
            inactive > 100 && never_used > 100 && at_the_limit > 10,
            "{inactive} {never_used} {at_the_limit}"
        );
        assert!(keys.iter().any(|key| key.user.is_none()), "one key is the root user's");
        assert!(keys.iter().all(|key| key.created_at < now && key.last_used_at.is_none_or(|at| at < now)));
        assert!(keys.iter().all(|key| key.last_used_at.is_none_or(|at| at >= key.created_at)));
    }

    #[test]
    fn the_same_plan_makes_the_same_fleet() {
        let (one, other) = (plan(60).build(), plan(60).build());
        assert_eq!(one.operator, other.operator);
        assert_eq!(one.world.true_keys(one.accounts[0]), other.world.true_keys(other.accounts[0]));
        let another = FleetPlan { seed: 43, ..plan(60) }.build();
        assert_ne!(one.operator.id, another.operator.id);
    }
}
