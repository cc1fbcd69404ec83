//! TLS at the server's own listener: the certificate that it shows, which can be replaced at any time, and the handshake.
//! Knows no files.
//!
//! The cryptography is chosen here and not for the whole process, so that a program which embeds a server need not have
//! chosen one, and may have chosen another.

use std::fmt;
use std::io;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::net::TcpStream;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::client::verify_server_cert_signed_by_trust_anchor;
use tokio_rustls::rustls::crypto::{CryptoProvider, ring};
use tokio_rustls::rustls::pki_types::pem::PemObject as _;
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer, UnixTime};
use tokio_rustls::rustls::server::{ClientHello, ParsedCertificate, ResolvesServerCert};
use tokio_rustls::rustls::sign::CertifiedKey;
use tokio_rustls::rustls::{self, CertificateError, InconsistentKeys, RootCertStore, ServerConfig};
use tokio_rustls::server::TlsStream;

/// What is sealed for a visitor, and waits until the system takes it.
const MAX_SEALED: usize = 64 * 1024;

/// A certificate with those that vouch for it, and its key.
#[derive(Clone)]
pub struct Identity(Arc<CertifiedKey>);

/// Why a certificate and a key are of no use. Times are Unix seconds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Unusable {
    /// There is no certificate in what was given as one.
    NoCertificate,
    /// There is no private key in what was given as one.
    NoKey,
    /// The key cannot be used.
    Key(String),
    /// The certificate cannot be read.
    Certificate(String),
    /// The key is another certificate's.
    Mismatch,
    /// A certificate's time was over at this one.
    Expired(u64),
    /// A certificate's time begins at this one.
    NotYet(u64),
}

impl Identity {
    /// What stands in two texts, as PEM: the certificate, then those that vouch for it, and the key.
    ///
    /// # Errors
    /// Where nobody would be served with them at `now`, in Unix seconds.
    pub fn from_pem(certificates: &[u8], key: &[u8], now: u64) -> Result<Self, Unusable> {
        let chain: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(certificates).collect();
        let chain = chain.ok().filter(|chain| !chain.is_empty()).ok_or(Unusable::NoCertificate)?;
        let key = PrivateKeyDer::from_pem_slice(key).map_err(|_| Unusable::NoKey)?;
        let provider = ring::default_provider();
        let pair = CertifiedKey::from_der(chain, key, &provider).map_err(|cause| match cause {
            rustls::Error::InconsistentKeys(InconsistentKeys::KeyMismatch) => Unusable::Mismatch,
            rustls::Error::InvalidCertificate(cause) => Unusable::Certificate(cause.to_string()),
            rustls::Error::General(cause) => Unusable::Key(cause),
            cause => Unusable::Key(cause.to_string()),
        })?;
        pair.cert.iter().try_for_each(|certificate| in_time(certificate, now, &provider))?;
        Ok(Self(Arc::new(pair)))
    }
}

/// Whether a certificate is good at `now`. The library looks at that first of all, and then for who vouches for it, of
/// which nothing is to be found out here.
fn in_time(certificate: &CertificateDer<'_>, now: u64, provider: &CryptoProvider) -> Result<(), Unusable> {
    let parsed = ParsedCertificate::try_from(certificate);
    let parsed = parsed.map_err(|cause| Unusable::Certificate(cause.to_string()))?;
    let now = UnixTime::since_unix_epoch(Duration::from_secs(now));
    let algorithms = provider.signature_verification_algorithms.all;
    match verify_server_cert_signed_by_trust_anchor(&parsed, &RootCertStore::empty(), &[], now, algorithms) {
        Err(rustls::Error::InvalidCertificate(CertificateError::ExpiredContext { not_after, .. })) => {
            Err(Unusable::Expired(not_after.as_secs()))
        }
        Err(rustls::Error::InvalidCertificate(CertificateError::NotValidYetContext { not_before, .. })) => {
            Err(Unusable::NotYet(not_before.as_secs()))
        }
        _ => Ok(()),
    }
}

