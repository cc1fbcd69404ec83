//! What is said after the heads: on WebSockets, and in streams of events.

use super::super::super::Said;
use super::*;

const ASK: &[u8] = b"GET /ws HTTP/1.1\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n";
const AGREE: &[u8] = b"HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: WebSocket\r\n\r\n";

/// A frame, masked as visitors do. Its first byte has the flags and the kind.
pub(super) fn frame(side: Side, first: u8, body: &[u8]) -> Vec<u8> {
    let mut frame = vec![first];
    let mask_bit = if side == VISITOR { 0x80 } else { 0 };
    match body.len() {
        length @ ..126 => frame.push(mask_bit | u8::try_from(length).unwrap()),
        length @ ..65_536 => {
            frame.push(mask_bit | 126);
            frame.extend(u16::try_from(length).unwrap().to_be_bytes());
        }
        length => {
            frame.push(mask_bit | 127);
            frame.extend((length as u64).to_be_bytes());
        }
    }
    let mask: [u8; 4] = if side == VISITOR { *b"\x01\x80zM" } else { [0; 4] };
    frame.extend(mask.iter().filter(|_| side == VISITOR));
    frame.extend(body.iter().zip(mask.iter().cycle()).map(|(byte, mask)| byte ^ mask));
    frame
}

/// What is seen of a WebSocket on which the two say this.
fn websocket(said: &[(Side, Vec<u8>)]) -> Exchange {
    let heads = [(VISITOR, ASK), (TARGET, AGREE)];
    let said: Vec<(Side, &[u8])> =
        heads.into_iter().chain(said.iter().map(|(side, bytes)| (*side, &bytes[..]))).collect();
    only(&said)
}

fn heard(exchange: &Exchange) -> Vec<(Side, Kind, &[u8])> {
    exchange.said.iter().map(|Said { by, kind, body, .. }| (*by, *kind, &body.kept[..])).collect()
}

#[test]
fn fragments_are_joined_and_others_stand_in_between() {
    let exchange = websocket(&[
        (VISITOR, frame(VISITOR, 0x01, b"hel")),
        (TARGET, frame(TARGET, 0x89, b"there?")),
        (VISITOR, frame(VISITOR, 0x8a, b"there?")),
        (VISITOR, frame(VISITOR, 0x00, b"")),
        (VISITOR, frame(VISITOR, 0x80, b"lo")),
        (TARGET, frame(TARGET, 0x82, &[0xff; 70_000])),
        (TARGET, frame(TARGET, 0x81, b"")),
        (VISITOR, frame(VISITOR, 0x88, b"\x03\xe8bye")),
    ]);
    assert_eq!(exchange.state, State::Cut, "one alone has said good-bye");
    let expected: [(Side, Kind, &[u8]); 6] = [
        (TARGET, Kind::Ping, b"there?"),
        (VISITOR, Kind::Pong, b"there?"),
        (VISITOR, Kind::Text, b"hello"),
        (TARGET, Kind::Binary, &[0xff; 65_536]),
        (TARGET, Kind::Text, b""),
        (VISITOR, Kind::Close, b"\x03\xe8bye"),
    ];
    assert_eq!(heard(&exchange), expected);
    assert!(exchange.said[3].body.is_cut() && exchange.said[3].body.size == 70_000);
    assert!(exchange.request.body.size > 0 && exchange.response.unwrap().body.size > 70_000, "what passed is counted");
}

#[test]
fn a_websocket_is_over_when_both_have_said_good_bye_or_ended() {
    let good_bye = [(VISITOR, frame(VISITOR, 0x88, b"")), (TARGET, frame(TARGET, 0x88, b""))];
    assert_eq!(websocket(&good_bye).state, State::Done);
    let inspector = inspector();
    let tap = inspector.connection(Duration::ZERO);
    for (side, bytes) in [(VISITOR, ASK), (TARGET, AGREE)] {
        say(&tap, side, bytes);
    }
    assert_eq!(seen(&inspector)[0].state, State::Answering);
    tap.ended(VISITOR);
    tap.ended(TARGET);
    assert_eq!(seen(&inspector)[0].state, State::Done);
}

