//! Workers that die, and answers that are lost.

use super::*;

#[test]
fn a_key_whose_create_died_unanswered_is_found_disabled_and_deleted_and_another_made() {
    story()
        .crash(true)
        .run()
        .edit(|story| story.world.now += EFFECT_DEADLINE)
        .run()
        .hours(1)
        .run()
        .hours(24)
        .run()
        .reads(
        "
         day 0 00:00:00  create a new access key for alice: the worker dies after it
         day 0 00:00:00  wait 0.03 h: create a new access key for alice is under way (w) or was cut off; it is over at the latest by then
         day 0 00:02:00  Finished { result: Unknown }
         day 0 00:02:00  wait 0.08 h: the answer to CreateAccessKey was lost; IAM's answers settle until then
         day 0 01:02:00  note: OrphanFound { key: AKIANEWNEWNEWNEWNEW2 }
         day 0 01:02:00  disable AKIANEWNEWNEWNEWNEW2: done
         day 0 01:02:01  wait 24.00 h: a key that no application ever had rests before it is deleted
         day 1 01:02:01  delete AKIANEWNEWNEWNEWNEW2: done
         day 1 01:02:02  create a new access key for alice: created AKIANEWNEWNEWNEWNEW3
         day 1 01:02:03  stage AKIANEWNEWNEWNEWNEW3 at secrets-manager:alice: done
         day 1 01:02:04  note: Delivered
         day 1 01:02:04  ask AWS whether AKIANEWNEWNEWNEWNEW3 works: accepted as arn:aws:iam::123456789012:user/alice
         day 1 01:02:09  ask AWS whether AKIANEWNEWNEWNEWNEW3 works: accepted as arn:aws:iam::123456789012:user/alice
         day 1 01:02:14  ask AWS whether AKIANEWNEWNEWNEWNEW3 works: accepted as arn:aws:iam::123456789012:user/alice
         day 1 01:02:15  ask s3 in eu-west-1 whether it knows AKIANEWNEWNEWNEWNEW3: done
         day 1 01:03:04  publish AKIANEWNEWNEWNEWNEW3 at secrets-manager:alice: done
         day 1 01:03:05  note: Published
         day 1 01:03:05  wait 1.00 h: no application has used the new key yet
        ",
    );
}

#[test]
fn a_create_that_died_before_it_was_sent_is_simply_sent_again() {
    story().crash(false).hours(1).run().reads(
        "
         day 0 00:00:00  create a new access key for alice: the worker dies before it
         day 0 01:00:00  Finished { result: Unknown }
         day 0 01:00:00  note: NothingCreated
         day 0 01:00:00  create a new access key for alice: created AKIANEWNEWNEWNEWNEW2
         day 0 01:00:01  stage AKIANEWNEWNEWNEWNEW2 at secrets-manager:alice: done
         day 0 01:00:02  note: Delivered
         day 0 01:00:02  ask AWS whether AKIANEWNEWNEWNEWNEW2 works: accepted as arn:aws:iam::123456789012:user/alice
         day 0 01:00:07  ask AWS whether AKIANEWNEWNEWNEWNEW2 works: accepted as arn:aws:iam::123456789012:user/alice
         day 0 01:00:12  ask AWS whether AKIANEWNEWNEWNEWNEW2 works: accepted as arn:aws:iam::123456789012:user/alice
         day 0 01:00:13  ask s3 in eu-west-1 whether it knows AKIANEWNEWNEWNEWNEW2: done
         day 0 01:01:02  publish AKIANEWNEWNEWNEWNEW2 at secrets-manager:alice: done
         day 0 01:01:03  note: Published
         day 0 01:01:03  wait 1.00 h: no application has used the new key yet
        ",
    );
}

#[test]
fn a_create_that_was_done_an_hour_late_before_anybody_looked_is_not_taken_for_somebody_elses() {
    let mut story = story().crash(false).hours(1);
    let late = Intent::Create { keys_before: BTreeSet::new() };
    let _lost_answer = story.world.perform(&late, &mut BTreeSet::new());
    story.hours(1).run().reads(
        "
         day 0 00:00:00  create a new access key for alice: the worker dies before it
         day 0 02:00:00  Finished { result: Unknown }
         day 0 02:00:00  note: OrphanFound { key: AKIANEWNEWNEWNEWNEW2 }
         day 0 02:00:00  disable AKIANEWNEWNEWNEWNEW2: done
         day 0 02:00:01  wait 24.00 h: a key that no application ever had rests before it is deleted
        ",
    );
}

#[test]
fn a_secret_lost_between_create_and_staging_costs_the_key_not_the_application() {
    story().step().edit(|story| story.custody.clear()).run().hours(1).run().reads(
        "
         day 0 00:00:00  wait 0.03 h: the worker that created the key may still hold its secret
         day 0 01:00:00  note: SecretLost { key: AKIANEWNEWNEWNEWNEW2 }
         day 0 01:00:00  disable AKIANEWNEWNEWNEWNEW2: done
         day 0 01:00:01  wait 24.00 h: a key that no application ever had rests before it is deleted
        ",
    );
}

