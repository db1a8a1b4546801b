//! The labels that people give to entries.

use super::json::{Json, member_mut};
use super::{AWS_TYPE, Baseline, Label, Shelf, digest_of, label_of, line_of, type_of};

/// What an entry is recognised by.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct EntryId {
    /// The file, as the baseline names it.
    pub path: String,
    /// The SHA-1 of the value.
    pub sha1: [u8; 20],
    /// The type that detect-secrets has for it.
    pub secret_type: String,
}

/// An entry.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// What it is recognised by.
    pub id: EntryId,
    /// The line that the value was on when the entry was written; a baseline may be without.
    pub line: Option<u64>,
    /// What a person said of it.
    pub label: Label,
    /// Whether detect-secrets sees it too.
    pub shared: bool,
}

impl Baseline {
    /// All entries in the order of the file, those of other plugins of detect-secrets too.
    pub fn entries(&self) -> Vec<Entry> {
        let entry = |(shelf, file, entry): (Shelf, &str, &Json)| {
            Some(Entry {
                id: EntryId {
                    path: file.to_owned(),
                    sha1: digest_of(entry)?,
                    secret_type: type_of(entry).to_owned(),
                },
                line: line_of(entry),
                label: label_of(entry),
                shared: shelf == Shelf::Results,
            })
        };
        self.all().filter_map(entry).collect()
    }

    /// The entries of AWS keys that nobody has labelled.
    pub fn unlabelled(&self) -> Vec<Entry> {
        let mut entries = self.entries();
        entries.retain(|entry| entry.label == Label::Unlabelled && entry.id.secret_type == AWS_TYPE);
        entries
    }

    /// Labels an entry. Returns whether there is one.
    pub fn set_label(&mut self, id: &EntryId, label: Label) -> bool {
        let (mut found, mut changed) = (false, false);
        for shelf in [Shelf::Results, Shelf::Own] {
            let files = self.shelf_mut(shelf).into_iter().flatten();
            let entries = files
                .filter(|(file, _)| *file == id.path)
                .filter_map(|(_, entries)| entries.as_array_mut())
                .flatten()
                .filter(|entry| digest_of(entry) == Some(id.sha1) && type_of(entry) == id.secret_type);
            for entry in entries {
                found = true;
                if label_of(entry) != label {
                    changed = true;
                    write_label(entry, label);
                }
            }
        }
        if changed {
            self.changed();
        }
        found
    }
}

fn write_label(entry: &mut Json, label: Label) {
    let Some(members) = entry.as_object_mut() else { return };
    let is_secret = match label {
        Label::Unlabelled => return members.retain(|(key, _)| key != "is_secret"),
        Label::Harmless => Json::Bool(false),
        Label::Real => Json::Bool(true),
    };
    match member_mut(members, "is_secret") {
        Some(old) => *old = is_secret,
        None => members.push(("is_secret".to_owned(), is_secret)),
    }
}
