//! From the runs of a content to what may be keys, through all encodings.

use std::ops::{ControlFlow, Range};

use rotakey_core::secret::Secret;

use super::base64::Anchor;
use super::candidate::{self, Candidate};
use super::label::{self, Label};
use super::runs::{self, Sink};
use super::unescape::{self, Token};
use super::view::View;
use super::{access_key_id, base64, secret, session_token, steps, utf16};
use crate::kind::Kind;

/// How many encodings are taken off, one within the other.
const DEEPEST: u8 = 3;

/// How far from an id, in bytes of the text that both are in, a secret needs no name.
pub(super) const NEAR: usize = 1024;

/// What may be a key, or a part of one.
#[derive(Debug)]
pub(super) struct Match {
    pub(super) kind: Kind,
    pub(super) span: Range<usize>,
    pub(super) value: Secret,
    pub(super) encodings: Vec<&'static str>,
    /// Whether it is one even without another one near. An id always is.
    pub(super) certain: bool,
}

/// Everything in a content.
pub(super) fn matches(content: &[u8]) -> Vec<Match> {
    matches_in(content, 0)
}

/// Whether there is anything that is certain, or that base64 may hide.
pub(super) fn any(content: &[u8]) -> bool {
    any_in(content, 0)
}

fn matches_in(content: &[u8], depth: u8) -> Vec<Match> {
    let mut search = Search::new(content, depth, false);
    let _ = runs::find(content, &mut search);
    search.decode_base64();
    search.look_near_ids();
    search.matches
}

fn any_in(content: &[u8], depth: u8) -> bool {
    let mut search = Search::new(content, depth, true);
    runs::find(content, &mut search).is_break()
}

struct Search<'a> {
    content: &'a [u8],
    depth: u8,
    /// Whether it is enough to know that there is something.
    screen: bool,
    matches: Vec<Match>,
    anchors: Vec<Anchor>,
    /// The last run, which may go on behind the end of its line.
    run: Range<usize>,
    /// Up to where UTF-16 was decoded whose characters are at even places, and at odd ones.
    wide: [usize; 2],
}

impl Sink for Search<'_> {
    #[cold]
    fn upper(&mut self, run: Range<usize>) -> ControlFlow<()> {
        match access_key_id::within(self.content, run) {
            Some(span) => self.found_id(span),
            None => ControlFlow::Continue(()),
        }
    }

    #[inline(never)]
    fn secret(&mut self, run: Range<usize>) -> ControlFlow<()> {
        if self.depth < DEEPEST {
            self.find_anchors(&run);
            if self.screen && !self.anchors.is_empty() {
                return ControlFlow::Break(());
            }
        }
        let mut found = false;
        if run.len() >= secret::LENGTH - 1 {
            let content = self.content;
            unescape::tokens(content, run.clone(), |token| found |= self.token(token));
        }
        self.run = run;
        if found && self.screen { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
    }

    #[cold]
    fn wide(&mut self, at: usize) -> ControlFlow<()> {
        if at < self.wide[at % 2] || self.depth == DEEPEST {
            return ControlFlow::Continue(());
        }
        let (views, until) = utf16::around(self.content, at);
        self.wide[at % 2] = until;
        let before = self.matches.len();
        for (view, name) in views {
            if !self.screen {
                let first = self.matches.len();
                self.within(&view, name);
                self.merge(before, first);
            } else if any_in(&view.bytes, self.depth + 1) {
                return ControlFlow::Break(());
            }
        }
        ControlFlow::Continue(())
    }
}

impl<'a> Search<'a> {
    fn new(content: &'a [u8], depth: u8, screen: bool) -> Self {
        Self { content, depth, screen, matches: Vec::new(), anchors: Vec::new(), run: 0..0, wide: [0; 2] }
    }

    fn found_id(&mut self, span: Range<usize>) -> ControlFlow<()> {
        if self.screen {
            return ControlFlow::Break(());
        }
        let value = text(&self.content[span.clone()]);
        self.push(Kind::AccessKeyId, span, value, Vec::new(), true);
        ControlFlow::Continue(())
    }

    fn push(
        &mut self,
        kind: Kind,
        span: Range<usize>,
        value: String,
        encodings: Vec<&'static str>,
        certain: bool,
    ) {
        self.matches.push(Match { kind, span, value: Secret::new(value), encodings, certain });
    }

    fn find_anchors(&mut self, run: &Range<usize>) {
        let anchors = &mut self.anchors;
        if run.start > 0
            && self.run.end < run.start
            && run.start - self.run.end <= 66
            && base64::is_line_end(&self.content[self.run.end..run.start])
        {
            base64::anchors_across(self.content, &self.run, run, |anchor| anchors.push(anchor));
        }
        base64::anchors(self.content, run.clone(), |anchor| anchors.push(anchor));
    }

