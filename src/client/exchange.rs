//! One stream: joined to a connection of its own to the target, or answered for it.

use std::sync::Arc;

use tokio::io::AsyncWriteExt;

use super::Event;
use super::flow::Flow;
use super::join::{Outcome, join};
use super::target::Connector;
use super::v1::refuse;
use crate::mux;
use crate::wire::v2;

/// The type of a TLS record that alerts, which is what a TLS server answers plain HTTP with. (RFC 8446, section 5.1)
const TLS_ALERT: u8 = 21;

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
}

impl Exchange {
    /// Lives as long as the stream and the connection do.
    pub(super) async fn serve(self, mut stream: mux::Stream) {
        let mut target = match self.target.connect().await {
            Ok(target) => target,
            Err(cause) => {
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
        let flow = self.flow.stream();
        if join(&mut stream, &mut target, &flow, first).await == Outcome::Cut {
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
