//! A server that the system gives few descriptors, and more connections than those.

use std::path::Path;
use std::time::Duration;

use tokio::net::TcpStream;
use tokio::time::{Instant, sleep};

use super::Target;
use super::crowd::count;
use super::figure::{Figures, Measure};
use super::visitors::get;
use crate::program::{Client, Server, Trouble, command};

/// How long the flood is there.
const LASTS: Duration = Duration::from_secs(15);

/// How long a client may take until its tunnel stands.
const READY: Duration = Duration::from_secs(30);

/// The run.
#[derive(Clone, Copy, Debug)]
pub struct Starved {
    /// How many descriptors the server has.
    pub descriptors: u32,
    /// How many connections come and say nothing.
    pub connections: usize,
}

/// Lets them come.
///
/// # Errors
/// Where something does not start.
pub async fn starved(binary: &Path, run: Starved) -> Result<Figures, Trouble> {
    let target = Target::start()?;
    let line = format!("ulimit -n {} && exec \"$0\" serve --addr 127.0.0.1:0", run.descriptors);
    let server = Server::of(command(Path::new("sh")).arg("-c").arg(line).arg(binary)).await?;
    let source = format!("http://{}/app", server.address);
    // Renewed often, so that carriers need connections in the flood as well.
    let client = Client { source, target: target.address, http_proxy: None, flags: &["--max-ttl", "1s"] };
    let client = client.start(binary)?;
    client.printed(Instant::now() + READY, "was ready", |output| output.contains("Ready; Forwarding")).await?;
    let (begin, cpu, mut flood) = (Instant::now(), server.program.cpu().unwrap_or_default(), Vec::new());
    for _ in 0..run.connections {
        flood.push(TcpStream::connect(server.address).await?);
    }
    let mut figures = Figures::default();
    let held = server.program.holds().map_or(0, |(descriptors, _)| descriptors);
    figures.bound(Measure::Count, "descriptors that the server holds", count(held), "", f64::from(run.descriptors));
    sleep(LASTS).await;
    let cpu = server.program.cpu().unwrap_or_default().saturating_sub(cpu);
    let share = cpu.as_secs_f64() / begin.elapsed().as_secs_f64() * 100.0;
    figures.bound(Measure::Ratio, format!("of a core, with {} silent connections", run.connections), share, "%", 10.0);
    let beside = get(server.address, "/app/10").await;
    figures.bound(Measure::Count, "visitors beside them not answered", count(u32::from(beside.is_err())), "", 0.0);
    drop(flood);
    let begin = Instant::now();
    while get(server.address, "/app/10").await.is_err() {
        sleep(Duration::from_millis(10)).await;
    }
    figures.bound(
        Measure::Clock,
        "until a visitor is answered after them",
        begin.elapsed().as_secs_f64() * 1000.0,
        "ms",
        1000.0,
    );
    let stood = client.output().matches("Ready; Forwarding").count();
    figures.bound(Measure::Count, "sessions lost", count(stood) - 1.0, "", 0.0);
    Ok(figures)
}
