//! A certificate and its key in two files: what stands in them, and why that is of no use.

use std::path::{Path, PathBuf};
use std::time::Duration;

use super::exit::{Exit, Failure};
use super::file;
use super::sources::{Given, Sources};
use crate::server::{Identity, Unusable};
use crate::wire::stamp;

/// What stands in the two. It has no `Debug`: a key is in it.
#[derive(Clone, PartialEq)]
pub(crate) struct Pair {
    pub(crate) certificate: Vec<u8>,
    pub(crate) key: Vec<u8>,
}

/// Where a certificate and its key are.
#[derive(Clone)]
pub(crate) struct PairFiles {
    pub(crate) certificate: PathBuf,
    pub(crate) key: PathBuf,
}

impl PairFiles {
    /// Those that are named by two flags, which are of no use without each other.
    pub(crate) fn named(
        typed: [Option<String>; 2],
        flags: [&'static str; 2],
        from: &Sources<'_>,
    ) -> Result<Option<Self>, Failure> {
        let [certificate, key] = typed;
        let [of_certificate, of_key] = flags;
        let takes = |given: &Given, other, what| {
            let (subject, other) = (given.subject(), given.spelled(other));
            Failure::usage(format!("{subject} takes {other} as well: the {what}"))
        };
        match (from.one(certificate, of_certificate), from.one(key, of_key)) {
            (Some(certificate), Some(key)) => Ok(Some(Self { certificate: certificate.path()?, key: key.path()? })),
            (None, None) => Ok(None),
            (Some(certificate), None) => Err(takes(&certificate, of_key, "key of the certificate")),
            (None, Some(key)) => Err(takes(&key, of_certificate, "certificate of the key")),
        }
    }

    /// What is there, and what can be shown of it `now`. A command does not start with what is of no use.
    pub(crate) fn open(&self, now: u64) -> Result<(Pair, Identity), Failure> {
        let pair = self.read().map_err(Failure::file)?;
        let identity = self.understood(&pair, now).map_err(|cause| Failure::new(Exit::Certificate, cause))?;
        Ok((pair, identity))
    }

    /// What is there, whether it is of use or not.
    fn read(&self) -> Result<Pair, String> {
        let content = |what, path: &Path| {
            file::read(path).map_err(|cause| format!("cannot read the {what} `{}`: {cause}", path.display()))
        };
        Ok(Pair { certificate: content("certificate", &self.certificate)?, key: content("key", &self.key)? })
    }

    /// What is there, if it can be shown `now`: time alone makes a certificate good, or out of date.
    pub(crate) fn usable(&self, now: u64) -> Result<Pair, String> {
        let pair = self.read()?;
        self.understood(&pair, now)?;
        Ok(pair)
    }

    /// What can be shown of a pair, or why nothing can.
    pub(crate) fn understood(&self, Pair { certificate, key }: &Pair, now: u64) -> Result<Identity, String> {
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
pub(crate) fn time(at: u64) -> String {
    let stamp = stamp(Duration::from_secs(at));
    format!("{}Z", String::from_utf8_lossy(&stamp[..19]))
}
