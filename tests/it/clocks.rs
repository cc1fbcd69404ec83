//! Wall clocks that jump by an hour under a tunnel, and those of two machines that differ. `libfaketime` stands between
//! the programs and the system, and only the wall clock is another.
#![cfg(target_os = "linux")]
#![expect(clippy::print_stdout, reason = "the figures of a passing test are worth reading too")]

use std::path::PathBuf;
use std::time::Duration;

use serde_json::json;
use tempfile::TempDir;
use tokio::process::Command;

use crate::left_out;
use crate::target::Target;
use crate::tunnel::{Client, Server};
use crate::v2::{SECRET, ask};
use crate::world::{Program, sendit};

const GET: &str = "GET /app/x HTTP/1.1\r\nHost: a.example\r\n\r\n";

const MINUTE: i64 = 60;
pub(crate) const HOUR: i64 = 60 * MINUTE;

/// A clock that can be set.
pub(crate) struct Clock {
    folder: TempDir,
    library: PathBuf,
}

impl Clock {
    /// One that is right; none where there is no such library.
    pub(crate) fn find() -> Option<Self> {
        const WHAT: &str = "wall clocks that jump";
        if !left_out::is_here("faketime", WHAT) {
            return None;
        }
        let architectures = std::fs::read_dir("/usr/lib").ok()?.filter_map(Result::ok).map(|entry| entry.path());
        let libraries = architectures.map(|folder| folder.join("faketime/libfaketime.so.1"));
        let library = libraries.chain(["/usr/lib/faketime/libfaketime.so.1".into()]).find(|path| path.exists());
        let library = library.unwrap_or_else(|| "libfaketime.so.1".into());
        if !left_out::is_at(&library, WHAT) {
            return None;
        }
        let clock = Self { folder: TempDir::new().unwrap(), library };
        clock.set(0);
        Some(clock)
    }

    fn file(&self) -> PathBuf {
        self.folder.path().join("offset")
    }

    /// Sets it to so many seconds beyond what is right. Whoever reads it never sees half of that.
    pub(crate) fn set(&self, seconds: i64) {
        let new = self.folder.path().join("new");
        std::fs::write(&new, format!("{seconds:+}\n")).unwrap();
        std::fs::rename(new, self.file()).unwrap();
    }

    /// The binary under test, with this clock.
    pub(crate) fn sendit(&self) -> Command {
        let mut command = sendit();
        command.env("LD_PRELOAD", &self.library).env("FAKETIME_TIMESTAMP_FILE", self.file());
        command.env("FAKETIME_NO_CACHE", "1").env("FAKETIME_DONT_FAKE_MONOTONIC", "1");
        command
    }

    /// A token from a machine that has this clock.
    async fn token(&self, seconds: i64) -> String {
        self.set(seconds);
        let mut command = self.sendit();
        command.args(["token", "--secret", SECRET, "--ttl", "3h"]);
        Program::start(command).all().await.stdout.trim().to_owned()
    }
}

/// Whether a server takes a token.
async fn is_taken(server: &Server, token: &str, prefix: &str) -> bool {
    let answer = ask(server.addr, token, json!({ "prefix": prefix }).to_string()).await;
    assert!(matches!((answer.status(), &*answer.code()), ("200", _) | ("401", "bad-token")), "{answer:?}");
    answer.status() == "200"
}

/// Sessions go on with what is under way in them and are renewed; what is opened is judged by the clock of the moment.
async fn jumps(wire: &str) {
    let (Some(clock), Some(elsewhere)) = (Clock::find(), Clock::find()) else { return };
    let (now, later) = (elsewhere.token(0).await, elsewhere.token(30 * MINUTE).await);
    let mut command = clock.sendit();
    command.args(["serve", "--addr", "127.0.0.1:0", "--secret", SECRET]);
    let server = Server::of(command).await;
    let mut target = Target::start();
    let (url, there) = (server.url("/app"), target.url());
    let mut command = clock.sendit();
    command.args(["connect", "--wire", wire, "--token", &now, "--max-ttl", "1s", &url, &there]);
    let mut client = Client::of(command);
    client.ready(1).await;

    for (offset, takes_now, takes_later) in
        [(0, true, false), (HOUR, true, true), (-HOUR, false, false), (0, true, false)]
    {
        let mut visitor = server.visit().await;
        visitor.send(GET).await;
        let mut service = target.accept().await;
        service.head().await;
        clock.set(offset);
        // The token that it judges otherwise now shows that the server's clock has jumped.
        let takes = (is_taken(&server, &now, "now").await, is_taken(&server, &later, "later").await);
        assert_eq!(takes, (takes_now, takes_later), "{offset}");
        assert!(visitor.is_silent(Duration::from_millis(2_500)).await, "carriers are renewed meanwhile");
        service.send("HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nkept").await;
        assert_eq!(visitor.head().await.status(), "200");
        visitor.expect("kept").await;
    }
    let said = client.program.output().stderr;
    assert_eq!((said.matches("Ready; ").count(), said.contains("no tunnel"), said.contains("lost")), (1, false, false));
    println!("wire {wire}: 3 jumps by an hour or two, 0 sessions lost, 0 of 4 exchanges failed");
}

#[tokio::test]
async fn a_clock_that_jumps_harms_no_session_on_v1() {
    jumps("v1").await;
}

#[tokio::test]
async fn a_clock_that_jumps_harms_no_session_on_v2() {
    jumps("v2").await;
}

/// Tokens of a machine whose clock is up to 15 minutes ahead are good at once.
#[tokio::test]
async fn clocks_may_differ_by_15_minutes() {
    let Some(clock) = Clock::find() else { return };
    let (near, far) = (clock.token(14 * MINUTE).await, clock.token(16 * MINUTE).await);
    let server = Server::start(&["--secret", SECRET]).await;
    let target = Target::start();
    let _client = Client::start(&server.url("/near"), &target.url(), &["--token", &near]).await;
    let mut client = Client::begin(&server.url("/far"), &target.url(), &["--token", &far]);
    assert_eq!(client.program.ended().await, Some(3));
    println!("14 minutes ahead: accepted; 16 minutes: refused");
}
