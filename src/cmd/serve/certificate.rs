//! The files of the server's certificate and its key: read at the start, and the new pair shown when they have changed.

use tokio::sync::watch;

use super::steady::{Seen, Steady, watch};
use crate::cmd::clock;
use crate::cmd::exit::Failure;
use crate::cmd::pair::{Pair, PairFiles};
use crate::cmd::sources::Sources;
use crate::server::{Life, Server, Tls};

/// What a warning says.
const UNUSABLE: &str = "the certificate cannot be used; the one before is still shown";

/// A certificate that is shown, and the files that it comes from.
pub(super) struct Certificate {
    files: PairFiles,
    pair: Pair,
    life: Life,
    pub(super) tls: Tls,
}

impl Certificate {
    /// The one that is named, where any is. A server does not start with one that is of no use.
    pub(super) fn open(
        certificate: Option<String>,
        key: Option<String>,
        from: &Sources<'_>,
    ) -> Result<Option<Self>, Failure> {
        let Some(files) = PairFiles::named([certificate, key], ["--tls-cert", "--tls-key"], from)? else {
            return Ok(None);
        };
        let (pair, identity) = files.open(clock::unix_now())?;
        Ok(Some(Self { files, pair, life: identity.life(), tls: Tls::new(identity) }))
    }

    /// Shows what is in the files, for as long as it is not cancelled.
    pub(super) async fn watch(self, server: &Server, asked: watch::Receiver<()>) {
        let Self { files, pair, life, tls } = self;
        server.note_certificate(life);
        let late = || tracing::warn!(cause = "to read it takes long", "{UNUSABLE}");
        let read = {
            let files = files.clone();
            move || files.usable(clock::unix_now())
        };
        let act = |seen: Seen<Pair>| match seen.and_then(|pair| files.understood(&pair, clock::unix_now())) {
            Ok(identity) => {
                server.note_certificate(identity.life());
                tls.replace(identity);
                tracing::info!(file = %files.certificate.display(), "the certificate is shown from now on");
            }
            Err(cause) => tracing::warn!(cause, "{UNUSABLE}"),
        };
        match watch(Steady::new(pair), read, late, asked, act).await {}
    }
}

#[cfg(test)]
mod tests {
    use rcgen::{CertificateParams, KeyPair, date_time_ymd};

    use super::*;

    #[test]
    fn what_waits_for_its_time_is_shown_when_that_has_come() {
        let folder = tempfile::tempdir().unwrap();
        let files = PairFiles { certificate: folder.path().join("c"), key: folder.path().join("k") };
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
