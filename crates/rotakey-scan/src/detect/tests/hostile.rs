//! What is written to make the scanner slow does not.

use super::*;

/// Hostile contents of some megabytes, in which what is done for each byte must not grow with their size.
fn hostile(size: usize) -> Vec<(&'static str, Vec<u8>)> {
    let repeated = |text: &str| text.as_bytes().iter().copied().cycle().take(size).collect::<Vec<u8>>();
    let many = |template: &str| {
        let mut content = Vec::with_capacity(size + 1000);
        for seed in 0.. {
            if content.len() >= size {
                break;
            }
            content.extend_from_slice(Specimen::from_seed(seed % 1000).fill(template).as_bytes());
        }
        content
    };
    let base64 = |text: &[u8]| data_encoding::BASE64.encode(text).into_bytes();
    let wide = |text: &[u8]| text.iter().flat_map(|byte| [*byte, 0]).collect::<Vec<u8>>();
    vec![
        ("all A", repeated("A")),
        ("all AKIA", repeated("AKIA")),
        ("zeros", vec![0; size]),
        ("backslashes", repeated("\\")),
        ("percent", repeated("%25")),
        ("ampersands", repeated("&#x2")),
        ("base64", base64(&repeated("some text that says nothing"))),
        ("ids", many("{access_key_id} ")),
        ("secrets", many("aws_secret_key={secret_access_key}\n")),
        ("ids and secrets", many("{access_key_id} {secret_access_key} {secret_access_key}\n")),
        ("ids, then secrets", [many("{access_key_id}\n"), many("secretkey={secret_access_key}\n")].concat()),
        ("tokens", many("{session_token} {temporary_access_key_id} ")),
        ("base64 of ids", base64(&many("{access_key_id} "))),
        ("base64 of ids of base64", base64(&base64(&many("{access_key_id} ")))),
        ("anchors of all phases", repeated("QUtJQFLSUBS0lBBS0lBQUtJQFLSU")),
        ("anchors between backslashes", repeated("AAAAAAAAAAAAAAAAAAAAQUtJQ\\zAAAA")),
        (
            "anchors between lines",
            repeated("AAAAAAAAAAAAAAAAAAAAQUtJQ=\nAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA\n"),
        ),
        ("wide", wide(&many("{access_key_id} "))),
        ("wider", wide(&wide(&many("{access_key_id} ")))),
        (
            "indented",
            repeated(
                "AAAAAAAAAAAAAAAAAAAAAAAAAAAQUtJQ\n                                                         ",
            ),
        ),
    ]
}

#[test]
fn the_work_grows_no_faster_than_the_content() {
    let work = |content: &[u8]| {
        steps::take();
        let found = Detector::default().detect(content).len();
        (steps::take(), found)
    };
    for ((name, small), (_, large)) in hostile(60_000).into_iter().zip(hostile(600_000)) {
        let ((few, _), (many, found)) = (work(&small), work(&large));
        let per_byte = |steps: usize, content: &[u8]| steps as f64 / content.len() as f64;
        let (few, many) = (per_byte(few, &small), per_byte(many, &large));
        assert!(many < 1.2 * few + 0.1, "{name}: {few:.2} and then {many:.2} steps for a byte");
        assert!(many < 40.0, "{name}: {many:.2} steps for a byte, {found} found");
    }
}
