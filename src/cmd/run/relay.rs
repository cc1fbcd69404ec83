//! The signals that `run` passes on to its program.

use anyhow::Context as _;

use crate::cmd::exit::Failure;

/// What can be passed on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Signal {
    Interrupt,
    Terminate,
    #[cfg(unix)]
    HangUp,
}

impl Signal {
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Interrupt => "SIGINT",
            Self::Terminate => "SIGTERM",
            #[cfg(unix)]
            Self::HangUp => "SIGHUP",
        }
    }

    /// The same everywhere. (POSIX, kill)
    pub(super) fn number(self) -> u8 {
        match self {
            Self::Interrupt => 2,
            Self::Terminate => 15,
            #[cfg(unix)]
            Self::HangUp => 1,
        }
    }
}

/// Where they come from. From its creation on none of them ends this process. What is ignored at that time stays so, here
/// and for the program, which gets it from us.
#[cfg(unix)]
pub(super) struct Relay {
    interrupt: Caught,
    terminate: Caught,
    hang_up: Caught,
}

#[cfg(unix)]
type Caught = Option<tokio::signal::unix::Signal>;

#[cfg(unix)]
impl Relay {
    pub(super) fn catch() -> Result<Self, Failure> {
        let ignored = super::ignored::Ignored::by_this_process();
        let catch = |signal: Signal| {
            let kind = i32::from(signal.number()).into();
            let caught = (!ignored.has(signal.number())).then(|| tokio::signal::unix::signal(kind));
            caught.transpose().context("cannot catch signals")
        };
        Ok(Self {
            interrupt: catch(Signal::Interrupt)?,
            terminate: catch(Signal::Terminate)?,
            hang_up: catch(Signal::HangUp)?,
        })
    }

    /// Cancelling it loses nothing.
    pub(super) async fn next(&mut self) -> Signal {
        tokio::select! {
            () = came(&mut self.interrupt) => Signal::Interrupt,
            () = came(&mut self.terminate) => Signal::Terminate,
            () = came(&mut self.hang_up) => Signal::HangUp,
        }
    }
}

#[cfg(unix)]
async fn came(caught: &mut Caught) {
    match caught {
        Some(caught) => drop(caught.recv().await),
        None => std::future::pending().await,
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
