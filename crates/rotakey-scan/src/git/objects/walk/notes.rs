//! What goes along with a walk over commits and trees.

use super::NONE;
use crate::git::objects::kind::ObjectKind;
use crate::git::objects::pack::Pack;
use crate::object_id::ObjectId;

/// Which object it is. Its id is looked up by who needs it: to look for each of them, in the order in which they are in a pack,
/// is a look into memory that nobody was in before.
#[derive(Debug, Clone, Copy)]
pub enum Named<'a> {
    /// The one with this id.
    Id(&'a ObjectId),
    /// The one at a position of the index of a pack, which has a number among the packs.
    At {
        /// The pack.
        pack: &'a Pack,
        /// Its number.
        number: u32,
        /// The position.
        position: u32,
    },
}

impl Named<'_> {
    /// The id.
    pub fn id(self) -> ObjectId {
        match self {
            Self::Id(id) => *id,
            Self::At { pack, position, .. } => pack.index.object(position),
        }
    }
}

/// Is called with commits and trees, by one thread.
pub trait Visit: Send {
    /// Takes an object.
    fn visit(&mut self, id: Named<'_>, kind: ObjectKind, content: &[u8]);

    /// Takes an object, and notes what helps with one that is much the same.
    fn visit_first(&mut self, id: Named<'_>, kind: ObjectKind, content: &[u8], _notes: &mut Notes) {
        self.visit(id, kind, content);
    }

    /// Takes an object that is another one with a change, and makes the notes of that one, if there are any, those of this one.
    fn visit_changed(
        &mut self,
        id: Named<'_>,
        kind: ObjectKind,
        content: &[u8],
        notes: &mut Notes,
        _change: Change,
    ) {
        self.visit_first(id, kind, content, notes);
    }
}

/// What a visitor notes of an object. It is given back to the same visitor only.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Notes {
    /// A number; `u32::MAX` if nothing was noted.
    pub number: u32,
    /// Places in the content, ascending, and what is there.
    pub marks: Vec<(u32, u32)>,
}

impl Notes {
    /// Whether something was noted.
    pub fn is_there(&self) -> bool {
        self.number != NONE
    }
}

impl Default for Notes {
    fn default() -> Self {
        Self { number: NONE, marks: Vec::new() }
    }
}

/// One content became another: all that differs is between two places.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Change {
    /// Where it begins in both.
    pub start: usize,
    /// Where it ended.
    pub old_end: usize,
    /// Where it ends.
    pub new_end: usize,
}
