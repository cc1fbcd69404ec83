//! One stream: joined to a connection of its own to the target, or answered for it.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use tokio::io::{AsyncBufReadExt as _, AsyncReadExt, AsyncWriteExt};
use tokio::time::{Instant, timeout};

use super::Event;
use super::flow::Flow;
use super::join::{Notes, Outcome, join};
use super::target::Connector;
use super::v1::refuse;
use crate::inspect::Inspector;
use crate::mux;
use crate::wire::v2::{self, Waited};

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
    /// Whether the server says at the stream's beginning how long its visitor has waited.
    pub(super) tells_waits: bool,
}

impl Exchange {
    /// Lives as long as the stream and the connection do.
    pub(super) async fn serve(self, mut stream: mux::Stream) {
        let begin = Instant::now();
        let (mut target, held) = match self.target.connect().await {
            Ok(connected) => connected,
            Err(cause) => return self.unreachable(stream, begin.elapsed(), cause).await,
        };
        if let Report::FirstByte = self.report
            && stream.write_all(&[v2::Outcome::Joined.to_byte()]).await.is_err()
        {
            return target.cut();
        }
        // Once the outcome is told: nobody waits for each other.
        let Ok(Waited(before)) = self.waited(&mut stream).await else { return target.cut() };
        let plain = target.is_plain();
        let first = |bytes: &[u8]| {
            if plain && bytes.first() == Some(&TLS_ALERT) {
                let cause = "the destination speaks TLS; give it as `https://`".to_owned();
                (self.on_event)(Event::Target { cause, seen: false });
            }
        };
        let tap = self.inspector.as_ref().map(|inspector| inspector.connection(before + held));
        let notes = Notes { flow: &self.flow.stream(), tap: tap.as_ref() };
        if join(&mut stream, &mut target, &notes, first).await == Outcome::Cut {
            target.cut();
        }
    }

    /// How long the visitor has waited before there was this stream.
    async fn waited(&self, stream: &mut mux::Stream) -> io::Result<Waited> {
        if !self.tells_waits || stream.fill_buf().await?.first() != Some(&Waited::MARK) {
            return Ok(Waited::default());
        }
        let mut bytes = [0; Waited::LEN];
        stream.read_exact(&mut bytes).await?;
        Ok(Waited::split(&bytes).0)
    }

    /// There is no connection, which was waited for so long.
    async fn unreachable(&self, mut stream: mux::Stream, held: Duration, cause: String) {
        if let Some(inspector) = &self.inspector {
            let seen = heard(&mut stream).await;
            let split = if self.tells_waits { Waited::split(&seen) } else { (Waited::default(), &seen[..]) };
            let (Waited(before), request) = split;
            inspector.unreachable(before + held, &cause, request);
        }
        (self.on_event)(Event::Target { cause, seen: self.inspector.is_some() });
        self.refuse(&mut stream).await;
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

#[cfg(test)]
mod tests {
    use tokio::io::duplex;
    use tokio::net::TcpListener;
    use tokio_util::sync::CancellationToken;
    use tokio_util::task::TaskTracker;

    use super::super::TargetTls;
    use super::*;
    use crate::inspect::Settings;
    use crate::mux::{Upkeep, accepting, opening};

    const REQUEST: &[u8] = b"GET /x HTTP/1.1\r\nHost: a\r\n\r\n";

    /// What a target at this address sees, and how long its visitor has waited, where a stream says `said` and is served.
    async fn check(listener: Option<TcpListener>, tells_waits: bool, said: &[&[u8]], waited: u64) {
        let (near, far) = duplex(1024);
        let inspector = Inspector::new(Settings::new(|| Duration::ZERO));
        let addr = match &listener {
            Some(listener) => listener.local_addr().unwrap(),
            None => TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap(),
        };
        let target = format!("http://{addr}").parse().unwrap();
        let exchange = Exchange {
            target: Arc::new(Connector::to(target, TargetTls::Verified, Duration::ZERO).unwrap()),
            on_event: Arc::new(|_| ()),
            report: Report::FirstByte,
            flow: Flow::default(),
            inspector: Some(inspector.clone()),
            tells_waits,
        };
        let (opener, server) = opening(near, Upkeep::default(), 1);
        let tasks = TaskTracker::new();
        tasks.spawn(server.run(CancellationToken::new(), drop));
        let serving = tasks.clone();
        let accept = move |stream| drop(serving.spawn(exchange.clone().serve(stream)));
        tasks.spawn(accepting(far, Upkeep::default()).run(CancellationToken::new(), accept));
        let mut stream = opener.open().await.unwrap();
        for piece in said {
            stream.write_all(piece).await.unwrap();
            // Each is a frame of its own.
            tokio::task::yield_now().await;
        }
        if let Some(listener) = listener {
            let (mut connection, _) = listener.accept().await.unwrap();
            let mut seen = vec![0; REQUEST.len()];
            connection.read_exact(&mut seen).await.unwrap();
            assert_eq!(seen, REQUEST);
        }
        let mut outcome = [0];
        stream.read_exact(&mut outcome).await.unwrap();
        let exchange = inspector.store().get(1).expect("it has begun");
        assert_eq!((exchange.request.path(), exchange.timing.held.as_secs()), (&b"/x"[..], waited));
    }

    #[tokio::test]
    async fn what_the_server_says_of_waits_is_the_inspectors_and_not_the_targets() {
        let word = v2::Waited(Duration::from_secs(1_000)).to_bytes();
        let listener = async || Some(TcpListener::bind("127.0.0.1:0").await.unwrap());
        check(listener().await, true, &[&word, REQUEST], 1_000).await;
        check(listener().await, true, &[&[&word, REQUEST].concat()], 1_000).await;
        check(listener().await, true, &[&word[..2], &word[2..], REQUEST], 1_000).await;
        check(listener().await, true, &[REQUEST], 0).await;
        check(listener().await, false, &[REQUEST], 0).await;
        check(None, true, &[&[&word, REQUEST].concat()], 1_000).await;
    }
}
