//! The table itself: whether there is one, and how one is made.

use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::types::{
    AttributeDefinition, BillingMode, KeySchemaElement, KeyType, LocalSecondaryIndex, Projection,
    ProjectionType, ScalarAttributeType, TableDescription, TableStatus,
};
use jiff::SignedDuration;
use rotakey_engine::port::{Clock, PortError, PortErrorKind};
use rotakey_engine::store::StoreError;

use super::items::{self, APPLICATION, FORMAT, PARTITION, SORT, TURN};
use super::{DynamoStore, store_error};
use crate::error::failed;

/// A table that may hold a rotation log, or be made to.
#[derive(Debug, Clone)]
pub struct Table {
    client: Client,
    name: String,
    location: String,
}

/// What there is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Readiness {
    /// No table.
    Absent,
    /// A table with the right keys, in which nothing says that it is a rotation log.
    Bare,
    /// A rotation log of this version.
    Ready,
}

/// What the format says of whose table it is, and the version that this program writes.
const OURS: &str = "rotakey rotation log";
const KNOWN: i64 = 1;

/// How often a table that is being made is looked at, and how many times.
const INTERVAL: SignedDuration = SignedDuration::from_secs(1);
const LOOKS: usize = 120;

impl Table {
    pub(crate) fn new(client: Client, name: &str, region: Option<&str>) -> Self {
        let region = region.map(|region| format!("?region={region}")).unwrap_or_default();
        Self { client, name: name.to_owned(), location: format!("dynamodb://{name}{region}") }
    }

    /// Opens the rotation log in it.
    ///
    /// # Errors
    /// [`StoreError::Missing`] if there is no table or no log in it; [`StoreError::Foreign`] and [`StoreError::Newer`] for
    /// a table that is not of this program; [`StoreError::Denied`] and [`StoreError::Unavailable`] if it cannot be read.
    pub async fn open(&self) -> Result<DynamoStore, StoreError> {
        if self.has_format().await? {
            return Ok(self.store());
        }
        let message = "the table is not set up for a rotation log".to_owned();
        Err(StoreError::Missing { location: self.location.clone(), message })
    }

    /// What there is. Changes nothing.
    ///
    /// # Errors
    /// As those of [`Self::open`], but for [`StoreError::Missing`].
    pub async fn readiness(&self) -> Result<Readiness, StoreError> {
        let Some(description) = self.describe().await? else { return Ok(Readiness::Absent) };
        if !has_our_keys(&description) {
            return Err(StoreError::Foreign {
                location: self.location.clone(),
                message: format!("its keys are not {PARTITION} and {SORT} with the local index {TURN}"),
            });
        }
        Ok(if self.has_format().await? { Readiness::Ready } else { Readiness::Bare })
    }

    /// Makes the table if there is none, waits until it can be used, and sets it up. Does nothing if all that is done.
    /// The table is paid for by request, and protected from being deleted.
    ///
    /// # Errors
    /// As those of [`Self::readiness`].
    pub async fn migrate(&self, clock: &dyn Clock) -> Result<(), StoreError> {
        match self.readiness().await? {
            Readiness::Ready => return Ok(()),
            Readiness::Bare => {}
            Readiness::Absent => self.create().await?,
        }
        self.await_active(clock).await?;
        let mut format = items::format_key();
        format.insert(APPLICATION.to_owned(), items::string(OURS));
        format.insert(FORMAT.to_owned(), items::numeric(KNOWN.unsigned_abs()));
        let call = self
            .client
            .put_item()
            .table_name(&self.name)
            .set_item(Some(format))
            .condition_expression("attribute_not_exists(#partition)")
            .expression_attribute_names("#partition", PARTITION);
        match call.send().await.map_err(failed("dynamodb:PutItem")) {
            // Another process was faster.
            Err(error) if error.kind == PortErrorKind::Conflict => Ok(()),
            result => result.map(drop).map_err(|error| self.failed(&error)),
        }
    }

    fn store(&self) -> DynamoStore {
        let Self { client, name, location } = self.clone();
        DynamoStore { client, table: name, location }
    }

