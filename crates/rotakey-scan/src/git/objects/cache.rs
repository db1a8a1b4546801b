//! Bases that are likely to be wanted again.

use super::buffer::Buffer;
use super::kind::ObjectKind;

const SLOTS: usize = 1 << 11;
const MOST: usize = 24 << 20;

/// Objects by where they are, each in the one slot where it can be.
#[derive(Debug)]
pub(super) struct Cache {
    slots: Vec<Option<Slot>>,
    held: usize,
    hand: usize,
}

#[derive(Debug)]
struct Slot {
    place: (usize, u64),
    kind: ObjectKind,
    content: Buffer,
}

impl Cache {
    pub(super) fn new() -> Self {
        Self { slots: Vec::new(), held: 0, hand: 0 }
    }

    /// Takes an object out.
    pub(super) fn take(&mut self, place: (usize, u64)) -> Option<(ObjectKind, Buffer)> {
        let slot = self.slots.get_mut(slot_of(place))?.take_if(|slot| slot.place == place)?;
        self.held -= slot.content.capacity();
        Some((slot.kind, slot.content))
    }

    /// Keeps an object, and gives back the memory of one that it replaces.
    pub(super) fn keep(&mut self, place: (usize, u64), kind: ObjectKind, content: Buffer) -> Buffer {
        let size = content.capacity();
        if size > MOST / 4 {
            return Buffer::default();
        }
        if self.slots.is_empty() {
            self.slots.resize_with(SLOTS, || None);
        }
        let replaced = self.slots[slot_of(place)].replace(Slot { place, kind, content });
        self.held += size;
        let mut spare = replaced.map(|slot| slot.content);
        self.held -= spare.as_ref().map_or(0, Buffer::capacity);
        while self.held > MOST {
            self.hand = (self.hand + 1) % SLOTS;
            if let Some(slot) = self.slots[self.hand].take() {
                self.held -= slot.content.capacity();
                spare = Some(slot.content);
            }
        }
        spare.unwrap_or_default()
    }
}

fn slot_of((pack, offset): (usize, u64)) -> usize {
    let mixed = (offset ^ (pack as u64) << 40).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    (mixed >> 40) as usize % SLOTS
}
