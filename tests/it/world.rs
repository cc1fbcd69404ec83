//! What every test needs: the binary as a child process that ends with the test, and its output as it comes.

use std::ffi::OsStr;
use std::process::Stdio;
use std::time::Duration;

use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::process::{Child, Command};
use tokio::sync::watch;
use tokio::time::timeout;

/// How long anything that a test waits for may take, on a machine that does much else.
pub(crate) const PATIENCE: Duration = Duration::from_secs(30);

/// A program, to which the machine's proxies mean nothing.
pub(crate) fn program(path: impl AsRef<OsStr>) -> Command {
    let mut command = Command::new(path);
    for name in ["http_proxy", "https_proxy", "all_proxy", "no_proxy"] {
        command.env_remove(name).env_remove(name.to_uppercase());
    }
    command
}

/// The binary under test, without an inspector unless a test asks for one: there are fewer ports for them than clients in
/// all tests.
pub(crate) fn sendit() -> Command {
    let mut command = program(env!("CARGO_BIN_EXE_sendit"));
    command.env("SENDIT_INSPECT", "off");
    command
}

/// A child process whose standard output and error are kept, and which is killed by drop.
pub(crate) struct Program {
    child: Child,
    output: watch::Receiver<Output>,
}

#[derive(Clone, Debug, Default)]
pub(crate) struct Output {
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

impl Program {
    pub(crate) fn start(command: Command) -> Self {
        Self::start_with(Stdio::null(), command)
    }

    /// One whose standard input is this.
    pub(crate) fn start_with(input: impl Into<Stdio>, mut command: Command) -> Self {
        command.stdin(input).stderr(Stdio::piped());
        let mut program = Self::spawn(command);
        let (sender, output) = watch::channel(Output::default());
        let child = &mut program.child;
        let (stdout, stderr) = (child.stdout.take().expect("piped"), child.stderr.take().expect("piped"));
        let tasks = tokio_util::task::TaskTracker::new();
        let out = sender.clone();
        tasks.spawn(async move {
            let mut lines = BufReader::new(stdout).lines();
            while let Ok(Some(line)) = lines.next_line().await {
                out.send_modify(|output| output.stdout.extend([&*line, "\n"]));
            }
        });
        tasks.spawn(async move {
            let mut lines = BufReader::new(stderr).lines();
            while let Ok(Some(line)) = lines.next_line().await {
                sender.send_modify(|output| output.stderr.extend([&*line, "\n"]));
            }
        });
        Self { output, ..program }
    }

    /// One whose standard error goes where the command says, and of whose output nothing is kept.
    pub(crate) fn unheard(mut command: Command) -> Self {
        command.stdin(Stdio::null());
        Self::spawn(command)
    }

    fn spawn(mut command: Command) -> Self {
        command.stdout(Stdio::piped()).kill_on_drop(true);
        let child = command.spawn().expect("the program starts");
        Self { child, output: watch::channel(Output::default()).1 }
    }

    /// All that was printed, once it satisfies `wanted`.
    #[track_caller]
    pub(crate) fn printed(&mut self, wanted: impl Fn(&Output) -> bool) -> impl Future<Output = Output> {
        let caller = std::panic::Location::caller();
        let mut output = self.output.clone();
        async move {
            let seen = timeout(PATIENCE, output.wait_for(|output| wanted(output))).await;
            let seen = seen.ok().and_then(Result::ok).map(|seen| seen.clone());
            seen.unwrap_or_else(|| panic!("{caller}: it never printed what was awaited, but {:?}", *output.borrow()))
        }
    }

    /// The exit code, once the program has ended by itself.
    #[track_caller]
    pub(crate) fn ended(&mut self) -> impl Future<Output = Option<i32>> {
        let caller = std::panic::Location::caller();
        let child = &mut self.child;
        async move {
            let status = timeout(PATIENCE, child.wait()).await;
            status.unwrap_or_else(|_| panic!("{caller}: it has not ended")).expect("its status is known").code()
        }
    }

    /// All that was printed by a program that has ended.
    pub(crate) async fn all(&mut self) -> Output {
        // The senders are dropped where the two streams end.
        while timeout(PATIENCE, self.output.changed()).await.expect("its output ends").is_ok() {}
        self.output.borrow().clone()
    }

    /// All that was printed so far.
    pub(crate) fn output(&self) -> Output {
        self.output.borrow().clone()
    }

    pub(crate) fn id(&self) -> u32 {
        self.child.id().expect("it runs")
    }

    /// Ends it at once, without a word of its own.
    pub(crate) async fn kill(&mut self) {
        self.child.kill().await.expect("it can be killed");
    }

    /// Asks it to stop.
    #[cfg(unix)]
    pub(crate) async fn terminate(&self) {
        self.signal("-TERM").await;
    }

    /// Sends it a signal, by its name after a dash.
    #[cfg(unix)]
    pub(crate) async fn signal(&self, name: &str) {
        let id = self.id().to_string();
        let sent = Command::new("kill").args([name, &id]).status().await.expect("`kill` starts");
        assert!(sent.success(), "the signal is sent");
    }
}
