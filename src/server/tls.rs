//! TLS at the server's own listener: the handshake, and what is shown in it, which can be replaced at any time. Knows no
//! files.
//!
//! The cryptography is chosen here and not for the whole process, so that a program which embeds a server need not have
//! chosen one, and may have chosen another.

mod identity;
mod shown;

use std::io;
use std::sync::Arc;

use tokio::io::AsyncWriteExt as _;
use tokio::net::TcpStream;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::ServerConfig;
use tokio_rustls::rustls::crypto::ring;
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer};
use tokio_rustls::server::TlsStream;

pub use identity::{Identity, Life, Unusable};
pub use shown::Proving;
use shown::{PROOF, Shown};

/// What is sealed for a visitor, and waits until the system takes it.
const MAX_SEALED: usize = 64 * 1024;

/// What a listener shows of itself, and how it takes TLS. Clones are the same.
#[derive(Clone)]
pub struct Tls {
    acceptor: TlsAcceptor,
    shown: Arc<Shown>,
}

impl Tls {
    /// TLS 1.2 and 1.3, for HTTP/2 and HTTP/1.1, with this certificate.
    #[must_use]
    pub fn new(identity: Identity) -> Self {
        let tls = Self::speaking(&[b"h2", b"http/1.1"]);
        tls.replace(identity);
        tls
    }

    /// The same without a certificate, until one is there: whoever comes before is refused, but for an authority that
    /// wants a name proved.
    #[must_use]
    pub fn unproved() -> Self {
        // The last: whoever speaks anything else is a visitor.
        Self::speaking(&[b"h2", b"http/1.1", PROOF])
    }

    fn speaking(protocols: &[&[u8]]) -> Self {
        let shown = Arc::new(Shown::default());
        let builder = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()));
        let builder = builder.with_safe_default_protocol_versions().expect("ring has every version");
        let mut config = builder.with_no_client_auth().with_cert_resolver(Arc::clone(&shown) as _);
        config.alpn_protocols = protocols.iter().map(|name| name.to_vec()).collect();
        Self { acceptor: Arc::new(config).into(), shown }
    }

    /// Shows another certificate from now on. Connections that stand are left alone.
    pub fn replace(&self, identity: Identity) {
        self.shown.replace(identity);
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
        Shown::prove(&self.shown, name, certificate, key)
    }

    /// Does the handshake. Waits for as long as the other end takes, so the caller sets the deadline. Cancelling it
    /// closes the connection. An authority that has seen what it wanted to is an error: nothing follows.
    pub(super) async fn accept(&self, stream: TcpStream) -> io::Result<TlsStream<TcpStream>> {
        let mut stream = self.acceptor.accept(stream).await?;
        if stream.get_ref().1.alpn_protocol() == Some(PROOF) {
            stream.shutdown().await?;
            return Err(io::Error::other("an authority has seen what proves a name"));
        }
        stream.get_mut().1.set_buffer_limit(Some(MAX_SEALED));
        Ok(stream)
    }
}
