//! The pairs of carriers of wire v1, as requests.

use std::sync::Arc;

use reqwest::{Response, StatusCode};

use super::super::link::Link;
use super::super::session::{Client, Life};
use super::open::Grant;
use crate::pipe::v1::{Incoming, SwapError, Swapper, carrier};
use crate::wire::v1;

/// Why a pair of carriers could not be brought.
#[derive(Debug)]
pub(super) enum PairError {
    /// The server does not know the session any more.
    Gone(String),
    /// This pair failed; the one before, if any, goes on.
    Refused(String),
    /// The pipe is lost.
    Lost(String),
}

/// Brings a session a fresh pair of carriers: both requests start together, in any order.
pub(super) async fn bring(life: &Life<'_>, grant: &Grant, swapper: &Swapper) -> Result<(), PairError> {
    let link = &life.client.link;
    let (outgoing, body) = carrier();
    let progress = body.progress();
    let write = link.fresh(grant.endpoint(v1::WRITE)).body(reqwest::Body::wrap(body)).send();
    let (early, answered_early) = tokio::sync::oneshot::channel();
    let (owner, way) = (swapper.clone(), Arc::clone(&life.client.link));
    life.tasks.spawn(async move {
        let answer = write.await;
        if !progress.is_finished() {
            let cause = describe_early(&way, &answer);
            // During the handshake the swap hears of it; after that the pipe fails.
            if early.send(cause.clone()).is_err() {
                owner.fail(&cause);
            }
        }
    });
    let swap = async {
        let read = link.answer(link.fresh(grant.endpoint(v1::READ))).await.map_err(PairError::Refused)?;
        match read.status() {
            StatusCode::OK => {}
            status @ (StatusCode::NOT_FOUND | StatusCode::UNAUTHORIZED) => {
                return Err(PairError::Gone(format!("the server does not know the session any more ({status})")));
            }
            status => return Err(PairError::Refused(format!("`read` was answered with {status}"))),
        }
        let incoming = Incoming::new(reqwest::Body::from(read));
        swapper.swap(incoming, outgoing).await.map_err(|error| match error {
            SwapError::Refused(cause) => PairError::Refused(cause),
            SwapError::Lost(cause) => PairError::Lost(cause),
        })
    };
    tokio::select! {
        brought = swap => brought,
        Ok(cause) = answered_early => Err(PairError::Refused(cause)),
    }
}

/// Asks the server for no more exchanges. False where the server does not know that.
pub(super) async fn drain(client: &Client, grant: &Grant) -> bool {
    let answer = client.link.answer(client.link.fresh(grant.endpoint(v1::DRAIN))).await;
    answer.is_ok_and(|response| response.status() == StatusCode::NO_CONTENT)
}

fn describe_early(link: &Link, answer: &Result<Response, reqwest::Error>) -> String {
    match answer {
        Ok(response) => format!("`write` was answered with {} before its end", response.status()),
        Err(error) => format!("`write` was cut: {}", link.why(error)),
    }
}
