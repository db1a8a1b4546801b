//! AWS Signature Version 4, from the side that verifies it.
//!
//! Both placements are understood: the `Authorization` header and the presigned query string. Stricter than AWS
//! in three points, so that a client that passes here passes there: every `x-amz-*` header that is present must be
//! signed, a payload digest that the client states must be the digest of what it sent for every service (AWS
//! compares it for S3 only), and the `Date` header is no substitute for `X-Amz-Date`.
//!
//! Real SDKs sign with the real time, also while the virtual clock of the simulation stands months away. So the
//! date of a signature is held against the real time, which is an argument, and never against the virtual clock.
//!
//! Source: "AWS Signature Version 4 for API requests", IAM User Guide; "Authenticating Requests", Amazon S3 API
//! Reference, whose worked examples are the tests below.

use hmac::{Hmac, KeyInit, Mac};
use hyper::body::Bytes;
use hyper::{HeaderMap, Request, header};
use jiff::civil::DateTime;
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};
use rotakey_core::secret::Secret;
use sha2::{Digest, Sha256};

use crate::api::{Credentials, Fault, Protocol, Service};

const ALGORITHM: &str = "AWS4-HMAC-SHA256";
const UNSIGNED_PAYLOAD: &str = "UNSIGNED-PAYLOAD";
/// The longest life of a presigned request: seven days.
const LONGEST_PRESIGNED: i64 = 7 * 24 * 60 * 60;

/// What a request says of its own signature. Nothing of it is believed before [`Signature::verify`].
#[derive(Debug)]
pub(super) struct Signature {
    /// Who claims to have signed.
    pub(super) credentials: Credentials,
    /// The region that was signed for.
    pub(super) region: String,
    /// The service that was signed for, as the client wrote it.
    pub(super) service: String,
    placement: Placement,
    /// The date of the credential scope, `YYYYMMDD`.
    scope_date: String,
    /// `X-Amz-Date` as sent, and what it means.
    stamp: String,
    signed_at: Timestamp,
    /// Lower-case, in the order given.
    signed_headers: Vec<String>,
    code: Vec<u8>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Placement {
    Header,
    Query { valid_for: SignedDuration },
}

/// Why a signature is not accepted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Rejection {
    /// It does not have the form of a signature; the text says what is missing.
    Malformed(String),
    /// It was made for something else than what arrived, or with another secret.
    Mismatch,
    /// As `Mismatch`, and AWS says why.
    Scope(String),
    /// A header that must be signed is not.
    HeaderNotSigned(String),
    /// The stated digest is not that of the payload.
    PayloadDigest,
    /// The date of the signature is too far from the real time.
    Skewed {
        /// As sent.
        stamp: String,
        /// The real time.
        now: Timestamp,
    },
    /// A presigned request after its end.
    Expired,
}

impl Signature {
    /// Reads the signature of a request; `None` if it carries none at all.
    pub(super) fn read(request: &Request<Bytes>) -> Result<Option<Self>, Rejection> {
        if let Some(value) = request.headers().get(header::AUTHORIZATION) {
            return Self::from_header(value.to_str().unwrap_or_default(), request.headers()).map(Some);
        }
        let query = Query::parse(request.uri().query().unwrap_or_default());
        if query.get("X-Amz-Algorithm").is_some() || query.get("X-Amz-Signature").is_some() {
            return Self::from_query(&query).map(Some);
        }
        Ok(None)
    }

    fn from_header(value: &str, headers: &HeaderMap) -> Result<Self, Rejection> {
        let (algorithm, rest) = value.trim().split_once(' ').unwrap_or((value, ""));
        if algorithm != ALGORITHM {
            return Err(malformed(format!("Authorization header requires the algorithm '{ALGORITHM}'.")));
        }
        let fields: Vec<(&str, &str)> =
            rest.split(',').filter_map(|field| field.trim().split_once('=')).collect();
        let field = |name: &str| {
            fields
                .iter()
                .find(|(key, _)| *key == name)
                .map(|(_, value)| *value)
                .ok_or_else(|| malformed(format!("Authorization header requires '{name}' parameter.")))
        };
        let text = |name: &str| headers.get(name).and_then(|value| value.to_str().ok());
        let stamp = text("x-amz-date").ok_or_else(|| {
            malformed("Authorization header requires existence of a 'X-Amz-Date' header.".to_owned())
        })?;
        Self::assemble(
            field("Credential")?,
            field("SignedHeaders")?,
            field("Signature")?,
            stamp,
            text("x-amz-security-token").map(str::to_owned),
            Placement::Header,
        )
    }

