//! Runs the binary in an empty folder with an empty environment, so that nothing of the machine that runs
//! the tests can change what they see.

use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use tempfile::TempDir;

/// A person's folder, and the environment that their commands run in.
pub struct Desk {
    folder: TempDir,
    environment: Vec<(String, String)>,
}

impl Desk {
    /// An empty one, with a terminal of 80 columns.
    pub fn new() -> Self {
        let folder = tempfile::tempdir().expect("the system has a folder for temporary files");
        let home = folder.path().display().to_string();
        let environment = [("HOME", home.as_str()), ("COLUMNS", "80"), ("AWS_EC2_METADATA_DISABLED", "true")];
        let environment = environment.map(|(name, value)| (name.to_owned(), value.to_owned())).to_vec();
        Self { folder, environment }
    }

    /// Sets a variable for all that is run later.
    pub fn export(&mut self, name: &str, value: &str) {
        self.environment.push((name.to_owned(), value.to_owned()));
    }

    /// The path of a file in the folder.
    pub fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// Writes a file into the folder.
    pub fn write(&self, name: &str, content: impl AsRef<[u8]>) -> PathBuf {
        let path = self.path(name);
        std::fs::write(&path, content).expect("the folder can be written to");
        path
    }

    /// The command, ready to be spawned.
    pub fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_rotakey"));
        command.args(arguments).env_clear().current_dir(self.folder.path());
        command.envs(self.environment.iter().map(|(name, value)| (name, value)));
        command
    }

    /// Runs `rotakey` with these arguments and nothing on standard input.
    pub fn run(&self, arguments: &[&str]) -> Ran {
        self.run_with_input(arguments, b"")
    }

    /// Runs `rotakey` with these arguments and this on standard input.
    pub fn run_with_input(&self, arguments: &[&str], input: &[u8]) -> Ran {
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

/// What came of a run.
#[derive(Debug)]
pub struct Ran {
    /// The exit code.
    pub code: i32,
    /// The data.
    pub stdout: String,
    /// Everything else.
    pub stderr: String,
}

impl Ran {
    /// The data as JSON.
    #[track_caller]
    pub fn json(&self) -> serde_json::Value {
        serde_json::from_str(&self.stdout).unwrap_or_else(|error| panic!("no JSON ({error}):\n{self:#?}"))
    }

    /// Holds the exit code against what is expected, and shows all that was said if it differs.
    #[track_caller]
    pub fn exits(self, code: i32) -> Self {
        assert_eq!(self.code, code, "stdout:\n{}\nstderr:\n{}", self.stdout, self.stderr);
        self
    }

    /// Demands a failure that says what failed and what to do about it, and leaves standard output empty.
    #[track_caller]
    pub fn fails(self, code: i32, error: &str, hint: &str) -> Self {
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
pub fn repository() -> &'static Path {
    Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../.."))
}
