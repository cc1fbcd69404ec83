//! What programs print, as a document shows it.

use crate::world::Output;

/// Whichever way it said it.
pub(super) fn together(output: &Output) -> String {
    format!("{}{}", output.stdout, output.stderr)
}

/// The first address in a text, such as `127.0.0.1:5050`.
pub(super) fn address(text: &str) -> Option<&str> {
    let rest = &text[text.find("127.0.0.1:")?..];
    let digits = rest["127.0.0.1:".len()..].bytes().take_while(u8::is_ascii_digit).count();
    Some(&rest[.."127.0.0.1:".len() + digits])
}

/// A client's first wait is a random one, of 0.2 to 0.4 s; the documents show the least.
pub(super) fn first_wait_as_shown(printed: &str) -> String {
    ["0.3", "0.4"].iter().fold(printed.to_owned(), |text, wait| {
        text.replace(&format!("trying again in {wait} s"), "trying again in 0.2 s")
    })
}