    fn from_query(query: &Query) -> Result<Self, Rejection> {
        let field = |name: &str| {
            query
                .get(name)
                .ok_or_else(|| malformed(format!("AWS query-string parameters must include '{name}'.")))
        };
        if field("X-Amz-Algorithm")? != ALGORITHM {
            return Err(malformed(format!("X-Amz-Algorithm only supports '{ALGORITHM}'.")));
        }
        let seconds = field("X-Amz-Expires")?
            .parse()
            .ok()
            .filter(|seconds| (1..=LONGEST_PRESIGNED).contains(seconds))
            .ok_or_else(|| malformed("X-Amz-Expires must be between 1 second and seven days.".to_owned()))?;
        Self::assemble(
            field("X-Amz-Credential")?,
            field("X-Amz-SignedHeaders")?,
            field("X-Amz-Signature")?,
            field("X-Amz-Date")?,
            query.get("X-Amz-Security-Token").map(str::to_owned),
            Placement::Query { valid_for: SignedDuration::from_secs(seconds) },
        )
    }

    fn assemble(
        credential: &str,
        signed_headers: &str,
        code: &str,
        stamp: &str,
        session_token: Option<String>,
        placement: Placement,
    ) -> Result<Self, Rejection> {
        let parts: Vec<&str> = credential.split('/').collect();
        let &[access_key_id, scope_date, region, service, "aws4_request"] = parts.as_slice() else {
            return Err(malformed(
                "Credential must have exactly 5 slash-delimited elements, e.g. \
                 keyid/date/region/service/aws4_request."
                    .to_owned(),
            ));
        };
        let signed_at = parse_stamp(stamp)
            .ok_or_else(|| malformed(format!("Date must be in ISO-8601 'basic format'. Got '{stamp}'.")))?;
        let code = data_encoding::HEXLOWER
            .decode(code.as_bytes())
            .map_err(|_| malformed("Signature must be hexadecimal.".to_owned()))?;
        Ok(Self {
            credentials: Credentials { access_key_id: access_key_id.to_owned(), session_token },
            region: region.to_owned(),
            service: service.to_owned(),
            placement,
            scope_date: scope_date.to_owned(),
            stamp: stamp.to_owned(),
            signed_at,
            signed_headers: signed_headers.split(';').map(str::to_owned).collect(),
            code,
        })
    }

    /// Holds the signature against the request that it came with, the secret of the key that it names, and the
    /// real time. The final comparison takes the same time wherever the two differ.
    pub(super) fn verify(
        &self,
        request: &Request<Bytes>,
        service: Service,
        secret: &Secret,
        real_now: Timestamp,
    ) -> Result<(), Rejection> {
        self.check_scope(service)?;
        self.check_headers(request.headers())?;
        let payload = self.payload_digest(request, service)?;
        let canonical = self.canonical_request(request, service, &payload);
        hmac(&self.signing_key(secret))
            .chain_update(self.string_to_sign(&canonical))
            .verify_slice(&self.code)
            .map_err(|_| Rejection::Mismatch)?;
        self.check_time(service, real_now)
    }

    fn check_scope(&self, service: Service) -> Result<(), Rejection> {
        if self.service != service.signing_name() {
            return Err(Rejection::Scope(format!(
                "Credential should be scoped to correct service: '{service}'."
            )));
        }
        if self.stamp.get(..8) != Some(self.scope_date.as_str()) {
            return Err(Rejection::Scope(format!(
                "Date in Credential scope does not match YYYYMMDD from ISO-8601 version of date from HTTP: '{}' \
                 != '{}', from '{}'.",
                self.scope_date,
                self.stamp.get(..8).unwrap_or_default(),
                self.stamp
            )));
        }
        Ok(())
    }

    fn check_headers(&self, headers: &HeaderMap) -> Result<(), Rejection> {
        let signed = |name: &str| self.signed_headers.iter().any(|header| header == name);
        if !signed("host") {
            return Err(Rejection::HeaderNotSigned("host".to_owned()));
        }
        match headers.keys().find(|name| name.as_str().starts_with("x-amz-") && !signed(name.as_str())) {
            Some(name) => Err(Rejection::HeaderNotSigned(name.to_string())),
            None => Ok(()),
        }
    }

    /// What stands for the payload in the canonical request.
    fn payload_digest(&self, request: &Request<Bytes>, service: Service) -> Result<String, Rejection> {
        let stated = request.headers().get("x-amz-content-sha256").map(|value| value.as_bytes());
        let presigned = self.placement != Placement::Header;
        if service == Service::S3
            && (stated == Some(UNSIGNED_PAYLOAD.as_bytes()) || (presigned && stated.is_none()))
        {
            return Ok(UNSIGNED_PAYLOAD.to_owned());
        }
        let digest = sha256_hex(request.body());
        match stated {
            Some(stated) if stated != digest.as_bytes() => Err(Rejection::PayloadDigest),
            None if service == Service::S3 => {
                Err(malformed("Missing required header for this request: x-amz-content-sha256".to_owned()))
            }
            _ => Ok(digest),
        }
    }

