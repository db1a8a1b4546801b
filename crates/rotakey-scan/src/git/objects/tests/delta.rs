//! Deltas against a reader of them that takes every byte by itself.

use proptest::prelude::*;

use crate::git::objects::buffer::Buffer;
use crate::git::objects::damage::Damage;
use crate::git::objects::delta::Delta;
use crate::git::objects::seams;

/// One instruction, as a test makes it up: a copy from anywhere, or new bytes.
#[derive(Debug, Clone)]
pub(super) enum Step {
    Copy(usize, usize),
    Insert(Vec<u8>),
}

fn buffer(content: &[u8]) -> Buffer {
    let mut buffer = Buffer::default();
    buffer.reset(content.len());
    buffer.content_mut().copy_from_slice(content);
    buffer
}

fn size(mut size: usize) -> Vec<u8> {
    let mut bytes = Vec::new();
    while size > 0x7f {
        bytes.push(size as u8 | 0x80);
        size >>= 7;
    }
    bytes.push(size as u8);
    bytes
}

/// Encodes steps as the format has it, and says what they make.
pub(super) fn encode(base: &[u8], steps: &[Step]) -> (Vec<u8>, Vec<u8>) {
    let (mut instructions, mut result) = (Vec::new(), Vec::new());
    for step in steps {
        match step {
            Step::Copy(from, length) if !base.is_empty() => {
                let from = from % base.len();
                let length = ((length - 1) % (base.len() - from) + 1).min(0xff_ffff);
                result.extend(&base[from..from + length]);
                let mut arguments = Vec::new();
                let mut opcode = 0x80;
                for bit in 0..7 {
                    let byte = if bit < 4 { from >> (8 * bit) } else { length >> (8 * (bit - 4)) } as u8;
                    // A length of 64 KiB may be left out.
                    if byte != 0 && !(bit > 3 && length == 0x1_0000) {
                        opcode |= 1 << bit;
                        arguments.push(byte);
                    }
                }
                instructions.push(opcode);
                instructions.extend(arguments);
            }
            Step::Copy(..) => {}
            Step::Insert(bytes) => {
                for part in bytes.chunks(127) {
                    instructions.push(part.len() as u8);
                    instructions.extend(part);
                }
                result.extend(bytes);
            }
        }
    }
    let delta = [size(base.len()), size(result.len()), instructions].concat();
    (delta, result)
}

/// The slow and obviously right way.
fn apply_slowly(base: &[u8], delta: &[u8]) -> Option<Vec<u8>> {
    let mut bytes = delta.iter().copied();
    let mut size = || {
        let (mut size, mut shift) = (0_u128, 0);
        loop {
            let byte = bytes.next()?;
            size |= u128::from(byte & 0x7f).checked_shl(shift)?;
            shift += 7;
            if byte & 0x80 == 0 {
                return Some(size);
            }
        }
    };
    let (base_size, result_size) = (size()?, size()?);
    let mut result = Vec::new();
    while let Some(opcode) = bytes.next() {
        if opcode & 0x80 == 0 {
            if opcode == 0 {
                return None;
            }
            for _ in 0..opcode {
                result.push(bytes.next()?);
            }
            continue;
        }
        let (mut from, mut length) = (0, 0);
        for bit in 0..7 {
            if opcode >> bit & 1 != 0 {
                let byte = usize::from(bytes.next()?);
                if bit < 4 { from |= byte << (8 * bit) } else { length |= byte << (8 * (bit - 4)) }
            }
        }
        length = if length == 0 { 0x1_0000 } else { length };
        result.extend(base.get(from..from + length)?);
    }
    (base_size == base.len() as u128 && result_size == result.len() as u128).then_some(result)
}

fn apply(base: &[u8], delta: &[u8]) -> Result<Vec<u8>, Damage> {
    let (base, delta) = (buffer(base), buffer(delta));
    let mut into = buffer(b"rubbish of before");
    Delta::new(&delta, &base)?.apply(&base, &mut into)?;
    Ok(into.content().to_vec())
}

/// The same in the place of the base, which is then made again.
fn apply_in_place(base: &[u8], delta: &[u8]) -> Result<Vec<u8>, Damage> {
    let (mut content, delta) = (buffer(base), buffer(delta));
    let mut middle = buffer(b"rubbish of before");
    let change = Delta::new(&delta, &content)?.change(&content, &mut middle)?;
    content.splice(change.start..change.old_end, middle.content());
    let made = content.content().to_vec();
    content.splice(change.start..change.new_end, &base[change.start..change.old_end]);
    assert!(content.content() == base);
    Ok(made)
}

/// What is looked at of what a delta makes; nothing if it is looked at whole.
pub(super) fn excerpt(base: &[u8], delta: &[u8], reach: usize) -> Option<Vec<u8>> {
    let (base, delta) = (buffer(base), buffer(delta));
    let mut excerpt = Buffer::default();
    let complete = seams::collect(&Delta::new(&delta, &base).unwrap(), &base, reach, &mut excerpt).unwrap();
    complete.then(|| excerpt.content().to_vec())
}

