//! Three nodes that want one prefix, an engine, and what befalls them: nodes freeze, the engine is away, loses what it was told,
//! or is emptied. Where nothing but that happens no two nodes may answer for the prefix at once.

mod parts;

use std::time::Duration;

use proptest::collection::vec;
use proptest::prelude::*;
use tokio::time::Instant;

use self::parts::{EMPTY, Fate, Node, Say, Stored, fate};
use super::{ASK, LEASE, Peers, TICK, Tenure};

const STEP: u64 = 50;
const NODES: usize = 3;
/// How long the engine has for each command, of which a renewal takes one or two.
const ANSWER: u64 = 1000;
const RENEW: u64 = 1667;
const AGAIN: u64 = 500;

struct World {
    zero: Instant,
    now: u64,
    run: u64,
    forgot: u64,
    fence: u64,
    stored: Stored,
    before: Stored,
    cut: [u64; NODES],
    nodes: [Node; NODES],
    /// When, to whom (none is the engine), from whom, and what.
    said: Vec<(u64, Option<usize>, usize, Say)>,
    delays: Vec<u64>,
    delay: usize,
}

impl World {
    fn new(delays: Vec<u64>) -> Self {
        Self {
            zero: Instant::now(),
            now: 10_000,
            run: 1,
            forgot: 0,
            fence: 0,
            stored: EMPTY,
            before: EMPTY,
            cut: [0; NODES],
            nodes: [Node::default(); NODES],
            said: Vec::new(),
            delays,
            delay: 0,
        }
    }

    fn at(&self, ms: u64) -> Instant {
        self.zero + Duration::from_millis(ms)
    }

    fn takes(&mut self, most: u64) -> u64 {
        self.delay = (self.delay + 1) % self.delays.len();
        self.delays[self.delay] % most
    }

    /// To and from the engine; what is said while it is not reached is lost.
    fn tell(&mut self, to: Option<usize>, node: usize, say: Say) {
        // Both ways, a step late, it is within the deadline; else it is as if it were cut.
        let at = self.now + self.takes(450);
        if self.cut[node] <= self.now {
            self.said.push((at, to, node, say));
        }
    }

    fn ask(&mut self, to: usize, from: usize, say: Say) {
        let at = self.now + self.takes(150);
        self.said.push((at, Some(to), from, say));
    }

    fn befall(&mut self, fate: Fate) {
        let until = |steps: u64| self.now + steps * STEP;
        match fate {
            Fate::Quiet => {}
            Fate::Freeze(node, steps) => self.nodes[node].frozen = until(steps),
            // A node that is not reached when the engine has lost its memory cannot write itself in again.
            Fate::Cut(..) if self.now < self.forgot + 6000 => {}
            Fate::Cut(Some(node), steps) => self.cut[node] = until(steps),
            Fate::Cut(None, steps) => self.cut = [until(steps); NODES],
            Fate::Emptied => (self.stored, self.forgot, self.cut) = (EMPTY, self.now, [0; NODES]),
            Fate::Promoted => {
                (self.stored, self.run) = (self.before, self.run + 1);
                (self.forgot, self.cut) = (self.now, [0; NODES]);
            }
            Fate::Claim(node) => {
                let (now, it) = (self.now, &mut self.nodes[node]);
                if it.held.is_none() && it.frozen <= now && it.is_free() {
                    it.claiming = Some(now);
                    self.tell(None, node, Say::Claim { sent: now, over: None });
                }
            }
        }
    }

    fn step(&mut self) {
        self.now += STEP;
        if self.now.is_multiple_of(500) {
            self.before = self.stored;
        }
        self.check();
        let (due, later) = std::mem::take(&mut self.said)
            .into_iter()
            .partition(|&(at, to, ..)| at <= self.now && to.is_none_or(|to| self.nodes[to].frozen <= self.now));
        self.said = later;
        let due: Vec<(u64, Option<usize>, usize, Say)> = due;
        for (_, to, from, say) in due {
            match to {
                None => self.engine(from, say),
                Some(to) => self.hear(to, from, say),
            }
            self.check();
        }
        for node in 0..NODES {
            if self.nodes[node].frozen <= self.now {
                self.live(node);
            }
        }
        self.check();
    }

    fn engine(&mut self, node: usize, say: Say) {
        let (now, run, young) = (self.now, self.run, u64::try_from(super::YOUNG.as_millis()).unwrap());
        let stored = &mut self.stored;
        let answer = match say {
            Say::Register { sent } => {
                let gone = stored.leases[node] <= now;
                stored.leases[node] = now + u64::try_from(LEASE.as_millis()).unwrap();
                let era = stored.era.filter(|era| era.0 == run).unwrap_or((run, now));
                stored.era = Some(era);
                Say::Registered { sent, gone, run, is_young: now < era.1 + young }
            }
            // It forgot the node meanwhile, or is another engine, which a connection does not outlive.
            Say::Write { run: of, .. } if of != run || stored.leases[node] <= now => return,
            Say::Write { sent, held, right, .. } => {
                let other = stored.claim.filter(|claim| claim.0 != node);
                let lost = held.filter(|fence| other.is_some_and(|other| !right || other.1 > *fence));
                if let (Some(fence), None) = (held, lost) {
                    stored.claim = Some((node, fence));
                    if let Some((other, _)) = other {
                        stored.leases[other] = 0;
                    }
                }
                Say::Written { sent, lost }
            }
            Say::Claim { sent, over } => {
                let is_old = stored.era.is_some_and(|(of, since)| of == run && now >= since + young);
                if !is_old || stored.leases[node] <= now {
                    return;
                }
                match stored.claim {
                    Some(held) if held.0 != node && (over != Some(held) || stored.leases[held.0] > now) => {
                        Say::Seen { sent, held, is_alive: stored.leases[held.0] > now }
                    }
                    _ => {
                        self.fence += 1;
                        stored.claim = Some((node, self.fence));
                        Say::Granted { sent, fence: self.fence }
                    }
                }
            }
            _ => unreachable!("that is not said to the engine"),
        };
        self.tell(Some(node), node, answer);
    }

