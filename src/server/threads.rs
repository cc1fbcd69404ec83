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
mod tests {
    use std::thread::current;

    use tokio::sync::{mpsc, oneshot};
    use tokio::time::sleep;

    use super::*;

    async fn name_at(home: &Home) -> Option<String> {
        let (tell, told) = oneshot::channel();
        home.spawn(&TaskTracker::new(), async move { drop(tell.send(current().name().map(str::to_owned))) });
        told.await.unwrap()
    }

    #[tokio::test]
    async fn who_comes_goes_where_the_fewest_are() {
        let threads = Threads::start(NonZero::new(2).unwrap()).unwrap();
        let (first, second) = (threads.settle(), threads.settle());
        let third = threads.settle();
        let names = [name_at(&first).await, name_at(&second).await, name_at(&third).await];
        assert_eq!(names.map(Option::unwrap), ["sessions-1", "sessions-2", "sessions-1"]);
        // A clone is no other resident.
        let again = first.clone();
        drop((first, third));
        assert_eq!(name_at(&threads.settle()).await.unwrap(), "sessions-1");
        drop((again, second));
        assert_eq!(name_at(&threads.settle()).await.unwrap(), "sessions-1");
    }

    #[tokio::test]
    async fn a_task_goes_where_its_home_is() {
        let threads = Threads::start(NonZero::new(2).unwrap()).unwrap();
        let (tell, mut told) = mpsc::channel(1);
        let (go_on, mut goes_on) = mpsc::channel::<()>(1);
        let home = watch::Sender::new(threads.settle_at(0));
        let task = async move {
            while goes_on.recv().await.is_some() {
                tell.send(current().name().map(str::to_owned)).await.unwrap();
                // A timer that is made on one thread may run down on another.
                sleep(Duration::from_millis(1)).await;
            }
        };
        follow(home.subscribe(), &TaskTracker::new(), Box::pin(task));
        for times in 0..100 {
            let (before, after) = (times % 2, (times + 1) % 2);
            go_on.send(()).await.unwrap();
            assert_eq!(told.recv().await.unwrap().unwrap(), format!("sessions-{}", before + 1));
            home.send_replace(threads.settle_at(after)).leave();
            // Each of them has come to it, and so the task has gone.
            threads.answer().await;
        }
        drop(go_on);
        assert!(told.recv().await.is_none());
    }

    #[tokio::test]
    async fn one_is_the_callers() {
        let threads = Threads::start(NonZero::new(1).unwrap()).unwrap();
        assert!(threads.are_one());
        assert_eq!(name_at(&threads.settle()).await.as_deref(), current().name());
    }

    /// Does nothing for ever there. What is returned fails as that is dropped.
    async fn busy(threads: &Threads, also: impl Send + 'static) -> oneshot::Receiver<()> {
        let (tell, told) = oneshot::channel::<()>();
        threads.settle().spawn(&TaskTracker::new(), async move {
            std::future::pending::<()>().await;
            drop((tell, also));
        });
        threads.answer().await;
        told
    }

    #[tokio::test]
    async fn they_end_with_the_last_who_knows_them() {
        let threads = Threads::start(NonZero::new(2).unwrap()).unwrap();
        let told = busy(&threads, ()).await;
        drop(threads);
        assert!(told.await.is_err());
    }

    #[tokio::test]
    async fn what_is_done_there_has_ended_once_they_have() {
        let threads = Threads::start(NonZero::new(2).unwrap()).unwrap();
        let mut told = busy(&threads, threads.clone()).await;
        assert!(told.try_recv() == Err(oneshot::error::TryRecvError::Empty));
        threads.end().await;
        assert!(told.try_recv() == Err(oneshot::error::TryRecvError::Closed));
    }
}
