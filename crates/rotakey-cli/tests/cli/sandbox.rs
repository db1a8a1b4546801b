//! `rotakey sandbox`.

use std::process::Stdio;

use crate::support::{Desk, Sandbox};

#[test]
fn it_exports_what_clients_need_and_answers_until_it_is_told_to_end() {
    let sandbox = Sandbox::start(5);
    let names: Vec<&str> = sandbox.variables.iter().map(|(name, _)| name.as_str()).collect();
    assert_eq!(
        names,
        [
            "AWS_ACCESS_KEY_ID",
            "AWS_DEFAULT_REGION",
            "AWS_ENDPOINT_URL",
            "AWS_REGION",
            "AWS_SECRET_ACCESS_KEY",
            "AWS_SESSION_TOKEN",
            "ROTAKEY_SANDBOX_CLOCK"
        ]
    );
    let state = sandbox.control("GET", "state", "");
    assert_eq!(state["now"], "2026-11-23T12:00:00Z");
    assert_eq!(state["seed"], 3);
}

#[test]
fn the_lines_are_for_a_shell() {
    let desk = Desk::new();
    let mut child = desk
        .command(&["sandbox", "--port", "0", "--users", "1"])
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let mut lines = std::io::BufRead::lines(std::io::BufReader::new(child.stdout.take().unwrap()));
    let first = lines.next().unwrap().unwrap();
    child.kill().unwrap();
    child.wait().unwrap();
    assert!(first.starts_with("export AWS_ENDPOINT_URL='http://127.0.0.1:"), "{first}");
    assert!(first.ends_with('\''), "{first}");
}

#[test]
fn a_port_that_is_taken_is_a_clear_error() {
    let sandbox = Sandbox::start(1);
    let port = sandbox.address().rsplit(':').next().unwrap();
    Desk::new().run(&["sandbox", "--port", port]).fails(3, "cannot listen on 127.0.0.1", "--port 0");
}

#[test]
fn its_clock_is_refused_for_calls_that_go_elsewhere() {
    let sandbox = Sandbox::start(1);
    let desk = sandbox.desk();
    let elsewhere = ["audit", "--endpoint-url", "http://127.0.0.1:9"];
    desk.run(&elsewhere).fails(2, "AWS calls do not go there", "unset ROTAKEY_SANDBOX_CLOCK");
    let mut gone = Desk::new();
    gone.export("AWS_ENDPOINT_URL", "http://127.0.0.1:9");
    gone.export("ROTAKEY_SANDBOX_CLOCK", "http://127.0.0.1:9");
    gone.run(&["audit"]).fails(2, "no sandbox answers at 127.0.0.1:9", "use all the exports");
    let mut foreign = Desk::new();
    foreign.export("ROTAKEY_SANDBOX_CLOCK", "http://192.0.2.1:4599");
    foreign.run(&["audit"]).fails(2, "no http:// URL of this machine", "unset");
}
