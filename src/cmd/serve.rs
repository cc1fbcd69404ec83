//! `sendit serve`: from what was typed to a listening server.

mod acme;
mod admin;
mod certificate;
mod check;
mod clients;
mod cluster;
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

use std::io;
use std::num::NonZero;

use tokio::sync::watch;

use super::config::File;
use super::env::Env;
use super::exit::{Exit, Failure, reason};
use super::signals::Signals;
use super::sources::Sources;
use super::{descriptors, log, output};
use crate::server::{self, Limits, Server, Threads};
use acme::Acme;
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
    let Settings { address, mut config, auth, mut files, acme, redirects, admin, cluster, threads, level, format } =
        args.settle(&from)?;
    if let Some(secrets) = &mut files.secrets {
        secrets.file = file.cloned();
    }
    files.renewal = acme.map(Acme::open).transpose()?;
    // Of several servers the others have the tunnels of one that stops.
    let handover = if cluster.is_some() { Handover::none() } else { Handover::of(env) };
    let mut handed = Handed::take(env)?;
    let resolved = handed.public_or(address).await?;
    let warning = auth.warning(&resolved)?;
    let (signals, hang_up) = (Signals::catch()?, HangUp::catch()?);
    let sockets = Sockets::open(resolved, redirects, admin, handed.admin).await?;
    let joined = match cluster {
        Some(cluster) => Some(cluster.join(config.limits.exchanges).await?),
        None => None,
    };
    // Nothing is logged between the two, so this is the first line.
    log::start(level, format);
    sockets.tell()?;
    if let Some(joined) = &joined {
        joined.tell();
        config.cluster = Some(joined.cluster.clone());
    }
    for warning in warning.into_iter().chain(file.and_then(File::warning)) {
        output::warn(warning);
    }
    let descriptors = descriptors::raise();
    let threads = threads.unwrap_or_else(|| descriptors::threads(descriptors));
    let beside = |descriptors| descriptors::beside(descriptors, threads, config.cluster.is_some());
    fit(&mut config.limits, descriptors.map(beside));
    let threads = Threads::start(threads).map_err(|cause| no_threads(threads, &cause))?;
    config.threads = threads.clone();
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
            () = systemd::keep(&server, shutdown.clone()) => Ok(()),
            () = server::serve_at(listeners, server.clone(), shutdown.clone()) => Ok(()),
            () = admin::serve(admin, server.clone()) => Ok(()),
            never = watching => match never {},
            never = hang_up.relay(again, shutdown.clone()) => match never {},
            never = cluster::keep(joined, server.clone()) => match never {},
        }
    };
    let ended = signals.guard(|| server.waits_for(), Box::pin(serving)).await;
    // Before the sessions end with their threads: after a second signal they still stand.
    handover.leave(&server);
    threads.end().await;
    ended
}

fn no_threads(wanted: NonZero<usize>, cause: &io::Error) -> Failure {
    let cause = reason(cause);
    Failure::new(
        Exit::Unexpected,
        format!("{wanted} threads for sessions could not be started: {cause}; ask for fewer with `--threads`"),
    )
}

/// Has no more connections than there are descriptors.
fn fit(limits: &mut Limits, descriptors: Option<usize>) {
    let Some(most) = descriptors.filter(|most| *most < limits.connections) else { return };
    let wanted = std::mem::replace(&mut limits.connections, most);
    tracing::warn!(most, wanted, "the system gives descriptors for fewer connections than there may be");
}
