//! What is behind an error: the causes that libraries hide, and what a failed TLS handshake means.

use std::error::Error;
use std::io;

use rotakey_engine::port::PortErrorKind;
use rustls::AlertDescription;

/// The error and what is behind it, outermost first, each said once.
pub(crate) fn told(error: &(dyn Error + 'static)) -> String {
    let mut text = error.to_string();
    for cause in causes(error).into_iter().map(ToString::to_string) {
        if !text.contains(&cause) {
            text = format!("{text}: {cause}");
        }
    }
    text
}

/// What the two could not agree on about TLS, if it is that.
pub(crate) fn tls<'e>(error: &'e (dyn Error + 'static)) -> Option<&'e rustls::Error> {
    causes(error).into_iter().find_map(within)
}

/// The error itself, or the one in an [`io::Error`], which passes over it when it is asked for its source.
fn within<'e>(error: &'e (dyn Error + 'static)) -> Option<&'e rustls::Error> {
    error.downcast_ref().or_else(|| within(error.downcast_ref::<io::Error>()?.get_ref()?))
}

/// The kind of an error in a handshake, in which one side refuses the other before it does anything. `None` for what
/// may come later too.
pub(crate) fn refusal(error: &rustls::Error) -> Option<PortErrorKind> {
    match error {
        rustls::Error::InvalidCertificate(_) => Some(PortErrorKind::Invalid),
        rustls::Error::AlertReceived(
            AlertDescription::AccessDenied
            | AlertDescription::BadCertificate
            | AlertDescription::CertificateExpired
            | AlertDescription::CertificateRequired
            | AlertDescription::CertificateRevoked
            | AlertDescription::CertificateUnknown
            | AlertDescription::DecryptError
            | AlertDescription::UnknownCA
            | AlertDescription::UnsupportedCertificate,
        ) => Some(PortErrorKind::Credentials),
        _ => None,
    }
}

/// What is behind an error, the nearest first.
fn causes<'e>(error: &'e (dyn Error + 'static)) -> Vec<&'e (dyn Error + 'static)> {
    let mut causes = Vec::new();
    let mut next = error.source();
    while let Some(cause) = next {
        causes.push(cause);
        next = cause.source();
    }
    causes
}
