//! What the pipe promises, over in-memory carriers and a paused clock.

use std::cell::Cell;
use std::io;
use std::pin::{Pin, pin};
use std::time::Duration;

use futures_util::stream;
use http_body::Body as _;
use http_body_util::BodyExt;
use proptest::prelude::*;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::time::{sleep, timeout};

use super::*;

mod telling;
mod wakes;

fn new() -> (Pipe, Carriers) {
    pipe(&Budget::default())
}

const CHUNK: usize = 32 * 1024;

/// After how many bytes the stream repeats itself: a prime, so that no shift by a buffer's size looks right.
const PERIOD: usize = 1_000_003;

fn pattern() -> Vec<u8> {
    let mixed = |place: usize| (place % PERIOD).wrapping_mul(0x9e37_79b9_7f4a_7c15).to_be_bytes()[0];
    (0..PERIOD + CHUNK).map(mixed).collect()
}

async fn write(mut pipe: impl AsyncWrite + Unpin, pattern: &[u8], total: usize) {
    let mut sent = 0;
    while sent < total {
        let part = CHUNK.min(total - sent);
        pipe.write_all(&pattern[sent % PERIOD..sent % PERIOD + part]).await.unwrap();
        sent += part;
    }
    std::future::pending::<()>().await;
}

async fn check(mut pipe: impl AsyncRead + Unpin, pattern: &[u8], total: usize, read: &Cell<usize>) {
    let mut chunk = vec![0; CHUNK];
    while read.get() < total {
        let n = pipe.read(&mut chunk).await.unwrap();
        assert!(n > 0, "no end");
        let place = read.get() % PERIOD;
        assert!(chunk[..n] == pattern[place..place + n], "lost, repeated or reordered at {}", read.get());
        read.set(read.get() + n);
    }
}

/// How long each step of a carrier takes, so that the clock goes on: it stands still while anything else can.
const TICK: Duration = Duration::from_micros(100);

/// Streams one direction, again and again, each carrier cut after its time. Every second is overtaken before it speaks:
/// what it was asked for is brought by a batch, and acknowledged where the other direction is quick enough.
async fn stream_with_cuts(from: &Carriers, to: &Carriers, lives: &[u64]) {
    for (number, life) in lives.iter().cycle().enumerate() {
        let life = Duration::from_micros(*life);
        let offset = to.wanted();
        let body = from.send(offset, 1_000_000).expect("an offset of the log");
        let mut receiver = to.receive(offset);
        if number % 2 == 1 {
            let batch = from.batch(from.acked(), CHUNK).expect("an offset of the log");
            to.receive(batch.from).take(batch.bytes).unwrap();
            sleep(life).await;
        }
        match timeout(life, receiver.read(body)).await {
            Err(_) | Ok(Ok(())) => {}
            Ok(Err(broken)) => panic!("nothing was broken but by the clock: {broken}"),
        }
        sleep(TICK).await;
    }
}

/// A renewal leaves to the carrier before what that was given to bring, whether or not it has arrived; any other carrier
/// begins where it is told.
#[tokio::test(start_paused = true)]
async fn a_renewal_brings_nothing_twice() {
    let ((mut near, from), (mut far, to)) = (new(), new());
    near.write_all(b"one ").await.unwrap();
    let mut old = from.send(to.wanted(), u64::MAX).unwrap();
    let brought = old.frame().await.unwrap().unwrap().into_data().unwrap();
    near.write_all(b"two ").await.unwrap();
    let mut renewal = from.send_on(to.wanted(), u64::MAX).unwrap();
    assert_eq!((to.wanted(), renewal.from()), (0, 4));
    let more = renewal.frame().await.unwrap().unwrap().into_data().unwrap();
    to.receive(renewal.from()).take(more).unwrap();
    let mut late = to.receive(0);
    late.take(brought).unwrap();
    late.read(old).await.expect("the one before ends in order");
    let mut text = [0; 8];
    far.read_exact(&mut text).await.unwrap();
    assert_eq!((&text, to.wanted()), (b"one two ", 8));
    assert_eq!(from.send_on(to.wanted(), u64::MAX).unwrap().from(), 8);
    assert_eq!(from.send(4, u64::MAX).unwrap().from(), 4, "the one before was cut");
    near.write_all(b"three").await.unwrap();
    assert!(from.supersede() > 0);
    assert_eq!(from.send_on(8, u64::MAX).unwrap().from(), 8, "no stream is before it");
}

