//! The rotation log on DynamoDB: one table, every write on a condition.
//!
//! | partition (`pk`) | sort key (`sk`) | what it is |
//! |---|---|---|
//! | `rotation` | the rotation's id | whose key it rotates, its version, and, until it ends, whose turn it is |
//! | `log ID` | the version of the first record | the records of one append |
//! | `user ID` | `open` | the open rotation of that user |
//! | `control` | a name | what people say to all workers at once: a halt, and approvals |
//! | `told ID` | a notice and a channel | what people were told of that rotation |
//! | `told` | the rotation's id | a rotation of which there is nothing more to tell |
//! | `rotakey` | `format`, `ordinal` | whose table it is, and how many rotations have begun |
//!
//! An append is one transaction: the rotation must have the version that is expected, and the user of one that begins no
//! open rotation. What is due is found by a sparse index: an open rotation has the attribute `turn`, which sorts by
//! whose turn it is, when it is due and when the rotation began; one that has ended has none.
//!
//! The index is a local one and all rotations are one partition, so that it can be read consistently: a global index
//! lags, and a run would end before it has seen the rotation that it has just begun. The price is that one table takes
//! some hundreds of steps a second and holds some millions of rotations (a partition takes 1,000 write units a second,
//! and with a local index holds 10 GB), which is more than the accounts of one organization ever need.
//! <https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/LSI.html>
//!
//! Permissions, on the table: `dynamodb:GetItem`, `PutItem`, `UpdateItem`, `DeleteItem` (transactions ask for those that
//! they are made of) and `Query` on the table and its index `turn`; to make it also `DescribeTable` and `CreateTable`.

mod append;
mod claim;
mod items;
mod outbox;
mod read;
mod table;

use async_trait::async_trait;
use aws_sdk_dynamodb::Client;
use jiff::Timestamp;
use rotakey_core::id::{AccountId, RotationId};
use rotakey_core::rotate::Record;
use rotakey_engine::port::{PortError, PortErrorKind};
use rotakey_engine::store::{Append, Claim, Outlook, RotationSummary, Store, StoreError, Turn};

use crate::error::failed;
use read::Range;

pub use table::{Readiness, Table};

/// The rotation log in one table.
#[derive(Debug, Clone)]
pub struct DynamoStore {
    client: Client,
    table: String,
    location: String,
}

impl DynamoStore {
    fn failed(&self, error: &PortError) -> StoreError {
        store_error(&self.location, error)
    }

    fn unreadable(&self, what: &str) -> StoreError {
        StoreError::Foreign { location: self.location.clone(), message: format!("{what} cannot be read") }
    }
}

#[async_trait]
impl Store for DynamoStore {
    async fn append(&self, append: Append<'_>) -> Result<(), StoreError> {
        self.append_in_one_transaction(append).await
    }

    async fn claim(&self, claim: Claim<'_>) -> Result<Vec<RotationSummary>, StoreError> {
        self.claim_what_is_due(claim).await
    }

    async fn hand_over(&self, rotation: &RotationId, version: u64, turn: Turn) -> Result<(), StoreError> {
        self.set_turn(rotation, version, turn).await
    }

    async fn outlook(&self, accounts: &[AccountId]) -> Result<Outlook, StoreError> {
        let next = self.first_of(items::WORKER, accounts).await?;
        let asked = self.first_of(items::PERSON, accounts).await?;
        let due: Option<Timestamp> = next.and_then(|head| head.turn?.due());
        Ok(Outlook { next: due, asks: asked.is_some() })
    }

    async fn load(&self, rotation: &RotationId) -> Result<Vec<Record>, StoreError> {
        self.records(rotation).await
    }

    async fn open_rotations(&self) -> Result<Vec<RotationSummary>, StoreError> {
        self.heads(true).await
    }

    async fn controls(&self, prefix: &str) -> Result<Vec<(String, String)>, StoreError> {
        let items = self.all(Range::beginning(items::controls(), prefix)).await?;
        let controls: Option<Vec<_>> = items.iter().map(items::read_control).collect();
        controls.ok_or_else(|| self.unreadable("what people said to all workers"))
    }

    async fn set_control(&self, name: &str, body: Option<&str>) -> Result<(), StoreError> {
        let table = &self.table;
        let done = match body {
            Some(body) => {
                let item = Some(items::write_control(name, body));
                let call = self.client.put_item().table_name(table).set_item(item);
                call.send().await.map(drop).map_err(failed("dynamodb:PutItem"))
            }
            None => {
                let key = Some(items::control_key(name));
                let call = self.client.delete_item().table_name(table).set_key(key);
                call.send().await.map(drop).map_err(failed("dynamodb:DeleteItem"))
            }
        };
        done.map_err(|error| self.failed(&error))
    }

    async fn rotations(&self) -> Result<Vec<RotationSummary>, StoreError> {
        self.heads(false).await
    }
}

/// What a failed call means to a store.
fn store_error(location: &str, error: &PortError) -> StoreError {
    let (location, message) = (location.to_owned(), error.to_string());
    match error.kind {
        PortErrorKind::NotFound => {
            StoreError::Missing { location, message: "there is no such table".to_owned() }
        }
        PortErrorKind::Denied | PortErrorKind::Credentials => StoreError::Denied { location, message },
        PortErrorKind::LimitExceeded => StoreError::Full { location },
        PortErrorKind::Throttled
        | PortErrorKind::Ambiguous
        | PortErrorKind::Conflict
        | PortErrorKind::Invalid => StoreError::Unavailable { location, message },
    }
}
