//! What GitHub signs: the body alone. (GitHub, "Validating webhook deliveries")

use std::fmt::Write as _;

use super::content::{Claim, Scheme};
use super::verdict::Verdict;
use crate::inspect::request::Request;

pub(super) const SIGNATURE: &str = "X-Hub-Signature-256";

pub(super) static SCHEME: Scheme =
    Scheme { claim, sign: |_, mac, _| vec![(SIGNATURE, format!("sha256={}", hex(&mac(b""))))] };

fn claim(request: &Request<'_>) -> Result<Claim, Verdict> {
    let Some(value) = request.header(SIGNATURE) else {
        return Err(match request.header("X-Hub-Signature") {
            Some(_) => Verdict::unchecked("it is signed by SHA-1 alone, `X-Hub-Signature`, which is not checked"),
            None => Verdict::missing(SIGNATURE),
        });
    };
    let signature = value.strip_prefix("sha256=").and_then(unhex);
    let signature = signature.ok_or_else(|| Verdict::malformed(SIGNATURE, "`sha256=` and 64 hexadecimal digits"))?;
    Ok(Claim { before: Vec::new(), signatures: vec![signature], at: None })
}

/// Bytes in hexadecimal digits.
pub(super) fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |mut text, byte| {
        // Writing to a string cannot fail.
        let _ = write!(text, "{byte:02x}");
        text
    })
}

/// The 32 bytes that 64 hexadecimal digits stand for.
pub(super) fn unhex(text: &str) -> Option<Vec<u8>> {
    if text.len() != 64 || !text.bytes().all(|byte| byte.is_ascii_hexdigit()) {
        return None;
    }
    (0..64).step_by(2).map(|at| u8::from_str_radix(text.get(at..at + 2)?, 16).ok()).collect()
}
