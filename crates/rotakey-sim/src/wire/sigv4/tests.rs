//! The worked examples of AWS's own references, and what must not pass for one of them.

use hyper::Request;
use hyper::body::Bytes;
use rotakey_core::secret::Secret;

use super::{Rejection, Signature};
use crate::api::Service;

/// The secret of the examples of the S3 API reference.
const S3_SECRET: &str = "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY";
/// The secret of the examples of the general reference, which differs in one character.
const GENERAL_SECRET: &str = "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY";
const EMPTY: &str = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";

fn request(method: &str, uri: &str, headers: &[(&str, &str)], body: &'static str) -> Request<Bytes> {
    let mut request = Request::builder().method(method).uri(uri);
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    request.body(Bytes::from_static(body.as_bytes())).unwrap()
}

fn verify(request: &Request<Bytes>, service: Service, secret: &str, now: &str) -> Result<(), Rejection> {
    let signature = Signature::read(request)?.expect("the request is signed");
    signature.verify(request, service, &Secret::new(secret.to_owned()), now.parse().unwrap())
}

fn list_users(date: &str, authorization: &str) -> Request<Bytes> {
    request(
        "GET",
        "/?Action=ListUsers&Version=2010-05-08",
        &[
            ("host", "iam.amazonaws.com"),
            ("content-type", "application/x-www-form-urlencoded; charset=utf-8"),
            ("x-amz-date", date),
            ("authorization", authorization),
        ],
        "",
    )
}

const LIST_USERS: &str = "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20150830/us-east-1/iam/aws4_request, \
    SignedHeaders=content-type;host;x-amz-date, \
    Signature=5d672d79c15b13162d9279b0855cfba6789a8edb4c82c400e06b5924a6f2b5d7";
const LIST_USERS_AT: &str = "2015-08-30T12:36:00Z";

fn s3(uri: &str, extra: &[(&str, &str)], signed: &str, signature: &str) -> Request<Bytes> {
    let authorization = format!(
        "AWS4-HMAC-SHA256 Credential=AKIAIOSFODNN7EXAMPLE/20130524/us-east-1/s3/aws4_request,\
         SignedHeaders={signed},Signature={signature}"
    );
    let mut headers = vec![
        ("host", "examplebucket.s3.amazonaws.com"),
        ("x-amz-content-sha256", EMPTY),
        ("x-amz-date", "20130524T000000Z"),
        ("authorization", authorization.as_str()),
    ];
    headers.extend(extra);
    request("GET", uri, &headers, "")
}

const S3_AT: &str = "2013-05-24T00:00:00Z";

#[test]
fn the_example_of_the_general_reference_verifies() {
    let request = list_users("20150830T123600Z", LIST_USERS);
    assert_eq!(verify(&request, Service::Iam, GENERAL_SECRET, LIST_USERS_AT), Ok(()));
}

#[test]
fn the_examples_of_the_s3_reference_verify() {
    let plain = "host;x-amz-content-sha256;x-amz-date";
    for (uri, extra, signed, signature) in [
        (
            "/test.txt",
            &[("range", "bytes=0-9")][..],
            "host;range;x-amz-content-sha256;x-amz-date",
            "f0e8bdb87c964420e857bd35b5d6ed310bd44f0170aba48dd91039c6036bdb41",
        ),
        ("/?lifecycle", &[], plain, "fea454ca298b7da1c68078a5d1bdbfbbe0d65c699e0f91ac7a200a0136783543"),
        (
            "/?max-keys=2&prefix=J",
            &[],
            plain,
            "34b48302e7b5fa45bde8084f4b7868a86f0a534bc59db6670ed5711ef69dc6f7",
        ),
    ] {
        let request = s3(uri, extra, signed, signature);
        assert_eq!(verify(&request, Service::S3, S3_SECRET, S3_AT), Ok(()), "{uri}");
    }
}

#[test]
fn the_presigned_example_of_the_s3_reference_verifies_until_it_expires() {
    let request = request(
        "GET",
        "/test.txt?X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Credential=AKIAIOSFODNN7EXAMPLE%2F20130524%2Fus-east-1\
         %2Fs3%2Faws4_request&X-Amz-Date=20130524T000000Z&X-Amz-Expires=86400&X-Amz-SignedHeaders=host\
         &X-Amz-Signature=aeeed9bbccd4d02ee5c0109b86d86835f995330da4c265957d157751f604d404",
        &[("host", "examplebucket.s3.amazonaws.com")],
        "",
    );
    assert_eq!(verify(&request, Service::S3, S3_SECRET, S3_AT), Ok(()));
    assert_eq!(verify(&request, Service::S3, S3_SECRET, "2013-05-25T00:00:00Z"), Ok(()));
    let late = verify(&request, Service::S3, S3_SECRET, "2013-05-25T00:00:01Z");
    assert_eq!(late, Err(Rejection::Expired));
}

