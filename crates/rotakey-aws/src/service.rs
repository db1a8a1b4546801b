//! Whether a service knows a key, by a call that changes nothing; and the state of an alarm.

use aws_credential_types::Credentials;
use rotakey_engine::port::{PortError, PortErrorKind};

use crate::signed::{Answer, Call, Signer, element};

const FORM: Option<&str> = Some("application/x-www-form-urlencoded; charset=utf-8");
const JSON_0: Option<&str> = Some("application/x-amz-json-1.0");
const JSON_1: Option<&str> = Some("application/x-amz-json-1.1");

/// What a service answers to a key that it does not know, or knows as inactive.
const UNKNOWN_KEY: [&str; 7] = [
    "AuthFailure",
    "InvalidAccessKeyId",
    "InvalidClientTokenId",
    "InvalidSignatureException",
    "NotSignedUp",
    "SignatureDoesNotMatch",
    "UnrecognizedClientException",
];

/// What it answers to a key that it knows and whose user may not do that.
const NOT_ALLOWED: [&str; 6] = [
    "AccessDenied",
    "AccessDeniedException",
    "AuthorizationError",
    "AuthorizationErrorException",
    "NotAuthorized",
    "UnauthorizedOperation",
];

const THROTTLED: [&str; 5] =
    ["RequestLimitExceeded", "SlowDown", "Throttling", "ThrottlingException", "TooManyRequestsException"];

