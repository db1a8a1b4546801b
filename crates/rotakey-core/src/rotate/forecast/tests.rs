use std::fmt::Write as _;

use super::*;
use crate::destination::SecretsManager;
use crate::fact::{LastUsed, Seen};
use crate::policy::{KeySlot, test_key, test_subject};
use crate::rotate::controls::Share;

/// What happens to alice in so many days, one line each.
fn forecast(days: i64, change: impl FnOnce(&mut UserSubject, &mut Config)) -> String {
    let (mut alice, mut config) = (test_subject("alice"), Config::default());
    change(&mut alice, &mut config);
    let begun: Timestamp = "2026-01-02T00:00:00Z".parse().unwrap();
    let fallback = |_: &UserSubject| DestinationSpec::SecretsManager(SecretsManager::named("alice", None));
    let mut told = String::new();
    let mut tell = |happening: Happening<'_>| {
        let line = match happening.what {
            What::Begins(_) => "begins".to_owned(),
            What::Does(Intent::Disable { .. }) => "disables".to_owned(),
            What::Does(Intent::Delete { .. }) => "deletes".to_owned(),
            What::Does(_) => return,
            What::Ends(Ending::Rotated { .. }) => "is rotated".to_owned(),
            What::Ends(ending) => format!("{ending:?}"),
            What::Asks { why, .. } => format!("asks: {why}"),
            What::IsOverdue { because } => format!("overdue: {because}"),
        };
        writeln!(told, "{}  {line}", happening.at).unwrap();
    };
    let mut forecast = Forecast::new([alice], &config, &fallback, Assumptions::default(), begun);
    forecast.run_until(begun + SignedDuration::from_hours(24 * days), &mut tell);
    told
}

fn used(user: &mut UserSubject, at: &str) {
    let at = at.parse().unwrap();
    user.keys[0].last_used = Seen::Known(LastUsed::At { at, region: None, service: Some("s3".to_owned()) });
}

#[test]
fn a_key_in_daily_use_is_rotated_every_quarter_before_it_is_too_old() {
    insta::assert_snapshot!(forecast(180, |user, _| used(user, "2026-01-01T23:00:00Z")), @r"
    2026-03-18T00:00:00Z  begins
    2026-03-19T05:00:00Z  disables
    2026-03-26T05:00:00Z  deletes
    2026-03-26T05:00:00Z  is rotated
    2026-06-02T00:00:00Z  begins
    2026-06-03T05:00:00Z  disables
    2026-06-10T05:00:00Z  deletes
    2026-06-10T05:00:00Z  is rotated
    ");
}

#[test]
fn whom_nobody_decides_about_is_asked_for_once() {
    let told = forecast(200, |user, _| {
        let mut second = test_key("2026-01-01T00:00:00Z");
        (second.id, second.slot) = (Some("AKIASECONDSECOND2222".parse().unwrap()), Some(KeySlot::Second));
        user.keys.push(second);
    });
    assert_eq!(told.matches("asks").count(), 1, "{told}");
}

#[test]
fn a_key_that_comes_back_after_weeks_becomes_overdue_and_says_why() {
    insta::assert_snapshot!(forecast(200, |user, _| used(user, "2025-12-08T00:00:00Z")), @r"
    2026-03-18T00:00:00Z  begins
    2026-04-01T00:00:00Z  overdue: no application has used the new key yet
    2026-04-01T00:10:00Z  asks: the old key is quiet, but nobody has used the new one since 2026-03-18T00:01:00Z
    ");
}

#[test]
fn a_freeze_makes_a_key_overdue_and_is_named() {
    let told = forecast(120, |user, config| {
        used(user, "2026-01-01T23:00:00Z");
        let text = "[[rotate.freeze]]\nname = \"quarter end\"\nfrom = 2026-03-10\nto = 2026-04-10\n";
        *config = crate::policy::check(text).unwrap();
    });
    insta::assert_snapshot!(told, @r#"
    2026-04-01T00:00:00Z  overdue: the freeze "quarter end" lasts until 2026-04-11T00:00:00Z
    2026-04-11T00:00:00Z  begins
    2026-04-12T05:00:00Z  disables
    2026-04-19T05:00:00Z  deletes
    2026-04-19T05:00:00Z  is rotated
    "#);
}

#[test]
fn no_more_are_under_way_than_the_limit_allows() {
    let mut config = Config::default();
    config.rotate.controls.limits.in_flight = Some(crate::rotate::controls::Share::Number(5));
    let begun: Timestamp = "2026-01-02T00:00:00Z".parse().unwrap();
    let fallback = |_: &UserSubject| DestinationSpec::SecretsManager(SecretsManager::named("x", None));
    let users = synthetic::users(60, begun);
    let (mut under_way, mut most, mut ended) = (0_usize, 0_usize, 0_usize);
    let mut tell = |happening: Happening<'_>| match happening.what {
        What::Begins(_) => {
            under_way += 1;
            most = most.max(under_way);
        }
        What::Ends(_) => {
            under_way -= 1;
            ended += 1;
        }
        _ => {}
    };
    let mut forecast = Forecast::new(users, &config, &fallback, Assumptions::default(), begun);
    forecast.run_until(begun + SignedDuration::from_hours(24 * 120), &mut tell);
    assert_eq!(most, 5);
    assert!(ended > 40, "they go on one after the other: {ended}");
}

#[test]
fn a_limit_that_holds_nothing_back_changes_nothing_but_the_order_in_which_it_is_told() {
    let begun: Timestamp = "2026-01-02T00:00:00Z".parse().unwrap();
    let fallback = |user: &UserSubject| {
        DestinationSpec::SecretsManager(SecretsManager::named(user.principal.to_string(), None))
    };
    let mut config = Config::default();
    let run = |config: &Config| {
        let users = synthetic::users(300, begun);
        let mut forecast = Forecast::new(users, config, &fallback, Assumptions::default(), begun);
        let mut told = Vec::new();
        let mut tell = |happening: Happening<'_>| {
            told.push((happening.at, format!("{} {:?}", happening.user.principal, happening.what)));
        };
        for day in [10, 11, 90] {
            forecast.run_until(begun + SignedDuration::from_hours(24 * day), &mut tell);
        }
        told
    };
    let mut one_after_another = run(&config);
    config.rotate.controls.limits.in_flight = Some(Share::Number(300));
    let mut in_the_order_of_time = run(&config);
    assert!(in_the_order_of_time.len() > 1_000, "{}", in_the_order_of_time.len());
    assert_ne!(one_after_another, in_the_order_of_time);
    one_after_another.sort();
    in_the_order_of_time.sort();
    assert_eq!(one_after_another, in_the_order_of_time);
}
