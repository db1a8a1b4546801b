use std::collections::BTreeMap;

use proptest::prelude::*;

use super::*;
use crate::fact::Seen;
use crate::policy::{Config, Matcher, check, test_subject};
use crate::rotate::effect::Outcome;
use crate::rotate::event::{Event, Note};
use crate::rotate::model::{NEW, OLD, World, fingerprint, key, plan};
use crate::rotate::plan::Timing;

fn at(text: &str) -> Timestamp {
    text.parse().unwrap()
}

fn controls(text: &str) -> Controls {
    let config: Config = check(text).unwrap_or_else(|mistakes| panic!("{mistakes:?}"));
    config.rotate.controls
}

/// When alice's key may be disabled, asked at `now`: `now`, another instant, or "?".
fn disabled_at(controls: &Controls, now: &str) -> String {
    match controls.permit(Gate::Disable, &test_subject("alice"), None, at(now)) {
        Permit::Go => "now".to_owned(),
        Permit::Wait { until, .. } => until.map_or_else(|| "?".to_owned(), |until| until.to_string()),
    }
}

fn window(rest: &str) -> Controls {
    controls(&format!("[[rotate.window]]\n{rest}"))
}

#[test]
fn without_controls_everything_goes() {
    assert_eq!(disabled_at(&Controls::default(), "2026-11-23T00:00:00Z"), "now");
}

#[test]
fn outside_of_its_window_a_key_is_left_alone() {
    let weekdays =
        window("days = [\"mon\", \"tue\"]\nfrom = \"09:00\"\nto = \"16:00\"\ntime_zone = \"Europe/Berlin\"");
    // 2026-11-23 is a Monday; Berlin is an hour ahead of UTC.
    assert_eq!(disabled_at(&weekdays, "2026-11-23T07:59:59Z"), "2026-11-23T08:00:00Z");
    assert_eq!(disabled_at(&weekdays, "2026-11-23T08:00:00Z"), "now");
    assert_eq!(disabled_at(&weekdays, "2026-11-23T14:59:59Z"), "now");
    assert_eq!(disabled_at(&weekdays, "2026-11-23T15:00:00Z"), "2026-11-24T08:00:00Z");
    assert_eq!(disabled_at(&weekdays, "2026-11-24T15:00:00Z"), "2026-11-30T08:00:00Z");
}

#[test]
fn a_window_may_last_past_midnight() {
    let night = window("days = \"sat\"\nfrom = 22:00:00\nto = \"04:00\"\ntime_zone = \"UTC\"");
    assert_eq!(disabled_at(&night, "2026-11-28T21:00:00Z"), "2026-11-28T22:00:00Z");
    assert_eq!(disabled_at(&night, "2026-11-29T03:59:00Z"), "now", "it opened on Saturday");
    assert_eq!(disabled_at(&night, "2026-11-29T04:00:00Z"), "2026-12-05T22:00:00Z");
    let all_day = window("days = \"sat\"\nfrom = \"00:00\"\nto = \"24:00\"\ntime_zone = \"UTC\"");
    assert_eq!(disabled_at(&all_day, "2026-11-28T23:59:59Z"), "now");
    assert_eq!(disabled_at(&all_day, "2026-11-29T00:00:00Z"), "2026-12-05T00:00:00Z");
}

#[test]
fn a_window_follows_the_clocks_of_its_place() {
    let morning = window("from = \"08:00\"\nto = \"09:00\"\ntime_zone = \"America/New_York\"");
    // Clocks go back on 2026-11-01: from four to five hours behind UTC.
    assert_eq!(disabled_at(&morning, "2026-10-31T10:00:00Z"), "2026-10-31T12:00:00Z");
    assert_eq!(disabled_at(&morning, "2026-11-01T10:00:00Z"), "2026-11-01T13:00:00Z");
    // In Berlin they are put forward on 2026-03-29, from two to three o'clock, and back on 2026-10-25.
    let skipped = window("from = \"02:00\"\nto = \"03:00\"\ntime_zone = \"Europe/Berlin\"");
    assert_eq!(disabled_at(&skipped, "2026-03-28T02:00:00Z"), "2026-03-30T00:00:00Z", "none on that day");
    assert_eq!(disabled_at(&skipped, "2026-10-25T00:30:00Z"), "now", "the first of the two hours");
    assert_eq!(disabled_at(&skipped, "2026-10-25T01:30:00Z"), "now", "the second");
    assert_eq!(disabled_at(&skipped, "2026-10-25T02:00:00Z"), "2026-10-26T01:00:00Z");
}

