//! By what a file is known again.

use rotakey_trail::fingerprint::fingerprint;

use super::tables::{Digest, FileRow, digest};

/// A file of a trail.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct IndexFile {
    /// Its name: an absolute path, or a URL. A file that has a name that CloudTrail gives, which is different for
    /// every file that it ever writes, is known by the last part alone: it may be moved and copied.
    pub name: String,
    /// Its size as it is stored.
    pub bytes: Option<u64>,
    /// What changes when its content does: its ETag, or the time of its last change.
    pub tag: Option<String>,
    /// The day in its path.
    pub day: Option<i64>,
}

/// Whether the index has a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FileState {
    /// It does not.
    New,
    /// It has it.
    Known,
    /// It has one of that name, but with another content. It is not to be added: what has changed in it cannot be
    /// told from what was added before.
    Changed,
}

impl IndexFile {
    /// What it is known by.
    pub(super) fn digest(&self) -> Digest {
        match self.unique_name() {
            Some(name) => digest(&["cloudtrail file", name]),
            None => digest(&["file", &self.name]),
        }
    }

    pub(super) fn row(&self) -> FileRow {
        FileRow {
            digest: self.digest(),
            bytes: self.bytes.map(|bytes| i64::try_from(bytes).unwrap_or(i64::MAX)),
            tag: self.tag.as_deref().map(|tag| fingerprint(tag.as_bytes()).cast_signed()),
            day: self.day.and_then(|day| i32::try_from(day).ok()).map(i64::from),
        }
    }

    /// Whether it is the one that is known.
    pub(super) fn state(&self, known: Option<&FileRow>) -> FileState {
        let Some(known) = known else { return FileState::New };
        let row = self.row();
        let differ =
            |one: Option<i64>, other: Option<i64>| one.zip(other).is_some_and(|(one, other)| one != other);
        // The copy of a file has another time, and the copy of an object may have another ETag.
        let tag_counts = self.unique_name().is_none();
        if differ(row.bytes, known.bytes) || (tag_counts && differ(row.tag, known.tag)) {
            FileState::Changed
        } else {
            FileState::Known
        }
    }

    /// `012345678901_CloudTrail_eu-central-1_20261123T1545Z_abcdefghijklmnop.json.gz`
    fn unique_name(&self) -> Option<&str> {
        let name = self.name.rsplit('/').next()?;
        let (stem, _) = name.split_once('.')?;
        let parts: Vec<&str> = stem.split('_').collect();
        let is_unique = matches!(parts[..], [account, "CloudTrail", region, time, unique]
            if account.len() == 12 && account.bytes().all(|byte| byte.is_ascii_digit())
                && region.contains('-')
                && time.len() == 14 && time.ends_with('Z')
                && unique.len() == 16 && unique.bytes().all(|byte| byte.is_ascii_alphanumeric()));
        is_unique.then_some(name)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn file(name: &str, bytes: u64, tag: &str) -> IndexFile {
        IndexFile { name: name.to_owned(), bytes: Some(bytes), tag: Some(tag.to_owned()), day: None }
    }

    #[test]
    fn a_file_of_cloudtrail_may_be_moved_and_copied() {
        let name = "012345678901_CloudTrail_eu-central-1_20261123T1545Z_abcdefghijklmnop.json.gz";
        let original = file(&format!("s3://trail/AWSLogs/{name}"), 7, "etag");
        let copy = file(&format!("/mirror/{name}"), 7, "2026-11-24");
        assert_eq!(original.digest(), copy.digest());
        assert_eq!(copy.state(Some(&original.row())), FileState::Known);
        assert_eq!(file(name, 8, "etag").state(Some(&original.row())), FileState::Changed);
    }

    #[test]
    fn any_other_file_is_known_by_its_whole_name_and_tag() {
        let original = file("/logs/a/events.json", 7, "monday");
        assert_ne!(original.digest(), file("/logs/b/events.json", 7, "monday").digest());
        assert_eq!(original.state(Some(&original.row())), FileState::Known);
        assert_eq!(
            file("/logs/a/events.json", 7, "tuesday").state(Some(&original.row())),
            FileState::Changed
        );
        assert_eq!(original.state(None), FileState::New);
    }
}
