//! Takes in what one carrier of the other direction brings.

use std::error::Error;
use std::future::poll_fn;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http_body::Body;
use tokio::time::Instant;

use super::alarm::Alarm;
use super::log::Refused;
use super::reading::{Reading, Violation};
use super::record::{Parser, Record};
use super::sender::TRIAL_PINGS;
use super::shared::Shared;
use super::state::End;

/// How long a carrier may be silent before it is dead.
const SILENCE: Duration = Duration::from_secs(15);

/// Reads one carrier.
pub struct Receiver {
    shared: Arc<Shared>,
    reading: Reading,
    life: Life,
}

/// What of a carrier is a sign that the peer lives.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Life {
    /// Each byte.
    Bytes,
    /// What is new, for whoever has seen the carrier can bring it again.
    News,
    Nothing,
}

/// How a carrier ended.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum Broken {
    /// It was cut, or fell silent, before it said that it ends. Nothing is lost by it.
    #[error("{0}")]
    Cut(String),
    /// What it brought comes too early: the carrier has to begin at this offset.
    #[error("the log is wanted from {0}")]
    Gap(u64),
    /// It broke the protocol, which has ended the pipe.
    #[error("{0}")]
    Violation(String),
}

impl Receiver {
    pub(super) fn new(shared: Arc<Shared>, from: u64) -> Self {
        Self { shared, reading: Reading::new(from), life: Life::Bytes }
    }

    pub(super) fn repeatable(shared: Arc<Shared>, from: u64) -> Self {
        Self { life: Life::News, ..Self::new(shared, from) }
    }

    pub(super) fn trial(shared: Arc<Shared>) -> Self {
        Self { shared, reading: Reading::trial(), life: Life::Nothing }
    }

    /// Takes in some of the carrier's bytes.
    ///
    /// # Errors
    /// Where they cannot be taken.
    pub fn take(&mut self, bytes: Bytes) -> Result<(), Broken> {
        let had_news = self.reading.has_news();
        if self.life == Life::Bytes {
            self.shared.note_heard();
        }
        let mut inner = self.shared.lock_now();
        let (change, taken) = self.reading.take(&mut inner.state, bytes);
        Shared::wake(inner, change);
        if self.life == Life::News && !had_news && self.reading.has_news() {
            self.shared.note_heard();
        }
        match taken {
            Ok(()) => Ok(()),
            Err(Violation::Refused(Refused::Gap { wanted })) => Err(Broken::Gap(wanted)),
            // A trial's head may have been repeated by somebody who does not know the session's secret.
            Err(violation) if self.reading.is_trial() => Err(Broken::Cut(violation.to_string())),
            Err(violation) => {
                let cause = format!("the peer broke the protocol: {violation}");
                self.shared.end(End::Failed(cause.clone()));
                Err(Broken::Violation(cause))
            }
        }
    }

    /// Whether the carrier has brought anything that was not known. One that comes a second time does not.
    #[must_use]
    pub fn has_news(&self) -> bool {
        self.reading.has_news()
    }

    /// Whether the carrier said that it ended in order.
    #[must_use]
    pub fn is_complete(&self) -> bool {
        self.reading.is_complete()
    }

    /// Reads a carrier to its end. Bounded by 15 s of silence; cancelling it loses nothing, for the other end keeps
    /// what was not acknowledged.
    ///
    /// # Errors
    /// Where it did not end in order.
    pub async fn read<B>(&mut self, body: B) -> Result<(), Broken>
    where
        B: Body<Data = Bytes>,
        B::Error: Into<Box<dyn Error + Send + Sync>>,
    {
        self.read_within(body, SILENCE).await
    }

    /// The same with another bound on its silence.
    ///
    /// # Errors
    /// Where it did not end in order.
    pub async fn read_within<B>(&mut self, body: B, silence: Duration) -> Result<(), Broken>
    where
        B: Body<Data = Bytes>,
        B::Error: Into<Box<dyn Error + Send + Sync>>,
    {
        let (mut body, mut alarm) = (pin!(body), Alarm::after(silence));
        loop {
            let frame = tokio::select! {
                biased;
                frame = next_frame(body.as_mut()) => frame,
                () = poll_fn(|cx| alarm.poll(cx)) => {
                    return Err(Broken::Cut("nothing has come through for some time".to_owned()));
                }
            };
            alarm.set(Instant::now() + silence);
            match frame {
                Some(Ok(frame)) => self.take(frame.into_data().unwrap_or_default())?,
                Some(Err(cause)) => {
                    tracing::debug!(cause = %cause.into(), "a carrier was cut");
                    return Err(Broken::Cut("the connection was cut".to_owned()));
                }
                None if self.is_complete() => return Ok(()),
                None => return Err(Broken::Cut("the connection ended early".to_owned())),
            }
        }
    }
}

/// Reads a trial until all of its pings have come.
///
/// # Errors
/// Where it is no trial, or ends before. Bounded by nothing but the caller's deadline; cancelling it loses nothing.
pub async fn pings<B>(body: B) -> Result<(), Broken>
where
    B: Body<Data = Bytes>,
    B::Error: Into<Box<dyn Error + Send + Sync>>,
{
    let (mut body, mut parser, mut left) = (pin!(body), Parser::default(), TRIAL_PINGS);
    while left > 0 {
        let frame = next_frame(body.as_mut()).await.and_then(Result::ok);
        let frame = frame.ok_or_else(|| Broken::Cut("a streaming answer ended early".to_owned()))?;
        let mut bytes = frame.into_data().unwrap_or_default();
        while let Some(record) = parser.next(&mut bytes).map_err(|cause| Broken::Cut(cause.to_string()))? {
            left = left.saturating_sub(u32::from(matches!(record, Record::Ping(_))));
        }
    }
    Ok(())
}

async fn next_frame<B: Body>(mut body: Pin<&mut B>) -> Option<Result<http_body::Frame<B::Data>, B::Error>> {
    poll_fn(|cx| body.as_mut().poll_frame(cx)).await
}
