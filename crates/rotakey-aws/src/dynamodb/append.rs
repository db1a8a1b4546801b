//! Appends to the log.

use aws_sdk_dynamodb::operation::transact_write_items::TransactWriteItemsError;
use aws_sdk_dynamodb::types::{Delete, Put, ReturnValue, TransactWriteItem, Update};
use rotakey_core::id::RotationId;
use rotakey_engine::store::{Append, StoreError, Turn};

use super::DynamoStore;
use super::items::{self, Head, Item, ORDINAL, PARTITION, ROTATION, TURN, VERSION};
use crate::error::{failed, incomplete};

/// How often something that got in the way of others is looked at again. Whoever was first has then appended, or its
/// transaction is over.
const ATTEMPTS: usize = 8;

impl DynamoStore {
    /// All records or none. What the conditions refuse is looked at again: the answer to why is in the table.
    pub(super) async fn append_in_one_transaction(&self, append: Append<'_>) -> Result<(), StoreError> {
        for _ in 0..ATTEMPTS {
            let head = self.head(append.rotation).await?;
            let writes = match &head {
                Some(head) if head.version != append.expected_version || head.turn.is_none() => {
                    return Err(StoreError::Conflict);
                }
                Some(head) => self.continuation(&append, head),
                None if append.expected_version > 0 => return Err(StoreError::Conflict),
                None => {
                    match self.open_rotation(append.subject).await? {
                        // It began after we looked for it.
                        Some(rotation) if rotation == *append.rotation => return Err(StoreError::Conflict),
                        Some(rotation) => return Err(StoreError::SubjectBusy { rotation }),
                        None => {}
                    }
                    self.beginning(&append, self.next_ordinal().await?)
                }
            };
            if self.write(writes?).await? == Written::Yes {
                return Ok(());
            }
        }
        Err(StoreError::Unavailable {
            location: self.location.clone(),
            message: "others write the same items at the same time, again and again".to_owned(),
        })
    }

    fn beginning(&self, append: &Append<'_>, ordinal: u64) -> Result<Vec<TransactWriteItem>, StoreError> {
        let head = Head {
            id: append.rotation.clone(),
            subject: append.subject.clone(),
            version: append.records.len() as u64,
            ordinal,
            turn: (!append.closes).then_some(append.turn),
        };
        let mut writes = vec![self.put(head.write(), true)?];
        if !append.closes {
            let mut lock = items::lock_key(append.subject);
            lock.insert(ROTATION.to_owned(), items::string(append.rotation.as_str()));
            writes.push(self.put(lock, true)?);
        }
        self.with_records(writes, append)
    }

    fn continuation(&self, append: &Append<'_>, head: &Head) -> Result<Vec<TransactWriteItem>, StoreError> {
        let version = append.expected_version + append.records.len() as u64;
        let update = Update::builder()
            .table_name(&self.table)
            .set_key(Some(items::head_key(append.rotation)))
            .condition_expression("#version = :expected AND attribute_exists(#turn)")
            .expression_attribute_names("#version", VERSION)
            .expression_attribute_names("#turn", TURN)
            .expression_attribute_values(":expected", items::numeric(append.expected_version))
            .expression_attribute_values(":version", items::numeric(version));
        let update = if append.closes {
            update.update_expression("SET #version = :version REMOVE #turn")
        } else {
            let turn = items::string(items::write_turn(append.turn, head.ordinal));
            update
                .update_expression("SET #version = :version, #turn = :turn")
                .expression_attribute_values(":turn", turn)
        };
        let update = update.build().map_err(|error| self.unbuildable(&error.to_string()))?;
        let mut writes = vec![TransactWriteItem::builder().update(update).build()];
        if append.closes {
            let lock =
                Delete::builder().table_name(&self.table).set_key(Some(items::lock_key(append.subject)));
            let lock = lock.build().map_err(|error| self.unbuildable(&error.to_string()))?;
            writes.push(TransactWriteItem::builder().delete(lock).build());
        }
        self.with_records(writes, append)
    }

    /// The records need no condition: only who wins the rotation's version writes any.
    fn with_records(
        &self,
        mut writes: Vec<TransactWriteItem>,
        append: &Append<'_>,
    ) -> Result<Vec<TransactWriteItem>, StoreError> {
        for item in items::write_records(append.rotation, append.records) {
            writes.push(self.put(item, false)?);
        }
        Ok(writes)
    }

