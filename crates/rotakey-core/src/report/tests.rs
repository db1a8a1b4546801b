use super::*;
use crate::fact::{KeyStatus, LastUsed, Seen};
use crate::policy::{KeySlot, Principal, UserSubject};

const HEADER: &str = "user,arn,user_creation_time,password_enabled,password_last_used,password_last_changed,\
    password_next_rotation,mfa_active,access_key_1_active,access_key_1_last_rotated,\
    access_key_1_last_used_date,access_key_1_last_used_region,access_key_1_last_used_service,\
    access_key_2_active,access_key_2_last_rotated,access_key_2_last_used_date,\
    access_key_2_last_used_region,access_key_2_last_used_service,cert_1_active,cert_1_last_rotated,\
    cert_2_active,cert_2_last_rotated";

const ROOT: &str = "<root_account>,arn:aws:iam::123456789012:root,2013-04-03T06:46:12+00:00,not_supported,\
    2026-10-05T13:58:41+00:00,not_supported,not_supported,true,true,2014-01-02T03:04:05+00:00,N/A,N/A,N/A,\
    false,N/A,N/A,N/A,N/A,false,N/A,false,N/A";

const ALICE: &str = "alice,arn:aws:iam::123456789012:user/staff/alice,2020-01-02T03:04:05+00:00,true,\
    no_information,2020-01-02T03:04:05+00:00,N/A,false,true,2026-01-02T03:04:05+00:00,\
    2026-11-20T10:15:00+00:00,eu-central-1,s3,false,2025-01-02T03:04:05+00:00,N/A,N/A,N/A,false,N/A,false,N/A";

const BOB: &str = "bob,arn:aws:iam::123456789012:user/bob,2020-01-02T03:04:05Z,FALSE,N/A,N/A,N/A,FALSE,\
    FALSE,N/A,N/A,N/A,N/A,FALSE,N/A,N/A,N/A,N/A,FALSE,N/A,FALSE,N/A";

fn report(rows: &[&str]) -> String {
    [HEADER].iter().chain(rows).map(|line| format!("{line}\n")).collect()
}

/// All users of a report that hold keys.
fn read(input: impl AsRef<[u8]>) -> Result<Vec<UserSubject>, ReportError> {
    let mut reader = ReportReader::new(input.as_ref())?;
    let mut subjects = Vec::new();
    while let Some(row) = reader.next_row()? {
        if row.holds_keys() {
            subjects.push(row.to_subject(None));
        }
    }
    Ok(subjects)
}

fn error_of(input: impl AsRef<[u8]>) -> String {
    let error = read(input).expect_err("the report is not to be read");
    match error.hint() {
        Some(hint) => format!("{error} ({hint})"),
        None => error.to_string(),
    }
}

/// What the API answers with.
fn json(csv: &str) -> String {
    let content = data_encoding::BASE64.encode(csv.as_bytes());
    format!(
        r#"{{ "Content": "{content}", "ReportFormat": "text/csv", "GeneratedTime": "2026-11-23T08:00:00+00:00" }}"#
    )
}

#[test]
fn a_report_tells_of_users_that_hold_keys() {
    let subjects = read(report(&[ROOT, ALICE, BOB])).unwrap();
    let names: Vec<_> = subjects.iter().map(|subject| subject.principal.name()).collect();
    assert_eq!(names, ["<root_account>", "alice"], "bob has no key");

    let alice = &subjects[1];
    assert_eq!(alice.account_id.to_string(), "123456789012");
    assert_eq!(alice.path, "/staff/");
    assert_eq!(alice.console_password, Seen::Known(true));
    assert!(alice.tags.known().is_none() && alice.privilege.known().is_none(), "a report does not tell them");
    let [first, second] = &alice.keys[..] else { panic!("alice has two keys") };
    assert_eq!(
        (first.id.as_ref(), first.slot, first.status),
        (None, Some(KeySlot::First), KeyStatus::Active)
    );
    assert_eq!(first.created_at, Seen::Known("2026-01-02T03:04:05Z".parse().unwrap()));
    assert_eq!(
        first.last_used,
        Seen::Known(LastUsed::At {
            at: "2026-11-20T10:15:00Z".parse().unwrap(),
            region: Some("eu-central-1".into()),
            service: Some("s3".into()),
        })
    );
    assert_eq!(second.status, KeyStatus::Inactive, "an inactive key keeps its date");
    assert_eq!(second.last_used, Seen::Known(LastUsed::Never));
}

