//! A monthly job beside a busy application: what a rotation that waits for a quiet day would break.

use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use rotakey_core::destination::{DestinationSpec, SecretsManager};
use rotakey_core::id::{AccessKeyId, AccountId};
use rotakey_core::rotate::{Ending, Event, Plan, Question, Rotation, Subject, Task, Timing};
use rotakey_core::secret::AccessKeyPair;
use rotakey_engine::driver::{Engine, Ports, Standing};
use rotakey_engine::memory_store::MemoryStore;
use rotakey_engine::port::{Account, Clock as _, Iam as _, NoChecks, OneAccount, UsageSource};
use rotakey_sim::api::{Service, Tree};
use rotakey_sim::application::{Application, CredentialSource, CurrentSecret, HardCoded};
use rotakey_sim::ports::Client;
use rotakey_sim::simulation::Simulation;
use rotakey_sim::world::World;

use crate::chaos::at_once;
use crate::scene::{key, plant_user};

const SECRET: &str = "iam/access-keys/reports/0";
const DAY: Duration = Duration::from_secs(24 * 3600);

/// What a key is rotated in that two applications have used for three months.
struct Months {
    simulation: Simulation,
    operator: Client,
    account: AccountId,
    subject: Subject,
    old_key: AccessKeyId,
}

/// The job runs every thirty days, from three months before on; `job` says where it has its key from.
fn months(job: impl FnOnce(&AccessKeyPair, CurrentSecret) -> Box<dyn CredentialSource>) -> Months {
    let begun: Timestamp = "2026-01-05T09:00:00Z".parse().unwrap();
    let year_ago = begun - SignedDuration::from_hours(24 * 365);
    let mut world = World::new(1, begun);
    let account = world.create_account("production", year_ago);
    let operator = plant_user(&mut world, account, "operator", year_ago);
    let operator = world.plant_key(account, &operator, key(year_ago, None));
    let user_name = plant_user(&mut world, account, "reports", year_ago);
    let old = world.plant_key(account, &user_name, key(year_ago, None));
    let user_id = world.true_keys(account).into_iter().find(|key| key.id == old.id).unwrap().user.unwrap().1;
    let simulation = Simulation::new(world);
    let operator = Client::new(simulation.clone(), operator);
    let value = serde_json::json!({ "AccessKeyId": old.id, "SecretAccessKey": old.secret.expose() });
    let parameters = Tree::map([
        ("Name", SECRET.into()),
        ("SecretString", value.to_string().as_str().into()),
        ("ClientRequestToken", "00000000-0000-0000-0000-000000000000".into()),
    ]);
    operator.call(Service::SecretsManager, "CreateSecret", parameters).unwrap();
    let source = CurrentSecret { account, region: "us-east-1".into(), name: SECRET.into() };
    let busy = Application::new("shop", source.clone())
        .calling(Service::Sqs, "ListQueues", Tree::map([]))
        .every(Duration::from_secs(3600));
    let mut job = job(&old, source);
    let job = Application::new("job", move |world: &World| job.read(world))
        .calling(Service::S3, "ListBuckets", Tree::map([]))
        .every(DAY * 30)
        .from("eu-west-1", "10.0.0.9")
        .first_calling_at("2026-01-08T02:00:00Z".parse().unwrap());
    simulation.start(busy);
    simulation.start(job);
    simulation.advance_to("2026-03-20T09:00:00Z".parse().unwrap());
    let subject = Subject { account_id: account, user_name, user_id };
    Months { simulation, operator, account, subject, old_key: old.id }
}

impl Months {
    /// Rotates, with a tick every six hours, until it asks or ends; returns when the old key was disabled too.
    fn rotate(&self, can_see_usage: bool) -> (Rotation, Standing, Option<Timestamp>) {
        let plan = Plan {
            subject: self.subject.clone(),
            old_key: self.old_key.clone(),
            old_key_last_used: at_once(self.operator.last_used(&self.old_key)).unwrap(),
            destinations: vec![DestinationSpec::SecretsManager(SecretsManager::named(SECRET, None))],
            reason: "for the simulation".into(),
            timing: Timing::default(),
            checks: Vec::new(),
            task: Task::Replace,
            limit_at: None,
            own_key: false,
            traits: None,
            approvals: Vec::new(),
        };
        let store = MemoryStore::default();
        let clock = self.simulation.clock();
        let listener = |_: &Rotation, _: &Event| {};
        let account = Account {
            iam: &self.operator,
            probe: &self.operator,
            usage: can_see_usage.then_some(&self.operator as &dyn UsageSource),
        };
        let accounts = OneAccount { id: self.account, account };
        let ports = Ports {
            accounts: &accounts,
            destinations: &self.operator,
            checks: &NoChecks,
            store: &store,
            clock: &clock,
        };
        let engine = Engine::new(ports, "worker".parse().unwrap(), &listener);
        let id = at_once(engine.begin(plan)).unwrap();
        let mut disabled_at = None;
        loop {
            let report = at_once(engine.drive(&id)).unwrap();
            if report.rotation.state().name() == "disabled" {
                disabled_at = disabled_at.or(Some(clock.now()));
            }
            match report.standing {
                Standing::Waits { until, .. } => {
                    let soon = clock.now() + SignedDuration::from_hours(6);
                    self.simulation.advance_to(until.min(soon));
                }
                standing => return (report.rotation, standing, disabled_at),
            }
            assert!(clock.now() < "2027-01-01T00:00:00Z".parse().unwrap(), "not over in time");
        }
    }

    fn failures(&self) -> u64 {
        self.simulation.records().into_iter().map(|(_, record)| record.failed_for_credentials).sum()
    }
}

#[test]
fn a_monthly_job_with_the_key_written_into_it_holds_the_rotation_up_and_never_fails() {
    let months = months(|pair, _| Box::new(HardCoded(pair.duplicate())));
    let (_, standing, disabled_at) = months.rotate(true);
    let Standing::Asks(Question::ConsumersLeft { consumers, .. }) = standing else { panic!("{standing:?}") };
    let named: Vec<_> = consumers.iter().map(|used| used.consumer.to_string()).collect();
    assert_eq!(named, ["10.0.0.0/24, job, s3 in eu-west-1"]);
    assert_eq!(disabled_at, None);
    assert_eq!(months.failures(), 0);
}

#[test]
fn without_a_source_of_usage_the_same_job_breaks() {
    let months = months(|pair, _| Box::new(HardCoded(pair.duplicate())));
    let (_, standing, disabled_at) = months.rotate(false);
    assert!(matches!(standing, Standing::Ended(Ending::Rotated { .. })), "{standing:?}");
    assert!(disabled_at.is_some());
    months.simulation.advance_to("2026-04-30T00:00:00Z".parse().unwrap());
    assert!(months.failures() > 0, "the test above would pass whatever the machine did");
}

#[test]
fn a_monthly_job_that_reads_its_key_is_waited_for_and_then_the_old_one_goes() {
    let months = months(|_, source| Box::new(source));
    let (_, standing, disabled_at) = months.rotate(true);
    assert!(matches!(standing, Standing::Ended(Ending::Rotated { .. })), "{standing:?}");
    // Its run before the rotation was on 9 March, the one after on 8 April.
    assert!(disabled_at.unwrap() >= "2026-04-08T02:00:00Z".parse().unwrap(), "{disabled_at:?}");
    assert_eq!(months.failures(), 0);
}
