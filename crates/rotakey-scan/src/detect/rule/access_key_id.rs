//! `aws-access-key-id`

use super::Rule;
use crate::kind::{Kind, Severity};

pub(super) const RULE: Rule = Rule {
    name: "aws-access-key-id",
    kind: Kind::AccessKeyId,
    title: "AWS access key id",
    description: "The id of an access key: AKIA, ASIA, ABIA, ACCA or A3T and sixteen characters of base32. Without its secret \
                  it opens nothing, but it tells the account, and that a key is handled here by hand.",
    help: "Find out whose key it is and whether it is still active. If the secret may have been beside it, in this place or \
           in an earlier version of it, rotate the key. If not, take the id out or allow it.",
    severity: Severity::Low,
    positive: &[
        "{access_key_id}",
        "aws_access_key_id = {access_key_id}\n",
        "{temporary_access_key_id}",
        "key_{access_key_id}",
        "\"log\": \"first line\\n{access_key_id}\\n\"",
        "https://bucket.s3.amazonaws.com/a?AWSAccessKeyId={access_key_id}&Expires=1",
        "https://bucket.s3.amazonaws.com/a?X-Amz-Credential={temporary_access_key_id}%2F20260101%2Fus-east-1%2Fs3%2Faws4_request",
        "q%3D{access_key_id}%26",
        "\\u0022{access_key_id}\\u0022",
        "&quot;{access_key_id}&quot;",
        "arn:aws:iam::123456789012:user/a ({access_key_id})",
        "Authorization: AWS4-HMAC-SHA256 Credential={access_key_id}/20260101/eu-west-1/s3/aws4_request",
        "Authorization: AWS {access_key_id}:frJIUN8DYpKDtOLCwo//yllqDzg=",
    ],
    negative: &[
        "AKIAIOSFODNN7EXAMPLE",
        "ASIAIOSFODNN7EXAMPLE",
        "AKIAXXXXXXXXXXXXXXXX",
        "AKIA1234567890ABCDEF",
        "AKIAABCDEFGHIJKLMNOP",
        "AKIAAAAAAAAAAAAAAAAA",
        "AKIAYOURACCESSKEYIDZ",
        "enum Region { ASIAPACIFICSOUTHEAST, ASIAPACIFICNORTHEAST, ASIACENTRAL }",
        "AKIA****************",
        "AKIA",
        "TODAYINASIAASACKOFRICEFELLOVER",
        "x{access_key_id}",
        "{access_key_id}x",
        "{access_key_id}7",
        "AB{access_key_id}",
        "AROAQ3EGSYDTB2LJXNKP4 AIDAQ3EGSYDTB2LJXNKP4 AROAQ3EGSYDTB2LJXNK AIDAQ3EGSYDTB2LJXNKP",
        "AKIAQ3EGSYDTB0LJXNKP",
    ],
};