#[test]
fn the_root_user_is_known_for_what_it_is() {
    let subjects = read(report(&[ROOT])).unwrap();
    assert_eq!(subjects[0].principal, Principal::Root);
    assert_eq!(subjects[0].console_password, Seen::Known(true));
    assert_eq!(subjects[0].path, "/");
    assert!(subjects[0].tags.known().is_some_and(|tags| tags.is_empty()));
}

#[test]
fn columns_are_found_by_name_and_unknown_ones_passed_over() {
    let moved = HEADER.replacen("user,", "quantum_key_1,user,", 1).replace(",mfa_active", "");
    let row = format!("true,{ALICE}").replacen("N/A,false,true", "N/A,true", 1);
    let text = format!("{moved}\n{row}\n");
    let reader = ReportReader::new(text.as_bytes()).unwrap();
    assert_eq!(reader.unknown_columns(), ["quantum_key_1"]);
    assert_eq!(read(&text).unwrap(), read(report(&[ALICE])).unwrap());
}

#[test]
fn user_names_hold_every_legal_special_character() {
    let row = ALICE.replacen("alice,", "\"a+=,.@_-\",", 1).replacen(
        "arn:aws:iam::123456789012:user/staff/alice",
        "\"arn:aws:iam::123456789012:user/staff/a+=,.@_-\"",
        1,
    );
    let subjects = read(report(&[&row])).unwrap();
    assert_eq!(subjects[0].principal.name(), "a+=,.@_-");
    assert_eq!(&*subjects[0].arn, "arn:aws:iam::123456789012:user/staff/a+=,.@_-");
}

#[test]
fn both_forms_of_a_report_say_the_same() {
    let csv = report(&[ROOT, ALICE, BOB]);
    let expected = read(&csv).unwrap();
    assert_eq!(read(json(&csv)).unwrap(), expected);
    assert_eq!(read(json(csv.trim_end())).unwrap(), expected, "without a line break at the end");
    assert_eq!(read(json(&csv).replace('/', "\\/").replace("text\\/csv", "text/csv")).unwrap(), expected);
    assert_eq!(read(format!("\u{feff}{csv}")).unwrap(), expected, "with a byte order mark");
    assert_eq!(read(csv.replace('\n', "\r\n")).unwrap(), expected);

    let text = json(&csv);
    let mut reader = ReportReader::new(text.as_bytes()).unwrap();
    while reader.next_row().unwrap().is_some() {}
    assert_eq!(reader.generated_at(), Some("2026-11-23T08:00:00Z".parse().unwrap()));
}

#[test]
fn a_large_report_in_base64_is_read_in_pieces() {
    let rows = vec![ALICE; 1_000];
    let text = json(&report(&rows));
    // A reader that gives a few bytes at a time meets every seam.
    let subjects = {
        let mut reader = ReportReader::new(std::io::BufReader::with_capacity(7, text.as_bytes())).unwrap();
        let mut count = 0;
        while reader.next_row().unwrap().is_some() {
            count += 1;
        }
        count
    };
    assert_eq!(subjects, 1_000);
}

