//! What has its time and what has none, on a clock that is paused.

use std::time::Duration;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _, DuplexStream, duplex};
use tokio::time::{sleep, timeout};

use super::*;
use crate::server::http2::tests::frame;

const PING: u8 = 6;

/// A connection that is read on and on.
struct Stage {
    visitor: DuplexStream,
    heads: Heads<DuplexStream>,
}

impl Stage {
    fn set() -> Self {
        let (visitor, server) = duplex(1024);
        Self { visitor, heads: Heads::new(server, Instant::now() + HEAD_DEADLINE) }
    }

    /// One that has brought its first head.
    async fn begun() -> Self {
        let mut stage = Self::set();
        stage.says(&[PREFACE, &frame(HEADERS, END_HEADERS, 1, b"head")].concat()).await;
        stage.is_open_for(Duration::from_secs(3600)).await;
        stage
    }

    async fn says(&mut self, bytes: &[u8]) {
        self.visitor.write_all(bytes).await.unwrap();
        self.heads.read_exact(&mut vec![0; bytes.len()]).await.unwrap();
    }

    async fn is_open_for(&mut self, time: Duration) {
        assert!(timeout(time, self.heads.read_u8()).await.is_err());
    }

    async fn ends_within(&mut self, time: Duration) {
        let begin = Instant::now();
        assert_eq!(self.heads.read_u8().await.unwrap_err().kind(), io::ErrorKind::TimedOut);
        assert_eq!(begin.elapsed(), time);
    }
}

#[tokio::test(start_paused = true)]
async fn the_first_head_is_due_wherever_it_breaks_off() {
    let frames = [frame(4, 0, 0, &[]), frame(HEADERS, 0, 1, b"half"), frame(CONTINUATION, END_HEADERS, 1, b"rest")];
    let all = [PREFACE, &frames.concat()].concat();
    for length in 0..all.len() {
        let mut stage = Stage::set();
        sleep(Duration::from_secs(1)).await;
        stage.says(&all[..length]).await;
        stage.ends_within(HEAD_DEADLINE.saturating_sub(Duration::from_secs(1))).await;
    }
    let mut stage = Stage::set();
    for byte in all.chunks(1) {
        stage.says(byte).await;
    }
    stage.is_open_for(Duration::from_secs(3600)).await;
}

#[tokio::test(start_paused = true)]
async fn what_has_begun_has_its_time_and_a_body_has_none() {
    let half = |kind, flags| frame(kind, flags, 1, b"whole")[..FRAME_HEAD + 2].to_vec();
    for begun in [half(HEADERS, END_HEADERS), half(PING, 0), frame(HEADERS, 0, 1, b"whole"), vec![0, 0]] {
        let mut stage = Stage::begun().await;
        stage.says(&begun).await;
        stage.is_open_for(HEAD_DEADLINE / 2).await;
        stage.ends_within(HEAD_DEADLINE / 2).await;
    }
    let mut stage = Stage::begun().await;
    stage.says(&half(DATA, 0)).await;
    stage.is_open_for(Duration::from_secs(3600)).await;
    stage.says(b"ole").await;
    stage.is_open_for(Duration::from_secs(3600)).await;
}

#[tokio::test(start_paused = true)]
async fn each_frame_has_a_time_of_its_own_and_a_head_of_many_has_one() {
    let (ping, mut stage) = (frame(PING, 0, 0, b"8 octets"), Stage::begun().await);
    stage.says(&ping[..4]).await;
    for _ in 0..4 {
        stage.is_open_for(HEAD_DEADLINE / 2).await;
        stage.says(&[&ping[4..], &ping[..4]].concat()).await;
    }
    stage.says(&[&ping[4..], &frame(HEADERS, 0, 1, b"head")].concat()).await;
    for _ in 0..4 {
        stage.is_open_for(HEAD_DEADLINE / 5).await;
        stage.says(&frame(CONTINUATION, 0, 1, b"head")).await;
    }
    stage.ends_within(HEAD_DEADLINE / 5).await;
}
