//! What passes through a client, kept for whoever develops behind it: a passive reader of the bytes of each connection,
//! a bounded record of exchanges, and the page that shows them. Knows not how exchanges are carried.
//!
//! It reads copies, on the side: it can neither change what passes nor have it wait, and gives up on what it does not
//! understand.

mod exchange;
#[cfg(test)]
mod page;

pub use exchange::{Body, Exchange, Id, Kind, Message, Said, Side, State, Timing};
