//! The way forward, and what holds it up.

use super::*;

#[test]
fn a_key_is_created_delivered_verified_adopted_disabled_watched_and_only_then_deleted() {
    story().run().hours(1).used(NEW).run().hours(28).run().hours(7 * 24).run().reads(
        "
         day 0 00:00:00  create a new access key for alice: created AKIANEWNEWNEWNEWNEW2
         day 0 00:00:01  stage AKIANEWNEWNEWNEWNEW2 at secrets-manager:alice: done
         day 0 00:00:02  note: Delivered
         day 0 00:00:02  ask AWS whether AKIANEWNEWNEWNEWNEW2 works: accepted as arn:aws:iam::123456789012:user/alice
         day 0 00:00:07  ask AWS whether AKIANEWNEWNEWNEWNEW2 works: accepted as arn:aws:iam::123456789012:user/alice
         day 0 00:00:12  ask AWS whether AKIANEWNEWNEWNEWNEW2 works: accepted as arn:aws:iam::123456789012:user/alice
         day 0 00:00:13  ask s3 in eu-west-1 whether it knows AKIANEWNEWNEWNEWNEW2: done
         day 0 00:01:02  publish AKIANEWNEWNEWNEWNEW2 at secrets-manager:alice: done
         day 0 00:01:03  note: Published
         day 0 00:01:03  wait 1.00 h: no application has used the new key yet
         day 0 01:01:03  (an application uses AKIANEWNEWNEWNEWNEW2)
         day 0 01:01:03  wait 27.00 h: the old key must stay quiet for 1 d
         day 1 05:01:03  note: ReadyToDisable { quiet_since: 2026-01-01T00:01:03Z, adopted: \"the new key was used at 2026-01-01T01:01:03Z (s3)\" }
         day 1 05:01:03  disable AKIAOLDOLDOLDOLDOLD2: done
         day 1 05:01:04  wait 168.00 h: the old key is disabled and watched before it is deleted
         day 8 05:01:04  ask AWS whether AKIANEWNEWNEWNEWNEW2 works: accepted as arn:aws:iam::123456789012:user/alice
         day 8 05:01:05  delete AKIAOLDOLDOLDOLDOLD2: done
         day 8 05:01:06  remove AKIAOLDOLDOLDOLDOLD2 from secrets-manager:alice: done
         day 8 05:01:07  closed: Rotated { new_key: AKIANEWNEWNEWNEWNEW2 }
         day 8 05:01:07  done: Rotated { new_key: AKIANEWNEWNEWNEWNEW2 }
        ",
    );
}

#[test]
fn a_failed_look_is_never_permission() {
    adopted()
        .edit(|story| {
            story.transcript.clear();
            story.blind = true;
            story.world.now += SignedDuration::from_hours(24 * 30);
        })
        .run()
        .reads(
            "
         day 31 05:01:04  wait 0.03 h: throttled
        ",
        );
}

#[test]
fn an_old_key_that_is_still_used_is_waited_for_and_then_asked_about() {
    let mut story = story().run().told_from_here();
    for _ in 0..15 {
        story = story.hours(24).used(NEW).used(OLD).told_from_here().run();
    }
    story.reads(
        "
         day 15 00:01:03  ask: AKIAOLDOLDOLDOLDOLD2 is still used: last at 2026-01-15T00:01:03Z, service s3, region unknown
        ",
    );
}

#[test]
fn a_new_key_that_nobody_uses_is_not_taken_for_adopted_until_somebody_vouches() {
    story()
        .run()
        .told_from_here()
        .hours(14 * 24)
        .run()
        .tell(Event::Answered { answer: Answer::Vouch, by: "bob".to_owned() })
        .run()
        .reads(
        "
         day 14 00:01:03  ask: the old key is quiet, but nobody has used the new one since 2026-01-01T00:01:03Z
         day 14 00:01:03  note: ReadyToDisable { quiet_since: 2026-01-01T00:01:03Z, adopted: \"bob vouched for it\" }
         day 14 00:01:03  disable AKIAOLDOLDOLDOLDOLD2: done
         day 14 00:01:04  wait 168.00 h: the old key is disabled and watched before it is deleted
        ",
    );
}

#[test]
fn a_key_that_was_silent_for_twenty_days_is_waited_for_twenty_days() {
    story_with(Timing::default(), Some(SignedDuration::from_hours(24 * 20)))
        .run()
        .told_from_here()
        .hours(24)
        .used(NEW)
        .run()
        .hours(24 * 20)
        .run()
        .reads(
        "
         day 1 00:01:03  (an application uses AKIANEWNEWNEWNEWNEW2)
         day 1 00:01:03  wait 460.02 h: the old key must stay quiet for 20 d
         day 21 00:01:03  note: ReadyToDisable { quiet_since: 2026-01-01T00:01:03Z, adopted: \"the new key was used at 2026-01-02T00:01:03Z (s3)\" }
         day 21 00:01:03  disable AKIAOLDOLDOLDOLDOLD2: done
         day 21 00:01:04  wait 168.00 h: the old key is disabled and watched before it is deleted
        ",
    );
}

#[test]
fn a_key_that_was_never_used_needs_nobody_to_adopt_it() {
    story_with(Timing::default(), None).run().hours(28).run().reads(
        "
         day 0 00:00:00  create a new access key for alice: created AKIANEWNEWNEWNEWNEW2
         day 0 00:00:01  stage AKIANEWNEWNEWNEWNEW2 at secrets-manager:alice: done
         day 0 00:00:02  note: Delivered
         day 0 00:00:02  ask AWS whether AKIANEWNEWNEWNEWNEW2 works: accepted as arn:aws:iam::123456789012:user/alice
         day 0 00:00:07  ask AWS whether AKIANEWNEWNEWNEWNEW2 works: accepted as arn:aws:iam::123456789012:user/alice
         day 0 00:00:12  ask AWS whether AKIANEWNEWNEWNEWNEW2 works: accepted as arn:aws:iam::123456789012:user/alice
         day 0 00:01:02  publish AKIANEWNEWNEWNEWNEW2 at secrets-manager:alice: done
         day 0 00:01:03  note: Published
         day 0 00:01:03  wait 28.00 h: the old key must stay quiet for 1 d
         day 1 04:01:03  note: ReadyToDisable { quiet_since: 2026-01-01T00:01:03Z, adopted: \"the old key was never used\" }
         day 1 04:01:03  disable AKIAOLDOLDOLDOLDOLD2: done
         day 1 04:01:04  wait 168.00 h: the old key is disabled and watched before it is deleted
        ",
    );
}

#[test]
fn a_use_that_shows_late_enables_the_old_key_again() {
    adopted()
        .told_from_here()
        .edit(|story| {
            let before_the_disable = LastUsed::At {
                at: story.world.now - SignedDuration::from_hours(3),
                region: None,
                service: Some("s3".to_owned()),
            };
            story.world.last_used.insert(key(OLD), before_the_disable);
        })
        .hours(2)
        .run()
        .reads(
        "
         day 1 07:01:04  note: OldKeyUsed { last_used: At { at: 2026-01-02T02:01:04Z, region: None, service: Some(\"s3\") } }
         day 1 07:01:04  enable AKIAOLDOLDOLDOLDOLD2 again: done
         day 1 07:01:05  wait 26.02 h: the old key must stay quiet for 1 d 3 h
        ",
    );
}

#[test]
fn a_brown_out_names_the_application_that_was_forgotten() {
    let timing = Timing { brown_out: Some(SignedDuration::from_mins(30)), ..Timing::default() };
    story_with(timing, Some(SignedDuration::from_hours(1)))
        .run()
        .hours(1)
        .used(NEW)
        .hours(28)
        .told_from_here()
        .run()
        .hours(1)
        .run()
        .used(OLD)
        .run()
        .reads(
        "
         day 1 05:01:03  note: ReadyToDisable { quiet_since: 2026-01-01T00:01:03Z, adopted: \"the new key was used at 2026-01-01T01:01:03Z (s3)\" }
         day 1 05:01:03  disable AKIAOLDOLDOLDOLDOLD2: done
         day 1 05:01:04  wait 0.50 h: the old key is disabled for a rehearsal
         day 1 06:01:04  enable AKIAOLDOLDOLDOLDOLD2 again: done
         day 1 06:01:05  wait 28.00 h: after the rehearsal, the old key must not be used again
         day 1 06:01:05  (an application uses AKIAOLDOLDOLDOLDOLD2)
         day 1 06:01:05  note: OldKeyUsed { last_used: At { at: 2026-01-02T06:01:05Z, region: None, service: Some(\"s3\") } }
         day 1 06:01:05  wait 35.02 h: the old key must stay quiet for 1 d 7 h
        ",
    );
}

#[test]
fn a_step_that_is_refused_again_and_again_asks() {
    story().edit(|story| story.refusals.extend([("create", 99)])).run().hours(1).run().reads(
        "
         day 0 00:00:00  create a new access key for alice: failed: no
         day 0 00:00:10  create a new access key for alice: failed: no
         day 0 00:00:30  create a new access key for alice: failed: no
         day 0 00:01:10  create a new access key for alice: failed: no
         day 0 00:01:11  wait 0.02 h: trying again after: no
         day 0 01:01:11  create a new access key for alice: failed: no
         day 0 01:01:12  ask: cannot create a new access key for alice: no
        ",
    );
}

#[test]
fn a_destination_that_refuses_is_found_before_a_key_is_created() {
    story()
        .edit(|story| story.preflight = Preflight::Refused("AccessDenied".to_owned()))
        .run()
        .edit(|story| story.preflight = Preflight::Ready)
        .tell(look_again())
        .edit(|story| {
            assert_eq!(story.world.keys.len(), 1, "no key was created");
            story.transcript.push_str("(it is repaired)\n");
        })
        .run()
        .reads(
        "
         day 0 00:00:00  ask: secrets-manager:alice: AccessDenied
         (it is repaired)
         day 0 00:00:00  create a new access key for alice: created AKIANEWNEWNEWNEWNEW2
         day 0 00:00:01  stage AKIANEWNEWNEWNEWNEW2 at secrets-manager:alice: done
         day 0 00:00:02  note: Delivered
         day 0 00:00:02  ask AWS whether AKIANEWNEWNEWNEWNEW2 works: accepted as arn:aws:iam::123456789012:user/alice
         day 0 00:00:07  ask AWS whether AKIANEWNEWNEWNEWNEW2 works: accepted as arn:aws:iam::123456789012:user/alice
         day 0 00:00:12  ask AWS whether AKIANEWNEWNEWNEWNEW2 works: accepted as arn:aws:iam::123456789012:user/alice
         day 0 00:00:13  ask s3 in eu-west-1 whether it knows AKIANEWNEWNEWNEWNEW2: done
         day 0 00:01:02  publish AKIANEWNEWNEWNEWNEW2 at secrets-manager:alice: done
         day 0 00:01:03  note: Published
         day 0 00:01:03  wait 1.00 h: no application has used the new key yet
        ",
    );
}

#[test]
fn a_log_in_which_a_key_is_deleted_before_it_is_disabled_cannot_be_written() {
    let story = story().run();
    let delete = Event::Started {
        intent: Intent::Delete { key: key(OLD) },
        by: "w".parse().unwrap(),
        deadline: story.world.now,
    };
    assert!(story.rotation.clone().apply(&delete, story.world.now).is_err());
    assert!(
        adopted().rotation.apply(&delete, story.world.now).is_err(),
        "disabled, but not rested nor checked"
    );
}

#[test]
fn a_new_key_that_aws_no_longer_accepts_keeps_the_old_one_from_being_deleted() {
    adopted()
        .told_from_here()
        .hours(7 * 24)
        .edit(|story| story.refusals.extend([("probe", 99)]))
        .run()
        .hours(1)
        .run()
        .reads(
            "
         day 8 05:01:04  ask AWS whether AKIANEWNEWNEWNEWNEW2 works: failed: no
         day 8 05:01:14  ask AWS whether AKIANEWNEWNEWNEWNEW2 works: failed: no
         day 8 05:01:34  ask AWS whether AKIANEWNEWNEWNEWNEW2 works: failed: no
         day 8 05:02:14  ask AWS whether AKIANEWNEWNEWNEWNEW2 works: failed: no
         day 8 05:02:15  wait 0.02 h: trying again after: no
         day 8 06:02:15  ask AWS whether AKIANEWNEWNEWNEWNEW2 works: failed: no
         day 8 06:02:16  ask: cannot ask AWS whether AKIANEWNEWNEWNEWNEW2 works: no
        ",
        );
}

#[test]
fn whoever_vouched_is_not_believed_once_the_old_key_is_used_again() {
    story()
        .run()
        .hours(14 * 24)
        .run()
        .told_from_here()
        .tell(Event::Answered { answer: Answer::Vouch, by: "bob".to_owned() })
        .used(OLD)
        .run()
        .hours(15 * 24)
        .run()
        .reads(
        "
         day 14 00:01:03  (an application uses AKIAOLDOLDOLDOLDOLD2)
         day 14 00:01:03  note: OldKeyUsed { last_used: At { at: 2026-01-15T00:01:03Z, region: None, service: Some(\"s3\") } }
         day 14 00:01:03  wait 1.00 h: no application has used the new key yet
         day 29 00:01:03  ask: the old key is quiet, but nobody has used the new one since 2026-01-01T00:01:03Z
        ",
    );
}

#[test]
fn an_older_answer_does_not_unmake_a_use_of_the_old_key() {
    let older = LastUsed::At { at: "2025-12-31T23:00:00Z".parse().unwrap(), region: None, service: None };
    story()
        .run()
        .hours(20)
        .used(NEW)
        .used(OLD)
        .run()
        .told_from_here()
        .edit(|story| drop(story.world.last_used.insert(key(OLD), older)))
        .hours(10)
        .run()
        .reads(
            "
         day 1 06:01:03  wait 18.00 h: the old key must stay quiet for 1 d
        ",
        );
}
