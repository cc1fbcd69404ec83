//! Streams that are used again, and those that are not.

use std::future::{pending, poll_fn};
use std::pin::pin;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::Poll;

use http_body_util::BodyExt as _;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _, DuplexStream, duplex};
use tokio::sync::mpsc;
use tokio::task::coop::poll_proceed;
use tokio::task::yield_now;
use tokio::time::{sleep, timeout};
use tokio_util::task::TaskTracker;

use super::super::*;

/// More than any exchange here takes, where time is paused.
const PATIENCE: Duration = Duration::from_millis(500);

/// The other ends of the streams that are opened, in their order.
type Opened = mpsc::Receiver<DuplexStream>;

fn pool() -> (Pool<DuplexStream>, Opened) {
    pool_without(None)
}

/// One of whose streams never comes.
fn pool_without(missing: Option<usize>) -> (Pool<DuplexStream>, Opened) {
    let ((sender, opened), count) = (mpsc::channel(8), AtomicUsize::new(0));
    let connector = Connector::new(move |_| {
        let is_missing = Some(count.fetch_add(1, Ordering::Relaxed)) == missing;
        let sender = sender.clone();
        async move {
            if is_missing {
                pending::<()>().await;
            }
            let (near, far) = duplex(64 * 1024);
            let _ = sender.try_send(far);
            Ok(near)
        }
    });
    (Pool::new(connector, Tracked(TaskTracker::new())), opened)
}

async fn next(opened: &mut Opened) -> DuplexStream {
    timeout(PATIENCE, opened.recv()).await.expect("one is opened").unwrap()
}

fn request(method: &Method) -> Request<Body> {
    Request::builder().method(method).uri("/").header("host", "a.example").body(Body::empty()).unwrap()
}

/// The status and the body of the answer, if one comes.
async fn answer(pool: &Pool<DuplexStream>, method: &Method) -> Result<(u16, String), Fault> {
    let mut request = request(method);
    let answered = timeout(PATIENCE, pool.answered(&mut request, Hold::Never, None)).await;
    let (answer, ..) = answered.expect("it takes no time")?;
    let status = answer.status().as_u16();
    let body = answer.into_body().collect().await.unwrap().to_bytes();
    Ok((status, String::from_utf8(body.into()).unwrap()))
}

/// A target that is asked once, and says this.
async fn say(far: &mut DuplexStream, said: &str) {
    let mut asked = Vec::new();
    while !asked.ends_with(b"\r\n\r\n") {
        assert!(far.read_buf(&mut asked).await.unwrap() > 0, "it is asked");
    }
    far.write_all(said.as_bytes()).await.unwrap();
}

/// Whatever its owner has done in this turn before.
async fn exhausted<Fut: Future>(exchange: Fut) -> Fut::Output {
    let (mut exchange, mut is_first) = (pin!(exchange), true);
    poll_fn(|cx| {
        while is_first && let Poll::Ready(step) = poll_proceed(cx) {
            step.made_progress();
        }
        is_first = false;
        exchange.as_mut().poll(cx)
    })
    .await
}

/// What comes behind an answer is none to the next request: neither with it nor after it.
#[tokio::test(start_paused = true)]
async fn what_nobody_has_asked_for_belongs_to_no_exchange() {
    let late = "HTTP/1.1 408 Request Timeout\r\nContent-Length: 0\r\n\r\n";
    for (method, said, behind, status, body) in [
        (Method::GET, "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n", "okay", 200, "ok"),
        (Method::GET, "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", late, 200, ""),
        (Method::GET, "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n", late, 200, ""),
        (Method::GET, "HTTP/1.1 204 No Content\r\n\r\n", late, 204, ""),
        (Method::GET, "HTTP/1.1 304 Not Modified\r\nContent-Length: 5\r\n\r\n", "hello", 304, ""),
        (Method::HEAD, "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n", "hello", 200, ""),
        (Method::HEAD, "HTTP/1.1 200 OK\r\n\r\n", "\r\n", 200, ""),
    ] {
        for is_late in [false, true] {
            let (pool, mut opened) = pool();
            let first = async {
                let mut far = next(&mut opened).await;
                let (now, later) = if is_late && body.is_empty() { ("", behind) } else { (behind, "") };
                say(&mut far, &format!("{said}{now}")).await;
                (far, later)
            };
            let (seen, (mut far, later)) = tokio::join!(answer(&pool, &method), first);
            assert_eq!(seen, Ok((status, body.to_owned())), "{method} {said}");
            // It may have been ended.
            let _ = far.write_all(later.as_bytes()).await;
            yield_now().await;
            let second = async {
                let mut fresh = next(&mut opened).await;
                say(&mut fresh, "HTTP/1.1 203 Own\r\nContent-Length: 3\r\n\r\nown").await;
            };
            let (seen, ()) = tokio::join!(exhausted(answer(&pool, &Method::GET)), second);
            assert_eq!(seen, Ok((203, "own".to_owned())), "{method} {said}, late: {is_late}");
        }
    }
}

