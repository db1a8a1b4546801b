//! `rotakey rotate listen`: monitoring systems say by HTTP that an old key is missed.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::TcpStream;
use std::process::{Child, ChildStderr, Stdio};

use crate::support::{Desk, Sandbox};

const USER: &str = "legacy_sync@0004";
const SECRET: &str = "a-secret-of-the-monitoring-system";

/// A listener, which ends when this value is dropped.
struct Listener {
    child: Child,
    lines: std::io::Lines<BufReader<ChildStderr>>,
    address: String,
}

impl Listener {
    fn start(desk: &Desk) -> Self {
        desk.write("secret", format!("{SECRET}\n"));
        let arguments = ["rotate", "listen", "--secret-file", "secret", "--address", "127.0.0.1:0"];
        let mut command = desk.command(&arguments);
        let mut child = command.stderr(Stdio::piped()).spawn().expect("the binary runs");
        let mut lines = BufReader::new(child.stderr.take().expect("standard error is piped")).lines();
        let address = lines.by_ref().map_while(Result::ok).find_map(|line| {
            let (_, rest) = line.split_once("listening at http://")?;
            Some(rest.split(';').next()?.to_owned())
        });
        Self { child, lines, address: address.expect("it says where it listens") }
    }

    /// Sends a signal, and returns the status and the body of the answer.
    fn post(&self, path: &str, secret: &str, body: &str) -> (u16, String) {
        let mut connection = TcpStream::connect(&self.address).expect("it listens");
        let length = body.len();
        let request = format!(
            "POST {path} HTTP/1.1\r\nhost: rotakey\r\nauthorization: Bearer {secret}\r\ncontent-length: {length}\r\n\r\n{body}"
        );
        connection.write_all(request.as_bytes()).expect("it listens");
        let mut answer = String::new();
        connection.read_to_string(&mut answer).expect("it answers, and closes the connection");
        let (head, body) = answer.split_once("\r\n\r\n").expect("it speaks HTTP");
        let status = head.split(' ').nth(1).and_then(|status| status.parse().ok());
        (status.unwrap_or_else(|| panic!("no status: {head}")), body.to_owned())
    }

    /// What it says up to a line with that text.
    fn says(&mut self, text: &str) -> String {
        let mut said = String::new();
        for line in self.lines.by_ref().map_while(Result::ok) {
            said.push_str(&line);
            said.push('\n');
            if line.contains(text) {
                return said;
            }
        }
        panic!("it never said {text:?}:\n{said}");
    }

    /// Ends it as a machine does.
    fn terminate(mut self) -> (i32, String) {
        let process = rustix::process::Pid::from_child(&self.child);
        rustix::process::kill_process(process, rustix::process::Signal::TERM).expect("it runs");
        let rest: Vec<String> = self.lines.by_ref().map_while(Result::ok).collect();
        let status = self.child.wait().expect("it ends");
        (status.code().expect("it ends by itself"), rest.join("\n"))
    }
}

impl Drop for Listener {
    fn drop(&mut self) {
        // A child that is gone already needs no ending.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

#[test]
fn a_request_with_the_secret_has_a_disabled_key_enabled_again_and_no_other_has() {
    let sandbox = Sandbox::start(12);
    let desk = sandbox.desk();
    desk.write(
        "rotakey.toml",
        "[[rotate.approval]]\nsteps = \"delete\"\n\n\
         [[rotate.destination]]\ntype = \"secrets-manager\"\nname = \"iam/access-keys/{user}\"\n",
    );
    desk.run(&["rotate", "apply", "--user", USER]).exits(0);
    let mut listener = Listener::start(&desk);
    let status = |desk: &Desk| desk.run(&["rotate", "status", "--format", "json"]).json()[0].clone();
    let account = status(&desk)["account_id"].as_str().unwrap().to_owned();
    let of_user = format!("/v1/signals/{account}/{USER}");
    let broken = r#"{"failed": "orders fail"}"#;
    let (early, why) = listener.post(&of_user, SECRET, broken);
    assert_eq!(early, 409, "{why}");

    for _ in 0..3 {
        sandbox.control("POST", "clock", r#"{"advance": "40d"}"#);
        desk.run(&["rotate", "tick"]);
    }
    let disabled = status(&desk);
    assert_eq!(disabled["state"], "disabled", "{disabled}");
    let rotation = disabled["rotation"].as_str().unwrap();
    assert_eq!(listener.post(&of_user, "another-secret", broken).0, 401);
    assert_eq!(listener.post(&format!("/v1/signals/{account}/nobody"), SECRET, broken).0, 404);
    assert_eq!(listener.post("/v1/signals/r-unknown2", SECRET, broken).0, 404);
    assert_eq!(listener.post(&of_user, SECRET, &"x".repeat(300_000)).0, 413);
    assert_eq!(status(&desk)["state"], "disabled", "what is refused changes nothing");

    let (taken, answer) = listener.post(&of_user, SECRET, broken);
    assert_eq!((taken, answer), (202, format!("{{\"rotation\":\"{rotation}\"}}\n")));
    let said = listener.says("Warning");
    assert!(said.contains("orders fail"), "{said}");
    let (code, rest) = listener.terminate();
    assert_eq!(code, 0, "{said}{rest}");
    assert!(!format!("{said}{rest}").contains(SECRET), "the secret is shown:\n{said}{rest}");

    let after = status(&desk);
    assert_eq!(after["state"], "adopting", "{after}");
    let log = desk.run(&["rotate", "log", rotation]).exits(0).stdout;
    let in_one_line = log.split_whitespace().collect::<Vec<_>>().join(" ");
    let signalled = "a request from 127.0.0.1 says that something is broken: orders fail";
    assert!(in_one_line.contains(signalled), "{log}");
}

#[test]
fn a_secret_that_can_be_guessed_is_refused() {
    let sandbox = Sandbox::start(12);
    let desk = sandbox.desk();
    desk.write("secret", "hunter2");
    let listen = ["rotate", "listen", "--address", "127.0.0.1:0", "--secret-file"];
    desk.run(&[&listen[..], &["secret"]].concat()).fails(2, "shorter than 16 characters", "openssl rand");
    let none = desk.run(&[&listen[..], &["none"]].concat());
    assert!(none.stderr.contains("there is no file none"), "{}", none.stderr);
}