/// Steps over a base of some length. Lengths are often short, as in real deltas.
pub(super) fn steps() -> impl Strategy<Value = Vec<Step>> {
    let length = prop_oneof![1..70_usize, 1..400_usize, 1..100_000_usize];
    let step = prop_oneof![
        (any::<usize>(), length).prop_map(|(from, length)| Step::Copy(from, length)),
        (0..4_usize, 1..700_usize).prop_map(|(from, length)| Step::Copy(from, length)),
        proptest::collection::vec(b'a'..b'd', 0..200).prop_map(Step::Insert),
    ];
    proptest::collection::vec(step, 0..12)
}

/// Whether the needle is in the content; as a word, if it must be one: then what is around it counts, too.
fn has(content: &[u8], needle: &[u8], word: bool) -> bool {
    memchr::memmem::find_iter(content, needle).any(|at| {
        let around =
            [at.checked_sub(1).map(|before| content[before]), content.get(at + needle.len()).copied()];
        !word || around.iter().all(|byte| byte.is_none_or(|byte| byte == b'a'))
    })
}

fn base() -> impl Strategy<Value = Vec<u8>> {
    prop_oneof![
        proptest::collection::vec(b'a'..b'd', 0..40),
        proptest::collection::vec(b'a'..b'd', 0..2_000),
        (1..3_usize).prop_map(|size| vec![b'a'; size << 16]),
    ]
}

proptest! {
    #[test]
    fn a_delta_makes_what_it_was_made_of(base in base(), steps in steps()) {
        let (delta, expected) = encode(&base, &steps);
        prop_assert!(apply_slowly(&base, &delta).is_some_and(|slowly| slowly == expected));
        prop_assert!(apply_in_place(&base, &delta).as_ref() == Ok(&expected));
        prop_assert!(apply(&base, &delta) == Ok(expected));
    }

    #[test]
    fn any_delta_is_survived(base in base(), steps in steps(), at in any::<prop::sample::Index>(), byte in any::<u8>(), cut in any::<bool>()) {
        let (mut delta, _) = encode(&base, &steps);
        let at = at.index(delta.len());
        if cut { delta.truncate(at) } else { delta[at] = byte }
        prop_assert!(apply(&base, &delta).ok() == apply_slowly(&base, &delta));
        prop_assert!(apply_in_place(&base, &delta).ok() == apply_slowly(&base, &delta));
    }

    #[test]
    fn what_is_new_is_in_the_seams(base in base(), steps in steps(), needle in proptest::collection::vec(b'a'..b'd', 1..9), word in any::<bool>(), more in 0..300_usize) {
        let (delta, result) = encode(&base, &steps);
        let has = |content: &[u8]| has(content, &needle, word);
        let excerpt = excerpt(&base, &delta, 2 * (needle.len() + more));
        prop_assert!(!has(&result) || has(&base) || excerpt.is_none_or(|excerpt| has(&excerpt)));
    }

    #[test]
    fn the_head_is_that_of_the_result(base in base(), steps in steps(), most in 1..600_usize) {
        let (delta, result) = encode(&base, &steps);
        let (buffered, delta) = (buffer(&base), buffer(&delta));
        let mut head = Buffer::default();
        let changed = Delta::new(&delta, &buffered).unwrap().head(&buffered, most, &mut head).unwrap();
        let head = if changed { head.content() } else { &base[..most.min(base.len())] };
        prop_assert_eq!(head, &result[..most.min(result.len())]);
    }
}

#[test]
fn a_seam_is_seen_where_it_is() {
    let base = vec![b'.'; 10_000];
    for (steps, expected) in [
        (vec![Step::Copy(0, 5_000), Step::Insert(b"new".to_vec()), Step::Copy(5_000, 5_000)], 3 + 2 * 100),
        (vec![Step::Copy(0, 5_000), Step::Copy(5_000, 5_000)], 0),
        (vec![Step::Copy(0, 5_000), Step::Copy(5_001, 4_999)], 2 * 100),
        (vec![Step::Copy(5_000, 3_000)], 2 * 100),
        (vec![Step::Copy(5_000, 5_000)], 100),
        (vec![Step::Copy(0, 5_000)], 100),
        (vec![Step::Copy(0, 10_000)], 0),
        (vec![Step::Insert(b"new".to_vec()), Step::Copy(0, 10_000)], 3 + 100),
        (
            vec![
                Step::Copy(0, 4_000),
                Step::Insert(b"a".to_vec()),
                Step::Copy(9, 150),
                Step::Insert(b"b".to_vec()),
            ],
            252,
        ),
    ] {
        let (delta, _) = encode(&base, &steps);
        let (base, delta) = (buffer(&base), buffer(&delta));
        let mut excerpt = Buffer::default();
        let delta = Delta::new(&delta, &base).unwrap();
        assert_eq!(seams::collect(&delta, &base, 100, &mut excerpt), Ok(true));
        let looked_at = excerpt.content().iter().filter(|&&byte| byte != b'\n').count();
        assert_eq!(looked_at, expected, "{steps:?}");
    }
}

#[test]
fn a_size_that_is_not_true_takes_no_memory() {
    let base = b"base";
    for claimed in [1 << 20, 1 << 30, 1 << 40, usize::MAX >> 8] {
        let delta = [size(4), size(claimed), vec![0x90, 4]].concat();
        assert!(apply(base, &delta).is_err(), "{claimed}");
    }
}
