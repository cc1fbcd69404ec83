//! The files of the server's certificate and its key: read at the start, and the new pair shown when they have changed.

use std::time::Duration;

use super::watched::{Seen, Watched};
use crate::cmd::clock;
use crate::cmd::exit::{Exit, Failure};
use crate::cmd::file;
use crate::cmd::signals::Hangups;
use crate::server::{Identity, Tls, Unusable};
use crate::wire::stamp;

/// Where a certificate and its key are.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct CertificateFiles {
    pub(super) certificate: String,
    pub(super) key: String,
}

/// What stands in the two. It has no `Debug`: a key is in it.
#[derive(Clone, PartialEq)]
struct Pair {
    certificate: Vec<u8>,
    key: Vec<u8>,
}

/// A certificate that is shown, and the files that it comes from.
pub(super) struct Certificate {
    files: CertificateFiles,
    pair: Pair,
    pub(super) tls: Tls,
}

impl Certificate {
    /// Shows what is in the files, for as long as it is not cancelled.
    pub(super) async fn watch(self, hangups: Hangups) {
        let Self { files, pair, tls } = self;
        let show = |seen: &Seen<Pair>| match seen.clone().and_then(|pair| files.understood(&pair)) {
            Ok(identity) => {
                tls.replace(identity);
                tracing::info!(file = files.certificate, "the certificate is shown from now on");
            }
            Err(cause) => unusable(&cause),
        };
        let read = {
            let files = files.clone();
            move || files.read()
        };
        Watched::new(pair).follow(hangups, read, || unusable("to read it takes long"), show).await;
    }
}

fn unusable(cause: &str) {
    tracing::warn!(cause, "the new certificate cannot be used; the one before is still shown");
}

impl CertificateFiles {
    /// The two that were typed, where any was.
    pub(super) fn named(certificate: Option<String>, key: Option<String>) -> Result<Option<Self>, Failure> {
        match (certificate, key) {
            (Some(certificate), Some(key)) => Ok(Some(Self { certificate, key })),
            (None, None) => Ok(None),
            (Some(_), None) => {
                Err(Failure::usage("`--tls-cert` takes `--tls-key` as well: the key of the certificate"))
            }
            (None, Some(_)) => {
                Err(Failure::usage("`--tls-key` takes `--tls-cert` as well: the certificate of the key"))
            }
        }
    }

    /// Reads them. A server does not start without.
    pub(super) fn open(self) -> Result<Certificate, Failure> {
        let pair = self.read().map_err(Failure::file)?;
        let identity = self.understood(&pair).map_err(|cause| Failure::new(Exit::Certificate, cause))?;
        Ok(Certificate { files: self, pair, tls: Tls::new(identity) })
    }

    fn read(&self) -> Seen<Pair> {
        let content =
            |what, path: &str| file::read(path).map_err(|cause| format!("cannot read the {what} `{path}`: {cause}"));
        Ok(Pair { certificate: content("certificate", &self.certificate)?, key: content("key", &self.key)? })
    }

    /// What can be shown of a pair, or why nothing can.
    fn understood(&self, Pair { certificate, key }: &Pair) -> Result<Identity, String> {
        Identity::from_pem(certificate, key, clock::unix_now()).map_err(|unusable| self.why(&unusable))
    }

    fn why(&self, unusable: &Unusable) -> String {
        let Self { certificate, key } = self;
        match unusable {
            Unusable::NoCertificate => {
                format!(
                    "there is no certificate in `{certificate}`: give a PEM file with the certificate first, then those that vouch for it"
                )
            }
            Unusable::NoKey => {
                format!("there is no private key in `{key}`: give a PEM file with a key that has no password")
            }
            Unusable::Key(cause) => format!("the key in `{key}` cannot be used: {cause}"),
            Unusable::Certificate(cause) => format!("the certificate in `{certificate}` cannot be used: {cause}"),
            Unusable::Mismatch => {
                format!(
                    "the certificate in `{certificate}` is not for the key in `{key}`: give the two that were made together"
                )
            }
            Unusable::Expired(at) => {
                format!("the certificate in `{certificate}` has expired, at {}: renew it", time(*at))
            }
            Unusable::NotYet(at) => {
                format!(
                    "the certificate in `{certificate}` is not good before {}: wait, or set this machine's clock",
                    time(*at)
                )
            }
        }
    }
}

/// To the second.
fn time(at: u64) -> String {
    let stamp = stamp(Duration::from_secs(at));
    format!("{}Z", String::from_utf8_lossy(&stamp[..19]))
}
