//! A document that comes in pieces, cut anywhere, has the records that it has in one piece.

#![no_main]

use bumpalo::Bump;
use libfuzzer_sys::fuzz_target;
use rotakey_trail::scan::Scanner;

/// The ids and names of the records, how many other objects there are, and whether something is wrong.
fn read(text: &str, mut length: impl FnMut() -> usize) -> (Vec<(Option<String>, String)>, u64, bool) {
    let (mut names, mut others, mut is_malformed) = (Vec::new(), 0, false);
    let mut scanner = Scanner::default();
    let (mut from, mut until) = (0, 0_usize);
    loop {
        until = text.ceil_char_boundary(until.saturating_add(length()));
        let arena = Bump::new();
        let is_last = until == text.len();
        let scanned = scanner.scan(&text[from..until], is_last, &arena, &mut |record| {
            names.push((record.event_id.map(str::to_owned), record.event_name.to_owned()));
        });
        assert!(scanned.consumed <= until - from);
        from += scanned.consumed;
        others += scanned.others;
        is_malformed |= scanned.malformed.is_some();
        if scanned.is_over || is_last {
            return (names, others, is_malformed);
        }
    }
}

fuzz_target!(|input: &[u8]| {
    let Some((lengths, text)) = input.split_first_chunk::<3>() else { return };
    let Ok(text) = std::str::from_utf8(text) else { return };
    let whole = read(text, || usize::MAX);
    let mut lengths = lengths.iter().cycle();
    let pieces = read(text, || lengths.next().map_or(1, |length| 1 + usize::from(*length)));
    assert_eq!(whole.2, pieces.2, "whether it is malformed");
    // Where something is wrong, it depends on the pieces how much is read before it is noticed.
    assert!(whole.2 || whole == pieces, "{whole:?}\n{pieces:?}");
});
