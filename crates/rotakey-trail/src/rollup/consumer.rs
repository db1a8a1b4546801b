//! The consumer that a call is from.

use crate::network::Network;
use crate::record::Record;
use crate::user_agent::Agent;

/// The fingerprint of a consumer, and what it is in words.
pub(super) fn of(record: &Record<'_>) -> (String, String) {
    let network =
        record.source_ip.map(|source| super::network_name(&Network::of(source))).unwrap_or_default();
    let agent = record.user_agent.map(|user_agent| Agent::parse(user_agent).family).unwrap_or_default();
    let description = format!("{agent} from {network}");
    (format!("{:016x}", super::fingerprint(&description)), description)
}
