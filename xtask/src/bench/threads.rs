//! What threads give a server. On a machine where load and targets take what a second thread could have, that shows only
//! where the server is made what bounds them: each of its threads for sessions may have a fifth of a core, and the machine
//! has time left.

use std::fmt;
use std::fs;
use std::path::Path;
use std::time::Duration;

use anyhow::{Context as _, Result, ensure};
use tokio::task::JoinSet;
use trials::program::{Client, Program, Server, command};
use trials::time::Time;

use super::figures::median;
use super::small::{Seen, Target, wrk};
use super::throttle::Throttle;
use super::{candidate, cost};

/// How many sessions are visited at once where they are several, and on how many connections each.
const SESSIONS: usize = 4;
const CONNECTIONS: usize = 16;

/// What shows that the server is the limit: of the periods in which a thread had something to do it could not do all in so
/// many, while the machine had so much of its time left.
const THROTTLED: f64 = 0.8;
const IDLE: f64 = 0.2;

/// How long a tunnel takes to go over to streams, and sessions to be spread.
const SETTLED: Duration = Duration::from_secs(2);

/// What is visited.
#[derive(Clone, Copy, PartialEq, Eq)]
struct Load {
    name: &'static str,
    sessions: usize,
    connections: usize,
    held_back: bool,
}

const LOADS: [Load; 4] = [
    Load { name: "4 sessions, held back", sessions: SESSIONS, connections: CONNECTIONS, held_back: true },
    Load { name: "1 session, held back", sessions: 1, connections: CONNECTIONS * SESSIONS, held_back: true },
    Load { name: "1 session, 32 connections", sessions: 1, connections: 32, held_back: false },
    Load { name: "1 session, 1 connection", sessions: 1, connections: 1, held_back: false },
];

/// Measures each load with one thread and with two, in turn, and tells medians.
pub(super) async fn measure(binary: &Path, rounds: usize, lasts: Duration) -> Result<String> {
    let target = Target::start().await?;
    let mut columns = LOADS.map(|load| Compared { load, with: [Vec::new(), Vec::new()] });
    for round in 1..=rounds {
        for Compared { load, with } in &mut columns {
            for (threads, figures) in (1..).zip(with) {
                eprintln!("round {round}: {}, {threads} threads", load.name);
                let stand = Stand::start(binary, threads, load.sessions, &target).await?;
                figures.push(stand.measure(load, lasts).await?);
            }
        }
    }
    let table = columns.iter().map(Compared::to_string).collect::<String>();
    Ok(format!("| | 1 thread | 2 threads | ratio |\n|---|---:|---:|---:|{table}"))
}

/// A server with its clients.
struct Stand {
    server: Program,
    urls: Vec<String>,
    _clients: Vec<Program>,
}

/// What one load came to.
#[derive(Clone, Copy)]
struct Figures {
    rate: f64,
    p50: Duration,
    cpu: Duration,
    /// Where the server was held back.
    limit: Option<Limit>,
}

#[derive(Clone, Copy)]
struct Limit {
    throttled: f64,
    idle: f64,
}

impl Stand {
    async fn start(binary: &Path, threads: usize, sessions: usize, target: &Target) -> Result<Self> {
        let threads = threads.to_string();
        let mut serve = command(binary);
        let server = Server::of(serve.args(["serve", "--addr", "127.0.0.1:0", "--threads", &threads])).await?;
        let (mut urls, mut clients) = (Vec::new(), Vec::new());
        for number in 0..sessions {
            let source = format!("http://{}/bench-{number}", server.address);
            let client = Client { source: source.clone(), target: target.address, http_proxy: None, flags: &[] };
            let client = client.start(binary)?;
            candidate::settled(&client).await?;
            urls.push(source);
            clients.push(client);
        }
        Ok(Self { server: server.program, urls, _clients: clients })
    }

