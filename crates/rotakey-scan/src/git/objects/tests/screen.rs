//! What the detector would find is found along deltas, too.

use data_encoding::{BASE64, HEXLOWER};

use super::delta::{Step, encode, excerpt};
use crate::detect::Detector;
use crate::specimen::Specimen;

/// A text that may hold a key: in clear, in an encoding, or with something else around it.
fn text(random: &mut fastrand::Rng) -> Vec<u8> {
    let specimen = Specimen::from_seed(random.u64(..));
    let templates = [
        "aws_access_key_id = {access_key_id}\naws_secret_access_key = {secret_access_key}\n",
        "key: {temporary_access_key_id}",
        "new Credentials(\"{access_key_id}\", \"{secret_access_key}\")",
        "\\\"secretAccessKey\\\": \\\"{secret_access_key}\\\",",
        "export AWS_SESSION_TOKEN={session_token}\n",
        "Access key ID,Secret access key\n{access_key_id},{secret_access_key}\n",
        "<secret>{secret_access_key}</secret>",
        "nothing at all",
    ];
    let text = specimen.fill(templates[random.usize(..templates.len())]).into_bytes();
    match random.u8(..8) {
        0 => BASE64.encode(&text).into_bytes(),
        1 => BASE64.encode(&[vec![b' '; random.usize(..200)], text].concat()).into_bytes(),
        2 => text.iter().flat_map(|&byte| [byte, 0]).collect(),
        3 => text.iter().flat_map(|&byte| [0, byte]).collect(),
        _ => text,
    }
}

/// What holds no key, but letters, digits and marks that change how others are taken.
fn filler(random: &mut fastrand::Rng) -> Vec<u8> {
    let length = [random.usize(..8), random.usize(..100), random.usize(..2_500)][random.usize(..3)];
    let bytes: Vec<u8> = (0..length).map(|_| random.u8(..)).collect();
    match random.u8(..6) {
        0 => BASE64.encode(&bytes).into_bytes(),
        1 => HEXLOWER.encode(&bytes).into_bytes(),
        2 => bytes.iter().map(|byte| b" \n\"'=,;:\\/+AaZz09\0"[usize::from(*byte) % 18]).collect(),
        3 => vec![b'A' + bytes.first().unwrap_or(&0) % 26; length],
        4 => "a line of some text\n".repeat(length / 20).into_bytes(),
        _ => "secret key = ".repeat(length / 40).into_bytes(),
    }
}

#[test]
fn a_key_is_seen_across_any_seam() {
    let mut random = fastrand::Rng::with_seed(31);
    let detector = Detector::default();
    let (mut seen, mut brought) = (0, 0);
    for _ in 0..6_000 {
        let pieces: Vec<_> = (0..random.usize(1..6))
            .map(|number| if number % 2 == 1 { text(&mut random) } else { filler(&mut random) })
            .collect();
        let (before, middle, after) = (random.usize(..400), pieces.concat(), random.usize(..400));
        let line = "some line of text\n";
        let whole = [line.repeat(before).as_bytes(), &middle, line.repeat(after).as_bytes()].concat();
        if middle.is_empty() {
            continue;
        }
        // The base lacks some of it, or has something else there; the delta brings it back, and may lose other parts.
        let start = line.len() * before + random.usize(..middle.len());
        let end = (start + [random.usize(..4), random.usize(..60), random.usize(..3_000)][random.usize(..3)])
            .min(whole.len());
        let other = if random.bool() { filler(&mut random) } else { Vec::new() };
        let base = [&whole[..start], &other, &whole[end..]].concat();
        let mut steps = vec![
            Step::Copy(0, start),
            Step::Insert(whole[start..end].to_vec()),
            Step::Copy(start + other.len(), whole.len() - end),
        ];
        steps.retain(|step| {
            !matches!(step, Step::Copy(_, 0)) && !matches!(step, Step::Insert(new) if new.is_empty())
        });
        match random.u8(..4) {
            0 => drop(steps.remove(random.usize(..steps.len().max(1)).min(steps.len() - 1))),
            1 => steps.insert(random.usize(..=steps.len()), Step::Insert(filler(&mut random))),
            _ => {}
        }
        let (delta, result) = encode(&base, &steps);
        if detector.screen(&base) || !detector.screen(&result) {
            continue;
        }
        seen += 1;
        // UTF-16 is read by whether a byte is at an even place, which a delta far away changes: what has a NUL is not local.
        let is_local = |content: &[u8]| memchr::memchr(0, content).is_none();
        let excerpt = excerpt(&base, &delta, 2 * Detector::WINDOW).filter(|excerpt| is_local(excerpt));
        if let Some(excerpt) = excerpt.filter(|_| is_local(&base)) {
            brought += 1;
            assert!(detector.screen(&excerpt), "{start}..{end} of {}, steps {steps:?}", whole.len());
        }
    }
    assert!(seen > 500 && brought > 200, "{seen} {brought}");
}
