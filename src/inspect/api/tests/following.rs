//! The stream of events.

use super::*;

/// One who follows.
struct Follower {
    stream: TcpStream,
    seen: String,
}

impl Follower {
    async fn of(place: &Place) -> Self {
        let mut stream = TcpStream::connect(place.addr).await.unwrap();
        let head = format!("GET /api/events HTTP/1.1\r\nHost: {}\r\n\r\n", place.addr);
        stream.write_all(head.as_bytes()).await.unwrap();
        Self { stream, seen: String::new() }
    }

    /// Reads until a text has come; what is before it is gone through, and not looked at again.
    async fn until(&mut self, text: &str) {
        let mut buffer = [0; 4096];
        loop {
            if let Some(at) = self.seen.find(text) {
                self.seen.drain(..at + text.len());
                return;
            }
            let read = timeout(PATIENCE, self.stream.read(&mut buffer)).await;
            let read = read.unwrap_or_else(|_| panic!("no `{text}`, but `{}`", self.seen)).unwrap();
            assert!(read > 0, "it ended without `{text}`: {}", self.seen);
            self.seen += std::str::from_utf8(&buffer[..read]).unwrap();
        }
    }
}

const ASKED: &str = "GET /a HTTP/1.1\r\nHost: x\r\n\r\n";
const ANSWERED: &str = "HTTP/1.1 204 No Content\r\n\r\n";

#[tokio::test]
async fn what_happens_is_told() {
    let place = Place::alone().await;
    let mut follower = Follower::of(&place).await;
    follower.until("content-type: text/event-stream\r\n").await;
    follower.until("event: status\ndata: {\"version\":").await;
    let tap = place.inspector.connection(Duration::ZERO);
    tap.down(ASKED.as_bytes());
    follower.until("event: exchange\ndata: {\"id\":1,").await;
    follower.until("\"state\":\"asked\"").await;
    tap.up(ANSWERED.as_bytes());
    follower.until("event: exchange\ndata: {\"id\":1,").await;
    follower.until("\"state\":\"done\"").await;
    place.link.send_replace(Link { standing: Standing::Lost, text: None });
    follower.until("event: status\n").await;
    follower.until("\"state\":\"lost\"").await;
    place.inspector.store().clear();
    follower.until("event: cleared\ndata: {}\n\n").await;
}

#[tokio::test]
async fn who_cannot_keep_up_is_told() {
    let place = Place::alone().await;
    let mut follower = Follower::of(&place).await;
    follower.until("event: status\n").await;
    // All at once, before anybody else on this thread has a turn.
    for _ in 0..2_000 {
        place.passed(ASKED, ANSWERED);
    }
    follower.until("event: missed\ndata: {}\n\n").await;
    place.passed(ASKED, ANSWERED);
    follower.until("event: exchange\ndata: {\"id\":2001,").await;
}

#[tokio::test]
async fn their_number_is_bounded_and_a_place_is_free_again() {
    let place = Place::alone().await;
    let mut followers = Vec::new();
    for _ in 0..MAX_FOLLOWERS {
        let mut follower = Follower::of(&place).await;
        follower.until("event: status\n").await;
        followers.push(follower);
    }
    let answered = place.get("/api/events").await;
    assert_eq!(
        (answered.status, answered.error().as_str()),
        (503, "32 follow the events already, which is all there may be")
    );
    followers.pop();
    // That it has gone is seen in its own time.
    let free = async {
        loop {
            let mut follower = Follower::of(&place).await;
            follower.until("HTTP/1.1 ").await;
            follower.until(" ").await;
            if !follower.seen.starts_with("Service") {
                return follower;
            }
        }
    };
    let mut follower = timeout(PATIENCE, free).await.expect("a place is free again");
    follower.until("event: status\n").await;
}
