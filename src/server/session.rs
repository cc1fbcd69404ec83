//! One client's tunnel as the server sees it: streams go out over whatever carries it, exchanges are counted.

mod exchanges;
mod look;
mod opening;
mod places;
mod presence;
mod running;
mod turns;

use std::io;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use axum::body::Body;
use axum::response::Response;
use http::header::HeaderValue;
use http::{HeaderMap, Request};
use tokio::sync::watch;
use tokio::time::{Instant, timeout};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::quotas::{Listens, Who};
use super::stream::{Preface, TargetStream};
use super::threads::Home;
use super::upload::Sending;
use super::{GRACE, random};
use crate::auth::Bearer;
use crate::metrics::Metrics;
use crate::mux::{self, Opener, Upkeep};
use crate::pieces::Pieces;
use crate::proxy::{Call, Fault, Hop, Traffic, Visitor};
use crate::wire::v2::Attempt;
use crate::wire::{Prefix, SessionId};
use exchanges::Exchanges;
pub(super) use opening::{Around, Link, Opening};
pub(super) use places::Place;
use places::{Places, STREAM_DEADLINE};
#[cfg(test)]
pub(super) use presence::LATE;
pub(super) use presence::{MOMENT, Presence};
pub(super) use running::Running;
pub(super) use turns::All;
use turns::Turns;

/// How long the last exchanges may take of a session that another server is to have, while who comes for it has to wait.
const LAST: Duration = Duration::from_secs(5);

pub(super) struct Session {
    id: SessionId,
    opening: Opening,
    fault_key: HeaderValue,
    link: Link,
    opener: Opener,
    hop: Hop<TargetStream>,
    tasks: TaskTracker,
    home: watch::Sender<Home>,
    /// The wall clock that tokens are dated by, in Unix seconds.
    clock: fn() -> u64,
    since: u64,
    exchanges: Exchanges,
    traffic: Arc<Traffic>,
    metrics: Arc<Metrics>,
    places: Places,
    turns: Turns,
    /// The session is to end in order.
    closing: CancellationToken,
    /// The session has ended.
    ended: CancellationToken,
}

impl Session {
    /// A session without carriers. It ends by itself where none come: by the multiplexer's patience on v1, by the
    /// grace on v2.
    pub(super) fn start<P>(mut opening: Opening, pipe: P, link: Link, upkeep: Upkeep, around: Around) -> Running<P>
    where
        P: Pieces + Send + Unpin,
    {
        let bits = random();
        let id = SessionId::from_random(around.node.map_or(bits, |node| node.mark(bits)));
        let key = SessionId::from_random(random());
        let fault_key = HeaderValue::from_str(key.as_str()).expect("hexadecimal digits make a header value");
        let preface = preface(&link, &opening);
        let Around { tasks, stopping, closing, limits, clock, home, all, metrics, .. } = around;
        let (opener, driver) = mux::opening(pipe, upkeep, limits.exchanges_per_session);
        let hop = {
            let (opener, rules) = (opener.clone(), std::mem::take(&mut opening.rules));
            let open = move |waited| open(opener.clone(), preface, waited);
            Hop::new(open, rules, fault_key.clone(), tasks.clone(), stopping)
        };
        let session = Self {
            id,
            places: Places::new(&limits, opening.shared_places.take()),
            turns: Turns::new(all),
            opening,
            fault_key,
            link,
            opener,
            hop,
            tasks,
            home: watch::Sender::new(home),
            clock,
            since: clock(),
            exchanges: Exchanges::default(),
            traffic: Arc::default(),
            metrics,
            closing,
            ended: CancellationToken::new(),
        };
        Running { session: Arc::new(session), driver }
    }

    pub(super) fn id(&self) -> &SessionId {
        &self.id
    }

    /// Where all that is done for it is done.
    pub(super) fn home(&self) -> Home {
        self.home.borrow().clone()
    }

    /// Has it live there from now on. Connections that came for it stay where they are until they end, which they do after
    /// their next exchange.
    pub(super) fn move_to(&self, home: Home) {
        self.home.send_replace(home).leave();
    }

    pub(super) fn prefix(&self) -> &Prefix {
        &self.opening.prefix
    }

    pub(super) fn bearer(&self) -> Option<&Bearer> {
        self.opening.bearer.as_ref()
    }

    pub(super) fn link(&self) -> &Link {
        &self.link
    }

    /// What the client repeats on failures that it answers itself.
    pub(super) fn fault_key(&self) -> &HeaderValue {
        &self.fault_key
    }

    /// Whether the token that opened the session is still good at `now`.
    pub(super) fn may_renew(&self, now: u64) -> bool {
        self.opening.expiry.is_none_or(|expiry| now < expiry)
    }

    /// How long visitors wait for the client where it is gone.
    pub(super) fn hold(&self) -> Duration {
        self.opening.hold
    }

    pub(super) fn ended(&self) -> &CancellationToken {
        &self.ended
    }

    pub(super) fn attempt(&self) -> Option<&Attempt> {
        self.opening.attempt.as_ref()
    }

    /// Whether a client with this token may have the prefix at once: it is its own, which it lost with a crash. An attempt
    /// that was overtaken on the way, or comes twice, takes it from nobody.
    pub(super) fn yields_to(&self, bearer: Option<&Bearer>, attempt: Option<&Attempt>) -> bool {
        let Link::V2(attendance) = &self.link else { return false };
        let follows = attempt.zip(self.attempt()).and_then(|(new, old)| new.follows(old));
        self.bearer() == bearer && follows.unwrap_or_else(|| bearer.is_some() || !attendance.is_attended())
    }

