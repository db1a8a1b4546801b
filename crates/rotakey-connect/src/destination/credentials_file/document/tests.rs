use proptest::prelude::*;

use super::*;
use crate::destination::tests::pair;

fn document(text: &str) -> Document {
    Document::parse(text.as_bytes()).unwrap()
}

fn text(document: &Document) -> String {
    String::from_utf8(document.render().to_vec()).unwrap()
}

#[track_caller]
fn check_set(before: &str, after: &str) {
    let mut document = document(before);
    document.set("alice", &pair(1)).unwrap();
    let after = after.replace("$ID", pair(1).id.as_str()).replace("$SECRET", pair(1).secret.expose());
    assert_eq!(text(&document), after);
    assert!(document.pair("alice").unwrap() == Some(pair(1)), "what was set reads back");
}

#[test]
fn only_the_values_change_where_the_keys_are_there() {
    check_set(
        "[alice]\nAWS_ACCESS_KEY_ID=AKIAOLDOLDOLDOLDOLD2 # old\ns3 =\n  max = r\naws_secret_access_key \t=   s   \n",
        "[alice]\nAWS_ACCESS_KEY_ID=$ID # old\ns3 =\n  max = r\naws_secret_access_key \t=   $SECRET   \n",
    );
}

#[test]
fn the_keys_are_added_under_the_header_where_they_are_not() {
    check_set(
        "[ alice ] # hers\nregion = r\n\n[b]\n",
        "[ alice ] # hers\naws_access_key_id = $ID\naws_secret_access_key = $SECRET\nregion = r\n\n[b]\n",
    );
    check_set("[alice]", "[alice]\naws_access_key_id = $ID\naws_secret_access_key = $SECRET\n");
}

#[test]
fn the_profile_is_added_to_the_end_in_the_line_endings_of_the_file() {
    let added = "[alice]\naws_access_key_id = $ID\naws_secret_access_key = $SECRET\n";
    check_set("", added);
    check_set("[b]\nc = d", &format!("[b]\nc = d\n\n{added}"));
    check_set("[b]\r\n", &format!("[b]\r\n\r\n{}", added.replace('\n', "\r\n")));
}

#[test]
fn a_missing_final_newline_after_a_value_stays_missing() {
    check_set(
        "[alice]\naws_secret_access_key=s\naws_access_key_id=AKIAOLDOLDOLDOLDOLD2",
        "[alice]\naws_secret_access_key=$SECRET\naws_access_key_id=$ID",
    );
}

#[test]
fn comments_below_a_removed_profile_belong_to_what_follows() {
    let mut document = document("[a]\nb = c\n\n[alice]\n# inside\naws_access_key_id = x\n\n# about d\n[d]\n");
    document.remove("alice").unwrap();
    assert_eq!(text(&document), "[a]\nb = c\n\n# about d\n[d]\n");
}

#[test]
fn a_problem_names_its_line_and_no_value() {
    let problem = |text: &str| document(text).pair("alice").unwrap_err().to_string();
    assert_eq!(
        problem("\n[alice]\naws_access_key_id = topsecret\naws_secret_access_key = s\n"),
        "the value of `aws_access_key_id` on line 3 is not of that kind"
    );
    assert_eq!(
        problem("[alice]\naws_access_key_id = AKIAOLDOLDOLDOLDOLD2\naws_secret_access_key = two words\n"),
        "the value of `aws_secret_access_key` on line 3 is not of that kind"
    );
    assert_eq!(Document::parse(b"a\nb\n\xff").err().unwrap(), Problem::NotText(3));
}

/// Text of the pieces that such files are made of, in any order and shape.
fn any_file() -> impl Strategy<Value = String> {
    let line = prop_oneof![
        "\\[[a-z. ]{0,8}\\]?",
        Just("[alice]".to_owned()),
        "[a-z_]{1,12} ?[=:] ?[ -~]{0,20}",
        Just("aws_access_key_id = AKIAOLDOLDOLDOLDOLD2".to_owned()),
        Just("aws_secret_access_key=abc ; comment".to_owned()),
        "[ \\t]{0,3}[#;][ -~é]{0,10}",
        "[ \\t]{1,3}[ -~]{0,10}",
        "\\PC{0,10}",
        Just(String::new()),
    ];
    let ending = prop_oneof![4 => Just("\n"), 1 => Just("\r\n")];
    let lines = prop::collection::vec((line, ending), 0..20);
    (lines, any::<bool>()).prop_map(|(lines, final_newline)| {
        let mut text: String =
            lines.into_iter().flat_map(|(line, ending)| [line, ending.to_owned()]).collect();
        if !final_newline {
            text.truncate(text.trim_end_matches(['\r', '\n']).len());
        }
        text
    })
}

proptest! {
    #[test]
    fn what_is_read_is_written_byte_for_byte(bytes: Vec<u8>, file in any_file()) {
        for bytes in [bytes, file.into_bytes()] {
            if let Ok(document) = Document::parse(&bytes) {
                prop_assert_eq!(document.render().to_vec(), bytes);
            }
        }
    }

    #[test]
    fn setting_a_profile_leaves_every_other_line_as_it_is(before in any_file()) {
        let Ok(mut document) = Document::parse(before.as_bytes()) else { return Ok(()) };
        let Ok(found) = document.pair("alice") else { return Ok(()) };
        document.set("alice", &pair(1)).unwrap();
        prop_assert!(document.pair("alice").unwrap() == Some(pair(1)));

        let after = text(&document);
        let ours = |line: &str| {
            let trimmed = line.to_ascii_lowercase();
            trimmed.starts_with(ID) || trimmed.starts_with(SECRET)
        };
        let is_kept = |line: &&str| !ours(line);
        let kept_before: Vec<_> = before.lines().filter(is_kept).collect();
        let kept_after: Vec<_> = after.lines().filter(is_kept).collect();
        if found.is_some() {
            prop_assert_eq!(kept_before, kept_after);
        } else {
            // The header and the blank line above it may have been added, at the end.
            prop_assert!(kept_after.starts_with(&kept_before));
            prop_assert!(kept_after.len() <= kept_before.len() + 2);
        }
    }

    #[test]
    fn setting_and_removing_a_profile_that_was_not_there_leaves_nothing(before in any_file()) {
        let profile = "alice.rotakey-pending";
        let Ok(mut document) = Document::parse(before.as_bytes()) else { return Ok(()) };
        let Ok(None) = document.section(profile) else { return Ok(()) };
        document.set(profile, &pair(1)).unwrap();
        document.remove(profile).unwrap();
        let ended = before.is_empty() || before.ends_with('\n');
        let ending = document.line_ending();
        let expected = if ended { before } else { before + ending };
        prop_assert_eq!(text(&document), expected);
    }
}
