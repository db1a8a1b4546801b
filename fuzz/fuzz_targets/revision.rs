//! Any name of a commit is followed or refused, and the way to ancestors is that of the parents.

#![no_main]

use libfuzzer_sys::fuzz_target;
use rotakey_fuzz::Input;
use rotakey_scan::git::objects::{Object, ObjectFormat, ObjectKind, ReadError};
use rotakey_scan::git::read::ReadObjects;
use rotakey_scan::git::refs::References;
use rotakey_scan::git::revision::resolve;
use rotakey_scan::object_id::ObjectId;

/// Commits, by their numbers, of which each knows only those before it.
#[derive(Debug, Default)]
struct Commits {
    parents: Vec<Vec<usize>>,
    content: Vec<u8>,
}

fn id(number: usize) -> ObjectId {
    let mut bytes = [0xab; 20];
    bytes[1] = number as u8;
    ObjectId::from_bytes(&bytes).unwrap()
}

impl ReadObjects for Commits {
    fn read(&mut self, wanted: &ObjectId) -> Result<Option<Object<'_>>, ReadError> {
        let number = usize::from(wanted.as_bytes()[1]);
        let Some(parents) = self.parents.get(number).filter(|_| id(number) == *wanted) else {
            return Ok(None);
        };
        let lines: String = parents.iter().map(|parent| format!("parent {}\n", id(*parent))).collect();
        self.content = format!("tree {}\n{lines}\n", id(255)).into_bytes();
        Ok(Some(Object { kind: ObjectKind::Commit, content: &self.content }))
    }

    fn find_prefix(&mut self, digits: &str) -> Vec<ObjectId> {
        let ids = (0..self.parents.len()).map(id);
        ids.filter(|id| id.to_string().starts_with(digits)).collect()
    }

    fn format(&self) -> ObjectFormat {
        ObjectFormat::Sha1
    }
}

fuzz_target!(|input: &[u8]| {
    let mut input = Input(input);
    let mut commits = Commits::default();
    for number in 0..1 + input.below(16) {
        let count = input.below(4).min(number);
        commits.parents.push((0..count).map(|_| input.below(number)).collect());
    }
    let last = commits.parents.len() - 1;
    let steps: Vec<(usize, usize)> = (0..input.below(6)).map(|_| (input.below(2), input.below(5))).collect();
    let text = String::from_utf8_lossy(input.0);
    let references = References::default();
    for text in [text.to_string(), format!("{}{text}", id(last)), format!("ab{last:02x}{text}")] {
        if let Ok(found) = resolve(&text, &references, &mut commits) {
            assert!((0..=last).any(|number| id(number) == found));
        }
    }
    let (mut name, mut expected) = (id(last).to_string(), Some(last));
    for (operator, count) in steps {
        name += &format!("{}{count}", ["~", "^"][operator]);
        let parent = |commit: usize, which: usize| commits.parents[commit].get(which).copied();
        expected = match (operator, count) {
            (_, 0) => expected,
            (0, _) => (0..count).try_fold(expected, |commit, _| Some(parent(commit?, 0))).flatten(),
            _ => expected.and_then(|commit| parent(commit, count - 1)),
        };
    }
    let found = resolve(&name, &references, &mut commits).ok();
    assert_eq!(found, expected.map(id), "{name}");
});
