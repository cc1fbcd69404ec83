//! Other programs, the tunnel's two ends among them: started, watched, and ended with whoever started them.

use std::fmt::Write as _;
use std::io;
use std::net::SocketAddr;
use std::path::Path;
use std::process::Stdio;
use std::time::Duration;

use tokio::io::{AsyncBufReadExt as _, AsyncRead, BufReader};
use tokio::process::{Child, Command};
use tokio::sync::watch;
use tokio::time::{Instant, timeout, timeout_at};
use tokio_util::task::TaskTracker;

/// What is kept of a program's output; the rest is dropped from its beginning.
const MAX_OUTPUT: usize = 256 * 1024;

/// How long a program may take to end itself and its own children.
const FAREWELL: Duration = Duration::from_secs(5);

/// How often it is looked for something that nothing tells.
pub(crate) const LOOK: Duration = Duration::from_millis(10);

/// Why something that was to be tried against is not there.
#[derive(Debug, thiserror::Error)]
pub enum Trouble {
    /// A program could not be started.
    #[error("`{program}` cannot be started: {cause}")]
    Start {
        /// Which.
        program: String,
        /// Why.
        cause: io::Error,
    },
    /// A program did not do what was awaited.
    #[error("`{program}` never {awaited}; it printed:\n{output}")]
    Never {
        /// Which.
        program: String,
        /// What was awaited, as in "it never listened".
        awaited: String,
        /// All that it printed.
        output: String,
    },
    /// Files or sockets of the trial itself.
    #[error(transparent)]
    Io(#[from] io::Error),
}

/// A child process whose output is kept. Dropped, it is asked to end, so that it takes its own children with it, and
/// killed where it does not within 5 s.
pub struct Program {
    name: String,
    child: Child,
    output: watch::Receiver<String>,
}

impl Program {
    /// Starts a program without the machine's proxies and without input.
    ///
    /// # Errors
    /// Where it cannot be started.
    pub fn start(command: &mut Command) -> Result<Self, Trouble> {
        let name = command.as_std().get_program().to_string_lossy().into_owned();
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).kill_on_drop(true);
        let started = command.spawn().map_err(|cause| Trouble::Start { program: name.clone(), cause });
        let mut child = started?;
        let (sender, output) = watch::channel(String::new());
        let tasks = TaskTracker::new();
        if let Some(stdout) = child.stdout.take() {
            tasks.spawn(keep(stdout, sender.clone()));
        }
        if let Some(stderr) = child.stderr.take() {
            tasks.spawn(keep(stderr, sender));
        }
        Ok(Self { name, child, output })
    }

    /// One whose standard error goes where the command says, and of whose output nothing is kept.
    ///
    /// # Errors
    /// Where it cannot be started.
    pub fn unheard(command: &mut Command) -> Result<Self, Trouble> {
        command.stdin(Stdio::null()).stdout(Stdio::null()).kill_on_drop(true);
        let name = command.as_std().get_program().to_string_lossy().into_owned();
        let started = command.spawn().map_err(|cause| Trouble::Start { program: name.clone(), cause });
        Ok(Self { name, child: started?, output: watch::channel(String::new()).1 })
    }

    /// Its process id; none once it has ended.
    #[must_use]
    pub fn id(&self) -> Option<u32> {
        self.child.id()
    }

    /// All that it has printed, on both of its outputs.
    #[must_use]
    pub fn output(&self) -> String {
        self.output.borrow().clone()
    }

    /// Whether it runs no more.
    pub fn has_ended(&mut self) -> bool {
        !matches!(self.child.try_wait(), Ok(None))
    }

    /// Its resident memory in KiB, where the system tells.
    #[must_use]
    pub fn memory(&self) -> Option<u64> {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.id()?)).ok()?;
        let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"))?;
        line.trim().strip_suffix("kB")?.trim().parse().ok()
    }

    /// How many descriptors it has open, and how many threads run, where the system tells.
    #[must_use]
    pub fn holds(&self) -> Option<(usize, usize)> {
        let entries = |name| Some(std::fs::read_dir(format!("/proc/{}/{name}", self.id()?)).ok()?.count());
        Some((entries("fd")?, entries("task")?))
    }

    /// The processor's time that it has taken, where the system tells.
    #[must_use]
    pub fn cpu(&self) -> Option<Duration> {
        let stat = std::fs::read_to_string(format!("/proc/{}/stat", self.id()?)).ok()?;
        // The 14th and 15th fields of all, of which two stand before. (proc_pid_stat(5), `utime` and `stime`)
        let fields = stat.rsplit_once(')')?.1.split_whitespace().skip(11).take(2);
        // Ticks of a hundredth of a second, whatever the kernel's own clock. (proc(5), `CLK_TCK`)
        Some(Duration::from_millis(fields.filter_map(|ticks| ticks.parse::<u64>().ok()).sum::<u64>() * 10))
    }

    /// How it ended, once it has; none where it has not by `deadline`.
    pub async fn ended(&mut self, deadline: Instant) -> Option<std::process::ExitStatus> {
        timeout_at(deadline, self.child.wait()).await.ok()?.ok()
    }

    /// Ends it at once, without a word of its own, and does not wait.
    pub fn kill(&mut self) {
        // Where it cannot be killed it has ended.
        let _ = self.child.start_kill();
    }

    /// Asks it to end, and does not wait.
    pub fn terminate(&self) {
        self.ask();
    }

    /// Waits until what it has printed satisfies `wanted`, and returns that.
    ///
    /// # Errors
    /// Where it has not by `deadline`.
    pub async fn printed(
        &self,
        deadline: Instant,
        awaited: &str,
        wanted: impl Fn(&str) -> bool,
    ) -> Result<String, Trouble> {
        let mut output = self.output.clone();
        let printed = timeout_at(deadline, output.wait_for(|output| wanted(output))).await;
        match printed {
            Ok(Ok(output)) => Ok(output.clone()),
            _ => Err(self.never(awaited)),
        }
    }

    pub(crate) fn never(&self, awaited: &str) -> Trouble {
        Trouble::Never { program: self.name.clone(), awaited: awaited.to_owned(), output: self.output() }
    }
}

