//! Texts with something made up in them.

use std::fmt::Write as _;

use crate::catalogue::POLICY_DOCUMENT;
use crate::random::{BASE32, BASE64, HEX, Random};
use crate::time;

/// What a text may speak of.
pub(crate) struct Context<'a> {
    pub(crate) account: &'a str,
    pub(crate) region: &'a str,
    pub(crate) time: i64,
}

/// How every key id begins that is never a caller's.
pub(crate) const DECOY: &str = "AKIADECOY";

const NAMES: &[&str] = &[
    "billing-export",
    "checkout-api",
    "core-network",
    "data-lake",
    "edge-proxy",
    "etl-nightly",
    "grafana",
    "identity",
    "inventory",
    "legacy-import",
    "ml-features",
    "orders",
    "payments-eu",
    "platform-ci",
    "reporting",
    "search-index",
    "sessions",
    "shared-tools",
    "telemetry",
    "user-uploads",
];
const FOLDERS: &[&str] =
    &["raw/events", "export/2026/10", "backups/postgres", "models/v3", "uploads/tmp", "año/datos", "a/b/c"];
const ENDINGS: &[&str] = &["parquet", "json.gz", "tar.zst", "csv", "png", "log"];

/// Appends the text with every `<name>` replaced.
pub(crate) fn expand(text: &mut String, template: &str, random: &mut Random, context: &Context<'_>) {
    let mut rest = template;
    while let Some(start) = rest.find('<') {
        text.push_str(&rest[..start]);
        rest = &rest[start + 1..];
        let end = rest.find('>').unwrap_or(rest.len());
        let name = &rest[..end];
        rest = &rest[(end + 1).min(rest.len())..];
        replace(text, name, random, context);
    }
    text.push_str(rest);
}

fn replace(text: &mut String, name: &str, random: &mut Random, context: &Context<'_>) {
    match name {
        "account" => text.push_str(context.account),
        "region" => text.push_str(context.region),
        "uuid" => random.uuid(text),
        "hex8" => random.text(8, HEX, text),
        "hex17" => random.text(17, HEX, text),
        "hex32" => random.text(32, HEX, text),
        "hex64" => random.text(64, HEX, text),
        "b64_76" => random.text(76, BASE64, text),
        "b64_320" => random.text(320, BASE64, text),
        "base32_17" => random.text(17, BASE32, text),
        "n" => push(text, random.below(1_000)),
        "N" => push(text, random.below(1_000_000_000)),
        "name" => {
            text.push_str(NAMES[random.skewed(NAMES.len())]);
            if random.per_mille(400) {
                text.push('-');
                push(text, random.below(40));
            }
        }
        "bucket" => {
            text.push_str("acme-");
            text.push_str(NAMES[random.skewed(NAMES.len())]);
            text.push('-');
            text.push_str(context.account);
        }
        "path" => {
            text.push_str(FOLDERS[random.skewed(FOLDERS.len())]);
            text.push_str("/part-");
            push(text, random.below(100_000));
            text.push('-');
            random.text(12, HEX, text);
            text.push('.');
            text.push_str(ENDINGS[random.below(ENDINGS.len())]);
        }
        "decoy" => decoy(text, random),
        "awsdate" => time::spoken(text, context.time, random.per_mille(500)),
        "policy" => expand(text, POLICY_DOCUMENT, random, context),
        // What CloudTrail itself writes in place of secrets.
        other => {
            text.push('<');
            text.push_str(other);
            text.push('>');
        }
    }
}

/// A key id that nobody signs with.
pub(crate) fn decoy(text: &mut String, random: &mut Random) {
    text.push_str(DECOY);
    random.text(11, BASE32, text);
}

fn push(text: &mut String, number: usize) {
    let _ = write!(text, "{number}");
}
