//! A fence in the bytes that are sent: it stands once the peer has shown that it has read everything before it, and
//! then nothing follows until it is taken away. Against a peer like ourselves there is none: it cannot take the end of
//! a body for that of the session.

use std::future::poll_fn;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker};

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Stand {
    /// There is none: everything passes.
    #[default]
    None,
    /// It is asked for: a ping has to go out, and nothing after it.
    Asked,
    /// The ping of this number is on its way.
    Sent(u32),
    /// The ping has come back.
    Standing,
}

#[derive(Debug, Default)]
struct State {
    stand: Stand,
    /// The peer is one like ourselves.
    needless: bool,
    driver: Option<Waker>,
    owner: Option<Waker>,
}

/// Raises fences in one connection; one at a time.
#[derive(Clone, Debug, Default)]
pub struct Fence(Arc<Mutex<State>>);

/// A fence that stands until this is dropped.
#[derive(Debug)]
pub struct Raised(Fence);

impl Fence {
    // Held for a comparison, never across an await.
    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn change(&self, stand: Stand) {
        let mut state = self.state();
        state.stand = if state.needless { Stand::None } else { stand };
        let wakers = [state.driver.take(), state.owner.take()];
        drop(state);
        wakers.into_iter().flatten().for_each(Waker::wake);
    }

    /// Raises a fence. Bounded by nothing but the peer's answer, so the caller sets the deadline; cancelling it takes
    /// the fence away.
    pub async fn raise(&self) -> Raised {
        let raised = Raised(self.clone());
        self.change(Stand::Asked);
        poll_fn(|cx| {
            let mut state = self.state();
            if state.stand == Stand::Standing || state.needless {
                return Poll::Ready(());
            }
            state.owner = Some(cx.waker().clone());
            Poll::Pending
        })
        .await;
        raised
    }

    /// [`raise`](Self::raise), for one who does not know what a fence is.
    #[must_use]
    pub fn boxed(self) -> Pin<Box<dyn Future<Output = Box<dyn Send>> + Send>> {
        Box::pin(async move { Box::new(self.raise().await) as Box<dyn Send> })
    }

    /// Whether a ping has to go out now; `number` is what it will be.
    pub(super) fn takes_ping(&self, number: u32) -> bool {
        let mut state = self.state();
        let asked = state.stand == Stand::Asked;
        if asked {
            state.stand = Stand::Sent(number);
        }
        asked
    }

    /// Whether nothing may go out: the fence's ping has, and has to be the last.
    pub(super) fn holds(&self) -> bool {
        matches!(self.state().stand, Stand::Sent(_) | Stand::Standing)
    }

    /// Whether the peer's ping may be answered. A peer waits no longer for that than 10 s, which a fence may take as
    /// well: until it stands there is still time, and its own ping then goes out once more, to be the last again.
    pub(super) fn lets_answer(&self) -> bool {
        let mut state = self.state();
        if let Stand::Sent(_) = state.stand {
            state.stand = Stand::Asked;
        }
        state.stand != Stand::Standing
    }

    /// The peer has turned out to be one like ourselves.
    pub(super) fn spare(&self) {
        if !std::mem::replace(&mut self.state().needless, true) {
            self.change(Stand::None);
        }
    }

    /// A ping has come back.
    pub(super) fn ponged(&self, number: u32) {
        if self.state().stand == Stand::Sent(number) {
            self.change(Stand::Standing);
        }
    }

    /// Ready where frames may pass. The driver is woken when that, or what has to be sent, changes.
    pub(super) fn poll_pass(&self, cx: &Context<'_>) -> Poll<()> {
        let mut state = self.state();
        if !state.driver.as_ref().is_some_and(|driver| driver.will_wake(cx.waker())) {
            state.driver = Some(cx.waker().clone());
        }
        if state.stand == Stand::None { Poll::Ready(()) } else { Poll::Pending }
    }
}

impl Drop for Raised {
    fn drop(&mut self) {
        self.0.change(Stand::None);
    }
}
