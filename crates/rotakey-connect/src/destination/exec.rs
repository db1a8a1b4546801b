//! A program of the user's own, spoken to on its standard input: see [`hook`](super::hook).

use std::process::Stdio;
use std::time::Duration;

use async_trait::async_trait;
use rotakey_core::destination::{self as specs};
use rotakey_core::secret::Secret;
use rotakey_engine::port::{PortError, PortErrorKind};
use rustix::process::{Pid, Signal, kill_process_group};
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWriteExt as _};
use tokio::process::Command;

use crate::destination::hook::{HookDestination, LONGEST_ANSWER, Operation, Reply, Transport, told};

/// How long a program may take unless something else is configured.
const PATIENCE: u32 = 30;

/// The longest that can be configured: two calls must end within the time that an effect has.
const LONGEST_PATIENCE: u32 = 50;

/// How much of what it complains about is kept, in bytes.
const LONGEST_COMPLAINT: usize = 8 << 10;

pub(super) struct Exec {
    spec: specs::Exec,
    patience: Duration,
}

impl Exec {
    pub(super) fn open(spec: &specs::Exec) -> Result<HookDestination<Self>, PortError> {
        let invalid = |why: String| PortError::new(PortErrorKind::Invalid, format!("open exec:{spec}"), why);
        if spec.command.first().is_none_or(String::is_empty) {
            return Err(invalid("no program is named".to_owned()));
        }
        let seconds = spec.timeout_seconds.unwrap_or(PATIENCE);
        if !(1..=LONGEST_PATIENCE).contains(&seconds) {
            return Err(invalid(format!("timeout_seconds = {seconds}: from 1 to {LONGEST_PATIENCE}")));
        }
        let transport = Self { spec: spec.clone(), patience: Duration::from_secs(seconds.into()) };
        Ok(HookDestination { transport, place: spec.name.clone() })
    }
}

/// A program and all that it started. They end with this value.
struct Group(Option<Pid>);

impl Drop for Group {
    fn drop(&mut self) {
        if let Some(leader) = self.0 {
            // Nobody is left in it if all went well.
            let _gone = kill_process_group(leader, Signal::KILL);
        }
    }
}

#[async_trait]
impl Transport for Exec {
    fn name(&self) -> String {
        format!("exec:{}", self.spec)
    }

    async fn send(
        &self,
        operation: Operation,
        body: &[u8],
        secret: Option<&Secret>,
    ) -> Result<Reply, PortError> {
        let failed = |kind, why: String| {
            PortError::new(kind, format!("{} {}", operation.as_str(), self.name()), told(&why, secret))
        };
        let (program, arguments) =
            self.spec.command.split_first().expect("it was looked at when it was opened");
        let mut child = Command::new(program)
            .args(arguments)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .process_group(0)
            .kill_on_drop(true)
            .spawn()
            .map_err(|error| {
                let kind = match error.kind() {
                    std::io::ErrorKind::PermissionDenied => PortErrorKind::Denied,
                    _ => PortErrorKind::Invalid,
                };
                failed(kind, format!("it cannot be started: {error}"))
            })?;
        let leader = child.id().and_then(|id| i32::try_from(id).ok()).and_then(Pid::from_raw);
        let group = Group(leader);
        let mut stdin = child.stdin.take().expect("standard input was piped");
        let stdout = child.stdout.take().expect("standard output was piped");
        let stderr = child.stderr.take().expect("standard error was piped");
        let write = async {
            // A program that does not read is no failure: its answer counts.
            let _unread = stdin.write_all(body).await;
            drop(stdin);
        };
        let wait = async {
            let status = child.wait().await;
            // What it left running would keep the pipes open.
            drop(group);
            status
        };
        let talk = async {
            tokio::join!(write, read(stdout, LONGEST_ANSWER), read(stderr, LONGEST_COMPLAINT), wait)
        };
        let ((), answer, complaint, status) =
            tokio::time::timeout(self.patience, talk).await.map_err(|_| {
                let why = format!("it took longer than {} s and was stopped", self.patience.as_secs());
                failed(PortErrorKind::Ambiguous, why)
            })?;
        let status = status.map_err(|error| failed(PortErrorKind::Ambiguous, error.to_string()))?;
        if answer.len() > LONGEST_ANSWER {
            let why = format!("it wrote more than {LONGEST_ANSWER} bytes");
            return Ok(Reply { body: Vec::new(), failure: Some(why) });
        }
        let failure = (!status.success()).then(|| {
            let complaint = String::from_utf8_lossy(&complaint);
            let last =
                complaint.lines().rev().find(|line| !line.trim().is_empty()).unwrap_or("without a word");
            format!("{status}: {last}")
        });
        Ok(Reply { body: answer, failure })
    }
}

/// All that comes, of which one byte more than the limit is kept. The rest is read, so that the other side never
/// waits.
async fn read(mut stream: impl AsyncRead + Unpin, limit: usize) -> Vec<u8> {
    let mut kept = Vec::new();
    let mut buffer = [0; 4096];
    while let Ok(count @ 1..) = stream.read(&mut buffer).await {
        let room = (limit + 1).saturating_sub(kept.len());
        kept.extend_from_slice(&buffer[..count.min(room)]);
    }
    kept
}
