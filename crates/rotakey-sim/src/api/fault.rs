//! How a call fails: with the code, the status and the words of the service called.

use crate::api::{Protocol, Service};

/// A call that was not answered with a result.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Fault {
    /// The service answered with an error.
    #[error(transparent)]
    Refused(Refusal),
    /// No answer comes: the caller sees a time-out or a broken connection. Only the simulation knows whether
    /// the effect happened; a face must not tell.
    #[error("no answer")]
    NoAnswer {
        /// Whether the call took effect.
        happened: bool,
    },
}

/// An error answer. A status from 500 up is the service's fault (`Receiver`), any other the caller's
/// (`Sender`).
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{code}: {message}")]
pub struct Refusal {
    /// The error code, as the service writes it: `NoSuchEntity`, `ResourceNotFoundException`.
    pub code: String,
    /// The HTTP status.
    pub http_status: u16,
    /// The message.
    pub message: String,
}

impl Refusal {
    /// Whether it is the service's fault, not the caller's.
    pub fn is_receiver(&self) -> bool {
        self.http_status >= 500
    }
}

impl Fault {
    /// An error answer.
    pub fn refused(code: impl Into<String>, http_status: u16, message: impl Into<String>) -> Self {
        Self::Refused(Refusal { code: code.into(), http_status, message: message.into() })
    }

    /// The error code, if there was an answer.
    pub fn code(&self) -> Option<&str> {
        match self {
            Self::Refused(refusal) => Some(&refusal.code),
            Self::NoAnswer { .. } => None,
        }
    }

    /// Whether the credentials were not accepted: the key is unknown, inactive, deleted, not yet propagated
    /// or expired, or the signature is not its secret's. A lack of permission is something else.
    pub fn is_about_credentials(&self) -> bool {
        let codes = [
            "AuthFailure",
            "ExpiredToken",
            "ExpiredTokenException",
            "InvalidAccessKeyId",
            "InvalidClientTokenId",
            "InvalidSignatureException",
            "MissingAuthenticationToken",
            "MissingAuthenticationTokenException",
            "RequestExpired",
            "SignatureDoesNotMatch",
            "UnrecognizedClientException",
        ];
        self.code().is_some_and(|code| codes.contains(&code))
    }

    /// An access key id that is unknown, inactive, deleted or not yet propagated: AWS does not say which.
    pub fn unknown_key(service: Service) -> Self {
        let message = "The security token included in the request is invalid.";
        match service.protocol() {
            Protocol::Query => Self::refused("InvalidClientTokenId", 403, message),
            Protocol::Json => Self::refused("UnrecognizedClientException", 400, message),
            Protocol::Ec2Query => Self::refused(
                "AuthFailure",
                401,
                "AWS was not able to validate the provided access credentials",
            ),
            Protocol::RestXml => Self::refused(
                "InvalidAccessKeyId",
                403,
                "The AWS Access Key Id you provided does not exist in our records.",
            ),
        }
    }

    /// A signature that the secret of the key does not make.
    pub fn signature_mismatch(service: Service) -> Self {
        let message = "The request signature we calculated does not match the signature you provided. Check your \
                       AWS Secret Access Key and signing method. Consult the service documentation for details.";
        match service.protocol() {
            Protocol::Query | Protocol::RestXml => Self::refused("SignatureDoesNotMatch", 403, message),
            Protocol::Json => Self::refused("InvalidSignatureException", 400, message),
            Protocol::Ec2Query => Self::refused(
                "AuthFailure",
                401,
                "AWS was not able to validate the provided access credentials",
            ),
        }
    }

    /// A request without a signature.
    pub fn missing_credentials(service: Service) -> Self {
        match service.protocol() {
            Protocol::Query => {
                Self::refused("MissingAuthenticationToken", 403, "Request is missing Authentication Token")
            }
            Protocol::Json => Self::refused(
                "MissingAuthenticationTokenException",
                400,
                "Request is missing Authentication Token",
            ),
            Protocol::Ec2Query => Self::refused(
                "MissingParameter",
                400,
                "The request must contain the parameter AWSAccessKeyId",
            ),
            Protocol::RestXml => Self::refused("AccessDenied", 403, "Access Denied"),
        }
    }

    /// Temporary credentials that are past their expiry.
    pub fn expired_token(service: Service) -> Self {
        let message = "The security token included in the request is expired";
        match service.protocol() {
            Protocol::Query => Self::refused("ExpiredToken", 403, message),
            Protocol::Json => Self::refused("ExpiredTokenException", 400, message),
            Protocol::Ec2Query => Self::refused("RequestExpired", 400, "Request has expired."),
            Protocol::RestXml => Self::refused("ExpiredToken", 400, "The provided token has expired."),
        }
    }

    /// Too many calls.
    pub fn throttled(service: Service) -> Self {
        match service {
            Service::Iam | Service::Sts | Service::CloudWatch => {
                Self::refused("Throttling", 400, "Rate exceeded")
            }
            Service::Organizations => Self::refused("TooManyRequestsException", 400, "Rate exceeded"),
            Service::S3 => Self::refused("SlowDown", 503, "Please reduce your request rate."),
            Service::Ec2 => Self::refused("RequestLimitExceeded", 503, "Request limit exceeded."),
            _ => Self::refused("ThrottlingException", 400, "Rate exceeded"),
        }
    }

    /// The service is down.
    pub fn outage(service: Service) -> Self {
        let message = "The service is temporarily unable to handle the request.";
        match service {
            Service::S3 => {
                Self::refused("InternalError", 500, "We encountered an internal error. Please try again.")
            }
            Service::SecretsManager => Self::refused("InternalServiceError", 500, message),
            Service::Ssm => Self::refused("InternalServerError", 500, message),
            Service::Organizations => Self::refused("ServiceException", 500, message),
            _ => Self::refused("ServiceUnavailable", 503, message),
        }
    }

    /// An operation that the service does not have, or that is not simulated.
    pub fn unknown_operation(service: Service, action: &str) -> Self {
        match service.protocol() {
            Protocol::Query | Protocol::Ec2Query => Self::refused(
                "InvalidAction",
                400,
                format!("Could not find operation {action} (it may exist in AWS, but is not simulated)"),
            ),
            Protocol::Json => Self::refused(
                "UnknownOperationException",
                400,
                format!("{action} does not exist, or is not simulated"),
            ),
            Protocol::RestXml => Self::refused("NotImplemented", 501, format!("{action} is not simulated")),
        }
    }
}
