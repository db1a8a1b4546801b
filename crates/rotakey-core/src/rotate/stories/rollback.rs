//! The way back.

use super::*;

#[test]
fn a_rollback_after_the_disable_brings_the_old_key_back_before_the_new_one_goes() {
    adopted()
        .from_here()
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
        .edit(|story| story.refusals.extend([("probe", 1)]))
        .step()
        .edit(|story| story.world.now += Timing::default().verify_timeout + SignedDuration::from_secs(5))
        .run()
        .hours(1)
        .run()
        .hours(24)
        .run()
        .reads(
        "
         day 0 00:05:05  roll back: AWS did not accept the new key within 5 min
         day 0 00:05:05  note: RollingBack
         day 0 00:05:05  enable AKIAOLDOLDOLDOLDOLD2 again: done
         day 0 00:05:06  ask AWS whether AKIAOLDOLDOLDOLDOLD2 works: accepted as arn:aws:iam::123456789012:user/alice
         day 0 00:05:11  ask AWS whether AKIAOLDOLDOLDOLDOLD2 works: accepted as arn:aws:iam::123456789012:user/alice
         day 0 00:05:16  ask AWS whether AKIAOLDOLDOLDOLDOLD2 works: accepted as arn:aws:iam::123456789012:user/alice
         day 0 00:06:05  note: Restored
         day 0 00:06:05  disable AKIANEWNEWNEWNEWNEW2: done
         day 0 00:06:06  wait 24.00 h: the new key is disabled and rests before it is deleted
         day 0 01:06:06  wait 23.00 h: the new key is disabled and rests before it is deleted
         day 1 01:06:06  delete AKIANEWNEWNEWNEWNEW2: done
         day 1 01:06:07  remove AKIANEWNEWNEWNEWNEW2 from secrets-manager:alice: done
         day 1 01:06:08  closed: RolledBack { why: \"AWS did not accept the new key within 5 min\" }
         day 1 01:06:08  done: RolledBack { why: \"AWS did not accept the new key within 5 min\" }
        ",
    );
}
