//! Of a message's bytes what a person can read: what they are, inflated where they are compressed, as text where they
//! are that. Knows neither page nor API, and believes a message's own words only as far as its bytes bear them out.
//!
//! Whatever the bytes are, it ends, and with little: what comes out is bounded by [`MAX_SHOWN`] and [`MAX_RATIO`]. What
//! cannot be read is told in a sentence, beside what could.

mod decode;
mod media_type;
mod messages;
mod sniff;
mod text;

use super::Message;
use decode::Decoded;
pub(super) use media_type::MediaType;
pub(super) use messages::Messages;

/// The most that is made of one body, in bytes.
pub(super) const MAX_SHOWN: usize = 1024 * 1024;

/// The most that is made of one compressed byte: a bomb is worth no more than its first part.
pub(super) const MAX_RATIO: usize = 100;

/// A body as it can be read.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Shown {
    /// The type that its message names, without parameters.
    pub(super) media_type: Option<String>,
    /// What it is.
    pub(super) kind: Kind,
    /// The content codings that its message names, as they are written there.
    pub(super) encoding: Option<String>,
    /// Whether `bytes` are inflated.
    pub(super) decoded: bool,
    /// Its bytes, or the beginning of them.
    pub(super) bytes: Vec<u8>,
    /// Its text, where it is text.
    pub(super) text: Option<String>,
    /// What stands between it and its being read whole.
    pub(super) problem: Option<String>,
}

/// What a body is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Empty,
    Json,
    Form,
    Multipart,
    Xml,
    Text,
    Image,
    Binary,
}

impl Kind {
    /// Its name in the API.
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Empty => "empty",
            Self::Json => "json",
            Self::Form => "form",
            Self::Multipart => "multipart",
            Self::Xml => "xml",
            Self::Text => "text",
            Self::Image => "image",
            Self::Binary => "binary",
        }
    }
}

/// Makes of a message's body what can be read.
pub(super) fn show(message: &Message) -> Shown {
    let named = message.header("content-type").map(|value| MediaType::parse(&String::from_utf8_lossy(value)));
    let media_type = named.as_ref().map(|named| named.essence.clone()).filter(|essence| !essence.is_empty());
    let Decoded { bytes, encoding, inflated: decoded, whole, mut problems } = decode::decode(message);
    let named = named.unwrap_or_default();
    let mut shown = Shown { media_type, kind: Kind::Empty, encoding, decoded, bytes, text: None, problem: None };
    if message.body.size > 0 {
        let is = sniff::sniff(&named, &shown.bytes, whole);
        problems.extend(is.problem);
        shown.kind = is.kind;
        if !matches!(is.kind, Kind::Image | Kind::Binary) {
            let text = text::read(&shown.bytes, &named, whole);
            // A file within a form may be anything, and that is no problem.
            problems.extend(text.problem.filter(|_| is.kind != Kind::Multipart));
            shown.text = Some(text.text);
        }
    }
    shown.problem = (!problems.is_empty()).then(|| problems.join("; "));
    shown
}

#[cfg(test)]
mod tests;
