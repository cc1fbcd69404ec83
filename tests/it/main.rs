//! The black-box tests: the real binary, over real sockets, with real programs. One test binary, a module for each
//! subject.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod architecture;
mod go;
mod go_connect;
mod go_serve;
mod left_out;
// The Go names are symbolic links, and its commands are those of a Unix shell.
#[cfg(unix)]
mod peers;
#[cfg(unix)]
mod readme;
mod target;
mod visitor;
mod world;
