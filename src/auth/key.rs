//! The keys that sign and check tokens. Knows nothing of what a token says.

use std::collections::BTreeSet;
use std::iter::once;

use hmac::{Hmac, KeyInit as _, Mac as _};
use sha2::{Digest as _, Sha256};

/// RFC 7518, 3.2: "A key of the same size as the hash output [...] or larger MUST be used with this algorithm."
/// Shorter ones work all the same, because servers have run with them; they are only called weak.
const STRONG: usize = 32;

/// One secret, ready to sign. It has no `Debug`, so that no log can show it.
#[derive(Clone)]
pub struct Key {
    mac: Hmac<Sha256>,
    weak: bool,
}

/// Why a secret makes no [`Key`]: with an empty one, everybody could sign.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the secret is empty; give one of 32 random bytes or more")]
pub struct EmptySecret;

impl Key {
    /// The key that the bytes of `secret` make, each of them, a newline at the end too.
    ///
    /// # Errors
    /// [`EmptySecret`] where there are none.
    #[expect(clippy::missing_panics_doc, reason = "it cannot: HMAC takes keys of any length")]
    pub fn new(secret: &[u8]) -> Result<Self, EmptySecret> {
        if secret.is_empty() {
            return Err(EmptySecret);
        }
        let mac = Hmac::new_from_slice(secret).expect("HMAC takes keys of any length");
        Ok(Self { mac, weak: secret.len() < STRONG })
    }

    /// Whether the secret has fewer than 32 bytes, and may be found by trying.
    #[must_use]
    pub fn is_weak(&self) -> bool {
        self.weak
    }
}

/// The keys of a server: the first signs and all verify, so that a secret can be changed without a stop.
#[derive(Clone)]
pub struct Keys {
    first: Key,
    others: Vec<Key>,
}

impl Keys {
    /// `first` signs; it and `others` verify.
    #[must_use]
    pub fn new(first: Key, others: impl IntoIterator<Item = Key>) -> Self {
        Self { first, others: others.into_iter().collect() }
    }

    pub(super) fn sign(&self, message: &str) -> [u8; 32] {
        self.first.mac.clone().chain_update(message).finalize().into_bytes().into()
    }

    /// Compares in constant time: how long it takes does not tell how much of a guessed signature is right.
    pub(super) fn signed(&self, message: &str, signature: [u8; 32]) -> bool {
        let signature = signature.into();
        self.all().any(|key| key.mac.clone().chain_update(message).verify(&signature).is_ok())
    }

    /// A digest of all of them, in whatever order they stand. It says nothing of them to whoever does not know `salt`.
    #[must_use]
    pub fn digest(&self, salt: [u8; 32]) -> [u8; 32] {
        let mark = |key: &Key| key.mac.clone().chain_update(salt).finalize().into_bytes().into();
        let marks: BTreeSet<[u8; 32]> = self.all().map(mark).collect();
        marks.into_iter().fold(Sha256::new(), Sha256::chain_update).finalize().into()
    }

    fn all(&self) -> impl Iterator<Item = &Key> {
        once(&self.first).chain(&self.others)
    }
}

#[cfg(test)]
mod tests {
    use std::fmt::Debug;
    use std::marker::PhantomData;

    use super::*;

    #[track_caller]
    fn check(secret: &[u8], weak: Result<bool, EmptySecret>) {
        assert_eq!(Key::new(secret).map(|key| key.is_weak()), weak);
    }

    #[test]
    fn secrets() {
        check(b"", Err(EmptySecret));
        check(b"s", Ok(true));
        check(&[0; 31], Ok(true));
        check(&[0; 32], Ok(false));
        check(&[0; 100], Ok(false));
    }

    #[test]
    fn the_first_key_signs_and_all_verify() {
        let key = |secret: &[u8]| Key::new(secret).unwrap();
        let old = Keys::new(key(b"old"), []);
        let both = Keys::new(key(b"new"), [key(b"old")]);
        let new = Keys::new(key(b"new"), []);

        assert!(both.signed("m", old.sign("m")));
        assert!(both.signed("m", both.sign("m")));
        assert!(new.signed("m", both.sign("m")));
        assert!(!old.signed("m", both.sign("m")));
        assert!(!both.signed("n", both.sign("m")));
    }

    #[test]
    fn a_digest_is_of_all_keys_in_any_order() {
        let digest = |secrets: &[&[u8]], salt: u8| {
            let mut keys = secrets.iter().map(|secret| Key::new(secret).unwrap());
            Keys::new(keys.next().unwrap(), keys).digest([salt; 32])
        };
        let both = digest(&[b"a", b"b"], 1);
        assert_eq!([digest(&[b"b", b"a"], 1), digest(&[b"a", b"b", b"a"], 1)], [both; 2]);
        for other in [digest(&[b"a"], 1), digest(&[b"b"], 1), digest(&[b"a", b"c"], 1), digest(&[b"a", b"b"], 2)] {
            assert_ne!(other, both);
        }
    }

    /// An inherent constant goes before a trait's, so the answer depends on whether `T: Debug`.
    struct Probe<T>(PhantomData<T>);

    trait Silent {
        const SHOWN: bool = false;
    }

    impl<T> Silent for Probe<T> {}

    impl<T: Debug> Probe<T> {
        const SHOWN: bool = true;
    }

    #[test]
    fn no_log_can_show_a_key() {
        assert_eq!([Probe::<Key>::SHOWN, Probe::<Keys>::SHOWN, Probe::<EmptySecret>::SHOWN], [false, false, true]);
    }
}
