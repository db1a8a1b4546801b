//! What a failed call of the SDK means to the ports.

use std::error::Error;

use aws_credential_types::provider::error::CredentialsError;
use aws_smithy_runtime_api::client::orchestrator::HttpResponse;
use aws_smithy_runtime_api::client::result::SdkError;
use aws_smithy_types::error::metadata::ProvideErrorMetadata;
use rotakey_engine::port::{PortError, PortErrorKind};

/// For `map_err`: turns the SDK's error for that operation (`iam:GetUser`) into the ports' error.
pub(crate) fn failed<E>(operation: &'static str) -> impl Fn(SdkError<E, HttpResponse>) -> PortError
where
    E: ProvideErrorMetadata + Error + 'static,
{
    move |error| port_error(operation, &error)
}

/// An answer of AWS that lacks what it must have. Nothing is known of what happened.
pub(crate) fn incomplete(operation: &'static str, missing: &str) -> PortError {
    PortError::new(PortErrorKind::Ambiguous, operation, format!("the answer of AWS lacks {missing}"))
}

/// An answer of AWS that holds something this program does not know.
pub(crate) fn unexpected(operation: &'static str, what: &str, found: &str) -> PortError {
    let message = format!("AWS answered with the {what} {found:?}, which is not known");
    PortError::new(PortErrorKind::Invalid, operation, message)
}

/// The source of credentials gave none.
pub(crate) fn without_credentials(error: &CredentialsError) -> PortError {
    refusal_of_role(error).unwrap_or_else(|| {
        PortError::new(PortErrorKind::Credentials, "find credentials", escaped(&causes(error)))
    })
}

/// A role that could not be assumed says so itself.
fn refusal_of_role(error: &(dyn Error + 'static)) -> Option<PortError> {
    error.source()?.downcast_ref::<PortError>().cloned()
}

fn port_error<E>(operation: &'static str, error: &SdkError<E, HttpResponse>) -> PortError
where
    E: ProvideErrorMetadata + Error + 'static,
{
    let (kind, message) = match error {
        SdkError::ServiceError(answer) => {
            let (failure, status) = (answer.err(), answer.raw().status().as_u16());
            (kind_of_answer(failure.code(), status), told(failure.code(), failure.message(), status))
        }
        // What the parser stumbled over may be a secret, so only the fact is told.
        SdkError::ResponseError(answer) => {
            let status = answer.raw().status().as_u16();
            (PortErrorKind::Ambiguous, format!("the answer of AWS (HTTP {status}) cannot be read"))
        }
        SdkError::TimeoutError(_) => (PortErrorKind::Ambiguous, "no answer in time".to_owned()),
        SdkError::ConstructionFailure(_) => (PortErrorKind::Invalid, causes(error)),
        _ => match credentials_error(error) {
            Some(cause) => match refusal_of_role(cause) {
                Some(refused) => return refused,
                None => (PortErrorKind::Credentials, causes(cause)),
            },
            None => (kind_of_dispatch(error), causes(error.source().unwrap_or(error))),
        },
    };
    PortError::new(kind, operation, escaped(&message))
}

/// The failure to find credentials, which the SDK reports as one of sending.
fn credentials_error<'a>(error: &'a (dyn Error + 'static)) -> Option<&'a (dyn Error + 'static)> {
    let mut cause = Some(error);
    while let Some(current) = cause {
        if current.is::<CredentialsError>() {
            return cause;
        }
        cause = current.source();
    }
    None
}

/// A request that the HTTP client refused to send had no effect.
fn kind_of_dispatch<E>(error: &SdkError<E, HttpResponse>) -> PortErrorKind {
    match error {
        SdkError::DispatchFailure(failure) if failure.is_user() => PortErrorKind::Invalid,
        _ => PortErrorKind::Ambiguous,
    }
}

/// The kind behind an error code. Codes come first: throttling is also told with a 5xx.
fn kind_of_answer(code: Option<&str>, status: u16) -> PortErrorKind {
    match code.unwrap_or_default() {
        code if is_throttling(code) => PortErrorKind::Throttled,

        "AccessDenied"
        | "AccessDeniedException"
        | "AuthorizationError"
        | "NotAuthorized"
        | "UnauthorizedOperation" => PortErrorKind::Denied,

        "AuthFailure"
        | "ExpiredToken"
        | "ExpiredTokenException"
        | "IncompleteSignature"
        | "IncompleteSignatureException"
        | "InvalidAccessKeyId"
        | "InvalidClientTokenId"
        | "InvalidSignatureException"
        | "InvalidToken"
        | "MissingAuthenticationToken"
        | "MissingAuthenticationTokenException"
        | "RequestExpired"
        | "SignatureDoesNotMatch"
        | "UnrecognizedClientException" => PortErrorKind::Credentials,

        "AWS.SimpleQueueService.NonExistentQueue"
        | "NoSuchEntity"
        | "NoSuchEntityException"
        | "NotFound"
        | "NotFoundException"
        | "ParameterNotFound"
        | "QueueDoesNotExist"
        | "ResourceNotFoundException" => PortErrorKind::NotFound,

        "ItemCollectionSizeLimitExceededException"
        | "LimitExceeded"
        | "LimitExceededException"
        | "ParameterLimitExceeded"
        | "ParameterMaxVersionLimitExceeded" => PortErrorKind::LimitExceeded,

        "ConcurrentModification"
        | "ConditionalCheckFailedException"
        | "DeleteConflict"
        | "EntityAlreadyExists"
        | "EntityTemporarilyUnmodifiable"
        | "ParameterAlreadyExists"
        | "ResourceExistsException"
        | "ResourceInUseException" => PortErrorKind::Conflict,

        _ => match status {
            429 => PortErrorKind::Throttled,
            403 => PortErrorKind::Denied,
            400..=499 => PortErrorKind::Invalid,
            _ => PortErrorKind::Ambiguous,
        },
    }
}

/// Whether an error code says that calls come too fast.
pub(crate) fn is_throttling(code: &str) -> bool {
    matches!(
        code,
        "BandwidthLimitExceeded"
            | "PriorRequestNotComplete"
            | "ProvisionedThroughputExceededException"
            | "RequestLimitExceeded"
            | "RequestThrottled"
            | "RequestThrottledException"
            | "SlowDown"
            | "ThrottledException"
            | "Throttling"
            | "ThrottlingException"
            | "TooManyRequestsException"
            | "TooManyUpdates"
    )
}

/// What AWS said, as far as it said anything.
fn told(code: Option<&str>, message: Option<&str>, status: u16) -> String {
    match (message.filter(|message| !message.is_empty()), code) {
        (Some(message), Some(code)) => format!("{message} ({code})"),
        (Some(message), None) => format!("{message} (HTTP {status})"),
        (None, Some(code)) => format!("{code} (HTTP {status})"),
        (None, None) => format!("HTTP {status} without an error code"),
    }
}

/// The error and its causes, outermost first, each said once, on one line.
fn causes(error: &dyn Error) -> String {
    let mut message = error.to_string();
    let mut cause = error.source();
    while let Some(current) = cause {
        let said = current.to_string();
        if !message.contains(&said) {
            message.push_str(": ");
            message.push_str(&said);
        }
        cause = current.source();
    }
    message.lines().map(str::trim).collect::<Vec<_>>().join(" | ")
}

/// Foreign text without what moves the cursor or turns the direction of writing.
pub(crate) fn escaped(text: &str) -> String {
    let unsafe_to_show = |character: char| {
        character.is_control()
            || matches!(character, '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
    };
    let mut shown = String::with_capacity(text.len());
    for character in text.chars() {
        if unsafe_to_show(character) {
            shown.extend(character.escape_default());
        } else {
            shown.push(character);
        }
    }
    shown
}

#[cfg(test)]
mod tests {
    use aws_sdk_iam::error::ErrorMetadata;
    use aws_sdk_iam::operation::create_access_key::CreateAccessKeyError;
    use aws_smithy_runtime_api::client::result::ConnectorError;
    use aws_smithy_types::body::SdkBody;

    use super::*;

    type Failure = SdkError<CreateAccessKeyError, HttpResponse>;

    fn answer(status: u16) -> HttpResponse {
        HttpResponse::new(status.try_into().unwrap(), SdkBody::empty())
    }

    fn refused(status: u16, code: Option<&str>, message: Option<&str>) -> Failure {
        let mut metadata = ErrorMetadata::builder();
        metadata = match code {
            Some(code) => metadata.code(code),
            None => metadata,
        };
        metadata = match message {
            Some(message) => metadata.message(message),
            None => metadata,
        };
        SdkError::service_error(CreateAccessKeyError::generic(metadata.build()), answer(status))
    }

    fn mapped(error: Failure) -> PortError {
        failed("iam:CreateAccessKey")(error)
    }

    #[test]
    fn answers_are_sorted_by_code_and_then_by_status() {
        for (status, code, kind) in [
            (400, Some("Throttling"), PortErrorKind::Throttled),
            (503, Some("SlowDown"), PortErrorKind::Throttled),
            (429, None, PortErrorKind::Throttled),
            (403, Some("AccessDenied"), PortErrorKind::Denied),
            (400, Some("AccessDeniedException"), PortErrorKind::Denied),
            (403, Some("InvalidClientTokenId"), PortErrorKind::Credentials),
            (403, Some("ExpiredToken"), PortErrorKind::Credentials),
            (403, Some("SignatureDoesNotMatch"), PortErrorKind::Credentials),
            (404, Some("NoSuchEntity"), PortErrorKind::NotFound),
            (400, Some("ResourceNotFoundException"), PortErrorKind::NotFound),
            (400, Some("AWS.SimpleQueueService.NonExistentQueue"), PortErrorKind::NotFound),
            (409, Some("LimitExceeded"), PortErrorKind::LimitExceeded),
            (409, Some("EntityTemporarilyUnmodifiable"), PortErrorKind::Conflict),
            (400, Some("ValidationError"), PortErrorKind::Invalid),
            (500, Some("ServiceFailure"), PortErrorKind::Ambiguous),
            (500, None, PortErrorKind::Ambiguous),
            (302, None, PortErrorKind::Ambiguous),
        ] {
            assert_eq!(mapped(refused(status, code, None)).kind, kind, "{status} {code:?}");
        }
    }

    #[test]
    fn without_an_answer_the_effect_may_have_happened() {
        let broken = ConnectorError::io("connection reset by peer".into());
        let errors: [Failure; 4] = [
            SdkError::timeout_error("late"),
            SdkError::dispatch_failure(broken),
            SdkError::response_error("unexpected end of XML", answer(200)),
            refused(502, None, None),
        ];
        for error in errors {
            assert!(mapped(error).may_have_happened());
        }
        let unsent: Failure = SdkError::construction_failure("no such header");
        assert_eq!(mapped(unsent).kind, PortErrorKind::Invalid);
    }

    #[test]
    fn missing_credentials_are_told_as_such() {
        let missing = CredentialsError::not_loaded("none found. Attempted:\n  Environment: not set");
        let error: Failure = SdkError::dispatch_failure(ConnectorError::other(missing.into(), None));
        let error = mapped(error);
        assert_eq!(error.kind, PortErrorKind::Credentials);
        let expected =
            "the credential provider was not enabled: none found. Attempted: | Environment: not set";
        assert_eq!(error.message, expected);
    }

    #[test]
    fn messages_are_those_of_aws_without_its_control_characters() {
        let error = mapped(refused(409, Some("LimitExceeded"), Some("Cannot exceed\u{1b}[2J quota\u{202e}")));
        assert_eq!(
            error.to_string(),
            r"iam:CreateAccessKey: Cannot exceed\u{1b}[2J quota\u{202e} (LimitExceeded)"
        );
        assert_eq!(mapped(refused(500, None, None)).message, "HTTP 500 without an error code");
    }

    #[test]
    fn an_unreadable_answer_is_never_quoted() {
        let secret = "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY";
        let error: Failure = SdkError::response_error(format!("bad XML near {secret}"), answer(200));
        assert!(!mapped(error).to_string().contains(secret));
    }
}
