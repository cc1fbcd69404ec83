//! Exchanges with a target that a test plays.

mod answers;
mod reuse;

use std::sync::Mutex;

use http_body_util::BodyExt as _;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _, DuplexStream, duplex};
use tokio_util::task::TaskTracker;

use super::*;

/// Answers one request after the other.
async fn target(mut stream: DuplexStream) {
    let mut head = Vec::new();
    while stream.read_buf(&mut head).await.is_ok_and(|read| read > 0) {
        if head.ends_with(b"\r\n\r\n") {
            head.clear();
            let _ = stream.write_all(b"HTTP/1.1 204 No Content\r\n\r\n").await;
        }
    }
}

#[tokio::test(start_paused = true)]
async fn who_has_waited_has_a_stream_of_its_own_that_is_told_so() {
    let (tasks, opened) = (TaskTracker::new(), Arc::<Mutex<Vec<_>>>::default());
    let connector = {
        let (tasks, opened) = (tasks.clone(), Arc::clone(&opened));
        Connector::new(move |waited| {
            let (near, far) = duplex(1024);
            tasks.spawn(target(far));
            opened.lock().unwrap().push(waited);
            async move { Ok(near) }
        })
    };
    let pool = Pool::new(connector, Tracked(tasks));
    let long = Some(Duration::from_secs(2));
    for (waited, expected) in [(None, 1), (None, 1), (long, 2), (None, 2), (long, 3)] {
        // Some clients offer that on each request; it is for the target to take.
        let request = Request::get("/x").header("host", "a.example").header("upgrade", "h2c");
        let mut request = request.body(Body::empty()).unwrap();
        let answered = pool.answered(&mut request, Hold::Never, waited).await;
        assert!(answered.is_ok(), "it is answered");
        tokio::task::yield_now().await;
        assert_eq!(opened.lock().unwrap().len(), expected, "{waited:?}");
    }
    assert_eq!(*opened.lock().unwrap(), [None, long, long]);
}

/// Who takes nothing of an answer has its room kept, and there may be thousands.
#[tokio::test]
async fn little_room_is_kept_for_an_answer() {
    const WHOLE: usize = 1024 * 1024;
    let tasks = TaskTracker::new();
    let connector = {
        let tasks = tasks.clone();
        Connector::new(move |_| {
            let (near, mut far) = duplex(256 * 1024);
            tasks.spawn(async move {
                // Nothing is answered that was not asked.
                let _ = far.read_u8().await;
                let head = format!("HTTP/1.1 200 OK\r\nContent-Length: {WHOLE}\r\nConnection: close\r\n\r\n");
                let _ = far.write_all(&[head.as_bytes(), &vec![b'x'; WHOLE]].concat()).await;
            });
            async move { Ok(near) }
        })
    };
    let pool = Pool::new(connector, Tracked(tasks.clone()));
    let mut request = Request::get("/x").header("host", "a.example").body(Body::empty()).unwrap();
    let answered = pool.answered(&mut request, Hold::Never, None).await;
    let Ok((mut answer, ..)) = answered else { panic!("it is answered") };
    let (mut came, mut last) = (0, None);
    while let Some(frame) = answer.frame().await {
        let data = frame.unwrap().into_data().unwrap();
        came += data.len();
        last = Some(data);
    }
    assert_eq!(came, WHOLE);
    // With nobody else there, a piece tells what room it has been read into.
    drop((pool, answer));
    tasks.close();
    tasks.wait().await;
    let room = last.unwrap().try_into_mut().unwrap().capacity();
    assert!(room <= 56 * 1024, "{room}");
}
