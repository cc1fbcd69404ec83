//! The way to a target that speaks HTTP/1.1: streams that are opened on demand, and for requests that may be repeated kept
//! alive and used again.

use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use axum::body::Body;
use futures_util::FutureExt as _;
use futures_util::future::BoxFuture;
use http::header::{CONTENT_LENGTH, HeaderValue, TRANSFER_ENCODING};
use http::{Request, Response};
use http_body::Body as _;
use hyper::body::Incoming;
use hyper::client::conn::http1::Builder;
use tokio::io::{AsyncRead, AsyncWrite};

use super::Fault;
use super::connection::{Connector, Seen, repeated};
use super::interim::Interim;
use super::kept::{Kept, Open};
use super::tracked::Tracked;

/// The most that an answer's head may be.
const MAX_HEAD: usize = 64 * 1024;

/// Streams, kept and fresh.
pub(super) struct Pool<S> {
    connector: Connector<S>,
    kept: Arc<Kept>,
    tasks: Tracked,
}

/// An answer, and what was seen on the connection that brought it.
pub(super) type Answered = (Response<Incoming>, Seen);

impl<S: AsyncRead + AsyncWrite + Send + Unpin + 'static> Pool<S> {
    pub(super) fn new(connector: Connector<S>, tasks: Tracked) -> Self {
        Self { connector, kept: Arc::default(), tasks }
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
        interim: &Interim,
        waited: Option<Duration>,
    ) -> Result<Answered, Fault> {
        frame(request);
        interim.watch(request);
        // What does more than ask may have done it. (RFC 9110, section 9.2.2)
        let Some(mut again) = repeated(request).filter(|again| again.method().is_safe()) else {
            return self.by_another(std::mem::take(request), After::Ends, waited).await;
        };
        if waited.is_some() {
            return self.by_another(std::mem::take(request), After::IsKept, waited).await;
        }
        while let Some(mut open) = self.kept.take() {
            match open.sender.try_send_request(std::mem::take(request)).await {
                Ok(response) => return Ok((response, self.keep(open))),
                Err(mut error) => match error.take_message() {
                    Some(unsent) => *request = unsent,
                    None if open.seen.was_stale() => {
                        interim.watch(&mut again);
                        return self.by_another(again, After::Ends, None).await;
                    }
                    None => return Err(open.seen.blame()),
                },
            }
        }
        self.by_another(std::mem::take(request), After::IsKept, None).await
    }

    /// Has a request answered by a stream that is not there yet. Apart, for few exchanges need room for what that keeps.
    fn by_another(
        &self,
        request: Request<Body>,
        after: After,
        waited: Option<Duration>,
    ) -> BoxFuture<'_, Result<Answered, Fault>> {
        let answered = async move {
            let mut open = match (after, waited) {
                (After::IsKept, None) => self.open_or_take().await?,
                _ => self.open(waited).await?,
            };
            let answered = open.sender.send_request(request).await;
            let response = answered.map_err(|_| open.seen.blame())?;
            let seen = match after {
                After::IsKept => self.keep(open),
                After::Ends => open.seen,
            };
            Ok((response, seen))
        };
        answered.boxed()
    }

    async fn open(&self, waited: Option<Duration>) -> Result<Open, Fault> {
        let connection = self.connector.open(waited).await.map_err(|_| Fault::ClientOffline)?;
        let seen = connection.seen();
        let mut builder = Builder::new();
        builder.max_buf_size(MAX_HEAD);
        // Says nothing by itself, so it waits for nobody.
        let (sender, connection) = builder.handshake(connection).await.map_err(|_| Fault::ClientOffline)?;
        self.tasks.spawn(connection.with_upgrades());
        Ok(Open { sender, seen })
    }

    /// A new stream, or one that another exchange has done with meanwhile: those that are kept have their places too.
    async fn open_or_take(&self) -> Result<Open, Fault> {
        let mut opening = pin!(self.open(None));
        tokio::select! {
            biased;
            open = opening.as_mut() => open,
            open = self.kept.taken() => Ok(open),
        }
    }

    /// Keeps a stream once its answer is through.
    fn keep(&self, mut open: Open) -> Seen {
        let seen = open.seen.clone();
        if open.sender.is_ready() {
            self.kept.put(open, &self.tasks);
        } else if !open.sender.is_closed() {
            let (kept, tasks) = (Arc::clone(&self.kept), self.tasks.clone());
            self.tasks.spawn(async move {
                if open.sender.ready().await.is_ok() {
                    kept.put(open, &tasks);
                }
            });
        }
        seen
    }
}

/// What becomes of a stream after its answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum After {
    IsKept,
    Ends,
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
            let mut request = Request::get("/x").header("host", "a.example").body(Body::empty()).unwrap();
            let answered = pool.answered(&mut request, &Interim::default(), waited).await;
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
        let answered = pool.answered(&mut request, &Interim::default(), None).await;
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
