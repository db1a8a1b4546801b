//! Who calls, until the shared type is there.

use serde::Serialize;

use crate::network::Network;
use crate::record::Record;
use crate::user_agent::Agent;

/// A consumer.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct Consumer {
    /// Where it calls from.
    pub network: Option<Network>,
    /// What it says it is.
    pub agent: Option<Agent>,
    /// `vpcEndpointId`.
    pub vpc_endpoint: Option<String>,
    /// The AWS service that calls in its name.
    pub invoked_by: Option<String>,
}

impl Consumer {
    /// Who called.
    pub fn of(record: &Record<'_>) -> Self {
        Self {
            network: record.source_ip.map(Network::of),
            agent: record.user_agent.map(|agent| Agent {
                // Versions change with every update.
                version: None,
                runtime_version: None,
                operating_system: None,
                text: None,
                ..Agent::parse(agent)
            }),
            vpc_endpoint: record.vpc_endpoint_id.map(str::to_owned),
            invoked_by: record.identity.invoked_by.map(str::to_owned),
        }
    }

    /// A short text that is the same for the same consumer.
    pub fn fingerprint(&self) -> String {
        format!("{self:?}")
    }
}
