//! One key at several destinations, some of which fail, and some of which never give a secret back: the whole engine on
//! the simulated AWS.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use futures::FutureExt as _;
use jiff::{SignedDuration, Timestamp};
use rotakey_core::destination::{DestinationSpec, Exec, SecretsManager};
use rotakey_core::fact::{KeyStatus, LastUsed};
use rotakey_core::id::{AccessKeyId, AccountId, RotationId};
use rotakey_core::rotate::{Answer, Ending, Held, Plan, Question, Rotation, Subject, Task, Timing};
use rotakey_core::secret::AccessKeyPair;
use rotakey_engine::driver::{Engine, Ports, Standing};
use rotakey_engine::memory_store::MemoryStore;
use rotakey_engine::port::{
    Account, Clock, Destination, Destinations, Kept, NoChecks, OneAccount, PortError, PortErrorKind, Slots,
};
use rotakey_sim::api::{Service, Tree};
use rotakey_sim::ports::Client;
use rotakey_sim::simulation::Simulation;
use rotakey_sim::world::World;
use rotakey_sim::world::plant::{NewKey, NewUser};

/// What befalls a call to a place.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Fate {
    /// It is refused, every time.
    Refused,
    /// The worker dies in it, once.
    Death,
}

/// A place of which only marks can be read, and what applications read there.
#[derive(Default)]
struct WriteOnly {
    slots: Slots<Held>,
    served: Option<AccessKeyPair>,
}

#[derive(Default)]
struct Surroundings {
    write_only: BTreeMap<String, WriteOnly>,
    fates: BTreeMap<(String, &'static str), Fate>,
}

#[derive(Clone)]
struct Places {
    client: Client,
    around: Arc<Mutex<Surroundings>>,
}

impl Destinations for Places {
    fn open(&self, spec: &DestinationSpec) -> Result<Box<dyn Destination>, PortError> {
        let inner = match spec {
            DestinationSpec::Exec(_) => None,
            other => Some(self.client.open(other)?),
        };
        Ok(Box::new(Place { name: spec.to_string(), inner, around: Arc::clone(&self.around) }))
    }
}

struct Place {
    name: String,
    /// `None` if it is a [`WriteOnly`].
    inner: Option<Box<dyn Destination>>,
    around: Arc<Mutex<Surroundings>>,
}

impl Place {
    async fn meet(&self, operation: &'static str) -> Result<(), PortError> {
        let key = (self.name.clone(), operation);
        let fate = {
            let mut around = self.around.lock().unwrap();
            let fate = around.fates.get(&key).copied();
            if fate == Some(Fate::Death) {
                around.fates.remove(&key);
            }
            fate
        };
        match fate {
            None => Ok(()),
            Some(Fate::Refused) => {
                Err(PortError::new(PortErrorKind::Denied, format!("{operation} {}", self.name), "not today"))
            }
            Some(Fate::Death) => std::future::pending().await,
        }
    }

    fn with<R>(&self, look: impl FnOnce(&mut WriteOnly) -> R) -> R {
        look(self.around.lock().unwrap().write_only.entry(self.name.clone()).or_default())
    }
}

#[async_trait]
impl Destination for Place {
    async fn preflight(&self) -> Result<(), PortError> {
        self.meet("preflight").await?;
        match &self.inner {
            Some(inner) => inner.preflight().await,
            None => Ok(()),
        }
    }

    async fn read(&self) -> Result<Slots, PortError> {
        self.meet("read").await?;
        match &self.inner {
            Some(inner) => inner.read().await,
            None => Ok(self.with(|place| Slots {
                pending: place.slots.pending.clone().map(Kept::Mark),
                current: place.slots.current.clone().map(Kept::Mark),
                previous: place.slots.previous.clone().map(Kept::Mark),
            })),
        }
    }

    async fn stage(&self, pair: &AccessKeyPair) -> Result<(), PortError> {
        self.meet("stage").await?;
        match &self.inner {
            Some(inner) => inner.stage(pair).await,
            None => {
                self.with(|place| place.slots.pending = Some(Held::of(pair)));
                Ok(())
            }
        }
    }

    async fn publish(&self, pair: &AccessKeyPair) -> Result<(), PortError> {
        self.meet("publish").await?;
        match &self.inner {
            Some(inner) => inner.publish(pair).await,
            None => {
                self.with(|place| {
                    place.slots.pending = None;
                    if place.slots.current.as_ref() != Some(&Held::of(pair)) {
                        place.slots.previous = place.slots.current.replace(Held::of(pair));
                    }
                    place.served = Some(pair.duplicate());
                });
                Ok(())
            }
        }
    }

