//! Mail through a server (RFC 5321), under TLS unless the server is on this machine.

use std::fs;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use lettre::transport::smtp::authentication::Credentials;
use lettre::transport::smtp::client::{Certificate, Tls, TlsParameters};
use lettre::{AsyncSmtpTransport, AsyncTransport, Tokio1Executor};
use rotakey_core::notify::{Message, Smtp, SmtpTls};
use rotakey_core::secret::Secret;
use rotakey_engine::port::{Clock, Notifier, PortError, PortErrorKind};

use super::mail::mail;
use crate::{cause, credential};

/// How long the server may take for one answer, and for all of them.
const PATIENCE: (Duration, Duration) = (Duration::from_secs(10), Duration::from_secs(25));

const OPERATION: &str = "smtp: send the mail";

/// A server.
pub(super) struct Server {
    spec: Smtp,
    clock: Arc<dyn Clock>,
}

impl Server {
    pub(super) fn new(spec: Smtp, clock: Arc<dyn Clock>) -> Self {
        Self { spec, clock }
    }

    fn transport(&self, password: Option<&Secret>) -> Result<AsyncSmtpTransport<Tokio1Executor>, PortError> {
        let (tls, port) = match self.spec.tls {
            SmtpTls::Starttls => (Tls::Required(self.tls_parameters()?), 587),
            SmtpTls::Tls => (Tls::Wrapper(self.tls_parameters()?), 465),
            SmtpTls::None => (Tls::None, 25),
        };
        let mut builder = AsyncSmtpTransport::<Tokio1Executor>::builder_dangerous(self.spec.host.as_str())
            .port(self.spec.port.unwrap_or(port))
            .tls(tls)
            .timeout(Some(PATIENCE.0));
        if let (Some(name), Some(password)) = (&self.spec.username, password) {
            builder = builder.credentials(Credentials::new(name.clone(), password.expose().to_owned()));
        }
        Ok(builder.build())
    }

    fn tls_parameters(&self) -> Result<TlsParameters, PortError> {
        let invalid = |error: String| PortError::new(PortErrorKind::Invalid, "smtp: prepare TLS", error);
        // Fails if a provider is installed already, which serves as well.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let mut builder = TlsParameters::builder(self.spec.host.clone());
        if let Some(path) = &self.spec.ca_file {
            let pem = fs::read(path).map_err(|error| invalid(format!("{}: {error}", path.display())))?;
            let certificate = Certificate::from_pem(&pem).map_err(|error| invalid(error.to_string()))?;
            builder = builder.add_root_certificate(certificate);
        }
        builder.build().map_err(|error| invalid(error.to_string()))
    }
}

#[async_trait]
impl Notifier for Server {
    async fn send(&self, message: &Message) -> Result<(), PortError> {
        let mail = mail(message, &self.spec.from, self.clock.now())?;
        let password = match &self.spec.password {
            Some(source) => Some(credential::read(source).await?),
            None => None,
        };
        let transport = self.transport(password.as_ref())?;
        match tokio::time::timeout(PATIENCE.1, transport.send(mail)).await {
            Ok(Ok(_)) => Ok(()),
            Ok(Err(error)) => Err(told(&error, password.as_ref())),
            Err(_) => {
                let waited = format!("{} took longer than {} s", self.spec.host, PATIENCE.1.as_secs());
                Err(PortError::new(PortErrorKind::Ambiguous, OPERATION, waited))
            }
        }
    }
}

/// What the server or the way to it said.
fn told(error: &lettre::transport::smtp::Error, password: Option<&Secret>) -> PortError {
    let code = error.status().map(u16::from);
    let kind = match code {
        Some(530 | 534 | 535 | 538) => PortErrorKind::Credentials,
        Some(550 | 553 | 554) => PortErrorKind::Denied,
        Some(400..500) => PortErrorKind::Throttled,
        Some(_) => PortErrorKind::Invalid,
        // As when the certificate is not trusted: nothing was sent then.
        None if error.is_tls() || error.is_client() || cause::tls(error).is_some() => PortErrorKind::Invalid,
        None => PortErrorKind::Ambiguous,
    };
    let mut text = cause::told(error);
    if let Some(password) = password {
        let encoded = data_encoding::BASE64.encode(password.expose().as_bytes());
        text = text.replace(password.expose(), "***").replace(&encoded, "***");
    }
    PortError::new(kind, OPERATION, text.escape_debug().take(300).collect::<String>())
}
