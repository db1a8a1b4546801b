//! Runs the binary in an empty folder with an empty environment, so that nothing of the machine that runs
//! the tests can change what they see.

use std::collections::BTreeMap;
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};

use tempfile::TempDir;

/// A person's folder, and the environment that their commands run in.
pub(crate) struct Desk {
    folder: TempDir,
    environment: Vec<(String, String)>,
}

impl Desk {
    /// An empty one, with a terminal of 80 columns.
    pub(crate) fn new() -> Self {
        let folder = tempfile::tempdir().expect("the system has a folder for temporary files");
        let home = folder.path().display().to_string();
        let environment = [("HOME", home.as_str()), ("COLUMNS", "80"), ("AWS_EC2_METADATA_DISABLED", "true")];
        let environment = environment.map(|(name, value)| (name.to_owned(), value.to_owned())).to_vec();
        Self { folder, environment }
    }

    /// Sets a variable for all that is run later.
    pub(crate) fn export(&mut self, name: &str, value: &str) {
        self.environment.push((name.to_owned(), value.to_owned()));
    }

    /// The path of a file in the folder.
    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// Writes a file into the folder.
    pub(crate) fn write(&self, name: &str, content: impl AsRef<[u8]>) -> PathBuf {
        let path = self.path(name);
        std::fs::write(&path, content).expect("the folder can be written to");
        path
    }

    /// The command, ready to be spawned.
    pub(crate) fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_rotakey"));
        command.args(arguments).env_clear().current_dir(self.folder.path());
        command.envs(self.environment.iter().map(|(name, value)| (name, value)));
        command
    }

    /// Runs `rotakey` with these arguments and nothing on standard input.
    pub(crate) fn run(&self, arguments: &[&str]) -> Ran {
        self.run_with_input(arguments, b"")
    }

    /// Runs `rotakey` with these arguments and this on standard input.
    pub(crate) fn run_with_input(&self, arguments: &[&str], input: &[u8]) -> Ran {
        let mut command = self.command(arguments);
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().expect("the binary runs");
        let mut stdin = child.stdin.take().expect("standard input is piped");
        // A command that reads nothing may have gone already.
        let _ = stdin.write_all(input);
        drop(stdin);
        Ran::from(child.wait_with_output().expect("the binary ends"))
    }
}

/// A running `rotakey sandbox`. It ends when this value is dropped.
pub(crate) struct Sandbox {
    child: Child,
    /// The folder that it runs in.
    _desk: Desk,
    /// The variables that it tells to export.
    pub(crate) variables: Vec<(String, String)>,
}

impl Sandbox {
    /// A sandbox with a clock that stands at 2026-11-23T12:00:00Z and the fleet of seed 3.
    pub(crate) fn start(users: u32) -> Self {
        let users = users.to_string();
        let desk = Desk::new();
        let mut command = desk.command(&["sandbox", "--port", "0", "--standing-clock", "--seed", "3"]);
        command.args(["--at", "2026-11-23T12:00:00Z", "--users", &users, "--format", "json", "-q"]);
        let mut child = command.stdout(Stdio::piped()).spawn().expect("the binary runs");
        let lines = BufReader::new(child.stdout.take().expect("standard output is piped")).lines();
        let mut json = String::new();
        for line in lines.map_while(Result::ok) {
            json.push_str(&line);
            if line == "}" {
                break;
            }
        }
        let variables: BTreeMap<String, String> =
            serde_json::from_str(&json).expect("the sandbox prints JSON");
        Self { child, _desk: desk, variables: variables.into_iter().collect() }
    }

    /// A desk whose commands use the sandbox.
    pub(crate) fn desk(&self) -> Desk {
        let mut desk = Desk::new();
        self.variables.iter().for_each(|(name, value)| desk.export(name, value));
        desk
    }

    /// The host and port.
    pub(crate) fn address(&self) -> &str {
        let url = self.variables.iter().find(|(name, _)| name == "AWS_ENDPOINT_URL").expect("it is exported");
        url.1.trim_start_matches("http://")
    }

    /// Sends something to the control path, and returns the answer.
    pub(crate) fn control(&self, method: &str, resource: &str, body: &str) -> serde_json::Value {
        let mut connection = TcpStream::connect(self.address()).expect("the sandbox listens");
        let request = format!(
            "{method} /_sandbox/{resource} HTTP/1.0\r\nhost: sandbox\r\ncontent-length: {}\r\n\r\n{body}",
            body.len()
        );
        connection.write_all(request.as_bytes()).expect("the sandbox listens");
        let mut answer = String::new();
        connection.read_to_string(&mut answer).expect("the sandbox answers");
        let (_, body) = answer.split_once("\r\n\r\n").expect("the sandbox speaks HTTP");
        serde_json::from_str(body).unwrap_or_else(|error| panic!("no JSON ({error}): {answer}"))
    }
}

impl Drop for Sandbox {
    fn drop(&mut self) {
        // A child that is gone already needs no ending.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// What came of a run.
#[derive(Debug)]
pub(crate) struct Ran {
    /// The exit code.
    pub(crate) code: i32,
    /// The data.
    pub(crate) stdout: String,
    /// Everything else.
    pub(crate) stderr: String,
}

impl Ran {
    /// The data as JSON.
    #[track_caller]
    pub(crate) fn json(&self) -> serde_json::Value {
        serde_json::from_str(&self.stdout).unwrap_or_else(|error| panic!("no JSON ({error}):\n{self:#?}"))
    }

    /// Holds the exit code against what is expected, and shows all that was said if it differs.
    #[track_caller]
    pub(crate) fn exits(self, code: i32) -> Self {
        assert_eq!(self.code, code, "stdout:\n{}\nstderr:\n{}", self.stdout, self.stderr);
        self
    }

    /// Demands a failure that says what failed and what to do about it, and leaves standard output empty.
    #[track_caller]
    pub(crate) fn fails(self, code: i32, error: &str, hint: &str) -> Self {
        let ran = self.exits(code);
        let has = |start: &str, part: &str| {
            ran.stderr.lines().skip_while(|line| !line.starts_with(start)).any(|line| line.contains(part))
        };
        assert!(has("Error: ", error), "no error about {error:?}:\n{}", ran.stderr);
        assert!(has("Hint: ", hint), "no hint about {hint:?}:\n{}", ran.stderr);
        assert_eq!(ran.stdout, "", "a failed command writes no data");
        ran
    }
}

impl From<Output> for Ran {
    fn from(output: Output) -> Self {
        let text = |bytes: Vec<u8>| String::from_utf8(bytes).expect("all output is UTF-8");
        let code = output.status.code().expect("the binary ends by itself, not by a signal");
        Self { code, stdout: text(output.stdout), stderr: text(output.stderr) }
    }
}

/// The root of the repository.
pub(crate) fn repository() -> &'static Path {
    Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../.."))
}
