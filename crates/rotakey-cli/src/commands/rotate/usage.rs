//! Where a rotation learns who uses keys, as arguments name it.

use std::sync::Arc;

use clap::Args;
use rotakey_aws::Connection;
use rotakey_aws::cloudtrail::EventHistory;
use rotakey_engine::port::{Clock, UsageSource};
use rotakey_store::usage_index::{self, IndexSource, InvalidLocation, Location};

use crate::error::CommandError;

/// Who uses keys.
#[derive(Debug, Clone, Default, Args)]
pub(crate) struct UsageArgs {
    // A text, and not read by clap: that would repeat a wrong one, with the password that may be in it.
    /// Learn who uses keys from this index of `rotakey trail ingest`: sqlite:FILE
    /// or postgres://USER@HOST/DATABASE
    #[arg(long, value_name = "INDEX", global = true, env = "ROTAKEY_INDEX", hide_env_values = true)]
    trail_index: Option<String>,
    /// Learn who uses keys from CloudTrail's event history: management events of
    /// the last 90 days, slowly
    #[arg(long, global = true)]
    lookup_events: bool,
    /// Look up events of this region too; those of the connection's own and of
    /// us-east-1 are looked up anyway
    #[arg(long, value_name = "REGION", global = true, requires = "lookup_events")]
    lookup_region: Vec<String>,
}

/// Who tells who uses keys.
#[derive(Clone, Default)]
pub(crate) enum Usage {
    /// Nobody.
    #[default]
    Unseen,
    /// An index, for all accounts.
    Index(Arc<IndexSource>),
    /// The event history of each account in these regions, beside that of its connection.
    History(Vec<String>),
}

impl UsageArgs {
    /// The source that is named.
    pub(crate) async fn open(&self) -> Result<Usage, CommandError> {
        if self.lookup_events {
            return Ok(Usage::History(self.lookup_region.clone()));
        }
        let Some(text) = &self.trail_index else { return Ok(Usage::Unseen) };
        let location: Location = text.parse().map_err(|error: InvalidLocation| {
            CommandError::usage(error)
                .hint("Name it with --trail-index sqlite:FILE or postgres://USER@HOST/DATABASE.")
        })?;
        let index = usage_index::open(&location).await.map_err(|error| {
            CommandError::failure(error).hint("Check that it can be reached, or leave --trail-index out.")
        })?;
        Ok(Usage::Index(Arc::new(IndexSource(index))))
    }
}

impl Usage {
    /// The source for the account of that connection.
    pub(crate) fn of(&self, connection: &Connection, clock: &Arc<dyn Clock>) -> Option<Arc<dyn UsageSource>> {
        match self {
            Self::Unseen => None,
            Self::Index(index) => Some(index.clone()),
            Self::History(named) => {
                let mut regions = vec!["us-east-1".to_owned()];
                for region in connection.region().map(str::to_owned).iter().chain(named) {
                    if !regions.contains(region) {
                        regions.push(region.clone());
                    }
                }
                Some(Arc::new(EventHistory::new(connection.cloudtrail(Arc::clone(clock)), regions)))
            }
        }
    }
}
