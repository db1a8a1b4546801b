//! Why a signature is not accepted, and how each service says so.

use jiff::Timestamp;

use crate::api::{Fault, Protocol, Service};

/// Why a signature is not accepted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::wire) enum Rejection {
    /// It does not have the form of a signature; the text says what is missing.
    Malformed(String),
    /// It was made for something else than what arrived, or with another secret.
    Mismatch,
    /// As `Mismatch`, and AWS says why.
    Scope(String),
    /// A header that must be signed is not.
    HeaderNotSigned(String),
    /// The stated digest is not that of the payload.
    PayloadDigest,
    /// The date of the signature is too far from the real time.
    Skewed {
        /// As sent.
        stamp: String,
        /// The real time.
        now: Timestamp,
    },
    /// A presigned request after its end.
    Expired,
}

impl Rejection {
    /// The rejection in the words of the service that was called.
    pub(in crate::wire) fn into_fault(self, service: Service) -> Fault {
        let protocol = service.protocol();
        let mismatch = |message: String| match protocol {
            Protocol::Query | Protocol::RestXml => Fault::refused("SignatureDoesNotMatch", 403, message),
            Protocol::Json => Fault::refused("InvalidSignatureException", 400, message),
            Protocol::Ec2Query => Fault::signature_mismatch(service),
        };
        match self {
            Self::Malformed(message) => match protocol {
                Protocol::Query | Protocol::Ec2Query => Fault::refused("IncompleteSignature", 400, message),
                Protocol::Json => Fault::refused("IncompleteSignatureException", 400, message),
                Protocol::RestXml => Fault::refused("AuthorizationHeaderMalformed", 400, message),
            },
            Self::Mismatch => Fault::signature_mismatch(service),
            Self::Scope(message) if protocol == Protocol::RestXml => {
                Fault::refused("AuthorizationHeaderMalformed", 400, message)
            }
            Self::Scope(message) => mismatch(message),
            Self::HeaderNotSigned(name) if protocol == Protocol::RestXml => Fault::refused(
                "AccessDenied",
                403,
                format!("There were headers present in the request which were not signed: {name}"),
            ),
            Self::HeaderNotSigned(name) => {
                mismatch(format!("'{name}' must be a 'SignedHeader' in the AWS Authorization."))
            }
            Self::PayloadDigest if protocol == Protocol::RestXml => Fault::refused(
                "XAmzContentSHA256Mismatch",
                400,
                "The provided 'x-amz-content-sha256' header does not match what was computed.",
            ),
            Self::PayloadDigest => Fault::signature_mismatch(service),
            Self::Skewed { .. } if protocol == Protocol::RestXml => Fault::refused(
                "RequestTimeTooSkewed",
                403,
                "The difference between the request time and the current time is too large.",
            ),
            Self::Skewed { stamp, now } => {
                let now = now.strftime("%Y%m%dT%H%M%SZ").to_string();
                if stamp > now {
                    mismatch(format!("Signature not yet current: {stamp} is still later than {now} + 5 min."))
                } else {
                    mismatch(format!("Signature expired: {stamp} is now earlier than {now} - 5 min."))
                }
            }
            Self::Expired if protocol == Protocol::RestXml => {
                Fault::refused("AccessDenied", 403, "Request has expired")
            }
            Self::Expired => {
                mismatch("Signature expired: the presigned request is past its X-Amz-Expires.".to_owned())
            }
        }
    }
}