#[test]
fn a_freeze_lasts_to_the_end_of_its_last_day() {
    let freeze = controls(
        "[[rotate.freeze]]\nname = \"year\"\nfrom = 2026-12-18\nto = 2027-01-03\ntime_zone = \"Europe/Berlin\"",
    );
    assert_eq!(disabled_at(&freeze, "2026-12-17T22:59:59Z"), "now");
    assert_eq!(disabled_at(&freeze, "2026-12-17T23:00:00Z"), "2027-01-03T23:00:00Z");
    assert_eq!(disabled_at(&freeze, "2027-01-03T23:00:00Z"), "now");
}

#[test]
fn after_a_freeze_comes_the_next_window_and_both_say_why() {
    let both = controls(
        "[[rotate.freeze]]\nname = \"launch\"\nfrom = 2026-11-23\nto = 2026-11-24T12:00:00\n\
         [[rotate.window]]\nfrom = \"09:00\"\nto = \"10:00\"\ntime_zone = \"UTC\"",
    );
    let permit = both.permit(Gate::Delete, &test_subject("alice"), None, at("2026-11-23T09:30:00Z"));
    let why = "the freeze \"launch\" lasts until 2026-11-24T12:00:00Z".to_owned();
    assert_eq!(permit, Permit::Wait { until: Some(at("2026-11-25T09:00:00Z")), why });
}

#[test]
fn what_is_not_known_of_a_user_holds_it_back() {
    let production = controls(
        "[[rotate.freeze]]\nname = \"f\"\nfrom = 2026-11-01\nto = 2026-11-30\nmatch = { environment = \"prod\" }",
    );
    let mut user = test_subject("alice");
    let permit = |user: &UserSubject| production.permit(Gate::Create, user, None, at("2026-11-23T00:00:00Z"));
    assert_eq!(permit(&user), Permit::Go, "it is of the test environment");
    user.tags = Seen::Unknown("throttled".into());
    assert!(!permit(&user).goes());
}

#[test]
fn a_window_for_one_step_holds_back_no_other() {
    let window =
        window("from = \"09:00\"\nto = \"10:00\"\ntime_zone = \"UTC\"\nsteps = [\"disable\", \"delete\"]");
    let permit = |gate| window.permit(gate, &test_subject("alice"), None, at("2026-11-23T00:00:00Z")).goes();
    assert_eq!(Gate::ALL.map(|(_, gate)| permit(gate)), [true, true, true, false, false]);
}

/// A rotation in that state.
fn rotation(state: &str) -> Rotation {
    let world = World::new(1, None);
    let plan = plan(&world, Timing::default());
    let mut rotation = Rotation::begin(plan.rotation_id(world.begun), plan, world.begun);
    let done = |intent: Intent, result: Outcome| {
        let started = Event::Started { intent, by: "w".parse().unwrap(), deadline: world.begun };
        [started, Event::Finished { result }]
    };
    let note = |note| Event::Noted { note };
    let created = Outcome::Created { key: key(NEW), fingerprint: fingerprint(&key(NEW)) };
    let mut events = Vec::new();
    if state != "planned" {
        events.extend(done(Intent::Create { keys_before: [key(OLD)].into() }, created));
    }
    match state {
        "planned" | "delivering" => {}
        "orphaned" => events.push(note(Note::SecretLost { key: key(NEW) })),
        "rolling-back" => {
            events.extend(done(Intent::Stage { destination: 0, key: key(NEW) }, Outcome::Done));
            events.push(note(Note::Delivered));
            for _ in 0..3 {
                let accepted = Outcome::Accepted {
                    account_id: "123456789012".parse().unwrap(),
                    arn: "arn:aws:iam::123456789012:user/alice".to_owned(),
                };
                events.extend(done(Intent::Probe { key: key(NEW) }, accepted));
            }
            events.extend(done(Intent::Publish { destination: 0, key: key(NEW) }, Outcome::Done));
            events.push(Event::RollbackRequested { by: "bob".into(), why: "it broke".into() });
            events.push(note(Note::RollingBack));
        }
        other => panic!("{other}"),
    }
    for event in events {
        rotation = rotation.apply(&event, world.begun).unwrap();
    }
    assert_eq!(rotation.state().name(), state);
    rotation
}

#[test]
fn a_halt_holds_back_every_change_and_nothing_that_makes_things_safe_again() {
    let halt = Halt { by: "ann".into(), why: "incident 7".into(), at: None };
    let held = |state: &str, intent: Intent| {
        let permit = Controls::default().permit_effect(
            &rotation(state),
            &intent,
            Some(&halt),
            at("2026-11-23T00:00:00Z"),
        );
        !permit.goes()
    };
    let (old, new) = (key(OLD), key(NEW));
    assert!(held("planned", Intent::Create { keys_before: [old.clone()].into() }));
    assert!(held("delivering", Intent::Publish { destination: 0, key: new.clone() }));
    assert!(held("rolling-back", Intent::Disable { key: new.clone() }), "it may still be in use");
    assert!(held("rolling-back", Intent::Delete { key: new.clone() }));
    assert!(
        !held("delivering", Intent::Stage { destination: 0, key: new.clone() }),
        "else its secret is lost"
    );
    assert!(!held("orphaned", Intent::Disable { key: new.clone() }), "nobody has its secret");
    assert!(held("orphaned", Intent::Delete { key: new }));
    for safe in [
        Intent::Enable { key: old.clone() },
        Intent::Probe { key: old.clone() },
        Intent::Restore { destination: 0, key: old },
    ] {
        assert!(!held("rolling-back", safe.clone()), "{safe:?}");
    }
}

