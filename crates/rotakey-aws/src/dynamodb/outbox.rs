//! What people were told, in the same table as the log. What was told of a rotation or a user is one partition, its sort keys are
//! the notices and channels; the rotations of which there is nothing more to tell are another.

use std::collections::BTreeSet;

use async_trait::async_trait;
use aws_sdk_dynamodb::operation::put_item::PutItemError;
use aws_sdk_dynamodb::types::AttributeValue;
use jiff::Timestamp;
use rotakey_core::id::RotationId;
use rotakey_core::notify::{NoticeId, Topic};
use rotakey_engine::outbox::{Delivery, DeliveryState, Outbox};
use rotakey_engine::store::StoreError;

use super::DynamoStore;
use super::items::{self, Item, PARTITION, SORT, VERSION};
use super::read::Range;
use crate::error::failed;

const PUT: &str = "dynamodb:PutItem";

const NOTICE: &str = "notice";
const CHANNEL: &str = "channel";
const ATTEMPTS: &str = "attempts";
const STATE: &str = "state";
const AT: &str = "at";
const MESSAGE: &str = "message";

#[async_trait]
impl Outbox for DynamoStore {
    async fn deliveries(&self, topic: &Topic) -> Result<Vec<Delivery>, StoreError> {
        let items = self.all(Range::whole(items::string(partition(topic)))).await?;
        let deliveries: Option<Vec<_>> = items.iter().map(|item| read(topic, item)).collect();
        deliveries.ok_or_else(|| self.unreadable(&format!("what was told of {topic}")))
    }

    async fn write(&self, delivery: &Delivery) -> Result<(), StoreError> {
        let mut call = self
            .client
            .put_item()
            .table_name(&self.table)
            .set_item(Some(write(delivery)))
            .condition_expression("attribute_not_exists(#partition)")
            .expression_attribute_names("#partition", PARTITION);
        if let Some(before) = delivery.version.checked_sub(1).filter(|before| *before > 0) {
            call = self
                .client
                .put_item()
                .table_name(&self.table)
                .set_item(Some(write(delivery)))
                .condition_expression("#version = :before")
                .expression_attribute_names("#version", VERSION)
                .expression_attribute_values(":before", items::numeric(before.into()));
        }
        let Err(error) = call.send().await else { return Ok(()) };
        match error.as_service_error() {
            Some(
                PutItemError::ConditionalCheckFailedException(_)
                | PutItemError::TransactionConflictException(_),
            ) => Err(StoreError::Conflict),
            _ => Err(self.failed(&failed(PUT)(error))),
        }
    }

    async fn settle(&self, rotation: &RotationId) -> Result<(), StoreError> {
        let item = Item::from([
            (PARTITION.to_owned(), settled()),
            (SORT.to_owned(), items::string(rotation.as_str())),
        ]);
        let call = self.client.put_item().table_name(&self.table).set_item(Some(item));
        call.send().await.map(drop).map_err(failed(PUT)).map_err(|error| self.failed(&error))
    }

    async fn settled(&self) -> Result<BTreeSet<RotationId>, StoreError> {
        let items = self.all(Range::whole(settled())).await?;
        let rotations: Option<_> = items.iter().map(|item| items::text(item, SORT)?.parse().ok()).collect();
        rotations.ok_or_else(|| self.unreadable("the rotations of which all is told"))
    }
}

fn partition(topic: &Topic) -> String {
    format!("told {topic}")
}

fn settled() -> AttributeValue {
    items::string("told")
}

fn write(delivery: &Delivery) -> Item {
    let (state, at, message) = match &delivery.state {
        DeliveryState::Sending { until } => ("sending", Some(until), None),
        DeliveryState::Sent { at } => ("sent", Some(at), None),
        DeliveryState::Failed { at, message } => ("failed", Some(at), Some(message)),
        DeliveryState::NotMeant => ("not-meant", None, None),
    };
    // No notice has a blank in its id.
    let sort = format!("{} {}", delivery.notice.as_str(), delivery.channel);
    let mut item = Item::from([
        (PARTITION.to_owned(), items::string(partition(&delivery.topic))),
        (SORT.to_owned(), items::string(sort)),
        (NOTICE.to_owned(), items::string(delivery.notice.as_str())),
        (CHANNEL.to_owned(), items::string(delivery.channel.as_str())),
        (VERSION.to_owned(), items::numeric(delivery.version.into())),
        (ATTEMPTS.to_owned(), items::numeric(delivery.attempts.into())),
        (STATE.to_owned(), items::string(state)),
    ]);
    item.extend(at.map(|at| (AT.to_owned(), items::string(at.to_string()))));
    item.extend(message.map(|message| (MESSAGE.to_owned(), items::string(message.as_str()))));
    item
}

fn read(topic: &Topic, item: &Item) -> Option<Delivery> {
    let at = || items::text(item, AT)?.parse::<Timestamp>().ok();
    Some(Delivery {
        topic: topic.clone(),
        notice: NoticeId::from_stored(items::text(item, NOTICE)?.to_owned()),
        channel: items::text(item, CHANNEL)?.to_owned(),
        version: items::number(item, VERSION)?,
        attempts: items::number(item, ATTEMPTS)?,
        state: match items::text(item, STATE)? {
            "sending" => DeliveryState::Sending { until: at()? },
            "sent" => DeliveryState::Sent { at: at()? },
            "failed" => DeliveryState::Failed { at: at()?, message: items::text(item, MESSAGE)?.to_owned() },
            "not-meant" => DeliveryState::NotMeant,
            _ => return None,
        },
    })
}
