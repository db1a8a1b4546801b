//! Single signed requests (Signature Version 4) to services that this crate has no SDK crate for.

use std::time::SystemTime;

use aws_config::SdkConfig;
use aws_credential_types::Credentials;
use aws_sigv4::http_request::{PayloadChecksumKind, SignableBody, SignableRequest, SigningSettings, sign};
use aws_sigv4::sign::v4::SigningParams;
use aws_smithy_runtime_api::client::http::{HttpConnector as _, SharedHttpConnector};
use aws_smithy_runtime_api::client::orchestrator::HttpRequest;
use aws_smithy_types::body::SdkBody;
use aws_smithy_types::byte_stream::ByteStream;
use rotakey_engine::port::{PortError, PortErrorKind};

use crate::calls::CallCounter;
use crate::connection::{connector, connector_settings, region_named};

/// Signs and sends.
#[derive(Debug, Clone)]
pub(crate) struct Signer {
    connector: SharedHttpConnector,
    endpoint: Option<String>,
    calls: CallCounter,
    time: Option<aws_smithy_async::time::SharedTimeSource>,
}

/// One request of a service.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Call<'a> {
    /// The first part of the host name of its endpoint.
    pub(crate) host: &'a str,
    /// The name that requests are signed for.
    pub(crate) signing_name: &'a str,
    /// Whether there is one endpoint for all regions.
    pub(crate) is_global: bool,
    pub(crate) method: &'a str,
    /// With the query.
    pub(crate) path: &'a str,
    /// `X-Amz-Target`, of those that speak JSON.
    pub(crate) target: Option<&'a str>,
    pub(crate) content_type: Option<&'a str>,
    pub(crate) body: &'a str,
}

/// What came back.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) error_type: Option<String>,
    pub(crate) body: String,
}

impl Signer {
    pub(crate) fn new(config: &SdkConfig, calls: CallCounter) -> Self {
        Self {
            connector: SharedHttpConnector::new(connector(Some(connector_settings()), config.sleep_impl())),
            endpoint: config.endpoint_url().map(|url| url.trim_end_matches('/').to_owned()),
            calls,
            time: config.time_source(),
        }
    }

    /// Sends the request once.
    ///
    /// # Errors
    /// There was no answer, or it could not be read.
    pub(crate) async fn send(
        &self,
        call: Call<'_>,
        credentials: Credentials,
        region: &str,
        operation: &str,
    ) -> Result<Answer, PortError> {
        let invalid = |message: String| PortError::new(PortErrorKind::Invalid, operation, message);
        if region_named(region).is_none() {
            return Err(invalid(format!("{region:?} is not the name of a region")));
        }
        let base = self.endpoint.clone().unwrap_or_else(|| endpoint(call, region));
        let uri = format!("{base}{}", call.path);
        let mut request = HttpRequest::new(SdkBody::from(call.body));
        request.set_method(call.method).map_err(|error| invalid(error.to_string()))?;
        request.set_uri(uri.as_str()).map_err(|error| invalid(error.to_string()))?;
        let host = uri.split("://").nth(1).and_then(|rest| rest.split('/').next()).unwrap_or_default();
        let headers = [
            Some(("host", host)),
            call.target.map(|target| ("x-amz-target", target)),
            call.content_type.map(|kind| ("content-type", kind)),
        ];
        let headers: Vec<(&str, &str)> = headers.into_iter().flatten().collect();
        let mut settings = SigningSettings::default();
        settings.payload_checksum_kind = PayloadChecksumKind::XAmzSha256;
        let identity = credentials.into();
        let params = SigningParams::builder()
            .identity(&identity)
            .region(region)
            .name(call.signing_name)
            .time(self.time.as_ref().map_or_else(machine_time, |time| time.now()))
            .settings(settings)
            .build()
            .map_err(|error| invalid(error.to_string()))?
            .into();
        let body = SignableBody::Bytes(call.body.as_bytes());
        let signable = SignableRequest::new(call.method, uri.as_str(), headers.iter().copied(), body)
            .map_err(|error| invalid(error.to_string()))?;
        let (signed, _) = sign(signable, &params).map_err(|error| invalid(error.to_string()))?.into_parts();
        let all = headers.into_iter().chain(signed.headers());
        for (name, value) in all.chain([("user-agent", concat!("rotakey/", env!("CARGO_PKG_VERSION")))]) {
            request.headers_mut().insert(name.to_owned(), value.to_owned());
        }
        self.calls.count();
        let silent = |message: String| PortError::new(PortErrorKind::Ambiguous, operation, message);
        let response = self.connector.call(request).await.map_err(|error| {
            // The error of the connector has its cause inside.
            let cause =
                std::error::Error::source(&error).map_or_else(|| error.to_string(), ToString::to_string);
            silent(cause)
        })?;
        let status = response.status().as_u16();
        let error_type = response.headers().get("x-amzn-errortype").map(str::to_owned);
        let body = ByteStream::new(response.into_body()).collect().await;
        let body = body.map_err(|error| silent(error.to_string()))?.into_bytes();
        Ok(Answer { status, error_type, body: String::from_utf8_lossy(&body).into_owned() })
    }
}

impl Answer {
    /// The error code, in whichever form the service tells it.
    pub(crate) fn error_code(&self) -> Option<String> {
        let json = || {
            let body: serde_json::Value = serde_json::from_str(&self.body).ok()?;
            let code = body.get("__type").or_else(|| body.get("code"))?.as_str()?;
            Some(code.to_owned())
        };
        let code = self
            .error_type
            .clone()
            .or_else(json)
            .or_else(|| element(&self.body, "Code").map(str::to_owned))?;
        // `com.amazon.coral.service#AccessDeniedException`, and `AccessDenied:http://...` of others.
        let code = code.rsplit('#').next().unwrap_or(&code);
        Some(code.split(':').next().unwrap_or(code).to_owned())
    }
}

/// The text of the first element of that name, which has no attributes.
pub(crate) fn element<'a>(xml: &'a str, name: &str) -> Option<&'a str> {
    let begin = xml.find(&format!("<{name}>"))? + name.len() + 2;
    let end = xml[begin..].find("</")?;
    Some(&xml[begin..begin + end])
}

fn endpoint(call: Call<'_>, region: &str) -> String {
    let domain = if region.starts_with("cn-") { "amazonaws.com.cn" } else { "amazonaws.com" };
    match call.is_global {
        true => format!("https://{}.{domain}", call.host),
        false => format!("https://{}.{region}.{domain}", call.host),
    }
}

/// What AWS compares with its own time, as the SDK does.
#[expect(
    clippy::disallowed_methods,
    reason = "a signature is judged by AWS's clock, not by the clock of the run"
)]
fn machine_time() -> SystemTime {
    SystemTime::now()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn error_codes_of_all_protocols_are_read() {
        let code = |error_type: Option<&str>, body: &str| {
            let error_type = error_type.map(str::to_owned);
            Answer { status: 403, error_type, body: body.to_owned() }.error_code().unwrap()
        };
        assert_eq!(code(None, "<Error><Code>InvalidAccessKeyId</Code></Error>"), "InvalidAccessKeyId");
        assert_eq!(
            code(None, r#"{"__type": "com.amazon.coral.service#UnrecognizedClientException"}"#),
            "UnrecognizedClientException"
        );
        assert_eq!(code(Some("AccessDeniedException:http://internal"), ""), "AccessDeniedException");
    }
}
