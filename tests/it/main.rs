//! The black-box tests: the real binary, over real sockets, with real programs. One test binary, a module for each
//! subject.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod bench;
mod peer;
mod target;
mod tunnel;
mod world;

mod architecture;
mod commands;
mod failures;
mod http;
mod left_out;
mod load;
mod programs;
mod proxies;
// Its commands are those of a Unix shell.
#[cfg(unix)]
mod readme;
mod recovery;
mod serve;
mod shutdown;
mod streaming;
mod upgrade;
mod visitors;