    fn put(&self, item: Item, is_new: bool) -> Result<TransactWriteItem, StoreError> {
        let mut put = Put::builder().table_name(&self.table).set_item(Some(item));
        if is_new {
            put = put
                .condition_expression("attribute_not_exists(#partition)")
                .expression_attribute_names("#partition", PARTITION);
        }
        let put = put.build().map_err(|error| self.unbuildable(&error.to_string()))?;
        Ok(TransactWriteItem::builder().put(put).build())
    }

    /// The next number in the order in which rotations begin. One that is never used leaves a gap, which means nothing.
    async fn next_ordinal(&self) -> Result<u64, StoreError> {
        const OPERATION: &str = "dynamodb:UpdateItem";
        let call = self
            .client
            .update_item()
            .table_name(&self.table)
            .set_key(Some(items::ordinal_key()))
            .update_expression("ADD #ordinal :one")
            .expression_attribute_names("#ordinal", ORDINAL)
            .expression_attribute_values(":one", items::numeric(1))
            .return_values(ReturnValue::UpdatedNew);
        let answer = call.send().await.map_err(failed(OPERATION)).map_err(|error| self.failed(&error))?;
        let ordinal = answer.attributes.and_then(|item| items::number(&item, ORDINAL));
        ordinal.ok_or_else(|| self.failed(&incomplete(OPERATION, "the ordinal")))
    }

    async fn write(&self, writes: Vec<TransactWriteItem>) -> Result<Written, StoreError> {
        let Err(error) = self.client.transact_write_items().set_transact_items(Some(writes)).send().await
        else {
            return Ok(Written::Yes);
        };
        if let Some(TransactWriteItemsError::TransactionCanceledException(cancelled)) =
            error.as_service_error()
        {
            let mut codes = cancelled.cancellation_reasons().iter().filter_map(|reason| reason.code());
            if codes.any(|code| ["ConditionalCheckFailed", "TransactionConflict"].contains(&code)) {
                return Ok(Written::No);
            }
        }
        Err(self.failed(&failed("dynamodb:TransactWriteItems")(error)))
    }

    /// Says whose turn it is.
    pub(super) async fn set_turn(&self, id: &RotationId, version: u64, turn: Turn) -> Result<(), StoreError> {
        let head = self.head(id).await?.filter(|head| head.version == version && head.turn.is_some());
        let head = head.ok_or(StoreError::Conflict)?;
        let condition = "#version = :version AND attribute_exists(#turn)";
        match self.replace_turn(&head, condition, None, turn).await? {
            Written::Yes => Ok(()),
            Written::No => Err(StoreError::Conflict),
        }
    }

    /// Gives an open rotation another turn, on a condition.
    pub(super) async fn replace_turn(
        &self,
        head: &Head,
        condition: &str,
        before: Option<Turn>,
        turn: Turn,
    ) -> Result<Written, StoreError> {
        let text = |turn| items::string(items::write_turn(turn, head.ordinal));
        let mut call = self
            .client
            .update_item()
            .table_name(&self.table)
            .set_key(Some(items::head_key(&head.id)))
            .update_expression("SET #turn = :turn")
            .condition_expression(condition)
            .expression_attribute_names("#turn", TURN)
            .expression_attribute_names("#version", VERSION)
            .expression_attribute_values(":turn", text(turn))
            .expression_attribute_values(":version", items::numeric(head.version));
        if let Some(before) = before {
            call = call.expression_attribute_values(":before", text(before));
        }
        match call.send().await {
            Ok(_) => Ok(Written::Yes),
            Err(error) => {
                use aws_sdk_dynamodb::operation::update_item::UpdateItemError::{
                    ConditionalCheckFailedException, TransactionConflictException,
                };
                match error.as_service_error() {
                    Some(ConditionalCheckFailedException(_) | TransactionConflictException(_)) => {
                        Ok(Written::No)
                    }
                    _ => Err(self.failed(&failed("dynamodb:UpdateItem")(error))),
                }
            }
        }
    }

    fn unbuildable(&self, message: &str) -> StoreError {
        StoreError::Unavailable { location: self.location.clone(), message: message.to_owned() }
    }
}

/// Whether a write was done, or a condition or another writer was in its way.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Written {
    Yes,
    No,
}
