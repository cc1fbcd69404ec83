//! One of several servers: a process that can be stopped, killed, frozen, woken, and started anew at its own addresses.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::time::Duration;

use tokio::process::Command;
use tokio::time::{Instant, sleep};

use super::ask;
use super::ask::ask_with;
use crate::program::{LOOK, Program, Trouble, command};

/// The addresses of servers are not those that connections go out from, or one of these might have the port of a server that
/// is just being started anew.
const HOST: &str = "127.0.0.2";

/// How long a server may take until it listens, and until it is ready.
const PATIENCE: Duration = Duration::from_secs(30);

/// How long one may take to stop in order.
const STOP: Duration = Duration::from_secs(120);

/// What makes a server one of several.
#[derive(Clone, Debug)]
pub struct Joins<'a> {
    /// The program.
    pub binary: &'a Path,
    /// Where the engine is.
    pub engine: SocketAddr,
    /// The file with the secret that they have in common, and by which they tell of their sessions.
    pub secret: &'a Path,
    /// Flags besides.
    pub flags: &'a [&'a str],
}

/// A server.
pub struct Node {
    binary: PathBuf,
    flags: Vec<String>,
    /// Shown where its sessions are asked for.
    token: String,
    addresses: Addresses,
    program: Program,
}

#[derive(Clone, Copy, Debug)]
struct Addresses {
    public: SocketAddr,
    admin: SocketAddr,
    peers: SocketAddr,
}

impl Addresses {
    fn told(output: &str) -> Option<Self> {
        let at = |name: &str| output.lines().find_map(|line| line.strip_prefix(name)?.parse().ok());
        Some(Self { public: at("Listening: ")?, admin: at("Admin: ")?, peers: at("Cluster: ")? })
    }
}

impl Node {
    /// Starts one on free ports, and waits until it listens; it need not be ready.
    ///
    /// # Errors
    /// Where it does not.
    pub async fn start(joins: &Joins<'_>) -> Result<Self, Trouble> {
        let Joins { binary, engine, secret, flags } = joins;
        let (file, token) = (secret.to_string_lossy(), std::fs::read_to_string(secret)?);
        let engine = format!("redis://{engine}");
        let own = [
            "serve",
            "--access-log",
            "off",
            "--cluster",
            &engine,
            "--cluster-secret-file",
            &file,
            "--admin-token-file",
            &file,
        ];
        let flags: Vec<String> = own.iter().chain(*flags).map(|flag| (*flag).to_owned()).collect();
        let free = format!("{HOST}:0");
        let program = Program::start(&mut line(binary, &flags, [&free, &free, &free]))?;
        let addresses = told(&program).await?;
        Ok(Self { binary: binary.to_path_buf(), flags, token, addresses, program })
    }

    /// Where visitors and clients reach it.
    #[must_use]
    pub fn public(&self) -> SocketAddr {
        self.addresses.public
    }

    /// Where whoever runs it asks for its health.
    #[must_use]
    pub fn admin(&self) -> SocketAddr {
        self.addresses.admin
    }

    /// Where the other servers reach it.
    #[must_use]
    pub fn peers(&self) -> SocketAddr {
        self.addresses.peers
    }

    /// The process.
    #[must_use]
    pub fn program(&self) -> &Program {
        &self.program
    }

    /// Waits until it says that it takes visitors.
    ///
    /// # Errors
    /// Where it does not within 30 s.
    pub async fn is_ready(&self) -> Result<(), Trouble> {
        let deadline = Instant::now() + PATIENCE;
        while !ask(self.admin(), "/readyz").await.is_ok_and(|answer| answer.status == 200) {
            if Instant::now() > deadline {
                return Err(self.program.never("was ready"));
            }
            sleep(LOOK).await;
        }
        Ok(())
    }

    /// Whether a session of this prefix lives on it.
    pub async fn has(&self, prefix: &str) -> bool {
        let token = format!("Authorization: Bearer {}\r\n", self.token);
        let told = ask_with(self.admin(), "/sessions", &token).await;
        told.is_ok_and(|answer| lives_where_it_is_told(&answer.body, prefix))
    }

    /// Asks it to stop, and waits until it has; whether it did so in order.
    pub async fn stop(&mut self) -> bool {
        self.program.terminate();
        self.program.ended(Instant::now() + STOP).await.is_some_and(|status| status.success())
    }

    /// Ends it without a word, and waits until the system has.
    pub async fn kill(&mut self) {
        self.program.kill();
        self.program.ended(Instant::now() + STOP).await;
    }

    /// Starts it anew at its own addresses, once it has ended, and waits until it is ready.
    ///
    /// # Errors
    /// Where it does not start.
    pub async fn again(&mut self) -> Result<(), Trouble> {
        let Addresses { public, admin, peers } = self.addresses;
        let addresses = [public, admin, peers].map(|address| address.to_string());
        let [public, admin, peers] = addresses.each_ref().map(String::as_str);
        self.program = Program::start(&mut line(&self.binary, &self.flags, [public, admin, peers]))?;
        told(&self.program).await?;
        self.is_ready().await
    }

    /// Has the system give it no time any more, as a machine that is paused.
    pub fn freeze(&self) {
        self.program.signal("STOP");
    }

    /// Has it go on as if nothing had been.
    pub fn wake(&self) {
        self.program.signal("CONT");
    }
}

/// It need not hand anything over to the others, which are ended as well.
impl Drop for Node {
    fn drop(&mut self) {
        self.program.kill();
    }
}

/// Whether a session of this prefix lives on the server that tells this list of all.
fn lives_where_it_is_told(list: &str, prefix: &str) -> bool {
    let server = |text: &str| Some(text.split_once("\"server\":\"")?.1.split('"').next()?.to_owned());
    let of = list.split_once(&format!("\"prefix\":\"{prefix}\"")).map(|(_, session)| server(session));
    of.is_some_and(|of| of == server(list))
}

fn line(binary: &Path, flags: &[String], [public, admin, peers]: [&str; 3]) -> Command {
    let mut line = command(binary);
    line.args(flags).args(["--addr", public, "--admin", admin, "--advertise", &format!("http://{peers}")]);
    line
}

async fn told(program: &Program) -> Result<Addresses, Trouble> {
    let deadline = Instant::now() + PATIENCE;
    let told = |output: &str| Addresses::told(output).is_some();
    let output = program.printed(deadline, "told its addresses", told).await?;
    Addresses::told(&output).ok_or_else(|| program.never("told its addresses"))
}

#[cfg(test)]
mod tests {
    use super::lives_where_it_is_told;

    #[test]
    fn a_session_lives_on_one_server() {
        let list = "{\"server\":\"0a\",\"sessions\":[{\"prefix\":\"a\",\"id\":\"1\",\"server\":\"0b\"},\
                    {\"prefix\":\"b\",\"id\":\"2\",\"server\":\"0a\"}]}";
        for (prefix, is_here) in [("a", false), ("b", true), ("c", false)] {
            assert_eq!(lives_where_it_is_told(list, prefix), is_here, "{prefix}");
        }
    }
}
