//! How a call ended, by its error code.

/// The end of a call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Outcome {
    Success,
    Throttled,
    Denied,
    Failed,
}

impl Outcome {
    /// What that error code means; an empty one is a success.
    pub(super) fn of(code: &str) -> Self {
        let plain = code.strip_prefix("Client.").or_else(|| code.strip_prefix("Server.")).unwrap_or(code);
        if code.is_empty() {
            Self::Success
        } else if plain.contains("Throttl")
            || matches!(plain, "RequestLimitExceeded" | "SlowDown" | "TooManyRequestsException")
        {
            Self::Throttled
        } else if plain.contains("AccessDenied")
            || plain.contains("Unauthorized")
            || plain.contains("NotAuthorized")
        {
            Self::Denied
        } else {
            Self::Failed
        }
    }
}
