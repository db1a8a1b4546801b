//! `rotakey audit`.

use base64::prelude::{BASE64_STANDARD, Engine as _};

use crate::support::{Desk, Ran, Sandbox};

const HEADER: &str = "user,arn,user_creation_time,password_enabled,password_last_used,password_last_changed,\
password_next_rotation,mfa_active,access_key_1_active,access_key_1_last_rotated,access_key_1_last_used_date,\
access_key_1_last_used_region,access_key_1_last_used_service,access_key_2_active,access_key_2_last_rotated,\
access_key_2_last_used_date,access_key_2_last_used_region,access_key_2_last_used_service,cert_1_active,\
cert_1_last_rotated,cert_2_active,cert_2_last_rotated";

/// The instant that all reports here are judged at.
const AT: &str = "2026-11-23T12:00:00Z";

/// A line of a report: one user with one active key.
fn line(name: &str, created_at: &str, last_used_at: &str) -> String {
    format!(
        "\"{name}\",\"arn:aws:iam::111122223333:user/{name}\",2020-01-01T00:00:00+00:00,false,N/A,N/A,N/A,false,true,\
         {created_at},{last_used_at},us-east-1,s3,false,N/A,N/A,N/A,N/A,false,N/A,false,N/A\n"
    )
}

/// A user whose key is exactly 90 days old, one whose key is a second older, and one that is fine.
fn report() -> String {
    let used = "2026-11-23T09:00:00+00:00";
    [
        format!("{HEADER}\n"),
        line("exactly", "2026-08-25T12:00:00+00:00", used),
        line("one-second-over", "2026-08-25T11:59:59+00:00", used),
        line("fine", "2026-11-01T00:00:00+00:00", used),
    ]
    .concat()
}

fn judge(desk: &Desk, more: &[&str]) -> Ran {
    desk.write("report.csv", report());
    desk.run(&[&["audit", "--report", "report.csv", "--at", AT], more].concat())
}