#[test]
fn a_plan_says_when_a_freeze_makes_its_key_overdue() {
    let world = World::new(1, None);
    let mut plan = plan(&world, Timing::default());
    let user = test_subject("alice");
    let now = at("2026-12-10T00:00:00Z");
    let freeze = controls(
        "[[rotate.freeze]]\nname = \"year\"\nfrom = 2026-12-18\nto = 2027-01-03\nsteps = \"delete\"",
    );
    plan.limit_at = Some(at("2026-12-24T00:00:00Z"));
    let forecast = freeze.forecast(&plan, &user, now);
    assert_eq!(forecast.begins, now);
    assert_eq!(forecast.disabled, at("2026-12-11T04:01:00Z"));
    assert_eq!(forecast.deleted, at("2027-01-04T00:00:00Z"));
    assert_eq!(forecast.overdue_by.as_deref(), Some("the freeze \"year\" lasts until 2027-01-04T00:00:00Z"));
    plan.limit_at = Some(at("2026-12-01T00:00:00Z"));
    assert_eq!(freeze.forecast(&plan, &user, now).overdue_by, None, "it is late without the freeze too");
    plan.limit_at = Some(at("2027-02-01T00:00:00Z"));
    assert_eq!(freeze.forecast(&plan, &user, now).overdue_by, None, "it is in time all the same");
}

/// Which of the users may begin: their names, and why the others wait.
fn admitted(controls: &Controls, users: &[UserSubject], fleet: &Fleet) -> Vec<String> {
    let candidates: Vec<_> =
        users.iter().map(|user| Candidate { user, limit_at: None, own_key: user.path == "/own/" }).collect();
    let permits = controls.admit(&candidates, fleet, None, at("2026-11-23T00:00:00Z"));
    permits
        .into_iter()
        .zip(users)
        .map(|(permit, user)| match permit {
            Permit::Go => user.principal.to_string(),
            Permit::Wait { why, .. } => format!("{}: {why}", user.principal),
        })
        .collect()
}

fn users(names: &[&str]) -> Vec<UserSubject> {
    names.iter().map(|name| test_subject(name)).collect()
}

fn fleet(in_flight: usize, users: usize) -> Fleet {
    let account = test_subject("alice").account_id;
    Fleet {
        in_flight: BTreeMap::from([(account, in_flight)]),
        users: BTreeMap::from([(account, users)]),
        canaries: Canaries::default(),
    }
}

#[test]
fn no_more_rotations_begin_than_the_limits_allow() {
    let two = controls("[rotate.limits]\nin_flight = 2");
    let names = ["ann", "bob", "cyd"];
    let held = |name: &str, count: usize, limit: &str| {
        format!("{name}: {count} rotations are under way: in_flight is {limit}")
    };
    assert_eq!(admitted(&two, &users(&names), &fleet(0, 9)), ["ann", "bob", &held("cyd", 2, "2")]);
    assert_eq!(
        admitted(&two, &users(&names), &fleet(1, 9)),
        ["ann", &held("bob", 2, "2"), &held("cyd", 2, "2")]
    );
    let share = controls("[rotate.limits]\nin_flight = \"10%\"");
    assert_eq!(admitted(&share, &users(&["ann", "bob"]), &fleet(0, 11))[..], ["ann", "bob"]);
    let few = admitted(&share, &users(&["ann", "bob"]), &fleet(0, 3));
    assert_eq!(few, ["ann", &held("bob", 1, "10 % of the users")], "some are always allowed");
}

#[test]
fn each_account_has_a_limit_of_its_own() {
    let one = controls("[rotate.limits]\nin_flight_per_account = 1");
    let mut two_accounts = users(&["ann", "bob", "cyd"]);
    two_accounts[2].account_id = "444455556666".parse().unwrap();
    let admitted = admitted(&one, &two_accounts, &fleet(0, 9));
    assert_eq!(admitted[0], "ann");
    assert!(admitted[1].contains("under way in 111122223333: in_flight_per_account is 1"), "{admitted:?}");
    assert_eq!(admitted[2], "cyd");
}

