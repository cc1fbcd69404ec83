//! The secrets that senders of webhooks sign with. They have no `Debug`, and no way out but signatures.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD_NO_PAD;

use super::Provider;

/// What stands before secrets of Stripe and of Standard Webhooks.
const MARK: &str = "whsec_";

/// Secrets, by whose they are.
#[derive(Clone, Default)]
pub struct Secrets(Vec<(Provider, Secret)>);

/// Why a text is no secret. It does not repeat the text.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum InvalidSecret {
    /// There is nothing.
    #[error("a secret is not empty")]
    Empty,
    /// Of Standard Webhooks, it cannot be decoded.
    #[error("a secret of Standard Webhooks is base64, most often with `whsec_` before it")]
    NotBase64,
}

/// One secret.
#[derive(Clone)]
pub(super) struct Secret {
    text: String,
    key: Vec<u8>,
}

impl Secrets {
    /// Takes a secret in. Of one sender there may be several, of which any may have signed.
    ///
    /// # Errors
    /// Where the text is no secret of such a sender.
    pub fn add(&mut self, provider: Provider, text: &str) -> Result<(), InvalidSecret> {
        if text.trim().is_empty() {
            return Err(InvalidSecret::Empty);
        }
        let key = match provider {
            Provider::Standard => decoded(text).ok_or(InvalidSecret::NotBase64)?,
            _ => text.as_bytes().to_vec(),
        };
        self.0.push((provider, Secret { text: text.to_owned(), key }));
        Ok(())
    }

    /// Whether there is none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub(super) fn of(&self, provider: Provider) -> impl Iterator<Item = &Secret> {
        self.0.iter().filter(move |(of, _)| *of == provider).map(|(_, secret)| secret)
    }
}

impl Secret {
    /// What is signed with.
    pub(super) fn key(&self) -> &[u8] {
        &self.key
    }

    /// What a sender, or whoever typed the secret, may have made of it instead, and how that is said.
    pub(super) fn otherwise(&self) -> Vec<(Vec<u8>, &'static str)> {
        let bare = self.text.strip_prefix(MARK);
        let others = [
            (Some(self.text.as_bytes().to_vec()), "the secret as it is written, not decoded from base64"),
            (Some(self.text.trim().as_bytes().to_vec()), "the secret without the white space around it"),
            (bare.map(|bare| bare.as_bytes().to_vec()), "the secret without `whsec_` before it"),
            (decoded(&self.text), "the secret decoded from base64"),
        ];
        let differing = others.into_iter().filter_map(|(key, how)| Some((key.filter(|key| *key != self.key)?, how)));
        differing.collect()
    }
}

fn decoded(text: &str) -> Option<Vec<u8>> {
    let text = text.trim();
    let text = text.strip_prefix(MARK).unwrap_or(text).trim_end_matches('=');
    STANDARD_NO_PAD.decode(text).ok().filter(|key| !key.is_empty())
}
