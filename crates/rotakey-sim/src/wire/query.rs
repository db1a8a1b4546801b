//! The AWS query protocol, which IAM, STS and CloudWatch speak, and the dialect of it that EC2 speaks: form-encoded parameters
//! such as `Tags.member.1.Key=Owner`, answers in XML.
//!
//! Source: the Smithy specifications of `aws.protocols#awsQuery` and `aws.protocols#ec2Query`.

use std::collections::BTreeMap;

use hyper::body::Bytes;
use hyper::{Method, Request, Response, header};

use super::call::Call;
use super::response::{REQUEST_ID, respond, with_header};
use super::xml::Xml;
use crate::api::{Fault, Protocol, Refusal, Service, Tree};

const FORM: &str = "application/x-www-form-urlencoded";
/// How deep a parameter's name may be nested. AWS's own models stay below ten.
const DEEPEST: usize = 16;

/// The API version that each service has, and its XML namespace.
const VERSIONS: [(Service, &str, &str); 4] = [
    (Service::Iam, "2010-05-08", "https://iam.amazonaws.com/doc/2010-05-08/"),
    (Service::Sts, "2011-06-15", "https://sts.amazonaws.com/doc/2011-06-15/"),
    (Service::CloudWatch, "2010-08-01", "http://monitoring.amazonaws.com/doc/2010-08-01/"),
    (Service::Ec2, "2016-11-15", "http://ec2.amazonaws.com/doc/2016-11-15/"),
];

/// Whether the request looks like one of this protocol.
pub(super) fn is_spoken(request: &Request<Bytes>) -> bool {
    is_form(request) || pairs(request).iter().any(|(name, _)| name == "Action")
}

/// Reads the call: `Action` names it, `Version` tells whose it is.
pub(super) fn read(request: &Request<Bytes>) -> Result<Call, Fault> {
    let mut root = Node::default();
    for (name, value) in pairs(request) {
        // The parameters of a presigned request's signature are none of the call's.
        if !name.starts_with("X-Amz-") {
            root.insert(&name, value)?;
        }
    }
    let action = root.take("Action").ok_or_else(|| {
        Fault::refused("MissingAction", 400, "The request must contain the parameter Action")
    })?;
    let version = root.take("Version").unwrap_or_default();
    let known = VERSIONS.into_iter().find(|(_, known, _)| *known == version);
    let (service, _, _) = known.ok_or_else(|| {
        Fault::refused(
            "InvalidAction",
            400,
            format!("Could not find operation {action} for version {version}"),
        )
    })?;
    Ok(Call { service, action, parameters: root.into_structure()? })
}

/// The answer to a call that succeeded.
pub(super) fn result(call: &Call, result: &Tree, request_id: &str) -> Response<Bytes> {
    let Call { service, action, .. } = call;
    let namespace =
        VERSIONS.into_iter().find(|(known, ..)| known == service).map_or("", |(_, _, space)| space);
    let members = match result {
        Tree::Map(members) => members,
        _ => &BTreeMap::new(),
    };
    let text = if service.protocol() == Protocol::Ec2Query {
        Xml::new("item").root(&format!("{action}Response"), namespace, |xml| {
            xml.leaf("requestId", request_id);
            xml.members(members);
        })
    } else {
        Xml::new("member").root(&format!("{action}Response"), namespace, |xml| {
            if !members.is_empty() {
                xml.element(&format!("{action}Result"), |xml| xml.members(members));
            }
            xml.element("ResponseMetadata", |xml| xml.leaf("RequestId", request_id));
        })
    };
    answer(200, text, request_id)
}

