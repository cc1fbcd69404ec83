//! What is sent again, byte for byte, and what comes of it.

use tokio::io::{DuplexStream, duplex};
use tokio::time::Instant;
use tokio_util::task::TaskTracker;

use super::super::{Settings, State};
use super::*;

fn inspector() -> Inspector {
    Inspector::new(Settings::new(|| Duration::ZERO))
}

/// An exchange that was seen, with this request.
fn seen(inspector: &Inspector, request: &[u8]) -> Id {
    let tap = inspector.connection(Duration::ZERO);
    tap.down(request);
    tap.finish().unwrap()
}

/// What is sent where such a request was seen and edited.
#[track_caller]
fn check(request: &[u8], edit: impl Fn(&mut Replay), expected: &str) {
    let inspector = inspector();
    let mut replay = Replay::of(&inspector.store().get(seen(&inspector, request)).unwrap());
    edit(&mut replay);
    assert_eq!(String::from_utf8_lossy(&replay.to_bytes().unwrap()), expected);
}

#[test]
fn a_request_is_sent_as_it_was() {
    check(
        b"PUT /a%20b?c=/../d HTTP/1.1\r\nhost: x\r\nX-Odd:  1:2 \r\ncontent-LENGTH: 2\r\ncookie: a\r\ncookie: b\r\nconnection: keep-alive\r\nx: y\r\n\r\nhi",
        |_| (),
        "PUT /a%20b?c=/../d HTTP/1.1\r\nhost: x\r\nX-Odd: 1:2\r\nContent-Length: 2\r\ncookie: a\r\ncookie: b\r\nConnection: close\r\nx: y\r\n\r\nhi",
    );
    check(
        b"POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\nHost: x\r\n\r\n2\r\nhi\r\n0\r\nX-Sum: 1\r\n\r\n",
        |_| (),
        "POST / HTTP/1.1\r\nContent-Length: 2\r\nHost: x\r\nConnection: close\r\n\r\nhi",
    );
    check(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n", |_| (), "GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
    let upgrade = "GET / HTTP/1.1\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n";
    check(upgrade.as_bytes(), |_| (), upgrade);
}

#[test]
fn what_is_edited_is_framed_anew() {
    let edit = |replay: &mut Replay| {
        replay.method = b"PATCH".to_vec();
        replay.path = b"/b".to_vec();
        replay.headers.push((b"X-New".to_vec(), b"\xff".to_vec()));
        replay.body = b"more".to_vec();
    };
    let expected =
        "PATCH /b HTTP/1.1\r\nHost: x\r\nX-New: \u{fffd}\r\nContent-Length: 4\r\nConnection: close\r\n\r\nmore";
    check(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n", edit, expected);
    let twice = b"POST / HTTP/1.1\r\nContent-Length: 2\r\nHost: x\r\nContent-Length: 2\r\n\r\nhi";
    let empty = "POST / HTTP/1.1\r\nContent-Length: 0\r\nHost: x\r\nConnection: close\r\n\r\n";
    check(twice, |replay| replay.body.clear(), empty);
}

#[test]
fn what_would_be_no_request_or_two_is_refused() {
    let plain = Replay { method: b"GET".to_vec(), path: b"/".to_vec(), headers: Vec::new(), body: Vec::new() };
    let refused = |edit: fn(&mut Replay)| {
        let mut replay = plain.clone();
        edit(&mut replay);
        replay.to_bytes().unwrap_err().to_string()
    };
    assert!(plain.to_bytes().is_ok());
    assert_eq!(refused(|replay| replay.method.clear()), "`` is no method");
    assert_eq!(refused(|replay| replay.method = b"GET /".to_vec()), "`GET /` is no method");
    let path = "`/a b` is no path: white space in it is written `%20`";
    assert_eq!(refused(|replay| replay.path = b"/a b".to_vec()), path);
    assert!(refused(|replay| replay.path.clear()).contains("is no path"));
    assert_eq!(refused(|replay| replay.headers.push((b"a:".to_vec(), vec![]))), "`a:` is no name of a header");
    let value = b"1\r\nb: 2".to_vec();
    let mut split = plain.clone();
    split.headers.push((b"a".to_vec(), value));
    assert_eq!(split.to_bytes().unwrap_err().to_string(), "the header `a` is more than a line");
}

/// The request that a target is sent and how it goes on, and the exchange that came of it.
async fn replayed<F: Future<Output = ()> + Send + 'static>(
    request: &[u8],
    target: impl FnOnce(DuplexStream) -> F,
) -> (Inspector, io::Result<Id>) {
    let inspector = inspector();
    let of = seen(&inspector, request);
    let again = Replay::of(&inspector.store().get(of).unwrap());
    let (near, far) = duplex(1_000);
    let target = TaskTracker::new().spawn(target(far));
    let replayed = replay(near, &inspector, &again, of).await;
    target.await.unwrap();
    (inspector, replayed)
}

const POST: &[u8] = b"POST /hook HTTP/1.1\r\nHost: x\r\nContent-Length: 4\r\n\r\nbody";

async fn head_of(stream: &mut DuplexStream) -> String {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        head.push(stream.read_u8().await.unwrap());
    }
    String::from_utf8(head).unwrap()
}

