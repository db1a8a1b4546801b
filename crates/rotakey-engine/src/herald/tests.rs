//! Who is told what, when, and how often, with a log that is written by hand.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use futures::FutureExt as _;
use rotakey_core::destination::{DestinationSpec, SecretsManager};
use rotakey_core::fact::{KeyFacts, KeyStatus, LastUsed, Tags, UserFacts};
use rotakey_core::id::{AccessKeyId, AccountId, RotationId, UserName};
use rotakey_core::notify::{Message, NotifierSpec};
use rotakey_core::policy::{Config, check};
use rotakey_core::rotate::{
    Answer, Ending, Event, Intent, Note, Outcome, Plan, Question, Subject, Task, Timing,
};
use rotakey_core::secret::{AccessKeyPair, Secret};

use super::*;
use crate::driver::{Engine, Ports};
use crate::journal::Journal;
use crate::left::{Ask, Planned};
use crate::memory_outbox::MemoryOutbox;
use crate::memory_store::MemoryStore;
use crate::port::{CallerIdentity, Destination, Destinations, Iam, KeyProbe, NoChecks, Notifier};

const ACCOUNT: &str = "111122223333";

/// All that there is: one account, its rotations, and people.
struct World {
    store: MemoryStore,
    outbox: MemoryOutbox,
    now: Mutex<Timestamp>,
    tags: Mutex<Result<Tags, PortErrorKind>>,
    last_used: Mutex<BTreeMap<AccessKeyId, Result<LastUsed, PortErrorKind>>>,
    looks: Mutex<usize>,
    /// The channels that do not answer, by their addresses.
    down: Mutex<BTreeMap<String, PortErrorKind>>,
    mail: Arc<Mutex<Vec<(String, Message)>>>,
    /// What happens while a message is being sent.
    meanwhile: Mutex<Option<&'static str>>,
}

impl World {
    fn new() -> Self {
        Self {
            store: MemoryStore::default(),
            outbox: MemoryOutbox::default(),
            now: Mutex::new("2026-11-02T08:00:00Z".parse().unwrap()),
            tags: Mutex::new(Ok(Tags::from([("Owner".to_owned(), "ann@example.com".to_owned())]))),
            last_used: Mutex::default(),
            looks: Mutex::default(),
            down: Mutex::default(),
            mail: Arc::default(),
            meanwhile: Mutex::default(),
        }
    }

    fn begins(&self, user: &str) -> RotationId {
        let plan = Plan {
            subject: Subject {
                account_id: ACCOUNT.parse().unwrap(),
                user_name: user.parse().unwrap(),
                user_id: user_id(user),
            },
            old_key: old_key(),
            old_key_last_used: used("2026-11-02T07:00:00Z"),
            destinations: vec![DestinationSpec::SecretsManager(SecretsManager::named("ci", None))],
            reason: "90 days old".into(),
            timing: Timing::default(),
            checks: Vec::new(),
            task: Task::Replace,
            limit_at: None,
            own_key: false,
            traits: None,
            approvals: Vec::new(),
        };
        Journal::begin(&self.store, plan, self.now()).now_or_never().unwrap().unwrap()
    }

    /// Somebody plans, and the user is left to a person for that reason, or is not.
    fn leaves(&self, user: &str, why: Option<&str>) {
        let ask = why.map(|why| Ask { why: why.into(), keys: Vec::new(), advice: "look".into() });
        let user_id = Some(user_id(user));
        let account_id = ACCOUNT.parse().unwrap();
        let planned = Planned { account_id, user_name: user.parse().unwrap(), user_id, ask };
        left::keep(&self.store, vec![planned], self.now()).now_or_never().unwrap().unwrap();
    }

    fn happens(&self, rotation: &RotationId, events: impl IntoIterator<Item = Event>) {
        let mut journal = Journal::open(&self.store, rotation).now_or_never().unwrap().unwrap();
        for event in events {
            journal.append(&self.store, self, &event, self.now()).now_or_never().unwrap().unwrap();
        }
    }

