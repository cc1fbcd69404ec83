//! Sequences of messages that are made at random are seen as they were made, wherever they are cut.

use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::{Index, select};

use super::upgraded::frame;
use super::*;

/// A message as it was made: its head, its body in chunks, its trailers.
#[derive(Clone, Debug)]
struct Made {
    start: &'static str,
    chunks: Vec<Vec<u8>>,
    is_chunked: bool,
    trailers: &'static str,
}

fn made(starts: &'static [&'static str]) -> impl Strategy<Value = Made> {
    let chunks = vec(vec(any::<u8>(), 1..60), 0..4);
    let trailers = select(&["", "X-Sum: 1\r\n", "a: b\r\nc:\r\n"][..]);
    (select(starts), chunks, any::<bool>(), trailers).prop_map(|(start, chunks, is_chunked, trailers)| Made {
        start,
        chunks,
        is_chunked,
        trailers,
    })
}

impl Made {
    fn body(&self) -> Vec<u8> {
        self.chunks.concat()
    }

    fn head(&self) -> Vec<u8> {
        let framing = match self.is_chunked {
            true => "transfer-ENCODING: chunked".to_owned(),
            false => format!("Content-Length: {0}, {0}", self.body().len()),
        };
        format!("{}\r\nX-Same:  1 \r\n{framing}\r\nx-same:2\r\n\r\n", self.start).into_bytes()
    }

    fn framed(&self) -> Vec<u8> {
        if !self.is_chunked {
            return self.body();
        }
        let mut framed = Vec::new();
        for (chunk, extension) in self.chunks.iter().zip(["", ";a=\"b\"", " "].iter().cycle()) {
            framed.extend(format!("{:02X}{extension}\r\n", chunk.len()).into_bytes());
            framed.extend([chunk, &b"\r\n"[..]].concat());
        }
        framed.extend(format!("000\r\n{}\r\n", self.trailers).into_bytes());
        framed
    }

    /// Whether a message is this one; an answer to HEAD has no body.
    fn is(&self, message: &super::super::super::Message, has_body: bool) -> bool {
        let (body, trailers) = match has_body {
            true => (self.body(), if self.is_chunked { self.trailers } else { "" }),
            false => (Vec::new(), ""),
        };
        message.head == self.head()
            && message.body.kept == body
            && message.body.size == body.len() as u64
            && message.trailers == trailers.as_bytes()
    }
}

/// Says all of this, each part in pieces of sizes that repeat.
fn say_in_pieces(tap: &Tap, said: &[(Side, Vec<u8>)], sizes: &[usize]) {
    let mut sizes = sizes.iter().cycle();
    for (side, bytes) in said {
        let mut rest = &bytes[..];
        while !rest.is_empty() {
            let (piece, after) = rest.split_at(rest.len().min(*sizes.next().unwrap()));
            say(tap, *side, piece);
            rest = after;
        }
    }
}

const REQUESTS: &[&str] = &["GET /a?b HTTP/1.1", "HEAD / HTTP/1.1", "POST /c HTTP/1.1", "OPTIONS * HTTP/1.1"];
const ANSWERS: &[&str] = &["HTTP/1.1 200 OK", "HTTP/1.1 404", "HTTP/1.0 500 No, no!"];
const INTERIM: &[u8] = b"HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n";

/// How an answer stands to its request.
#[derive(Clone, Copy, Debug)]
enum Order {
    /// After it.
    Behind,
    /// After the next one.
    Pipelined,
    /// Before its body.
    Early,
}