#[tokio::test]
async fn an_answer_is_seen_like_any_other() {
    let target = |mut stream: DuplexStream| async move {
        let head = head_of(&mut stream).await;
        assert_eq!(head, "POST /hook HTTP/1.1\r\nHost: x\r\nContent-Length: 4\r\nConnection: close\r\n\r\n");
        let mut body = [0; 4];
        stream.read_exact(&mut body).await.unwrap();
        // It is not closed: the length says where the answer ends.
        stream.write_all(b"HTTP/1.1 302 Found\r\nLocation: /elsewhere\r\nContent-Length: 2\r\n\r\nhi").await.unwrap();
        assert_eq!(stream.read(&mut body).await.unwrap(), 0, "it is not followed");
    };
    let (inspector, id) = replayed(POST, target).await;
    let exchange = inspector.store().get(id.unwrap()).unwrap();
    assert_eq!((exchange.id, exchange.replay_of, &exchange.state), (2, Some(1), &State::Done));
    assert_eq!((exchange.request.method(), &exchange.request.body.kept[..]), (&b"POST"[..], &b"body"[..]));
    let response = exchange.response.as_ref().unwrap();
    assert_eq!((response.status(), &response.body.kept[..]), (Some(302), &b"hi"[..]));
}

#[tokio::test]
async fn an_early_answer_to_a_large_request_is_heard() {
    let request = [&b"POST / HTTP/1.1\r\nContent-Length: 500000\r\n\r\n"[..], &vec![7; 500_000]].concat();
    let (inspector, id) = replayed(&request, |mut stream| async move {
        head_of(&mut stream).await;
        stream.write_all(b"HTTP/1.1 413 Content Too Large\r\nConnection: close\r\n\r\n").await.unwrap();
    })
    .await;
    let exchange = inspector.store().get(id.unwrap()).unwrap();
    assert_eq!(exchange.response.as_ref().unwrap().status(), Some(413));
    assert_eq!(exchange.state, State::Cut, "the request was never taken whole");
}

#[tokio::test(start_paused = true)]
async fn a_target_that_falls_silent_is_given_up_after_a_minute() {
    let begin = Instant::now();
    let (inspector, id) = replayed(POST, |mut stream| async move {
        head_of(&mut stream).await;
        stream.write_all(b"HTTP/1.1 200 OK\r\n\r\n").await.unwrap();
        for _ in 0..3 {
            tokio::time::sleep(Duration::from_secs(50)).await;
            stream.write_all(b"tick").await.unwrap();
        }
        let mut rest = Vec::new();
        stream.read_to_end(&mut rest).await.unwrap();
    })
    .await;
    assert_eq!(begin.elapsed().as_secs(), 150 + 60);
    let exchange = inspector.store().get(id.unwrap()).unwrap();
    assert_eq!((&exchange.state, exchange.response.as_ref().unwrap().body.size), (&State::Cut, 12));
}

#[tokio::test]
async fn what_goes_over_to_another_protocol_is_at_its_end() {
    let request = b"GET / HTTP/1.1\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n";
    let (inspector, id) = replayed(request, |mut stream| async move {
        head_of(&mut stream).await;
        stream.write_all(b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n\r\n").await.unwrap();
        assert_eq!(stream.read(&mut [0]).await.unwrap(), 0);
    })
    .await;
    assert_eq!(inspector.store().get(id.unwrap()).unwrap().response.as_ref().unwrap().status(), Some(101));
}

#[tokio::test]
async fn what_could_not_be_sent_is_no_exchange() {
    let inspector = inspector();
    let of = seen(&inspector, POST);
    let again = Replay::of(&inspector.store().get(of).unwrap());
    let (near, far) = duplex(1_000);
    drop(far);
    let error = replay(near, &inspector, &again, of).await.unwrap_err();
    assert_eq!(error.kind(), io::ErrorKind::ConnectionAborted);
    assert_eq!(inspector.store().totals().seen, 1);
}

#[tokio::test(start_paused = true)]
async fn an_answer_without_an_end_is_given_up_after_five_minutes() {
    let begin = Instant::now();
    let (inspector, id) = replayed(POST, |mut stream| async move {
        head_of(&mut stream).await;
        stream.write_all(b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n\r\n").await.unwrap();
        while stream.write_all(b"data: x\n\n").await.is_ok() {
            tokio::time::sleep(Duration::from_secs(1)).await;
        }
    })
    .await;
    assert_eq!(begin.elapsed().as_secs(), 300);
    let exchange = inspector.store().get(id.unwrap()).unwrap();
    assert_eq!(exchange.state, State::GivenUp(ENDLESS));
    assert_eq!((exchange.said.len(), exchange.timing.ended), (300, Some(Duration::from_secs(300))));
}
