//! `sendit serve`: from what was typed to a listening server.

mod admin;
mod certificate;
mod files;
mod flags;
mod handover;
mod hang_up;
mod limits;
mod revoked;
mod secrets;
mod settle;
mod sockets;
mod steady;
mod systemd;

use tokio::sync::watch;

use super::config::File;
use super::env::Env;
use super::exit::Failure;
use super::signals::Signals;
use super::sources::Sources;
use super::{descriptors, log, output};
use crate::server::{self, Limits, Server};
pub(crate) use flags::Serve;
use handover::Handover;
use hang_up::HangUp;
use settle::Settings;
#[cfg(test)]
pub(super) use settle::access_log;
use sockets::Sockets;
use systemd::Handed;

/// Serves until a signal comes.
pub(crate) async fn run(args: Serve, env: &Env, file: Option<&File>) -> Result<(), Failure> {
    let from = Sources::new("serve", env, file.map(|file| &file.serve));
    let Settings { address, mut config, auth, mut files, redirects, admin, level, format } = args.settle(&from)?;
    if let Some(secrets) = &mut files.secrets {
        secrets.file = file.cloned();
    }
    let (mut handed, handover) = (Handed::take(env)?, Handover::of(env));
    let resolved = handed.public_or(address).await?;
    let warning = auth.warning(&resolved)?;
    let (signals, hang_up) = (Signals::catch()?, HangUp::catch()?);
    let sockets = Sockets::open(resolved, redirects, admin, handed.admin).await?;
    // Nothing is logged between the two, so this is the first line.
    log::start(level, format);
    sockets.tell()?;
    for warning in warning.into_iter().chain(file.and_then(File::warning)) {
        output::warn(warning);
    }
    fit(&mut config.limits, descriptors::connections());
    let shutdown = signals.shutdown();
    let server = Server::new(config);
    handover.take(&server);
    let (listeners, admin) = sockets.apart(files.tls());
    let (again, asked) = watch::channel(());
    let watching = files.watch(&server, asked);
    let serving = async {
        tokio::select! {
            biased;
            // First, or a server that has nothing to wait for would be over before it has said that it stops.
            () = systemd::keep(shutdown.clone()) => Ok(()),
            () = server::serve_at(listeners, server.clone(), shutdown.clone()) => Ok(()),
            () = admin::serve(admin, server.clone()) => Ok(()),
            never = watching => match never {},
            never = hang_up.relay(again, shutdown.clone()) => match never {},
        }
    };
    let ended = signals.guard("exchanges in flight have 30 s to end", Box::pin(serving)).await;
    handover.leave(&server);
    ended
}

/// Has no more connections than there are descriptors.
fn fit(limits: &mut Limits, descriptors: Option<usize>) {
    let Some(most) = descriptors.filter(|most| *most < limits.connections) else { return };
    let wanted = std::mem::replace(&mut limits.connections, most);
    tracing::warn!(most, wanted, "the system gives descriptors for fewer connections than there may be");
}
