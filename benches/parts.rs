//! Each part of an exchange's way by itself, in memory, so that a regression shows where it is: `cargo bench --bench parts`. What an
//! exchange as a whole takes, `cargo xtask bench` and `cargo xtask profile` tell.

use std::hint::black_box;
use std::pin::Pin;
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use axum::body::Body;
use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use http::Request;
use http::header::HeaderValue;
use http_body::Body as _;
use http_body_util::BodyExt as _;
use sendit::auth::{Audience, Claims, Key, Keys, mint, verify};
use sendit::inspect::{Inspector, Settings};
use sendit::mux::{self, Upkeep};
use sendit::pipe::v2::{Budget, Carriers, Pipe, Receiver, SendBody, pipe};
use sendit::proxy::{Breaker, Call, Hop, Meter, Rules, Visitor};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _, DuplexStream, duplex};
use tokio::runtime::{Builder, Runtime};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

/// As long as the head of a small request.
const SMALL: usize = 160;
const LARGE: usize = 64 * 1024;

/// What lies in a buffer between two ends.
const BUFFER: usize = 256 * 1024;

criterion_group!(parts, pipes, muxes, hops, taps, tokens);
criterion_main!(parts);

fn runtime() -> Runtime {
    Builder::new_current_thread().enable_all().build().expect("a runtime")
}

/// A pipe whose carriers never leave the process.
struct Carried {
    near: (Pipe, Carriers),
    far: (Pipe, Carriers),
    down: Pin<Box<SendBody>>,
    up: Pin<Box<SendBody>>,
    far_end: Receiver,
    near_end: Receiver,
}

impl Carried {
    fn new() -> Self {
        let (near, far) = (pipe(&Budget::default()), pipe(&Budget::default()));
        let (far_end, near_end) = (far.1.receive(0), near.1.receive(0));
        let down = Box::pin(near.1.send(0, u64::MAX).expect("a log begins at 0"));
        let up = Box::pin(far.1.send(0, u64::MAX).expect("a log begins at 0"));
        Self { near, far, down, up, far_end, near_end }
    }

    /// Brings so many bytes down, and the acknowledgement up with as many.
    async fn there_and_back(&mut self, bytes: &[u8], seen: &mut [u8]) {
        self.near.0.write_all(bytes).await.expect("the pipe stands");
        bring(&mut self.down, &mut self.far_end);
        self.far.0.read_exact(seen).await.expect("the pipe stands");
        self.far.0.write_all(bytes).await.expect("the pipe stands");
        bring(&mut self.up, &mut self.near_end);
        self.near.0.read_exact(seen).await.expect("the pipe stands");
    }
}

/// Hands all that a carrier has to say to the other end.
fn bring(from: &mut Pin<Box<SendBody>>, to: &mut Receiver) {
    let mut cx = Context::from_waker(Waker::noop());
    while let Poll::Ready(Some(Ok(frame))) = from.as_mut().poll_frame(&mut cx) {
        to.take(frame.into_data().expect("carriers have no trailers")).expect("an honest carrier");
    }
}

fn pipes(criterion: &mut Criterion) {
    let runtime = runtime();
    let mut group = criterion.benchmark_group("pipe");
    for size in [SMALL, LARGE] {
        let mut carried = runtime.block_on(async { Carried::new() });
        let (bytes, mut seen) = (vec![7; size], vec![0; size]);
        group.throughput(Throughput::Bytes(2 * size as u64));
        group.bench_function(format!("there and back, {size} bytes"), |bencher| {
            bencher.iter(|| runtime.block_on(carried.there_and_back(&bytes, &mut seen)));
        });
    }
    group.finish();
}

fn muxes(criterion: &mut Criterion) {
    let runtime = runtime();
    let mut group = criterion.benchmark_group("mux");
    for size in [SMALL, LARGE] {
        let tasks = TaskTracker::new();
        let mut stream = runtime.block_on(async {
            let (near, far) = duplex(BUFFER);
            let (opener, driver) = mux::opening(near, Upkeep::default(), 10);
            tasks.spawn_on(driver.run(CancellationToken::new(), drop), runtime.handle());
            let echo = tasks.clone();
            let accept = move |mut stream: mux::Stream| {
                echo.spawn(async move {
                    let mut bytes = vec![0; LARGE];
                    while let Ok(read @ 1..) = stream.read(&mut bytes).await {
                        stream.write_all(&bytes[..read]).await.expect("the stream stands");
                    }
                });
            };
            tasks.spawn(mux::accepting(far, Upkeep::default()).run(CancellationToken::new(), accept));
            opener.open().await.expect("the connection stands")
        });
        let (bytes, mut seen) = (vec![7; size], vec![0; size]);
        group.throughput(Throughput::Bytes(2 * size as u64));
        group.bench_function(format!("there and back, {size} bytes"), |bencher| {
            bencher.iter(|| {
                runtime.block_on(async {
                    stream.write_all(&bytes).await.expect("the stream stands");
                    stream.read_exact(&mut seen).await.expect("the stream stands");
                });
            });
        });
    }
    group.finish();
}

