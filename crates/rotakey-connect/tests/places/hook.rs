//! Programs and endpoints of the user's own: the examples of `docs/destinations.md`, as they stand there.

use std::fs;
use std::io::{BufRead, BufReader};
use std::net::SocketAddr;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use rotakey_core::destination::{CredentialSource, DestinationSpec, Exec, Webhook};
use rotakey_core::secret::{AccessKeyPair, Secret};
use rotakey_engine::conformance::destination::{
    self as conformance, Application, Break, Broken, Foreign, Harness, Place,
};
use rotakey_engine::conformance::server::{Server, send};
use rotakey_engine::port::{Clock as _, Destination, Destinations, PortError, PortErrorKind};
use serde_json::Value;
use tempfile::TempDir;

use crate::{PATIENCE, Still, block_on, destinations, expect_given_up, pair, silent, variable};

const SIGNING_SECRET: &str = "a signing secret of the test";

/// The block of code behind that mark in the documentation.
fn example(name: &str) -> String {
    let page = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/destinations.md");
    let page = fs::read_to_string(page).unwrap();
    let (_, rest) =
        page.split_once(&format!("<!-- example: {name} -->\n```python\n")).expect("there is such a block");
    rest.split_once("```").unwrap().0.to_owned()
}

fn python() -> PathBuf {
    variable("ROTAKEY_TEST_PLACES").join("bin/python")
}

fn next() -> usize {
    static NEXT: AtomicUsize = AtomicUsize::new(0);
    NEXT.fetch_add(1, Ordering::Relaxed)
}

fn script(folder: &Path, text: &str) -> String {
    let path = folder.join(format!("script-{}", next()));
    fs::write(&path, text).unwrap();
    fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).unwrap();
    path.to_str().unwrap().to_owned()
}

/// The file that the example keeps the key in.
fn kept(file: &Path) -> Result<Option<AccessKeyPair>, String> {
    let Ok(text) = fs::read(file) else { return Ok(None) };
    let kept: Value = serde_json::from_slice(&text).map_err(|_| "half a file")?;
    match (kept["pair"]["AccessKeyId"].as_str(), kept["pair"]["SecretAccessKey"].as_str()) {
        (Some(id), Some(secret)) => Ok(Some(AccessKeyPair {
            id: id.parse().map_err(|_| "a torn id")?,
            secret: Secret::new(secret.to_owned()),
        })),
        (None, None) => Ok(None),
        _ => Err("half a pair".to_owned()),
    }
}

/// A place behind a hook, and the file that the hook keeps.
struct Hooked {
    spec: DestinationSpec,
    file: PathBuf,
    server: Option<Server>,
}

#[async_trait]
impl Place for Hooked {
    fn open(&self) -> Box<dyn Destination> {
        destinations().open(&self.spec).unwrap()
    }

    async fn contents(&self) -> Vec<u8> {
        fs::read(&self.file).unwrap_or_default()
    }

    fn application(&self) -> Option<Application> {
        let file = self.file.clone();
        Some(Box::new(move || kept(&file)))
    }

    fn break_at(&self, call: usize, how: Break) -> bool {
        self.server.as_ref().is_some_and(|server| server.break_at(call, how))
    }

    fn mend(&self) -> bool {
        self.server.as_ref().is_some_and(Server::mend)
    }
}

/// Programs.
struct Programs {
    folder: TempDir,
    example: String,
}

impl Programs {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let example = script(folder.path(), &example("exec"));
        Self { folder, example }
    }

    /// The example, with a file of its own.
    fn place(&self) -> Hooked {
        let file = self.folder.path().join(format!("key-{}.json", next()));
        let start = format!(
            "#!/bin/sh\nKEY_FILE='{}' exec '{}' '{}'\n",
            file.display(),
            python().display(),
            self.example
        );
        Hooked { spec: exec(script(self.folder.path(), &start)), file, server: None }
    }

    fn place_of(&self, text: &str) -> Hooked {
        Hooked {
            spec: exec(script(self.folder.path(), text)),
            file: self.folder.path().join("none"),
            server: None,
        }
    }
}

fn exec(program: String) -> DestinationSpec {
    DestinationSpec::Exec(Exec { name: "alice".to_owned(), command: vec![program], timeout_seconds: None })
}

#[async_trait]
impl Harness for Programs {
    async fn empty(&self) -> Box<dyn Place> {
        Box::new(self.place())
    }

