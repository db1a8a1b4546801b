//! CloudTrail: lookups in the simulated AWS, whose `LookupEvents` is as slow and as strict as the real one; what the
//! simulation does not have, by a script.

mod support;

use std::collections::BTreeMap;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use futures::StreamExt;
use jiff::{SignedDuration, Timestamp};
use rotakey_aws::cloudtrail::{
    CloudTrail, EventHistory, LookupAttribute, LookupPage, LookupProgress, LookupRequest, PublicKey,
};
use rotakey_aws::{Connection, ConnectionOptions};
use rotakey_core::fact::KeyStatus;
use rotakey_core::id::AccessKeyId;
use rotakey_core::secret::{AccessKeyPair, Secret};
use rotakey_engine::port::{Clock, KeyProbe as _, PortErrorKind, UsageSource as _};
use rotakey_sim::api::{Service, Tree};
use rotakey_sim::application::{Application, HardCoded};
use rotakey_sim::faults::{Effect, InjectedFault};
use rotakey_sim::ports::Client;
use rotakey_sim::simulation::Simulation;
use rotakey_sim::wire::{Running, Server};
use rotakey_sim::world::World;
use rotakey_sim::world::plant::{NewKey, NewUser};
use serde_json::{Value, json};
use support::{Replay, VirtualClock};

#[tokio::test]
async fn all_events_of_a_key_are_read_and_aws_never_has_to_throttle() {
    let scene = Scene::new().await;
    scene.use_key("eu-west-1", 230);
    let connection = scene.connect().await;
    let trail = connection.cloudtrail(Arc::new(scene.simulation.clock()));
    let pages = read(&trail, scene.begin("eu-west-1")).await;
    assert_eq!(pages.len(), 5);
    assert_eq!(pages.iter().map(|page| page.throttled).sum::<u32>(), 0);
    assert_eq!(connection.calls_sent(), 5);
    let counts = count(&pages);
    assert_eq!((counts.len(), counts.values().max()), (230, Some(&1)));
    let last = &pages[4].progress;
    assert_eq!((last.events, last.is_finished), (230, true));
    let record: Value = serde_json::from_str(&pages[0].events[0]).unwrap();
    assert_eq!(record["userIdentity"]["accessKeyId"], scene.user.as_str());
}

#[tokio::test]
async fn connections_to_one_account_keep_one_pace_together() {
    let scene = Scene::new().await;
    scene.use_key("eu-west-1", 120);
    let connection = scene.connect().await;
    let first = connection.cloudtrail(Arc::new(scene.simulation.clock()));
    let second = connection.clone().cloudtrail(Arc::new(scene.simulation.clock()));
    let begin = || scene.begin("eu-west-1");
    let (first, second) = futures::join!(read(&first, begin()), read(&second, begin()));
    assert_eq!((count(&first).len(), count(&second).len()), (120, 120));
    assert_eq!(first.iter().chain(&second).map(|page| page.throttled).sum::<u32>(), 0);
}

#[tokio::test]
async fn no_page_is_lost_to_throttling_outages_and_silence() {
    let scene = Scene::new().await;
    scene.use_key("eu-west-1", 180);
    let on_lookups =
        |effect| InjectedFault::new(effect).on(Service::CloudTrail, "LookupEvents").with_chance(0.3);
    scene.simulation.with_world(|world| {
        world.inject(on_lookups(Effect::Throttle));
        world.inject(on_lookups(Effect::Outage));
        world.inject(on_lookups(Effect::NoAnswer { happened: true }));
    });
    let pages = read(&scene.trail().await, scene.begin("eu-west-1")).await;
    let counts = count(&pages);
    assert_eq!((counts.len(), counts.values().max()), (180, Some(&1)));
}

