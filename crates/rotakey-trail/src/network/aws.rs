//! Which addresses are AWS's own: `ip-ranges.json`, as AWS publishes it.
//!
//! The form is described at <https://docs.aws.amazon.com/vpc/latest/userguide/aws-ip-syntax.html>.

use serde::Deserialize;

use super::prefix::Prefix;
use super::ranges::Ranges;

/// What AWS says of one of its ranges.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct AwsRange {
    /// Its region, or `GLOBAL`.
    pub region: String,
    /// The service, such as `EC2`; `AMAZON` where no more is told.
    pub service: String,
}

#[derive(Deserialize)]
struct File {
    prefixes: Vec<Entry>,
    #[serde(default)]
    ipv6_prefixes: Vec<Entry>,
}

#[derive(Deserialize)]
struct Entry {
    #[serde(alias = "ip_prefix", alias = "ipv6_prefix")]
    prefix: String,
    region: String,
    service: String,
}

/// Reads the file. `Err` has a prefix that is none.
pub(super) fn parse(json: &str) -> Result<Result<Ranges<AwsRange>, String>, serde_json::Error> {
    let file: File = serde_json::from_str(json)?;
    let mut prefixes = Vec::with_capacity(file.prefixes.len() + file.ipv6_prefixes.len());
    for entry in file.prefixes.into_iter().chain(file.ipv6_prefixes) {
        let Some(prefix) = Prefix::parse(&entry.prefix) else { return Ok(Err(entry.prefix)) };
        prefixes.push((prefix, AwsRange { region: entry.region, service: entry.service }));
    }
    // All ranges are there once as `AMAZON`, and again for the services that use them.
    prefixes.sort_by_key(|(_, range)| range.service != "AMAZON");
    Ok(Ok(Ranges::new(prefixes)))
}
