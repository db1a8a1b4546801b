//! Who is behind a key, as far as calls tell it: for the cut-over of a rotation.

use std::fmt;

use data_encoding::HEXLOWER;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::network::Network;
use crate::record::Record;
use crate::user_agent::Agent;

/// The hexadecimal digits of a fingerprint.
const FINGERPRINT_DIGITS: usize = 12;

/// The most bytes of a name in it.
const MOST_NAME: usize = 128;

/// One of the applications that use a key: what stays the same when it gets a new key, is restarted or upgraded. So
/// there are no versions in it, no ports, no names of sessions, and no operating system.
///
/// **It is a hint and not an identity.** Two applications on one host that use the same SDK are one consumer; one
/// application on the road, or in several networks, is several. The user agent is what the client says of itself:
/// whoever holds the key can look like any consumer that it knows of. That a known consumer has moved to the new key
/// tells that the owner may look for no more there; that a consumer is known is never a proof that it is allowed.
///
/// AWS services that call in the key's name are consumers of their own: who made them call has called before, by
/// itself.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Consumer {
    /// Where it calls from. `None` if the record does not say it.
    pub network: Option<Network>,
    /// What it says of itself, without versions.
    pub agent: Agent,
    /// `vpcEndpointId`: the same private network may be there in two VPCs.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub vpc_endpoint: Option<String>,
    /// The AWS service that called in the key's name.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub invoked_by: Option<String>,
}

impl Consumer {
    /// The consumer behind a call. To read a user agent takes longer than all the rest: whoever has many records keeps
    /// the agents, and uses [`new`](Self::new).
    pub fn of(record: &Record<'_>) -> Self {
        Self::new(record, &Agent::parse(record.user_agent.unwrap_or_default()))
    }

    /// The same, with the agent of the record already read.
    pub fn new(record: &Record<'_>, agent: &Agent) -> Self {
        let name = |text: &str| text[..text.floor_char_boundary(MOST_NAME)].to_owned();
        if let Some(service) = record.identity.invoked_by {
            // Where the service runs, and with what, is AWS's affair, and told differently from call to call.
            let agent = Agent { family: name(service), ..Agent::default() };
            return Self { network: None, agent, vpc_endpoint: None, invoked_by: Some(name(service)) };
        }
        Self {
            network: record.source_ip.map(Network::of),
            agent: agent.without_versions(),
            vpc_endpoint: record.vpc_endpoint_id.map(name),
            invoked_by: None,
        }
    }

    /// Twelve hexadecimal digits that are the same for the same consumer, now and in later versions of rotakey: the
    /// beginning of the SHA-256 over the parts, each with its length before it.
    pub fn fingerprint(&self) -> String {
        let parts = [
            self.network.as_ref().map(Network::as_str),
            Some(self.agent.family.as_str()),
            self.agent.runtime.as_deref(),
            self.agent.execution_environment.as_deref(),
            self.agent.application.as_deref(),
            self.vpc_endpoint.as_deref(),
            self.invoked_by.as_deref(),
        ];
        let mut hash = Sha256::new_with_prefix("consumer 1\n");
        for part in parts {
            match part {
                Some(part) => hash.update(format!("{}:{part}\n", part.len())),
                None => hash.update("-\n"),
            }
        }
        let mut digits = HEXLOWER.encode(&hash.finalize());
        digits.truncate(FINGERPRINT_DIGITS);
        digits
    }
}

