//! Writes the files, in all threads.

use std::fmt::Write as _;
use std::fs::{self, File};
use std::io::{self, BufWriter, Write as _};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

use libdeflater::{CompressionLvl, Compressor};

use crate::Options;
use crate::event::Writer;
use crate::plan::FilePlan;
use crate::random::{BASE32, BASE64, HEX, Random};
use crate::time::{HOUR, civil};
use crate::truth::{Facts, Truth};
use crate::world::{FIRST_DAY, REGIONS, day_start};

/// As much as CloudTrail's own files are compressed.
const LEVEL: i32 = 6;

pub(crate) fn write(writer: &Writer<'_>, options: &Options, folder: &Path) -> io::Result<()> {
    let trail = folder.join("trail");
    fs::create_dir_all(&trail)?;
    let threads = match options.threads {
        0 => thread::available_parallelism().map_or(1, usize::from),
        given => given,
    };
    let next = AtomicUsize::new(0);
    let work = || -> io::Result<Truth> {
        let mut scribe = Scribe::new(writer, &trail);
        loop {
            let number = next.fetch_add(1, Ordering::Relaxed);
            if number >= writer.plan.files.len() {
                return Ok(scribe.truth);
            }
            scribe.file(number as u32)?;
        }
    };
    let mut truth = thread::scope(|scope| {
        let running: Vec<_> = (0..threads).map(|_| scope.spawn(work)).collect();
        let mut truth = Truth::default();
        for thread in running {
            truth.merge(thread.join().map_err(|_| io::Error::other("a thread panicked"))??);
        }
        Ok::<_, io::Error>(truth)
    })?;
    neighbours(writer, &trail, &mut truth)?;

    let mut summary = truth.summary();
    summary["options"] = serde_json::json!({"events": options.events, "seed": options.seed, "files": options.files, "is_delivered": options.is_delivered});
    fs::write(folder.join("truth.json"), format!("{summary:#}\n"))?;
    let mut keys = BufWriter::new(File::create(folder.join("keys.jsonl"))?);
    truth.write_keys(&mut keys)?;
    keys.flush()
}

/// What one thread writes with.
struct Scribe<'a> {
    writer: &'a Writer<'a>,
    trail: &'a Path,
    truth: Truth,
    text: String,
    pretty: String,
    compressor: Compressor,
    compressed: Vec<u8>,
    facts: Facts,
}

impl<'a> Scribe<'a> {
    fn new(writer: &'a Writer<'a>, trail: &'a Path) -> Self {
        Self {
            writer,
            trail,
            truth: Truth::default(),
            text: String::new(),
            pretty: String::new(),
            compressor: compressor(),
            compressed: Vec::new(),
            facts: Facts::default(),
        }
    }

