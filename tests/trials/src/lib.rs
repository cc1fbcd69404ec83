//! What the tunnel is tried against: a proxy that does harm on purpose, the real proxies that stand in front of
//! servers, and a load that knows each byte it should see. Knows the tunnel as a program to start and a URL to call.

pub mod faults;

pub mod program;

pub mod time;

pub mod intermediaries;

pub mod load;

pub mod delay;

pub mod floods;

pub mod soak;

#[cfg(target_os = "linux")]
pub mod cluster;

#[cfg(unix)]
pub mod terminal;

#[cfg(unix)]
pub mod picture;