/// `10.1.2.0/24 · Boto3 python`. Foreign text: it is escaped by whoever shows it.
impl fmt::Display for Consumer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(service) = &self.invoked_by {
            return write!(f, "invoked by {service}");
        }
        match &self.network {
            Some(network) => write!(f, "{network}")?,
            None => f.write_str("unknown source")?,
        }
        if let Some(endpoint) = &self.vpc_endpoint {
            write!(f, " via {endpoint}")?;
        }
        // CloudTrail writes a service's name in both places.
        if self.network.as_ref().is_none_or(|network| network.as_str() != self.agent.family) {
            write!(f, " · {}", self.agent)?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use bumpalo::Bump;
    use proptest::prelude::*;

    use super::*;
    use crate::oracle;

    fn consumer(source: &str, user_agent: &str, more: &str) -> Consumer {
        let arena = Bump::new();
        let text = format!(
            r#"{{"eventTime": "2026-11-23T15:45:00Z", "eventSource": "s3.amazonaws.com", "eventName": "GetObject",
                "sourceIPAddress": "{source}", "userAgent": "{user_agent}"{more}}}"#
        );
        Consumer::of(&oracle::record(&text, &arena).unwrap())
    }

    const BEFORE: &str =
        "Boto3/1.17.101 Python/3.8.10 Linux/4.14 exec-env/AWS_Lambda_python3.8 Botocore/1.20";
    const AFTER: &str =
        "Boto3/1.42.69 md/Botocore#1.42.69 os/linux#6.8 lang/python#3.12 exec-env/AWS_Lambda_python3.12";

    #[test]
    fn the_same_application_behind_a_new_key_is_the_same_consumer() {
        let identity = |key: &str, session: &str| {
            format!(
                r#", "userIdentity": {{"type": "AssumedRole", "accessKeyId": "{key}",
                    "arn": "arn:aws:sts::1:assumed-role/r/{session}"}}"#
            )
        };
        let before = consumer("10.1.2.3", BEFORE, &identity("AKIAEXAMPLE1", "i-1"));
        let after = consumer("10.1.2.99", AFTER, &identity("AKIAEXAMPLE2", "i-2"));
        assert_eq!(before, after);
        assert_eq!(before.to_string(), "10.1.2.0/24 · Boto3 python AWS_Lambda_python");
    }

    #[test]
    fn another_network_program_endpoint_or_service_is_another_consumer() {
        let consumers = [
            consumer("10.1.2.3", BEFORE, ""),
            consumer("10.1.3.3", BEFORE, ""),
            consumer("10.1.2.3", "aws-cli/2.1 Python/3.8", ""),
            consumer("10.1.2.3", BEFORE, r#", "vpcEndpointId": "vpce-1""#),
            consumer("10.1.2.3", BEFORE, r#", "userIdentity": {"invokedBy": "athena.amazonaws.com"}"#),
            consumer("athena.amazonaws.com", "athena.amazonaws.com", ""),
        ];
        let told = consumers.map(|consumer| format!("{} {consumer}", consumer.fingerprint()));
        // Fingerprints are kept by those who have seen them: they may never change.
        assert_eq!(
            told,
            [
                "94fd44650db4 10.1.2.0/24 · Boto3 python AWS_Lambda_python",
                "ae1ce4aab691 10.1.3.0/24 · Boto3 python AWS_Lambda_python",
                "9aeaa8d902a9 10.1.2.0/24 · aws-cli python",
                "1c4cfeac2b4a 10.1.2.0/24 via vpce-1 · Boto3 python AWS_Lambda_python",
                "212bb81afeca invoked by athena.amazonaws.com",
                "116ddab5236f athena.amazonaws.com",
            ]
        );
    }

    #[test]
    fn a_service_in_the_keys_name_is_one_consumer_wherever_it_runs() {
        let invoked = r#", "userIdentity": {"invokedBy": "athena.amazonaws.com"}"#;
        assert_eq!(consumer("52.1.2.3", BEFORE, invoked), consumer("athena.amazonaws.com", AFTER, invoked));
    }

    #[test]
    fn a_consumer_is_read_back_as_it_was_written() {
        let consumer = consumer("10.1.2.3", BEFORE, r#", "vpcEndpointId": "vpce-1""#);
        let json = serde_json::to_string(&consumer).unwrap();
        assert_eq!(serde_json::from_str::<Consumer>(&json).unwrap(), consumer);
    }

    proptest! {
        #[test]
        fn parts_do_not_flow_into_each_other(texts in proptest::collection::vec("[a:\n-]{0,3}", 4)) {
            let consumer = |family: &str, runtime: &str, endpoint: &str, service: &str| Consumer {
                network: None,
                agent: Agent { family: family.to_owned(), runtime: Some(runtime.to_owned()), ..Agent::default() },
                vpc_endpoint: Some(endpoint.to_owned()),
                invoked_by: Some(service.to_owned()),
            };
            let (a, b, c, d) = (&texts[0], &texts[1], &texts[2], &texts[3]);
            let (one, other) = (consumer(a, b, c, d), consumer(d, c, b, a));
            prop_assert_eq!(one == other, one.fingerprint() == other.fingerprint());
        }
    }
}
