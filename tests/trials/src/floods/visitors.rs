//! Visitors who want one thing each, on a connection of their own, and how long that took them.

use std::collections::BTreeMap;
use std::io;
use std::net::SocketAddr;
use std::time::Duration;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep, timeout};

/// How long a visitor waits at most.
const PATIENCE: Duration = Duration::from_secs(60);

/// What came of visits.
#[derive(Clone, Debug, Default)]
pub struct Tally {
    took: Vec<Duration>,
    /// Why others failed, and how often.
    pub failed: BTreeMap<String, u64>,
}

impl Tally {
    /// Adds one.
    pub fn add(&mut self, visit: Result<Duration, String>) {
        match visit {
            Ok(took) => self.took.push(took),
            Err(cause) => *self.failed.entry(cause).or_default() += 1,
        }
    }

    /// How many were answered.
    #[must_use]
    pub fn answered(&self) -> usize {
        self.took.len()
    }

    /// How many were not.
    #[must_use]
    pub fn unanswered(&self) -> u64 {
        self.failed.values().sum()
    }

    /// Milliseconds within which so many percent were answered.
    #[must_use]
    pub fn within(&self, percent: usize) -> f64 {
        let mut took = self.took.clone();
        took.sort_unstable();
        let at = (took.len() * percent / 100).min(took.len().saturating_sub(1));
        took.get(at).copied().unwrap_or_default().as_secs_f64() * 1000.0
    }
}

/// One visit: until the whole answer is there.
///
/// # Errors
/// What went wrong, in a word or two.
pub async fn get(server: SocketAddr, path: &str) -> Result<Duration, String> {
    body(server, path).await.map(|(took, _)| took)
}

/// The same with the answer's body.
pub(super) async fn body(server: SocketAddr, path: &str) -> Result<(Duration, Vec<u8>), String> {
    let begin = Instant::now();
    let answer = timeout(PATIENCE, whole(server, path)).await;
    let answer = answer.map_err(|_| "no answer".to_owned())?.map_err(|cause| cause.kind().to_string())?;
    let end = answer.windows(4).position(|four| four == b"\r\n\r\n").ok_or("no head")?;
    let head = String::from_utf8_lossy(&answer[..end]).to_lowercase();
    let status = head.split(' ').nth(1).unwrap_or_default();
    if status != "200" {
        let code = head.lines().find_map(|line| line.strip_prefix("sendit-error: ")).unwrap_or("of the target's");
        return Err(format!("{status} {code}"));
    }
    let length = head.lines().find_map(|line| line.strip_prefix("content-length: ")?.parse().ok());
    let body = answer[end + 4..].to_vec();
    if length == Some(body.len()) { Ok((begin.elapsed(), body)) } else { Err("cut".to_owned()) }
}

async fn whole(server: SocketAddr, path: &str) -> io::Result<Vec<u8>> {
    let mut stream = TcpStream::connect(server).await?;
    stream.set_nodelay(true)?;
    stream.write_all(request(path).as_bytes()).await?;
    let mut answer = Vec::new();
    match stream.read_to_end(&mut answer).await {
        // An answer that is told from the rest by its length may be whole all the same.
        Err(cause) if answer.is_empty() => Err(cause),
        _ => Ok(answer),
    }
}

pub(super) fn request(path: &str) -> String {
    format!("GET {path} HTTP/1.1\r\nHost: a.example\r\nConnection: close\r\n\r\n")
}

/// Visitors who come again and again.
#[derive(Clone, Copy, Debug)]
pub(super) struct Visits<'a> {
    pub path: &'a str,
    pub at_once: usize,
    /// How long each waits before the next visit: so long on average, by chance, or they would all come at once.
    pub pause: Duration,
}

/// Each visitor makes one visit after the other, until `enough`.
pub(super) async fn visit(server: SocketAddr, wanted: Visits<'_>, enough: impl Future<Output = ()>) -> Tally {
    let (mut tally, mut visits) = (Tally::default(), JoinSet::new());
    let visit = || {
        let (path, pause) = (wanted.path.to_owned(), wanted.pause);
        async move {
            if !pause.is_zero() {
                sleep(pause.mul_f64(2.0 * fastrand::f64())).await;
            }
            get(server, &path).await
        }
    };
    for _ in 0..wanted.at_once {
        visits.spawn(visit());
    }
    let mut enough = std::pin::pin!(enough);
    loop {
        tokio::select! {
            () = enough.as_mut() => break,
            Some(Ok(visited)) = visits.join_next() => {
                tally.add(visited);
                visits.spawn(visit());
            }
        }
    }
    while let Some(Ok(visited)) = visits.join_next().await {
        tally.add(visited);
    }
    tally
}
