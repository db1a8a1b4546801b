//! What the tests of all file destinations share, and the tests that treat them alike.

use std::fs::{self, Permissions};
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::thread;
use std::time::Duration;

use async_trait::async_trait;
use rotakey_core::secret::Secret;
use rotakey_engine::conformance::destination::{Application, Place};
use rotakey_engine::port::Kept;
use tempfile::TempDir;

use super::*;
use crate::still::Still;

pub(super) fn destinations() -> OutsideDestinations {
    OutsideDestinations { clock: Arc::new(Still) }
}

/// What was read, of a place that gives secrets back.
pub(super) fn pairs(slots: Slots) -> Pairs {
    slots.map(|kept| match kept {
        Kept::Pair(pair) => pair,
        Kept::Mark(held) => panic!("only the mark of {} was read", held.key),
    })
}

/// Reads a destination's file as an application does.
pub(super) type Reader = fn(&DestinationSpec) -> Result<Option<AccessKeyPair>, String>;

/// A directory of its own with a file in it.
pub(super) struct FilePlace {
    pub(super) directory: TempDir,
    pub(super) spec: DestinationSpec,
    pub(super) reader: Reader,
    /// What the file holds beyond its bytes, such as its plain text.
    pub(super) plain: fn(&DestinationSpec) -> Vec<u8>,
}

impl FilePlace {
    pub(super) fn path(&self) -> &Path {
        match &self.spec {
            DestinationSpec::AgeFile(specs::AgeFile { path, .. })
            | DestinationSpec::DotenvFile(specs::DotenvFile { path, .. })
            | DestinationSpec::CredentialsFile(specs::CredentialsFile { path, .. }) => path,
            _ => unreachable!("not a file"),
        }
    }
}

#[async_trait]
impl Place for FilePlace {
    fn open(&self) -> Box<dyn Destination> {
        destinations().open(&self.spec).unwrap()
    }

    async fn contents(&self) -> Vec<u8> {
        let mut contents = snapshot(self.directory.path());
        contents.extend((self.plain)(&self.spec));
        contents
    }

    fn application(&self) -> Option<Application> {
        let (spec, reader) = (self.spec.clone(), self.reader);
        Some(Box::new(move || reader(&spec)))
    }
}

impl Drop for FilePlace {
    fn drop(&mut self) {
        // So that the directory can be removed when a test has made it unwritable.
        let _ = fs::set_permissions(self.directory.path(), Permissions::from_mode(0o700));
    }
}

/// The names, modes and bytes of all that is in a directory.
pub(super) fn snapshot(directory: &Path) -> Vec<u8> {
    let mut paths: Vec<PathBuf> =
        fs::read_dir(directory).unwrap().map(|entry| entry.unwrap().path()).collect();
    paths.sort();
    let mut snapshot = Vec::new();
    for path in paths {
        let metadata = fs::symlink_metadata(&path).unwrap();
        snapshot.extend(format!("{} {:o}\n", path.display(), metadata.mode()).into_bytes());
        if metadata.is_dir() {
            snapshot.extend(self::snapshot(&path));
        } else if metadata.is_file() {
            snapshot.extend(fs::read(&path).unwrap());
        }
    }
    snapshot
}

/// Runs a test as a user whom permissions bind: as root, in a thread that has given root up.
pub(super) fn as_ordinary_user(test: impl FnOnce() + Send + 'static) {
    const NOBODY: u32 = 65534;
    let test = thread::spawn(move || {
        if rustix::process::geteuid().is_root() {
            rustix::thread::set_thread_uid(rustix::process::Uid::from_raw(NOBODY)).unwrap();
        }
        test();
    });
    test.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic));
}

pub(super) fn block_on<F: Future>(future: F) -> F::Output {
    tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(future)
}

/// The same with time and processes.
pub(super) fn block_on_io<F: Future>(future: F) -> F::Output {
    tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(future)
}

pub(super) fn pair(number: u8) -> AccessKeyPair {
    AccessKeyPair {
        id: format!("AKIAIOSFODNN7EXAM{number:03}").parse().unwrap(),
        secret: Secret::new(format!("wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLE{number:03}")),
    }
}

