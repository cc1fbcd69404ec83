//! From the flags that name a directory and what is to be had there, to an [`Acme`].

use url::Url;

use super::Acme;
use crate::acme::{Directory, LETS_ENCRYPT};
use crate::cmd::exit::{Exit, Failure};
use crate::cmd::file;
use crate::cmd::sources::{Given, Sources};
use crate::server::{Domain, Tls};

/// What was typed.
pub(in crate::cmd::serve) struct Typed {
    pub(in crate::cmd::serve) names: Vec<String>,
    pub(in crate::cmd::serve) directory: Option<String>,
    pub(in crate::cmd::serve) cache: Option<String>,
    pub(in crate::cmd::serve) contact: Option<String>,
    pub(in crate::cmd::serve) ca_file: Option<String>,
}

impl Acme {
    /// What flags and file say, where they ask for it. Nothing is opened but the file of the directory's authorities.
    pub(in crate::cmd::serve) fn settle(typed: Typed, from: &Sources<'_>) -> Result<Option<Self>, Failure> {
        let names = from.each(typed.names, "--acme");
        let [url, cache, contact, ca_file] = [
            (typed.directory, "--acme-directory"),
            (typed.cache, "--acme-cache"),
            (typed.contact, "--acme-contact"),
            (typed.ca_file, "--acme-ca-file"),
        ]
        .map(|(typed, flag)| from.one(typed, flag));
        let Some(first) = names.first() else {
            let slip = [url, cache, contact, ca_file].into_iter().flatten().next();
            return slip.map_or(Ok(None), |slip| Err(slip.useless_without("--acme")));
        };
        let Some(cache) = cache else {
            let (subject, cache) = (first.subject(), first.spelled("--acme-cache"));
            return Err(Failure::usage(format!(
                "{subject} takes {cache} as well: a folder that nobody else can look into"
            )));
        };
        let names = names.iter().map(|given| given.read(host)).collect::<Result<_, _>>()?;
        let url = url.map_or_else(|| Ok(usual()), |given| given.read(self::url))?;
        let contact = contact.map(|given| given.read(mailbox)).transpose()?;
        let directory = directory(&url, ca_file.as_ref())?;
        Ok(Some(Self { url, directory, names, contact, folder: cache.path()?, tls: Tls::unproved() }))
    }

    /// Whether tunnels can have hosts below this domain: each needs a certificate, and none that is had here is for all.
    pub(in crate::cmd::serve) fn check_hosts(&self, domain: &Domain, given: &Given) -> Result<(), Failure> {
        let domain = domain.as_str();
        let is_below = |name: &String| name.strip_suffix(domain).is_some_and(|rest| rest.ends_with('.'));
        if self.names.iter().any(is_below) {
            return Ok(());
        }
        Err(given.contradicts(format_args!(
            "`--acme` gets no certificate for every host below `{domain}`: name those that there are, like `--acme \
             my-app.{domain}`, or give `--tls-cert` with one for `*.{domain}`"
        )))
    }
}

fn directory(url: &Url, ca_file: Option<&Given>) -> Result<Directory, Failure> {
    let Some(given) = ca_file else {
        return Directory::new(url.as_str(), None).map_err(|cause| Failure::new(Exit::Unexpected, cause));
    };
    let path = given.path()?;
    let at = path.display();
    let roots = file::read(&path).map_err(|cause| Failure::file(format!("cannot read the file `{at}`: {cause}")))?;
    Directory::new(url.as_str(), Some(&roots)).map_err(|cause| {
        Failure::new(Exit::Certificate, format!("the file `{at}` cannot be used: {cause}; give a PEM file"))
    })
}

fn usual() -> Url {
    LETS_ENCRYPT.parse().expect("it is a URL")
}

fn host(text: &str) -> Result<String, String> {
    if text.starts_with("*.") {
        return Err(format!(
            "`{text}` stands for many hosts, and those that are proved here are single ones; give `--tls-cert` with a \
             certificate for it"
        ));
    }
    let domain = text.parse::<Domain>().map_err(|error| format!("`{text}` is none: {error}"))?;
    Ok(domain.as_str().to_owned())
}

