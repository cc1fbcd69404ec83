//! How long a gate waits for what, on a clock that is paused.

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _, DuplexStream, duplex};
use tokio::time::{sleep, timeout};

use super::*;
use crate::server::gate::{Course, Gate, UnderWay};

const HEAD: &str = "GET / HTTP/1.1\r\n\r\n";

/// One connection whose gate reads on and on.
struct Stage {
    visitor: DuplexStream,
    gate: Gate<DuplexStream>,
    course: Course,
    waiting: Waiting,
    begin: Instant,
}

impl Stage {
    fn set() -> Self {
        let ((visitor, server), begin) = (duplex(1024), Instant::now());
        let (course, waiting) = (Course::default(), Waiting::default());
        let patience = Patience::new(begin + HEAD_DEADLINE, waiting.clone());
        Self { visitor, gate: Gate::new(server, course.clone(), patience), course, waiting, begin }
    }

    /// Sends and has the gate pass all of it, then be asked for more.
    async fn passes(&mut self, bytes: &str) {
        self.visitor.write_all(bytes.as_bytes()).await.unwrap();
        self.gate.read_exact(&mut vec![0; bytes.len()]).await.unwrap();
        self.is_open_for(Duration::ZERO).await;
    }

    async fn is_open_for(&mut self, time: Duration) {
        let read = timeout(time, self.gate.read(&mut [0])).await;
        assert!(read.is_err(), "{:?}: {read:?}", self.begin.elapsed());
    }

    /// Seconds from the beginning until the gate gives the visitor up.
    async fn ends_at(&mut self, seconds: u64) {
        assert_eq!(self.gate.read(&mut [0]).await.unwrap(), 0);
        assert_eq!(self.begin.elapsed().as_secs(), seconds);
    }
}

const SECOND: Duration = Duration::from_secs(1);

#[tokio::test(start_paused = true)]
async fn the_first_head_has_ten_seconds_however_it_comes() {
    Stage::set().ends_at(10).await;
    for pieces in [&["G"][..], &["\r\n", "\r\n"], &["GET / HTTP/1.1\r\nA: b\r\n", "A: b\r\n", "A: b\r\n"]] {
        let mut stage = Stage::set();
        for piece in pieces {
            stage.visitor.write_all(piece.as_bytes()).await.unwrap();
            let _ = timeout(3 * SECOND, stage.gate.read(&mut [0; 2])).await;
        }
        stage.ends_at(10).await;
    }
}

#[tokio::test(start_paused = true)]
async fn a_further_head_may_begin_late_and_has_ten_seconds_then() {
    let mut stage = Stage::set();
    stage.passes(HEAD).await;
    stage.is_open_for(74 * SECOND).await;
    stage.passes(HEAD).await;
    stage.is_open_for(70 * SECOND).await;
    stage.visitor.write_all(b"GET").await.unwrap();
    stage.is_open_for(8 * SECOND).await;
    stage.passes_rest().await;
    stage.ends_at(74 + 70 + 8 + 75).await;
    let mut stage = Stage::set();
    stage.passes(HEAD).await;
    stage.is_open_for(70 * SECOND).await;
    stage.visitor.write_all(b"GET").await.unwrap();
    stage.ends_at(80).await;
}

impl Stage {
    /// What is left of a head of which a part has come.
    async fn passes_rest(&mut self) {
        self.visitor.write_all(&HEAD.as_bytes()[3..]).await.unwrap();
        self.gate.read_exact(&mut vec![0; HEAD.len()]).await.unwrap();
        self.is_open_for(Duration::ZERO).await;
    }

    async fn begin_exchange(&mut self) -> UnderWay {
        let under_way = self.course.exchange();
        self.passes(HEAD).await;
        under_way
    }
}

#[tokio::test(start_paused = true)]
async fn nothing_is_waited_for_while_an_exchange_is_under_way() {
    let mut stage = Stage::set();
    let under_way = stage.begin_exchange().await;
    stage.is_open_for(3_600 * SECOND).await;
    assert!(!stage.waiting.shed(), "it cannot make room");
    drop(under_way);
    stage.ends_at(3_600 + 75).await;
    let mut stage = Stage::set();
    stage.passes("POST / HTTP/1.1\r\nContent-Length: 9\r\n\r\n1").await;
    stage.is_open_for(3_600 * SECOND).await;
}

#[tokio::test(start_paused = true)]
async fn who_still_takes_an_answer_is_not_idle() {
    let mut stage = Stage::set();
    stage.passes(HEAD).await;
    stage.is_open_for(60 * SECOND).await;
    stage.gate.write_all(b"the rest").await.unwrap();
    stage.is_open_for(60 * SECOND).await;
    stage.ends_at(75 + 75).await;
}

#[tokio::test(start_paused = true)]
async fn who_waits_makes_room_where_it_is_needed() {
    for begun in ["", "GET"] {
        let mut stage = Stage::set();
        stage.visitor.write_all(begun.as_bytes()).await.unwrap();
        stage.is_open_for(5 * SECOND).await;
        assert!(stage.waiting.shed());
        stage.ends_at(5).await;
    }
    let mut stage = Stage::set();
    let under_way = stage.begin_exchange().await;
    stage.is_open_for(SECOND).await;
    drop(under_way);
    let waiting = stage.waiting.clone();
    let needed = async {
        sleep(SECOND).await;
        assert!(waiting.shed());
    };
    tokio::join!(stage.ends_at(2), needed);
}