    fn hear(&mut self, node: usize, from: usize, say: Say) {
        let now = self.now;
        let at = self.at(now);
        let it = &mut self.nodes[node];
        let in_time = |sent: u64| now - sent <= ANSWER;
        match say {
            Say::Registered { sent, gone, run, is_young } if it.asked == Some(sent) => {
                it.run = it.run.filter(|of| *of == run && !gone);
                let right = it.tenure.is_some_and(|tenure| at < tenure.until());
                if it.run.is_some() {
                    self.confirmed(node, sent);
                // What was given while it was forgotten is among what is written: an answer that is due is waited for.
                } else if (right || !is_young) && it.claiming.is_none() {
                    it.writes = Some(run);
                    let held = it.held;
                    self.tell(None, node, Say::Write { sent, run, held, right });
                } else {
                    (it.asked, it.renew_at) = (None, now + AGAIN);
                }
            }
            Say::Written { sent, lost } if it.asked == Some(sent) => {
                (it.run, it.held) = (it.writes.take(), it.held.filter(|_| it.held != lost));
                self.confirmed(node, sent);
            }
            Say::Granted { sent, fence } if it.claiming == Some(sent) && in_time(sent) => {
                (it.claiming, it.held) = (None, Some(fence));
            }
            Say::Seen { sent, held, is_alive } if it.claiming == Some(sent) => {
                it.claiming = None;
                if !is_alive {
                    it.asking = Some((now, held));
                    self.ask(held.0, node, Say::Lives { from: node, sent: now });
                }
            }
            Say::Lives { from, sent } => self.ask(from, node, Say::Alive { sent }),
            Say::Alive { sent } => {
                it.asking = it.asking.filter(|asking| *asking != (sent, asking.1) || asking.1.0 != from);
                let (sent, now) = (self.at(sent), self.at(now));
                self.nodes[node].tenure.iter_mut().for_each(|tenure| tenure.heard(sent, now));
            }
            _ => {}
        }
    }

    fn confirmed(&mut self, node: usize, sent: u64) {
        let (of, now) = (self.at(sent), self.at(self.now));
        let it = &mut self.nodes[node];
        (it.asked, it.renew_at) = (None, sent + RENEW);
        it.tenure.get_or_insert(Tenure::new(now)).confirmed(of, Peers::Known, now);
    }

    fn live(&mut self, node: usize) {
        let (now, instant) = (self.now, self.at(self.now));
        let it = &mut self.nodes[node];
        if it.asked.is_some_and(|sent| now > sent + 2 * ANSWER) {
            (it.asked, it.run, it.writes, it.renew_at) = (None, None, None, now + AGAIN);
            it.tenure.iter_mut().for_each(|tenure| tenure.failed(instant));
        }
        if now.is_multiple_of(u64::try_from(TICK.as_millis()).unwrap()) {
            it.tenure.iter_mut().for_each(|tenure| tenure.tick(instant));
        }
        it.claiming = it.claiming.filter(|sent| now <= sent + ANSWER);
        let over =
            it.asking.filter(|asking| it.writes.is_none() && now >= asking.0 + u64::try_from(ASK.as_millis()).unwrap());
        if over.is_some() {
            (it.asking, it.claiming) = (None, Some(now));
        }
        let is_doubtful = it.tenure.is_some_and(|tenure| tenure.is_doubtful());
        let renews = it.asked.is_none() && now >= it.renew_at;
        if renews {
            it.asked = Some(now);
            self.tell(None, node, Say::Register { sent: now });
        }
        if let Some((_, held)) = over {
            self.tell(None, node, Say::Claim { sent: now, over: Some(held) });
        }
        if is_doubtful && now.is_multiple_of(500) {
            (1..NODES).for_each(|next| self.ask((node + next) % NODES, node, Say::Lives { from: node, sent: now }));
        }
    }

    fn answers(&self, node: usize) -> bool {
        let it = &self.nodes[node];
        let may = it.tenure.is_some_and(|tenure| self.at(self.now) < tenure.until());
        it.held.is_some() && may && it.frozen <= self.now
    }

    fn check(&self) {
        let answering: Vec<usize> = (0..NODES).filter(|node| self.answers(*node)).collect();
        assert!(answering.len() <= 1, "{answering:?} answer at once, at {}", self.now);
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(512))]

    #[test]
    fn no_two_nodes_answer_for_one_prefix(delays in vec(0_u64..1000, 1..40), fates in vec((fate(), 1_u64..60), 1..60)) {
        let mut world = World::new(delays);
        (0..160).for_each(|_| world.step());
        for (fate, steps) in fates {
            world.befall(fate);
            (0..steps).for_each(|_| world.step());
        }
    }

    #[test]
    fn a_node_that_is_awake_goes_on(delays in vec(0_u64..1000, 1..40), fates in vec((fate(), 1_u64..60), 1..60)) {
        let mut world = World::new(delays);
        (0..160).for_each(|_| world.step());
        // One that writes to the engine just then does not claim.
        for _ in 0..4 {
            world.befall(Fate::Claim(0));
            (0..20).for_each(|_| world.step());
        }
        prop_assert!(world.answers(0));
        for (fate, steps) in fates {
            if !matches!(fate, Fate::Freeze(..)) {
                world.befall(fate);
            }
            for _ in 0..steps {
                world.step();
                prop_assert!(world.answers(0), "after {:?} at {}", fate, world.now);
            }
        }
    }
}
