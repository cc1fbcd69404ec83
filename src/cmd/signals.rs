//! Signals: the first asks a command to stop, the second ends it. Knows no command.

use std::io;
use std::time::Duration;

use anyhow::Context as _;
use tokio::time::sleep;
use tokio_util::sync::CancellationToken;

use super::exit::{Exit, Failure};
use super::output::say;

/// Who has nothing to wait for has stopped by then: to say good-bye to all carriers takes half a second.
const WAITS: Duration = Duration::from_secs(2);

/// What turns signals into a [`CancellationToken`]. From its creation on, a signal no longer kills the process: so it
/// is made before anything is told to the outside that could bring one.
pub(crate) struct Signals {
    source: Source,
    shutdown: CancellationToken,
}

impl Signals {
    /// Takes over SIGINT and SIGTERM, or Ctrl-C on Windows.
    pub(crate) fn catch() -> Result<Self, Failure> {
        let source = Source::new().context("cannot catch signals")?;
        Ok(Self { source, shutdown: CancellationToken::new() })
    }

    /// Is cancelled by the first signal.
    pub(crate) fn shutdown(&self) -> CancellationToken {
        self.shutdown.clone()
    }

    /// Waits for `work`, which ends by itself after [`Self::shutdown`] is cancelled, and at the latest for the second
    /// signal, which drops it. `waiting` says what is waited for between the two, where that takes long enough that
    /// somebody may want to know. Cancelling this drops `work`.
    pub(crate) async fn guard<T>(
        self,
        waiting: impl Fn() -> &'static str,
        work: impl Future<Output = Result<T, Failure>>,
    ) -> Result<T, Failure> {
        tokio::select! {
            result = work => result,
            failure = self.watch(waiting) => Err(failure),
        }
    }

    async fn watch(mut self, waiting: impl Fn() -> &'static str) -> Failure {
        self.source.next().await;
        say("stopping; a second signal ends at once");
        self.shutdown.cancel();
        let second = self.source.next();
        let told = async {
            sleep(WAITS).await;
            say(waiting());
            std::future::pending::<()>().await;
        };
        tokio::select! {
            () = second => {}
            () = told => {}
        }
        Failure::new(Exit::Interrupted, "ended by a second signal")
    }
}

#[cfg(unix)]
struct Source {
    interrupt: tokio::signal::unix::Signal,
    terminate: tokio::signal::unix::Signal,
}

#[cfg(unix)]
impl Source {
    fn new() -> io::Result<Self> {
        use tokio::signal::unix::{SignalKind, signal};
        Ok(Self { interrupt: signal(SignalKind::interrupt())?, terminate: signal(SignalKind::terminate())? })
    }

    async fn next(&mut self) {
        tokio::select! {
            _ = self.interrupt.recv() => (),
            _ = self.terminate.recv() => (),
        }
    }
}

#[cfg(windows)]
struct Source(tokio::signal::windows::CtrlC);

#[cfg(windows)]
impl Source {
    fn new() -> io::Result<Self> {
        tokio::signal::windows::ctrl_c().map(Self)
    }

    async fn next(&mut self) {
        self.0.recv().await;
    }
}
