//! Claims what is due.

use std::collections::BTreeSet;

use rotakey_engine::store::{Claim, RotationSummary, StoreError};

use super::DynamoStore;
use super::append::Written;
use super::items::{self, Head};
use super::read::Range;

impl DynamoStore {
    /// Takes one after the other, each on the condition that nobody has taken it meanwhile. Of those that are lost to
    /// others it looks for more, once for each time that others were faster.
    pub(super) async fn claim_what_is_due(
        &self,
        claim: Claim<'_>,
    ) -> Result<Vec<RotationSummary>, StoreError> {
        let (mut claimed, mut tried) = (Vec::new(), BTreeSet::new());
        loop {
            let mut lost = false;
            for head in self.due(&claim).await? {
                if claimed.len() == claim.limit {
                    return Ok(claimed);
                }
                if !tried.insert(head.id.clone()) {
                    continue;
                }
                match self.take(head, &claim).await? {
                    Some(summary) => claimed.push(summary),
                    None => lost = true,
                }
            }
            if !lost || claimed.len() == claim.limit {
                return Ok(claimed);
            }
        }
    }

    async fn take(&self, head: Head, claim: &Claim<'_>) -> Result<Option<RotationSummary>, StoreError> {
        let Some(before) = head.turn else { return Ok(None) };
        let turn = before.at(claim.until);
        let condition = "#version = :version AND #turn = :before";
        let written = self.replace_turn(&head, condition, Some(before), turn).await?;
        Ok((written == Written::Yes).then(|| Head { turn: Some(turn), ..head }.summary()))
    }

    /// What is due in the claimed accounts, the longest due first, and of those due at one instant those that began
    /// first: as many as are wanted.
    async fn due(&self, claim: &Claim<'_>) -> Result<Vec<Head>, StoreError> {
        let mut due = Vec::new();
        for whose in [items::WORKER, items::PERSON] {
            let (range, mut from) = (Range::of_turns(items::range(whose, Some(claim.now))), None);
            let mut found = 0;
            loop {
                let page = self.page(&range, from).await?;
                for item in &page.items {
                    let head = self.read_head(item)?;
                    if claim.accounts.contains(&head.subject.account_id) && found < claim.limit {
                        found += 1;
                        due.push(head);
                    }
                }
                from = page.next;
                if from.is_none() || found == claim.limit {
                    break;
                }
            }
        }
        due.sort_by_key(|head| (head.turn.and_then(|turn| turn.due()), head.ordinal));
        Ok(due)
    }
}
