//! Batches on their way up. Each is held until it is whole and is what its proof says, so they are bounded: in length, in
//! number, and by the epoch, for a client that begins anew has given up those before.

use bytes::{Bytes, BytesMut};
use http_body_util::BodyExt as _;
use tokio::sync::watch;
use tokio::time::{Duration, timeout};

use axum::body::Body;

use crate::wire::v2::Digest;

/// How long a batch may be.
pub(in crate::server) const MAX_BATCH: usize = 512 * 1024;

/// How many batches of the newest epoch may be on their way: twice what our client sends at a time.
const MAX_UPLOADS: usize = 8;

/// How long a batch may be silent before it is dead.
const SILENCE: Duration = Duration::from_secs(15);

/// Why a batch is not taken. None of it harms the session.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum Untaken {
    #[error("the batch is longer than 512 KiB")]
    TooLong,
    #[error("too many batches are on their way")]
    TooMany,
    #[error("a newer carrier has been there")]
    Stale,
    #[error("the batch was cut, or has fallen silent")]
    Cut,
    #[error("the batch is not the one that was proved")]
    Digest,
}

/// What is on its way: the newest epoch, and how many batches of it.
#[derive(Clone, Copy, Debug, Default)]
struct Newest {
    epoch: u64,
    held: usize,
}

/// A session's batches on their way up.
#[derive(Debug, Default)]
pub(super) struct Uploads(watch::Sender<Newest>);

/// A batch's place among those, until it is dropped.
struct Place<'a>(&'a Uploads, u64);

impl Drop for Place<'_> {
    fn drop(&mut self) {
        // Those of an earlier epoch are counted no more.
        self.0.0.send_if_modified(|newest| {
            newest.held -= usize::from(newest.epoch == self.1);
            false
        });
    }
}

impl Uploads {
    /// Ends the batches of earlier epochs.
    pub(super) fn supersede(&self, epoch: u64) {
        self.0.send_if_modified(|newest| {
            let is_newer = epoch > newest.epoch;
            if is_newer {
                *newest = Newest { epoch, held: 0 };
            }
            is_newer
        });
    }

    fn enter(&self, epoch: u64) -> Result<Place<'_>, Untaken> {
        let mut entered = Err(Untaken::Stale);
        self.supersede(epoch);
        self.0.send_if_modified(|newest| {
            if newest.epoch == epoch {
                let is_free = newest.held < MAX_UPLOADS;
                newest.held += usize::from(is_free);
                entered = if is_free { Ok(()) } else { Err(Untaken::TooMany) };
            }
            false
        });
        entered.map(|()| Place(self, epoch))
    }

    /// The whole body of a batch. Bounded by its length, by 15 s of silence, and by the next epoch; cancelling it loses
    /// nothing.
    pub(super) async fn collect(&self, epoch: u64, digest: Digest, body: Body) -> Result<Bytes, Untaken> {
        let _place = self.enter(epoch)?;
        let mut newest = self.0.subscribe();
        let bytes = tokio::select! {
            bytes = whole(body) => bytes?,
            // The sender is a field of ours: it is not dropped meanwhile.
            _ = newest.wait_for(|newest| newest.epoch > epoch) => return Err(Untaken::Stale),
        };
        if Digest::of(&bytes) == digest { Ok(bytes) } else { Err(Untaken::Digest) }
    }
}

async fn whole(mut body: Body) -> Result<Bytes, Untaken> {
    if http_body::Body::size_hint(&body).lower() > MAX_BATCH as u64 {
        return Err(Untaken::TooLong);
    }
    let mut bytes = BytesMut::new();
    while let Some(frame) = timeout(SILENCE, body.frame()).await.map_err(|_| Untaken::Cut)? {
        let data = frame.map_err(|_| Untaken::Cut)?.into_data().unwrap_or_default();
        if bytes.len() + data.len() > MAX_BATCH {
            return Err(Untaken::TooLong);
        }
        bytes.extend_from_slice(&data);
    }
    Ok(bytes.freeze())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pending() -> Body {
        Body::from_stream(futures_util::stream::pending::<Result<Bytes, std::io::Error>>())
    }

    #[track_caller]
    fn check(
        uploads: &Uploads,
        body: Body,
        proved: &[u8],
        expected: Result<&[u8], Untaken>,
    ) -> impl Future<Output = ()> {
        let caller = std::panic::Location::caller();
        let (digest, expected) = (Digest::of(proved), expected.map(Bytes::copy_from_slice));
        async move { assert_eq!(uploads.collect(3, digest, body).await, expected, "{caller}") }
    }

    #[tokio::test(start_paused = true)]
    async fn only_what_was_proved_is_taken() {
        let uploads = Uploads::default();
        let (long, longest) = (vec![7; MAX_BATCH + 1], vec![7; MAX_BATCH]);
        check(&uploads, Body::from("body"), b"body", Ok(b"body")).await;
        check(&uploads, Body::from("bodY"), b"body", Err(Untaken::Digest)).await;
        check(&uploads, Body::from(longest.clone()), &longest, Ok(&longest)).await;
        check(&uploads, Body::from(long.clone()), &long, Err(Untaken::TooLong)).await;
        let pieces = futures_util::stream::iter([Ok::<_, std::io::Error>(longest), Ok(vec![7])]);
        check(&uploads, Body::from_stream(pieces), &long, Err(Untaken::TooLong)).await;
        check(&uploads, pending(), b"", Err(Untaken::Cut)).await;
        uploads.supersede(4);
        check(&uploads, Body::from("body"), b"body", Err(Untaken::Stale)).await;
    }

    #[tokio::test(start_paused = true)]
    async fn those_on_their_way_are_bounded_and_give_way_to_a_newer_epoch() {
        let uploads = Uploads::default();
        let digest = Digest::of(b"");
        let mut held: Vec<_> = (0..MAX_UPLOADS).map(|_| Box::pin(uploads.collect(1, digest, pending()))).collect();
        for batch in &mut held {
            assert!(futures_util::poll!(batch.as_mut()).is_pending());
        }
        assert_eq!(uploads.collect(1, digest, Body::empty()).await, Err(Untaken::TooMany));
        drop(held.pop());
        assert_eq!(uploads.collect(1, digest, Body::empty()).await, Ok(Bytes::new()));
        assert_eq!(uploads.collect(2, digest, Body::empty()).await, Ok(Bytes::new()));
        for batch in held {
            assert_eq!(batch.await, Err(Untaken::Stale));
        }
        assert_eq!(uploads.0.borrow().held, 0);
    }
}
