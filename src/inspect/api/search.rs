//! Finding what somebody looks for: a text in heads and bodies, a path by a part or a pattern. Case is all the same, for
//! letters of ASCII. Knows bytes alone.

use crate::inspect::show::show;
use crate::inspect::{Exchange, Message};

/// How much may be inflated for one search. What is compressed beyond that is looked through as it came.
const MAX_INFLATED: usize = 32 * 1024 * 1024;

/// A search for one text.
pub(super) struct Search {
    text: Vec<u8>,
    /// What may still be inflated.
    left: usize,
}

impl Search {
    pub(super) fn new(text: &str) -> Self {
        Self { text: text.as_bytes().to_ascii_lowercase(), left: MAX_INFLATED }
    }

    /// Whether the text stands somewhere in it.
    pub(super) fn finds(&mut self, exchange: &Exchange) -> bool {
        let said = exchange.said.iter().map(|said| said.body.kept.as_slice());
        self.is_in(&exchange.request)
            || exchange.response.as_ref().is_some_and(|response| self.is_in(response))
            || said.into_iter().any(|said| contains(said, &self.text))
    }

    fn is_in(&mut self, message: &Message) -> bool {
        let plain = [&message.head, &message.body.kept, &message.trailers];
        plain.into_iter().any(|bytes| contains(bytes, &self.text)) || self.is_within(message)
    }

    /// Whether it stands in what the body inflates to.
    fn is_within(&mut self, message: &Message) -> bool {
        if self.left == 0 || message.header("content-encoding").is_none() {
            return false;
        }
        let shown = show(message);
        self.left = self.left.saturating_sub(shown.bytes.len());
        shown.decoded && contains(&shown.bytes, &self.text)
    }
}

/// Whether `text`, which is in lower case, occurs.
fn contains(bytes: &[u8], text: &[u8]) -> bool {
    let Some((first, rest)) = text.split_first() else { return true };
    let upper = first.to_ascii_uppercase();
    let begins = |(at, byte): (usize, &u8)| {
        (byte == first || *byte == upper)
            && bytes.get(at + 1..=at + rest.len()).is_some_and(|next| next.eq_ignore_ascii_case(rest))
    };
    bytes.iter().enumerate().any(begins)
}

/// Whether `wanted` is a part of the path or, with `*` for anything, all of it.
pub(super) fn is_path(wanted: &str, path: &[u8]) -> bool {
    let wanted = wanted.as_bytes().to_ascii_lowercase();
    if !wanted.contains(&b'*') {
        return contains(path, &wanted);
    }
    let mut parts = wanted.split(|byte| *byte == b'*');
    let first = parts.next().unwrap_or_default();
    let last = parts.next_back().unwrap_or_default();
    if path.len() < first.len() + last.len() {
        return false;
    }
    let (begin, rest) = path.split_at(first.len());
    let (mut middle, end) = rest.split_at(rest.len() - last.len());
    let mut is_next = |part: &[u8]| {
        let found = (0..=middle.len())
            .find(|at| middle.get(*at..at + part.len()).is_some_and(|piece| piece.eq_ignore_ascii_case(part)));
        middle = found.map_or(&[], |at| &middle[at + part.len()..]);
        found.is_some()
    };
    begin.eq_ignore_ascii_case(first) && end.eq_ignore_ascii_case(last) && parts.all(&mut is_next)
}

#[cfg(test)]
mod tests {
    use std::io::Write as _;
    use std::time::Duration;

    use flate2::Compression;
    use flate2::write::GzEncoder;
    use proptest::prelude::*;

    use super::*;
    use crate::inspect::{Body, Kind, Said, Side};

    #[test]
    fn paths() {
        for (wanted, path, expected) in [
            ("api", "/API/x", true),
            ("/x", "/api/x?y", true),
            ("/y", "/api/x", false),
            ("/api/*", "/api/x/y?z", true),
            ("/api/*", "/app/api/x", false),
            ("*/X", "/api/x", true),
            ("*/x", "/api/x/y", false),
            ("/a*b*c", "/a1b2c", true),
            ("/a*b*c", "/a1c2b", false),
            ("/aa*aa", "/aaa", false),
            ("*", "", true),
            ("", "/", true),
        ] {
            assert_eq!(is_path(wanted, path.as_bytes()), expected, "{wanted} {path}");
        }
    }

    fn exchange(head: &str, body: &[u8]) -> Exchange {
        let body = Body { kept: body.to_vec(), size: body.len() as u64 };
        Exchange::of(Message { head: head.as_bytes().to_vec(), body, trailers: Vec::new() })
    }

    #[test]
    fn messages_are_looked_through_as_well() {
        let mut exchange = exchange("GET / HTTP/1.1\r\n\r\n", b"");
        assert!(!Search::new("needle").finds(&exchange));
        let body = Body { kept: b"a Needle".to_vec(), size: 8 };
        let said = Said { at: Duration::ZERO, by: Side::Target, kind: Kind::Text, body, deflated: false };
        exchange.said.push(said);
        assert!(Search::new("needle").finds(&exchange));
    }

    #[test]
    fn a_search_inflates_no_more_than_it_may() {
        let mut gzip = GzEncoder::new(Vec::new(), Compression::fast());
        gzip.write_all(b"needle, and hay").unwrap();
        let exchange = exchange("POST / HTTP/1.1\r\nContent-Encoding: gzip\r\n\r\n", &gzip.finish().unwrap());
        let mut search = Search { left: 2 * 15, ..Search::new("needle") };
        assert_eq!([(); 3].map(|()| search.finds(&exchange)), [true, true, false]);
    }

    proptest! {
        #[test]
        fn a_text_is_found_where_it_is(
            before in "[a-cA-C]{0,6}", text in "[a-cA-C]{0,3}", after in "[a-cA-C]{0,6}", other in "[a-cA-C]{0,12}"
        ) {
            let lower = text.to_ascii_lowercase();
            let whole = format!("{before}{text}{after}");
            prop_assert!(contains(whole.as_bytes(), lower.as_bytes()));
            prop_assert_eq!(contains(other.as_bytes(), lower.as_bytes()), other.to_ascii_lowercase().contains(&lower));
        }
    }
}
