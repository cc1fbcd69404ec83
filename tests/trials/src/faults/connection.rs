//! One connection through a fault proxy: both directions side by side, until one of them or the plan ends it.

use std::collections::VecDeque;
use std::io;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use fastrand::Rng;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::sync::{oneshot, watch};
use tokio::time::{Instant, sleep_until, timeout};

use super::framer::Head;
use super::line::{Limit, line};
use super::up::Request;
use super::victims::Place;
use super::{Act, Cut, Kind, Plan, Shape, Shared, Then, down, up};

/// How long a peer may take to close its side of a connection that was ended in order.
const FAREWELL: Duration = Duration::from_secs(1);

/// How far into a body a cut still counts as inside the handshake.
const HANDSHAKE: u64 = 64;

/// How far into a head it may be: no head is shorter.
const HEAD: u64 = 64;

/// Why a connection is over.
#[derive(Debug)]
pub(super) enum End {
    /// Both sides have ended.
    Over,
    /// One side broke, which the other shall see.
    Broken,
    Cut(Cut),
    /// The visitor gets this, and the origin nothing more.
    Answer(&'static str),
}

impl From<io::Error> for End {
    fn from(_: io::Error) -> Self {
        Self::Broken
    }
}

/// What the two directions of a connection share.
pub(super) struct Connection {
    pub(super) plan: Plan,
    pub(super) shared: Arc<Shared>,
    place: Place,
    killed: Mutex<Option<oneshot::Receiver<Cut>>>,
    begun: watch::Sender<Option<Instant>>,
    // Held for a look at a few fields, never across an await.
    course: Mutex<Course>,
}

struct Course {
    random: Rng,
    /// Requests that are not answered yet.
    asked: VecDeque<Head>,
    /// A limit on the answer's body that was chosen with its request.
    answer_limit: Option<Limit>,
    upgraded: bool,
    /// To be sent again once it is answered.
    repeat: Option<Request>,
}

impl Connection {
    pub(super) fn new(plan: Plan, index: u64, seed: u64, shared: Arc<Shared>) -> Self {
        let (place, killed) = shared.victims.enter(index);
        // Neighbours must not be alike: the generator's first numbers follow its seed closely.
        let random = Rng::with_seed(seed ^ (index + 1).wrapping_mul(0x9E37_79B9_7F4A_7C15));
        let course = Course { random, asked: VecDeque::new(), answer_limit: None, upgraded: false, repeat: None };
        let (begun, _) = watch::channel(None);
        Self { plan, shared, place, killed: Mutex::new(Some(killed)), begun, course: Mutex::new(course) }
    }

    fn course(&self) -> MutexGuard<'_, Course> {
        self.course.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn count(&self, act: Act) {
        self.shared.counters.count(act);
    }

    /// Relays until the connection is over. Cancelling it closes both sides.
    pub(super) async fn run(self, mut visitor: TcpStream, mut origin: TcpStream) {
        let killed = self.killed.lock().unwrap_or_else(PoisonError::into_inner).take();
        let Some(killed) = killed else { return };
        let _ = (visitor.set_nodelay(true), origin.set_nodelay(true));
        let end = {
            let ((from_visitor, to_visitor), (from_origin, to_origin)) = (visitor.split(), origin.split());
            let (up_outlet, up_line) = line(&self.shared.counters);
            let (down_outlet, down_line) = line(&self.shared.counters);
            let both = async {
                tokio::try_join!(
                    up::read(&self, from_visitor, up_outlet),
                    down::read(&self, from_origin, down_outlet),
                    up_line.carry(to_origin, &self.plan.up),
                    down_line.carry(to_visitor, &self.plan.down),
                )
            };
            tokio::select! {
                done = both => done.err().unwrap_or(End::Over),
                Ok(cut) = killed => End::Cut(cut),
                end = self.too_old() => end,
            }
        };
        finish(end, visitor, origin).await;
    }

    async fn too_old(&self) -> End {
        let Some(max_age) = self.plan.max_age else { return std::future::pending().await };
        let mut begun = self.begun.subscribe();
        loop {
            let since = *begun.borrow_and_update();
            let old = async {
                match since {
                    Some(since) => sleep_until(since + max_age).await,
                    None => std::future::pending().await,
                }
            };
            tokio::select! {
                _ = begun.changed() => {}
                () = old => {
                    self.count(Act::TooOld);
                    return End::Cut(Cut::Fin);
                }
            }
        }
    }

