//! Users with two active keys in a simulated AWS, judged with and without a source of usage.

use std::sync::Mutex;
use std::time::Duration;

use async_trait::async_trait;
use jiff::SignedDuration;
use rotakey_core::fact::KeyStatus;
use rotakey_core::rotate::Plan;
use rotakey_core::secret::AccessKeyPair;
use rotakey_engine::inventory::{NoProgress, load};
use rotakey_engine::memory_store::MemoryStore;
use rotakey_engine::port::{Account, OneAccount, PortError, PortErrorKind, UsageSource};
use rotakey_sim::api::{Service, Tree};
use rotakey_sim::application::{Application, CredentialSource, HardCoded};
use rotakey_sim::ports::Client;
use rotakey_sim::simulation::Simulation;
use rotakey_sim::world::World;
use rotakey_sim::world::plant::{NewKey, NewUser};

use super::*;
use crate::assembly::CONCURRENCY;

const BEGUN: &str = "2026-06-01T00:00:00Z";
const HOUR: Duration = Duration::from_secs(3600);

/// An account in which one user has two keys, another has one, and applications have used them for months.
struct Office {
    simulation: Simulation,
    operator: Client,
    account: AccountId,
    pairs: [AccessKeyPair; 2],
}

/// Plays 120 days. `sources` says where each application has its key from, each of them in its own network.
fn office(sources: impl FnOnce(&[AccessKeyPair; 2]) -> Vec<Box<dyn CredentialSource>>) -> Office {
    let begun: Timestamp = BEGUN.parse().unwrap();
    let mut world = World::new(1, begun);
    let account = world.create_account("production", begun - SignedDuration::from_hours(24 * 900));
    let mut key_of = |name: &str, days: i64| {
        let name: UserName = name.parse().unwrap();
        let created_at = begun - SignedDuration::from_hours(24 * days);
        let mut user = NewUser::new(name.clone(), begun - SignedDuration::from_hours(24 * 800));
        user.attached.push("arn:aws:iam::aws:policy/AdministratorAccess".to_owned());
        if days != 100 {
            world.plant_user(account, user);
        }
        world.plant_key(account, &name, NewKey { created_at, status: KeyStatus::Active, last_used: None })
    };
    let (operator, _) = (key_of("operator", 300), key_of("alone", 300));
    let pairs = [key_of("shop", 400), key_of("shop", 100)];
    let simulation = Simulation::new(world);
    let operator = Client::new(simulation.clone(), operator);
    for (number, mut source) in sources(&pairs).into_iter().enumerate() {
        let application = Application::new("client", move |world: &World| source.read(world));
        let application = application.calling(Service::S3, "ListBuckets", Tree::empty());
        simulation.start(application.every(HOUR).from("eu-west-1", &format!("10.0.{number}.9")));
    }
    simulation.advance_to(begun + SignedDuration::from_hours(24 * 120));
    Office { simulation, operator, account, pairs }
}

/// One application that took the younger key so many days before the end.
fn moved(days_before_the_end: i64) -> Office {
    office(|[old, new]| {
        let (old, new) = (old.duplicate(), new.duplicate());
        let begun: Timestamp = BEGUN.parse().unwrap();
        let moves_at = begun + SignedDuration::from_hours(24 * (120 - days_before_the_end));
        vec![Box::new(move |world: &World| {
            Some(if world.now() < moves_at { old.duplicate() } else { new.duplicate() })
        })]
    })
}

impl Office {
    /// What is decided about the user with two keys.
    fn decides(&self, usage: Option<&dyn UsageSource>) -> Choice {
        let account = Account { iam: &self.operator, probe: &self.operator, usage };
        let place = |_: &UserSubject| {
            DestinationSpec::SecretsManager(specs::SecretsManager::named("new-key".to_owned(), None))
        };
        let now = self.simulation.now();
        let planner = Planner {
            config: &Config::default(),
            accounts: &OneAccount { id: self.account, account },
            store: &MemoryStore::default(),
            fallback: &place,
            own_key: None,
            printer: &Printer::plain(),
            now,
        };
        let chosen = async {
            let inventory = load(&self.operator, now, &NoProgress, CONCURRENCY).await.unwrap();
            planner.choose(inventory.into(), &Selection::default()).await.unwrap()
        };
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        let mut users = runtime.block_on(chosen).users.into_iter();
        let shop = users.find(|user| user.subject.principal.to_string() == "shop").unwrap();
        let What::Chosen(choice) = shop.what else { panic!("it is not under way") };
        choice
    }