    fn later(&self, hours: i64) {
        *self.now.lock().unwrap() += SignedDuration::from_hours(hours);
    }

    fn passes(&self, config: &str) -> Told {
        let config = check(config).unwrap();
        self.herald(&config).pass().now_or_never().unwrap().unwrap()
    }

    /// A tick in which nothing was driven.
    fn ticks(&self, config: &str) -> Told {
        let config = check(config).unwrap();
        self.herald(&config).pass_after(Vec::new()).now_or_never().unwrap().unwrap()
    }

    fn herald<'a>(&'a self, config: &'a Config) -> Herald<'a> {
        let ports = HeraldPorts {
            store: &self.store,
            outbox: &self.outbox,
            accounts: self,
            notifiers: self,
            clock: self,
        };
        Herald::new(ports, &config.notify, &config.policy)
    }

    /// A person does something to a rotation, and nothing is driven.
    fn person(&self, does: impl AsyncFnOnce(&Engine<'_>)) {
        let ports =
            Ports { accounts: self, destinations: self, checks: &NoChecks, store: &self.store, clock: self };
        does(&Engine::new(ports, "w".parse().unwrap(), &|_, _| {})).now_or_never().unwrap();
    }

    /// The kinds of notices in each message since the last call, with the address that it went to.
    fn read(&self) -> Vec<String> {
        let mail = std::mem::take(&mut *self.mail.lock().unwrap());
        let told = mail.iter().map(|(url, message)| {
            let kinds: Vec<_> = message
                .notices()
                .iter()
                .map(|notice| format!("{}:{}", notice.user_name, notice.kind))
                .collect();
            let to: String = message.recipients.iter().map(|to| format!(" to {to}")).collect();
            format!("{url}{to} {}", kinds.join(" "))
        });
        told.collect()
    }
}

impl Accounts for World {
    fn ids(&self) -> Vec<AccountId> {
        vec![ACCOUNT.parse().unwrap()]
    }

    fn get(&self, id: &AccountId) -> Option<Account<'_>> {
        (*id == ACCOUNT.parse().unwrap()).then_some(Account { iam: self, probe: self, usage: None })
    }
}

#[async_trait]
impl Clock for World {
    fn now(&self) -> Timestamp {
        *self.now.lock().unwrap()
    }

    async fn sleep_until(&self, _: Timestamp) {}
}

fn refused(kind: PortErrorKind) -> PortError {
    PortError::new(kind, "test", "refused")
}

#[async_trait]
impl Iam for World {
    async fn user(&self, name: &UserName) -> Result<UserFacts, PortError> {
        Ok(UserFacts {
            account_id: ACCOUNT.parse().unwrap(),
            name: name.clone(),
            id: user_id(name.as_str()),
            arn: String::new(),
            path: "/".into(),
            created_at: Timestamp::UNIX_EPOCH,
            tags: self.tags.lock().unwrap().clone().map_err(refused)?,
        })
    }

    async fn access_keys(&self, _: &UserName) -> Result<Vec<KeyFacts>, PortError> {
        unreachable!("a herald has no use for it")
    }

    async fn last_used(&self, key: &AccessKeyId) -> Result<LastUsed, PortError> {
        *self.looks.lock().unwrap() += 1;
        self.last_used.lock().unwrap().get(key).cloned().unwrap_or(Ok(LastUsed::Never)).map_err(refused)
    }

    async fn create_access_key(&self, _: &UserName) -> Result<AccessKeyPair, PortError> {
        unreachable!("a herald changes nothing")
    }

    async fn set_status(&self, _: &UserName, _: &AccessKeyId, _: KeyStatus) -> Result<(), PortError> {
        unreachable!("a herald changes nothing")
    }

    async fn delete_access_key(&self, _: &UserName, _: &AccessKeyId) -> Result<(), PortError> {
        unreachable!("a herald changes nothing")
    }
}

