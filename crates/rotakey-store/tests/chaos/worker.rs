//! The workers: processes that tick again and again, and whoever makes trouble for them.

use std::fmt;
use std::io::{BufRead as _, BufReader, Write as _};
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Instant;

use jiff::{SignedDuration, Timestamp};
use rotakey_engine::driver::{Engine, Ports};
use rotakey_engine::port::{Account, Clock as _, NoChecks, OneAccount};
use rotakey_sim::random::Random;
use rustix::process::{Pid, Signal, kill_process};
use tokio::sync::watch;

use crate::call::Call;
use crate::database::{self, Database};
use crate::proxy::Proxy;
use crate::remote::Remote;
use crate::scene::Scene;
use crate::{BEAT, VIRTUAL_PER_REAL};

const WIRE: &str = "ROTAKEY_CHAOS_WIRE";
const DATABASE: &str = "ROTAKEY_CHAOS_DATABASE";
const ACCOUNT: &str = "ROTAKEY_CHAOS_ACCOUNT";

/// How long a worker rests when there is nothing to do: others may begin something.
const REST: SignedDuration = SignedDuration::from_mins(30);

/// What a worker does, in a process of its own, until the test ends.
pub(crate) fn work() {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let variable = |name| std::env::var(name).unwrap();
        let wire: SocketAddr = variable(WIRE).parse().unwrap();
        let mut calls = TcpStream::connect(wire).unwrap();
        calls.set_nodelay(true).unwrap();
        calls.write_all(b"calls\n").unwrap();
        let mut clock = TcpStream::connect(wire).unwrap();
        clock.write_all(b"clock\n").unwrap();
        let (tell, heard) = watch::channel(Timestamp::UNIX_EPOCH);
        thread::spawn(move || {
            for line in BufReader::new(clock).lines().map_while(Result::ok) {
                tell.send_replace(line.parse().unwrap());
            }
            std::process::exit(0);
        });
        let remote = Remote { wire: Arc::new(Mutex::new(BufReader::new(calls))), heard };
        let store = loop {
            match database::open(&variable(DATABASE)).await {
                Ok(store) => break store,
                // Out of reach. A supervisor would start the worker again.
                Err(_) => remote.sleep_until(remote.now() + SignedDuration::from_secs(1)).await,
            }
        };
        let account = Account { iam: &remote, probe: &remote, usage: None };
        let accounts = OneAccount { id: variable(ACCOUNT).parse().unwrap(), account };
        let ports = Ports {
            accounts: &accounts,
            destinations: &remote,
            checks: &NoChecks,
            store: &store,
            clock: &remote,
        };
        let engine =
            Engine::new(ports, format!("worker-{}", std::process::id()).parse().unwrap(), &|_, _| {});
        loop {
            match engine.tick().await {
                Ok(tick) => {
                    let rest = remote.now() + REST;
                    remote.rest(tick.outlook.next.map_or(rest, |next| next.min(rest))).await;
                }
                Err(_) => remote.sleep_until(remote.now() + SignedDuration::from_secs(1)).await,
            }
        }
    });
}

/// All workers, each at its post.
pub(crate) struct Crew<'a> {
    scene: &'a Scene,
    posts: Vec<Post>,
    moved_at: Instant,
    mischief: Mischief,
}

/// A worker, and its way to the database.
struct Post {
    url: String,
    proxy: Proxy,
    desk: Arc<Desk>,
    process: Child,
    /// And until when.
    trouble: Option<(Trouble, Timestamp)>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Trouble {
    Killed,
    Stopped,
    CutOff,
}

/// What the test knows of a worker.
#[derive(Default)]
struct Desk {
    idle_until: Mutex<Option<Timestamp>>,
    clocks: Mutex<Vec<TcpStream>>,
}

/// How often each kind of trouble was made.
#[derive(Default)]
pub(crate) struct Mischief {
    killed: u32,
    stopped: u32,
    cut_off: u32,
}

impl Mischief {
    pub(crate) fn is_of_every_kind(&self) -> bool {
        self.killed > 0 && self.stopped > 0 && self.cut_off > 0
    }
}

impl fmt::Display for Mischief {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { killed, stopped, cut_off } = self;
        write!(f, "workers were killed {killed} times, stopped {stopped} times, cut off {cut_off} times")
    }
}

impl<'a> Crew<'a> {
    pub(crate) fn hire(scene: &'a Scene, database: &Database, workers: usize) -> Self {
        let post = |_| {
            let proxy = Proxy::start(database.address());
            let url = database.url_at(proxy.address());
            let (desk, process) = start(scene, &url);
            Post { url, proxy, desk, process, trouble: None }
        };
        Self {
            scene,
            posts: (0..workers).map(post).collect(),
            moved_at: Instant::now(),
            mischief: Mischief::default(),
        }
    }