/// The places that no adapter can write to, whatever its format: what is wrong, and the error's kind.
pub(super) fn broken_places(new: impl Fn() -> FilePlace) -> Vec<(&'static str, FilePlace, PortErrorKind)> {
    let unwritable = new();
    fs::set_permissions(unwritable.directory.path(), Permissions::from_mode(0o500)).unwrap();

    let is_directory = new();
    fs::create_dir(is_directory.path()).unwrap();

    let dangling = new();
    std::os::unix::fs::symlink(dangling.directory.path().join("nothing"), dangling.path()).unwrap();

    let pipe = new();
    assert!(Command::new("mkfifo").arg(pipe.path()).status().unwrap().success());

    let mut below_a_file = new();
    let file = below_a_file.directory.path().join("file");
    fs::write(&file, "").unwrap();
    match &mut below_a_file.spec {
        DestinationSpec::AgeFile(specs::AgeFile { path, .. })
        | DestinationSpec::DotenvFile(specs::DotenvFile { path, .. })
        | DestinationSpec::CredentialsFile(specs::CredentialsFile { path, .. }) => {
            *path = file.join("x");
        }
        _ => unreachable!("not a file"),
    }

    vec![
        ("a directory without the right to write", unwritable, PortErrorKind::Denied),
        ("a directory where the file should be", is_directory, PortErrorKind::Invalid),
        ("a symbolic link that leads to nothing", dangling, PortErrorKind::Invalid),
        ("a named pipe", pipe, PortErrorKind::Invalid),
        ("a path through a file", below_a_file, PortErrorKind::Invalid),
    ]
}

const CHILD_DIRECTORY: &str = "ROTAKEY_TEST_DIRECTORY";

/// All kinds of files, in a directory that a child process uses too.
fn specs(directory: &Path) -> [DestinationSpec; 3] {
    let identity = directory.join("identity");
    if !identity.exists() {
        crate::identity::generate(&identity).unwrap();
    }
    [
        DestinationSpec::AgeFile(specs::AgeFile {
            path: directory.join("alice.age"),
            recipients: crate::identity::recipients(&identity).unwrap(),
            identity,
        }),
        DestinationSpec::CredentialsFile(specs::CredentialsFile {
            path: directory.join("credentials"),
            profile: "alice".to_owned(),
        }),
        DestinationSpec::DotenvFile(specs::DotenvFile {
            path: directory.join(".env"),
            values: specs::Values::environment(),
        }),
    ]
}

/// This test program again, with only that test in it, below a shell that may set limits.
fn child(limits: &str, test: &str, directory: &Path) -> Command {
    let mut command = Command::new("sh");
    command
        .args(["-c", &format!("{limits} exec \"$0\" \"$@\"")])
        .arg(std::env::current_exe().unwrap())
        .args([test, "--exact", "--ignored", "--nocapture"])
        .env(CHILD_DIRECTORY, directory);
    command
}

#[test]
fn a_full_disk_is_a_clear_error_and_loses_nothing() {
    let directory = tempfile::tempdir().unwrap();
    for spec in specs(directory.path()) {
        let destination = destinations().open(&spec).unwrap();
        block_on(destination.publish(&pair(1))).unwrap();
        block_on(destination.stage(&pair(2))).unwrap();
    }
    let before = snapshot(directory.path());
    // A limit of no bytes per file stands in for a full disk: it binds root too, and needs no mount.
    let limits = "trap '' XFSZ; ulimit -f 0;";
    let output =
        child(limits, "destination::tests::write_to_a_full_disk", directory.path()).output().unwrap();
    let told = [&output.stdout[..], &output.stderr[..]].concat();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&told));
    assert!(String::from_utf8_lossy(&output.stdout).contains("1 passed"), "the child ran no test");
    assert!(before == snapshot(directory.path()), "a failed write changed something, or left something");
}

#[test]
#[ignore = "the child of a_full_disk_is_a_clear_error_and_loses_nothing"]
fn write_to_a_full_disk() {
    let directory = PathBuf::from(std::env::var_os(CHILD_DIRECTORY).unwrap());
    for spec in specs(&directory) {
        let destination = destinations().open(&spec).unwrap();
        for error in [
            block_on(destination.stage(&pair(3))).unwrap_err(),
            block_on(destination.publish(&pair(2))).unwrap_err(),
        ] {
            assert_eq!(error.kind, PortErrorKind::LimitExceeded, "{error}");
            assert!(error.operation.starts_with("write "), "{error}");
        }
        let slots = pairs(block_on(destination.read()).unwrap());
        assert!(slots.current == Some(pair(1)) && slots.pending == Some(pair(2)));
    }
}

#[test]
fn a_killed_process_leaves_whole_pairs_and_no_lock() {
    let directory = tempfile::tempdir().unwrap();
    for spec in specs(directory.path()) {
        block_on(destinations().open(&spec).unwrap().publish(&pair(0))).unwrap();
    }
    for round in 0..12 {
        let mut child = child("", "destination::tests::write_until_killed", directory.path())
            .stdout(Stdio::null())
            .spawn()
            .unwrap();
        // Real time: the writer is another process, and is to be killed at any moment of its work.
        thread::sleep(Duration::from_millis(40 + 7 * round));
        child.kill().unwrap();
        child.wait().unwrap();
        for spec in specs(directory.path()) {
            let destination = destinations().open(&spec).unwrap();
            let slots = pairs(block_on(destination.read()).unwrap());
            assert!(is_state_of_the_writer(&slots), "{spec}: {slots:?}");
            let current = slots.current.expect("a pair is current at every moment");
            block_on(destination.publish(&pair(2))).unwrap();
            let slots = pairs(block_on(destination.read()).unwrap());
            assert!(slots.pending.is_none() && slots.previous == Some(current), "{spec}");
            block_on(destination.publish(&pair(0))).unwrap();
        }
        let leftover = directory.path().join(".credentials.rotakey-temporary");
        assert!(!leftover.exists(), "the next writer removes what the dead one left");
    }
}

