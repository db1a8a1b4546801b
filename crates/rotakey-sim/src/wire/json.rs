//! The AWS JSON protocol: `X-Amz-Target` names the call, parameters and answers are JSON objects.
//!
//! Source: the Smithy specification of `aws.protocols#awsJson1_1`.

use std::collections::BTreeMap;

use hyper::body::Bytes;
use hyper::header::HeaderName;
use hyper::{Method, Request, Response};
use jiff::Timestamp;
use serde_json::{Map, Number, Value, json};

use super::call::Call;
use super::response::{REQUEST_ID, respond, with_header};
use crate::api::{Fault, Refusal, Service, Tree};

const TARGET: HeaderName = HeaderName::from_static("x-amz-target");
const ERROR_TYPE: HeaderName = HeaderName::from_static("x-amzn-errortype");
const NANOSECONDS: f64 = 1e9;

/// Whether the request looks like one of this protocol.
pub(super) fn is_spoken(request: &Request<Bytes>) -> bool {
    request.headers().contains_key(&TARGET)
}

/// Reads the call. The target is `Interface.Action`; CloudTrail's clients put a Java package before it.
pub(super) fn read(request: &Request<Bytes>) -> Result<Call, Fault> {
    let target = request.headers().get(&TARGET).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let (interface, action) = target.rsplit_once('.').unwrap_or(("", target));
    let interface = interface.rsplit('.').next().unwrap_or_default();
    let service = Service::ALL
        .into_iter()
        .find(|service| service.json_target().is_some_and(|known| known == interface))
        .filter(|_| request.method() == Method::POST)
        .ok_or_else(|| {
            Fault::refused(
                "UnknownOperationException",
                400,
                format!("{target} does not exist, or is not simulated"),
            )
        })?;
    Ok(Call { service, action: action.to_owned(), parameters: parameters(request.body())? })
}

/// The answer to a call that succeeded.
pub(super) fn result(service: Service, result: &Tree, request_id: &str) -> Response<Bytes> {
    answer(Some(service), 200, &to_value(result), request_id)
}

/// The answer to a call that was refused. `service` is absent if the request did not say whose it was.
pub(super) fn refusal(service: Option<Service>, refusal: &Refusal, request_id: &str) -> Response<Bytes> {
    let body = json!({ "__type": refusal.code, "message": refusal.message });
    with_header(answer(service, refusal.http_status, &body, request_id), ERROR_TYPE, &refusal.code)
}

fn answer(service: Option<Service>, status: u16, body: &Value, request_id: &str) -> Response<Bytes> {
    let content_type = match service {
        Some(Service::DynamoDb | Service::Sqs) => "application/x-amz-json-1.0",
        _ => "application/x-amz-json-1.1",
    };
    with_header(respond(status, content_type, body.to_string()), REQUEST_ID, request_id)
}

fn parameters(body: &[u8]) -> Result<Tree, Fault> {
    let malformed = || Fault::refused("SerializationException", 400, "The body is not a JSON object");
    match serde_json::from_slice(body) {
        Ok(Value::Object(members)) => Ok(Tree::Map(structure(members))),
        Ok(_) => Err(malformed()),
        // Some clients send no body where there are no parameters.
        Err(_) if body.is_empty() => Ok(Tree::empty()),
        Err(_) => Err(malformed()),
    }
}

/// The members that are there: `null` means absent.
pub(super) fn structure(members: Map<String, Value>) -> BTreeMap<String, Tree> {
    members.into_iter().filter_map(|(name, value)| Some((name, from_value(value)?))).collect()
}

fn from_value(value: Value) -> Option<Tree> {
    Some(match value {
        Value::Null => return None,
        Value::Bool(truth) => Tree::Boolean(truth),
        Value::String(text) => Tree::Text(text),
        Value::Number(number) => from_number(&number),
        Value::Array(items) => Tree::List(items.into_iter().filter_map(from_value).collect()),
        Value::Object(members) => Tree::Map(structure(members)),
    })
}

