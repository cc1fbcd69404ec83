//! The mixed load through a tunnel through an intermediary, while what carries it is lost: before the intermediary, behind
//! it, and by its own doing.

use std::fmt;
use std::path::Path;
use std::time::Duration;

use tokio::net::TcpListener;
use tokio::time::{Instant, sleep};

use super::{Intermediary, PATIENCE, Running, Way};
use crate::faults::{Plan, Proxy};
use crate::load::{Figures, Mix, Public, Receipts, Target, run};
use crate::program::{Client, Server, Trouble};
use crate::soak::carriers;

/// How often an intermediary that cuts starts anew, and how long it lets go on what it has then: nothing lives for longer
/// than both.
const ANEW: Duration = Duration::from_millis(500);

/// What a tunnel has to go through.
#[derive(Clone, Debug)]
pub struct Ordeal<'a> {
    /// What visitors send.
    pub mix: Mix,
    /// For how long.
    pub time: Duration,
    /// What fault proxies do on both sides of the intermediary.
    pub plan: Plan,
    /// Flags of the client.
    pub flags: &'a [&'a str],
}

/// What came of it.
#[derive(Debug)]
pub struct Endured {
    /// What visitors saw.
    pub figures: Figures,
    /// What the target saw.
    pub receipts: Receipts,
    /// Connections that were lost at random.
    pub kills: u64,
    /// Carriers that reached the server, in the direction that had fewer.
    pub carriers: u64,
    /// What the client printed.
    pub said: String,
}

impl Intermediary {
    /// Sends the mix through a tunnel through this intermediary. Each step has a deadline; cancelling it ends all
    /// programs.
    ///
    /// # Errors
    /// Where a program does not start, or the client is not ready within 20 s.
    pub async fn try_out(&self, binary: &Path, ordeal: &Ordeal<'_>) -> Result<Endured, Trouble> {
        let Ordeal { mix, time, plan, flags } = ordeal;
        let target = Target::start(TcpListener::bind("127.0.0.1:0").await?)?;
        let server = Server::start(binary).await?;
        let behind = Proxy::start(TcpListener::bind("127.0.0.1:0").await?, server.address, mix.seed, Plan::default())?;
        let running = self.start(behind.address()).await?;
        let before =
            Proxy::start(TcpListener::bind("127.0.0.1:0").await?, running.address, !mix.seed, Plan::default())?;
        let (public, http_proxy) = match self.way {
            Way::Reverse => (before.address(), None),
            Way::Forward => (behind.address(), Some(format!("http://{}", before.address()))),
        };
        let source = format!("http://{public}/tried");
        let client = Client { source, target: target.address, http_proxy, flags }.start(binary)?;
        let ready = |output: &str| output.contains("Ready; Forwarding");
        client.printed(Instant::now() + PATIENCE, "was ready", ready).await?;
        let change = |plan: &Plan| [&before, &behind].map(|proxy| proxy.change(plan.clone()));
        change(plan);
        let enough = async {
            sleep(*time).await;
            change(&Plan::default());
        };
        let public = Public { address: server.address, prefix: "/tried".to_owned() };
        let figures = tokio::select! {
            figures = run(mix, &public, enough) => figures,
            trouble = self.cut(&running) => return Err(trouble),
        };
        let said = client.output();
        client.end().await;
        let (before, behind) = (before.stop().await, behind.stop().await);
        let kills = before.kills() + behind.kills();
        Ok(Endured { figures, receipts: target.ledger().receipts(), kills, carriers: carriers(&behind), said })
    }

    /// Has an intermediary that cuts do so, again and again.
    async fn cut(&self, running: &Running) -> Trouble {
        let Some(signal) = self.anew else { return std::future::pending().await };
        while running.program.signal(signal) {
            sleep(ANEW).await;
        }
        running.program.never("could be told to start anew")
    }
}

impl Endured {
    /// Exchanges that were not whole, or came twice.
    #[must_use]
    pub fn failed(&self) -> u64 {
        let Self { figures, receipts, .. } = self;
        figures.failed + figures.wrong + figures.hung + receipts.wrong + receipts.twice
    }
}

impl fmt::Display for Endured {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { figures, kills, carriers, .. } = self;
        let (exchanges, failed) = (figures.exchanges, self.failed());
        write!(f, "{exchanges} exchanges, {kills} kills, {carriers} carriers each way, {failed} failed")
    }
}
