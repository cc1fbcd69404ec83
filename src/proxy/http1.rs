//! The way to a target that speaks HTTP/1.1: streams that are opened on demand, and for requests that may be repeated kept
//! alive and used again.

mod ask;
mod framing;
mod head;
mod kept;
mod rest;
mod switched;
mod two_way;

use std::sync::Arc;
use std::time::Duration;

use axum::body::Body;
use futures_util::FutureExt as _;
use futures_util::future::BoxFuture;
use http::header::CONTENT_LENGTH;
use http::{Method, Request, Response};
use http_body::Body as _;
use tokio::io::AsyncWrite;

use super::came::Came;
use super::connection::{Connector, Seen};
use super::headers::has;
use super::pieces::Pieces;
use super::tracked::Tracked;
use super::{Fault, expect::Hold};
use ask::{Failure, ask};
pub(super) use framing::is_coded;
use kept::Kept;
pub(super) use rest::Rest;

/// The most that an answer's head may be.
const MAX_HEAD: usize = 64 * 1024;

/// Streams, kept and fresh.
pub(super) struct Pool<S> {
    connector: Connector<S>,
    kept: Arc<Kept<S>>,
    tasks: Tracked,
}

/// An answer, and the connection that has brought it where that may still send.
pub(super) type Answered<S> = (Response<Came<S>>, Option<Seen>);

impl<S: Pieces + AsyncWrite + Send + Unpin + 'static> Pool<S> {
    pub(super) fn new(connector: Connector<S>, tasks: Tracked) -> Self {
        Self { connector, kept: Kept::new(tasks.clone()), tasks }
    }

    /// Has a request answered. A target may close a kept connection just when the next request goes into it, which is
    /// nobody's fault: one that may be repeated is, and one that may not (RFC 9112, section 9.3.1) never goes into a
    /// connection that another has used. That costs the client a connection, and no round trip of the tunnel, for
    /// streams are opened together with what they bring. Nor does one whose visitor has `waited`, for that is said where a
    /// stream begins. Takes the request out of its place. Waits as long as the target
    /// takes.
    pub(super) async fn answered(
        &self,
        request: &mut Request<Body>,
        hold: Hold,
        waited: Option<Duration>,
    ) -> Result<Answered<S>, Fault> {
        let request = std::mem::take(request);
        if only_asks(&request) {
            let (method, head) = (request.method().clone(), head::spelt(&request));
            // Who waits keeps as little as can be.
            drop(request);
            return Ok((self.asked(&method, &head, waited).await?.map(Came::Rest), None));
        }
        // Apart, for few exchanges need room for what that keeps.
        let answering = async move {
            self.kept.clear();
            let connection = self.connector.open(waited).await.map_err(|_| Fault::ClientOffline)?;
            two_way::answered(connection, request, hold, &self.tasks).await
        };
        let (answer, seen) = answering.boxed().await?;
        Ok((answer.map(Came::Incoming), Some(seen)))
    }

    /// The same for one that only asks.
    async fn asked(&self, method: &Method, head: &[u8], waited: Option<Duration>) -> Result<Response<Rest<S>>, Fault> {
        if waited.is_none() {
            let (stream, age) = self.take_or_open().await?;
            match ask(stream, method, head, Arc::clone(&self.kept)).await {
                Err(Failure::Silent) if age == Age::Kept => {}
                answered => return answered.map_err(Failure::fault),
            }
        }
        let stream = self.open(waited).await?;
        ask(stream, method, head, Arc::clone(&self.kept)).await.map_err(Failure::fault)
    }

    /// Apart, for few exchanges need room for what it keeps.
    fn open(&self, waited: Option<Duration>) -> BoxFuture<'_, Result<S, Fault>> {
        self.kept.clear();
        async move { self.connector.stream(waited).await.map_err(|_| Fault::ClientOffline) }.boxed()
    }

    /// A stream that is kept, or a new one, or one that another exchange has done with meanwhile: those that are kept have
    /// their places too.
    async fn take_or_open(&self) -> Result<(S, Age), Fault> {
        if let Some(stream) = self.kept.take() {
            return Ok((stream, Age::Kept));
        }
        let mut opening = self.open(None);
        tokio::select! {
            biased;
            stream = opening.as_mut() => Ok((stream?, Age::Fresh)),
            stream = self.kept.taken() => Ok((stream, Age::Kept)),
        }
    }
}

