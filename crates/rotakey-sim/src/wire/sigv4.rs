//! AWS Signature Version 4, from the side that verifies it.
//!
//! Both placements are understood: the `Authorization` header and the presigned query string. Stricter than AWS
//! in some points, so that a client that passes here passes there: every `x-amz-*` header that is present must be
//! signed, the list of signed headers must have the documented form, a payload digest that the client states must be
//! the digest of what it sent for every service (AWS compares it for S3 only), and the `Date` header is no substitute
//! for `X-Amz-Date`.
//!
//! Real SDKs sign with the real time, also while the virtual clock of the simulation stands months away. So the
//! date of a signature is held against the real time, which is an argument, and never against the virtual clock.
//!
//! Source: "AWS Signature Version 4 for API requests", IAM User Guide; "Authenticating Requests", Amazon S3 API
//! Reference, whose worked examples are the tests.

mod canonical;
mod rejection;

use hmac::{Hmac, KeyInit, Mac};
use hyper::body::Bytes;
use hyper::{HeaderMap, Request, header};
use jiff::civil::DateTime;
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};
use rotakey_core::secret::Secret;
use sha2::{Digest, Sha256};

use crate::api::{Credentials, Service};

pub(super) use canonical::decode;
use canonical::{Query, collapse, encode};
pub(super) use rejection::Rejection;

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
    /// Lower-case and sorted.
    signed_headers: Vec<String>,
    code: Vec<u8>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Placement {
    Header,
    Query { valid_for: SignedDuration },
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
        let signed_headers: Vec<String> = signed_headers.split(';').map(str::to_owned).collect();
        let is_lower_case = |name: &String| !name.bytes().any(|byte| byte.is_ascii_uppercase());
        if !signed_headers.is_sorted() || !signed_headers.iter().all(is_lower_case) {
            return Err(malformed("SignedHeaders must be in lower case and sorted.".to_owned()));
        }
        Ok(Self {
            credentials: Credentials { access_key_id: access_key_id.to_owned(), session_token },
            region: region.to_owned(),
            service: service.to_owned(),
            placement,
            scope_date: scope_date.to_owned(),
            stamp: stamp.to_owned(),
            signed_at,
            signed_headers,
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
mod tests;
