//! Users as policy sees them, and what is chosen for them.

use super::*;
use crate::destination::SecretsManager;
use crate::policy::{KeySlot, Matcher, test_key, test_subject};

/// The test key was created on 2026-01-01: its limit is 2026-04-01, it is due from 2026-03-18 on.
fn choose_at(now: &str, change: impl FnOnce(&mut UserSubject, &mut Policy)) -> Choice {
    choose_with(now, &RotateConfig::default(), None, change)
}

fn choose_with(
    now: &str,
    rotate: &RotateConfig,
    own_key: Option<&str>,
    change: impl FnOnce(&mut UserSubject, &mut Policy),
) -> Choice {
    let mut user = test_subject("alice");
    let mut policy = Policy::default();
    change(&mut user, &mut policy);
    let fallback = |user: &UserSubject| {
        let name = format!("fallback/{}", user.principal);
        DestinationSpec::SecretsManager(SecretsManager::named(name, None))
    };
    Chooser {
        policy: &policy,
        rotate,
        fallback: &fallback,
        now: now.parse().unwrap(),
        also_not_due: false,
        own_key: own_key.map(|id| id.parse().unwrap()).as_ref(),
        usage: &|_| Seen::Unknown("nobody looks".to_owned()),
    }
    .choose(&user)
}

