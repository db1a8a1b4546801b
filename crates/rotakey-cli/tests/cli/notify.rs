//! `rotakey notify`, and who is told by `rotakey rotate`.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::TcpListener;
use std::sync::mpsc::{Receiver, channel};

use serde_json::Value;

use crate::support::{Desk, Sandbox};

const USER: &str = "legacy_sync@0004";

/// An endpoint that takes everything.
struct Endpoint {
    url: String,
    bodies: Receiver<String>,
}

impl Endpoint {
    fn new() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}/", listener.local_addr().unwrap());
        let (sender, bodies) = channel();
        std::thread::spawn(move || {
            for stream in listener.incoming().map_while(Result::ok) {
                let mut reader = BufReader::new(stream);
                let mut length = 0;
                let mut line = String::new();
                while reader.read_line(&mut line).is_ok_and(|read| read > 2) {
                    if let Some(value) = line.to_ascii_lowercase().strip_prefix("content-length: ") {
                        length = value.trim().parse().unwrap();
                    }
                    line.clear();
                }
                let mut body = vec![0; length];
                reader.read_exact(&mut body).unwrap();
                // It is told before it is answered, so that whoever waited for the answer finds it.
                let told = sender.send(String::from_utf8(body).unwrap());
                let answer = b"HTTP/1.1 204 No Content\r\nContent-Length: 0\r\nConnection: close\r\n\r\n";
                let answered = reader.get_mut().write_all(answer);
                if told.is_err() || answered.is_err() {
                    return;
                }
            }
        });
        Self { url, bodies }
    }

    /// The kinds of all notices since the last call.
    fn kinds(&self) -> Vec<String> {
        let mut kinds = Vec::new();
        for body in self.bodies.try_iter() {
            let body: Value = serde_json::from_str(&body).unwrap();
            let notices = body["notices"].as_array().unwrap();
            kinds.extend(notices.iter().map(|notice| notice["kind"].as_str().unwrap().to_owned()));
        }
        kinds
    }

    fn configuration(&self) -> String {
        format!(
            "[[notify]]\nname = \"hook\"\ntype = \"webhook\"\nurl = \"{}\"\nsigning_secret = {{ env = \"HOOK\" }}\n",
            self.url
        )
    }
}

const DEAD: &str = "[[notify]]\nname = \"dead\"\ntype = \"webhook\"\nurl = \"http://127.0.0.1:1/\"\n\
                    signing_secret = { env = \"HOOK\" }\n";

#[test]
fn a_test_says_what_came_of_every_channel() {
    let endpoint = Endpoint::new();
    let mut desk = Desk::new();
    desk.export("HOOK", "hook-secret");
    desk.write("rotakey.toml", endpoint.configuration() + DEAD);

    let ran = desk.run(&["notify", "test", "--to", "hook"]).exits(0);
    assert!(ran.stdout.contains("sent") && ran.stdout.contains("1 of 1 test sent"), "{}", ran.stdout);
    assert_eq!(endpoint.kinds(), ["test"]);

    let ran = desk.run(&["notify", "test"]).exits(1);
    assert!(ran.stdout.contains("not sent") && ran.stdout.contains("1 of 2 tests sent"), "{}", ran.stdout);
    assert!(ran.stdout.contains("check the address and the network"), "{}", ran.stdout);
    assert_eq!(endpoint.kinds(), ["test"]);

    let tested = desk.run(&["notify", "test", "--format", "json"]).exits(1);
    assert_eq!(tested.json()[0]["sent"], true);
    assert_eq!(tested.json()[1]["sent"], false);
    for ran in [ran, tested] {
        assert!(!format!("{ran:?}").contains("hook-secret"), "{ran:?}");
    }

    desk.run(&["notify", "test", "--to", "nobody"]).fails(2, "nobody", "hook, dead");
    desk.write("rotakey.toml", "");
    desk.run(&["notify", "test"]).fails(2, "no [[notify]]", "docs/notify.md");
}

#[test]
fn rotations_tell_people_once_and_a_channel_that_fails_does_not_stop_them() {
    let endpoint = Endpoint::new();
    let sandbox = Sandbox::start(12);
    let mut desk = sandbox.desk();
    desk.export("HOOK", "hook-secret");
    let destination =
        "[[rotate.destination]]\ntype = \"secrets-manager\"\nname = \"iam/access-keys/{user}\"\n";
    desk.write("rotakey.toml", format!("{destination}{}{DEAD}", endpoint.configuration()));

    let plan = desk.run(&["rotate", "plan", "--user", USER, "--format", "json"]).exits(0).json();
    let told = plan["rotations"][0]["told"].as_array().unwrap();
    assert_eq!(told[0], format!("hook (webhook {})", endpoint.url));
    assert_eq!(told.len(), 2);
    let plan = desk.run(&["rotate", "plan", "--user", USER]).exits(0);
    assert!(plan.stdout.contains("people told") && plan.stdout.contains("dead (webhook"), "{}", plan.stdout);
    assert!(endpoint.kinds().is_empty(), "a plan tells nobody");

    let begun = desk.run(&["rotate", "apply", "--user", USER]).exits(0);
    assert!(begun.stdout.contains("adopting"), "{}", begun.stdout);
    assert_eq!(endpoint.kinds(), ["begun", "published"]);
    assert!(begun.stderr.contains("told hook: "), "{}", begun.stderr);
    assert!(begun.stderr.contains("could not tell dead: "), "{}", begun.stderr);
    assert!(begun.stderr.contains("rotakey notify test --to dead"), "{}", begun.stderr);
    assert!(!format!("{begun:?}").contains("hook-secret"), "{begun:?}");

    desk.run(&["rotate", "tick"]).exits(0);
    assert!(endpoint.kinds().is_empty(), "nothing is told twice");

    let rotation = desk.run(&["rotate", "status", "--format", "json"]).json();
    let rotation = rotation[0]["rotation"].as_str().unwrap().to_owned();
    desk.run(&["rotate", "abort", &rotation, "--why", "a freeze"]);
    desk.run(&["rotate", "tick"]).exits(0);
    assert_eq!(endpoint.kinds(), ["aborted"], "the end is told by the next tick");
}

#[test]
fn users_left_for_a_person_are_told_once_by_what_begins_rotations_and_never_by_a_plan() {
    let endpoint = Endpoint::new();
    let sandbox = Sandbox::start(12);
    let mut desk = sandbox.desk();
    desk.export("HOOK", "hook-secret");
    desk.write("rotakey.toml", endpoint.configuration() + "events = \"left\"\n");
    let plan = desk.run(&["rotate", "plan", "--format", "json"]).exits(1).json();
    let left = plan["left_for_a_person"].as_array().unwrap().len();
    assert!(left > 0, "{plan}");
    assert!(endpoint.kinds().is_empty(), "a plan tells nobody");
    desk.run(&["rotate", "apply"]).exits(1);
    assert_eq!(endpoint.kinds(), vec!["left"; left]);
    desk.run(&["rotate", "apply"]).exits(1);
    assert!(endpoint.kinds().is_empty(), "for the same reason nobody is told twice");
}
