//! One request and its answer, on a connection of its own.

use std::io;
use std::net::SocketAddr;
use std::time::Duration;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::time::timeout;

/// As long as a visitor waits, which includes what the server holds it for.
const PATIENCE: Duration = Duration::from_secs(20);

/// Sends `up` bytes and returns all that is answered.
pub(super) async fn visit(address: SocketAddr, method: &str, path: &str, up: usize) -> io::Result<String> {
    let head =
        format!("{method} {path} HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\nContent-Length: {up}\r\n\r\n");
    let whole = async {
        let mut stream = TcpStream::connect(address).await?;
        stream.write_all(head.as_bytes()).await?;
        stream.write_all(&vec![b'x'; up]).await?;
        let mut answer = String::new();
        stream.read_to_string(&mut answer).await?;
        Ok(answer)
    };
    timeout(PATIENCE, whole).await?
}
