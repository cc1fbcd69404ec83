//! One visitor: sends exchanges one after the other over a connection that it keeps while it can, and checks what
//! comes back.

use std::fmt::Display;
use std::net::SocketAddr;
use std::time::Duration;

use futures_util::{SinkExt as _, StreamExt as _};
use http_body_util::BodyExt as _;
use hyper::body::Incoming;
use hyper::client::conn::http1::{SendRequest, handshake};
use hyper::header::HOST;
use hyper::{Request, Response};
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;
use tokio_tungstenite::client_async;
use tokio_tungstenite::tungstenite::{self, Message};
use tokio_util::task::TaskTracker;

use super::moved::{Moved, Watched};
use super::seeded::{Check, Seeded, Source, messages, other_way};
use super::{Exchange, Manner, Outcome};

/// How long nothing may move before an exchange counts as one that hangs.
const PATIENCE: Duration = Duration::from_secs(60);

/// Where visitors go: an address and the path that exchanges are below.
#[derive(Clone, Debug)]
pub struct Public {
    /// What is connected to.
    pub address: SocketAddr,
    /// Such as `/prefix`; empty for a target without a tunnel.
    pub prefix: String,
}

/// One visitor.
pub struct Visitor {
    public: Public,
    connection: Option<SendRequest<Seeded>>,
    tasks: TaskTracker,
    moved: Moved,
}

impl Visitor {
    /// A visitor whose connections are driven by `tasks`.
    #[must_use]
    pub fn new(public: Public, tasks: TaskTracker) -> Self {
        Self { public, connection: None, tasks, moved: Moved::default() }
    }

    /// Sends one exchange and sees it to its end, as long as something moves each 60 s. Cancelling it cuts it.
    pub async fn send(&mut self, exchange: Exchange) -> Outcome {
        let moved = self.moved.clone();
        let sent = async {
            match exchange.manner {
                Manner::WebSocket => self.talk(exchange).await,
                _ => self.request(exchange).await,
            }
        };
        let outcome = moved.while_moving(PATIENCE, sent).await.unwrap_or(Err(Outcome::Hung));
        if outcome.is_err() {
            self.connection = None;
        }
        outcome.err().unwrap_or(Outcome::Whole)
    }

    async fn request(&mut self, exchange: Exchange) -> Result<(), Outcome> {
        let response = self.answer(exchange).await?;
        if !response.status().is_success() {
            let fault = response.headers().get("sendit-error").map(|fault| String::from_utf8_lossy(fault.as_bytes()));
            return Err(failed(format!("{} {}", response.status().as_u16(), fault.unwrap_or_default())));
        }
        let seed = other_way(exchange.seed);
        let mut check = match exchange.manner {
            Manner::Events => Check::events(seed, exchange.down),
            _ => Check::bytes(seed, exchange.down),
        };
        let mut body = response.into_body();
        while let Some(frame) = body.frame().await {
            let frame = frame.map_err(|error| failed(innermost(&error)))?;
            frame.data_ref().map_or(Ok(()), |bytes| check.take(bytes)).map_err(Outcome::Wrong)?;
        }
        check.end().map_err(Outcome::Wrong)
    }

    /// The answer's head. A connection that was closed before the request could be written is replaced once.
    async fn answer(&mut self, exchange: Exchange) -> Result<Response<Incoming>, Outcome> {
        let mut kept = self.connection.take();
        if let Some(connection) = &mut kept
            && connection.ready().await.is_err()
        {
            kept = None;
        }
        let was_kept = kept.is_some();
        let mut connection = match kept {
            Some(connection) => connection,
            None => self.connect().await?,
        };
        let mut answered = connection.send_request(self.head(exchange)).await;
        if was_kept && answered.as_ref().is_err_and(hyper::Error::is_canceled) {
            connection = self.connect().await?;
            answered = connection.send_request(self.head(exchange)).await;
        }
        self.connection = Some(connection);
        answered.map_err(|error| failed(innermost(&error)))
    }

    async fn connect(&self) -> Result<SendRequest<Seeded>, Outcome> {
        let (connection, driver) =
            handshake(TokioIo::new(self.stream().await?)).await.map_err(|error| failed(innermost(&error)))?;
        self.tasks.spawn(async move {
            // The exchange that it cuts tells of it.
            let _ = driver.await;
        });
        Ok(connection)
    }

    async fn stream(&self) -> Result<Watched<TcpStream>, Outcome> {
        let stream = TcpStream::connect(self.public.address).await.map_err(failed)?;
        stream.set_nodelay(true).map_err(failed)?;
        Ok(Watched { stream, moved: self.moved.clone() })
    }

    fn head(&self, exchange: Exchange) -> Request<Seeded> {
        let source = Source::new(exchange.seed, exchange.up);
        let (method, body) = match exchange.manner {
            Manner::Chunked => ("POST", Seeded::Chunked(source)),
            Manner::Counted => ("POST", Seeded::Counted(source)),
            Manner::Events | Manner::WebSocket => ("GET", Seeded::empty()),
        };
        Request::builder()
            .method(method)
            .uri(format!("{}{}", self.public.prefix, exchange.path()))
            .header(HOST, self.public.address.to_string())
            .body(body)
            .expect("numbers and a prefix make a path")
    }

    async fn talk(&self, exchange: Exchange) -> Result<(), Outcome> {
        let url = format!("ws://{}{}{}", self.public.address, self.public.prefix, exchange.path());
        let (mut socket, _) = client_async(url, self.stream().await?).await.map_err(refused)?;
        for message in messages(exchange.seed, exchange.up) {
            socket.send(Message::Binary(message.clone())).await.map_err(failed)?;
            match socket.next().await {
                Some(Ok(Message::Binary(echo))) if echo == message => {}
                Some(Ok(Message::Close(_))) => return Err(Outcome::Wrong("a close nobody asked for".to_owned())),
                Some(Ok(_)) => return Err(Outcome::Wrong("another message".to_owned())),
                Some(Err(error)) => return Err(failed(error)),
                None => return Err(Outcome::Wrong("a silent end".to_owned())),
            }
        }
        socket.close(None).await.map_err(failed)?;
        match socket.next().await {
            Some(Ok(Message::Close(_))) => Ok(()),
            Some(Ok(_)) => Err(Outcome::Wrong("a message after the last".to_owned())),
            Some(Err(error)) => Err(failed(error)),
            None => Err(failed("no answer to the close")),
        }
    }
}

fn refused(error: tungstenite::Error) -> Outcome {
    match error {
        tungstenite::Error::Http(response) => failed(format!("{} to an upgrade", response.status().as_u16())),
        error => failed(error),
    }
}

fn failed(cause: impl Display) -> Outcome {
    Outcome::Failed(cause.to_string())
}

/// What happened, below hyper's own words for it.
fn innermost(error: &dyn std::error::Error) -> String {
    let mut innermost = error;
    while let Some(source) = innermost.source() {
        innermost = source;
    }
    innermost.to_string()
}
