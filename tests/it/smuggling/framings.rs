//! Spellings of the one coding that there is, beside a length and without one.

use super::cases::{HOST, bodies, post};
use super::{CANARY, Case};

/// Lines that some reader takes for `Transfer-Encoding: chunked`, and others do not.
const CODINGS: [&str; 62] = [
    "Transfer-Encoding: chunked",
    "transfer-encoding: chunked",
    "TRANSFER-ENCODING: CHUNKED",
    "Transfer-Encoding:chunked",
    "Transfer-Encoding:\tchunked",
    "Transfer-Encoding:   chunked  ",
    "Transfer-Encoding: chunked\t",
    "Transfer-Encoding : chunked",
    "Transfer-Encoding\t: chunked",
    "Transfer-Encoding\t:\tchunked",
    " Transfer-Encoding: chunked",
    "\tTransfer-Encoding: chunked",
    "X: y\r\n Transfer-Encoding: chunked",
    "X: y\rTransfer-Encoding: chunked",
    "X: y\nTransfer-Encoding: chunked",
    "X: y\r\r\nTransfer-Encoding: chunked",
    "X:\n Transfer-Encoding: chunked",
    "Transfer-Encoding: chunked\n",
    "Transfer-Encoding:\n chunked",
    "Transfer-Encoding:\r\n chunked",
    "Transfer-Encoding:\r\n\tchunked",
    "Transfer-Encoding\r\n: chunked",
    "Transfer-\r\nEncoding: chunked",
    "Transfer-Encoding: chu\r\n nked",
    "Transfer-Encoding: \u{b}chunked",
    "Transfer-Encoding:\u{b}chunked",
    "Transfer-Encoding\u{b}: chunked",
    "Transfer-Encoding: \u{c}chunked",
    "Transfer-Encoding: chunked\u{c}",
    "Transfer-Encoding: chunked\0",
    "Transfer-Encoding:\0chunked",
    "Transfer-Encoding\0: chunked",
    "Transfer-Encoding: \u{1}chunked",
    "Transfer-Encoding: chunked\u{7f}",
    "Transfer-Encoding: \u{a0}chunked",
    "Transfer-Encoding: chunked\u{a0}",
    "Transfer-Encoding\u{a0}: chunked",
    "Transfer-Encoding: ch\u{17f}nked",
    "Transfer-Encoding: x",
    "Transfer-Encoding: xchunked",
    "Transfer-Encoding: chunkedx",
    "Transfer-Encoding: chunk",
    "Transfer-Encoding: \"chunked\"",
    "Transfer-Encoding: 'chunked'",
    "Transfer-Encoding: chunked;a=b",
    "Transfer-Encoding: chunked, identity",
    "Transfer-Encoding: identity, chunked",
    "Transfer-Encoding: identity",
    "Transfer-Encoding: chunked, chunked",
    "Transfer-Encoding: chunked,",
    "Transfer-Encoding: ,chunked",
    "Transfer-Encoding: chunked, cow",
    "Transfer-Encoding: cow, chunked",
    "Transfer-Encoding: gzip",
    "Transfer-Encoding: gzip, chunked",
    "Transfer-Encoding:",
    "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked",
    "Transfer-Encoding: chunked\r\nTransfer-Encoding: cow",
    "Transfer-Encoding: cow\r\nTransfer-Encoding: chunked",
    "Transfer-Encoding: identity\r\nTransfer-Encoding: chunked",
    "Transfer_Encoding: chunked",
    "Transfer Encoding: chunked",
];

/// How many of them, from the first on, are spellings of the one coding that there is.
const PLAIN: usize = 7;

/// CL.TE, TE.CL and TE.TE: each spelling before and after a length, and without one, with each body.
pub(super) fn all() -> Vec<Case> {
    let mut cases = Vec::new();
    for (number, coding) in CODINGS.iter().enumerate() {
        for (shape, body) in bodies() {
            let length = format!("Content-Length: {}", body.len());
            for (order, lines) in [
                ("alone", format!("{coding}\r\n")),
                ("first", format!("{coding}\r\n{length}\r\n")),
                ("second", format!("{length}\r\n{coding}\r\n")),
            ] {
                let name = format!("{coding:?}, {order}, {shape}");
                let bytes = post(&lines, &body);
                let plain = number < PLAIN && order == "alone";
                match shape {
                    // Who reads chunks has a body with the canary in it, or none.
                    "length ends first" if plain => {
                        cases.push(Case::one(name, bytes, CANARY.replace("{path}", "/app/xxxx")));
                    }
                    "both end" if plain => cases.push(Case::one(name, bytes, "")),
                    // The canary stands behind the request, as a request of its own, for nobody's prefix.
                    "chunked ends first" if plain => {}
                    _ => cases.push(Case::refused(name, bytes)),
                }
            }
        }
    }
    // Names that only resemble it are headers like any other.
    for name in
        ["X-Transfer-Encoding", "Transfer-Encodin", "TransferEncoding", "Content-Encoding", "Transfer-Encoding-"]
    {
        let body = "0\r\n\r\nGET";
        let bytes = post(&format!("{name}: chunked\r\nContent-Length: {}\r\n", body.len()), body);
        cases.push(Case::one(format!("{name}: chunked"), bytes, body));
    }
    for version in ["1.0", "0.9", "1.2", "2.0", "1.1 ", "1", "1.10", "01.1"] {
        let bytes = format!("POST {{path}}/one HTTP/{version}\r\n{HOST}Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n");
        cases.push(Case::refused(format!("HTTP/{version} with chunks"), bytes));
    }
    cases
}
