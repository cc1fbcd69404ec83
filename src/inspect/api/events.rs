//! What happens, as it happens, for whoever follows: a stream of server-sent events, at a pace that a page can take however
//! much passes. Knows the store's changes, and makes of many to one exchange one event.

mod news;

use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use axum::extract::State;
use axum::response::sse::{Event, KeepAlive, Sse};
use axum::response::{IntoResponse as _, Response};
use futures_util::stream;
use http::StatusCode;
use serde::Serialize;
use tokio::sync::broadcast::error::{RecvError, TryRecvError};
use tokio::sync::{OwnedSemaphorePermit, broadcast, watch};
use tokio::time::{Instant, sleep};

use super::answer::Refusal;
use super::status::Link;
use super::summary::Summary;
use super::{Api, MAX_FOLLOWERS};
use crate::inspect::{Change, Id};
use news::{Item, News};

/// How long one batch of events is after the other at least: each exchange is told of at most ten times a second.
const PACE: Duration = Duration::from_millis(100);

/// How often changes are taken in meanwhile, so that the store's queue of 1 024 does not overflow.
const INTAKE: Duration = Duration::from_millis(20);

/// How long nothing may be said: a connection that is gone is found out by that.
const HEARTBEAT: Duration = Duration::from_secs(15);

pub(super) async fn events(State(api): State<Api>) -> Result<Response, Refusal> {
    let full = format!("{MAX_FOLLOWERS} follow the events already, which is all there may be");
    let place = Arc::clone(&api.0.followers).try_acquire_owned();
    let place = place.map_err(|_| Refusal::new(StatusCode::SERVICE_UNAVAILABLE, full))?;
    let events = stream::unfold(Follower::new(api, place), async |mut follower| {
        let event = follower.next().await?;
        Some((Ok::<_, Infallible>(event), follower))
    });
    Ok(Sse::new(events).keep_alive(KeepAlive::new().interval(HEARTBEAT)).into_response())
}

/// One who follows.
struct Follower {
    api: Api,
    changes: broadcast::Receiver<Change>,
    link: watch::Receiver<Link>,
    news: News,
    /// When the last batch was taken.
    last: Option<Instant>,
    _place: OwnedSemaphorePermit,
}

impl Follower {
    fn new(api: Api, place: OwnedSemaphorePermit) -> Self {
        let (changes, link) = (api.0.inspector.store().follow(), api.0.config.tunnel.link.clone());
        // How it stands is told at once.
        Self { api, changes, link, news: News::starting(), last: None, _place: place }
    }

    /// The next event; none when there will never be another. Waits for as long as nothing happens.
    async fn next(&mut self) -> Option<Event> {
        loop {
            while let Some(item) = self.news.next() {
                if let Some(event) = self.event(item) {
                    return Some(event);
                }
            }
            self.gather().await?;
        }
    }

    /// Waits until something has happened and the pace allows for it to be told.
    async fn gather(&mut self) -> Option<()> {
        if self.news.is_quiet() {
            tokio::select! {
                change = self.changes.recv() => match change {
                    Ok(change) => self.news.note(change),
                    Err(RecvError::Lagged(_)) => self.news.miss(),
                    Err(RecvError::Closed) => return None,
                },
                Ok(()) = self.link.changed() => self.news.restate(),
            }
        }
        self.take_in();
        while self.last.is_some_and(|last| last.elapsed() < PACE) {
            sleep(INTAKE).await;
            self.take_in();
        }
        self.last = Some(Instant::now());
        self.news.begin_batch();
        Some(())
    }

    /// Takes what is there without a wait.
    fn take_in(&mut self) {
        loop {
            match self.changes.try_recv() {
                Ok(change) => self.news.note(change),
                Err(TryRecvError::Lagged(_)) => self.news.miss(),
                Err(TryRecvError::Empty | TryRecvError::Closed) => return,
            }
        }
    }

    /// None where the exchange is kept no more.
    fn event(&self, item: Item) -> Option<Event> {
        #[derive(Serialize)]
        struct Said {
            id: Id,
        }
        let exchange = |id| Some(Summary::of(&*self.api.0.inspector.store().get(id)?, &self.api.0.webhooks));
        Some(match item {
            Item::Status => event("status", &self.api.status()),
            Item::Cleared => event("cleared", &serde_json::Map::new()),
            Item::Missed => event("missed", &serde_json::Map::new()),
            Item::Exchange(id) => event("exchange", &exchange(id)?),
            Item::Said(id) => event("said", &Said { id }),
        })
    }
}

fn event(name: &str, data: &impl Serialize) -> Event {
    Event::default().event(name).data(serde_json::to_string(data).unwrap_or_default())
}
