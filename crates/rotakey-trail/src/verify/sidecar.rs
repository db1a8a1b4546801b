//! The signature of a digest, saved beside it.
//!
//! In S3 it is metadata of the object (`x-amz-meta-signature`), which a copy to a disk loses. Whoever wants to keep
//! it saves what `aws s3api head-object` prints as `<digest>.metadata.json` or `<digest>.json`, or the hexadecimal
//! digits alone as `<digest>.sig`.

use std::fs::File;
use std::io::Read as _;
use std::path::Path;

use serde_json::Value;

/// A signature has 512 digits; `head-object` prints some hundred bytes more.
const MOST_BYTES: u64 = 64 << 10;

/// What may stand behind the name of a digest.
const SUFFIXES: [&str; 3] = [".metadata.json", ".json", ".sig"];

/// The signature that was saved beside the digest at that path, if there is one. Digits are not checked here:
/// something else than a signature is a wrong one.
pub(super) fn signature(digest: &Path) -> Option<String> {
    SUFFIXES.iter().find_map(|suffix| {
        let mut path = digest.as_os_str().to_owned();
        path.push(suffix);
        let path = Path::new(&path);
        // A link could lead out of the folder.
        if !path.symlink_metadata().is_ok_and(|metadata| metadata.is_file()) {
            return None;
        }
        let mut text = String::new();
        File::open(path).ok()?.take(MOST_BYTES).read_to_string(&mut text).ok()?;
        if *suffix == ".sig" {
            Some(text.trim().to_owned())
        } else {
            in_json(&serde_json::from_str(&text).ok()?)
        }
    })
}

/// The signature in what the aws CLI, or another tool, says of an object.
fn in_json(object: &Value) -> Option<String> {
    ["Metadata", "metadata", "UserMetadata"]
        .iter()
        .filter_map(|name| object.get(name))
        .chain([object])
        .flat_map(|metadata| {
            ["signature", "Signature", "x-amz-meta-signature"].map(|name| metadata.get(name))
        })
        .find_map(|signature| signature?.as_str())
        .map(str::to_owned)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_signature_is_found_in_several_forms() {
        for (suffix, content) in [
            (
                ".metadata.json",
                r#"{"ContentLength":1,"Metadata":{"signature":"ab12","signature-algorithm":"SHA256withRSA"}}"#,
            ),
            (".json", r#"{"x-amz-meta-signature":"ab12"}"#),
            (".sig", "ab12\n"),
        ] {
            let folder = tempfile::tempdir().unwrap();
            let digest = folder.path().join("d.json.gz");
            assert_eq!(signature(&digest), None);
            std::fs::write(folder.path().join(format!("d.json.gz{suffix}")), content).unwrap();
            assert_eq!(signature(&digest).as_deref(), Some("ab12"), "{suffix}");
        }
    }

    #[test]
    fn what_is_no_metadata_is_no_signature() {
        let folder = tempfile::tempdir().unwrap();
        let digest = folder.path().join("d.json.gz");
        for content in ["", "{", "[]", "7", r#"{"Metadata":{}}"#, r#"{"Metadata":{"signature":7}}"#] {
            std::fs::write(folder.path().join("d.json.gz.json"), content).unwrap();
            assert_eq!(signature(&digest), None, "{content}");
        }
    }
}