#[test]
fn once_a_delete_was_started_nobody_gets_the_old_key_again() {
    let story = adopted().hours(7 * 24).step().crash(false).hours(1);
    assert!(!story.rotation.can_roll_back(), "a worker that was held up may delete it yet");
    assert!(story.rotation.clone().apply(&rollback(), story.world.now).is_err());
}

#[test]
fn a_worker_that_dies_after_staging_finds_the_secret_at_the_destination() {
    story().step().crash(true).hours(1).run().reads(
        "
         day 0 00:00:00  stage AKIANEWNEWNEWNEWNEW2 at secrets-manager:alice: the worker dies after it
         day 0 01:00:00  Finished { result: Unknown }
         day 0 01:00:00  note: Delivered
         day 0 01:00:00  ask AWS whether AKIANEWNEWNEWNEWNEW2 works: accepted as arn:aws:iam::123456789012:user/alice
         day 0 01:00:05  ask AWS whether AKIANEWNEWNEWNEWNEW2 works: accepted as arn:aws:iam::123456789012:user/alice
         day 0 01:00:10  ask AWS whether AKIANEWNEWNEWNEWNEW2 works: accepted as arn:aws:iam::123456789012:user/alice
         day 0 01:00:11  ask s3 in eu-west-1 whether it knows AKIANEWNEWNEWNEWNEW2: done
         day 0 01:01:00  publish AKIANEWNEWNEWNEWNEW2 at secrets-manager:alice: done
         day 0 01:01:01  note: Published
         day 0 01:01:01  wait 1.00 h: no application has used the new key yet
        ",
    );
}

#[test]
fn a_delete_whose_answer_was_lost_is_not_taken_for_somebody_elses() {
    adopted().hours(7 * 24).told_from_here().step().crash(true).hours(48).run().hours(1).run().reads(
        "
         day 8 05:01:04  delete AKIAOLDOLDOLDOLDOLD2: the worker dies after it
         day 10 05:01:04  Finished { result: Unknown }
         day 10 05:01:04  wait 0.08 h: the old key seems to be gone; IAM's answers settle until then
         day 10 06:01:04  note: Gone { key: AKIAOLDOLDOLDOLDOLD2 }
         day 10 06:01:04  remove AKIAOLDOLDOLDOLDOLD2 from secrets-manager:alice: done
         day 10 06:01:05  closed: Rotated { new_key: AKIANEWNEWNEWNEWNEW2 }
         day 10 06:01:05  done: Rotated { new_key: AKIANEWNEWNEWNEWNEW2 }
        ",
    );
}

#[test]
fn a_disable_that_died_unsent_is_repeated_and_the_old_key_rests_from_then_on() {
    ready(Timing::default()).crash(false).hours(6 * 24).run().hours(24).run().reads(
        "
         day 1 05:01:03  disable AKIAOLDOLDOLDOLDOLD2: the worker dies before it
         day 7 05:01:03  Finished { result: Unknown }
         day 7 05:01:03  disable AKIAOLDOLDOLDOLDOLD2: done
         day 7 05:01:04  wait 168.00 h: the old key is disabled and watched before it is deleted
         day 8 05:01:04  wait 144.00 h: the old key is disabled and watched before it is deleted
        ",
    );
}

#[test]
fn a_rehearsal_whose_beginning_was_lost_ends_at_once_and_is_held_again() {
    let timing = Timing { brown_out: Some(SignedDuration::from_mins(30)), ..Timing::default() };
    ready(timing).crash(true).hours(5).run().reads(
        "
         day 1 05:01:03  disable AKIAOLDOLDOLDOLDOLD2: the worker dies after it
         day 1 10:01:03  Finished { result: Unknown }
         day 1 10:01:03  enable AKIAOLDOLDOLDOLDOLD2 again: done
         day 1 10:01:04  disable AKIAOLDOLDOLDOLDOLD2: done
         day 1 10:01:05  wait 0.50 h: the old key is disabled for a rehearsal
        ",
    );
}

#[test]
fn a_secret_lost_while_a_person_is_asked_does_not_leave_its_key_active() {
    story()
        .step()
        .edit(|story| story.world.add_key(&key(FOREIGN)))
        .run()
        .run()
        .edit(|story| story.custody.clear())
        .hours(1)
        .run()
        .reads(
        "
         day 0 00:00:00  ask: the user has keys that this rotation does not know: AKIAFOREIGNFOREIGN22 (Active, created 2026-01-01T00:00:00Z)
         day 0 00:00:00  ask: the user has keys that this rotation does not know: AKIAFOREIGNFOREIGN22 (Active, created 2026-01-01T00:00:00Z)
         day 0 01:00:00  note: SecretLost { key: AKIANEWNEWNEWNEWNEW2 }
         day 0 01:00:00  disable AKIANEWNEWNEWNEWNEW2: done
         day 0 01:00:01  ask: the user has keys that this rotation does not know: AKIAFOREIGNFOREIGN22 (Active, created 2026-01-01T00:00:00Z)
        ",
    );
}