    async fn restore(&self, id: &AccessKeyId) -> Result<(), PortError> {
        self.meet("restore").await?;
        match &self.inner {
            Some(inner) => inner.restore(id).await,
            None => Err(PortError::new(PortErrorKind::NotFound, "restore", "only its mark is here")),
        }
    }

    async fn forget(&self, id: &AccessKeyId) -> Result<(), PortError> {
        self.meet("forget").await?;
        match &self.inner {
            Some(inner) => inner.forget(id).await,
            None => {
                self.with(|place| {
                    place.slots.pending.take_if(|held| held.key == *id);
                    place.slots.previous.take_if(|held| held.key == *id);
                });
                Ok(())
            }
        }
    }
}

/// One user, whose old key was never used, and its rotation.
struct Story {
    simulation: Simulation,
    account: AccountId,
    places: Places,
    store: MemoryStore,
    old: AccessKeyPair,
    specs: Vec<DestinationSpec>,
    rotation: RotationId,
}

fn readable(name: &str) -> DestinationSpec {
    DestinationSpec::SecretsManager(SecretsManager::named(name.to_owned(), None))
}

fn write_only(name: &str) -> DestinationSpec {
    let command = vec!["put".to_owned()];
    DestinationSpec::Exec(Exec { name: name.to_owned(), command, timeout_seconds: None })
}

impl Story {
    /// All places serve the old key.
    fn begin(specs: Vec<DestinationSpec>) -> Self {
        let now: Timestamp = "2026-01-05T09:00:00Z".parse().unwrap();
        let created_at = now - SignedDuration::from_hours(24 * 365);
        let mut world = World::new(1, now);
        let account = world.create_account("production", created_at);
        let mut plant = |name: &str| {
            let mut user = NewUser::new(name.parse().unwrap(), created_at);
            user.attached.push("arn:aws:iam::aws:policy/AdministratorAccess".to_owned());
            world.plant_user(account, user);
            let key = NewKey { created_at, status: KeyStatus::Active, last_used: None };
            world.plant_key(account, &name.parse().unwrap(), key)
        };
        let (operator, old) = (plant("operator"), plant("service"));
        let keys = world.true_keys(account);
        let user_id = keys.into_iter().find(|key| key.id == old.id).and_then(|key| key.user).unwrap().1;
        let simulation = Simulation::new(world);
        let client = Client::new(simulation.clone(), operator);
        let mut around = Surroundings::default();
        for spec in &specs {
            if let DestinationSpec::SecretsManager(secret) = spec {
                let value =
                    serde_json::json!({ "AccessKeyId": old.id, "SecretAccessKey": old.secret.expose() });
                let parameters = Tree::map([
                    ("Name", secret.name.as_str().into()),
                    ("SecretString", value.to_string().as_str().into()),
                    ("ClientRequestToken", "00000000-0000-0000-0000-000000000000".into()),
                ]);
                client.call(Service::SecretsManager, "CreateSecret", parameters).unwrap();
            } else {
                let slots = Slots { current: Some(Held::of(&old)), ..Slots::default() };
                let place = WriteOnly { slots, served: Some(old.duplicate()) };
                around.write_only.insert(spec.to_string(), place);
            }
        }
        let places = Places { client, around: Arc::new(Mutex::new(around)) };
        let plan = Plan {
            subject: Subject { account_id: account, user_name: "service".parse().unwrap(), user_id },
            old_key: old.id.clone(),
            old_key_last_used: LastUsed::Never,
            destinations: specs.clone(),
            reason: "for the story".to_owned(),
            timing: Timing::default(),
            checks: Vec::new(),
            task: Task::Replace,
            limit_at: None,
            own_key: false,
            traits: None,
            approvals: Vec::new(),
        };
        let store = MemoryStore::default();
        let mut story =
            Self { simulation, account, places, store, old, specs, rotation: "r-aaaa".parse().unwrap() };
        story.rotation = story.with_engine(|engine| engine.begin(plan).now_or_never().unwrap().unwrap());
        story
    }

