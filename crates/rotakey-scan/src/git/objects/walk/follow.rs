//! Commits and trees. Nearly all that is new in a tree is one entry, so trees are made of each other in place, and a visitor
//! is told where they differ.

use super::family::{Frame, Seen, Worker};
use super::forest::NONE;
use super::{Change, Notes};
use crate::git::objects::buffer::Buffer;
use crate::git::objects::damage::Damage;
use crate::git::objects::delta::Delta;
use crate::git::objects::kind::ObjectKind;

/// With these it does not matter what is searched.
const SEEN: Seen = Seen { suspect: true, opens: false };

impl Worker<'_> {
    /// Takes an object that is whole; `None` if nothing builds on it.
    pub(super) fn lead(&mut self, entry: u32, content: Buffer) -> Option<Frame> {
        let mut notes = Notes::default();
        if self.forest.is_wanted(entry)
            && let Some(visitor) = &mut self.visitor
        {
            self.walked.blobs += 1;
            visitor.visit_first(
                self.forest.named(entry, &mut None),
                kind(&content),
                content.content(),
                &mut notes,
            );
        }
        self.frame(entry, content, SEEN, notes)
    }

    /// Reads a delta against an object, and gives back what it makes if something builds on it. The last for which the object
    /// is needed takes it and its notes away.
    pub(super) fn follow(
        &mut self,
        base: &mut Buffer,
        notes: &mut Notes,
        child: u32,
        last: bool,
    ) -> Result<Option<Frame>, Damage> {
        let data = self.forest.pack.data();
        let entry = data.entry(self.forest.offset(child))?;
        let stream = data.between(entry.data, self.forest.end(child));
        self.inflater.inflate(stream, entry.size, &mut self.delta)?;
        let delta = Delta::new(&self.delta, base)?;
        let (size, change) = (delta.size() as u64, delta.change(base, &mut self.excerpt)?);
        self.size_up(size);
        if last || self.forest.children(child) != NONE {
            let (mut made, mut notes) = if last {
                (std::mem::take(base), std::mem::take(notes))
            } else {
                let mut copy = self.spare();
                copy.clear();
                copy.extend(base.content());
                (copy, notes.clone())
            };
            made.splice(change.start..change.old_end, self.excerpt.content());
            self.changed(child, &made, &mut notes, change);
            return Ok(self.frame(child, made, SEEN, notes));
        }
        // Nothing builds on it, but something else yet on the base: it is made, looked at, and made back into the base.
        let mut before = self.spare();
        before.clear();
        before.extend(&base.content()[change.start..change.old_end]);
        base.splice(change.start..change.old_end, self.excerpt.content());
        self.changed(child, base, &mut notes.clone(), change);
        base.splice(change.start..change.new_end, before.content());
        self.recycle(before);
        Ok(None)
    }

    fn changed(&mut self, entry: u32, content: &Buffer, notes: &mut Notes, change: Change) {
        if !self.is_wanted(entry) {
            *notes = Notes::default();
        } else if let Some(visitor) = &mut self.visitor {
            self.walked.blobs += 1;
            let (mut id, kind) = (None, kind(content));
            visitor.visit_changed(self.forest.named(entry, &mut id), kind, content.content(), notes, change);
        }
    }
}

/// A commit begins with `tree `, which no tree does.
fn kind(content: &Buffer) -> ObjectKind {
    if content.content().starts_with(b"tree ") { ObjectKind::Commit } else { ObjectKind::Tree }
}
