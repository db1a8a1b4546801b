//! Where the structure of a JSON text is: the first of two stages.
//!
//! Finds, 64 bytes at a time and without a branch for each, the characters `{}[]:,` outside of strings, the opening
//! quotes of strings, and the first bytes of numbers and words. The method is that of Langdale and Lemire, "Parsing
//! Gigabytes of JSON per Second" (VLDB Journal 28, 2019). What stands between these places is checked by the second
//! stage, `walk.rs`; what only the bits of a whole block can tell is checked here: that no string has a raw control
//! character, and that every escape is one of JSON's.

/// How many bytes are looked at together.
pub(super) const BLOCK: usize = 64;

/// The places of a text.
#[derive(Debug, Default)]
pub(super) struct Index {
    /// Offsets, ascending, `count` of them; behind them there are some that equal the length of the text, and then what is
    /// left of earlier texts: the room is never cleared.
    places: Vec<u32>,
    count: usize,
    /// The offsets of the blocks that have a backslash, and one behind all texts.
    escaped: Vec<u32>,
    /// Whether the text ends within a string.
    pub(super) ends_in_string: bool,
}

/// The ways to do it, the best last.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Level {
    #[cfg(test)]
    Portable,
    #[cfg(any(test, target_arch = "x86_64"))]
    Avx2,
    Avx512,
}

/// How many places at the end are the length of the text, so that the walk need not ask for the end at each step.
const SENTINELS: usize = 4;

/// A string has a raw control character, or a backslash with something else behind it than JSON has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct BadString {
    pub(super) offset: usize,
}

impl Index {
    /// Makes the index of a text, in the room of an earlier one. The text is shorter than 4 GiB.
    pub(super) fn fill(&mut self, text: &[u8]) -> Result<(), BadString> {
        debug_assert!(u32::try_from(text.len()).is_ok(), "offsets have 32 bits");
        self.count = 0;
        self.escaped.clear();
        self.fill_by_the_best(text)?;
        self.escaped.push(u32::MAX);
        self.room_for(SENTINELS);
        self.places[self.count..][..SENTINELS].fill(text.len() as u32);
        Ok(())
    }

    /// The places, with some at the end that are no places.
    pub(super) fn places(&self) -> &[u32] {
        &self.places[..self.count + SENTINELS]
    }

    /// The offsets of the blocks that have a backslash, and one that is behind all texts.
    pub(super) fn escaped(&self) -> &[u32] {
        &self.escaped
    }

    /// Makes sure that so many places can be written behind those that there are.
    #[inline(always)]
    fn room_for(&mut self, more: usize) {
        if self.places.len() < self.count + more {
            self.places.resize((self.places.len() * 2).max(self.count + more).max(4096), 0);
        }
    }

    fn fill_by_the_best(&mut self, text: &[u8]) -> Result<(), BadString> {
        self.fill_at_most(Level::Avx512, text)
    }

