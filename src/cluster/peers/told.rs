//! What is wrong with a node is told once a minute, however often it is tried.

use std::collections::HashMap;
use std::net::{IpAddr, SocketAddr};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

use super::Greeted;

/// How long nothing more is told of an address.
const QUIET: Duration = Duration::from_secs(60);

/// Of how many addresses it is known when something was told; beyond, nothing is.
const MAX_ADDRESSES: usize = 1_000;

#[derive(Default)]
pub(super) struct Told(Mutex<HashMap<SocketAddr, Instant>>);

impl Told {
    /// Who listens there is not what was expected.
    pub(super) fn tell(&self, address: SocketAddr, greeted: &Greeted) {
        if self.is_news(address, Instant::now()) {
            tracing::warn!("{}", greeted.sentence(address));
        }
    }

    /// Who has called from there is not, where that is worth a word.
    pub(super) fn tell_of_caller(&self, ip: IpAddr, greeted: &Greeted) {
        let ip = ip.to_canonical();
        if let Some(sentence) = greeted.of_caller(ip)
            // Each connection has a port of its own.
            && self.is_news(SocketAddr::new(ip, 0), Instant::now())
        {
            tracing::warn!("{sentence}");
        }
    }

    fn is_news(&self, address: SocketAddr, now: Instant) -> bool {
        let mut told = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if told.get(&address).is_some_and(|at| now - *at < QUIET) {
            return false;
        }
        if told.len() >= MAX_ADDRESSES {
            told.retain(|_, at| now - *at < QUIET);
        }
        let is_news = told.len() < MAX_ADDRESSES;
        if is_news {
            told.insert(address, now);
        }
        is_news
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn an_address_is_told_of_once_a_minute_and_few_are() {
        let (told, now) = (Told::default(), Instant::now());
        let address = |number: usize| SocketAddr::from(([127, 0, 0, 1], u16::try_from(number).unwrap()));
        for number in 0..MAX_ADDRESSES {
            assert!(told.is_news(address(number), now) && !told.is_news(address(number), now));
        }
        assert!(!told.is_news(address(MAX_ADDRESSES), now));
        assert!(!told.is_news(address(0), now + QUIET - Duration::from_millis(1)));
        assert!(told.is_news(address(MAX_ADDRESSES), now + QUIET) && told.is_news(address(0), now + QUIET));
    }
}