    /// Whether the value is a secret or a token by its name or its beginning.
    #[inline(always)]
    fn token(&mut self, token: &Token) -> bool {
        match token.length {
            39..=61 => self.short(token),
            session_token::SHORTEST.. => self.long(token),
            _ => false,
        }
    }

    fn short(&mut self, token: &Token) -> bool {
        let Some(candidate) = candidate::in_token(self.content, token) else { return false };
        if !secret::is_random(&candidate.value, secret::LABELLED_ENTROPY)
            || label::before(self.content, candidate.span.start) != Label::Secret
        {
            return false;
        }
        if !self.screen {
            self.candidate(candidate, true);
        }
        true
    }

    fn long(&mut self, token: &Token) -> bool {
        let Some(span) = session_token::span(self.content, token) else { return false };
        if !self.screen {
            let mut value = unescape::value_of(self.content, token);
            value.extend(std::iter::repeat_n('=', span.padding));
            self.push(Kind::SessionToken, span.span, value, token.escapes.names(), true);
        }
        true
    }

    fn candidate(&mut self, candidate: Candidate, certain: bool) {
        let value = text(&candidate.value);
        self.push(Kind::SecretAccessKey, candidate.span, value, candidate.encodings, certain);
    }

    fn decode_base64(&mut self) {
        let anchors = std::mem::take(&mut self.anchors);
        let content = self.content;
        base64::decode_around(content, &anchors, |view| self.within(view, "base64"));
    }

    /// Adds what is in a decoded part.
    fn within(&mut self, view: &View, name: &'static str) {
        for mut found in matches_in(&view.bytes, self.depth + 1) {
            found.span = view.outer(&found.span);
            found.encodings.insert(0, name);
            self.matches.push(found);
        }
    }

    /// Drops those of the matches from `second` on that are the same as one of those between, at nearly the same place.
    fn merge(&mut self, first: usize, second: usize) {
        let more = self.matches.split_off(second);
        for found in more {
            let is_same = |known: &&mut Match| {
                known.kind == found.kind
                    && known.span.start < found.span.end
                    && found.span.start < known.span.end
                    && known.value.expose() == found.value.expose()
            };
            match self.matches[first..second].iter_mut().find(is_same) {
                Some(known) => known.certain |= found.certain,
                None => self.matches.push(found),
            }
        }
    }

    /// Goes back to where the word begins that this place is in, so that no part of it looks like a whole.
    fn word_start(&self, at: usize) -> usize {
        at - self.content[..at].iter().rev().take(WORD).take_while(|byte| byte.is_ascii_graphic()).count()
    }

    fn word_end(&self, at: usize) -> usize {
        at + self.content[at..].iter().take(WORD).take_while(|byte| byte.is_ascii_graphic()).count()
    }

    /// Adds what may be a secret because an id is near.
    fn look_near_ids(&mut self) {
        let mut ids: Vec<usize> = self
            .matches
            .iter()
            .filter(|found| found.kind == Kind::AccessKeyId)
            .map(|id| id.span.start)
            .collect();
        ids.sort_unstable();
        let mut done = 0;
        let mut ids = ids.into_iter().peekable();
        while let Some(id) = ids.next() {
            let start = id.saturating_sub(NEAR).max(done);
            let mut end = id + NEAR;
            while let Some(next) = ids.next_if(|next| *next <= end + NEAR) {
                end = next + NEAR;
            }
            let (start, end) = (self.word_start(start), self.word_end(end.min(self.content.len())));
            if start < end {
                steps::add(end - start);
                let mut near = Near { search: self, offset: start };
                let _ = runs::find(&near.search.content[start..end], &mut near);
            }
            done = end;
        }
    }
}

/// How far a word is followed that goes beyond what is near.
const WORD: usize = 256;

/// Takes every value that looks like a secret.
struct Near<'a, 'b> {
    search: &'a mut Search<'b>,
    offset: usize,
}

impl Sink for Near<'_, '_> {
    fn upper(&mut self, _run: Range<usize>) -> ControlFlow<()> {
        ControlFlow::Continue(())
    }

    #[inline(never)]
    fn secret(&mut self, run: Range<usize>) -> ControlFlow<()> {
        let content = self.search.content;
        unescape::tokens(content, self.offset + run.start..self.offset + run.end, |token| {
            if let 39..=61 = token.length
                && let Some(candidate) = candidate::in_token(content, token)
                && secret::is_random(&candidate.value, secret::PAIR_ENTROPY)
                && label::before(content, candidate.span.start) != Label::Digest
            {
                self.search.candidate(candidate, false);
            }
        });
        ControlFlow::Continue(())
    }

    fn wide(&mut self, _at: usize) -> ControlFlow<()> {
        ControlFlow::Continue(())
    }
}

fn text(value: &[u8]) -> String {
    value.iter().copied().map(char::from).collect()
}
