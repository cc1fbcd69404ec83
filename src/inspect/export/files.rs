//! An exchange as a text that belongs into git: the request as editors with a client for `.http` files know it and can send
//! it, and below it the answer, as comments. Pure: who writes and reads files is told their names.
//!
//! ```text
//! POST /my-app/hook HTTP/1.1
//! Host: example.com
//! Content-Type: application/json
//!
//! {"order":7}
//! ###
//! # < HTTP/1.1 200 OK
//! # < Content-Type: text/plain
//! #
//! # thanks
//! ```
//!
//! A body that a text editor would not keep byte for byte stands in a file beside it, which a line `< ./NAME` names.
//! Nothing else depends on when or where it is written: the same exchange gives the same bytes.

mod read;
mod write;

pub use read::{Unreadable, read};
pub use write::{Unwritable, write};

use crate::inspect::Replay;

/// What ends a request, and begins the next or the answer.
const SEPARATOR: &[u8] = b"###";

/// What stands before each line of an answer's head.
const ANSWER: &[u8] = b"# < ";

/// What names a file that holds a body.
const BESIDE: &[u8] = b"< ./";

/// An exchange as files.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Files {
    /// The name of the file for the text, such as `0007-POST-my-app-hook.http`.
    pub name: String,
    /// The text.
    pub text: Vec<u8>,
    /// Names and contents of files that have to stand beside it.
    pub beside: Vec<(String, Vec<u8>)>,
}

/// A request as it was written down.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Recorded {
    /// The request.
    pub request: Replay,
    /// The status of the answer that it had.
    pub status: Option<u16>,
}

/// Whether a line says nothing to who reads requests. A header's name may begin with `#` as well, but has no space.
fn is_comment(line: &[u8]) -> bool {
    line == b"#" || line.starts_with(b"# ") || line.starts_with(b"//")
}

#[cfg(test)]
mod tests;
