//! The black-box tests: the real binary, over real sockets, with real programs. One test binary, a module for each
//! subject.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod bench;
mod certificates;
mod grpc;
#[cfg(target_os = "linux")]
mod light;
#[cfg(target_os = "linux")]
mod machine;
#[cfg(target_os = "linux")]
mod namespace;
mod peer;
#[cfg(target_os = "linux")]
mod process;
mod recorder;
mod target;
mod travel;
mod tunnel;
mod v2;
mod world;

mod absence;
mod access_log;
#[cfg(unix)]
mod acme;
mod answers;
#[cfg(unix)]
mod apps;
mod architecture;
mod bodies;
mod capture;
#[cfg(unix)]
mod client_certificates;
mod clocks;
#[cfg(target_os = "linux")]
mod cluster;
mod commands;
mod configuration;
#[cfg(target_os = "linux")]
mod connections;
#[cfg(unix)]
mod curl_lines;
mod demo;
mod doctor;
#[cfg(unix)]
mod downloads;
mod early;
mod empty;
mod examples;
mod failures;
mod faults;
#[cfg(target_os = "linux")]
mod floods;
#[cfg(target_os = "linux")]
mod frames;
mod fronts;
mod go;
mod go_connect;
mod go_serve;
#[cfg(unix)]
mod handover;
#[cfg(target_os = "linux")]
mod heads;
mod hostile;
mod hosts;
mod http;
mod http2;
#[cfg(target_os = "linux")]
mod idle;
mod inspector;
#[cfg(unix)]
mod inspector_page;
mod intermediaries;
mod kept;
mod left_out;
mod limits;
mod load;
#[cfg(unix)]
mod log_sink;
mod operations;
mod origin;
#[cfg(target_os = "linux")]
mod package;
mod papers;
// The Go names are symbolic links, and its commands are those of a Unix shell.
#[cfg(unix)]
mod peers;
#[cfg(unix)]
mod pictures;
mod playing;
mod prefix;
mod programs;
mod proxies;
#[cfg(unix)]
mod python;
#[cfg(unix)]
mod readers;
#[cfg(unix)]
mod readme;
mod recording;
mod recovery;
mod reload;
mod repeats;
mod restart;
mod revoked;
mod run;
mod serve;
mod sharing;
mod shutdown;
mod silence;
mod smuggling;
mod soak;
#[cfg(target_os = "linux")]
mod stalled;
mod streaming;
#[cfg(unix)]
mod terminal;
#[cfg(unix)]
mod tls;
mod trust;
mod upgrade;
mod visitor;
mod visitors;
mod webhooks;
