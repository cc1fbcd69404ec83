//! A certificate with its key: whether the two can be shown, when, and for whom. Knows no listener.

use std::sync::Arc;
use std::time::Duration;

use tokio_rustls::rustls::client::{verify_server_cert_signed_by_trust_anchor, verify_server_name};
use tokio_rustls::rustls::crypto::{CryptoProvider, ring};
use tokio_rustls::rustls::pki_types::pem::PemObject as _;
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName, UnixTime};
use tokio_rustls::rustls::server::ParsedCertificate;
use tokio_rustls::rustls::sign::CertifiedKey;
use tokio_rustls::rustls::{self, CertificateError, InconsistentKeys, RootCertStore};

/// A certificate without an end says this one, in Unix seconds. (RFC 5280, section 4.1.2.5)
const END: u64 = 253_402_300_799;

/// A certificate with those that vouch for it, and its key.
#[derive(Clone)]
pub struct Identity(pub(super) Arc<CertifiedKey>);

/// When a certificate is good, with those that vouch for it, in Unix seconds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Life {
    /// From when.
    pub from: u64,
    /// Until when.
    pub until: u64,
}

/// Why a certificate and a key are of no use. Times are Unix seconds.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Unusable {
    /// There is no certificate in what was given as one.
    #[error("there is no certificate in it")]
    NoCertificate,
    /// There is no private key in what was given as one.
    #[error("there is no private key in it")]
    NoKey,
    /// The key cannot be used.
    #[error("its key is of no use: {0}")]
    Key(String),
    /// The certificate cannot be read.
    #[error("it cannot be read: {0}")]
    Certificate(String),
    /// The key is another certificate's.
    #[error("its key is another's")]
    Mismatch,
    /// A certificate's time was over at this one.
    #[error("it has expired")]
    Expired(u64),
    /// A certificate's time begins at this one.
    #[error("it is not good yet; is this machine's clock right?")]
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

    /// When all of it is good.
    #[must_use]
    pub fn life(&self) -> Life {
        let ends = |at| self.0.cert.iter().map(move |certificate| in_time(certificate, at, &ring::default_provider()));
        let from = ends(0).map(|seen| if let Err(Unusable::NotYet(from)) = seen { from } else { 0 });
        let until = ends(END).map(|seen| if let Err(Unusable::Expired(until)) = seen { until } else { END });
        Life { from: from.max().unwrap_or(0), until: until.min().unwrap_or(END) }
    }

    /// Whether visitors of each of these hosts would take it for that host's.
    #[must_use]
    pub fn is_for<'a>(&self, hosts: impl IntoIterator<Item = &'a str>) -> bool {
        let parsed =
            self.0.end_entity_cert().ok().and_then(|certificate| ParsedCertificate::try_from(certificate).ok());
        let is_for = |host: &str| {
            let name = ServerName::try_from(host).ok();
            parsed.as_ref().zip(name).is_some_and(|(parsed, name)| verify_server_name(parsed, &name).is_ok())
        };
        hosts.into_iter().all(is_for)
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

    #[test]
    fn when_and_for_whom() {
        let key = KeyPair::generate().unwrap();
        let check = |pem: &str, from: u64, until: u64| {
            let identity =
                Identity::from_pem(pem.as_bytes(), key.serialize_pem().as_bytes(), NOW).map_err(drop).unwrap();
            assert_eq!(identity.life(), Life { from, until });
            for (hosts, expected) in [
                (&["a.example"][..], true),
                (&["A.example"], true),
                (&["b.example"], false),
                (&["a.example", "b.example"], false),
                (&["x.a.example"], false),
                (&["no name"], false),
            ] {
                assert_eq!(identity.is_for(hosts.iter().copied()), expected, "{hosts:?}");
            }
        };
        let (y2025, y2027) = (1_735_689_600, 1_798_761_600);
        check(&certified(&key, 2025, 2027), y2025, y2027);
        // Those that vouch for it bound it too.
        check(&format!("{}{}", certified(&key, 2025, 2028), certified(&key, 2024, 2027)), y2025, y2027);
    }
}
