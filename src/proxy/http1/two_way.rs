//! A request with something behind its head, or one that may do more than ask: by the library's client, on a stream of its own.

use axum::body::Body;
use http::header::{CONTENT_LENGTH, HeaderValue, TRANSFER_ENCODING};
use http::{Request, Response};
use http_body::Body as _;
use hyper::body::Incoming;
use hyper::client::conn::http1::Builder;
use tokio::io::{AsyncRead, AsyncWrite};

use super::super::Fault;
use super::super::connection::{Connection, Seen};
use super::super::expect::{self, Hold};
use super::super::interim::Interim;
use super::super::tracked::Tracked;
use super::MAX_HEAD;

/// Has a request answered by what is behind a fresh connection, and says what was seen on that. Waits as long as the target takes.
pub(super) async fn answered<S>(
    connection: Connection<S>,
    mut request: Request<Body>,
    hold: Hold,
    tasks: &Tracked,
) -> Result<(Response<Incoming>, Seen), Fault>
where
    S: AsyncRead + AsyncWrite + Send + Unpin + 'static,
{
    let interim = Interim::default();
    if hold == Hold::UntilAsked {
        expect::hold_body(&mut request, &interim);
    }
    frame(&mut request);
    interim.watch(&mut request);
    let seen = connection.seen();
    let mut builder = Builder::new();
    builder.max_buf_size(MAX_HEAD);
    // Says nothing by itself, so it waits for nobody.
    let (mut sender, connection) = builder.handshake(connection).await.map_err(|_| Fault::ClientOffline)?;
    tasks.spawn(connection.with_upgrades());
    tokio::select! {
        biased;
        answered = sender.send_request(request) => Ok((answered.map_err(|_| seen.blame())?, seen)),
        () = interim.flood() => Err(Fault::TargetBadResponse),
    }
}

/// Says how a body ends of which nobody has told the length. Of a method that brings one seldom, such as `GET`, the library
/// would else take it for none, and drop it.
fn frame(request: &mut Request<Body>) {
    if request.body().is_end_stream() {
        return;
    }
    let is_told = request.headers().contains_key(CONTENT_LENGTH) || request.body().size_hint().exact().is_some();
    if !is_told {
        request.headers_mut().insert(TRANSFER_ENCODING, HeaderValue::from_static("chunked"));
    }
}
