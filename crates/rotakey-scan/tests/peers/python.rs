//! The interpreter that has the peers.

use std::io::Write as _;
use std::path::Path;
use std::process::{Command, Stdio};

const PYTHON: &str = "ROTAKEY_TEST_PYTHON";

/// What a program said.
#[derive(Debug)]
pub(crate) struct Ran {
    pub(crate) code: Option<i32>,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

/// Runs Python in a folder with an input.
pub(crate) fn python(folder: &Path, arguments: &[&str], input: &str) -> Ran {
    let python = std::env::var_os(PYTHON).unwrap_or_else(|| {
        panic!(
            "{PYTHON} is not set: this test needs Python packages. \
             Run `cargo xtask setup` once, and the tests by `cargo xtask test`."
        )
    });
    let mut command = Command::new(python);
    // Its interactive parts clear the screen by a program that asks for a terminal.
    command.current_dir(folder).args(arguments).env("TERM", "dumb").env("PYTHONUTF8", "1");
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().expect("Python starts");
    // A program that does not read its input has said what it had to say.
    let _ = child.stdin.take().expect("a pipe was asked for").write_all(input.as_bytes());
    let output = child.wait_with_output().expect("Python ends");
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).expect("Python writes UTF-8");
    Ran { code: output.status.code(), stdout: text(output.stdout), stderr: text(output.stderr) }
}

impl Ran {
    /// The output of a program that must have ended with this code.
    #[track_caller]
    pub(crate) fn exits(self, code: i32) -> String {
        assert_eq!(self.code, Some(code), "{}\n{}", self.stdout, self.stderr);
        self.stdout
    }
}
