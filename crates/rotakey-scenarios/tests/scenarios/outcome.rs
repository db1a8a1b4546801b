//! How a call ended, in a few words that can be compared.

use aws_sdk_iam::config::http::HttpResponse;
use aws_sdk_iam::error::{ProvideErrorMetadata, SdkError};

/// `ok`, or the error's code and HTTP status: `NoSuchEntity 404`. An answer that the SDK cannot read is
/// `unreadable 500`, and one that does not come `no answer`.
pub(crate) fn outcome<T, E: ProvideErrorMetadata>(result: &Result<T, SdkError<E, HttpResponse>>) -> String {
    let error = match result {
        Ok(_) => return "ok".to_owned(),
        Err(error) => error,
    };
    let Some(status) = error.raw_response().map(|response| response.status().as_u16()) else {
        return "no answer".to_owned();
    };
    let code = error.as_service_error().and_then(ProvideErrorMetadata::code);
    format!("{} {status}", code.unwrap_or("unreadable"))
}
