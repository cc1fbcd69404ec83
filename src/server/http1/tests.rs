//! What is passed on without the library, and that nobody can tell.

use std::future::{poll_fn, ready};
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use http_body::{Body as _, Frame, SizeHint};
use proptest::prelude::*;
use tokio::io::{AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _, duplex};
use tokio::net::{TcpListener, TcpStream};
use tokio::time::{Instant, timeout};

use super::outgoing::Outgoing;
use super::*;
use crate::server::accept::HEAD_DEADLINE;
use crate::server::gate::Patience;
use crate::server::transport::Transport;
use crate::server::waiting::Waiting;
use crate::server::{Config, Server, Standing};

#[test]
fn who_is_refused_or_is_served_elsewhere_has_the_last_answer() {
    for (status, error, is_within, has_left, last) in [
        (200, false, false, false, false),
        (200, false, false, true, true),
        (200, false, true, true, false),
        (502, true, false, false, false),
        (502, true, true, false, true),
        // `Connection` says something else there.
        (101, false, false, true, false),
    ] {
        let mut answer = Response::builder().status(status);
        if error {
            answer = answer.header(ERROR_HEADER, "limit");
        }
        let answer = answer.body(()).unwrap();
        assert_eq!(is_last(&answer, is_within, has_left), last, "{status} {is_within} {has_left}");
    }
}

/// What is read of a head.
fn read(head: &str) -> Option<Request<Body>> {
    head::read(&Bytes::copy_from_slice(head.as_bytes()))
}

#[test]
fn requests() {
    let head = "DELETE http://a.example/b//c?d HTTP/1.1\r\nHost: e\r\nX: 1\r\nx:  2 \r\nConnection: Keep-Alive\r\nRaw: \u{ff}\r\n\r\n";
    let request = read(head).unwrap();
    assert_eq!(
        (request.method().as_str(), request.uri().to_string()),
        ("DELETE", "http://a.example/b//c?d".to_owned())
    );
    let lines = request.headers().iter().map(|(name, value)| (name.as_str(), value.as_bytes()));
    let expected: [(_, &[u8]); 5] =
        [("host", b"e"), ("x", b"1"), ("x", b"2"), ("connection", b"Keep-Alive"), ("raw", "\u{ff}".as_bytes())];
    assert!(lines.eq(expected), "{:?}", request.headers());
    assert!(request.body().is_end_stream() && request.version() == http::Version::HTTP_11);
    for others in [
        "GET / HTTP/1.0\r\n\r\n",
        "GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n",
        "HEAD / HTTP/1.1\r\n\r\n",
        "GET / HTTP/1.1\r\nConnection: close\r\n\r\n",
        "GET / HTTP/1.1\r\nConnection: keep-alive, x\r\n\r\n",
        "GET / HTTP/1.1\r\nConnection: keep-alive\r\nConnection: Close\r\n\r\n",
    ] {
        assert!(read(others).is_none(), "{others:?}");
    }
}