/// The answer to a call that was refused, of all but EC2. `service` is absent if the request did not say whose it was.
pub(super) fn refusal(service: Option<Service>, refusal: &Refusal, request_id: &str) -> Response<Bytes> {
    let namespace = VERSIONS
        .into_iter()
        .find(|(known, ..)| Some(*known) == service)
        .map_or("http://webservices.amazon.com/AWSFault/2005-15-09", |(_, _, namespace)| namespace);
    let text = Xml::new("member").root("ErrorResponse", namespace, |xml| {
        xml.element("Error", |xml| {
            xml.leaf("Type", if refusal.is_receiver() { "Receiver" } else { "Sender" });
            xml.leaf("Code", &refusal.code);
            xml.leaf("Message", &refusal.message);
        });
        xml.leaf("RequestId", request_id);
    });
    answer(refusal.http_status, text, request_id)
}

/// The answer to a call of EC2 that was refused.
pub(super) fn ec2_refusal(refusal: &Refusal, request_id: &str) -> Response<Bytes> {
    let text = Xml::new("item").bare("Response", |xml| {
        xml.element("Errors", |xml| {
            xml.element("Error", |xml| {
                xml.leaf("Code", &refusal.code);
                xml.leaf("Message", &refusal.message);
            });
        });
        xml.leaf("RequestID", request_id);
    });
    answer(refusal.http_status, text, request_id)
}

fn answer(status: u16, text: String, request_id: &str) -> Response<Bytes> {
    with_header(respond(status, "text/xml", text), REQUEST_ID, request_id)
}

fn is_form(request: &Request<Bytes>) -> bool {
    request.method() == Method::POST
        && request
            .headers()
            .get(header::CONTENT_TYPE)
            .and_then(|value| value.to_str().ok())
            .is_some_and(|value| value.trim_start().to_ascii_lowercase().starts_with(FORM))
}

/// The parameters of the query string and of the form.
fn pairs(request: &Request<Bytes>) -> Vec<(String, String)> {
    let query = request.uri().query().unwrap_or_default().as_bytes();
    let form = if is_form(request) { request.body().as_ref() } else { &[] };
    [query, form].into_iter().flat_map(|text| form_urlencoded::parse(text).into_owned()).collect()
}

/// One level of the dotted names.
#[derive(Debug, Default)]
struct Node {
    text: Option<String>,
    children: BTreeMap<String, Node>,
}

impl Node {
    fn insert(&mut self, name: &str, value: String) -> Result<(), Fault> {
        if name.split('.').count() > DEEPEST {
            return Err(malformed(name));
        }
        let node = name.split('.').fold(self, |node, part| node.children.entry(part.to_owned()).or_default());
        match node.text.replace(value) {
            None => Ok(()),
            Some(_) => Err(malformed(name)),
        }
    }

    /// Takes a parameter out that is not nested.
    fn take(&mut self, name: &str) -> Option<String> {
        self.children.remove(name)?.text
    }

    fn into_structure(self) -> Result<Tree, Fault> {
        let members = self.children.into_iter().map(|(name, node)| {
            let value = node.into_tree(&name)?;
            Ok((name, value))
        });
        Ok(Tree::Map(members.collect::<Result<_, Fault>>()?))
    }

    fn into_tree(mut self, name: &str) -> Result<Tree, Fault> {
        if let Some(text) = self.text.take() {
            return if self.children.is_empty() { Ok(Tree::Text(text)) } else { Err(malformed(name)) };
        }
        if self.children.len() == 1
            && let Some(items) = self.children.remove("member")
        {
            return items.into_list(name);
        }
        self.into_structure()
    }

    /// Items are numbered from 1; the protocol does not ask that no number be left out.
    fn into_list(self, name: &str) -> Result<Tree, Fault> {
        if self.text.is_some() {
            return Err(malformed(name));
        }
        let mut items = BTreeMap::new();
        for (number, node) in self.children {
            let number: u32 = number.parse().map_err(|_| malformed(name))?;
            items.insert(number, node.into_tree(name)?);
        }
        Ok(Tree::List(items.into_values().collect()))
    }
}

