//! Pages of an answer.

use rotakey_engine::port::{PortError, PortErrorKind};

/// The marker of the next page, if there is one. A marker that repeats would never end.
pub(crate) fn next_page(
    operation: &str,
    next: Option<String>,
    last: Option<&str>,
) -> Result<Option<String>, PortError> {
    match next {
        Some(next) if Some(next.as_str()) == last => {
            let message = "AWS answered with the marker of the page that was just read";
            Err(PortError::new(PortErrorKind::Invalid, operation, message))
        }
        next => Ok(next),
    }
}
