//! Certificates by ACME (RFC 8555): an account at an authority's directory, and an order for names, each of which is proved by
//! TLS-ALPN-01 (RFC 8737). Knows no file, no flag and no listener: whoever orders shows the proofs, and keeps what comes of it.

mod cause;
mod http;
mod proof;

use std::time::Duration;

use instant_acme::{
    AccountCredentials, AuthorizationStatus, ChallengeType, Identifier, NewAccount, NewOrder, Order, OrderStatus,
    RetryPolicy,
};
use tokio::time::timeout;

use http::Http;
pub use proof::Proof;

/// The directory of Let's Encrypt.
pub const LETS_ENCRYPT: &str = "https://acme-v02.api.letsencrypt.org/directory";

/// How long an order may take, from its first request to the certificate.
const DEADLINE: Duration = Duration::from_secs(5 * 60);

/// How often it is asked what has become of an order, unless the directory says when, and for how long.
const POLL: RetryPolicy =
    RetryPolicy::new().initial_delay(Duration::from_millis(250)).backoff(1.5).timeout(Duration::from_secs(90));

/// Where an authority takes orders.
pub struct Directory {
    url: String,
    http: Http,
}

/// An account there.
pub struct Account(instant_acme::Account);

/// What an account is known by, its key among it, as it is kept. It has no `Debug`: a key is in it.
pub struct Kept(String);

/// A certificate, those that vouch for it, and their key, as PEM. It has no `Debug`: a key is in it.
pub struct Issued(String);

/// Why there is no certificate.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// The directory knows no such account. Another can be made.
    #[error("the directory does not know the account")]
    NoAccount,
    /// Anything else, in words.
    #[error("{0}")]
    Failed(String),
}

impl Directory {
    /// The one at `url`, whose authorities are those in `roots`, as PEM, or else those of the machine. Connects to nothing.
    ///
    /// # Errors
    /// Where the machine has no authorities, or there is none in `roots`.
    pub fn new(url: &str, roots: Option<&[u8]>) -> Result<Self, String> {
        Ok(Self { url: url.to_owned(), http: Http::new(roots)? })
    }

    /// Makes an account, with an address to write to, such as `mailto:jo@example.com`. It agrees to the directory's terms.
    pub async fn register(&self, contact: Option<&str>) -> Result<(Account, Kept), Error> {
        let contact: Vec<&str> = contact.into_iter().collect();
        let asked = NewAccount { contact: &contact, terms_of_service_agreed: true, only_return_existing: false };
        let made = instant_acme::Account::builder_with_http(Box::new(self.http.clone()));
        let (account, credentials) = made.create(&asked, self.url.clone(), None).await?;
        let kept = serde_json::to_string(&credentials).map_err(|cause| Error::Failed(cause.to_string()))?;
        Ok((Account(account), Kept(kept)))
    }

    /// The account that was kept.
    pub async fn account(&self, kept: &Kept) -> Result<Account, Error> {
        let credentials: AccountCredentials = serde_json::from_str(&kept.0).map_err(|_| Error::NoAccount)?;
        let known = instant_acme::Account::builder_with_http(Box::new(self.http.clone()));
        Ok(Account(known.from_credentials(credentials).await?))
    }
}

impl Account {
    /// Has a certificate issued for these names, all of them in one. What `show` gives is held for as long as the proof of
    /// that name has to be seen.
    pub async fn issue<G>(
        &self,
        names: &[String],
        show: impl FnMut(&str, Proof) -> Result<G, String>,
    ) -> Result<Issued, Error> {
        let late = || Error::Failed(format!("it was not issued within {} s", DEADLINE.as_secs()));
        timeout(DEADLINE, self.order(names, show)).await.unwrap_or_else(|_| Err(late()))
    }

    async fn order<G>(
        &self,
        names: &[String],
        mut show: impl FnMut(&str, Proof) -> Result<G, String>,
    ) -> Result<Issued, Error> {
        let names: Vec<_> = names.iter().cloned().map(Identifier::Dns).collect();
        let mut order = self.0.new_order(&NewOrder::new(&names)).await?;
        let mut shown = Vec::new();
        let mut authorizations = order.authorizations();
        while let Some(authorization) = authorizations.next().await {
            let mut authorization = authorization?;
            // One that was given for an earlier order may still be good.
            if authorization.status == AuthorizationStatus::Valid {
                continue;
            }
            let name = authorization.identifier().to_string();
            let none = || Error::Failed(format!("the directory lets nobody prove `{name}` by TLS-ALPN-01"));
            let mut challenge = authorization.challenge(ChallengeType::TlsAlpn01).ok_or_else(none)?;
            let proof = Proof::new(&name, challenge.key_authorization().digest().as_ref()).map_err(Error::Failed)?;
            shown.push(show(&name, proof).map_err(Error::Failed)?);
            challenge.set_ready().await?;
        }
        proved(&mut order).await?;
        let key = order.finalize().await?;
        let chain = order.poll_certificate(&POLL).await?;
        Ok(Issued(key + &chain))
    }
}

/// Waits until the directory has seen every proof.
async fn proved(order: &mut Order) -> Result<(), Error> {
    if order.poll_ready(&POLL).await? == OrderStatus::Ready {
        return Ok(());
    }
    let mut authorizations = order.authorizations();
    while let Some(authorization) = authorizations.next().await {
        let mut authorization = authorization?;
        let state = authorization.refresh().await?;
        if let Some(problem) = state.challenges.iter().find_map(|challenge| challenge.error.as_ref()) {
            let cause = cause::of_problem(problem);
            return Err(Error::Failed(format!("`{}` was not proved: {cause}", authorization.identifier())));
        }
    }
    Err(Error::Failed("the names were not proved".to_owned()))
}

impl Kept {
    /// The text that was kept.
    #[must_use]
    pub fn new(text: String) -> Self {
        Self(text)
    }

    /// The text to keep.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl Issued {
    /// The PEM.
    #[must_use]
    pub fn pem(&self) -> &str {
        &self.0
    }
}
