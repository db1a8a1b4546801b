//! What somebody else does meanwhile.

use super::*;

#[test]
fn a_foreign_key_that_appears_during_a_create_is_not_taken_for_ours_once_it_was_used() {
    story().crash(true).hours(1).used(NEW).run().reads(
        "
         day 0 00:00:00  create a new access key for alice: the worker dies after it
         day 0 01:00:00  (an application uses AKIANEWNEWNEWNEWNEW2)
         day 0 01:00:00  Finished { result: Unknown }
         day 0 01:00:00  ask: the user has keys that this rotation does not know: AKIANEWNEWNEWNEWNEW2 (Active, created 2026-01-01T00:00:00Z)
        ",
    );
}

#[test]
fn a_foreign_key_stops_the_rotation_and_asks() {
    adopted()
        .edit(|story| {
            story.world.add_key(&key(FOREIGN));
            story.transcript.clear();
        })
        .run()
        .run()
        .reads(
        "
         day 1 05:01:04  ask: the user has keys that this rotation does not know: AKIAFOREIGNFOREIGN22 (Active, created 2026-01-02T05:01:04Z)
         day 1 05:01:04  ask: the user has keys that this rotation does not know: AKIAFOREIGNFOREIGN22 (Active, created 2026-01-02T05:01:04Z)
        ",
    );
}

#[test]
fn a_user_made_again_under_the_same_name_is_another_user() {
    adopted()
        .edit(|story| {
            story.transcript.clear();
            story.world.user = Some("AIDASOMEBODYELSEELSE".parse().unwrap());
        })
        .hours(7 * 24)
        .run()
        .reads(
            "
         day 8 05:01:04  ask: the user was deleted and made again: its id is AIDASOMEBODYELSEELSE now
        ",
        );
}

#[test]
fn a_key_that_somebody_else_enables_again_is_asked_about_not_deleted() {
    adopted()
        .edit(|story| {
            story.transcript.clear();
            story.world.keys.get_mut(&key(OLD)).unwrap().status = KeyStatus::Active;
        })
        .hours(7 * 24)
        .run()
        .reads(
            "
         day 8 05:01:04  ask: somebody else enabled AKIAOLDOLDOLDOLDOLD2, which this rotation had disabled
        ",
        );
}

#[test]
fn a_key_that_was_enabled_by_others_rests_anew_once_it_is_disabled_again() {
    adopted()
        .told_from_here()
        .hours(6 * 24)
        .edit(|story| drop(story.world.set_status(&key(OLD), KeyStatus::Active)))
        .run()
        .edit(|story| drop(story.world.set_status(&key(OLD), KeyStatus::Inactive)))
        .tell(look_again())
        .run()
        .reads(
            "
         day 7 05:01:04  ask: somebody else enabled AKIAOLDOLDOLDOLDOLD2, which this rotation had disabled
         day 7 05:01:04  wait 168.00 h: the old key is disabled and watched before it is deleted
        ",
        );
}

#[test]
fn a_destination_that_is_overwritten_while_the_old_key_is_disabled_is_asked_about_at_once() {
    adopted()
        .told_from_here()
        .edit(|story| story.world.places[0].current = Some(held(&key(OLD))))
        .hours(1)
        .run()
        .reads(
        "
         day 1 06:01:04  ask: secrets-manager:alice serves AKIAOLDOLDOLDOLDOLD2, which this rotation did not put there
        ",
    );
}

#[test]
fn a_rehearsal_is_ended_before_anybody_is_asked() {
    let timing = Timing { brown_out: Some(SignedDuration::from_mins(30)), ..Timing::default() };
    ready(timing).run().edit(|story| story.world.add_key(&key(FOREIGN))).hours(1).run().reads(
        "
         day 1 05:01:03  disable AKIAOLDOLDOLDOLDOLD2: done
         day 1 05:01:04  wait 0.50 h: the old key is disabled for a rehearsal
         day 1 06:01:04  enable AKIAOLDOLDOLDOLDOLD2 again: done
         day 1 06:01:05  ask: the user has keys that this rotation does not know: AKIAFOREIGNFOREIGN22 (Active, created 2026-01-02T05:01:04Z)
        ",
    );
}

#[test]
fn an_orphan_that_turns_out_to_be_used_is_somebody_elses_and_stays() {
    story()
        .crash(true)
        .hours(1)
        .run()
        .told_from_here()
        .used(NEW)
        .hours(24)
        .run()
        .edit(|story| assert!(story.rotation.can_abort(), "there is a way out"))
        .reads(
        "
         day 0 01:00:01  (an application uses AKIANEWNEWNEWNEWNEW2)
         day 1 01:00:01  ask: the user has keys that this rotation does not know: AKIANEWNEWNEWNEWNEW2 (Inactive, created 2026-01-01T00:00:00Z)
        ",
    );
}

#[test]
fn a_rotation_whose_user_is_gone_can_be_aborted_wherever_it_stands() {
    let story = story().crash(true).hours(1).edit(|story| story.world.user = None);
    assert!(!story.rotation.can_abort());
    let story = story.run();
    assert!(story.rotation.can_abort());
}

#[test]
fn a_new_key_whose_secret_is_in_no_destination_yet_cannot_be_walked_away_from() {
    let story = story().step();
    assert!(!story.rotation.can_abort());
    assert!(story.run().rotation.can_abort());
}
