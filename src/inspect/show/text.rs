//! Bytes as text: UTF-8, or Latin-1 where the type says so. Knows no grammar of what the text says.

use super::{MAX_SHOWN, MediaType};

/// A text, and what is wrong with it.
pub(super) struct Text {
    pub(super) text: String,
    pub(super) problem: Option<String>,
}

/// Reads `bytes`. `whole` is whether they are all there are: else the last character may be cut, which is nobody's fault.
pub(super) fn read(bytes: &[u8], named: &MediaType, whole: bool) -> Text {
    let charset = named.parameter("charset").unwrap_or("utf-8").to_ascii_lowercase();
    let mut read = match charset.as_str() {
        "utf-8" | "utf8" | "us-ascii" | "ascii" => utf8(bytes, whole),
        "iso-8859-1" | "latin1" | "windows-1252" => Text { text: latin1(bytes), problem: None },
        _ => {
            let problem = Some(format!("the charset `{charset}` is not known here; it is shown as UTF-8"));
            Text { problem, ..utf8(bytes, whole) }
        }
    };
    bound(&mut read);
    read
}

fn utf8(bytes: &[u8], whole: bool) -> Text {
    let bytes = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes);
    let Err(error) = std::str::from_utf8(bytes) else {
        return Text { text: String::from_utf8_lossy(bytes).into_owned(), problem: None };
    };
    let at = error.valid_up_to();
    if error.error_len().is_none() && !whole {
        return Text { text: String::from_utf8_lossy(&bytes[..at]).into_owned(), problem: None };
    }
    let problem = format!("from byte {at} on it is not all UTF-8; what cannot be read is shown as `\u{fffd}`");
    Text { text: String::from_utf8_lossy(bytes).into_owned(), problem: Some(problem) }
}

/// Each byte is the character of its number.
fn latin1(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| char::from(*byte)).collect()
}

/// What is replaced or widened takes more room than it did.
fn bound(read: &mut Text) {
    if read.text.len() > MAX_SHOWN {
        let end = (0..=MAX_SHOWN).rev().find(|end| read.text.is_char_boundary(*end));
        read.text.truncate(end.unwrap_or_default());
        read.problem.get_or_insert_with(|| "only the first 1 MiB of its text is shown".to_owned());
    }
}
