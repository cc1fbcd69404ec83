//! Content codings taken off, by bounded means. Knows no media type.

use std::io::{self, Read};

use flate2::read::{DeflateDecoder, MultiGzDecoder, ZlibDecoder};
use ruzstd::decoding::StreamingDecoder;

use super::{MAX_RATIO, MAX_SHOWN};
use crate::inspect::Message;

/// How many codings one body may have; nobody means more than two.
const MAX_CODINGS: usize = 3;

/// The largest window of zstd that a sender of `Content-Encoding: zstd` may use. (RFC 9659, section 3)
const MAX_WINDOW: u64 = 8 * 1024 * 1024;

/// What brotli reads at a time.
const BUFFER: usize = 4 * 1024;

/// A body without its codings, as far as it got.
pub(super) struct Decoded {
    pub(super) bytes: Vec<u8>,
    pub(super) encoding: Option<String>,
    pub(super) inflated: bool,
    /// Whether these are all of its bytes.
    pub(super) whole: bool,
    pub(super) problems: Vec<String>,
}

/// Takes the codings off that a message names. What broke off or is too much is given as far as it got; what is in
/// no coding that is known here, as it is.
pub(super) fn decode(message: &Message) -> Decoded {
    let (kept, whole) = (&message.body.kept, !message.body.is_cut());
    let named = codings(message);
    let encoding = (!named.is_empty()).then(|| named.join(", "));
    let mut decoded = Decoded { bytes: Vec::new(), encoding, inflated: false, whole, problems: Vec::new() };
    if kept.is_empty() || named.is_empty() {
        return decoded.raw(kept);
    }
    if let Some(unknown) = unknown(&named) {
        decoded.problems.push(unknown);
        return decoded.raw(kept);
    }
    decoded.inflate(kept, &named);
    decoded
}

impl Decoded {
    fn raw(mut self, kept: &[u8]) -> Self {
        self.bytes = kept[..kept.len().min(MAX_SHOWN)].to_vec();
        if self.bytes.len() < kept.len() {
            self.whole = false;
            self.problems.push("only the first 1 MiB is shown".to_owned());
        }
        self
    }

    /// The coding that was put on last comes off first. (RFC 9110, section 8.4)
    fn inflate(&mut self, kept: &[u8], named: &[String]) {
        let was_cut = !self.whole;
        let limit = kept.len().saturating_mul(MAX_RATIO).min(MAX_SHOWN);
        let mut bytes = kept.to_vec();
        for coding in named.iter().rev() {
            let (inflated, end) = bounded(coding, &bytes, limit);
            if let End::Broken(_) = end
                && inflated.is_empty()
                && !self.inflated
            {
                self.problems.push(format!("it says that it is {coding}, and is not; it is shown raw"));
                bytes = kept[..kept.len().min(MAX_SHOWN)].to_vec();
                break;
            }
            (bytes, self.inflated) = (inflated, true);
            let problem = match end {
                End::Whole => continue,
                End::TooMuch if limit == MAX_SHOWN => "only the first 1 MiB of what it inflates to is shown".to_owned(),
                End::TooMuch => format!("it inflates to more than {MAX_RATIO} times its size; only that much is shown"),
                End::Broken(_) if was_cut => format!("it is {coding}, and shown as far as it was kept"),
                End::Broken(cause) => format!("it is {coding}, and breaks off: {cause}; what came before is shown"),
            };
            self.whole = false;
            self.problems.push(problem);
        }
        self.bytes = bytes;
    }
}

/// The codings that a message names, in lower case, in the order in which they were put on.
fn codings(message: &Message) -> Vec<String> {
    let values = message.headers().filter(|(name, _)| name.eq_ignore_ascii_case(b"content-encoding"));
    let text = values.map(|(_, value)| String::from_utf8_lossy(value).to_ascii_lowercase());
    let named = text.flat_map(|text| text.split(',').map(|coding| coding.trim().to_owned()).collect::<Vec<_>>());
    named.filter(|coding| !coding.is_empty() && coding != "identity").collect()
}

fn unknown(named: &[String]) -> Option<String> {
    if named.len() > MAX_CODINGS {
        return Some(format!("it has {} codings one above the other; it is shown raw", named.len()));
    }
    let known = |coding: &String| matches!(coding.as_str(), "gzip" | "x-gzip" | "deflate" | "br" | "zstd");
    let unknown = named.iter().find(|coding| !known(coding))?;
    Some(format!("the coding `{unknown}` is not known here; it is shown raw"))
}

enum End {
    Whole,
    TooMuch,
    Broken(io::Error),
}

/// Takes one coding off, and stops after `limit` bytes.
fn bounded(coding: &str, bytes: &[u8], limit: usize) -> (Vec<u8>, End) {
    match coding {
        "gzip" | "x-gzip" => read(MultiGzDecoder::new(bytes), limit),
        // What the word means is zlib's format, and some send what it seems to say. (RFC 9110, section 8.4.1.2)
        "deflate" if is_zlib(bytes) => read(ZlibDecoder::new(bytes), limit),
        "deflate" => read(DeflateDecoder::new(bytes), limit),
        "br" => read(brotli_decompressor::Decompressor::new(bytes, BUFFER), limit),
        _ => zstd(bytes, limit),
    }
}

/// A method of 8 and a header that is a multiple of 31. (RFC 1950, section 2.2)
fn is_zlib(bytes: &[u8]) -> bool {
    matches!(bytes, [method, flags, ..] if method & 15 == 8 && u16::from_be_bytes([*method, *flags]) % 31 == 0)
}

/// Frames follow each other until there is nothing left.
fn zstd(mut bytes: &[u8], limit: usize) -> (Vec<u8>, End) {
    let mut inflated = Vec::new();
    while !bytes.is_empty() {
        let frame = StreamingDecoder::new_with_max_window_size(&mut bytes, MAX_WINDOW);
        let (more, end) = match frame {
            Ok(frame) => read(frame, limit - inflated.len()),
            Err(error) => (Vec::new(), End::Broken(io::Error::other(error))),
        };
        inflated.extend(more);
        if !matches!(end, End::Whole) {
            return (inflated, end);
        }
    }
    (inflated, End::Whole)
}

fn read(from: impl Read, limit: usize) -> (Vec<u8>, End) {
    let mut inflated = Vec::new();
    // One more byte shows that there is more.
    let end = match from.take(limit as u64 + 1).read_to_end(&mut inflated) {
        Err(cause) => End::Broken(cause),
        Ok(_) if inflated.len() > limit => End::TooMuch,
        Ok(_) => End::Whole,
    };
    inflated.truncate(limit);
    (inflated, end)
}
