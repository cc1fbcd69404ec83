//! A process and whom its signals reach: a group of its own, children included, or it alone where it shares ours.

use std::io;
use std::process::ExitStatus;

use tokio::process::{Child, Command};

use super::relay::Signal;

/// A process that runs. Dropping it kills it.
pub(super) struct Process {
    child: Child,
    /// Whether it leads a group of its own.
    leads: bool,
}

impl Process {
    /// Starts it, where wanted as the leader of a group of its own. Consoles know no groups.
    pub(super) fn start(mut command: Command, leads: bool) -> io::Result<Self> {
        #[cfg(unix)]
        if leads {
            command.process_group(0);
        }
        Ok(Self { child: command.kill_on_drop(true).spawn()?, leads })
    }

    pub(super) fn leads(&self) -> bool {
        self.leads
    }

    /// Cancelling it loses nothing.
    pub(super) async fn ended(&mut self) -> io::Result<ExitStatus> {
        self.child.wait().await
    }
}

#[cfg(unix)]
mod signals {
    use rustix::process::{Pid, Signal as Number, kill_process, kill_process_group};

    use super::{ExitStatus, Process, Signal, io};

    impl Process {
        /// Sends a signal. One that has just ended needs none.
        pub(crate) fn send(&mut self, signal: Signal) {
            self.reach(match signal {
                Signal::Interrupt => Number::INT,
                Signal::Terminate => Number::TERM,
                Signal::HangUp => Number::HUP,
            });
            if self.leads {
                // Shells continue a group of theirs that was stopped, as for reading the terminal, before they end it. This
                // one they do not know.
                self.reach(Number::CONT);
            }
        }

        /// Ends it, and its children as far as signals reach them.
        pub(crate) async fn kill(&mut self) -> io::Result<ExitStatus> {
            self.reach(Number::KILL);
            self.child.wait().await
        }

        fn reach(&mut self, number: Number) {
            // It has an id until its end is known: until then nobody else gets that.
            let pid = self.child.id().and_then(|id| i32::try_from(id).ok()).and_then(Pid::from_raw);
            let Some(pid) = pid else { return };
            let _ = if self.leads { kill_process_group(pid, number) } else { kill_process(pid, number) };
        }
    }
}

#[cfg(not(unix))]
mod signals {
    use super::{ExitStatus, Process, Signal, io};

    impl Process {
        /// A console brings Ctrl-C to each program by itself, and nothing else asks one to end.
        pub(crate) fn send(&mut self, signal: Signal) {
            if signal == Signal::Terminate {
                let _ = self.child.start_kill();
            }
        }

        pub(crate) async fn kill(&mut self) -> io::Result<ExitStatus> {
            self.child.start_kill()?;
            self.child.wait().await
        }
    }
}
