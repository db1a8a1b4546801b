//! The event history as a source of usage for rotations.

use async_trait::async_trait;
use jiff::{SignedDuration, Timestamp};
use rotakey_core::id::AccessKeyId;
use rotakey_core::rotate::KeyUsage;
use rotakey_engine::port::{PortError, UsageSource};
use rotakey_trail::key_use::KeyUses;

use super::{CloudTrail, LookupAttribute, LookupRequest};

/// How late events come into the history (15 minutes as a rule, says AWS).
const LATE: SignedDuration = SignedDuration::from_mins(15);

/// The most pages that are read of one key in one region: 5,000 events, in about a minute.
const MOST_PAGES: u32 = 100;

/// The most pages that are read of one session.
const MOST_PAGES_OF_SESSION: u32 = 4;

/// The most sessions that are looked for, the last by name first: names tell nothing of age.
const MOST_SESSIONS: usize = 50;

/// Tells who uses keys from CloudTrail's event history in some regions: management events of the last 90 days. The calls
/// of sessions that were minted with the key are looked up by the ids that were given out.
pub struct EventHistory {
    cloudtrail: CloudTrail,
    regions: Vec<String>,
}

impl EventHistory {
    /// The history of those regions; IAM and other global services are in `us-east-1`.
    pub fn new(cloudtrail: CloudTrail, regions: Vec<String>) -> Self {
        Self { cloudtrail, regions }
    }

    /// Takes what one key did in one region. The first second from which on all of it was seen.
    async fn look_up(
        &self,
        key: &str,
        region: &str,
        since: Timestamp,
        most_pages: u32,
        uses: &mut KeyUses,
        missing: &mut Vec<String>,
    ) -> Result<Timestamp, PortError> {
        let attribute = Some(LookupAttribute::AccessKeyId(key.to_owned()));
        let request = LookupRequest { attribute, from: Some(since), until: None };
        let (mut progress, _) = request.begin(region, self.cloudtrail.clock.now());
        let mut pages = 0;
        while !progress.is_finished {
            if pages == most_pages {
                let oldest = progress.oldest.unwrap_or(progress.until);
                missing
                    .push(format!("{key} has too many events in {region} to look up those before {oldest}"));
                return Ok(oldest);
            }
            let page = self.cloudtrail.next_page(&progress).await?;
            let unread =
                page.events.iter().filter(|text| !uses.take_text(text)).count() + page.without_record;
            if unread > 0 {
                missing.push(format!("{unread} events of {region} could not be read"));
            }
            progress = page.progress;
            pages += 1;
        }
        Ok(progress.from)
    }
}

#[async_trait]
impl UsageSource for EventHistory {
    async fn usage(&self, key: &AccessKeyId, since: Timestamp) -> Result<KeyUsage, PortError> {
        let as_of = self.cloudtrail.clock.now() - LATE;
        let (mut uses, mut missing) = (KeyUses::default(), Vec::new());
        let mut seen_from = since;
        for region in &self.regions {
            let from = self.look_up(key.as_str(), region, since, MOST_PAGES, &mut uses, &mut missing).await?;
            seen_from = seen_from.max(from);
        }
        let sessions: Vec<String> = uses.sessions().iter().take(MOST_SESSIONS).cloned().collect();
        if uses.sessions().len() > sessions.len() {
            missing
                .push(format!("only {MOST_SESSIONS} of {} sessions were looked for", uses.sessions().len()));
        }
        for session in &sessions {
            for region in &self.regions {
                let most = MOST_PAGES_OF_SESSION;
                self.look_up(session, region, since, most, &mut uses, &mut missing).await?;
            }
        }
        missing.push(format!("only events of {} were looked up", self.regions.join(", ")));
        Ok(uses.usage(seen_from, as_of, &missing))
    }
}
