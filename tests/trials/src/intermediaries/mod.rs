//! The real proxies that stand in front of servers, from Debian's packages: started on free ports of loopback with
//! their default configuration but for addresses and folders.

mod config;

mod shipped;

mod examine;

pub(crate) mod free;

mod passage;

mod ordeal;

pub mod table;

#[cfg(test)]
mod tests;

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::time::Duration;

use tempfile::TempDir;
use tokio::net::TcpStream;
use tokio::time::{Instant, sleep};

use crate::program::{LOOK, Program, Trouble, command};

pub(crate) use config::haproxy;
pub use config::{ALL, CUTTING};
pub use examine::Examination;
pub use ordeal::{Endured, Ordeal};
pub use passage::{Crossing, Freight, PATIENCE, Passage};
pub use shipped::SHIPPED;

/// How long a proxy may take to listen. Varnish compiles its configuration with a C compiler first.
const START: Duration = Duration::from_secs(20);

/// A free port may be taken by somebody else before the proxy binds it.
const TRIES: usize = 3;

/// One proxy in one configuration.
pub struct Intermediary {
    /// What it is called in tables.
    pub name: &'static str,
    /// The program.
    pub program: &'static str,
    /// Which way requests find it.
    pub way: Way,
    arguments: &'static [&'static str],
    /// The signal that has it start anew, for one that is to cut.
    anew: Option<&'static str>,
    files: &'static [(&'static str, &'static str)],
}

/// Which way requests find a proxy.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Way {
    /// It stands where the server would.
    Reverse,
    /// The client is told of it by `HTTP_PROXY`.
    Forward,
}

/// An intermediary that listens. Dropped, it ends.
pub struct Running {
    program: Program,
    /// Where it listens.
    pub address: SocketAddr,
    /// Where the server is.
    origin: SocketAddr,
    way: Way,
    // Removed after the program has ended, for fields are dropped in order.
    _folder: TempDir,
}

impl Intermediary {
    /// Where its program is; none where it is not installed. Servers lie in folders that are not on everybody's
    /// `PATH`, and one that Debian has not where `cargo xtask setup` puts it.
    #[must_use]
    pub fn find(&self) -> Option<PathBuf> {
        let ours = concat!(env!("CARGO_MANIFEST_DIR"), "/../../target/apps/python/bin");
        let folders = ["/usr/sbin", "/usr/bin", "/usr/local/sbin", "/usr/local/bin", ours];
        folders.iter().map(|folder| Path::new(folder).join(self.program)).find(|program| program.is_file())
    }

    /// Starts it in front of `origin`. Takes 20 s at most for each of 3 tries; cancelling it ends the program.
    ///
    /// # Errors
    /// Where it is not installed or does not listen.
    pub async fn start(&self, origin: SocketAddr) -> Result<Running, Trouble> {
        self.start_with(origin, &[]).await
    }

    /// Starts it with lines of configuration besides, which take the place of those of the same name.
    ///
    /// # Errors
    /// Where it is not installed or does not listen.
    pub async fn start_with(&self, origin: SocketAddr, lines: &[String]) -> Result<Running, Trouble> {
        self.start_changed(origin, |text| config::amended(text, lines)).await
    }

    /// Starts it with other words in its configuration: each of the first for the second, in which `LISTEN`, `ORIGIN` and
    /// `FOLDER` are filled in.
    ///
    /// # Errors
    /// Where it is not installed or does not listen.
    pub async fn start_as(&self, origin: SocketAddr, words: &[(&str, &str)]) -> Result<Running, Trouble> {
        let change = |text: &str| words.iter().fold(text.to_owned(), |text, (shown, real)| text.replace(shown, real));
        self.start_changed(origin, change).await
    }

    async fn start_changed(&self, origin: SocketAddr, change: impl Fn(&str) -> String) -> Result<Running, Trouble> {
        let mut tries = 0;
        loop {
            tries += 1;
            match self.attempt(origin, &change).await {
                Err(Trouble::Never { .. }) if tries < TRIES => {}
                done => return done,
            }
        }
    }

    async fn attempt(&self, origin: SocketAddr, change: impl Fn(&str) -> String) -> Result<Running, Trouble> {
        let folder = tempfile::Builder::new().prefix("sendit-").tempdir()?;
        free::for_everybody(folder.path())?;
        let address = free::address()?;
        let site = Site { folder: folder.path(), address, origin };
        for (name, text) in self.files {
            std::fs::write(folder.path().join(name), site.fill(&change(text)))?;
        }
        let program = self.find().unwrap_or_else(|| PathBuf::from(self.program));
        let arguments = self.arguments.iter().map(|argument| site.fill(argument));
        // Some write below their home.
        let mut command = command(&program);
        let program = Program::start(command.args(arguments).current_dir(folder.path()).env("HOME", folder.path()))?;
        let mut running = Running { program, address, origin, way: self.way, _folder: folder };
        running.listens().await?;
        Ok(running)
    }
}

impl Running {
    async fn listens(&mut self) -> Result<(), Trouble> {
        let deadline = Instant::now() + START;
        while TcpStream::connect(self.address).await.is_err() {
            if self.program.has_ended() || Instant::now() > deadline {
                return Err(self.program.never("listened"));
            }
            sleep(LOOK).await;
        }
        Ok(())
    }

    /// Where visitors go. Only clients are told of a forward proxy.
    #[must_use]
    pub fn public(&self) -> SocketAddr {
        match self.way {
            Way::Reverse => self.address,
            Way::Forward => self.origin,
        }
    }

    /// What a client's `HTTP_PROXY` has to be.
    #[must_use]
    pub fn http_proxy(&self) -> Option<String> {
        (self.way == Way::Forward).then(|| format!("http://{}", self.address))
    }

    /// All that it has printed.
    #[must_use]
    pub fn output(&self) -> String {
        self.program.output()
    }
}

/// What a configuration is filled in with.
struct Site<'a> {
    folder: &'a Path,
    address: SocketAddr,
    origin: SocketAddr,
}

impl Site<'_> {
    fn fill(&self, text: &str) -> String {
        text.replace("FOLDER", &self.folder.to_string_lossy())
            .replace("LISTEN_PORT", &self.address.port().to_string())
            .replace("LISTEN", &self.address.to_string())
            .replace("ORIGIN_PORT", &self.origin.port().to_string())
            .replace("ORIGIN", &self.origin.to_string())
    }
}