    /// A new worker, with nothing in its memory.
    fn with_engine<R>(&self, act: impl FnOnce(&Engine<'_>) -> R) -> R {
        let account = Account { iam: &self.places.client, probe: &self.places.client, usage: None };
        let accounts = OneAccount { id: self.account, account };
        let clock = self.simulation.clock();
        let ports = Ports {
            accounts: &accounts,
            destinations: &self.places,
            checks: &NoChecks,
            store: &self.store,
            clock: &clock,
        };
        act(&Engine::new(ports, "worker".parse().unwrap(), &|_, _| {}))
    }

    /// Drives until it asks or ends, or until a worker dies. One worker all the way.
    fn run(&self) -> Option<(Rotation, Standing)> {
        self.with_engine(|engine| {
            for _ in 0..1000 {
                let report = engine.drive(&self.rotation).now_or_never()?.unwrap();
                match report.standing {
                    Standing::Waits { until, .. } => self.simulation.advance_to(until),
                    standing => return Some((report.rotation, standing)),
                }
            }
            panic!("it never ends")
        })
    }

    fn asks(&self) -> Question {
        match self.run().expect("no worker dies").1 {
            Standing::Asks(question) => question,
            other => panic!("{other:?}"),
        }
    }

    fn ends(&self) -> Ending {
        match self.run().expect("no worker dies").1 {
            Standing::Ended(ending) => ending,
            other => panic!("{other:?}"),
        }
    }

    /// Drives until the worker dies. What it began is over when the next one looks.
    fn dies(&self) {
        assert!(self.run().is_none(), "nobody died");
        let clock = self.simulation.clock();
        self.simulation.advance_to(clock.now() + SignedDuration::from_mins(3));
    }

    fn fate(&self, place: usize, operation: &'static str, fate: Fate) {
        self.places.around.lock().unwrap().fates.insert((self.specs[place].to_string(), operation), fate);
    }

    fn mend(&self) {
        self.places.around.lock().unwrap().fates.clear();
        self.with_engine(|engine| engine.answer(&self.rotation, Answer::LookAgain, "bob").now_or_never())
            .unwrap()
            .unwrap();
    }

    fn roll_back(&self) {
        self.places.around.lock().unwrap().fates.clear();
        self.with_engine(|engine| engine.roll_back(&self.rotation, "bob", "it broke").now_or_never())
            .unwrap()
            .unwrap();
    }

    /// The pair that applications read at each place.
    fn served(&self) -> Vec<AccessKeyPair> {
        self.specs
            .iter()
            .map(|spec| match spec {
                DestinationSpec::Exec(_) => {
                    let around = self.places.around.lock().unwrap();
                    around.write_only[&spec.to_string()].served.as_ref().unwrap().duplicate()
                }
                spec => {
                    let slots =
                        self.places.client.open(spec).unwrap().read().now_or_never().unwrap().unwrap();
                    slots.current.as_ref().and_then(Kept::pair).unwrap().duplicate()
                }
            })
            .collect()
    }

    fn serves_old(&self) -> Vec<bool> {
        self.served().iter().map(|pair| *pair == self.old).collect()
    }

    /// Whether anything but what applications read is kept anywhere.
    fn keeps_aside(&self) -> bool {
        self.specs.iter().any(|spec| {
            let slots = self.places.open(spec).unwrap().read().now_or_never().unwrap().unwrap();
            slots.pending.is_some() || slots.previous.is_some()
        })
    }

    /// The keys of the user and whether each is active.
    fn keys(&self) -> BTreeMap<AccessKeyId, bool> {
        let keys = self.simulation.with_world(|world| world.true_keys(self.account));
        keys.into_iter()
            .filter(|key| key.user.as_ref().is_some_and(|(name, _)| name.as_str() == "service"))
            .map(|key| (key.id, key.status == KeyStatus::Active))
            .collect()
    }

    fn old_is_active(&self) -> bool {
        self.keys().get(&self.old.id) == Some(&true)
    }

    /// The new key alone is there, works, and is served everywhere.
    fn is_rotated(&self) {
        let served: BTreeSet<AccessKeyId> = self.served().into_iter().map(|pair| pair.id).collect();
        let keys = self.keys();
        assert_eq!(keys.values().collect::<Vec<_>>(), [&true], "{keys:?}");
        assert_eq!(served, keys.into_keys().collect(), "every place serves the one key");
        assert!(self.serves_old().iter().all(|old| !old));
        for pair in self.served() {
            assert!(self.simulation.with_world(|world| world.accepts(&pair, Service::S3)));
        }
        assert!(!self.keeps_aside(), "nothing of the old key is left");
    }

    /// The old key alone is there, works, and is served everywhere.
    fn is_as_before(&self) {
        assert_eq!(self.keys(), BTreeMap::from([(self.old.id.clone(), true)]));
        assert!(self.serves_old().iter().all(|old| *old));
        assert!(!self.keeps_aside(), "nothing of the new key is left");
    }
}

fn three() -> Vec<DestinationSpec> {
    ["one", "two", "three"].map(readable).to_vec()
}

#[test]
fn a_place_that_refuses_before_the_key_is_created_keeps_it_from_being_created() {
    let story = Story::begin(three());
    story.fate(1, "preflight", Fate::Refused);
    let question = story.asks();
    assert!(
        matches!(&question, Question::DestinationRefuses { destination, .. } if destination.ends_with("two"))
    );
    assert_eq!(story.keys().len(), 1);
    story.mend();
    assert!(matches!(story.ends(), Ending::Rotated { .. }));
    story.is_rotated();
}

#[test]
fn a_failure_at_the_second_of_three_before_the_publish_publishes_nothing_anywhere() {
    let story = Story::begin(three());
    story.fate(1, "stage", Fate::Refused);
    assert!(matches!(story.asks(), Question::KeepsFailing { .. }));
    assert_eq!(story.serves_old(), [true, true, true]);
    assert!(story.old_is_active());
    story.roll_back();
    assert!(matches!(story.ends(), Ending::RolledBack { .. }));
    story.is_as_before();

    let story = Story::begin(three());
    story.fate(1, "stage", Fate::Refused);
    story.asks();
    story.mend();
    // The worker with the secret is gone; the first place has a copy.
    assert!(matches!(story.ends(), Ending::Rotated { .. }));
    story.is_rotated();
}

#[test]
fn a_failure_at_the_second_of_three_during_the_publish_never_disables_the_old_key() {
    for goes_on in [true, false] {
        let story = Story::begin(three());
        story.fate(1, "publish", Fate::Refused);
        assert!(matches!(story.asks(), Question::KeepsFailing { .. }));
        assert_eq!(story.serves_old(), [false, true, true]);
        assert!(story.old_is_active());
        let clock = story.simulation.clock();
        story.simulation.advance_to(clock.now() + SignedDuration::from_hours(24 * 60));
        assert!(
            matches!(story.asks(), Question::KeepsFailing { .. }),
            "it asks for as long as nobody answers"
        );
        assert!(story.old_is_active());
        if goes_on {
            story.mend();
            assert!(matches!(story.ends(), Ending::Rotated { .. }));
            story.is_rotated();
        } else {
            story.roll_back();
            assert!(matches!(story.ends(), Ending::RolledBack { .. }));
            story.is_as_before();
        }
    }
}

#[test]
fn a_worker_that_dies_beside_a_write_only_place_is_replaced_by_one_that_reads_the_other() {
    for (place, operation) in [(1, "stage"), (0, "publish"), (1, "publish"), (1, "forget")] {
        let story = Story::begin(vec![readable("one"), write_only("two")]);
        story.fate(place, operation, Fate::Death);
        story.dies();
        let created = story.keys();
        assert!(matches!(story.ends(), Ending::Rotated { .. }), "{operation} at {place}");
        story.is_rotated();
        let [new] = &story.keys().into_keys().collect::<Vec<_>>()[..] else { panic!() };
        assert!(created.contains_key(new), "no second key was created after {operation} at {place}");
    }
}

#[test]
fn a_worker_that_dies_before_the_first_place_has_the_secret_leaves_no_key_behind() {
    let story = Story::begin(vec![readable("one"), write_only("two")]);
    story.fate(0, "stage", Fate::Death);
    story.dies();
    let lost: Vec<AccessKeyId> = story.keys().into_keys().filter(|key| *key != story.old.id).collect();
    assert_eq!(lost.len(), 1);
    assert!(matches!(story.ends(), Ending::Rotated { .. }));
    story.is_rotated();
    assert!(!story.keys().contains_key(&lost[0]), "the key without a secret is gone");
}

#[test]
fn going_back_gives_a_write_only_place_the_old_pair_that_another_place_has() {
    let story = Story::begin(vec![readable("one"), write_only("two"), write_only("three")]);
    // Published at the first two, then refused.
    story.fate(2, "publish", Fate::Refused);
    assert!(matches!(story.asks(), Question::KeepsFailing { .. }));
    assert_eq!(story.serves_old(), [false, false, true]);
    story.roll_back();
    assert!(matches!(story.ends(), Ending::RolledBack { .. }));
    story.is_as_before();
}

#[test]
fn going_back_asks_where_nobody_has_the_old_pair_any_more() {
    let story = Story::begin(vec![write_only("one"), write_only("two")]);
    story.fate(1, "publish", Fate::Refused);
    assert!(matches!(story.asks(), Question::KeepsFailing { .. }));
    story.roll_back();
    let question = story.asks();
    assert!(
        matches!(&question, Question::CannotRestore { destination } if destination.ends_with("one")),
        "{question:?}"
    );
    assert!(story.old_is_active(), "and the old key works");
    assert!(story.keys().values().all(|active| *active), "as does the new one, which the first place serves");
    // A person puts the old pair there by hand.
    let name = story.specs[0].to_string();
    let (held, pair) = (Held::of(&story.old), story.old.duplicate());
    {
        let mut around = story.places.around.lock().unwrap();
        let place = around.write_only.get_mut(&name).unwrap();
        place.slots.previous = place.slots.current.replace(held);
        place.served = Some(pair);
    }
    story.mend();
    assert!(matches!(story.ends(), Ending::RolledBack { .. }));
    story.is_as_before();
}
