//! What a person can do about an error of the libraries: the hints.

use rotakey_engine::journal::JournalError;
use rotakey_engine::port::{PortError, PortErrorKind};
use rotakey_engine::store::StoreError;

use crate::error::CommandError;

/// A call that failed, most often one of AWS.
pub(crate) fn port_error(error: PortError) -> CommandError {
    let (kind, operation) = (error.kind, error.operation.clone());
    let error = match kind {
        PortErrorKind::Invalid => CommandError::usage(error),
        _ => CommandError::failure(error),
    };
    match kind {
        PortErrorKind::Credentials => error
            .hint("AWS does not accept rotakey's own credentials, or there are none.")
            .hint("Log in (`aws sso login`, `aws configure`) or name another profile with --profile, and check with `aws sts get-caller-identity`."),
        PortErrorKind::Denied => error.hint(format!("Allow {operation} to the identity that rotakey runs as.")),
        PortErrorKind::Ambiguous => {
            error.hint("Check the network, --region and --endpoint-url (or AWS_ENDPOINT_URL), and run the command again.")
        }
        PortErrorKind::Throttled => {
            error.hint("AWS refuses calls that come too fast, also those of others in the account; run the command again in some minutes.")
        }
        PortErrorKind::NotFound => error.hint("Check the name, and that the credentials are those of the right account."),
        PortErrorKind::LimitExceeded => error.hint("A user has at most two access keys, inactive ones counted; `rotakey audit` shows both."),
        PortErrorKind::Conflict => error.hint("Somebody else changes the same thing; look at it, and run the command again."),
        PortErrorKind::Invalid => error.hint("Correct what the message names, and run the command again."),
    }
}

/// What to do about an account that could not be entered, or not be read.
pub(crate) fn entry_advice(error: &PortError) -> &'static str {
    let by_organization =
        error.message.contains("service control policy") || error.message.contains("resource control policy");
    match (error.kind, error.operation.as_str()) {
        (PortErrorKind::Denied, _) if by_organization => {
            "A policy of the organization denies it: exempt the role there, or exclude the account in [accounts]."
        }
        (PortErrorKind::Denied, "sts:AssumeRole") => {
            "AWS does not say which it is: the role is not there (add the account to the StackSet of \
             rotakey-member-role.yaml), its trust policy names another identity or another ExternalId (external_id in \
             [accounts]), or rotakey's own identity may not assume it."
        }
        (PortErrorKind::Denied, _) => {
            "The role may not do that: bring the StackSet of rotakey-member-role.yaml up to date, or look for a \
             service control policy that denies it."
        }
        (PortErrorKind::Credentials, _) => "AWS does not accept the credentials: log in again.",
        (PortErrorKind::Throttled | PortErrorKind::Ambiguous, _) => "Run the command again in some minutes.",
        _ => "Correct what the message names, and run the command again.",
    }
}

/// The rotation log could not be read or written.
pub(crate) fn store_error(error: StoreError) -> CommandError {
    let hint = match &error {
        StoreError::Conflict => "Another rotakey is at work on it; run the command again.".to_owned(),
        StoreError::SubjectBusy { rotation } => {
            format!("`rotakey rotate log {rotation}` shows what it does.")
        }
        StoreError::ReadOnly { .. } => {
            "Nothing was changed. Name a store that can be written to with --store.".to_owned()
        }
        StoreError::Full { .. } => {
            "Nothing was lost. Make room, and run the command again: it goes on where it stopped.".to_owned()
        }
        StoreError::Newer { .. } => "Install that rotakey, or name another store with --store.".to_owned(),
        StoreError::Foreign { .. } => {
            "Name the right store with --store; nothing was changed in this one.".to_owned()
        }
        StoreError::Missing { .. } => {
            "`rotakey store migrate` shows what would be made, and makes it with --apply; or name another store with \
             --store."
                .to_owned()
        }
        StoreError::Denied { .. } => {
            "Allow that to whoever rotakey runs as; docs/stores.md lists all that a store needs.".to_owned()
        }
        StoreError::Unavailable { .. } => {
            "Check that it can be reached, read and written, and run the command again."
                .to_owned()
        }
    };
    CommandError::failure(error).hint(hint)
}

/// A rotation could not be moved on.
pub(crate) fn journal_error(error: JournalError) -> CommandError {
    match error {
        JournalError::Store(error) => store_error(error),
        JournalError::Unknown(_) => {
            CommandError::usage(error).hint("`rotakey rotate status --all` lists the rotations of this store.")
        }
        JournalError::OutOfPlace(_) => {
            CommandError::usage(error).hint("`rotakey rotate status` says where the rotation stands.")
        }
        JournalError::Broken(_) | JournalError::Illegal(_) => CommandError::failure(error)
            .hint("The log was changed behind rotakey's back. Nothing is done with this rotation; restore the store from a backup.")
            .hint("Look at the user's keys in IAM yourself: what the log says of them cannot be trusted."),
    }
}