    fn canonical_request(&self, request: &Request<Bytes>, service: Service, payload: &str) -> Vec<u8> {
        let path = match request.uri().path() {
            "" => "/".to_owned(),
            // S3 signs the path as sent; everyone else encodes what is encoded once more.
            path if service == Service::S3 => path.to_owned(),
            path => path.split('/').map(|segment| encode(segment.as_bytes())).collect::<Vec<_>>().join("/"),
        };
        let query = Query::parse(request.uri().query().unwrap_or_default()).canonical();
        let mut canonical = format!("{}\n{path}\n{query}\n", request.method()).into_bytes();
        for name in &self.signed_headers {
            canonical.extend_from_slice(name.as_bytes());
            canonical.push(b':');
            let values: Vec<Vec<u8>> =
                request.headers().get_all(name).iter().map(|value| collapse(value.as_bytes())).collect();
            canonical.extend_from_slice(&values.join(&b','));
            canonical.push(b'\n');
        }
        canonical.extend_from_slice(format!("\n{}\n{payload}", self.signed_headers.join(";")).as_bytes());
        canonical
    }

    fn string_to_sign(&self, canonical: &[u8]) -> String {
        let scope = format!("{}/{}/{}/aws4_request", self.scope_date, self.region, self.service);
        format!("{ALGORITHM}\n{}\n{scope}\n{}", self.stamp, sha256_hex(canonical))
    }

    fn signing_key(&self, secret: &Secret) -> [u8; 32] {
        let root = Secret::new(format!("AWS4{}", secret.expose()));
        let dated = sign(root.expose().as_bytes(), &self.scope_date);
        [self.region.as_str(), &self.service, "aws4_request"].iter().fold(dated, |key, part| sign(&key, part))
    }

    fn check_time(&self, service: Service, now: Timestamp) -> Result<(), Rejection> {
        let skewed = || Rejection::Skewed { stamp: self.stamp.clone(), now };
        let tolerance = SignedDuration::from_mins(if service == Service::S3 { 15 } else { 5 });
        let age = now.duration_since(self.signed_at);
        match self.placement {
            _ if age < -tolerance => Err(skewed()),
            Placement::Header if age > tolerance => Err(skewed()),
            Placement::Query { valid_for } if age > valid_for => Err(Rejection::Expired),
            Placement::Header | Placement::Query { .. } => Ok(()),
        }
    }
}

impl Rejection {
    /// The rejection in the words of the service that was called.
    pub(super) fn into_fault(self, service: Service) -> Fault {
        let protocol = service.protocol();
        let mismatch = |message: String| match protocol {
            Protocol::Query | Protocol::RestXml => Fault::refused("SignatureDoesNotMatch", 403, message),
            Protocol::Json => Fault::refused("InvalidSignatureException", 400, message),
            Protocol::Ec2Query => Fault::signature_mismatch(service),
        };
        match self {
            Self::Malformed(message) => match protocol {
                Protocol::Query | Protocol::Ec2Query => Fault::refused("IncompleteSignature", 400, message),
                Protocol::Json => Fault::refused("IncompleteSignatureException", 400, message),
                Protocol::RestXml => Fault::refused("AuthorizationHeaderMalformed", 400, message),
            },
            Self::Mismatch => Fault::signature_mismatch(service),
            Self::Scope(message) if protocol == Protocol::RestXml => {
                Fault::refused("AuthorizationHeaderMalformed", 400, message)
            }
            Self::Scope(message) => mismatch(message),
            Self::HeaderNotSigned(name) if protocol == Protocol::RestXml => Fault::refused(
                "AccessDenied",
                403,
                format!("There were headers present in the request which were not signed: {name}"),
            ),
            Self::HeaderNotSigned(name) => {
                mismatch(format!("'{name}' must be a 'SignedHeader' in the AWS Authorization."))
            }
            Self::PayloadDigest if protocol == Protocol::RestXml => Fault::refused(
                "XAmzContentSHA256Mismatch",
                400,
                "The provided 'x-amz-content-sha256' header does not match what was computed.",
            ),
            Self::PayloadDigest => Fault::signature_mismatch(service),
            Self::Skewed { .. } if protocol == Protocol::RestXml => Fault::refused(
                "RequestTimeTooSkewed",
                403,
                "The difference between the request time and the current time is too large.",
            ),
            Self::Skewed { stamp, now } => {
                let now = now.strftime("%Y%m%dT%H%M%SZ").to_string();
                if stamp > now {
                    mismatch(format!("Signature not yet current: {stamp} is still later than {now} + 5 min."))
                } else {
                    mismatch(format!("Signature expired: {stamp} is now earlier than {now} - 5 min."))
                }
            }
            Self::Expired if protocol == Protocol::RestXml => {
                Fault::refused("AccessDenied", 403, "Request has expired")
            }
            Self::Expired => {
                mismatch("Signature expired: the presigned request is past its X-Amz-Expires.".to_owned())
            }
        }
    }
}

