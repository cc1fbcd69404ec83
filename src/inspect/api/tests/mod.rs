//! The API over real sockets, with a record that a tap has filled and a target that answers what it is told to.

mod asking;
mod following;
mod guarding;
mod replaying;

use std::io;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use serde_json::Value;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _, duplex};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::time::timeout;
use tokio_util::sync::{CancellationToken, DropGuard};
use tokio_util::task::TaskTracker;

use super::*;
use crate::inspect::Settings;
use crate::inspect::webhook::{Provider, Secrets};

/// How long anything may take on a machine that does much else.
const PATIENCE: Duration = Duration::from_secs(30);

/// A running API.
struct Place {
    addr: SocketAddr,
    inspector: Inspector,
    token: Token,
    link: watch::Sender<Link>,
    /// What reached the target.
    reached: Arc<Mutex<Vec<u8>>>,
    _end: DropGuard,
}

/// An answer as it came.
struct Answered {
    status: u16,
    head: String,
    body: Vec<u8>,
}

impl Place {
    /// One whose target can be reached, and answers so.
    async fn answering(answer: &'static str) -> Self {
        let reached = Arc::new(Mutex::new(Vec::new()));
        let seen = Arc::clone(&reached);
        let tasks = TaskTracker::new();
        Self::with(
            reached,
            Arc::new(move || {
                let (ours, mut theirs) = duplex(1024);
                let seen = Arc::clone(&seen);
                tasks.spawn(async move {
                    let mut buffer = [0; 1024];
                    while !is_whole(&seen.lock().unwrap()) {
                        let read = theirs.read(&mut buffer).await.unwrap();
                        seen.lock().unwrap().extend(&buffer[..read]);
                    }
                    theirs.write_all(answer.as_bytes()).await.unwrap();
                });
                Box::pin(async move { Ok(Box::new(ours) as Box<dyn Connection>) })
            }),
        )
        .await
    }

    /// One whose target cannot be reached.
    async fn alone() -> Self {
        let refused = || io::Error::new(io::ErrorKind::ConnectionRefused, "nothing listens there");
        Self::with(Arc::default(), Arc::new(move || Box::pin(async move { Err(refused()) }))).await
    }

    async fn with(reached: Arc<Mutex<Vec<u8>>>, dial: Dial) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let (addr, token) = (listener.local_addr().unwrap(), Token::random().unwrap());
        let inspector = Inspector::new(Settings::new(|| Duration::from_secs(1_800_000_000)));
        let (link, said) = watch::channel(Link { standing: Standing::Ready, text: Some("by streams".to_owned()) });
        let config = Config {
            tunnel: Tunnel {
                name: None,
                url: "https://example.com/app".to_owned(),
                target: "http://localhost:3000".to_owned(),
                link: said,
                dial,
            },
            others: Vec::new(),
            now: || Duration::from_millis(1_800_000_000_500),
            webhooks: Arc::new(Webhooks::new(secrets(), "https://example.com/app")),
            token: token.clone(),
        };
        let shutdown = CancellationToken::new();
        let api = Api::new(inspector.clone(), config, addr);
        TaskTracker::new().spawn(serve(listener, api, shutdown.clone()));
        Self { addr, inspector, token, link, reached, _end: shutdown.drop_guard() }
    }

    /// An exchange that passed: what was asked and what was answered, whole.
    fn passed(&self, request: &str, response: &str) {
        let tap = self.inspector.connection(Duration::ZERO);
        tap.down(request.as_bytes());
        tap.up(response.as_bytes());
    }

    /// Sends a head as it stands, with the right host and an end to the connection, and gives the whole answer.
    async fn send(&self, first: &str, headers: &str, body: &[u8]) -> Answered {
        let host = format!("Host: {}\r\n", self.addr);
        self.send_to(&host, first, headers, body).await
    }

    async fn send_to(&self, host: &str, first: &str, headers: &str, body: &[u8]) -> Answered {
        let mut stream = TcpStream::connect(self.addr).await.unwrap();
        let length = if body.is_empty() { String::new() } else { format!("Content-Length: {}\r\n", body.len()) };
        let head = format!("{first} HTTP/1.1\r\n{host}Connection: close\r\n{length}{headers}\r\n");
        stream.write_all(head.as_bytes()).await.unwrap();
        // It may be refused before all of it is there.
        let _ = stream.write_all(body).await;
        let mut bytes = Vec::new();
        let _ = timeout(PATIENCE, stream.read_to_end(&mut bytes)).await.unwrap();
        Answered::read(&bytes)
    }

    async fn get(&self, path: &str) -> Answered {
        self.send(&format!("GET {path}"), "", b"").await
    }

    /// A request that changes something, by who may.
    async fn post(&self, path: &str, body: &[u8]) -> Answered {
        let token = format!("Sendit-Token: {}\r\n", self.token.as_str());
        self.send(&format!("POST {path}"), &token, body).await
    }
}

/// The secret of those whose webhooks are checked here.
fn secrets() -> Secrets {
    let mut secrets = Secrets::default();
    secrets.add(Provider::GitHub, "secret").unwrap();
    secrets.add(Provider::Stripe, "secret").unwrap();
    secrets
}

fn is_whole(request: &[u8]) -> bool {
    let text = String::from_utf8_lossy(request);
    let Some((head, body)) = text.split_once("\r\n\r\n") else { return false };
    let length = head.split("Content-Length: ").nth(1).and_then(|rest| rest.lines().next()?.parse().ok());
    body.len() >= length.unwrap_or(0)
}

/// What stands in chunks, without them.
fn unchunked(mut bytes: &[u8]) -> Vec<u8> {
    let mut body = Vec::new();
    loop {
        let end = bytes.windows(2).position(|two| two == b"\r\n").expect("a length");
        let length = usize::from_str_radix(std::str::from_utf8(&bytes[..end]).unwrap(), 16).unwrap();
        if length == 0 {
            return body;
        }
        body.extend(&bytes[end + 2..end + 2 + length]);
        bytes = &bytes[end + 4 + length..];
    }
}

impl Answered {
    fn read(bytes: &[u8]) -> Self {
        let end = bytes.windows(4).position(|four| four == b"\r\n\r\n").expect("a head") + 4;
        let head = String::from_utf8(bytes[..end].to_vec()).unwrap().to_ascii_lowercase();
        let status = head.split(' ').nth(1).unwrap().parse().unwrap();
        let body = if head.contains("transfer-encoding: chunked\r\n") {
            unchunked(&bytes[end..])
        } else {
            bytes[end..].to_vec()
        };
        Self { status, head, body }
    }

    fn text(&self) -> &str {
        std::str::from_utf8(&self.body).unwrap()
    }

    fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or_else(|error| panic!("{error}: {}", self.text()))
    }

    /// The sentence of a refusal.
    fn error(&self) -> String {
        self.json()["error"].as_str().expect("a sentence").to_owned()
    }
}
