use super::*;
use crate::specimen::Specimen;

fn detect(text: &str) -> Vec<Found> {
    Detector::default().detect(text.as_bytes())
}

/// What is found, as `kind severity span`, with `<>` where the span is not that of the value.
fn told(template: &str) -> Vec<String> {
    let text = Specimen::from_seed(7).fill(template);
    detect(&text)
        .iter()
        .map(|found| {
            let pair = found.pair.map_or(String::new(), |pair| format!(" with {pair}"));
            format!("{} {}{pair} {}", found.kind, found.severity, found.encodings.join("+")).trim().to_owned()
        })
        .collect()
}

#[test]
fn a_pair_is_high_and_each_half_alone_is_less() {
    assert_eq!(told("{access_key_id}"), ["access_key_id low"]);
    assert_eq!(told("aws_secret_access_key={secret_access_key}"), ["secret_access_key medium"]);
    assert_eq!(
        told("{access_key_id},{secret_access_key}"),
        ["access_key_id high with 1", "secret_access_key high with 0"]
    );
    assert_eq!(told("{secret_access_key}"), [""; 0]);
}