#[tokio::test]
async fn what_throttles_for_long_is_told_and_the_same_page_can_be_asked_for_again() {
    let scene = Scene::new().await;
    scene.use_key("eu-west-1", 60);
    let trail = scene.trail().await;
    let first = trail.next_page(&scene.begin("eu-west-1")).await.unwrap();
    let throttle = InjectedFault::new(Effect::Throttle).on_service(Service::CloudTrail);
    scene.simulation.with_world(|world| world.inject(throttle));
    let before = scene.simulation.now();
    let error = trail.next_page(&first.progress).await.unwrap_err();
    assert_eq!(error.kind, PortErrorKind::Throttled);
    assert_eq!(error.operation, "cloudtrail:LookupEvents in eu-west-1");
    let waited = scene.simulation.now().duration_since(before);
    assert!(waited > SignedDuration::from_mins(29), "{waited}");
    scene.simulation.with_world(|world| world.clear_faults());
    let second = trail.next_page(&first.progress).await.unwrap();
    assert_eq!(count(&[first, second]).len(), 60);
}

#[tokio::test]
async fn a_refusal_is_told_at_once() {
    let scene = Scene::new().await;
    let refuse = InjectedFault::new(Effect::AccessDenied).on_service(Service::CloudTrail);
    scene.simulation.with_world(|world| world.inject(refuse));
    let connection = scene.connect().await;
    let trail = connection.cloudtrail(Arc::new(scene.simulation.clock()));
    let error = trail.next_page(&scene.begin("eu-west-1")).await.unwrap_err();
    assert_eq!((error.kind, connection.calls_sent()), (PortErrorKind::Denied, 1));
}

#[tokio::test]
async fn a_lookup_goes_on_in_another_process_after_any_page() {
    let scene = Scene::new().await;
    scene.use_key("eu-west-1", 130);
    let mut stored = serde_json::to_string(&scene.begin("eu-west-1")).unwrap();
    let mut pages = Vec::new();
    loop {
        let progress: LookupProgress = serde_json::from_str(&stored).unwrap();
        if progress.is_finished {
            break;
        }
        // What happens meanwhile is not part of the lookup.
        scene.use_key("eu-west-1", 7);
        let page = scene.trail().await.next_page(&progress).await.unwrap();
        stored = serde_json::to_string(&page.progress).unwrap();
        pages.push(page);
    }
    let counts = count(&pages);
    assert_eq!((pages.len(), counts.len(), counts.values().max()), (3, 130, Some(&1)));
}

#[tokio::test]
async fn a_lookup_whose_token_has_expired_begins_anew_where_it_was() {
    let scene = Scene::new().await;
    scene.use_key("eu-west-1", 230);
    let trail = scene.trail().await;
    let mut progress = scene.begin("eu-west-1");
    let mut pages = Vec::new();
    while !progress.is_finished {
        progress.next_token = progress.next_token.map(|_| "expired".to_owned());
        let page = trail.next_page(&progress).await.unwrap();
        progress = page.progress.clone();
        pages.push(page);
        assert!(pages.len() < 50, "it goes round: {progress:?}");
    }
    assert_eq!(count(&pages).len(), 230);
    assert!(progress.events > 230, "the seconds in which it began anew were read twice");
}

#[tokio::test]
async fn what_is_older_than_the_event_history_is_said() {
    let scene = Scene::new().await;
    let now = scene.simulation.now();
    let (progress, told) = LookupRequest::default().begin("eu-west-1", now);
    let told = told.unwrap();
    assert_eq!((told.asked_from, told.from), (None, progress.from));
    assert!(told.to_string().contains("goes back 90 days: nothing before 20"), "{told}");

    let asked = |days: i64| LookupRequest {
        from: Some(now - SignedDuration::from_hours(24 * days)),
        ..LookupRequest::default()
    };
    assert_eq!(asked(89).begin("eu-west-1", now).1, None);
    let (progress, told) = asked(100).begin("eu-west-1", now);
    assert!(told.is_some());
    assert!(progress.from > now - rotakey_aws::cloudtrail::HISTORY);

    let past =
        LookupRequest { until: Some(now - SignedDuration::from_hours(24 * 91)), ..LookupRequest::default() };
    let (progress, _) = past.begin("eu-west-1", now);
    assert!(progress.is_finished, "there is nothing to look for");
    let error = scene.trail().await.next_page(&progress).await.unwrap_err();
    assert_eq!(error.kind, PortErrorKind::Invalid);
}

