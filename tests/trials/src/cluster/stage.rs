//! Several servers, what is before them, and the clients that have tunnels there.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::AtomicU64;
use std::time::Duration;

use futures_util::future::join_all;
use tempfile::TempDir;
use tokio::net::TcpListener;
use tokio::time::{Instant, sleep};

use super::{Joins, Leads, Node, balance};
use crate::load::{Figures, Mix, Public, Target, run_among};
use crate::program::{Client, LOOK, Program, Trouble};

/// How long anything may take that a trial waits for.
pub const PATIENCE: Duration = Duration::from_secs(60);

/// What the servers know each other by.
const SECRET: &str = "what-the-servers-of-one-cluster-have-in-common";
const SECRET_FILE: &str = "secret";

/// What is to be there.
#[derive(Clone, Copy, Debug)]
pub struct Wanted<'a> {
    /// The program.
    pub binary: &'a Path,
    /// Where the engine is.
    pub engine: SocketAddr,
    /// How many servers.
    pub nodes: usize,
    /// How many tunnels on wire v2.
    pub v2: usize,
    /// How many on wire v1.
    pub v1: usize,
    /// Flags of the servers.
    pub flags: &'a [&'a str],
}

/// A tunnel.
pub struct Tunnel {
    /// Its prefix, without a slash.
    pub prefix: String,
    /// Its wire.
    pub wire: &'static str,
    /// The private end.
    pub client: Program,
}

/// All of it.
pub struct Stage {
    /// The tunnels, those of wire v2 first. Dropped before the servers: their clients can say that they leave.
    pub tunnels: Vec<Tunnel>,
    /// What stands before the servers.
    pub balancer: Leads,
    /// The servers.
    pub nodes: Vec<Node>,
    /// The private service of all tunnels.
    pub target: Target,
    /// The next id that no exchange has had.
    ids: Arc<AtomicU64>,
    binary: PathBuf,
    folder: TempDir,
}

impl Stage {
    /// Starts it, and waits until each tunnel stands and the balancer uses each server.
    ///
    /// # Errors
    /// Where something does not start.
    pub async fn set(wanted: Wanted<'_>) -> Result<Self, Trouble> {
        let folder = tempfile::Builder::new().prefix("sendit-").tempdir()?;
        let (target, mut nodes) = (Target::start(TcpListener::bind("127.0.0.1:0").await?)?, Vec::new());
        let secret = folder.path().join(SECRET_FILE);
        std::fs::write(&secret, SECRET)?;
        let joins = Joins { binary: wanted.binary, engine: wanted.engine, secret: &secret, flags: wanted.flags };
        for _ in 0..wanted.nodes {
            nodes.push(Node::start(&joins).await?);
        }
        for node in &nodes {
            node.is_ready().await?;
        }
        let balancer = balance(&nodes).await?;
        let (binary, ids) = (wanted.binary.to_path_buf(), Arc::default());
        let mut stage = Self { tunnels: Vec::new(), balancer, nodes, target, ids, binary, folder };
        for (wire, count) in [("v2", wanted.v2), ("v1", wanted.v1)] {
            for number in 0..count {
                let tunnel = stage.begin(&format!("{wire}-{number}"), wire, stage.balancer.address)?;
                stage.tunnels.push(tunnel);
            }
        }
        stage.stands().await?;
        Ok(stage)
    }

    /// Starts a client that finds the servers at `server`, and does not wait for anything.
    ///
    /// # Errors
    /// Where it does not start.
    pub fn begin(&self, prefix: &str, wire: &'static str, server: SocketAddr) -> Result<Tunnel, Trouble> {
        let source = format!("http://{server}/{prefix}");
        let flags = ["--wire", wire, "--inspect", "off"];
        let client = Client { source, target: self.target.address, http_proxy: None, flags: &flags };
        Ok(Tunnel { prefix: prefix.to_owned(), wire, client: client.start(&self.binary)? })
    }

    /// Waits until each tunnel has stood.
    ///
    /// # Errors
    /// Where one has not within a minute.
    pub async fn stands(&self) -> Result<(), Trouble> {
        for tunnel in &self.tunnels {
            tunnel.stands(1).await?;
        }
        Ok(())
    }

    /// The file with what the servers know each other by.
    #[must_use]
    pub fn secret(&self) -> PathBuf {
        self.folder.path().join(SECRET_FILE)
    }

    /// Where visitors of those tunnels go for which `wanted` holds, by the balancer.
    pub fn public(&self, wanted: impl Fn(&Tunnel) -> bool) -> Vec<Public> {
        self.public_at(self.balancer.address, wanted)
    }

    /// The same at one server.
    pub fn public_at(&self, address: SocketAddr, wanted: impl Fn(&Tunnel) -> bool) -> Vec<Public> {
        let tunnels = self.tunnels.iter().filter(|tunnel| wanted(tunnel));
        tunnels.map(|tunnel| Public { address, prefix: format!("/{}", tunnel.prefix) }).collect()
    }

    /// Sends the mix to all these places in turn until `enough`, and sees it to its end.
    pub async fn load(&self, mix: &Mix, publics: &[Public], enough: impl Future<Output = ()>) -> Figures {
        run_among(mix, publics, &self.ids, enough).await
    }

    /// The server that a session lives on.
    ///
    /// # Errors
    /// Where none says so within a minute.
    pub async fn home(&self, prefix: &str) -> Result<usize, Trouble> {
        let deadline = Instant::now() + PATIENCE;
        loop {
            let has = join_all(self.nodes.iter().map(|node| node.has(prefix))).await;
            if let Some(home) = has.iter().position(|has| *has) {
                return Ok(home);
            }
            if Instant::now() > deadline {
                return Err(self.nodes[0].program().never(&format!("had a session of `{prefix}`, nor did another")));
            }
            sleep(LOOK).await;
        }
    }

    /// The servers that all sessions live on, in the order of the tunnels.
    ///
    /// # Errors
    /// Where one of them is nowhere.
    pub async fn homes(&self) -> Result<Vec<usize>, Trouble> {
        let mut homes = Vec::new();
        for tunnel in &self.tunnels {
            homes.push(self.home(&tunnel.prefix).await?);
        }
        Ok(homes)
    }

    /// What the servers' logs say of trouble: their last lines.
    #[must_use]
    pub fn said(&self) -> String {
        let outputs = self.nodes.iter().map(|node| node.program().output()).collect::<String>();
        outputs.lines().filter(|line| line.contains(" WARN ")).flat_map(|line| [line, "\n"]).collect()
    }
}

impl Tunnel {
    /// Waits until its client has told so many times that it stands.
    ///
    /// # Errors
    /// Where it has not within a minute.
    pub async fn stands(&self, times: usize) -> Result<(), Trouble> {
        let stood = |output: &str| output.matches("Ready; Forwarding").count() >= times;
        self.client.printed(Instant::now() + PATIENCE, "stood", stood).await.map(drop)
    }
}