    async fn foreign(&self) -> Vec<Foreign> {
        let refusing = "#!/bin/sh\necho '{\"version\":1,\"error\":{\"kind\":\"conflict\",\"message\":\"not mine\"}}'\nexit 1\n";
        vec![Foreign {
            name: "a place that the program refuses",
            place: Box::new(self.place_of(refusing)),
            kept: Vec::new(),
            secrets: Vec::new(),
        }]
    }

    async fn broken(&self) -> Vec<Broken> {
        let not_executable = self.place_of("");
        if let DestinationSpec::Exec(exec) = &not_executable.spec {
            fs::set_permissions(&exec.command[0], fs::Permissions::from_mode(0o644)).unwrap();
        }
        let broken = |name, place, kind| Broken { name, place: Box::new(place), kind };
        let denied = "#!/bin/sh\necho '{\"version\":1,\"error\":{\"kind\":\"denied\"}}'\nexit 1\n";
        let missing = Hooked { spec: exec("/no/such/program".to_owned()), file: "none".into(), server: None };
        vec![
            broken("a program that may not be started", not_executable, PortErrorKind::Denied),
            broken("a program that refuses", self.place_of(denied), PortErrorKind::Denied),
            broken("no program", missing, PortErrorKind::Invalid),
            broken("a program that says nothing", self.place_of("#!/bin/sh\n"), PortErrorKind::Invalid),
            broken(
                "a program of another protocol",
                self.place_of("#!/bin/sh\necho '{\"version\":2}'\n"),
                PortErrorKind::Invalid,
            ),
        ]
    }

    fn gives_secrets_back(&self) -> bool {
        false
    }
}

#[test]
fn the_documented_program_keeps_the_contract_of_destinations() {
    block_on(conformance::check_all(&Programs::new()));
}

#[tokio::test(start_paused = true)]
async fn a_program_that_never_ends_is_given_up_in_its_time() {
    let programs = Programs::new();
    let mut place = programs.place_of("#!/bin/sh\nsleep 1000\n");
    if let DestinationSpec::Exec(exec) = &mut place.spec {
        exec.timeout_seconds = Some(7);
    }
    expect_given_up(&*place.open(), Duration::from_secs(7)).await;
}

#[test]
fn a_program_that_takes_too_long_is_killed_with_all_that_it_started() {
    let programs = Programs::new();
    let pids = programs.folder.path().join("pids");
    let text = format!(
        "#!/bin/sh\nsleep 1000 & echo $! >> '{}'\necho $$ >> '{}'\nwait\n",
        pids.display(),
        pids.display()
    );
    let mut place = programs.place_of(&text);
    if let DestinationSpec::Exec(exec) = &mut place.spec {
        exec.timeout_seconds = Some(1);
    }
    let error = block_on(place.open().read()).unwrap_err();
    assert_eq!(error.kind, PortErrorKind::Ambiguous);
    assert!(error.message.contains("longer than 1 s"), "{error}");
    let pids = fs::read_to_string(&pids).unwrap();
    assert_eq!(pids.lines().count(), 2);
    for pid in pids.lines() {
        // It was told to die; how soon it does is the kernel's business. Then it is gone, or a zombie for a moment.
        let dead = || match fs::read_to_string(format!("/proc/{pid}/stat")) {
            Ok(status) => status.contains(") Z "),
            Err(_) => true,
        };
        let died = (0..10_000_000).any(|_| {
            std::thread::yield_now();
            dead()
        });
        assert!(died, "process {pid} lives");
    }
}

#[test]
fn the_secret_is_on_standard_input_alone_and_in_no_error() {
    let programs = Programs::new();
    let seen = programs.folder.path().join("seen");
    // It answers a read, and at a publish shows all it can see and complains with the secret.
    let text = format!(
        "#!/bin/sh\nrequest=$(cat)\ncase \"$request\" in *'\"operation\":\"read\"'*) echo '{{\"version\":1}}'; exit 0;; esac\n\
         {{ cat /proc/$$/cmdline /proc/$$/environ; env; }} > '{}'\necho \"cannot: $request\" >&2\nexit 3\n",
        seen.display()
    );
    let error = block_on(programs.place_of(&text).open().publish(&pair(1))).unwrap_err();
    assert_eq!(error.kind, PortErrorKind::Ambiguous, "{error}");
    assert!(error.message.starts_with("exit status: 3: cannot: {"), "{error}");
    let secret = pair(1).secret;
    assert!(!format!("{error} {error:?}").contains(secret.expose()), "{error}");
    let seen = fs::read(&seen).unwrap();
    assert!(
        !seen.is_empty() && !seen.windows(20).any(|window| secret.expose().as_bytes().starts_with(window))
    );
}

