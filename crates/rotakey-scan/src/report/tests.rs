use serde_json::Value;

use super::fixture::{about, report, told};
use super::*;
use crate::coverage::Coverage;
use crate::detect::rule;
use crate::kind::{Kind, Severity};
use crate::place::Place;
use crate::scan::{Options, Scan};
use crate::specimen::Specimen;

const FORMS: [Form; 4] = [Form::JsonLines, Form::Sarif, Form::Github, Form::Junit];

fn written(form: Form, report: &Report) -> String {
    let mut bytes = Vec::new();
    write(form, report, &about(), &mut bytes).unwrap();
    String::from_utf8(bytes).unwrap()
}

#[test]
fn no_form_holds_a_secret() {
    for seed in 0..3 {
        let specimen = Specimen::from_seed(seed);
        for form in FORMS {
            let text = written(form, &report(&specimen));
            for secret in [&specimen.secret_access_key, &specimen.session_token] {
                for hidden in [
                    secret.clone(),
                    data_encoding::BASE64.encode(secret.as_bytes()),
                    data_encoding::HEXLOWER.encode(secret.as_bytes()),
                    data_encoding::HEXUPPER.encode(secret.as_bytes()),
                ] {
                    // Not even a part of it that somebody could go on from.
                    for part in hidden.as_bytes().windows(12) {
                        assert!(!text.contains(str::from_utf8(part).unwrap()), "{form:?}");
                    }
                }
            }
            assert!(text.contains(&specimen.access_key_id) || form == Form::Sarif, "{form:?}");
        }
    }
}

#[test]
fn no_form_holds_a_secret_of_what_a_scan_really_finds() {
    let specimen = Specimen::from_seed(11);
    let scan = Scan::new(Options::default());
    let examples = rule::rules().iter().flat_map(|rule| rule.positive);
    for (number, template) in examples.enumerate() {
        // Two on one line, for what is said of one could show the other.
        let content = specimen.fill(&format!("{template} {template}\n"));
        scan.content(&Place::file(format!("{number}").as_bytes()), content.as_bytes());
    }
    let report = scan.finish();
    assert!(report.findings.len() > 50, "{}", report.findings.len());
    for form in FORMS {
        let text = written(form, &report);
        for secret in [&specimen.secret_access_key, &specimen.session_token] {
            assert!(secret.as_bytes().windows(12).all(|part| !text.contains(str::from_utf8(part).unwrap())));
        }
    }
}

#[test]
fn a_mark_in_the_line_allows_what_a_scan_finds_there() {
    let specimen = Specimen::from_seed(12);
    let scan = Scan::new(Options::default());
    let content = specimen.fill("{access_key_id} # rotakey:allow\n\n{temporary_access_key_id}\n");
    scan.content(&Place::file(b"a.py"), content.as_bytes());
    let allowed: Vec<bool> = scan.finish().findings.iter().map(|finding| finding.allowed.is_some()).collect();
    assert_eq!(allowed, [true, false]);
}

#[test]
fn every_line_of_json_lines_is_a_finding_of_the_documented_form() {
    let specimen = Specimen::from_seed(1);
    let report = report(&specimen);
    let text = written(Form::JsonLines, &report);
    let lines: Vec<Value> = text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(lines.len(), report.findings.len());
    for (line, finding) in lines.iter().zip(&report.findings) {
        let document: document::FindingDocument = serde_json::from_value(line.clone()).unwrap();
        assert_eq!(document, document::FindingDocument::of(finding, &about()));
    }
    assert_eq!(lines[3]["date"], "2023-11-14T22:13:20Z");
    assert_eq!(lines[3]["in_head"], false);
    assert_eq!(lines[3]["kind"], "session_token");
    assert_eq!((&lines[0]["baseline"], &lines[0]["allowed"]), (&"new".into(), &Value::Null));
    assert_eq!(lines[6]["allowed"], "pragma: allowlist secret");
    assert_eq!((&lines[10]["baseline"], &lines[10]["is_secret"]), (&"known".into(), &true.into()));
}

/// The schema in `docs/` is what programs are written against. `cargo xtask docs` writes it anew.
#[test]
fn the_schema_in_the_documentation_is_current() {
    let path = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/scan.schema.json");
    let current = format!("{:#}\n", document::line_schema().as_value());
    if std::env::var_os("UPDATE_DOCS").is_some() {
        std::fs::write(&path, &current).unwrap();
    }
    let written = std::fs::read_to_string(&path).unwrap();
    assert!(written == current, "{} is out of date: run `cargo xtask docs`", path.display());
}