fn url(text: &str) -> Result<Url, String> {
    let url = Url::parse(text).ok().filter(|url| url.scheme() == "https");
    url.ok_or_else(|| format!("`{text}` is no directory; write its URL, like `{LETS_ENCRYPT}`"))
}

/// The address as a directory takes it. (RFC 8555, section 7.3)
fn mailbox(text: &str) -> Result<String, String> {
    let plain = |text: &str| {
        !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_graphic() && byte != b',' && byte != b'?')
    };
    match text.split_once('@') {
        Some((name, host)) if plain(name) && plain(host) && !host.contains('@') => Ok(format!("mailto:{text}")),
        _ => Err(format!("`{text}` is no address to write to; write it like `jo@example.com`")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cmd::env::Env;
    use crate::cmd::serve::settle::tests::{check, refused};

    fn args<'a>(more: &[&'a str]) -> Vec<&'a str> {
        [&["--acme", "t.example", "--acme-cache", "cache"], more].concat()
    }

    #[test]
    fn what_is_asked_for() {
        let none = Env::default();
        let of = |settings: super::super::super::settle::Settings| {
            settings.acme.map(|acme| (acme.names, acme.url.to_string(), acme.contact))
        };
        let usual = LETS_ENCRYPT.to_owned();
        check(&[], &none, of, None);
        check(&args(&[]), &none, of, Some((vec!["t.example".to_owned()], usual.clone(), None)));
        let both = vec!["t.example".to_owned(), "www.t.example".to_owned()];
        check(&args(&["--acme=WWW.t.example."]), &none, of, Some((both, usual, None)));
        let asked = args(&["--acme-directory=https://ca.example/dir", "--acme-contact=jo@t.example"]);
        let url = "https://ca.example/dir".to_owned();
        check(&asked, &none, of, Some((vec!["t.example".to_owned()], url, Some("mailto:jo@t.example".to_owned()))));
        let below = |settings: super::super::super::settle::Settings| settings.config.domain.is_some();
        check(&args(&["--domain=t.example", "--acme=my-app.t.example"]), &none, below, true);
        let redirects = |settings: super::super::super::settle::Settings| settings.redirects.is_some();
        check(&args(&["--redirect-addr=:0"]), &none, redirects, true);
    }

    #[test]
    fn what_cannot_be_meant() {
        let none = Env::default();
        refused(
            &["--acme=t.example"],
            &none,
            "`--acme` takes `--acme-cache` as well: a folder that nobody else can look into",
        );
        for flag in ["--acme-directory", "--acme-cache", "--acme-contact", "--acme-ca-file"] {
            refused(&[flag, "x"], &none, &format!("`{flag}` is of no use without `--acme`"));
        }
        refused(
            &args(&["--acme=*.t.example"]),
            &none,
            "wrong `--acme`: `*.t.example` stands for many hosts, and those that are proved here are single ones; give \
             `--tls-cert` with a certificate for it",
        );
        refused(
            &args(&["--acme=192.0.2.7"]),
            &none,
            "wrong `--acme`: `192.0.2.7` is none: a domain is labels of letters, digits and `-`, with dots between them, like \
             `tunnel.example.com`",
        );
        refused(
            &args(&["--domain=t.example"]),
            &none,
            "`--acme` gets no certificate for every host below `t.example`: name those that there are, like `--acme \
             my-app.t.example`, or give `--tls-cert` with one for `*.t.example`",
        );
        let directory = format!("`http://x` is no directory; write its URL, like `{LETS_ENCRYPT}`");
        refused(&args(&["--acme-directory=http://x"]), &none, &format!("wrong `--acme-directory`: {directory}"));
        for text in ["jo", "jo@", "@x", "a@b@c", "jo o@x", "a@b,c@d"] {
            let sentence =
                format!("wrong `--acme-contact`: `{text}` is no address to write to; write it like `jo@example.com`");
            refused(&args(&["--acme-contact", text]), &none, &sentence);
        }
        let sentence = "`--acme` gets a certificate, and `--tls-cert` names one; leave one away";
        refused(&args(&["--tls-cert=c", "--tls-key=k"]), &none, sentence);
    }
}
