//! Names and keys of the objects that CloudTrail writes, and where they are below a folder.

use crate::event_time::EventTime;

/// The folder of the digests, below that of an account.
pub(super) const DIGESTS: &str = "CloudTrail-Digest";
/// The folder of the log files, beside it.
pub(super) const LOGS: &str = "CloudTrail";

/// What the name of a digest says:
/// `Account_CloudTrail-Digest_Region_Trail_HomeRegion_YYYYMMDDTHHMMSSZ[_backfill].json.gz`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct DigestName {
    pub(super) account: String,
    pub(super) region: String,
    pub(super) trail: String,
    pub(super) home_region: String,
    pub(super) end: EventTime,
    /// Delivered later, for log files that the digest of their hour did not list.
    pub(super) is_backfill: bool,
}

impl DigestName {
    /// Reads the name of a file.
    pub(super) fn parse(name: &str) -> Option<Self> {
        let stem = name.strip_suffix(".json.gz")?;
        let (stem, is_backfill) = match stem.strip_suffix("_backfill") {
            Some(stem) => (stem, true),
            None => (stem, false),
        };
        let (account, rest) = stem.split_once("_CloudTrail-Digest_")?;
        let (rest, end) = rest.rsplit_once('_')?;
        let (rest, home_region) = rest.rsplit_once('_')?;
        let (region, trail) = rest.split_once('_')?;
        Some(Self {
            account: account.to_owned(),
            region: region.to_owned(),
            trail: trail.to_owned(),
            home_region: home_region.to_owned(),
            end: compact_time(end)?,
            is_backfill,
        })
    }
}

/// The time in the name of a log file, `Account_CloudTrail_Region_YYYYMMDDTHHmmZ_Unique.json.gz`: when it was
/// delivered, to the minute.
pub(super) fn log_time(name: &str) -> Option<EventTime> {
    name.split('_').skip(2).find_map(compact_time)
}

/// Whether a name is that of something that readers of a trail read.
pub(super) fn is_log_name(name: &str) -> bool {
    [".gz", ".json", ".jsonl", ".zst"].iter().any(|suffix| name.ends_with(suffix))
}

/// Whether a folder may be that of a region, such as `us-east-1` or `us-gov-west-1`.
pub(super) fn is_region(name: &str) -> bool {
    let mut parts = name.split('-').rev();
    let is_number = |part: &str| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit());
    let is_word = |part: &str| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_lowercase());
    parts.next().is_some_and(is_number) && parts.clone().count() >= 2 && parts.all(is_word)
}

/// `20150817T150131Z` or `20150817T1501Z`.
fn compact_time(text: &str) -> Option<EventTime> {
    let (date, clock) = text.strip_suffix('Z')?.split_once('T')?;
    if date.len() != 8 || !matches!(clock.len(), 4 | 6) || !text.is_ascii() {
        return None;
    }
    let seconds = clock.get(4..).filter(|seconds| !seconds.is_empty()).unwrap_or("00");
    let (year, month, day) = (&date[..4], &date[4..6], &date[6..]);
    EventTime::parse(&format!("{year}-{month}-{day}T{}:{}:{seconds}Z", &clock[..2], &clock[2..4]))
}

/// How the keys of a bucket become places below the folder that was given. The folder may hold the whole bucket, or
/// a part of it (`aws s3 sync s3://bucket/AWSLogs/111122223333 here`), or several buckets in folders of their own.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(super) struct Mapping {
    /// The folders below the given one that are no part of the key; empty, or ending in `/`.
    added: String,
    /// The beginning of the key that has no folder; empty, or ending in `/`.
    removed: String,
}

impl Mapping {
    /// The mapping under which the object of that key is at that place. `None` if there is none: then the file is not
    /// where CloudTrail put it.
    pub(super) fn of(key: &str, place: &str) -> Option<Self> {
        let (before, tail) = split_at_digests(key)?;
        let (place_before, place_tail) = split_at_digests(place)?;
        if !is_plain(key) || tail != place_tail {
            return None;
        }
        if let Some(removed) = strip_folders(before, place_before) {
            return Some(Self { added: String::new(), removed: removed.to_owned() });
        }
        let added = strip_folders(place_before, before)?;
        Some(Self { added: added.to_owned(), removed: String::new() })
    }

