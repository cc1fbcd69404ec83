//! Several servers behind one address, over a real engine.

mod directory;
mod engine;
mod member;
