//! What clients do who have no session, event by event: they look for the one that they had, wait, open another, and are given
//! it once the engine has the claim. Deterministic: all that is random comes from a seed.

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::time::Duration;

use fastrand::Rng;

use super::backoff::Backoff;
use super::fleet::Fleet;
use super::rate::Rate;

/// How long a client waits for the answer to its `open`.
const PATIENCE: Duration = Duration::from_secs(15);

/// Pieces of time that peaks are told by: of what all do, and of what one server does.
const PIECE: Duration = Duration::from_millis(100);
const PIECE_OF_ONE: Duration = Duration::from_secs(1);

/// What servers and engine are able to do.
#[derive(Clone, Debug)]
pub(super) struct Ability {
    /// Sessions that one server opens in a second.
    pub(super) opens: f64,
    /// Opens that wait inside one server for the end of a lease.
    pub(super) waiting: usize,
    pub(super) lookup: Script,
    pub(super) claim: Script,
}

/// What is asked of the engine.
#[derive(Clone, Copy, Debug)]
pub(super) struct Script {
    /// How long it does nothing else.
    pub(super) takes: Duration,
    /// Commands, those inside the script included.
    pub(super) commands: u32,
}

/// Whether clients wait at random for longer than they have to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Jitter {
    Random,
    None,
}

/// What came of it.
#[derive(Debug)]
pub(super) struct Outcome {
    /// When each client was back, in order.
    pub(super) back: Vec<Duration>,
    /// Opens that arrived; those that one server was given, of the one that was given most at once.
    pub(super) opens: Rate,
    pub(super) busiest: f64,
    /// Carriers that looked for a session.
    pub(super) carriers: Rate,
    pub(super) commands: Rate,
    /// Opens that had to come again.
    pub(super) refused: u64,
}

impl Outcome {
    /// When so many of a hundred were back.
    pub(super) fn back(&self, hundredth: usize) -> Duration {
        let last = self.back.len().saturating_sub(1);
        self.back.get(last * hundredth / 100).copied().unwrap_or_default()
    }
}

/// A client without a session.
struct Client {
    /// When the lease is over under which its prefix is still held.
    lease: Duration,
    /// It has learned that its session is gone.
    knows: bool,
    opening: Backoff,
    /// Of its carriers down and up.
    returning: [Backoff; 2],
}

/// What happens next. The order says what comes first of two things at once.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Step {
    /// A client comes, and after it so many others, with such a time between two on average.
    Come(u32, Duration),
    /// A carrier of this direction asks for its session.
    Carrier(u32, bool),
    /// The client opens another.
    Open(u32),
    /// The server has come to its `open`.
    Claim(u32, u32),
    /// The lease is over that it has waited for there.
    Waited(u32, u32),
}

/// Clients on their way back, at servers that stand.
pub(super) struct Reopening<'a> {
    fleet: &'a mut Fleet,
    /// When it began, by the fleet's clock.
    begin: Duration,
    ability: &'a Ability,
    jitter: Jitter,
    rng: &'a mut Rng,
    clients: Vec<Client>,
    steps: BinaryHeap<Reverse<(Duration, Step)>>,
    /// When each server, and the engine, has done what it was given.
    free: Vec<Duration>,
    engine_free: Duration,
    waiting: Vec<usize>,
    given: Vec<Rate>,
    outcome: Outcome,
}

impl<'a> Reopening<'a> {
    pub(super) fn new(
        fleet: &'a mut Fleet,
        begin: Duration,
        ability: &'a Ability,
        jitter: Jitter,
        rng: &'a mut Rng,
    ) -> Self {
        let count = fleet.count();
        let rate = Rate::by(PIECE);
        let (opens, carriers, commands) = (rate.clone(), rate.clone(), rate);
        let outcome = Outcome { back: Vec::new(), opens, busiest: 0.0, carriers, commands, refused: 0 };
        let (clients, steps, given) = (Vec::new(), BinaryHeap::new(), vec![Rate::by(PIECE_OF_ONE); count]);
        let (free, engine_free, waiting) = (vec![Duration::ZERO; count], Duration::ZERO, vec![0; count]);
        Self { fleet, begin, ability, jitter, rng, clients, steps, free, engine_free, waiting, given, outcome }
    }

    /// So many clients that have had no session open one, all within that time, one after the other.
    pub(super) fn come(&mut self, clients: u32, within: Duration) {
        if let Some(left) = clients.checked_sub(1) {
            self.then(Duration::ZERO, Step::Come(left, within / clients));
        }
    }

    /// A client is told, or sees at once, that its session is over; its prefix is held until `lease`.
    pub(super) fn told(&mut self, at: Duration, lease: Duration) {
        let client = self.client(lease);
        self.opens_later(at, client);
    }

