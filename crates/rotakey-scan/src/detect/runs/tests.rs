use super::*;

const LEVELS: [Level; 3] = [Level::Portable, Level::Avx2, Level::Avx512];

#[derive(Debug, Default, PartialEq, Eq)]
struct Told {
    upper: Vec<Range<usize>>,
    secret: Vec<Range<usize>>,
    wide: Vec<usize>,
}

impl Sink for Told {
    fn upper(&mut self, run: Range<usize>) -> ControlFlow<()> {
        self.upper.push(run);
        ControlFlow::Continue(())
    }

    fn secret(&mut self, run: Range<usize>) -> ControlFlow<()> {
        self.secret.push(run);
        ControlFlow::Continue(())
    }

    fn wide(&mut self, at: usize) -> ControlFlow<()> {
        self.wide.push(at);
        ControlFlow::Continue(())
    }
}

fn told(level: Level, content: &[u8]) -> Told {
    let mut told = Told::default();
    assert!(find_at_most(level, content, &mut told).is_continue());
    told
}

/// The same, by looking at one byte after the other. Without UTF-16.
fn one_by_one(content: &[u8]) -> Told {
    let runs = |class: fn(u8) -> bool, fits: fn(usize) -> bool| {
        let mut runs = Vec::new();
        let mut start = 0;
        for at in 0..=content.len() {
            if !content.get(at).copied().is_some_and(class) {
                if fits(at - start) {
                    runs.push(start..at);
                }
                start = at + 1;
            }
        }
        runs
    };
    let upper = |byte: u8| byte.is_ascii_uppercase() || byte.is_ascii_digit();
    let secret = |byte: u8| byte.is_ascii_alphanumeric() || b"/+\\%&#;".contains(&byte);
    Told {
        upper: runs(upper, |length| matches!(length, 20 | 22 | 24)),
        secret: runs(secret, |length| length >= LONG),
        wide: Vec::new(),
    }
}

#[test]
fn every_byte_has_the_same_classes_on_all_levels() {
    for byte in 0..=u8::MAX {
        for content in [vec![byte; 20], vec![byte; 64 + 27], vec![byte; 24]] {
            let mut expected = one_by_one(&content);
            expected.upper.retain(|run| run.len() < 27);
            for level in LEVELS {
                assert_eq!(told(level, &content), expected, "{byte:#x} {level:?}");
            }
        }
    }
}

#[test]
fn runs_are_found_wherever_they_begin_and_end() {
    let mut random = fastrand::Rng::with_seed(4);
    for _ in 0..4000 {
        let length = random.usize(..400);
        let content: Vec<u8> = (0..length)
            .map(|_| {
                let alphabet: &[u8] = match random.u8(..40) {
                    0 => b" _.\xc3",
                    1..4 => b"az/+\\;%&#",
                    _ => b"AZ09",
                };
                alphabet[random.usize(..alphabet.len())]
            })
            .collect();
        let expected = one_by_one(&content);
        for level in LEVELS {
            assert_eq!(told(level, &content), expected, "{level:?} {:?}", String::from_utf8_lossy(&content));
        }
    }
}

#[test]
fn wide_text_is_found_at_every_offset() {
    let text: Vec<u8> = b"AKIA".repeat(5).iter().flat_map(|byte| [*byte, 0]).collect();
    for offset in 0..200 {
        let mut content = vec![b'-'; offset];
        content.extend_from_slice(&text);
        content.extend_from_slice(&[b'-'; 70]);
        for level in LEVELS {
            let wide = told(level, &content).wide;
            // Nineteen characters are enough, and from the second one on there are as many.
            assert!(wide == [offset] || wide == [offset, offset + 2], "{level:?} {wide:?}");
        }
        let two = [&content[..offset + 40], b"-", &text, b"-"].concat();
        for level in LEVELS {
            let wide = told(level, &two).wide;
            assert!(wide.contains(&offset) && wide.contains(&(offset + 41)), "{level:?} {wide:?}");
        }
        content.remove(offset + 20);
        for level in LEVELS {
            assert!(told(level, &content).wide.is_empty(), "{level:?}");
        }
    }
}
