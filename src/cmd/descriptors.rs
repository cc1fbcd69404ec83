//! The descriptors that the system lets this process have: a connection takes one.

/// What the program itself needs of them: its input and output, the listener, files, the runtime's own, and connections
/// that are refused, of which a few are open for a moment.
const OWN: u64 = 24;

/// What a thread for sessions needs: its runtime's own, and a connection that is just handed over to it has two.
const THREAD: u64 = 6;

/// Has the system give as many as may be had, which many do only where they are asked, and says for how many connections
/// that is enough. None where there is no limit, or it is not known.
#[cfg(unix)]
pub(super) fn connections(threads: usize) -> Option<usize> {
    use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
    let limit = getrlimit(Resource::Nofile);
    // Where it cannot be raised there are as many as before.
    let _ = setrlimit(Resource::Nofile, Rlimit { current: limit.maximum, ..limit });
    getrlimit(Resource::Nofile).current.map(|descriptors| beside(descriptors, threads as u64))
}

#[cfg(not(unix))]
pub(super) fn connections(_: usize) -> Option<usize> {
    None
}

/// How many are left beside the program's own.
#[cfg_attr(not(unix), expect(dead_code, reason = "nothing else tells of a limit"))]
fn beside(descriptors: u64, threads: u64) -> usize {
    // The only one is the program's own.
    let threads = if threads > 1 { THREAD.saturating_mul(threads) } else { 0 };
    usize::try_from(descriptors.saturating_sub(OWN + threads).max(1)).unwrap_or(usize::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn some_are_left_for_the_program() {
        for (descriptors, threads, expected) in
            [(0, 1, 1), (24, 1, 1), (64, 1, 40), (64, 2, 28), (1_024, 1, 1_000), (1_024, 256, 1)]
        {
            assert_eq!(beside(descriptors, threads), expected);
        }
    }
}
