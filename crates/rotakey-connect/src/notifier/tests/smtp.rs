//! A real mail server: aiosmtpd, which the test set-up installs.

use std::io::{BufRead as _, BufReader, Write as _};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};

use async_trait::async_trait;
use rotakey_core::notify::{Message, Notice, NotifierSpec, Smtp, SmtpTls};
use rotakey_engine::conformance::notifier::{Broken, Harness, check_all, message, notice};
use rotakey_engine::port::{Notifier, Notifiers as _, PortErrorKind};
use serde_json::Value;
use tempfile::TempDir;

use super::{Credentials, notifiers};

const PASSWORD: &str = "secret-secret-secret";
const PYTHON: &str = "ROTAKEY_TEST_PYTHON";

/// The server, which ends with it.
struct Server {
    child: Child,
    ports: Value,
    folder: TempDir,
    credentials: Credentials,
}

impl Drop for Server {
    fn drop(&mut self) {
        // It ends by itself when its input does; that it is gone already is no matter.
        let _gone = self.child.kill();
        let _status = self.child.wait();
    }
}

impl Server {
    fn new() -> Self {
        let python = std::env::var_os(PYTHON).unwrap_or_else(|| {
            panic!(
                "{PYTHON} is not set: this test needs Python packages. \
                 Run `cargo xtask setup` once, and the tests by `cargo xtask test`."
            )
        });
        let folder = tempfile::tempdir().unwrap();
        let mut child = Command::new(python)
            .args(["-W", "ignore", "-c", include_str!("smtp_server.py")])
            .arg(folder.path())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        writeln!(child.stdin.as_mut().unwrap(), "{PASSWORD}").unwrap();
        let mut line = String::new();
        BufReader::new(child.stdout.as_mut().unwrap()).read_line(&mut line).unwrap();
        let ports =
            serde_json::from_str(&line).unwrap_or_else(|_| panic!("the mail server did not start: {line}"));
        Self { child, ports, folder, credentials: Credentials::new() }
    }

    fn spec(&self, way: &str) -> Smtp {
        let tls = match way {
            "starttls" => SmtpTls::Starttls,
            "tls" => SmtpTls::Tls,
            _ => SmtpTls::None,
        };
        let logs_in = tls != SmtpTls::None;
        Smtp {
            host: "localhost".into(),
            port: u16::try_from(self.ports[way].as_u64().unwrap()).ok(),
            tls,
            username: logs_in.then(|| "rotakey".into()),
            password: logs_in.then(|| self.credentials.source(PASSWORD)),
            ca_file: Some(self.folder.path().join("ca.pem")),
            from: "Keys <rotakey@example.com>".into(),
            to: vec!["security@example.com".into()],
            owner_domains: Vec::new(),
        }
    }

    /// The mails that it took since the last call.
    fn mails(&self) -> Vec<Value> {
        let mut paths: Vec<PathBuf> =
            std::fs::read_dir(self.folder.path()).unwrap().map(|entry| entry.unwrap().path()).collect();
        paths.retain(|path| path.extension().is_some_and(|extension| extension == "json"));
        paths.sort();
        let read = |path: &PathBuf| {
            let mail = serde_json::from_slice(&std::fs::read(path).unwrap()).unwrap();
            std::fs::remove_file(path).unwrap();
            mail
        };
        paths.iter().map(read).collect()
    }
}

fn open(spec: Smtp) -> Box<dyn Notifier> {
    notifiers().open(&NotifierSpec::Smtp(spec)).unwrap()
}

struct Way<'a> {
    server: &'a Server,
    way: &'static str,
}

