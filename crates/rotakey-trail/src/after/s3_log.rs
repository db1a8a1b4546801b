//! Requests with a key that could not be used, from S3 server access logs.
//!
//! What is in such a log decides what can be concluded. A request whose signature is in a header leaves no key id
//! behind: the requester is an ARN if it was authenticated, and `-` if it was not. Only a request whose signature
//! is in the query (a presigned URL) names the key.

use std::collections::{BTreeMap, BTreeSet};
use std::io::{self, BufRead, Read as _};

use serde::Serialize;

use crate::after::period::Unusable;
use crate::after::s3_line::S3Line;
use crate::event_time::EventTime;
use crate::newest::Newest;
use crate::usage::schema::Tally;

/// The most bytes of a line that are looked at. S3 takes requests of 8 KiB.
const MOST_LINE: u64 = 256 * 1024;

/// The most requests with the key that are kept; of more, the newest.
const MOST_REQUESTS: usize = 10_000;

/// The most sources of refused requests without a key that are told apart.
const MOST_SOURCES: usize = 100_000;

/// What S3 answers to a key that is inactive or that does not exist.
const REFUSED: &str = "InvalidAccessKeyId";

/// Reads access logs, one after the other.
#[derive(Debug)]
pub struct S3AccessLogs {
    access_key_id: String,
    unusable: Vec<Unusable>,
    addresses: BTreeSet<String>,
    lines: u64,
    malformed_lines: u64,
    requests_before: u64,
    requests: Newest<S3Request>,
    sources: BTreeMap<String, Source>,
    unlisted: u64,
}

#[derive(Debug)]
struct Source {
    tally: Tally,
    user_agent: Option<String>,
}

/// A request that named the key, at a time when it could not be used.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct S3Request {
    /// When.
    pub at: EventTime,
    /// The bucket.
    pub bucket: String,
    /// Such as `REST.GET.OBJECT`.
    pub operation: String,
    /// HTTP status.
    pub status: Option<u16>,
    /// S3's error code; absent if the request was granted.
    pub error_code: Option<String>,
    /// From where.
    pub source_ip: Option<String>,
    /// What the client says of itself.
    pub user_agent: Option<String>,
}

/// Refused requests from one address whose log lines name no key: those of any key that does not work, this one
/// perhaps among them.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct RefusedSource {
    /// The address.
    pub source_ip: String,
    /// Whether the key was used from this address according to CloudTrail: a hint that it is this key's client.
    pub address_of_key: bool,
    /// How many requests, and when.
    #[serde(flatten)]
    pub tally: RefusedTally,
    /// One of the user agents.
    pub user_agent: Option<String>,
}

/// How many requests were refused, and when.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[expect(missing_docs, reason = "the names say it")]
pub struct RefusedTally {
    pub requests: u64,
    pub first_at: EventTime,
    pub last_at: EventTime,
}

/// What S3 server access logs tell.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct S3Document {
    /// Lines that were understood.
    pub lines: u64,
    /// Lines that were not.
    pub malformed_lines: u64,
    /// Requests that named the key while it could be used.
    pub requests_before: u64,
    /// How many named it while it could not.
    pub request_count: u64,
    /// The newest of them.
    pub requests: Vec<S3Request>,
    /// How many requests were refused in that time for a key that does not work, and do not say which.
    pub refused_without_key: u64,
    /// Where these came from: first the addresses from which the key was used before, then by number.
    pub refused_sources: Vec<RefusedSource>,
}

impl S3AccessLogs {
    /// Looks for requests with that key at those times. `addresses` are those from which the key was used.
    pub fn new(access_key_id: &str, unusable: &[Unusable], addresses: BTreeSet<String>) -> Self {
        Self {
            access_key_id: access_key_id.to_owned(),
            unusable: unusable.to_vec(),
            addresses,
            lines: 0,
            malformed_lines: 0,
            requests_before: 0,
            requests: Newest::new(MOST_REQUESTS),
            sources: BTreeMap::new(),
            unlisted: 0,
        }
    }

    /// Reads one log.
    ///
    /// # Errors
    /// What reading says. What was read before counts.
    pub fn read(&mut self, mut log: impl BufRead) -> io::Result<()> {
        let mut line = Vec::new();
        loop {
            line.clear();
            let length = log.by_ref().take(MOST_LINE).read_until(b'\n', &mut line)?;
            if length == 0 {
                return Ok(());
            }
            if length as u64 == MOST_LINE && line.last() != Some(&b'\n') {
                self.malformed_lines += 1;
                log.skip_until(b'\n')?;
                continue;
            }
            let text = String::from_utf8_lossy(&line);
            let text = text.trim_end_matches(['\n', '\r']);
            if text.is_empty() {
                continue;
            }
            match S3Line::parse(text) {
                Some(line) => self.line(&line),
                None => self.malformed_lines += 1,
            }
        }
    }

    fn line(&mut self, line: &S3Line<'_>) {
        self.lines += 1;
        let is_unusable = self.unusable.iter().any(|time| time.holds(line.time));
        let named = line.access_key_id();
        if named.as_ref() == Some(&self.access_key_id) {
            if !is_unusable {
                self.requests_before += 1;
                return;
            }
            self.requests.push(S3Request {
                at: line.time,
                bucket: line.bucket.to_owned(),
                operation: line.operation.to_owned(),
                status: line.status,
                error_code: line.error_code.map(str::to_owned),
                source_ip: line.remote_ip.map(str::to_owned),
                user_agent: line.user_agent.map(str::to_owned),
            });
        } else if is_unusable && named.is_none() && line.error_code == Some(REFUSED) {
            self.refused_without_key(line);
        }
    }

