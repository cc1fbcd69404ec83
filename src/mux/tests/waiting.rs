//! Those who wait, and what comes between.

use super::*;

/// A peer that may be sent much on its first stream, which is written to without an end.
async fn written(room: usize, upkeep: Upkeep, closing: CancellationToken) -> (DuplexStream, JoinSet<Option<Ending>>) {
    let (server, mut peer) = duplex(room);
    let (opener, driver) = opening(server, upkeep, 1);
    let mut tasks = JoinSet::new();
    tasks.spawn(async { Some(driver.run(closing, |_| ()).await) });
    let mut stream = opener.open().await.unwrap();
    peer.write_all(&[0, 1, 0, ACK, 0, 0, 0, 2, 0x40, 0, 0, 0]).await.unwrap();
    tasks.spawn(async move {
        while stream.write_all(&[0; 10_000]).await.is_ok() {}
        None
    });
    (peer, tasks)
}

/// The writer is faster than the peer, so there is always something that has been written.
#[tokio::test(start_paused = true)]
async fn a_connection_closes_however_much_is_to_be_written() {
    let closing = CancellationToken::new();
    let (mut peer, _tasks) = written(1_000, Upkeep::default(), closing.clone()).await;
    peer.read_exact(&mut [0; 10_000]).await.unwrap();
    closing.cancel();
    let mut rest = Vec::new();
    (&mut peer).take(10_000_000).read_to_end(&mut rest).await.unwrap();
    assert!(rest.len() < 1_000_000 && rest.ends_with(&[0, 3, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0]), "{}", rest.len());
}

#[tokio::test(start_paused = true)]
async fn a_peer_that_reads_slowly_lives() {
    let (mut peer, mut tasks) = written(1_000, Upkeep::alive(), CancellationToken::new()).await;
    for _ in 0..600 {
        peer.read_exact(&mut [0; 100]).await.unwrap();
        // A sign of life.
        peer.write_all(&ping_frame(ACK, [0x80, 0, 0xff, 0xff])).await.unwrap();
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    assert!(tasks.try_join_next().is_none());
}
