//! Visitors of a tunnel with a [`Target`] behind it, who check what they get.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::time::Duration;

use bytes::Bytes;
use futures_util::{SinkExt as _, StreamExt as _};
use http::{Method, Request, Response, StatusCode};
use http_body_util::{BodyExt as _, Full};
use hyper::body::Incoming;
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;
use tokio::task::JoinHandle;
use tokio::time::{Instant, interval, timeout};
use tokio_tungstenite::connect_async;
use tokio_tungstenite::tungstenite::Message;
use tokio_util::task::TaskTracker;

use crate::origin::{Target, digest, seeded};
use crate::world::PATIENCE;

/// How often a condition is looked at.
const POLL: Duration = Duration::from_millis(20);

const MIB: usize = 1024 * 1024;

/// Someone who calls the public URL.
#[derive(Clone)]
pub(crate) struct Visitor {
    client: Client<HttpConnector, Full<Bytes>>,
    /// The host, the port and the prefix.
    base: String,
    /// How long a part of an exchange may take.
    patience: Duration,
}

impl Visitor {
    pub(crate) fn new(server: SocketAddr, prefix: &str) -> Self {
        let client = Client::builder(TokioExecutor::new()).build(HttpConnector::new());
        Self { client, base: format!("{server}/{prefix}"), patience: PATIENCE }
    }

    /// One who keeps no connection: a proxy may close those that it takes for idle, just as the next request comes.
    pub(crate) fn who_keeps_none(server: SocketAddr, prefix: &str) -> Self {
        let client = Client::builder(TokioExecutor::new()).pool_max_idle_per_host(0).build(HttpConnector::new());
        Self { client, ..Self::new(server, prefix) }
    }

    async fn send(&self, method: Method, path: &str, body: Bytes) -> Result<Response<Incoming>, String> {
        let uri = format!("http://{}/{path}", self.base);
        let request = Request::builder().method(method).uri(uri).body(Full::new(body)).expect("a request");
        let answer = timeout(self.patience, self.client.request(request)).await;
        answer.map_err(|_| format!("{path}: no answer"))?.map_err(|error| format!("{path}: {error:?}"))
    }

    /// The status of the answer to a GET, and its body.
    pub(crate) async fn get(&self, path: &str) -> Result<(StatusCode, Bytes), String> {
        let answer = self.send(Method::GET, path, Bytes::new()).await?;
        let status = answer.status();
        let body = timeout(self.patience, answer.into_body().collect()).await.map_err(|_| format!("{path}: no end"))?;
        Ok((status, body.map_err(|error| format!("{path}: {error:?}"))?.to_bytes()))
    }

    /// Sends a body, and has the target say what came of it.
    pub(crate) async fn up(&self, seed: u64, len: usize) -> Result<(), String> {
        let body = seeded(seed, len);
        let answer = self.send(Method::POST, "digest", body.clone()).await?;
        let came = answer.into_body().collect().await.map_err(|error| format!("digest: {error:?}"))?.to_bytes();
        if came == digest(&body) { Ok(()) } else { Err(format!("{len} bytes up became {came:?}")) }
    }

    /// Has the target send a body, and checks it.
    pub(crate) async fn down(&self, seed: u64, len: usize) -> Result<(), String> {
        let (status, body) = self.get(&format!("bytes/{seed}/{len}")).await?;
        let same = status == StatusCode::OK && digest(&body) == digest(&seeded(seed, len));
        if same { Ok(()) } else { Err(format!("{len} bytes down became {} with {status}", body.len())) }
    }

    /// One of a mixture of exchanges: both ways, from nothing to a few windows of a stream.
    async fn mixed(&self, seed: u64) -> Result<(), String> {
        let len = [0, 1, 700, 5000, 70_000, 600_000][usize::try_from(seed / 2 % 6).expect("less than 6")];
        if seed.is_multiple_of(2) { self.up(seed, len).await } else { self.down(seed, len).await }
    }

