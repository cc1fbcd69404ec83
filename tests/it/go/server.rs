//! The Go server.

use std::collections::HashMap;
use std::io;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use http::{Request, StatusCode};
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use tokio::io::AsyncWriteExt as _;
use tokio::net::tcp::OwnedWriteHalf;
use tokio::net::{TcpListener, TcpStream};
use tokio_util::task::TaskTracker;

use super::Settings;
use super::chunked::{Buffered, Reader, Writer};
use super::http::{Head, form_field};
use super::proxy::{Answer, address_of, blank};
use super::session::Session;
use super::token;

const BASE: &str = "/.well-known/sendit/v1/";

/// Signs connect tokens.
const CONNECT_SECRET: &str = "a secret of this process";

/// A server that runs.
#[derive(Clone)]
pub(crate) struct Server(Arc<Shared>);

struct Shared {
    address: SocketAddr,
    secret: String,
    settings: Settings,
    sessions: Mutex<HashMap<String, Session>>,
    opened: Mutex<usize>,
    lost: Mutex<Vec<String>>,
    tasks: TaskTracker,
}

impl Server {
    pub(crate) async fn start(secret: &str, settings: Settings) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let server = Self(Arc::new(Shared {
            address: listener.local_addr().expect("it listens"),
            secret: secret.to_owned(),
            settings,
            sessions: Mutex::default(),
            opened: Mutex::default(),
            lost: Mutex::default(),
            tasks: TaskTracker::new(),
        }));
        let accepting = server.clone();
        server.0.tasks.spawn(async move {
            while let Ok((stream, peer)) = listener.accept().await {
                let server = accepting.clone();
                // Whatever breaks a connection is its peer's affair.
                accepting.0.tasks.spawn(async move { drop(server.serve(stream, peer).await) });
            }
        });
        server
    }

    pub(crate) fn address(&self) -> SocketAddr {
        self.0.address
    }

    /// How many sessions there ever were: more than one for a client that has lost its own.
    pub(crate) fn opened(&self) -> usize {
        *self.0.opened.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Why sessions were lost, each that was.
    pub(crate) fn lost(&self) -> Vec<String> {
        self.0.lost.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// How often the carriers of `prefix` were renewed.
    pub(crate) fn renewals(&self, prefix: &str) -> usize {
        self.sessions().get(prefix).map_or(0, Session::renewals)
    }

    fn sessions(&self) -> MutexGuard<'_, HashMap<String, Session>> {
        self.0.sessions.lock().unwrap_or_else(PoisonError::into_inner)
    }

    async fn serve(self, stream: TcpStream, peer: SocketAddr) -> io::Result<()> {
        let mut start = [0; 256];
        let seen = stream.peek(&mut start).await?;
        if !String::from_utf8_lossy(&start[..seen]).starts_with(&format!("POST {BASE}")) {
            let service =
                service_fn(|request| async { Ok::<_, io::Error>(self.visit(request, &address_of(peer)).await) });
            let serving = http1::Builder::new().serve_connection(TokioIo::new(stream), service).with_upgrades();
            return serving.await.map_err(io::Error::other);
        }
        let (read, write) = stream.into_split();
        let mut request = Buffered::new(read);
        let head = Head::read(&mut request).await?;
        let (path, query) = head.target();
        let endpoint = path.strip_prefix(BASE).unwrap_or_default();
        if endpoint == "open" {
            let form = request.text(head.content_length()).await?;
            return self.open(&form, request, write).await;
        }
        let Some(id) = token::subject(CONNECT_SECRET, "connect", &form_field(query, "token")) else {
            return refuse(write, "401 Unauthorized", "token is malformed").await;
        };
        let session = self.sessions().values().find(|session| session.id() == id).cloned();
        let Some(session) = session else { return refuse(write, "404 Not Found", "404 page not found").await };
        match endpoint {
            "read" => serve_read(session, request, write).await,
            "write" => serve_write(session, request, write).await,
            _ => refuse(write, "404 Not Found", "404 page not found").await,
        }
    }

    async fn visit(&self, request: Request<Incoming>, visitor: &str) -> Answer {
        let prefix = request.uri().path().split('/').nth(1).unwrap_or_default();
        let session = self.sessions().get(prefix).cloned();
        match session {
            Some(session) => session.forward(request, visitor).await,
            None if request.uri().path() == "/" => blank(StatusCode::OK),
            None => blank(StatusCode::NOT_FOUND),
        }
    }

    /// Keeps the answer open until the tunnel stands, and ends the session if the client leaves before.
    async fn open(&self, form: &str, request: Buffered, mut write: OwnedWriteHalf) -> io::Result<()> {
        if token::subject(&self.0.secret, "auth", &form_field(form, "token")).is_none() {
            return refuse(write, "401 Unauthorized", "token is malformed").await;
        }
        let session = match self.begin(&form_field(form, "prefix")) {
            Ok(session) => session,
            Err(text) => return refuse(write, "400 Bad Request", text).await,
        };
        begin_body(&mut write).await?;
        let mut answer = Writer::new(write);
        answer.write(format!("{}\n", token::mint(CONNECT_SECRET, "connect", session.id())).as_bytes()).await?;
        tokio::select! {
            () = request.drain() => {
                self.sessions().remove(session.prefix());
                Ok(())
            }
            () = session.ready() => answer.end().await,
        }
    }

    fn begin(&self, prefix: &str) -> Result<Session, &'static str> {
        let allowed = |byte: u8| matches!(byte, b'a'..=b'z' | b'0'..=b'9' | b'-');
        if !(3..=64).contains(&prefix.len()) || !prefix.bytes().all(allowed) {
            return Err("invalid prefix value");
        }
        let mut sessions = self.sessions();
        if sessions.contains_key(prefix) {
            return Err("prefix already in use");
        }
        let mut opened = self.0.opened.lock().unwrap_or_else(PoisonError::into_inner);
        *opened += 1;
        let session = Session::new(prefix, &format!("{:064x}", *opened), self.0.settings.clone(), &self.0.tasks);
        sessions.insert(prefix.to_owned(), session.clone());
        let server = self.clone();
        let ended = session.clone();
        self.0.tasks.spawn(async move {
            let cause = ended.live().await;
            // For whoever wonders why a test fails: with the session go all of its exchanges.
            #[expect(clippy::print_stdout, reason = "the runner shows it where the test fails")]
            {
                println!("the Go server lost a session: {cause}");
            }
            server.0.lost.lock().unwrap_or_else(PoisonError::into_inner).push(cause);
            server.sessions().remove(ended.prefix());
        });
        Ok(session)
    }
}

