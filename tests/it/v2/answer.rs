//! One request on a connection of its own, and its answer, however early that comes.

use std::net::SocketAddr;

use serde_json::Value;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::timeout;

use crate::peer::Head;
use crate::world::PATIENCE;

/// A whole answer with a length.
#[derive(Clone, Debug)]
pub(crate) struct Answer {
    pub(crate) head: Head,
    pub(crate) body: Vec<u8>,
}

impl Answer {
    pub(crate) fn status(&self) -> &str {
        self.head.status()
    }

    pub(crate) fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or_default()
    }

    /// The code of a refusal; empty where there is none.
    pub(crate) fn code(&self) -> String {
        self.json()["error"]["code"].as_str().unwrap_or_default().to_owned()
    }
}

/// The head of a POST.
pub(crate) fn head(path: &str, headers: &str, length: usize) -> String {
    format!("POST {path} HTTP/1.1\r\nHost: a.example\r\nConnection: close\r\nContent-Length: {length}\r\n{headers}\r\n")
}

/// Sends a POST, and reads its answer.
pub(crate) async fn post(server: SocketAddr, path: &str, headers: &str, body: &[u8]) -> Answer {
    raw(server, [head(path, headers, body.len()).as_bytes(), body].concat()).await
}

/// Sends whatever it is, and reads the answer. A server that has answered need not take the rest.
pub(crate) async fn raw(server: SocketAddr, request: impl AsRef<[u8]>) -> Answer {
    let stream = TcpStream::connect(server).await.expect("the server accepts");
    let (mut read, mut write) = stream.into_split();
    let mut bytes = Vec::new();
    let talk = async {
        let sending = async {
            let _ = write.write_all(request.as_ref()).await;
            std::future::pending::<()>().await;
        };
        tokio::select! {
            // A reset after the answer is what becomes of a body that nobody reads.
            _ = read.read_to_end(&mut bytes) => {}
            () = sending => {}
        }
    };
    timeout(PATIENCE, talk).await.expect("the server answers in time");
    parse(&bytes)
}

fn parse(bytes: &[u8]) -> Answer {
    let end = bytes.windows(4).position(|window| window == b"\r\n\r\n");
    let (head, body) = bytes.split_at(end.unwrap_or_else(|| panic!("no head: {}", String::from_utf8_lossy(bytes))) + 4);
    let head = Head::parse(std::str::from_utf8(head).expect("text"));
    let length = head.value("content-length").map_or(body.len(), |length| length.parse().expect("a number"));
    assert_eq!(body.len(), length, "the answer is whole: {head:?}");
    Answer { head, body: body.to_vec() }
}
