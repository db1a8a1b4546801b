//! Files that cannot be read, each for another reason, beside one that can.

use std::fs;
use std::io;
use std::path::Path;

use serde_json::json;

use crate::output::{compressor, gzip};

/// Makes them in `trail/` in the folder, and says in `truth.json` what is in each.
///
/// # Errors
/// If something cannot be written.
pub fn make(folder: &Path) -> io::Result<()> {
    let trail = folder.join("trail");
    fs::create_dir_all(&trail)?;
    let record = |number: u32| {
        format!(
            r#"{{"eventVersion":"1.08","userIdentity":{{"type":"IAMUser","principalId":"AIDAEXAMPLE","arn":"arn:aws:iam::111122223333:user/alice","accountId":"111122223333","accessKeyId":"AKIAHOSTILE{number:09}","userName":"alice"}},"eventTime":"2026-10-01T00:00:00Z","eventSource":"s3.amazonaws.com","eventName":"GetObject","awsRegion":"us-east-1","sourceIPAddress":"203.0.113.9","userAgent":"curl/8","eventID":"00000000-0000-4000-8000-{number:012}"}}"#
        )
    };
    let records = |from: u32| format!(r#"{{"Records":[{},{}]}}"#, record(from), record(from + 1));
    let mut compressor = compressor();
    let mut pack = |text: &[u8]| -> io::Result<Vec<u8>> {
        let mut packed = Vec::new();
        let length = gzip(&mut compressor, text, &mut packed)?;
        packed.truncate(length);
        Ok(packed)
    };
    let whole = pack(records(1).as_bytes())?;
    let mut wrong_checksum = pack(records(11).as_bytes())?;
    let at = wrong_checksum.len() - 8;
    wrong_checksum[at] ^= 1;
    let mut two_members = pack(&records(21).as_bytes()[..700])?;
    two_members.extend(pack(&records(21).as_bytes()[700..])?);
    let mut trailing = pack(records(31).as_bytes())?;
    trailing.extend(b"not a member");
    let truncated = &whole[..whole.len() / 2];
    let cut = records(41);
    let deep = format!(r#"{{"Records":[{{"a":{}1{}}}]}}"#, "[".repeat(100_000), "]".repeat(100_000));
    let bomb = pack(&vec![b' '; 64 << 20])?;
    let files: [(&str, Vec<u8>, u32, bool, &str); 12] = [
        ("whole.json.gz", whole.clone(), 2, true, "nothing is wrong"),
        ("plain.json", records(51).into_bytes(), 2, true, "not compressed"),
        (
            "lines.jsonl",
            format!("{}\n{}\n", record(61), record(62)).into_bytes(),
            2,
            true,
            "a record on each line",
        ),
        ("two-members.json.gz", two_members, 2, true, "two gzip members"),
        ("truncated.json.gz", truncated.to_vec(), 0, false, "gzip that ends early"),
        ("wrong-checksum.json.gz", wrong_checksum, 0, false, "gzip whose checksum is another"),
        ("trailing.json.gz", trailing, 2, false, "something behind the gzip member"),
        (
            "cut.json.gz",
            pack(&cut.as_bytes()[..cut.len() - 40])?,
            1,
            false,
            "JSON that ends in its second record",
        ),
        ("not-json.json.gz", pack(b"{\"Records\":[{]}")?, 0, false, "not JSON"),
        ("empty.json.gz", Vec::new(), 0, false, "no byte at all"),
        ("deep.json.gz", pack(deep.as_bytes())?, 0, false, "100,000 arrays in one another"),
        ("bomb.json.gz", bomb, 0, false, "64 MiB of blanks"),
    ];
    let mut truth = Vec::new();
    for (name, bytes, records, is_sound, why) in files {
        fs::write(trail.join(name), bytes)?;
        truth.push(
            json!({"file": name, "records_that_can_be_read": records, "is_sound": is_sound, "what": why}),
        );
    }
    fs::write(folder.join("truth.json"), format!("{:#}\n", json!({"files": truth})))
}
