//! A minimal S3: enough for an application to list buckets and read an object.
//!
//! Source: "ListBuckets", "GetObject" and "Error Responses", Amazon S3 API Reference.

use hyper::body::Bytes;
use hyper::{Method, Request, Response};

use super::call::Call;
use super::response::{S3_REQUEST_ID, respond, with_header};
use super::sigv4;
use super::xml::Xml;
use crate::api::{Refusal, Service, Tree};

/// Reads the call from the method and the path. What is not simulated is passed on by these, to be refused.
pub(super) fn read(request: &Request<Bytes>) -> Call {
    let (bucket, key) = match request.uri().path().trim_start_matches('/').split_once('/') {
        Some((bucket, key)) => (bucket, key),
        None => (request.uri().path().trim_start_matches('/'), ""),
    };
    let (action, parameters) = match (request.method(), bucket, key) {
        (&Method::GET, "", _) => ("ListBuckets".to_owned(), Tree::empty()),
        (method, "", _) => (format!("{method} Service"), Tree::empty()),
        (method, bucket, "") => (format!("{method} Bucket"), Tree::map([("Bucket", bucket.into())])),
        (&Method::GET, bucket, key) => {
            ("GetObject".to_owned(), Tree::map([("Bucket", bucket.into()), ("Key", decoded(key).into())]))
        }
        (method, ..) => (format!("{method} Object"), Tree::empty()),
    };
    Call { service: Service::S3, action, parameters }
}

/// The answer to a call that succeeded: the content of an object, or XML.
pub(super) fn result(call: &Call, result: &Tree, request_id: &str) -> Response<Bytes> {
    if call.action == "GetObject" {
        let content = result.text("Body").unwrap_or_default().to_owned();
        return with_header(respond(200, "binary/octet-stream", content), S3_REQUEST_ID, request_id);
    }
    let namespace = "http://s3.amazonaws.com/doc/2006-03-01/";
    let text = Xml::new("Bucket").root("ListAllMyBucketsResult", namespace, |xml| {
        if let Tree::Map(members) = result {
            xml.members(members);
        }
    });
    answer(200, text, request_id)
}

/// The answer to a call that was refused.
pub(super) fn refusal(refusal: &Refusal, request_id: &str) -> Response<Bytes> {
    let text = Xml::new("member").bare("Error", |xml| {
        xml.leaf("Code", &refusal.code);
        xml.leaf("Message", &refusal.message);
        xml.leaf("RequestId", request_id);
    });
    answer(refusal.http_status, text, request_id)
}

fn answer(status: u16, text: String, request_id: &str) -> Response<Bytes> {
    with_header(respond(status, "application/xml", text), S3_REQUEST_ID, request_id)
}

fn decoded(key: &str) -> String {
    String::from_utf8_lossy(&sigv4::decode(key)).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn call(method: &str, uri: &str) -> Call {
        read(&Request::builder().method(method).uri(uri).body(Bytes::new()).unwrap())
    }

    #[test]
    fn calls_are_known_by_method_and_path() {
        for (method, uri, action) in [
            ("GET", "/", "ListBuckets"),
            ("GET", "/?x-id=ListBuckets", "ListBuckets"),
            ("PUT", "/", "PUT Service"),
            ("PUT", "/bucket", "PUT Bucket"),
            ("GET", "/bucket/", "GET Bucket"),
            ("PUT", "/bucket/a/b", "PUT Object"),
        ] {
            assert_eq!(call(method, uri).action, action, "{method} {uri}");
        }
        let object = Call {
            service: Service::S3,
            action: "GetObject".to_owned(),
            parameters: Tree::map([("Bucket", "bucket".into()), ("Key", "a/b c".into())]),
        };
        assert_eq!(call("GET", "/bucket/a/b%20c?x-id=GetObject"), object);
    }

    #[test]
    fn errors_have_the_form_of_s3() {
        let refused =
            Refusal { code: "InvalidAccessKeyId".into(), http_status: 403, message: "not ours".into() };
        let response = refusal(&refused, "id-1");
        assert_eq!(response.status(), 403);
        assert_eq!(response.headers()["x-amz-request-id"], "id-1");
        let text = String::from_utf8(response.into_body().to_vec()).unwrap();
        assert!(text.contains("<Error><Code>InvalidAccessKeyId</Code><Message>not ours</Message>"), "{text}");
    }
}