async fn refuse(mut write: OwnedWriteHalf, status: &str, text: &str) -> io::Result<()> {
    let kind = "Content-Type: text/plain; charset=utf-8\r\nX-Content-Type-Options: nosniff";
    let answer = format!("HTTP/1.1 {status}\r\n{kind}\r\nContent-Length: {}\r\n\r\n{text}\n", text.len() + 1);
    write.write_all(answer.as_bytes()).await
}

async fn begin_body(write: &mut OwnedWriteHalf) -> io::Result<()> {
    let head = "HTTP/1.1 200 OK\r\nCache-Control: private, no-cache, no-store\r\nTransfer-Encoding: chunked\r\n\r\n";
    write.write_all(head.as_bytes()).await
}

/// Lasts as long as the connection.
async fn serve_read(session: Session, request: Buffered, mut write: OwnedWriteHalf) -> io::Result<()> {
    begin_body(&mut write).await?;
    tokio::join!(session.use_writer(Writer::new(write)), request.drain());
    Ok(())
}

/// Answered once the body has been read to its end.
async fn serve_write(session: Session, request: Buffered, mut write: OwnedWriteHalf) -> io::Result<()> {
    let (reader, read_to_end) = Reader::new(request);
    session.use_reader(reader).await;
    let _ = read_to_end.await;
    begin_body(&mut write).await?;
    Writer::new(write).end().await
}
