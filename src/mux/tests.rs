//! What the module promises, over in-memory connections and a paused clock.

use std::future::pending;
use std::io;
use std::pin::pin;
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt, DuplexStream, duplex};
use tokio::sync::mpsc;
use tokio::task::JoinSet;
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;

mod crate_peer;
mod frames;
mod waiting;

use super::{Ending, Opener, Stream, Upkeep, accepting, opening};

struct Pair {
    opener: Opener,
    accepted: mpsc::Receiver<Stream>,
    tasks: JoinSet<Ending>,
    closing: CancellationToken,
}

fn pair() -> Pair {
    let (server, client) = duplex(64 * 1024);
    let (opener, driver) = opening(server, Upkeep::alive(), 1_000);
    let (sender, accepted) = mpsc::channel(1_000);
    let closing = CancellationToken::new();
    let mut tasks = JoinSet::new();
    tasks.spawn(driver.run(closing.clone(), |_| ()));
    tasks.spawn(accepting(client, Upkeep::alive()).run(CancellationToken::new(), move |stream| {
        sender.try_send(stream).expect("room for every stream of a test");
    }));
    Pair { opener, accepted, tasks, closing }
}

async fn read_all(stream: &mut Stream) -> (Vec<u8>, Result<(), io::ErrorKind>) {
    let mut bytes = Vec::new();
    let result = stream.read_to_end(&mut bytes).await;
    (bytes, result.map(drop).map_err(|error| error.kind()))
}

#[tokio::test(start_paused = true)]
async fn bytes_cross_both_ways_and_an_end_is_an_end() {
    let mut pair = pair();
    let sent: Vec<u8> = (0..1_000_000_u32).map(|n| n.to_le_bytes()[0]).collect();
    let mut ours = pair.opener.open().await.unwrap();
    ours.write_all(b"x").await.unwrap();
    let mut theirs = pair.accepted.recv().await.unwrap();
    let (expected, body) = (sent.clone(), sent.clone());
    let (received, ()) = tokio::join!(
        async {
            theirs.write_all(&body).await.unwrap();
            theirs.shutdown().await.unwrap();
            read_all(&mut theirs).await
        },
        async {
            assert_eq!(read_all(&mut ours).await, (expected, Ok(())));
            ours.write_all(&sent).await.unwrap();
            ours.shutdown().await.unwrap();
        }
    );
    assert_eq!(received, ([b"x".to_vec(), sent.clone()].concat(), Ok(())));
}

#[tokio::test(start_paused = true)]
async fn a_dropped_stream_is_a_cut_not_an_end() {
    let mut pair = pair();
    let mut ours = pair.opener.open().await.unwrap();
    ours.write_all(b"half").await.unwrap();
    let mut theirs = pair.accepted.recv().await.unwrap();
    drop(ours);
    assert_eq!(read_all(&mut theirs).await, (b"half".to_vec(), Err(io::ErrorKind::ConnectionReset)));
}

#[tokio::test(start_paused = true)]
async fn a_lost_connection_is_a_cut_not_an_end() {
    let mut pair = pair();
    let mut ours = pair.opener.open().await.unwrap();
    ours.write_all(b"half").await.unwrap();
    let mut theirs = pair.accepted.recv().await.unwrap();
    let mut first = [0; 4];
    theirs.read_exact(&mut first).await.unwrap();
    pair.tasks.abort_all();
    assert_eq!(read_all(&mut theirs).await, (Vec::new(), Err(io::ErrorKind::ConnectionReset)));
    assert_eq!(read_all(&mut ours).await, (Vec::new(), Err(io::ErrorKind::ConnectionReset)));
    assert_eq!(pair.opener.open().await.map(drop).unwrap_err().kind(), io::ErrorKind::NotConnected);
}

#[tokio::test(start_paused = true)]
async fn an_end_stays_one_when_the_connection_is_lost_after_it() {
    let mut pair = pair();
    let mut ours = pair.opener.open().await.unwrap();
    ours.write_all(b"whole").await.unwrap();
    ours.shutdown().await.unwrap();
    let mut theirs = pair.accepted.recv().await.unwrap();
    theirs.write_all(b"answer").await.unwrap();
    let mut answer = [0; 6];
    ours.read_exact(&mut answer).await.unwrap();
    pair.tasks.abort_all();
    assert_eq!(read_all(&mut theirs).await, (b"whole".to_vec(), Ok(())));
    assert_eq!(read_all(&mut ours).await, (Vec::new(), Err(io::ErrorKind::ConnectionReset)));
}

