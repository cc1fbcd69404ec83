//! Whom the client believes, on both of its ways out: to the server and to the target. Knows no connection.
//!
//! The cryptography is chosen here and not for the whole process, so that a program which embeds a client need not have
//! chosen one, and may have chosen another.

use std::sync::Arc;

use rustls_platform_verifier::BuilderVerifierExt;
use tokio_rustls::rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use tokio_rustls::rustls::client::{ClientConfig, WantsClientCert};
use tokio_rustls::rustls::crypto::{CryptoProvider, ring, verify_tls12_signature, verify_tls13_signature};
use tokio_rustls::rustls::pki_types::pem::PemObject as _;
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName, UnixTime};
use tokio_rustls::rustls::{
    ConfigBuilder, DigitallySignedStruct, Error, RootCertStore, SignatureScheme, WantsVerifier,
};

use super::{Source, TargetTls};

/// Authorities whose word on who the server is counts, in the place of the platform's own.
#[derive(Clone, Debug)]
pub struct Authorities(Arc<RootCertStore>);

/// There is no authority's certificate in a text.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("there is no certificate of an authority in it")]
pub struct NoAuthority;

impl Authorities {
    /// Those whose certificates stand in a text, as PEM.
    ///
    /// # Errors
    /// Where there are none, or one that cannot be read.
    pub fn from_pem(text: &[u8]) -> Result<Self, NoAuthority> {
        let mut roots = RootCertStore::empty();
        for certificate in CertificateDer::pem_slice_iter(text) {
            roots.add(certificate.map_err(|_| NoAuthority)?).map_err(|_| NoAuthority)?;
        }
        if roots.is_empty() { Err(NoAuthority) } else { Ok(Self(Arc::new(roots))) }
    }
}

/// A certificate that says to the server who the client is, and its key. It has no `Debug`: a key is in it.
#[derive(Clone)]
pub struct Identity(Arc<(Vec<CertificateDer<'static>>, PrivateKeyDer<'static>)>);

/// There is no certificate in a text, or no key in another.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("there is no certificate in it, or no key")]
pub struct NoIdentity;

impl Identity {
    /// What stands in two texts, as PEM: the certificate, then those that vouch for it, and the key.
    ///
    /// # Errors
    /// Where one of them is missing.
    pub fn from_pem(certificates: &[u8], key: &[u8]) -> Result<Self, NoIdentity> {
        let chain: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(certificates).collect();
        let chain = chain.ok().filter(|chain| !chain.is_empty()).ok_or(NoIdentity)?;
        let key = PrivateKeyDer::from_pem_slice(key).map_err(|_| NoIdentity)?;
        Ok(Self(Arc::new((chain, key))))
    }
}

type Builder = ConfigBuilder<ClientConfig, WantsVerifier>;

/// For the way to the server. A machine without certificates can still use a server without TLS.
pub(super) fn to_server(
    source: &Source,
    authorities: Option<&Authorities>,
    identity: Option<&Identity>,
) -> Result<ClientConfig, String> {
    if let Some(Authorities(roots)) = authorities {
        return finish(builder()?.with_root_certificates(Arc::clone(roots)), identity);
    }
    let verified = builder()?.with_platform_verifier();
    let builder = match verified {
        Err(_) if source.url().scheme() == "http" => builder()?.with_root_certificates(RootCertStore::empty()),
        verified => verified.map_err(|error| error.to_string())?,
    };
    finish(builder, identity)
}

/// For the way to the target.
pub(super) fn to_target(tls: TargetTls) -> Result<ClientConfig, String> {
    let builder = builder()?;
    let builder = match tls {
        TargetTls::Verified => builder.with_platform_verifier().map_err(|error| error.to_string())?,
        TargetTls::Insecure => {
            let verifier = AnyCertificate(Arc::clone(builder.crypto_provider()));
            builder.dangerous().with_custom_certificate_verifier(Arc::new(verifier))
        }
    };
    finish(builder, None)
}

fn builder() -> Result<Builder, String> {
    let builder = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()));
    builder.with_safe_default_protocol_versions().map_err(|error| error.to_string())
}

fn finish(
    builder: ConfigBuilder<ClientConfig, WantsClientCert>,
    identity: Option<&Identity>,
) -> Result<ClientConfig, String> {
    let mut config = match identity.map(|identity| &*identity.0) {
        Some((chain, key)) => builder
            .with_client_auth_cert(chain.clone(), key.clone_key())
            .map_err(|error| format!("the client certificate cannot be used: {error}"))?,
        None => builder.with_no_client_auth(),
    };
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    Ok(config)
}

/// Takes any certificate, as was asked for; the handshake's signatures still have to be right.
#[derive(Debug)]
struct AnyCertificate(Arc<CryptoProvider>);

impl ServerCertVerifier for AnyCertificate {
    fn verify_server_cert(
        &self,
        _certificate: &CertificateDer<'_>,
        _chain: &[CertificateDer<'_>],
        _name: &ServerName<'_>,
        _ocsp: &[u8],
        _now: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        let algorithms = &self.0.signature_verification_algorithms;
        verify_tls12_signature(message, certificate, signature, algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        let algorithms = &self.0.signature_verification_algorithms;
        verify_tls13_signature(message, certificate, signature, algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.0.signature_verification_algorithms.supported_schemes()
    }
}
