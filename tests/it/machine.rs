//! A Debian of a test's own, with its own systemd: made by `tests/apps/machine.sh` from the root that `cargo xtask setup`
//! fetches, as root or by `sudo`, where that asks for no password. Gone with the value, whatever was done in there.

use std::io::{BufRead as _, BufReader, Read as _};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use tokio::time::timeout;

use crate::left_out;
use crate::namespace::is_root;
use crate::world::PATIENCE;

/// Before its systemd listens nobody can ask it to be waited for.
const BOOTED: &str = "until [ -S /run/systemd/private ]; do sleep 0.1; done; systemctl is-system-running --wait";

/// A machine that runs.
pub(crate) struct Machine {
    /// What keeps it, for as long as its standard input is open.
    keeper: Child,
    /// The process id of its systemd, as this system counts.
    init: String,
}

impl Machine {
    /// One that has booted; none where that is not possible.
    pub(crate) async fn boot(what: &str) -> Option<Self> {
        let root = target().join("apps/debian/root.tar");
        if !left_out::is_at(&root, what) || !left_out::is_here("unshare", what) {
            return None;
        }
        let started = Self::start(&root);
        if !left_out::is_possible(&started.as_ref().map(drop).map_err(Clone::clone), what) {
            return None;
        }
        let machine = started.ok()?;
        assert_eq!(machine.shell(BOOTED).await, "running\n");
        Some(machine)
    }

    fn start(root: &Path) -> Result<Self, String> {
        let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/apps/machine.sh");
        let mut command = as_root(&["unshare", "--mount", "--propagation", "private", "sh"]);
        command.arg(script).arg(root).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut keeper = command.spawn().map_err(|cause| format!("`unshare` cannot be started: {cause}"))?;
        let (mut init, mut said) = (String::new(), String::new());
        if let Some(stdout) = keeper.stdout.take() {
            let _ = BufReader::new(stdout).read_line(&mut init);
        }
        let init = init.trim().to_owned();
        if init.is_empty() {
            drop(keeper.stdin.take());
            keeper.stderr.take().and_then(|mut stderr| stderr.read_to_string(&mut said).ok());
            return Err(format!("no machine could be made: {}", said.trim()));
        }
        Ok(Self { keeper, init })
    }

    /// A command in there.
    pub(crate) fn command(&self, words: &[&str]) -> tokio::process::Command {
        let enter = ["nsenter", "--target", &self.init, "--mount", "--pid", "--uts", "--ipc", "--root", "--wd"];
        let mut command = tokio::process::Command::from(as_root(&[&enter, words].concat()));
        command.env("PATH", "/usr/sbin:/usr/bin:/sbin:/bin").env("LC_ALL", "C").stdin(Stdio::null()).kill_on_drop(true);
        command
    }

    /// What a command in there prints that ends well.
    #[track_caller]
    pub(crate) fn run(&self, words: &[&str]) -> impl Future<Output = String> + use<> {
        let caller = std::panic::Location::caller();
        let (mut command, text) = (self.command(words), words.join(" "));
        async move {
            let output = timeout(PATIENCE * 2, command.output()).await;
            let output = output.unwrap_or_else(|_| panic!("{caller}: `{text}` does not end")).expect("it starts");
            let said = String::from_utf8_lossy(&output.stdout).into_owned();
            let errors = String::from_utf8_lossy(&output.stderr);
            assert!(output.status.success(), "{caller}: `{text}`: {}\n{said}{errors}", output.status);
            said
        }
    }

    /// The same of a line for its shell.
    #[track_caller]
    pub(crate) fn shell(&self, line: &str) -> impl Future<Output = String> + use<> {
        self.run(&["sh", "-ec", line])
    }
}

impl Machine {
    /// Writes a unit, or a part of one, in there.
    pub(crate) async fn write(&self, unit: &str, text: &str) {
        self.run(&[
            "sh",
            "-ec",
            r#"cd /etc/systemd/system; mkdir -p "$(dirname "$0")"; printf %s "$1" >"$0""#,
            unit,
            text,
        ])
        .await;
    }
}

impl Drop for Machine {
    fn drop(&mut self) {
        drop(self.keeper.stdin.take());
        let _ = self.keeper.wait();
    }
}

/// Where things are built.
pub(crate) fn target() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("target")
}

fn as_root(words: &[&str]) -> Command {
    let mut words: Vec<&str> = words.to_vec();
    if !is_root() {
        words.splice(0..0, ["sudo", "-n"]);
    }
    let mut command = Command::new(words[0]);
    command.args(&words[1..]);
    command
}
