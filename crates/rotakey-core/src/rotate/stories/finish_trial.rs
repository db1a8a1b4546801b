//! A key that needs no successor is disabled by way of trial first.

use super::alarm::{broken, with_check};
use super::finish::pair;
use super::*;

fn trial() -> Timing {
    Timing { brown_out: Some(SignedDuration::from_mins(30)), ..Timing::default() }
}

/// In the trial: the key is disabled.
fn tried() -> Story {
    pair(trial(), |_| {}).run().told_from_here()
}

/// After the trial: the key is enabled again, and watched.
fn after_trial() -> Story {
    tried().hours(1).run()
}

#[test]
fn a_key_that_nobody_misses_in_the_trial_nor_uses_afterwards_is_finished() {
    after_trial().hours(28).run().reads(
        "
         day 0 01:00:01  enable AKIAOLDOLDOLDOLDOLD2 again: done
         day 0 01:00:02  wait 28.00 h: after the rehearsal, the old key must not be used again
         day 1 05:00:02  note: BrownOutPassed
         day 1 05:00:02  disable AKIAOLDOLDOLDOLDOLD2: done
         day 1 05:00:03  wait 168.00 h: the key is disabled and watched before it is deleted
        ",
    );
}

#[test]
fn a_use_after_the_trial_names_who_it_was_and_leaves_the_key() {
    let story = after_trial().hours(1).used(OLD);
    let story = story.seen(OLD, "10.0.0.0/24", "2026-01-01T02:00:01Z", "2026-01-01T02:00:01Z", 0);
    let story = story.told_from_here().run();
    assert!(story.world.accepts(&key(OLD)), "{}", story.transcript);
    story.reads(
        "
         day 0 02:00:02  note: OldKeyUsed { last_used: At { at: 2026-01-01T02:00:02Z, region: None, service: Some(\"s3\") } }
         day 0 02:00:02  look who uses the keys: 1 the old one, 0 the new one
         day 0 02:00:02  ask: AKIAOLDOLDOLDOLDOLD2 is still used: last at 2026-01-01T02:00:02Z, service s3, region unknown; by 10.0.0.0/24, aws-cli, s3 in eu-west-1 (last 2026-01-01T02:00:01Z)
        ",
    );
}

#[test]
fn a_use_that_only_the_source_tells_of_keeps_the_key_too() {
    let network = "10.0.0.0/24";
    let story = after_trial().seen(OLD, network, "2026-01-01T02:00:01Z", "2026-01-01T02:00:01Z", 0);
    let story = story.hours(28).run();
    assert!(story.world.accepts(&key(OLD)), "{}", story.transcript);
    assert!(matches!(story.rotation.question(), Some(Question::StillUsed { .. })), "{}", story.transcript);
}

#[test]
fn a_trial_that_was_cut_off_is_made_again() {
    let story = about_to_be_tried().crash(true).told_from_here().hours(1).run();
    story.reads(
        "
         day 0 01:00:00  Finished { result: Unknown }
         day 0 01:00:00  enable AKIAOLDOLDOLDOLDOLD2 again: done
         day 0 01:00:01  disable AKIAOLDOLDOLDOLDOLD2: done
         day 0 01:00:02  wait 0.50 h: the old key is disabled for a rehearsal
        ",
    );
}

fn about_to_be_tried() -> Story {
    pair(trial(), |_| {}).edit(|story| {
        let note = Note::Superseded { quiet_since: story.world.begun, evidence: "seen".into() };
        story.append(&Event::Noted { note });
    })
}

#[test]
fn a_check_that_fails_in_the_trial_ends_it_at_once_and_is_asked_about() {
    let story = with_check(pair(trial(), |_| {})).run().edit(broken).run();
    assert!(story.world.accepts(&key(OLD)), "{}", story.transcript);
    assert!(matches!(story.rotation.question(), Some(Question::Missed { .. })), "{}", story.transcript);
    let story = story.edit(|story| story.health = vec![Health::Well]).tell(look_again()).run();
    let story = story.hours(36 * 24).used(NEW).run().hours(1).run();
    assert_eq!(story.transcript.matches("disable AKIAOLDOLDOLDOLDOLD2: done").count(), 2);
    assert!(story.world.accepts(&key(OLD)), "the trial is made anew:\n{}", story.transcript);
}

#[test]
fn rolled_back_in_the_trial_the_key_is_active_again() {
    let story = tried().tell(rollback()).run();
    assert!(story.world.accepts(&key(OLD)));
    assert!(matches!(story.rotation.ending(), Some(Ending::RolledBack { .. })), "{}", story.transcript);
}

#[test]
fn a_plan_of_an_older_rotakey_has_no_trial_whatever_its_timing_says() {
    let mut plan = serde_json::to_value(tried().rotation.plan()).unwrap();
    assert!(plan["task"].as_object_mut().unwrap().remove("brown_out").is_some());
    let plan: Plan = serde_json::from_value(plan).unwrap();
    assert_eq!(plan.timing.brown_out, Some(SignedDuration::from_mins(30)));
    assert_eq!(plan.brown_out(), None);
    let mut story = pair(trial(), |_| {});
    story.rotation = Rotation::begin(plan.rotation_id(story.world.begun), plan, story.world.begun);
    let story = story.run();
    let story = story.hours(7 * 24).run();
    assert!(matches!(story.rotation.ending(), Some(Ending::Finished { .. })), "{}", story.transcript);
}
