//! The swap: a handshake on a new pair of carriers, and going over to it.

use std::future::poll_fn;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use tokio::time::timeout;

use super::handshake::{Handshake, SYNACK};
use super::shared::Shared;
use super::{Incoming, Outgoing};

/// How long a handshake may take.
const DEADLINE: Duration = Duration::from_secs(10);

/// How long a fence may take. Far beyond what any backlog takes to be read, for a body that ended without one could end
/// a Go peer's session; a peer that is dead is found long before by who uses the pipe.
const FENCE: Duration = Duration::from_secs(60);

/// What most often keeps a handshake from being answered is no fault of the peer's.
const SILENT: &str =
    "the peer did not answer the handshake in time; a proxy on the way may be holding requests or answers back";

/// What a fence that never stands means.
const UNREAD: &str = "the peer has not read what it was sent in 60 s";

/// What holds back all that is written once the peer has read everything before; dropped, it lets it pass again.
pub type Raising = Pin<Box<dyn Future<Output = Box<dyn Send>> + Send>>;

/// Brings a pipe its carriers.
#[derive(Clone)]
pub struct Swapper {
    shared: Arc<Shared>,
    deadline: Duration,
    /// What raises a fence in the bytes that are written, where the pipe's user can.
    fence: Option<Arc<dyn Fn() -> Raising + Send + Sync>>,
    /// One swap at a time.
    turn: Arc<tokio::sync::Mutex<()>>,
}

/// Why a swap failed.
#[derive(Debug, thiserror::Error)]
pub enum SwapError {
    /// Nothing was given up: the old carriers go on, and another pair may be tried.
    #[error("{0}")]
    Refused(String),
    /// The peer may have gone over to the new pair, which is lost: so is the pipe.
    #[error("{0}")]
    Lost(String),
}

impl Swapper {
    pub(super) fn new(shared: Arc<Shared>) -> Self {
        Self { shared, deadline: DEADLINE, fence: None, turn: Arc::default() }
    }

    /// Has a fence raised before the old body is ended, in every swap but the first: what shows that a Go reader has
    /// nothing left to read that its end could reach it together with. The body is never ended without; one that does
    /// not stand within 60 s ends the pipe.
    #[must_use]
    pub fn with_fence(mut self, raise: impl Fn() -> Raising + Send + Sync + 'static) -> Self {
        self.fence = Some(Arc::new(raise));
        self
    }

    /// Gives handshakes another time than 10 s.
    #[must_use]
    pub fn with_deadline(mut self, deadline: Duration) -> Self {
        self.deadline = deadline;
        self
    }

    /// Whether the pipe has failed.
    #[must_use]
    pub fn is_lost(&self) -> bool {
        self.shared.lock().failed.is_some()
    }

    /// Ends the pipe with an error.
    pub fn fail(&self, cause: &str) {
        self.shared.fail(cause);
    }

    /// A count that grows whenever bytes pass, to find a quiet moment by.
    #[must_use]
    pub fn activity(&self) -> u64 {
        self.shared.activity()
    }

    /// Shakes hands over a new pair of carriers and goes over to it. Takes 10 s at most, and 60 s more where there is a
    /// fence, after the swaps before it.
    /// Cancelling it before the peer can have gone over leaves the old pair in place; after that it ends the pipe.
    ///
    /// # Errors
    /// [`SwapError::Refused`] leaves the pipe as it was, [`SwapError::Lost`] ends it.
    pub async fn swap(&self, incoming: Incoming, outgoing: Outgoing) -> Result<(), SwapError> {
        let _turn = self.turn.lock().await;
        let mut attempt = Attempt::begin(&self.shared);
        let shaken = timeout(self.deadline, attempt.shake_hands(incoming, &outgoing)).await;
        match shaken.unwrap_or_else(|_| Err(SILENT.to_owned())) {
            Ok(incoming) => attempt.go_over(incoming, outgoing, self.fence.as_deref()).await,
            Err(cause) => Err(attempt.give_up(cause)),
        }
    }
}

/// A swap under way. Dropped, it leaves the pipe as it was, or failed where that cannot be.
struct Attempt<'a> {
    shared: &'a Arc<Shared>,
    /// Our `SYNACK` is on its way: the peer may go over to the new pair.
    committed: bool,
}

impl<'a> Attempt<'a> {
    fn begin(shared: &'a Arc<Shared>) -> Self {
        shared.lock().swapping = true;
        Self { shared, committed: false }
    }

    async fn shake_hands(&mut self, mut incoming: Incoming, outgoing: &Outgoing) -> Result<Incoming, String> {
        self.shared.room_for_reader().await;
        let mut handshake = Handshake::default();
        loop {
            let chunk = poll_fn(|cx| incoming.poll_chunk(cx)).await;
            let mut bytes = chunk
                .map_err(|error| format!("a new carrier was cut during the handshake: {error}"))?
                .ok_or("a new carrier ended during the handshake")?;
            let step = handshake.advance(&mut bytes).map_err(|violation| violation.to_string())?;
            if step.send_synack {
                self.committed = true;
                outgoing.push(SYNACK);
            }
            if step.done {
                incoming.put_back(bytes);
                return Ok(incoming);
            }
        }
    }

    async fn go_over(
        mut self,
        incoming: Incoming,
        outgoing: Outgoing,
        fence: Option<&(dyn Fn() -> Raising + Send + Sync)>,
    ) -> Result<(), SwapError> {
        if !outgoing.attach(self.shared) {
            return Err(self.give_up("a new carrier was lost during the handshake".to_owned()));
        }
        let first = {
            let mut state = self.shared.lock();
            if let Some(cause) = &state.failed {
                return Err(SwapError::Lost(cause.clone()));
            }
            // The peer may be writing there already, the fence's answer among it.
            state.readers.push_back(incoming);
            state.writer.is_none()
        };
        self.shared.wake();
        let _raised = match fence.filter(|_| !first) {
            Some(raise) => Some(self.stand(raise()).await?),
            None => None,
        };
        let old = {
            let mut state = self.shared.lock();
            if let Some(cause) = &state.failed {
                return Err(SwapError::Lost(cause.clone()));
            }
            state.writer.replace(outgoing)
        };
        if let Some(old) = old {
            old.end();
        }
        self.committed = false;
        Ok(())
    }

    /// Waits until a fence stands, but not for a pipe that has failed.
    async fn stand(&self, raising: Raising) -> Result<Box<dyn Send>, SwapError> {
        let standing = async { timeout(FENCE, raising).await.ok() };
        let raised = tokio::select! {
            raised = standing => raised,
            () = self.shared.failure() => None,
        };
        // The first cause stays.
        raised.ok_or_else(|| SwapError::Lost(self.shared.fail(UNREAD).to_string()))
    }

    fn give_up(self, cause: String) -> SwapError {
        if self.committed { SwapError::Lost(cause) } else { SwapError::Refused(cause) }
    }
}

impl Drop for Attempt<'_> {
    fn drop(&mut self) {
        self.shared.lock().swapping = false;
        if self.committed {
            self.shared.fail("a carrier was lost while the peer went over to it");
        }
        self.shared.wake();
    }
}