/// What a listener shows of itself, and how it takes TLS. Clones are the same.
#[derive(Clone)]
pub struct Tls {
    acceptor: TlsAcceptor,
    shown: Arc<Shown>,
}

impl Tls {
    /// TLS 1.2 and 1.3, for HTTP/2 and HTTP/1.1, with this certificate.
    ///
    /// # Panics
    /// Never: the cryptography that is chosen here has both versions.
    #[must_use]
    pub fn new(identity: Identity) -> Self {
        let shown = Arc::new(Shown(Mutex::new(identity.0)));
        let builder = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()));
        let builder = builder.with_safe_default_protocol_versions().expect("ring has every version");
        let mut config = builder.with_no_client_auth().with_cert_resolver(Arc::clone(&shown) as _);
        config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
        Self { acceptor: Arc::new(config).into(), shown }
    }

    /// Shows another certificate from now on. Connections that stand are left alone.
    pub fn replace(&self, identity: Identity) {
        *self.shown.0.lock().unwrap_or_else(PoisonError::into_inner) = identity.0;
    }

    /// Does the handshake. Waits for as long as the other end takes, so the caller sets the deadline. Cancelling it
    /// closes the connection.
    pub(super) async fn accept(&self, stream: TcpStream) -> io::Result<TlsStream<TcpStream>> {
        let mut stream = self.acceptor.accept(stream).await?;
        stream.get_mut().1.set_buffer_limit(Some(MAX_SEALED));
        Ok(stream)
    }
}

/// The certificate that is shown now, whatever host is asked for.
struct Shown(Mutex<Arc<CertifiedKey>>);

impl ResolvesServerCert for Shown {
    fn resolve(&self, _: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        // Held for a copy, never across an await.
        Some(Arc::clone(&self.0.lock().unwrap_or_else(PoisonError::into_inner)))
    }
}

/// A key stands in it.
impl fmt::Debug for Shown {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Shown")
    }
}

#[cfg(test)]
mod tests {
    use rcgen::{CertificateParams, KeyPair, date_time_ymd};

    use super::*;

    /// 2026-01-01.
    const NOW: u64 = 1_767_225_600;

    fn certified(key: &KeyPair, from: i32, until: i32) -> String {
        let mut params = CertificateParams::new(["a.example".to_owned()]).unwrap();
        (params.not_before, params.not_after) = (date_time_ymd(from, 1, 1), date_time_ymd(until, 1, 1));
        params.self_signed(key).unwrap().pem()
    }

    #[test]
    fn what_nobody_would_believe_is_not_shown() {
        let (key, other) = (KeyPair::generate().unwrap(), KeyPair::generate().unwrap());
        let good = certified(&key, 2025, 2027);
        let check = |certificates: &str, key: &str, expected: Result<(), Unusable>| {
            let seen = Identity::from_pem(certificates.as_bytes(), key.as_bytes(), NOW).map(drop);
            assert_eq!(seen, expected, "{certificates} {key}");
        };
        let (pem, other) = (key.serialize_pem(), other.serialize_pem());
        check(&good, &pem, Ok(()));
        // As some tools write it: the key stands in both.
        check(&format!("{pem}{good}"), &format!("{good}{pem}"), Ok(()));
        check("", &pem, Err(Unusable::NoCertificate));
        check(&pem, &pem, Err(Unusable::NoCertificate));
        check(&good[..good.len() / 2], &pem, Err(Unusable::NoCertificate));
        check(&good, "", Err(Unusable::NoKey));
        check(&good, &good, Err(Unusable::NoKey));
        check(&good, &other, Err(Unusable::Mismatch));
        check(&certified(&key, 2024, 2026), &pem, Ok(()));
        check(&certified(&key, 2024, 2025), &pem, Err(Unusable::Expired(1_735_689_600)));
        check(&certified(&key, 2027, 2028), &pem, Err(Unusable::NotYet(1_798_761_600)));
        check(&format!("{good}{}", certified(&key, 2024, 2025)), &pem, Err(Unusable::Expired(1_735_689_600)));
    }
}
