//! One account, one user with an old key, applications that use it all the time, and the binary that is killed.

use std::cell::Cell;
use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use jiff::SignedDuration;
use rotakey_core::fact::KeyStatus;
use rotakey_sim::api::Service;
use rotakey_sim::world::World;

use super::place::Kind;
use crate::cloud::Cloud;
use crate::proxy::{Call, Proxy, Trap};
use crate::support::Desk;

/// The shortest waits that are allowed: the clock is virtual, but the applications do call.
const SHORT_WAITS: &str = "[rotate]\nquiet_for = \"5h\"\ndelete_after = \"1d\"\n\n[[rotate.destination]]\n";

/// How a run of the binary ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum End {
    /// By itself, with this exit code.
    Exit(i32),
    /// It was killed.
    Killed,
}

pub(super) struct Scene {
    cloud: Cloud,
    proxy: Proxy,
    desk: Desk,
    kind: Kind,
    runs: Cell<u32>,
}

/// Which folder to look for changes in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Watched {
    /// The folder of the keys.
    Keys,
    /// The folder of the log of rotations.
    Log,
}

impl Scene {
    /// A new account, whose old key is at that kind of place.
    pub(super) fn set(kind: Kind, watched: Watched) -> Self {
        let cloud = Cloud::new();
        let mut desk = Desk::new();
        let folder = match watched {
            Watched::Keys => desk.path("keys"),
            Watched::Log => desk.path(".local/state/rotakey"),
        };
        let proxy = Proxy::start(cloud.address(), &folder);
        cloud.export_to(&mut desk, proxy.address());
        let scene = Self { cloud, proxy, desk, kind, runs: Cell::new(0) };
        fs::create_dir(scene.keys()).unwrap();
        let destination = kind.furnish(&scene.cloud, &scene.keys());
        scene.desk.write("rotakey.toml", format!("{SHORT_WAITS}{destination}"));
        scene.start_application("fresh", Duration::from_secs(60), Duration::ZERO);
        scene.start_application("caching", Duration::from_secs(300), Duration::from_secs(3600));
        scene
    }

    fn keys(&self) -> PathBuf {
        self.desk.path("keys")
    }

    fn start_application(&self, name: &str, every: Duration, cache_for: Duration) {
        let mut place = self.kind.place(&self.cloud, &self.keys());
        self.cloud.start_application(name, move |world: &World| place.look(world), every, cache_for);
    }

    /// Runs the binary to its end, or to where the trap kills it.
    pub(super) fn run(&self, arguments: &[&str], trap: Option<Trap>) -> End {
        let number = self.runs.get();
        self.runs.set(number + 1);
        let file = |stream: &str| File::create(self.desk.path(&format!("run-{number}.{stream}"))).unwrap();
        let mut command = self.desk.command(arguments);
        command.stdin(Stdio::null()).stdout(file("stdout")).stderr(file("stderr"));
        let child = self.proxy.set_trap(trap, || command.spawn().expect("the binary runs"));
        let status = loop {
            let ended = child.lock().unwrap().try_wait().unwrap();
            match ended {
                Some(status) => break status,
                // Real time: the binary is another process; and the lock must be free for whoever kills it.
                None => thread::sleep(Duration::from_millis(2)),
            }
        };
        self.proxy.disarm();
        status.code().map_or(End::Killed, End::Exit)
    }

    /// Runs the binary to its end, which must be a good one.
    pub(super) fn run_to_end(&self, arguments: &[&str]) {
        let end = self.run(arguments, None);
        assert_eq!(end, End::Exit(0), "{arguments:?}: {}", self.said());
    }

    /// The requests of the last run.
    pub(super) fn calls(&self) -> Vec<Call> {
        self.proxy.calls()
    }

    /// Nobody does anything for so long, but the applications.
    pub(super) fn pass(&self, span: SignedDuration) {
        self.cloud.simulation.advance_to(self.cloud.simulation.now() + span);
    }

    /// The state of the only rotation, as `rotate status` tells it; `None` if none was begun.
    pub(super) fn rotation(&self) -> Option<serde_json::Value> {
        let rotations = self.desk.run(&["rotate", "status", "--all", "--format", "json"]).json();
        let rotations = rotations.as_array().unwrap();
        assert!(rotations.len() < 2, "the user was rotated twice: {rotations:#?}");
        rotations.first().cloned()
    }

    /// Demands that the new key is in use, that nothing else is left, and that nobody noticed.
    #[track_caller]
    pub(super) fn assert_rotated(&self) {
        let rotation = self.rotation().expect("a rotation was begun");
        assert_eq!(rotation["state"], "rotated", "{}", self.said());
        self.assert_only_key(rotation["new_access_key_id"].as_str().unwrap());
        self.assert_whole();
    }

    /// Demands that the old key is in use, that nothing else is left, and that nobody noticed.
    #[track_caller]
    pub(super) fn assert_rolled_back(&self) {
        let rotation = self.rotation().expect("a rotation was begun");
        assert_eq!(rotation["state"], "rolled-back", "{}", self.said());
        self.assert_only_key(self.cloud.old.id.as_str());
        self.assert_whole();
    }

