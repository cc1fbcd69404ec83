//! What many sessions cost a server: memory for each, and CPU for an exchange of one of them, beside what an exchange
//! costs where there is no other.

use std::fmt;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use anyhow::{Context as _, Result, ensure};
use sendit::client::{self, Event};
use tokio::sync::mpsc;
use tokio::task::JoinSet;
use tokio::time::{sleep, timeout};
use tokio_util::sync::CancellationToken;

use super::candidate::{Candidate, Running};
use super::{cost, small};

/// How many sessions are opened at a time.
const AT_ONCE: u32 = 50;

/// How long that may take.
const PATIENCE: Duration = Duration::from_secs(60);

/// Longer than a carrier's life, so that each session has renewed both.
const SETTLED: Duration = Duration::from_secs(12);

/// Measures and tells.
pub(super) async fn measure(binary: PathBuf, number: u32, lasts: Duration) -> Result<String> {
    let target = small::Target::start().await?;
    let running = Candidate::Sendit { binary, flags: Vec::new() }.start(target.address).await?;
    small::check(&running).await?;
    let server = running.processes().first().copied().context("there is no server")?;
    let alone = exchange(&running, server, lasts).await?;
    let (before, others) = (cost::memory(server), number.saturating_sub(1));
    let mut idle = Sessions::default();
    idle.open(running.address, target.address, others).await?;
    sleep(SETTLED).await;
    let after = cost::memory(server);
    let among = exchange(&running, server, lasts).await?;
    ensure!(idle.clients.try_join_next().is_none(), "a session has ended");
    let each = f64::from(after.saturating_sub(before)) / f64::from(others.max(1));
    let ratio = among.exchange.as_secs_f64() / alone.exchange.as_secs_f64();
    Ok(format!(
        "memory of a session: {each:.1} KiB\nalone: {alone}\namong {number} sessions: {among}\nratio {ratio:.2}"
    ))
}

/// What the server takes.
struct Cost {
    /// For an exchange, beyond what it takes for nothing.
    exchange: Duration,
    /// For nothing, of one core.
    idle: f64,
}

impl fmt::Display for Cost {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (us, percent) = (self.exchange.as_secs_f64() * 1e6, self.idle * 100.0);
        write!(f, "{us:.1} µs of the server's CPU for an exchange, beside {percent:.1} % of a core for nothing")
    }
}

/// Of 32 exchanges at a time.
async fn exchange(running: &Running, server: u32, lasts: Duration) -> Result<Cost> {
    let before = cost::cpu(&[server]);
    sleep(lasts).await;
    let idle = cost::cpu(&[server]).saturating_sub(before);
    let load = small::load_of(running, 32, lasts, &[server]).await?;
    let exchange = load.cpu.saturating_sub(idle) / load.requests;
    Ok(Cost { exchange, idle: idle.as_secs_f64() / lasts.as_secs_f64() })
}

/// Sessions of clients in this process, until it is dropped.
#[derive(Default)]
struct Sessions {
    clients: JoinSet<()>,
}

impl Sessions {
    async fn open(&mut self, server: SocketAddr, target: SocketAddr, number: u32) -> Result<()> {
        let (ready, mut opened) = mpsc::channel(AT_ONCE as usize);
        for begin in (0..number).step_by(AT_ONCE as usize) {
            let end = number.min(begin + AT_ONCE);
            for name in begin..end {
                let source = format!("http://{server}/idle-{name}").parse()?;
                let config = client::Config::new(source, format!("http://{target}").parse()?);
                let ready = ready.clone();
                let told = move |event| {
                    if matches!(event, Event::Ready) {
                        let _ = ready.try_send(());
                    }
                };
                self.clients.spawn(async move {
                    let ended = client::run(config, told, CancellationToken::new()).await;
                    eprintln!("a session ended: {ended:?}");
                });
            }
            for _ in begin..end {
                timeout(PATIENCE, opened.recv()).await.context("a session does not open")?;
            }
        }
        Ok(())
    }
}