    /// A stream for whatever its caller will say on it, which may begin with any byte.
    pub(super) async fn dial(&self) -> io::Result<TargetStream> {
        open(self.opener.clone(), preface(&self.link, &self.opening), Some(Duration::ZERO)).await
    }

    /// Whether a visitor may pass, before it waits for anything.
    pub(super) fn admit(&self, headers: &HeaderMap, visitor: &Visitor) -> Result<(), Fault> {
        self.hop.admit(headers, visitor)
    }

    /// Whether the other session is of the same token, or of another one that names the same subject.
    pub(super) fn shares_a_quota_with(&self, other: &Self) -> bool {
        let who = |session: &Self| session.bearer().map(Who::of);
        who(self).is_some_and(|one| who(other) == Some(one))
    }

    /// A place for one exchange with a visitor. Waits for it where there is none, for 10 s at most.
    ///
    /// # Errors
    /// Where there still is none, too many wait already, or others are to wait in its place.
    pub(super) async fn place(
        &self,
        headers: &HeaderMap,
        visitor: &Visitor,
        listens: &impl Listens,
    ) -> Result<Place, Fault> {
        self.places.place(self.hop.stranger(headers, visitor), listens).await
    }

    /// Has a visitor's request answered by the target. Takes it out of its place.
    pub(super) async fn forward(
        &self,
        request: &mut Request<Body>,
        mut call: Call<'_>,
        guard: impl Send + Sync + Unpin + 'static,
    ) -> Result<Response, Fault> {
        // Another server is to have the prefix.
        let under_way = self.exchanges.begin().ok_or(Fault::UnknownPrefix)?;
        if self.exchanges.is_closed() {
            return Err(Fault::ClientOffline);
        }
        let _asking = self.turns.begin().await;
        let guard = (under_way, guard);
        call.meter.goes_to(&self.traffic);
        let sending = Sending::watch(request, &call.meter);
        // In one place: what is handed on by value has room in each future that it is handed to.
        let answer = pin!(self.hop.forward(request, call, guard));
        let answer = async {
            tokio::select! {
                biased;
                answer = sending.answered(self.opening.target_timeout, answer) => {
                    answer.unwrap_or(Err(Fault::TargetTimeout))
                }
                () = self.unheard() => Err(Fault::ClientLost),
            }
        };
        answer.await.map_err(|fault| match fault {
            _ if sending.has_broken() => Fault::BadRequest,
            // The streams have ended because the session has: it is not the target that failed.
            Fault::TargetBadResponse | Fault::ClientOffline if self.ended.is_cancelled() => Fault::ClientLost,
            Fault::ClientOffline => Fault::Limit,
            fault => fault,
        })
    }

    /// Sends the session no new exchange, and ends it when those in flight have ended.
    pub(super) fn drain(self: &Arc<Self>) {
        if self.exchanges.close() {
            let session = Arc::clone(self);
            self.tasks.spawn(async move {
                let left = async {
                    match &session.link {
                        Link::V1(_) => std::future::pending().await,
                        Link::V2(attendance) => attendance.left().await,
                    }
                };
                tokio::select! {
                    _ = timeout(GRACE, session.exchanges.wait()) => {}
                    () = left => {}
                }
                session.closing.cancel();
            });
        }
    }
}

impl Session {
    /// Whether another server is to have the prefix: no new exchange is for this session.
    pub(super) fn is_leaving(&self) -> bool {
        self.exchanges.are_the_last()
    }

    /// How much longer it would wait for its client, which on v1 it never does.
    pub(super) fn grace_left(&self) -> Duration {
        match &self.link {
            Link::V1(_) => Duration::ZERO,
            Link::V2(attendance) => attendance.grace_left(),
        }
    }

    /// Has no exchange under way in the end: long ones come to their end first, for 30 s at most, while others begin; then none
    /// begins any more, and the last have 5 s. Those that lasted all the time are not waited for again, while visitors wait.
    pub(super) async fn quiet(&self) {
        let had_theirs = self.exchanges.are_young(Instant::now() + GRACE).await;
        let _ = timeout(LAST, self.exchanges.last(had_theirs)).await;
        if self.exchanges.len() > 0 {
            tracing::warn!(left = self.exchanges.len(), prefix = %self.prefix(), "exchanges in flight are cut off");
        }
    }
}

fn preface(link: &Link, opening: &Opening) -> Preface {
    match link {
        Link::V1(_) => Preface::None,
        Link::V2(_) if opening.tells_waits => Preface::Both,
        Link::V2(_) => Preface::Outcome,
    }
}

async fn open(opener: Opener, preface: Preface, waited: Option<Duration>) -> io::Result<TargetStream> {
    let stream = timeout(STREAM_DEADLINE, opener.open()).await;
    TargetStream::begin(stream.unwrap_or_else(|_| Err(io::ErrorKind::TimedOut.into()))?, preface, waited).await
}

/// What a control endpoint says to keep intermediaries from holding or changing a carrier.
pub(super) fn unbuffered(headers: &mut HeaderMap) {
    use http::header::{CACHE_CONTROL, HeaderName};
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("private, no-cache, no-store, no-transform"));
    headers.insert(HeaderName::from_static("x-accel-buffering"), HeaderValue::from_static("no"));
}
