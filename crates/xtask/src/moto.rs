//! moto's server: the other double of AWS, which the tests compare our own with.

use std::path::Path;
use std::process::Command;

use crate::failure::{Failure, While as _};
use crate::process::Running;

/// A server of moto on the loopback interface, which ends with this value.
pub(crate) struct Server {
    port: u16,
    _process: Running,
}

impl Server {
    /// Starts a server on a free port and waits until it answers.
    ///
    /// `python` is an interpreter that has moto installed.
    pub(crate) fn start(python: &Path) -> Result<Self, Failure> {
        let mut command = Command::new(python);
        command.args(["-c", include_str!("../bench/moto_server.py")]);
        // Without this, attaching a managed policy of AWS fails for lack of the policy.
        command.env("MOTO_IAM_LOAD_MANAGED_POLICIES", "true");
        let mut process = Running::start(&mut command)?;
        let port = process.next_line()?.parse().could_not("read the port of moto's server")?;
        Ok(Self { port, _process: process })
    }

    /// Where it listens, such as `http://127.0.0.1:5000`.
    pub(crate) fn url(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }
}
