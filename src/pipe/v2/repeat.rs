//! What is brought to whoever asks a second time for the same: the log alone, and nothing that is said once.

use std::future::poll_fn;
use std::task::Poll;

use bytes::{Bytes, BytesMut};

use super::Carriers;
use super::reading::Change;
use super::record::{MAX_DATA, Record, data_header};
use super::shared::Shared;
use super::state::End;

impl Carriers {
    /// The turn of the newest sender.
    #[must_use]
    pub fn turn(&self) -> u64 {
        self.0.lock().turn
    }

    /// Waits until there is something of the log from `from` on, the pipe is over, or `turn` is no longer the newest.
    /// Bounded by nothing; cancelling it loses nothing.
    pub async fn until_written(&self, from: u64, turn: u64) {
        poll_fn(|cx| {
            let mut inner = self.0.lock();
            if inner.state.out.has_from(from) || inner.state.end.is_some() || inner.turn > turn {
                return Poll::Ready(());
            }
            inner.watch(cx);
            Poll::Pending
        })
        .await;
    }

    /// A complete carrier with what there is of the log from `from` on, about `most` bytes long. What batches owe is owed as
    /// before: this may be for a listener, or take the place of one that was lost.
    ///
    /// # Errors
    /// Where the log has no such offset.
    pub fn repeat(&self, from: u64, most: usize) -> Result<Bytes, String> {
        let mut inner = self.0.lock_now();
        let (state, mut bytes) = (&mut inner.state, BytesMut::new());
        let mut cursor = state.out.seek(from).map_err(|outside| outside.to_string())?;
        Record::Attached(state.inn.wanted()).encode(&mut bytes);
        Record::Ack(state.inn.read_up_to()).encode(&mut bytes);
        if let Some(End::Closed { code, text }) = &state.end {
            Record::Close { code: *code, text: text.clone() }.encode(&mut bytes);
        }
        loop {
            let left = most.saturating_sub(bytes.len()).min(MAX_DATA);
            let Some((at, data)) = state.out.read(cursor, left, state.now) else { break };
            if at > cursor {
                Record::Skip(at).encode(&mut bytes);
            }
            bytes.extend_from_slice(&data_header(data.len()));
            bytes.extend_from_slice(&data);
            cursor = at + data.len() as u64;
        }
        Record::Last(cursor).encode(&mut bytes);
        // What is sent makes room for what is to be.
        Shared::wake(inner, Change { writable: true, ..Change::default() });
        Ok(bytes.freeze())
    }
}
