//! A fixed number of small exchanges, on connections that are kept.

use anyhow::{Context as _, Result, ensure};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::time::{Duration, timeout};

use crate::bench::{ANSWER, Running};

/// How long all of them may take. A program that is watched is slow.
const DEADLINE: Duration = Duration::from_secs(300);

/// The longest answer that is read.
const MAX_ANSWER: usize = 4096;

/// Makes so many exchanges on each of so many connections at a time.
pub(super) async fn make(running: &Running, connections: usize, exchanges: usize) -> Result<()> {
    let mut all = Vec::new();
    for _ in 0..connections {
        let stream = TcpStream::connect(running.address).await?;
        stream.set_nodelay(true)?;
        all.push(stream);
    }
    let request = format!("GET {} HTTP/1.1\r\nHost: bench\r\n\r\n", running.path);
    let making = async {
        for _ in 0..exchanges {
            for stream in &mut all {
                stream.write_all(request.as_bytes()).await?;
            }
            for stream in &mut all {
                answer(stream).await?;
            }
        }
        anyhow::Ok(())
    };
    timeout(DEADLINE, making).await.context("the exchanges do not end")?
}

async fn answer(stream: &mut TcpStream) -> Result<()> {
    let mut answer = Vec::new();
    while !answer.ends_with(ANSWER.as_bytes()) {
        let read = stream.read_buf(&mut answer).await?;
        ensure!(read > 0 && answer.len() < MAX_ANSWER, "it answered: {}", String::from_utf8_lossy(&answer));
    }
    ensure!(answer.starts_with(b"HTTP/1.1 200"), "it answered: {}", String::from_utf8_lossy(&answer));
    Ok(())
}
