use std::collections::BTreeMap;

use proptest::prelude::*;

use super::*;

/// Thursday, 2026-01-01.
const NEW_YEAR: i64 = 20_454;

fn days(times: impl IntoIterator<Item = i64>) -> Vec<DayUse> {
    let mut days = BTreeMap::<u32, DayUse>::new();
    for time in times {
        let once = DayUse::once(EventTime::from_seconds(time).unwrap());
        days.entry(once.day).and_modify(|day| day.add(once)).or_insert(once);
    }
    days.into_values().collect()
}

fn at(text: &str) -> i64 {
    EventTime::parse(text).unwrap().seconds()
}

/// The guess and its confidence, and when it expects the next use.
fn guess(times: impl IntoIterator<Item = i64>) -> String {
    match Cadence::of(&days(times)).unwrap().schedule {
        Some(schedule) => {
            let next = schedule.next_expected.map_or("never".to_owned(), |next| next.to_string());
            format!("{} ({:.2}: {}), next {next}", schedule.text, schedule.confidence, schedule.explanation)
        }
        None => "nothing".to_owned(),
    }
}

/// Times on days after the new year, each at that time of the day.
fn on(days: impl IntoIterator<Item = i64>, hour: i64, minute: i64) -> Vec<i64> {
    days.into_iter().map(|day| (NEW_YEAR + day) * DAY + hour * HOUR + minute * 60).collect()
}

fn months(day: &str, time: &str) -> Vec<i64> {
    (1..=12).map(|month| at(&format!("2026-{month:02}-{day}T{time}Z"))).collect()
}

#[test]
fn what_jobs_look_like() {
    let check = |times: Vec<i64>, expected: &str| assert_eq!(guess(times), expected);
    check(
        on(0..30, 2, 3),
        "daily, about 02:05 UTC (0.91: 30 of 30 expected runs were seen), next 2026-01-31T02:03:00Z",
    );
    check(
        on((0..28).filter(|day| (day + 3) % 7 < 5), 18, 30),
        "weekdays, about 18:30 UTC (0.86: 20 of 20 expected runs were seen), next 2026-01-29T18:30:00Z",
    );
    check(
        on((0..10).map(|week| 4 + 7 * week), 3, 0),
        "weekly, Monday, about 03:00 UTC (0.75: 10 of 10 expected runs were seen), next 2026-03-16T03:00:00Z",
    );
    check(
        on((0..8).map(|week| 4 + 14 * week), 3, 0),
        "every 2 weeks, Monday, about 03:00 UTC (0.70: 8 of 8 expected runs were seen), next 2026-04-27T03:00:00Z",
    );
    check(
        months("01", "02:00:00"),
        "monthly, 1st, about 02:00 UTC (0.79: 12 of 12 expected runs were seen), next 2027-01-01T02:00:00Z",
    );
    check(
        on((0..40).map(|turn| turn / 4), 0, 10)
            .into_iter()
            .zip(0..)
            .map(|(time, turn)| time + turn % 4 * 6 * HOUR)
            .collect(),
        "every 6 h (0.93: 39 of 39 expected runs were seen), next 2026-01-11T00:00:00Z",
    );
    check(
        (0..72).map(|hour| NEW_YEAR * DAY + hour * HOUR + 300 + hour % 7 * 20).collect(),
        "hourly (0.96: calls in 72 of 72 hours), next 2026-01-04T00:06:00Z",
    );
    check(
        (0..600).map(|turn| NEW_YEAR * DAY + turn * 611).collect(),
        "continuous (0.97: calls in 102 of 102 hours), next 2026-01-05T06:39:49Z",
    );
}

#[test]
fn the_last_day_of_a_month_is_one_schedule() {
    let ends = ["01-31", "02-28", "03-31", "04-30", "05-31", "06-30"]
        .map(|day| at(&format!("2026-{day}T23:30:00Z")));
    assert_eq!(
        guess(ends),
        "monthly, last day, about 23:30 UTC (0.63: 6 of 6 expected runs were seen), next 2026-07-31T23:30:00Z"
    );
    // Just around midnight, it is still the same day.
    let ends =
        ends.into_iter().zip(0..).map(|(time, turn)| time + 1_500 + turn % 2 * 600).collect::<Vec<_>>();
    assert!(guess(ends.clone()).starts_with("monthly, "), "{}", guess(ends));
}