fn malformed(name: &str) -> Fault {
    Fault::refused(
        "MalformedInput",
        400,
        format!("The parameter {name} contradicts another, or has no legal name"),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn post(form: &str) -> Request<Bytes> {
        Request::post("/").header("content-type", FORM).body(Bytes::from(form.to_owned())).unwrap()
    }

    #[test]
    fn nested_parameters_become_a_tree() {
        let call = read(&post(
            "Action=CreateUser&Version=2010-05-08&UserName=a%2Bb&Tags.member.2.Key=k2&Tags.member.2.Value=\
             &Tags.member.10.Key=k10&Tags.member.1.Key=k1&Tags.member.1.Value=v%201",
        ))
        .unwrap();
        assert_eq!(call.service, Service::Iam);
        assert_eq!(call.action, "CreateUser");
        let tag = |key: &str, value: &str| Tree::map([("Key", key.into()), ("Value", value.into())]);
        let tags = vec![tag("k1", "v 1"), tag("k2", ""), Tree::map([("Key", "k10".into())])];
        assert_eq!(call.parameters, Tree::map([("UserName", "a+b".into()), ("Tags", Tree::List(tags))]));
    }

    #[test]
    fn a_call_may_be_a_get() {
        let request = Request::get("/?Action=GetCallerIdentity&Version=2011-06-15&X-Amz-Expires=60");
        let call = read(&request.body(Bytes::new()).unwrap()).unwrap();
        assert_eq!(
            call,
            Call { service: Service::Sts, action: "GetCallerIdentity".into(), parameters: Tree::empty() }
        );
    }

    #[test]
    fn contradictions_are_refused_and_never_a_panic() {
        let deep = format!("Action=A&Version=2010-05-08&{}=1", vec!["a"; 200_000].join("."));
        for (form, code) in [
            ("", "MissingAction"),
            ("Version=2010-05-08", "MissingAction"),
            ("Action=ListUsers", "InvalidAction"),
            ("Action=ListUsers&Version=2009-01-01", "InvalidAction"),
            ("Action=A&Version=2010-05-08&B=1&B=2", "MalformedInput"),
            ("Action=A&Version=2010-05-08&B=1&B.member.1=2", "MalformedInput"),
            ("Action=A&Version=2010-05-08&B.member=1", "MalformedInput"),
            ("Action=A&Version=2010-05-08&B.member.x=1", "MalformedInput"),
            (&deep, "MalformedInput"),
        ] {
            let fault = read(&post(form)).unwrap_err();
            assert_eq!(fault.code(), Some(code), "{}", &form[..form.len().min(60)]);
        }
    }

    #[test]
    fn an_answer_without_members_has_no_result_element() {
        let call = Call { service: Service::Iam, action: "DeleteUser".into(), parameters: Tree::empty() };
        let response = result(&call, &Tree::empty(), "id-1");
        assert_eq!(response.headers()["x-amzn-requestid"], "id-1");
        let text = String::from_utf8(response.into_body().to_vec()).unwrap();
        assert!(
            text.ends_with(
                "<DeleteUserResponse xmlns=\"https://iam.amazonaws.com/doc/2010-05-08/\"><ResponseMetadata>\
                 <RequestId>id-1</RequestId></ResponseMetadata></DeleteUserResponse>"
            ),
            "{text}"
        );
    }

    #[test]
    fn errors_say_whose_fault_they_are() {
        for (status, fault) in [(404, "Sender"), (503, "Receiver")] {
            let refused = Refusal { code: "X".into(), http_status: status, message: "<m>".into() };
            let response = refusal(Some(Service::Sts), &refused, "id-1");
            assert_eq!(response.status(), status);
            let text = String::from_utf8(response.into_body().to_vec()).unwrap();
            let expected =
                format!("<Error><Type>{fault}</Type><Code>X</Code><Message>&lt;m&gt;</Message></Error>");
            assert!(text.contains(&expected), "{text}");
        }
    }
}