/// Whether the next request goes into the same stream.
#[tokio::test(start_paused = true)]
async fn which_streams_are_kept() {
    let length = "Content-Length: 1";
    for (said, is_kept) in [
        (format!("HTTP/1.1 200 OK\r\n{length}\r\n\r\nx"), true),
        (format!("HTTP/1.1 200 OK\r\n{length}\r\nConnection: keep-alive\r\n\r\nx"), true),
        (format!("HTTP/1.1 200 OK\r\n{length}\r\nTransfer-Encoding: identity\r\n\r\nx"), true),
        ("HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip, chunked\r\n\r\n1\r\nx\r\n0\r\n\r\n".to_owned(), true),
        ("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nx\r\n0\r\nSum: 1\r\n\r\n".to_owned(), true),
        // Any line of it says so.
        (format!("HTTP/1.1 200 OK\r\n{length}\r\nConnection: close\r\nConnection: keep-alive\r\n\r\nx"), false),
        (format!("HTTP/1.1 200 OK\r\n{length}\r\nConnection: keep-alive, Close\r\n\r\nx"), false),
        (format!("HTTP/1.0 200 OK\r\n{length}\r\nConnection: keep-alive\r\n\r\nx"), true),
        (format!("HTTP/1.0 200 OK\r\n{length}\r\n\r\nx"), false),
        (format!("HTTP/1.1 200 OK\r\n{length}\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nx\r\n0\r\n\r\n"), false),
    ] {
        let (pool, mut opened) = pool();
        let first = async {
            let mut far = next(&mut opened).await;
            say(&mut far, &said).await;
            far
        };
        let (seen, far) = tokio::join!(answer(&pool, &Method::GET), first);
        assert_eq!(seen, Ok((200, "x".to_owned())), "{said}");
        let second = async {
            let mut fresh = if is_kept { far } else { next(&mut opened).await };
            say(&mut fresh, "HTTP/1.1 204 No Content\r\n\r\n").await;
        };
        let (seen, ()) = tokio::join!(answer(&pool, &Method::GET), second);
        assert_eq!(seen, Ok((204, String::new())), "{said}");
    }
}

/// The target was restarted: what is kept is stale, and the next request is asked once more, on a stream of its own.
#[tokio::test(start_paused = true)]
async fn a_stale_stream_costs_one_more_and_never_another_that_is_kept() {
    let (pool, mut opened) = pool();
    let none = "HTTP/1.1 204 No Content\r\n\r\n";
    let both = async {
        let (mut one, mut other) = (next(&mut opened).await, next(&mut opened).await);
        say(&mut one, none).await;
        // It comes back first.
        sleep(PATIENCE / 10).await;
        say(&mut other, none).await;
        [one, other]
    };
    let (first, second, [mut one, mut other]) =
        tokio::join!(answer(&pool, &Method::GET), answer(&pool, &Method::GET), both);
    assert_eq!((first, second), (Ok((204, String::new())), Ok((204, String::new()))));
    let restarted = async {
        say(&mut other, "").await;
        drop(other);
        say(&mut next(&mut opened).await, none).await;
    };
    let (third, ()) = tokio::join!(answer(&pool, &Method::GET), restarted);
    assert_eq!(third, Ok((204, String::new())));
    assert!(timeout(PATIENCE, one.read_u8()).await.is_err(), "nobody has asked it anything");
}

/// A stream that another exchange has done with, where one is waited for, may be stale as well.
#[tokio::test(start_paused = true)]
async fn one_that_is_given_may_be_stale() {
    let (pool, mut opened) = pool_without(Some(1));
    let mut request = request(&Method::GET);
    let asked = async {
        let mut far = next(&mut opened).await;
        say(&mut far, "HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\n").await;
        far
    };
    let (first, mut far) = tokio::join!(pool.answered(&mut request, Hold::Never, None), asked);
    let Ok((first, ..)) = first else { panic!("there is no answer") };
    let given = async {
        far.write_all(b"x").await.unwrap();
        first.into_body().collect().await.unwrap();
        say(&mut far, "").await;
        drop(far);
        say(&mut next(&mut opened).await, "HTTP/1.1 204 No Content\r\n\r\n").await;
    };
    let (second, ()) = tokio::join!(answer(&pool, &Method::GET), given);
    assert_eq!(second, Ok((204, String::new())));
}

/// It says nothing more, and nobody waits for that.
#[tokio::test(start_paused = true)]
async fn what_is_no_answer_is_told_at_once() {
    for (said, fault) in [
        ("SSH-2.0-x\r\n", Fault::TargetBadResponse),
        ("220 a.example ESMTP\r\n", Fault::TargetBadResponse),
        ("\0", Fault::TargetBadResponse),
        ("\x15\x03\x01", Fault::TargetSpeaksTls),
        (&"\r\n".repeat(MAX_HEAD), Fault::TargetBadResponse),
        (&"a".repeat(MAX_HEAD), Fault::TargetBadResponse),
    ] {
        let (pool, mut opened) = pool();
        let target = async {
            let mut far = next(&mut opened).await;
            // It may be ended before it has said all.
            let mut asked = [0; 4];
            far.read_exact(&mut asked).await.unwrap();
            let _ = far.write_all(said.as_bytes()).await;
            far
        };
        let (seen, _far) = tokio::join!(answer(&pool, &Method::GET), target);
        assert_eq!(seen, Err(fault), "{}", said.escape_debug().take(20).collect::<String>());
    }
}
