//! Bytes to matches.
//!
//! [`runs`] passes over every byte and tells of the few places where something could be; `search` looks at these, through whatever
//! encoding; [`pair`] decides what belongs together. What a clean content costs is the pass alone.

use std::ops::Range;

use rotakey_core::id::AccessKeyId;
use rotakey_core::secret::Secret;

use self::search::Match;
use crate::kind::{Kind, Severity};

mod access_key_id;
mod base64;
pub mod canary;
mod candidate;
#[cfg(feature = "fuzzing")]
pub mod fuzzing;
mod label;
mod pair;
pub mod rule;
mod runs;
mod search;
mod secret;
mod session_token;
mod steps;
mod unescape;
mod utf16;
mod view;

/// One match in a content.
#[derive(Debug)]
pub struct Found {
    /// What it is.
    pub kind: Kind,
    /// The rule that found it, by its stable name, such as `aws-secret-access-key`.
    pub rule: &'static str,
    /// How bad it is.
    pub severity: Severity,
    /// Where in the content, in bytes: all of the encoded form, without quotes.
    pub span: Range<usize>,
    /// The value in clear.
    pub value: Secret,
    /// The encodings that were taken off, outermost first, such as `base64`; empty if there was none.
    pub encodings: Vec<&'static str>,
    /// Which match of the same content is the other half: of a secret or a token its id, of an id its secret.
    pub pair: Option<usize>,
}

/// Finds keys in bytes.
#[derive(Debug, Default)]
pub struct Detector {}

impl Detector {
    /// All matches, ascending by where they begin.
    pub fn detect(&self, content: &[u8]) -> Vec<Found> {
        let mut matches = search::matches(content);
        if matches.is_empty() {
            return Vec::new();
        }
        // What was found twice counts as what it was found to be with more certainty, and with less taken off.
        matches.sort_by(|a, b| {
            let key =
                |found: &Match| (found.span.start, found.span.end, !found.certain, found.encodings.len());
            key(a).cmp(&key(b))
        });
        matches.dedup_by(|later, earlier| {
            later.kind == earlier.kind
                && later.span.start < earlier.span.end
                && later.value.expose() == earlier.value.expose()
        });
        let partners = pair::partners(content, &matches);
        finish(matches, &partners)
    }

    /// Whether there can be any match. `false` means that [`Detector::detect`] finds nothing here.
    ///
    /// The answer is *local*: whether a place makes it `true` depends on nothing but the [`Detector::WINDOW`] bytes before and
    /// behind that place. So of a content that differs in some places from another one that was screened, only these need to
    /// be screened, with as much around them.
    pub fn screen(&self, content: &[u8]) -> bool {
        search::any(content)
    }

    /// How far around a place the screen looks, in bytes.
    pub const WINDOW: usize = 512;
}

/// Leaves out what is nothing without an id and has none, and says of the others what they are.
fn finish(matches: Vec<Match>, partners: &[Option<usize>]) -> Vec<Found> {
    let kept: Vec<bool> =
        matches.iter().zip(partners).map(|(found, partner)| found.certain || partner.is_some()).collect();
    let numbers: Vec<usize> = kept
        .iter()
        .scan(0, |next, kept| {
            let number = *next;
            *next += usize::from(*kept);
            Some(number)
        })
        .collect();
    let canary = |index: usize| {
        let id = if matches[index].kind == Kind::AccessKeyId { Some(index) } else { partners[index] };
        id.and_then(|id| matches[id].value.expose().parse::<AccessKeyId>().ok())
            .and_then(|id| id.account_id())
            .is_some_and(|account| canary::is_canary(&account))
    };
    let described: Vec<(&rule::Rule, Severity)> = (0..matches.len())
        .map(|index| {
            let paired = match matches[index].kind {
                Kind::SessionToken => partners[index].is_some_and(|id| partners[id].is_some()),
                _ => partners[index].is_some(),
            };
            let rule = rule::of(matches[index].kind, paired);
            let severity = match paired {
                _ if canary(index) => Severity::Low,
                true => Severity::High,
                false => rule.severity,
            };
            (rule, severity)
        })
        .collect();
    let pairs: Vec<Option<usize>> =
        partners.iter().map(|partner| partner.map(|partner| numbers[partner])).collect();
    matches
        .into_iter()
        .zip(described)
        .zip(pairs)
        .zip(kept)
        .filter_map(|(((found, (rule, severity)), pair), kept)| {
            kept.then(|| Found {
                kind: found.kind,
                rule: rule.name,
                severity,
                span: found.span,
                value: found.value,
                encodings: found.encodings,
                pair,
            })
        })
        .collect()
}

#[cfg(test)]
mod tests;
