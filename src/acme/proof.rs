//! What shows an authority that a name leads here: a certificate with its answer in it. (RFC 8737, section 3)

use rcgen::{CertificateParams, CustomExtension, DistinguishedName, KeyPair};
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer};

/// What is shown to an authority that asks for a name by TLS-ALPN-01. It has no `Debug`: a key is in it.
pub struct Proof {
    /// The certificate, which nobody else would believe.
    pub certificate: CertificateDer<'static>,
    /// Its key.
    pub key: PrivateKeyDer<'static>,
}

impl Proof {
    /// That of `name`, by the digest of the answer.
    pub(super) fn new(name: &str, digest: &[u8]) -> Result<Self, String> {
        let made = || {
            let mut params = CertificateParams::new([name.to_owned()])?;
            params.distinguished_name = DistinguishedName::new();
            params.custom_extensions = vec![CustomExtension::new_acme_identifier(digest)];
            let key = KeyPair::generate()?;
            let certificate = params.self_signed(&key)?.der().clone();
            Ok(Self { certificate, key: PrivatePkcs8KeyDer::from(key.serialize_der()).into() })
        };
        made().map_err(|cause: rcgen::Error| format!("no proof of `{name}` can be made: {cause}"))
    }
}