fn asks_about(choice: Choice) -> String {
    match choice {
        Choice::Ask { why, .. } => why,
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_key_is_due_early_enough_to_be_gone_by_its_limit() {
    let due_at = "2026-03-18T00:00:00Z".parse().unwrap();
    assert_eq!(choose_at("2026-03-17T23:59:59Z", |_, _| {}), Choice::NotDue { due_at });
    let Choice::Rotate(plan) = choose_at("2026-03-18T00:00:00Z", |_, _| {}) else { panic!() };
    assert_eq!(plan.reason, "76 days old, too old from 2026-04-01T00:00:00Z (limit 90 d, rule default)");
    assert_eq!(plan.destinations[0].to_string(), "secrets-manager:fallback/alice");
}

#[test]
fn a_user_with_two_active_keys_is_never_touched_by_guess() {
    let choice = choose_at("2026-11-23T00:00:00Z", |user, _| {
        let mut second = test_key("2026-11-01T00:00:00Z");
        second.slot = Some(KeySlot::Second);
        user.keys.push(second);
    });
    let Choice::Ask { keys, .. } = choice else { panic!("{choice:?}") };
    assert_eq!(keys.len(), 2, "what is known of each key is told");
}

/// Alice's key was replaced by another on 2026-09-01, and last used on that day.
fn replaced(user: &mut UserSubject) {
    let last_used = |at: &str| {
        Seen::Known(LastUsed::At { at: at.parse().unwrap(), region: None, service: Some("s3".into()) })
    };
    user.keys[0].last_used = last_used("2026-09-01T00:00:00Z");
    let mut new = test_key("2026-09-01T00:00:00Z");
    new.id = Some("AKIANEWNEWNEWNEWNEW2".parse().unwrap());
    new.slot = Some(KeySlot::Second);
    new.last_used = last_used("2026-11-22T00:00:00Z");
    user.keys.push(new);
}

#[test]
fn a_key_that_was_replaced_is_brought_to_its_end_first() {
    let choice = choose_at("2026-11-23T00:00:00Z", |user, _| replaced(user));
    let Choice::Rotate(plan) = choice else { panic!("{choice:?}") };
    assert_eq!(plan.old_key.as_str(), "AKIAIOSFODNN7EXAMPLE");
    let finish = plan.finish().unwrap();
    assert_eq!(finish.successor.as_ref().unwrap().as_str(), "AKIANEWNEWNEWNEWNEW2");
    assert_eq!(finish.quiet_for, SignedDuration::from_hours(35 * 24));
    assert_eq!(plan.destinations, [], "no key is created, so none is kept anywhere");
}

#[test]
fn with_three_keys_the_others_are_named_and_left_alone() {
    let choice = choose_at("2026-11-23T00:00:00Z", |user, _| {
        replaced(user);
        let mut third = test_key("2026-10-01T00:00:00Z");
        third.id = Some("AKIATHIRDTHIRDTHIRD2".parse().unwrap());
        user.keys.push(third);
    });
    let Choice::Rotate(plan) = choice else { panic!("{choice:?}") };
    let finish = plan.finish().unwrap();
    assert_eq!(plan.old_key.as_str(), "AKIAIOSFODNN7EXAMPLE");
    assert_eq!((finish.others.len(), finish.successor.is_some()), (1, true));
}

#[test]
fn a_key_that_rotakey_runs_on_is_never_taken_for_replaced() {
    let own = Some("AKIAIOSFODNN7EXAMPLE");
    let choice = choose_with("2026-11-23T00:00:00Z", &RotateConfig::default(), own, |user, _| replaced(user));
    assert!(asks_about(choice).contains("rotakey itself runs on a key"));
    let choice = choose_with("2026-11-23T00:00:00Z", &RotateConfig::default(), own, |_, _| {});
    let Choice::Rotate(plan) = choice else { panic!("{choice:?}") };
    assert!(plan.own_key, "but it is rotated like others");
}

#[test]
fn two_keys_with_applications_of_their_own_are_asked_about_with_a_remedy() {
    let choice = choose_at("2026-11-23T00:00:00Z", |user, _| {
        replaced(user);
        user.keys[0].last_used = Seen::Known(LastUsed::At {
            at: "2026-11-22T00:00:00Z".parse().unwrap(),
            region: Some("eu-west-1".into()),
            service: Some("ses".into()),
        });
        if let Seen::Known(LastUsed::At { region, .. }) = &mut user.keys[1].last_used {
            *region = Some("eu-west-1".into());
        }
    });
    let Choice::Ask { why, advice, .. } = choice else { panic!("{choice:?}") };
    assert!(why.contains("each with applications of its own"), "{why}");
    assert!(advice.contains("aws iam create-user --user-name alice-2"), "{advice}");
}

#[test]
fn a_key_left_behind_is_finished_only_by_policy_and_after_its_window() {
    let left = |user: &mut UserSubject, _: &mut Policy| {
        let mut left = test_key("2025-11-01T00:00:00Z");
        left.id = Some("AKIALEFTLEFTLEFTLEF2".parse().unwrap());
        left.status = KeyStatus::Inactive;
        left.last_used = Seen::Known(LastUsed::At {
            at: "2026-11-16T00:00:00Z".parse().unwrap(),
            region: None,
            service: None,
        });
        user.keys.push(left);
    };
    let everybody = RotateConfig {
        finish_inactive: crate::policy::ChosenUsers(vec![Matcher::default()]),
        ..RotateConfig::default()
    };
    let until = "2026-11-23T04:00:00Z";
    let choice = choose_with("2026-11-23T03:59:59Z", &everybody, None, left);
    assert!(matches!(&choice, Choice::Waits { until: it, .. } if it.to_string() == until), "{choice:?}");
    let choice = choose_with(until, &everybody, None, left);
    let Choice::Rotate(plan) = choice else { panic!("{choice:?}") };
    assert_eq!(plan.old_key.as_str(), "AKIALEFTLEFTLEFTLEF2");
    assert!(plan.finish().unwrap().found_inactive());
    assert_eq!(plan.finish().unwrap().others.len(), 1);
    assert!(asks_about(choose_at(until, left)).contains("an inactive key"));
    let nobody = RotateConfig {
        finish_inactive: crate::policy::ChosenUsers(vec![Matcher {
            privilege: Some(crate::policy::PrivilegeClass::Administrator),
            ..Matcher::default()
        }]),
        ..RotateConfig::default()
    };
    let unknown = |user: &mut UserSubject, policy: &mut Policy| {
        left(user, policy);
        user.privilege = Seen::Unknown("throttled".into());
    };
    let why = asks_about(choose_with(until, &nobody, None, unknown));
    assert!(why.contains("an inactive key"), "unknown is not permission");
}

#[test]
fn a_second_place_that_is_taken_is_asked_about() {
    let why = asks_about(choose_at("2026-11-23T00:00:00Z", |user, _| {
        let mut left = test_key("2025-11-01T00:00:00Z");
        left.status = KeyStatus::Inactive;
        user.keys.push(left);
    }));
    assert_eq!(why, "an inactive key takes the second place");
}

#[test]
fn root_is_reported_and_never_rotated() {
    let why = asks_about(choose_at("2026-11-23T00:00:00Z", |user, _| {
        user.principal = crate::policy::Principal::Root;
    }));
    assert!(why.starts_with("the root user"));
}

#[test]
fn what_is_not_known_is_not_planned_on() {
    let asked =
        |change: fn(&mut UserSubject)| asks_about(choose_at("2026-11-23T00:00:00Z", |user, _| change(user)));
    assert!(asked(|user| user.keys[0].last_used = Seen::Unknown("throttled".into())).contains("used last"));
    assert!(asked(|user| user.keys[0].created_at = Seen::Unknown("throttled".into())).contains("created"));
    assert!(asked(|user| user.user_id = None).contains("ids"));
}

#[test]
fn an_exemption_holds_until_its_last_day() {
    let exemption = |_: &mut UserSubject, policy: &mut Policy| {
        policy.exemptions.push(crate::policy::Exemption {
            matcher: Matcher::default(),
            access_key: Vec::new(),
            checks: vec![Code::KeyTooOld],
            owner: "Ann".into(),
            reason: "a mainframe".into(),
            expires: "2026-11-30".parse().unwrap(),
            position: crate::policy::Position::default(),
        });
    };
    assert!(matches!(choose_at("2026-11-30T23:00:00Z", exemption), Choice::Exempt { .. }));
    assert!(matches!(choose_at("2026-12-01T00:00:00Z", exemption), Choice::Rotate(_)));
}

fn destinations(configured: &[DestinationSpec]) -> Vec<String> {
    let fallback = |user: &UserSubject| {
        let name = format!("fallback/{}", user.principal);
        DestinationSpec::SecretsManager(SecretsManager::named(name, None))
    };
    let chooser = Chooser {
        policy: &Policy::default(),
        rotate: &RotateConfig::default(),
        fallback: &fallback,
        now: Timestamp::UNIX_EPOCH,
        also_not_due: false,
        own_key: None,
        usage: &|_| Seen::Unknown("nobody looks".to_owned()),
    };
    let chosen = chooser.with_a_copy(configured.to_vec(), &test_subject("alice"));
    chosen.iter().map(ToString::to_string).collect()
}

fn write_only(name: &str) -> DestinationSpec {
    let fields = serde_json::json!({ "type": "exec", "name": name, "command": ["put"] });
    serde_json::from_value(fields).unwrap()
}

fn readable(name: &str) -> DestinationSpec {
    DestinationSpec::SecretsManager(SecretsManager::named(name.to_owned(), None))
}

#[test]
fn a_key_that_goes_to_write_only_places_alone_is_kept_in_the_fallback_first() {
    assert_eq!(
        destinations(&[write_only("a"), write_only("b")]),
        ["secrets-manager:fallback/alice", "exec:put#a", "exec:put#b"]
    );
}

#[test]
fn a_place_that_gives_back_comes_first_and_needs_no_fallback_beside_it() {
    assert_eq!(
        destinations(&[write_only("a"), readable("x"), write_only("b"), readable("y")]),
        ["secrets-manager:x", "secrets-manager:y", "exec:put#a", "exec:put#b"]
    );
    assert_eq!(destinations(&[readable("y"), readable("x")]), ["secrets-manager:y", "secrets-manager:x"]);
}
