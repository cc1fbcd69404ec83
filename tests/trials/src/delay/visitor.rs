//! Who calls the service, through the tunnel or past it.

use std::io;
use std::net::SocketAddr;
use std::time::Duration;

use tokio::io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::net::TcpStream;
use tokio::time::{Instant, timeout};

use super::Way;
use super::service::{CHUNK, pour, swallow};

/// The longest that a small request may take.
const PATIENCE: Duration = Duration::from_secs(30);

/// What a small request is answered with.
const SMALL: u64 = 100;

pub(super) struct Visitor {
    pub(super) address: SocketAddr,
    pub(super) prefix: &'static str,
}

impl Visitor {
    /// One transfer of `size` bytes, on a connection of its own. Bounded by nothing; cancelling it ends it.
    pub(super) async fn transfer(&self, way: Way, size: u64) -> io::Result<()> {
        let mut stream = self.connect().await?;
        match way {
            Way::Download => self.exchange(&mut stream, 0, size).await,
            Way::Upload => self.exchange(&mut stream, size, 0).await,
        }
    }

    /// How long each of some small requests takes, one after the other on one connection, in order of length. The
    /// first makes its way, and does not count.
    pub(super) async fn requests(&self, number: usize) -> io::Result<Vec<Duration>> {
        let mut stream = self.connect().await?;
        let mut times = Vec::new();
        for place in 0..=number {
            let begin = Instant::now();
            timeout(PATIENCE, self.exchange(&mut stream, 0, SMALL)).await??;
            if place > 0 {
                times.push(begin.elapsed());
            }
        }
        times.sort();
        Ok(times)
    }

    async fn connect(&self) -> io::Result<BufReader<TcpStream>> {
        let stream = TcpStream::connect(self.address).await?;
        stream.set_nodelay(true)?;
        Ok(BufReader::with_capacity(CHUNK, stream))
    }

    async fn exchange(&self, stream: &mut BufReader<TcpStream>, up: u64, down: u64) -> io::Result<()> {
        let Self { address, prefix } = self;
        let head = format!("POST {prefix}/{down} HTTP/1.1\r\nHost: {address}\r\nContent-Length: {up}\r\n\r\n");
        stream.get_mut().write_all(head.as_bytes()).await?;
        pour(stream.get_mut(), up).await?;
        let (mut line, mut status) = (String::new(), None);
        while stream.read_line(&mut line).await? > 2 {
            status.get_or_insert_with(|| line.clone());
            line.clear();
        }
        if !status.as_ref().is_some_and(|status| status.starts_with("HTTP/1.1 200")) {
            return Err(io::Error::other(format!("an exchange was answered with {status:?}")));
        }
        swallow(stream, down).await
    }
}