#[test]
fn what_a_program_says_is_bounded() {
    let programs = Programs::new();
    let error =
        block_on(programs.place_of("#!/bin/sh\nyes | head -c 3000000\n").open().preflight()).unwrap_err();
    assert!(error.message.contains("more than 65536 bytes"), "{error}");
    let text = "#!/bin/sh\nyes no | head -c 3000000 >&2\nprintf 'x%.0s' $(seq 2000) >&2\nexit 1\n";
    let error = block_on(programs.place_of(text).open().preflight()).unwrap_err();
    assert!(error.message.len() <= 300, "{}", error.message.len());
}

#[test]
fn a_program_without_a_name_or_with_an_endless_time_is_refused() {
    let open = |command: &[&str], timeout_seconds| {
        let command = command.iter().map(|&word| word.to_owned()).collect();
        let spec = Exec { name: "x".to_owned(), command, timeout_seconds };
        destinations().open(&DestinationSpec::Exec(spec)).err().map(|error: PortError| error.kind)
    };
    assert_eq!(open(&["true"], Some(50)), None);
    for (command, seconds) in [(&[][..], None), (&[""], None), (&["true"], Some(0)), (&["true"], Some(51))] {
        assert_eq!(open(command, seconds), Some(PortErrorKind::Invalid));
    }
}

/// An endpoint, which ends with this value.
struct Endpoint {
    process: Child,
    address: SocketAddr,
    folder: TempDir,
}

impl Endpoint {
    fn start() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let [verify, program] = ["verify", "exec"].map(|name| script(folder.path(), &example(name)));
        let mut process = Command::new(python())
            .arg(Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/places/endpoint.py"))
            .args([&verify, &program])
            .arg(folder.path())
            .args([SIGNING_SECRET, &Still.now().as_second().to_string()])
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut port = String::new();
        BufReader::new(process.stdout.take().unwrap()).read_line(&mut port).unwrap();
        let address = SocketAddr::from(([127, 0, 0, 1], port.trim().parse().unwrap()));
        Self { process, address, folder }
    }

    fn place(&self) -> Hooked {
        self.place_called(&format!("user-{}", next()), SIGNING_SECRET)
    }

    fn place_called(&self, name: &str, secret: &str) -> Hooked {
        let server = Server::before(self.address);
        let signing = self.folder.path().join(format!("secret-{}", next()));
        fs::write(&signing, secret).unwrap();
        let spec = DestinationSpec::Webhook(Webhook {
            name: name.to_owned(),
            url: server.url(),
            signing_secret: CredentialSource::File(signing),
        });
        Hooked { spec, file: self.folder.path().join(format!("{name}.json")), server: Some(server) }
    }
}

impl Drop for Endpoint {
    fn drop(&mut self) {
        let _ended = self.process.kill();
        let _ended = self.process.wait();
    }
}

#[async_trait]
impl Harness for Endpoint {
    async fn empty(&self) -> Box<dyn Place> {
        Box::new(self.place())
    }

