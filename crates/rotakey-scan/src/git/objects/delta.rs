//! Deltas: an object told as pieces of another and of new bytes.

use std::ops::Range;

use super::buffer::{Buffer, SLACK};
use super::damage::{Damage, LARGEST};
use super::walk::Change;

/// Beyond this a delta is read twice, first to see whether the size that it says is true.
const LARGE: u64 = 16 << 20;

/// A delta whose head is read.
#[derive(Debug, Clone, Copy)]
pub(super) struct Delta<'a> {
    base: usize,
    size: usize,
    /// The instructions and, behind them, the slack of their buffer.
    bytes: &'a [u8],
    end: usize,
    start: usize,
}

/// One instruction.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Instruction {
    /// So many bytes of the base from there on.
    Copy { from: usize, length: usize },
    /// The bytes of the delta that are there.
    Insert { at: usize, length: usize },
}

const CUT: Damage = Damage::Broken("its delta is cut off");
const OUTSIDE: Damage = Damage::Broken("its delta copies from outside of the base");
const WRONG_SIZE: Damage = Damage::Broken("its delta makes another size than it says");

impl<'a> Delta<'a> {
    pub(super) fn new(delta: &'a Buffer, base: &Buffer) -> Result<Self, Damage> {
        let content = delta.content();
        let mut start = 0;
        let expected = size(content, &mut start)?;
        if expected != base.len() as u64 {
            return Err(Damage::Broken("its delta is for a base of another size"));
        }
        let size = size(content, &mut start)?;
        if size > LARGEST {
            return Err(Damage::TooLarge(size));
        }
        let delta = Self {
            base: base.len(),
            size: size as usize,
            bytes: delta.with_slack(),
            end: content.len(),
            start,
        };
        if size > LARGE {
            delta.check()?;
        }
        Ok(delta)
    }

    /// The size of what it makes.
    pub(super) fn size(&self) -> usize {
        self.size
    }

    pub(super) fn instructions(&self) -> Instructions<'a> {
        Instructions { bytes: self.bytes, at: self.start, end: self.end }
    }

    /// The bytes of an [`Instruction::Insert`].
    pub(super) fn inserted(&self, at: usize, length: usize) -> &'a [u8] {
        &self.bytes[at..at + length]
    }

    fn check(&self) -> Result<(), Damage> {
        let mut size = 0_usize;
        for instruction in self.instructions() {
            size = size.saturating_add(match instruction? {
                Instruction::Copy { length, .. } | Instruction::Insert { length, .. } => length,
            });
        }
        if size == self.size { Ok(()) } else { Err(WRONG_SIZE) }
    }

    /// Checks that a copy stays within the base.
    pub(super) fn within(&self, from: usize, length: usize) -> Result<(), Damage> {
        // Neither has more than 32 bits.
        if from + length <= self.base { Ok(()) } else { Err(OUTSIDE) }
    }

    /// Makes the object.
    pub(super) fn apply(&self, base: &Buffer, into: &mut Buffer) -> Result<(), Damage> {
        into.reset(self.size);
        let base = base.with_slack();
        let out = into.with_slack_mut();
        let mut made = 0;
        for instruction in self.instructions() {
            let (source, from, length) = match instruction? {
                Instruction::Copy { from, length } => {
                    self.within(from, length)?;
                    (base, from, length)
                }
                Instruction::Insert { at, length } => (self.bytes, at, length),
            };
            if length > self.size - made {
                return Err(WRONG_SIZE);
            }
            copy(source, from, out, made, length);
            made += length;
        }
        if made == self.size { Ok(()) } else { Err(WRONG_SIZE) }
    }

    /// Where what it makes differs from the base, and what is there instead.
    pub(super) fn change(&self, base: &Buffer, middle: &mut Buffer) -> Result<Change, Damage> {
        middle.clear();
        let base = base.content();
        let (mut start, mut made) = (None, 0);
        // A run of the base whose end is not known yet, since the next may go on where it ends.
        let mut run = 0..0;
        for instruction in self.instructions() {
            match instruction? {
                Instruction::Copy { from, length } => {
                    self.within(from, length)?;
                    made += length;
                    if run.end == from {
                        run.end += length;
                    } else {
                        settle(&mut start, std::mem::replace(&mut run, from..from + length), base, middle);
                    }
                }
                Instruction::Insert { at, length } => {
                    made += length;
                    // Whatever follows begins a run of its own.
                    settle(&mut start, std::mem::replace(&mut run, 0..0), base, middle);
                    middle.extend(self.inserted(at, length));
                    run = usize::MAX..usize::MAX;
                }
            }
            if made > self.size {
                break;
            }
        }
        if made != self.size {
            return Err(WRONG_SIZE);
        }
        let mut old_end = base.len();
        if start.is_none() || run.end != base.len() {
            settle(&mut start, run, base, middle);
        } else {
            // What the beginning has already of the base, the end cannot have as well.
            old_end = run.start.max(start.unwrap_or(0));
            middle.extend(&base[run.start..old_end]);
        }
        let start = start.unwrap_or(0);
        Ok(Change { start, old_end, new_end: start + middle.len() })
    }

    /// The first bytes of what it makes, at most so many; `false` if they are those of the base, and are not given.
    pub(super) fn head(&self, base: &Buffer, most: usize, into: &mut Buffer) -> Result<bool, Damage> {
        let as_many = most.min(self.base) == most.min(self.size);
        let most = most.min(self.size);
        into.clear();
        for instruction in self.instructions() {
            match instruction? {
                Instruction::Copy { from, length } => {
                    self.within(from, length)?;
                    if from == 0 && into.len() == 0 && length >= most && as_many {
                        return Ok(false);
                    }
                    into.extend(&base.content()[from..from + length.min(most - into.len())]);
                }
                Instruction::Insert { at, length } => {
                    into.extend(&self.inserted(at, length)[..length.min(most - into.len())]);
                }
            }
            if into.len() == most {
                break;
            }
        }
        Ok(true)
    }
}

