//! The descriptors that the system lets this process have: a connection takes one.

/// What the program itself needs of them: its input and output, the listener, files, the runtime's own, and connections
/// that are refused, of which a few are open for a moment.
const OWN: u64 = 24;

/// Has the system give as many as may be had, which many do only where they are asked, and says for how many connections
/// that is enough. None where there is no limit, or it is not known.
#[cfg(unix)]
pub(super) fn connections() -> Option<usize> {
    use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
    let limit = getrlimit(Resource::Nofile);
    // Where it cannot be raised there are as many as before.
    let _ = setrlimit(Resource::Nofile, Rlimit { current: limit.maximum, ..limit });
    getrlimit(Resource::Nofile).current.map(beside)
}

#[cfg(not(unix))]
pub(super) fn connections() -> Option<usize> {
    None
}

/// How many are left beside the program's own.
#[cfg_attr(not(unix), expect(dead_code, reason = "nothing else tells of a limit"))]
fn beside(descriptors: u64) -> usize {
    usize::try_from(descriptors.saturating_sub(OWN).max(1)).unwrap_or(usize::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn some_are_left_for_the_program() {
        for (descriptors, expected) in [(0, 1), (24, 1), (64, 40), (1_024, 1_000)] {
            assert_eq!(beside(descriptors), expected);
        }
    }
}
