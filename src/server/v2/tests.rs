//! What becomes of carriers that come twice, by paused clocks.

use axum::extract::State;
use http_body_util::BodyExt as _;

use super::*;
use crate::server::open::Terms;
use crate::server::{Config, Server};

const PATIENCE: Duration = Duration::from_secs(60);

fn batch(session: &Session, attendance: &Attendance, epoch: u64) -> Request {
    // What the multiplexer says first is known.
    let offset = attendance.carriers.written();
    let carrier = Carrier { session: session.id().clone(), epoch, offset, manner: Manner::Batch, digest: None };
    Request::builder()
        .header(v2::SESSION_HEADER, session.id().as_str())
        .header(v2::EPOCH_HEADER, epoch)
        .header(OFFSET_HEADER, offset)
        .header(v2::MANNER_HEADER, Manner::Batch.as_str())
        .header(PROOF_HEADER, attendance.secret.prove(v2::READ, &carrier))
        .body(Body::empty())
        .unwrap()
}

/// The types of the records in an answer that has no byte of the log.
async fn kinds(answer: Response) -> Vec<u8> {
    assert_eq!(answer.status(), StatusCode::OK);
    let mut bytes = &answer.into_body().collect().await.unwrap().to_bytes()[..];
    let mut kinds = Vec::new();
    while let [kind, 0, 0, length, rest @ ..] = bytes {
        kinds.push(*kind);
        bytes = &rest[usize::from(*length)..];
    }
    kinds
}

#[tokio::test(start_paused = true)]
async fn a_batch_down_that_comes_again_takes_nothing_from_the_first() {
    let server = Server::new(Config::new(None, || 0));
    let (session, attendance) = server.open_v2(None, "", Terms::plain("foo", &server)).ok().unwrap();
    tokio::time::sleep(Duration::from_millis(1)).await;
    let read = || read(State(server.clone()), batch(&session, &attendance, 1));
    let (begin, mut first) = (tokio::time::Instant::now(), Box::pin(read()));
    assert!(futures_util::poll!(first.as_mut()).is_pending());
    let (mut second, mut third) = (Box::pin(read()), Box::pin(read()));
    for again in [&mut second, &mut third] {
        assert!(futures_util::poll!(again.as_mut()).is_pending());
        assert!(futures_util::poll!(first.as_mut()).is_pending(), "it was ended");
    }
    assert_eq!(read().await.status(), StatusCode::SERVICE_UNAVAILABLE);

    // PING 7: it is owed a PONG, which goes to the first alone.
    let ping = Bytes::from_static(&[3, 0, 0, 8, 0, 0, 0, 0, 0, 0, 0, 7]);
    attendance.carriers.receive(0).take(ping).unwrap();
    assert!(futures_util::poll!(second.as_mut()).is_pending());
    assert_eq!((kinds(first.await).await, begin.elapsed()), (vec![1, 2, 4, 6], Duration::ZERO));
    assert_eq!(kinds(timeout(PATIENCE, second).await.unwrap()).await, [1, 2, 6]);
    assert_eq!(begin.elapsed(), LONG_POLL);
    drop(third);

    // Nor is it a sign of life, whether anybody waits or not.
    let mut again = Box::pin(read());
    assert!(futures_util::poll!(again.as_mut()).is_pending());
    tokio::time::sleep(LONG_POLL).await;
    assert!(!attendance.is_attended());
}
