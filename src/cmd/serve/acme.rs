//! A certificate that the server gets itself, by ACME, and renews while it runs.

mod cache;
mod schedule;
mod settle;

use std::convert::Infallible;
use std::path::PathBuf;
use std::time::Duration;

use tokio::sync::watch;
use tokio::time::sleep;
use url::Url;

use crate::acme::{Account, Directory, Error, Issued};
use crate::cmd::clock;
use crate::cmd::exit::Failure;
use crate::cmd::pair::time;
use crate::metrics::Issuance;
use crate::server::{Identity, Life, Server, Tls};
use cache::Cache;
use schedule::{Backoff, due};
pub(super) use settle::Typed;

/// How often the clock is looked at while a certificate need not be renewed: it may be set, and a machine may sleep.
const LOOK: Duration = Duration::from_secs(60);

/// Which certificate a server gets, and from where.
pub(super) struct Acme {
    url: Url,
    directory: Directory,
    names: Vec<String>,
    contact: Option<String>,
    folder: PathBuf,
    /// What shows it, and what proves the names.
    tls: Tls,
}

/// The same with its cache.
pub(super) struct Renewal {
    acme: Acme,
    cache: Cache,
    /// When the certificate that is shown is good, and when it is to be renewed; none where none is.
    shown: Option<(Life, u64)>,
}

impl Acme {
    /// Whether the cache would do, as far as that shows. Nothing is written.
    pub(super) fn look(&self) -> Result<(), Failure> {
        Cache::look(&self.folder, &self.url)
    }

    /// Opens the cache, and shows the certificate that is in it, if that is of use.
    pub(super) fn open(self) -> Result<Renewal, Failure> {
        let cache = Cache::open(&self.folder, &self.url)?;
        let found = cache.certificate().and_then(|pem| self.understood(&pem).ok());
        let mut renewal = Renewal { acme: self, cache, shown: None };
        if let Some(identity) = found {
            renewal.show(identity);
        }
        Ok(renewal)
    }

    /// What can be shown of a PEM that has a certificate and its key.
    fn understood(&self, pem: &[u8]) -> Result<Identity, String> {
        let identity = Identity::from_pem(pem, pem, clock::unix_now());
        let identity = identity.map_err(|unusable| format!("what was issued cannot be used: {unusable}"))?;
        let is_for_all = identity.is_for(self.names.iter().map(String::as_str));
        if is_for_all { Ok(identity) } else { Err("what was issued is for other names".to_owned()) }
    }

    async fn issue(&self, account: &Account) -> Result<Issued, Error> {
        let show = |name: &str, proof: crate::acme::Proof| {
            let shown = self.tls.prove(name, proof.certificate, &proof.key);
            shown.map_err(|unusable| format!("the proof of `{name}` cannot be shown: {unusable}"))
        };
        account.issue(&self.names, show).await
    }
}

impl Renewal {
    /// What the server speaks.
    pub(super) fn tls(&self) -> Tls {
        self.acme.tls.clone()
    }

    /// Gets a certificate where there is none, and another whenever it is time, for as long as this is not cancelled. After a
    /// failure `asked` has it try again at once.
    pub(super) async fn keep(mut self, server: &Server, mut asked: watch::Receiver<()>) -> Infallible {
        let mut backoff = Backoff::default();
        if let Some((life, due)) = self.shown {
            server.note_certificate(life);
            tracing::info!(renewed_from = time(due), "the certificate that was kept is shown");
        }
        loop {
            if let Some((_, due)) = self.shown {
                until(due).await;
            }
            match self.renew().await {
                Ok(life) => {
                    backoff = Backoff::default();
                    server.note_certificate(life);
                    server.note_issuance(Issuance::Issued);
                }
                Err(cause) => {
                    server.note_issuance(Issuance::Failed);
                    let again = clock::unix_now().saturating_add(backoff.next(random()).as_secs());
                    self.complain(&cause, again);
                    asked.mark_unchanged();
                    tokio::select! {
                        () = until(again) => {}
                        Ok(()) = asked.changed() => {}
                    }
                }
            }
        }
    }

    fn complain(&self, cause: &str, again: u64) {
        let again = time(again);
        if self.shown.is_some() {
            tracing::warn!(cause, again, "the certificate was not renewed; the one before is still shown");
        } else {
            tracing::warn!(cause, again, "there is no certificate yet, so nobody is served");
        }
    }

    async fn renew(&mut self) -> Result<Life, String> {
        let issued = self.issued().await.map_err(|error| error.to_string())?;
        let identity = self.acme.understood(issued.pem().as_bytes())?;
        if let Err(cause) = self.cache.keep_certificate(&issued).await {
            tracing::warn!(cause, "the certificate is not kept for the next start");
        }
        let life = self.show(identity);
        let (names, until) = (self.acme.names.join(" "), time(life.until));
        tracing::info!(names, until, "a certificate was issued, and is shown from now on");
        Ok(life)
    }

    async fn issued(&self) -> Result<Issued, Error> {
        let Acme { directory, .. } = &self.acme;
        if let Some(kept) = self.cache.account().await {
            let issued = match directory.account(&kept).await {
                Ok(account) => self.acme.issue(&account).await,
                Err(error) => Err(error),
            };
            if issued.as_ref().err() != Some(&Error::NoAccount) {
                return issued;
            }
        }
        let (account, kept) = directory.register(self.acme.contact.as_deref()).await?;
        if let Err(cause) = self.cache.keep_account(&kept).await {
            tracing::warn!(cause, "the account is not kept for the next start");
        }
        self.acme.issue(&account).await
    }

    fn show(&mut self, identity: Identity) -> Life {
        let life = identity.life();
        self.shown = Some((life, due(life, clock::unix_now(), random())));
        self.acme.tls.replace(identity);
        life
    }
}

/// Waits until this time by the wall clock has come.
async fn until(at: u64) {
    loop {
        let rest = Duration::from_secs(at.saturating_sub(clock::unix_now()));
        if rest.is_zero() {
            return;
        }
        sleep(rest.min(LOOK)).await;
    }
}

/// From 0 to 1. Where the system has no chance to give, all are the same.
fn random() -> f64 {
    f64::from(getrandom::u32().unwrap_or_default()) / f64::from(u32::MAX)
}