    fn file(&mut self, number: u32) -> io::Result<()> {
        let plan = &self.writer.plan.files[number as usize];
        let mut random = Random::of(&[self.writer.world.seed, 9, u64::from(number)]);
        let originals = plan.originals();
        // Neither within a file nor among files is there an order.
        let mut order: Vec<u32> = (0..originals + plan.copies.len() as u32).collect();
        for index in (1..order.len()).rev() {
            order.swap(index, random.below(index + 1));
        }
        self.text.clear();
        self.text.push_str(r#"{"Records":["#);
        for (index, &place) in order.iter().enumerate() {
            if index > 0 {
                self.text.push(',');
            }
            let copy = place.checked_sub(originals).map(|copy| plan.copies[copy as usize]);
            let (file, source) = copy.unwrap_or((number, place));
            self.writer.write(file, source, &mut self.text, &mut self.facts);
            self.truth.take(&self.facts, copy.is_some());
        }
        self.text.push_str("]}");
        if plan.is_pretty {
            prettify(&self.text, &mut self.pretty);
            std::mem::swap(&mut self.text, &mut self.pretty);
            self.truth.pretty_files += 1;
        }
        self.truth.files += 1;
        self.truth.empty_files += u64::from(order.is_empty());
        self.truth.raw_bytes += self.text.len() as u64;
        let length = gzip(&mut self.compressor, self.text.as_bytes(), &mut self.compressed)?;
        self.truth.stored_bytes += length as u64;
        self.truth.largest_file = self.truth.largest_file.max(length as u64);
        let path = self.trail.join(self.path(plan, &mut random));
        fs::create_dir_all(path.parent().unwrap_or(self.trail))?;
        fs::write(path, &self.compressed[..length])
    }

    /// Where CloudTrail would put it.
    fn path(&self, plan: &FilePlan, random: &mut Random) -> PathBuf {
        let account = &self.writer.world.accounts[usize::from(plan.account)];
        let folder = folder(account.prefix, &account.id, "CloudTrail", plan.region, plan.day);
        let minute = (plan.window.1 - day_start(plan.day)) / 60 - 1;
        let mut name = format!("{}_CloudTrail_{}_", account.id, REGIONS[usize::from(plan.region)]);
        let (year, month, day) = civil(FIRST_DAY + plan.day);
        let _ = write!(name, "{year}{month:02}{day:02}T{:02}{:02}Z_", minute / 60, minute % 60);
        random.text(16, &BASE64[..62], &mut name);
        name.push_str(".json.gz");
        folder.join(name)
    }
}

fn folder(prefix: &str, account: &str, kind: &str, region: u8, day: i64) -> PathBuf {
    let (year, month, day) = civil(FIRST_DAY + day);
    let region = REGIONS[usize::from(region)];
    PathBuf::from(format!("{prefix}{account}/{kind}/{region}/{year}/{month:02}/{day:02}"))
}

/// What lies beside a trail and holds no records that are asked about.
fn neighbours(writer: &Writer<'_>, trail: &Path, truth: &mut Truth) -> io::Result<()> {
    let (mut compressor, mut compressed) = (compressor(), Vec::new());
    let mut random = Random::of(&[writer.world.seed, 10]);
    let mut put = |path: PathBuf, text: &str| -> io::Result<()> {
        let path = trail.join(path);
        fs::create_dir_all(path.parent().unwrap_or(trail))?;
        let length = gzip(&mut compressor, text.as_bytes(), &mut compressed)?;
        fs::write(path, &compressed[..length])
    };
    for account in &writer.world.accounts {
        for hour in 0..6 {
            let id = &account.id;
            let mut hash = String::new();
            random.text(64, HEX, &mut hash);
            let digest = format!(
                r#"{{"awsAccountId":"{id}","digestStartTime":"2026-07-01T0{hour}:00:00Z","digestEndTime":"2026-07-01T0{hour}:59:59Z","digestS3Bucket":"acme-trail","digestSignatureAlgorithm":"SHA256withRSA","newestEventTime":null,"previousDigestHashValue":"{hash}","logFiles":[]}}"#
            );
            let name =
                format!("{id}_CloudTrail-Digest_us-east-1_main_us-east-1_20260701T0{hour}5959Z.json.gz");
            put(folder(account.prefix, id, "CloudTrail-Digest", 0, 0).join(name), &digest)?;
            truth.digests += 1;
        }
        let mut insight = String::from(
            r#"{"Records":[{"eventVersion":"1.08","eventTime":"2026-07-01T05:00:00Z","awsRegion":"us-east-1","eventID":""#,
        );
        random.uuid(&mut insight);
        let _ = write!(
            insight,
            r#"","eventType":"AwsCloudTrailInsight","recipientAccountId":"{}","insightDetails":{{"state":"Start","eventSource":"ec2.amazonaws.com","eventName":"RunInstances","insightType":"ApiCallRateInsight"}},"eventCategory":"Insight"}}]}}"#,
            account.id
        );
        let name =
            format!("{}_CloudTrail-Insight_us-east-1_20260701T0505Z_0000000000000000.json.gz", account.id);
        put(folder(account.prefix, &account.id, "CloudTrail-Insight", 0, 0).join(name), &insight)?;
        truth.insights += 1;
        let name = format!("{}_Config_us-east-1_ConfigSnapshot_20260701T050000Z.json.gz", account.id);
        let mut item = String::from(
            r#"{"configurationItems":[{"resourceType":"AWS::IAM::AccessKey","resourceId":"AKIA"#,
        );
        random.text(16, BASE32, &mut item);
        item.push_str("\"}]}");
        put(folder(account.prefix, &account.id, "Config", 0, 0).join(name), &item)?;
        truth.foreign += 1;
    }
    debug_assert!(day_start(0) % HOUR == 0, "a trail begins at midnight");
    Ok(())
}

pub(crate) fn compressor() -> Compressor {
    Compressor::new(CompressionLvl::new(LEVEL).unwrap_or_default())
}

/// Compresses into the buffer, which grows as is needed, and tells how much of it is used.
pub(crate) fn gzip(compressor: &mut Compressor, data: &[u8], compressed: &mut Vec<u8>) -> io::Result<usize> {
    let most = compressor.gzip_compress_bound(data.len());
    if compressed.len() < most {
        compressed.resize(most, 0);
    }
    compressor.gzip_compress(data, compressed).map_err(io::Error::other)
}

/// Writes JSON with white space wherever there may be some.
fn prettify(text: &str, pretty: &mut String) {
    pretty.clear();
    let (mut is_in_string, mut is_escaped) = (false, false);
    for character in text.chars() {
        if is_in_string {
            pretty.push(character);
            is_in_string = is_escaped || character != '"';
            is_escaped = !is_escaped && character == '\\';
            continue;
        }
        match character {
            '{' | '[' | ',' => {
                pretty.push(character);
                pretty.push_str("\n    ");
            }
            '}' | ']' => {
                pretty.push_str("\r\n\t");
                pretty.push(character);
            }
            ':' => pretty.push_str(" : "),
            _ => {
                is_in_string = character == '"';
                pretty.push(character);
            }
        }
    }
    pretty.push('\n');
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn white_space_changes_nothing() {
        let text = r#"{"a":[1,{"b,:":"\\\"}],{ "}],"c":{}}"#;
        let mut pretty = String::new();
        prettify(text, &mut pretty);
        let read = |text| serde_json::from_str::<serde_json::Value>(text).unwrap();
        assert!(pretty.len() > text.len());
        assert_eq!(read(&pretty), read(text));
    }
}