#[async_trait]
impl KeyProbe for World {
    async fn identify(&self, _: &AccessKeyPair) -> Result<CallerIdentity, PortError> {
        unreachable!("a herald has no use for it")
    }

    async fn knows(&self, _: &AccessKeyPair, _: &str, _: &str) -> Result<(), PortError> {
        unreachable!("a herald has no use for it")
    }
}

impl Destinations for World {
    fn open(&self, _: &DestinationSpec) -> Result<Box<dyn Destination>, PortError> {
        unreachable!("nothing is driven here")
    }
}

impl Notifiers for World {
    fn open(&self, spec: &NotifierSpec) -> Result<Box<dyn Notifier>, PortError> {
        let url = match spec {
            NotifierSpec::Webhook(webhook) => webhook.url.trim_start_matches("https://").to_owned(),
            other => other.to_string(),
        };
        // Another worker passes while this one sends.
        if let Some(config) = self.meanwhile.lock().unwrap().take() {
            assert_eq!(self.passes(config).sent, [], "it is being sent already");
        }
        let down = self.down.lock().unwrap().get(&url).copied();
        Ok(Box::new(Mailbox { url, down, mail: self.mail.clone() }))
    }
}

struct Mailbox {
    url: String,
    down: Option<PortErrorKind>,
    mail: Arc<Mutex<Vec<(String, Message)>>>,
}

#[async_trait]
impl Notifier for Mailbox {
    async fn send(&self, message: &Message) -> Result<(), PortError> {
        if let Some(kind) = self.down {
            return Err(refused(kind));
        }
        self.mail.lock().unwrap().push((self.url.clone(), message.clone()));
        Ok(())
    }
}

fn user_id(name: &str) -> rotakey_core::id::UserId {
    format!("AIDACKCEVSQ6C2EXAMPLE{}", name.len()).parse().unwrap()
}

fn old_key() -> AccessKeyId {
    "AKIAOLDOLDOLDOLDOLD2".parse().unwrap()
}

fn new_key() -> AccessKeyId {
    "AKIANEWNEWNEWNEWNEW2".parse().unwrap()
}

fn used(at: &str) -> LastUsed {
    LastUsed::At { at: at.parse().unwrap(), region: None, service: Some("s3".into()) }
}

fn asked() -> Event {
    Event::Asked { question: Question::UserGone }
}

fn aborted() -> Event {
    Event::Closed { ending: Ending::Aborted { by: "ann".into(), why: "a freeze".into() } }
}

/// From the plan to the new key in place.
fn published() -> Vec<Event> {
    let pair = AccessKeyPair { id: new_key(), secret: Secret::new("x".into()) };
    let accepted = || Outcome::Accepted { account_id: ACCOUNT.parse().unwrap(), arn: "arn".into() };
    let mut events = Vec::new();
    let mut does = |intent, result| {
        let deadline = "2026-12-31T00:00:00Z".parse().unwrap();
        events.push(Event::Started { intent, by: "w".parse().unwrap(), deadline });
        events.push(Event::Finished { result });
    };
    let created = Outcome::Created { key: new_key(), fingerprint: pair.fingerprint() };
    does(Intent::Create { keys_before: [old_key()].into() }, created);
    does(Intent::Stage { destination: 0, key: new_key() }, Outcome::Done);
    for _ in 0..3 {
        does(Intent::Probe { key: new_key() }, accepted());
    }
    does(Intent::Publish { destination: 0, key: new_key() }, Outcome::Done);
    events.insert(4, Event::Noted { note: Note::Delivered });
    events.push(Event::Noted { note: Note::Published });
    events
}

const CHAT: &str = r#"
[[notify]]
name = "chat"
type = "webhook"
url = "https://chat"
signing_secret = { env = "X" }
"#;

fn with(more: &str) -> String {
    format!("{CHAT}{more}\n")
}

