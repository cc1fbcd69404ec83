//! What senders of webhooks sign with, on its way in: each with its sender's name before it. Knows not how they sign.

use super::{Secret, read, without_newline};
use crate::cmd::env::{self, Env};
use crate::cmd::exit::Failure;
use crate::inspect::webhook::{Provider, Secrets};

/// All of them: flags, then files; only where there are none of either, those of the environment, with white space
/// between them.
pub(crate) fn webhooks(flags: &[Secret], files: &[String], env: &Env) -> Result<Secrets, Failure> {
    let mut secrets = Secrets::default();
    for Secret(text) in flags {
        let (provider, secret) = named("--webhook-secret", text)?;
        add(&mut secrets, "--webhook-secret", provider, secret)?;
    }
    for text in files {
        let (provider, path) = named("--webhook-secret-file", text)?;
        let bytes = read("secret", path)?;
        let secret = std::str::from_utf8(without_newline(&bytes)).unwrap_or_default();
        let wrong = |cause| Failure::file(format!("the file `{path}` holds no secret: {cause}"));
        secrets.add(provider, secret).map_err(wrong)?;
    }
    if flags.is_empty() && files.is_empty() {
        for text in env.value(env::WEBHOOK_SECRET).unwrap_or_default().split_whitespace() {
            let (provider, secret) = named(env::WEBHOOK_SECRET, text)?;
            add(&mut secrets, env::WEBHOOK_SECRET, provider, secret)?;
        }
    }
    Ok(secrets)
}

/// The sender, and what stands behind the equals sign. What cannot be meant is not repeated: it may be a secret.
fn named<'a>(name: &str, text: &'a str) -> Result<(Provider, &'a str), Failure> {
    let parts = text.split_once('=');
    let found = parts.and_then(|(sender, rest)| {
        let provider = Provider::ALL.into_iter().find(|provider| provider.name() == sender)?;
        Some((provider, rest))
    });
    let known = Provider::ALL.map(|provider| format!("`{}`", provider.name())).join(", ");
    found.ok_or_else(|| {
        let what = if name.ends_with("file") { "a file" } else { "its secret" };
        Failure::usage(format!("wrong `{name}`: write the sender, `=` and {what}; senders are {known}"))
    })
}

fn add(secrets: &mut Secrets, name: &str, provider: Provider, secret: &str) -> Result<(), Failure> {
    secrets.add(provider, secret).map_err(|cause| Failure::usage(format!("wrong `{name}`: {cause}")))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// How many there are, or the sentence.
    fn read_from(flags: &[&str], files: &[String], env: &Env) -> Result<bool, String> {
        let flags: Vec<Secret> = flags.iter().map(|flag| Secret((*flag).to_owned())).collect();
        webhooks(&flags, files, env).map(|secrets| !secrets.is_empty()).map_err(|failure| failure.sentence)
    }

    #[test]
    fn wherever_they_stand() {
        let (none, two) = (Env::default(), Env::from([(env::WEBHOOK_SECRET, "github=a\nslack=b=c")]));
        assert_eq!(read_from(&[], &[], &none), Ok(false));
        assert_eq!(read_from(&["github=a"], &[], &none), Ok(true));
        assert_eq!(read_from(&[], &[], &two), Ok(true));
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("secret");
        std::fs::write(&path, "whsec_YQ==\n").unwrap();
        assert_eq!(read_from(&[], &[format!("standard={}", path.display())], &none), Ok(true));
    }

    #[test]
    fn what_cannot_be_meant_is_not_repeated() {
        let senders = "senders are `github`, `stripe`, `slack`, `twilio`, `standard`";
        let wrong = format!("wrong `--webhook-secret`: write the sender, `=` and its secret; {senders}");
        for flag in ["s3cr3t", "gitlab=s3cr3t", "=s3cr3t", ""] {
            assert_eq!(read_from(&[flag], &[], &Env::default()), Err(wrong.clone()), "{flag}");
        }
        let empty = "wrong `--webhook-secret`: a secret is not empty".to_owned();
        assert_eq!(read_from(&["github="], &[], &Env::default()), Err(empty));
        let wrong = format!("wrong `--webhook-secret-file`: write the sender, `=` and a file; {senders}");
        assert_eq!(read_from(&[], &["secret".to_owned()], &Env::default()), Err(wrong));
    }
}