/// An answer of these lines with a body that comes in these pieces.
fn answer(status: u16, lines: &[(&str, &str)], pieces: &[&'static [u8]]) -> Response<Coming> {
    let mut answer = Response::builder().status(status);
    for (name, value) in lines {
        answer = answer.header(*name, *value);
    }
    let pieces = pieces.iter().map(|piece| Ok(Bytes::from_static(piece))).rev().collect();
    answer.body(Coming { pieces, waits: false, said: None }).unwrap()
}

/// A body whose pieces each have to be waited for.
struct Coming {
    /// The last one first.
    pieces: Vec<Result<Bytes, io::Error>>,
    waits: bool,
    /// The length that it claims to have.
    said: Option<u64>,
}

impl http_body::Body for Coming {
    type Data = Bytes;
    type Error = io::Error;

    fn poll_frame(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, io::Error>>> {
        let this = self.get_mut();
        this.waits = !this.waits && this.pieces.len().is_multiple_of(2);
        if this.waits {
            cx.waker().wake_by_ref();
            return Poll::Pending;
        }
        Poll::Ready(this.pieces.pop().map(|piece| piece.map(Frame::data)))
    }

    fn is_end_stream(&self) -> bool {
        self.pieces.is_empty()
    }

    fn size_hint(&self) -> SizeHint {
        let lengths = self.pieces.iter().flatten().map(|piece| piece.len() as u64);
        SizeHint::with_exact(self.said.unwrap_or_else(|| lengths.sum()))
    }
}

/// A connection that takes so many bytes at a time, every other time.
struct Narrow {
    taken: Vec<u8>,
    at_a_time: usize,
    waits: bool,
}

impl AsyncWrite for Narrow {
    fn poll_write(self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        let this = self.get_mut();
        this.waits = !this.waits;
        if this.waits {
            cx.waker().wake_by_ref();
            return Poll::Pending;
        }
        let count = bytes.len().min(this.at_a_time);
        this.taken.extend_from_slice(&bytes[..count]);
        Poll::Ready(Ok(count))
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        slices: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let all: Vec<u8> = slices.iter().flat_map(|slice| slice.iter().copied()).collect();
        self.poll_write(cx, &all)
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }
}

/// What a visitor has of an answer that is written here, and whether it is whole; none where it is the library's.
async fn ours(answer: Response<Coming>, at_a_time: usize) -> Option<(String, bool)> {
    let mut outgoing = Outgoing::default();
    if !outgoing.begin(&answer) {
        return None;
    }
    let mut body = answer.into_body();
    let mut to = Narrow { taken: Vec::new(), at_a_time, waits: false };
    let is_whole = poll_fn(|cx| outgoing.poll_send(&mut body, Pin::new(&mut to), cx)).await.is_ok();
    Some((String::from_utf8(to.taken).unwrap(), is_whole))
}

/// What the library makes of the same.
async fn theirs(answer: Response<Coming>) -> String {
    let (mut visitor, server) = duplex(1 << 20);
    let length = usize::try_from(answer.body().size_hint().exact().unwrap()).unwrap();
    let there = Cell::new(Some(answer));
    let service = service_fn(|_: Request<Incoming>| ready(Ok::<_, Infallible>(there.take().unwrap())));
    visitor.write_all(b"GET / HTTP/1.1\r\n\r\n").await.unwrap();
    let serving = pin!(http1::Builder::new().serve_connection(TokioIo::new(server), service));
    let reading = async {
        let mut seen = Vec::new();
        while !seen.ends_with(b"\r\n\r\n") {
            seen.push(visitor.read_u8().await.unwrap());
        }
        let mut body = vec![0; length];
        visitor.read_exact(&mut body).await.unwrap();
        String::from_utf8([seen, body].concat()).unwrap()
    };
    tokio::select! {
        seen = reading => seen,
        ended = serving => panic!("it ends: {ended:?}"),
    }
}

/// A connection of a server, whose visitor has asked this already.
struct Stage {
    visitor: TcpStream,
    gate: Gate<Severable>,
    service: Service,
    waiting: Waiting,
}

impl Stage {
    async fn set(server: &Server, request: &[u8]) -> Self {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
        let connecting = TcpStream::connect(listener.local_addr().unwrap());
        let (visitor, accepted) = tokio::join!(connecting, listener.accept());
        let (mut visitor, stream) = (visitor.unwrap(), accepted.unwrap().0);
        visitor.write_all(request).await.unwrap();
        stream.peek(&mut [0]).await.unwrap();
        let (course, breaker, waiting) = (Course::default(), Breaker::default(), Waiting::default());
        let stream = Severable::new(Transport::Plain(stream), breaker.clone());
        let patience = Patience::new(Instant::now() + HEAD_DEADLINE, waiting.clone());
        let gate = Gate::new(stream, course.clone(), patience);
        let service =
            Service::new(Routes::of(server), course, Visitor::new(None, false), breaker, server.0.fresh.token());
        Self { visitor, gate, service, waiting }
    }
}

/// What is made of a request that is there when a server has come to its end.
async fn at_the_end(request: &[u8]) -> String {
    let server = Server::new(Config::new(None, || 0));
    let Stage { mut visitor, gate, service, .. } = Stage::set(&server, request).await;
    let closing = CancellationToken::new();
    closing.cancel();
    serve(gate, service, &closing).await.unwrap();
    let mut seen = String::new();
    visitor.read_to_string(&mut seen).await.unwrap();
    seen
}

/// The library reads on while it waits for an answer.
#[tokio::test]
async fn who_waits_for_an_answer_makes_no_room() {
    let server = Server::new(Config::new(None, || 0));
    server.expect([Standing { prefix: "app".parse().unwrap(), hold: Duration::from_secs(60) }]);
    for method in ["GET", "HEAD"] {
        let request = format!("{method} /app/ HTTP/1.1\r\nHost: a.example\r\n\r\n");
        let Stage { visitor: _visitor, gate, service, waiting } = Stage::set(&server, request.as_bytes()).await;
        let closing = CancellationToken::new();
        let mut serving = pin!(serve(gate, service, &closing));
        assert!(timeout(Duration::from_millis(50), serving.as_mut()).await.is_err(), "{method} is held");
        assert!(!waiting.shed(), "{method} stands among those that make room");
    }
}

/// Which of two things that are both there is looked at first is else left to chance.
#[tokio::test]
async fn who_is_there_at_the_end_is_answered() {
    for _ in 0..20 {
        let seen = at_the_end(b"GET /nobody HTTP/1.1\r\nHost: a.example\r\n\r\n").await;
        assert!(seen.starts_with("HTTP/1.1 404") && seen.contains("\r\nconnection: close\r\n"), "{seen:?}");
    }
}

const DATE: (&str, &str) = ("date", "Thu, 26 Nov 2026 20:00:00 GMT");

#[tokio::test]
async fn answers_of_another_kind_are_left_to_the_library() {
    let length = ("content-length", "5");
    let check = async |status, lines: &[_], expected| {
        let seen = ours(answer(status, lines, &[b"hello"]), 9).await;
        assert_eq!(seen.is_some(), expected, "{status} {lines:?}");
    };
    check(200, &[length, DATE], true).await;
    check(599, &[DATE, ("Vary", "a"), ("vary", "b"), length], true).await;
    for lines in [
        &[length][..],
        &[DATE],
        &[DATE, length, length],
        &[DATE, ("content-length", "6")],
        &[DATE, ("content-length", "x")],
        &[DATE, length, ("transfer-encoding", "chunked")],
        &[DATE, length, ("connection", "close")],
        &[DATE, length, ("connection", "x")],
        &[DATE, length, ("trailer", "x")],
        &[DATE, length, ("upgrade", "x")],
    ] {
        check(200, lines, false).await;
    }
    for status in [101, 103, 204, 304] {
        check(status, &[length, DATE], false).await;
    }
    let mut old = answer(200, &[length, DATE], &[b"hello"]);
    *old.version_mut() = http::Version::HTTP_10;
    assert!(ours(old, 9).await.is_none());
}

#[tokio::test]
async fn what_fails_is_not_whole() {
    for (length, last) in [("5", Some(Err(io::ErrorKind::ConnectionReset.into()))), ("9", None), ("4", None)] {
        let mut failing = answer(200, &[DATE, ("content-length", length)], &[]);
        failing.body_mut().said = Some(length.parse().unwrap());
        failing.body_mut().pieces = last.into_iter().chain([Ok(Bytes::from_static(b"hello"))]).collect();
        let (seen, is_whole) = ours(failing, 3).await.unwrap();
        assert!(!is_whole && seen.len() < 90, "{seen:?}");
    }
}

proptest! {
    /// Whatever a visitor takes at a time, and the body brings, it has what the library would have made of it.
    #[test]
    fn answers_are_those_of_the_library(
        status in proptest::sample::select(vec![200_u16, 201, 206, 301, 404, 429, 500, 502, 599]),
        lines in proptest::collection::vec(("[a-zA-Z-]{1,9}", "[!-~]{0,9}"), 0..6),
        pieces in proptest::collection::vec(0_usize..3_000, 0..40),
        at_a_time in 1_usize..5_000,
        reason in proptest::option::of("[a-zA-Z ]{1,9}"),
    ) {
        static TEXT: [u8; 3_000] = [b'x'; 3_000];
        let pieces: Vec<&[u8]> = pieces.iter().map(|length| &TEXT[..*length]).collect();
        let length = pieces.concat().len().to_string();
        let lines = lines.iter().map(|(name, value)| (&**name, &**value));
        let lines = lines.filter(|(name, _)| !["date", "connection", "upgrade", "trailer"].contains(&&*name.to_lowercase()));
        let lines: Vec<_> = lines.chain([DATE, ("content-length", &length)]).collect();
        let answer = || {
            let mut answer = answer(status, &lines, &pieces);
            if let Some(reason) = &reason {
                answer.extensions_mut().insert(hyper::ext::ReasonPhrase::try_from(reason.clone()).unwrap());
            }
            answer
        };
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        let (seen, is_whole) = runtime.block_on(ours(answer(), at_a_time)).unwrap();
        prop_assert_eq!((seen, is_whole), (runtime.block_on(theirs(answer())), true));
    }
}
