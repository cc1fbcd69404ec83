//! The secrets that senders of webhooks sign with, as they were typed: `PROVIDER=SECRET`, or a file in place of the secret.
//! Knows the senders' names alone.

use super::{Secret, read, without_newline};
use crate::cmd::env;
use crate::cmd::exit::Failure;
use crate::cmd::sources::{Given, Sources};
use crate::inspect::webhook::{Provider, Secrets};

const FLAG: &str = "--webhook-secret";

/// All that were given. Whose variable is set and whom a flag names has the flag's alone, and the file's count for those whom
/// neither names.
pub(crate) fn webhooks(flags: Vec<Secret>, from: &Sources<'_>) -> Result<Secrets, Failure> {
    let mut secrets = Secrets::default();
    let flagged = add_all(&mut secrets, flags.into_iter().map(|Secret(text)| Given::typed(FLAG, text)), &[])?;
    let mut known = flagged.clone();
    for provider in Provider::ALL.into_iter().filter(|provider| !flagged.contains(provider)) {
        if let Some(given) = from.variable(variable(provider)) {
            add(&mut secrets, provider, &given.text, &given)?;
            known.push(provider);
        }
    }
    add_all(&mut secrets, from.in_file(FLAG), &known)?;
    Ok(secrets)
}

/// Adds those of all providers but some, and says whose they are.
fn add_all(
    secrets: &mut Secrets,
    given: impl IntoIterator<Item = Given>,
    but: &[Provider],
) -> Result<Vec<Provider>, Failure> {
    let mut named = Vec::new();
    for given in given {
        let (provider, secret) = typed(&given)?;
        if !but.contains(&provider) {
            add(secrets, provider, secret, &given)?;
            named.push(provider);
        }
    }
    Ok(named)
}

/// What stands before the first `=` is never repeated: it may be a secret whose sender was left out.
fn typed(given: &Given) -> Result<(Provider, &str), Failure> {
    let found = given.text.split_once('=').and_then(|(name, secret)| {
        let provider = Provider::ALL.into_iter().find(|provider| provider.name() == name)?;
        Some((provider, secret))
    });
    found.ok_or_else(|| {
        let names = Provider::ALL.map(|provider| format!("`{}`", provider.name())).join(", ");
        given.wrong(format_args!("write `PROVIDER=SECRET` or `PROVIDER=@FILE`, where PROVIDER is one of {names}"))
    })
}

fn add(secrets: &mut Secrets, provider: Provider, text: &str, given: &Given) -> Result<(), Failure> {
    let Some(path) = text.strip_prefix('@') else {
        return secrets.add(provider, text).map_err(|cause| given.wrong(cause));
    };
    let path = given.beside(path)?;
    let bytes = read("secret", &path)?;
    let at = path.display();
    let wrong = |cause: &str| Failure::file(format!("the file `{at}` holds no secret of a webhook's: {cause}"));
    let text = std::str::from_utf8(without_newline(&bytes)).map_err(|_| wrong("it is no text"))?;
    secrets.add(provider, text).map_err(|cause| wrong(&cause.to_string()))
}

fn variable(provider: Provider) -> &'static str {
    match provider {
        Provider::GitHub => env::WEBHOOK_SECRET_GITHUB,
        Provider::Stripe => env::WEBHOOK_SECRET_STRIPE,
        Provider::Slack => env::WEBHOOK_SECRET_SLACK,
        Provider::Twilio => env::WEBHOOK_SECRET_TWILIO,
        Provider::Standard => env::WEBHOOK_SECRET_STANDARD,
    }
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::time::Duration;

    use super::*;
    use crate::cmd::env::Env;
    use crate::inspect::Request;
    use crate::inspect::webhook::sign;

    fn given(flags: &[&str], env: &Env) -> Result<Secrets, Failure> {
        let flags = flags.iter().map(|flag| Secret((*flag).to_owned())).collect();
        webhooks(flags, &Sources::new("connect", env, []))
    }

    /// What GitHub's first secret makes of an empty body; nothing shows the secret itself.
    fn signature(secrets: &Secrets) -> Option<String> {
        let request = Request { method: b"POST", path: b"/", headers: Vec::new(), body: b"" };
        let signed = sign(Provider::GitHub, &request, secrets, None, Duration::ZERO)?;
        Some(signed.headers[0].1.clone())
    }

    #[track_caller]
    fn check(flags: &[&str], env: &Env, expected: &str) {
        let mut alone = Secrets::default();
        alone.add(Provider::GitHub, expected).unwrap();
        let seen = given(flags, env).map_err(|failure| failure.sentence).map(|secrets| signature(&secrets));
        assert_eq!(seen, Ok(signature(&alone)));
    }

    #[test]
    fn where_they_come_from() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("secret");
        fs::write(&path, "f\n").unwrap();
        let (in_file, none) = (format!("@{}", path.display()), Env::default());
        check(&["github=a=b"], &none, "a=b");
        check(&["stripe=x", "github=a", "github=b"], &none, "a");
        check(&[&format!("github={in_file}")], &none, "f");
        let set = Env::from([(env::WEBHOOK_SECRET_GITHUB, "e")]);
        check(&[], &set, "e");
        check(&["slack=x"], &set, "e");
        check(&["github=a"], &set, "a");
        check(&[], &Env::from([(env::WEBHOOK_SECRET_GITHUB, &*in_file)]), "f");
        assert!(given(&[], &none).is_ok_and(|secrets| secrets.is_empty()));
    }

    #[track_caller]
    fn refused(flag: &str, expected: &str) {
        let sentence = given(&[flag], &Env::default()).err().map(|failure| failure.sentence);
        assert_eq!(sentence.as_deref(), Some(expected));
    }

    #[test]
    fn what_cannot_be_meant_is_refused_and_not_repeated() {
        let form = "wrong `--webhook-secret`: write `PROVIDER=SECRET` or `PROVIDER=@FILE`, where PROVIDER is one of \
                    `github`, `stripe`, `slack`, `twilio`, `standard`";
        for flag in ["hush", "hush=", "GitHub=hush", ""] {
            refused(flag, form);
        }
        refused("github=", "wrong `--webhook-secret`: a secret is not empty");
        let base64 = "a secret of Standard Webhooks is base64, most often with `whsec_` before it";
        refused("standard=hush!", &format!("wrong `--webhook-secret`: {base64}"));
        let set = Env::from([(env::WEBHOOK_SECRET_STANDARD, "hush!")]);
        let sentence = given(&[], &set).err().map(|failure| failure.sentence);
        assert_eq!(sentence, Some(format!("wrong environment variable `SENDIT_WEBHOOK_SECRET_STANDARD`: {base64}")));
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("secret").display().to_string();
        refused(
            &format!("slack=@{path}"),
            &format!("cannot read the secret file `{path}`: there is no such file or directory"),
        );
        fs::write(&path, "\n").unwrap();
        refused(
            &format!("slack=@{path}"),
            &format!("the file `{path}` holds no secret of a webhook's: a secret is not empty"),
        );
        fs::write(&path, b"\xff").unwrap();
        refused(&format!("slack=@{path}"), &format!("the file `{path}` holds no secret of a webhook's: it is no text"));
    }
}
