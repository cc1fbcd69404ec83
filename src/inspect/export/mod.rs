//! Exchanges in the forms that other programs read.

mod curl;
mod har;

pub use curl::curl;
pub use har::{Archive, Har, har};
