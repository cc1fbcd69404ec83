//! A tunnel that makes a local web service reachable from outside over two plain HTTP requests.

pub mod wire;

pub mod auth;

pub mod pipe;

pub mod mux;

pub mod proxy;

pub mod server;

pub mod client;

pub mod cmd;
