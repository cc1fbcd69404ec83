//! What all carriers of a v2 session share: how a request becomes one of them, and what its answer means.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use reqwest::{Body, Response, StatusCode};
use tokio::sync::Notify;

use super::super::link::{Link, Unanswered, text};
use super::Path;
use super::doubt::Doubts;
use super::open::Grant;
use super::outage::Failures;
use super::waits::Waits;
use crate::pipe::v2::Carriers;
use crate::wire::v2::measure::MEASURE_UP;
use crate::wire::v2::{self, Carrier, Manner};
use crate::wire::{ERROR_HEADER, UNCERTIFIED};

/// A session's carriers, as requests.
pub(super) struct Tunnel {
    pub(super) link: Arc<Link>,
    pub(super) grant: Grant,
    pub(super) carriers: Carriers,
    pub(super) path: Arc<Path>,
    /// What has failed, for people to hear of where it lasts.
    pub(super) failures: Failures,
    /// When what carries is to be doubted.
    pub(super) doubts: Doubts,
    /// Which visitors have waited for this client.
    pub(super) waits: Waits,
    /// The link has come back, and may be another.
    pub(super) back: Notify,
    epoch: AtomicU64,
}

/// Why a carrier did not do its work.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum Trouble {
    /// The server does not know the session any more.
    #[error("{0}")]
    Gone(String),
    /// Something on the way does not take as much at once.
    #[error("something on the way does not take as much at once")]
    TooLarge,
    /// It was cut, refused for now, or is doubted. Nothing is lost.
    #[error("{0}")]
    Cut(String),
}

impl Tunnel {
    pub(super) fn new(link: Arc<Link>, grant: Grant, carriers: Carriers, path: Arc<Path>) -> Self {
        let (failures, doubts) = (Failures::default(), Doubts::default());
        let (waits, back, epoch) = (Waits::default(), Notify::new(), AtomicU64::new(0));
        Self { link, grant, carriers, path, failures, doubts, waits, back, epoch }
    }

    /// A number that no carrier of the session had before.
    pub(super) fn next_epoch(&self) -> u64 {
        self.epoch.fetch_add(1, Ordering::Relaxed) + 1
    }

    /// Sends a carrier and waits for the head of its answer, which for a streaming request comes at its end: then the
    /// carrier's own signs of life are the bound.
    pub(super) async fn post(&self, path: &str, carrier: Carrier, body: Option<Body>) -> Result<Response, Trouble> {
        let (url, is_straight) = self.grant.way.to(path);
        let request = self.link.pooled(url);
        let request = request
            .header(v2::SESSION_HEADER, carrier.session.as_str())
            .header(v2::EPOCH_HEADER, carrier.epoch)
            .header(v2::OFFSET_HEADER, carrier.offset)
            .header(v2::MANNER_HEADER, carrier.manner.as_str())
            .header(v2::PROOF_HEADER, self.grant.secret.prove(path, &carrier));
        let streams_up = matches!(path, v2::WRITE | MEASURE_UP) && carrier.manner != Manner::Batch;
        let request = match carrier.digest {
            Some(digest) => request.header(v2::DIGEST_HEADER, digest.to_string()),
            None => request,
        };
        let bytes = body.as_ref().and_then(Body::as_bytes).map_or(0, <[u8]>::len) as u64;
        let request = match body {
            Some(body) => request.body(body),
            None => request,
        };
        let response = if streams_up {
            // What breaks later has reached the server before.
            request.send().await.map_err(|error| {
                let link = &self.link;
                let is_unreached = error.is_connect();
                let cause = if is_unreached { link.unreachable(&error) } else { link.why(&error) };
                Unanswered { cause, is_unreached }
            })
        } else {
            self.link.answer_to(request, bytes).await
        };
        let response = response.map_err(|Unanswered { cause, is_unreached }| {
            if is_straight && is_unreached {
                self.grant.way.shut();
            }
            Trouble::Cut(cause)
        })?;
        let response = judge(path, response)?;
        self.waits.note(response.headers());
        Ok(response)
    }