    async fn foreign(&self) -> Vec<Foreign> {
        let place = self.place();
        fs::write(&place.file, r#"{"pair":null,"slots":{"pending":"hunter2hunter2"}}"#).unwrap();
        vec![Foreign {
            name: "slots that are none of rotakey's",
            place: Box::new(place),
            kept: Vec::new(),
            secrets: vec!["hunter2hunter2".to_owned()],
        }]
    }

    async fn broken(&self) -> Vec<Broken> {
        let broken = |name, place, kind| Broken { name, place: Box::new(place), kind };
        vec![
            broken(
                "a place that is denied",
                self.place_called("denied", SIGNING_SECRET),
                PortErrorKind::Denied,
            ),
            broken(
                "another secret",
                self.place_called("x", "another signing secret"),
                PortErrorKind::Credentials,
            ),
            broken("a short secret", self.place_called("x", "short"), PortErrorKind::Credentials),
            broken("a redirect", self.place_called("elsewhere", SIGNING_SECRET), PortErrorKind::Invalid),
        ]
    }

    fn gives_secrets_back(&self) -> bool {
        false
    }
}

#[tokio::test(start_paused = true)]
async fn an_endpoint_that_never_answers_is_given_up_in_the_documented_time() {
    let (url, _listener) = silent();
    let secret = tempfile::NamedTempFile::new().unwrap();
    fs::write(secret.path(), SIGNING_SECRET).unwrap();
    let spec = Webhook {
        name: "alice".to_owned(),
        url,
        signing_secret: CredentialSource::File(secret.path().to_owned()),
    };
    let destination = destinations().open(&DestinationSpec::Webhook(spec)).unwrap();
    expect_given_up(&*destination, PATIENCE).await;
}

#[test]
fn the_documented_endpoint_keeps_the_contract_of_destinations() {
    block_on(conformance::check_all(&Endpoint::start()));
}

#[test]
fn a_request_that_was_changed_or_is_old_is_refused_by_the_documented_check() {
    let endpoint = Endpoint::start();
    let place = endpoint.place();
    // Keeps what is sent.
    let heard = std::sync::Arc::new(std::sync::Mutex::new(None));
    let (keep, upstream) = (std::sync::Arc::clone(&heard), endpoint.address);
    let server = Server::start(move |request| {
        *keep.lock().unwrap() = Some(request.clone());
        Some(send(upstream, request))
    });
    let DestinationSpec::Webhook(mut spec) = place.spec.clone() else { unreachable!() };
    spec.url = server.url();
    let destination = destinations().open(&DestinationSpec::Webhook(spec)).unwrap();
    block_on(destination.read()).unwrap();
    let request = heard.lock().unwrap().take().unwrap();
    assert_eq!(send(upstream, &request).status, 200, "as it was sent");

    let mut changed = request.clone();
    changed.body = String::from_utf8(changed.body).unwrap().replace("\"read\"", "\"preflight\"").into_bytes();
    assert_eq!(send(upstream, &changed).status, 401);
    let edit = |name: &str, value: &str| {
        let mut edited = request.clone();
        let header = edited.headers.iter_mut().find(|(found, _)| found == name).unwrap();
        header.1 = value.to_owned();
        send(upstream, &edited).status
    };
    let timestamp: u64 = request.header("x-rotakey-timestamp").unwrap().parse().unwrap();
    assert_eq!(edit("x-rotakey-timestamp", &(timestamp - 301).to_string()), 401);
    assert_eq!(edit("x-rotakey-timestamp", ""), 401);
    assert_eq!(edit("x-rotakey-signature", "v1=00"), 401);

    // Old, and signed right: only the window refuses it.
    let old = (timestamp - 301).to_string();
    let sign = "import hmac,sys;print('v1='+hmac.new(sys.argv[1].encode(),sys.argv[2].encode()+b'.'+sys.stdin.buffer.read(),'sha256').hexdigest())";
    let signed = |timestamp: &str| {
        let mut child = Command::new(python())
            .args(["-c", sign, SIGNING_SECRET, timestamp])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        std::io::Write::write_all(&mut child.stdin.take().unwrap(), &request.body).unwrap();
        let signature = String::from_utf8(child.wait_with_output().unwrap().stdout).unwrap();
        let mut again = request.clone();
        for (name, value) in &mut again.headers {
            match name.as_str() {
                "x-rotakey-timestamp" => *value = timestamp.to_owned(),
                "x-rotakey-signature" => *value = signature.trim().to_owned(),
                _ => {}
            }
        }
        send(upstream, &again).status
    };
    assert_eq!(signed(&timestamp.to_string()), 200, "the signature of the test is right");
    assert_eq!(signed(&old), 401);
}

#[test]
fn the_same_step_has_the_same_idempotency_key() {
    let endpoint = Endpoint::start();
    let keys = std::sync::Arc::new(std::sync::Mutex::new(Vec::new()));
    let (keep, upstream) = (std::sync::Arc::clone(&keys), endpoint.address);
    let server = Server::start(move |request| {
        keep.lock().unwrap().push(request.header("x-rotakey-idempotency-key").unwrap().to_owned());
        // The answer to a publish is lost.
        let lost = request.body.windows(9).any(|window| window == b"\"publish\"");
        (!lost).then(|| send(upstream, request))
    });
    let DestinationSpec::Webhook(mut spec) = endpoint.place().spec.clone() else { unreachable!() };
    spec.url = server.url();
    let destination = destinations().open(&DestinationSpec::Webhook(spec)).unwrap();
    for _ in 0..2 {
        assert_eq!(block_on(destination.publish(&pair(1))).unwrap_err().kind, PortErrorKind::Ambiguous);
    }
    let keys = keys.lock().unwrap();
    let [read, publish, read_again, publish_again] = &keys[..] else { panic!("{keys:?}") };
    assert!(read == read_again && publish == publish_again && read != publish);
}

#[test]
fn an_endpoint_elsewhere_is_spoken_to_by_https_only() {
    let spec = DestinationSpec::Webhook(Webhook {
        name: "x".to_owned(),
        url: "http://keys.example.com/".to_owned(),
        signing_secret: CredentialSource::Env("NONE".to_owned()),
    });
    let error = destinations().open(&spec).err().unwrap();
    assert_eq!(error.kind, PortErrorKind::Invalid);
}
