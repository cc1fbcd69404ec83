//! What systemd hands over, and what it wants to hear: sockets that it has opened, and whether the server lives. Under
//! anything else nothing is handed over, and nobody hears.

use std::io;

use crate::cmd::env::{self, Env};
use crate::cmd::exit::Failure;
use crate::cmd::listen::{Address, Resolved};

/// The name of a socket that is for whoever runs the server. Any other is for visitors and clients.
const ADMIN: &str = "admin";

/// Sockets that were handed over.
#[derive(Default)]
pub(super) struct Handed {
    public: Option<Resolved>,
    pub(super) admin: Option<Resolved>,
}

/// Whether a socket for whoever runs the server is among them.
pub(super) fn hands_admin(env: &Env) -> bool {
    names(env).any(|name| name == ADMIN)
}

/// The names of sockets, in their order.
fn names(env: &Env) -> impl Iterator<Item = &str> {
    env.value(env::LISTEN_FDNAMES).unwrap_or_default().split(':')
}

impl Handed {
    /// Takes them over, one of each kind at most.
    #[cfg(unix)]
    pub(super) fn take(env: &Env) -> Result<Self, Failure> {
        let (mut sockets, mut names, mut handed) = (listenfd::ListenFd::from_env(), names(env), Self::default());
        for number in 0..sockets.len() {
            let is_admin = names.next() == Some(ADMIN);
            let socket = sockets.take_tcp_listener(number).and_then(|socket| socket.ok_or_else(missing));
            let socket = socket.and_then(Resolved::handed).map_err(|cause| useless(&cause))?;
            let place = if is_admin { &mut handed.admin } else { &mut handed.public };
            if place.replace(socket).is_some() {
                return Err(Failure::usage(
                    "several sockets of one kind were handed over: one for visitors is taken, and one named `admin`",
                ));
            }
        }
        Ok(handed)
    }

    #[cfg(not(unix))]
    pub(super) fn take(_: &Env) -> Result<Self, Failure> {
        Ok(Self::default())
    }

    /// Where visitors and clients come: the socket that was handed over for them, or else this address.
    pub(super) async fn public_or(&mut self, address: Address) -> Result<Resolved, Failure> {
        match self.public.take() {
            Some(handed) => Ok(handed),
            None => address.resolve().await,
        }
    }
}

#[cfg(unix)]
fn missing() -> io::Error {
    io::Error::other("it is not there")
}

#[cfg(unix)]
fn useless(cause: &io::Error) -> Failure {
    let cause = crate::cmd::exit::reason(cause);
    Failure::usage(format!(
        "what was handed over is no TCP socket that listens: {cause}; write `ListenStream=` with an address"
    ))
}

#[cfg(unix)]
mod told {
    use std::future::pending;

    use sd_notify::{NotifyState, notify, watchdog_enabled};
    use tokio::time::interval;
    use tokio_util::sync::CancellationToken;

    use crate::server::Server;

    /// Tells that the server listens, that it stops, and meanwhile that it lives, twice as often as is asked for: once each
    /// of its threads has had its turn, so that who hears nothing knows that one is stuck.
    pub(in crate::cmd::serve) async fn keep(server: &Server, stopping: CancellationToken) {
        tell(NotifyState::Ready);
        let living = async {
            let Some(patience) = watchdog_enabled().filter(|patience| !patience.is_zero()) else {
                return pending().await;
            };
            let mut beat = interval(patience / 2);
            loop {
                beat.tick().await;
                server.answer().await;
                tell(NotifyState::Watchdog);
            }
        };
        let stopped = async {
            stopping.cancelled().await;
            tell(NotifyState::Stopping);
            pending::<()>().await;
        };
        tokio::join!(living, stopped);
    }

    fn tell(state: NotifyState<'_>) {
        if let Err(cause) = notify(&[state]) {
            tracing::debug!(%cause, "systemd could not be told");
        }
    }
}

#[cfg(not(unix))]
mod told {
    use tokio_util::sync::CancellationToken;

    use crate::server::Server;

    /// Nobody is to be told.
    pub(in crate::cmd::serve) async fn keep(_: &Server, _: CancellationToken) {
        std::future::pending().await
    }
}

pub(super) use told::keep;