/// Whether a stream was opened for the request that goes into it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Age {
    Fresh,
    /// It was there before, so the target may have closed it in this moment, which is nobody's fault.
    Kept,
}

/// Whether nothing follows a request's head, and it may be repeated: what does more than ask may have done it. (RFC 9110,
/// section 9.2.2)
fn only_asks(request: &Request<Body>) -> bool {
    let headers = request.headers();
    let is_empty = request.body().is_end_stream() && (!has(headers, &CONTENT_LENGTH) || headers[CONTENT_LENGTH] == "0");
    request.method().is_safe() && is_empty
}

#[cfg(test)]
mod tests {
    use std::sync::Mutex;

    use http_body_util::BodyExt as _;
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _, DuplexStream, duplex};
    use tokio_util::task::TaskTracker;

    use super::*;

    /// Answers one request after the other.
    async fn target(mut stream: DuplexStream) {
        let mut head = Vec::new();
        while stream.read_buf(&mut head).await.is_ok_and(|read| read > 0) {
            if head.ends_with(b"\r\n\r\n") {
                head.clear();
                let _ = stream.write_all(b"HTTP/1.1 204 No Content\r\n\r\n").await;
            }
        }
    }

    #[tokio::test(start_paused = true)]
    async fn who_has_waited_has_a_stream_of_its_own_that_is_told_so() {
        let (tasks, opened) = (TaskTracker::new(), Arc::<Mutex<Vec<_>>>::default());
        let connector = {
            let (tasks, opened) = (tasks.clone(), Arc::clone(&opened));
            Connector::new(move |waited| {
                let (near, far) = duplex(1024);
                tasks.spawn(target(far));
                opened.lock().unwrap().push(waited);
                async move { Ok(near) }
            })
        };
        let pool = Pool::new(connector, Tracked(tasks));
        let long = Some(Duration::from_secs(2));
        for (waited, expected) in [(None, 1), (None, 1), (long, 2), (None, 2), (long, 3)] {
            // Some clients offer that on each request; it is for the target to take.
            let request = Request::get("/x").header("host", "a.example").header("upgrade", "h2c");
            let mut request = request.body(Body::empty()).unwrap();
            let answered = pool.answered(&mut request, Hold::Never, waited).await;
            assert!(answered.is_ok(), "it is answered");
            tokio::task::yield_now().await;
            assert_eq!(opened.lock().unwrap().len(), expected, "{waited:?}");
        }
        assert_eq!(*opened.lock().unwrap(), [None, long, long]);
    }

    /// Who takes nothing of an answer has its room kept, and there may be thousands.
    #[tokio::test]
    async fn little_room_is_kept_for_an_answer() {
        const WHOLE: usize = 1024 * 1024;
        let tasks = TaskTracker::new();
        let connector = {
            let tasks = tasks.clone();
            Connector::new(move |_| {
                let (near, mut far) = duplex(256 * 1024);
                tasks.spawn(async move {
                    // Nothing is answered that was not asked.
                    let _ = far.read_u8().await;
                    let head = format!("HTTP/1.1 200 OK\r\nContent-Length: {WHOLE}\r\nConnection: close\r\n\r\n");
                    let _ = far.write_all(&[head.as_bytes(), &vec![b'x'; WHOLE]].concat()).await;
                });
                async move { Ok(near) }
            })
        };
        let pool = Pool::new(connector, Tracked(tasks.clone()));
        let mut request = Request::get("/x").header("host", "a.example").body(Body::empty()).unwrap();
        let answered = pool.answered(&mut request, Hold::Never, None).await;
        let Ok((mut answer, _)) = answered else { panic!("it is answered") };
        let (mut came, mut last) = (0, None);
        while let Some(frame) = answer.frame().await {
            let data = frame.unwrap().into_data().unwrap();
            came += data.len();
            last = Some(data);
        }
        assert_eq!(came, WHOLE);
        // With nobody else there, a piece tells what room it has been read into.
        drop((pool, answer));
        tasks.close();
        tasks.wait().await;
        let room = last.unwrap().try_into_mut().unwrap().capacity();
        assert!(room <= 56 * 1024, "{room}");
    }
}