#[test]
fn the_others_begin_only_after_the_canaries_have_ended_well() {
    let canaries = controls("[[rotate.canary]]\nmatch = { user = \"canary-*\" }\nsoak = \"3d\"");
    let all = users(&["ann", "canary-1"]);
    assert_eq!(admitted(&canaries, &all, &fleet(0, 9)), ["ann: the canary canary-1 goes first", "canary-1"]);
    let after = |change: fn(&mut Canaries)| {
        let mut fleet = fleet(0, 9);
        change(&mut fleet.canaries);
        admitted(&canaries, &users(&["ann"]), &fleet).remove(0)
    };
    assert_eq!(after(|_| {}), "ann: no rotation of a canary has ended well yet: rotate one by its name");
    assert_eq!(after(|it| it.add("canary-1", None)), "ann: the canary canary-1 goes first");
    assert_eq!(
        after(|it| it.add("canary-1", Some((false, at("2026-01-01T00:00:00Z"))))),
        "ann: the canary canary-1 did not end well: find out why, and rotate it again"
    );
    assert_eq!(
        after(|it| it.add("canary-1", Some((true, at("2026-11-20T00:00:01Z"))))),
        "ann: the canaries have ended well and are watched"
    );
    assert_eq!(after(|it| it.add("canary-1", Some((true, at("2026-11-20T00:00:00Z"))))), "ann");
}

#[test]
fn the_key_that_rotakey_runs_on_comes_last_of_its_account() {
    let mut all = users(&["ann", "rotakey"]);
    all[1].path = "/own/".to_owned();
    let own = "rotakey: rotakey runs on this key, and other rotations of its account need it: it comes last";
    assert_eq!(admitted(&Controls::default(), &all, &fleet(0, 9)), ["ann", own]);
    assert_eq!(admitted(&Controls::default(), &all[1..], &fleet(1, 9)), [own], "one is under way");
    assert_eq!(admitted(&Controls::default(), &all[1..], &fleet(0, 9)), ["rotakey"]);
}

#[test]
fn whoever_is_due_first_begins_first() {
    let all = users(&["ann", "bob"]);
    let candidates = [
        Candidate { user: &all[0], limit_at: Some(at("2026-12-02T00:00:00Z")), own_key: false },
        Candidate { user: &all[1], limit_at: Some(at("2026-12-01T00:00:00Z")), own_key: false },
    ];
    let one = controls("[rotate.limits]\nin_flight = 1");
    let permits = one.admit(&candidates, &fleet(0, 9), None, at("2026-11-23T00:00:00Z"));
    assert_eq!(permits.iter().map(Permit::goes).collect::<Vec<_>>(), [false, true]);
}

proptest! {
    /// Whatever the calendar says, at the instant that it names the gate is open, and it names none before.
    #[test]
    fn the_end_of_a_wait_is_the_first_open_moment(
        from in 0..24_u8, length in 1..23_u8, days in prop::collection::btree_set(0..7_usize, 1..7),
        zone in prop::sample::select(vec!["Europe/Berlin", "America/New_York", "Australia/Lord_Howe", "UTC"]),
        freeze in prop::option::of((0..300_i64, 1..30_i64)), hour in 0..8760_i64,
    ) {
        let names = ["mon", "tue", "wed", "thu", "fri", "sat", "sun"];
        let days: Vec<_> = days.into_iter().map(|day| names[day]).collect();
        let mut text = format!(
            "[[rotate.window]]\ndays = {days:?}\nfrom = \"{from:02}:30\"\nto = \"{:02}:30\"\ntime_zone = \"{zone}\"\n",
            (from + length) % 24
        );
        let year = jiff::civil::date(2026, 1, 1);
        if let Some((start, length)) = freeze {
            let day = |days: i64| year.checked_add(jiff::ToSpan::days(days)).unwrap();
            text.push_str(&format!(
                "[[rotate.freeze]]\nname = \"f\"\nfrom = {}\nto = {}\n", day(start), day(start + length)
            ));
        }
        let controls = controls(&text);
        let now = at("2026-01-01T00:00:00Z") + SignedDuration::from_hours(hour);
        let user = test_subject("alice");
        let permit = |at| controls.permit(Gate::Disable, &user, None, at);
        if let Permit::Wait { until, .. } = permit(now) {
            let until = until.expect("there is a window every week");
            prop_assert!(until > now);
            prop_assert!(permit(until).goes());
            let mut before = now;
            while before < until {
                prop_assert!(!permit(before).goes(), "{before} is open, before {until}");
                before += SignedDuration::from_mins(97);
            }
            prop_assert!(!permit(until - SignedDuration::from_secs(1)).goes());
        }
    }
}

#[test]
fn a_matcher_of_everybody_is_no_canary() {
    assert!(check("[[rotate.canary]]\nmatch = {}").is_err());
    assert!(Controls::default().is_canary(&test_subject("alice")) == Answer::No);
    assert!(Matcher::default().matches_everyone());
}
