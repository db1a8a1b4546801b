//! Who still holds the old key, where a source of usage tells it.

use super::*;

const BUSY: &str = "10.0.1.0/24";
const MONTHLY: &str = "10.0.0.0/24";

/// A busy application, and a job that runs on the fifth of each month.
fn two_consumers() -> Story {
    story()
        .seen(OLD, BUSY, "2025-11-01T00:00:00Z", "2025-12-31T23:00:00Z", 1)
        .seen(OLD, MONTHLY, "2025-11-05T02:00:00Z", "2025-12-05T02:00:00Z", 30 * 24)
        .run()
        .told_from_here()
}

#[test]
fn a_monthly_job_holds_up_what_a_busy_application_would_let_go() {
    two_consumers()
        .hours(1)
        .used(NEW)
        .seen(NEW, BUSY, "2026-01-01T01:01:03Z", "2026-01-01T01:01:03Z", 0)
        .hours(28)
        .run()
        .reads(
        "
         day 0 01:01:03  (an application uses AKIANEWNEWNEWNEWNEW2)
         day 1 05:01:03  look who uses the keys: 1 the old one, 1 the new one
         day 1 05:01:03  wait 12.00 h: last month's 5th 02:00 job (10.0.0.0/24, aws-cli, s3 in eu-west-1) has not been seen on the new key yet; earliest safe date 2026-01-05 06:00
        ",
    );
}

/// The job is due on 5 January at 02:00.
fn before_the_job() -> Story {
    two_consumers()
        .hours(1)
        .used(NEW)
        .seen(NEW, BUSY, "2026-01-01T01:01:03Z", "2026-01-01T01:01:03Z", 0)
        .hours(28)
        .run()
        .hours(3 * 24)
        .told_from_here()
}

