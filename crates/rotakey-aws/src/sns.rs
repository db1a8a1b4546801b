//! Amazon SNS: a topic that tells its subscribers.
//!
//! Permission: `sns:Publish`. A FIFO topic drops a message that is sent twice within five minutes.

use async_trait::async_trait;
use aws_config::{Region, SdkConfig};
use aws_sdk_sns::Client;
use aws_sdk_sns::config::Builder;
use aws_sdk_sns::types::MessageAttributeValue;
use rotakey_core::notify::{Message, Sns};
use rotakey_engine::port::{Notifier, PortError, PortErrorKind};

use crate::calls::CallCounter;
use crate::connection::region_named;
use crate::error::failed;

const OPERATION: &str = "sns:Publish";

/// The most characters of a subject: "less than 100", of ASCII (API reference of `Publish`).
const LONGEST_SUBJECT: usize = 99;

/// The most bytes of a message is 256 KiB with its attributes.
const LONGEST_MESSAGE: usize = 250 * 1024;

/// A topic.
#[derive(Debug, Clone)]
pub struct Topic {
    client: Client,
    arn: String,
}

impl Topic {
    /// The topic, called in the region that its ARN names.
    pub(crate) fn new(config: &SdkConfig, calls: CallCounter, spec: &Sns) -> Self {
        let mut builder = Builder::from(config).interceptor(calls);
        if let Some(region) = region(&spec.topic_arn) {
            builder = builder.region(region);
        }
        Self { client: Client::from_conf(builder.build()), arn: spec.topic_arn.clone() }
    }
}

fn region(arn: &str) -> Option<Region> {
    arn.split(':').nth(3).and_then(region_named)
}

#[async_trait]
impl Notifier for Topic {
    async fn send(&self, message: &Message) -> Result<(), PortError> {
        let attribute = |value: &str| {
            MessageAttributeValue::builder()
                .data_type("String")
                .string_value(value)
                .build()
                .map_err(|error| PortError::new(PortErrorKind::Invalid, OPERATION, error.to_string()))
        };
        let kind = match message.notices() {
            [only] => only.kind.as_str(),
            _ => "digest",
        };
        let mut publish = self
            .client
            .publish()
            .topic_arn(&self.arn)
            .subject(subject(&message.subject()))
            .message(beginning(message.plain_text()))
            .message_attributes("kind", attribute(kind)?)
            .message_attributes("severity", attribute(message.severity().as_str())?);
        if self.arn.ends_with(".fifo") {
            publish = publish.message_group_id("rotakey").message_deduplication_id(message.id());
        }
        publish.send().await.map_err(failed(OPERATION)).map(drop)
    }
}

/// A subject that SNS takes: printable ASCII, with a letter, a digit or a punctuation mark first.
fn subject(text: &str) -> String {
    let ascii =
        text.chars().map(|letter| if letter == ' ' || letter.is_ascii_graphic() { letter } else { '?' });
    ascii.skip_while(|letter| *letter == ' ').take(LONGEST_SUBJECT).collect()
}

fn beginning(mut text: String) -> String {
    if text.len() > LONGEST_MESSAGE {
        text.truncate(text.floor_char_boundary(LONGEST_MESSAGE));
        text.push_str("\n…\n");
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_subject_is_what_sns_takes() {
        assert_eq!(subject("  jürgen: k\u{1f511}"), "j?rgen: k?");
        assert_eq!(subject(&"x".repeat(200)).len(), LONGEST_SUBJECT);
    }

    #[test]
    fn a_long_message_is_cut_between_characters() {
        let cut = beginning("ü".repeat(LONGEST_MESSAGE));
        assert!(cut.len() < 256 * 1024 && cut.ends_with("ü\n…\n"));
    }

    #[test]
    fn a_topic_is_called_in_its_own_region() {
        assert_eq!(region("arn:aws:sns:eu-central-1:111122223333:keys"), Some(Region::new("eu-central-1")));
        assert_eq!(region("arn:aws:sns:evil.example/:1:keys"), None);
    }
}
