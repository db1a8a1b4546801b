//! What an error code means for the question who uses a key.

/// How a call went.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    /// It has no error code.
    Done,
    /// The caller may not do it.
    Denied,
    /// There were too many calls: nothing is wrong with this one.
    Throttled,
    /// Anything else went wrong.
    Failed,
}

/// The error codes of throttling that do not say so in their names, as the SDKs know them.
pub(crate) const THROTTLING: [&str; 7] = [
    "RequestLimitExceeded",
    "TooManyRequestsException",
    "ProvisionedThroughputExceededException",
    "TransactionInProgressException",
    "BandwidthLimitExceeded",
    "PriorRequestNotComplete",
    "SlowDown",
];

/// A part of the name of every other error code of throttling.
pub(crate) const THROTTLING_PART: &str = "Throttl";

/// What the error codes of refusals have in their names.
pub(crate) const DENIED_PARTS: [&str; 5] =
    ["AccessDenied", "Unauthorized", "NotAuthorized", "AuthorizationError", "Forbidden"];

impl Outcome {
    /// The outcome of a call with that `errorCode`.
    pub fn of(error_code: Option<&str>) -> Self {
        let Some(code) = error_code else { return Self::Done };
        // EC2 says whose fault it is: `Client.UnauthorizedOperation`.
        let code = code.split_once('.').map_or(code, |(_, code)| code);
        let has = |parts: &[&str]| parts.iter().any(|part| code.contains(part));
        if THROTTLING.contains(&code) || has(&[THROTTLING_PART]) {
            Self::Throttled
        } else if has(&DENIED_PARTS) {
            Self::Denied
        } else {
            Self::Failed
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_error_code_is_a_failure_of_some_kind() {
        for (code, outcome) in [
            (None, Outcome::Done),
            (Some("AccessDenied"), Outcome::Denied),
            (Some("Client.UnauthorizedOperation"), Outcome::Denied),
            (Some("VpceAccessDenied"), Outcome::Denied),
            (Some("AccessDeniedException"), Outcome::Denied),
            (Some("ThrottlingException"), Outcome::Throttled),
            (Some("Client.RequestLimitExceeded"), Outcome::Throttled),
            (Some("NoSuchEntityException"), Outcome::Failed),
            (Some("ExpiredToken"), Outcome::Failed),
            (Some("LimitExceededException"), Outcome::Failed),
        ] {
            assert_eq!(Outcome::of(code), outcome, "{code:?}");
        }
    }
}
