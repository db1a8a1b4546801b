//! Amazon SES, API version 2: mail.
//!
//! Permission: `ses:SendEmail` on the identity of the sender. SES has no token for idempotency: what is sent twice
//! arrives twice, with the same `X-Rotakey-Message`.

use async_trait::async_trait;
use aws_config::{Region, SdkConfig};
use aws_sdk_sesv2::Client;
use aws_sdk_sesv2::config::Builder;
use aws_sdk_sesv2::error::BuildError;
use aws_sdk_sesv2::types::{Body, Content, Destination, EmailContent, Message as Mail, MessageHeader};
use rotakey_core::notify::{Message, Ses};
use rotakey_engine::port::{Notifier, PortError, PortErrorKind};

use crate::calls::CallCounter;
use crate::error::failed;

const OPERATION: &str = "ses:SendEmail";

/// A sender.
#[derive(Debug, Clone)]
pub struct Sender {
    client: Client,
    from: String,
}

impl Sender {
    /// The sender, in the region that is written, or that of the connection.
    pub(crate) fn new(config: &SdkConfig, calls: CallCounter, spec: &Ses) -> Self {
        let mut builder = Builder::from(config).interceptor(calls);
        if let Some(region) = &spec.region {
            builder = builder.region(Region::new(region.clone()));
        }
        Self { client: Client::from_conf(builder.build()), from: spec.from.clone() }
    }
}

#[async_trait]
impl Notifier for Sender {
    async fn send(&self, message: &Message) -> Result<(), PortError> {
        let invalid =
            |error: BuildError| PortError::new(PortErrorKind::Invalid, OPERATION, error.to_string());
        let header = |name: &str, value: &str| MessageHeader::builder().name(name).value(value).build();
        let mail = Mail::builder()
            .subject(utf8(message.subject()).map_err(invalid)?)
            .body(Body::builder().text(utf8(message.plain_text()).map_err(invalid)?).build())
            .headers(header("Auto-Submitted", "auto-generated").map_err(invalid)?)
            .headers(header("X-Rotakey-Message", &message.id()).map_err(invalid)?)
            .build();
        let to = Destination::builder().set_to_addresses(Some(message.recipients.clone())).build();
        self.client
            .send_email()
            .from_email_address(&self.from)
            .destination(to)
            .content(EmailContent::builder().simple(mail).build())
            .send()
            .await
            .map_err(failed(OPERATION))
            .map(drop)
    }
}

fn utf8(text: String) -> Result<Content, BuildError> {
    Content::builder().data(text).charset("UTF-8").build()
}
