//! The way back.

use super::*;

#[test]
fn a_rollback_after_the_disable_brings_the_old_key_back_before_the_new_one_goes() {
    adopted()
        .told_from_here()
        .tell(rollback())
        .run()
        .hours(28)
        .run()
        .hours(24)
        .run()
        .reads(
        "
         day 1 05:01:04  note: RollingBack
         day 1 05:01:04  enable AKIAOLDOLDOLDOLDOLD2 again: done
         day 1 05:01:05  ask AWS whether AKIAOLDOLDOLDOLDOLD2 works: accepted as arn:aws:iam::123456789012:user/alice
         day 1 05:01:10  ask AWS whether AKIAOLDOLDOLDOLDOLD2 works: accepted as arn:aws:iam::123456789012:user/alice
         day 1 05:01:15  ask AWS whether AKIAOLDOLDOLDOLDOLD2 works: accepted as arn:aws:iam::123456789012:user/alice
         day 1 05:02:04  restore AKIAOLDOLDOLDOLDOLD2 at secrets-manager:alice: done
         day 1 05:02:05  note: Restored
         day 1 05:02:05  wait 28.00 h: applications that already had the new key are to read the old one again
         day 2 09:02:05  disable AKIANEWNEWNEWNEWNEW2: done
         day 2 09:02:06  wait 24.00 h: the new key is disabled and rests before it is deleted
         day 3 09:02:06  delete AKIANEWNEWNEWNEWNEW2: done
         day 3 09:02:07  remove AKIANEWNEWNEWNEWNEW2 from secrets-manager:alice: done
         day 3 09:02:08  closed: RolledBack { why: \"it broke\" }
         day 3 09:02:08  done: RolledBack { why: \"it broke\" }
        ",
    );
}

#[test]
fn a_new_key_that_aws_never_accepts_is_rolled_back_by_itself() {
    story()
        .step()
        .step()
        .tell(Event::Noted { note: Note::Delivered })
        .edit(|story| story.refusals.extend([("probe", 2)]))
        .step()
        .edit(|story| story.world.now += Timing::default().verify_timeout + SignedDuration::from_secs(5))
        .run()
        .hours(1)
        .run()
        .hours(24)
        .run()
        .reads(
            "
         day 0 00:05:05  ask AWS whether AKIANEWNEWNEWNEWNEW2 works: failed: no
         day 0 00:05:06  roll back: AWS did not accept the new key within 5 min
         day 0 00:05:06  note: RollingBack
         day 0 00:05:06  disable AKIANEWNEWNEWNEWNEW2: done
         day 0 00:05:07  remove AKIANEWNEWNEWNEWNEW2 from secrets-manager:alice: done
         day 0 00:05:08  wait 24.00 h: a key that no application ever had rests before it is deleted
         day 0 01:05:08  wait 23.00 h: a key that no application ever had rests before it is deleted
         day 1 01:05:08  delete AKIANEWNEWNEWNEWNEW2: done
         day 1 01:05:09  closed: RolledBack { why: \"AWS did not accept the new key within 5 min\" }
         day 1 01:05:09  done: RolledBack { why: \"AWS did not accept the new key within 5 min\" }
        ",
        );
}

#[test]
fn a_worker_that_was_away_asks_about_the_new_key_again_before_it_gives_up() {
    story()
        .step()
        .step()
        .tell(Event::Noted { note: Note::Delivered })
        .edit(|story| story.refusals.extend([("probe", 1)]))
        .step()
        .hours(3)
        .run()
        .reads(
            "
         day 0 03:00:00  ask AWS whether AKIANEWNEWNEWNEWNEW2 works: accepted as arn:aws:iam::123456789012:user/alice
         day 0 03:00:05  ask AWS whether AKIANEWNEWNEWNEWNEW2 works: accepted as arn:aws:iam::123456789012:user/alice
         day 0 03:00:10  ask AWS whether AKIANEWNEWNEWNEWNEW2 works: accepted as arn:aws:iam::123456789012:user/alice
         day 0 03:00:11  ask s3 in eu-west-1 whether it knows AKIANEWNEWNEWNEWNEW2: done
         day 0 03:00:12  publish AKIANEWNEWNEWNEWNEW2 at secrets-manager:alice: done
         day 0 03:00:13  note: Published
         day 0 03:00:13  wait 1.00 h: no application has used the new key yet
        ",
        );
}

#[test]
fn an_old_key_that_is_taken_away_during_the_way_back_stops_it_before_the_new_one_goes() {
    adopted()
        .tell(rollback())
        .run()
        .told_from_here()
        .edit(|story| drop(story.world.set_status(&key(OLD), KeyStatus::Inactive)))
        .hours(28)
        .run()
        .reads(
            "
         day 2 09:02:05  ask: somebody else disabled AKIAOLDOLDOLDOLDOLD2
        ",
        );
}

#[test]
fn an_old_key_that_is_deleted_during_the_way_back_is_not_given_to_applications() {
    adopted()
        .tell(rollback())
        .tell(Event::Noted { note: Note::RollingBack })
        .step()
        .told_from_here()
        .edit(|story| drop(story.world.keys.remove(&key(OLD))))
        .hours(1)
        .run()
        .reads(
            "
         day 1 06:01:04  ask: somebody else deleted AKIAOLDOLDOLDOLDOLD2
        ",
        );
}

#[test]
fn an_old_key_that_aws_refuses_is_not_given_to_applications() {
    adopted()
        .tell(rollback())
        .tell(Event::Noted { note: Note::RollingBack })
        .step()
        .told_from_here()
        .edit(|story| story.refusals.extend([("probe", 1)]))
        .step()
        .hours(1)
        .run()
        .reads(
            "
         day 1 06:01:04  ask: cannot ask AWS whether AKIAOLDOLDOLDOLDOLD2 works: no
        ",
        );
}

#[test]
fn a_destination_that_cannot_be_seen_does_not_keep_the_others_from_the_old_key() {
    story_in(World::new(2, None), Timing::default())
        .run()
        .tell(rollback())
        .edit(|story| story.hidden = Some(0))
        .run()
        .told_from_here()
        .hours(1)
        .run()
        .edit(|story| story.hidden = None)
        .run()
        .reads(
            "
         day 0 01:01:07  note: OldKeyWorks
         day 0 01:01:07  restore AKIAOLDOLDOLDOLDOLD2 at secrets-manager:alice-2: done
         day 0 01:01:08  wait 0.03 h: no answer
         day 0 01:01:08  restore AKIAOLDOLDOLDOLDOLD2 at secrets-manager:alice: done
         day 0 01:01:09  note: Restored
         day 0 01:01:09  wait 28.00 h: applications that already had the new key are to read the old one again
        ",
        );
}
