//! Who uses keys, read from the simulated CloudTrail as an index of it would tell, with data events left out.

use std::collections::BTreeMap;

use async_trait::async_trait;
use jiff::{SignedDuration, Timestamp};
use rotakey_core::id::AccessKeyId;
use rotakey_core::rotate::{Consumer, ConsumerUse, KeyUsage};
use rotakey_engine::port::{PortError, UsageSource};

use crate::api::{Service, Tree};
use crate::ports::client::Client;

#[async_trait]
impl UsageSource for Client {
    async fn usage(&self, key: &AccessKeyId, since: Timestamp) -> Result<KeyUsage, PortError> {
        self.may(Service::CloudTrail, "LookupEvents", Tree::empty())?;
        let (uses, as_of) = self.simulation().with_world(|world| world.uses_of(key, since));
        let mut consumers: BTreeMap<Consumer, ConsumerUse> = BTreeMap::new();
        for used in uses {
            if used.user_agent.starts_with("rotakey/") {
                continue;
            }
            let network = used.source_ip.rsplit_once('.').map_or("", |(network, _)| network);
            let consumer = Consumer {
                source: format!("{network}.0/24"),
                agent: used.user_agent.split('/').next().unwrap_or_default().to_owned(),
                service: used.service.signing_name().to_owned(),
                region: used.region,
            };
            let known = consumers.entry(consumer.clone()).or_insert_with(|| ConsumerUse {
                consumer,
                first_at: used.at,
                last_at: used.at,
                calls: 0,
                longest_gap: SignedDuration::ZERO,
            });
            known.longest_gap = known.longest_gap.max(used.at.duration_since(known.last_at));
            known.last_at = used.at;
            known.calls += 1;
        }
        Ok(KeyUsage { consumers: consumers.into_values().collect(), ..KeyUsage::none(since, as_of) })
    }
}