proptest! {
    #[test]
    fn messages_are_seen_as_they_were_made(
        exchanges in vec((made(REQUESTS), made(ANSWERS), any::<bool>(), select(&[Order::Behind, Order::Pipelined, Order::Early][..])), 1..6),
        sizes in vec(1_usize..80, 1..5),
    ) {
        let (mut said, mut owed) = (Vec::new(), Vec::new());
        for (request, answer, has_interim, order) in &exchanges {
            let has_body = !request.start.starts_with("HEAD");
            let interim = if *has_interim { INTERIM } else { b"" };
            let body = if has_body { answer.framed() } else { Vec::new() };
            let answer = [interim, &answer.head(), &body].concat();
            said.push((VISITOR, request.head()));
            match order {
                Order::Early => {
                    said.push((TARGET, [std::mem::take(&mut owed), answer].concat()));
                    said.push((VISITOR, request.framed()));
                }
                Order::Behind | Order::Pipelined => {
                    said.push((VISITOR, request.framed()));
                    owed.extend(answer);
                    if let Order::Behind = order {
                        said.push((TARGET, std::mem::take(&mut owed)));
                    }
                }
            }
        }
        said.push((TARGET, owed));
        let inspector = inspector();
        let tap = inspector.connection(Duration::ZERO);
        say_in_pieces(&tap, &said, &sizes);
        let seen = seen(&inspector);
        prop_assert_eq!(seen.len(), exchanges.len());
        for (exchange, (request, answer, ..)) in seen.iter().zip(&exchanges) {
            prop_assert_eq!(&exchange.state, &State::Done);
            prop_assert!(request.is(&exchange.request, true), "{:?} instead of {:?}", exchange.request, request);
            let response = exchange.response.as_ref().unwrap();
            let has_body = exchange.request.method() != b"HEAD";
            prop_assert!(answer.is(response, has_body), "{:?} instead of {:?}", response, answer);
        }
    }

    #[test]
    fn websockets_are_heard_as_they_were_said(
        messages in vec((select(&[VISITOR, TARGET][..]), any::<bool>(), vec(vec(any::<u8>(), 0..200), 1..4), any::<Index>()), 0..20),
        sizes in vec(1_usize..300, 1..5),
    ) {
        let (mut said, mut expected) = (Vec::new(), Vec::new());
        for (side, is_text, fragments, ping) in &messages {
            let ping = ping.index(2 * fragments.len());
            for (at, fragment) in fragments.iter().enumerate() {
                if at == ping {
                    said.push((*side, frame(*side, 0x89, b"?")));
                    expected.push((*side, Kind::Ping, b"?".to_vec()));
                }
                let kind = match at {
                    0 => if *is_text { 1 } else { 2 },
                    _ => 0,
                };
                let last = if at + 1 == fragments.len() { 0x80 } else { 0 };
                said.push((*side, frame(*side, last | kind, fragment)));
            }
            expected.push((*side, if *is_text { Kind::Text } else { Kind::Binary }, fragments.concat()));
        }
        let inspector = inspector();
        let tap = inspector.connection(Duration::ZERO);
        tap.down(b"GET / HTTP/1.1\r\nUpgrade: websocket\r\n\r\n");
        tap.up(b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n\r\n");
        say_in_pieces(&tap, &said, &sizes);
        let exchange = seen(&inspector).remove(0);
        let heard: Vec<_> = exchange.said.into_iter().map(|said| (said.by, said.kind, said.body.kept)).collect();
        prop_assert_eq!(heard, expected);
    }

    #[test]
    fn events_are_split_wherever_they_are_cut(
        events in vec(vec(select(&["data: 1", "id: 2", ": ?", "x"][..]), 1..4), 0..9),
        ends in vec(select(&["\n", "\r\n", "\r"][..]), 1..9),
        sizes in vec(1_usize..20, 1..5),
    ) {
        let mut ends = ends.iter().cycle();
        let (mut text, mut expected) = (String::new(), Vec::new());
        for lines in &events {
            let mut event = String::new();
            for line in lines {
                event += &[*line, *ends.next().unwrap()].concat();
            }
            // After a carriage return alone a line feed would not be an end of its own.
            let end = if event.ends_with('\r') { "\r" } else { *ends.next().unwrap() };
            text += &[&event[..], end].concat();
            expected.push(event.into_bytes());
        }
        let inspector = inspector();
        let tap = inspector.connection(Duration::ZERO);
        tap.down(GET);
        tap.up(b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n\r\n");
        say_in_pieces(&tap, &[(TARGET, text.clone().into_bytes())], &sizes);
        drop(tap);
        let exchange = seen(&inspector).remove(0);
        let heard: Vec<_> = exchange.said.iter().map(|said| said.body.kept.clone()).collect();
        prop_assert_eq!(heard, expected);
        prop_assert_eq!(exchange.response.unwrap().body.kept, text.into_bytes());
    }
}
