//! A client of the inspector's API, by bytes.

use std::net::SocketAddr;

use serde_json::Value;
use tokio::net::TcpStream;
use tokio::time::{sleep, timeout};

use crate::peer::Peer;
use crate::tunnel::Client;
use crate::world::PATIENCE;

/// A running inspector.
pub(super) struct Inspector {
    pub(super) addr: SocketAddr,
    pub(super) token: String,
}

impl Inspector {
    /// That of a client, which says where it is.
    pub(super) async fn of(client: &mut Client) -> Self {
        let output = client.program.printed(|output| output.stderr.contains("Inspector: http://")).await;
        let url = output.stderr.split("Inspector: http://").nth(1).and_then(|rest| rest.split_whitespace().next());
        let inspector = Self { addr: url.expect("a URL").parse().expect("an address"), token: String::new() };
        let status = inspector.get("/api/status").await.1;
        Self { token: status["token"].as_str().expect("a token").to_owned(), ..inspector }
    }

    /// The exchange of this number, once it has ended.
    pub(super) async fn ended(&self, id: u64) -> Value {
        let looking = async {
            loop {
                let (status, exchange) = self.get(&format!("/api/requests/{id}")).await;
                if status == 200 && !["asked", "answering"].contains(&exchange["state"].as_str().unwrap_or_default()) {
                    return exchange;
                }
                sleep(std::time::Duration::from_millis(20)).await;
            }
        };
        timeout(PATIENCE, looking).await.expect("it ends")
    }

    pub(super) async fn get(&self, path: &str) -> (u16, Value) {
        self.ask("GET", path, "").await
    }

    pub(super) async fn post(&self, path: &str, body: &str) -> (u16, Value) {
        self.ask("POST", path, body).await
    }

    async fn ask(&self, method: &str, path: &str, body: &str) -> (u16, Value) {
        let Self { addr, token } = self;
        let mut peer = Peer::new(TcpStream::connect(addr).await.expect("it accepts"));
        peer.send(format!(
            "{method} {path} HTTP/1.1\r\nHost: {addr}\r\nSendit-Token: {token}\r\nConnection: close\r\n\
             Content-Length: {}\r\n\r\n{body}",
            body.len()
        ))
        .await;
        let head = peer.head().await;
        let (text, _) = peer.rest().await;
        (
            head.status().parse().expect("a status"),
            serde_json::from_str(&text).unwrap_or_else(|error| panic!("{error}: {text}")),
        )
    }
}
