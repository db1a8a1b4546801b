//! Where calls come from.

use serde::{Deserialize, Serialize};

/// A source: a network of addresses (`/24` of IPv4, `/48` of IPv6), an AWS service, or what else CloudTrail writes.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Network(String);

impl Network {
    /// The network of a `sourceIPAddress`.
    pub fn of(source_ip: &str) -> Self {
        Self(source_ip.to_owned())
    }
}