    /// Does it on that level, or on the best below it that the processor has.
    #[inline(always)]
    fn fill_at_most(&mut self, level: Level, text: &[u8]) -> Result<(), BadString> {
        #[cfg(target_arch = "x86_64")]
        {
            let has_avx2 = level >= Level::Avx2
                && is_x86_feature_detected!("avx2")
                && is_x86_feature_detected!("pclmulqdq")
                && is_x86_feature_detected!("bmi1")
                && is_x86_feature_detected!("popcnt");
            let has_avx512 = has_avx2
                && level >= Level::Avx512
                && is_x86_feature_detected!("avx512f")
                && is_x86_feature_detected!("avx512bw")
                && is_x86_feature_detected!("avx512vbmi2");
            #[expect(
                unsafe_code,
                reason = "the functions are compiled for processors that have these features"
            )]
            if has_avx512 {
                // SAFETY: all features that the function is compiled for have just been found.
                return unsafe { self.fill_with_avx512(text) };
            } else if has_avx2 {
                // SAFETY: likewise.
                return unsafe { self.fill_with_avx2(text) };
            }
        }
        let _ = level;
        self.fill_with(text, portable::classify, portable::prefix_xor, portable::places)
    }

    // Closures take over the features of the function that they stand in.
    #[cfg(target_arch = "x86_64")]
    #[target_feature(enable = "avx2,pclmulqdq,bmi1,popcnt")]
    fn fill_with_avx2(&mut self, text: &[u8]) -> Result<(), BadString> {
        self.fill_with(text, |block| avx2::classify(block), |bits| avx2::prefix_xor(bits), portable::places)
    }

    #[cfg(target_arch = "x86_64")]
    #[target_feature(enable = "avx512f,avx512bw,avx512vbmi2,avx2,pclmulqdq,bmi1,popcnt")]
    fn fill_with_avx512(&mut self, text: &[u8]) -> Result<(), BadString> {
        self.fill_with(
            text,
            |block| avx512::classify(block),
            |bits| avx2::prefix_xor(bits),
            |offset, bits, sixteen| {
                avx512::places(offset, bits, sixteen);
            },
        )
    }

    #[inline(always)]
    fn fill_with(
        &mut self,
        text: &[u8],
        classify: impl Fn(&[u8; BLOCK]) -> Classes,
        prefix_xor: impl Fn(u64) -> u64,
        places: impl Fn(u32, u64, &mut [u32; 16]),
    ) -> Result<(), BadString> {
        let mut state = Between::default();
        let (blocks, rest) = text.as_chunks::<BLOCK>();
        for (number, block) in blocks.iter().enumerate() {
            let classes = classify(block);
            self.block(text, number, classes, &mut state, &prefix_xor, &places)?;
        }
        if !rest.is_empty() {
            let mut block = [b' '; BLOCK];
            block[..rest.len()].copy_from_slice(rest);
            self.block(text, blocks.len(), classify(&block), &mut state, &prefix_xor, &places)?;
        }
        self.ends_in_string = state.in_string != 0;
        Ok(())
    }

    #[inline(always)]
    fn block(
        &mut self,
        text: &[u8],
        number: usize,
        classes: Classes,
        state: &mut Between,
        prefix_xor: impl Fn(u64) -> u64,
        places: impl Fn(u32, u64, &mut [u32; 16]),
    ) -> Result<(), BadString> {
        let offset = number * BLOCK;
        let escaped = if classes.backslashes == 0 {
            std::mem::take(&mut state.escaped)
        } else {
            self.escaped.push(offset as u32);
            let (escaping, escaped) = escapes(classes.backslashes, &mut state.escaped);
            check_escapes(text, offset, escaping)?;
            escaped
        };
        let quotes = classes.quotes & !escaped;
        // Set from an opening quote up to the character before the closing one.
        let in_string = prefix_xor(quotes) ^ state.in_string;
        state.in_string = ((in_string as i64) >> 63) as u64;
        let bad = classes.controls & in_string;
        if bad != 0 {
            return Err(BadString { offset: offset + bad.trailing_zeros() as usize });
        }
        // What is neither white space nor structure begins a number or a word, unless it goes on with one.
        let other = !(classes.structure | classes.white | quotes);
        let goes_on = other << 1 | state.other;
        state.other = other >> 63;
        let closing_and_content = in_string ^ quotes;
        let starts = classes.structure | quotes | (other & !goes_on);
        self.push(offset as u32, starts & !closing_and_content, places);
        Ok(())
    }

    /// Appends the offsets of the bits. Sixteen at a time, of which the superfluous ones are written over later: how many
    /// there are is hard to foretell for the processor.
    #[inline(always)]
    fn push(&mut self, offset: u32, mut bits: u64, places: impl Fn(u32, u64, &mut [u32; 16])) {
        self.room_for(BLOCK);
        let mut at = self.count;
        self.count += bits.count_ones() as usize;
        while bits != 0 {
            let Some(sixteen) = self.places[at..].first_chunk_mut() else { return };
            places(offset, bits, sixteen);
            if bits.count_ones() <= 16 {
                return;
            }
            at += 16;
            for _ in 0..16 {
                bits &= bits.wrapping_sub(1);
            }
        }
    }
}

/// What is handed from one block to the next.
#[derive(Debug, Default)]
struct Between {
    /// All ones if the block before ended within a string.
    in_string: u64,
    /// One if the first character is escaped by the last of the block before.
    escaped: u64,
    /// One if the block before ended with a number or a word.
    other: u64,
}

/// A bit for each byte of a block.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Classes {
    quotes: u64,
    backslashes: u64,
    /// `{}[]:,`, and two control characters that the second stage refuses.
    structure: u64,
    /// Space, tabulator, line feed, carriage return.
    white: u64,
    /// Below `0x20`.
    controls: u64,
}

/// The backslashes that escape, and the characters that are escaped. `carry` is one if the first is.
#[inline(always)]
fn escapes(backslashes: u64, carry: &mut u64) -> (u64, u64) {
    let (mut escaping, mut escaped) = (0, *carry);
    let mut rest = backslashes & !*carry;
    *carry = 0;
    while rest != 0 {
        let backslash = rest & rest.wrapping_neg();
        escaping |= backslash;
        let next = backslash << 1;
        escaped |= next;
        if next == 0 {
            *carry = 1;
        }
        rest &= !(backslash | next);
    }
    (escaping, escaped)
}

