//! Keys that need no successor: one that another took the place of, and one that somebody left behind.

use super::*;

const DAY: SignedDuration = SignedDuration::from_hours(24);

/// Two keys: the old one last used sixty days ago, the other one today, which is served.
pub(super) fn replaced() -> Story {
    pair(Timing::default(), |_| {})
}

pub(super) fn pair(timing: Timing, change: impl FnOnce(&mut Plan)) -> Story {
    let mut world = World::new(1, Some(DAY * 60));
    world.add_key(&key(NEW));
    world.keys.get_mut(&key(NEW)).unwrap().created_at -= DAY * 70;
    world.use_key(&key(NEW), "s3");
    world.places[0] =
        HeldSlots { current: Some(held(&key(NEW))), previous: Some(held(&key(OLD))), pending: None };
    story_to_finish(world, timing, Some(key(NEW)), change)
}

/// One active key, and one that somebody disabled, last used sixty days ago.
pub(super) fn left_behind() -> Story {
    let mut world = World::new(0, Some(DAY * 60));
    world.set_status(&key(OLD), KeyStatus::Inactive);
    world.add_key(&key(NEW));
    story_to_finish(world, Timing::default(), None, |plan| {
        let Task::Finish(finish) = &mut plan.task else { unreachable!() };
        finish.others.insert(key(NEW));
    })
}

fn story_to_finish(
    world: World,
    timing: Timing,
    successor: Option<AccessKeyId>,
    change: impl FnOnce(&mut Plan),
) -> Story {
    let mut plan = plan(&world, timing.clone());
    let brown_out = timing.brown_out.is_some() && successor.is_some();
    plan.task = Task::Finish(Finish { successor, others: BTreeSet::new(), quiet_for: DAY * 35, brown_out });
    change(&mut plan);
    let mut story = story_in(world, timing);
    story.rotation = Rotation::begin(plan.rotation_id(story.world.begun), plan, story.world.begun);
    story
}