#[test]
fn a_notice_is_sent_once_however_often_the_herald_passes() {
    let world = World::new();
    let rotation = world.begins("ci");
    assert_eq!(world.passes(CHAT).sent.len(), 1);
    assert_eq!(world.read(), ["chat ci:begun"]);
    for _ in 0..3 {
        world.passes(CHAT);
    }
    assert_eq!(world.read(), Vec::<String>::new());
    world.happens(&rotation, [asked()]);
    world.passes(CHAT);
    assert_eq!(world.read(), ["chat ci:asks"]);
}

#[test]
fn what_another_worker_is_sending_is_left_to_it() {
    let world = World::new();
    world.begins("ci");
    *world.meanwhile.lock().unwrap() = Some(CHAT);
    assert_eq!(world.passes(CHAT).sent.len(), 1);
    assert_eq!(world.read().len(), 1);
}

#[test]
fn what_a_worker_died_in_is_sent_again_with_the_same_id() {
    let world = World::new();
    let rotation = world.begins("ci");
    world.passes(CHAT);
    let first = world.mail.lock().unwrap()[0].1.id();
    let told = world.outbox.deliveries(&Topic::from(&rotation)).now_or_never().unwrap().unwrap();
    // It died after the message went out, before it wrote that down.
    let until = world.now() + SENDING_DEADLINE;
    let died = Delivery { version: 3, state: DeliveryState::Sending { until }, ..told[0].clone() };
    world.outbox.write(&died).now_or_never().unwrap().unwrap();
    world.read();
    assert_eq!(world.passes(CHAT).due, Some(until), "it may be at work yet");
    assert!(world.read().is_empty());
    world.later(1);
    world.passes(CHAT);
    assert_eq!(world.mail.lock().unwrap()[0].1.id(), first);
}

#[test]
fn a_channel_that_fails_is_tried_again_and_keeps_nobody_else_from_being_told() {
    let world = World::new();
    let both = with(
        "[[notify]]\nname = \"b\"\ntype = \"webhook\"\nurl = \"https://b\"\nsigning_secret = { env = \"X\" }",
    );
    let rotation = world.begins("ci");
    world.happens(&rotation, [asked()]);
    world.down.lock().unwrap().insert("chat".into(), PortErrorKind::Ambiguous);
    let told = world.passes(&both);
    assert_eq!((told.sent.len(), told.failed.len()), (2, 1), "a channel that does not answer is asked once");
    assert_eq!(told.due, Some(world.now() + SignedDuration::from_mins(2)), "and again soon");
    assert_eq!(world.read(), ["b ci:begun", "b ci:asks"]);

    world.down.lock().unwrap().clear();
    let told = world.passes(&both);
    assert_eq!(world.read(), ["chat ci:asks"], "the one that was not tried");
    assert_eq!(told.due, Some(world.now() + SignedDuration::from_mins(2)), "the other one pauses");
    world.later(1);
    world.passes(&both);
    assert_eq!(world.read(), ["chat ci:begun"]);
}

#[test]
fn a_notice_that_cannot_be_sent_for_days_is_dropped() {
    let world = World::new();
    world.begins("ci");
    world.down.lock().unwrap().insert("chat".into(), PortErrorKind::Denied);
    for _ in 0..80 {
        world.passes(CHAT);
        world.later(1);
    }
    world.down.lock().unwrap().clear();
    world.passes(CHAT);
    assert!(world.read().is_empty());
}

#[test]
fn the_end_of_a_rotation_is_told_and_then_it_is_read_no_more() {
    let world = World::new();
    let rotation = world.begins("ci");
    world.happens(&rotation, [aborted()]);
    world.passes(CHAT);
    assert_eq!(world.read(), ["chat ci:begun", "chat ci:aborted"]);
    assert!(
        world.outbox.settled().now_or_never().unwrap().unwrap().is_empty(),
        "it was not yet seen to be told"
    );
    world.passes(CHAT);
    let settled = world.outbox.settled().now_or_never().unwrap().unwrap();
    assert_eq!(settled.into_iter().collect::<Vec<_>>(), [rotation]);
    assert!(world.read().is_empty());
}

