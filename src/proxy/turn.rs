//! How much of a connection one turn of its task takes in. A turn ends where all that has come is read, and many small frames
//! may have come: everybody else would wait for the last of them.

use std::task::{Context, Poll};

use tokio::task::coop::poll_proceed;

/// For how many bytes a task gives away one of the 128 steps that it has in a turn. So it takes in 16 KiB, which as the
/// smallest frames of HTTP/2 are a millisecond of work.
const STEP: usize = 128;

/// Takes for `bytes` that were read as many steps as they are worth. Where none are left whatever heeds them reads no more,
/// and has the task woken for another turn.
pub(crate) fn spend(bytes: usize, cx: &mut Context<'_>) {
    for _ in 0..bytes / STEP {
        match poll_proceed(cx) {
            Poll::Ready(step) => step.made_progress(),
            Poll::Pending => return,
        }
    }
}