    /// Where the object of that key is, below the folder. `None` if it cannot be there.
    pub(super) fn place(&self, key: &str) -> Option<String> {
        let rest = key.strip_prefix(&self.removed)?;
        is_plain(key).then(|| format!("{}{rest}", self.added))
    }
}

/// Whether every part of the key is a name of a file or a folder, so that it leads nowhere but down.
fn is_plain(key: &str) -> bool {
    key.split('/').all(|part| !matches!(part, "" | "." | "..") && !part.contains(['\0', '\\']))
}

/// Splits behind the last `/` before the folder of the digests.
fn split_at_digests(path: &str) -> Option<(&str, &str)> {
    let start = path.match_indices(DIGESTS).map(|(index, _)| index).find(|&index| {
        (index == 0 || path.as_bytes()[index - 1] == b'/') && path[index + DIGESTS.len()..].starts_with('/')
    })?;
    Some(path.split_at(start))
}

/// The folders without these at their end.
fn strip_folders<'a>(folders: &'a str, end: &str) -> Option<&'a str> {
    folders.strip_suffix(end).filter(|rest| rest.is_empty() || rest.ends_with('/'))
}

#[cfg(test)]
mod tests {
    use super::*;

    const NAME: &str =
        "111122223333_CloudTrail-Digest_us-east-2_my_trail.x_eu-west-1_20150817T150131Z_backfill.json.gz";

    #[test]
    fn names_are_read_from_both_ends() {
        let name = DigestName::parse(NAME).unwrap();
        assert_eq!((name.account.as_str(), name.region.as_str()), ("111122223333", "us-east-2"));
        assert_eq!((name.trail.as_str(), name.home_region.as_str()), ("my_trail.x", "eu-west-1"));
        assert_eq!(name.end.to_string(), "2015-08-17T15:01:31Z");
        assert!(name.is_backfill);
        assert_eq!(DigestName::parse("111122223333_CloudTrail_us-east-2_20150817T1501Z_x.json.gz"), None);

        let time = |name| log_time(name).map(|time| time.to_string());
        let usual = "111122223333_CloudTrail_us-east-2_20150817T1501Z_HeTxInpLxqAM9Rmd.json.gz";
        assert_eq!(time(usual).as_deref(), Some("2015-08-17T15:01:00Z"));
        assert_eq!(time("111122223333_CloudTrail_us-east-2_20151317T1501Z_x.json.gz"), None);
        assert_eq!(time("ä_é_\u{1f511}0817T1501Z"), None);
    }

    #[test]
    fn regions_are_told_from_other_folders() {
        for region in ["us-east-1", "ap-southeast-2", "us-gov-west-1", "us-iso-east-1"] {
            assert!(is_region(region), "{region}");
        }
        for other in ["AWSLogs", "2015", "east-1", "", "-", "us-east-", "111122223333"] {
            assert!(!is_region(other), "{other}");
        }
    }

    #[test]
    fn a_folder_may_hold_a_bucket_or_a_part_of_it_or_several() {
        let key = "p/AWSLogs/1/CloudTrail-Digest/us-east-1/2015/08/17/d.json.gz";
        let log = "p/AWSLogs/1/CloudTrail/us-east-1/2015/08/17/l.json.gz";
        let place = |at: &str| Mapping::of(key, at).and_then(|mapping| mapping.place(log));
        let tail = "CloudTrail-Digest/us-east-1/2015/08/17/d.json.gz";
        let expected = "CloudTrail/us-east-1/2015/08/17/l.json.gz";
        for before in ["p/AWSLogs/1/", "AWSLogs/1/", "1/", "", "bucket/p/AWSLogs/1/"] {
            let place = place(&format!("{before}{tail}"));
            assert_eq!(place, Some(format!("{before}{expected}")), "{before}");
        }
        for moved in ["p/AWSLogs/2/", "AWSLogs/11/", "other/1/"] {
            assert_eq!(place(&format!("{moved}{tail}")), None, "{moved}");
        }
        assert_eq!(place("p/AWSLogs/1/CloudTrail-Digest/us-east-1/2015/08/18/d.json.gz"), None);
    }

    #[test]
    fn no_key_leads_out_of_the_folder() {
        let mapping = Mapping::default();
        for key in ["../x", "a/../../x", "/etc/passwd", "a//b", "./a", "a/.", "a\0b", "..\\x", ""] {
            assert_eq!(mapping.place(key), None, "{key:?}");
        }
        assert_eq!(mapping.place("a/b..c/...").as_deref(), Some("a/b..c/..."));
    }
}
