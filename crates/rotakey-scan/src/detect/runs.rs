//! Where something could be: the one pass over every byte.
//!
//! Sixty-four bytes at a time become bits, one for each class of characters, and runs of bits are found by shifting: no branch
//! for a byte, no state machine, no literal that must be had first. What is told is rare in all texts, so that whoever is told
//! may be slow.

use std::ops::{ControlFlow, Range};

/// How many bytes are looked at together.
const BLOCK: usize = 64;

/// The bytes of a block that are at even places.
const EVEN: u64 = 0x5555_5555_5555_5555;

/// The shortest run of capital letters and digits that is told, and that of a temporary key's neighbours in the classes.
const SHORT: usize = 20;

/// The shortest run of the alphabet of secrets that is told: an id in base64 without its padding.
pub(super) const LONG: usize = 27;

/// The classes of the bytes of a block, a bit for each byte, the first one lowest.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
struct Classes {
    /// Letters, digits, `/` and `+`, and what escapes are made of: `\`, `%`, `&`, `#` and `;`.
    secret: u64,
    /// Capital letters and digits.
    upper: u64,
    /// NUL, as in every ASCII character of UTF-16.
    zero: u64,
}

/// Who is told.
pub(super) trait Sink {
    /// A run of capital letters and digits that cannot be made longer, of 20, 22 or 24 bytes: an id, an id behind `3D`, an id behind
    /// `0022`.
    fn upper(&mut self, run: Range<usize>) -> ControlFlow<()>;

    /// A run of the alphabet of secrets and of escapes that cannot be made longer, of at least [`LONG`] bytes.
    fn secret(&mut self, run: Range<usize>) -> ControlFlow<()>;

    /// Twenty characters of UTF-16, all of that alphabet (nineteen and their NULs, since the last NUL may stand before the last
    /// character); the offset is that of the first one's byte that is not NUL.
    fn wide(&mut self, at: usize) -> ControlFlow<()>;
}

/// The ways to do it, the best last.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Level {
    #[cfg(test)]
    Portable,
    #[cfg(any(test, target_arch = "x86_64"))]
    Avx2,
    Avx512,
}

/// Tells the sink of all runs, by their ends, until it breaks off.
pub(super) fn find(content: &[u8], sink: &mut impl Sink) -> ControlFlow<()> {
    find_at_most(Level::Avx512, content, sink)
}

/// Does it on that level, or on the best below it that the processor has.
#[inline(always)]
fn find_at_most(level: Level, content: &[u8], sink: &mut impl Sink) -> ControlFlow<()> {
    #[cfg(target_arch = "x86_64")]
    {
        let has_avx2 = level >= Level::Avx2
            && is_x86_feature_detected!("avx2")
            && is_x86_feature_detected!("bmi1")
            && is_x86_feature_detected!("bmi2")
            && is_x86_feature_detected!("lzcnt");
        let has_avx512 = has_avx2
            && level >= Level::Avx512
            && is_x86_feature_detected!("avx512f")
            && is_x86_feature_detected!("avx512bw")
            && is_x86_feature_detected!("avx512vbmi");
        #[expect(unsafe_code, reason = "the functions are compiled for processors that have these features")]
        if has_avx512 {
            // SAFETY: all features that the function is compiled for have just been found.
            return unsafe { find_with_avx512(content, sink) };
        } else if has_avx2 {
            // SAFETY: likewise.
            return unsafe { find_with_avx2(content, sink) };
        }
    }
    let _ = level;
    find_with(content, sink, portable::classify)
}

