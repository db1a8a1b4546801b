//! Descriptions of the vendors' APIs in OpenAPI, and requests held against them.
//!
//! GitHub's is its own, as it publishes it in an npm package. The others' cannot be had from a package; theirs in
//! `tests/descriptions/` are written from the pages that each names, and each says which of the vendor's own documents it
//! was compared with, and where they differ. All are read by `tests/descriptions/validate.py`,
//! in the Python that `cargo xtask setup` installs.

use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::sync::{Mutex, OnceLock};

use serde_json::{Value, json};

use super::Request;

/// The description of one API, in a process that knows it.
pub(in crate::destination) struct Description {
    file: fn() -> PathBuf,
    /// What its paths begin with on the server.
    base: &'static str,
    validator: OnceLock<Mutex<Validator>>,
}

struct Validator {
    input: ChildStdin,
    output: BufReader<ChildStdout>,
    _process: Child,
}

pub(in crate::destination) static GITHUB: Description =
    Description::new(|| PathBuf::from(variable("ROTAKEY_TEST_GITHUB_OPENAPI")), "");
pub(in crate::destination) static GITLAB: Description = Description::new(|| ours("gitlab.json"), "/api/v4");
pub(in crate::destination) static CIRCLECI: Description =
    Description::new(|| ours("circleci.json"), "/api/v2");
pub(in crate::destination) static BITBUCKET: Description =
    Description::new(|| ours("bitbucket.json"), "/2.0");
pub(in crate::destination) static TERRAFORM: Description =
    Description::new(|| ours("terraform.json"), "/api/v2");

impl Description {
    const fn new(file: fn() -> PathBuf, base: &'static str) -> Self {
        Self { file, base, validator: OnceLock::new() }
    }

    /// What is wrong with a request.
    pub(in crate::destination) fn violations(&self, request: &Request) -> Vec<String> {
        let validator = self.validator.get_or_init(|| Mutex::new(self.start()));
        let mut validator = validator.lock().unwrap();
        let headers: serde_json::Map<String, Value> =
            request.headers.iter().map(|(name, value)| (name.clone(), json!(value))).collect();
        let line = json!({
            "method": request.method,
            "path": request.raw_path,
            "query": request.query,
            "headers": headers,
            "body": request.body,
        });
        writeln!(validator.input, "{line}").unwrap();
        let mut answer = String::new();
        validator.output.read_line(&mut answer).unwrap();
        serde_json::from_str(&answer).expect("the validator answers; why it does not is told above")
    }

    fn start(&self) -> Validator {
        let mut process = Command::new(variable("ROTAKEY_TEST_PYTHON"))
            .arg(ours("validate.py"))
            .arg((self.file)())
            .arg(self.base)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        // It ends when its input does: with this process.
        Validator {
            input: process.stdin.take().unwrap(),
            output: BufReader::new(process.stdout.take().unwrap()),
            _process: process,
        }
    }
}

fn ours(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/descriptions").join(name)
}

fn variable(name: &str) -> String {
    std::env::var(name).unwrap_or_else(|_| {
        panic!(
            "{name} is not set: this test holds requests against the vendor's description. \
             Run `cargo xtask setup` once, and the tests by `cargo xtask test`."
        )
    })
}