#[async_trait]
impl Harness for Way<'_> {
    fn open(&self) -> Box<dyn Notifier> {
        open(self.server.spec(self.way))
    }

    async fn shown(&self) -> Vec<String> {
        let mails = self.server.mails();
        mails
            .iter()
            .map(|mail| {
                format!(
                    "{}\n{}",
                    mail["headers"]["Subject"].as_str().unwrap(),
                    mail["text"].as_str().unwrap()
                )
            })
            .collect()
    }

    fn recognises_twice(&self) -> bool {
        false
    }

    async fn broken(&self) -> Vec<Broken> {
        let right = || self.server.spec(self.way);
        let broken = |name, spec, kind| Broken { name, notifier: open(spec), kind };
        let mut broken = vec![
            broken("nobody listens", Smtp { port: Some(1), ..right() }, PortErrorKind::Ambiguous),
            broken("the sender is none", Smtp { from: "nobody".into(), ..right() }, PortErrorKind::Invalid),
        ];
        if self.way != "open" {
            let password = Some(self.server.credentials.source("wrong-secret"));
            let refused = Smtp { password, ..right() };
            let stranger = Smtp { ca_file: None, ..right() };
            broken.push(Broken {
                name: "wrong password",
                notifier: open(refused),
                kind: PortErrorKind::Credentials,
            });
            broken.push(Broken {
                name: "unknown certificate",
                notifier: open(stranger),
                kind: PortErrorKind::Invalid,
            });
        }
        if self.way == "starttls" {
            // Whoever takes the offer of TLS out of the way gets no mail and no password.
            let port = self.server.spec("open").port;
            let stripped = Smtp { port, ..right() };
            broken.push(Broken {
                name: "no STARTTLS",
                notifier: open(stripped),
                kind: PortErrorKind::Invalid,
            });
        }
        broken
    }

    fn secrets(&self) -> Vec<String> {
        vec![PASSWORD.to_owned(), "wrong-secret".to_owned(), "d3Jvbmctc2VjcmV0".to_owned()]
    }

    /// Nothing is: a mail of plain text.
    fn forbidden(&self) -> Vec<&'static str> {
        Vec::new()
    }
}

#[tokio::test]
async fn mail_keeps_the_contract_under_starttls_tls_and_on_this_machine() {
    let server = Server::new();
    for way in ["starttls", "tls", "open"] {
        check_all(&Way { server: &server, way }).await;
    }
}

#[tokio::test]
async fn a_mail_is_whole_encrypted_and_of_one_id() {
    let server = Server::new();
    for way in ["starttls", "tls"] {
        let notice = Notice { what: "jürgen \u{1f511}".repeat(100), ..notice(1) };
        let message = message(vec![notice]);
        open(server.spec(way)).send(&message).await.unwrap();
        let mails = server.mails();
        let [mail] = &mails[..] else { panic!("{mails:?}") };
        assert_eq!((&mail["encrypted"], &mail["authenticated"]), (&true.into(), &true.into()), "{way}");
        assert_eq!(mail["defects"], serde_json::json!([]));
        assert_eq!(mail["to"], serde_json::json!(["security@example.com"]));
        let headers = &mail["headers"];
        assert_eq!(headers["Message-ID"], format!("<{}@example.com>", message.id()));
        assert_eq!(headers["Auto-Submitted"], "auto-generated");
        assert_eq!(headers["Date"], "Thu, 26 Nov 2026 10:00:00 +0000");
        assert_eq!(mail["text"].as_str().unwrap().replace("\r\n", "\n"), message.plain_text());
    }
}

#[tokio::test]
async fn a_subject_cannot_add_a_header_and_a_recipient_cannot_add_another() {
    let server = Server::new();
    let template = "x\r\nBcc: evil@example.org\r\n\r\nhello".parse().unwrap();
    let to = vec!["security@example.com".to_owned()];
    let hostile = Message::new(vec![notice(1)], to, Some(template), None).unwrap();
    open(server.spec("open")).send(&hostile).await.unwrap();
    let mails = server.mails();
    assert_eq!(mails[0]["to"], serde_json::json!(["security@example.com"]));
    assert_eq!(mails[0]["headers"]["Bcc"], Value::Null);

    let to = vec!["a@example.com\r\nBcc: evil@example.org".to_owned()];
    let hostile = Message::new(vec![notice(1)], to, None, None).unwrap();
    let error = open(server.spec("open")).send(&hostile).await.unwrap_err();
    assert_eq!(error.kind, PortErrorKind::Invalid);
    assert!(server.mails().is_empty());
}

#[tokio::test]
async fn a_recipient_that_the_server_refuses_is_told_by_its_kind() {
    let server = Server::new();
    for (to, kind) in
        [("denied@example.com", PortErrorKind::Denied), ("later@example.com", PortErrorKind::Throttled)]
    {
        let message = Message::new(vec![notice(1)], vec![to.to_owned()], None, None).unwrap();
        let error = open(server.spec("open")).send(&message).await.unwrap_err();
        assert_eq!(error.kind, kind, "{error}");
    }
}
