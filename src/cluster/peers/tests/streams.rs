//! Bodies: both ways at once, slow readers, crowds.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use bytes::Bytes;
use futures_util::{StreamExt as _, stream};
use tokio::sync::{Notify, Semaphore};

use super::*;

const PIECE: usize = 16 * 1024;

/// A body of `pieces`, and how many of them somebody has taken.
fn counted(pieces: usize) -> (Body, Arc<AtomicUsize>) {
    let taken = Arc::new(AtomicUsize::new(0));
    let count = Arc::clone(&taken);
    let pieces = stream::iter(0..pieces).map(move |number| {
        count.fetch_add(1, Ordering::Relaxed);
        Ok::<_, io::Error>(Bytes::from(vec![number.to_le_bytes()[0]; PIECE]))
    });
    (Body::from_stream(pieces), taken)
}

/// What a side may be ahead of one that reads nothing.
const AHEAD: usize = (WINDOW as usize + MAX_SEND) / PIECE + 4;

#[tokio::test]
async fn bodies_stream_both_ways_and_who_reads_slowly_holds_back() {
    const PIECES: usize = 1_000;
    let (answered, of_answer) = counted(PIECES);
    let (answered, read) = (Arc::new(std::sync::Mutex::new(Some(answered))), Arc::new(Notify::new()));
    let (came, reads) = (Arc::new(AtomicUsize::new(0)), Arc::clone(&read));
    let counts = Arc::clone(&came);
    let other = Other::begin(move |request: Request<Body>, _| {
        let (answer, read, came) = (answered.lock().unwrap().take().unwrap(), Arc::clone(&reads), Arc::clone(&counts));
        let reading = async move {
            read.notified().await;
            came.store(whole(request.into_body()).await.len(), Ordering::Relaxed);
            Ok::<_, io::Error>(Bytes::from_static(b"read"))
        };
        let body = answer.into_data_stream().map(|piece| piece.map_err(io::Error::other));
        async move { Response::new(Body::from_stream(body.chain(stream::once(reading)))) }
    })
    .await;
    let (body, of_request) = counted(PIECES);
    let answer = peers().pass(&other.node, None, post(body), &passed()).await.unwrap();
    let mut body = answer.into_body();
    let mut length = 0;
    while length < 100 * PIECE {
        let taken = of_answer.load(Ordering::Relaxed);
        assert!(taken * PIECE <= length + AHEAD * PIECE, "{taken} pieces for {length} bytes");
        length += body.frame().await.unwrap().unwrap().into_data().unwrap().len();
    }
    assert!(of_request.load(Ordering::Relaxed) <= AHEAD);
    read.notify_one();
    length += whole(body).await.len();
    assert_eq!((length, came.load(Ordering::Relaxed)), (PIECES * PIECE + 4, PIECES * PIECE));
}

#[tokio::test]
async fn a_thousand_at_once_and_those_who_read_nothing_hold_up_nobody() {
    let other = Other::begin(|request: Request<Body>, _| async move {
        match request.uri().path() {
            "/large" => Response::new(counted(100).0),
            _ => Response::new(request.into_body()),
        }
    })
    .await;
    let peers = peers();
    let mut stalled = Vec::new();
    for _ in 0..200 {
        let request = Request::get("/large").body(Body::empty()).unwrap();
        stalled.push(peers.pass(&other.node, None, request, &passed()).await.unwrap());
    }
    let mut exchanges = JoinSet::new();
    for number in 0..1_000 {
        let (peers, node) = (peers.clone(), other.node.clone());
        exchanges.spawn(async move {
            let sent = format!("exchange {number}").into_bytes();
            let answer = peers.pass(&node, None, post(Body::from(sent.clone())), &passed()).await.unwrap();
            assert!(whole(answer.into_body()).await == sent);
        });
    }
    while let Some(exchange) = exchanges.join_next().await {
        exchange.unwrap();
    }
    for answer in stalled {
        assert_eq!(whole(answer.into_body()).await.len(), 100 * PIECE);
    }
}

#[tokio::test]
async fn there_is_another_connection_where_the_streams_of_one_run_out() {
    let (gate, answered) = (Arc::new(Semaphore::new(0)), Arc::new(AtomicUsize::new(0)));
    let (hold, count) = (Arc::clone(&gate), Arc::clone(&answered));
    let other = Other::begin(move |_, _| {
        let (hold, count) = (Arc::clone(&hold), Arc::clone(&count));
        async move {
            count.fetch_add(1, Ordering::Relaxed);
            let _ = hold.acquire().await;
            Response::new(Body::empty())
        }
    })
    .await;
    let (peers, mut exchanges) = (peers(), JoinSet::new());
    for _ in 0..=MAX_STREAMS {
        let (peers, node) = (peers.clone(), other.node.clone());
        exchanges.spawn(async move { peers.pass(&node, None, post(Body::empty()), &passed()).await.map(drop) });
    }
    while answered.load(Ordering::Relaxed) <= MAX_STREAMS as usize {
        tokio::task::yield_now().await;
    }
    gate.close();
    while let Some(exchange) = exchanges.join_next().await {
        exchange.unwrap().unwrap();
    }
}