#[test]
fn another_secret_does_not_verify() {
    let request = list_users("20150830T123600Z", LIST_USERS);
    assert_eq!(verify(&request, Service::Iam, S3_SECRET, LIST_USERS_AT), Err(Rejection::Mismatch));
}

#[test]
fn what_was_signed_cannot_be_changed() {
    let signature = "34b48302e7b5fa45bde8084f4b7868a86f0a534bc59db6670ed5711ef69dc6f7";
    let signed = "host;x-amz-content-sha256;x-amz-date";
    for uri in ["/?max-keys=3&prefix=J", "/?max-keys=2", "/other?max-keys=2&prefix=J"] {
        let request = s3(uri, &[], signed, signature);
        assert_eq!(verify(&request, Service::S3, S3_SECRET, S3_AT), Err(Rejection::Mismatch), "{uri}");
    }
    let mut posted = s3("/?max-keys=2&prefix=J", &[], signed, signature);
    *posted.body_mut() = Bytes::from_static(b"x");
    assert_eq!(verify(&posted, Service::S3, S3_SECRET, S3_AT), Err(Rejection::PayloadDigest));
}

#[test]
fn parameters_may_come_in_any_order() {
    let signature = "34b48302e7b5fa45bde8084f4b7868a86f0a534bc59db6670ed5711ef69dc6f7";
    let request = s3("/?prefix=J&max-keys=2", &[], "host;x-amz-content-sha256;x-amz-date", signature);
    assert_eq!(verify(&request, Service::S3, S3_SECRET, S3_AT), Ok(()));
}

#[test]
fn a_signature_is_good_for_five_minutes_of_real_time_either_way() {
    let request = list_users("20150830T123600Z", LIST_USERS);
    for now in ["2015-08-30T12:31:00Z", "2015-08-30T12:41:00Z"] {
        assert_eq!(verify(&request, Service::Iam, GENERAL_SECRET, now), Ok(()), "{now}");
    }
    for now in ["2015-08-30T12:30:59Z", "2015-08-30T12:41:01Z"] {
        let rejection = verify(&request, Service::Iam, GENERAL_SECRET, now).unwrap_err();
        assert!(matches!(rejection, Rejection::Skewed { .. }), "{now}: {rejection:?}");
        let fault = rejection.into_fault(Service::Iam);
        assert_eq!(fault.code(), Some("SignatureDoesNotMatch"), "{fault}");
    }
}

#[test]
fn the_scope_must_agree_with_the_date_and_the_service() {
    let request = list_users("20150831T123600Z", LIST_USERS);
    let rejection = verify(&request, Service::Iam, GENERAL_SECRET, "2015-08-31T12:36:00Z");
    assert!(matches!(rejection, Err(Rejection::Scope(_))), "{rejection:?}");

    let request = list_users("20150830T123600Z", LIST_USERS);
    let rejection = verify(&request, Service::Sts, GENERAL_SECRET, LIST_USERS_AT);
    assert!(matches!(rejection, Err(Rejection::Scope(_))), "{rejection:?}");
}

#[test]
fn the_host_and_every_amazon_header_must_be_signed() {
    let mut request = list_users("20150830T123600Z", LIST_USERS);
    request.headers_mut().insert("x-amz-security-token", "smuggled".parse().unwrap());
    let rejection = verify(&request, Service::Iam, GENERAL_SECRET, LIST_USERS_AT);
    assert_eq!(rejection, Err(Rejection::HeaderNotSigned("x-amz-security-token".to_owned())));

    let unsigned_host = LIST_USERS.replace("content-type;host;x-amz-date", "content-type;x-amz-date");
    let request = list_users("20150830T123600Z", &unsigned_host);
    let rejection = verify(&request, Service::Iam, GENERAL_SECRET, LIST_USERS_AT);
    assert_eq!(rejection, Err(Rejection::HeaderNotSigned("host".to_owned())));
}

#[test]
fn a_malformed_signature_is_incomplete_and_an_absent_one_is_none() {
    for (authorization, date) in [
        ("", "20150830T123600Z"),
        ("Basic dXNlcjpwYXNz", "20150830T123600Z"),
        ("AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE", "20150830T123600Z"),
        ("AWS4-HMAC-SHA256 Credential=a/b/c/d/e, SignedHeaders=host, Signature=00", "20150830T123600Z"),
        (&LIST_USERS.replace("5d672d79", "5d672d7"), "20150830T123600Z"),
        (&LIST_USERS.replace("content-type;host", "host;content-type"), "20150830T123600Z"),
        (&LIST_USERS.replace("content-type;host", "Content-Type;host"), "20150830T123600Z"),
        (LIST_USERS, "2015-08-30T12:36Z"),
        (LIST_USERS, "20151330T123600Z"),
    ] {
        let read = Signature::read(&list_users(date, authorization));
        assert!(matches!(read, Err(Rejection::Malformed(_))), "{authorization} {date}: {read:?}");
    }
    assert!(Signature::read(&request("GET", "/", &[], "")).unwrap().is_none());
}
