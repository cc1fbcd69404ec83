//! How soon what has been read is told: seldom on a quick path, and never so late that a window stays dry.

use tokio::task::JoinSet;
use tokio::time::Instant;

use super::wakes::Polled;
use super::*;

const KIB: usize = 1024;

/// What passes in pieces of 64 KiB that are as far apart, from `one` to `other`, whose stream is woken by itself alone: how
/// often that was, and how often it told.
async fn transfer(pieces: usize, pause: Duration) -> (usize, usize) {
    let ((mut one, one_carriers), (mut other, other_carriers)) = joined();
    let (mut to_other, mut to_one) = (other_carriers.receive(0), one_carriers.receive(0));
    let mut down = Polled::new(one_carriers.send(0, u64::MAX).unwrap());
    let mut up = Polled::new(other_carriers.send(0, u64::MAX).unwrap());
    up.bring(&mut to_one);
    let (mut woken, mut told, mut piece) = (0, 0, vec![0; 64 * KIB]);
    for _ in 0..pieces {
        let acked = one_carriers.acked();
        timeout(Duration::from_millis(1), one.write_all(&piece)).await.expect("there is room").unwrap();
        down.bring(&mut to_other);
        other.read_exact(&mut piece).await.unwrap();
        woken += up.bring(&mut to_one);
        told += usize::from(one_carriers.acked() > acked);
        if !pause.is_zero() {
            sleep(pause).await;
        }
    }
    (woken, told)
}

#[tokio::test(start_paused = true)]
async fn a_quick_path_is_told_seldom() {
    // The first piece, and then each eighth.
    assert_eq!(transfer(1 + 10 * 8, Duration::ZERO).await, (11, 11));
}

#[tokio::test(start_paused = true)]
async fn a_slow_path_is_told_each_piece_at_once() {
    let (_, told) = transfer(50, Duration::from_millis(3)).await;
    assert_eq!(told, 50);
}

#[tokio::test(start_paused = true)]
async fn what_is_untold_goes_along_with_a_carriers_end() {
    let ((mut one, one_carriers), (mut other, other_carriers)) = joined();
    let mut to_one = one_carriers.receive(0);
    let mut up = Polled::new(other_carriers.send(0, u64::MAX).unwrap());
    up.bring(&mut to_one);
    one.write_all(b"hello").await.unwrap();
    other_carriers.receive(0).take(one_carriers.batch(0, 1_000).unwrap().bytes).unwrap();
    other.read_exact(&mut [0; 5]).await.unwrap();
    assert!(other_carriers.supersede() > 0);
    up.bring(&mut to_one);
    assert_eq!((one_carriers.acked(), to_one.is_complete()), (5, true));
}

/// One direction of which all that is read is told by a stream that nothing moves but its own wakers, and so is the one
/// that brings it.
struct Told {
    one: Pipe,
    one_carriers: Carriers,
    other: Pipe,
    other_carriers: Carriers,
    _down: JoinSet<()>,
    /// Those that tell.
    streams: JoinSet<()>,
    read: u64,
    /// Since when 64 KiB have been untold.
    since: Option<Instant>,
}

impl Told {
    fn new() -> Self {
        let ((one, one_carriers), (other, other_carriers)) = joined();
        let mut down = JoinSet::new();
        let (body, mut receiver) = (one_carriers.send(0, u64::MAX).unwrap(), other_carriers.receive(0));
        down.spawn(async move { receiver.read(body).await.expect("it ends in order") });
        let streams = JoinSet::new();
        let mut told = Self { one, one_carriers, other, other_carriers, _down: down, streams, read: 0, since: None };
        told.attach();
        told
    }

    /// Another stream that tells, beside those that there are.
    fn attach(&mut self) {
        let body = self.other_carriers.send(0, u64::MAX).unwrap();
        let mut receiver = self.one_carriers.receive(body.from());
        self.streams.spawn(async move { receiver.read(body).await.expect("it ends in order") });
    }

    async fn pass(&mut self, size: usize) {
        self.one.write_all(&vec![0; size]).await.unwrap();
        self.other.read_exact(&mut vec![0; size]).await.unwrap();
        self.read += size as u64;
        // Whoever has something to do does it, in no time.
        for _ in 0..8 {
            tokio::task::yield_now().await;
        }
        self.look();
    }

    fn untold(&self) -> u64 {
        self.read - self.one_carriers.acked()
    }

    fn look(&mut self) {
        assert!(self.untold() < 512 * 1024, "{} are untold", self.untold());
        let much = self.untold() >= 64 * 1024;
        let since = much.then(|| self.since.unwrap_or_else(Instant::now));
        assert!(since.is_none_or(|since| since.elapsed() <= Duration::from_millis(2)), "{} are untold", self.untold());
        self.since = since;
    }
}

/// A writer that has as much on its way as the least window allows goes on within two milliseconds.
#[tokio::test(start_paused = true)]
async fn the_least_window_does_not_stay_dry() {
    let (mut told, mut waited) = (Told::new(), Duration::ZERO);
    for _ in 0..2_000 {
        told.pass(16 * KIB).await;
        let dry = Instant::now();
        while told.untold() >= window::Limits::PIPE.least {
            sleep(Duration::from_millis(1)).await;
            told.look();
        }
        waited += dry.elapsed();
    }
    assert!(waited > Duration::ZERO, "it was dry now and then");
}

/// What happens next to one direction.
#[derive(Clone, Debug)]
enum Step {
    Pass(usize),
    Wait(u64),
    /// A stream takes over in order.
    Renew,
    /// The streams are cut, with what they may have told.
    Cut,
}

fn any_step() -> impl Strategy<Value = Step> {
    prop_oneof![
        8 => (1_usize..100 * KIB).prop_map(Step::Pass),
        2 => (0_u64..6).prop_map(Step::Wait),
        1 => Just(Step::Renew),
        1 => Just(Step::Cut),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(128))]

    /// However much is read when, and whatever becomes of streams, what is much is told within two milliseconds, what is
    /// very much at once, and all of it in the end.
    #[test]
    fn what_is_read_is_told_in_time(steps in proptest::collection::vec(any_step(), 1..60)) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build().unwrap();
        runtime.block_on(async {
            let mut told = Told::new();
            for step in steps {
                match step {
                    Step::Pass(size) => told.pass(size).await,
                    Step::Wait(millis) => {
                        for _ in 0..millis {
                            sleep(Duration::from_millis(1)).await;
                            told.look();
                        }
                    }
                    Step::Renew => told.attach(),
                    Step::Cut => {
                        told.streams.abort_all();
                        told.attach();
                    }
                }
            }
            // A rest, and what little may wait.
            sleep(Duration::from_millis(104)).await;
            assert_eq!(told.untold(), 0);
        });
    }
}
