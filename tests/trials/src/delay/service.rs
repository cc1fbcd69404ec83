//! A local service that costs next to nothing: it swallows each request's body and answers with as many bytes as the
//! path says.

use std::io;
use std::net::SocketAddr;

use tokio::io::{AsyncBufReadExt as _, AsyncReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::net::{TcpListener, TcpStream};
use tokio_util::sync::{CancellationToken, DropGuard};
use tokio_util::task::TaskTracker;

/// What is written, and swallowed, at a time.
pub(super) const CHUNK: usize = 64 * 1024;

/// A running service. Dropped, it cuts everything.
pub struct Service {
    /// Where it listens.
    pub address: SocketAddr,
    _shutdown: DropGuard,
}

impl Service {
    /// Serves on `listener`.
    ///
    /// # Errors
    /// Where the listener has no address.
    pub fn start(listener: TcpListener) -> io::Result<Self> {
        let address = listener.local_addr()?;
        let (tasks, shutdown) = (TaskTracker::new(), CancellationToken::new());
        let (owner, ended) = (tasks.clone(), shutdown.clone());
        tasks.spawn(shutdown.clone().run_until_cancelled_owned(async move {
            loop {
                let Ok((stream, _)) = listener.accept().await else {
                    tokio::task::yield_now().await;
                    continue;
                };
                owner.spawn(ended.clone().run_until_cancelled_owned(async move { drop(serve(stream).await) }));
            }
        }));
        Ok(Self { address, _shutdown: shutdown.drop_guard() })
    }
}

async fn serve(stream: TcpStream) -> io::Result<()> {
    stream.set_nodelay(true)?;
    let mut stream = BufReader::with_capacity(CHUNK, stream);
    loop {
        let (mut line, mut wanted, mut length) = (String::new(), 0, 0);
        while stream.read_line(&mut line).await? > 2 {
            if let Some(path) = line.strip_suffix(" HTTP/1.1\r\n") {
                wanted = path.rsplit('/').next().and_then(|number| number.parse().ok()).unwrap_or(0);
            } else if let Some((_, value)) = line.to_lowercase().split_once("content-length:") {
                length = value.trim().parse().unwrap_or(0);
            }
            line.clear();
        }
        if line.is_empty() {
            return Ok(());
        }
        swallow(&mut stream, length).await?;
        let head = format!("HTTP/1.1 200 OK\r\nContent-Length: {wanted}\r\n\r\n");
        stream.get_mut().write_all(head.as_bytes()).await?;
        pour(stream.get_mut(), wanted).await?;
    }
}

/// Reads `length` bytes.
pub(super) async fn swallow(stream: &mut BufReader<TcpStream>, mut length: u64) -> io::Result<()> {
    let mut chunk = vec![0; CHUNK];
    while length > 0 {
        let most = usize::try_from(length).unwrap_or(CHUNK).min(CHUNK);
        let read = stream.read(&mut chunk[..most]).await?;
        if read == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        length -= read as u64;
    }
    Ok(())
}

/// Writes `length` bytes.
pub(super) async fn pour(stream: &mut TcpStream, mut length: u64) -> io::Result<()> {
    let chunk = vec![0; CHUNK];
    while length > 0 {
        let most = usize::try_from(length).unwrap_or(CHUNK).min(CHUNK);
        length -= stream.write(&chunk[..most]).await? as u64;
    }
    Ok(())
}
