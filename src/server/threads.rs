//! The threads of a server. Each session lives on one, with all that is done for it, visitors' connections included: a hop
//! between threads costs more than what is done.

use std::io;
use std::num::NonZero;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;
use std::time::Duration;

use futures_util::future::join_all;
use tokio::runtime::{Builder, Handle};
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

/// How long threads may take to end.
const END: Duration = Duration::from_secs(1);

/// Threads that sessions are spread over. They end with the last clone.
#[derive(Clone, Debug)]
pub struct Threads(Arc<[Arc<Thread>]>);

#[derive(Debug)]
struct Thread {
    /// None is wherever somebody asks for something to be done.
    runtime: Option<Handle>,
    residents: AtomicUsize,
    /// How many exchanges of all sessions wait for their answers.
    asking: Arc<AtomicUsize>,
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

/// Where a session lives, or a connection.
#[derive(Clone, Debug)]
pub(super) struct Home(Arc<Resident>);

/// Counts for its thread until it is dropped.
#[derive(Debug)]
struct Resident(Arc<Thread>);

impl Default for Threads {
    /// No thread but the caller's: everything is done on the runtime that asks for it.
    fn default() -> Self {
        Self([Arc::new(Thread::new(None, Arc::default()))].into())
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
        let asking = Arc::default();
        let threads =
            (1..=number.get()).map(|number| Thread::start(number, Arc::clone(&asking))).collect::<io::Result<_>>()?;
        Ok(Self(threads))
    }

    /// Whether there is but the caller's.
    pub(super) fn are_one(&self) -> bool {
        self.0.len() == 1
    }

    /// A home on the thread that has the fewest residents.
    pub(super) fn settle(&self) -> Home {
        let residents = |thread: &&Arc<Thread>| thread.residents.load(Ordering::Relaxed);
        let thread = self.0.iter().min_by_key(residents).expect("there is one at least");
        thread.residents.fetch_add(1, Ordering::Relaxed);
        Home(Arc::new(Resident(Arc::clone(thread))))
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
    fn new(runtime: Option<Handle>, asking: Arc<AtomicUsize>) -> Self {
        Self { runtime, residents: AtomicUsize::new(0), asking, life: Life::default() }
    }

    fn start(number: usize, asking: Arc<AtomicUsize>) -> io::Result<Arc<Self>> {
        let runtime = Builder::new_current_thread().enable_all().build()?;
        let this = Self::new(Some(runtime.handle().clone()), asking);
        let (end, ended) = (this.life.end.clone(), this.life.ended.clone().drop_guard());
        thread::Builder::new().name(format!("sessions-{number}")).spawn(move || {
            runtime.block_on(end.cancelled());
            // What is not done is dropped, which resets what was cut short.
            runtime.shutdown_background();
            drop(ended);
        })?;
        Ok(Arc::new(this))
    }
}

impl Home {
    /// Has a task done there.
    pub(super) fn spawn(&self, tasks: &TaskTracker, task: impl Future<Output = ()> + Send + 'static) {
        match &self.0.0.runtime {
            Some(runtime) => drop(tasks.spawn_on(task, runtime)),
            None => drop(tasks.spawn(task)),
        }
    }

    /// How many exchanges of all sessions wait for their answers.
    pub(super) fn asking(&self) -> &Arc<AtomicUsize> {
        &self.0.0.asking
    }
}

impl Drop for Resident {
    fn drop(&mut self) {
        self.0.residents.fetch_sub(1, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use std::thread::current;

    use tokio::sync::oneshot;

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