#[tokio::test]
async fn regions_are_read_side_by_side_and_one_that_fails_does_not_stop_the_others() {
    let scene = Scene::new().await;
    scene.use_key("eu-west-1", 60);
    scene.use_key("us-west-2", 70);
    let lookups = ["eu-west-1", "evil.example/", "us-west-2"].map(|region| scene.begin(region));
    let results: Vec<_> = scene.trail().await.pages_of_all(lookups.to_vec()).collect().await;
    let mut events: BTreeMap<String, usize> = BTreeMap::new();
    let mut errors = Vec::new();
    for result in results {
        match result {
            Ok(page) => *events.entry(page.progress.region).or_default() += page.events.len(),
            Err(error) => errors.push(error),
        }
    }
    assert_eq!(events, [("eu-west-1".to_owned(), 60), ("us-west-2".to_owned(), 70)].into());
    let [error] = &errors[..] else { panic!("{errors:?}") };
    assert_eq!(error.kind, PortErrorKind::Invalid);
    assert!(error.message.contains("evil.example"), "{error}");
}

#[tokio::test]
async fn a_lookup_without_an_attribute_shows_the_calls_of_all() {
    let scene = Scene::new().await;
    scene.use_key("eu-west-1", 5);
    // The lookups are recorded as well, after this instant.
    let now = scene.simulation.now();
    let trail = scene.trail().await;
    for (attribute, events) in [
        (None, 5),
        (Some(LookupAttribute::EventName("GetCallerIdentity".to_owned())), 5),
        (Some(LookupAttribute::EventName("CreateAccessKey".to_owned())), 0),
        (Some(LookupAttribute::EventSource("sts.amazonaws.com".to_owned())), 5),
        (Some(LookupAttribute::ReadOnly(true)), 5),
    ] {
        let request = LookupRequest { attribute, ..LookupRequest::default() };
        let found = read(&trail, request.begin("eu-west-1", now).0).await;
        assert_eq!(count(&found).len(), events, "{request:?}");
    }
}

#[tokio::test]
async fn the_public_keys_of_a_region_are_listed_on_all_pages() {
    let replay = Replay::start([
        (200, json!({"PublicKeyList": [key("one", "MIIB")], "NextToken": "next"})),
        (400, json!({"__type": "ThrottlingException", "message": "Rate exceeded"})),
        (200, json!({"PublicKeyList": [key("two", "AAEC")]})),
    ]);
    let clock = VirtualClock::new();
    let trail = replay.connect().await.cloudtrail(clock.clone());
    let at = |second| Timestamp::from_second(second).unwrap();
    let keys = trail.list_public_keys("eu-west-1", at(1_700_000_000), at(1_800_000_000)).await.unwrap();
    let expected = |fingerprint: &str, value: &[u8]| PublicKey {
        fingerprint: fingerprint.to_owned(),
        value: value.to_vec(),
        valid_from: at(1_600_000_000),
        valid_until: at(1_900_000_000),
    };
    assert_eq!(keys, [expected("one", &[0x30, 0x82, 0x01]), expected("two", &[0, 1, 2])]);
    assert_eq!(replay.operations(), ["ListPublicKeys"; 3]);
    let span = json!({"StartTime": 1_700_000_000, "EndTime": 1_800_000_000});
    assert_eq!(replay.requests()[0].1, span);
    assert_eq!(replay.requests()[2].1["NextToken"], "next");
    assert_eq!(clock.waited(), SignedDuration::from_secs(1));
}

#[tokio::test]
async fn a_public_key_without_its_value_is_an_error() {
    let mut without = key("one", "MIIB");
    without.as_object_mut().unwrap().remove("Value");
    let replay = Replay::start([(200, json!({"PublicKeyList": [without]}))]);
    let trail = replay.connect().await.cloudtrail(VirtualClock::new());
    let error =
        trail.list_public_keys("eu-west-1", Timestamp::UNIX_EPOCH, Timestamp::UNIX_EPOCH).await.unwrap_err();
    assert!(error.message.contains("lacks a key"), "{error}");
}

