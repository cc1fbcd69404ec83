//! What becomes of carriers that come twice, by paused clocks.

use axum::extract::State;
use http_body_util::BodyExt as _;

use super::*;
use crate::proxy::{Breaker, Visitor};
use crate::server::open::Terms;
use crate::server::public::{Arrival, visit};
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

/// A batch up, of the first epoch, that brings nothing but a PING.
fn ping(session: &Session, attendance: &Attendance, number: u8) -> Request {
    let offset = |kind, offset| [kind, 0, 0, 8, 0, 0, 0, 0, 0, 0, 0, offset];
    let body = [offset(1, 0), offset(2, 0), offset(3, number), offset(6, 0)].concat();
    let digest = v2::Digest::of(&body);
    let (id, manner) = (session.id(), Manner::Batch);
    let carrier = Carrier { session: id.clone(), epoch: 1, offset: 0, manner, digest: Some(digest) };
    Request::builder()
        .header(v2::SESSION_HEADER, id.as_str())
        .header(v2::EPOCH_HEADER, 1)
        .header(OFFSET_HEADER, 0)
        .header(v2::MANNER_HEADER, manner.as_str())
        .header(v2::DIGEST_HEADER, digest.to_string())
        .header(PROOF_HEADER, attendance.secret.prove(v2::WRITE, &carrier))
        .body(Body::from(body))
        .unwrap()
}

#[tokio::test(start_paused = true)]
async fn a_batch_up_that_comes_again_is_no_sign_of_life() {
    let server = Server::new(Config { grace: 10 * PATIENCE, ..Config::new(None, || 0) });
    let (session, attendance) = server.grant(Terms::plain("foo", &server)).ok().unwrap();
    let check = async |number, counts| {
        tokio::time::sleep(Duration::from_secs(6)).await;
        assert!(!attendance.is_attended(), "the last one is long ago");
        let mut visitor = Box::pin(session.attended(&None));
        assert!(futures_util::poll!(visitor.as_mut()).is_pending());
        let mut unheard = Box::pin(attendance.unheard(Duration::from_secs(15)));
        assert!(futures_util::poll!(unheard.as_mut()).is_pending());
        assert_eq!(write(State(server.clone()), ping(&session, &attendance, number)).await.status(), StatusCode::OK);
        let seen = (attendance.is_attended(), futures_util::poll!(visitor.as_mut()).is_ready());
        assert_eq!(seen, (counts, counts), "PING {number}");
        assert_eq!(timeout(PATIENCE, unheard).await.is_err(), counts, "PING {number}");
    };
    check(7, true).await;
    check(7, false).await;
    // What is new of the same epoch counts, and what is older than that does not.
    check(8, true).await;
    check(7, false).await;
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
    let (session, attendance) = server.grant(Terms::plain("foo", &server)).ok().unwrap();
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

fn holds(bytes: &[u8], part: &[u8]) -> bool {
    bytes.windows(part.len()).any(|window| window == part)
}

/// What a client is told of a visitor who comes while it is gone, and of one who leaves before it is back.
#[tokio::test(start_paused = true)]
async fn a_client_that_asks_is_told_who_has_waited() {
    for tells_waits in [true, false] {
        let server = Server::new(Config::new(None, || 0));
        let terms = Terms { tells_waits, ..Terms::plain("foo", &server) };
        let (session, attendance) = server.grant(terms).ok().unwrap();
        let come = async || {
            let mut arrival = Arrival { visitor: Visitor::new(None, false), breaker: Breaker::default(), owed: None };
            let request = Request::builder().uri("/foo/x").header("host", "a.example").body(Body::empty());
            visit(&server, &mut request.unwrap(), &mut arrival).await
        };
        assert!(timeout(Duration::from_millis(300), come()).await.is_err(), "it waits");
        let mut visit = Box::pin(come());
        assert!(timeout(Duration::from_millis(1_800), visit.as_mut()).await.is_err(), "it waits");
        let brought = async |epoch, mut visit: Pin<Box<dyn Future<Output = Response>>>| {
            let read = read(State(server.clone()), batch(&session, &attendance, epoch));
            let answer = tokio::select! {
                _ = visit.as_mut() => panic!("nobody answers"),
                answer = read => answer,
            };
            assert_eq!(answer.headers()[WAITS_HEADER], "2 1");
            let bytes = answer.into_body().collect().await.unwrap().to_bytes();
            assert!(holds(&bytes, b"GET /foo/x HTTP/1.1\r\n"));
            bytes
        };
        let bytes = brought(1, visit).await;
        assert_eq!(holds(&bytes, &v2::Waited(Duration::from_millis(1_800)).to_bytes()), tells_waits);
        // Whoever comes between two batches does not wait for a client that is gone.
        let mut visit = Box::pin(come());
        assert!(timeout(Duration::from_millis(10), visit.as_mut()).await.is_err(), "it waits for the next one");
        let bytes = brought(2, visit).await;
        assert!(!holds(&bytes, &v2::Waited(Duration::from_millis(10)).to_bytes()), "{bytes:?}");
    }
}

/// Each of the carriers that there are has to say why the session ends, and none may come to a session that is not known.
#[tokio::test(start_paused = true)]
async fn a_session_that_the_server_ends_is_known_until_its_client_was_told() {
    let server = Server::new(Config::new(None, || 0));
    // Many, for what has ended first is a matter of chance.
    let prefixes = (0..16).map(|number| format!("foo-{number}"));
    let open = |prefix: String| server.grant(Terms::plain(&prefix, &server)).ok().unwrap().0;
    let sessions: Vec<_> = prefixes.map(open).collect();
    tokio::time::sleep(Duration::from_millis(1)).await;
    for session in &sessions {
        session.dismiss();
    }
    tokio::time::sleep(Duration::from_millis(400)).await;
    assert!(sessions.iter().all(|session| server.0.registry.by_id(session.id()).is_some()));
    tokio::time::sleep(Duration::from_millis(200)).await;
    assert!(server.0.registry.all().is_empty());
}
