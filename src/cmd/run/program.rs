//! The program that `run` runs: started, told of signals, watched until something listens on its port, ended. Knows no
//! tunnel.

use std::io;
use std::process::ExitStatus;
use std::time::Duration;

use anyhow::Context as _;
use tokio::net::TcpStream;
use tokio::time::{Instant, sleep, timeout};

use super::process::Process;
use super::relay::{Relay, Signal};
use super::terminal::is_in_front;
use crate::cmd::exit::{Exit, Failure, reason};
use crate::cmd::output::{say, warn};

/// How often it is looked whether something listens on its port.
const LOOK: Duration = Duration::from_millis(100);

/// After how long without that somebody is told.
const PATIENCE: Duration = Duration::from_secs(30);

/// How long it may take to end once it is asked to.
const FAREWELL: Duration = Duration::from_secs(5);

/// What is run.
#[derive(Debug)]
pub(super) struct Command {
    pub(super) program: String,
    pub(super) arguments: Vec<String>,
    /// The public URL, what of its path requests still have, that path, and the port.
    pub(super) variables: [(String, String); 4],
    /// Where it is to listen.
    pub(super) port: u16,
}

impl Command {
    /// Has it be told of a host of its own, where no path stands before the program's.
    pub(super) fn be_at(&mut self, url: String) {
        let [public, prefix, path, _] = &mut self.variables;
        public.1 = url;
        prefix.1.clear();
        path.1.clear();
    }

    /// How it ends where a signal comes before it is started: nobody may take that for a success of the program.
    pub(super) fn unstarted(&self, signal: Signal) -> Failure {
        let sentence =
            format!("`{}` was not started, for {} came before the tunnel stood", self.program, signal.name());
        Failure::new(Exit::Program(128 + signal.number()), sentence)
    }
}

/// A program that runs. Dropping it kills it.
pub(super) struct Program<'a> {
    command: &'a Command,
    process: Process,
    started: Instant,
    port: Port,
    /// The last signal that it has had by our knowledge, which may be why it ends.
    signal: Option<Signal>,
}

/// What is known of its port.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Port {
    Closed,
    /// And it was told that this takes long.
    Missed,
    Open,
}

impl<'a> Program<'a> {
    /// Starts it. Where we are in front on a terminal it shares our process group: what is pressed there reaches it as well.
    /// Elsewhere it has one of its own, so that signals reach all that it starts.
    pub(super) fn start(command: &'a Command) -> Result<Self, Failure> {
        let mut child = tokio::process::Command::new(&command.program);
        child.args(&command.arguments).envs(command.variables.iter().cloned());
        let process = Process::start(child, !is_in_front()).map_err(|cause| {
            let exit = if cause.kind() == io::ErrorKind::NotFound { Exit::NotFound } else { Exit::NotExecutable };
            Failure::new(exit, format!("cannot start `{}`: {}", command.program, reason(&cause)))
        })?;
        Ok(Self { command, process, started: Instant::now(), port: Port::Closed, signal: None })
    }

    /// Waits for its end, and tells once when something listens on its port. Its exit code becomes ours. Cancelling it loses
    /// nothing.
    pub(super) async fn ended(&mut self) -> Result<(), Failure> {
        loop {
            tokio::select! {
                status = self.process.ended() => return self.outcome(status.context("its end is not known")?),
                () = sleep(LOOK), if self.port != Port::Open => self.look().await,
            }
        }
    }

    /// Looks whether something listens there. The system answers at once, for this machine.
    async fn look(&mut self) {
        let port = self.command.port;
        if let Ok(Ok(_)) = timeout(LOOK, TcpStream::connect(("localhost", port))).await {
            self.port = Port::Open;
            say(format_args!("`{}` listens on port {port}", self.command.program));
        } else if self.port == Port::Closed && self.started.elapsed() > PATIENCE {
            self.port = Port::Missed;
            warn(format_args!(
                "nothing listens on port {port} yet; `{}` is to take the one in its environment",
                self.command.program
            ));
        }
    }

    fn outcome(&self, status: ExitStatus) -> Result<(), Failure> {
        let code = code(status);
        let early = self.port != Port::Open && self.signal.is_none();
        let sentence = format!(
            "`{}` ended with exit code {code} before anything listened on port {}",
            self.command.program, self.command.port
        );
        match code {
            0 => {
                if early {
                    warn(sentence);
                }
                Ok(())
            }
            code if early => Err(Failure::new(Exit::Program(code), sentence)),
            code => Err(Failure::new(Exit::Program(code), "")),
        }
    }

    /// Sends a signal on to it, unless it has it already: the terminal brings Ctrl-C to all that are in front on it, and
    /// many programs take a second one for the wish to end at once.
    pub(super) fn pass_on(&mut self, signal: Signal) {
        let is_first = self.signal.replace(signal).is_none();
        let has_it = signal == Signal::Interrupt && is_first && !self.process.leads() && is_in_front();
        if !has_it {
            self.process.send(signal);
        }
    }

    /// Asks it to end, and kills it where it has not within 5 s, or when a signal comes.
    pub(super) async fn end(mut self, relay: &mut Relay) -> Result<(), Failure> {
        self.process.send(Signal::Terminate);
        tokio::select! {
            ended = timeout(FAREWELL, self.process.ended()) => match ended {
                Ok(_) => return Ok(()),
                Err(_) => warn(format_args!("`{}` has not ended within 5 s, and is killed", self.command.program)),
            },
            _ = relay.next() => {}
        }
        self.process.kill().await.context("the program cannot be ended").map_err(Failure::from)
    }
}

/// As shells have it.
fn code(status: ExitStatus) -> u8 {
    #[cfg(unix)]
    let signal = std::os::unix::process::ExitStatusExt::signal(&status);
    #[cfg(not(unix))]
    let signal = None;
    let code = status.code().or(signal.map(|signal: i32| 128 + signal)).unwrap_or(1);
    // Where a system has larger ones, what is lost must not make a success of a failure.
    u8::try_from(code).unwrap_or(1)
}

#[cfg(all(test, unix))]
mod tests {
    use std::os::unix::process::ExitStatusExt as _;

    use super::*;

    #[test]
    fn codes_are_those_that_shells_give() {
        // A status has the code in its second byte, and the signal in its first. (wait(2))
        for (status, expected) in [(0, 0), (3 << 8, 3), (255 << 8, 255), (15, 143), (9, 137)] {
            assert_eq!(code(ExitStatus::from_raw(status)), expected, "{status}");
        }
    }
}