#[tokio::test]
async fn a_token_that_is_always_refused_ends_in_an_error() {
    let event = json!({"EventTime": 1_700_000_000, "CloudTrailEvent": "{}"});
    let page = || (200, json!({"Events": [event], "NextToken": "a token"}));
    let refused = || (400, json!({"__type": "InvalidNextTokenException", "message": "expired"}));
    let script = [page(), refused(), page(), refused(), page(), refused(), page(), refused(), page()];
    let replay = Replay::start(script);
    let clock = VirtualClock::new();
    let trail = replay.connect().await.cloudtrail(clock.clone());
    let now = Timestamp::from_second(1_700_000_100).unwrap();
    let results: Vec<_> = trail.pages(LookupRequest::default().begin("eu-west-1", now).0).collect().await;
    assert_eq!(results.len(), 5);
    let error = results.last().unwrap().as_ref().unwrap_err();
    assert!(error.message.contains("refuses its own token"), "{error}");
    assert_eq!(replay.requests()[2].1["EndTime"], 1_700_000_001, "from the oldest event on");
    assert!(replay.requests()[2].1.get("NextToken").is_none());
}

#[tokio::test]
async fn a_lookup_whose_beginning_has_left_the_history_goes_on_with_what_is_left() {
    let refused =
        || (400, json!({"__type": "InvalidTimeRangeException", "message": "The time range is not valid"}));
    let event = json!({"EventTime": 1_700_100_000, "CloudTrailEvent": "{}"});
    let now = Timestamp::from_second(1_700_000_000).unwrap();
    let (progress, _) = LookupRequest::default().begin("eu-west-1", now);
    let progress = LookupProgress { next_token: Some("a token".to_owned()), ..progress };
    let look = async |later: SignedDuration| {
        let replay = Replay::start([refused(), (200, json!({"Events": [event]}))]);
        let clock = VirtualClock::new();
        clock.sleep_until(now + later).await;
        let result = replay.connect().await.cloudtrail(clock).next_page(&progress).await;
        (result, replay.requests())
    };
    let (result, requests) = look(SignedDuration::from_hours(3)).await;
    assert!(result.unwrap().progress.is_finished);
    let begin = |request: usize| requests[request].1["StartTime"].as_i64().unwrap();
    assert_eq!(begin(1) - begin(0), 3 * 3_600);
    assert!(requests[1].1.get("NextToken").is_none());

    let (result, requests) = look(SignedDuration::ZERO).await;
    assert_eq!(
        (result.unwrap_err().kind, requests.len()),
        (PortErrorKind::Invalid, 1),
        "that is not the reason"
    );
}

#[tokio::test]
async fn the_history_tells_the_consumers_of_a_key_and_of_its_sessions_but_not_rotakey() {
    let scene = Scene::new().await;
    // The client of the simulation calls itself rotakey.
    scene.use_key("eu-west-1", 3);
    let pair = scene.pair.duplicate();
    let job = Application::new("job", HardCoded(pair))
        .calling(Service::Sqs, "ListQueues", Tree::map([]))
        .from("eu-west-1", "10.0.0.9")
        .every(Duration::from_secs(24 * 3_600));
    scene.simulation.start(job);
    scene.simulation.advance_to(scene.simulation.now() + SignedDuration::from_hours(74));
    let regions = vec!["us-east-1".to_owned(), "eu-west-1".to_owned()];
    let history = EventHistory::new(scene.trail().await, regions);
    let since = scene.simulation.now() - SignedDuration::from_hours(89 * 24);
    let usage = history.usage(&scene.user, since).await.unwrap();
    let told: Vec<_> = usage.consumers.iter().map(|used| (used.consumer.to_string(), used.calls)).collect();
    assert_eq!(told, [("10.0.0.0/24, job, sqs in eu-west-1".to_owned(), 3)]);
    assert!(usage.consumers[0].longest_gap >= SignedDuration::from_hours(23));
    let why = usage.incomplete.unwrap();
    assert!(why.contains("us-east-1, eu-west-1") && why.contains("data events"), "{why}");
}

