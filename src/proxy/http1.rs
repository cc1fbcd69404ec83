//! The way to a target that speaks HTTP/1.1: streams that are opened on demand, and for requests that may be repeated kept
//! alive and used again.

mod ask;
mod framing;
#[cfg(any(test, fuzzing))]
pub(super) mod fuzzing;
mod head;
mod kept;
mod rest;
mod switched;
#[cfg(test)]
mod tests;
mod two_way;

use std::sync::Arc;
use std::time::Duration;

use axum::body::Body;
use futures_util::FutureExt as _;
use futures_util::future::BoxFuture;
use http::header::CONTENT_LENGTH;
use http::{Method, Request, Response};
use http_body::Body as _;

use super::came::Came;
use super::connection::{Connector, Seen};
use super::headers::{Intent, has};
use super::tracked::Tracked;
use super::{Fault, expect::Hold};
use crate::pieces::Pieces;
use ask::{Failure, ask};
pub(super) use framing::settle_length;
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

/// An answer, what it says of its connection, and that itself where it may still send.
pub(super) type Answered<S> = (Response<Came<S>>, Intent, Option<Seen>);

impl<S: Pieces + Send + Unpin + 'static> Pool<S> {
    pub(super) fn new(connector: Connector<S>, tasks: Tracked) -> Self {
        Self { connector, kept: Kept::new(tasks.clone()), tasks }
    }

    /// Has a request answered. A target may close a kept connection just when the next request goes into it, which is
    /// nobody's fault: one that may be repeated is, and one that may not (RFC 9112, section 9.3.1) never goes into a
    /// connection that another has used. That costs the client a connection, and no round trip of the tunnel, for
    /// streams are opened together with what they bring. Nor does one whose visitor has `waited`, for that is said where a
    /// stream begins. Takes the request out of its place. Waits as long as the target takes.
    pub(super) async fn answered(
        &self,
        request: &mut Request<Body>,
        hold: Hold,
        waited: Option<Duration>,
    ) -> Result<Answered<S>, Fault> {
        if only_asks(request) {
            let (method, head) = (request.method().clone(), head::spelt(request));
            // Who waits keeps as little as can be.
            *request = Request::default();
            let (answer, intent) = self.asked(&method, &head, waited).await?;
            return Ok((answer.map(Came::Rest), intent, None));
        }
        let request = std::mem::take(request);
        // Apart, for few exchanges need room for what that keeps.
        let answering = async move {
            self.kept.clear();
            let connection = self.connector.open(waited).await.map_err(|_| Fault::ClientOffline)?;
            two_way::answered(connection, request, hold, &self.tasks).await
        };
        let (answer, seen) = answering.boxed().await?;
        let intent = Intent::of(answer.headers());
        Ok((answer.map(Came::Incoming), intent, Some(seen)))
    }

    /// The same for one that only asks.
    async fn asked(
        &self,
        method: &Method,
        head: &[u8],
        waited: Option<Duration>,
    ) -> Result<(Response<Rest<S>>, Intent), Fault> {
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
