//! TLS at the server's own listener: the handshake, and what is shown in it, which can be replaced at any time. Knows no
//! files.
//!
//! The cryptography is chosen here and not for the whole process, so that a program which embeds a server need not have
//! chosen one, and may have chosen another.

mod clients;
mod identity;
mod shown;

use std::io;
use std::sync::{Arc, Mutex, PoisonError};

use tokio::io::AsyncWriteExt as _;
use tokio::net::TcpStream;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::ServerConfig;
use tokio_rustls::rustls::crypto::ring;
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer};
use tokio_rustls::server::TlsStream;

pub use clients::{ClientAuthorities, NoClientAuthority};
pub use identity::{Identity, Life, Unusable};
pub use shown::Proving;
use shown::{PROOF, Shown};

use crate::metrics::Uncertified;

/// What is sealed for a visitor, and waits until the system takes it.
const MAX_SEALED: usize = 64 * 1024;

/// What visitors speak.
const HTTP: &[&[u8]] = &[b"h2", b"http/1.1"];

/// What a listener shows of itself, and how it takes TLS. Clones are the same.
#[derive(Clone)]
pub struct Tls(Arc<Inner>);

struct Inner {
    shown: Arc<Shown>,
    protocols: Vec<Vec<u8>>,
    // Held for a copy, never across an await.
    manner: Mutex<Manner>,
}

/// How a handshake is done, and who vouches for clients, where that is asked.
#[derive(Clone)]
struct Manner {
    config: Arc<ServerConfig>,
    clients: Option<ClientAuthorities>,
}

impl Tls {
    /// TLS 1.2 and 1.3, for HTTP/2 and HTTP/1.1, with this certificate.
    #[must_use]
    pub fn new(identity: Identity) -> Self {
        let tls = Self::speaking(HTTP);
        tls.replace(identity);
        tls
    }

    /// The same without a certificate, until one is there: whoever comes before is refused, but for an authority that
    /// wants a name proved.
    #[must_use]
    pub fn unproved() -> Self {
        // The last: whoever speaks anything else is a visitor.
        Self::speaking(&[HTTP, &[PROOF]].concat())
    }

    fn speaking(protocols: &[&[u8]]) -> Self {
        let (shown, protocols) = (Arc::default(), protocols.iter().map(|name| name.to_vec()).collect::<Vec<_>>());
        let manner = Mutex::new(Manner::new(&shown, &protocols, None));
        Self(Arc::new(Inner { shown, protocols, manner }))
    }

    /// Has whoever connects from now on asked for a certificate that one of these vouches for. Visitors need none, and
    /// clients are let in with none other.
    pub fn ask(&self, clients: ClientAuthorities) {
        let Inner { shown, protocols, manner } = &*self.0;
        *manner.lock().unwrap_or_else(PoisonError::into_inner) = Manner::new(shown, protocols, Some(clients));
    }

    /// Shows another certificate from now on. Connections that stand are left alone.
    pub fn replace(&self, identity: Identity) {
        self.0.shown.replace(identity);
    }

    /// Shows this to an authority that wants to know whether `name` leads here, for as long as what is returned is kept.
    /// (RFC 8737)
    ///
    /// # Errors
    /// Where the key cannot be used.
    pub fn prove(
        &self,
        name: &str,
        certificate: CertificateDer<'static>,
        key: &PrivateKeyDer<'_>,
    ) -> Result<Proving, Unusable> {
        Shown::prove(&self.0.shown, name, certificate, key)
    }

    /// Does the handshake, and says what the other end has presented, where it was asked to. Waits for as long as that takes,
    /// so the caller sets the deadline. Cancelling it closes the connection. An authority that has seen what it wanted to is
    /// an error: nothing follows.
    pub(super) async fn accept(&self, stream: TcpStream) -> io::Result<(TlsStream<TcpStream>, Option<Credential>)> {
        let Manner { config, clients } = self.manner();
        let mut stream = TlsAcceptor::from(config).accept(stream).await?;
        if stream.get_ref().1.alpn_protocol() == Some(PROOF) {
            stream.shutdown().await?;
            return Err(io::Error::other("an authority has seen what proves a name"));
        }
        let connection = stream.get_mut().1;
        connection.set_buffer_limit(Some(MAX_SEALED));
        let presented = connection.peer_certificates().unwrap_or_default();
        let chain = || presented.iter().map(|certificate| certificate.clone().into_owned()).collect();
        let credential = clients.map(|_| Credential { tls: self.clone(), chain: chain() });
        Ok((stream, credential))
    }

    fn manner(&self) -> Manner {
        self.0.manner.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

/// What the other end of a connection has presented.
pub(super) struct Credential {
    tls: Tls,
    chain: Vec<CertificateDer<'static>>,
}

impl Credential {
    /// Why a client with it is not let in at `now`, in Unix seconds, where it is not, by those who are believed then.
    pub(super) fn refusal(&self, now: u64) -> Option<(Uncertified, &'static str)> {
        self.tls.manner().clients?.judge(&self.chain, now).refusal()
    }
}

impl Manner {
    fn new(shown: &Arc<Shown>, protocols: &[Vec<u8>], clients: Option<ClientAuthorities>) -> Self {
        let builder = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()));
        let builder = builder.with_safe_default_protocol_versions().expect("ring has every version");
        let builder = match &clients {
            Some(clients) => builder.with_client_cert_verifier(clients.ask()),
            None => builder.with_no_client_auth(),
        };
        let mut config = builder.with_cert_resolver(Arc::clone(shown) as _);
        config.alpn_protocols = protocols.to_vec();
        Self { config: Arc::new(config), clients }
    }
}
