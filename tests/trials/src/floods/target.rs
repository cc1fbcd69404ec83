//! The local service of these runs. A path says what becomes of a request: `hold-MS` how long it waits, `id-N` who it is,
//! its last segment how many bytes the answer has. `peak` as the last answers with how many were there at a time.

use std::collections::HashSet;
use std::io;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::io::{AsyncBufReadExt as _, AsyncReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::net::{TcpSocket, TcpStream};
use tokio::time::sleep;
use tokio_util::sync::{CancellationToken, DropGuard};
use tokio_util::task::TaskTracker;

/// What is written, and swallowed, at a time.
const CHUNK: usize = 16 * 1024;

/// What the system may keep of an answer.
const SEND_BUFFER: u32 = 64 * 1024;

/// How many connections may wait to be accepted.
const BACKLOG: u32 = 4_096;

/// A running service. Dropped, it cuts everything.
pub struct Target {
    /// Where it listens.
    pub address: SocketAddr,
    seen: Arc<Seen>,
    _shutdown: DropGuard,
}

#[derive(Default)]
struct Seen {
    now: AtomicUsize,
    peak: AtomicUsize,
    ids: Mutex<HashSet<u64>>,
}

impl Target {
    /// Serves on a free port of loopback.
    ///
    /// # Errors
    /// Where there is none.
    pub fn start() -> io::Result<Self> {
        let socket = TcpSocket::new_v4()?;
        // What its connections inherit: else the system would keep megabytes for each whose client takes nothing.
        socket.set_send_buffer_size(SEND_BUFFER)?;
        socket.bind(SocketAddr::from(([127, 0, 0, 1], 0)))?;
        let listener = socket.listen(BACKLOG)?;
        let (address, seen) = (listener.local_addr()?, Arc::<Seen>::default());
        let (tasks, shutdown) = (TaskTracker::new(), CancellationToken::new());
        let (owner, ended, shared) = (tasks.clone(), shutdown.clone(), Arc::clone(&seen));
        tasks.spawn(shutdown.clone().run_until_cancelled_owned(async move {
            loop {
                let Ok((stream, _)) = listener.accept().await else {
                    tokio::task::yield_now().await;
                    continue;
                };
                let serving = serve(stream, Arc::clone(&shared));
                owner.spawn(ended.clone().run_until_cancelled_owned(async move { drop(serving.await) }));
            }
        }));
        Ok(Self { address, seen, _shutdown: shutdown.drop_guard() })
    }

    /// Whether a request with this id has come.
    #[must_use]
    pub fn has_seen(&self, id: u64) -> bool {
        self.seen.ids.lock().unwrap_or_else(PoisonError::into_inner).contains(&id)
    }
}

/// A request that is here until it is dropped.
struct Here<'a>(&'a Seen);

impl<'a> Here<'a> {
    fn come(seen: &'a Seen) -> Self {
        let now = seen.now.fetch_add(1, Ordering::Relaxed) + 1;
        seen.peak.fetch_max(now, Ordering::Relaxed);
        Self(seen)
    }
}

impl Drop for Here<'_> {
    fn drop(&mut self) {
        self.0.now.fetch_sub(1, Ordering::Relaxed);
    }
}

async fn serve(stream: TcpStream, seen: Arc<Seen>) -> io::Result<()> {
    stream.set_nodelay(true)?;
    let mut stream = BufReader::with_capacity(4096, stream);
    loop {
        let (mut line, mut path, mut length, mut last) = (String::new(), String::new(), 0, false);
        while stream.read_line(&mut line).await? > 2 {
            if let Some(start) = line.strip_suffix(" HTTP/1.1\r\n") {
                start.split(' ').nth(1).unwrap_or_default().clone_into(&mut path);
            } else if let Some((_, value)) = line.to_lowercase().split_once("content-length:") {
                length = value.trim().parse().unwrap_or(0);
            } else if line.eq_ignore_ascii_case("connection: close\r\n") {
                last = true;
            }
            line.clear();
        }
        if line.is_empty() {
            return Ok(());
        }
        let _here = Here::come(&seen);
        tokio::io::copy(&mut (&mut stream).take(length), &mut tokio::io::sink()).await?;
        answer(stream.get_mut(), &path, &seen).await?;
        if last {
            return Ok(());
        }
    }
}

async fn answer(stream: &mut TcpStream, path: &str, seen: &Seen) -> io::Result<()> {
    let named = |name: &str| path.split('/').find_map(|part| part.strip_prefix(name)?.parse::<u64>().ok());
    if let Some(id) = named("id-") {
        seen.ids.lock().unwrap_or_else(PoisonError::into_inner).insert(id);
    }
    if let Some(hold) = named("hold-") {
        sleep(Duration::from_millis(hold)).await;
    }
    let last = path.rsplit('/').next().unwrap_or_default();
    if last == "peak" {
        let peak = seen.peak.load(Ordering::Relaxed).to_string();
        let head = format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n{peak}", peak.len());
        return stream.write_all(head.as_bytes()).await;
    }
    let mut left: u64 = last.parse().unwrap_or(0);
    stream.write_all(format!("HTTP/1.1 200 OK\r\nContent-Length: {left}\r\n\r\n").as_bytes()).await?;
    while left > 0 {
        let part = usize::try_from(left).unwrap_or(CHUNK).min(CHUNK);
        left -= stream.write(&[b'.'; CHUNK][..part]).await? as u64;
    }
    Ok(())
}