/// The call of a service that changes nothing, costs nothing and answers little.
fn harmless(service: &str) -> Option<Call<'_>> {
    let query = |host, body| Call {
        host,
        signing_name: host,
        is_global: false,
        method: "POST",
        path: "/",
        target: None,
        content_type: FORM,
        body,
    };
    let json =
        |host, target, content_type, body| Call { target: Some(target), content_type, ..query(host, body) };
    let get = |host, path| Call { method: "GET", path, content_type: None, ..query(host, "") };
    Some(match service {
        "cloudformation" => query("cloudformation", "Action=DescribeAccountLimits&Version=2010-05-15"),
        "dynamodb" => json("dynamodb", "DynamoDB_20120810.ListTables", JSON_0, r#"{"Limit":1}"#),
        "ec2" => query("ec2", "Action=DescribeRegions&Version=2016-11-15"),
        "email" => Call { signing_name: "ses", ..query("email", "Action=GetSendQuota&Version=2010-12-01") },
        "iam" => Call { is_global: true, ..query("iam", "Action=GetAccountSummary&Version=2010-05-08") },
        "kms" => json("kms", "TrentService.ListKeys", JSON_1, r#"{"Limit":1}"#),
        "lambda" => get("lambda", "/2015-03-31/functions/?MaxItems=1"),
        "logs" => json("logs", "Logs_20140328.DescribeLogGroups", JSON_1, r#"{"limit":1}"#),
        "s3" => get("s3", "/"),
        "secretsmanager" => {
            json("secretsmanager", "secretsmanager.ListSecrets", JSON_1, r#"{"MaxResults":1}"#)
        }
        "sns" => query("sns", "Action=ListTopics&Version=2010-03-31"),
        "sqs" => json("sqs", "AmazonSQS.ListQueues", JSON_0, r#"{"MaxResults":1}"#),
        "ssm" => json("ssm", "AmazonSSM.DescribeParameters", JSON_1, r#"{"MaxResults":1}"#),
        _ => return None,
    })
}

/// See [`KeyProbe::knows`](rotakey_engine::port::KeyProbe::knows).
pub(crate) async fn knows(
    signer: &Signer,
    credentials: Credentials,
    service: &str,
    region: &str,
) -> Result<(), PortError> {
    let operation = format!("try the key in {service} of {region}");
    let Some(call) = harmless(service) else {
        return Err(PortError::new(
            PortErrorKind::Invalid,
            operation,
            "no call of it is known that changes nothing",
        ));
    };
    // IAM is one for all regions, and signed for in one.
    let region = if call.is_global { "us-east-1" } else { region };
    judge(&signer.send(call, credentials, region, &operation).await?, operation)
}

fn judge(answer: &Answer, operation: String) -> Result<(), PortError> {
    if (200..300).contains(&answer.status) {
        return Ok(());
    }
    let code = answer.error_code().unwrap_or_default();
    let named = |codes: &[&str]| codes.contains(&code.as_str());
    let kind = match () {
        () if named(&NOT_ALLOWED) => return Ok(()),
        () if named(&UNKNOWN_KEY) => PortErrorKind::Credentials,
        () if named(&THROTTLED) || answer.status == 429 => PortErrorKind::Throttled,
        () if answer.status >= 500 => PortErrorKind::Ambiguous,
        () => PortErrorKind::Invalid,
    };
    let message = if code.is_empty() { format!("status {}", answer.status) } else { code };
    Err(PortError::new(kind, operation, message))
}

/// Whether the alarm is in the state ALARM.
pub(crate) async fn alarm(
    signer: &Signer,
    credentials: Credentials,
    name: &str,
    region: &str,
) -> Result<bool, PortError> {
    const OPERATION: &str = "cloudwatch:DescribeAlarms";
    let name: String = name.bytes().map(encoded).collect();
    let body = format!(
        "Action=DescribeAlarms&Version=2010-08-01&AlarmNames.member.1={name}&AlarmTypes.member.1=MetricAlarm\
         &AlarmTypes.member.2=CompositeAlarm"
    );
    let call = Call {
        host: "monitoring",
        signing_name: "monitoring",
        is_global: false,
        method: "POST",
        path: "/",
        target: None,
        content_type: FORM,
        body: &body,
    };
    let answer = signer.send(call, credentials, region, OPERATION).await?;
    if answer.status != 200 {
        let denied = answer.error_code().is_some_and(|code| NOT_ALLOWED.contains(&code.as_str()));
        judge(&answer, OPERATION.to_owned())?;
        let kind = if denied { PortErrorKind::Denied } else { PortErrorKind::Invalid };
        return Err(PortError::new(kind, OPERATION, format!("status {}", answer.status)));
    }
    match element(&answer.body, "StateValue") {
        Some("ALARM") => Ok(true),
        Some("OK") => Ok(false),
        Some(state) => {
            Err(PortError::new(PortErrorKind::Ambiguous, OPERATION, format!("the state is {state}")))
        }
        None => Err(PortError::new(PortErrorKind::NotFound, OPERATION, "there is no such alarm")),
    }
}

/// A byte of a form.
fn encoded(byte: u8) -> String {
    match byte {
        b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'_' | b'.' | b'~' => char::from(byte).to_string(),
        _ => format!("%{byte:02X}"),
    }
}

#[cfg(test)]
mod tests {
    use rotakey_core::rotate::PROBED_SERVICES;

    use super::*;

    #[test]
    fn every_service_that_a_rotation_tries_a_key_in_has_a_call() {
        assert!(PROBED_SERVICES.iter().all(|service| harmless(service).is_some()));
    }

    #[test]
    fn being_refused_for_lack_of_permission_shows_that_the_key_is_known() {
        let answer = |status, code: &str| {
            let answer = Answer { status, error_type: Some(code.to_owned()), body: String::new() };
            judge(&answer, "x".to_owned()).map_err(|error| error.kind)
        };
        assert_eq!(answer(403, "AccessDenied"), Ok(()));
        assert_eq!(answer(403, "InvalidAccessKeyId"), Err(PortErrorKind::Credentials));
        assert_eq!(answer(401, "AuthFailure"), Err(PortErrorKind::Credentials));
        assert_eq!(answer(400, "InvalidAction"), Err(PortErrorKind::Invalid));
        assert_eq!(answer(503, ""), Err(PortErrorKind::Ambiguous));
    }
}
