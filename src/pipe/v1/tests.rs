//! What the module promises, over in-memory connections and a paused clock.

use std::cell::Cell;
use std::pin::pin;
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use bytes::Bytes;
use http_body::Body;
use http_body_util::{BodyExt, Full};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::time::Instant;

use super::*;

/// A new pair of carriers between two ends.
async fn swap(one: &Swapper, other: &Swapper) -> Result<(), SwapError> {
    let (down, down_body) = carrier();
    let (up, up_body) = carrier();
    tokio::try_join!(one.swap(Incoming::new(up_body), down), other.swap(Incoming::new(down_body), up)).map(drop)
}

async fn joined() -> ((Pipe, Swapper), (Pipe, Swapper)) {
    let (one, other) = (pipe(), pipe());
    swap(&one.1, &other.1).await.unwrap();
    (one, other)
}

/// How much is written and read at a time.
const CHUNK: usize = 32 * 1024;

/// After how many bytes the stream repeats itself: a prime, so that no shift by a buffer's size looks right.
const PERIOD: usize = 1_000_003;

/// Bytes that tell their place in the stream; as many more than a period that every chunk stands in one piece.
fn pattern() -> Vec<u8> {
    let mixed = |place: usize| (place % PERIOD).wrapping_mul(0x9e37_79b9_7f4a_7c15).to_be_bytes()[0];
    (0..PERIOD + CHUNK).map(mixed).collect()
}

async fn write_for_ever(mut pipe: tokio::io::WriteHalf<Pipe>, pattern: &[u8]) {
    let mut place = 0;
    loop {
        pipe.write_all(&pattern[place..place + CHUNK]).await.unwrap();
        place = (place + CHUNK) % PERIOD;
    }
}

async fn check_for_ever(mut pipe: tokio::io::ReadHalf<Pipe>, pattern: &[u8], read: &Cell<usize>) {
    let mut chunk = vec![0; CHUNK];
    loop {
        let n = pipe.read(&mut chunk).await.unwrap();
        assert!(n > 0, "no end");
        let place = read.get() % PERIOD;
        assert!(chunk[..n] == pattern[place..place + n], "lost, repeated or reordered at {}", read.get());
        read.set(read.get() + n);
    }
}

/// Invariant 1: no byte is lost, repeated or reordered by a swap.
#[tokio::test(start_paused = true)]
async fn ten_thousand_swaps_under_a_saturated_pipe() {
    let ((one, one_swapper), (other, other_swapper)) = joined().await;
    let (one_read, one_write) = tokio::io::split(one);
    let (other_read, other_write) = tokio::io::split(other);
    let pattern = pattern();
    let counts = [Cell::new(0), Cell::new(0)];
    let swaps = async {
        for _ in 0..10_000 {
            let before = counts.each_ref().map(Cell::get);
            swap(&one_swapper, &other_swapper).await.unwrap();
            while counts.iter().zip(before).any(|(count, before)| count.get() < before + 2_000) {
                tokio::time::advance(Duration::from_millis(1)).await;
            }
        }
    };
    tokio::select! {
        () = swaps => {}
        () = write_for_ever(one_write, &pattern) => {}
        () = write_for_ever(other_write, &pattern) => {}
        () = check_for_ever(one_read, &pattern, &counts[0]) => {}
        () = check_for_ever(other_read, &pattern, &counts[1]) => {}
    }
    for count in counts {
        assert!(count.get() > 20_000_000, "saturated: {}", count.get());
    }
}

/// A Go reader that gets data and the terminating chunk together takes both as the end of the session.
#[tokio::test(start_paused = true)]
async fn a_body_never_ends_together_with_its_data() {
    let (outgoing, body) = carrier();
    outgoing.push(b"last words");
    outgoing.end();
    let mut body = pin!(body);
    assert!(!body.is_end_stream(), "hyper would merge the end into the last data");
    assert!(body.frame().await.unwrap().unwrap().is_data());
    let last_data = Instant::now();
    assert!(body.frame().await.is_none());
    assert!((5..=25).contains(&last_data.elapsed().as_millis()), "{:?}", last_data.elapsed());
}

#[tokio::test(start_paused = true)]
async fn an_end_in_order_is_an_end() {
    let ((mut one, _one), (mut other, _other)) = joined().await;
    one.write_all(b"bye").await.unwrap();
    one.shutdown().await.unwrap();
    let mut text = String::new();
    other.read_to_string(&mut text).await.unwrap();
    assert_eq!(text, "bye");
}

#[track_caller]
fn check_reset(result: io::Result<usize>) {
    assert_eq!(result.unwrap_err().kind(), io::ErrorKind::ConnectionReset);
}

#[tokio::test(start_paused = true)]
async fn a_dropped_pipe_is_a_cut() {
    let ((one, _one), (mut other, _other)) = joined().await;
    drop(one);
    check_reset(other.read(&mut [0; 1]).await);
    check_reset(other.write(b"x").await);
}

