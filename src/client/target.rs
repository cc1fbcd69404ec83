//! A connection to the target: TCP, TLS where it is asked for, tried again for a while where it is refused.

use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;
use tokio::time::{Instant, sleep, timeout};
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;
use tokio_rustls::rustls::Error as TlsError;
use tokio_rustls::rustls::pki_types::ServerName;

use super::{Config, Error, Target, TargetTls, cause, tls};

/// How long one try may take.
const CONNECT_DEADLINE: Duration = Duration::from_secs(10);

/// How long to wait between tries while the target refuses.
const RETRY: Duration = Duration::from_millis(100);

/// Makes connections to one target, and to nothing else. No proxy is ever asked.
pub(super) struct Connector {
    target: Target,
    tls: Option<TlsConnector>,
    hold: Duration,
}

/// A connection to the target.
pub struct Connection(Carrier);

enum Carrier {
    Plain(TcpStream),
    Tls(Box<TlsStream<TcpStream>>),
}

/// Makes connections to a client's target and to nothing else, for whoever asks that again what a visitor has asked.
/// Its copies are one and the same.
#[derive(Clone)]
pub struct Dialer(Arc<Connector>);

impl Dialer {
    /// What makes the connections that a client with these settings makes.
    ///
    /// # Errors
    /// Where this machine lacks what TLS to the target needs.
    pub fn new(config: &Config) -> Result<Self, Error> {
        let connector = Connector::new(config).map_err(Error::Unable)?;
        Ok(Self(Arc::new(Connector { hold: Duration::ZERO, ..connector })))
    }

    /// What makes connections to this target, without a client.
    ///
    /// # Errors
    /// Where this machine lacks what TLS to the target needs.
    pub fn to(target: Target, trust: TargetTls) -> Result<Self, Error> {
        let connector = Connector::to(target, trust, Duration::ZERO).map_err(Error::Unable)?;
        Ok(Self(Arc::new(connector)))
    }

    /// Connects, by one try of 10 s at most and as long for TLS.
    ///
    /// # Errors
    /// In one sentence, why it could not.
    pub async fn dial(&self) -> io::Result<Connection> {
        self.0.connect().await.map(|(connection, _)| connection).map_err(io::Error::other)
    }
}

impl Connector {
    pub(super) fn new(config: &Config) -> Result<Self, String> {
        Self::to(config.target.clone(), config.target_tls, config.target_hold)
    }

    pub(super) fn to(target: Target, trust: TargetTls, hold: Duration) -> Result<Self, String> {
        let tls = if target.is_tls() { Some(tls::to_target(trust)?) } else { None };
        let tls = tls.map(|config| TlsConnector::from(Arc::new(config)));
        Ok(Self { target, tls, hold })
    }

    /// Connects, again and again while the target refuses, for as long as the hold allows and 10 s more at most. Says
    /// how long that took beyond the first try, or in one sentence why it could not.
    pub(super) async fn connect(&self) -> Result<(Connection, Duration), String> {
        let deadline = Instant::now() + self.hold;
        let mut refused = None;
        let stream = loop {
            match self.tcp().await {
                Ok(stream) => break stream,
                Err(error) if error.kind() == io::ErrorKind::ConnectionRefused && Instant::now() + RETRY < deadline => {
                    refused.get_or_insert_with(Instant::now);
                    sleep(RETRY).await;
                }
                Err(error) => return Err(self.explain(&error)),
            }
        };
        // Small pieces must not wait for the acknowledgement of the ones before.
        let _ = stream.set_nodelay(true);
        let held = refused.map_or(Duration::ZERO, |first| first.elapsed());
        let connection = match &self.tls {
            None => Connection(Carrier::Plain(stream)),
            Some(tls) => self.handshake(tls, stream).await?,
        };
        Ok((connection, held))
    }

    async fn tcp(&self) -> io::Result<TcpStream> {
        let address = (self.target.host(), self.target.port());
        let late = || Err(io::ErrorKind::TimedOut.into());
        timeout(CONNECT_DEADLINE, TcpStream::connect(address)).await.unwrap_or_else(|_| late())
    }

    async fn handshake(&self, tls: &TlsConnector, stream: TcpStream) -> Result<Connection, String> {
        let target = &self.target;
        let name = ServerName::try_from(target.host().to_owned())
            .map_err(|_| format!("`{target}` has no name that a certificate could be made for"))?;
        match timeout(CONNECT_DEADLINE, tls.connect(name, stream)).await {
            Ok(Ok(stream)) => Ok(Connection(Carrier::Tls(Box::new(stream)))),
            Ok(Err(error)) => Err(format!("TLS with `{target}` failed: {}", explain_tls(&error))),
            Err(_) => Err(format!("TLS with `{target}` was not agreed on within 10 s")),
        }
    }

    fn explain(&self, error: &io::Error) -> String {
        let target = &self.target;
        match error.kind() {
            io::ErrorKind::ConnectionRefused => format!("nothing listens at `{target}`; is the service running?"),
            io::ErrorKind::TimedOut => format!("`{target}` has not answered within 10 s"),
            _ => {
                let text = error.to_string();
                format!("`{target}` cannot be reached: {}", text.split(" (os error").next().unwrap_or_default())
            }
        }
    }
}

fn explain_tls(error: &io::Error) -> String {
    match cause::tls(error) {
        Some(TlsError::InvalidCertificate(cause)) => {
            format!("its certificate is not trusted ({cause}); `--target-insecure` takes any")
        }
        Some(other) => cause::explain_tls(other),
        None => error.to_string(),
    }
}

impl Connection {
    pub(super) fn is_plain(&self) -> bool {
        matches!(self.0, Carrier::Plain(_))
    }

    /// Has the connection reset when it is dropped, so that the target does not take a cut for an end.
    pub(super) fn cut(&self) {
        let stream = match &self.0 {
            Carrier::Plain(stream) => stream,
            Carrier::Tls(stream) => stream.get_ref().0,
        };
        // Where it fails the connection is gone already.
        let _ = stream.set_zero_linger();
    }
}

impl AsyncRead for Connection {
    fn poll_read(self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        match &mut self.get_mut().0 {
            Carrier::Plain(stream) => Pin::new(stream).poll_read(cx, buf),
            Carrier::Tls(stream) => Pin::new(stream).poll_read(cx, buf),
        }
    }
}

impl AsyncWrite for Connection {
    fn poll_write(self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        match &mut self.get_mut().0 {
            Carrier::Plain(stream) => Pin::new(stream).poll_write(cx, bytes),
            Carrier::Tls(stream) => Pin::new(stream).poll_write(cx, bytes),
        }
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match &mut self.get_mut().0 {
            Carrier::Plain(stream) => Pin::new(stream).poll_flush(cx),
            Carrier::Tls(stream) => Pin::new(stream).poll_flush(cx),
        }
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match &mut self.get_mut().0 {
            Carrier::Plain(stream) => Pin::new(stream).poll_shutdown(cx),
            Carrier::Tls(stream) => Pin::new(stream).poll_shutdown(cx),
        }
    }
}
