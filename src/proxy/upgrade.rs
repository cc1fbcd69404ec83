//! After a 101: bytes both ways until both sides have ended.

use hyper::upgrade::OnUpgrade;
use hyper_util::rt::TokioIo;
use tokio::io::copy_bidirectional_with_sizes;
use tokio_util::io::{InspectReader, InspectWriter};

use super::{Breaker, Meter};

/// What is read at a time, each way. A WebSocket's messages are small and its connections many.
const BUFFER: usize = 16 * 1024;

/// Joins a visitor's connection to a target's. Ends when both directions have, each in its own time; a cut on either
/// side is a cut on the other. Exempt from timers: people leave such connections open for days.
pub(super) async fn splice(visitor: OnUpgrade, target: OnUpgrade, breaker: Breaker, meter: Meter, _guard: impl Send) {
    let Ok((visitor, target)) = tokio::try_join!(visitor, target) else {
        breaker.trip();
        return;
    };
    let counted = |add: fn(&Meter, usize)| {
        let meter = meter.clone();
        move |bytes: &[u8]| add(&meter, bytes.len())
    };
    let visitor = InspectWriter::new(TokioIo::new(visitor), counted(Meter::add_down));
    let mut visitor = InspectReader::new(visitor, counted(Meter::add_up));
    let mut target = TokioIo::new(target);
    // Dropped before the two connections are, wherever this ends.
    let mut ending = Ending { breaker, whole: false };
    let copied = copy_bidirectional_with_sizes(&mut visitor, &mut target, BUFFER, BUFFER).await;
    ending.whole = copied.is_ok();
    if copied.is_ok() {
        meter.end();
    }
}

/// Trips the breaker by drop unless both directions have ended.
struct Ending {
    breaker: Breaker,
    whole: bool,
}

impl Drop for Ending {
    fn drop(&mut self) {
        if !self.whole {
            self.breaker.trip();
        }
    }
}
