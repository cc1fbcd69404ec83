//! The one connection to the engine. Only the keeper makes it; everybody else takes what is there, or learns at once that nothing is.
//! What does not answer in time is given up, with all that was asked on it.

use std::future::Future;
use std::io;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use redis::aio::MultiplexedConnection;
use redis::{
    AsyncConnectionConfig, ConnectionAddr, FromRedisValue, RedisConnectionInfo, RedisError, RedisResult,
    ServerErrorKind,
};
use rustls_platform_verifier::BuilderVerifierExt as _;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_rustls::TlsConnector;
use tokio_rustls::rustls::ClientConfig;
use tokio_rustls::rustls::crypto::ring;
use tokio_rustls::rustls::pki_types::ServerName;
use tokio_util::task::{AbortOnDropHandle, TaskTracker};

use super::engine::{Engine, Transport};
use super::scripts::KEY;
use super::trouble::Trouble;

/// How long a connection may take, and then the greeting on it.
const CONNECT_DEADLINE: Duration = Duration::from_secs(1);

/// How long the engine has for a command.
pub(super) const ANSWER_DEADLINE: Duration = Duration::from_secs(1);

/// A connection that stands.
#[derive(Debug)]
pub(super) struct Live {
    connection: MultiplexedConnection,
    place: String,
    /// Which process answers there, so that another is known for another.
    pub(super) run: String,
    _driver: AbortOnDropHandle<()>,
}

pub(super) struct Link {
    engine: Engine,
    live: Mutex<Option<Arc<Live>>>,
    next: Mutex<Next>,
    tasks: TaskTracker,
}

/// Which place is tried next.
#[derive(Default)]
struct Next {
    index: usize,
    /// Where one of a cluster of engines has sent us.
    moved: Option<(String, u16)>,
}

trait Stream: AsyncRead + AsyncWrite + Send + Unpin {}

impl<T: AsyncRead + AsyncWrite + Send + Unpin> Stream for T {}

impl Link {
    pub(super) fn new(engine: Engine) -> Self {
        Self { engine, live: Mutex::default(), next: Mutex::default(), tasks: TaskTracker::new() }
    }

    /// What stands now.
    pub(super) fn live(&self) -> Option<Arc<Live>> {
        self.live.lock().expect("nothing panics while it is held").clone()
    }

    /// The same, for whoever can do nothing without.
    pub(super) fn connected_already(&self) -> Result<Arc<Live>, Trouble> {
        let away = || Trouble::Unreachable(self.engine.places[0].to_string(), "nothing answers there".to_owned());
        self.live().ok_or_else(away)
    }

    /// The same, made if need be, within six deadlines.
    pub(super) async fn connected(&self) -> Result<Arc<Live>, Trouble> {
        if let Some(live) = self.live() {
            return Ok(live);
        }
        let mut made = self.greet(&self.primary().await?).await;
        // Of a cluster of engines any knows which of them it is.
        if made.is_err() && self.next.lock().expect("nothing panics while it is held").moved.is_some() {
            made = self.greet(&self.primary().await?).await;
        }
        if made.is_err() {
            self.next.lock().expect("nothing panics while it is held").index += 1;
        }
        let live = Arc::new(made?);
        *self.live.lock().expect("nothing panics while it is held") = Some(Arc::clone(&live));
        Ok(live)
    }

    /// Sends a command, and waits for its answer for as long as [`ANSWER_DEADLINE`].
    pub(super) async fn ask<T: FromRedisValue>(
        &self,
        live: &Arc<Live>,
        command: impl AsyncFnOnce(&mut MultiplexedConnection) -> RedisResult<T>,
    ) -> Result<T, Trouble> {
        let mut connection = live.connection.clone();
        let answer = in_time(ANSWER_DEADLINE, command(&mut connection)).await;
        answer.map_err(|error| {
            self.judge(live, &error);
            Trouble::of(&live.place, &error)
        })
    }

    /// Gives a connection up that is of no more use: who does not answer may never again, and who is read-only is the wrong one.
    fn judge(&self, live: &Arc<Live>, error: &RedisError) {
        let kind = error.kind();
        let is_server = matches!(kind, redis::ErrorKind::Server(_) | redis::ErrorKind::Extension);
        let is_elsewhere = matches!(kind, redis::ErrorKind::Server(ServerErrorKind::ReadOnly | ServerErrorKind::Moved));
        if is_server && !is_elsewhere {
            return;
        }
        let mut next = self.next.lock().expect("nothing panics while it is held");
        match error.redirect_node() {
            Some(to) => next.moved = host_and_port(to),
            None => next.index += 1,
        }
        let mut current = self.live.lock().expect("nothing panics while it is held");
        current.take_if(|current| Arc::ptr_eq(current, live));
    }

