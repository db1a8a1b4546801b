//! Which secret belongs to which id.
//!
//! Ids and secrets are in the order in which they stand, and pairs do not cross: each id takes the secret before or behind it so
//! that there are as many pairs as can be, and among these the nearest. So of `id, secret, id, secret` no id takes the
//! secret of the other, nor of `secret, id, secret, id`, although the distances alone would not tell.

use std::collections::HashMap;

use super::search::{Match, NEAR};
use super::steps;
use crate::kind::Kind;

/// How far a secret that has a name may be from its id, in bytes.
const FAR: usize = 8192;

/// How many of the ids and secrets before one are looked at.
const BACK: usize = 16;

/// What a pair is worth, beside which all distances are small.
const WORTH: u32 = 1 << 16;

/// The partner of each match: of a secret or a token the id, of an id the secret. The matches are ascending.
pub(super) fn partners(content: &[u8], matches: &[Match]) -> Vec<Option<usize>> {
    let mut partners = vec![None; matches.len()];
    let halves: Vec<usize> =
        (0..matches.len()).filter(|index| matches[*index].kind != Kind::SessionToken).collect();
    if halves.len() > 1 {
        let pairing = Pairing { matches, lines: lines(content, matches) };
        let rest = pairing.columns(&halves, &mut partners);
        pairing.nearest(&rest, &mut partners);
        pairing.twins(&mut partners);
    }
    tokens(matches, &mut partners);
    partners
}

struct Pairing<'a> {
    matches: &'a [Match],
    /// The line of each match.
    lines: Vec<usize>,
}

impl Pairing<'_> {
    /// Pairs lists: several ids, and then as many secrets. Gives back what is left.
    fn columns(&self, halves: &[usize], partners: &mut [Option<usize>]) -> Vec<usize> {
        let groups: Vec<&[usize]> =
            halves.chunk_by(|a, b| self.matches[*a].kind == self.matches[*b].kind).collect();
        let mut rest = Vec::with_capacity(halves.len());
        let mut groups = groups.into_iter().peekable();
        while let Some(group) = groups.next() {
            let partner = groups.next_if(|next| {
                next.len() == group.len()
                    && group.len() > 1
                    && group.iter().zip(*next).all(|(a, b)| self.worth(*a, *b).is_some())
            });
            match partner {
                Some(next) => {
                    for (a, b) in group.iter().zip(next) {
                        partners[*a] = Some(*b);
                        partners[*b] = Some(*a);
                    }
                }
                None => rest.extend_from_slice(group),
            }
        }
        rest
    }

    /// Pairs so that the sum of what the pairs are worth is the greatest.
    fn nearest(&self, halves: &[usize], partners: &mut [Option<usize>]) {
        // The best of the first so many, and with which the last of them is paired for it.
        let mut best: Vec<(u64, Option<usize>)> = Vec::with_capacity(halves.len() + 1);
        best.push((0, None));
        for (number, index) in halves.iter().enumerate() {
            let mut choice = (best[number].0, None);
            for before in (number.saturating_sub(BACK)..number).rev() {
                if let Some(worth) = self.worth(halves[before], *index) {
                    let sum = best[before].0 + u64::from(worth);
                    if sum > choice.0 {
                        choice = (sum, Some(before));
                    }
                }
            }
            best.push(choice);
        }
        let mut number = halves.len();
        while number > 0 {
            match best[number].1 {
                Some(before) => {
                    let (a, b) = (halves[before], halves[number - 1]);
                    partners[a] = Some(b);
                    partners[b] = Some(a);
                    number = before;
                }
                None => number -= 1,
            }
        }
    }

    /// What a pair is worth: the more the nearer, a little more if the id is first, and nothing if they are too far apart.
    fn worth(&self, a: usize, b: usize) -> Option<u32> {
        steps::add(1);
        let (first, second) = (&self.matches[a], &self.matches[b]);
        if first.kind == second.kind {
            return None;
        }
        let distance = second.span.start.saturating_sub(first.span.end);
        let named = first.certain && second.certain;
        let encoded = !(first.encodings.is_empty() && second.encodings.is_empty());
        let limit = if named {
            FAR
        } else if encoded {
            3 * NEAR
        } else {
            NEAR
        };
        if distance > limit {
            return None;
        }
        let lines = (self.lines[b] - self.lines[a]).min(200);
        let cost = distance + 32 * lines + if first.kind == Kind::AccessKeyId { 0 } else { 8 };
        Some(WORTH + if named { WORTH / 4 } else { 0 } - cost as u32)
    }

    /// Gives the same value elsewhere the same partner: a key that is written down twice is no less a key.
    fn twins(&self, partners: &mut [Option<usize>]) {
        let known: HashMap<&str, usize> = (0..self.matches.len())
            .filter_map(|index| Some((self.matches[index].value.expose(), partners[index]?)))
            .collect();
        for (index, found) in self.matches.iter().enumerate() {
            if partners[index].is_none() && found.kind != Kind::SessionToken {
                partners[index] = known.get(found.value.expose()).copied();
            }
        }
    }
}

/// Pairs each token with the nearest temporary id.
fn tokens(matches: &[Match], partners: &mut [Option<usize>]) {
    let ids: Vec<usize> = (0..matches.len())
        .filter(|index| {
            matches[*index].kind == Kind::AccessKeyId && matches[*index].value.expose().starts_with("ASIA")
        })
        .collect();
    for (index, token) in matches.iter().enumerate().filter(|(_, found)| found.kind == Kind::SessionToken) {
        let behind = ids.partition_point(|id| *id < index);
        let near = |id: &usize| {
            let id = &matches[*id];
            let distance = token
                .span
                .start
                .saturating_sub(id.span.end)
                .max(id.span.start.saturating_sub(token.span.end));
            (distance <= FAR).then_some(distance)
        };
        let before = behind.checked_sub(1).map(|place| ids[place]);
        partners[index] = [before, ids.get(behind).copied()]
            .into_iter()
            .flatten()
            .filter(|id| near(id).is_some())
            .min_by_key(near);
    }
}

/// The line of each match.
fn lines(content: &[u8], matches: &[Match]) -> Vec<usize> {
    let (mut line, mut at) = (0, 0);
    matches
        .iter()
        .map(|found| {
            line += memchr::memchr_iter(b'\n', &content[at..found.span.start]).count();
            at = found.span.start;
            line
        })
        .collect()
}
