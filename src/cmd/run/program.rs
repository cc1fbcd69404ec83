//! The program that `run` runs: started, told of signals, watched until something listens on its port, ended. Knows no
//! tunnel.

use std::io;
use std::process::ExitStatus;
use std::time::Duration;

use anyhow::Context as _;
use tokio::net::TcpStream;
use tokio::time::{Instant, sleep, timeout};

use super::found::look;
use super::process::Process;
use super::relay::Signal;
use super::terminal::is_in_front;
use crate::cmd::env;
use crate::cmd::exit::{Exit, Failure, reason};
use crate::cmd::output::{say, warn};

/// How often it is looked whether something listens on its port.
const LOOK: Duration = Duration::from_millis(100);

/// After how long without that somebody is told.
const PATIENCE: Duration = Duration::from_secs(30);

/// How long it may take to end once somebody asks it to: as long as exchanges in flight may.
pub(super) const GRACE: Duration = Duration::from_secs(30);

/// The same where its tunnel is over.
pub(super) const FAREWELL: Duration = Duration::from_secs(5);

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

    /// Whether it could be started now, and would be what listens on its port.
    pub(super) async fn check(&self) -> Result<(), Failure> {
        look(&self.program, env::programs().as_deref()).map_err(|cause| self.no_program(&cause))?;
        self.check_port().await
    }

    /// Whether its port is left to it: what listens there already would be taken for the program.
    async fn check_port(&self) -> Result<(), Failure> {
        if !listens(self.port).await {
            return Ok(());
        }
        let (program, port) = (&self.program, self.port);
        Err(Failure::new(
            Exit::Listen,
            format!(
                "something listens on port {port} already, before `{program}` is started; end it, or choose another \
                 `--port`"
            ),
        ))
    }

    fn no_program(&self, cause: &io::Error) -> Failure {
        let exit = if cause.kind() == io::ErrorKind::NotFound { Exit::NotFound } else { Exit::NotExecutable };
        Failure::new(exit, format!("cannot start `{}`: {}", self.program, reason(cause)))
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
    pub(super) async fn start(command: &'a Command) -> Result<Self, Failure> {
        command.check_port().await?;
        let mut child = tokio::process::Command::new(&command.program);
        child.args(&command.arguments).envs(command.variables.iter().cloned());
        let process = Process::start(child, !is_in_front()).map_err(|cause| command.no_program(&cause))?;
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

    /// Looks whether something listens there.
    async fn look(&mut self) {
        let port = self.command.port;
        if listens(port).await {
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
        // Ctrl-C may have ended it before it was passed on, or without us.
        let interrupted = self.signal.is_some() || code == 128 + Signal::Interrupt.number();
        let early = self.port != Port::Open && !interrupted;
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

    /// Asks it to end, and kills it where it has not within this time, or when `again` asks once more.
    pub(super) async fn end(mut self, patience: Duration, again: impl Future<Output = Signal>) -> Result<(), Failure> {
        self.pass_on(Signal::Terminate);
        let status = tokio::select! {
            status = self.process.ended() => status,
            _ = again => self.process.kill().await,
            () = sleep(patience) => {
                let (program, seconds) = (&self.command.program, patience.as_secs());
                warn(format_args!("`{program}` has not ended within {seconds} s, and is killed"));
                self.process.kill().await
            }
        };
        self.outcome(status.context("its end is not known")?)
    }
}

/// Whether something listens on a port of this machine. The system answers at once.
async fn listens(port: u16) -> bool {
    let connected = timeout(LOOK, TcpStream::connect(("localhost", port))).await;
    // Where nobody has the port the system may give it to the very socket that asks, which then meets itself.
    matches!(connected, Ok(Ok(socket)) if socket.local_addr().ok() != socket.peer_addr().ok())
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

    /// By a clock that goes on where nothing else does.
    #[tokio::test(start_paused = true)]
    async fn a_program_that_stays_is_killed_in_the_end() {
        let folder = tempfile::tempdir().unwrap();
        let there = folder.path().join("there");
        assert!(std::process::Command::new("mkfifo").arg(&there).status().unwrap().success());
        let script = format!("trap '' TERM; echo > {}; while :; do sleep 1; done", there.display());
        let variables = ["A", "B", "C", "D"].map(|name| (name.to_owned(), String::new()));
        let command =
            Command { program: "sh".to_owned(), arguments: vec!["-c".to_owned(), script], variables, port: 1 };
        for patience in [GRACE, FAREWELL] {
            let program = Program::start(&command).await.map_err(|failure| failure.sentence).unwrap();
            assert_eq!(std::fs::read(&there).unwrap(), b"\n");
            let began = Instant::now();
            let ended = program.end(patience, std::future::pending()).await;
            assert_eq!(ended, Err(Failure::new(Exit::Program(137), "")));
            assert!(began.elapsed() >= patience, "it has had all of its time");
        }
    }

    #[test]
    fn codes_are_those_that_shells_give() {
        // A status has the code in its second byte, and the signal in its first. (wait(2))
        for (status, expected) in [(0, 0), (3 << 8, 3), (255 << 8, 255), (15, 143), (9, 137)] {
            assert_eq!(code(ExitStatus::from_raw(status)), expected, "{status}");
        }
    }
}
