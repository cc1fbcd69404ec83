//! What memory a program has while something goes on.

use std::time::Duration;

use tokio::time::interval;

use crate::program::Program;

/// How often it is looked at.
const SAMPLE: Duration = Duration::from_millis(50);

/// The most resident memory of `program`, in MiB, while `work` goes on, with what that comes to.
pub(super) async fn peak<T>(program: &Program, work: impl Future<Output = T>) -> (T, f64) {
    let (mut looks, mut most, mut work) = (interval(SAMPLE), 0.0_f64, std::pin::pin!(work));
    loop {
        tokio::select! {
            done = work.as_mut() => return (done, most.max(now(program))),
            _ = looks.tick() => most = most.max(now(program)),
        }
    }
}

/// What it has now, in MiB; nothing where the system does not tell.
pub(super) fn now(program: &Program) -> f64 {
    let kib = u32::try_from(program.memory().unwrap_or_default()).unwrap_or(u32::MAX);
    f64::from(kib) / 1024.0
}
