//! Exchanges in the forms that other programs read.

mod curl;
pub mod files;
mod har;

pub use curl::curl;
pub use har::{Archive, Har, har};

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::inspect::{Body, Message};

    proptest! {
        #[test]
        fn any_request_has_a_line_that_is_text_and_harmless(head: Vec<u8>, kept: Vec<u8>, size: u64, trailers: Vec<u8>) {
            let heads = [head.clone(), [b"POST /x HTTP/1.1\r\nHost: a\r\nX: ", &head[..], b"\r\n\r\n"].concat()];
            for head in heads {
                let message = Message { head, body: Body { kept: kept.clone(), size }, trailers: trailers.clone() };
                let line = curl(&message, "http://localhost:1");
                prop_assert!(line.chars().all(|c| !c.is_control() || c == '\n'), "{line:?}");
            }
        }
    }
}
