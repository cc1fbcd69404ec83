//! One stream: joined to a connection of its own to the target, or answered for it.

use std::sync::Arc;
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::time::{Instant, timeout};

use super::Event;
use super::flow::Flow;
use super::join::{Notes, Outcome, join};
use super::target::Connector;
use super::v1::refuse;
use crate::inspect::Inspector;
use crate::mux;
use crate::wire::v2;

/// The type of a TLS record that alerts, which is what a TLS server answers plain HTTP with. (RFC 8446, section 5.1)
const TLS_ALERT: u8 = 21;

/// How long a visitor's request is waited for before it is refused, so that it can be told what was refused. It comes
/// together with its stream as a rule.
const MOMENT: Duration = Duration::from_millis(50);

/// The most that is looked at of such a request.
const MAX_SEEN: usize = 64 * 1024;

/// How the server learns that the target could not be reached.
#[derive(Clone)]
pub(super) enum Report {
    /// By a whole answer on the stream, marked with this key where the server gave one.
    Answer(Option<String>),
    /// By the stream's first byte.
    FirstByte,
}

/// What one stream needs.
#[derive(Clone)]
pub(super) struct Exchange {
    pub(super) target: Arc<Connector>,
    pub(super) on_event: Arc<dyn Fn(Event) + Send + Sync>,
    pub(super) report: Report,
    pub(super) flow: Flow,
    pub(super) inspector: Option<Inspector>,
}

impl Exchange {
    /// Lives as long as the stream and the connection do.
    pub(super) async fn serve(self, mut stream: mux::Stream) {
        let begin = Instant::now();
        let (mut target, held) = match self.target.connect().await {
            Ok(connected) => connected,
            Err(cause) => {
                if let Some(inspector) = &self.inspector {
                    let held = begin.elapsed();
                    let seen = heard(&mut stream).await;
                    inspector.unreachable(held, &cause, &seen);
                }
                (self.on_event)(Event::Target { cause });
                return self.refuse(&mut stream).await;
            }
        };
        if let Report::FirstByte = self.report
            && stream.write_all(&[v2::Outcome::Joined.to_byte()]).await.is_err()
        {
            return target.cut();
        }
        let plain = target.is_plain();
        let first = |bytes: &[u8]| {
            if plain && bytes.first() == Some(&TLS_ALERT) {
                let cause = "the destination speaks TLS; give it as `https://`".to_owned();
                (self.on_event)(Event::Target { cause });
            }
        };
        let tap = self.inspector.as_ref().map(|inspector| inspector.connection(held));
        let notes = Notes { flow: &self.flow.stream(), tap: tap.as_ref() };
        if join(&mut stream, &mut target, &notes, first).await == Outcome::Cut {
            target.cut();
        }
    }

    async fn refuse(&self, stream: &mut mux::Stream) {
        match &self.report {
            Report::Answer(fault_key) => refuse(stream, fault_key.as_deref()).await,
            Report::FirstByte => {
                // Nobody is left to hear it where it fails.
                let _ = stream.write_all(&[v2::Outcome::Refused.to_byte()]).await;
                let _ = stream.shutdown().await;
            }
        }
    }
}

/// What a visitor has said so far. Waits for 50 ms where that is nothing.
async fn heard(stream: &mut mux::Stream) -> Vec<u8> {
    let (mut heard, mut wait) = (Vec::new(), MOMENT);
    while heard.len() < MAX_SEEN {
        match timeout(wait, stream.read_buf(&mut heard)).await {
            Ok(Ok(1..)) => wait = Duration::ZERO,
            _ => break,
        }
    }
    heard
}
