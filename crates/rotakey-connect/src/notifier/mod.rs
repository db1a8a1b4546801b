//! Ways to people, one file each.

mod mail;
mod pagerduty;
mod slack;
mod smtp;
mod teams;
#[cfg(test)]
mod tests;
mod text;
mod webhook;

use std::sync::Arc;

use rotakey_core::destination::CredentialSource;
use rotakey_core::notify::NotifierSpec;
use rotakey_core::secret::Secret;
use rotakey_engine::port::{Clock, Notifier, Notifiers, PortError, PortErrorKind};

use crate::credential;
use crate::http::Api;

/// Opens the ways to people outside AWS.
#[derive(Clone)]
pub struct OutsideNotifiers {
    /// Tells the time that signatures and mails bear.
    pub clock: Arc<dyn Clock>,
}

impl Notifiers for OutsideNotifiers {
    fn open(&self, spec: &NotifierSpec) -> Result<Box<dyn Notifier>, PortError> {
        let clock = || self.clock.clone();
        Ok(match spec {
            NotifierSpec::SlackWebhook(spec) => Box::new(slack::Webhook::new(spec.clone())),
            NotifierSpec::Slack(spec) => Box::new(slack::Bot::new(spec.clone())),
            NotifierSpec::Teams(spec) => Box::new(teams::Workflow::new(spec.clone())),
            NotifierSpec::Pagerduty(spec) => Box::new(pagerduty::Service::new(spec.clone())),
            NotifierSpec::Smtp(spec) => Box::new(smtp::Server::new(spec.clone(), clock())),
            NotifierSpec::Webhook(spec) => Box::new(webhook::Endpoint::new(spec.clone(), clock())),
            NotifierSpec::Sns(_) | NotifierSpec::Ses(_) => {
                let message = "is reached through AWS";
                return Err(PortError::new(PortErrorKind::Invalid, spec.to_string(), message));
            }
        })
    }
}

/// The API behind an address that is a secret: it is in no error.
async fn secret_address(source: &CredentialSource) -> Result<(Api, Secret), PortError> {
    let address = credential::read(source).await?;
    let api = Api::new(address.expose(), None)
        .map_err(|error| PortError::new(error.kind, "use the address of the webhook", error.message))?;
    Ok((api, address))
}
