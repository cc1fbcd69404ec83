//! A target that writes down each whole request that reaches it, by the framing that it finds there itself.

use std::sync::{Arc, Mutex};

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio_util::task::TaskTracker;

use crate::target::Target;

/// A request as the target has it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Request {
    pub(crate) line: String,
    pub(crate) lines: Vec<String>,
    pub(crate) body: Vec<u8>,
}

/// Everything that has come, on whatever connection.
#[derive(Clone, Default)]
pub(crate) struct Recorder(Arc<Mutex<Vec<Request>>>);

impl Recorder {
    /// Answers every request from now on with 200 and nothing more.
    pub(crate) fn of(mut target: Target) -> Self {
        let (recorder, tasks) = (Self::default(), TaskTracker::new());
        let (answering, connections) = (recorder.clone(), tasks.clone());
        tasks.spawn(async move {
            while let Some(stream) = target.next().await {
                let recorder = answering.clone();
                connections.spawn(async move { recorder.record(stream).await });
            }
        });
        recorder
    }

    /// The requests whose path begins so, in the order in which they came.
    pub(crate) fn under(&self, path: &str) -> Vec<Request> {
        let all = self.0.lock().unwrap();
        let path = format!(" {path}/");
        all.iter().filter(|request| request.line.contains(&path)).cloned().collect()
    }

    pub(crate) fn count(&self) -> usize {
        self.0.lock().unwrap().len()
    }

    async fn record(&self, mut stream: TcpStream) {
        let mut ahead = Vec::new();
        while let Some(request) = next(&mut stream, &mut ahead).await {
            self.0.lock().unwrap().push(request);
            if stream.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n").await.is_err() {
                return;
            }
        }
    }
}

/// The next whole request; none where the connection ends before.
async fn next(stream: &mut TcpStream, ahead: &mut Vec<u8>) -> Option<Request> {
    let head = until(stream, ahead, b"\r\n\r\n").await?;
    let head = String::from_utf8_lossy(&head).into_owned();
    let mut lines = head.trim_end().split("\r\n").map(ToOwned::to_owned);
    let line = lines.next()?;
    let lines: Vec<String> = lines.collect();
    let value = |name: &str| {
        lines.iter().find_map(|line| {
            let (other, value) = line.split_once(':')?;
            other.eq_ignore_ascii_case(name).then(|| value.trim().to_owned())
        })
    };
    let body = if value("transfer-encoding").is_some() {
        chunks(stream, ahead).await?
    } else {
        let length = value("content-length").map_or(0, |length| length.parse().expect("a length"));
        exactly(stream, ahead, length).await?
    };
    Some(Request { line, lines, body })
}

async fn chunks(stream: &mut TcpStream, ahead: &mut Vec<u8>) -> Option<Vec<u8>> {
    let mut body = Vec::new();
    loop {
        let line = until(stream, ahead, b"\r\n").await?;
        let size = usize::from_str_radix(String::from_utf8_lossy(&line).trim(), 16).expect("a chunk's size");
        if size == 0 {
            // The trailers count as a part of the body: nothing may be hidden there.
            while let Some(line) = until(stream, ahead, b"\r\n").await {
                if line == b"\r\n" {
                    return Some(body);
                }
                body.extend(line);
            }
            return None;
        }
        body.extend(exactly(stream, ahead, size).await?);
        exactly(stream, ahead, 2).await?;
    }
}

async fn until(stream: &mut TcpStream, ahead: &mut Vec<u8>, mark: &[u8]) -> Option<Vec<u8>> {
    loop {
        if let Some(at) = ahead.windows(mark.len()).position(|window| window == mark) {
            return Some(ahead.drain(..at + mark.len()).collect());
        }
        stream.read_buf(ahead).await.ok().filter(|count| *count > 0)?;
    }
}

async fn exactly(stream: &mut TcpStream, ahead: &mut Vec<u8>, count: usize) -> Option<Vec<u8>> {
    while ahead.len() < count {
        stream.read_buf(ahead).await.ok().filter(|count| *count > 0)?;
    }
    Some(ahead.drain(..count).collect())
}
