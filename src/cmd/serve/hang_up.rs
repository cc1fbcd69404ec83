//! SIGHUP: files are to be read again. Where it only says that the terminal is gone, as when its window is closed, the server
//! ends, as any command does.

use std::convert::Infallible;

use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

use crate::cmd::exit::Failure;

#[cfg(unix)]
pub(super) struct HangUp {
    signal: tokio::signal::unix::Signal,
    /// Whether there was a terminal.
    had_terminal: bool,
}

#[cfg(unix)]
impl HangUp {
    /// Takes over SIGHUP.
    pub(super) fn catch() -> Result<Self, Failure> {
        use anyhow::Context as _;
        use tokio::signal::unix::{SignalKind, signal};
        let signal = signal(SignalKind::hangup()).context("cannot catch signals")?;
        Ok(Self { signal, had_terminal: has_terminal() })
    }

    /// Asks for files to be read again at each signal, for as long as it is not cancelled.
    pub(super) async fn relay(mut self, again: watch::Sender<()>, shutdown: CancellationToken) -> Infallible {
        loop {
            if self.signal.recv().await.is_none() {
                return std::future::pending().await;
            }
            if self.had_terminal && !has_terminal() {
                shutdown.cancel();
            }
            again.send_replace(());
        }
    }
}

/// One that has hung up is none any more.
#[cfg(unix)]
fn has_terminal() -> bool {
    use std::io::IsTerminal as _;
    std::io::stderr().is_terminal()
}

#[cfg(not(unix))]
pub(super) struct HangUp;

#[cfg(not(unix))]
impl HangUp {
    /// There is no such signal.
    #[expect(clippy::unnecessary_wraps, reason = "elsewhere it may fail")]
    pub(super) fn catch() -> Result<Self, Failure> {
        Ok(Self)
    }

    pub(super) async fn relay(self, _again: watch::Sender<()>, _shutdown: CancellationToken) -> Infallible {
        std::future::pending().await
    }
}
