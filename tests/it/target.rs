//! The local service, played by a test: each connection that brings a byte is handed over.

use std::net::SocketAddr;
use std::panic::Location;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader};
use tokio::net::{TcpListener, TcpSocket, TcpStream};
use tokio::sync::mpsc;
use tokio::time::timeout;
use tokio_util::task::TaskTracker;

use crate::peer::Peer;
use crate::world::PATIENCE;

/// A listening target.
pub(crate) struct Target {
    addr: SocketAddr,
    connections: mpsc::Receiver<TcpStream>,
}

impl Target {
    pub(crate) fn start() -> Self {
        Self::listen(down())
    }

    /// Comes up at the address of a target that was down.
    pub(crate) fn listen(socket: TcpSocket) -> Self {
        let listener = socket.listen(1_024).expect("it can listen");
        let (sender, connections) = mpsc::channel(1_024);
        let addr = listener.local_addr().expect("it has an address");
        TaskTracker::new().spawn(accept(listener, sender));
        Self { addr, connections }
    }

    pub(crate) fn url(&self) -> String {
        format!("http://{}", self.addr)
    }

    /// The next connection that brought something.
    #[track_caller]
    pub(crate) fn accept(&mut self) -> impl Future<Output = Peer> {
        let caller = Location::caller();
        async move {
            let stream = timeout(PATIENCE, self.connections.recv()).await;
            let stream = stream.unwrap_or_else(|_| panic!("{caller}: nothing reached the target"));
            Peer::new(stream.expect("the target listens"))
        }
    }

    /// The next one, however long that takes; none once the target is gone.
    pub(crate) async fn next(&mut self) -> Option<TcpStream> {
        self.connections.recv().await
    }

    /// Answers every request without a body by itself from now on, with the path that it asked for.
    pub(crate) fn echo_paths(self) {
        self.answer(echo);
    }

    /// Answers every request by itself from now on, by its path. Behind one with a body nothing is read.
    pub(crate) fn answer(mut self, said: fn(&str) -> String) {
        let tasks = TaskTracker::new();
        tasks.clone().spawn(async move {
            while let Some(stream) = self.connections.recv().await {
                tasks.spawn(answer(stream, usize::MAX, said));
            }
        });
    }

    /// Answers one request on each connection, and closes where a second comes. How often that was.
    pub(crate) fn echo_one_path_each(mut self) -> Arc<AtomicUsize> {
        let (tasks, seconds) = (TaskTracker::new(), Arc::new(AtomicUsize::new(0)));
        let counted = Arc::clone(&seconds);
        tasks.clone().spawn(async move {
            while let Some(stream) = self.connections.recv().await {
                let counted = Arc::clone(&counted);
                tasks.spawn(async move {
                    let second = answer(stream, 1, echo).await;
                    counted.fetch_add(second.into(), Ordering::Relaxed);
                });
            }
        });
        seconds
    }

    /// Answers whatever comes in plain HTTP, as a service does that takes no TLS.
    pub(crate) fn refuse_tls(self) {
        self.say("HTTP/1.1 400 Bad Request\r\n\r\n");
    }

    /// Says this to whatever comes, and closes.
    pub(crate) fn say(mut self, answer: &'static str) {
        TaskTracker::new().spawn(async move {
            while let Some(mut stream) = self.connections.recv().await {
                let _ = stream.write_all(answer.as_bytes()).await;
            }
        });
    }
}

/// An address at which nothing listens, kept from everybody else.
pub(crate) fn down() -> TcpSocket {
    let socket = TcpSocket::new_v4().expect("a socket");
    socket.bind(([127, 0, 0, 1], 0).into()).expect("a port is free");
    socket
}

async fn accept(listener: TcpListener, sender: mpsc::Sender<TcpStream>) {
    let tasks = TaskTracker::new();
    while let Ok((stream, _)) = listener.accept().await {
        let sender = sender.clone();
        // The server's hop may open a connection in advance and never use it.
        tasks.spawn(async move {
            if stream.peek(&mut [0]).await.is_ok_and(|count| count > 0) {
                let _ = sender.send(stream).await;
            }
        });
    }
}

/// Answers so many requests, and closes unanswered where one more comes; whether one did. The connection may end
/// whenever it likes, in the middle of the wait for a head too: so no `Peer`, which would panic.
async fn answer(mut stream: TcpStream, answers: usize, said: fn(&str) -> String) -> bool {
    let (read, mut write) = stream.split();
    let mut lines = BufReader::new(read).lines();
    let mut path = None;
    let mut answered = 0;
    while let Ok(Some(line)) = lines.next_line().await {
        if !line.is_empty() {
            path = path.or_else(|| line.split(' ').nth(1).map(ToOwned::to_owned));
            continue;
        }
        if answered == answers {
            return true;
        }
        let said = said(&path.take().unwrap_or_default());
        if write.write_all(said.as_bytes()).await.is_err() {
            return false;
        }
        answered += 1;
    }
    false
}

fn echo(path: &str) -> String {
    format!("HTTP/1.1 200 OK\r\nDate: then\r\nContent-Length: {}\r\n\r\n{path}", path.len())
}
