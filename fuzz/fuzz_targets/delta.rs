//! A delta is applied as its instructions say, and its head and its seams are parts of what it makes.

#![no_main]

use libfuzzer_sys::fuzz_target;
use rotakey_fuzz::Input;
use rotakey_scan::git::objects::fuzzing::{Part, delta, delta_head, delta_instructions, delta_seams};

fn size(mut size: usize, into: &mut Vec<u8>) {
    while size > 0x7f {
        into.push(size as u8 | 0x80);
        size >>= 7;
    }
    into.push(size as u8);
}

fuzz_target!(|input: &[u8]| {
    let mut input = Input(input);
    let (most, reach, grow) = (input.below(600), input.below(300), input.below(4));
    let base = input.bytes(1 << 12).repeat(1 << (3 * grow));
    let told = input.below(4);
    let mut bytes = Vec::new();
    if told == 0 {
        bytes.extend(input.0);
    } else {
        // The sizes are right as often as not, so that something is made.
        let mut instructions = Vec::new();
        size(base.len(), &mut instructions);
        size(0, &mut instructions);
        instructions.extend(input.0);
        let length = |part: Part| match part {
            Part::Copy { length, .. } => length,
            Part::New(new) => new.len(),
        };
        let parts = delta_instructions(&base, &instructions).unwrap_or_default();
        let made: usize = parts.into_iter().map(length).sum();
        if made > 1 << 22 {
            return;
        }
        size(base.len(), &mut bytes);
        size(made, &mut bytes);
        bytes.extend(input.0);
    }
    let made = delta(&base, &bytes);
    let instructions = delta_instructions(&base, &bytes);
    let Some(made) = made else {
        // What is damaged only behind its beginning is not noticed by who needs no more.
        let _ = (delta_head(&base, &bytes, most), delta_seams(&base, &bytes, reach));
        return;
    };
    let mut plain = Vec::new();
    for instruction in instructions.expect("all of them were followed") {
        match instruction {
            Part::Copy { from, length } => plain.extend(&base[from..from + length]),
            Part::New(new) => plain.extend(new),
        }
    }
    assert_eq!(made, plain);
    assert_eq!(delta_head(&base, &bytes, most).as_deref(), Some(&made[..made.len().min(most)]));
    if let Some(new) = delta_seams(&base, &bytes, reach) {
        assert!(new.len() <= 2 * made.len() + 1);
    }
});
