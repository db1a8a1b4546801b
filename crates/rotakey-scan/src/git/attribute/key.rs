//! Half of an id, so that a table of a million of them is small.

use std::hash::{BuildHasher as _, BuildHasherDefault, Hasher, RandomState};

use crate::object_id::ObjectId;

/// Makes 64 bits of an id. Which ones nobody can know, so nobody can make two objects that are taken for one.
#[derive(Debug, Clone, Copy)]
pub(super) struct Key {
    secrets: [u64; 4],
}

impl Key {
    pub(super) fn new() -> Self {
        let state = RandomState::new();
        Self { secrets: std::array::from_fn(|number| state.hash_one(number)) }
    }

    pub(super) fn of(&self, id: &[u8]) -> u64 {
        let mut hash = self.secrets[3];
        for (chunk, secret) in id.chunks(8).zip(&self.secrets) {
            let word = match chunk.first_chunk() {
                Some(word) => u64::from_le_bytes(*word),
                None => chunk.iter().fold(0, |word, byte| word << 8 | u64::from(*byte)),
            };
            hash = folded(word ^ secret, hash | 1);
        }
        hash
    }

    /// Of a number and a name.
    pub(super) fn with(&self, key: u64, name: &[u8]) -> u64 {
        name.chunks(8).fold(key, |hash, chunk| {
            let word = chunk.iter().fold(chunk.len() as u64, |word, byte| word << 8 | u64::from(*byte));
            folded(word ^ self.secrets[0], hash ^ self.secrets[1])
        })
    }

    pub(super) fn id(&self, id: &ObjectId) -> u64 {
        self.of(id.as_bytes())
    }
}

fn folded(a: u64, b: u64) -> u64 {
    let product = u128::from(a) * u128::from(b);
    product as u64 ^ (product >> 64) as u64
}

/// For what is a hash already.
#[derive(Debug, Default, Clone, Copy)]
pub(super) struct AsIs(u64);

impl Hasher for AsIs {
    fn finish(&self) -> u64 {
        self.0
    }

    fn write(&mut self, bytes: &[u8]) {
        for byte in bytes {
            self.0 = self.0.rotate_left(8) ^ u64::from(*byte);
        }
    }

    fn write_u64(&mut self, number: u64) {
        self.0 = number;
    }
}

/// A table by keys.
pub(super) type ByKey<T> = std::collections::HashMap<u64, T, BuildHasherDefault<AsIs>>;
