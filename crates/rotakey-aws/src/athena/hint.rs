//! What helps against the failures that first runs meet.

/// Parts of what Athena says, and what helps. The first that matches counts.
const HINTS: &[(&[&str], &str)] = &[
    (&["output location"], "give an output location (s3://bucket/folder/), or use a workgroup that has one"),
    (
        &["WorkGroup is not found", "WorkGroup not found", "WorkGroup does not exist"],
        "a workgroup belongs to one account and region: is it this one?",
    ),
    (
        &["Bytes scanned limit", "bytes scanned limit"],
        "ask for fewer days, or raise the limit of the workgroup",
    ),
    (
        &["TABLE_NOT_FOUND", "SCHEMA_NOT_FOUND", "EntityNotFoundException", "Table not found"],
        "make the table first: `rotakey trail athena` prints its statement",
    ),
    (
        &["AccessDenied", "Access Denied", "not authorized", "Permission denied"],
        "the caller needs to read the logs (s3:ListBucket, s3:GetObject, kms:Decrypt), to see the table \
         (glue:GetTable, glue:GetPartitions) and to write the result (s3:GetBucketLocation, s3:PutObject)",
    ),
    (
        &["HIVE_BAD_DATA", "HIVE_CURSOR_ERROR", "HIVE_PARTITION_SCHEMA_MISMATCH"],
        "the table does not describe these files: make it anew by the statement that `rotakey trail athena` prints",
    ),
    (
        &["exhausted resources", "EXCEEDED_MEMORY_LIMIT", "EXCEEDED_TIME_LIMIT", "Query timeout"],
        "ask for fewer days",
    ),
    (
        &["SlowDown", "Slow Down", "TooManyRequests", "Throttl"],
        "too much is asked at once: try again later, or ask for fewer days",
    ),
];

/// What helps against a failure for that reason.
pub(super) fn of_reason(reason: &str) -> Option<&'static str> {
    let matches = |parts: &[&str]| parts.iter().any(|part| reason.contains(part));
    HINTS.iter().find(|(parts, _)| matches(parts)).map(|(_, hint)| *hint)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_athena_says_has_a_hint_where_one_helps() {
        for (reason, hint) in [
            ("No output location provided. An output location is required", Some("give an output location")),
            ("Query cancelled! : Bytes scanned limit was exceeded", Some("ask for fewer days, or raise")),
            (
                "TABLE_NOT_FOUND: line 1:15: Table 'awsdatacatalog.a.b' does not exist",
                Some("make the table first"),
            ),
            (
                "Access Denied (Service: Amazon S3; Status Code: 403)",
                Some("the caller needs to read the logs"),
            ),
            ("HIVE_BAD_DATA: Error parsing field value", Some("the table does not describe")),
            ("Query exhausted resources at this scale factor", Some("ask for fewer days")),
            ("HIVE_CANNOT_OPEN_SPLIT: Please reduce your request rate (SlowDown)", Some("too much is asked")),
            ("SYNTAX_ERROR: line 1:8: Column 'a' cannot be resolved", None),
        ] {
            match (of_reason(reason), hint) {
                (Some(given), Some(expected)) => assert!(given.starts_with(expected), "{reason}: {given}"),
                (given, expected) => assert_eq!(given, expected, "{reason}"),
            }
        }
    }
}