#[test]
#[ignore = "the child of a_killed_process_leaves_whole_pairs_and_no_lock"]
fn write_until_killed() {
    let directory = PathBuf::from(std::env::var_os(CHILD_DIRECTORY).unwrap());
    let destinations = specs(&directory).map(|spec| destinations().open(&spec).unwrap());
    loop {
        destinations.iter().for_each(|destination| write_once(&**destination));
    }
}

#[test]
fn the_three_slots_are_read_as_a_whole_while_another_process_writes() {
    let directory = tempfile::tempdir().unwrap();
    for spec in specs(directory.path()) {
        let destination = destinations().open(&spec).unwrap();
        block_on(destination.publish(&pair(0))).unwrap();
        thread::scope(|scope| {
            let writer = scope.spawn(|| (0..10).for_each(|_| write_once(&*destination)));
            let reader = destinations().open(&spec).unwrap();
            while !writer.is_finished() {
                let slots = pairs(block_on(reader.read()).unwrap());
                assert!(is_state_of_the_writer(&slots), "{spec}: {slots:?}");
            }
        });
    }
}

/// Publishes a pair over another one, and takes that back.
fn write_once(destination: &dyn Destination) {
    block_on(async {
        destination.stage(&pair(1)).await.unwrap();
        destination.publish(&pair(1)).await.unwrap();
        destination.restore(&pair(0).id).await.unwrap();
    });
}

/// Whether these are slots that [`write_once`] goes through.
fn is_state_of_the_writer(slots: &Pairs) -> bool {
    let states = [
        (None, 0, None),
        (None, 0, Some(2)),
        (Some(1), 0, None),
        (Some(1), 0, Some(2)),
        (Some(1), 0, Some(1)),
        (None, 1, Some(0)),
        (None, 0, Some(1)),
    ];
    states.iter().any(|&(pending, current, previous)| {
        let (pending, previous) = (pending.map(pair), previous.map(pair));
        *slots == Pairs { pending, current: Some(pair(current)), previous }
    })
}

#[test]
fn a_disk_that_refuses_to_be_written_is_told_before_a_key_is_created() {
    // The kernel's own file system for processes: its directories cannot take a file, whoever asks.
    let spec = DestinationSpec::CredentialsFile(specs::CredentialsFile {
        path: "/proc/self/task/credentials".into(),
        profile: "alice".to_owned(),
    });
    let error = block_on(destinations().open(&spec).unwrap().preflight()).unwrap_err();
    assert!(matches!(error.kind, PortErrorKind::Denied | PortErrorKind::LimitExceeded), "{error}");
}

#[test]
fn a_file_of_another_user_is_refused_because_it_would_change_hands() {
    if !rustix::process::geteuid().is_root() {
        return; // Only root can give a file to somebody else.
    }
    let directory = tempfile::tempdir().unwrap();
    fs::set_permissions(directory.path(), Permissions::from_mode(0o777)).unwrap();
    let path = directory.path().join("credentials");
    fs::write(&path, "[other]\nregion = eu-west-1\n").unwrap();
    std::os::unix::fs::chown(&path, Some(12345), Some(23456)).unwrap();
    fs::set_permissions(&path, Permissions::from_mode(0o644)).unwrap();
    let spec = DestinationSpec::CredentialsFile(specs::CredentialsFile {
        path: path.clone(),
        profile: "alice".to_owned(),
    });

    let by_another = spec.clone();
    as_ordinary_user(move || {
        let error = block_on(destinations().open(&by_another).unwrap().publish(&pair(1))).unwrap_err();
        assert_eq!(error.kind, PortErrorKind::Denied);
        assert!(error.message.contains("run as its owner"), "{error}");
    });

    block_on(destinations().open(&spec).unwrap().publish(&pair(1))).unwrap();
    let metadata = fs::metadata(&path).unwrap();
    assert_eq!((metadata.uid(), metadata.gid()), (12345, 23456), "root keeps the owner");
    assert_eq!(metadata.mode() & 0o777, 0o600);
}

#[test]
fn a_destination_in_aws_is_none_of_ours() {
    let spec = DestinationSpec::SecretsManager(specs::SecretsManager::named(
        "iam/access-keys/alice".to_owned(),
        None,
    ));
    let error = destinations().open(&spec).err().unwrap();
    assert_eq!(error.kind, PortErrorKind::Invalid);
}
