//! The black-box tests: the real binary, over real sockets, with real programs. One test binary, a module for each
//! subject.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod architecture;
mod left_out;
// Its commands are those of a Unix shell.
#[cfg(unix)]
mod readme;
mod world;

mod intermediaries;
mod soak;
