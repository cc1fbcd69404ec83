//! A tunnel through one intermediary: how soon it is ready, what a request costs, how fast bytes go. Visitors call the
//! server directly, so that only the tunnel's own requests are subject to the intermediary.

use std::fmt;
use std::path::Path;
use std::time::Duration;

use tokio::net::TcpListener;
use tokio::time::Instant;
use tokio_util::task::TaskTracker;

use super::Intermediary;
use crate::load::{Exchange, Manner, Outcome, Public, Target, Visitor};
use crate::program::{Client, Program, Server, Trouble};

/// How long a client may take to be ready, or to say why it is not.
pub const PATIENCE: Duration = Duration::from_secs(20);

/// Small requests of which the median is told.
const REQUESTS: usize = 31;

/// What is carried through an intermediary.
#[derive(Clone, Copy, Debug)]
pub struct Freight<'a> {
    /// Flags of the client, such as the wire.
    pub flags: &'a [&'a str],
    /// Bytes that go each way at once.
    pub bulk: u64,
}

/// How a tunnel came through.
#[derive(Debug)]
pub enum Crossing {
    /// It stood, and carried everything.
    Passed(Passage),
    /// The client said why it did not stand.
    Held {
        /// After how long.
        after: Duration,
        /// Its own words.
        said: String,
    },
    /// It stood, and then an exchange was not whole.
    Spoilt {
        /// After how long it had stood.
        ready: Duration,
        /// Which exchange, and how it came out.
        how: String,
    },
}

/// The figures of a tunnel that stood.
#[derive(Clone, Copy, Debug)]
pub struct Passage {
    /// From the start of the client.
    pub ready: Duration,
    /// A small request through the tunnel, the median.
    pub request: Duration,
    /// A small request through the intermediary without a tunnel, the median.
    pub alone: Duration,
    /// Bytes a second from visitor to target.
    pub up: u128,
    /// Bytes a second from target to visitor.
    pub down: u128,
}

impl Intermediary {
    /// Sends freight through a tunnel through this intermediary. Each step has a deadline; cancelling it ends all
    /// programs.
    ///
    /// # Errors
    /// Where a program does not start, or the client is neither ready nor says why within 20 s.
    pub async fn cross(&self, binary: &Path, freight: Freight<'_>) -> Result<Crossing, Trouble> {
        let target = Target::start(TcpListener::bind("127.0.0.1:0").await?)?;
        let alone = self.alone(&target).await?;
        let server = Server::start(binary).await?;
        let running = self.start(server.address).await?;
        let prefix = "/through".to_owned();
        let client = Client {
            source: format!("http://{}{prefix}", running.public()),
            target: target.address,
            http_proxy: running.http_proxy(),
            flags: freight.flags,
        };
        let begin = Instant::now();
        let program = client.start(binary)?;
        if let Some(said) = stands(&program, begin).await? {
            return Ok(Crossing::Held { after: begin.elapsed(), said });
        }
        let ready = begin.elapsed();
        let mut visits = Visits::new(Public { address: server.address, prefix });
        Ok(match visits.freight(freight.bulk).await {
            Ok((request, up, down)) => Crossing::Passed(Passage { ready, request, alone, up, down }),
            Err(how) => Crossing::Spoilt { ready, how: format!("{how}; the client printed: {}", program.output()) },
        })
    }

    async fn alone(&self, target: &Target) -> Result<Duration, Trouble> {
        let running = self.start(target.address).await?;
        let mut visits = Visits::new(Public { address: running.public(), prefix: String::new() });
        visits.small().await.map_err(|how| running.program.never(&format!("passed a request on ({how})")))
    }
}

/// Waits until the client says that the tunnel stands, or why it does not.
async fn stands(program: &Program, begin: Instant) -> Result<Option<String>, Trouble> {
    let is_ready = |output: &str| output.contains("Ready; Forwarding");
    let cause = |output: &str| output.lines().find(|line| line.contains("proxy on the way")).map(ToOwned::to_owned);
    let told = |output: &str| is_ready(output) || cause(output).is_some();
    let output = program.printed(begin + PATIENCE, "was ready, or said what holds it back", told).await?;
    Ok(if is_ready(&output) { None } else { cause(&output) })
}

struct Visits {
    visitor: Visitor,
    sent: u64,
}

impl Visits {
    fn new(public: Public) -> Self {
        Self { visitor: Visitor::new(public, TaskTracker::new()), sent: 0 }
    }

    async fn send(&mut self, up: u64, down: u64) -> Result<Duration, String> {
        self.sent += 1;
        let exchange = Exchange { id: self.sent, seed: self.sent, manner: Manner::Counted, up, down };
        let begin = Instant::now();
        match self.visitor.send(exchange).await {
            Outcome::Whole => Ok(begin.elapsed()),
            outcome => Err(format!("{up} bytes up and {down} down: {outcome:?}")),
        }
    }

    async fn small(&mut self) -> Result<Duration, String> {
        let mut took = Vec::with_capacity(REQUESTS);
        for _ in 0..REQUESTS {
            took.push(self.send(100, 100).await?);
        }
        took.sort_unstable();
        Ok(took[REQUESTS / 2])
    }

    async fn freight(&mut self, bulk: u64) -> Result<(Duration, u128, u128), String> {
        let request = self.small().await?;
        let rate = |took: Duration| u128::from(bulk) * 1_000_000_000 / took.as_nanos().max(1);
        let up = rate(self.send(bulk, 0).await?);
        let down = rate(self.send(0, bulk).await?);
        Ok((request, up, down))
    }
}

impl fmt::Display for Crossing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Passed(Passage { ready, request, alone, up, down }) => write!(
                f,
                "ready {:6.2} s, request {:6.1} ms (proxy alone {:5.1} ms), up {:4} MB/s, down {:4} MB/s",
                ready.as_secs_f64(),
                request.as_secs_f64() * 1e3,
                alone.as_secs_f64() * 1e3,
                up / 1_000_000,
                down / 1_000_000
            ),
            Self::Held { after, said } => write!(f, "held, said so after {:.1} s: {said}", after.as_secs_f64()),
            Self::Spoilt { ready, how } => write!(f, "ready {:6.2} s, then spoilt: {how}", ready.as_secs_f64()),
        }
    }
}
