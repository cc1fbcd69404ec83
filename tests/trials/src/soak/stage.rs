//! A tunnel with a load before it, a target behind it, and a fault proxy between its two ends.

use std::fmt;
use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use tokio::net::TcpListener;
use tokio::time::Instant;

use crate::faults::{Plan, Proxy, Tally};
use crate::load::{Figures, Mix, Public, Receipts, Target, run};
use crate::program::{Client, Program, Server, Trouble};

/// How long a client may take until it is ready, kills or not.
const PATIENCE: Duration = Duration::from_secs(30);

/// Everything that takes part.
pub struct Stage {
    /// The private service.
    pub target: Target,
    /// The public end.
    pub server: Server,
    /// What stands between the ends.
    pub proxy: Proxy,
    /// The private end.
    pub client: Program,
    public: Public,
    /// The first id that no exchange has had.
    next_id: AtomicU64,
}

/// What was seen at each place.
pub struct Books {
    /// What the target got.
    pub receipts: Receipts,
    /// What the fault proxy did.
    pub tally: Tally,
    /// What the client printed last.
    pub said: String,
}

impl Stage {
    /// A tunnel whose client has these flags besides, and is ready.
    ///
    /// # Errors
    /// Where something does not start, or the client is not ready within 30 s.
    pub async fn set(binary: &Path, seed: u64, plan: Plan, flags: &[&str]) -> Result<Self, Trouble> {
        let target = Target::start(TcpListener::bind("127.0.0.1:0").await?)?;
        let server = Server::start(binary).await?;
        let proxy = Proxy::start(TcpListener::bind("127.0.0.1:0").await?, server.address, seed, plan)?;
        let source = format!("http://{}/soak", proxy.address());
        let client = Client { source, target: target.address, http_proxy: None, flags }.start(binary)?;
        ready(&client).await?;
        let public = Public { address: server.address, prefix: "/soak".to_owned() };
        Ok(Self { target, server, proxy, client, public, next_id: AtomicU64::new(0) })
    }

    /// Sends the mix through the tunnel until `enough`, and sees it to its end. Every exchange gets an id of its own.
    pub async fn load(&self, mix: &Mix, enough: impl Future<Output = ()>) -> Figures {
        let mix = Mix { first_id: self.next_id.load(Ordering::Relaxed), ..mix.clone() };
        let figures = run(&mix, &self.public, enough).await;
        self.next_id.fetch_add(figures.exchanges, Ordering::Relaxed);
        figures
    }

    /// Starts one more client on a prefix of its own, waits until it is ready, and ends it.
    ///
    /// # Errors
    /// Where it does not start, or is not ready within 30 s.
    pub async fn pass(&self, binary: &Path) -> Result<(), Trouble> {
        let source = format!("http://{}/passing", self.proxy.address());
        let client = Client { source, target: self.target.address, http_proxy: None, flags: &[] }.start(binary)?;
        ready(&client).await?;
        client.end().await;
        Ok(())
    }

    /// Ends everything.
    pub async fn strike(self) -> Books {
        let Self { target, server, proxy, client, .. } = self;
        let said = client.output();
        client.end().await;
        server.program.end().await;
        Books { receipts: target.ledger().receipts(), tally: proxy.stop().await, said }
    }
}

async fn ready(client: &Program) -> Result<(), Trouble> {
    let ready = |output: &str| output.contains("Ready; Forwarding");
    client.printed(Instant::now() + PATIENCE, "was ready", ready).await.map(drop)
}

impl fmt::Display for Books {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Receipts { delivered, twice, wrong, cut, complaints, .. } = &self.receipts;
        writeln!(f, "the target")?;
        writeln!(f, "{:32} {delivered:10}", "exchanges delivered")?;
        writeln!(f, "{:32} {twice:10}", "delivered more than once")?;
        writeln!(f, "{:32} {wrong:10}", "wrong bytes or silent ends")?;
        writeln!(f, "{:32} {cut:10}", "cut, and seen to be")?;
        for complaint in complaints {
            writeln!(f, "  {complaint}")?;
        }
        write!(f, "\nthe fault proxy\n{}", self.tally)
    }
}