/// Whether each escape is one that JSON has. One that the text ends within is for the second stage: the string has no end.
fn check_escapes(text: &[u8], offset: usize, mut escaping: u64) -> Result<(), BadString> {
    while escaping != 0 {
        let place = offset + escaping.trailing_zeros() as usize;
        escaping &= escaping - 1;
        let is_good = match text.get(place + 1) {
            None | Some(b'"' | b'\\' | b'/' | b'b' | b'f' | b'n' | b'r' | b't') => true,
            Some(b'u') => text[place + 2..text.len().min(place + 6)].iter().all(u8::is_ascii_hexdigit),
            Some(_) => false,
        };
        if !is_good {
            return Err(BadString { offset: place });
        }
    }
    Ok(())
}

#[cfg(target_arch = "x86_64")]
mod avx2;
#[cfg(target_arch = "x86_64")]
mod avx512;
mod portable;

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn places(text: &str) -> Vec<u32> {
        let mut index = Index::default();
        index.fill(text.as_bytes()).unwrap();
        index.places()[..index.count].to_vec()
    }

    #[test]
    fn structure_is_found_and_what_looks_like_it_in_strings_is_not() {
        let text = r#"{"a{": [1, true], "b\"}": "c\\"}"#;
        let found: String =
            places(text).iter().map(|place| text.as_bytes()[*place as usize] as char).collect();
        assert_eq!(found, r#"{":[1,t],":"}"#);
    }

    #[test]
    fn bad_strings_are_refused_where_they_are() {
        let bad = |text: &str| Index::default().fill(text.as_bytes()).unwrap_err().offset;
        assert_eq!(bad("[\"a\nb\"]"), 3);
        assert_eq!(bad(r#"["a\x"]"#), 3);
        assert_eq!(bad(r#"["\u12g4"]"#), 2);
        let long = format!("[\"{}\\q\"]", "x".repeat(61));
        assert_eq!(bad(&long), 63);
    }

    /// One character at a time.
    fn slowly(text: &[u8]) -> (Vec<u32>, bool) {
        let (mut places, mut in_string, mut escaped, mut goes_on) = (Vec::new(), false, false, false);
        for (place, byte) in text.iter().enumerate() {
            if in_string {
                match byte {
                    _ if escaped => escaped = false,
                    b'\\' => escaped = true,
                    b'"' => in_string = false,
                    _ => {}
                }
                continue;
            }
            let was_other = std::mem::take(&mut goes_on);
            match byte {
                b' ' | b'\n' | b'\t' | b'\r' => {}
                b'"' => (in_string, _) = (true, places.push(place as u32)),
                b'{' | b'}' | b'[' | b']' | b':' | b',' => places.push(place as u32),
                _ => {
                    goes_on = true;
                    if !was_other {
                        places.push(place as u32);
                    }
                }
            }
        }
        (places, in_string)
    }

    proptest! {
        #[test]
        fn blocks_are_indexed_as_single_characters_are(
            parts in prop::collection::vec(
                prop::sample::select(vec!["{", "}", "[", "]", ":", ",", "\"", "\\\\", "\\\"", "\\u00e9", " ", "\n", "abc", "17", "é", "x"]),
                0..200
            )
        ) {
            // A line break is white space outside of strings and forbidden within, a backslash the other way round.
            let mut text = String::new();
            for part in parts {
                let in_string = slowly(text.as_bytes()).1;
                if !(in_string && part == "\n" || !in_string && part.starts_with('\\')) {
                    text.push_str(part);
                }
            }
            let (expected, ends_in_string) = slowly(text.as_bytes());
            // A block may have backslashes in its strings only.
            let blocks = text.as_bytes().chunks(BLOCK).enumerate();
            let escaped: Vec<u32> = blocks
                .filter(|(_, block)| block.contains(&b'\\'))
                .map(|(number, _)| (number * BLOCK) as u32)
                .collect();
            // What the processor does not have is done on the level below.
            for level in [Level::Portable, Level::Avx2, Level::Avx512] {
                let mut index = Index::default();
                index.fill_at_most(level, text.as_bytes()).unwrap();
                prop_assert_eq!(&index.places[..index.count], &expected, "{:?}", level);
                prop_assert_eq!(&index.escaped, &escaped, "{:?}", level);
                prop_assert_eq!(index.ends_in_string, ends_in_string, "{:?}", level);
            }
        }
    }
}
