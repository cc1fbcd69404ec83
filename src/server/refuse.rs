//! The refusal of a connection for which there is no place.

use std::sync::Arc;
use std::time::Duration;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::sync::Semaphore;
use tokio::time::timeout;
use tokio_util::task::TaskTracker;

use super::Tls;
use crate::proxy::Fault;

/// How many of the refused are listened to at a time. They have descriptors beyond the bound, so they are few; others are
/// closed at once, and may see a reset before the answer.
const MAX_REFUSED: usize = 8;

/// How long, and for how many bytes, each is: what lies unread when a connection is closed takes the answer with it. Less
/// than a visitor who has a place (`gate.rs`): this is where the server has too much to do, whoever lingers here keeps
/// another of the refused from the answer, and what comes first, which is a head or the beginning of a body, is what costs
/// the answer most often.
const LINGER: Duration = Duration::from_secs(1);
const MAX_LINGER: usize = 64 * 1024;

/// A fatal `internal_error`, which blames nothing that the visitor has sent. (RFC 8446, sections 5.1 and 6.2)
const ALERT: &[u8] = &[21, 3, 3, 0, 2, 2, 80];

/// Who refuses.
#[derive(Clone)]
pub(super) struct Refusals {
    places: Arc<Semaphore>,
    tasks: TaskTracker,
}

impl Refusals {
    pub(super) fn new(tasks: TaskTracker) -> Self {
        Self { places: Arc::new(Semaphore::new(MAX_REFUSED)), tasks }
    }

    /// Tells whoever has connected that there is no place. On TLS that is an alert: an answer would take a handshake.
    pub(super) fn refuse(&self, stream: TcpStream, tls: Option<&Tls>) {
        let said = match tls {
            Some(_) => stream.try_write(ALERT),
            None => stream.try_write(answer().as_bytes()),
        };
        let Ok(place) = Arc::clone(&self.places).try_acquire_owned() else { return };
        if said.is_ok() {
            self.tasks.spawn(async move {
                // However it comes out, the connection is closed.
                let _ = timeout(LINGER, linger(stream)).await;
                drop(place);
            });
        }
    }
}

async fn linger(mut stream: TcpStream) {
    let _ = stream.shutdown().await;
    let (mut seen, mut scratch) = (0, [0; 1024]);
    while seen < MAX_LINGER {
        match stream.read(&mut scratch).await {
            Ok(0) | Err(_) => return,
            Ok(count) => seen += count,
        }
    }
}

/// What is said before anything is read: of any request it would be the answer.
fn answer() -> String {
    let (status, code, sentence) = (Fault::Limit.status(), Fault::Limit.code(), Fault::Limit.sentence());
    let length = sentence.len() + 1;
    format!(
        "HTTP/1.1 {status}\r\nSendit-Error: {code}\r\nRetry-After: 2\r\nConnection: close\r\nCache-Control: no-store\r\n\
         Content-Type: text/plain; charset=utf-8\r\nContent-Length: {length}\r\n\r\n{sentence}\n"
    )
}