/// The parameters of a query string, percent-decoded once (in SigV4 a `+` is a plus, not a space).
struct Query(Vec<(Vec<u8>, Vec<u8>)>);

impl Query {
    fn parse(query: &str) -> Self {
        Self(
            query
                .split('&')
                .filter(|pair| !pair.is_empty())
                .map(|pair| pair.split_once('=').unwrap_or((pair, "")))
                .map(|(name, value)| (decode(name), decode(value)))
                .collect(),
        )
    }

    fn get(&self, name: &str) -> Option<&str> {
        let (_, value) = self.0.iter().find(|(key, _)| key == name.as_bytes())?;
        std::str::from_utf8(value).ok()
    }

    /// Encoded again, sorted, and without the signature itself.
    fn canonical(&self) -> String {
        let mut pairs: Vec<(String, String)> = self
            .0
            .iter()
            .filter(|(name, _)| name != b"X-Amz-Signature")
            .map(|(name, value)| (encode(name), encode(value)))
            .collect();
        pairs.sort();
        pairs.iter().map(|(name, value)| format!("{name}={value}")).collect::<Vec<_>>().join("&")
    }
}

fn malformed(message: String) -> Rejection {
    Rejection::Malformed(message)
}

/// `YYYYMMDDTHHMMSSZ`, exactly.
fn parse_stamp(stamp: &str) -> Option<Timestamp> {
    if stamp.len() != 16 {
        return None;
    }
    let civil = DateTime::strptime("%Y%m%dT%H%M%SZ", stamp).ok()?;
    TimeZone::UTC.to_timestamp(civil).ok()
}

/// Trims, and makes one space of many.
fn collapse(value: &[u8]) -> Vec<u8> {
    value
        .trim_ascii()
        .split(|&byte| byte == b' ')
        .filter(|word| !word.is_empty())
        .collect::<Vec<_>>()
        .join(&b' ')
}

/// Percent-encodes all but the unreserved characters of RFC 3986.
fn encode(bytes: &[u8]) -> String {
    let mut text = String::with_capacity(bytes.len());
    for &byte in bytes {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            text.push(char::from(byte));
        } else {
            text.push_str(&format!("%{byte:02X}"));
        }
    }
    text
}

/// Percent-decodes; a `%` that starts no escape stays as it is.
pub(super) fn decode(text: &str) -> Vec<u8> {
    let mut rest = text.as_bytes();
    let mut bytes = Vec::with_capacity(rest.len());
    while let [first, tail @ ..] = rest {
        match (first, tail) {
            (b'%', [high, low, after @ ..])
                if let Ok(byte) = data_encoding::HEXLOWER_PERMISSIVE.decode(&[*high, *low]) =>
            {
                bytes.extend(byte);
                rest = after;
            }
            _ => {
                bytes.push(*first);
                rest = tail;
            }
        }
    }
    bytes
}

fn sign(key: &[u8], text: &str) -> [u8; 32] {
    hmac(key).chain_update(text).finalize().into_bytes().into()
}

fn hmac(key: &[u8]) -> Hmac<Sha256> {
    Hmac::new_from_slice(key).expect("HMAC takes keys of any length")
}

fn sha256_hex(bytes: &[u8]) -> String {
    data_encoding::HEXLOWER.encode(&Sha256::digest(bytes))
}

#[cfg(test)]
mod tests {
    use super::*;

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
            (LIST_USERS, "2015-08-30T12:36Z"),
            (LIST_USERS, "20151330T123600Z"),
        ] {
            let read = Signature::read(&list_users(date, authorization));
            assert!(matches!(read, Err(Rejection::Malformed(_))), "{authorization} {date}: {read:?}");
        }
        assert!(Signature::read(&request("GET", "/", &[], "")).unwrap().is_none());
    }

    #[test]
    fn header_values_are_trimmed_and_their_spaces_collapsed() {
        assert_eq!(collapse(b" \ta   b c  "), b"a b c");
    }

    #[test]
    fn escapes_are_decoded_once_and_broken_ones_kept() {
        assert_eq!(decode("a%2Fb%2fc+%zz%2"), b"a/b/c+%zz%2");
        assert_eq!(encode(b"a/b c~\xff"), "a%2Fb%20c~%FF");
    }
}
