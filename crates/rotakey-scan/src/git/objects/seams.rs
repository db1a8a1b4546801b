//! What of a delta's result is not in its base.

use super::buffer::Buffer;
use super::damage::Damage;
use super::delta::{Delta, Instruction};

/// Collects the parts of the result in which something can be that is not in the base: what is inserted, and around each
/// seam as many bytes as `reach`. Where the result begins or ends is a seam too, unless the base does so with the same
/// bytes. `false` if that is so much of the result that it can as well be looked at whole; it is then not complete.
///
/// For a search that looks `window` bytes around each place, `reach` is twice that: the places that see a seam are so near to
/// it, and each sees as much again. All other places see what they see in the base.
pub(super) fn collect(
    delta: &Delta<'_>,
    base: &Buffer,
    reach: usize,
    into: &mut Buffer,
) -> Result<bool, Damage> {
    into.clear();
    let mut size = 0;
    // A copy whose end is not known yet, since the next may go on where it ends.
    let mut pending: Option<Piece> = None;
    for instruction in delta.instructions() {
        match instruction? {
            Instruction::Copy { from, length } => {
                delta.within(from, length)?;
                match &mut pending {
                    Some(piece) if piece.end == from => piece.end += length,
                    _ => {
                        if let Some(piece) = pending {
                            piece.collect(base, reach, true, into);
                        }
                        pending =
                            Some(Piece { start: from, end: from + length, begins: size == 0 && from == 0 });
                    }
                }
                size += length;
            }
            Instruction::Insert { at, length } => {
                if let Some(piece) = pending.take() {
                    piece.collect(base, reach, true, into);
                }
                into.extend(delta.inserted(at, length));
                size += length;
            }
        }
        if size > delta.size() {
            break;
        }
        if into.len() > delta.size() / 2 {
            return Ok(false);
        }
    }
    if let Some(piece) = pending {
        piece.collect(base, reach, piece.end != base.len(), into);
    }
    if size == delta.size() {
        Ok(true)
    } else {
        Err(Damage::Broken("its delta makes another size than it says"))
    }
}

/// A run of the base that is also one of the result.
#[derive(Clone, Copy)]
struct Piece {
    start: usize,
    end: usize,
    /// Whether both begin with it.
    begins: bool,
}

impl Piece {
    /// Collects what is near its seams; `seam` says whether there is one at its end.
    fn collect(self, base: &Buffer, reach: usize, seam: bool, into: &mut Buffer) {
        let base = base.content();
        let length = self.end - self.start;
        let before = if self.begins { 0 } else { reach };
        let after = if seam { reach } else { 0 };
        if length <= before.saturating_add(after) {
            return into.extend(&base[self.start..self.end]);
        }
        into.extend(&base[self.start..self.start + before]);
        // So that what is not side by side in the result is not here either. If something is seen across it nevertheless,
        // the whole result is looked at.
        into.extend(b"\n");
        into.extend(&base[self.end - after..self.end]);
    }
}
