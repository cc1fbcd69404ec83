//! What both ends must spell alike where a client only measures the path: an examination is a session without a
//! prefix, and a measure is a request whose body is paced, by whichever end sends it, and timed by the other.

use serde::{Deserialize, Serialize};

use super::Given;

/// Opens an examination: a session that holds no prefix, so that it is in nobody's way. JSON both ways.
pub const EXAMINE: &str = "/.well-known/sendit/v2/examine";
/// A measure whose answer is paced as the request asks, by a [`Plan`]. Proved like a carrier.
pub const MEASURE_DOWN: &str = "/.well-known/sendit/v2/measure/down";
/// A measure whose request is paced; the answer says how it arrived, as an [`Arrival`]. Proved like a carrier.
pub const MEASURE_UP: &str = "/.well-known/sendit/v2/measure/up";

/// The most pieces that a plan may have.
pub const MAX_PIECES: usize = 128;
/// The longest piece, in bytes.
pub const MAX_PIECE: usize = 64 * 1024;
/// How long a plan may take, in milliseconds.
pub const MAX_PLAN_MS: u64 = 10 * 60 * 1000;
/// The most that a measure may bring up, in bytes.
pub const MAX_MEASURE: u64 = 16 * 1024 * 1024;

/// What a client asks for at `examine`.
#[derive(Debug, Default, Serialize, Deserialize)]
pub struct Wanted {
    /// The prefix whose state it wants to know. It is not reserved.
    #[serde(default)]
    pub prefix: Option<String>,
    /// What asks, for the server's log.
    #[serde(default)]
    pub client: String,
}

/// What a server says at `examine`.
#[derive(Debug, Serialize, Deserialize)]
pub struct Examined {
    /// The session.
    #[serde(flatten)]
    pub given: Given,
    /// What answers.
    pub server: String,
    /// The wires that it speaks.
    pub wires: Vec<String>,
    /// What the token says; none where the server asks for none.
    pub token: Option<TokenTerms>,
    /// What became of the prefix; none where none was named.
    pub prefix: Option<PrefixState>,
}

/// What a token that was accepted allows.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TokenTerms {
    /// Patterns of prefixes; empty where every prefix is allowed.
    pub prefixes: Vec<String>,
    /// In how many seconds it ends, by the server's clock; none where it does not.
    pub ends_in_s: Option<u64>,
}

/// What a `connect` to a prefix would meet.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum PrefixState {
    /// Nobody has it.
    Free,
    /// A session has it that would give way.
    Yields,
    /// Another client has it.
    Taken,
    /// The token does not allow it.
    Forbidden,
}

/// How a measured answer is to be paced. Its head goes out at once.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Plan {
    /// The pieces, one after the other.
    pub pieces: Vec<Piece>,
}

/// A piece of a paced body.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Piece {
    /// How long after the one before, in milliseconds.
    pub after_ms: u64,
    /// How many bytes.
    pub bytes: usize,
}

impl Plan {
    /// Whether it is within the bounds that a server keeps.
    #[must_use]
    pub fn is_bounded(&self) -> bool {
        let took = self.pieces.iter().try_fold(0_u64, |sum, piece| sum.checked_add(piece.after_ms));
        self.pieces.len() <= MAX_PIECES
            && self.pieces.iter().all(|piece| piece.bytes <= MAX_PIECE)
            && took.is_some_and(|took| took <= MAX_PLAN_MS)
    }
}

/// How a measured request arrived at the server.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Arrival {
    /// The version of HTTP that the server was spoken to in, such as `1.1`.
    pub http: String,
    /// Whether the request's length stood in its head.
    pub length_known: bool,
    /// The `Via` headers of the request.
    pub via: Vec<String>,
    /// When how many bytes had come: milliseconds since the head, and bytes from the beginning.
    pub marks: Vec<Mark>,
}

/// So many bytes had come by then.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Mark {
    /// Milliseconds since the head.
    pub at_ms: u64,
    /// Bytes from the beginning.
    pub bytes: u64,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(count: usize, after_ms: u64, bytes: usize, bounded: bool) {
        let plan = Plan { pieces: vec![Piece { after_ms, bytes }; count] };
        assert_eq!(plan.is_bounded(), bounded, "{count} {after_ms} {bytes}");
    }

    #[test]
    fn plans_have_bounds() {
        check(0, 0, 0, true);
        check(MAX_PIECES, 1_000, MAX_PIECE, true);
        check(MAX_PIECES + 1, 0, 1, false);
        check(1, 0, MAX_PIECE + 1, false);
        check(1, MAX_PLAN_MS, 1, true);
        check(2, MAX_PLAN_MS, 1, false);
        check(2, u64::MAX, 1, false);
    }
}
