//! When the process is told to end.

use tokio::signal::unix::{Signal, SignalKind, signal};

/// Ctrl-C, and the signal by which a machine or a script ends a process. From now on neither does so by itself.
pub(crate) struct End {
    interrupt: Signal,
    terminate: Signal,
}

impl End {
    /// Listens from now on.
    pub(crate) fn listen() -> std::io::Result<Self> {
        Ok(Self { interrupt: signal(SignalKind::interrupt())?, terminate: signal(SignalKind::terminate())? })
    }

    /// Returns when one of them has come. Can be dropped and called again: none is missed.
    pub(crate) async fn told(&mut self) {
        tokio::select! {
            _ = self.interrupt.recv() => {}
            _ = self.terminate.recv() => {}
        }
    }
}