#[tokio::test(start_paused = true)]
async fn a_read_takes_what_many_frames_have_brought_and_then_what_became_of_the_stream() {
    let mut pair = pair();
    let mut ours = pair.opener.open().await.unwrap();
    ours.write_all(b"x").await.unwrap();
    let mut theirs = pair.accepted.recv().await.unwrap();
    for frame in [b"one", b"two", b"six"] {
        theirs.write_all(frame).await.unwrap();
    }
    drop(theirs);
    // The paused clock goes on once there is nothing else to do.
    let _ = timeout(Duration::from_millis(1), pending::<()>()).await;
    let mut read = [0; 7];
    for expected in ["onetwos", "ix"] {
        let count = ours.read(&mut read).await.unwrap();
        assert_eq!(read[..count], *expected.as_bytes());
    }
    assert_eq!(ours.read(&mut read).await.unwrap_err().kind(), io::ErrorKind::ConnectionReset);
}

/// By a peer whose answer comes late, a window would be measured that is far too large.
#[tokio::test(start_paused = true)]
async fn a_ping_is_answered_at_once() {
    let (io, mut peer) = duplex(1_000);
    let (_opener, driver) = opening(io, Upkeep::default(), 1);
    let mut tasks = JoinSet::new();
    tasks.spawn(driver.run(CancellationToken::new(), |_| ()));
    // The crate measures the round trip as well.
    let mut frame = [0; 12];
    peer.read_exact(&mut frame).await.unwrap();
    assert_eq!(frame, [0, 2, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0]);
    peer.write_all(&[0, 2, 0, 1, 0, 0, 0, 0, 0, 0, 0, 9]).await.unwrap();
    timeout(Duration::from_secs(1), peer.read_exact(&mut frame)).await.expect("it is answered").unwrap();
    assert_eq!(frame, [0, 2, 0, 2, 0, 0, 0, 0, 0, 0, 0, 9]);
}

/// The crate sends nothing when a stream is dropped after its half-close, and the peer would write into the void
/// until its window is spent, then wait for ever.
#[tokio::test(start_paused = true)]
async fn a_stream_given_up_after_its_half_close_is_reset() {
    let mut pair = pair();
    let mut ours = pair.opener.open().await.unwrap();
    ours.write_all(b"request").await.unwrap();
    let mut theirs = pair.accepted.recv().await.unwrap();
    ours.shutdown().await.unwrap();
    drop(ours);
    assert!(theirs.write_all(&vec![0; 10_000_000]).await.is_err());
}

#[tokio::test(start_paused = true)]
async fn a_thousand_streams_at_once_and_no_more() {
    let mut pair = pair();
    let mut streams = Vec::new();
    for _ in 0..1_000 {
        let mut stream = pair.opener.open().await.unwrap();
        stream.write_all(b"x").await.unwrap();
        streams.push((stream, pair.accepted.recv().await.unwrap()));
    }
    let more = tokio::time::timeout(Duration::from_secs(1), pair.opener.open()).await;
    assert!(more.is_err(), "the limit holds");
    streams.pop();
    assert!(pair.opener.open().await.is_ok(), "a place is free again");
}