#[test]
fn a_digest_waits_for_its_time_and_puts_the_notices_of_all_rotations_together() {
    let world = World::new();
    let digest = with("digest = \"12:00 Europe/Berlin\"");
    let first = world.begins("ci");
    world.begins("backup");
    world.happens(
        &first,
        [asked(), Event::Answered { answer: Answer::LookAgain, by: "ann".into() }, aborted()],
    );
    let told = world.passes(&digest);
    assert_eq!(told.due, Some("2026-11-02T11:00:00Z".parse().unwrap()));
    assert!(world.read().is_empty());
    world.later(3);
    world.passes(&digest);
    let read = world.read();
    assert_eq!(
        read,
        ["chat ci:asks ci:aborted ci:begun ci:settled backup:begun"],
        "the most important first"
    );
    world.later(24);
    world.passes(&digest);
    assert!(world.read().is_empty());
}

#[test]
fn who_is_told_follows_from_the_user_and_what_is_not_known_of_it_silences_nobody() {
    let prod = with("match = { environment = \"prod\" }");
    let world = World::new();
    let rotation = world.begins("ci");
    world.passes(&prod);
    assert!(world.read().is_empty(), "it has no such tag");
    *world.tags.lock().unwrap() = Err(PortErrorKind::Denied);
    world.happens(&rotation, [asked()]);
    world.passes(&prod);
    assert_eq!(world.read(), ["chat ci:asks"]);
}

#[test]
fn an_owner_is_written_to_in_a_chosen_domain_only() {
    let mail = r#"
[[notify]]
name = "owners"
type = "smtp"
host = "mail"
from = "rotakey@example.com"
to = "security@example.com"
owner_domains = "example.com"
"#;
    let told_to = |owner: Option<&str>| {
        let world = World::new();
        let tags = owner.map(|owner| ("Owner".to_owned(), owner.to_owned()));
        *world.tags.lock().unwrap() = Ok(tags.into_iter().collect());
        world.begins("ci");
        world.passes(mail);
        let mail = world.mail.lock().unwrap();
        (mail[0].1.recipients.join(","), mail[0].1.notices()[0].owner.clone())
    };
    assert_eq!(told_to(Some("ann@example.com")), ("ann@example.com".into(), Some("ann@example.com".into())));
    assert_eq!(told_to(Some("eve@evil.org")).0, "security@example.com");
    assert_eq!(told_to(None), ("security@example.com".into(), None));
}

#[test]
fn reminders_look_at_the_keys_right_before_they_are_sent() {
    let world = World::new();
    let rotation = world.begins("ci");
    world.happens(&rotation, published());
    world.passes(CHAT);
    world.read();
    world.later(71);
    world.passes(CHAT);
    assert_eq!((world.read().len(), *world.looks.lock().unwrap()), (0, 0), "it is too early to look");

    world.later(1);
    world.last_used.lock().unwrap().insert(new_key(), Ok(used("2026-11-04T08:00:00Z")));
    world.passes(CHAT);
    assert!(world.read().is_empty(), "applications have moved");
    world.last_used.lock().unwrap().insert(old_key(), Ok(used("2026-11-04T09:00:00Z")));
    world.passes(CHAT);
    world.passes(CHAT);
    assert_eq!(world.read(), ["chat ci:reminder"], "one has not, and is reminded of once");

    world.later(72);
    world.last_used.lock().unwrap().insert(old_key(), Err(PortErrorKind::Throttled));
    world.passes(CHAT);
    let mail = world.mail.lock().unwrap();
    assert!(mail[0].1.notices()[0].title.contains("it is not known"), "{:?}", mail[0].1.notices());
}

#[test]
fn only_what_was_chosen_is_told() {
    let world = World::new();
    let rotation = world.begins("ci");
    world.happens(&rotation, [asked()]);
    world.passes(&with("events = [\"asks\", \"reminder\"]"));
    assert_eq!(world.read(), ["chat ci:asks"]);
}

