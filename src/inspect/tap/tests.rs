//! What is seen of a connection, whatever passes.

mod generated;
mod upgraded;
mod vast;

use std::time::Duration;

use super::super::{Exchange, Inspector, Kind, Settings, Side, State};
use super::Tap;

const VISITOR: Side = Side::Visitor;
const TARGET: Side = Side::Target;

fn inspector() -> Inspector {
    Inspector::new(Settings::new(|| Duration::from_secs(1_800_000_000)))
}

/// The exchanges, the oldest first.
fn seen(inspector: &Inspector) -> Vec<Exchange> {
    let mut seen = inspector.store().newest(usize::MAX, None, |exchange| Some(exchange.clone()));
    seen.reverse();
    seen
}

fn say(tap: &Tap, side: Side, bytes: &[u8]) {
    match side {
        Side::Visitor => tap.down(bytes),
        Side::Target => tap.up(bytes),
    }
}

/// What is seen where the two say this in turn, until the connection is gone.
fn conversation(said: &[(Side, &[u8])]) -> Vec<Exchange> {
    let inspector = inspector();
    let tap = inspector.connection(Duration::ZERO);
    for (side, bytes) in said {
        say(&tap, *side, bytes);
    }
    drop(tap);
    seen(&inspector)
}

/// The one exchange that is seen of such a conversation.
#[track_caller]
fn only(said: &[(Side, &[u8])]) -> Exchange {
    let mut seen = conversation(said);
    assert_eq!(seen.len(), 1, "{seen:?}");
    seen.remove(0)
}

const GET: &[u8] = b"GET /a HTTP/1.1\r\nHost: x\r\n\r\n";
const OK: &[u8] = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi";

#[test]
fn each_part_is_seen_when_it_passes() {
    let inspector = inspector();
    let tap = inspector.connection(Duration::from_secs(2));
    let newest = || seen(&inspector).pop().unwrap();
    tap.down(b"POST /a HTTP/1.1\r\nContent-Length: 2\r\n\r\n");
    assert_eq!((newest().state, newest().timing.asked), (State::Asked, None));
    tap.down(b"hi");
    assert!(newest().timing.asked.is_some());
    tap.up(b"HTTP/1.1 200 OK\r\nContent-Len");
    assert!(newest().response.is_none() && newest().timing.answered.is_none());
    tap.up(b"gth: 3\r\n\r\n");
    assert_eq!(newest().state, State::Answering);
    tap.up(b"one");
    assert_eq!(newest().state, State::Done);
    let timing = newest().timing;
    assert_eq!(timing.held, Duration::from_secs(2));
    assert!(timing.asked <= timing.answered && timing.answered <= timing.ended);
    assert!(timing.asked >= Some(timing.held), "it is counted from when it came");
    tap.down(GET);
    assert_eq!((newest().id, newest().timing.held), (2, Duration::ZERO), "the first alone had to wait");
}

#[test]
fn what_ends_with_the_connection_is_whole() {
    let inspector = inspector();
    let tap = inspector.connection(Duration::ZERO);
    tap.down(GET);
    tap.up(b"HTTP/1.1 200 OK\r\n\r\nall of it");
    tap.ended(TARGET);
    let [exchange] = &seen(&inspector)[..] else { panic!("there is one") };
    assert_eq!(exchange.state, State::Done);
    assert_eq!(exchange.response.as_ref().unwrap().body.kept, b"all of it");
    assert_eq!(only(&[(VISITOR, GET), (TARGET, b"HTTP/1.1 200 OK\r\n\r\nall of it")]).state, State::Cut);
}

