//! A Redis that keeps nothing on disk, so that what is started anew is empty.

use std::io;
use std::net::SocketAddr;
use std::path::Path;
use std::time::Duration;

use tempfile::TempDir;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::time::{Instant, sleep, timeout};

use crate::intermediaries::free;
use crate::program::{LOOK, Program, Trouble, command};

/// How long it may take to listen, or to answer.
const PATIENCE: Duration = Duration::from_secs(10);

/// A free port may be taken by somebody else before the engine binds it.
const TRIES: usize = 3;

/// A Redis.
pub struct Engine {
    address: SocketAddr,
    program: Option<Program>,
    folder: TempDir,
}

impl Engine {
    /// Starts one on a free port of loopback.
    ///
    /// # Errors
    /// Where it does not answer.
    pub async fn start() -> Result<Self, Trouble> {
        let mut tries = 1;
        loop {
            let folder = tempfile::Builder::new().prefix("sendit-").tempdir()?;
            let mut engine = Self { address: free::address()?, program: None, folder };
            match engine.again().await {
                Ok(()) => return Ok(engine),
                Err(trouble) if tries == TRIES => return Err(trouble),
                Err(_) => tries += 1,
            }
        }
    }

    /// Starts one that has what `master` has, once it has all of it.
    ///
    /// # Errors
    /// Where it does not.
    pub async fn replica(master: &Self) -> Result<Self, Trouble> {
        let replica = Self::start().await?;
        let of = master.address;
        replica.tell(&format!("replicaof {} {}", of.ip(), of.port())).await?;
        let deadline = Instant::now() + PATIENCE;
        while !replica.tell("info replication").await?.contains("master_link_status:up") {
            if Instant::now() > deadline {
                return Err(io::Error::from(io::ErrorKind::TimedOut).into());
            }
            sleep(LOOK).await;
        }
        Ok(replica)
    }

    /// Where it is.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Ends it, and with it all that it has.
    pub async fn stop(&mut self) {
        if let Some(mut program) = self.program.take() {
            program.kill();
            program.end().await;
        }
    }

    /// Starts it at the same address, with nothing in it.
    ///
    /// # Errors
    /// Where it does not answer.
    pub async fn again(&mut self) -> Result<(), Trouble> {
        let mut redis = command(Path::new("redis-server"));
        redis.args(["--bind", &self.address.ip().to_string(), "--port", &self.address.port().to_string()]);
        // Nothing is kept on disk; a replica is told all at once.
        redis.args(["--save", "", "--appendonly", "no", "--repl-diskless-sync-delay", "0", "--dir"]);
        let mut program = Program::start(redis.arg(self.folder.path()))?;
        let deadline = Instant::now() + PATIENCE;
        while !self.tell("ping").await.is_ok_and(|answer| answer.starts_with("+PONG")) {
            if program.has_ended() || Instant::now() > deadline {
                return Err(program.never("answered"));
            }
            sleep(LOOK).await;
        }
        self.program = Some(program);
        Ok(())
    }

    /// What it answers to a command.
    ///
    /// # Errors
    /// Where it does not, within 10 s.
    pub async fn tell(&self, command: &str) -> Result<String, Trouble> {
        let telling = async {
            let mut stream = TcpStream::connect(self.address).await?;
            stream.write_all(format!("{command}\r\nquit\r\n").as_bytes()).await?;
            let mut answer = Vec::new();
            stream.read_to_end(&mut answer).await?;
            Ok::<_, io::Error>(String::from_utf8_lossy(&answer).into_owned())
        };
        Ok(timeout(PATIENCE, telling).await.map_err(io::Error::from)??)
    }

    /// How many commands it has carried out, those inside scripts included, but for questions like this one.
    ///
    /// # Errors
    /// Where it does not say.
    pub async fn commands(&self) -> Result<u64, Trouble> {
        Ok(commands(&self.tell("info commandstats").await?))
    }
}

/// Sums up lines like `cmdstat_hset:calls=21,usec=…`.
fn commands(stats: &str) -> u64 {
    let calls = |line: &str| {
        let (name, rest) = line.strip_prefix("cmdstat_")?.split_once(":calls=")?;
        let is_ours = matches!(name, "info" | "quit");
        if is_ours { None } else { rest.split(',').next()?.parse::<u64>().ok() }
    };
    stats.lines().filter_map(calls).sum()
}

#[cfg(test)]
mod tests {
    #[test]
    fn commands_are_summed_up() {
        let stats = "# Commandstats\r\ncmdstat_evalsha:calls=3,usec=9\r\ncmdstat_config|get:calls=2,usec=1\r\n\
                     cmdstat_info:calls=7,usec=1\r\ncmdstat_quit:calls=7,usec=1\r\n";
        assert_eq!(super::commands(stats), 5);
    }
}