/// Brings one direction in batches, every third lost, every second delivered twice.
async fn batches_with_losses(from: &Carriers, to: &Carriers, sizes: &[u64]) {
    for (number, size) in sizes.iter().cycle().enumerate() {
        let turn = from.supersede();
        let _ = timeout(Duration::from_millis(5), from.until_due(from.acked(), turn)).await;
        let batch = from.batch(from.acked(), usize::try_from(*size).expect("small")).expect("an offset of the log");
        for _ in 0..=number % 2 {
            if number % 3 != 0 {
                to.receive(batch.from).take(batch.bytes.clone()).unwrap();
            }
        }
        sleep(TICK).await;
    }
}

/// Invariant 1: whatever the carriers, of whatever manner, however they die, every byte crosses once and in order. The
/// clock is paused: how busy the machine is has no say in it.
fn crosses(lives: &[u64], sizes: &[u64], down_streams: bool, up_streams: bool) {
    const TOTAL: usize = 3_000_000;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build().unwrap();
    runtime.block_on(async {
        let ((one, one_carriers), (other, other_carriers)) = (new(), new());
        let (one_read, one_write) = tokio::io::split(one);
        let (other_read, other_write) = tokio::io::split(other);
        let (pattern, counts) = (pattern(), [Cell::new(0), Cell::new(0)]);
        let done = async {
            tokio::join!(check(one_read, &pattern, TOTAL, &counts[0]), check(other_read, &pattern, TOTAL, &counts[1]))
        };
        let carry = async |from, to, streams: bool| {
            if streams {
                stream_with_cuts(from, to, lives).await;
            } else {
                batches_with_losses(from, to, sizes).await;
            }
        };
        let all = async {
            tokio::select! {
                _ = done => {}
                () = write(one_write, &pattern, TOTAL) => {}
                () = write(other_write, &pattern, TOTAL) => {}
                () = carry(&one_carriers, &other_carriers, down_streams) => {}
                () = carry(&other_carriers, &one_carriers, up_streams) => {}
            }
        };
        timeout(Duration::from_secs(50), all).await.unwrap_or_else(|_| panic!("stuck at {counts:?}"));
    });
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    #[test]
    fn every_byte_crosses_once_and_in_order(
        lives in proptest::collection::vec(1_u64..3_000, 1..8),
        // A batch begins at what is acknowledged, which is told every 100 ms at worst: smaller ones would only take longer.
        sizes in proptest::collection::vec(50_000_u64..600_000, 1..8),
        down_streams: bool,
        up_streams: bool,
    ) {
        crosses(&lives, &sizes, down_streams, up_streams);
    }
}

fn joined() -> ((Pipe, Carriers), (Pipe, Carriers)) {
    (new(), new())
}

#[tokio::test(start_paused = true)]
async fn a_newer_carrier_ends_the_older_in_order() {
    let ((mut one, one_carriers), (mut other, other_carriers)) = joined();
    let old = one_carriers.send(0, u64::MAX).unwrap();
    let mut old_receiver = other_carriers.receive(0);
    one.write_all(b"first").await.unwrap();
    let read_old = old_receiver.read(old);
    tokio::pin!(read_old);
    assert!(timeout(Duration::from_millis(1), read_old.as_mut()).await.is_err(), "it streams on");
    let new = one_carriers.send(other_carriers.wanted(), u64::MAX).unwrap();
    assert_eq!(read_old.await, Ok(()), "it says that it ends");
    one.write_all(b"second").await.unwrap();
    let mut new_receiver = other_carriers.receive(5);
    let _ = timeout(Duration::from_millis(1), new_receiver.read(new)).await;
    let mut text = [0; 11];
    other.read_exact(&mut text).await.unwrap();
    assert_eq!(&text, b"firstsecond");
}

#[tokio::test(start_paused = true)]
async fn an_idle_stream_is_kept_alive_and_a_silent_one_found_dead() {
    let ((_one, one_carriers), (_other, other_carriers)) = joined();
    let body = one_carriers.send(0, u64::MAX).unwrap();
    let mut receiver = other_carriers.receive(0);
    assert!(
        timeout(Duration::from_secs(3_600), receiver.read(body)).await.is_err(),
        "it lives as long as it is wanted"
    );

    let silent =
        http_body_util::StreamBody::new(futures_util::stream::pending::<io::Result<http_body::Frame<Bytes>>>());
    let begin = tokio::time::Instant::now();
    let mut receiver = other_carriers.receive(0);
    assert_eq!(receiver.read(silent).await, Err(Broken::Cut("nothing has come through for some time".to_owned())));
    assert_eq!(begin.elapsed(), Duration::from_secs(15));
}

