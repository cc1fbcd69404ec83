//! Which of its threads another node serves a tunnel, or a session, on: what it has said last of that, in one header of an answer. It is
//! a guess: a wrong one costs a hop between threads there, and changes nothing else.

use std::hash::{BuildHasher as _, RandomState};
use std::num::NonZero;
use std::sync::atomic::{AtomicU16, Ordering};

use axum::body::Body;
use http::{HeaderName, Response};

use crate::cluster::NodeId;

/// On an answer, for the node alone that has passed the request on.
const THREAD: HeaderName = HeaderName::from_static("sendit-hop-thread");

/// How many guesses there are: as many as holders that are known. Two tunnels may have the same.
const MAX_GUESSES: usize = 65_536;

/// A thread of another node, counted from 1.
pub(super) type Thread = NonZero<u16>;

/// Says on which thread, counted from 0, what an answer is of is served, where that is another than the one that answers. What anybody
/// else says of it counts for nothing.
pub fn tell_thread(answer: &mut Response<Body>, at: Option<usize>) {
    match at.and_then(|at| u16::try_from(at + 1).ok()) {
        Some(thread) => drop(answer.headers_mut().insert(THREAD, thread.into())),
        None => drop(answer.headers_mut().remove(THREAD)),
    }
}

/// Takes off what is said of that.
pub(super) fn told(answer: &mut Response<Body>) -> Option<Thread> {
    answer.headers_mut().remove(THREAD)?.to_str().ok()?.parse().ok()
}

/// What is known of all nodes' threads.
pub(super) struct Guesses {
    by: RandomState,
    /// Each at the place that its name is hashed to; 0 is none.
    all: Box<[AtomicU16]>,
}

impl Default for Guesses {
    fn default() -> Self {
        Self { by: RandomState::new(), all: (0..MAX_GUESSES).map(|_| AtomicU16::new(0)).collect() }
    }
}

impl Guesses {
    pub(super) fn find(&self, node: NodeId, name: &str) -> Option<Thread> {
        Thread::new(self.at(node, name).load(Ordering::Relaxed))
    }

    pub(super) fn learn(&self, node: NodeId, name: &str, thread: Thread) {
        self.at(node, name).store(thread.get(), Ordering::Relaxed);
    }

    #[expect(clippy::cast_possible_truncation, reason = "which part of a hash is taken is all the same")]
    fn at(&self, node: NodeId, name: &str) -> &AtomicU16 {
        &self.all[self.by.hash_one((node, name)) as usize % MAX_GUESSES]
    }
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;

    use super::*;

    #[test]
    fn what_is_told_is_known_and_taken_off() {
        for (said, at, expected) in [
            (None, None, None),
            (None, Some(0), Some(1)),
            (None, Some(65_534), Some(65_535)),
            (None, Some(65_535), None),
            (Some("7"), Some(2), Some(3)),
            (Some("7"), None, None),
        ] {
            let mut answer = Response::new(Body::empty());
            answer.headers_mut().extend(said.map(|said| (THREAD, HeaderValue::from_static(said))));
            tell_thread(&mut answer, at);
            assert_eq!(told(&mut answer).map(Thread::get), expected, "{said:?} {at:?}");
            assert!(answer.headers().is_empty());
        }
    }

    #[test]
    fn no_text_is_a_thread_but_a_number() {
        for text in ["", "0", "-1", "65536", "1 ", "x"] {
            let mut answer = Response::new(Body::empty());
            answer.headers_mut().insert(THREAD, HeaderValue::from_static(text));
            assert_eq!(told(&mut answer), None, "{text}");
        }
    }

    #[test]
    fn the_last_word_counts() {
        let (guesses, node) = (Guesses::default(), NodeId::from_random([1; 8]));
        assert_eq!(guesses.find(node, "app"), None);
        for thread in [1, 2].map(|thread| Thread::new(thread).unwrap()) {
            guesses.learn(node, "app", thread);
            assert_eq!(guesses.find(node, "app"), Some(thread));
        }
    }
}
