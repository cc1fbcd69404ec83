//! The Go client.

use std::io;
use std::net::SocketAddr;
use std::time::Duration;

use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::client::legacy;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::{TokioExecutor, TokioIo};
use tokio::io::AsyncWriteExt as _;
use tokio::net::TcpStream;
use tokio::net::tcp::OwnedReadHalf;
use tokio::time::interval;
use tokio_util::task::TaskTracker;

use super::Settings;
use super::chunked::{Buffered, Reader, Writer};
use super::http::Head;
use super::pipe::Pipe;
use super::proxy::Proxy;
use super::stream::Stream;
use super::yamux::{Accepted, Session};

const BASE: &str = "/.well-known/sendit/v1";

/// What a client is started with.
pub(crate) struct Client {
    pub(crate) server: SocketAddr,
    pub(crate) target: SocketAddr,
    pub(crate) prefix: String,
    pub(crate) token: String,
    pub(crate) max_ttl: Duration,
    pub(crate) settings: Settings,
}

/// The server's refusal.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Refused {
    pub(crate) status: u16,
    pub(crate) text: String,
}

/// A tunnel that stands, or has stood.
pub(crate) struct Tunnel {
    session: Session,
    pipe: Pipe,
    /// The answer to `open`, of which one line was read.
    _open: OwnedReadHalf,
}

impl Tunnel {
    /// Why it was lost, if it was.
    pub(crate) fn lost(&self) -> Option<String> {
        self.session.cause()
    }

    /// How often its carriers were renewed.
    pub(crate) fn renewals(&self) -> usize {
        self.pipe.swapped() - 1
    }
}

impl Client {
    /// Opens a tunnel, and serves it until it is lost.
    pub(crate) async fn connect(self) -> Result<Tunnel, Refused> {
        let tasks = TaskTracker::new();
        let (connect_token, open) = self.open().await.expect("the server answers to `open`")?;
        let pipe = Pipe::new(self.settings.frozen.clone());
        self.bring_pair(&pipe, &connect_token, &tasks).await.expect("a pair of carriers stands");
        let (session, accepted) = Session::start(pipe.clone(), self.settings.clone(), &tasks);
        tasks.spawn(serve(accepted, self.target, tasks.clone()));
        let renewed = pipe.clone();
        let renewal = tasks.clone();
        tasks.spawn(async move {
            let mut ticks = interval(self.max_ttl);
            ticks.tick().await;
            loop {
                ticks.tick().await;
                if self.bring_pair(&renewed, &connect_token, &renewal).await.is_err() {
                    return renewed.close().await;
                }
            }
        });
        Ok(Tunnel { session, pipe, _open: open })
    }

    async fn open(&self) -> io::Result<Result<(String, OwnedReadHalf), Refused>> {
        let form = form_urlencoded::Serializer::new(String::new())
            .append_pair("prefix", &self.prefix)
            .append_pair("token", &self.token)
            .finish();
        let kind = "Content-Type: application/x-www-form-urlencoded";
        let head = format!("{}{kind}\r\nContent-Length: {}\r\n\r\n", self.head("open"), form.len());
        let (read, mut write) = TcpStream::connect(self.server).await?.into_split();
        write.write_all(format!("{head}{form}").as_bytes()).await?;
        write.forget();
        let mut answer = Buffered::new(read);
        let head = Head::read(&mut answer).await?;
        if head.status() != 200 {
            let text = answer.text(head.content_length()).await?;
            return Ok(Err(Refused { status: head.status(), text }));
        }
        let line = if head.is_chunked() { answer.chunk_line().await? } else { answer.line().await? };
        Ok(Ok((line, answer.into_connection())))
    }

    fn head(&self, endpoint: &str) -> String {
        let agent = "User-Agent: Go-http-client/1.1\r\nAccept-Encoding: gzip";
        format!("POST {BASE}/{endpoint} HTTP/1.1\r\nHost: {}\r\n{agent}\r\n", self.server)
    }

    /// `read`, and once its head is there `write`.
    async fn bring_pair(&self, pipe: &Pipe, token: &str, tasks: &TaskTracker) -> io::Result<()> {
        let (read, mut write) = TcpStream::connect(self.server).await?.into_split();
        let head = self.head(&format!("read?token={token}"));
        write.write_all(format!("{head}Content-Length: 0\r\n\r\n").as_bytes()).await?;
        write.forget();
        let mut down = Buffered::new(read);
        let answer = Head::read(&mut down).await?;
        if answer.status() != 200 || !answer.is_chunked() {
            return Err(io::Error::new(io::ErrorKind::InvalidData, answer.start));
        }
        let (read, mut write) = TcpStream::connect(self.server).await?.into_split();
        let head = self.head(&format!("write?token={token}"));
        write.write_all(format!("{head}Transfer-Encoding: chunked\r\n\r\n").as_bytes()).await?;
        tasks.spawn(Buffered::new(read).drain());
        pipe.swap(Reader::new(down).0, Writer::new(write)).await
    }
}

async fn serve(mut accepted: Accepted, target: SocketAddr, tasks: TaskTracker) {
    let client = legacy::Client::builder(TokioExecutor::new()).build::<HttpConnector, _>(HttpConnector::new());
    let proxy = Proxy { client, authority: target.to_string(), tasks: tasks.clone() };
    while let Some(stream) = accepted.recv().await {
        tasks.spawn(serve_stream(stream, proxy.clone()));
    }
}

async fn serve_stream(stream: Stream, proxy: Proxy<HttpConnector>) {
    let service = service_fn(|request| async { Ok::<_, io::Error>(proxy.forward(request, "yamux").await) });
    // It ends as the peer, the target or the session has it.
    let _ = http1::Builder::new().serve_connection(TokioIo::new(stream), service).with_upgrades().await;
}
