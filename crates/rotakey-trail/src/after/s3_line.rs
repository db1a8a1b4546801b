//! A line of an S3 server access log.
//!
//! <https://docs.aws.amazon.com/AmazonS3/latest/userguide/LogFormat.html>: fields are set apart by spaces; the time
//! is in brackets, the request line, the referrer and the user agent are in quotes; any field may be `-`; further
//! fields may be appended at any time. Quotes within a user agent are written as they came.

use jiff::fmt::strtime;

use crate::event_time::EventTime;

/// One request, as far as anybody asks for it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct S3Line<'a> {
    pub(crate) bucket: &'a str,
    pub(crate) time: EventTime,
    pub(crate) remote_ip: Option<&'a str>,
    /// A canonical user id or an ARN; `None` for whoever could not be authenticated or did not try.
    pub(crate) requester: Option<&'a str>,
    /// Such as `REST.GET.OBJECT`.
    pub(crate) operation: &'a str,
    /// The request line: method, path with query, version.
    pub(crate) request: Option<&'a str>,
    pub(crate) status: Option<u16>,
    pub(crate) error_code: Option<&'a str>,
    pub(crate) user_agent: Option<&'a str>,
}

impl<'a> S3Line<'a> {
    /// Reads a line. `None` if it is none of the format.
    pub(crate) fn parse(line: &'a str) -> Option<Self> {
        let (_owner, rest) = word(line)?;
        let (bucket, rest) = word(rest)?;
        let (time, rest) = rest.strip_prefix('[')?.split_once("] ")?;
        let time = strtime::parse("%d/%b/%Y:%H:%M:%S %z", time).ok()?.to_timestamp().ok()?;
        let (remote_ip, rest) = word(rest)?;
        let (requester, rest) = word(rest)?;
        let (_request_id, rest) = word(rest)?;
        let (operation, rest) = word(rest)?;
        let (_key, rest) = word(rest)?;
        let (request, rest) = request_line(rest)?;
        let (status, rest) = word(rest)?;
        let (error_code, rest) = word(rest)?;
        Some(Self {
            bucket,
            time: EventTime::from_seconds(time.as_second())?,
            remote_ip: known(remote_ip),
            requester: known(requester),
            operation,
            request: known(request),
            status: status.parse().ok(),
            error_code: known(error_code),
            user_agent: user_agent(rest).and_then(known),
        })
    }

    /// The access key that the request says it is signed by. It is in the line only if the signature is in the
    /// query, as that of presigned URLs is: headers are not logged.
    pub(crate) fn access_key_id(&self) -> Option<String> {
        let target = self.request?.split(' ').nth(1)?;
        let (_, query) = target.split_once('?')?;
        form_urlencoded::parse(query.as_bytes()).find_map(|(name, value)| {
            let is_credential = name.eq_ignore_ascii_case("X-Amz-Credential");
            if !is_credential && !name.eq_ignore_ascii_case("AWSAccessKeyId") {
                return None;
            }
            // A credential goes on behind the key with `/`; in a query that was encoded twice, with `%2F`.
            let key: String = value.chars().take_while(char::is_ascii_alphanumeric).collect();
            (16..=128).contains(&key.len()).then_some(key)
        })
    }
}

/// The next field, and what is behind it.
fn word(text: &str) -> Option<(&str, &str)> {
    let (word, rest) = text.split_once(' ').unwrap_or((text, ""));
    (!word.is_empty()).then_some((word, rest))
}

fn known(field: &str) -> Option<&str> {
    (field != "-" && !field.is_empty()).then_some(field)
}

/// The request line, which ends with the first quote that a status and an error code follow.
fn request_line(text: &str) -> Option<(&str, &str)> {
    let Some(quoted) = text.strip_prefix('"') else {
        return word(text).filter(|&(request, _)| request == "-");
    };
    quoted.match_indices("\" ").find_map(|(end, quote)| {
        let rest = &quoted[end + quote.len()..];
        let (status, behind) = word(rest)?;
        let (error_code, _) = word(behind)?;
        let is_status =
            status == "-" || status.len() == 3 && status.bytes().all(|byte| byte.is_ascii_digit());
        let is_code =
            error_code == "-" || error_code.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'.');
        (is_status && is_code).then_some((&quoted[..end], rest))
    })
}