#[tokio::test(start_paused = true)]
async fn what_is_read_is_told_even_if_nothing_is_said() {
    let ((mut one, one_carriers), (mut other, other_carriers)) = joined();
    let (down, up) = (one_carriers.send(0, u64::MAX).unwrap(), other_carriers.send(0, u64::MAX).unwrap());
    let (mut down_receiver, mut up_receiver) = (other_carriers.receive(0), one_carriers.receive(0));
    let talk = async {
        one.write_all(b"hello").await.unwrap();
        other.read_exact(&mut [0; 5]).await.unwrap();
        sleep(Duration::from_millis(150)).await;
        assert_eq!(one_carriers.acked(), 5);
    };
    // Apart, so that nothing but its own wakers moves a carrier.
    let mut tasks = tokio::task::JoinSet::new();
    tasks.spawn(async move { down_receiver.read(down).await });
    tasks.spawn(async move { up_receiver.read(up).await });
    talk.await;
}

#[tokio::test(start_paused = true)]
async fn a_stalled_reader_holds_the_writer_back() {
    let ((mut one, one_carriers), (_other, other_carriers)) = joined();
    let body = one_carriers.send(0, u64::MAX).unwrap();
    let mut receiver = other_carriers.receive(0);
    let piece = vec![0; 65_536];
    let flood = async { while one.write(&piece).await.is_ok() {} };
    let carried = async {
        tokio::select! {
            _ = receiver.read(body) => panic!("nothing is wrong"),
            () = flood => panic!("nothing has ended"),
        }
    };
    assert!(timeout(Duration::from_secs(10), carried).await.is_err());
    let window = window::Window::new(window::Limits::PIPE);
    assert_eq!(one_carriers.written(), window.size() + window.unsent());
}

/// However many are stalled, together they keep no more than was said, and one more pipe works.
#[tokio::test(start_paused = true)]
async fn what_stalled_pipes_keep_is_bounded_and_starves_no_other() {
    const STALLED: usize = 40;
    const TOTAL: usize = 4 * 1024 * 1024;
    let budget = Budget::new(TOTAL);
    let mut stalled: Vec<_> = (0..STALLED).map(|_| pipe(&budget)).collect();
    for (pipe, carriers) in &mut stalled {
        let mut body = carriers.send(0, u64::MAX).unwrap();
        let flood = async { while pipe.write(&vec![0; 65_536]).await.is_ok() {} };
        // Somebody takes all of it and acknowledges nothing.
        let carried = async { while body.frame().await.is_some() {} };
        let both = async { tokio::join!(flood, carried) };
        assert!(timeout(Duration::from_secs(4), both).await.is_err());
    }
    assert!(budget.used() <= TOTAL + STALLED * 256 * 1024, "{}", budget.used());
    let least = stalled.iter().map(|(_, carriers)| carriers.written()).min();
    assert!(least >= Some(256 * 1024), "{least:?}");

    let ((one, carriers), (other, other_carriers)) = (pipe(&budget), new());
    let (pattern, count) = (pattern(), Cell::new(0));
    tokio::select! {
        () = check(other, &pattern, 5_000_000, &count) => {}
        () = write(one, &pattern, 5_000_000) => {}
        () = stream_with_cuts(&carriers, &other_carriers, &[1_000_000]) => {}
        () = batches_with_losses(&other_carriers, &carriers, &[1_000]) => {}
    }
}

#[tokio::test(start_paused = true)]
async fn a_trial_shows_whether_anything_comes_through_and_brings_no_data() {
    let ((mut one, one_carriers), (_other, other_carriers)) = joined();
    one.write_all(b"data").await.unwrap();
    let (trial, number) = one_carriers.probe();
    let mut receiver = other_carriers.receive(0);
    assert!(timeout(Duration::from_millis(150), receiver.read(trial)).await.is_err(), "it streams on");
    assert_eq!(other_carriers.wanted(), 0);
    let answer = other_carriers.batch(0, 0).unwrap();
    one_carriers.receive(0).take(answer.bytes).unwrap();
    assert!(timeout(Duration::from_secs(1), one_carriers.until_ponged(number)).await.is_ok());
}

/// Reads a trial through a proxy that passes only full buffers of this size on, and what is smaller at once where
/// nothing larger has come.
async fn through_a_buffer(size: usize) -> bool {
    let (_pipe, carriers) = pipe(&Budget::default());
    let mut trial = pin!(carriers.probe().0);
    let passed = stream::poll_fn(move |cx| {
        trial.as_mut().poll_frame(cx).map_ok(|frame| {
            let mut bytes = frame.into_data().unwrap_or_default();
            bytes.truncate(if bytes.len() > size { bytes.len() / size * size } else { bytes.len() });
            http_body::Frame::data(bytes)
        })
    });
    timeout(Duration::from_secs(2), pings(http_body_util::StreamBody::new(passed))).await.is_ok_and(|read| read.is_ok())
}