    /// Moves the clock: steadily while somebody is at work (but more slowly where the machine is slow), and when all
    /// rest, to where the first of them or `planned` goes on. Ends the trouble that has lasted long enough.
    pub(crate) fn pass_time(&mut self, planned: Option<Timestamp>) {
        let elapsed = self.moved_at.elapsed();
        self.moved_at += elapsed;
        let elapsed = elapsed.min(2 * BEAT);
        let now = self.scene.now();
        let running = self
            .posts
            .iter()
            .filter(|post| !matches!(post.trouble, Some((Trouble::Stopped | Trouble::Killed, _))));
        let rests: Option<Vec<_>> =
            running.map(|post| post.desk.idle_until.lock().unwrap().filter(|until| *until > now)).collect();
        let next = rests.and_then(|rests| rests.into_iter().chain(planned).min());
        let steadily = now + SignedDuration::try_from(elapsed * VIRTUAL_PER_REAL).unwrap();
        self.scene.advance_to(next.unwrap_or(steadily).max(steadily));
        let now = format!("{}\n", self.scene.now());
        for post in &mut self.posts {
            let mut clocks = post.desk.clocks.lock().unwrap();
            clocks.retain_mut(|clock| clock.write_all(now.as_bytes()).is_ok());
        }
        self.end_trouble();
    }

    fn end_trouble(&mut self) {
        let now = self.scene.now();
        for post in &mut self.posts {
            let Some((trouble, _)) = post.trouble.filter(|(_, until)| *until <= now) else {
                continue;
            };
            post.trouble = None;
            match trouble {
                Trouble::Killed => (post.desk, post.process) = start(self.scene, &post.url),
                Trouble::Stopped => post.signal(Signal::CONT),
                Trouble::CutOff => post.proxy.mend(),
            }
        }
    }

    /// Makes trouble for somebody who has none.
    pub(crate) fn do_mischief(&mut self, random: &mut Random) {
        let choice = usize::try_from(random.below(self.posts.len() as u64)).unwrap();
        let kind = *random.pick(&[Trouble::Killed, Trouble::Stopped, Trouble::CutOff]);
        let post = &mut self.posts[choice];
        assert!(post.is_alive(), "a worker ended by itself");
        if post.trouble.is_some() {
            return;
        }
        // In seconds. A stop is longer than a lease, and than an effect may take.
        let (least, more) = match kind {
            Trouble::Killed => (0, 90),
            Trouble::Stopped => (240, 240),
            Trouble::CutOff => (10, 180),
        };
        match kind {
            Trouble::Killed => {
                self.mischief.killed += 1;
                post.process.kill().unwrap();
                post.process.wait().unwrap();
            }
            Trouble::Stopped => {
                self.mischief.stopped += 1;
                post.signal(Signal::STOP);
            }
            Trouble::CutOff => {
                self.mischief.cut_off += 1;
                post.proxy.cut();
            }
        }
        let span = i64::try_from(least + random.below(more)).unwrap();
        post.trouble = Some((kind, self.scene.now() + SignedDuration::from_secs(span)));
    }

    /// Ends all, and says what befell them.
    pub(crate) fn dismiss(mut self) -> Mischief {
        std::mem::take(&mut self.mischief)
    }
}

impl Drop for Crew<'_> {
    fn drop(&mut self) {
        for post in &mut self.posts {
            // Who was killed before has ended already.
            let _ = post.process.kill();
            let _ = post.process.wait();
        }
    }
}

impl Post {
    fn signal(&self, signal: Signal) {
        let process = Pid::from_child(&self.process);
        kill_process(process, signal).unwrap();
    }

    fn is_alive(&mut self) -> bool {
        let is_killed = matches!(self.trouble, Some((Trouble::Killed, _)));
        is_killed || self.process.try_wait().unwrap().is_none()
    }
}

/// Starts a worker, and answers it.
fn start(scene: &Scene, database: &str) -> (Arc<Desk>, Child) {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    let process = Command::new(std::env::current_exe().unwrap())
        .args(["work_as_a_process_of_its_own", "--exact", "--ignored", "--nocapture"])
        .env(WIRE, listener.local_addr().unwrap().to_string())
        .env(DATABASE, database)
        .env(ACCOUNT, scene.account.to_string())
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .spawn()
        .unwrap();
    let desk = Arc::new(Desk::default());
    let (scene, shared) = (scene.clone(), desk.clone());
    thread::spawn(move || {
        // A worker makes two connections, unless it is killed before.
        for connection in listener.incoming().flatten().take(2) {
            let (scene, desk) = (scene.clone(), shared.clone());
            thread::spawn(move || serve(connection, &scene, &desk));
        }
    });
    (desk, process)
}

fn serve(connection: TcpStream, scene: &Scene, desk: &Desk) {
    connection.set_nodelay(true).unwrap();
    let mut lines = BufReader::new(connection.try_clone().unwrap()).lines().map_while(Result::ok);
    match lines.next().as_deref() {
        Some("clock") => desk.clocks.lock().unwrap().push(connection),
        Some("calls") => {
            let mut connection = connection;
            for line in lines {
                let call: Call = serde_json::from_str(&line).unwrap();
                *desk.idle_until.lock().unwrap() = match call {
                    Call::Idle(until) => Some(until),
                    _ => None,
                };
                let answer = scene.answer(call) + "\n";
                if connection.write_all(answer.as_bytes()).is_err() {
                    return;
                }
            }
        }
        _ => {}
    }
}