#[test]
fn what_was_cut_says_so_and_what_came_is_there() {
    let cut = |said: &[(Side, &[u8])]| {
        let exchange = only(said);
        assert_eq!(exchange.state, State::Cut, "{exchange:?}");
        assert!(exchange.timing.ended.is_some());
        exchange
    };
    assert_eq!(cut(&[(VISITOR, b"GET /a HTTP/1.1\r\nHo")]).request.head, b"GET /a HTTP/1.1\r\nHo");
    cut(&[(VISITOR, b"POST /a HTTP/1.1\r\nContent-Length: 3\r\n\r\nhi")]);
    assert!(cut(&[(VISITOR, GET)]).response.is_none());
    let half = cut(&[(VISITOR, GET), (TARGET, b"HTTP/1.1 200 OK\r\nCont")]);
    assert_eq!(half.response.unwrap().head, b"HTTP/1.1 200 OK\r\nCont");
    assert_eq!(cut(&[(VISITOR, GET), (TARGET, &OK[..OK.len() - 1])]).response.unwrap().body.kept, b"h");
    cut(&[(VISITOR, GET), (TARGET, b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nhi\r\n0\r\n")]);
}

/// Why nothing was answered is told where it was the target that went.
#[test]
fn a_target_that_closes_without_an_answer() {
    let state = |replay_of, said: &[u8], leave: fn(&Tap)| {
        let inspector = inspector();
        let tap = Tap::new(inspector.clone(), Duration::ZERO, replay_of);
        tap.down(GET);
        tap.up(said);
        leave(&tap);
        drop(tap);
        seen(&inspector).remove(0).state
    };
    let closed = "the target closed the connection before it answered";
    for leave in [Tap::deserted, |tap: &Tap| tap.ended(TARGET)] {
        assert_eq!(
            state(None, b"", leave),
            State::Unanswered("the target closed the connection before it answered; the server may have sent it again")
        );
        assert_eq!(state(Some(1), b"", leave), State::Unanswered(closed), "nobody sends a replay again");
        assert_eq!(state(None, b"HTTP/1.1 200 OK\r\nCont", leave), State::Cut);
    }
    assert_eq!(state(None, b"", |tap| tap.ended(VISITOR)), State::Cut);
}

#[test]
fn an_answer_may_come_before_the_request_is_whole() {
    let asked: (Side, &[u8]) = (VISITOR, b"POST /a HTTP/1.1\r\nContent-Length: 9\r\n\r\nhi");
    assert_eq!(only(&[asked, (TARGET, OK)]).state, State::Cut);
    assert_eq!(only(&[asked, (TARGET, OK), (VISITOR, b" there.")]).state, State::Done);
    let seen = conversation(&[asked, (TARGET, OK), (VISITOR, b" there."), (VISITOR, GET), (TARGET, OK)]);
    assert!(seen.len() == 2 && seen.iter().all(|exchange| exchange.state == State::Done));
    let early =
        only(&[(VISITOR, b"POST /a HT"), (TARGET, b"HTTP/1.1 408 Request Timeout\r\ncontent-length: 0\r\n\r\n")]);
    assert_eq!((early.state, early.response.unwrap().status()), (State::Cut, Some(408)));
}

#[test]
fn who_expects_to_be_told_to_go_on_may_have_said_all() {
    let asked: (Side, &[u8]) = (VISITOR, b"POST /a HTTP/1.1\r\nExpect: 100-continue\r\nContent-Length: 2\r\n\r\n");
    let go_on: (Side, &[u8]) = (TARGET, b"HTTP/1.1 100 Continue\r\n\r\n");
    let told = only(&[asked, go_on, (VISITOR, b"hi"), (TARGET, OK)]);
    assert_eq!((told.state, told.response.unwrap().status()), (State::Done, Some(200)), "interim answers are not kept");
    assert_eq!(only(&[asked, (TARGET, OK)]).state, State::Done);
    assert_eq!(only(&[asked, go_on, (VISITOR, b"h"), (TARGET, OK)]).state, State::Cut);
}

#[test]
fn some_answers_have_no_body() {
    let head = b"HEAD /a HTTP/1.1\r\n\r\n";
    let length: &[u8] = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n";
    let seen = conversation(&[
        (VISITOR, head),
        (TARGET, length),
        (VISITOR, GET),
        (TARGET, b"HTTP/1.1 304 Not Modified\r\nContent-Length: 2\r\n\r\n"),
        (VISITOR, GET),
        (TARGET, b"HTTP/1.1 204 No Content\r\nTransfer-Encoding: chunked\r\n\r\n"),
        (VISITOR, GET),
        (TARGET, OK),
    ]);
    assert_eq!(seen.len(), 4);
    assert!(seen.iter().all(|exchange| exchange.state == State::Done), "{seen:?}");
    assert_eq!(seen[3].response.as_ref().unwrap().body.kept, b"hi");
}

#[track_caller]
fn check_opaque(said: &[(Side, &[u8])], why: &'static str) {
    let exchange = only(said);
    assert_eq!(exchange.state, State::Opaque(why));
    let [down, up] = [VISITOR, TARGET]
        .map(|side| said.iter().filter(|(by, _)| *by == side).map(|(_, bytes)| bytes.len()).sum::<usize>());
    let of = |message: &super::super::Message| message.head.len() as u64 + message.body.size;
    assert_eq!(of(&exchange.request), down as u64, "each byte counts");
    assert_eq!(exchange.response.as_ref().map_or(0, of), up as u64, "each byte counts");
}

#[test]
fn what_is_not_understood_is_counted() {
    check_opaque(
        &[(VISITOR, b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"), (TARGET, &[0; 9]), (VISITOR, &[0; 99])],
        "it is HTTP/2",
    );
    check_opaque(&[(VISITOR, b"GET / HTTP/3.0\r\n\r\n"), (TARGET, b"hm")], "it is not HTTP/1.1");
    check_opaque(&[(VISITOR, b"GET / HTTP/1.1\r\nHost x\r\n\r\nmore")], "a header's name is malformed");
    check_opaque(&[(VISITOR, b"GET / HTTP/1.1\r\na: b\x00\r\n\r\n")], "a header's value is malformed");
    check_opaque(&[(VISITOR, b"\x16\x03\x01\x00")], "its first line is malformed");
    check_opaque(&[(TARGET, b"220 mail.example.com\r\n")], "the target speaks before it is asked");
    check_opaque(&[(VISITOR, GET), (TARGET, b"\x15\x03\x01\x00\x02\x02\x46")], "it is not HTTP/1.1");
    check_opaque(&[(VISITOR, GET), (TARGET, b"HTTP/1.1 2x0 OK\r\n\r\nhm")], "its status is malformed");
    let lengths = b"GET / HTTP/1.1\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n";
    check_opaque(&[(VISITOR, lengths), (VISITOR, b"abc")], "its length is none");
    let framing = b"GET / HTTP/1.1\r\nTransfer-Encoding: gzip\r\n\r\n";
    check_opaque(&[(VISITOR, framing), (VISITOR, b"abc")], "nothing says where the request ends");
    check_opaque(
        &[(VISITOR, b"CONNECT a:1 HTTP/1.1\r\n\r\n"), (TARGET, b"HTTP/1.1 200 OK\r\n\r\n"), (VISITOR, b"\x16\x03")],
        "the connection went over to another protocol",
    );
    let upgrade: &[u8] = b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: h2c\r\n\r\n";
    check_opaque(
        &[(VISITOR, GET), (TARGET, upgrade), (TARGET, &[0; 9])],
        "the connection went over to another protocol",
    );
}

#[test]
fn wrong_chunks_are_not_followed() {
    let chunked: &[u8] = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip, chunked\r\n\r\n";
    for (chunks, why) in [
        (&b"2\r\nhiX"[..], "a chunk is longer than its size says"),
        (b"x\r\n", "the size of a chunk is none"),
        (b"\r\n", "the size of a chunk is none"),
        (b"00000000000000001\r\n", "the size of a chunk is none"),
        (b"0\r\n\rX", "a line of its trailers ends oddly"),
    ] {
        let exchange = only(&[(VISITOR, GET), (TARGET, chunked), (TARGET, chunks), (TARGET, b"more")]);
        assert_eq!(exchange.state, State::Opaque(why), "{chunks:?}");
        assert!(exchange.response.unwrap().body.size >= 4, "the rest is counted");
    }
}

#[test]
fn a_head_may_have_many_lines_and_not_be_vast() {
    let many = "x-y: z\r\n".repeat(1_000);
    let exchange = only(&[(VISITOR, format!("GET / HTTP/1.1\r\n{many}\r\n").as_bytes()), (TARGET, OK)]);
    assert_eq!((exchange.state, exchange.request.headers().count()), (State::Done, 1_000));
    let vast = [&b"GET / HTTP/1.1\r\nx: "[..], &vec![b'a'; 256 * 1024], b"\r\n\r\n"].concat();
    check_opaque(&[(VISITOR, &vast), (TARGET, OK)], "its head is longer than 256 KiB");
    assert_eq!(only(&[(VISITOR, &vast)]).request.head.len(), 256 * 1024, "what is looked at is shown");
}

#[test]
fn requests_wait_for_their_answers_in_order_and_not_without_end() {
    let inspector = inspector();
    let tap = inspector.connection(Duration::ZERO);
    tap.down(&GET.repeat(64));
    tap.up(&OK.repeat(63));
    let states = |state: &State| seen(&inspector).iter().filter(|exchange| exchange.state == *state).count();
    assert_eq!((states(&State::Done), states(&State::Asked)), (63, 1));
    tap.down(&GET.repeat(64));
    assert_eq!(states(&State::Opaque("too many requests wait for their answers")), 64);
    assert_eq!(seen(&inspector).last().unwrap().request.body.size, GET.len() as u64, "the one too many is counted");
}

#[test]
fn nobody_was_there() {
    let inspector = inspector();
    inspector.unreachable(Duration::from_secs(5), "nothing listens", b"POST /a HTTP/1.1\r\nContent-Length: 2\r\n\r\nh");
    inspector.unreachable(Duration::ZERO, "nothing listens", b"");
    inspector.unreachable(Duration::ZERO, "nothing listens", b"GET /a");
    let seen = seen(&inspector);
    let unreachable = State::Unreachable("nothing listens".to_owned());
    assert!(seen.len() == 3 && seen.iter().all(|exchange| exchange.state == unreachable), "{seen:?}");
    assert_eq!((seen[0].request.path(), seen[0].timing.held), (&b"/a"[..], Duration::from_secs(5)));
    assert!(seen[0].timing.ended >= Some(Duration::from_secs(5)), "{:?}", seen[0].timing);
}

#[test]
fn what_was_under_way_while_the_link_was_lost_is_resumed() {
    let inspector = inspector();
    let [before, during, after] = [0; 3].map(|_| inspector.connection(Duration::ZERO));
    let replay = Tap::new(inspector.clone(), Duration::ZERO, Some(1));
    before.down(GET);
    before.up(OK);
    during.down(GET);
    replay.down(GET);
    inspector.link_lost();
    during.up(OK);
    after.down(GET);
    assert!(seen(&inspector).iter().all(|exchange| !exchange.resumed), "it is not back yet");
    inspector.link_back();
    let resumed: Vec<bool> = seen(&inspector).iter().map(|exchange| exchange.resumed).collect();
    assert_eq!(resumed, [false, true, false, false]);
}

#[test]
fn a_link_that_is_lost_is_one_tunnels() {
    let all = inspector();
    let [web, api] = ["web", "api"].map(|name| all.of_tunnel(Some(name.into())));
    let taps = [&web, &api].map(|inspector| inspector.connection(Duration::ZERO));
    for tap in &taps {
        tap.down(GET);
    }
    web.link_lost();
    web.link_back();
    let resumed: Vec<_> = seen(&all).into_iter().map(|exchange| (exchange.tunnel, exchange.resumed)).collect();
    assert_eq!(resumed, [(Some("web".into()), true), (Some("api".into()), false)]);
}