impl Program {
    /// Asks it to end and waits until it has, for 5 s; then it is killed.
    pub async fn end(mut self) {
        if self.ask() {
            let _ = timeout(FAREWELL, self.child.wait()).await;
        }
        let _ = self.child.kill().await;
    }

    /// The one way to ask in safe code; where there is no such program nobody was asked.
    fn ask(&self) -> bool {
        self.signal("TERM")
    }

    /// Sends it a signal, by its name, and says whether there was somebody to send it to.
    pub fn signal(&self, name: &str) -> bool {
        let Some(id) = self.child.id() else { return false };
        let sent =
            std::process::Command::new("kill").args(["-s", name, &id.to_string()]).stderr(Stdio::null()).status();
        sent.is_ok_and(|status| status.success())
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        if self.ask() {
            let looks = FAREWELL.as_millis() / LOOK.as_millis();
            for _ in 0..looks {
                if self.has_ended() {
                    return;
                }
                std::thread::sleep(LOOK);
            }
        }
    }
}

async fn keep(from: impl AsyncRead + Unpin, to: watch::Sender<String>) {
    let mut lines = BufReader::new(from).lines();
    while let Ok(Some(line)) = lines.next_line().await {
        to.send_modify(|output| {
            let _ = writeln!(output, "{line}");
            if output.len() > MAX_OUTPUT {
                let cut = output[MAX_OUTPUT / 2..].find('\n').map_or(output.len(), |at| MAX_OUTPUT / 2 + at);
                output.drain(..cut);
            }
        });
    }
}

/// A command without the machine's own proxies and settings.
#[must_use]
pub fn command(program: &Path) -> Command {
    let mut command = Command::new(program);
    for name in ["HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "NO_PROXY", "SENDIT_TOKEN", "SENDIT_SECRET", "SENDIT_ADDR"] {
        command.env_remove(name).env_remove(name.to_lowercase());
    }
    command
}

/// A running `sendit serve`.
pub struct Server {
    /// The process.
    pub program: Program,
    /// Where it listens.
    pub address: SocketAddr,
}

impl Server {
    /// Starts the binary's public end on a free port of loopback, without a secret, and without a line for each exchange:
    /// what is kept of its output is for what does not happen all the time.
    ///
    /// # Errors
    /// Where it has not told its address within 20 s.
    pub async fn start(binary: &Path) -> Result<Self, Trouble> {
        Self::with(binary, &[]).await
    }

    /// The same with flags.
    ///
    /// # Errors
    /// Where it has not told its address within 20 s.
    pub async fn with(binary: &Path, flags: &[&str]) -> Result<Self, Trouble> {
        Self::of(command(binary).args(["serve", "--addr", "127.0.0.1:0", "--access-log", "off"]).args(flags)).await
    }

    /// The server that a command line starts.
    ///
    /// # Errors
    /// Where it has not told its address within 20 s.
    pub async fn of(command: &mut Command) -> Result<Self, Trouble> {
        let program = Program::start(command)?;
        let told = |output: &str| output.lines().find_map(|line| line.strip_prefix("Listening: ")?.parse().ok());
        let deadline = Instant::now() + Duration::from_secs(20);
        let output = program.printed(deadline, "told its address", |output| told(output).is_some()).await?;
        let address = told(&output).ok_or_else(|| program.never("told its address"))?;
        Ok(Self { program, address })
    }
}

/// How a client is started.
#[derive(Clone, Debug)]
pub struct Client<'a> {
    /// The public URL with the prefix.
    pub source: String,
    /// The target.
    pub target: SocketAddr,
    /// What `HTTP_PROXY` shall be.
    pub http_proxy: Option<String>,
    /// Flags besides.
    pub flags: &'a [&'a str],
}

impl Client<'_> {
    /// Starts the binary's private end.
    ///
    /// # Errors
    /// Where it cannot be started.
    pub fn start(&self, binary: &Path) -> Result<Program, Trouble> {
        let mut command = command(binary);
        // Without a line for each exchange, as the server: what is kept of its output is for what does not happen all the time.
        command.args(["connect", "--quiet"]).args(self.flags).arg(&self.source).arg(format!("http://{}", self.target));
        if let Some(proxy) = &self.http_proxy {
            command.env("HTTP_PROXY", proxy).env("http_proxy", proxy);
        }
        Program::start(&mut command)
    }
}
