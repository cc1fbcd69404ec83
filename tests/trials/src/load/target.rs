//! The local service that exchanges are sent to. It checks each request and answers as the exchange says.

use std::convert::Infallible;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;

use futures_util::{SinkExt as _, StreamExt as _};
use http_body_util::BodyExt as _;
use hyper::body::Incoming;
use hyper::header::{CONNECTION, CONTENT_TYPE, SEC_WEBSOCKET_ACCEPT, SEC_WEBSOCKET_KEY, UPGRADE};
use hyper::service::service_fn;
use hyper::{Request, Response, StatusCode};
use hyper_util::rt::TokioIo;
use tokio::net::{TcpListener, TcpStream};
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::handshake::derive_accept_key;
use tokio_tungstenite::tungstenite::protocol::Role;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::seeded::{Check, Seeded, Source, messages, other_way};
use super::{Exchange, Ledger, Manner};

/// A running target. Dropped, it cuts everything.
pub struct Target {
    /// Where it listens.
    pub address: SocketAddr,
    shared: Arc<Shared>,
}

struct Shared {
    ledger: Ledger,
    tasks: TaskTracker,
    shutdown: CancellationToken,
}

impl Target {
    /// Serves on `listener` until it is dropped.
    ///
    /// # Errors
    /// Where the listener has no address.
    pub fn start(listener: TcpListener) -> io::Result<Self> {
        let address = listener.local_addr()?;
        let shared =
            Shared { ledger: Ledger::default(), tasks: TaskTracker::new(), shutdown: CancellationToken::new() };
        let shared = Arc::new(shared);
        let accepting = accept(listener, Arc::clone(&shared));
        shared.tasks.spawn(shared.shutdown.clone().run_until_cancelled_owned(accepting));
        Ok(Self { address, shared })
    }

    /// What it has seen.
    #[must_use]
    pub fn ledger(&self) -> &Ledger {
        &self.shared.ledger
    }
}

impl Drop for Target {
    fn drop(&mut self) {
        self.shared.shutdown.cancel();
    }
}

async fn accept(listener: TcpListener, shared: Arc<Shared>) {
    loop {
        let Ok((stream, _)) = listener.accept().await else {
            tokio::task::yield_now().await;
            continue;
        };
        let connection = serve(stream, Arc::clone(&shared));
        shared.tasks.spawn(shared.shutdown.clone().run_until_cancelled_owned(connection));
    }
}

async fn serve(stream: TcpStream, shared: Arc<Shared>) {
    let _ = stream.set_nodelay(true);
    let answering = service_fn(|request| {
        let shared = Arc::clone(&shared);
        async move { Ok::<_, Infallible>(answer(request, &shared).await) }
    });
    // A connection that breaks is what the load is about; the visitor tells of it.
    let _ = hyper::server::conn::http1::Builder::new()
        .serve_connection(TokioIo::new(stream), answering)
        .with_upgrades()
        .await;
}

async fn answer(request: Request<Incoming>, shared: &Arc<Shared>) -> Response<Seeded> {
    let Some(exchange) = Exchange::of(request.uri().path()) else {
        return status(StatusCode::NOT_FOUND);
    };
    shared.ledger.delivered(&exchange);
    if exchange.manner == Manner::WebSocket {
        return upgrade(request, exchange, shared);
    }
    if !receive(request.into_body(), exchange, &shared.ledger).await {
        return status(StatusCode::BAD_REQUEST);
    }
    let source = Source::new(other_way(exchange.seed), exchange.down);
    match exchange.manner {
        Manner::Events => {
            let mut response = Response::new(Seeded::events(other_way(exchange.seed), exchange.down));
            response.headers_mut().insert(CONTENT_TYPE, hyper::header::HeaderValue::from_static("text/event-stream"));
            response
        }
        Manner::Chunked => Response::new(Seeded::Chunked(source)),
        Manner::Counted | Manner::WebSocket => Response::new(Seeded::Counted(source)),
    }
}

fn status(status: StatusCode) -> Response<Seeded> {
    let mut response = Response::new(Seeded::empty());
    *response.status_mut() = status;
    response
}

/// Reads a request to its end and says whether it was what it should be.
async fn receive(mut body: Incoming, exchange: Exchange, ledger: &Ledger) -> bool {
    let mut check = Check::bytes(exchange.seed, exchange.up);
    while let Some(frame) = body.frame().await {
        let Ok(frame) = frame else {
            ledger.cut();
            return false;
        };
        if let Err(complaint) = frame.data_ref().map_or(Ok(()), |bytes| check.take(bytes)) {
            ledger.wrong(exchange.id, &complaint);
            return false;
        }
    }
    let whole = check.end();
    if let Err(complaint) = &whole {
        ledger.wrong(exchange.id, complaint);
    }
    whole.is_ok()
}

fn upgrade(mut request: Request<Incoming>, exchange: Exchange, shared: &Arc<Shared>) -> Response<Seeded> {
    let Some(key) = request.headers().get(SEC_WEBSOCKET_KEY).map(|key| derive_accept_key(key.as_bytes())) else {
        return status(StatusCode::BAD_REQUEST);
    };
    let Ok(key) = key.parse() else { return status(StatusCode::BAD_REQUEST) };
    let upgraded = hyper::upgrade::on(&mut request);
    let owner = Arc::clone(shared);
    let talking = async move {
        if let Ok(upgraded) = upgraded.await {
            let socket = WebSocketStream::from_raw_socket(TokioIo::new(upgraded), Role::Server, None).await;
            talk(socket, exchange, &owner.ledger).await;
        }
    };
    shared.tasks.spawn(shared.shutdown.clone().run_until_cancelled_owned(talking));
    let mut response = status(StatusCode::SWITCHING_PROTOCOLS);
    let headers = response.headers_mut();
    headers.insert(CONNECTION, hyper::header::HeaderValue::from_static("upgrade"));
    headers.insert(UPGRADE, hyper::header::HeaderValue::from_static("websocket"));
    headers.insert(SEC_WEBSOCKET_ACCEPT, key);
    response
}

/// Sends each message back, and sees that all came, in their order, before the visitor closes.
async fn talk(mut socket: WebSocketStream<TokioIo<hyper::upgrade::Upgraded>>, exchange: Exchange, ledger: &Ledger) {
    let mut expected = messages(exchange.seed, exchange.up);
    loop {
        match socket.next().await {
            Some(Ok(Message::Binary(message))) => {
                if expected.next().as_ref() != Some(&message) {
                    return ledger.wrong(exchange.id, "another message");
                }
                if socket.send(Message::Binary(message)).await.is_err() {
                    return ledger.cut();
                }
            }
            Some(Ok(Message::Close(_))) => {
                if expected.next().is_some() {
                    ledger.wrong(exchange.id, "a close before the last message");
                }
                // Reading on sends the answer to it, and leaves it to the visitor to hang up.
                while let Some(Ok(_)) = socket.next().await {}
                return;
            }
            Some(Ok(_)) => {}
            Some(Err(_)) | None => return ledger.cut(),
        }
    }
}
