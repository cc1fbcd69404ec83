//! hashicorp's yamux over the pipe, as a Go end runs it.

use std::collections::HashMap;
use std::future::pending;
use std::io;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::Waker;

use bytes::{Bytes, BytesMut};
use tokio::sync::{Notify, mpsc, oneshot};
use tokio::time::{sleep, timeout};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::Settings;
use super::frame::{ACK, FIN, HEADER, Header, Kind, RST, SYN, WINDOW};
use super::pipe::Pipe;
use super::stream::{Entry, Stream};

/// How many bytes may wait for the pipe before writers wait.
const OUTBOX: usize = 256 * 1024;

#[derive(Default)]
pub(super) struct State {
    pub(super) streams: HashMap<u32, Entry>,
    outbox: Vec<Bytes>,
    queued: usize,
    waiting: Vec<Waker>,
    opened: u32,
    pings: HashMap<u32, oneshot::Sender<()>>,
    pinged: u32,
    cause: Option<String>,
}

impl State {
    pub(super) fn send(&mut self, frame: Bytes) {
        self.queued += frame.len();
        self.outbox.push(frame);
    }

    pub(super) fn is_full(&self) -> bool {
        self.queued >= OUTBOX
    }

    pub(super) fn wait_for_room(&mut self, waker: Waker) {
        self.waiting.push(waker);
    }

    pub(super) fn has_ended(&self) -> bool {
        self.cause.is_some()
    }
}

/// A session, for as long as it lives.
#[derive(Clone)]
pub(super) struct Session(Arc<Shared>);

struct Shared {
    state: Mutex<State>,
    to_send: Notify,
    ended: CancellationToken,
    pipe: Pipe,
    settings: Settings,
    tasks: TaskTracker,
}

/// Streams that the peer opens.
pub(super) type Accepted = mpsc::Receiver<Stream>;

impl Session {
    pub(super) fn start(pipe: Pipe, settings: Settings, tasks: &TaskTracker) -> (Self, Accepted) {
        let session = Self(Arc::new(Shared {
            state: Mutex::default(),
            to_send: Notify::new(),
            ended: CancellationToken::new(),
            pipe,
            settings,
            tasks: tasks.clone(),
        }));
        // As many streams as a Go end lets wait to be accepted.
        let (accepted, streams) = mpsc::channel(256);
        for part in 0..3 {
            let (session, accepted) = (session.clone(), accepted.clone());
            tasks.spawn(async move {
                let lost = match part {
                    0 => session.receive(accepted).await,
                    1 => session.send_all().await,
                    _ => session.keep_alive().await,
                };
                session.end(&lost.map_or_else(|error| error.to_string(), |()| "the end".to_owned())).await;
            });
        }
        (session, streams)
    }

    pub(super) fn state(&self) -> MutexGuard<'_, State> {
        self.0.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn wake_sender(&self) {
        self.0.to_send.notify_one();
    }

    /// Waits for the session's end, and says why.
    pub(super) async fn ended(&self) -> String {
        self.0.ended.cancelled().await;
        self.state().cause.clone().unwrap_or_default()
    }

    /// Why it has ended, if it has.
    pub(super) fn cause(&self) -> Option<String> {
        self.state().cause.clone()
    }

    async fn end(&self, cause: &str) {
        {
            let mut state = self.state();
            state.cause.get_or_insert_with(|| cause.to_owned());
            state.pings.clear();
            for entry in state.streams.values_mut() {
                entry.wake();
            }
            state.waiting.drain(..).for_each(Waker::wake);
        }
        self.0.ended.cancel();
        self.0.pipe.close().await;
    }

    /// A stream of our own, of the even ones that a server has. It counts as open at once, but the session ends if
    /// the peer takes too long to acknowledge it.
    pub(super) fn open(&self) -> io::Result<Stream> {
        let mut state = self.state();
        if state.has_ended() {
            return Err(io::ErrorKind::NotConnected.into());
        }
        state.opened += 2;
        let id = state.opened;
        state.streams.insert(id, Entry::default());
        state.send(Header { kind: Kind::WindowUpdate, flags: SYN, stream: id, value: 0 }.frame(&[]));
        drop(state);
        self.wake_sender();
        let session = self.clone();
        self.0.tasks.spawn(async move {
            tokio::select! {
                () = sleep(session.0.settings.open_deadline) => {}
                () = session.0.ended.cancelled() => return,
            }
            if session.state().streams.get(&id).is_some_and(|entry| !entry.acknowledged) {
                session.end("a stream was not acknowledged in time").await;
            }
        });
        Ok(Stream::new(self.clone(), id))
    }

