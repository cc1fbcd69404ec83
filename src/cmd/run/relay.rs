//! The signals that `run` passes on to its program.

use anyhow::Context as _;
use tokio::process::Child;

use crate::cmd::exit::Failure;

/// What can be passed on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Signal {
    Interrupt,
    Terminate,
    #[cfg(unix)]
    HangUp,
}

/// Where they come from. From its creation on none of them ends this process.
#[cfg(unix)]
pub(super) struct Relay {
    interrupt: tokio::signal::unix::Signal,
    terminate: tokio::signal::unix::Signal,
    hang_up: tokio::signal::unix::Signal,
}

#[cfg(unix)]
impl Relay {
    pub(super) fn catch() -> Result<Self, Failure> {
        use tokio::signal::unix::{SignalKind, signal};
        let catch = |kind| signal(kind).context("cannot catch signals");
        Ok(Self {
            interrupt: catch(SignalKind::interrupt())?,
            terminate: catch(SignalKind::terminate())?,
            hang_up: catch(SignalKind::hangup())?,
        })
    }

    pub(super) async fn next(&mut self) -> Signal {
        tokio::select! {
            _ = self.interrupt.recv() => Signal::Interrupt,
            _ = self.terminate.recv() => Signal::Terminate,
            _ = self.hang_up.recv() => Signal::HangUp,
        }
    }
}

#[cfg(not(unix))]
pub(super) struct Relay(tokio::signal::windows::CtrlC);

#[cfg(not(unix))]
impl Relay {
    pub(super) fn catch() -> Result<Self, Failure> {
        Ok(Self(tokio::signal::windows::ctrl_c().context("cannot catch signals")?))
    }

    pub(super) async fn next(&mut self) -> Signal {
        self.0.recv().await;
        Signal::Interrupt
    }
}

/// Sends it to a program. One that has just ended needs none.
#[cfg(unix)]
pub(super) fn send(child: &mut Child, signal: Signal) {
    use rustix::process::{Pid, Signal as Number, kill_process};
    let number = match signal {
        Signal::Interrupt => Number::INT,
        Signal::Terminate => Number::TERM,
        Signal::HangUp => Number::HUP,
    };
    let pid = child.id().and_then(|id| i32::try_from(id).ok()).and_then(Pid::from_raw);
    if let Some(pid) = pid {
        let _ = kill_process(pid, number);
    }
}

/// A console brings Ctrl-C to each program by itself, and nothing else asks one to end.
#[cfg(not(unix))]
pub(super) fn send(child: &mut Child, signal: Signal) {
    if signal == Signal::Terminate {
        let _ = child.start_kill();
    }
}
