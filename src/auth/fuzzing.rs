//! Tokens, as bytes that a fuzzer chooses.

#![expect(clippy::missing_panics_doc, reason = "a panic is how a fuzzer hears of a fault")]

use super::{Audience, Key, Keys, mint, token, verify};

const NOW: u64 = 1_800_000_000;

/// A token as a stranger may send it; and, for nobody can guess a signature, the same bytes as what a signed one says: a
/// header, a line feed, and the claims. What is accepted is accepted again when it is minted anew.
pub fn tokens(data: &[u8]) {
    let keys = Keys::new(Key::new(b"0123456789abcdef0123456789abcdef").expect("not empty"), []);
    if let Ok(text) = std::str::from_utf8(data) {
        let _ = verify(&keys, Audience::Auth, text, NOW);
    }
    let mut parts = data.splitn(2, |byte| *byte == b'\n');
    let (header, claims) = (parts.next().unwrap_or_default(), parts.next().unwrap_or_default());
    let signed = token::seal(&keys, header, claims);
    for audience in [Audience::Auth, Audience::Connect] {
        let Ok(claims) = verify(&keys, audience, &signed, NOW) else { continue };
        assert_eq!(claims.audience, audience);
        assert!(claims.expiry.is_none_or(|at| at > NOW) && claims.not_before.is_none_or(|at| at <= NOW));
        let again = mint(&keys, &claims);
        // Escapes may be longer in our spelling, and what is too long then is nobody's.
        if again.len() <= signed.len() {
            assert_eq!(verify(&keys, audience, &again, NOW), Ok(claims));
        }
    }
}