/// Takes a run of the base: as the common beginning, if it is that, or else into what differs.
fn settle(start: &mut Option<usize>, run: Range<usize>, base: &[u8], middle: &mut Buffer) {
    if start.is_none() {
        *start = Some(if run.start == 0 { run.end } else { 0 });
        if run.start == 0 {
            return;
        }
    }
    middle.extend(base.get(run).unwrap_or_default());
}

/// Copies between buffers that have slack behind what is copied. Most pieces are short, and vectors of a fixed number are
/// copied faster than a number of bytes that must be looked at first.
#[inline]
fn copy(source: &[u8], from: usize, into: &mut [u8], at: usize, length: usize) {
    const SHORT: usize = SLACK / 2;
    if length <= SHORT {
        into[at..at + SHORT].copy_from_slice(&source[from..from + SHORT]);
    } else if length <= SLACK {
        into[at..at + SLACK].copy_from_slice(&source[from..from + SLACK]);
    } else {
        into[at..at + length].copy_from_slice(&source[from..from + length]);
    }
}

/// Reads instructions.
#[derive(Debug, Clone)]
pub(super) struct Instructions<'a> {
    bytes: &'a [u8],
    at: usize,
    end: usize,
}

impl Iterator for Instructions<'_> {
    type Item = Result<Instruction, Damage>;

    #[inline]
    fn next(&mut self) -> Option<Self::Item> {
        if self.at >= self.end {
            return None;
        }
        let opcode = self.bytes[self.at];
        self.at += 1;
        if opcode & 0x80 == 0 {
            let (at, length) = (self.at, usize::from(opcode));
            self.at += length;
            if opcode == 0 {
                return Some(Err(Damage::Broken("its delta has an unknown instruction")));
            }
            return Some(if self.at > self.end { Err(CUT) } else { Ok(Instruction::Insert { at, length }) });
        }
        // The slack is long enough for the seven bytes that may follow.
        let word = self.bytes[self.at..].first_chunk().map_or(0, |bytes| u64::from_le_bytes(*bytes));
        let shape = SHAPES[usize::from(opcode & 0x7f)];
        self.at += usize::from(shape.bytes);
        if self.at > self.end {
            return Some(Err(CUT));
        }
        let (from, mut length) = if shape.gaps {
            with_gaps(opcode, word)
        } else {
            (word & u64::from(shape.from), word >> shape.shift & u64::from(shape.length))
        };
        if length == 0 {
            length = 0x1_0000;
        }
        Some(Ok(Instruction::Copy { from: from as usize, length: length as usize }))
    }
}

/// How the bytes behind the opcode of a copy are read. Each of seven bits says whether a byte of the offset (four) and of
/// the length (three) is there; those that are not are zero. Nearly always it is the first ones that are there.
#[derive(Clone, Copy)]
struct Shape {
    from: u32,
    length: u32,
    shift: u8,
    bytes: u8,
    gaps: bool,
}

const SHAPES: [Shape; 128] = {
    let mut shapes = [Shape { from: 0, length: 0, shift: 0, bytes: 0, gaps: false }; 128];
    let mut opcode = 0;
    while opcode < 128 {
        let (from, length) = (opcode as u32 & 15, opcode as u32 >> 4);
        shapes[opcode] = Shape {
            from: (((1_u64) << (8 * from.count_ones())) - 1) as u32,
            length: (1 << (8 * length.count_ones())) - 1,
            shift: 8 * from.count_ones() as u8,
            bytes: (from.count_ones() + length.count_ones()) as u8,
            gaps: from & (from + 1) != 0 || length & (length + 1) != 0,
        };
        opcode += 1;
    }
    shapes
};

#[cold]
fn with_gaps(opcode: u8, mut word: u64) -> (u64, u64) {
    let (mut from, mut length) = (0, 0);
    for bit in 0..7 {
        if opcode >> bit & 1 != 0 {
            match bit {
                0..4 => from |= (word & 0xff) << (8 * bit),
                _ => length |= (word & 0xff) << (8 * (bit - 4)),
            }
            word >>= 8;
        }
    }
    (from, length)
}

fn size(bytes: &[u8], at: &mut usize) -> Result<u64, Damage> {
    let (mut size, mut shift) = (0, 0);
    loop {
        let byte = *bytes.get(*at).ok_or(CUT)?;
        *at += 1;
        if shift > 56 {
            return Err(Damage::Broken("its size has too many digits"));
        }
        size |= u64::from(byte & 0x7f) << shift;
        shift += 7;
        if byte & 0x80 == 0 {
            return Ok(size);
        }
    }
}
