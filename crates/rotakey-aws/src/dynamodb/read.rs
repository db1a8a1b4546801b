//! Reads the log. Every read is consistent: it sees what was appended before.

use aws_sdk_dynamodb::types::AttributeValue;
use rotakey_core::id::{AccountId, RotationId};
use rotakey_core::rotate::{Record, Subject};
use rotakey_engine::store::{RotationSummary, StoreError};

use super::DynamoStore;
use super::items::{self, Head, Item, PARTITION, SORT, TURN};
use crate::error::failed;

/// One partition, or a range of its index.
pub(super) struct Range {
    partition: AttributeValue,
    part: Part,
}

enum Part {
    Whole,
    /// The sort keys that begin so.
    Begins(String),
    /// The turns in the index from the first to the last.
    Turns(String, String),
}

impl Range {
    pub(super) fn whole(partition: AttributeValue) -> Self {
        Self { partition, part: Part::Whole }
    }

    /// The items whose sort keys begin with that.
    pub(super) fn beginning(partition: AttributeValue, start: &str) -> Self {
        // DynamoDB takes no empty text here.
        let part = if start.is_empty() { Part::Whole } else { Part::Begins(start.to_owned()) };
        Self { partition, part }
    }

    /// Open rotations whose turns are in that range, in the order of the index.
    pub(super) fn of_turns((first, last): (String, String)) -> Self {
        Self { partition: items::heads(), part: Part::Turns(first, last) }
    }
}

/// A page of items, and where the next one begins.
pub(super) struct Page {
    pub(super) items: Vec<Item>,
    pub(super) next: Option<Item>,
}

impl DynamoStore {
    pub(super) async fn page(&self, range: &Range, from: Option<Item>) -> Result<Page, StoreError> {
        let mut call = self
            .client
            .query()
            .table_name(&self.table)
            .consistent_read(true)
            .set_exclusive_start_key(from)
            .expression_attribute_names("#partition", PARTITION)
            .expression_attribute_values(":partition", range.partition.clone());
        call = match &range.part {
            Part::Whole => call.key_condition_expression("#partition = :partition"),
            Part::Begins(start) => call
                .key_condition_expression("#partition = :partition AND begins_with(#sort, :start)")
                .expression_attribute_names("#sort", SORT)
                .expression_attribute_values(":start", items::string(start.as_str())),
            Part::Turns(first, last) => call
                .index_name(TURN)
                .key_condition_expression("#partition = :partition AND #turn BETWEEN :first AND :last")
                .expression_attribute_names("#turn", TURN)
                .expression_attribute_values(":first", items::string(first))
                .expression_attribute_values(":last", items::string(last)),
        };
        let answer =
            call.send().await.map_err(failed("dynamodb:Query")).map_err(|error| self.failed(&error))?;
        Ok(Page {
            items: answer.items.unwrap_or_default(),
            next: answer.last_evaluated_key.filter(|key| !key.is_empty()),
        })
    }

    pub(super) async fn all(&self, range: Range) -> Result<Vec<Item>, StoreError> {
        let (mut items, mut from) = (Vec::new(), None);
        loop {
            let page = self.page(&range, from).await?;
            items.extend(page.items);
            from = page.next;
            if from.is_none() {
                return Ok(items);
            }
        }
    }

    pub(super) async fn item(&self, key: Item) -> Result<Option<Item>, StoreError> {
        let call = self.client.get_item().table_name(&self.table).set_key(Some(key)).consistent_read(true);
        let answer =
            call.send().await.map_err(failed("dynamodb:GetItem")).map_err(|error| self.failed(&error))?;
        Ok(answer.item)
    }

    pub(super) async fn head(&self, id: &RotationId) -> Result<Option<Head>, StoreError> {
        self.item(items::head_key(id)).await?.map(|item| self.read_head(&item)).transpose()
    }

    pub(super) fn read_head(&self, item: &Item) -> Result<Head, StoreError> {
        Head::read(item).ok_or_else(|| {
            let id = items::text(item, SORT).unwrap_or_default();
            self.unreadable(&format!("the rotation {}", crate::error::escaped(id)))
        })
    }

    /// The open rotation of that user.
    pub(super) async fn open_rotation(&self, subject: &Subject) -> Result<Option<RotationId>, StoreError> {
        let Some(item) = self.item(items::lock_key(subject)).await? else { return Ok(None) };
        let id = items::text(&item, items::ROTATION).and_then(|id| id.parse().ok());
        id.map(Some).ok_or_else(|| self.unreadable("the open rotation of a user"))
    }

    pub(super) async fn records(&self, id: &RotationId) -> Result<Vec<Record>, StoreError> {
        let items = self.all(Range::whole(items::log(id))).await?;
        let records: Option<Vec<_>> = items.iter().map(items::read_records).collect();
        let records = records.ok_or_else(|| self.unreadable(&format!("the log of {id}")))?;
        Ok(records.into_iter().flatten().collect())
    }

    /// All rotations or only those that are open, in the order in which they began.
    pub(super) async fn heads(&self, open: bool) -> Result<Vec<RotationSummary>, StoreError> {
        let items = if open {
            let mut items = self.all(Range::of_turns(items::range(items::WORKER, None))).await?;
            items.extend(self.all(Range::of_turns(items::range(items::PERSON, None))).await?);
            items
        } else {
            self.all(Range::whole(items::heads())).await?
        };
        let mut heads = items.iter().map(|item| self.read_head(item)).collect::<Result<Vec<_>, _>>()?;
        heads.sort_by_key(|head| head.ordinal);
        Ok(heads.into_iter().map(Head::summary).collect())
    }

    /// The first open rotation of these accounts whose turn is of that kind.
    pub(super) async fn first_of(
        &self,
        whose: &str,
        accounts: &[AccountId],
    ) -> Result<Option<Head>, StoreError> {
        let (range, mut from) = (Range::of_turns(items::range(whose, None)), None);
        loop {
            let page = self.page(&range, from).await?;
            for item in &page.items {
                let head = self.read_head(item)?;
                if accounts.contains(&head.subject.account_id) {
                    return Ok(Some(head));
                }
            }
            from = page.next;
            if from.is_none() {
                return Ok(None);
            }
        }
    }
}
