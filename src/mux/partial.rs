//! Who waits for a frame of which a part has come.

use std::task::Context;

use super::flow::Wakes;

/// Those who are told of a frame's parts. It is cut wherever what brought it was full, and the rest is there already as a rule,
/// with whoever hands the bytes on: so they are told of all of it at once, and of a part only where that had another turn, and
/// nothing came.
#[derive(Default)]
pub(super) struct Partial {
    wakes: Wakes,
    /// There was another turn.
    has_waited: bool,
}

impl Partial {
    /// A part has come, of which these are to be told.
    pub(super) fn came(&mut self, wakes: Wakes, is_last: bool) {
        self.wakes.add(wakes);
        self.has_waited = false;
        if is_last {
            self.end();
        }
    }

    /// Nothing more is there.
    pub(super) fn wait(&mut self, cx: &Context<'_>) {
        if self.has_waited {
            self.end();
        } else if !self.wakes.is_empty() {
            self.has_waited = true;
            cx.waker().wake_by_ref();
        }
    }

    /// Nothing is waited for any more.
    pub(super) fn end(&mut self) {
        self.has_waited = false;
        std::mem::take(&mut self.wakes).wake();
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::sync::atomic::{AtomicBool, Ordering};
    use std::task::{Wake, Waker};

    use super::*;

    #[derive(Default)]
    struct Told(AtomicBool);

    impl Wake for Told {
        fn wake(self: Arc<Self>) {
            self.0.store(true, Ordering::Relaxed);
        }
    }

    /// The stream goes to another task between two parts of a frame.
    #[test]
    fn who_waits_last_is_told() {
        let (mut partial, tasks) = (Partial::default(), [Arc::<Told>::default(), Arc::default()]);
        for (task, is_last) in tasks.iter().zip([false, true]) {
            let reader = Some(Waker::from(Arc::clone(task)));
            partial.came(Wakes { reader, ..Wakes::default() }, is_last);
        }
        assert!(tasks[1].0.load(Ordering::Relaxed));
    }
}