    /// A request begins; says what its body is limited to, or that it is refused.
    pub(super) fn request(&self, head: &Head) -> Result<Option<Limit>, End> {
        self.count(Act::Request(head.kind));
        let applies = self.plan.applies_to(head.kind);
        self.place.carries(Some(head.kind));
        let mut course = self.course();
        if applies && course.random.f64() < self.plan.refusals {
            self.count(Act::Refusal);
            return Err(End::Answer(REFUSED));
        }
        course.asked.push_back(head.clone());
        if !applies {
            return Ok(None);
        }
        self.begun.send_replace(Some(Instant::now()));
        if course.random.f64() >= self.plan.handshake_cuts {
            return Ok(limit(&self.plan.up));
        }
        let cut = course.random.choice([Cut::Fin, Cut::Rst]).unwrap_or(Cut::Rst);
        let counts_head = course.random.bool();
        let left = course.random.u64(0..=if counts_head { HEAD } else { HANDSHAKE });
        let limit = Limit { left, counts_head, then: Then::Cut(cut), act: Act::HandshakeCut(cut) };
        if course.random.bool() {
            return Ok(Some(limit));
        }
        course.answer_limit = Some(limit);
        Ok(None)
    }

    /// Whether the request that begins is to be late.
    pub(super) fn is_late(&self) -> bool {
        self.course().random.f64() < self.plan.late
    }

    /// The request that the next answer is for.
    pub(super) fn asked(&self) -> Option<Head> {
        self.course().asked.front().cloned()
    }

    /// An answer to a request of `kind` begins; says what its body is limited to.
    pub(super) fn answer(&self, kind: Kind) -> Option<Limit> {
        let chosen = self.course().answer_limit.take();
        let planned = self.plan.applies_to(kind).then(|| limit(&self.plan.down)).flatten();
        chosen.or(planned)
    }

    /// Once this request is answered it is to be sent again.
    pub(super) fn repeat_later(&self, request: Request) {
        self.course().repeat = Some(request);
    }

    /// The last answer is whole. Returns what is to be sent again.
    pub(super) fn answered(&self) -> Option<Request> {
        let mut course = self.course();
        course.asked.pop_front();
        if course.asked.is_empty() {
            self.place.carries(None);
            self.begun.send_replace(None);
        }
        course.repeat.take()
    }

    /// From here on the bytes are no HTTP.
    pub(super) fn upgrade(&self) {
        self.course().upgraded = true;
    }

    pub(super) fn is_upgraded(&self) -> bool {
        self.course().upgraded
    }
}

const REFUSED: &str = "HTTP/1.1 503 Service Unavailable\r\nContent-Length: 0\r\nConnection: close\r\n\r\n";

pub(super) fn limit(shape: &Shape) -> Option<Limit> {
    let (left, then) = shape.after?;
    let act = match then {
        Then::Cut(cut) => Act::CutAtByte(cut),
        Then::Stall => Act::Stall,
        Then::BlackHole => Act::BlackHole,
    };
    Some(Limit { left, counts_head: false, then, act })
}

async fn finish(end: End, mut visitor: TcpStream, mut origin: TcpStream) {
    match end {
        End::Over => {}
        End::Broken | End::Cut(Cut::Rst) => {
            let _ = (visitor.set_zero_linger(), origin.set_zero_linger());
        }
        End::Cut(Cut::Fin) => {
            tokio::join!(part(&mut visitor), part(&mut origin));
        }
        End::Cut(Cut::Hole) => {
            tokio::join!(swallow(&mut visitor), swallow(&mut origin));
        }
        End::Answer(text) => {
            drop(origin);
            let _ = timeout(FAREWELL, visitor.write_all(text.as_bytes())).await;
            part(&mut visitor).await;
        }
    }
}

/// Takes whatever comes, until nothing can come any more.
async fn swallow(stream: &mut TcpStream) {
    let mut taken = vec![0; 64 * 1024];
    while stream.read(&mut taken).await.is_ok_and(|count| count > 0) {}
}

/// Ends a connection in order. What has come and was not read would make a reset of it, so it is read.
async fn part(stream: &mut TcpStream) {
    let farewell = async {
        stream.shutdown().await?;
        let mut rest = [0; 4096];
        while stream.read(&mut rest).await? > 0 {}
        io::Result::Ok(())
    };
    let _ = timeout(FAREWELL, farewell).await;
}
