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
