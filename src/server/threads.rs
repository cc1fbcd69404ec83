//! The threads of a server. Each session lives on one, with all that is done for it, visitors' connections included: a hop
//! between threads costs more than what is done. It may move to another.

use std::io;
use std::num::NonZero;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread;
use std::time::Duration;

use futures_util::future::join_all;
use tokio::runtime::{Builder, Handle};
use tokio::sync::watch;
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

/// How long threads may take to end.
const END: Duration = Duration::from_secs(1);

/// Threads that sessions are spread over. They end with the last clone, and the last who has a home there.
#[derive(Clone, Debug)]
pub struct Threads(Arc<[Thread]>);

#[derive(Debug)]
struct Thread {
    /// None is wherever somebody asks for something to be done.
    runtime: Option<Handle>,
    residents: AtomicUsize,
    life: Life,
}

/// How a thread is ended.
#[derive(Debug, Default)]
struct Life {
    end: CancellationToken,
    ended: CancellationToken,
}

impl Drop for Life {
    fn drop(&mut self) {
        self.end.cancel();
    }
}

/// Where a session lives, or a connection. Clones are the same.
#[derive(Clone, Debug)]
pub(super) struct Home(Arc<Resident>);

/// Counts for its thread until it is dropped. It keeps all threads: what has moved may have timers where it was before.
#[derive(Debug)]
struct Resident {
    threads: Threads,
    at: usize,
    has_left: AtomicBool,
}

impl Default for Threads {
    /// No thread but the caller's: everything is done on the runtime that asks for it.
    fn default() -> Self {
        Self([Thread::new(None)].into())
    }
}

impl Threads {
    /// So many, each with a runtime of its own, beside the caller's, which only accepts connections and hands them over. One
    /// is the caller's.
    ///
    /// # Errors
    /// Where the system has no thread, or no descriptor, to give.
    pub fn start(number: NonZero<usize>) -> io::Result<Self> {
        if number.get() == 1 {
            return Ok(Self::default());
        }
        Ok(Self((1..=number.get()).map(Thread::start).collect::<io::Result<_>>()?))
    }

    /// How many there are; one is the caller's.
    pub(super) fn number(&self) -> usize {
        self.0.len()
    }

    /// Whether there is but the caller's.
    pub(super) fn are_one(&self) -> bool {
        self.number() == 1
    }

    /// What runs each, where there are several.
    pub(super) fn runtimes(&self) -> Vec<Handle> {
        self.0.iter().filter_map(|thread| thread.runtime.clone()).collect()
    }

    /// A home on the thread that has the fewest residents.
    pub(super) fn settle(&self) -> Home {
        let residents = |at: &usize| self.0[*at].residents.load(Ordering::Relaxed);
        self.settle_at((0..self.number()).min_by_key(residents).expect("there is one at least"))
    }

    /// A home on this one, counted from 0.
    pub(super) fn settle_at(&self, at: usize) -> Home {
        self.0[at].residents.fetch_add(1, Ordering::Relaxed);
        Home(Arc::new(Resident { threads: self.clone(), at, has_left: AtomicBool::new(false) }))
    }

    /// Ends them, with all that is done there, which nobody else does for as long as any of that knows them. Waits until
    /// that is so, for 1 s at most. The caller's goes on.
    pub async fn end(&self) {
        let threads = || self.0.iter().filter(|thread| thread.runtime.is_some());
        threads().for_each(|thread| thread.life.end.cancel());
        let ended = join_all(threads().map(|thread| thread.life.ended.cancelled()));
        let _ = timeout(END, ended).await;
    }

    /// Returns once each of them has come to it. Cancelling it changes nothing.
    pub(super) async fn answer(&self) {
        for runtime in self.0.iter().filter_map(|thread| thread.runtime.as_ref()) {
            let _ = runtime.spawn(async {}).await;
        }
    }
}

impl Thread {
    fn new(runtime: Option<Handle>) -> Self {
        Self { runtime, residents: AtomicUsize::new(0), life: Life::default() }
    }

    fn start(number: usize) -> io::Result<Self> {
        let runtime = Builder::new_current_thread().enable_all().build()?;
        let this = Self::new(Some(runtime.handle().clone()));
        let (end, ended) = (this.life.end.clone(), this.life.ended.clone().drop_guard());
        thread::Builder::new().name(format!("sessions-{number}")).spawn(move || {
            runtime.block_on(end.cancelled());
            // What is not done is dropped, which resets what was cut short.
            runtime.shutdown_background();
            drop(ended);
        })?;
        Ok(this)
    }
}

impl Home {
    /// Has a task done there.
    pub(super) fn spawn(&self, tasks: &TaskTracker, task: impl Future<Output = ()> + Send + 'static) {
        match &self.0.threads.0[self.0.at].runtime {
            Some(runtime) => drop(tasks.spawn_on(task, runtime)),
            None => drop(tasks.spawn(task)),
        }
    }

    /// Whether it is on the caller's thread.
    pub(super) fn is_here(&self) -> bool {
        self.0.threads.0[self.0.at].runtime.as_ref().is_none_or(|runtime| runtime.id() == Handle::current().id())
    }

    /// Which thread it is on, counted from 0.
    pub(super) fn at(&self) -> usize {
        self.0.at
    }

    /// Tells whoever came for the session that lived here that it has moved.
    pub(super) fn leave(&self) {
        self.0.has_left.store(true, Ordering::Relaxed);
    }

    /// Whether the session that lived here has moved.
    pub(super) fn has_left(&self) -> bool {
        self.0.has_left.load(Ordering::Relaxed)
    }
}

/// A task that is done at one home, and goes on at the next when that changes.
pub(super) type Moving = Pin<Box<dyn Future<Output = ()> + Send>>;

/// Has a task done at a home, and from the next change on at that one.
pub(super) fn follow(mut home: watch::Receiver<Home>, tasks: &TaskTracker, mut task: Moving) {
    let (here, again) = (home.borrow_and_update().clone(), tasks.clone());
    here.spawn(tasks, async move {
        let moves = tokio::select! {
            biased;
            () = &mut task => false,
            moves = home.changed() => moves.is_ok(),
        };
        if moves {
            follow(home, &again, task);
        }
    });
}

impl Drop for Resident {
    fn drop(&mut self) {
        self.threads.0[self.at].residents.fetch_sub(1, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests;
