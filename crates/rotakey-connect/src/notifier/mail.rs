//! A message as a mail.

use std::time::{Duration, SystemTime};

use jiff::Timestamp;
use lettre::Message as Mail;
use lettre::message::header::{ContentType, Header, HeaderName, HeaderValue};
use lettre::message::{Mailbox, Mailboxes};
use rotakey_core::notify::Message;
use rotakey_engine::port::{PortError, PortErrorKind};

/// Says that nobody need be told of an absence (RFC 3834).
#[derive(Clone)]
struct AutoSubmitted;

impl Header for AutoSubmitted {
    fn name() -> HeaderName {
        HeaderName::new_from_ascii_str("Auto-Submitted")
    }

    fn parse(_: &str) -> Result<Self, Box<dyn std::error::Error + Send + Sync>> {
        Ok(Self)
    }

    fn display(&self) -> HeaderValue {
        HeaderValue::new(Self::name(), "auto-generated".to_owned())
    }
}

/// The mail. Its id is the same if it is sent twice.
pub(super) fn mail(message: &Message, from: &str, now: Timestamp) -> Result<Mail, PortError> {
    let invalid = |what: &str, error: String| {
        PortError::new(PortErrorKind::Invalid, format!("address the mail {what}"), error)
    };
    let sender: Mailbox =
        from.parse().map_err(|_| invalid("from", format!("{from:?} is not a mail address")))?;
    let domain = sender.email.domain().to_owned();
    let mut recipients = Mailboxes::new();
    for recipient in &message.recipients {
        let mailbox: Mailbox =
            recipient.parse().map_err(|_| invalid("to", format!("{recipient:?} is not a mail address")))?;
        recipients.push(mailbox);
    }
    Mail::builder()
        .from(sender)
        .mailbox(lettre::message::header::To::from(recipients))
        .subject(message.subject())
        .date(date(now))
        .message_id(Some(format!("<{}@{domain}>", message.id())))
        .header(AutoSubmitted)
        .header(ContentType::TEXT_PLAIN)
        .body(message.plain_text())
        .map_err(|error| invalid("from or to", error.to_string()))
}

/// To the second; never before 1970.
fn date(now: Timestamp) -> SystemTime {
    SystemTime::UNIX_EPOCH + Duration::from_secs(u64::try_from(now.as_second()).unwrap_or(0))
}
