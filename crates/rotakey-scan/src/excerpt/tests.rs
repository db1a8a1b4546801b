use std::collections::HashSet;

use proptest::prelude::*;

use super::*;
use crate::detect::Detector;
use crate::kind::Kind;
use crate::specimen::Specimen;

/// The excerpts of all matches.
fn excerpts(content: &[u8]) -> Vec<String> {
    let found = Detector::default().detect(content);
    let excerpts = Excerpts::new(content, false, &found);
    (0..found.len()).map(|number| excerpts.around(number)).collect()
}

#[test]
fn the_line_is_shown_with_all_found_values_redacted() {
    let Specimen { access_key_id: id, secret_access_key: secret, .. } = Specimen::from_seed(1);
    let content = format!("before\n\tkey({id}, secret={secret})\r\nafter");
    let expected = format!("key({id}, secret={}…(40 characters))", &secret[..4]);
    assert_eq!(excerpts(content.as_bytes()), [expected.clone(), expected]);
}

#[test]
fn what_was_not_found_is_masked_if_it_may_be_a_secret() {
    let Specimen { access_key_id: id, secret_access_key: secret, session_token: token, .. } =
        Specimen::from_seed(2);
    for unknown in [
        secret.clone(),
        token,
        secret.replace('/', "%2F").replace('+', "%2B"),
        secret.replace('/', "\\/"),
        secret.replace('/', "\\u002f"),
        secret.replace('/', "&#x2F;").replace('+', "&plus;"),
        secret.chars().flat_map(|character| [character, '\0']).collect(),
    ] {
        let content = format!("{id} '{unknown}' word");
        // As if the detector knew nothing of secrets.
        let mut found = Detector::default().detect(content.as_bytes());
        found.retain(|found| found.kind == Kind::AccessKeyId);
        let shown = Excerpts::new(content.as_bytes(), false, &found).around(0);
        assert!(shown.starts_with(&format!("{id} '…(")) && shown.ends_with(" characters)' word"), "{shown}");
    }
    assert_eq!(
        excerpts(format!("{id} https://example.com/a/path").as_bytes()),
        [format!("{id} https://example.com/a/path")]
    );
}

#[test]
fn long_lines_are_cut_and_control_characters_left_out() {
    let id = Specimen::from_seed(3).access_key_id;
    let content =
        format!("{}\u{1B}[31m\u{202E}{id}\u{7}{}", "word ".repeat(100_000), " word".repeat(100_000));
    let shown = &excerpts(content.as_bytes())[0];
    assert!(shown.contains(&format!("[31m{id} word")), "{shown}");
    assert!(shown.starts_with('…') && shown.ends_with('…'));
    assert!(shown.chars().count() <= 200);
    assert!(!shown.contains(char::is_control) && !shown.contains('\u{202E}'));
}

#[test]
fn what_a_piece_cuts_off_is_not_shown() {
    let Specimen { access_key_id: id, secret_access_key: secret, .. } = Specimen::from_seed(4);
    let content = format!("{} {id}", &secret[10..]);
    let found = Detector::default().detect(content.as_bytes());
    assert_eq!(Excerpts::new(content.as_bytes(), true, &found).around(0), id);
    assert_eq!(Excerpts::new(content.as_bytes(), false, &found).around(0), content);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    /// Wherever secrets stand, and whatever stands between, no ten characters of any of them are shown.
    #[test]
    fn no_secret_survives(
        parts in prop::collection::vec((0u64..20, 0usize..4, "[ a-z\"',;\u{0}\u{1B}ä]{0,90}"), 1..12),
    ) {
        let mut content = String::new();
        let mut secrets = Vec::new();
        for (seed, what, filler) in parts {
            let specimen = Specimen::from_seed(seed);
            content += &filler;
            match what {
                0 => content += &format!(" {} ", specimen.access_key_id),
                1 => content += &format!("secret={}", specimen.secret_access_key),
                2 => content += &format!(" {}", specimen.secret_access_key),
                _ => content += &format!(" {} ", specimen.session_token),
            }
            secrets.extend([specimen.secret_access_key, specimen.session_token]);
        }
        for excerpt in excerpts(content.as_bytes()) {
            let shown: HashSet<&[u8]> = excerpt.as_bytes().windows(10).collect();
            for secret in &secrets {
                prop_assert!(!secret.as_bytes().windows(10).any(|part| shown.contains(part)), "{excerpt}");
            }
        }
    }
}
