//! Sends a request again, as it was or edited, over a connection that somebody else made, and sees its answer like any
//! other. Follows nothing.

use std::io;
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, split};
use tokio::time::{sleep, timeout};

use super::exchange::{Exchange, Id, Side};
use super::{Inspector, Tap};

/// How long nothing may move before a replay is given up.
const DEADLINE: Duration = Duration::from_secs(60);

/// How long a replay may take in all: an answer that goes on for ever, such as a stream of events, is not waited for.
const LONGEST: Duration = Duration::from_secs(300);

/// What becomes of an answer that is longer.
const ENDLESS: &str = "the replay was given up: the answer had no end within 5 min";

/// What is written and read at a time.
const PIECE: usize = 16 * 1024;

/// A request that is to be sent: by default all that is known of one that was seen.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Replay {
    /// Its method.
    pub method: Vec<u8>,
    /// Its path and query.
    pub path: Vec<u8>,
    /// Names and values of its headers, in their order. Lengths and transfer codings in them are not sent, for these
    /// follow from the body.
    pub headers: Vec<(Vec<u8>, Vec<u8>)>,
    /// Its body.
    pub body: Vec<u8>,
}

impl Replay {
    /// The request of an exchange, as much as was kept of it.
    #[must_use]
    pub fn of(exchange: &Exchange) -> Self {
        let request = &exchange.request;
        Self {
            method: request.method().to_vec(),
            path: request.path().to_vec(),
            headers: request.headers().map(|(name, value)| (name.to_vec(), value.to_vec())).collect(),
            body: request.body.kept.clone(),
        }
    }

    /// Its bytes: the headers as they are, but for the length, which stands where one stood before, and the end of the
    /// connection.
    ///
    /// # Errors
    /// Of kind [`io::ErrorKind::InvalidInput`], with a sentence, where it would not be one request.
    pub fn to_bytes(&self) -> io::Result<Vec<u8>> {
        self.check()?;
        let is = |name: &[u8], other: &str| name.eq_ignore_ascii_case(other.as_bytes());
        let upgrades = self.headers.iter().any(|(name, _)| is(name, "upgrade"));
        let mut head = [&self.method[..], b" ", &self.path, b" HTTP/1.1\r\n"].concat();
        let (mut length_due, mut connection_due) = (true, true);
        let length = format!("Content-Length: {}\r\n", self.body.len());
        for (name, value) in &self.headers {
            if is(name, "content-length") || is(name, "transfer-encoding") {
                if std::mem::take(&mut length_due) {
                    head.extend_from_slice(length.as_bytes());
                }
            } else if is(name, "connection") && !upgrades {
                if std::mem::take(&mut connection_due) {
                    head.extend_from_slice(b"Connection: close\r\n");
                }
            } else {
                head.extend([&name[..], b": ", value, b"\r\n"].concat());
            }
        }
        if length_due && !self.body.is_empty() {
            head.extend_from_slice(length.as_bytes());
        }
        if connection_due && !upgrades {
            head.extend_from_slice(b"Connection: close\r\n");
        }
        head.extend_from_slice(b"\r\n");
        head.extend_from_slice(&self.body);
        Ok(head)
    }

    fn check(&self) -> io::Result<()> {
        let wrong = |text: String| Err(io::Error::new(io::ErrorKind::InvalidInput, text));
        let shown = |bytes: &[u8]| String::from_utf8_lossy(bytes).escape_debug().to_string();
        if !is_token(&self.method) {
            return wrong(format!("`{}` is no method", shown(&self.method)));
        }
        if self.path.is_empty() || self.path.iter().any(|byte| *byte <= b' ' || *byte == 0x7f) {
            return wrong(format!("`{}` is no path: white space in it is written `%20`", shown(&self.path)));
        }
        for (name, value) in &self.headers {
            if !is_token(name) {
                return wrong(format!("`{}` is no name of a header", shown(name)));
            }
            if value.iter().any(|byte| matches!(byte, b'\r' | b'\n' | 0)) {
                return wrong(format!("the header `{}` is more than a line", shown(name)));
            }
        }
        Ok(())
    }
}

/// Whether it is what methods and names of headers are made of. (RFC 9110, section 5.6.2)
fn is_token(bytes: &[u8]) -> bool {
    let is_mark = |byte: &u8| b"!#$%&'*+-.^_`|~".contains(byte);
    !bytes.is_empty() && bytes.iter().all(|byte| byte.is_ascii_alphanumeric() || is_mark(byte))
}

/// Sends a request over a fresh connection to the target, and gives the number of the exchange that came of it, which
/// repeats the exchange `of`. How that came out stands in the store, a cut included. Takes as long as anything moves,
/// and 60 s beyond that, but 5 min at most; cancelling it cuts the exchange. An answer that goes over to another protocol is the end.
///
/// # Errors
/// Of kind [`io::ErrorKind::InvalidInput`] where the request is none; else where nothing of it could be sent.
pub async fn replay<S>(connection: S, inspector: &Inspector, request: &Replay, of: Id) -> io::Result<Id>
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    let bytes = request.to_bytes()?;
    let tap = Tap::new(inspector.clone(), Duration::ZERO, Some(of));
    let ended = timeout(LONGEST, exchange(connection, &tap, &bytes)).await;
    let ended = ended.unwrap_or_else(|late| {
        tap.give_up(ENDLESS);
        Err(late.into())
    });
    let lost = || ended.err().unwrap_or_else(|| io::ErrorKind::ConnectionAborted.into());
    tap.finish().ok_or_else(lost)
}

/// Lasts until the answer is whole, or no more of it comes.
async fn exchange(connection: impl AsyncRead + AsyncWrite + Unpin, tap: &Tap, mut request: &[u8]) -> io::Result<()> {
    let (mut from, mut to) = split(connection);
    let (mut buffer, mut flushed) = (vec![0; PIECE], false);
    while !tap.is_over() {
        let sending = async {
            if request.is_empty() {
                return to.flush().await.map(|()| 0);
            }
            to.write(&request[..request.len().min(PIECE)]).await
        };
        tokio::select! {
            sent = sending, if !flushed => {
                // Where it fails, it may have been answered all the same.
                let sent = sent.unwrap_or_default();
                tap.down(&request[..sent]);
                flushed = sent == 0;
                request = &request[sent..];
            }
            read = from.read(&mut buffer) => match read.inspect_err(|_| tap.deserted())? {
                0 => {
                    tap.ended(Side::Target);
                    return Ok(());
                }
                read => tap.up(&buffer[..read]),
            },
            () = sleep(DEADLINE) => return Err(io::ErrorKind::TimedOut.into()),
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests;
