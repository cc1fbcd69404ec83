//! The files of the server's certificate and its key: read at the start, and the new pair shown when they have changed.

use std::path::{Path, PathBuf};
use std::time::Duration;

use tokio::sync::watch;

use super::steady::{Seen, Steady, watch};
use crate::cmd::clock;
use crate::cmd::exit::{Exit, Failure};
use crate::cmd::file;
use crate::cmd::sources::Sources;
use crate::server::{Identity, Tls, Unusable};
use crate::wire::stamp;

/// What a warning says.
const UNUSABLE: &str = "the certificate cannot be used; the one before is still shown";

/// A certificate that is shown, and the files that it comes from.
pub(super) struct Certificate {
    files: CertificateFiles,
    pair: Pair,
    pub(super) tls: Tls,
}

/// What stands in the two. It has no `Debug`: a key is in it.
#[derive(Clone, PartialEq)]
struct Pair {
    certificate: Vec<u8>,
    key: Vec<u8>,
}

/// Where a certificate and its key are.
#[derive(Clone)]
struct CertificateFiles {
    certificate: PathBuf,
    key: PathBuf,
}

impl Certificate {
    /// The one that is named, where any is. A server does not start with one that is of no use.
    pub(super) fn open(
        certificate: Option<String>,
        key: Option<String>,
        from: &Sources<'_>,
    ) -> Result<Option<Self>, Failure> {
        let named = [(certificate, "--tls-cert"), (key, "--tls-key")];
        let named = named.map(|(typed, flag)| from.one(typed, flag));
        let files = match named {
            [Some(certificate), Some(key)] => CertificateFiles { certificate: certificate.path()?, key: key.path()? },
            [None, None] => return Ok(None),
            [Some(_), None] => {
                return Err(Failure::usage("`--tls-cert` takes `--tls-key` as well: the key of the certificate"));
            }
            [None, Some(_)] => {
                return Err(Failure::usage("`--tls-key` takes `--tls-cert` as well: the certificate of the key"));
            }
        };
        let pair = files.read().map_err(Failure::file)?;
        let identity =
            files.understood(&pair, clock::unix_now()).map_err(|cause| Failure::new(Exit::Certificate, cause))?;
        Ok(Some(Self { files, pair, tls: Tls::new(identity) }))
    }

    /// Shows what is in the files, for as long as it is not cancelled.
    pub(super) async fn watch(self, asked: watch::Receiver<()>) {
        let Self { files, pair, tls } = self;
        let late = || tracing::warn!(cause = "to read it takes long", "{UNUSABLE}");
        let read = {
            let files = files.clone();
            move || files.usable(clock::unix_now())
        };
        let act = |seen: Seen<Pair>| match seen.and_then(|pair| files.understood(&pair, clock::unix_now())) {
            Ok(identity) => {
                tls.replace(identity);
                tracing::info!(file = %files.certificate.display(), "the certificate is shown from now on");
            }
            Err(cause) => tracing::warn!(cause, "{UNUSABLE}"),
        };
        match watch(Steady::new(pair), read, late, asked, act).await {}
    }
}

impl CertificateFiles {
    fn read(&self) -> Seen<Pair> {
        let content = |what, path: &Path| {
            file::read(path).map_err(|cause| format!("cannot read the {what} `{}`: {cause}", path.display()))
        };
        Ok(Pair { certificate: content("certificate", &self.certificate)?, key: content("key", &self.key)? })
    }

    /// What is there, if it can be shown `now`: time alone makes a certificate good, or out of date.
    fn usable(&self, now: u64) -> Seen<Pair> {
        let pair = self.read()?;
        self.understood(&pair, now)?;
        Ok(pair)
    }

    /// What can be shown of a pair, or why nothing can.
    fn understood(&self, Pair { certificate, key }: &Pair, now: u64) -> Result<Identity, String> {
        Identity::from_pem(certificate, key, now).map_err(|unusable| self.why(&unusable))
    }

    fn why(&self, unusable: &Unusable) -> String {
        let [certificate, key] = [&self.certificate, &self.key].map(|path| path.display());
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
pub(super) fn time(at: u64) -> String {
    let stamp = stamp(Duration::from_secs(at));
    format!("{}Z", String::from_utf8_lossy(&stamp[..19]))
}

#[cfg(test)]
mod tests {
    use rcgen::{CertificateParams, KeyPair, date_time_ymd};

    use super::*;

    #[test]
    fn what_waits_for_its_time_is_shown_when_that_has_come() {
        let folder = tempfile::tempdir().unwrap();
        let files = CertificateFiles { certificate: folder.path().join("c"), key: folder.path().join("k") };
        let mut params = CertificateParams::new(["a.example".to_owned()]).unwrap();
        let [from, until] = [2030, 2031].map(|year| date_time_ymd(year, 1, 1));
        (params.not_before, params.not_after) = (from, until);
        let key = KeyPair::generate().unwrap();
        std::fs::write(&files.certificate, params.self_signed(&key).unwrap().pem()).unwrap();
        std::fs::write(&files.key, key.serialize_pem()).unwrap();
        let [from, until] = [from, until].map(|at| u64::try_from(at.unix_timestamp()).unwrap());
        let mut steady = Steady::new(Pair { certificate: Vec::new(), key: Vec::new() });
        let place = files.certificate.display();
        let early = format!("the certificate in `{place}` is not good before 2030-01-01T00:00:00Z");
        let late = format!("the certificate in `{place}` has expired, at 2031-01-01T00:00:00Z");
        for (now, expected) in [(from - 1, Some(&early)), (from, None), (until + 1, Some(&late))] {
            assert!(steady.look(files.usable(now)).is_none());
            let news = steady.look(files.usable(now)).expect("it was the same twice");
            let said = news.err();
            let matches = |expected: &String| said.as_ref().is_some_and(|said| said.starts_with(expected));
            assert!(expected.map_or(said.is_none(), matches), "{now}: {said:?}");
        }
    }
}
