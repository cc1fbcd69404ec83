//! The connections to a server, which several clients may share: those that are used again, and those that are for one
//! request each.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use reqwest::redirect::Policy;
use reqwest::{Client, ClientBuilder};
use tokio_rustls::rustls::client::ClientConfig;

use super::{Authorities, Error, Identity, Source, cause, tls};

/// How long a connection to the server may take to be made.
const CONNECT_DEADLINE: Duration = Duration::from_secs(10);

/// How long a connection is kept for the next request.
const IDLE: Duration = Duration::from_secs(20);

/// Connections to a server. Copies are the same ones, so that clients with copies share them.
#[derive(Clone)]
pub struct Connections(Arc<Pool>);

struct Pool {
    fresh: Client,
    // Held for a copy, never across an await.
    pooled: Mutex<Client>,
    tls: ClientConfig,
}

impl Connections {
    /// None yet, to the server of this source, or of another that is reached by the same scheme, which `authorities` vouch
    /// for, or those of the platform. Each says by `identity` who the client is, where there is one.
    ///
    /// # Errors
    /// Where this machine lacks what TLS needs.
    pub fn new(source: &Source, authorities: Option<&Authorities>, identity: Option<&Identity>) -> Result<Self, Error> {
        let tls = tls::to_server(source, authorities, identity).map_err(Error::Unable)?;
        let made = |error| Error::Unable(format!("no HTTP client can be made: {}", cause::plain(&error, "")));
        let fresh = builder(&tls).pool_max_idle_per_host(0).build().map_err(made)?;
        let pooled = Mutex::new(pooled(&tls).map_err(made)?);
        Ok(Self(Arc::new(Pool { fresh, pooled, tls })))
    }

    /// What makes a connection for each request.
    pub(super) fn fresh(&self) -> Client {
        self.0.fresh.clone()
    }

    /// What takes one that there is.
    pub(super) fn pooled(&self) -> Client {
        self.0.pooled.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Leaves all that there are to the requests on them.
    pub(super) fn forget(&self) {
        match pooled(&self.0.tls) {
            Ok(anew) => *self.0.pooled.lock().unwrap_or_else(PoisonError::into_inner) = anew,
            Err(error) => tracing::debug!(%error, "connections are kept, for no HTTP client can be made"),
        }
    }
}

fn builder(tls: &ClientConfig) -> ClientBuilder {
    Client::builder()
        .tls_backend_preconfigured(tls.clone())
        .redirect(Policy::none())
        .http1_only()
        .connect_timeout(CONNECT_DEADLINE)
        .tcp_nodelay(true)
        .user_agent(concat!("sendit/", env!("CARGO_PKG_VERSION")))
}

/// A client whose connections are used again.
fn pooled(tls: &ClientConfig) -> reqwest::Result<Client> {
    builder(tls).pool_idle_timeout(IDLE).build()
}
