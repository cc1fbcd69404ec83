//! The black-box tests: the real binary, over real sockets, with real programs. One test binary, a module for each
//! subject.

mod world;