#[test]
fn a_new_channel_is_not_told_what_is_long_over() {
    let world = World::new();
    let rotation = world.begins("ci");
    world.later(24 * 4);
    world.happens(&rotation, [asked()]);
    world.passes(CHAT);
    assert_eq!(world.read(), ["chat ci:asks"]);
}

#[test]
fn a_user_left_to_a_person_is_told_once_for_each_reason() {
    let world = World::new();
    for _ in 0..3 {
        world.leaves("ci", Some("two keys"));
        world.later(5);
        world.ticks(CHAT);
    }
    assert_eq!(world.read(), ["chat ci:left"]);
    world.leaves("ci", Some("no destination"));
    world.ticks(CHAT);
    assert_eq!(world.read(), ["chat ci:left"], "that is something else");
    world.leaves("ci", None);
    world.ticks(CHAT);
    assert!(world.read().is_empty(), "that nobody is asked any more is no news");
    world.leaves("ci", Some("no destination"));
    world.ticks(CHAT);
    assert_eq!(world.read(), ["chat ci:left"], "it was over, and is so again");
}

#[test]
fn a_user_that_two_find_left_at_a_time_is_told_once() {
    let world = World::new();
    world.leaves("ci", Some("two keys"));
    world.ticks(CHAT);
    // The other one looked before anything was kept, and keeps its own.
    world.later(1);
    let topic = Left::topic(ACCOUNT.parse().unwrap(), &"ci".parse().unwrap());
    world.store.set_control(topic.as_str(), None).now_or_never().unwrap().unwrap();
    world.leaves("ci", Some("two keys"));
    world.ticks(CHAT);
    assert_eq!(world.read(), ["chat ci:left"]);
}

#[test]
fn users_left_to_a_person_are_told_by_their_tags_in_the_digest_and_again_if_that_fails() {
    let digest = with("match = { user = \"c*\" }\ndigest = \"12:00 Europe/Berlin\"");
    let world = World::new();
    world.begins("ci");
    for user in ["cd", "ce", "backup"] {
        world.leaves(user, Some("two keys"));
    }
    world.ticks(&digest);
    assert!(world.read().is_empty());
    world.down.lock().unwrap().insert("chat".into(), PortErrorKind::Ambiguous);
    world.later(3);
    world.ticks(&digest);
    world.down.lock().unwrap().clear();
    world.later(1);
    world.ticks(&digest);
    let mail = world.mail.lock().unwrap();
    assert!(mail[0].1.notices().iter().all(|notice| notice.owner.as_deref() == Some("ann@example.com")));
    drop(mail);
    assert_eq!(world.read(), ["chat cd:left ce:left ci:begun"]);
}

#[test]
fn a_channel_that_pages_people_is_not_for_users_that_wait() {
    let world = World::new();
    world.leaves("ci", Some("two keys"));
    let pager = "[[notify]]\nname = \"pager\"\ntype = \"pagerduty\"\nrouting_key = { env = \"X\" }\n";
    world.ticks(pager);
    assert!(world.read().is_empty());
}

#[test]
fn what_a_person_does_is_told_by_the_next_tick_though_nothing_is_driven() {
    let world = World::new();
    let rotation = world.begins("ci");
    world.happens(&rotation, [asked()]);
    world.ticks(CHAT);
    world.read();
    world.later(1);
    world.person(async |engine| drop(engine.answer(&rotation, Answer::LookAgain, "ann").await.unwrap()));
    world.ticks(CHAT);
    assert_eq!(world.read(), ["chat ci:settled"]);
    world.later(1);
    world.person(async |engine| drop(engine.roll_back(&rotation, "ann", "a freeze").await.unwrap()));
    world.ticks(CHAT);
    assert_eq!(world.read(), ["chat ci:rolling-back"]);
    world.later(1);
    world.person(async |engine| drop(engine.abort(&rotation, "ann", "a freeze").await.unwrap()));
    world.ticks(CHAT);
    assert_eq!(world.read(), ["chat ci:aborted"]);
}
