//! One end of a connection that a test plays itself, byte by byte, and the heads that pass there.

use std::panic::Location;
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::timeout;

use crate::world::PATIENCE;

/// One end of a connection.
pub(crate) struct Peer<S = TcpStream> {
    stream: S,
    /// What has come and was not yet asked for.
    ahead: Vec<u8>,
}

/// How what came from the other end ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum End {
    /// As TCP says that all is said.
    Closed,
    /// By a reset.
    Reset,
}

impl<S: AsyncRead + AsyncWrite + Unpin> Peer<S> {
    pub(crate) fn new(stream: S) -> Self {
        Self { stream, ahead: Vec::new() }
    }

    /// The connection, of which nothing has been read.
    pub(crate) fn into_stream(self) -> S {
        assert_eq!(self.ahead, b"", "nothing was read");
        self.stream
    }

    #[track_caller]
    pub(crate) fn send(&mut self, bytes: impl AsRef<[u8]>) -> impl Future<Output = ()> {
        let caller = Location::caller();
        async move {
            let sent = async {
                self.stream.write_all(bytes.as_ref()).await?;
                self.stream.flush().await
            };
            let sent = timeout(PATIENCE, sent).await.unwrap_or_else(|_| panic!("{caller}: nobody reads"));
            sent.unwrap_or_else(|cause| panic!("{caller}: cannot send: {cause}"));
        }
    }

    /// Sends to somebody who may have gone; whether it could be sent.
    pub(crate) async fn try_send(&mut self, bytes: impl AsRef<[u8]>) -> bool {
        let sent = timeout(PATIENCE, self.stream.write_all(bytes.as_ref())).await;
        sent.is_ok_and(|sent| sent.is_ok())
    }

    /// Everything up to the first `mark`, with it.
    #[track_caller]
    pub(crate) fn until(&mut self, mark: &str) -> impl Future<Output = String> {
        let (caller, mark) = (Location::caller(), mark.as_bytes().to_vec());
        async move {
            loop {
                let found = self.ahead.windows(mark.len()).position(|window| window == mark);
                if let Some(at) = found {
                    return String::from_utf8(self.take(at + mark.len())).expect("text");
                }
                self.fill(caller).await;
            }
        }
    }

    /// The next head.
    #[track_caller]
    pub(crate) fn head(&mut self) -> impl Future<Output = Head> {
        let text = self.until("\r\n\r\n");
        async move { Head::parse(&text.await) }
    }

    /// As many bytes as `wanted` has, which have to be those.
    #[track_caller]
    pub(crate) fn expect(&mut self, wanted: impl AsRef<[u8]>) -> impl Future<Output = ()> {
        let caller = Location::caller();
        async move {
            let wanted = wanted.as_ref();
            while self.ahead.len() < wanted.len() {
                self.fill(caller).await;
            }
            let came = self.take(wanted.len());
            assert!(came == wanted, "{caller}: not `{}` came, but `{}`", text(wanted), text(&came));
        }
    }

    /// What comes until the other end sends no more, and how that was.
    #[track_caller]
    pub(crate) fn rest(&mut self) -> impl Future<Output = (String, End)> {
        let caller = Location::caller();
        async move {
            let read = timeout(PATIENCE, self.stream.read_to_end(&mut self.ahead)).await;
            let read = read.unwrap_or_else(|_| panic!("{caller}: no end came, but `{}`", text(&self.ahead)));
            let end = if read.is_ok() { End::Closed } else { End::Reset };
            (text(&std::mem::take(&mut self.ahead)), end)
        }
    }

    /// The same, where no end may come at all.
    pub(crate) async fn try_rest(&mut self) -> Option<(String, End)> {
        let read = timeout(Duration::from_secs(3), self.stream.read_to_end(&mut self.ahead)).await.ok()?;
        Some((text(&std::mem::take(&mut self.ahead)), if read.is_ok() { End::Closed } else { End::Reset }))
    }

    /// Says that no more is to come, and still listens.
    pub(crate) async fn finish(&mut self) {
        // Where it fails the other end has gone, which is for `rest` to tell.
        let _ = self.stream.shutdown().await;
    }

    /// Whether nothing comes for `time`.
    pub(crate) async fn is_silent(&mut self, time: Duration) -> bool {
        self.ahead.is_empty() && timeout(time, self.stream.read_buf(&mut self.ahead)).await.is_err()
    }

    /// Fills `block`, whose content is not kept.
    pub(crate) async fn read_block(&mut self, block: &mut [u8]) {
        let ahead = self.take(block.len().min(self.ahead.len()));
        block[..ahead.len()].copy_from_slice(&ahead);
        let read = timeout(PATIENCE, self.stream.read_exact(&mut block[ahead.len()..])).await;
        read.expect("it comes in time").expect("it comes whole");
    }

    fn take(&mut self, count: usize) -> Vec<u8> {
        self.ahead.drain(..count).collect()
    }

    async fn fill(&mut self, caller: &Location<'_>) {
        match timeout(PATIENCE, self.stream.read_buf(&mut self.ahead)).await {
            Ok(Ok(1..)) => {}
            end => panic!("{caller}: more was awaited, but {end:?} after `{}`", text(&self.ahead)),
        }
    }
}

impl Peer {
    /// Resets the connection.
    pub(crate) fn cut(self) {
        self.stream.set_zero_linger().expect("it is still open");
    }
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

/// The head of a request or an answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Head {
    /// The request line or the status line.
    pub(crate) start: String,
    /// The header lines, names in lower case, sorted by name alone: the order among equal names is kept, the one
    /// among different names says nothing.
    pub(crate) lines: Vec<String>,
}

impl Head {
    pub(crate) fn parse(text: &str) -> Self {
        let mut lines = text.trim_end().split("\r\n");
        let start = lines.next().unwrap_or_default().to_owned();
        let header = |line: &str| {
            let (name, value) = line.split_once(':').unwrap_or_else(|| panic!("`{line}` is no header"));
            format!("{}: {}", name.to_ascii_lowercase(), value.trim())
        };
        let mut lines: Vec<String> = lines.map(header).collect();
        lines.sort_by(|a, b| a.split(':').next().cmp(&b.split(':').next()));
        Self { start, lines }
    }

    pub(crate) fn value(&self, name: &str) -> Option<&str> {
        self.lines.iter().find_map(|line| line.strip_prefix(name)?.strip_prefix(": "))
    }

    /// The status code.
    pub(crate) fn status(&self) -> &str {
        self.start.split(' ').nth(1).unwrap_or_default()
    }

    /// Takes a line out; whether it was there.
    pub(crate) fn take(&mut self, line: &str) -> bool {
        let at = self.lines.iter().position(|other| other == line);
        at.map(|at| self.lines.remove(at)).is_some()
    }
}