#[test]
fn what_is_no_report_is_said_to_be_none() {
    insta::assert_snapshot!(error_of(""), @"this is not a credential report: it begins with nothing at all");
    insta::assert_snapshot!(error_of("<html><body>Sign in</body></html>\n"), @r#"this is not a credential report: it begins with "<html><body>Sign in</body></html>" (save one by `aws iam get-credential-report > report.json`)"#);
    insta::assert_snapshot!(error_of(data_encoding::BASE64.encode(HEADER.as_bytes())), @r#"this is not a credential report: it begins with "dXNlcixhcm4sdXNlcl9jcmVhdGlvbl90aW1lLHBhc3N3b3JkX2VuYWJsZWQs…" (this is the report in base64: decode it first, as with `base64 --decode`)"#);
    insta::assert_snapshot!(error_of("user,arn\nalice,arn\n"), @"the credential report lacks the columns user_creation_time, password_enabled, access_key_1_active, access_key_1_last_rotated, access_key_1_last_used_date, access_key_1_last_used_region, access_key_1_last_used_service, access_key_2_active, access_key_2_last_rotated, access_key_2_last_used_date, access_key_2_last_used_region, access_key_2_last_used_service");
    insta::assert_snapshot!(error_of(format!("{HEADER},arn\n")), @"the credential report has the column arn twice");
}

#[test]
fn json_around_anything_else_is_refused() {
    insta::assert_snapshot!(error_of("{}"), @r#"this is not an answer of iam:GetCredentialReport: '}' stands where '"' is expected"#);
    insta::assert_snapshot!(error_of(r#"{"Users": []}"#), @r#"this is not an answer of iam:GetCredentialReport: it has a member "Users""#);
    insta::assert_snapshot!(error_of(r#"{"Content": "dXNl!!!!"}"#), @"this is not an answer of iam:GetCredentialReport: Content is not base64");
    insta::assert_snapshot!(error_of(r#"{"Content": "dXNl"#), @"this is not an answer of iam:GetCredentialReport: it ends in the middle of Content");
    insta::assert_snapshot!(error_of(r#"{"ReportFormat": "text/html", "Content": "dXNl"}"#), @r#"this is not an answer of iam:GetCredentialReport: ReportFormat is "text/html", not text/csv"#);
    let trailing = json(&report(&[ALICE])) + "{}";
    insta::assert_snapshot!(error_of(trailing), @"this is not an answer of iam:GetCredentialReport: '{' stands behind its end");
}

#[test]
fn a_report_that_was_cut_off_is_never_taken_for_whole() {
    let whole = report(&[ALICE, ALICE]);
    let whole_rows = [HEADER.len(), HEADER.len() + 1 + ALICE.len(), whole.len() - 1];
    for length in HEADER.len() + 1..whole.len() {
        let result = read(&whole[..length]);
        let at_a_seam = whole_rows.iter().any(|&end| length == end || length == end + 1);
        // A row without the end of its line is whole if nothing of it is missing.
        assert_eq!(result.is_ok(), at_a_seam, "cut after {length} bytes: {:?}", &whole[..length]);
        if let Err(error) = result {
            assert!(error.hint().is_some_and(|hint| hint.contains("fetch the report again")), "{error}");
        }
    }
}

#[test]
fn every_mistake_names_its_line_and_column() {
    let error_of = |old: &str, new: &str| error_of(report(&[ROOT, &ALICE.replacen(old, new, 1)]));
    insta::assert_snapshot!(error_of("2026-11-20T10:15:00+00:00", "yesterday"), @r#"line 3, column access_key_1_last_used_date: "yesterday" is not an instant such as 2020-01-02T03:04:05+00:00, or N/A"#);
    insta::assert_snapshot!(error_of("2026-01-02T03:04:05+00:00", "2026-02-30T00:00:00Z"), @r#"line 3, column access_key_1_last_rotated: "2026-02-30T00:00:00Z" is not an instant such as 2020-01-02T03:04:05+00:00, or N/A"#);
    insta::assert_snapshot!(error_of("false,true,", "false,maybe,"), @r#"line 3, column access_key_1_active: "maybe" is not true or false"#);
    insta::assert_snapshot!(error_of("alice,", "al ice,"), @r#"line 3, column user: "al ice" is not the name of an IAM user"#);
    insta::assert_snapshot!(error_of("123456789012", "12345"), @r#"line 3, column arn: "arn:aws:iam::12345:user/staff/alice" is not the ARN of an IAM user"#);
    insta::assert_snapshot!(error_of("s3,", "s3,,"), @"line 3 has 23 values where the header has 22");
    insta::assert_snapshot!(error_of("false,N/A,false,N/A", "false,N/A,0,N/A"), @r#"line 3, column cert_2_active: "0" is not true, false or not_supported"#);
    insta::assert_snapshot!(error_of("alice,", "\"alice,"), @"line 3: a quotation mark has no other half");
    insta::assert_snapshot!(error_of("alice,", "ali\"ce,"), @"line 3: a quotation mark stands within a value");
    insta::assert_snapshot!(error_of("alice,", "\"ali\"ce,"), @"line 3: a value goes on behind its quotation mark");
}

#[test]
fn one_bad_row_is_an_error_of_the_whole_report() {
    assert!(read(report(&[ALICE, "", ALICE])).is_err(), "an empty line");
    assert!(read(report(&[ALICE, "bob", ALICE])).is_err());
    assert!(read([report(&[ALICE]).as_bytes(), b"\xFF\xFE\n"].concat()).is_err(), "not UTF-8");
    assert!(read(report(&[&"x".repeat(100_000)])).is_err(), "a line without an end");
    assert!(read(report(&[ALICE]) + "\n").is_ok(), "one empty line at the end is none");
}

/// All users of a report that hold keys, read section by section; and the number of sections.
fn read_in_sections(input: impl AsRef<[u8]>) -> (Result<Vec<UserSubject>, ReportError>, usize) {
    let mut sections = ReportReader::new(input.as_ref()).unwrap().into_sections();
    let (mut subjects, mut count) = (Vec::new(), 0);
    let result = (|| {
        while let Some(section) = sections.next_section()? {
            count += 1;
            let mut reader = section.reader();
            while let Some(row) = reader.next_row()? {
                if row.holds_keys() {
                    subjects.push(row.to_subject(None));
                }
            }
        }
        Ok(())
    })();
    (result.map(|()| subjects), count)
}

#[test]
fn sections_come_to_the_same_as_the_whole() {
    let rows: Vec<&str> = [ROOT, ALICE, BOB].into_iter().cycle().take(3_000).collect();
    let whole = report(&rows);
    for text in [whole.as_str(), whole.trim_end(), &format!("{whole}\n"), &json(&whole), &report(&[])] {
        let (subjects, count) = read_in_sections(text);
        assert_eq!(subjects.unwrap(), read(text).unwrap());
        assert!(count > 1 || text.len() < 100_000, "{count}");
    }
}

#[test]
fn wherever_a_section_ends_a_mistake_is_found_on_its_line() {
    // An empty line that begins so many bytes before the end of the first section, or behind it.
    for distance in -3..=3_isize {
        let size = (256 * 1024_usize).strict_add_signed(-distance);
        let place = size / (ALICE.len() + 1) - 1;
        let padding = "x".repeat(size - place * (ALICE.len() + 1));
        let padded = ALICE.replacen("eu-central-1", &format!("eu-central-1{padding}"), 1);
        let mut rows = vec![ALICE; place];
        rows[0] = &padded;
        rows.extend(["", ALICE]);
        let message = format!("line {}: it is empty", place + 2);
        assert_eq!(error_of(report(&rows)), message);
        assert_eq!(read_in_sections(report(&rows)).0.unwrap_err().to_string(), message, "{distance}");
        let ends_empty = report(&rows[..=place]);
        assert_eq!(read_in_sections(ends_empty).0.unwrap().len(), place, "at the end it is none");
    }
    let endless = report(&[&"x".repeat(1_000_000)]);
    assert_eq!(
        read_in_sections(&endless).0.unwrap_err().to_string(),
        read(&endless).unwrap_err().to_string()
    );
}

#[test]
fn an_active_key_without_a_date_has_an_unknown_age() {
    let row = ALICE.replacen("true,2026-01-02T03:04:05+00:00", "true,N/A", 1);
    let subjects = read(report(&[&row])).unwrap();
    assert_eq!(subjects[0].keys.len(), 2);
    assert!(subjects[0].keys[0].created_at.known().is_none());
}

#[test]
fn a_last_use_that_is_not_told_is_not_never() {
    let row = ALICE.replacen("2026-11-20T10:15:00+00:00", "no_information", 1);
    let subjects = read(report(&[&row])).unwrap();
    assert!(matches!(subjects[0].keys[0].last_used, Seen::Unknown(_)));
}
