//! How well a tunnel fills a long path: one transfer through it against one plain connection over the same delay and
//! bandwidth, and small requests beside a transfer against small requests alone.

mod service;

mod visitor;

use std::fmt;
use std::io;
use std::net::SocketAddr;
use std::path::Path;
use std::time::Duration;

use tokio::net::TcpListener;
use tokio::time::Instant;

use crate::faults::{Plan, Proxy, Shape};
use crate::program::{Client, Program, Server, Trouble};

pub use service::Service;
use visitor::Visitor;

/// How long a client may take until its tunnel stands.
const READY: Duration = Duration::from_secs(20);

/// How long a transfer goes on before what is beside it counts.
const WARM_UP: Duration = Duration::from_secs(4);

/// Bytes of a transfer that is given up before its end.
const ENDLESS: u64 = 1 << 40;

/// What the path is like, and what is measured on it.
#[derive(Clone, Debug)]
pub struct Course {
    /// How much later each byte arrives, each way.
    pub each_way: Duration,
    /// Bytes a second, each way.
    pub bandwidth: u64,
    /// Bytes of one transfer.
    pub size: u64,
    /// How many small requests are made, one after the other.
    pub requests: usize,
    /// Flags of the client.
    pub flags: Vec<String>,
}

/// A tunnel over a path, and the same path without one.
pub struct Stage {
    course: Course,
    plain: Visitor,
    tunnel: Visitor,
    _service: Service,
    /// The two paths, the server and the client: what is measured goes through them.
    _parts: (Proxy, Proxy, Server, Program),
}

/// What was measured of one direction.
#[derive(Clone, Debug)]
pub struct Figures {
    /// Bytes a second on a plain connection.
    pub plain: f64,
    /// Bytes a second through the tunnel.
    pub tunnel: f64,
    /// How long each small request took alone, in order of length.
    pub alone: Vec<Duration>,
    /// How long each took beside a transfer, in order of length.
    pub beside: Vec<Duration>,
    /// There and back.
    pub round_trip: Duration,
}

/// Which way a transfer goes, as a visitor sees it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Way {
    /// From the target to the visitor.
    Download,
    /// From the visitor to the target.
    Upload,
}

impl Stage {
    /// Starts everything that takes part.
    ///
    /// # Errors
    /// Where one of them does not start.
    pub async fn start(binary: &Path, course: Course) -> Result<Self, Trouble> {
        let service = Service::start(local().await?)?;
        let server = Server::start(binary).await?;
        let shape = Shape { delay: course.each_way, bandwidth: Some(course.bandwidth), ..Shape::default() };
        let slow = Plan { up: shape.clone(), down: shape, ..Plan::default() };
        let plain = Proxy::start(local().await?, service.address, 1, slow.clone())?;
        let link = Proxy::start(local().await?, server.address, 1, slow)?;
        let flags: Vec<&str> = course.flags.iter().map(String::as_str).collect();
        let source = format!("http://{}/delay", link.address());
        let client = Client { source, target: service.address, http_proxy: None, flags: &flags }.start(binary)?;
        let ready = |output: &str| output.contains("Ready; Forwarding");
        client.printed(Instant::now() + READY, "was ready", ready).await?;
        Ok(Self {
            plain: Visitor { address: plain.address(), prefix: "" },
            tunnel: Visitor { address: server.address, prefix: "/delay" },
            course,
            _service: service,
            _parts: (plain, link, server, client),
        })
    }

    /// Measures one direction.
    ///
    /// # Errors
    /// Where a transfer fails.
    pub async fn measure(&self, way: Way) -> io::Result<Figures> {
        // First, so that the tunnel is as it is after its first seconds when the transfer begins.
        let alone = self.tunnel.requests(self.course.requests).await?;
        let tunnel = self.rate(&self.tunnel, way).await?;
        let plain = self.rate(&self.plain, way).await?;
        let beside = async {
            tokio::time::sleep(WARM_UP).await;
            self.tunnel.requests(self.course.requests).await
        };
        let beside = tokio::select! {
            beside = beside => beside?,
            ended = self.tunnel.transfer(way, ENDLESS) => {
                ended?;
                return Err(io::Error::other("a transfer without an end has ended"));
            }
        };
        Ok(Figures { plain, tunnel, alone, beside, round_trip: self.course.each_way * 2 })
    }

    async fn rate(&self, visitor: &Visitor, way: Way) -> io::Result<f64> {
        let begin = Instant::now();
        visitor.transfer(way, self.course.size).await?;
        #[expect(clippy::cast_precision_loss, reason = "a figure for people")]
        let size = self.course.size as f64;
        Ok(size / begin.elapsed().as_secs_f64())
    }
}

async fn local() -> io::Result<TcpListener> {
    TcpListener::bind(SocketAddr::from(([127, 0, 0, 1], 0))).await
}

impl Figures {
    /// What the tunnel brings, as a part of what a plain connection does.
    #[must_use]
    pub fn share(&self) -> f64 {
        self.tunnel / self.plain
    }

    /// How much longer the slowest of a hundred requests takes beside a transfer, in round trips.
    #[must_use]
    pub fn lag(&self) -> f64 {
        (percentile(&self.beside, 99).as_secs_f64() - percentile(&self.alone, 99).as_secs_f64())
            / self.round_trip.as_secs_f64()
    }
}

fn percentile(sorted: &[Duration], percent: usize) -> Duration {
    let place = (sorted.len() * percent).div_ceil(100).max(1) - 1;
    sorted.get(place).copied().unwrap_or_default()
}

impl fmt::Display for Figures {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let row = |f: &mut fmt::Formatter<'_>, what: &str, times: &[Duration]| {
            let (middle, last) = (percentile(times, 50), percentile(times, 99));
            writeln!(f, "{what:36} p50 {:7.1} ms   p99 {:7.1} ms", millis(middle), millis(last))
        };
        writeln!(f, "{:36} {:8.1} MB/s", "a plain connection", self.plain / 1e6)?;
        writeln!(f, "{:36} {:8.1} MB/s   {:.0} %", "the tunnel", self.tunnel / 1e6, self.share() * 100.0)?;
        row(f, "small requests alone", &self.alone)?;
        row(f, "small requests beside a transfer", &self.beside)?;
        writeln!(f, "{:36} {:8.2} round trips at p99", "they take longer by", self.lag())
    }
}

fn millis(duration: Duration) -> f64 {
    duration.as_secs_f64() * 1e3
}