    async fn measure(&self, load: &Load, lasts: Duration) -> Result<Figures> {
        let server = self.server.id().context("the server has ended")?;
        let throttle = if load.held_back { Some(Throttle::new(&session_threads(server)?)?) } else { None };
        self.visit(load, SETTLED).await?;
        let periods = || throttle.as_ref().map(Throttle::periods).transpose();
        let (before, time, cpu) = (periods()?, machine_time()?, cost::cpu(&[server]));
        let seen = self.visit(load, lasts).await?;
        let cpu = cost::cpu(&[server]).saturating_sub(cpu);
        let idle = machine_time()?.idle_since(time);
        let limit =
            periods()?.zip(before).map(|(after, before)| Limit { throttled: after.throttled_since(before), idle });
        if let Some(limit) = limit {
            limit.prove()?;
        }
        let requests: u32 = seen.iter().map(|seen| seen.requests).sum();
        let p50 = seen.iter().map(|seen| seen.p50).max().unwrap_or_default();
        Ok(Figures { rate: seen.iter().map(|seen| seen.rate).sum(), p50, cpu: cpu / requests, limit })
    }

    /// Has all sessions visited at once.
    async fn visit(&self, load: &Load, lasts: Duration) -> Result<Vec<Seen>> {
        let mut visits = JoinSet::new();
        for url in self.urls.clone() {
            visits.spawn(wrk(url, load.connections, lasts));
        }
        visits.join_all().await.into_iter().collect()
    }
}

impl Limit {
    /// # Errors
    /// Where the server may not have been what was waited for.
    fn prove(self) -> Result<()> {
        let Self { throttled, idle } = self;
        ensure!(
            throttled >= THROTTLED && idle >= IDLE,
            "the server was not the limit, so nothing can be told: it was held back in {:.0} % of its periods, of which \
             {:.0} % are needed, and the machine was idle for {:.0} % of the time, of which {:.0} % are; run it where \
             nothing else runs",
            throttled * 100.0,
            THROTTLED * 100.0,
            idle * 100.0,
            IDLE * 100.0
        );
        Ok(())
    }
}

/// A server's threads for sessions; where there are none, its only one.
fn session_threads(server: u32) -> Result<Vec<u32>> {
    let tasks = fs::read_dir(format!("/proc/{server}/task"))?.flatten();
    let ids = tasks.filter_map(|task| {
        let is_for_sessions = fs::read_to_string(task.path().join("comm")).ok()?.starts_with("sessions-");
        if is_for_sessions { task.file_name().to_str()?.parse().ok() } else { None }
    });
    let ids: Vec<u32> = ids.collect();
    Ok(if ids.is_empty() { vec![server] } else { ids })
}

fn machine_time() -> Result<Time> {
    Time::now().context("`/proc/stat` is not what it was")
}

/// A load with one thread and with two, in all rounds.
struct Compared {
    load: Load,
    with: [Vec<Figures>; 2],
}

impl Compared {
    fn row(&self, f: &mut fmt::Formatter<'_>, what: &str, digits: usize, of: impl Fn(&Figures) -> f64) -> fmt::Result {
        let [one, two] = self.with.each_ref().map(|rounds| median(rounds.iter().map(&of).collect()));
        write!(f, "\n| {what} | {one:.digits$} | {two:.digits$} | {:.2} |", two / one)
    }
}

/// Rows of a table, with the ratio of the medians.
impl fmt::Display for Compared {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.row(f, &format!("{}: requests/s", self.load.name), 0, |figures| figures.rate)?;
        self.row(f, "p50, ms", 3, |figures| figures.p50.as_secs_f64() * 1e3)?;
        self.row(f, "CPU of the server a request, µs", 1, |figures| figures.cpu.as_secs_f64() * 1e6)?;
        if self.load.held_back {
            let percent = |of: fn(Limit) -> f64| move |figures: &Figures| figures.limit.map_or(f64::NAN, of) * 100.0;
            self.row(f, "periods in which it was held back, %", 0, percent(|limit| limit.throttled))?;
            self.row(f, "idle time of the machine, %", 0, percent(|limit| limit.idle))?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_was_the_limit() {
        for (throttled, idle, proved) in
            [(0.8, 0.2, true), (0.79, 0.5, false), (1.0, 0.19, false), (f64::NAN, 1.0, false)]
        {
            assert_eq!(Limit { throttled, idle }.prove().is_ok(), proved, "{throttled} {idle}");
        }
    }
}