    /// Whether it is a rotation log of a version that this program reads.
    async fn has_format(&self) -> Result<bool, StoreError> {
        let Some(item) = self.store().item(items::format_key()).await? else { return Ok(false) };
        let foreign = || StoreError::Foreign {
            location: self.location.clone(),
            message: "it belongs to another program".to_owned(),
        };
        let found: i64 = items::number(&item, FORMAT).ok_or_else(foreign)?;
        match items::text(&item, APPLICATION) {
            Some(OURS) if found > KNOWN => {
                Err(StoreError::Newer { location: self.location.clone(), found, known: KNOWN })
            }
            Some(OURS) => Ok(true),
            _ => Err(foreign()),
        }
    }

    async fn describe(&self) -> Result<Option<TableDescription>, StoreError> {
        match self.client.describe_table().table_name(&self.name).send().await {
            Ok(answer) => Ok(answer.table),
            Err(error) => match failed("dynamodb:DescribeTable")(error) {
                error if error.kind == PortErrorKind::NotFound => Ok(None),
                error => Err(self.failed(&error)),
            },
        }
    }

    async fn create(&self) -> Result<(), StoreError> {
        const OPERATION: &str = "dynamodb:CreateTable";
        let unbuildable = |error: aws_sdk_dynamodb::error::BuildError| {
            self.failed(&PortError::new(PortErrorKind::Invalid, OPERATION, error.to_string()))
        };
        let attribute = |name: &str| {
            let attribute = AttributeDefinition::builder().attribute_name(name);
            attribute.attribute_type(ScalarAttributeType::S).build().map_err(unbuildable)
        };
        let key = |name: &str, kind| {
            KeySchemaElement::builder().attribute_name(name).key_type(kind).build().map_err(unbuildable)
        };
        let index = LocalSecondaryIndex::builder()
            .index_name(TURN)
            .key_schema(key(PARTITION, KeyType::Hash)?)
            .key_schema(key(TURN, KeyType::Range)?)
            .projection(Projection::builder().projection_type(ProjectionType::All).build());
        let call = self
            .client
            .create_table()
            .table_name(&self.name)
            .attribute_definitions(attribute(PARTITION)?)
            .attribute_definitions(attribute(SORT)?)
            .attribute_definitions(attribute(TURN)?)
            .key_schema(key(PARTITION, KeyType::Hash)?)
            .key_schema(key(SORT, KeyType::Range)?)
            .local_secondary_indexes(index.build().map_err(unbuildable)?)
            .billing_mode(BillingMode::PayPerRequest)
            .deletion_protection_enabled(true);
        match call.send().await.map_err(failed(OPERATION)) {
            // Another process was faster.
            Err(error) if error.kind == PortErrorKind::Conflict => Ok(()),
            result => result.map(drop).map_err(|error| self.failed(&error)),
        }
    }

    async fn await_active(&self, clock: &dyn Clock) -> Result<(), StoreError> {
        for _ in 0..LOOKS {
            let status = self.describe().await?.and_then(|table| table.table_status);
            if status == Some(TableStatus::Active) || status == Some(TableStatus::Updating) {
                return Ok(());
            }
            clock.sleep_until(clock.now() + INTERVAL).await;
        }
        let message = "the table is still being made".to_owned();
        Err(StoreError::Unavailable { location: self.location.clone(), message })
    }

    fn failed(&self, error: &PortError) -> StoreError {
        store_error(&self.location, error)
    }
}

fn has_our_keys(table: &TableDescription) -> bool {
    let is = |keys: &[KeySchemaElement], sort: &str| {
        let named = |kind: KeyType| {
            keys.iter().find(|key| key.key_type == kind).map(|key| key.attribute_name.as_str())
        };
        (named(KeyType::Hash), named(KeyType::Range)) == (Some(PARTITION), Some(sort))
    };
    let index = table.local_secondary_indexes().iter().find(|index| index.index_name() == Some(TURN));
    is(table.key_schema(), SORT) && index.is_some_and(|index| is(index.key_schema(), TURN))
}