#[test]
fn a_key_that_was_replaced_is_disabled_watched_and_deleted_and_none_is_created() {
    replaced().run().hours(7 * 24).run().reads(
        "
         day 0 00:00:00  note: Superseded { quiet_since: 2025-11-02T00:00:00Z, evidence: \"AKIANEWNEWNEWNEWNEW2 was used at 2026-01-01T00:00:00Z, this one was last used at 2025-11-02T00:00:00Z\" }
         day 0 00:00:00  disable AKIAOLDOLDOLDOLDOLD2: done
         day 0 00:00:01  wait 168.00 h: the key is disabled and watched before it is deleted
         day 7 00:00:01  delete AKIAOLDOLDOLDOLDOLD2: done
         day 7 00:00:02  remove AKIAOLDOLDOLDOLDOLD2 from secrets-manager:alice: done
         day 7 00:00:03  closed: Finished { key: AKIAOLDOLDOLDOLDOLD2 }
         day 7 00:00:03  done: Finished { key: AKIAOLDOLDOLDOLDOLD2 }
        ",
    );
}

#[test]
fn a_replaced_key_that_is_used_again_is_enabled_at_once_and_asked_about() {
    replaced()
        .run()
        .told_from_here()
        .hours(24)
        .used(OLD)
        .run()
        .reads(
        "
         day 1 00:00:01  (an application uses AKIAOLDOLDOLDOLDOLD2)
         day 1 00:00:01  note: OldKeyUsed { last_used: At { at: 2026-01-02T00:00:01Z, region: None, service: Some(\"s3\") } }
         day 1 00:00:01  enable AKIAOLDOLDOLDOLDOLD2 again: done
         day 1 00:00:02  ask: AKIAOLDOLDOLDOLDOLD2 is still used: last at 2026-01-02T00:00:01Z, service s3, region unknown
        ",
    );
}

#[test]
fn what_the_plan_rests_on_is_looked_at_again_before_anything_is_done() {
    let asks = |change: fn(&mut Story)| {
        let story = replaced().edit(change).run();
        story.rotation.question().unwrap_or_else(|| panic!("{}", story.transcript)).clone()
    };
    let used = asks(|story| story.world.use_key(&key(OLD), "s3"));
    assert!(matches!(used, Question::StillUsed { .. }));
    let unused = asks(|story| drop(story.world.last_used.remove(&key(NEW))));
    assert!(matches!(unused, Question::StillUsed { .. }), "nothing shows that the other took its place");
    let served = asks(|story| story.world.places[0].current = Some(held(&key(OLD))));
    assert!(matches!(served, Question::DestinationChanged { .. }));
    let disabled = asks(|story| drop(story.world.set_status(&key(NEW), KeyStatus::Inactive)));
    assert_eq!(disabled, Question::DisabledByOthers { key: key(NEW) });
    let third = asks(|story| story.world.add_key(&key(FOREIGN)));
    assert!(matches!(third, Question::ForeignKeys { .. }));
}

#[test]
fn a_crash_while_the_key_is_disabled_ends_in_certainty() {
    let story = replaced().edit(|story| {
        let note = Note::Superseded { quiet_since: story.world.begun - DAY * 60, evidence: "seen".into() };
        story.append(&Event::Noted { note });
    });
    story.crash(true).told_from_here().hours(1).run().reads(
        "
         day 0 01:00:00  Finished { result: Unknown }
         day 0 01:00:00  disable AKIAOLDOLDOLDOLDOLD2: done
         day 0 01:00:01  wait 168.00 h: the key is disabled and watched before it is deleted
        ",
    );
}

#[test]
fn rolled_back_it_is_active_again() {
    let story = replaced().run().told_from_here().tell(rollback()).run();
    assert!(story.world.accepts(&key(OLD)));
    story.reads(
        "
         day 0 00:00:01  enable AKIAOLDOLDOLDOLDOLD2 again: done
         day 0 00:00:02  closed: RolledBack { why: \"it broke\" }
         day 0 00:00:02  done: RolledBack { why: \"it broke\" }
        ",
    );
}

#[test]
fn a_key_left_behind_rests_from_when_it_is_seen_to_be_inactive() {
    left_behind().run().hours(7 * 24).run().reads(
        "
         day 0 00:00:00  note: Superseded { quiet_since: 2025-11-02T00:00:00Z, evidence: \"it is inactive, and was last used at 2025-11-02T00:00:00Z\" }
         day 0 00:00:00  wait 168.00 h: the key is disabled and watched before it is deleted
         day 7 00:00:00  delete AKIAOLDOLDOLDOLDOLD2: done
         day 7 00:00:01  closed: Finished { key: AKIAOLDOLDOLDOLDOLD2 }
         day 7 00:00:01  done: Finished { key: AKIAOLDOLDOLDOLDOLD2 }
        ",
    );
}

#[test]
fn a_key_left_behind_that_somebody_enables_is_asked_about_and_rolled_back_it_stays_as_it_was_left() {
    let story = left_behind().run().hours(24);
    let enabled = story.edit(|story| drop(story.world.set_status(&key(OLD), KeyStatus::Active))).run();
    assert_eq!(enabled.rotation.question(), Some(&Question::EnabledByOthers { key: key(OLD) }));
    let story = left_behind().run().tell(rollback()).run();
    assert!(!story.world.accepts(&key(OLD)), "somebody else disabled it");
    assert!(matches!(story.rotation.ending(), Some(Ending::RolledBack { .. })));
}

fn approved_by(story: &Story, step: ApprovedStep, by: &str) -> Event {
    let by = format!("arn:aws:iam::123456789012:user/{by}");
    Event::Approved {
        approval: Approval { step, plan: story.rotation.plan().hash(), by, at: story.world.now },
    }
}

fn needing(step: ApprovedStep, people: u8) -> impl FnOnce(&mut Plan) {
    move |plan| {
        plan.approvals.push(ApprovalNeed {
            step,
            people,
            by: Vec::new(),
            valid_for: DAY * 3,
            trust_session_names: false,
        });
    }
}

#[test]
fn nothing_begins_and_nothing_is_deleted_before_it_is_approved() {
    let mut story = pair(Timing::default(), |plan| {
        needing(ApprovedStep::Begin, 1)(plan);
        needing(ApprovedStep::Delete, 2)(plan);
    });
    let id = story.rotation.id().clone();
    story = story.run();
    assert!(
        story
            .transcript
            .contains(&format!("given by 0 of 1 person: `rotakey rotate approve {id} --step begin`"))
    );
    story.append(&approved_by(&story, ApprovedStep::Begin, "ann"));
    story = story.run().hours(7 * 24).told_from_here().run();
    assert!(
        story.transcript.contains("approval to delete the old key: given by 0 of 2 people"),
        "{}",
        story.transcript
    );
    let delete = Event::Started {
        intent: Intent::Delete { key: key(OLD) },
        by: "w".parse().unwrap(),
        deadline: story.world.now,
    };
    for person in ["ann", "ann"] {
        assert!(story.rotation.clone().apply(&delete, story.world.now).is_err(), "the machine refuses it");
        story.append(&approved_by(&story, ApprovedStep::Delete, person));
    }
    assert!(story.rotation.clone().apply(&delete, story.world.now).is_err(), "one person is not two");
    story.append(&approved_by(&story, ApprovedStep::Delete, "bob"));
    let late = story.world.now + DAY * 3;
    assert!(story.rotation.clone().apply(&delete, late).is_err(), "approvals expire");
    let story = story.run();
    assert!(matches!(story.rotation.ending(), Some(Ending::Finished { .. })), "{}", story.transcript);
}

#[test]
fn while_a_deletion_waits_for_approval_the_key_is_watched() {
    let story = pair(Timing::default(), needing(ApprovedStep::Delete, 1)).run().hours(7 * 24).run();
    let story = story.used(OLD).run();
    assert!(story.world.accepts(&key(OLD)), "{}", story.transcript);
}

#[test]
fn an_approval_of_another_plan_is_not_taken() {
    let story = pair(Timing::default(), needing(ApprovedStep::Begin, 1));
    let mut approval = approved_by(&story, ApprovedStep::Begin, "ann");
    let taken = |event: &Event| story.rotation.clone().apply(event, story.world.now).is_ok();
    assert!(taken(&approval));
    assert!(!taken(&approved_by(&story, ApprovedStep::Delete, "ann")), "that step needs none");
    let Event::Approved { approval: inner } = &mut approval else { unreachable!() };
    inner.plan = replaced().rotation.plan().hash();
    assert!(!taken(&approval));
}

#[test]
fn a_replacement_too_is_created_and_deleted_only_with_approval() {
    let story = story();
    let mut plan = story.rotation.plan().clone();
    needing(ApprovedStep::Begin, 1)(&mut plan);
    needing(ApprovedStep::Delete, 1)(&mut plan);
    let begun = story.world.begun;
    let mut story =
        story.edit(|story| story.rotation = Rotation::begin(plan.rotation_id(begun), plan, begun)).run();
    assert!(story.world.keys.len() == 1, "{}", story.transcript);
    story.append(&approved_by(&story, ApprovedStep::Begin, "ann"));
    let mut story = story.run().hours(1).used(NEW).hours(28).run().hours(7 * 24).told_from_here().run();
    assert!(story.transcript.contains("approval to delete the old key"), "{}", story.transcript);
    story = story.hours(1).told_from_here().run();
    assert!(
        !story.transcript.contains("ask AWS"),
        "no probe for a deletion that waits: {}",
        story.transcript
    );
    story.append(&approved_by(&story, ApprovedStep::Delete, "ann"));
    let story = story.run();
    assert!(matches!(story.rotation.ending(), Some(Ending::Rotated { .. })), "{}", story.transcript);
}
