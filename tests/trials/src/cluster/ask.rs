//! One question to a server, on a connection of its own.

use std::io;
use std::net::SocketAddr;
use std::time::Duration;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::time::timeout;

/// How long an answer may take: longer than anybody is held.
const PATIENCE: Duration = Duration::from_secs(30);

/// An answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answer {
    /// Its status.
    pub status: u16,
    /// Its head, the first line included.
    pub head: String,
    /// Its body.
    pub body: String,
}

/// Asks `GET path` of a server.
///
/// # Errors
/// Where no whole head comes within 30 s.
pub async fn ask(server: SocketAddr, path: &str) -> io::Result<Answer> {
    ask_with(server, path, "").await
}

/// The same with these lines in the head, each with its end.
///
/// # Errors
/// As there.
pub(super) async fn ask_with(server: SocketAddr, path: &str, lines: &str) -> io::Result<Answer> {
    let asking = async {
        let mut stream = TcpStream::connect(server).await?;
        let request = format!("GET {path} HTTP/1.1\r\nHost: {server}\r\nConnection: close\r\n{lines}\r\n");
        stream.write_all(request.as_bytes()).await?;
        let mut answer = Vec::new();
        stream.read_to_end(&mut answer).await?;
        Ok::<_, io::Error>(answer)
    };
    let answer = timeout(PATIENCE, asking).await??;
    parse(&String::from_utf8_lossy(&answer)).ok_or_else(|| io::ErrorKind::InvalidData.into())
}

fn parse(answer: &str) -> Option<Answer> {
    let (head, body) = answer.split_once("\r\n\r\n")?;
    let status = head.split(' ').nth(1)?.parse().ok()?;
    Some(Answer { status, head: head.to_owned(), body: body.to_owned() })
}
