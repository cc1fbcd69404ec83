//! Whom a change wakes. Each task that is woken for nothing costs as much as one that has something to do.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Context, Poll, Wake, Waker};

use http_body::Body as _;

use super::*;

/// Counts how often it is woken.
#[derive(Default)]
struct Bell(AtomicUsize);

impl Wake for Bell {
    fn wake(self: Arc<Self>) {
        self.0.fetch_add(1, Ordering::Relaxed);
    }
}

/// A stream that is polled by hand, each time until it has nothing to say.
pub(super) struct Polled {
    body: SendBody,
    bell: Arc<Bell>,
}

impl Polled {
    pub(super) fn new(body: SendBody) -> Self {
        Self { body, bell: Arc::default() }
    }

    /// Hands what it says to `to`, and tells how often it was woken since the last time.
    pub(super) fn bring(&mut self, to: &mut Receiver) -> usize {
        let waker = Waker::from(Arc::clone(&self.bell));
        while let Poll::Ready(Some(Ok(frame))) = Pin::new(&mut self.body).poll_frame(&mut Context::from_waker(&waker)) {
            to.take(frame.into_data().unwrap()).unwrap();
        }
        self.bell.0.swap(0, Ordering::Relaxed)
    }
}

#[tokio::test(start_paused = true)]
async fn an_exchange_wakes_a_stream_once() {
    let ((mut one, one_carriers), (mut other, other_carriers)) = joined();
    let (mut to_other, mut to_one) = (other_carriers.receive(0), one_carriers.receive(0));
    let mut down = Polled::new(one_carriers.send(0, u64::MAX).unwrap());
    let mut up = Polled::new(other_carriers.send(0, u64::MAX).unwrap());
    let (_, _) = (down.bring(&mut to_other), up.bring(&mut to_one));
    let mut woken = Vec::new();
    for _ in 0..3 {
        let mut piece = [0; 7];
        one.write_all(b"request").await.unwrap();
        let there = down.bring(&mut to_other);
        other.read_exact(&mut piece).await.unwrap();
        other.write_all(b"answers").await.unwrap();
        up.bring(&mut to_one);
        one.read_exact(&mut piece).await.unwrap();
        woken.push((there, down.bring(&mut to_other)));
    }
    // The first that is read sets the clock; for others it need not be set.
    assert_eq!(woken, [(1, 1), (1, 0), (1, 0)]);
    // Which goes on by itself, and tells what was read.
    sleep(Duration::from_millis(101)).await;
    assert!(down.bring(&mut to_other) > 0);
    assert_eq!(other_carriers.acked(), 21);
}

#[tokio::test(start_paused = true)]
async fn who_waits_for_the_end_is_woken_by_nothing_else() {
    let ((mut one, one_carriers), _) = joined();
    let bell = Arc::<Bell>::default();
    let waker = Waker::from(Arc::clone(&bell));
    let mut ended = std::pin::pin!(one_carriers.until_ended());
    assert!(ended.as_mut().poll(&mut Context::from_waker(&waker)).is_pending());
    one.write_all(b"something to say").await.unwrap();
    assert_eq!(bell.0.load(Ordering::Relaxed), 0);
    one_carriers.end(End::Failed("enough".to_owned()));
    assert_eq!(bell.0.load(Ordering::Relaxed), 1);
}

#[tokio::test(start_paused = true)]
async fn who_is_short_of_room_hears_of_it() {
    let ((mut one, one_carriers), (mut other, other_carriers)) = joined();
    let (mut to_other, mut to_one) = (other_carriers.receive(0), one_carriers.receive(0));
    let mut down = Polled::new(one_carriers.send(0, u64::MAX).unwrap());
    while timeout(Duration::from_millis(1), one.write_all(&[0; 10_000])).await.is_ok() {
        down.bring(&mut to_other);
    }
    let held = usize::try_from(other_carriers.wanted()).unwrap();
    other.read_exact(&mut vec![0; held]).await.unwrap();
    to_one.take(other_carriers.batch(0, 100).unwrap().bytes).unwrap();
    assert_eq!(down.bring(&mut to_other), 1);
    assert!(other_carriers.wanted() > held as u64, "it went on");
}