#[tokio::test(start_paused = true)]
async fn closing_in_order_is_seen_at_both_ends() {
    let mut pair = pair();
    let mut ours = pair.opener.open().await.unwrap();
    ours.write_all(b"x").await.unwrap();
    assert!(pair.accepted.recv().await.is_some());
    pair.closing.cancel();
    for _ in 0..2 {
        let ending = pair.tasks.join_next().await.unwrap().unwrap();
        assert!(matches!(ending, Ending::Closed), "{ending:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn an_idle_connection_lives_on() {
    let mut pair = pair();
    tokio::time::advance(Duration::from_secs(1)).await;
    let idle = tokio::time::timeout(Duration::from_secs(3_600), pair.tasks.join_next()).await;
    assert!(idle.is_err(), "{idle:?}");
    let mut ours = pair.opener.open().await.unwrap();
    ours.write_all(b"x").await.unwrap();
    assert!(pair.accepted.recv().await.is_some());
}

#[track_caller]
fn check_timed_out(ending: &Ending, what: &str) {
    let Ending::Failed(error) = ending else { panic!("{ending:?}") };
    assert_eq!((error.kind(), error.to_string().as_str()), (io::ErrorKind::TimedOut, what));
}

#[tokio::test(start_paused = true)]
async fn a_silent_peer_is_found_out() {
    let (server, mut silent) = duplex(1 << 20);
    let (_opener, driver) = opening(server, Upkeep::alive(), 1);
    let begin = tokio::time::Instant::now();
    let ending = driver.run(CancellationToken::new(), |_| ()).await;
    check_timed_out(&ending, "the peer has fallen silent");
    assert!((12..=15).contains(&begin.elapsed().as_secs()), "{:?}", begin.elapsed());
    let mut pings = Vec::new();
    silent.read_to_end(&mut pings).await.unwrap();
    assert!(pings.len() >= 5 * 12);
}

/// The peer sends, but takes nothing.
#[tokio::test(start_paused = true)]
async fn a_peer_that_stops_reading_is_found_out() {
    let (server, mut deaf) = duplex(30);
    let (_opener, driver) = opening(server, Upkeep::alive(), 1);
    let begin = tokio::time::Instant::now();
    let noise = async {
        loop {
            deaf.write_all(&[0, 2, 0, 1, 0, 0, 0, 0, 0, 0, 0, 1]).await.unwrap();
            tokio::time::sleep(Duration::from_secs(1)).await;
        }
    };
    let ending = tokio::select! {
        ending = driver.run(CancellationToken::new(), |_| ()) => ending,
        () = noise => unreachable!("it has no end"),
    };
    check_timed_out(&ending, "the peer has stopped reading");
    assert!(begin.elapsed().as_secs() <= 30, "{:?}", begin.elapsed());
}

/// Reads frames until one satisfies `wanted`; for peers that speak raw bytes.
async fn next_frame(peer: &mut DuplexStream, wanted: impl Fn([u8; 12]) -> bool) -> [u8; 12] {
    loop {
        let mut header = [0; 12];
        peer.read_exact(&mut header).await.unwrap();
        if wanted(header) {
            return header;
        }
    }
}

/// A peer's end that is moved by hand: frames in, frames out.
struct Peer(DuplexStream);

/// A frame's flags of a ping and of its answer.
const SYN: u8 = 1;
const ACK: u8 = 2;

fn ping_frame(flags: u8, number: [u8; 4]) -> Vec<u8> {
    [&[0, 2, 0, flags, 0, 0, 0, 0], &number[..]].concat()
}

impl Peer {
    async fn frame(&mut self) -> Vec<u8> {
        let mut frame = vec![0; 12];
        self.0.read_exact(&mut frame).await.unwrap();
        if frame[1] == 0 {
            let len = u32::from_be_bytes([frame[8], frame[9], frame[10], frame[11]]);
            frame.resize(12 + usize::try_from(len).unwrap(), 0);
            self.0.read_exact(&mut frame[12..]).await.unwrap();
        }
        frame
    }

    async fn says_nothing_more(&mut self) -> bool {
        timeout(Duration::from_secs(8), self.frame()).await.is_err()
    }

    async fn send(&mut self, frame: &[u8]) {
        self.0.write_all(frame).await.unwrap();
    }
}

/// What goes out before a fence has been read by the peer once it stands, and nothing of the streams goes out until it
/// is taken away. The peer's ping is answered until it stands, and is then not the last frame that the peer has read.
#[tokio::test(start_paused = true)]
async fn a_fence_stands_once_everything_before_it_has_been_read() {
    let (server, client) = duplex(1_000);
    let (mut peer, upkeep) = (Peer(client), Upkeep::alive());
    let fence = upkeep.fence.clone();
    let (opener, driver) = opening(server, upkeep, 1);
    let mut tasks = JoinSet::new();
    tasks.spawn(driver.run(CancellationToken::new(), |_| ()));
    assert_eq!(peer.frame().await, ping_frame(SYN, [0x80, 0, 0, 1]), "a sign of life");
    let mut stream = opener.open().await.unwrap();
    stream.write_all(b"before").await.unwrap();
    while !peer.frame().await.ends_with(b"before") {}

    let mut raising = pin!(fence.raise());
    assert!(timeout(Duration::from_millis(1), &mut raising).await.is_err());
    assert_eq!(peer.frame().await, ping_frame(SYN, [0x80, 0, 0, 2]));
    stream.write_all(b"after").await.unwrap();
    assert!(peer.says_nothing_more().await);
    peer.send(&ping_frame(SYN, [0, 0, 0, 7])).await;
    assert_eq!(peer.frame().await, ping_frame(ACK, [0, 0, 0, 7]));
    assert_eq!(peer.frame().await, ping_frame(SYN, [0x80, 0, 0, 3]), "it is the last once more");
    peer.send(&ping_frame(ACK, [0x80, 0, 0, 2])).await;
    assert!(timeout(Duration::from_secs(1), &mut raising).await.is_err(), "there is an answer behind it");
    peer.send(&ping_frame(ACK, [0x80, 0, 0, 3])).await;
    let raised = raising.await;
    peer.send(&ping_frame(SYN, [0, 0, 0, 8])).await;
    assert!(peer.says_nothing_more().await);

    drop(raised);
    let frames = [peer.frame().await, peer.frame().await];
    assert!(frames.contains(&ping_frame(ACK, [0, 0, 0, 8])), "{frames:?}");
    let data = async { while !peer.frame().await.ends_with(b"after") {} };
    if !frames.iter().any(|frame| frame.ends_with(b"after")) {
        data.await;
    }
}

/// A peer that reads slowly is not sent more than it can read while it waits for an answer.
#[tokio::test(start_paused = true)]
async fn what_is_on_its_way_is_bounded_by_what_was_read() {
    const WINDOW: usize = 256 * 1024;
    let (server, client) = duplex(1_000);
    let mut peer = Peer(client);
    let (opener, driver) = opening(server, Upkeep::alive(), 8);
    let mut tasks = JoinSet::new();
    tasks.spawn(driver.run(CancellationToken::new(), |_| ()));
    let mut writing = JoinSet::new();
    for _ in 0..8 {
        let mut stream = opener.open().await.unwrap();
        writing.spawn(async move { stream.write_all(&vec![0; WINDOW]).await.map(|()| stream) });
    }
    let (mut data, mut last_ping, mut seen) = (0, Vec::new(), Vec::new());
    loop {
        match timeout(Duration::from_secs(1), peer.frame()).await {
            Ok(frame) if frame[1] == 0 => data += frame.len() - 12,
            Ok(frame) if frame[1] == 2 => last_ping = frame,
            Ok(_) => {}
            Err(_) if data == 8 * WINDOW => break,
            Err(_) => {
                seen.push(data);
                last_ping[3] = ACK;
                peer.send(&last_ping).await;
            }
        }
    }
    assert!((4 * WINDOW..5 * WINDOW).contains(&seen[0]), "{seen:?}");
}

/// Whom our own kind cannot harm needs no fence: it stands at once and holds nothing.
#[tokio::test(start_paused = true)]
async fn a_peer_like_ourselves_needs_no_fence() {
    let (server, client) = duplex(1_000);
    let upkeep = [Upkeep::alive(), Upkeep::alive()];
    let [ours, theirs] = upkeep.each_ref().map(|upkeep| upkeep.fence.clone());
    let [one, other] = upkeep;
    let (opener, driver) = opening(server, one, 1);
    let mut tasks = JoinSet::new();
    tasks.spawn(driver.run(CancellationToken::new(), |_| ()));
    let (sender, mut accepted) = mpsc::channel(1);
    let driver = accepting(client, other);
    tasks.spawn(driver.run(CancellationToken::new(), move |stream| drop(sender.try_send(stream))));

    // Raised before either can know, and again once both do.
    for text in [b"first", b"again"] {
        let (_raised, _also_raised) = tokio::join!(ours.raise(), theirs.raise());
        let mut stream = opener.open().await.unwrap();
        stream.write_all(text).await.unwrap();
        let mut received = accepted.recv().await.unwrap();
        let mut came = [0; 5];
        received.read_exact(&mut came).await.unwrap();
        assert_eq!(&came, text);
    }
}

#[tokio::test(start_paused = true)]
async fn hostile_bytes_end_the_connection_and_nothing_else() {
    for bytes in [
        &[9; 12][..],
        &[0, 0, 0, 1, 0, 0, 0, 1, 0xff, 0xff, 0xff, 0xff],
        &[0, 0, 0, 1, 0, 0, 0, 2, 0, 0, 0, 4, 1, 2, 3, 4, 0, 0, 0, 1, 0, 0, 0, 2, 0, 0, 0, 0],
        &[0, 2, 0, 2, 0, 0, 0, 0, 0, 0, 0, 99],
        &[0, 3, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0],
        &[0, 0, 0],
    ] {
        let (client, mut peer) = duplex(1 << 16);
        peer.write_all(bytes).await.unwrap();
        peer.shutdown().await.unwrap();
        let mut kept = Vec::new();
        let run = accepting(client, Upkeep::alive()).run(CancellationToken::new(), |stream| kept.push(stream));
        let ending = tokio::time::timeout(Duration::from_secs(60), run).await;
        assert!(ending.is_ok(), "{bytes:?}");
    }
}
