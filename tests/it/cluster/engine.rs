//! A real Redis, in a folder of its own, on a socket in that folder.

use std::net::TcpListener;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use redis::{Cmd, Connection, ConnectionLike as _, FromRedisValue};
use tempfile::TempDir;

use crate::left_out;

/// One that runs until it is dropped.
pub(super) struct Engine {
    folder: TempDir,
    arguments: Vec<String>,
    child: Child,
}

impl Engine {
    /// Starts one with more arguments; none where the program is missing.
    #[track_caller]
    pub(super) fn start(arguments: &[&str]) -> Option<Self> {
        if !left_out::is_here("redis-server", "the directory of a cluster, in a real engine") {
            return None;
        }
        let folder = TempDir::new().unwrap();
        // A sentinel does not start without one.
        std::fs::write(folder.path().join("engine.conf"), "").unwrap();
        let arguments: Vec<String> = arguments.iter().map(|&argument| argument.to_owned()).collect();
        let child = spawn(&folder, &arguments);
        let engine = Self { folder, arguments, child };
        engine.wait();
        Some(engine)
    }

    /// Ends it, and starts it again with nothing in it.
    pub(super) fn restart(&mut self) {
        self.end();
        self.begin();
    }

    pub(super) fn end(&mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }

    pub(super) fn begin(&mut self) {
        self.child = spawn(&self.folder, &self.arguments);
        self.wait();
    }

    /// Has it stand still, or go on: `-STOP` or `-CONT`.
    pub(super) fn signal(&self, signal: &str) {
        let status = Command::new("kill").args([signal, &self.child.id().to_string()]).status();
        assert!(status.unwrap().success());
    }

    pub(super) fn url(&self) -> String {
        format!("unix:{}", self.folder.path().join("socket").display())
    }

    /// Says something to it as anybody could.
    pub(super) fn say<T: FromRedisValue>(&self, words: &[&str]) -> T {
        let mut command = Cmd::new();
        command.arg(words);
        command.query(&mut self.connection().unwrap()).unwrap()
    }

    /// How many scripts it was asked to run.
    pub(super) fn commands(&self) -> u64 {
        self.calls(|command| command == "evalsha")
    }

    /// How many commands it has carried out, those inside scripts included.
    pub(super) fn carried_out(&self) -> u64 {
        self.calls(|command| command != "info")
    }

    fn calls(&self, wanted: impl Fn(&str) -> bool) -> u64 {
        let info: String = self.say(&["INFO", "commandstats"]);
        let calls = info.lines().filter_map(|line| line.strip_prefix("cmdstat_")?.split_once(":calls="));
        let wanted = calls.filter(|(command, _)| wanted(command));
        wanted.filter_map(|(_, rest)| rest.split(',').next()?.parse::<u64>().ok()).sum()
    }

    fn connection(&self) -> redis::RedisResult<Connection> {
        let mut connection = redis::Client::open(self.url())?.get_connection_with_timeout(Duration::from_secs(5))?;
        connection.req_command(&redis::cmd("PING"))?;
        Ok(connection)
    }

    fn wait(&self) {
        let is_there = |_| {
            std::thread::sleep(Duration::from_millis(20));
            std::os::unix::net::UnixStream::connect(self.folder.path().join("socket")).is_ok()
        };
        assert!((0..500).any(is_there), "the engine does not start");
    }
}

impl Drop for Engine {
    fn drop(&mut self) {
        let _ = (self.child.kill(), self.child.wait());
    }
}

fn spawn(folder: &TempDir, arguments: &[String]) -> Child {
    let mut command = Command::new("redis-server");
    command
        .args(["engine.conf", "--unixsocket", "socket", "--save", "", "--appendonly", "no", "--port", "0"])
        .args(arguments);
    command.current_dir(folder.path()).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap()
}

/// A port that was free a moment ago: an engine cannot be told to choose, and a replica reaches its primary by TCP alone.
pub(super) fn free_port() -> String {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port().to_string()
}