#[tokio::test]
async fn a_key_is_known_to_a_service_or_not_whatever_it_may_do_there() {
    let scene = Scene::new().await;
    let probe = scene.connect().await.key_probe();
    for service in ["s3", "sqs", "dynamodb", "ec2"] {
        probe.knows(&scene.pair, service, "eu-west-1").await.unwrap();
    }
    let deny = InjectedFault::new(Effect::AccessDenied).on_service(Service::S3);
    scene.simulation.with_world(|world| world.inject(deny));
    probe.knows(&scene.pair, "s3", "eu-west-1").await.unwrap();
    let secret = Secret::new("wrong".repeat(8));
    let wrong = AccessKeyPair { id: scene.user.clone(), secret };
    for service in ["s3", "sqs", "dynamodb", "ec2"] {
        let error = probe.knows(&wrong, service, "eu-west-1").await.unwrap_err();
        assert_eq!(error.kind, PortErrorKind::Credentials, "{error}");
        assert!(!error.to_string().contains("wrong"), "{error}");
    }
}

fn key(fingerprint: &str, value: &str) -> Value {
    json!({
        "Fingerprint": fingerprint, "Value": value,
        "ValidityStartTime": 1_600_000_000, "ValidityEndTime": 1_900_000_000,
    })
}

async fn read(trail: &CloudTrail, progress: LookupProgress) -> Vec<LookupPage> {
    trail.pages(progress).map(Result::unwrap).collect().await
}

/// How often each event was read, by its id.
fn count(pages: &[LookupPage]) -> BTreeMap<String, usize> {
    let mut counts = BTreeMap::new();
    for event in pages.iter().flat_map(|page| &page.events) {
        let event: Value = serde_json::from_str(event).unwrap();
        *counts.entry(event["eventID"].as_str().unwrap().to_owned()).or_default() += 1;
    }
    counts
}

/// A simulated AWS on the wire, with one user whose key is used.
struct Scene {
    simulation: Simulation,
    server: Running,
    operator: AccessKeyPair,
    /// The key that is used.
    user: AccessKeyId,
    /// With its secret.
    pair: AccessKeyPair,
    client: Client,
}

impl Scene {
    async fn new() -> Self {
        let start: Timestamp = "2026-11-23T10:00:00Z".parse().unwrap();
        let mut world = World::new(11, start);
        let account = world.create_account("management", start);
        let [operator, user] = ["operator", "nightly"].map(|name| {
            let administrator = "arn:aws:iam::aws:policy/AdministratorAccess".to_owned();
            let name = name.parse().unwrap();
            let user = NewUser::new(name, start);
            let name = user.name.clone();
            world.plant_user(account, NewUser { attached: vec![administrator], ..user });
            let key = NewKey { created_at: start, status: KeyStatus::Active, last_used: None };
            world.plant_key(account, &name, key)
        });
        let simulation = Simulation::new(world);
        let server = Server::new(simulation.clone(), Arc::new(real_time));
        let server = server.start(SocketAddr::from((Ipv4Addr::LOCALHOST, 0))).await.unwrap();
        let (id, pair) = (user.id.clone(), user.duplicate());
        Self { client: Client::new(simulation.clone(), user), simulation, server, operator, user: id, pair }
    }

    /// Uses the key so often, and waits until CloudTrail knows.
    fn use_key(&self, region: &str, times: usize) {
        let client = self.client.in_region(region);
        for _ in 0..times {
            client.call(Service::Sts, "GetCallerIdentity", Tree::empty()).unwrap();
        }
        self.simulation.advance_to(self.simulation.now() + SignedDuration::from_mins(10));
    }

    /// The beginning of a lookup of the key.
    fn begin(&self, region: &str) -> LookupProgress {
        let attribute = Some(LookupAttribute::AccessKeyId(self.user.to_string()));
        let request = LookupRequest { attribute, ..LookupRequest::default() };
        request.begin(region, self.simulation.now()).0
    }

    async fn connect(&self) -> Connection {
        let options = ConnectionOptions {
            region: Some("us-east-1".to_owned()),
            endpoint_url: Some(self.server.url()),
            credentials: Some(self.operator.duplicate()),
            ..ConnectionOptions::default()
        };
        Connection::open(options).await.unwrap()
    }

    /// CloudTrail over a new connection.
    async fn trail(&self) -> CloudTrail {
        self.connect().await.cloudtrail(Arc::new(self.simulation.clock()))
    }
}

#[expect(clippy::disallowed_methods, reason = "the SDK signs with the real time")]
fn real_time() -> Timestamp {
    Timestamp::now()
}
