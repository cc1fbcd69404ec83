//! What a client needs for TLS with a server beyond what the system has: the file of whoever vouches for the server, and those
//! that say who the client is.

use super::config::Origin;
use super::exit::{Exit, Failure};
use super::pair::{Pair, PairFiles};
use super::sources::{Given, Sources};
use super::{clock, file};
use crate::client::{Authorities, Identity};

/// The flag.
const CA_FILE: &str = "--ca-file";

/// Who vouches for a server, where that is said at all.
#[derive(Default)]
pub(crate) struct Vouched {
    pub(crate) authorities: Option<Authorities>,
    /// What is to be said where a file's word on it does not count.
    pub(crate) notice: Option<String>,
}

impl Vouched {
    /// What is said for a server that is named in the file `server`, or in none.
    pub(crate) fn read(typed: Option<String>, server: Option<&Origin>, from: &Sources<'_>) -> Result<Self, Failure> {
        let Some(given) = from.one(typed, CA_FILE) else { return Ok(Self::default()) };
        match given.origin().filter(|file| !file.vouches_for(server)) {
            None => Ok(Self { authorities: Some(authorities(&given)?), notice: None }),
            Some(file) => {
                let (place, file) = (given.place(), file.path().display());
                let notice = format!(
                    "{place}, does not count, for the file does not name the server; give `{CA_FILE}`, or say with \
                     `--config {file}` that the file is meant"
                );
                Ok(Self { authorities: None, notice: Some(notice) })
            }
        }
    }
}

/// The authorities in a file, where one is named.
pub(crate) fn read(typed: Option<String>, from: &Sources<'_>) -> Result<Option<Authorities>, Failure> {
    from.one(typed, CA_FILE).map(|given| authorities(&given)).transpose()
}

/// The certificate of the client and its key, where two files are named.
pub(crate) fn identity(typed: [Option<String>; 2], from: &Sources<'_>) -> Result<Option<Identity>, Failure> {
    let Some(files) = PairFiles::named(typed, ["--client-cert", "--client-key"], from)? else { return Ok(None) };
    let (Pair { certificate, key }, _) = files.open(clock::unix_now())?;
    let identity = Identity::from_pem(&certificate, &key);
    identity.map(Some).map_err(|cause| Failure::new(Exit::Certificate, cause.to_string()))
}

fn authorities(given: &Given) -> Result<Authorities, Failure> {
    let path = given.path()?;
    let at = path.display();
    let text = file::read(&path).map_err(|cause| Failure::file(format!("cannot read the file `{at}`: {cause}")))?;
    Authorities::from_pem(&text).map_err(|cause| {
        Failure::new(Exit::Certificate, format!("the file `{at}` cannot be used: {cause}; give a PEM file"))
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cmd::env::{self, Env};

    #[test]
    fn what_vouches_for_nobody_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let path = |name: &str| folder.path().join(name).to_str().unwrap().to_owned();
        let certificate = rcgen::generate_simple_self_signed(["a.example".to_owned()]).unwrap().cert.pem();
        std::fs::write(path("good"), format!("# ours\n{certificate}")).unwrap();
        std::fs::write(path("other"), "no certificate").unwrap();
        std::fs::write(path("cut"), &certificate[..certificate.len() / 2]).unwrap();
        let check = |name: &str, expected: Option<(Exit, &str)>| {
            let sentence = |text: &str| text.replace("FILE", &format!("the file `{}`", path(name)));
            let expected = expected.map(|(exit, text)| (exit, sentence(text)));
            let (none, set) = (Env::default(), Env::from([(env::CA_FILE, &*path(name))]));
            for (typed, env) in [(Some(path(name)), &none), (None, &set)] {
                let found = read(typed, &Sources::new("doctor", env, [])).map(|found| found.is_some());
                let found = found.map_err(|failure| (failure.exit, failure.sentence));
                assert_eq!(found, expected.clone().map_or(Ok(true), Err));
            }
        };
        check("good", None);
        check("gone", Some((Exit::File, "cannot read FILE: there is no such file or directory")));
        let none = "FILE cannot be used: there is no certificate of an authority in it; give a PEM file";
        check("other", Some((Exit::Certificate, none)));
        check("cut", Some((Exit::Certificate, none)));
    }
}