/// The user agent, from what is behind the error code: four numbers, the referrer, the user agent, and fields
/// that have no quotes. Its own quotes are kept.
fn user_agent(text: &str) -> Option<&str> {
    let from = text.find('"')?;
    let (_referrer, behind) = text[from + 1..].split_once("\" ")?;
    match behind.strip_prefix('"') {
        Some(quoted) => quoted.rfind('"').map(|end| &quoted[..end]),
        None => word(behind).map(|(agent, _)| agent),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// From the page named above, shortened ids.
    const EXAMPLE: &str = r#"79a59df9 amzn-s3-demo-bucket1 [06/Feb/2019:00:00:38 +0000] 192.0.2.3 arn:aws:iam::123456789012:user/x 3E57427F3EXAMPLE REST.GET.VERSIONING - "GET /amzn-s3-demo-bucket1?versioning HTTP/1.1" 200 - 113 - 7 - "-" "S3Console/0.4" - s9lzHYrFp76ZVxRcpX9+5cjAnEH2ROuNkd2BHfIa6UkFVdtjf5mKR3/eTPFvsiP/XV/VLi31234= SigV4 ECDHE-RSA-AES128-GCM-SHA256 AuthHeader amzn-s3-demo-bucket1.s3.us-west-1.amazonaws.com TLSV1.2 arn:aws:s3:us-west-1:123456789012:accesspoint/example-AP Yes"#;

    fn refused(request: &str, agent: &str) -> String {
        format!(
            r#"79a5 bucket [23/Nov/2026:16:45:01 +0100] 192.0.2.3 - 3E57 REST.GET.OBJECT a%20b "{request}" 403 InvalidAccessKeyId 243 - 5 - "-" "{agent}" - hostid= SigV4 - QueryString b.s3.amazonaws.com TLSv1.2 - -"#
        )
    }

    #[test]
    fn the_example_of_the_documentation_is_read() {
        let line = S3Line::parse(EXAMPLE).unwrap();
        assert_eq!(line.bucket, "amzn-s3-demo-bucket1");
        assert_eq!(line.time.to_string(), "2019-02-06T00:00:38Z");
        assert_eq!(line.requester, Some("arn:aws:iam::123456789012:user/x"));
        assert_eq!((line.status, line.error_code, line.user_agent), (Some(200), None, Some("S3Console/0.4")));
        assert_eq!(line.access_key_id(), None);
    }

    #[test]
    fn the_key_is_found_in_a_signed_query_and_nowhere_else() {
        const KEY: &str = "AKIAIOSFODNN7EXAMPLE";
        let key = |request: &str| {
            let text = refused(request, "curl/8");
            S3Line::parse(&text).unwrap().access_key_id()
        };
        for request in [
            "GET /a?X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Credential=AKIAIOSFODNN7EXAMPLE%2F20261123%2Fus-east-1 HTTP/1.1",
            "GET /a?X-Amz-Credential=AKIAIOSFODNN7EXAMPLE/20261123/us-east-1/s3/aws4_request HTTP/1.1",
            "GET /a?X-Amz-Credential=AKIAIOSFODNN7EXAMPLE%252F20261123 HTTP/1.1",
            "GET /a?AWSAccessKeyId=AKIAIOSFODNN7EXAMPLE&Signature=x HTTP/1.1",
            "GET /a?x=1&AWSAccessKeyId=AKIAIOSFODNN7EXAMPLE HTTP/1.1",
            "GET /a?X-Amz-Credential=%41KIAIOSFODNN7EXAMPLE HTTP/1.1",
        ] {
            assert_eq!(key(request).as_deref(), Some(KEY), "{request}");
        }
        for request in [
            "GET /AKIAIOSFODNN7EXAMPLE HTTP/1.1",
            "GET /a?prefix=AKIAIOSFODNN7EXAMPLE HTTP/1.1",
            "GET /a?X-Amz-Credential=AKIA HTTP/1.1",
            "-",
        ] {
            assert_eq!(key(request), None, "{request}");
        }
    }

    #[test]
    fn quotes_of_the_client_end_no_field() {
        let text = refused(r#"GET /a?q="x" y HTTP/1.1"#, r#"agent "quoted" with" 200 - more"#);
        let line = S3Line::parse(&text).unwrap();
        assert_eq!(line.request, Some(r#"GET /a?q="x" y HTTP/1.1"#));
        assert_eq!((line.status, line.error_code), (Some(403), Some("InvalidAccessKeyId")));
        assert_eq!(line.user_agent, Some(r#"agent "quoted" with" 200 - more"#));
        assert_eq!(line.time.to_string(), "2026-11-23T15:45:01Z");
    }

    #[test]
    fn the_request_line_may_be_missing_and_the_line_may_end_early() {
        let short = r#"o b [23/Nov/2026:16:45:01 +0000] - - id BATCH.DELETE.OBJECT key - 204 -"#;
        let line = S3Line::parse(short).unwrap();
        assert_eq!((line.request, line.status, line.user_agent), (None, Some(204), None));
        for wrong in [
            "",
            "a b c",
            "o b [23/Nov/2026] - - i op k - 204 -",
            &short[..60],
            "o b [31/Feb/2026:00:00:00 +0000] - - i op k - 204 -",
        ] {
            assert_eq!(S3Line::parse(wrong), None, "{wrong}");
        }
    }

    proptest! {
        #[test]
        fn no_line_makes_it_panic(line in "\\PC*", cut in any::<prop::sample::Index>()) {
            let _ = S3Line::parse(&line).and_then(|line| line.access_key_id());
            let whole = refused(&line, &line);
            let mut end = cut.index(whole.len() + 1);
            while !whole.is_char_boundary(end) {
                end -= 1;
            }
            let _ = S3Line::parse(&whole[..end]);
        }
    }
}
