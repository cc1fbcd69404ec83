//! The descriptors that the system lets this process have: a connection takes one.

use std::num::NonZero;
use std::thread::available_parallelism;

/// What the program itself needs of them: its input and output, the listener, files, the runtime's own, and connections
/// that are refused, of which a few are open for a moment.
const OWN: u64 = 24;

/// What a thread for sessions needs: its runtime's own, and those of a connection that is just handed over to it.
const THREAD: u64 = 6;

/// What of the rest other servers have, where there are any: connections to them and from them, and of strangers at the listener
/// that is theirs. A part of it, and so many at most.
const OF_OTHERS: u64 = 4;
const MAX_OF_OTHERS: u64 = 512;

/// How many there have to be for each thread, unless somebody asks for more threads: connections are to have most of them.
const FOR_A_THREAD: u64 = 256;

/// Has the system give as many as may be had, which many do only where they are asked. None where there is no limit, or it
/// is not known.
#[cfg(unix)]
pub(super) fn raise() -> Option<u64> {
    use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
    let limit = getrlimit(Resource::Nofile);
    // Where it cannot be raised there are as many as before.
    let _ = setrlimit(Resource::Nofile, Rlimit { current: limit.maximum, ..limit });
    getrlimit(Resource::Nofile).current
}

#[cfg(not(unix))]
pub(super) fn raise() -> Option<u64> {
    None
}

/// Over how many threads sessions are spread where nobody says it: as many as the machine has cores, if there are
/// descriptors for them.
pub(super) fn threads(descriptors: Option<u64>) -> NonZero<usize> {
    let cores = available_parallelism().unwrap_or(NonZero::<usize>::MIN);
    let most = descriptors.map_or(usize::MAX, |descriptors| usize_of(descriptors / FOR_A_THREAD));
    NonZero::new(most).map_or(NonZero::<usize>::MIN, |most| most.min(cores))
}

/// How many are left for visitors and clients beside the program's own, those of so many threads, and those of other servers.
pub(super) fn beside(descriptors: u64, threads: NonZero<usize>, has_others: bool) -> usize {
    // The only one is the program's own.
    let threads = if threads.get() > 1 { THREAD.saturating_mul(threads.get() as u64) } else { 0 };
    let left = descriptors.saturating_sub(OWN + threads);
    let others = if has_others { (left / OF_OTHERS).min(MAX_OF_OTHERS) } else { 0 };
    usize_of((left - others).max(1))
}

fn usize_of(number: u64) -> usize {
    usize::try_from(number).unwrap_or(usize::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn some_are_left_for_the_program_and_its_threads() {
        for (descriptors, threads, expected) in
            [(0, 1, 1), (24, 1, 1), (64, 1, 40), (64, 2, 28), (1_024, 1, 1_000), (1_024, 256, 1)]
        {
            assert_eq!(beside(descriptors, NonZero::new(threads).unwrap(), false), expected);
        }
        for (descriptors, expected) in [(24, 1), (64, 30), (1_024, 750), (16_408, 15_872)] {
            assert_eq!(beside(descriptors, NonZero::<usize>::MIN, true), expected);
        }
    }

    #[test]
    fn where_descriptors_are_few_threads_are() {
        let cores = available_parallelism().unwrap();
        for (descriptors, most) in
            [(Some(0), 1), (Some(511), 1), (Some(512), 2), (Some(1 << 30), 1 << 22), (None, usize::MAX)]
        {
            assert_eq!(threads(descriptors), NonZero::new(most).unwrap().min(cores));
        }
    }
}
