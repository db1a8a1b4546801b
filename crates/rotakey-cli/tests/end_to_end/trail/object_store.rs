//! The same trail from S3, and a bucket that may not be read.
//!
//! moto's server is found in the environment variable `ROTAKEY_TEST_MOTO_URL`; `cargo xtask test` starts one.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::path::PathBuf;
use std::thread;

use super::{Corpus, rows};
use crate::support::Desk;

const MOTO_URL: &str = "ROTAKEY_TEST_MOTO_URL";

pub(crate) fn moto() -> String {
    std::env::var(MOTO_URL).unwrap_or_else(|_| {
        panic!(
            "{MOTO_URL} is not set: this test needs moto's server. \
             Run `cargo xtask setup` once, and the tests by `cargo xtask test`."
        )
    })
}

/// Puts a bucket or an object, as somebody whom moto does not ask who they are.
pub(crate) fn put(url: &str, resource: &str, content: &[u8]) {
    let address = url.strip_prefix("http://").expect("moto speaks HTTP");
    let mut connection = TcpStream::connect(address).expect("moto listens");
    let length = content.len();
    write!(connection, "PUT {resource} HTTP/1.0\r\nhost: {address}\r\ncontent-length: {length}\r\n\r\n")
        .and_then(|()| connection.write_all(content))
        .expect("moto listens");
    let mut answer = Vec::new();
    connection.read_to_end(&mut answer).expect("moto answers");
    let answer = String::from_utf8_lossy(&answer);
    assert!(answer.lines().next().is_some_and(|status| status.contains(" 200 ")), "{resource}: {answer}");
}

/// Somebody with credentials, in a region.
pub(crate) fn with_credentials(desk: &mut Desk) {
    desk.export("AWS_REGION", "us-east-1");
    desk.export("AWS_ACCESS_KEY_ID", "AKIAIOSFODNN7EXAMPLE");
    desk.export("AWS_SECRET_ACCESS_KEY", "any");
}

#[test]
fn a_trail_in_s3_gives_what_its_copy_on_disk_gives() {
    let url = moto();
    let mut corpus = Corpus::new(1_000, 5);
    with_credentials(&mut corpus.desk);
    let bucket = format!("rotakey-usage-{:016x}", fastrand::u64(..));
    put(&url, &format!("/{bucket}"), b"");
    let root = corpus.desk.path("trail");
    for path in corpus.files() {
        let name: PathBuf = path.strip_prefix(&root).expect("it is below").to_owned();
        let name = name.to_str().expect("the path is text").replace('=', "%3D");
        put(&url, &format!("/{bucket}/{name}"), &std::fs::read(&path).expect("it is there"));
    }
    let remote = format!("s3://{bucket}/");
    for more in [&[][..], &["--in-region", "us-east-1"], &["--from", "2026-10-10", "--until", "2026-10-12"]] {
        let here = corpus.trail(&[&["usage", "trail", "--format", "json"], more].concat()).exits(0);
        let arguments = ["usage", &remote, "--format", "json", "--endpoint-url", &url];
        let there = corpus.trail(&[&arguments, more].concat()).exits(0);
        assert_eq!(rows(&there), rows(&here), "{more:?}");
        assert_eq!(there.stderr, "");
        let count = |ran: &crate::support::Ran| ran.json()["summary"]["records"].clone();
        assert_eq!(count(&there), count(&here));
    }
    let ran = corpus.trail(&["usage", &format!("{remote}AWSLogs/nobody"), "--endpoint-url", &url]).exits(4);
    assert!(ran.stderr.contains("AWSLogs/nobody: there is nothing"), "{}", ran.stderr);
    let ran =
        corpus.trail(&["usage", "s3://rotakey-is-not-there/x", "trail", "--endpoint-url", &url]).exits(4);
    assert!(ran.stderr.contains("Warning: s3://rotakey-is-not-there/x: "), "{}", ran.stderr);
    assert!(ran.stdout.contains("AKIA"), "what is here is told all the same: {}", ran.stdout);
}

#[test]
fn a_bucket_that_may_not_be_read_is_incomplete_and_says_why() {
    let mut desk = Desk::new();
    with_credentials(&mut desk);
    let url = refusing();
    let ran = desk.run(&["trail", "usage", "s3://secret/AWSLogs/", "--endpoint-url", &url]).exits(4);
    assert!(ran.stderr.contains("Warning: s3://secret/AWSLogs: "), "{}", ran.stderr);
    assert!(ran.stderr.contains("AccessDenied"), "{}", ran.stderr);
    let mut nobody = Desk::new();
    nobody.export("AWS_REGION", "us-east-1");
    let ran = nobody.run(&["trail", "usage", "s3://secret/AWSLogs/", "--endpoint-url", &url]);
    assert!([3, 4].contains(&ran.code), "{ran:?}");
    assert!(ran.stderr.contains("credentials"), "{}", ran.stderr);
}

/// A server that refuses whatever it is asked, for as long as the test runs.
fn refusing() -> String {
    let listener = TcpListener::bind("127.0.0.1:0").expect("there is a free port");
    let url = format!("http://{}", listener.local_addr().expect("it listens"));
    thread::spawn(move || {
        for connection in listener.incoming().map_while(Result::ok) {
            let mut lines = BufReader::new(&connection).lines();
            while lines.next().is_some_and(|line| line.is_ok_and(|line| !line.is_empty())) {}
            let body = "<?xml version=\"1.0\"?><Error><Code>AccessDenied</Code><Message>Access Denied</Message></Error>";
            let length = body.len();
            let head =
                format!("HTTP/1.1 403 Forbidden\r\ncontent-length: {length}\r\nconnection: close\r\n\r\n");
            // Whoever has hung up needs no answer.
            let _ = (&connection).write_all(format!("{head}{body}").as_bytes());
        }
    });
    url
}
