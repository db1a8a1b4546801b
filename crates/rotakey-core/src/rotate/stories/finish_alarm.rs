//! Something breaks once a key that needs no successor is disabled.

use super::alarm::{broken, with_check};
use super::finish::{left_behind, replaced};
use super::*;

fn signal() -> Event {
    Event::Signalled { by: "ann".to_owned(), what: "orders fail".to_owned() }
}

#[test]
fn a_check_that_fails_after_a_replaced_key_was_disabled_enables_it_and_shows_that_it_works_and_asks() {
    with_check(replaced()).run().hours(3).edit(broken).told_from_here().run().reads(
        "
         day 0 03:00:01  note: CheckFailed { check: 0, message: \"status 500\" }
         day 0 03:00:01  enable AKIAOLDOLDOLDOLDOLD2 again: done
         day 0 03:00:02  ask AWS whether AKIAOLDOLDOLDOLDOLD2 works: accepted as arn:aws:iam::123456789012:user/alice
         day 0 03:00:07  ask AWS whether AKIAOLDOLDOLDOLDOLD2 works: accepted as arn:aws:iam::123456789012:user/alice
         day 0 03:00:12  ask AWS whether AKIAOLDOLDOLDOLDOLD2 works: accepted as arn:aws:iam::123456789012:user/alice
         day 0 03:00:13  ask: https://shop.example/health failed: status 500; AKIAOLDOLDOLDOLDOLD2 is enabled again, and works: AWS accepted it 3 times in a row
        ",
    );
}

#[test]
fn after_the_answer_the_key_must_be_quiet_anew_before_it_is_disabled_again() {
    let story = with_check(replaced()).run().hours(3).edit(broken).run();
    let story = story.edit(|story| story.health = vec![Health::Well]).hours(2).tell(look_again());
    let story = story.told_from_here().run().edit(|story| story.world.use_key(&key(NEW), "s3"));
    let story = story.hours(35 * 24 + 4).edit(|story| story.world.use_key(&key(NEW), "s3")).run();
    story.reads(
        "
         day 0 05:00:13  wait 844.00 h: the key was missed: it must be quiet anew before it is disabled
         day 35 09:00:13  note: Superseded { quiet_since: 2026-01-01T05:00:13Z, evidence: \"AKIANEWNEWNEWNEWNEW2 was used at 2026-02-05T09:00:13Z, this one was last used at 2026-01-01T03:00:12Z\" }
         day 35 09:00:13  disable AKIAOLDOLDOLDOLDOLD2: done
         day 35 09:00:14  wait 0.03 h: the key is disabled and watched before it is deleted
        ",
    );
}

#[test]
fn a_person_who_sees_something_broken_gets_the_replaced_key_back() {
    let story = replaced().run().hours(3).told_from_here().tell(signal()).run();
    assert!(story.world.accepts(&key(OLD)), "{}", story.transcript);
    assert!(matches!(story.rotation.question(), Some(Question::Missed { proof: Some(_), .. })));
    assert!(story.rotation.clone().apply(&signal(), story.world.now).is_err(), "once is enough");
    let story = story.tell(rollback()).run();
    assert!(matches!(story.rotation.ending(), Some(Ending::RolledBack { .. })), "{}", story.transcript);
    assert!(story.world.accepts(&key(OLD)));
}

#[test]
fn a_check_that_fails_before_a_replaced_key_is_disabled_is_no_signal_and_keeps_it() {
    let story = with_check(replaced()).edit(broken).run();
    assert!(story.world.accepts(&key(OLD)), "{}", story.transcript);
    assert!(story.transcript.contains("fails, and not because of the old key"), "{}", story.transcript);
    let story = story.edit(|story| story.health = vec![Health::Well]).hours(1).run();
    assert!(!story.world.accepts(&key(OLD)), "{}", story.transcript);
}

#[test]
fn checks_are_made_often_while_a_replaced_key_is_disabled_and_also_while_a_person_is_asked() {
    let story = with_check(replaced()).run();
    let due = |hours: i64| {
        let now = story.world.now + SignedDuration::from_hours(hours);
        let Next::Wait { until, .. } = story.rotation.next(&story.observe(), now) else { panic!() };
        until.duration_since(now).as_mins()
    };
    assert_eq!([due(0), due(2), due(30)], [2, 15, 60]);
    let asked = story.tell(Event::Asked { question: Question::UserGone });
    assert!(asked.rotation.must_look_while_asking());
    let asked = asked.edit(broken).told_from_here().run();
    assert!(asked.transcript.contains("enable AKIAOLDOLDOLDOLDOLD2 again: done"), "{}", asked.transcript);
}

#[test]
fn a_replaced_key_is_not_deleted_while_a_check_cannot_be_made() {
    let mut story = with_check(replaced()).run().hours(8 * 24);
    story.health.clear();
    assert!(matches!(story.rotation.next(&story.observe(), story.world.now), Next::Wait { .. }));
}

#[test]
fn a_check_that_fails_after_the_key_is_deleted_changes_nothing() {
    let story = with_check(replaced()).run().hours(7 * 24).crash(true).edit(broken);
    let story = story.hours(1).run().hours(1).run();
    assert!(matches!(story.rotation.ending(), Some(Ending::Finished { .. })), "{}", story.transcript);
}

#[test]
fn what_somebody_else_disabled_is_not_enabled_by_a_check_nor_by_a_signal() {
    let story = with_check(left_behind()).run().edit(broken).hours(1).run();
    assert!(!story.rotation.needs_checks());
    assert!(story.rotation.clone().apply(&signal(), story.world.now).is_err());
    assert!(!story.world.accepts(&key(OLD)), "{}", story.transcript);
}