    /// Exchanges, `at_once` at a time, each slot at least one, until `enough`. Returns how many there were. None may
    /// fail or hang, which shows once the others have ended; how long each takes beside the others is the machine's
    /// affair.
    pub(crate) async fn load(&self, at_once: usize, enough: impl Fn(usize) -> bool) -> usize {
        let (tasks, stopped) = (TaskTracker::new(), Arc::new(AtomicBool::new(false)));
        let (seeds, done) = (Arc::new(AtomicU64::new(0)), Arc::new(AtomicUsize::new(0)));
        let patient = Self { patience: Duration::MAX, ..self.clone() };
        let slots: Vec<_> = (0..at_once)
            .map(|_| {
                let (visitor, stopped) = (patient.clone(), Arc::clone(&stopped));
                let (seeds, done) = (Arc::clone(&seeds), Arc::clone(&done));
                tasks.spawn(async move {
                    loop {
                        visitor.mixed(seeds.fetch_add(1, Ordering::Relaxed)).await?;
                        done.fetch_add(1, Ordering::Relaxed);
                        if stopped.load(Ordering::Relaxed) {
                            return Ok::<_, String>(());
                        }
                    }
                })
            })
            .collect();
        let in_time = goes_on(&done, enough).await;
        stopped.store(true, Ordering::Relaxed);
        goes_on(&done, |_| slots.iter().all(JoinHandle::is_finished)).await;
        let mut failures = Vec::new();
        for slot in slots {
            if slot.is_finished() {
                failures.extend(slot.await.expect("visitors do not panic").err());
            } else {
                slot.abort();
                failures.push("it hangs".to_owned());
            }
        }
        let done = done.load(Ordering::Relaxed);
        assert_eq!(failures, [""; 0], "of {done} exchanges");
        assert!(in_time, "{done} exchanges were not enough");
        done
    }

    /// Everything that an exchange may be, once.
    pub(crate) async fn tour(&self, target: &Target) {
        assert_eq!(self.up(1, 10).await, Ok(()));
        assert_eq!(self.down(2, 10).await, Ok(()));
        let both = tokio::join!(self.up(3, 8 * MIB), self.down(4, 8 * MIB));
        assert_eq!(both, (Ok(()), Ok(())));
        assert!(self.load(100, |done| done >= 100).await >= 100);
        self.events(target).await;
        self.socket().await;
    }

    /// Waits until no tunnel has the prefix.
    pub(crate) async fn gone(&self) {
        let begin = Instant::now();
        let mut ticks = interval(POLL);
        while self.get("fields").await.map(|(status, _)| status) != Ok(StatusCode::NOT_FOUND) {
            assert!(begin.elapsed() < PATIENCE, "the prefix was never freed");
            ticks.tick().await;
        }
    }

    /// Each event comes before the next is sent.
    async fn events(&self, target: &Target) {
        target.go_on.add_permits(1);
        let mut body = self.send(Method::GET, "events", Bytes::new()).await.expect("events").into_body();
        for count in 0..5 {
            let (wanted, mut seen) = (format!("data: {count}\n\n"), Vec::new());
            while seen.len() < wanted.len() {
                let frame = timeout(PATIENCE, body.frame()).await.expect("each event comes by itself");
                seen.extend_from_slice(&frame.expect("no end").expect("no cut").into_data().expect("data"));
            }
            assert_eq!(String::from_utf8(seen), Ok(wanted));
            target.go_on.add_permits(1);
        }
    }

    async fn socket(&self) {
        let opened = timeout(PATIENCE, connect_async(format!("ws://{}/socket", self.base))).await;
        let (mut socket, _) = opened.expect("an answer").expect("a WebSocket");
        for message in [Message::text("hello"), Message::binary(seeded(5, 300_000)), Message::text("")] {
            socket.send(message.clone()).await.expect("it is sent");
            let back = timeout(PATIENCE, socket.next()).await.expect("it comes back");
            assert_eq!(back.expect("no end").expect("no cut"), message);
        }
    }
}

/// Waits until what was `done` is `enough`, for as long as more is done. Whether it was.
async fn goes_on(done: &AtomicUsize, enough: impl Fn(usize) -> bool) -> bool {
    let (mut seen, mut since) = (0, Instant::now());
    let mut ticks = interval(POLL);
    loop {
        let now = done.load(Ordering::Relaxed);
        if enough(now) || since.elapsed() >= PATIENCE {
            return enough(now);
        }
        if now != seen {
            (seen, since) = (now, Instant::now());
        }
        ticks.tick().await;
    }
}
