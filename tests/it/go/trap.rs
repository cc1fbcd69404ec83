//! The trap that the whole model is about, shown: what sets our carriers' ends apart from their last data.

use std::time::Duration;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::tcp::OwnedWriteHalf;
use tokio::net::{TcpListener, TcpStream};
use tokio::time::{interval, sleep, timeout};
use tokio_util::task::TaskTracker;

use super::Settings;
use super::chunked::{Buffered, Reader, Writer};
use super::pipe::Pipe;
use super::yamux::Session;

/// A frame that asks for a sign of life, as a chunk of a body.
const PING: &[u8] = b"c\r\n\0\x02\0\x01\0\0\0\0\0\0\0\x07\r\n";
const END: &[u8] = b"0\r\n\r\n";

async fn connection() -> (TcpStream, TcpStream) {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
    let address = listener.local_addr().expect("it listens");
    let (ours, theirs) = tokio::join!(TcpStream::connect(address), listener.accept());
    (ours.expect("it connects"), theirs.expect("it is accepted").0)
}

/// A new pair of carriers for `pipe`; what is written to the result is read from it. The connection on which the pipe
/// writes is to be kept.
async fn bring_pair(pipe: &Pipe) -> (OwnedWriteHalf, TcpStream) {
    let (down, from_down) = connection().await;
    let (up, to_up) = connection().await;
    let mut down = down.into_split().1;
    down.write_all(b"4\r\nSYN\n\r\n7\r\nSYNACK\n\r\n").await.expect("the connection stands");
    let reader = Reader::new(Buffered::new(from_down.into_split().0)).0;
    pipe.swap(reader, Writer::new(to_up.into_split().1)).await.expect("the connection stands");
    (down, up)
}

/// Ends the first pair of carriers with `pieces`, written one by one with a pause between them, and then pings on the
/// second. Returns why the session was lost, if it was.
async fn ended_with(pieces: &[&[u8]]) -> Option<String> {
    let tasks = TaskTracker::new();
    let pipe = Pipe::default();
    let (mut first, _up) = bring_pair(&pipe).await;
    let (session, _) = Session::start(pipe.clone(), Settings::default(), &tasks);
    // The session's read holds new carriers off until something comes.
    let coming = async {
        let mut ticks = interval(Duration::from_millis(5));
        loop {
            ticks.tick().await;
            first.write_all(PING).await.expect("the connection stands");
        }
    };
    let (mut down, mut up) = tokio::select! {
        second = bring_pair(&pipe) => second,
        never = coming => never,
    };
    for piece in pieces {
        first.write_all(piece).await.expect("the connection stands");
        sleep(Duration::from_millis(15)).await;
    }
    down.write_all(PING).await.expect("the connection stands");
    let answered = async { while !read_some(&mut up).await.ends_with(b"\x07\r\n") {} };
    tokio::select! {
        cause = session.ended() => Some(cause),
        answered = timeout(Duration::from_secs(10), answered) => {
            answered.expect("a session that lives answers pings");
            None
        }
    }
}

async fn read_some(stream: &mut TcpStream) -> Vec<u8> {
    let mut bytes = vec![0; 1000];
    let read = stream.read(&mut bytes).await.expect("the connection stands");
    bytes.truncate(read);
    bytes
}

#[tokio::test]
async fn a_session_is_lost_where_data_and_end_come_together() {
    assert_eq!(ended_with(&[&[PING, END].concat()]).await, Some("EOF".to_owned()));
}

#[tokio::test]
async fn a_session_lives_where_the_end_comes_later() {
    assert_eq!(ended_with(&[PING, END]).await, None);
}
