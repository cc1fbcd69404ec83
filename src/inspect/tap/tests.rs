//! What is seen of a connection, whatever passes.

use std::time::Duration;

use super::super::{Exchange, Inspector, Settings, Side, State};
use super::Tap;

fn inspector() -> Inspector {
    Inspector::new(Settings::new(|| Duration::from_secs(1_800_000_000)))
}

/// The exchanges, the oldest first.
fn seen(inspector: &Inspector) -> Vec<Exchange> {
    let mut seen = inspector.store().newest(usize::MAX, None, |exchange| Some(exchange.clone()));
    seen.reverse();
    seen
}

fn tap(inspector: &Inspector) -> Tap {
    inspector.connection(Duration::ZERO)
}

#[test]
fn one_exchange_after_the_other() {
    let inspector = inspector();
    let tap = tap(&inspector);
    for (path, text) in [("/a", "one"), ("/b", "two")] {
        tap.down(format!("POST {path} HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\n\r\n").as_bytes());
        assert_eq!(seen(&inspector).last().unwrap().state, State::Asked);
        tap.down(b"hi");
        tap.up(b"HTTP/1.1 200 OK\r\nContent-Len");
        tap.up(b"gth: 3\r\n\r\n");
        assert_eq!(seen(&inspector).last().unwrap().state, State::Answering);
        tap.up(text.as_bytes());
    }
    tap.ended(Side::Visitor);
    tap.ended(Side::Target);
    let [first, second] = &seen(&inspector)[..] else { panic!("there are two") };
    assert_eq!((first.id, second.id), (1, 2));
    assert_eq!((first.request.path(), second.request.path()), (&b"/a"[..], &b"/b"[..]));
    for (exchange, text) in [(first, "one"), (second, "two")] {
        assert_eq!(exchange.state, State::Done);
        assert_eq!(exchange.request.body.kept, b"hi");
        assert_eq!(exchange.response.as_ref().unwrap().body.kept, text.as_bytes());
        assert!(exchange.timing.ended.is_some() && exchange.timing.asked <= exchange.timing.answered);
    }
}