    fn finishes(&self, usage: Option<&dyn UsageSource>) -> Plan {
        match self.decides(usage) {
            Choice::Rotate(plan) => *plan,
            other => panic!("{other:?}"),
        }
    }

    fn asks(&self, usage: Option<&dyn UsageSource>) -> String {
        match self.decides(usage) {
            Choice::Ask { why, .. } => why,
            other => panic!("{other:?}"),
        }
    }
}

/// Tells what the simulated CloudTrail tells, or fails, and remembers which keys it was asked about.
struct Source<'a> {
    office: &'a Office,
    answer: fn(KeyUsage) -> Result<KeyUsage, PortError>,
    asked: Mutex<BTreeSet<AccessKeyId>>,
}

impl<'a> Source<'a> {
    fn that(answer: fn(KeyUsage) -> Result<KeyUsage, PortError>, office: &'a Office) -> Self {
        Self { office, answer, asked: Mutex::default() }
    }
}

#[async_trait]
impl UsageSource for Source<'_> {
    async fn usage(&self, key: &AccessKeyId, since: Timestamp) -> Result<KeyUsage, PortError> {
        self.asked.lock().unwrap().insert(key.clone());
        (self.answer)(self.office.operator.usage(key, since).await?)
    }
}

#[test]
fn a_key_whose_only_consumer_moved_is_finished_sooner_than_without_a_source() {
    let office = moved(3);
    let plan = office.finishes(Some(&office.operator));
    assert_eq!(plan.old_key, office.pairs[0].id);
    let finish = plan.finish().unwrap();
    assert_eq!(finish.successor.as_ref(), Some(&office.pairs[1].id));
    assert_eq!(finish.quiet_for, SignedDuration::from_hours(24), "it was used every hour");
    assert!(office.asks(None).contains("no source tells who uses keys"), "{}", office.asks(None));
    assert_eq!(moved(40).finishes(None).finish().unwrap().quiet_for, SignedDuration::from_hours(24 * 35));
}

#[test]
fn the_plan_is_the_same_at_every_look_so_that_it_can_be_approved() {
    let office = moved(3);
    let hash = office.finishes(Some(&office.operator)).hash();
    office.simulation.advance_to(office.simulation.now() + SignedDuration::from_mins(95));
    assert_eq!(office.finishes(Some(&office.operator)).hash(), hash);
}

#[test]
fn keys_of_which_each_has_a_consumer_of_its_own_are_independent() {
    let office =
        office(|[old, new]| vec![Box::new(HardCoded(old.duplicate())), Box::new(HardCoded(new.duplicate()))]);
    assert!(office.asks(Some(&office.operator)).contains("each with applications of its own"));
    let why = office.asks(None);
    assert!(why.contains("which of them applications need is not known"), "{why}");
}

#[test]
fn a_source_that_fails_or_does_not_see_all_permits_nothing_and_the_plan_says_why_it_asks() {
    let office = moved(3);
    let fails = Source::that(
        |_| Err(PortError::new(PortErrorKind::Denied, "cloudtrail:LookupEvents", "AccessDenied")),
        &office,
    );
    assert!(office.asks(Some(&fails)).contains("cloudtrail:LookupEvents: AccessDenied"));
    let in_part = |usage| Ok(KeyUsage { incomplete: Some("no data events".to_owned()), ..usage });
    let in_part = Source::that(in_part, &office);
    let why = office.asks(Some(&in_part));
    assert!(why.contains("more than one of them by 10.0.0.0/24, client, s3 in eu-west-1"), "{why}");
}

#[test]
fn only_keys_of_users_with_several_are_looked_at() {
    let office = moved(3);
    let source = Source::that(Ok, &office);
    office.finishes(Some(&source));
    let both: BTreeSet<_> = office.pairs.iter().map(|pair| pair.id.clone()).collect();
    assert_eq!(*source.asked.lock().unwrap(), both);
}
