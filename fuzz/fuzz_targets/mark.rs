//! Any first and last line of a partial is taken or refused.

#![no_main]

use libfuzzer_sys::fuzz_target;
use rotakey_trail::partial::take_marks;

fuzz_target!(|text: &str| {
    let _ = take_marks(text.lines());
});
