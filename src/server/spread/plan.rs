//! Which sessions had better live on another thread, by what each has done of late. A pure value.
//!
//! A session waits for all that is done on its thread, so what a way to spread them costs is the sum of that over all sessions
//! that do anything: one that is flooded counts no more than another beside it.

/// What a session has done of late, in exchanges, and on which thread.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Doing {
    pub(super) at: usize,
    pub(super) work: u64,
}

/// A session that had better live elsewhere.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Move {
    /// Its place among those that were asked about.
    pub(super) which: usize,
    pub(super) to: usize,
}

/// Below so many exchanges on a thread nobody waits for anybody.
const BUSY: u64 = 16;

/// What is left of the cost at most, where sessions are moved at all: three quarters. So no figures that differ from the
/// truth by less than a seventh move anybody to and fro: two ways to spread them would each have to look a quarter cheaper
/// than the other.
const WORTH: (u64, u64) = (3, 4);

/// The most that move at a time.
const MAX_STEPS: usize = 64;

/// A thread, and those on it that do anything.
#[derive(Clone, Default)]
struct Thread {
    work: u64,
    /// Each with its place, the busiest last.
    busy: Vec<(u64, usize)>,
}

/// Which sessions to move, of `sessions` on so many threads: none unless that takes a quarter off the cost. Step by step it
/// is the one that takes off the most.
pub(super) fn moves(threads: usize, sessions: &[Doing]) -> Vec<Move> {
    let mut threads = on_threads(threads, sessions);
    if threads.iter().all(|thread| thread.work < BUSY) {
        return Vec::new();
    }
    let before = cost(&threads);
    for _ in 0..MAX_STEPS {
        let Some(step) = best(&threads) else { break };
        step.take(&mut threads);
    }
    let (worth, of) = WORTH;
    if cost(&threads).saturating_mul(of) > before.saturating_mul(worth) {
        return Vec::new();
    }
    let there =
        threads.iter().enumerate().flat_map(|(to, thread)| thread.busy.iter().map(move |(_, which)| (*which, to)));
    there.filter(|(which, to)| sessions[*which].at != *to).map(|(which, to)| Move { which, to }).collect()
}

fn on_threads(number: usize, sessions: &[Doing]) -> Vec<Thread> {
    let mut threads = vec![Thread::default(); number];
    for (which, Doing { at, work }) in sessions.iter().enumerate().filter(|(_, doing)| doing.work > 0) {
        if let Some(thread) = threads.get_mut(*at) {
            thread.work = thread.work.saturating_add(*work);
            thread.busy.push((*work, which));
        }
    }
    for thread in &mut threads {
        thread.busy.sort_unstable();
    }
    threads
}

fn cost(threads: &[Thread]) -> u64 {
    threads.iter().map(|thread| thread.work.saturating_mul(thread.busy.len() as u64)).fold(0, u64::saturating_add)
}

/// Taking the session at this place of one thread to another.
struct Step {
    from: usize,
    place: usize,
    to: usize,
}

/// The step that takes most off the cost, where one does. How much it takes is a straight line over the session's work, so of
/// each thread only the busiest and the least busy session matter. Of two alike the busier goes: its visitors are elsewhere
/// at once, where those of another would still wait for it through their carriers.
fn best(threads: &[Thread]) -> Option<Step> {
    let pairs = (0..threads.len()).flat_map(|from| (0..threads.len()).map(move |to| (from, to)));
    let ends = |from: usize| threads[from].busy.iter().map(|(work, _)| *work).enumerate();
    let steps = pairs.filter(|(from, to)| from != to).flat_map(|(from, to)| {
        let ends = ends(from).next().into_iter().chain(ends(from).next_back());
        ends.map(move |(place, work)| (saved(&threads[from], &threads[to], work), work, Step { from, place, to }))
    });
    let best = steps.max_by_key(|(saved, work, _)| (*saved, *work));
    best.filter(|(saved, ..)| *saved > 0).map(|(.., step)| step)
}

/// What it takes off the cost to take a session of so much work from one thread to another.
fn saved(from: &Thread, to: &Thread, work: u64) -> i128 {
    let number = |thread: &Thread| thread.busy.len() as i128;
    i128::from(from.work) - i128::from(to.work) + i128::from(work) * (number(from) - number(to) - 2)
}

impl Step {
    fn take(self, threads: &mut [Thread]) {
        let Self { from, place, to } = self;
        let (work, which) = threads[from].busy.remove(place);
        threads[from].work -= work;
        let there = &mut threads[to];
        there.work += work;
        let place = there.busy.partition_point(|one| *one < (work, which));
        there.busy.insert(place, (work, which));
    }
}

#[cfg(test)]
mod tests;