    /// Takes note of a carrier that failed, and will be replaced.
    pub(super) fn note(&self, trouble: &Trouble) {
        tracing::debug!(?trouble, "a carrier failed");
        if let Trouble::Cut(cause) = trouble {
            self.failures.note(cause);
        }
    }

    /// The headers of a carrier of this session.
    pub(super) fn carrier(&self, epoch: u64, offset: u64, manner: Manner) -> Carrier {
        Carrier { session: self.grant.session.clone(), epoch, offset, manner, digest: None }
    }

    /// Asks the server for no more exchanges. False where it cannot be told.
    pub(super) async fn drain(&self) -> bool {
        let carrier = self.carrier(self.next_epoch(), 0, Manner::Batch);
        let told = self.post(v2::DRAIN, carrier, None).await;
        if let Err(trouble) = &told {
            tracing::debug!(?trouble, "the server was not told that the client leaves");
        }
        told.is_ok()
    }
}

/// What an answer means. A login page is a 200 too, and so is what Squid makes of an answer that was cut in its head.
fn judge(path: &str, response: Response) -> Result<Response, Trouble> {
    let kind = text(response.headers(), "content-type");
    let ours = if path == MEASURE_UP { "application/json" } else { "application/octet-stream" };
    match response.status() {
        StatusCode::NO_CONTENT => Ok(response),
        StatusCode::OK if kind == ours => Ok(response),
        StatusCode::OK => Err(Trouble::Cut("a carrier was answered by something else than the server".to_owned())),
        StatusCode::GONE => Err(Trouble::Gone("the server does not know the session any more".to_owned())),
        // One of ours is JSON; anything else is somebody's login page, and may pass.
        StatusCode::UNAUTHORIZED if kind == "application/json" => {
            Err(Trouble::Gone("the server does not accept the session's carriers any more".to_owned()))
        }
        StatusCode::FORBIDDEN if text(response.headers(), ERROR_HEADER) == UNCERTIFIED => {
            Err(Trouble::Gone("the server does not accept the client's certificate any more".to_owned()))
        }
        StatusCode::PAYLOAD_TOO_LARGE => Err(Trouble::TooLarge),
        status => Err(Trouble::Cut(format!("a carrier was answered with {status}"))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(path: &str, status: u16, kind: &str, expected: Result<(), &str>) {
        said(path, status, ("content-type", kind), expected);
    }

    #[track_caller]
    fn said(path: &str, status: u16, (name, value): (&str, &str), expected: Result<(), &str>) {
        let response = http::Response::builder().status(status).header(name, value).body("HTTP/1.1 20");
        let judged = judge(path, response.unwrap().into());
        let judged = judged.map(drop).map_err(|trouble| match trouble {
            Trouble::Gone(_) => "gone",
            Trouble::TooLarge => "too large",
            Trouble::Cut(_) => "cut",
        });
        assert_eq!(judged, expected, "{path} {status} {value}");
    }

    #[test]
    fn what_somebody_else_answers_ends_a_carrier_and_no_session() {
        check(v2::READ, 200, "application/octet-stream", Ok(()));
        check(MEASURE_UP, 200, "application/json", Ok(()));
        check(v2::DRAIN, 204, "", Ok(()));
        check(v2::WRITE, 200, "text/html", Err("cut"));
        check(v2::READ, 200, "", Err("cut"));
        check(v2::READ, 401, "text/html", Err("cut"));
        check(v2::READ, 401, "application/json", Err("gone"));
        check(v2::READ, 403, "application/json", Err("cut"));
        said(v2::READ, 403, (ERROR_HEADER, UNCERTIFIED), Err("gone"));
        check(v2::READ, 410, "text/html", Err("gone"));
        check(v2::READ, 413, "text/html", Err("too large"));
        check(v2::READ, 502, "text/html", Err("cut"));
    }
}
