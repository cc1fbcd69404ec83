//! The exchanges that are passed on without the library: requests that only ask, answers whose head says how long they are.

use std::future::poll_fn;
use std::io;
use std::pin::{Pin, pin};
use std::task::Poll;

use axum::body::Body;
use http::header::{CONNECTION, HeaderValue};
use tokio::io::AsyncWriteExt as _;
use tokio_util::sync::CancellationToken;

use super::outgoing::Outgoing;
use super::{Service, There, head};
use crate::server::gate::{Gate, Next};
use crate::server::severable::Severable;

/// What has become of a connection.
pub(super) enum Asked {
    /// It is over.
    All,
    /// What comes next is the library's. If it is a request that has its answer, this is that.
    More(Option<There>),
}

/// Passes exchanges on until the connection ends, or is to, or one is more than this knows.
pub(super) async fn serve(
    gate: &mut Gate<Severable>,
    service: &mut Service,
    closing: &CancellationToken,
) -> io::Result<Asked> {
    let mut closed = pin!(closing.cancelled());
    let mut outgoing = Outgoing::default();
    loop {
        let next = poll_fn(|cx| match gate.poll_next(cx) {
            Poll::Pending => closed.as_mut().poll(cx).map(|()| Ok(Next::End)),
            next @ Poll::Ready(_) => next,
        });
        let head = match next.await? {
            Next::Request(head) => head,
            Next::Other => return Ok(Asked::More(None)),
            Next::End => break,
        };
        let Some(request) = head::read(&head) else {
            gate.take_back(&head);
            return Ok(Asked::More(None));
        };
        let owed = service.course.begin();
        let answering = service.answer(request, owed);
        let Some((mut answer, under_way)) = unless_left(gate, answering).await? else { return Ok(Asked::All) };
        if closing.is_cancelled() {
            answer.headers_mut().insert(CONNECTION, HeaderValue::from_static("close"));
        }
        if !outgoing.begin(&answer) {
            gate.take_back(&head);
            return Ok(Asked::More(Some((answer, service.course.begin()))));
        }
        drop(head);
        // Until the visitor has it: not every answer sees to that itself.
        let owed = service.course.begin();
        if !send(gate, &mut outgoing, answer.into_body()).await? {
            return Ok(Asked::All);
        }
        drop((owed, under_way));
    }
    gate.shutdown().await?;
    Ok(Asked::All)
}

/// What is made of a request, unless its visitor leaves before that.
async fn unless_left<T>(gate: &mut Gate<Severable>, answering: impl Future<Output = T>) -> io::Result<Option<T>> {
    let mut answering = pin!(answering);
    poll_fn(|cx| match answering.as_mut().poll(cx) {
        Poll::Ready(answer) => Poll::Ready(Ok(Some(answer))),
        Poll::Pending => gate.poll_left(cx).map_ok(|()| None),
    })
    .await
}

/// Hands an answer over. Whether the visitor has all of it: it may leave before that.
async fn send(gate: &mut Gate<Severable>, outgoing: &mut Outgoing, mut body: Body) -> io::Result<bool> {
    poll_fn(|cx| match outgoing.poll_send(&mut body, Pin::new(&mut *gate), cx) {
        Poll::Ready(sent) => Poll::Ready(sent.map(|()| true)),
        Poll::Pending => gate.poll_left(cx).map_ok(|()| false),
    })
    .await
}