#[test]
fn a_key_that_was_given_up_because_the_log_did_not_answer_is_nobody_elses_doing() {
    story()
        .step()
        .edit(|story| {
            story.custody.clear();
            drop(story.world.set_status(&key(NEW), KeyStatus::Inactive));
        })
        .hours(1)
        .run()
        .reads(
            "
         day 0 01:00:00  note: SecretLost { key: AKIANEWNEWNEWNEWNEW2 }
         day 0 01:00:00  disable AKIANEWNEWNEWNEWNEW2: done
         day 0 01:00:01  wait 24.00 h: a key that no application ever had rests before it is deleted
        ",
        );
}

#[test]
fn a_destination_that_does_not_keep_what_it_is_given_is_asked_about() {
    let mut story = story().step();
    for _ in 0..5 {
        story = story.step().edit(|story| story.world.places[0].pending = None).hours(1);
    }
    story.run().reads(
        "
         day 0 05:00:00  ask: cannot stage AKIANEWNEWNEWNEWNEW2 at secrets-manager:alice: it was done, but looking again does not show it
        ",
    );
}

#[test]
fn a_rotation_is_not_rolled_back_for_good_while_a_create_may_come_late() {
    story()
        .crash(false)
        .tell(rollback())
        .hours(1)
        .run()
        .edit(|story| {
            let late = Intent::Create { keys_before: BTreeSet::new() };
            let _lost_answer = story.world.perform(&late, &mut BTreeSet::new());
        })
        .hours(1)
        .run()
        .hours(24)
        .run()
        .reads(
            "
         day 0 00:00:00  create a new access key for alice: the worker dies before it
         day 0 01:00:00  Finished { result: Unknown }
         day 0 01:00:00  note: NothingCreated
         day 0 01:00:00  wait 1.00 h: a create that was cut off may be done yet
         day 0 02:00:00  note: OrphanFound { key: AKIANEWNEWNEWNEWNEW2 }
         day 0 02:00:00  disable AKIANEWNEWNEWNEWNEW2: done
         day 0 02:00:01  wait 24.00 h: a key that no application ever had rests before it is deleted
         day 1 02:00:01  delete AKIANEWNEWNEWNEWNEW2: done
         day 1 02:00:02  closed: RolledBack { why: \"it broke\" }
         day 1 02:00:02  done: RolledBack { why: \"it broke\" }
        ",
        );
}

#[test]
fn a_question_outlives_the_secret_that_is_lost_while_it_waits() {
    story()
        .edit(|story| story.refusals.extend([("stage", 99)]))
        .run()
        .hours(1)
        .run()
        .edit(|story| {
            story.transcript.push_str("(the worker ends, and with it the secret)\n");
            story.custody.clear();
        })
        .run()
        .hours(24)
        .run()
        .hours(24)
        .run()
        .reads(
            "
             day 0 00:00:00  create a new access key for alice: created AKIANEWNEWNEWNEWNEW2
             day 0 00:00:01  stage AKIANEWNEWNEWNEWNEW2 at secrets-manager:alice: failed: no
             day 0 00:00:11  stage AKIANEWNEWNEWNEWNEW2 at secrets-manager:alice: failed: no
             day 0 00:00:31  stage AKIANEWNEWNEWNEWNEW2 at secrets-manager:alice: failed: no
             day 0 00:01:11  stage AKIANEWNEWNEWNEWNEW2 at secrets-manager:alice: failed: no
             day 0 00:01:12  wait 0.02 h: trying again after: no
             day 0 01:01:12  stage AKIANEWNEWNEWNEWNEW2 at secrets-manager:alice: failed: no
             day 0 01:01:13  ask: cannot stage AKIANEWNEWNEWNEWNEW2 at secrets-manager:alice: no
             (the worker ends, and with it the secret)
             day 0 01:01:13  note: SecretLost { key: AKIANEWNEWNEWNEWNEW2 }
             day 0 01:01:13  disable AKIANEWNEWNEWNEWNEW2: done
             day 0 01:01:14  wait 24.00 h: a key that no application ever had rests before it is deleted
             day 1 01:01:14  delete AKIANEWNEWNEWNEWNEW2: done
             day 1 01:01:15  ask: cannot stage AKIANEWNEWNEWNEWNEW2 at secrets-manager:alice: no
             day 2 01:01:15  ask: cannot stage AKIANEWNEWNEWNEWNEW2 at secrets-manager:alice: no
            ",
        );
}