    /// Asks for a sign of life and waits for it.
    pub(super) async fn ping(&self) -> io::Result<()> {
        let answer = {
            let mut state = self.state();
            state.pinged += 1;
            let id = state.pinged;
            let (answered, answer) = oneshot::channel();
            state.pings.insert(id, answered);
            state.send(Header { kind: Kind::Ping, flags: SYN, stream: 0, value: id }.frame(&[]));
            answer
        };
        self.wake_sender();
        match timeout(self.0.settings.ping_deadline, answer).await {
            Ok(Ok(())) => Ok(()),
            _ => Err(io::Error::new(io::ErrorKind::TimedOut, "a ping was not answered")),
        }
    }

    async fn keep_alive(&self) -> io::Result<()> {
        let pinging = async {
            loop {
                sleep(self.0.settings.ping_every).await;
                self.ping().await?;
            }
        };
        tokio::select! {
            biased;
            () = self.0.settings.frozen.cancelled() => pending().await,
            lost = pinging => lost,
        }
    }

    async fn send_all(&self) -> io::Result<()> {
        loop {
            let frames = {
                let mut state = self.state();
                state.queued = 0;
                state.waiting.drain(..).for_each(Waker::wake);
                std::mem::take(&mut state.outbox)
            };
            for frame in &frames {
                self.0.pipe.write(frame).await?;
            }
            if frames.is_empty() {
                self.0.to_send.notified().await;
            }
        }
    }

    async fn receive(&self, accepted: mpsc::Sender<Stream>) -> io::Result<()> {
        let (mut bytes, mut piece) = (BytesMut::new(), [0; 4096]);
        loop {
            let (read, end) = self.0.pipe.read(&mut piece).await?;
            bytes.extend_from_slice(&piece[..read]);
            while let Some((header, body)) = next_frame(&mut bytes)? {
                self.take(header, &body, &accepted)?;
            }
            if end {
                return Err(io::Error::new(io::ErrorKind::UnexpectedEof, "EOF"));
            }
        }
    }

    fn take(&self, header: Header, body: &[u8], accepted: &mpsc::Sender<Stream>) -> io::Result<()> {
        let mut state = self.state();
        match header.kind {
            Kind::Ping if header.has(SYN) => state.send(Header { flags: ACK, ..header }.frame(&[])),
            Kind::Ping => {
                let answered = state.pings.remove(&header.value).map(|answered| answered.send(()));
                drop((state, answered));
                return Ok(());
            }
            Kind::GoAway => return Err(io::Error::new(io::ErrorKind::ConnectionAborted, "the peer goes away")),
            Kind::Data | Kind::WindowUpdate => {
                let new = header.has(SYN);
                if new {
                    state.streams.insert(header.stream, Entry::default());
                    state.send(Header { kind: Kind::WindowUpdate, flags: ACK, value: 0, ..header }.frame(&[]));
                }
                take_in(&mut state, header, body)?;
                drop(state);
                if new && accepted.try_send(Stream::new(self.clone(), header.stream)).is_err() {
                    return Err(io::Error::new(io::ErrorKind::ConnectionAborted, "nobody accepts streams"));
                }
            }
        }
        self.wake_sender();
        Ok(())
    }
}

fn take_in(state: &mut State, header: Header, body: &[u8]) -> io::Result<()> {
    let Some(entry) = state.streams.get_mut(&header.stream) else { return Ok(()) };
    entry.acknowledged |= header.has(ACK);
    match header.kind {
        Kind::WindowUpdate => entry.may_send += header.value,
        _ => entry.receive(body)?,
    }
    entry.ended_by_peer |= header.has(FIN);
    entry.reset |= header.has(RST);
    entry.wake();
    if entry.is_over() {
        state.streams.remove(&header.stream);
    }
    Ok(())
}

fn next_frame(bytes: &mut BytesMut) -> io::Result<Option<(Header, BytesMut)>> {
    let Some(header) = bytes.first_chunk::<HEADER>() else { return Ok(None) };
    let header = Header::parse(*header)?;
    let len = if header.kind == Kind::Data { header.value } else { 0 };
    if len > WINDOW {
        return Err(io::Error::new(io::ErrorKind::InvalidData, "a frame beyond any window"));
    }
    let len = usize::try_from(len).expect("a window fits");
    if bytes.len() < HEADER + len {
        return Ok(None);
    }
    let mut frame = bytes.split_to(HEADER + len);
    Ok(Some((header, frame.split_off(HEADER))))
}
