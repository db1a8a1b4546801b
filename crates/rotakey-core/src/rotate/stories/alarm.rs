//! Something breaks once the old key is disabled.

use super::*;

fn watched() -> Story {
    with_check(ready(Timing::default()))
}

/// With a check that says that all is well.
pub(super) fn with_check(mut story: Story) -> Story {
    story.health = vec![Health::Well];
    let url = "https://shop.example/health".to_owned();
    let check = CheckSpec::Http(HttpCheck { url, status: 200, text: None });
    story.rotation.plan.checks = vec![check];
    story
}

pub(super) fn broken(story: &mut Story) {
    story.health = vec![Health::Failing("status 500".to_owned())];
}

#[test]
fn a_check_that_fails_after_the_old_key_was_disabled_enables_it_and_shows_that_it_works_and_asks() {
    watched().run().hours(3).edit(broken).run().reads(
        "
         day 1 05:01:03  disable AKIAOLDOLDOLDOLDOLD2: done
         day 1 05:01:04  wait 0.03 h: the old key is disabled and watched before it is deleted
         day 1 08:01:04  note: CheckFailed { check: 0, message: \"status 500\" }
         day 1 08:01:04  enable AKIAOLDOLDOLDOLDOLD2 again: done
         day 1 08:01:05  ask AWS whether AKIAOLDOLDOLDOLDOLD2 works: accepted as arn:aws:iam::123456789012:user/alice
         day 1 08:01:10  ask AWS whether AKIAOLDOLDOLDOLDOLD2 works: accepted as arn:aws:iam::123456789012:user/alice
         day 1 08:01:15  ask AWS whether AKIAOLDOLDOLDOLDOLD2 works: accepted as arn:aws:iam::123456789012:user/alice
         day 1 08:01:16  ask: https://shop.example/health failed: status 500; AKIAOLDOLDOLDOLDOLD2 is enabled again, and works: AWS accepted it 3 times in a row
        ",
    );
}

#[test]
fn without_the_secret_the_check_that_is_well_again_shows_it() {
    watched()
        .run()
        .hours(3)
        .edit(|story| story.world.places[0].previous = None)
        .edit(broken)
        .told_from_here()
        .run()
        .edit(|story| story.health = vec![Health::Well])
        .run()
        .reads(
        "
         day 1 08:01:04  note: CheckFailed { check: 0, message: \"status 500\" }
         day 1 08:01:04  enable AKIAOLDOLDOLDOLDOLD2 again: done
         day 1 08:16:05  ask: https://shop.example/health failed: status 500; AKIAOLDOLDOLDOLDOLD2 is enabled again, but nothing shows yet that it works
         day 1 08:16:05  ask: https://shop.example/health failed: status 500; AKIAOLDOLDOLDOLDOLD2 is enabled again, but nothing shows yet that it works
        ",
    );
}

#[test]
fn a_check_that_fails_before_the_old_key_is_disabled_is_no_signal_and_keeps_it() {
    watched().edit(broken).run().edit(|story| story.health = vec![Health::Well]).hours(1).run().reads(
        "
         day 1 05:01:03  wait 0.08 h: https://shop.example/health fails, and not because of the old key: status 500
         day 1 06:01:03  disable AKIAOLDOLDOLDOLDOLD2: done
         day 1 06:01:04  wait 0.03 h: the old key is disabled and watched before it is deleted
        ",
    );
}

#[test]
fn a_person_who_sees_something_broken_gets_the_old_key_back_and_after_an_answer_it_must_be_quiet_anew() {
    watched()
        .run()
        .hours(3)
        .told_from_here()
        .tell(Event::Signalled { by: "ann".to_owned(), what: "orders fail".to_owned() })
        .run()
        .tell(look_again())
        .told_from_here()
        .run()
        .hours(28)
        .run()
        .reads(
        "
         day 1 08:01:16  wait 28.00 h: the old key must stay quiet for 1 d
         day 2 12:01:16  note: ReadyToDisable { quiet_since: 2026-01-02T08:01:16Z, adopted: \"the new key was used at 2026-01-01T01:01:03Z (s3)\" }
         day 2 12:01:16  disable AKIAOLDOLDOLDOLDOLD2: done
         day 2 12:01:17  wait 0.03 h: the old key is disabled and watched before it is deleted
        ",
    );
}

#[test]
fn a_signal_means_something_only_while_the_old_key_is_taken_away() {
    let signal = Event::Signalled { by: "ann".to_owned(), what: "orders fail".to_owned() };
    let story = story().run();
    assert!(story.rotation.clone().apply(&signal, story.world.now).is_err());
    let story = watched().run();
    let rotation = story.rotation.clone().apply(&signal, story.world.now).unwrap();
    assert!(rotation.apply(&signal, story.world.now).is_err(), "once is enough");
}

#[test]
fn checks_are_made_often_at_first_and_also_while_a_person_is_asked() {
    let story = watched().run();
    let due = |hours: i64| {
        let now = story.world.now + SignedDuration::from_hours(hours);
        let Next::Wait { until, .. } = story.rotation.next(&story.observe(), now) else { panic!() };
        until.duration_since(now).as_mins()
    };
    assert_eq!([due(0), due(2), due(30)], [2, 15, 60]);
    assert!(!story.rotation.must_look_while_asking());
    let asked = story.tell(Event::Asked { question: Question::UserGone });
    assert!(asked.rotation.must_look_while_asking());
    let asked = asked.edit(broken).told_from_here().run();
    assert!(asked.transcript.contains("enable AKIAOLDOLDOLDOLDOLD2 again: done"), "{}", asked.transcript);
}

#[test]
fn the_old_key_is_not_deleted_while_a_check_cannot_be_made() {
    let mut story = watched().run().hours(8 * 24);
    story.health.clear();
    assert!(matches!(story.rotation.next(&story.observe(), story.world.now), Next::Wait { .. }));
}