#[tokio::test(start_paused = true)]
async fn a_trial_ends_with_a_burst_whose_end_has_to_come() {
    assert!(through_a_buffer(usize::MAX).await);
    assert!(!through_a_buffer(4_096).await);
    let cut = http_body_util::Full::new(Bytes::from_static(&[3, 0, 0, 8]));
    assert_eq!(pings(cut).await, Err(Broken::Cut("a streaming answer ended early".to_owned())));
}

#[tokio::test(start_paused = true)]
async fn a_carrier_ends_in_order_where_its_range_does() {
    let ((mut one, one_carriers), (_other, other_carriers)) = joined();
    one.write_all(&[1; 1_000]).await.unwrap();
    let body = one_carriers.send(0, 600).unwrap();
    assert_eq!(other_carriers.receive(0).read(body).await, Ok(()));
    assert_eq!(other_carriers.wanted(), 600);
}

#[tokio::test(start_paused = true)]
async fn an_end_in_order_is_told_and_is_an_end() {
    let ((mut one, one_carriers), (mut other, other_carriers)) = joined();
    one.write_all(b"bye").await.unwrap();
    one_carriers.end(End::Closed { code: 1, text: "done".to_owned() });
    let batch = one_carriers.batch(0, 1_000).unwrap();
    other_carriers.receive(0).take(batch.bytes).unwrap();
    let mut text = String::new();
    other.read_to_string(&mut text).await.unwrap();
    assert_eq!(text, "bye");
    assert!(other.write_all(b"x").await.is_err());
}

/// What is lost with a batch is told again by the next, though there is nothing else to say.
#[tokio::test(start_paused = true)]
async fn what_was_told_by_a_lost_batch_is_told_again() {
    let ((mut one, one_carriers), (mut other, other_carriers)) = joined();
    one.write_all(&vec![1; 100_000]).await.unwrap();
    other_carriers.receive(0).take(one_carriers.batch(0, 200_000).unwrap().bytes).unwrap();
    other.read_exact(&mut vec![0; 100_000]).await.unwrap();
    other_carriers.until_untold().await;
    drop(other_carriers.batch(0, 1_000));
    let turn = other_carriers.supersede();
    let due = async || timeout(Duration::from_secs(60), other_carriers.until_due(0, turn)).await.is_ok();
    let untold = async || timeout(Duration::from_secs(60), other_carriers.until_untold()).await.is_ok();
    assert_eq!((due().await, untold().await), (false, false), "it may have arrived");
    other_carriers.tell_again();
    assert_eq!((due().await, untold().await), (true, true));
    one_carriers.receive(0).take(other_carriers.batch(0, 1_000).unwrap().bytes).unwrap();
    assert_eq!(one_carriers.acked(), 100_000);
}

/// A trial tells nothing, so a stream that lives has to.
#[tokio::test(start_paused = true)]
async fn what_was_told_by_a_trial_is_told_by_a_stream() {
    let ((mut one, one_carriers), (mut other, other_carriers)) = joined();
    let stream = other_carriers.send(0, u64::MAX).unwrap();
    let mut receiver = one_carriers.receive(0);
    let mut tasks = tokio::task::JoinSet::new();
    tasks.spawn(async move { receiver.read(stream).await });
    sleep(Duration::from_millis(1)).await;
    one.write_all(b"hello").await.unwrap();
    other_carriers.receive(0).take(one_carriers.batch(0, 1_000).unwrap().bytes).unwrap();
    other.read_exact(&mut [0; 5]).await.unwrap();
    drop(other_carriers.trial(0));
    sleep(Duration::from_millis(150)).await;
    assert_eq!(one_carriers.acked(), 5);
}

/// A writer that waits for room hears of it, though what brought it was refused in the end.
#[tokio::test(start_paused = true)]
async fn an_acknowledgement_before_a_gap_wakes_the_writer() {
    let ((mut one, one_carriers), _) = joined();
    assert!(timeout(Duration::from_millis(1), one.write_all(&vec![0; 1_000_000])).await.is_err(), "the window is full");
    let mut writing = tokio::task::JoinSet::new();
    writing.spawn(async move { one.write_all(b"more").await.map(|()| one) });
    tokio::task::yield_now().await;
    let mut wire = Vec::new();
    Record::Ack(1_000).encode(&mut wire);
    // One byte too many to be parked.
    for _ in 0..state::MAX_PARKED / record::MAX_DATA {
        Record::Data(vec![0; record::MAX_DATA].into()).encode(&mut wire);
    }
    Record::Data(vec![0; 1].into()).encode(&mut wire);
    assert_eq!(one_carriers.receive(1).take(wire.into()), Err(Broken::Gap(0)));
    assert!(timeout(Duration::from_secs(1), writing.join_next()).await.is_ok());
}