#[test]
fn people_work_during_certain_hours_wherever_they_are() {
    let work = |start: i64, first_weekday: i64| {
        let days = (0..56).filter(|day| (day + 3 - first_weekday).rem_euclid(7) < 5);
        let times = days.flat_map(|day| [0, 1, 3, 5, 8].map(|hour| (day, start + hour)));
        times
            .map(|(day, hour)| (NEW_YEAR + day) * DAY + hour * HOUR + (day * 7 + hour * 11) % 60 * 60)
            .collect::<Vec<_>>()
    };
    assert_eq!(
        guess(work(9, 0)),
        "weekdays 09:00-18:00 UTC (0.93: 40 of 40 expected days, and 200 of 200 hours in that time), \
         next 2026-02-26T09:00:00Z"
    );
    assert!(
        guess(work(22, 6)).starts_with("Sunday-Thursday 22:00-07:00 UTC (0.93"),
        "{}",
        guess(work(22, 6))
    );
}

#[test]
fn two_observations_are_hardly_a_schedule_and_one_is_none() {
    assert_eq!(guess([at("2026-01-01T02:00:00Z")]), "nothing");
    assert_eq!(
        guess([at("2026-01-01T02:00:00Z"), at("2026-02-01T02:01:00Z")]),
        "monthly, 1st, about 02:00 UTC (0.25: 2 of 2 expected runs were seen), next 2026-03-01T02:01:00Z"
    );
    assert_eq!(guess([at("2026-01-01T02:00:00Z"), at("2026-01-20T17:00:00Z")]), "nothing");
    let three = ["2026-01-01T02:00:00Z", "2026-01-20T17:00:00Z", "2026-01-23T07:00:00Z"].map(at);
    assert_eq!(guess(three), "irregular (0.40: 3 runs, and no schedule fits them), next never");
}

#[test]
fn daylight_saving_is_no_other_schedule() {
    let times: Vec<i64> =
        (60..120).map(|day| (NEW_YEAR + day) * DAY + if day < 87 { 2 } else { 1 } * HOUR + 60).collect();
    assert!(guess(times.clone()).starts_with("daily, about 01:00 UTC (0.95"), "{}", guess(times));
}

#[test]
fn a_busy_key_without_hours_is_used_daily_and_no_more_is_said() {
    let times = (0..60).flat_map(|day| {
        [(day * 37) % 24, (day * 53 + 7) % 24].map(|hour| (NEW_YEAR + day) * DAY + hour * HOUR)
    });
    let guess = guess(times);
    assert!(guess.starts_with("daily, at changing times (0.67"), "{guess}");
}

#[test]
fn what_another_machine_wrote_wrong_does_no_harm() {
    for day in [
        DayUse { day: u32::MAX, hours: u32::MAX, first: u32::MAX, last: 0, calls: 0 },
        DayUse { day: 0, hours: 0, first: 90_000, last: u32::MAX, calls: u32::MAX },
        DayUse { day: 7, hours: 0, first: 5, last: 4, calls: 0 },
    ] {
        assert!(Cadence::of(&[day]).unwrap().active_hours > 0);
        let far = DayUse { day: day.day / 2 + 1, ..day };
        assert!(Cadence::of(&[day, far, day]).unwrap().active_days <= 2);
    }
    assert_eq!(Cadence::of(&[]), None);
}

fn kind(times: impl IntoIterator<Item = i64>) -> ScheduleKind {
    Cadence::of(&days(times)).unwrap().schedule.map_or(ScheduleKind::Irregular, |schedule| schedule.kind)
}