    /// A client sees that its carriers are cut, whose server's lease ends then: until that is over nobody can say that the
    /// session is.
    pub(super) fn cut(&mut self, at: Duration, lease: Duration) {
        let client = self.client(lease);
        for direction in [false, true] {
            let pause = self.returns_after(client, direction);
            self.then(at + pause, Step::Carrier(client, direction));
        }
    }

    /// All that follows, until everybody has a session.
    pub(super) fn run(mut self) -> Outcome {
        while let Some(Reverse((now, step))) = self.steps.pop() {
            match step {
                Step::Come(left, apart) => self.comes(now, left, apart),
                Step::Carrier(client, direction) => self.carrier(now, client, direction),
                Step::Open(client) => self.open(now, client),
                Step::Claim(client, on) => self.claim(now, client, on),
                Step::Waited(client, on) => {
                    self.waiting[on as usize] -= 1;
                    self.claim(now, client, on);
                }
            }
        }
        self.outcome.back.sort_unstable();
        self.outcome.busiest = self.given.iter().map(Rate::peak).fold(0.0, f64::max);
        self.outcome
    }

    fn client(&mut self, lease: Duration) -> u32 {
        let returning = [Backoff::returning(), Backoff::returning()];
        self.clients.push(Client { lease, knows: false, opening: Backoff::default(), returning });
        u32::try_from(self.clients.len() - 1).expect("fewer clients than there are addresses")
    }

    fn then(&mut self, at: Duration, step: Step) {
        self.steps.push(Reverse((at, step)));
    }

    fn random(&mut self) -> f64 {
        match self.jitter {
            Jitter::Random => self.rng.f64(),
            Jitter::None => 0.0,
        }
    }

    fn returns_after(&mut self, client: u32, direction: bool) -> Duration {
        let random = self.random();
        self.clients[client as usize].returning[usize::from(direction)].next(random)
    }

    fn opens_later(&mut self, now: Duration, client: u32) {
        let random = self.random();
        let pause = self.clients[client as usize].opening.next(random);
        self.then(now + pause, Step::Open(client));
    }

    fn comes(&mut self, now: Duration, left: u32, apart: Duration) {
        let client = self.client(Duration::ZERO);
        self.open(now, client);
        if let Some(left) = left.checked_sub(1) {
            let pause = apart.mul_f64(2.0 * self.rng.f64());
            self.then(now + pause, Step::Come(left, apart));
        }
    }

    fn carrier(&mut self, now: Duration, client: u32, direction: bool) {
        let Client { knows, lease, .. } = &mut self.clients[client as usize];
        if *knows {
            return;
        }
        let is_over = now >= *lease;
        *knows = is_over;
        self.outcome.carriers.note(now, 1);
        if is_over {
            self.opens_later(now, client);
        } else {
            let pause = self.returns_after(client, direction);
            self.then(now + pause, Step::Carrier(client, direction));
        }
    }

    /// An `open` arrives anywhere, is looked up, and waits its turn where it was placed.
    fn open(&mut self, now: Duration, client: u32) {
        self.fleet.renew_until(self.begin + now);
        self.outcome.opens.note(now, 1);
        self.ask(now, self.ability.lookup);
        let asked = self.fleet.any(self.rng);
        let on = self.fleet.place(asked, self.rng);
        self.given[on].note(now, 1);
        self.free[on] = self.free[on].max(now) + Duration::from_secs_f64(self.ability.opens.recip());
        let done = self.free[on];
        if done > now + PATIENCE {
            self.outcome.refused += 1;
            self.opens_later(now + PATIENCE, client);
        } else {
            self.then(done, Step::Claim(client, u32::try_from(on).expect("few servers")));
        }
    }

    fn claim(&mut self, now: Duration, client: u32, on: u32) {
        let lease = self.clients[client as usize].lease;
        if now >= lease {
            return self.granted(now, on);
        }
        if self.waiting[on as usize] < self.ability.waiting {
            self.waiting[on as usize] += 1;
            self.then(lease, Step::Waited(client, on));
        } else {
            self.outcome.refused += 1;
            self.opens_later(now, client);
        }
    }

    fn granted(&mut self, now: Duration, on: u32) {
        self.ask(now, self.ability.claim);
        self.outcome.back.push(self.engine_free);
        self.fleet.take(on as usize);
    }

    /// The engine does one thing after the other.
    fn ask(&mut self, now: Duration, script: Script) {
        self.engine_free = self.engine_free.max(now) + script.takes;
        self.outcome.commands.note(self.engine_free, script.commands.into());
    }
}
