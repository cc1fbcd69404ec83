//! The certificates of clients: who vouches for them, and whether one that was presented is good. Knows no connection.
//!
//! A handshake takes whatever is presented, once its key is proved, and the certificate is judged at each request of a client's. An alert would get
//! lost where the client has begun to send its request, and would say little; visitors who present a certificate that is meant
//! for somebody else are none of this server's business.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use tokio_rustls::rustls::client::danger::HandshakeSignatureValid;
use tokio_rustls::rustls::crypto::ring;
use tokio_rustls::rustls::pki_types::pem::PemObject as _;
use tokio_rustls::rustls::pki_types::{CertificateDer, UnixTime};
use tokio_rustls::rustls::server::WebPkiClientVerifier;
use tokio_rustls::rustls::server::danger::{ClientCertVerified, ClientCertVerifier};
use tokio_rustls::rustls::{
    self, CertificateError, DigitallySignedStruct, DistinguishedName, RootCertStore, SignatureScheme,
};

use crate::metrics::Uncertified;

/// Authorities that vouch for clients.
#[derive(Clone)]
pub struct ClientAuthorities(Arc<dyn ClientCertVerifier>);

/// There is no authority's certificate in a text.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("there is no certificate of an authority in it")]
pub struct NoClientAuthority;

/// What a client has presented of itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Presented {
    /// A certificate that is good.
    Good,
    /// No certificate.
    Nothing,
    /// One whose time is over.
    Expired,
    /// One that is of no use for another reason.
    Unknown,
}

impl ClientAuthorities {
    /// Those whose certificates stand in a text, as PEM.
    ///
    /// # Errors
    /// Where there are none, or one that cannot be read.
    pub fn from_pem(text: &[u8]) -> Result<Self, NoClientAuthority> {
        let mut roots = RootCertStore::empty();
        for certificate in CertificateDer::pem_slice_iter(text) {
            roots.add(certificate.map_err(|_| NoClientAuthority)?).map_err(|_| NoClientAuthority)?;
        }
        let provider = Arc::new(ring::default_provider());
        let verifier = WebPkiClientVerifier::builder_with_provider(Arc::new(roots), provider).build();
        verifier.map(Self).map_err(|_| NoClientAuthority)
    }

    /// What is to be thought of a certificate, with those that may vouch for it behind it, at `now`, in Unix seconds.
    pub(super) fn judge(&self, presented: &[CertificateDer<'_>], now: u64) -> Presented {
        let Some((certificate, others)) = presented.split_first() else { return Presented::Nothing };
        let now = UnixTime::since_unix_epoch(Duration::from_secs(now));
        match self.0.verify_client_cert(certificate, others, now) {
            Ok(_) => Presented::Good,
            Err(rustls::Error::InvalidCertificate(
                CertificateError::Expired | CertificateError::ExpiredContext { .. },
            )) => Presented::Expired,
            Err(_) => Presented::Unknown,
        }
    }

    /// What asks for a certificate in a handshake.
    pub(super) fn ask(&self) -> Arc<dyn ClientCertVerifier> {
        Arc::new(Asking(Arc::clone(&self.0)))
    }
}

impl Presented {
    /// Why a client is not let in, where it is not: as what it counts, and in words.
    pub(super) fn refusal(self) -> Option<(Uncertified, &'static str)> {
        match self {
            Self::Good => None,
            Self::Nothing => Some((Uncertified::Missing, "a client certificate is asked for, and none was presented")),
            Self::Expired => Some((Uncertified::Expired, "the client certificate has expired")),
            Self::Unknown => {
                Some((Uncertified::Unknown, "the client certificate is of no authority that is known here"))
            }
        }
    }
}

/// Asks for a certificate and takes any; the handshake's signatures still have to be right.
#[derive(Debug)]
struct Asking(Arc<dyn ClientCertVerifier>);

impl ClientCertVerifier for Asking {
    fn client_auth_mandatory(&self) -> bool {
        false
    }

    /// By these a browser knows that its visitor has no certificate that is meant.
    fn root_hint_subjects(&self) -> &[DistinguishedName] {
        self.0.root_hint_subjects()
    }

    fn verify_client_cert(
        &self,
        _certificate: &CertificateDer<'_>,
        _others: &[CertificateDer<'_>],
        _now: UnixTime,
    ) -> Result<ClientCertVerified, rustls::Error> {
        Ok(ClientCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        self.0.verify_tls12_signature(message, certificate, signature)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        self.0.verify_tls13_signature(message, certificate, signature)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.0.supported_verify_schemes()
    }
}

impl fmt::Debug for ClientAuthorities {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ClientAuthorities")
    }
}

#[cfg(test)]
mod tests {
    use rcgen::{BasicConstraints, CertificateParams, DnType, IsCa, Issuer, KeyPair, date_time_ymd};

    use super::*;

    /// 2026-01-01.
    const NOW: u64 = 1_767_225_600;

    fn authority(name: &str) -> (String, Issuer<'static, KeyPair>) {
        let mut params = CertificateParams::new([]).unwrap();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        params.distinguished_name.push(DnType::CommonName, name);
        let key = KeyPair::generate().unwrap();
        (params.self_signed(&key).unwrap().pem(), Issuer::new(params, key))
    }

    fn issued(issuer: &Issuer<'static, KeyPair>, from: i32, until: i32) -> CertificateDer<'static> {
        let mut params = CertificateParams::new(["jo".to_owned()]).unwrap();
        (params.not_before, params.not_after) = (date_time_ymd(from, 1, 1), date_time_ymd(until, 1, 1));
        params.signed_by(&KeyPair::generate().unwrap(), issuer).unwrap().der().clone()
    }

    #[test]
    fn who_is_vouched_for() {
        let ((pem, ours), (other_pem, other)) = (authority("ours"), authority("other"));
        let check = |text: &str, presented: Option<CertificateDer<'_>>, expected: Presented| {
            let clients = ClientAuthorities::from_pem(text.as_bytes()).unwrap();
            assert_eq!(clients.judge(presented.as_slice(), NOW), expected);
        };
        check(&pem, None, Presented::Nothing);
        check(&pem, Some(issued(&ours, 2025, 2027)), Presented::Good);
        check(&pem, Some(issued(&other, 2025, 2027)), Presented::Unknown);
        check(&format!("{pem}{other_pem}"), Some(issued(&other, 2025, 2027)), Presented::Good);
        check(&pem, Some(issued(&ours, 2024, 2025)), Presented::Expired);
        check(&pem, Some(issued(&ours, 2027, 2028)), Presented::Unknown);
        check(&pem, Some(CertificateDer::from(vec![1])), Presented::Unknown);
        for text in ["", "no certificate", &pem[..pem.len() / 2]] {
            assert_eq!(ClientAuthorities::from_pem(text.as_bytes()).map(drop), Err(NoClientAuthority), "{text}");
        }
    }
}