#[tokio::test(start_paused = true)]
async fn a_lost_carrier_ends_the_pipe_at_once_even_if_idle() {
    let (mut ours, swapper) = pipe();
    let (outgoing, body) = carrier();
    let (peer, incoming) = carrier();
    peer.push(handshake::SYNACK);
    swapper.swap(Incoming::new(incoming), outgoing).await.unwrap();
    let mut buf = [0; 1];
    let mut read = pin!(ours.read(&mut buf));
    assert!(read.as_mut().poll(&mut Context::from_waker(Waker::noop())).is_pending());
    drop(body);
    let Poll::Ready(result) = read.as_mut().poll(&mut Context::from_waker(Waker::noop())) else {
        panic!("still waits")
    };
    check_reset(result);
}

/// A body that neither says anything nor ends.
struct Silent;

impl Body for Silent {
    type Data = Bytes;
    type Error = io::Error;

    fn poll_frame(self: Pin<&mut Self>, _cx: &mut Context<'_>) -> Poll<Option<io::Result<http_body::Frame<Bytes>>>> {
        Poll::Pending
    }
}

#[tokio::test(start_paused = true)]
async fn a_handshake_that_never_comes_leaves_the_pipe_as_it_was() {
    let ((mut one, one_swapper), (mut other, _other)) = joined().await;
    let (outgoing, _body) = carrier();
    let begin = Instant::now();
    let error = one_swapper.swap(Incoming::new(Silent), outgoing).await;
    assert!(matches!(error, Err(SwapError::Refused(_))), "{error:?}");
    assert_eq!(begin.elapsed(), Duration::from_secs(10));
    one.write_all(b"as before").await.unwrap();
    let mut text = [0; 9];
    other.read_exact(&mut text).await.unwrap();
    assert_eq!(&text, b"as before");
}

async fn check_said(said: &'static [u8], lost: bool) {
    let ((mut one, one_swapper), _other) = joined().await;
    let (outgoing, _body) = carrier();
    let error = one_swapper.swap(Incoming::new(Full::new(Bytes::from_static(said))), outgoing).await.unwrap_err();
    assert_eq!(matches!(error, SwapError::Lost(_)), lost, "{said:?}: {error}");
    assert_eq!(one.write(b"x").await.is_err(), lost, "{said:?}");
}

#[tokio::test(start_paused = true)]
async fn what_a_peer_says_in_a_handshake() {
    check_said(b"", false).await;
    check_said(b"SYN", false).await;
    check_said(b"<html>", false).await;
    check_said(b"SYN\n", true).await;
    check_said(b"SYN\nSYN\n", false).await;
}

/// A pipe whose fence takes so long to stand, and the body of its first carrier.
async fn fenced(takes: Duration) -> (Pipe, Swapper, OutgoingBody) {
    let (ours, swapper) = pipe();
    let swapper = swapper.with_fence(move || {
        Box::pin(async move {
            tokio::time::sleep(takes).await;
            Box::new(()) as Box<dyn Send>
        })
    });
    let (outgoing, body) = carrier();
    swapper.swap(shaking(), outgoing).await.unwrap();
    (ours, swapper, body)
}

/// A carrier from a peer that shakes hands.
fn shaking() -> Incoming {
    Incoming::new(Full::new(Bytes::from_static(b"SYN\nSYNACK\n")))
}

/// Whether a body ends in order, and how long that takes.
async fn end(body: OutgoingBody) -> (bool, Duration) {
    let (mut body, begin) = (pin!(body), Instant::now());
    loop {
        match body.frame().await {
            Some(Ok(_)) => {}
            last => return (last.is_none(), begin.elapsed()),
        }
    }
}

/// A Go reader with a backlog loses its session where the end comes together with the last of it.
#[tokio::test(start_paused = true)]
async fn a_body_does_not_end_before_its_fence_stands() {
    let (_ours, swapper, old) = fenced(Duration::from_secs(50)).await;
    let (outgoing, _body) = carrier();
    let ((in_order, after), outcome) = tokio::join!(end(old), swapper.swap(shaking(), outgoing));
    outcome.unwrap();
    assert!(in_order);
    assert!((50_000..50_100).contains(&after.as_millis()), "{after:?}");
}

#[tokio::test(start_paused = true)]
async fn a_fence_that_never_stands_ends_the_pipe() {
    let (_ours, swapper, old) = fenced(Duration::MAX).await;
    let (outgoing, _body) = carrier();
    let ((in_order, after), outcome) = tokio::join!(end(old), swapper.swap(shaking(), outgoing));
    let Err(SwapError::Lost(cause)) = outcome else { panic!("{outcome:?}") };
    assert_eq!(cause, "the peer has not read what it was sent in 60 s");
    assert_eq!((in_order, after.as_secs()), (false, 60));
}

#[tokio::test(start_paused = true)]
async fn a_pipe_that_fails_waits_for_no_fence() {
    let (ours, swapper, old) = fenced(Duration::MAX).await;
    let (outgoing, _body) = carrier();
    let failing = async {
        tokio::time::sleep(Duration::from_secs(1)).await;
        drop(ours);
    };
    let ((in_order, after), outcome, ()) = tokio::join!(end(old), swapper.swap(shaking(), outgoing), failing);
    let Err(SwapError::Lost(cause)) = outcome else { panic!("{outcome:?}") };
    assert_eq!((&*cause, in_order, after.as_secs()), ("the pipe was dropped", false, 1));
}