#[test]
fn the_job_that_comes_with_the_new_key_lets_the_old_one_go() {
    before_the_job().seen(NEW, MONTHLY, "2026-01-05T02:00:00Z", "2026-01-05T02:00:00Z", 0).run().reads(
        "
         day 4 05:01:03  look who uses the keys: 0 the old one, 1 the new one
         day 4 05:01:03  note: ReadyToDisable { quiet_since: 2026-01-01T00:01:03Z, adopted: \"the new key was used at 2026-01-05T02:00:00Z (10.0.0.0/24, aws-cli, s3 in eu-west-1); of 2 consumers of the old key none is left, 2 were seen on the new one\" }
         day 4 05:01:03  disable AKIAOLDOLDOLDOLDOLD2: done
         day 4 05:01:04  wait 168.00 h: the old key is disabled and watched before it is deleted
        ",
    );
}

#[test]
fn the_job_that_comes_with_the_old_key_written_into_it_keeps_it_and_is_asked_about_by_name() {
    before_the_job()
        .edit(|story| {
            let at = "2026-01-05T02:00:00Z".parse().unwrap();
            let used = LastUsed::At { at, region: None, service: Some("s3".to_owned()) };
            story.world.last_used.insert(key(OLD), used);
        })
        .seen(OLD, MONTHLY, "2025-11-05T02:00:00Z", "2026-01-05T02:00:00Z", 31 * 24)
        .run()
        .hours(11 * 24)
        .run()
        .reads(
        "
         day 4 05:01:03  note: OldKeyUsed { last_used: At { at: 2026-01-05T02:00:00Z, region: None, service: Some(\"s3\") } }
         day 4 05:01:03  look who uses the keys: 1 the old one, 0 the new one
         day 4 05:01:03  wait 12.00 h: this month's 5th 02:00 job (10.0.0.0/24, aws-cli, s3 in eu-west-1) has not been seen on the new key yet; earliest safe date 2026-02-05 06:00
         day 15 05:01:03  look who uses the keys: 1 the old one, 0 the new one
         day 15 05:01:03  ask: 1 consumer of AKIAOLDOLDOLDOLDOLD2 has not moved: 10.0.0.0/24, aws-cli, s3 in eu-west-1 (last 2026-01-05T02:00:00Z)
        ",
    );
}

#[test]
fn a_person_can_answer_for_those_that_have_not_moved() {
    before_the_job()
        .edit(|story| {
            let at = "2026-01-05T02:00:00Z".parse().unwrap();
            let used = LastUsed::At { at, region: None, service: Some("s3".to_owned()) };
            story.world.last_used.insert(key(OLD), used);
        })
        .seen(OLD, MONTHLY, "2025-11-05T02:00:00Z", "2026-01-05T02:00:00Z", 31 * 24)
        .hours(15 * 24)
        .run()
        .told_from_here()
        .tell(Event::Answered { answer: Answer::Vouch, by: "bob".to_owned() })
        .run()
        .reads(
        "
         day 19 05:01:03  note: ReadyToDisable { quiet_since: 2026-01-05T02:00:00Z, adopted: \"the new key was used at 2026-01-01T01:01:03Z (10.0.1.0/24, aws-cli, s3 in eu-west-1); of 2 consumers of the old key none is left, 1 were seen on the new one\" }
         day 19 05:01:03  disable AKIAOLDOLDOLDOLDOLD2: done
         day 19 05:01:04  wait 168.00 h: the old key is disabled and watched before it is deleted
        ",
    );
}

/// A key that was silent for twenty days: one consumer, which runs every twenty days.
fn rare() -> Story {
    story_with(Timing::default(), Some(SignedDuration::from_hours(24 * 20)))
        .seen(OLD, BUSY, "2025-11-22T00:00:00Z", "2025-12-12T00:00:00Z", 20 * 24)
        .run()
        .told_from_here()
        .hours(24)
        .used(NEW)
        .seen(NEW, BUSY, "2026-01-02T00:01:03Z", "2026-01-02T00:01:03Z", 0)
}

#[test]
fn where_all_consumers_are_known_a_rare_one_that_has_moved_is_not_waited_for() {
    rare().hours(4).run().reads(
        "
         day 1 00:01:03  (an application uses AKIANEWNEWNEWNEWNEW2)
         day 1 04:01:03  look who uses the keys: 0 the old one, 1 the new one
         day 1 04:01:03  note: ReadyToDisable { quiet_since: 2026-01-01T00:01:03Z, adopted: \"the new key was used at 2026-01-02T00:01:03Z (10.0.1.0/24, aws-cli, s3 in eu-west-1); of 1 consumers of the old key none is left, 1 were seen on the new one\" }
         day 1 04:01:03  disable AKIAOLDOLDOLDOLDOLD2: done
         day 1 04:01:04  wait 168.00 h: the old key is disabled and watched before it is deleted
        ",
    );
}

#[test]
fn where_usage_cannot_be_seen_the_old_key_must_be_quiet_for_as_long_as_ever() {
    rare()
        .hours(4)
        .tell(Event::Noted { note: Note::UsageUnknown { why: "AccessDenied".to_owned() } })
        .run()
        .reads(
            "
         day 1 00:01:03  (an application uses AKIANEWNEWNEWNEWNEW2)
         day 1 04:01:03  wait 12.00 h: the old key must stay quiet for 20 d
        ",
        );
}

#[test]
fn the_last_use_that_iam_tells_is_the_floor_whatever_the_source_says() {
    rare().hours(4).used(OLD).run().reads(
        "
         day 1 00:01:03  (an application uses AKIANEWNEWNEWNEWNEW2)
         day 1 04:01:03  (an application uses AKIAOLDOLDOLDOLDOLD2)
         day 1 04:01:03  note: OldKeyUsed { last_used: At { at: 2026-01-02T04:01:03Z, region: None, service: Some(\"s3\") } }
         day 1 04:01:03  look who uses the keys: 0 the old one, 1 the new one
         day 1 04:01:03  wait 12.00 h: the old key must stay quiet for 21 d 4 h
        ",
    );
}

#[test]
fn after_a_rehearsal_the_source_names_who_was_forgotten() {
    let timing = Timing { brown_out: Some(SignedDuration::from_mins(30)), ..Timing::default() };
    story_with(timing, Some(SignedDuration::from_hours(1)))
        .seen(OLD, BUSY, "2025-11-01T00:00:00Z", "2025-12-31T23:00:00Z", 1)
        .run()
        .hours(1)
        .used(NEW)
        .seen(NEW, BUSY, "2026-01-01T01:01:03Z", "2026-01-01T01:01:03Z", 0)
        .hours(28)
        .run()
        .hours(1)
        .run()
        .told_from_here()
        .hours(2)
        .used(OLD)
        .seen(OLD, MONTHLY, "2026-01-02T08:00:00Z", "2026-01-02T08:00:00Z", 0)
        .run()
        .reads(
        "
         day 1 08:01:05  (an application uses AKIAOLDOLDOLDOLDOLD2)
         day 1 08:01:05  note: OldKeyUsed { last_used: At { at: 2026-01-02T08:01:05Z, region: None, service: Some(\"s3\") } }
         day 1 08:01:05  look who uses the keys: 1 the old one, 0 the new one
         day 1 08:01:05  wait 12.00 h: 10.0.0.0/24, aws-cli, s3 in eu-west-1 (last seen on the old key at 2026-01-02 08:00) has not been seen on the new key yet; earliest safe date 2026-02-06 12:00
        ",
    );
}

#[test]
fn a_new_key_is_published_only_where_every_service_knows_it_that_the_old_one_was_used_in() {
    story().edit(|story| story.refusals.extend([("service", 2)])).run().reads(
        "
         day 0 00:00:00  create a new access key for alice: created AKIANEWNEWNEWNEWNEW2
         day 0 00:00:01  stage AKIANEWNEWNEWNEWNEW2 at secrets-manager:alice: done
         day 0 00:00:02  note: Delivered
         day 0 00:00:02  ask AWS whether AKIANEWNEWNEWNEWNEW2 works: accepted as arn:aws:iam::123456789012:user/alice
         day 0 00:00:07  ask AWS whether AKIANEWNEWNEWNEWNEW2 works: accepted as arn:aws:iam::123456789012:user/alice
         day 0 00:00:12  ask AWS whether AKIANEWNEWNEWNEWNEW2 works: accepted as arn:aws:iam::123456789012:user/alice
         day 0 00:00:13  ask s3 in eu-west-1 whether it knows AKIANEWNEWNEWNEWNEW2: failed: InvalidAccessKeyId
         day 0 00:00:18  ask s3 in eu-west-1 whether it knows AKIANEWNEWNEWNEWNEW2: failed: InvalidAccessKeyId
         day 0 00:00:23  ask s3 in eu-west-1 whether it knows AKIANEWNEWNEWNEWNEW2: done
         day 0 00:01:02  publish AKIANEWNEWNEWNEWNEW2 at secrets-manager:alice: done
         day 0 00:01:03  note: Published
         day 0 00:01:03  wait 1.00 h: no application has used the new key yet
        ",
    );
}

#[test]
fn a_service_that_never_learns_of_the_new_key_is_not_given_it() {
    let timing = Timing { verify_timeout: SignedDuration::from_mins(1), ..Timing::default() };
    let story = story_with(timing, Some(SignedDuration::from_hours(1)));
    let story = story.edit(|story| story.refusals.extend([("service", 99)])).run();
    let why = story.rotation.rollback_wanted();
    assert_eq!(why, Some("s3 in eu-west-1 did not accept the new key within 1 min"));
}