/// Fractions are instants: none of the simulated services takes another number that is not whole.
fn from_number(number: &Number) -> Tree {
    if let Some(whole) = number.as_i64() {
        return Tree::Integer(whole);
    }
    let nanoseconds = number.as_f64().unwrap_or(f64::NAN) * NANOSECONDS;
    #[expect(
        clippy::cast_possible_truncation,
        reason = "the cast saturates, and an instant so far off is refused"
    )]
    let instant = Timestamp::from_nanosecond(nanoseconds as i128);
    instant.map_or_else(|_| Tree::Text(number.to_string()), Tree::Time)
}

fn to_value(tree: &Tree) -> Value {
    match tree {
        Tree::Text(text) => Value::from(text.as_str()),
        Tree::Integer(number) => Value::from(*number),
        Tree::Boolean(truth) => Value::from(*truth),
        Tree::Time(at) if at.subsec_nanosecond() == 0 => Value::from(at.as_second()),
        Tree::Time(at) => Value::from(at.as_duration().as_secs_f64()),
        Tree::List(items) => items.iter().map(to_value).collect(),
        Tree::Map(members) | Tree::Dictionary(members) => {
            Value::Object(members.iter().map(|(name, value)| (name.clone(), to_value(value))).collect())
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn post(target: &str, body: &str) -> Request<Bytes> {
        Request::post("/").header(TARGET, target).body(Bytes::from(body.to_owned())).unwrap()
    }

    #[test]
    fn both_forms_of_cloudtrails_target_are_understood() {
        for interface in ["CloudTrail_20131101", "com.amazonaws.cloudtrail.v20131101.CloudTrail_20131101"] {
            let call = read(&post(&format!("{interface}.LookupEvents"), "{}")).unwrap();
            assert_eq!((call.service, call.action.as_str()), (Service::CloudTrail, "LookupEvents"));
        }
    }

    #[test]
    fn parameters_keep_their_types_and_null_is_absent() {
        let call = read(&post(
            "AmazonSSM.GetParameters",
            r#"{"Names":["/a"],"WithDecryption":true,"MaxResults":10,"NextToken":null,"At":1700000000.5}"#,
        ))
        .unwrap();
        let at = "2023-11-14T22:13:20.5Z".parse().unwrap();
        let expected = Tree::map([
            ("Names", Tree::list(["/a"])),
            ("WithDecryption", Tree::Boolean(true)),
            ("MaxResults", Tree::Integer(10)),
            ("At", Tree::Time(at)),
        ]);
        assert_eq!(call.parameters, expected);
    }

    #[test]
    fn instants_are_epoch_seconds() {
        let answer = |at: &str| to_value(&Tree::Time(at.parse().unwrap())).to_string();
        assert_eq!(answer("2023-11-14T22:13:20Z"), "1700000000");
        assert_eq!(answer("2023-11-14T22:13:20.25Z"), "1700000000.25");
    }

    #[test]
    fn what_is_no_call_is_refused_and_never_a_panic() {
        let deep = "[".repeat(100_000);
        for (target, body, code) in [
            ("", "{}", "UnknownOperationException"),
            ("secretsmanager", "{}", "UnknownOperationException"),
            ("AmazonEC2ContainerRegistry_V20150921.PutImage", "{}", "UnknownOperationException"),
            ("secretsmanager.GetSecretValue", "[]", "SerializationException"),
            ("secretsmanager.GetSecretValue", "{\"a\":", "SerializationException"),
            ("secretsmanager.GetSecretValue", &deep, "SerializationException"),
        ] {
            assert_eq!(read(&post(target, body)).unwrap_err().code(), Some(code), "{target}");
        }
        let far = read(&post("AmazonSSM.GetParameter", r#"{"At":1e300}"#)).unwrap();
        assert_eq!(far.parameters, Tree::map([("At", "1e+300".into())]));
    }

    #[test]
    fn errors_carry_their_code_in_the_body_and_in_a_header() {
        let refused =
            Refusal { code: "ResourceNotFoundException".into(), http_status: 400, message: "gone".into() };
        let response = refusal(Some(Service::SecretsManager), &refused, "id-1");
        assert_eq!(response.status(), 400);
        assert_eq!(response.headers()["x-amzn-errortype"], "ResourceNotFoundException");
        assert_eq!(response.headers()["x-amzn-requestid"], "id-1");
        assert_eq!(&response.body()[..], br#"{"__type":"ResourceNotFoundException","message":"gone"}"#);
    }
}