#[test]
fn annotations_say_the_worst_first_and_cannot_be_broken_out_of() {
    let specimen = Specimen::from_seed(1);
    let text = written(Form::Github, &report(&specimen));
    let lines: Vec<&str> = text.lines().collect();
    assert_eq!(lines.len(), 8, "six that are open, one for what was not read, and a summary: {text}");
    let id = &specimen.access_key_id;
    assert!(
        lines[0].starts_with(&format!(
            "::error file=src/a.py,line=3,col=5,endColumn=25,endLine=3,title=AWS access key id beside its secret\
             ::AWS access key id beside its secret {id}, account "
        )),
        "{}",
        lines[0]
    );
    assert!(
        lines[2].starts_with("::error file=a%2Cb%3Ac%25%0D%0A%3A%3Aerror%3A%3Ax.zip!<y>\u{1},line=1,"),
        "{}",
        lines[2]
    );
    assert!(lines[3].starts_with("::warning "), "{}", lines[3]);
    assert!(lines[4].starts_with("::notice title=AWS access key id::"), "a blob has no file: {}", lines[4]);
    assert!(lines[6].contains("2 places could not be read:%0Alocked could not be read"), "{}", lines[6]);
    assert!(
        lines[7].ends_with(
            "3 high, 1 medium, 2 low; 2 allowed, 3 known by the baseline, of which 1 labelled as real secrets"
        ),
        "{}",
        lines[7]
    );
}

#[test]
fn annotations_are_no_more_than_github_shows() {
    let specimen = Specimen::from_seed(1);
    let findings =
        (1..=30).map(|line| told(&specimen, Kind::AccessKeyId, Severity::Low, "a", line)).collect();
    let text = written(Form::Github, &Report { findings, coverage: Coverage::default() });
    assert_eq!(text.lines().count(), 10);
    assert!(text.ends_with("; 21 findings not shown here\n"), "{text}");
}

#[test]
fn nothing_found_is_said_in_every_form() {
    let empty = Report::default();
    assert_eq!(written(Form::JsonLines, &empty), "");
    let sarif: Value = serde_json::from_str(&written(Form::Sarif, &empty)).unwrap();
    assert_eq!(sarif["runs"][0]["results"], serde_json::json!([]));
    assert_eq!(sarif["runs"][0]["invocations"][0]["executionSuccessful"], true);
    assert_eq!(
        written(Form::Github, &empty),
        "::notice title=rotakey scan::0 high, 0 medium, 0 low; 0 allowed, 0 known by the baseline\n"
    );
    assert!(written(Form::Junit, &empty).contains("tests=\"1\" failures=\"0\" errors=\"0\""));
}

#[test]
fn sarif_results_keep_their_fingerprints_when_lines_move() {
    let specimen = Specimen::from_seed(1);
    let fingerprints = |report: &Report| -> Vec<Value> {
        let sarif: Value = serde_json::from_str(&written(Form::Sarif, report)).unwrap();
        let results = sarif["runs"][0]["results"].as_array().unwrap();
        results.iter().map(|result| result["partialFingerprints"].clone()).collect()
    };
    let before = report(&specimen);
    let mut after = report(&specimen);
    for finding in &mut after.findings {
        finding.position.line += 10;
        finding.position.end_line += 10;
    }
    assert_eq!(fingerprints(&before), fingerprints(&after));
    let hashes = fingerprints(&before);
    let mut unique: Vec<String> =
        hashes.iter().map(|hash| hash["primaryLocationLineHash"].to_string()).collect();
    unique.sort();
    unique.dedup();
    assert_eq!(unique.len(), hashes.len(), "the same value twice in a file is told apart");
}

#[test]
fn sarif_says_what_is_suppressed_and_what_was_not_read() {
    let sarif: Value = serde_json::from_str(&written(Form::Sarif, &report(&Specimen::from_seed(1)))).unwrap();
    let run = &sarif["runs"][0];
    let results = run["results"].as_array().unwrap();
    let of = |number: usize| &results[number]["suppressions"][0];
    assert_eq!(results[0].get("suppressions"), None);
    assert_eq!((&of(6)["kind"], &of(7)["kind"]), (&"inSource".into(), &"external".into()));
    assert_eq!((&of(8)["status"], &of(9)["status"]), (&"accepted".into(), &"underReview".into()));
    assert_eq!(results[10].get("suppressions"), None, "a real secret is not done with");
    assert_eq!(results[10]["baselineState"], "unchanged");
    assert_eq!(results[0]["baselineState"], "new");
    let levels: Vec<&Value> = results.iter().map(|result| &result["level"]).take(6).collect();
    assert_eq!(levels, ["error", "error", "warning", "error", "note", "note"]);
    let uri = |number: usize| &results[number]["locations"][0]["physicalLocation"]["artifactLocation"]["uri"];
    assert_eq!(uri(2), "k8s/gr%C3%B6%C3%9Fe%20x.yaml");
    assert_eq!(uri(4), ".git/objects/fe/dcba9876543210fedcba9876543210fedcba98");
    let invocation = &run["invocations"][0];
    assert_eq!(invocation["executionSuccessful"], false);
    assert_eq!(invocation["toolExecutionNotifications"].as_array().unwrap().len(), 2);
    assert_eq!(invocation["toolExecutionNotifications"][0]["descriptor"]["id"], "unread/io");
    for result in results {
        let described = &run["tool"]["driver"]["rules"][result["ruleIndex"].as_u64().unwrap() as usize];
        assert_eq!(described["id"], result["ruleId"]);
        let name = described["id"].as_str().unwrap().split('/').next().unwrap();
        let of_detector = rule::rules().iter().find(|rule| rule.name == name).unwrap();
        assert!(described["help"]["text"].as_str().unwrap().ends_with(of_detector.help), "{described:#}");
    }
}