/// Days after the new year on which a job of that kind runs, enough of them to be recognised.
fn job() -> impl Strategy<Value = (ScheduleKind, Vec<i64>)> {
    let monthly = (4_i64..14, 1_i8..=28).prop_map(|(count, day)| {
        let dates = (0..count).map(move |month| {
            let (year, month) = (2026 + month / 12, month % 12 + 1);
            at(&format!("{year}-{month:02}-{day:02}T00:00:00Z")) / DAY - NEW_YEAR
        });
        (ScheduleKind::Monthly, dates.collect())
    });
    prop_oneof![
        (10_i64..90).prop_map(|count| (ScheduleKind::Daily, (0..count).collect())),
        (14_i64..90).prop_map(|count| {
            (ScheduleKind::Weekdays, (0..count).filter(|day| (day + 3) % 7 < 5).collect())
        }),
        (6_i64..40, 0_i64..7).prop_map(|(count, day)| {
            (ScheduleKind::Weekly, (0..count).map(|week| day + week * 7).collect())
        }),
        monthly,
    ]
}

proptest! {
    #[test]
    fn the_longest_gap_is_never_told_too_short(times in proptest::collection::vec(0_i64..40 * DAY, 1..60)) {
        let times: Vec<i64> = times.into_iter().map(|time| NEW_YEAR * DAY + time).collect();
        let mut sorted = times.clone();
        sorted.sort_unstable();
        let gap = sorted.windows(2).map(|pair| (pair[1] - pair[0]) as u64).max().unwrap_or(0);
        let cadence = Cadence::of(&days(times)).unwrap();
        prop_assert!(cadence.longest_gap_seconds >= gap);
        prop_assert!(cadence.longest_gap_seconds < gap + 2 * HOUR as u64);
        let schedule = cadence.schedule.as_ref();
        prop_assert!(schedule.is_none_or(|schedule| (0.0..=1.0).contains(&schedule.confidence)));
        let next = schedule.and_then(|schedule| schedule.next_expected);
        prop_assert!(next.is_none_or(|next| next.seconds() > *sorted.last().unwrap()));
    }

    #[test]
    fn a_job_is_recognised_through_jitter_and_a_run_by_hand(
        (expected, days) in job(),
        time in 0..DAY,
        jitter in proptest::collection::vec(0_i64..2_400, 90),
        by_hand in proptest::option::of(any::<prop::sample::Index>()),
    ) {
        let mut times: Vec<i64> = days.iter().zip(jitter).map(|(day, jitter)| (NEW_YEAR + day) * DAY + time + jitter).collect();
        // Somebody runs it by hand once, at another hour of the day.
        times.extend(by_hand.map(|index| *index.get(&times) + 9 * HOUR));
        // The weekdays of a job near midnight, and the days of the month, may be those of the next day; the kind is
        // the same.
        prop_assert_eq!(kind(times), expected);
    }

    #[test]
    fn every_so_many_hours_is_recognised(
        distance in prop_oneof![Just(3_i64), Just(4), Just(6), Just(8), Just(12)],
        count in 12_i64..120,
        start in 0..DAY,
        jitter in proptest::collection::vec(0_i64..1_200, 120),
    ) {
        // Every third hour is told only if it does not cross from hour to hour.
        let start = if distance == 3 { start / HOUR * HOUR } else { start };
        let times = (0..count).zip(jitter).map(|(turn, jitter)| NEW_YEAR * DAY + start + turn * distance * HOUR + jitter);
        prop_assert_eq!(kind(times), ScheduleKind::Hours);
    }

    #[test]
    fn random_use_is_not_called_monthly(times in proptest::collection::vec(0_i64..365 * DAY, 8..120)) {
        let kind = kind(times.into_iter().map(|time| NEW_YEAR * DAY + time));
        prop_assert!(
            matches!(kind, ScheduleKind::Irregular | ScheduleKind::Daily | ScheduleKind::Weekdays),
            "{kind:?}"
        );
    }

    #[test]
    fn the_order_of_days_and_their_parts_does_not_matter(
        times in proptest::collection::vec(0_i64..20 * DAY, 1..60).prop_shuffle(),
    ) {
        let times: Vec<i64> = times.into_iter().map(|time| NEW_YEAR * DAY + time).collect();
        let parts: Vec<DayUse> =
            times.iter().map(|time| DayUse::once(EventTime::from_seconds(*time).unwrap())).collect();
        prop_assert_eq!(Cadence::of(&parts), Cadence::of(&days(times)));
    }
}
