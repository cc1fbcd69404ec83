//! Large bodies, one at a time: from a target of ours, which knows each byte, to a visitor of ours, who does too. Both
//! compare blocks as they are, which costs the machine next to nothing.

use std::io::{self, BufReader, Read, Write as _};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::time::Duration;

use anyhow::{Context as _, Result, ensure};

use super::candidate::Running;
use super::cost;

/// How long a body is.
const LENGTH: u32 = 128 * 1024 * 1024;

/// How often one is sent, after one that does not count.
const TIMES: u32 = 4;

/// How long an end waits for the next byte.
const PATIENCE: Duration = Duration::from_secs(30);

/// What bodies are made of.
const BLOCK: usize = 64 * 1024;

fn block() -> Vec<u8> {
    (0..BLOCK).map(|at| (at.wrapping_mul(2_654_435_761) >> 16).to_le_bytes()[0]).collect()
}

/// What large bodies came to.
pub(super) struct Flow {
    /// Bytes a second.
    pub(super) rate: f64,
    /// CPU seconds a byte.
    pub(super) cpu_per_byte: f64,
}

/// Answers `GET` with a body and `POST` with how much of the right one came.
pub(super) struct BulkTarget(SocketAddr);

impl BulkTarget {
    pub(super) fn start() -> Result<Self> {
        let listener = TcpListener::bind("127.0.0.1:0")?;
        let address = listener.local_addr()?;
        // Threads of this process, which ends soon enough.
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                std::thread::spawn(move || drop(serve(&stream)));
            }
        });
        Ok(Self(address))
    }

    pub(super) fn address(&self) -> SocketAddr {
        self.0
    }
}

fn serve(stream: &TcpStream) -> io::Result<()> {
    stream.set_nodelay(true)?;
    stream.set_read_timeout(Some(PATIENCE))?;
    let mut reader = BufReader::with_capacity(BLOCK, stream);
    while let Some(head) = head(&mut reader)? {
        if head.is_get {
            write!(&*stream, "HTTP/1.1 200 OK\r\nContent-Length: {LENGTH}\r\n\r\n")?;
            send_body(stream)?;
        } else {
            let right = receive_body(&mut reader, head.length)?;
            let text = right.to_string();
            write!(&*stream, "HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n{text}", text.len())?;
        }
    }
    Ok(())
}

struct Head {
    is_get: bool,
    length: usize,
}

/// Reads a head, of which only the method and the length matter; none where the connection has ended.
fn head(reader: &mut impl io::BufRead) -> io::Result<Option<Head>> {
    let (mut lines, mut line) = (Vec::new(), String::new());
    loop {
        line.clear();
        if reader.read_line(&mut line)? == 0 {
            return Ok(None);
        }
        if line.trim_end().is_empty() {
            break;
        }
        lines.push(line.trim_end().to_ascii_lowercase());
    }
    let length = lines.iter().find_map(|line| line.strip_prefix("content-length:")?.trim().parse().ok());
    let is_get = lines.first().is_some_and(|line| line.starts_with("get "));
    Ok(Some(Head { is_get, length: length.unwrap_or_default() }))
}

fn send_body(mut stream: &TcpStream) -> io::Result<()> {
    let block = block();
    for _ in 0..LENGTH as usize / BLOCK {
        stream.write_all(&block)?;
    }
    Ok(())
}

/// How many bytes come before the first that is wrong.
fn receive_body(reader: &mut impl Read, length: usize) -> io::Result<usize> {
    let (block, mut buffer) = (block(), vec![0; BLOCK]);
    let mut right = 0;
    for _ in 0..length / BLOCK {
        reader.read_exact(&mut buffer)?;
        if buffer != block {
            return Ok(right);
        }
        right += BLOCK;
    }
    Ok(right)
}

/// Bodies from target to visitor.
pub(super) async fn down(running: &Running) -> Result<Flow> {
    measure(running, |stream, path| {
        write!(&*stream, "GET {path} HTTP/1.1\r\nHost: bench\r\n\r\n")?;
        let mut reader = BufReader::with_capacity(BLOCK, stream);
        let head = head(&mut reader)?.unwrap_or(Head { is_get: false, length: 0 });
        receive_body(&mut reader, head.length)
    })
    .await
}

/// Bodies from visitor to target.
pub(super) async fn up(running: &Running) -> Result<Flow> {
    measure(running, |stream, path| {
        write!(&*stream, "POST {path} HTTP/1.1\r\nHost: bench\r\nContent-Length: {LENGTH}\r\n\r\n")?;
        send_body(stream)?;
        let mut reader = BufReader::new(stream);
        let head = head(&mut reader)?.unwrap_or(Head { is_get: false, length: 0 });
        let mut text = vec![0; head.length.min(64)];
        reader.read_exact(&mut text)?;
        Ok(String::from_utf8_lossy(&text).parse().unwrap_or_default())
    })
    .await
}

/// Has `exchange` say how many right bytes went through, again and again.
async fn measure(
    running: &Running,
    exchange: impl Fn(&TcpStream, &str) -> io::Result<usize> + Send + 'static,
) -> Result<Flow> {
    let (address, path, processes) = (running.address, running.path.clone(), running.processes());
    let measured = tokio::task::spawn_blocking(move || {
        let stream = TcpStream::connect(address)?;
        stream.set_nodelay(true)?;
        stream.set_read_timeout(Some(PATIENCE))?;
        let once = || {
            let right = exchange(&stream, &path)?;
            ensure!(right == LENGTH as usize, "only {right} of {LENGTH} bytes went through");
            Ok(())
        };
        once()?;
        let (begin, before) = (tokio::time::Instant::now(), cost::cpu(&processes));
        (0..TIMES).try_for_each(|_| once())?;
        let (took, cpu) = (begin.elapsed(), cost::cpu(&processes).saturating_sub(before));
        let bytes = f64::from(TIMES) * f64::from(LENGTH);
        Ok(Flow { rate: bytes / took.as_secs_f64(), cpu_per_byte: cpu.as_secs_f64() / bytes })
    });
    measured.await.context("the visitor failed")?
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_wrong_byte_is_seen() {
        let mut body = [block(), block()].concat();
        assert_eq!(receive_body(&mut body.as_slice(), body.len()).unwrap(), body.len());
        body[BLOCK + 7] ^= 1;
        assert_eq!(receive_body(&mut body.as_slice(), body.len()).unwrap(), BLOCK);
    }

    #[test]
    fn heads() {
        let mut text: &[u8] = b"POST /x HTTP/1.1\r\nContent-Length: 12\r\n\r\n";
        let head = super::head(&mut text).unwrap().unwrap();
        assert_eq!((head.is_get, head.length), (false, 12));
        assert!(super::head(&mut text).unwrap().is_none());
    }
}