    /// Demands that this is the only key of the user, that it works, and that applications read and use it.
    #[track_caller]
    fn assert_only_key(&self, id: &str) {
        let keys = self.cloud.keys();
        let keys: Vec<_> = keys.iter().map(|key| (key.id.as_str(), key.status)).collect();
        assert_eq!(keys, [(id, KeyStatus::Active)], "an orphan is left, or a key is gone: {}", self.said());
        let mut place = self.kind.place(&self.cloud, &self.keys());
        let works = self.cloud.simulation.with_world(|world| {
            place.look(world).is_some_and(|pair| pair.id.as_str() == id && world.accepts(&pair, Service::S3))
        });
        assert!(works, "the secret of {id} is lost: {}", self.said());
        self.pass(SignedDuration::from_hours(2));
        for (name, record) in self.cloud.simulation.records() {
            assert_eq!(record.last_key.as_ref().map(|key| key.as_str()), Some(id), "{name}");
        }
    }

    /// Demands that no call of an application failed, that no secret was told, and that no file was left behind.
    #[track_caller]
    pub(super) fn assert_whole(&self) {
        for (name, record) in self.cloud.simulation.records() {
            assert!(record.calls > 0, "{name} never called");
            assert_eq!(record.failed, 0, "calls of {name}: {:?}\n{}", record.failures.first(), self.said());
        }
        let rotation = self.rotation().map(|rotation| rotation["rotation"].as_str().unwrap().to_owned());
        if let Some(rotation) = rotation {
            let log = self.desk.run(&["rotate", "log", &rotation, "--format", "json"]).exits(0);
            self.desk.write("log.stdout", log.stdout);
        }
        self.assert_no_secret_told();
        let mut files: Vec<_> = names(&self.keys());
        files.retain(|name| !self.kind.files().contains(&name.as_str()));
        assert!(files.is_empty(), "left behind: {files:?}");
    }

    /// Demands that no secret is in any file but the one that applications read: not in the log of rotations, not in
    /// what the runs said.
    #[track_caller]
    pub(super) fn assert_no_secret_told(&self) {
        let secrets = self.cloud.secrets_issued();
        assert!(secrets.len() >= 2, "the secrets that were issued are known");
        for path in files_below(&self.desk.path(".")) {
            if self.kind == Kind::CredentialsFile
                && path.parent().is_some_and(|folder| folder.ends_with("keys"))
            {
                continue;
            }
            // A file of SQLite may go at any time.
            let Ok(bytes) = fs::read(&path) else { continue };
            let told = secrets.iter().any(|secret| memchr::memmem::find(&bytes, secret.as_bytes()).is_some());
            assert!(!told, "a secret is in {}", path.display());
        }
    }

    /// What all runs said on standard error, to explain a failure.
    fn said(&self) -> String {
        let said = (0..self.runs.get()).map(|number| {
            let text =
                fs::read_to_string(self.desk.path(&format!("run-{number}.stderr"))).unwrap_or_default();
            format!("\n--- run {number}\n{text}")
        });
        said.collect()
    }

    /// Looks at the place without a pause until it is dropped, as fast as an application can.
    pub(super) fn watch(&self) -> Watcher {
        let (stop, looks) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicU64::new(0)));
        let mut place = self.kind.place(&self.cloud, &self.keys());
        let (simulation, stopped, counted) = (self.cloud.simulation.clone(), stop.clone(), looks.clone());
        let thread = thread::spawn(move || {
            while !stopped.load(Ordering::Relaxed) {
                // While the world is held, no time passes between the look and the use.
                let works = simulation.with_world(|world| {
                    place.look(world).is_some_and(|pair| world.accepts(&pair, Service::S3))
                });
                assert!(works, "an application found no key that works");
                counted.fetch_add(1, Ordering::Relaxed);
                // Real time: the application reads while another process writes.
                thread::sleep(Duration::from_micros(200));
            }
        });
        Watcher { stop, looks, thread }
    }
}

/// An application that does nothing but look.
pub(super) struct Watcher {
    stop: Arc<AtomicBool>,
    looks: Arc<AtomicU64>,
    thread: JoinHandle<()>,
}

impl Watcher {
    /// Demands that every look found a key that works.
    #[track_caller]
    pub(super) fn assert_always_found(self) {
        self.stop.store(true, Ordering::Relaxed);
        self.thread.join().expect("every look found a key that works");
        assert!(self.looks.load(Ordering::Relaxed) > 0, "nobody looked");
    }
}

fn names(folder: &Path) -> Vec<String> {
    let entries = fs::read_dir(folder).unwrap();
    entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect()
}

fn files_below(folder: &Path) -> Vec<PathBuf> {
    let mut files = Vec::new();
    for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
        let path = entry.path();
        if path.is_dir() { files.extend(files_below(&path)) } else { files.push(path) }
    }
    files
}
