//! What forty characters are a secret access key.
//!
//! A secret is 240 random bits in base64. All else that has forty characters of that alphabet was written or computed by somebody:
//! digests have hexadecimal digits only, words have few changes between small and capital letters and digits, and what is base64 of
//! a text decodes to a text. Each bound here gives up one real secret of ten thousand at most.

/// How many characters a secret has.
pub(super) const LENGTH: usize = 40;

/// The bits for each character of what may be a secret because an id is near.
pub(super) const PAIR_ENTROPY: f32 = 4.25;

/// The bits for each character of what is called a secret.
pub(super) const LABELLED_ENTROPY: f32 = 4.15;

/// How often small letters, capital letters, digits and signs take turns. In random text this is 25 times, in words under 14.
const LEAST_TURNS: usize = 13;

/// How many characters may be in words: three small letters or more, and the capital letter before them.
const MOST_IN_WORDS: usize = 27;

/// Words of which programs make names, without their first letters.
const STEMS: [&[u8]; 24] = [
    b"ccess", b"olicy", b"ervice", b"onfig", b"lient", b"erver", b"equest", b"esponse", b"anager", b"andler",
    b"nstance", b"ncrypt", b"olume", b"tring", b"bject", b"reate", b"elete", b"pdate", b"ucket", b"unction",
    b"esource", b"amazon", b"oogle", b"emplate",
];

/// Whether the characters look random in the way that secrets do.
pub(super) fn is_random(value: &[u8; LENGTH], least_entropy: f32) -> bool {
    let counts = Counts::of(value);
    counts.upper >= 3
        && counts.lower >= 3
        && turns(value) >= LEAST_TURNS
        && in_words(value) <= MOST_IN_WORDS
        && (counts.digits > 0 || (counts.upper >= 10 && counts.lower >= 10))
        && counts.slashes <= 5
        && longest_sequence(value) < 6
        && !contains_ignoring_case(value, b"example")
        && !value.iter().all(u8::is_ascii_hexdigit)
        && entropy(value) >= least_entropy
        && !is_base64_of_text(value)
        && !STEMS.iter().any(|stem| value.windows(stem.len()).any(|window| window == *stem))
}

/// The Shannon entropy of the characters, in bits for each.
pub(super) fn entropy(value: &[u8]) -> f32 {
    let mut counts = [0_u8; 128];
    for byte in value.iter().take(200) {
        counts[usize::from(byte & 0x7f)] += 1;
    }
    let length = value.len().min(200) as f32;
    counts
        .iter()
        .filter(|count| **count > 0)
        .map(|count| f32::from(*count) / length)
        .map(|share| -share * share.log2())
        .sum()
}

/// The longest stretch in which each character is that before it, or the next one in the alphabet.
pub(super) fn longest_sequence(value: &[u8]) -> usize {
    let longest = |step: u8| {
        let (mut longest, mut length) = (1, 1);
        for pair in value.windows(2) {
            length = if pair[0].wrapping_add(step) == pair[1] { length + 1 } else { 1 };
            longest = longest.max(length);
        }
        longest
    };
    longest(0).max(longest(1))
}

struct Counts {
    upper: usize,
    lower: usize,
    digits: usize,
    slashes: usize,
}

impl Counts {
    fn of(value: &[u8]) -> Self {
        let count = |class: fn(&u8) -> bool| value.iter().filter(|byte| class(byte)).count();
        Self {
            upper: count(u8::is_ascii_uppercase),
            lower: count(u8::is_ascii_lowercase),
            digits: count(u8::is_ascii_digit),
            slashes: count(|byte| *byte == b'/'),
        }
    }
}

fn turns(value: &[u8]) -> usize {
    let class = |byte: u8| match byte {
        b'A'..=b'Z' => 0,
        b'a'..=b'z' => 1,
        b'0'..=b'9' => 2,
        _ => 3,
    };
    value.windows(2).filter(|pair| class(pair[0]) != class(pair[1])).count()
}

/// How many characters are in words.
fn in_words(value: &[u8]) -> usize {
    let (mut all, mut small, mut capital) = (0, 0, 0);
    for byte in value.iter().chain(b" ") {
        if byte.is_ascii_lowercase() {
            small += 1;
            continue;
        }
        if small >= 3 {
            all += small + capital;
        }
        small = 0;
        capital = usize::from(byte.is_ascii_uppercase());
    }
    all
}

fn contains_ignoring_case(value: &[u8], word: &[u8]) -> bool {
    value.windows(word.len()).any(|window| window.eq_ignore_ascii_case(word))
}

/// Thirty random bytes are all printable once in 10^13 times.
fn is_base64_of_text(value: &[u8; LENGTH]) -> bool {
    let mut bytes = [0; LENGTH / 4 * 3];
    let decoded = data_encoding::BASE64.decode_mut(value, &mut bytes);
    let printable = |byte: &u8| matches!(byte, b' '..=b'~' | b'\n' | b'\r' | b'\t');
    decoded.is_ok() && bytes.iter().filter(|byte| printable(byte)).count() >= bytes.len() - 1
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::specimen::Specimen;

    fn check(value: &str) -> bool {
        is_random(value.as_bytes().try_into().unwrap(), LABELLED_ENTROPY)
    }

    #[test]
    fn secrets_look_random() {
        let lost = (0..20_000)
            .filter(|seed| {
                let secret = Specimen::from_seed(*seed).secret_access_key;
                !is_random(secret.as_bytes().try_into().unwrap(), PAIR_ENTROPY)
            })
            .count();
        assert!(lost <= 10, "{lost} of 20000");
    }

    #[test]
    fn what_people_and_programs_write_does_not() {
        for value in [
            "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY",
            "je7MtGbClwBF/2Zp9Utk/h3yCo8nvbEXAMPLEKEY",
            "0000000000000000000000000000000000000000",
            "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx",
            "da39a3ee5e6b4b0d3255bfef95601890afd80709",
            "DA39A3EE5E6B4B0D3255BFEF95601890AFD80709",
            "internalCompilerErrorReportingServiceImp",
            "AWSSecretsManagerRotationScheduleProxyV2",
            "AllowEc2InstancesWithEncryptedEbsVolumes",
            "EC2RoleForSSMAndS3AccessAnd1KMSKeyPolicy",
            "usr/share/javascript/jquery/Plugins/Core",
            "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMN",
            "c29tZSB0ZXh0IGhlcmUgdGhhdCBpcyBiYXNlNjR0",
            "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789abcd",
            "thisisalllowercaseandhasnothingelseinit0",
        ] {
            assert!(!check(value), "{value}");
        }
    }
}