    /// Where to go, by what is tried next and what sentinels say.
    async fn primary(&self) -> Result<ConnectionAddr, Trouble> {
        let (place, moved) = {
            let mut next = self.next.lock().expect("nothing panics while it is held");
            (self.engine.places[next.index % self.engine.places.len()].clone(), next.moved.take())
        };
        if let Some((host, port)) = moved {
            return Ok(ConnectionAddr::Tcp(host, port));
        }
        let Some(service) = &self.engine.service else { return Ok(place) };
        let said = in_time(CONNECT_DEADLINE, async {
            let stream = dial(&place).await?;
            let (login, config) = (RedisConnectionInfo::default(), AsyncConnectionConfig::new());
            let (mut sentinel, driver) = MultiplexedConnection::new_with_config(&login, stream, config).await?;
            let _driver = AbortOnDropHandle::new(self.tasks.spawn(driver));
            let mut command = redis::cmd("SENTINEL");
            command.arg("get-master-addr-by-name").arg(service).query_async(&mut sentinel).await
        });
        let said: Result<Option<(String, u16)>, Trouble> =
            said.await.map_err(|error| Trouble::of(&place.to_string(), &error));
        let said = said.and_then(|said| said.ok_or_else(|| Trouble::NoPrimary(place.to_string(), service.clone())));
        if said.is_err() {
            self.next.lock().expect("nothing panics while it is held").index += 1;
        }
        said.map(|(host, port)| ConnectionAddr::Tcp(host, port))
    }

    async fn greet(&self, address: &ConnectionAddr) -> Result<Live, Trouble> {
        let place = address.to_string();
        let config = AsyncConnectionConfig::new().set_response_timeout(Some(ANSWER_DEADLINE));
        let opening = in_time(CONNECT_DEADLINE, async {
            let stream = self.secured(address, dial(address).await?).await?;
            MultiplexedConnection::new_with_config(&self.engine.login, stream, config).await
        });
        let (mut connection, driver) = opening.await.map_err(|error| Trouble::of(&place, &error))?;
        let driver = AbortOnDropHandle::new(self.tasks.spawn(driver));
        let info = redis::cmd("INFO");
        let info: RedisResult<String> = in_time(ANSWER_DEADLINE, info.query_async(&mut connection)).await;
        let info = info.map_err(|error| Trouble::of(&place, &error))?;
        let says = |name: &str| info.lines().find_map(|line| line.strip_prefix(name)).unwrap_or("-").to_owned();
        let version = says("redis_version:");
        if !is_new_enough(&version) {
            return Err(Trouble::TooOld(place, version));
        }
        // An engine without a limit has no policy for what is beyond it.
        if !matches!(says("maxmemory:").as_str(), "0" | "-") && says("maxmemory_policy:") != "noeviction" {
            return Err(Trouble::Evicts(place));
        }
        let key = redis::cmd("EXISTS").arg(KEY).to_owned();
        let is_here: RedisResult<u8> = in_time(ANSWER_DEADLINE, key.query_async(&mut connection)).await;
        is_here.map_err(|error| {
            self.next.lock().expect("nothing panics while it is held").moved =
                error.redirect_node().and_then(host_and_port);
            Trouble::of(&place, &error)
        })?;
        Ok(Live { connection, place, run: says("run_id:"), _driver: driver })
    }

    async fn secured(&self, address: &ConnectionAddr, stream: Box<dyn Stream>) -> io::Result<Box<dyn Stream>> {
        let ConnectionAddr::Tcp(host, _) = address else { return Ok(stream) };
        if self.engine.transport == Transport::Plain {
            return Ok(stream);
        }
        let config = Arc::new(believing_the_machine().map_err(io::Error::other)?);
        let name = ServerName::try_from(host.clone()).map_err(io::Error::other)?;
        Ok(Box::new(TlsConnector::from(config).connect(name, stream).await?))
    }
}

fn believing_the_machine() -> Result<ClientConfig, tokio_rustls::rustls::Error> {
    let builder = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()));
    Ok(builder.with_safe_default_protocol_versions()?.with_platform_verifier()?.with_no_client_auth())
}

async fn dial(address: &ConnectionAddr) -> io::Result<Box<dyn Stream>> {
    match address {
        ConnectionAddr::Tcp(host, port) => {
            let stream = TcpStream::connect((host.as_str(), *port)).await?;
            stream.set_nodelay(true)?;
            Ok(Box::new(stream))
        }
        #[cfg(unix)]
        ConnectionAddr::Unix(path) => Ok(Box::new(tokio::net::UnixStream::connect(path).await?)),
        _ => Err(io::ErrorKind::Unsupported.into()),
    }
}

async fn in_time<T>(deadline: Duration, answer: impl Future<Output = RedisResult<T>>) -> RedisResult<T> {
    timeout(deadline, answer).await.unwrap_or_else(|_| Err(io::Error::from(io::ErrorKind::TimedOut).into()))
}

fn host_and_port((address, _slot): (&str, u16)) -> Option<(String, u16)> {
    let (host, port) = address.rsplit_once(':')?;
    Some((host.to_owned(), port.parse().ok()?))
}

/// 6.2 is the oldest that anybody still looks after.
fn is_new_enough(version: &str) -> bool {
    let mut parts = version.split('.').map(|part| part.parse::<u32>().unwrap_or(0));
    (parts.next().unwrap_or(0), parts.next().unwrap_or(0)) >= (6, 2)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn which_versions_will_do() {
        for (version, will_do) in
            [("6.2.0", true), ("7.0.15", true), ("10.0", true), ("6.0.16", false), ("5.9", false), ("-", false)]
        {
            assert_eq!(is_new_enough(version), will_do, "{version}");
        }
    }
}
