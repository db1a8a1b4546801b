//! Other programs: run to their end, or kept running and ended with us.

use std::io::{BufRead as _, BufReader};
use std::process::{Child, Command, ExitStatus, Stdio};

use crate::failure::{Failure, While as _};

/// Runs to the end, with our own standard streams. An unsuccessful exit is a failure.
pub(crate) fn run(command: &mut Command) -> Result<(), Failure> {
    let status = status(command)?;
    if status.success() { Ok(()) } else { Err(Failure::new(format!("{}: {status}", line(command)))) }
}

/// Runs to the end, with our own standard streams, and says how it ended.
pub(crate) fn status(command: &mut Command) -> Result<ExitStatus, Failure> {
    command.status().could_not(format!("run `{}`", line(command)))
}

/// Runs to the end and returns what was printed. An unsuccessful exit is a failure that tells what the
/// program said.
pub(crate) fn capture(command: &mut Command) -> Result<String, Failure> {
    let output = command.stdin(Stdio::null()).output().could_not(format!("run `{}`", line(command)))?;
    if !output.status.success() {
        let said = String::from_utf8_lossy(&output.stderr);
        return Err(Failure::new(format!("{}: {}\n{}", line(command), output.status, said.trim_end())));
    }
    String::from_utf8(output.stdout).could_not(format!("read what `{}` printed", line(command)))
}

/// Whether the program is there and runs to a successful end.
pub(crate) fn works(command: &mut Command) -> bool {
    let quiet = command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    quiet.status().is_ok_and(|status| status.success())
}

/// A program that runs beside us. It is killed when this value is dropped, also on a failure.
pub(crate) struct Running {
    child: Child,
    lines: BufReader<std::process::ChildStdout>,
}

impl Running {
    /// Starts the program. Its standard input stays open as long as this value lives.
    pub(crate) fn start(command: &mut Command) -> Result<Self, Failure> {
        let piped = command.stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut child = piped.spawn().could_not(format!("start `{}`", line(command)))?;
        let stdout = child.stdout.take().expect("standard output was piped");
        Ok(Self { child, lines: BufReader::new(stdout) })
    }

    /// The next line that the program prints, without its end. Waits for it; a failure if the program
    /// ends instead.
    pub(crate) fn next_line(&mut self) -> Result<String, Failure> {
        let mut text = String::new();
        let length = self.lines.read_line(&mut text).could_not("read from a started program")?;
        if length == 0 {
            return Err(Failure::new("a program that was started ended at once").hint("its message is above"));
        }
        Ok(text.trim_end().to_owned())
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        // Both fail only if the program has ended already, which is what is wanted.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// The command as one would type it, roughly: for messages.
fn line(command: &Command) -> String {
    let words = std::iter::once(command.get_program()).chain(command.get_args());
    words.map(|word| word.to_string_lossy().into_owned()).collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shell(script: &str) -> Command {
        let mut command = Command::new("sh");
        command.args(["-c", script]);
        command
    }

    #[test]
    fn a_failed_program_is_a_failure_that_tells_what_it_said() {
        let said = capture(&mut shell("echo no space >&2; exit 3")).unwrap_err().to_string();
        assert!(said.contains("exit status: 3\nno space"), "{said}");
        assert!(run(&mut shell("exit 3")).is_err());
        assert!(!works(&mut shell("exit 3")));
        assert!(!works(&mut Command::new("no-such-program-at-all")));
    }

    #[test]
    fn a_running_program_ends_with_the_value_that_holds_it() {
        let mut running = Running::start(&mut shell("echo $$; cat")).unwrap();
        let id = running.next_line().unwrap();
        assert!(works(Command::new("kill").args(["-0", &id])), "it runs");
        drop(running);
        assert!(!works(Command::new("kill").args(["-0", &id])), "it has ended");
    }

    #[test]
    fn a_program_that_ends_instead_of_speaking_is_a_failure() {
        assert!(Running::start(&mut shell("exit 0")).unwrap().next_line().is_err());
    }
}
