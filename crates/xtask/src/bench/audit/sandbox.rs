//! The simulated AWS that all tools are measured on: `rotakey sandbox`.

use std::collections::BTreeMap;
use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::path::Path;
use std::process::Command;
use std::time::Duration;

use serde_json::Value;

use crate::failure::{Failure, While as _};
use crate::process::{self, Running};
use crate::python::Environment;

/// What a client needs to know of the sandbox.
const NEEDED: [&str; 3] = ["AWS_ENDPOINT_URL", "AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"];

/// A running sandbox, which ends with this value.
pub(in crate::bench) struct Sandbox {
    exports: BTreeMap<String, String>,
    address: String,
    _process: Running,
}

impl Sandbox {
    /// Starts one with so many users, grown from that seed, on a free port.
    pub(in crate::bench) fn start(rotakey: &Path, users: u32, seed: u64) -> Result<Self, Failure> {
        Self::start_with(rotakey, &["--users", &users.to_string(), "--seed", &seed.to_string()])
    }

    /// Starts one with these arguments on a free port.
    pub(in crate::bench) fn start_with(rotakey: &Path, arguments: &[&str]) -> Result<Self, Failure> {
        let mut command = Command::new(rotakey);
        command.args(["sandbox", "--quiet", "--port", "0"]).args(arguments);
        let mut process = Running::start(&mut command)?;
        let mut exports = BTreeMap::new();
        while !NEEDED.iter().all(|name| exports.contains_key(*name)) {
            exports.extend(export(&process.next_line()?));
        }
        exports.insert("AWS_DEFAULT_REGION".to_owned(), "us-east-1".to_owned());
        let address =
            exports["AWS_ENDPOINT_URL"].trim_start_matches("http://").trim_end_matches('/').to_owned();
        Ok(Self { exports, address, _process: process })
    }

    /// The environment variables that bring a client to the sandbox.
    pub(in crate::bench) fn exports(&self) -> &BTreeMap<String, String> {
        &self.exports
    }

    /// Has the credential report made, as AWS keeps one for four hours: otherwise the first tool would pay for
    /// all.
    pub(in crate::bench) fn generate_credential_report(&self, tests: &Environment) -> Result<(), Failure> {
        for _ in 0..100 {
            let mut aws = Command::new(tests.program("aws"));
            aws.args(["iam", "generate-credential-report", "--query", "State", "--output", "text"]);
            if process::capture(aws.envs(&self.exports))?.trim() == "COMPLETE" {
                return Ok(());
            }
        }
        Err(Failure::new("the sandbox does not finish its credential report"))
    }

    /// Starts to count calls from zero.
    pub(in crate::bench) fn reset_counters(&self) -> Result<(), Failure> {
        self.ask("POST", "reset-counters", "").map(drop)
    }

    /// How many calls were made since.
    pub(in crate::bench) fn calls(&self) -> Result<u64, Failure> {
        let state = self.ask("GET", "state", "")?;
        let calls = state["calls"].as_object().ok_or_else(|| Failure::new("the sandbox counts no calls"))?;
        Ok(calls.values().filter_map(Value::as_u64).sum())
    }

    /// One request on the control path, on a connection of its own so that the answer ends where it does.
    pub(in crate::bench) fn ask(&self, method: &str, resource: &str, body: &str) -> Result<Value, Failure> {
        let exchange = || -> std::io::Result<String> {
            let mut connection = TcpStream::connect(&self.address)?;
            connection.set_read_timeout(Some(Duration::from_secs(30)))?;
            let (host, length) = (&self.address, body.len());
            let head = format!(
                "{method} /_sandbox/{resource} HTTP/1.0\r\nhost: {host}\r\ncontent-length: {length}\r\n\r\n{body}"
            );
            connection.write_all(head.as_bytes())?;
            let mut answer = String::new();
            connection.read_to_string(&mut answer)?;
            Ok(answer)
        };
        let answer = exchange().could_not(format!("ask the sandbox for {resource}"))?;
        let body = answer.split_once("\r\n\r\n").map_or("", |(_, body)| body);
        serde_json::from_str(body).could_not(format!("read the sandbox's answer about {resource}"))
    }
}

/// The variable and the value of a line that a shell would evaluate.
fn export(line: &str) -> Option<(String, String)> {
    let (name, value) = line.trim().strip_prefix("export ")?.split_once('=')?;
    Some((name.to_owned(), value.trim_matches(['"', '\'']).to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn exports_are_read_from_what_a_shell_would_evaluate() {
        let pair = |name: &str, value: &str| Some((name.to_owned(), value.to_owned()));
        assert_eq!(export("export A=b=c"), pair("A", "b=c"));
        assert_eq!(export("  export URL='http://127.0.0.1:1'"), pair("URL", "http://127.0.0.1:1"));
        assert_eq!(export("A simulated AWS is listening"), None);
    }
}
