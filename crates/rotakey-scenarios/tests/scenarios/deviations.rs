//! Where moto's server (5.2.1, without authorization checks, as `cargo xtask test` starts it) deviates from AWS: all
//! of it that the scenarios see, and the only place where it is written down.

use crate::cloud::NO_CLOCK;

/// One check of one scenario that moto does not pass.
#[derive(Debug)]
pub(crate) struct Deviation {
    /// The scenario.
    pub(crate) scenario: &'static str,
    /// The name of the check in it.
    pub(crate) check: &'static str,
    /// What AWS shows.
    pub(crate) aws: &'static str,
    /// What moto shows.
    pub(crate) moto: &'static str,
}

const fn row(
    scenario: &'static str,
    check: &'static str,
    aws: &'static str,
    moto: &'static str,
) -> Deviation {
    Deviation { scenario, check, aws, moto }
}

#[rustfmt::skip]
pub(crate) const DEVIATIONS: &[Deviation] = &[
    // What a caller may sign with is not looked at: the worst of all, for whoever rotates keys.
    row("inactive_key_used", "STS refuses it", "InvalidClientTokenId 403", "user/alice"),
    row("inactive_key_used", "Secrets Manager refuses it", "UnrecognizedClientException 400", "ok"),
    row("deleted_key_used", "STS refuses it", "InvalidClientTokenId 403", "user/moto"),
    row("deleted_key_used", "STS refuses one that never was", "InvalidClientTokenId 403", "user/moto"),
    row("wrong_secret", "STS refuses it", "SignatureDoesNotMatch 403", "user/alice"),
    row("wrong_secret", "Secrets Manager refuses it", "InvalidSignatureException 400", "ok"),
    row("session_token", "temporary key ids begin with", "ASIA", "AKIA"),
    row("session_token", "the session's identity", "user/alice", "user/moto"),
    row("session_token", "without the token", "InvalidClientTokenId 403", "user/moto"),
    row("session_token", "with another token", "InvalidClientTokenId 403", "user/moto"),
    row("session_token", "after the twelve hours that it lasts", "ExpiredToken 403", NO_CLOCK),
    row("assume_role", "a role that does not exist", "AccessDenied 403", "ok"),
    row("assume_role", "a wrong external id", "AccessDenied 403", "ok"),
    row("assume_role", "no external id", "AccessDenied 403", "ok"),

    // Requests that AWS refuses are taken.
    row("invalid_status", "a status that does not exist is refused", "ValidationError 400", "ok"),
    row("invalid_status", "the key keeps its status", "Active", "Revoked"),
    row("delete_user_with_keys", "a user with a key is not deleted", "DeleteConflict 409", "ok"),
    row("delete_user_with_keys", "the user is still there", "ok", "NoSuchEntity 404"),
    row("delete_user_with_keys", "the key can be deleted", "ok", "NoSuchEntity 404"),
    row("delete_user_with_keys", "a user without keys is deleted", "ok", "NoSuchEntity 404"),
    row("access_key_info", "a key of another account", "029608264753", "the caller's account"),
    row("access_key_info", "what is no key id", "ValidationError 400", "the caller's account"),

    // Listings have one page, in the order of creation.
    row("list_users_pages", "pages of two", "2+2+1", "5"),
    row("list_users_pages", "all on one page", "alice bob carol dan eve", "eve dan carol bob alice"),
    row("list_users_pages", "pages of none", "ValidationError 400", "ok"),
    row("list_users_pages", "a marker that was never given out", "ValidationError 400", "ok"),
    row("authorization_details_pages", "pages of three of the operator and three users", "3+1", "4"),
    row("list_accounts_pages", "pages of more than twenty", "InvalidInputException 400", "ok"),
    row("list_accounts_pages", "a token that was never given out", "InvalidInputException 400", "InvalidToken 400"),

    // The credential report is there at once, always fresh, dated years back, and says little of use.
    row("credential_report", "read while it is made", "ReportInProgress 404", "ok"),
    row("credential_report", "asked for while it is made", "INPROGRESS", "COMPLETE"),
    row("credential_report", "its instant", "within the hour", "2015-02-02T20:02:02Z"),
    row("credential_report", "the root user", "present", "absent"),
    row("credential_report", "a user without a password: password_last_used", "N/A", "not_supported"),
    row("credential_report", "a user without a password: password_last_changed", "N/A", "a date"),
    row("credential_report", "a user without a password: password_next_rotation", "N/A", "not_supported"),
    row("credential_report", "a used key: last_used_region", "us-east-1", "not_supported"),
    row("credential_report", "a used key: last_used_service", "sts", "not_supported"),
    row("credential_report", "a never used key: last_used_region", "N/A", "not_supported"),
    row("credential_report", "a never used key: last_used_service", "N/A", "not_supported"),
    row("credential_report", "a user made after the report, within 4 hours", "absent", "present"),
    row("credential_report", "read after 4 hours", "ReportExpired 410", NO_CLOCK),
    row("credential_report", "made again after 4 hours", "present", NO_CLOCK),
    row("last_used", "a second use within 15 minutes of the first", "unchanged", NO_CLOCK),
    row("last_used", "a use after 15 minutes", "changed", NO_CLOCK),

    // Other services.
    row("secret_staging_labels", "published, what is read", "two", "one"),
    row("secret_staging_labels", "a secret that does not exist", "ResourceNotFoundException 400", "ResourceNotFoundException 404"),
    row("secret_staging_labels", "a label that does not exist", "ResourceNotFoundException 400", "ResourceNotFoundException 404"),
    row("secret_token_idempotency", "a pending value written again with another value", "ResourceExistsException 400", "ok"),
    row("secret_token_idempotency", "what is pending then", "three", "four"),
    row("secure_string", "read without decryption shows the value", "false", "true"),
    row("lookup_events", "events are looked up", "ok", "unreadable 500"),
    row("lookup_events", "the creation of a key is found", "iam.amazonaws.com", "none"),
    row("lookup_events", "its caller is named", "operator", "none"),
];
