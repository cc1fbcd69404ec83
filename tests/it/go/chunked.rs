//! Chunked bodies by hand over TCP, for only so can be seen what comes in one piece with what.

use std::io;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::sync::oneshot;

/// How much a Go connection reads at a time, where the reader does not ask for more.
const BUFFER: usize = 4096;

/// A connection's incoming bytes, read a buffer at a time.
pub(super) struct Buffered {
    io: OwnedReadHalf,
    buffer: Vec<u8>,
}

impl Buffered {
    pub(super) fn new(io: OwnedReadHalf) -> Self {
        Self { io, buffer: Vec::new() }
    }

    async fn fill(&mut self) -> io::Result<()> {
        let mut more = [0; BUFFER];
        match self.io.read(&mut more).await? {
            0 => Err(io::ErrorKind::UnexpectedEof.into()),
            read => {
                self.buffer.extend_from_slice(&more[..read]);
                Ok(())
            }
        }
    }

    fn has_line(&self) -> bool {
        self.buffer.contains(&b'\n')
    }

    /// The next line without its end.
    pub(super) async fn line(&mut self) -> io::Result<String> {
        loop {
            if let Some(end) = self.buffer.iter().position(|byte| *byte == b'\n') {
                let line: Vec<u8> = self.buffer.drain(..=end).collect();
                return Ok(String::from_utf8_lossy(&line).trim_end().to_owned());
            }
            self.fill().await?;
        }
    }

    /// At least one byte: what is buffered, or else what one read of the connection gives.
    async fn some(&mut self, out: &mut [u8]) -> io::Result<usize> {
        if self.buffer.is_empty() {
            if out.len() >= BUFFER {
                return match self.io.read(out).await? {
                    0 => Err(io::ErrorKind::UnexpectedEof.into()),
                    read => Ok(read),
                };
            }
            self.fill().await?;
        }
        let part = out.len().min(self.buffer.len());
        out[..part].copy_from_slice(&self.buffer[..part]);
        self.buffer.drain(..part);
        Ok(part)
    }

    /// Exactly `len` bytes, as text.
    pub(super) async fn text(&mut self, len: usize) -> io::Result<String> {
        while self.buffer.len() < len {
            self.fill().await?;
        }
        let text: Vec<u8> = self.buffer.drain(..len).collect();
        Ok(String::from_utf8_lossy(&text).into_owned())
    }

    /// The first line of a chunked body; whatever comes after it stays unread.
    pub(super) async fn chunk_line(&mut self) -> io::Result<String> {
        self.line().await?;
        self.line().await
    }

    pub(super) fn into_connection(self) -> OwnedReadHalf {
        self.io
    }

    /// Waits for the connection's end, and lets pass what comes before.
    pub(super) async fn drain(mut self) {
        while self.fill().await.is_ok() {
            self.buffer.clear();
        }
    }
}

enum Place {
    Size,
    Data(usize),
    DataEnd,
    End,
}

/// Reads a chunked body as Go does: what has arrived is taken at once, the end of the body included.
pub(super) struct Reader {
    below: Buffered,
    place: Place,
    /// Tells by being dropped that the body is no longer read.
    _done: oneshot::Sender<()>,
}

impl Reader {
    /// A reader, and what tells by an error that it is no more.
    pub(super) fn new(below: Buffered) -> (Self, oneshot::Receiver<()>) {
        let (done, ended) = oneshot::channel();
        (Self { below, place: Place::Size, _done: done }, ended)
    }

    /// Some bytes, and whether they are the last. Waits while it has nothing, or less than the chunk that it is in.
    pub(super) async fn read(&mut self, out: &mut [u8]) -> io::Result<(usize, bool)> {
        let mut read = 0;
        loop {
            match self.place {
                Place::End => return Ok((read, true)),
                Place::Size if read > 0 && !self.below.has_line() => return Ok((read, false)),
                Place::Size => self.begin_chunk().await?,
                Place::DataEnd if read > 0 && self.below.buffer.len() < 2 => return Ok((read, false)),
                Place::DataEnd => {
                    if self.below.line().await?.is_empty() {
                        self.place = Place::Size;
                    } else {
                        return Err(io::Error::new(io::ErrorKind::InvalidData, "a chunk is longer than it says"));
                    }
                }
                Place::Data(_) if read == out.len() => return Ok((read, false)),
                Place::Data(left) => {
                    let room = left.min(out.len() - read);
                    let part = self.below.some(&mut out[read..read + room]).await?;
                    read += part;
                    self.place = if part == left { Place::DataEnd } else { Place::Data(left - part) };
                }
            }
        }
    }

    async fn begin_chunk(&mut self) -> io::Result<()> {
        let line = self.below.line().await?;
        let size = usize::from_str_radix(&line, 16).map_err(|_| io::Error::new(io::ErrorKind::InvalidData, line))?;
        if size > 0 {
            self.place = Place::Data(size);
            return Ok(());
        }
        while !self.below.line().await?.is_empty() {}
        self.place = Place::End;
        Ok(())
    }

    /// A line of the body, its end included.
    pub(super) async fn line(&mut self) -> io::Result<String> {
        let mut line = String::new();
        while !line.ends_with('\n') {
            let mut byte = [0];
            match self.read(&mut byte).await? {
                (1, _) => line.push(byte[0].into()),
                _ => return Err(io::ErrorKind::UnexpectedEof.into()),
            }
        }
        Ok(line)
    }
}

/// Writes a chunked body, each piece at once.
pub(super) struct Writer(OwnedWriteHalf);

impl Writer {
    pub(super) fn new(io: OwnedWriteHalf) -> Self {
        Self(io)
    }

    pub(super) async fn write(&mut self, bytes: &[u8]) -> io::Result<()> {
        let mut chunk = format!("{:x}\r\n", bytes.len()).into_bytes();
        chunk.extend_from_slice(bytes);
        chunk.extend_from_slice(b"\r\n");
        self.0.write_all(&chunk).await
    }

    /// Ends the body. The connection stays as it is.
    pub(super) async fn end(mut self) -> io::Result<()> {
        let ended = self.0.write_all(b"0\r\n\r\n").await;
        self.0.forget();
        ended
    }
}