    fn refused_without_key(&mut self, line: &S3Line<'_>) {
        let Some(address) = line
            .remote_ip
            .filter(|address| self.sources.len() < MOST_SOURCES || self.sources.contains_key(*address))
        else {
            self.unlisted += 1;
            return;
        };
        let once = Tally::once(line.time);
        let source = self
            .sources
            .entry(address.to_owned())
            .and_modify(|source| source.tally.add(once))
            .or_insert(Source { tally: once, user_agent: None });
        // The least one, so that the order of the lines does not matter.
        let agent = line.user_agent.map(str::to_owned);
        source.user_agent = match (source.user_agent.take(), agent) {
            (Some(one), Some(other)) => Some(one.min(other)),
            (one, other) => one.or(other),
        };
    }

    /// What the logs told.
    pub fn into_document(self) -> S3Document {
        let (requests, dropped) = self.requests.into_sorted();
        let mut refused_sources: Vec<RefusedSource> = self
            .sources
            .into_iter()
            .map(|(source_ip, Source { tally, user_agent })| RefusedSource {
                address_of_key: self.addresses.contains(&source_ip),
                source_ip,
                tally: RefusedTally {
                    requests: tally.calls,
                    first_at: tally.first_at,
                    last_at: tally.last_at,
                },
                user_agent,
            })
            .collect();
        refused_sources
            .sort_by_key(|source| (!source.address_of_key, std::cmp::Reverse(source.tally.requests)));
        let listed: u64 = refused_sources.iter().map(|source| source.tally.requests).sum();
        S3Document {
            lines: self.lines,
            malformed_lines: self.malformed_lines,
            requests_before: self.requests_before,
            request_count: requests.len() as u64 + dropped,
            requests,
            refused_without_key: listed + self.unlisted,
            refused_sources,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::after::period::Because;

    const KEY: &str = "AKIAIOSFODNN7EXAMPLE";

    fn line(hour: u32, address: &str, request: &str, outcome: &str) -> String {
        format!(
            "o bucket [23/Nov/2026:{hour:02}:00:00 +0000] {address} - id REST.GET.OBJECT k \"{request}\" {outcome} 1 - 5 - \"-\" \"agent\" -\n"
        )
    }

    fn told(log: &[u8]) -> S3Document {
        let unusable = Unusable {
            from: EventTime::parse("2026-11-23T10:00:00Z").unwrap(),
            until: EventTime::parse("2026-11-23T20:00:00Z"),
            because: Because::Disabled,
            principal: None,
            event_id: None,
        };
        let mut logs = S3AccessLogs::new(KEY, &[unusable], ["192.0.2.9".to_owned()].into());
        logs.read(log).unwrap();
        logs.into_document()
    }

    #[test]
    fn only_what_names_the_key_is_its_and_the_rest_is_told_apart() {
        let signed = format!("GET /k?X-Amz-Credential={KEY}%2F20261123 HTTP/1.1");
        let other = "GET /k?AWSAccessKeyId=AKIAOTHEROTHEROTHER0 HTTP/1.1";
        let log = [
            line(9, "192.0.2.1", &signed, "200 -"),
            line(11, "192.0.2.1", &signed, "403 InvalidAccessKeyId"),
            line(12, "192.0.2.1", other, "403 InvalidAccessKeyId"),
            line(13, "192.0.2.3", "GET /k HTTP/1.1", "403 InvalidAccessKeyId"),
            line(14, "192.0.2.3", "GET /k HTTP/1.1", "403 InvalidAccessKeyId"),
            line(15, "192.0.2.9", "GET /k HTTP/1.1", "403 InvalidAccessKeyId"),
            line(16, "192.0.2.4", "GET /k HTTP/1.1", "403 AccessDenied"),
            line(21, "192.0.2.1", &signed, "200 -"),
            "nonsense\n".to_owned(),
        ]
        .concat();
        let told = told(log.as_bytes());
        assert_eq!(
            (told.lines, told.malformed_lines, told.requests_before, told.request_count),
            (8, 1, 2, 1)
        );
        assert_eq!(told.requests[0].error_code.as_deref(), Some("InvalidAccessKeyId"));
        assert_eq!(told.refused_without_key, 3);
        let sources: Vec<_> = told
            .refused_sources
            .iter()
            .map(|source| (source.source_ip.as_str(), source.address_of_key, source.tally.requests))
            .collect();
        assert_eq!(sources, [("192.0.2.9", true, 1), ("192.0.2.3", false, 2)]);
    }

    #[test]
    fn a_line_without_end_is_passed_over_in_bounded_space() {
        let mut log = vec![b'x'; MOST_LINE as usize + 7];
        log.push(b'\n');
        log.extend(line(12, "192.0.2.1", "GET /k HTTP/1.1", "200 -").bytes());
        log.extend(b"\xff\xfe\n\r\n");
        let told = told(&log);
        assert_eq!((told.lines, told.malformed_lines), (1, 2));
    }
}
