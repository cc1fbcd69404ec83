//! Clients of wire v2 that are one carrier each and no target: so light that one process holds ten thousand. Each request goes
//! to any of the servers, as by a balancer; a session that is over is opened again.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, AtomicUsize, Ordering};
use std::time::Duration;

use anyhow::{Context as _, Result, ensure};
use sendit::wire::SessionId;
use sendit::wire::v2::{self, Asked, Carrier, Given, Manner, Secret};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::sync::Semaphore;
use tokio::time::{interval, sleep, timeout};
use tokio_util::task::TaskTracker;

/// How long a carrier lives.
const LIFE: Duration = Duration::from_secs(30);

/// How long the head of an answer may take, and how long a client rests that got none.
const HEAD: Duration = Duration::from_secs(20);
const REST: Duration = Duration::from_millis(500);

/// How many sessions are opened at a time.
const AT_ONCE: usize = 50;

/// How often it is told how many stand.
const TELL: Duration = Duration::from_millis(100);

/// Clients.
pub(super) struct Crowd {
    pub(super) servers: Vec<SocketAddr>,
    pub(super) name: String,
    pub(super) sessions: u32,
}

struct Shared {
    servers: Vec<SocketAddr>,
    turn: AtomicUsize,
    /// Sessions with a carrier.
    standing: AtomicU32,
    opening: Semaphore,
}

impl Crowd {
    /// Opens all sessions, keeps them, and tells on each line how many stand, for as long as the process lives.
    pub(super) async fn stand(self) -> Result<()> {
        ensure!(!self.servers.is_empty(), "there is no server");
        let shared = Arc::new(Shared {
            servers: self.servers,
            turn: AtomicUsize::new(0),
            standing: AtomicU32::new(0),
            opening: Semaphore::new(AT_ONCE),
        });
        let tasks = TaskTracker::new();
        for number in 0..self.sessions {
            tasks.spawn(Arc::clone(&shared).keep(format!("{}-{number}", self.name)));
        }
        let mut turns = interval(TELL);
        loop {
            turns.tick().await;
            println!("standing {}", shared.standing.load(Ordering::Relaxed));
        }
    }
}

/// A session, and how many carriers it has had.
struct Session {
    id: SessionId,
    secret: Secret,
    epoch: u64,
}

impl Shared {
    /// Keeps one session, whatever happens.
    async fn keep(self: Arc<Self>, prefix: String) {
        let mut session = None;
        loop {
            let Some(own) = &mut session else {
                session = self.open(&prefix).await.ok();
                if session.is_none() {
                    sleep(REST).await;
                }
                continue;
            };
            match self.carry(own).await {
                Ok(true) => {}
                Ok(false) => session = None,
                Err(_) => sleep(REST).await,
            }
        }
    }

    async fn open(&self, prefix: &str) -> Result<Session> {
        let _turn = self.opening.acquire().await?;
        let asked = Asked { prefix: prefix.to_owned(), client: "light".to_owned(), ..Asked::default() };
        let asked = serde_json::to_string(&asked)?;
        let mut stream = self.connect().await?;
        let head = format!("POST {} HTTP/1.1\r\nHost: light\r\nConnection: close\r\n", v2::OPEN);
        stream.write_all(format!("{head}Content-Length: {}\r\n\r\n{asked}", asked.len()).as_bytes()).await?;
        let mut answer = Vec::new();
        timeout(HEAD, stream.read_to_end(&mut answer)).await??;
        let answer = String::from_utf8_lossy(&answer);
        let (begin, end) = (answer.find('{').context("no session")?, answer.rfind('}').context("no session")?);
        let given: Given = serde_json::from_str(&answer[begin..=end])?;
        let secret = given.secret.parse().ok().context("no secret")?;
        Ok(Session { id: given.session.parse()?, secret, epoch: 0 })
    }

    /// Brings a carrier down and keeps it for its life; whether the session goes on.
    async fn carry(&self, session: &mut Session) -> Result<bool> {
        session.epoch += 1;
        let Session { id, secret, epoch } = session;
        let carrier = Carrier { session: id.clone(), epoch: *epoch, offset: 0, manner: Manner::Stream, digest: None };
        let proof = secret.prove(v2::READ, &carrier);
        let mut stream = self.connect().await?;
        let head = format!(
            "POST {} HTTP/1.1\r\nHost: light\r\nContent-Length: 0\r\n{}: {id}\r\n{}: {epoch}\r\n{}: 0\r\n{}: {}\r\n{}: {proof}\r\n\r\n",
            v2::READ,
            v2::SESSION_HEADER,
            v2::EPOCH_HEADER,
            v2::OFFSET_HEADER,
            v2::MANNER_HEADER,
            Manner::Stream.as_str(),
            v2::PROOF_HEADER,
        );
        stream.write_all(head.as_bytes()).await?;
        let mut bytes = [0; 1024];
        let read = timeout(HEAD, stream.read(&mut bytes)).await??;
        match bytes[..read].get(9..12) {
            Some(b"200") => {}
            Some(b"410" | b"401") => return Ok(false),
            _ => anyhow::bail!("not now"),
        }
        self.standing.fetch_add(1, Ordering::Relaxed);
        // Nothing is said in it but that it lives.
        let ended = timeout(LIFE, async { while stream.read(&mut bytes).await.is_ok_and(|read| read > 0) {} }).await;
        self.standing.fetch_sub(1, Ordering::Relaxed);
        if ended.is_ok() {
            sleep(REST).await;
        }
        Ok(true)
    }

    /// To the next of the servers that can be reached.
    async fn connect(&self) -> Result<TcpStream> {
        let mut cause = None;
        for _ in &self.servers {
            let turn = self.turn.fetch_add(1, Ordering::Relaxed) % self.servers.len();
            match TcpStream::connect(self.servers[turn]).await {
                Ok(stream) => return Ok(stream),
                Err(error) => cause = Some(error),
            }
        }
        Err(cause.map_or_else(|| anyhow::anyhow!("there is no server"), Into::into))
    }
}
