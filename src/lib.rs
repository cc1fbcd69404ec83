//! A tunnel that makes a local web service reachable from outside over two plain HTTP requests.
//!
//! A **server** stands at a public address. A **client** stands beside a local service, the **target**, and keeps two
//! long HTTP requests to the server open: the response of one carries bytes down, the body of the other carries bytes
//! up. A multiplexer makes many streams of that one, and each visitor's request travels over a stream to the target.
//! The program `sendit` is a thin layer over this library; whoever wants either end inside a program of their own uses
//! the same parts.
//!
//! # Both ends in one program
//!
//! ```
//! use std::sync::Arc;
//! use std::time::{SystemTime, UNIX_EPOCH};
//!
//! use sendit::auth::{Audience, Claims, Key, Keys, mint};
//! use sendit::client::{self, Event};
//! use sendit::server::{self, Server};
//! use tokio::net::TcpListener;
//! use tokio::sync::Notify;
//! use tokio_util::sync::CancellationToken;
//!
//! fn now() -> u64 {
//!     SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs())
//! }
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! # let local = TcpListener::bind("127.0.0.1:0").await?;
//! # let target = format!("http://{}", local.local_addr()?);
//! # let page = |uri: axum::http::Uri| async move { format!("the target got {uri}") };
//! # tokio::spawn(async move { axum::serve(local, axum::Router::new().fallback(page)).await });
//! // The public end, and a token for its clients.
//! let keys = Keys::new(Key::new(b"0123456789abcdef0123456789abcdef")?, []);
//! let token = mint(&keys, &Claims::new(Audience::Auth, now()));
//! let listener = TcpListener::bind("127.0.0.1:0").await?;
//! let public = listener.local_addr()?;
//! let stop_server = CancellationToken::new();
//! let server = Server::new(server::Config::new(Some(keys), now));
//! let serving = tokio::spawn(server::serve(listener, server, stop_server.clone()));
//!
//! // The private end. `target` is the URL of a local service.
//! let mut config = client::Config::new(format!("http://{public}/my-app").parse()?, target.parse()?);
//! config.token = Some(client::Token::new(&token));
//! let (ready, stop_client) = (Arc::new(Notify::new()), CancellationToken::new());
//! let told = {
//!     let ready = Arc::clone(&ready);
//!     move |event| match event {
//!         Event::Ready => ready.notify_one(),
//!         trouble => eprintln!("{trouble:?}"),
//!     }
//! };
//! let connected = tokio::spawn(client::run(config, told, stop_client.clone()));
//!
//! ready.notified().await;
//! assert_eq!(get(public, "/my-app/x?y").await?, "the target got /my-app/x?y");
//!
//! // Each end waits for the exchanges in flight.
//! stop_client.cancel();
//! connected.await??;
//! stop_server.cancel();
//! serving.await?;
//! # Ok(())
//! # }
//! #
//! # async fn get(server: std::net::SocketAddr, path: &str) -> std::io::Result<String> {
//! #     use tokio::io::{AsyncReadExt, AsyncWriteExt};
//! #     let mut stream = tokio::net::TcpStream::connect(server).await?;
//! #     stream.write_all(format!("GET {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n").as_bytes()).await?;
//! #     let mut answer = String::new();
//! #     stream.read_to_string(&mut answer).await?;
//! #     Ok(answer.split_once("\r\n\r\n").map(|(_, body)| body.to_owned()).unwrap_or_default())
//! # }
//! ```
//!
//! More examples stand where they belong: [`server::Server::router`] mounts a server in another axum application,
//! [`server::Server::dial`] reaches a target past all HTTP, [`auth`] mints and checks a token, and [`pipe::v1`] swaps
//! the carriers of a byte stream.
//!
//! # Coming from the Go package
//!
//! | Go | here |
//! |---|---|
//! | `ConnectAndServe` | [`client::run`] |
//! | `GenerateToken` | [`auth::mint`] |
//! | `TokenSubject` | [`auth::verify`], then [`auth::Claims::subject`] |
//! | `ValidPath` | `text.parse::<`[`wire::Prefix`]`>()` |
//! | `Server`, its secret and global prefix | [`server::Server`], [`server::Config::keys`] and [`server::Config::base`] |
//! | `Server` as an HTTP handler | [`server::Server::router`], or [`server::serve`] with a listener |
//! | `Server.DialContext` | [`server::Server::dial`]; [`server::Server::session`] finds the id |
//! | `Stream`, `NewStream` | [`pipe::v1::Pipe`], [`pipe::v1::pipe`] |
//! | `Stream.SetPipe` | [`pipe::v1::Swapper::swap`] |
//! | `Stream.Ready` | the first `swap` has returned; for a whole client, [`client::Event::Ready`] |
//! | `Stream.Read`, `Stream.Write` | [`tokio::io::AsyncRead`], [`tokio::io::AsyncWrite`] |
//! | `Stream.Close` | [`tokio::io::AsyncWriteExt::shutdown`] ends it, dropping it or [`pipe::v1::Swapper::fail`] cuts it |
//! | `FlushWriter` | not needed: an HTTP connection takes from a [`pipe::v1::OutgoingBody`] all that is written, at once |
//! | the token's issuer | [`auth::ISSUER`] |
//! | the audiences `auth` and `connect` | [`auth::Audience::Auth`], [`auth::Audience::Connect`] |
//!
//! # The modules, in the order to read them
//!
//! Each imports only those before it, and those of one layer are strangers: `wire` and `pieces`, then `auth`, `pipe`, `mux`, `proxy`,
//! `inspect`, `metrics` and `acme`, then `server` and `client`, then `cmd`.

pub mod wire;

pub mod pieces;

pub mod auth;

pub mod pipe;

pub mod mux;

pub mod proxy;

pub mod inspect;

pub mod metrics;

pub mod acme;

pub mod cluster;

pub mod server;

pub mod client;

pub mod cmd;

#[cfg(any(test, fuzzing))]
pub mod fuzzing;