#[test]
fn a_compressed_message_is_as_it_passed_and_says_so() {
    let exchange = websocket(&[
        (VISITOR, frame(VISITOR, 0x41, b"\xf2H\xcd")),
        (VISITOR, frame(VISITOR, 0x80, b"\xc9\xc9\x07\x00")),
        (VISITOR, frame(VISITOR, 0x81, b"plain")),
    ]);
    let deflated: Vec<bool> = exchange.said.iter().map(|said| said.deflated).collect();
    assert_eq!(deflated, [true, false]);
    assert_eq!(exchange.said[0].body.kept, b"\xf2H\xcd\xc9\xc9\x07\x00");
}

#[test]
fn frames_that_are_none_are_counted() {
    let wrong = [
        vec![0xb1, 0x00],
        frame(TARGET, 0x80, b"continues nothing"),
        frame(TARGET, 0x83, b"of no kind"),
        frame(TARGET, 0x09, b"in pieces"),
        frame(TARGET, 0x89, &[0; 126]),
        [frame(TARGET, 0x01, b"a"), frame(TARGET, 0x81, b"within another")].concat(),
        [&[0x82, 127][..], &[0xff; 8]].concat(),
    ];
    for bytes in wrong {
        let exchange = websocket(&[(TARGET, bytes.clone())]);
        assert!(matches!(exchange.state, State::Opaque(why) if why.contains("WebSocket")), "{bytes:?}: {exchange:?}");
    }
}

#[test]
fn a_message_that_never_ended_is_there() {
    let exchange = websocket(&[(TARGET, frame(TARGET, 0x01, b"half of"))]);
    assert_eq!(heard(&exchange), [(TARGET, Kind::Text, &b"half of"[..])]);
}

#[test]
fn a_thousand_messages_are_kept_and_a_sixteenth_of_the_room() {
    let many = vec![(TARGET, frame(TARGET, 0x81, b"tick")); 1_002];
    let exchange = websocket(&many);
    assert_eq!((exchange.said.len(), exchange.unkept), (1_000, 2));
    let large = vec![(TARGET, frame(TARGET, 0x82, &[0; 100_000])); 100];
    let exchange = websocket(&large);
    assert!((60..64).contains(&exchange.said.len()), "{}", exchange.said.len());
    assert_eq!(exchange.said.len() as u64 + exchange.unkept, 100);
}

#[test]
fn events_are_seen_as_they_pass_and_the_body_as_well() {
    let inspector = inspector();
    let tap = inspector.connection(Duration::ZERO);
    tap.down(GET);
    tap.up(b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream; charset=utf-8\r\nTransfer-Encoding: chunked\r\n\r\n");
    tap.up(b"9\r\ndata: 1\n\n\r\n");
    assert_eq!(seen(&inspector)[0].said.len(), 1);
    tap.up(b"13\r\n\nid: 2\r\ndata: 2\r\n\r\n\r\n5\r\n: a\r\r\r\n4\r\ndata\r\n0\r\n\r\n");
    let exchange = &seen(&inspector)[0];
    assert_eq!(exchange.state, State::Done);
    let events = [&b"data: 1\n"[..], b"id: 2\r\ndata: 2\r\n", b": a\r", b"data"];
    assert_eq!(heard(exchange), events.map(|event| (TARGET, Kind::Event, event)));
    let body = &exchange.response.as_ref().unwrap().body;
    assert_eq!(body.kept, b"data: 1\n\n\nid: 2\r\ndata: 2\r\n\r\n: a\r\rdata");
}

#[test]
fn events_that_are_compressed_are_a_body_alone() {
    let head = b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Type: text/event-stream\r\n\r\n";
    let exchange = only(&[(VISITOR, GET), (TARGET, head), (TARGET, b"\x1f\x8b\n\n\n\n")]);
    assert!(exchange.said.is_empty() && exchange.response.unwrap().body.size == 6);
}
