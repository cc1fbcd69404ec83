//! Small requests by wrk, to an nginx that answers each with 13 bytes.

use std::net::SocketAddr;
use std::time::Duration;

use anyhow::{Context as _, Result, bail, ensure};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::process::Command;
use tokio::time::timeout;

use super::candidate::{Nginx, Running};
use super::cost;

/// What the target answers.
pub(crate) const ANSWER: &str = "Hello, World!";

/// What is sent before the clock starts, so that connections stand and memory is warm.
const WARM_UP: Duration = Duration::from_secs(1);

/// The target.
pub(crate) struct Target {
    pub(crate) address: SocketAddr,
    _nginx: Nginx,
}

impl Target {
    pub(crate) async fn start() -> Result<Self> {
        let location = format!("default_type text/plain; return 200 \"{ANSWER}\";");
        let nginx = Nginx::start("", &location).await?;
        Ok(Self { address: nginx.address, _nginx: nginx })
    }
}

/// What a load came to.
pub(crate) struct Load {
    /// Requests a second.
    pub(super) rate: f64,
    pub(super) requests: u32,
    /// What all of them took.
    pub(super) cpu: Duration,
    pub(super) p50: Duration,
    pub(super) p99: Duration,
}

/// Whether the candidate brings the target's answer at all.
pub(super) async fn check(running: &Running) -> Result<()> {
    let asking = async {
        let mut stream = TcpStream::connect(running.address).await?;
        let request = format!("GET {} HTTP/1.1\r\nHost: bench\r\nConnection: close\r\n\r\n", running.path);
        stream.write_all(request.as_bytes()).await?;
        let mut answer = String::new();
        stream.read_to_string(&mut answer).await?;
        ensure!(answer.starts_with("HTTP/1.1 200") && answer.ends_with(ANSWER), "it answered: {answer}");
        Ok(())
    };
    timeout(Duration::from_secs(10), asking).await.context("it did not answer within 10 s")?
}

/// Has wrk ask on so many connections for so long.
pub(crate) async fn load(running: &Running, connections: usize, lasts: Duration) -> Result<Load> {
    load_of(running, connections, lasts, &running.processes()).await
}

/// The same, where the CPU of these processes counts.
pub(super) async fn load_of(running: &Running, connections: usize, lasts: Duration, processes: &[u32]) -> Result<Load> {
    let url = format!("http://{}{}", running.address, running.path);
    wrk(url.clone(), connections, WARM_UP).await?;
    let before = cost::cpu(processes);
    let Seen { requests, rate, p50, p99 } = wrk(url, connections, lasts).await?;
    let cpu = cost::cpu(processes).saturating_sub(before);
    ensure!(requests > 0, "no request was answered");
    Ok(Load { rate, requests, cpu, p50, p99 })
}

/// The same of a URL, without a warm-up.
pub(crate) async fn wrk(url: String, connections: usize, lasts: Duration) -> Result<Seen> {
    let mut command = Command::new("wrk");
    let connections = connections.to_string();
    let lasts_s = format!("{}s", lasts.as_secs());
    command.args(["--threads", "1", "--latency", "--connections", &connections, "--duration", &lasts_s, &url]);
    let output = timeout(lasts + Duration::from_secs(30), command.kill_on_drop(true).output()).await;
    let output =
        output.context("`wrk` does not end")?.context("cannot run `wrk`; install it by `cargo xtask setup`")?;
    let printed = String::from_utf8_lossy(&output.stdout);
    ensure!(output.status.success(), "`wrk` failed: {printed}");
    Seen::parse(&printed).with_context(|| format!("`wrk` printed:\n{printed}"))
}

/// What wrk tells.
#[derive(Debug, PartialEq)]
pub(crate) struct Seen {
    pub(crate) requests: u32,
    pub(super) rate: f64,
    pub(super) p50: Duration,
    p99: Duration,
}

impl Seen {
    fn parse(printed: &str) -> Result<Self> {
        let find = |what: &str| printed.lines().find(|line| line.contains(what));
        if let Some(line) = find("Non-2xx").or_else(|| find("Socket errors")) {
            bail!("not every request was answered: {}", line.trim());
        }
        let after = |what: &str| {
            let rest = printed.lines().find_map(|line| line.trim().strip_prefix(what));
            rest.map(str::trim).with_context(|| format!("there is no `{what}`"))
        };
        let requests = find(" requests in ").context("there is no number of requests")?;
        let requests = requests.split_ascii_whitespace().next().unwrap_or_default();
        Ok(Self {
            requests: requests.parse().context("the number of requests")?,
            rate: after("Requests/sec:")?.parse().context("the rate")?,
            p50: duration(after("50%")?)?,
            p99: duration(after("99%")?)?,
        })
    }
}

/// A duration as wrk writes it, such as `1.52ms`.
fn duration(text: &str) -> Result<Duration> {
    let number = text.trim_end_matches(|letter: char| letter.is_ascii_alphabetic());
    let unit = match &text[number.len()..] {
        "us" => 1e-6,
        "ms" => 1e-3,
        "s" => 1.0,
        unit => bail!("`{unit}` is no unit of time"),
    };
    Ok(Duration::from_secs_f64(number.parse::<f64>()? * unit))
}

#[cfg(test)]
mod tests {
    use super::*;

    const PRINTED: &str = "Running 5s test @ http://127.0.0.1:1/
  1 threads and 32 connections
  Thread Stats   Avg      Stdev     Max   +/- Stdev
    Latency     1.55ms    0.99ms  20.42ms   91.99%
    Req/Sec    21.52k     1.41k   23.66k    76.00%
  Latency Distribution
     50%    1.37ms
     75%    1.60ms
     90%    2.05ms
     99%    5.43ms
  107049 requests in 5.00s, 15.93MB read
Requests/sec:  21402.32
Transfer/sec:      3.18MB
";

    #[test]
    fn what_wrk_prints_is_read() {
        let (p50, p99) = (Duration::from_micros(1_370), Duration::from_micros(5_430));
        assert_eq!(Seen::parse(PRINTED).unwrap(), Seen { requests: 107_049, rate: 21_402.32, p50, p99 });
        assert_eq!(duration("240.00us").unwrap(), Duration::from_micros(240));
    }

    #[test]
    fn what_went_wrong_is_no_figure() {
        let failed = format!("{PRINTED}  Non-2xx or 3xx responses: 3\n");
        assert!(Seen::parse(&failed).is_err());
        assert!(Seen::parse("").is_err());
    }
}
