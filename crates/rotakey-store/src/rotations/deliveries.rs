//! Deliveries of notices as rows, in either database. The column `rotation` holds the topic, which most often is one.

use jiff::Timestamp;
use rotakey_core::notify::{NoticeId, Topic};
use rotakey_engine::outbox::{Delivery, DeliveryState};

use super::rows::{Columns, decode};

/// A state as the columns `state`, `at` and `message`.
pub(super) fn columns(state: &DeliveryState) -> (&'static str, Option<String>, Option<&str>) {
    match state {
        DeliveryState::Sending { until } => ("sending", Some(until.to_string()), None),
        DeliveryState::Sent { at } => ("sent", Some(at.to_string()), None),
        DeliveryState::Failed { at, message } => ("failed", Some(at.to_string()), Some(message)),
        DeliveryState::NotMeant => ("not-meant", None, None),
    }
}

pub(super) fn delivery(row: &impl Columns) -> Result<Delivery, sqlx::Error> {
    let at = || row.text("at")?.parse::<Timestamp>().map_err(decode);
    let number = |column| u32::try_from(row.number(column)?.unwrap_or_default()).map_err(decode);
    Ok(Delivery {
        topic: Topic::from_stored(row.text("rotation")?),
        notice: NoticeId::from_stored(row.text("notice")?),
        channel: row.text("channel")?,
        version: number("version")?,
        attempts: number("attempts")?,
        state: match row.text("state")?.as_str() {
            "sending" => DeliveryState::Sending { until: at()? },
            "sent" => DeliveryState::Sent { at: at()? },
            "failed" => DeliveryState::Failed { at: at()?, message: row.text("message")? },
            // The table allows no other.
            _ => DeliveryState::NotMeant,
        },
    })
}
