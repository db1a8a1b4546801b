//! `aws-session-token`

use super::Rule;
use crate::kind::{Kind, Severity};

pub(super) const RULE: Rule = Rule {
    name: "aws-session-token",
    kind: Kind::SessionToken,
    title: "AWS session token",
    description: "The third part of a temporary key. With the id and the secret it opens what the role opens, until it expires: \
                  an hour or some after it was made, a day and a half at most.",
    help: "Revoke the role's sessions if it may still be valid, and find out how it came here: whatever wrote it will write the \
           next one too.",
    severity: Severity::Medium,
    positive: &[
        "{session_token}",
        "export AWS_SESSION_TOKEN=\"{session_token}\"\n",
        "{\"AccessKeyId\": \"{temporary_access_key_id}\", \"SecretAccessKey\": \"{secret_access_key}\", \"SessionToken\": \"{session_token}\"}",
        "x-amz-security-token: {session_token}\r\n",
    ],
    negative: &[
        "aws_session_token = IQoJb3JpZ2luX2Vj",
        "aws_session_token = AQoEXAMPLEH4aoAH0gNCAPyJxz4BlCFFxWNE1OPTgk5TthT+FvwqnKwRcOIfrRh3c/LTo6UDdyJwOOvEVPvLXCrrrUtdnniCEXAMPLE/IvU1dYUg2RVAJBanLiHb4IgRmpRV3zrkuWJOgQs8IZZaIv2BXIa2R4Olgk",
        "IQoJb3JpZ2luX2Vj is how a token begins",
        "session token: {secret_access_key}",
    ],
};
