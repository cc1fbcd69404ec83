//! What passes through a client, kept for whoever develops behind it: a passive reader of the bytes of each connection,
//! a bounded record of exchanges, and the page that shows them. Knows not how exchanges are carried.
//!
//! It reads copies, on the side: it can neither change what passes nor have it wait, and gives up on what it does not
//! understand.

pub mod export;
pub mod webhook;

mod address;
mod exchange;
mod request;

pub use address::{Address, InvalidSite, Site};
pub use exchange::{Body, Exchange, Id, Kind, Message, Said, Side, State, Timing};
pub use request::Request;