#[test]
fn a_report_is_judged_without_aws_and_to_the_second() {
    let ran = judge(&Desk::new(), &[]).exits(1);
    insta::assert_snapshot!(ran.stdout, @"
    Account    111122223333
    Data       report.csv, made at a time that it does not tell
    Judged at  2026-11-23T12:00:00Z
    Boundary   A key is too old from the first second behind its limit: at 90 d
               exactly it is not, 1 s later it is.

    USER             KEY           AGE       LAST USED
      finding        rule          limit     due
    one-second-over  access key 1  90 d 1 s  3 h ago
      key-too-old    default       90 d      2026-11-23, 1 s ago
    exactly          access key 1  90 d      3 h ago
      key-due-soon   default       90 d      2026-11-23, now

          1  key-too-old   high
          1  key-due-soon  low
    3 keys of 3 users judged: 2 findings.
    ");
    insta::assert_snapshot!(ran.stderr, @"
    Not judged: missing-tag: a credential report does not tell the tags of users
    Hint: `rotakey rotate plan` shows what rotating 2 old keys would do; it changes nothing.
    ");
}

#[test]
fn the_json_is_one_document_that_says_what_it_claims() {
    let document = judge(&Desk::new(), &["--format", "json"]).exits(1).json();
    assert_eq!(document["judged_at"], AT);
    assert_eq!(document["complete"], true);
    assert_eq!(document["keys"].as_array().unwrap().len(), 3);
    let codes: Vec<_> =
        document["findings"].as_array().unwrap().iter().map(|finding| &finding["code"]).collect();
    assert_eq!(codes, ["key-due-soon", "key-too-old"]);
    let finding = &document["findings"][1];
    assert_eq!(finding["user_name"], "one-second-over");
    assert_eq!(finding["age_seconds"], 90 * 86_400 + 1);
    assert_eq!(finding["limit_seconds"], 90 * 86_400);
    assert_eq!(finding["next_command"], "rotakey rotate plan --user one-second-over");
}

#[test]
fn csv_has_a_line_for_each_finding() {
    let ran = judge(&Desk::new(), &["--format", "csv"]).exits(1);
    let lines: Vec<&str> = ran.stdout.lines().collect();
    assert_eq!(lines.len(), 3, "{}", ran.stdout);
    assert!(lines[0].starts_with("code,severity,account_id,user_name,"));
    assert!(lines[2].starts_with("key-too-old,high,111122223333,one-second-over,"));
}

#[test]
fn as_aws_config_counts_whole_days_only() {
    judge(&Desk::new(), &["--as-aws-config"]).exits(0);
}

#[test]
fn findings_can_be_chosen_and_decide_the_exit_code() {
    let desk = Desk::new();
    judge(&desk, &["--only", "key-never-used"]).exits(0);
    judge(&desk, &["--only", "key-due-soon", "--fail-on", "medium"]).exits(0);
    judge(&desk, &["--fail-on", "high"]).exits(1);
    judge(&desk, &["--fail-on", "critical"]).exits(0);
    judge(&desk, &["--user", "fine"]).exits(0);
    let one = judge(&desk, &["--user", "one-second-over", "--format", "json"]).exits(1).json();
    assert_eq!(one["keys"].as_array().unwrap().len(), 1);
    judge(&desk, &["--user", "nobody"]).fails(2, "no user nobody", "case-sensitive");
    let wrong = judge(&desk, &["--only", "no-such-code"]).exits(2);
    assert!(wrong.stderr.contains("key-too-old, key-due-soon"), "{}", wrong.stderr);
}

#[test]
fn the_policy_is_that_of_the_configuration() {
    let desk = Desk::new();
    desk.write("rotakey.toml", "[policy]\nmax_age = \"10d\"\nwarn_before = \"0d\"\n");
    let codes = judge(&desk, &["--format", "csv"]).exits(1).stdout;
    assert_eq!(codes.lines().filter(|line| line.starts_with("key-too-old")).count(), 3, "{codes}");
    desk.write("rotakey.toml", "[policy]\nmax_age = \"ten days\"\n");
    judge(&desk, &[]).fails(2, "policy.max_age", "rotakey config check");
}

#[test]
fn a_report_may_come_by_standard_input_and_as_the_api_tells_it() {
    let desk = Desk::new();
    let arguments = ["audit", "--report", "-", "--at", AT, "--format", "json"];
    let plain = desk.run_with_input(&arguments, report().as_bytes()).exits(1).json();
    let encoded = BASE64_STANDARD.encode(report());
    let answer = format!(
        "{{\"Content\": \"{encoded}\", \"ReportFormat\": \"text/csv\", \
         \"GeneratedTime\": \"2026-11-23T11:00:00+00:00\"}}"
    );
    let decoded = desk.run_with_input(&arguments, answer.as_bytes()).exits(1).json();
    assert_eq!(decoded["findings"], plain["findings"]);
    let human = desk.run_with_input(&["audit", "--report", "-", "--at", AT], answer.as_bytes()).exits(1);
    assert!(human.stdout.contains("made 2026-11-23T11:00:00Z (1 h old)"), "{}", human.stdout);
}

#[test]
fn a_report_that_cannot_be_read_is_never_clean() {
    let desk = Desk::new();
    let judge = |content: &str| {
        desk.write("bad.csv", content);
        desk.run(&["audit", "--report", "bad.csv", "--at", AT])
    };
    judge("").fails(2, "nothing at all", "Fetch the report again");
    judge("name;age\nalice;3\n").fails(2, "not a credential report", "");
    judge(&format!("{HEADER}\nalice,arn:aws:iam::111122223333:user/alice\n")).fails(
        4,
        "line 2 has 2 values",
        "",
    );
    let cut = report();
    judge(&cut[..cut.len() - 40]).fails(4, "bad.csv: line 4", "fetch the report again");
    let wrong = report().replace("2026-11-01T00:00:00+00:00", "yesterday");
    judge(&wrong).fails(4, "access_key_1_last_rotated", "Fetch the report again");
    desk.run(&["audit", "--report", "nowhere.csv"]).fails(2, "nowhere.csv", "existing file");
    desk.run(&["audit", "--report", "."]).fails(2, ".: the credential report", "");
}

#[test]
fn unknown_columns_are_passed_over_and_named() {
    let desk = Desk::new();
    let wide: String = report()
        .lines()
        .enumerate()
        .map(|(index, line)| format!("{line},{}\n", if index == 0 { "access_key_3_active" } else { "false" }))
        .collect();
    desk.write("wide.csv", wide);
    let ran = desk.run(&["audit", "--report", "wide.csv", "--at", AT]).exits(1);
    assert!(ran.stderr.contains("access_key_3_active"), "{}", ran.stderr);
}

#[test]
fn a_user_name_with_every_legal_special_character_is_judged() {
    let desk = Desk::new();
    desk.write("report.csv", format!("{HEADER}\n{}", line("=+,.@_-", "2020-01-01T00:00:00+00:00", "N/A")));
    let document =
        desk.run(&["audit", "--report", "report.csv", "--at", AT, "--format", "json"]).exits(1).json();
    assert_eq!(document["keys"][0]["user_name"], "=+,.@_-");
}

#[test]
fn a_long_report_shows_the_worst_and_counts_the_rest() {
    let desk = Desk::new();
    let mut report = format!("{HEADER}\n");
    for number in 0..5_000 {
        let day = 1 + number % 28;
        report.push_str(&line(&format!("user-{number}"), &format!("2020-01-{day:02}T00:00:00+00:00"), "N/A"));
    }
    desk.write("report.csv", report);
    let arguments = ["audit", "--report", "report.csv", "--at", AT];
    let ran = desk.run(&arguments).exits(1);
    assert!(ran.stdout.contains("… and 4,900 more users with findings"), "{}", ran.stdout);
    assert!(ran.stderr.contains("--all shows all users"), "{}", ran.stderr);
    assert!(ran.stdout.contains("5,000 keys of 5,000 users judged: 10,000 findings."), "{}", ran.stdout);
    let csv = desk.run(&[&arguments[..], &["--format", "csv"]].concat()).exits(1).stdout;
    let users: Vec<&str> = csv.lines().skip(1).filter_map(|line| line.split(',').nth(3)).collect();
    let expected: Vec<String> = (0..5_000).flat_map(|number| vec![format!("user-{number}"); 2]).collect();
    assert!(users == expected, "findings come in the order of the report, however many threads judge");
}

#[test]
fn the_output_file_is_whole_or_untouched() {
    let desk = Desk::new();
    let path = desk.write("audit.json", "old");
    desk.write("cut.csv", &report()[..report().len() - 40]);
    desk.run(&["audit", "--report", "cut.csv", "--format", "json", "--output", "audit.json"]).exits(4);
    assert_eq!(std::fs::read_to_string(&path).unwrap(), "old");
    let ran = judge(&desk, &["--format", "json", "--output", "audit.json"]).exits(1);
    assert_eq!(ran.stdout, "");
    assert!(std::fs::read_to_string(&path).unwrap().ends_with("\"complete\":true}\n"));
    judge(&desk, &["--output", "no/such/folder/file"]).fails(3, "cannot write no/such/folder/file", "folder");
    judge(&desk, &["--format", "json", "--output", "/dev/full"]).fails(3, "No space left", "Make room");
}

#[test]
fn a_reader_that_goes_early_is_no_error() {
    let desk = Desk::new();
    let mut report = format!("{HEADER}\n");
    (0..2_000)
        .for_each(|number| report.push_str(&line(&format!("u{number}"), "2020-01-01T00:00:00+00:00", "N/A")));
    desk.write("report.csv", report);
    let mut command = desk.command(&["audit", "--report", "report.csv", "--at", AT, "--format", "json"]);
    let mut child =
        command.stdout(std::process::Stdio::piped()).stderr(std::process::Stdio::piped()).spawn().unwrap();
    drop(child.stdout.take());
    let output = child.wait_with_output().unwrap();
    assert_eq!(output.status.code(), Some(1), "{}", String::from_utf8_lossy(&output.stderr));
    assert_eq!(String::from_utf8(output.stderr).unwrap(), "");
}

#[test]
fn colour_is_for_terminals_and_on_request() {
    let desk = Desk::new();
    assert!(!judge(&desk, &[]).stdout.contains('\u{1b}'));
    assert!(judge(&desk, &["--color", "always"]).stdout.contains("\u{1b}[1m"));
    assert!(!judge(&desk, &["--color", "never"]).stdout.contains('\u{1b}'));
}

#[test]
fn quiet_says_nothing_but_data() {
    assert_eq!(judge(&Desk::new(), &["-q"]).exits(1).stderr, "");
}

#[test]
fn an_account_is_audited_with_few_calls() {
    let sandbox = Sandbox::start(30);
    let document = sandbox.desk().run(&["audit", "--format", "json"]).exits(1).json();
    assert_eq!(document["complete"], true);
    let truth = sandbox.control("GET", "keys", "");
    assert_eq!(document["keys"].as_array().unwrap().len(), truth.as_array().unwrap().len());
    let calls = sandbox.control("GET", "state", "")["calls"].clone();
    let total: u64 = calls.as_object().unwrap().values().filter_map(serde_json::Value::as_u64).sum();
    let users: std::collections::BTreeSet<_> =
        truth.as_array().unwrap().iter().map(|key| key["user_name"].to_string()).collect();
    assert!(total <= users.len() as u64 + 10, "{total} calls for {} users: {calls}", users.len());
}

#[test]
fn an_account_that_cannot_be_read_in_part_is_incomplete() {
    let sandbox = Sandbox::start(10);
    let deny = |action: &str| {
        let fault = format!(
            "[{{\"service\": \"iam\", \"action\": \"{action}\", \"effect\": {{\"type\": \"access-denied\"}}}}]"
        );
        sandbox.control("POST", "faults", &fault);
    };
    deny("ListAccessKeys");
    let ran = sandbox.desk().run(&["audit"]).exits(4);
    assert!(ran.stderr.contains("Warning: Not read: all checks of "), "{}", ran.stderr);
    assert!(ran.stderr.contains("nothing is claimed"), "{}", ran.stderr);
    deny("GetAccountAuthorizationDetails");
    let document = sandbox.desk().run(&["audit", "--format", "json"]).exits(4).json();
    assert_eq!(document["complete"], false);
}

#[test]
fn an_account_that_cannot_be_read_at_all_is_a_clear_error() {
    let sandbox = Sandbox::start(1);
    let denied = "[{\"service\": \"iam\", \"effect\": {\"type\": \"access-denied\"}}]";
    sandbox.control("POST", "faults", denied);
    sandbox.desk().run(&["audit"]).fails(4, "iam:", "Allow iam:");

    let mut wrong_key = sandbox.desk();
    wrong_key.export("AWS_ACCESS_KEY_ID", "AKIAIOSFODNN7EXAMPLE");
    wrong_key.run(&["audit"]).fails(3, "sts:GetCallerIdentity", "Log in");

    let mut nobody = Desk::new();
    nobody.export("AWS_ENDPOINT_URL", &format!("http://{}", sandbox.address()));
    nobody.run(&["audit"]).fails(3, "sts:GetCallerIdentity", "Log in");
}
