//! Rotations that an older rotakey began: one that knew nothing of controls, approvals, checks and consumers, and had
//! no other places for keys than these three. That rotakey wrote the logs beside this file, each line a hash and the
//! record under it. They are read as they are, and driven to their end.

use super::*;

struct Log {
    text: &'static str,
    /// Where the older rotakey says that it stands.
    stands: &'static str,
    /// How it ends.
    ends: &'static str,
}

const LOGS: [Log; 9] = [
    Log {
        text: include_str!("older/create-cut-off.log"),
        stands: "2: planned, creating",
        ends: "rotated: AKIANEWNEWNEWNEWNEW3",
    },
    Log {
        text: include_str!("older/orphaned.log"),
        stands: "6: orphaned",
        ends: "rotated: AKIANEWNEWNEWNEWNEW3",
    },
    Log {
        text: include_str!("older/adopting.log"),
        stands: "24: adopting AKIANEWNEWNEWNEWNEW2",
        ends: "rotated: AKIANEWNEWNEWNEWNEW2",
    },
    Log {
        text: include_str!("older/asking.log"),
        stands: "17: adopting AKIANEWNEWNEWNEWNEW2, asking",
        ends: "rotated: AKIANEWNEWNEWNEWNEW2",
    },
    Log {
        text: include_str!("older/vouched.log"),
        stands: "17: adopting AKIANEWNEWNEWNEWNEW2",
        ends: "rotated: AKIANEWNEWNEWNEWNEW2",
    },
    Log {
        text: include_str!("older/brown-out.log"),
        stands: "28: brown-out AKIANEWNEWNEWNEWNEW2",
        ends: "rotated: AKIANEWNEWNEWNEWNEW2",
    },
    Log {
        text: include_str!("older/disabled.log"),
        stands: "24: disabled AKIANEWNEWNEWNEWNEW2",
        ends: "rotated: AKIANEWNEWNEWNEWNEW2",
    },
    Log {
        text: include_str!("older/rolling-back.log"),
        stands: "29: rolling-back AKIANEWNEWNEWNEWNEW2, going back",
        ends: "rolled back",
    },
    Log {
        text: include_str!("older/rotated.log"),
        stands: "25: closed",
        ends: "rotated: AKIANEWNEWNEWNEWNEW2",
    },
];

impl Log {
    fn entries(&self) -> Vec<Entry> {
        let records = (1..).zip(self.text.lines()).map(|(version, line)| {
            let (hash, body) = line.split_once(' ').unwrap();
            Record { version, body: body.to_owned(), hash: ChainHash::from_stored(hash.to_owned()) }
        });
        let records: Vec<_> = records.collect();
        let first: serde_json::Value = serde_json::from_str(&records[0].body).unwrap();
        let id = first["rotation"].as_str().unwrap().parse().unwrap();
        Entry::open_all(&id, &records).unwrap()
    }

    /// The rotation as this rotakey reads it, in the world as the other one left it.
    fn story(&self) -> Story {
        let entries = self.entries();
        let Event::Planned { plan } = &entries[0].event else { panic!("{:?}", entries[0]) };
        let rotation = Rotation::replay(&plan.rotation_id(entries[0].at), &entries).unwrap();
        let world = World::new(plan.destinations.len(), Some(SignedDuration::from_hours(1)));
        let mut story = story_in(world, plan.timing.clone());
        for (index, entry) in entries.iter().enumerate() {
            story.world.now = entry.at;
            let refused = matches!(
                entries.get(index + 1).map(|next| &next.event),
                Some(Event::Finished { result: Outcome::Failed { .. } })
            );
            if let Event::Started { intent, .. } = &entry.event
                && !refused
            {
                story.perform(intent);
            }
        }
        story.custody.clear();
        story.edit(|story| story.rotation = rotation)
    }
}

fn stands(rotation: &Rotation) -> String {
    let mut stands = format!("{}: {}", rotation.version(), rotation.state().name());
    stands.extend(rotation.new_key().map(|key| format!(" {key}")));
    let in_flight = rotation.in_flight().map(|effect| &effect.intent);
    stands.push_str(match (in_flight, rotation.question(), rotation.rollback_wanted()) {
        (Some(Intent::Create { .. }), ..) => ", creating",
        (None, Some(Question::StillUsed { .. }), _) => ", asking",
        (None, None, Some(_)) => ", going back",
        (None, None, None) => "",
        other => panic!("{other:?}"),
    });
    stands
}

/// Applications use the new key once it is there; somebody answers what is asked.
fn goes_on(mut story: Story) -> String {
    for _ in 0..40 {
        match story.rotation.ending() {
            Some(Ending::Rotated { new_key }) => return format!("rotated: {new_key}"),
            Some(Ending::RolledBack { .. }) => return "rolled back".to_owned(),
            Some(other) => panic!("{other:?}"),
            None => {}
        }
        if story.rotation.question().is_some() {
            story = story.tell(look_again());
        }
        if let Some(new) = story.rotation.new_key().cloned()
            && story.rotation.rollback_wanted().is_none()
        {
            story = story.used(new.as_str());
        }
        story = story.hours(29).run();
    }
    panic!("it does not end:\n{}", story.transcript)
}

#[test]
fn the_log_of_an_older_rotakey_is_read_as_it_was_meant() {
    for log in &LOGS {
        assert_eq!(stands(&log.story().rotation), log.stands);
    }
}

#[test]
fn what_an_older_rotakey_began_comes_to_its_end() {
    for log in &LOGS {
        assert_eq!(goes_on(log.story()), log.ends, "{}", log.stands);
    }
}

#[test]
fn what_an_older_rotakey_did_not_write_is_not_written_either() {
    for log in &LOGS {
        let (entries, mut before) = (log.entries(), None);
        for (entry, line) in entries.iter().zip(log.text.lines()) {
            let Event::Planned { plan } = &entries[0].event else { panic!("{:?}", entries[0]) };
            let id = plan.rotation_id(entries[0].at);
            let chained = before.unwrap_or_else(|| ChainHash::origin(&id));
            let sealed = Record::seal(&id, entry.version, entry.at, &entry.event, &chained);
            assert_eq!(format!("{} {}", sealed.hash, sealed.body), line);
            before = Some(sealed.hash);
        }
    }
}
