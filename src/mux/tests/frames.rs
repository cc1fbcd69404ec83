//! Frames as a peer sends them by hand.

use std::future::poll_fn;
use std::task::Poll;

use tokio::task::{JoinHandle, yield_now};
use tokio::time::sleep;
use tokio_util::task::TaskTracker;

use super::*;

#[tokio::test(start_paused = true)]
async fn a_stream_is_acknowledged_before_anything_is_written_to_it() {
    let (client, mut peer) = duplex(1 << 16);
    let mut tasks = JoinSet::new();
    let mut kept = Vec::new();
    tasks.spawn(accepting(client, Upkeep::alive()).run(CancellationToken::new(), move |stream| kept.push(stream)));
    peer.write_all(&[0, 1, 0, 1, 0, 0, 0, 2, 0, 0, 0, 0]).await.unwrap();
    let frame = next_frame(&mut peer, |frame| frame[7] == 2).await;
    assert_eq!(frame, [0, 0, 0, 2, 0, 0, 0, 2, 0, 0, 0, 0], "an empty frame with ACK");
}

/// Has all other tasks that were woken run, as one does that is woken itself.
async fn turn() {
    let mut has_waited = false;
    poll_fn(|cx| {
        if std::mem::replace(&mut has_waited, true) {
            return Poll::Ready(());
        }
        cx.waker().wake_by_ref();
        Poll::Pending
    })
    .await;
}

/// The first frame of stream 2, and the stream that it opens, with one who reads it and counts how often that is woken.
async fn begun() -> (DuplexStream, JoinSet<Ending>, JoinHandle<(Vec<u8>, usize)>) {
    let (client, mut peer) = duplex(1 << 16);
    let (mut tasks, (sender, mut accepted)) = (JoinSet::new(), mpsc::channel(1));
    tasks.spawn(accepting(client, Upkeep::default()).run(CancellationToken::new(), move |stream| {
        sender.try_send(stream).expect("room for it");
    }));
    peer.write_all(&[0, 1, 0, 1, 0, 0, 0, 2, 0, 0, 0, 0]).await.unwrap();
    let mut stream = accepted.recv().await.unwrap();
    let reader = TaskTracker::new().spawn(async move {
        let (mut bytes, mut turns) = (Vec::new(), 0);
        let mut read = Box::pin(async {
            // What has come is there even where the stream is cut behind it.
            let _ = stream.read_to_end(&mut bytes).await;
        });
        poll_fn(|cx| {
            turns += 1;
            read.as_mut().poll(cx)
        })
        .await;
        drop(read);
        (bytes, turns)
    });
    yield_now().await;
    (peer, tasks, reader)
}

#[tokio::test(start_paused = true)]
async fn a_frame_in_parts_wakes_who_waits_for_it_once() {
    let (mut peer, mut tasks, reader) = begun().await;
    let frame = [&[0, 0, 0, 4, 0, 0, 0, 2, 0, 0, 0, 8][..], b"in parts"].concat();
    // In a task, for a test itself has its turn after all of them.
    tasks.spawn(async move {
        for part in frame.chunks(5) {
            peer.write_all(part).await.unwrap();
            turn().await;
        }
        pending().await
    });
    assert_eq!(reader.await.unwrap(), (b"in parts".to_vec(), 2));
}

#[tokio::test(start_paused = true)]
async fn a_part_of_a_frame_is_read_where_the_rest_is_late_and_a_cut_is_told_behind_it() {
    let (mut peer, mut tasks, reader) = begun().await;
    peer.write_all(&[0, 0, 0, 0, 0, 0, 0, 2, 0, 0, 0, 9]).await.unwrap();
    for part in [b"la", b"te"] {
        peer.write_all(part).await.unwrap();
        // The paused clock goes on once there is nothing else to do.
        sleep(Duration::from_secs(1)).await;
    }
    peer.write_all(b"cut").await.unwrap();
    drop(peer);
    assert_eq!(reader.await.unwrap(), (b"latecut".to_vec(), 4));
    assert!(matches!(tasks.join_next().await, Some(Ok(Ending::Failed(_)))));
}