// Closures take over the features of the function that they stand in.
#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx2,bmi1,bmi2,lzcnt")]
fn find_with_avx2(content: &[u8], sink: &mut impl Sink) -> ControlFlow<()> {
    find_with(content, sink, |block| avx2::classify(block))
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx512f,avx512bw,avx512vbmi,avx2,bmi1,bmi2,lzcnt")]
fn find_with_avx512(content: &[u8], sink: &mut impl Sink) -> ControlFlow<()> {
    find_with(content, sink, |block| avx512::classify(block))
}

#[inline(always)]
fn find_with(
    content: &[u8],
    sink: &mut impl Sink,
    classify: impl Fn(&[u8; BLOCK]) -> Classes,
) -> ControlFlow<()> {
    let (blocks, rest) = content.as_chunks::<BLOCK>();
    // What is behind the end belongs to no class.
    let mut padded = [b' '; BLOCK];
    padded[..rest.len()].copy_from_slice(rest);
    let Some((first, others)) = blocks.split_first() else {
        let mut state = Between { before: Classes::default(), run: None };
        state.block(0, classify(&padded), Classes::default(), sink)?;
        return state.end(content.len(), sink);
    };
    let mut state = Between { before: Classes::default(), run: None };
    let mut offset = 0;
    let mut current = classify(first);
    for block in others {
        let next = classify(block);
        state.block(offset, current, next, sink)?;
        current = next;
        offset += BLOCK;
    }
    let last = classify(&padded);
    state.block(offset, current, last, sink)?;
    state.block(offset + BLOCK, last, Classes::default(), sink)?;
    state.end(content.len(), sink)
}

/// What is carried from block to block.
struct Between {
    before: Classes,
    /// Where the run began that reaches to the end of the block before.
    run: Option<usize>,
}

impl Between {
    #[inline(always)]
    fn block(
        &mut self,
        offset: usize,
        current: Classes,
        next: Classes,
        sink: &mut impl Sink,
    ) -> ControlFlow<()> {
        // The first character may be the last byte of the block.
        if current.zero | next.zero != 0 {
            tell_wide(offset, current, next, sink)?;
        }
        // A run of capital letters is within one of secrets, so that nothing else needs to be asked of most blocks.
        if is_long(current.secret, next.secret) || self.run.is_some() {
            self.rare(offset, current, next, sink)?;
        }
        self.before = current;
        ControlFlow::Continue(())
    }

    #[inline(always)]
    fn rare(
        &mut self,
        offset: usize,
        current: Classes,
        next: Classes,
        sink: &mut impl Sink,
    ) -> ControlFlow<()> {
        let upper = stretches(current.upper, next.upper);
        if upper != 0 {
            let starts = upper & !(current.upper << 1 | self.before.upper >> 63);
            tell_upper(offset, starts, both(current.upper, next.upper), sink)?;
        }
        if let Some(start) = self.run
            && current.secret != u64::MAX
        {
            self.run = None;
            tell_secret(start..offset + current.secret.trailing_ones() as usize, sink)?;
        }
        let long = stretches(current.secret, next.secret);
        let mut starts = long & !(current.secret << 1 | self.before.secret >> 63);
        while starts != 0 {
            let from = starts.trailing_zeros();
            starts &= starts - 1;
            let to = from + (current.secret >> from).trailing_ones();
            let start = offset + from as usize;
            if to as usize == BLOCK {
                self.run = Some(start);
            } else {
                tell_secret(start..offset + to as usize, sink)?;
            }
        }
        ControlFlow::Continue(())
    }

    /// Ends the run that reaches to the end of the content.
    fn end(self, length: usize, sink: &mut impl Sink) -> ControlFlow<()> {
        match self.run {
            Some(start) => tell_secret(start..length, sink),
            None => ControlFlow::Continue(()),
        }
    }
}

#[inline(always)]
fn tell_secret(run: Range<usize>, sink: &mut impl Sink) -> ControlFlow<()> {
    if run.len() < LONG { ControlFlow::Continue(()) } else { sink.secret(run) }
}

#[cold]
fn tell_upper(offset: usize, mut starts: u64, upper: u128, sink: &mut impl Sink) -> ControlFlow<()> {
    while starts != 0 {
        let from = starts.trailing_zeros();
        starts &= starts - 1;
        let length = (upper >> from).trailing_ones() as usize;
        if matches!(length, 20 | 22 | 24) {
            let start = offset + from as usize;
            sink.upper(start..start + length)?;
        }
    }
    ControlFlow::Continue(())
}

/// Looks for every second byte of the alphabet and the others NUL.
#[inline(never)]
fn tell_wide(offset: usize, current: Classes, next: Classes, sink: &mut impl Sink) -> ControlFlow<()> {
    let wide = both(current.secret, next.secret) & both(current.zero, next.zero) >> 1;
    let mut all = wide & wide >> 2;
    for shift in [4, 8, 16, 6] {
        all &= all >> shift;
    }
    let starts = all as u64;
    // The rest of the block belongs to the same text, but that a text at odd places may follow one at even places, or go
    // before it.
    for starts in [starts & EVEN, starts & !EVEN] {
        if starts != 0 {
            sink.wide(offset + starts.trailing_zeros() as usize)?;
        }
    }
    ControlFlow::Continue(())
}

#[inline(always)]
fn both(current: u64, next: u64) -> u128 {
    u128::from(next) << 64 | u128::from(current)
}

/// Whether [`SHORT`] bits or more are set in a row, in the first block or over its end. That costs less than to know where, since
/// nothing is shifted from one block into the other.
#[inline(always)]
fn is_long(current: u64, next: u64) -> bool {
    let mut all = current;
    for shift in [1, 2, 4, 8, SHORT - 16] {
        all &= all >> shift;
    }
    let over_the_end = current.leading_ones() + next.trailing_ones();
    (all != 0) | (over_the_end as usize >= SHORT)
}

/// The places of the first block from which on [`SHORT`] bits are set.
#[inline(always)]
fn stretches(current: u64, next: u64) -> u64 {
    let mut all = both(current, next);
    for shift in [1, 2, 4, 8, SHORT - 16] {
        all &= all >> shift;
    }
    all as u64
}

#[cfg(target_arch = "x86_64")]
mod avx2;
#[cfg(target_arch = "x86_64")]
mod avx512;
mod portable;

#[cfg(test)]
mod tests;
