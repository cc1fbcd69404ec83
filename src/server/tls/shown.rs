//! What a listener shows: a certificate to visitors, whatever host they ask for, and to authorities what proves a name.

use std::collections::HashMap;
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio_rustls::rustls::crypto::ring::sign::any_supported_type;
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer};
use tokio_rustls::rustls::server::{ClientHello, ResolvesServerCert};
use tokio_rustls::rustls::sign::CertifiedKey;

use super::{Identity, Unusable};

/// What an authority speaks that wants a name proved, and nothing beside. (RFC 8737, section 6.2)
pub(super) const PROOF: &[u8] = b"acme-tls/1";

/// What is shown now. Locks are held for a copy, never across an await.
#[derive(Default)]
pub(super) struct Shown {
    identity: Mutex<Option<Arc<CertifiedKey>>>,
    /// By the names that they prove.
    proofs: Mutex<HashMap<String, Arc<CertifiedKey>>>,
}

/// A proof is shown until this is dropped.
pub struct Proving {
    shown: Arc<Shown>,
    name: String,
}

impl Shown {
    pub(super) fn replace(&self, Identity(pair): Identity) {
        *self.identity.lock().unwrap_or_else(PoisonError::into_inner) = Some(pair);
    }

    pub(super) fn prove(
        this: &Arc<Self>,
        name: &str,
        certificate: CertificateDer<'static>,
        key: &PrivateKeyDer<'_>,
    ) -> Result<Proving, Unusable> {
        let key = any_supported_type(key).map_err(|cause| Unusable::Key(cause.to_string()))?;
        // Not compared with its certificate: what has to stand there nobody else understands.
        let pair = Arc::new(CertifiedKey::new(vec![certificate], key));
        let name = name.to_ascii_lowercase();
        this.proofs().insert(name.clone(), pair);
        Ok(Proving { shown: Arc::clone(this), name })
    }

    fn proofs(&self) -> MutexGuard<'_, HashMap<String, Arc<CertifiedKey>>> {
        self.proofs.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Proving {
    fn drop(&mut self) {
        self.shown.proofs().remove(&self.name);
    }
}

impl ResolvesServerCert for Shown {
    fn resolve(&self, hello: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        if hello.alpn().is_some_and(|mut protocols| protocols.next() == Some(PROOF) && protocols.next().is_none()) {
            return self.proofs().get(hello.server_name()?).cloned();
        }
        self.identity.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

/// Keys stand in it.
impl fmt::Debug for Shown {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Shown")
    }
}