/// Answers whatever it is asked.
async fn target(mut stream: DuplexStream) {
    let mut bytes = vec![0; 4096];
    while let Ok(1..) = stream.read(&mut bytes).await {
        let answer =
            b"HTTP/1.1 200 OK\r\nServer: target\r\nContent-Type: text/plain\r\nContent-Length: 13\r\n\r\nHello, World!";
        stream.write_all(answer).await.expect("the stream stands");
    }
}

/// What a browser says.
const HEAD: [(&str, &str); 8] = [
    ("host", "tunnels.example"),
    ("user-agent", "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0"),
    ("accept", "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8"),
    ("accept-language", "en-US,en;q=0.5"),
    ("accept-encoding", "gzip, deflate, br, zstd"),
    ("connection", "keep-alive"),
    ("cookie", "session=0123456789abcdef"),
    ("upgrade-insecure-requests", "1"),
];

fn hops(criterion: &mut Criterion) {
    let runtime = runtime();
    let visitor = Visitor::new("203.0.113.9:4000".parse().ok(), false);
    for (name, lines) in [("a bare request", 1), ("a browser's request", HEAD.len())] {
        let tasks = TaskTracker::new();
        let targets = tasks.clone();
        let open = move |_| {
            let (near, far) = duplex(BUFFER);
            targets.spawn(target(far));
            async move { Ok(near) }
        };
        let (key, stopping) = (HeaderValue::from_static("key"), CancellationToken::new());
        let hop = Hop::new(open, Rules::default(), key, tasks.clone(), stopping);
        criterion.bench_function(&format!("hop: {name}"), |bencher| {
            bencher.iter(|| {
                runtime.block_on(async {
                    let mut request = Request::new(Body::empty());
                    *request.uri_mut() = "/my-app/x".parse().expect("a path");
                    for (name, value) in &HEAD[..lines] {
                        request.headers_mut().insert(*name, HeaderValue::from_static(value));
                    }
                    let breaker = Breaker::default();
                    let meter = Meter::default();
                    let call = Call { visitor: &visitor, place: "/my-app", breaker, meter, waited: None };
                    let answer = hop.forward(&mut request, call, ()).await.expect("an answer");
                    black_box(answer.into_body().collect().await.expect("a whole answer"));
                });
            });
        });
    }
}

/// A small exchange as a client's inspector sees it pass, and a body of 1 MiB beside what it takes to copy that.
fn taps(criterion: &mut Criterion) {
    let lines: String = HEAD.iter().flat_map(|(name, value)| [*name, ": ", *value, "\r\n"]).collect();
    let request = format!("GET /my-app/x HTTP/1.1\r\n{lines}\r\n");
    let answer =
        "HTTP/1.1 200 OK\r\nServer: target\r\nContent-Type: text/plain\r\nContent-Length: 13\r\n\r\nHello, World!";
    let inspector = Inspector::new(Settings::new(|| Duration::ZERO));
    let tap = inspector.connection(Duration::ZERO);
    criterion.bench_function("tap: a small exchange", |bencher| {
        bencher.iter(|| {
            tap.down(black_box(request.as_bytes()));
            tap.up(black_box(answer.as_bytes()));
        });
    });
    let (piece, size) = (vec![7; 32 * 1024], 1024 * 1024);
    let mut group = criterion.benchmark_group("tap: a body of 1 MiB");
    group.throughput(Throughput::Bytes(size as u64));
    group.bench_function("seen", |bencher| {
        bencher.iter(|| {
            tap.down(request.as_bytes());
            tap.up(format!("HTTP/1.1 200 OK\r\nContent-Length: {size}\r\n\r\n").as_bytes());
            for _ in 0..size / piece.len() {
                tap.up(black_box(&piece));
            }
        });
    });
    group.bench_function("copied", |bencher| {
        bencher.iter(|| {
            let mut copy = Vec::with_capacity(size);
            for _ in 0..size / piece.len() {
                copy.extend_from_slice(black_box(&piece));
            }
            copy
        });
    });
    group.finish();
}

fn tokens(criterion: &mut Criterion) {
    let now = 1_800_000_000;
    let keys = Keys::new(Key::new(b"0123456789abcdef0123456789abcdef").expect("a key"), []);
    let token = mint(&keys, &Claims::new(Audience::Auth, now));
    criterion.bench_function("token: verify", |bencher| {
        bencher.iter(|| verify(&keys, Audience::Auth, black_box(&token), now).expect("a good token"));
    });
}
