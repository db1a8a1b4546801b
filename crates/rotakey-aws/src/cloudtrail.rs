//! AWS CloudTrail: the event history of an account, and the keys that digest files are signed with.
//!
//! `LookupEvents` shows the management events of the last 90 days, one region at a time, the newest first, 50 a page
//! and two pages a second for the whole account, which AWS raises for nobody. A million events take three hours, so a
//! lookup can be interrupted after each page and go on later, from [`LookupProgress`].
//!
//! Permissions: `cloudtrail:LookupEvents`, `cloudtrail:ListPublicKeys`.

mod lookup;
mod pace;
mod public_keys;
mod usage;

use std::sync::Arc;

use aws_config::SdkConfig;
use aws_sdk_cloudtrail::Client;
use aws_sdk_cloudtrail::config::Builder;
use aws_sdk_cloudtrail::config::retry::RetryConfig;
use rotakey_engine::port::{Clock, PortError, PortErrorKind};

use crate::calls::CallCounter;
use crate::connection::region_named;
use pace::Pace;

pub use lookup::{HISTORY, LookupAttribute, LookupPage, LookupProgress, LookupRequest, OutOfHistory, Pages};
pub(crate) use pace::Paces;
pub use public_keys::PublicKey;
pub use usage::EventHistory;

/// CloudTrail of the account that the credentials belong to, in any region.
#[derive(Clone)]
pub struct CloudTrail {
    config: SdkConfig,
    calls: CallCounter,
    paces: Paces,
    clock: Arc<dyn Clock>,
}

impl CloudTrail {
    pub(crate) fn new(config: SdkConfig, calls: CallCounter, paces: Paces, clock: Arc<dyn Clock>) -> Self {
        Self { config, calls, paces, clock }
    }

    /// The client does not try again by itself: what is sent must keep the pace.
    fn client_in(&self, region: &str) -> Result<Client, PortError> {
        let named = region_named(region).ok_or_else(|| {
            let message = format!("{region:?} is not the name of a region");
            PortError::new(PortErrorKind::Invalid, "look into CloudTrail", message)
        })?;
        let builder = Builder::from(&self.config)
            .region(named)
            .retry_config(RetryConfig::disabled())
            .interceptor(self.calls.clone());
        Ok(Client::from_conf(builder.build()))
    }

    fn pace_in(&self, region: &str) -> Arc<Pace> {
        self.paces.of(region)
    }
}
