//! Exchanges as they are told: each when it is over, or as it begins where it has no end that is soon. What webhooks are
//! judged by takes its time, and none of the tunnel's.

use std::convert::Infallible;
use std::future::pending;
use std::sync::Arc;

use tokio::sync::broadcast::Receiver;
use tokio::sync::broadcast::error::{RecvError, TryRecvError};
use tokio::task::spawn_blocking;
use tokio::time::{Instant, sleep};

use super::happening::Happening;
use super::told::Place;
use super::{Look, REST, Terminal};
use crate::client::Event;
use crate::cmd::output::{self, Format};
use crate::inspect::api::{Progress, Summary, Webhook};
use crate::inspect::{Change, Exchange};

/// What happens to exchanges, for who tells of it.
pub(crate) struct Changes {
    /// None where nothing is told of exchanges.
    coming: Option<Receiver<Change>>,
    /// What has come, and is not told yet.
    next: Option<Arc<Exchange>>,
}

impl Changes {
    pub(super) fn of(coming: Option<Receiver<Change>>) -> Self {
        Self { coming, next: None }
    }
}

impl Terminal {
    /// Tells of exchanges as they end, a moment later. Cancelled, it leaves the rest to [`Self::rest`].
    pub(crate) async fn follow(&self, changes: &mut Changes) -> Infallible {
        let Changes { coming: Some(coming), next } = changes else { return pending().await };
        loop {
            match coming.recv().await {
                Ok(change) => *next = self.to_tell(change),
                Err(RecvError::Lagged(changes)) => self.missed(changes),
                // The inspector lives as long as this does.
                Err(RecvError::Closed) => return pending().await,
            }
            loop {
                if let Some(exchange) = next {
                    let webhook = self.judged(exchange).await;
                    self.tell(exchange, webhook);
                }
                let Some(change) = self.take(coming) else { break };
                *next = self.to_tell(change);
            }
            *next = None;
            sleep(REST).await;
        }
    }

    /// Tells of what has happened and was not told yet, and says good-bye.
    pub(crate) fn rest(&self, changes: &mut Changes) {
        let Changes { coming: Some(coming), next } = changes else { return };
        loop {
            if let Some(exchange) = next {
                self.tell(exchange, self.subject.webhooks.judge(exchange));
            }
            let Some(change) = self.take(coming) else { break };
            *next = self.to_tell(change);
        }
        self.farewell();
    }

    /// A change that is there already.
    fn take(&self, coming: &mut Receiver<Change>) -> Option<Change> {
        loop {
            match coming.try_recv() {
                Ok(change) => return Some(change),
                Err(TryRecvError::Lagged(changes)) => self.missed(changes),
                Err(TryRecvError::Empty | TryRecvError::Closed) => return None,
            }
        }
    }

    fn missed(&self, changes: u64) {
        self.told().missed = true;
        output::warn(format_args!(
            "exchanges pass faster than they can be told of: {changes} changes of them were missed"
        ));
    }

    /// The exchange that is to be told of, if it is.
    fn to_tell(&self, change: Change) -> Option<Arc<Exchange>> {
        let (Change::Answered(id) | Change::Ended(id)) = change else { return None };
        let exchange = self.subject.inspector.as_ref()?.store().get(id)?;
        let is_json = self.manner.format == Format::Json;
        let place = match change {
            Change::Ended(_) => self.told().ended(&exchange),
            _ => self.told().answered(&exchange),
        };
        let is_told = match place {
            Place::Nowhere => false,
            // Scripts wait for it.
            Place::Event => is_json,
            Place::Line => is_json || self.may_say(),
        };
        is_told.then_some(exchange)
    }

    /// What an exchange is as a webhook, found out on a thread that carries nothing.
    async fn judged(&self, exchange: &Arc<Exchange>) -> Option<Webhook> {
        let webhooks = &self.subject.webhooks;
        if !webhooks.is_one(exchange) {
            return None;
        }
        let (webhooks, exchange) = (Arc::clone(webhooks), Arc::clone(exchange));
        // It fails only where the process ends.
        spawn_blocking(move || webhooks.judge(&exchange)).await.ok().flatten()
    }

    fn tell(&self, exchange: &Exchange, webhook: Option<Webhook>) {
        // Not before: of a crowd few have lines.
        let row = Summary::with(exchange, webhook);
        if self.manner.format == Format::Json {
            output::event("INFO", Look::File.line(&row), &Happening::Exchange(&row));
        } else {
            let said = self.manner.look.line(&row);
            output::coloured(&said);
            self.tell_trouble(exchange, row, &said);
        }
    }

    /// Why a visitor did not reach the target, once, where the terminal is too narrow for the line to say it.
    fn tell_trouble(&self, exchange: &Exchange, row: Summary, said: &str) {
        let cause = row.cause.filter(|cause| row.state == Progress::Unreachable && !said.contains(cause.as_str()));
        let tunnel = self.subject.tunnels.iter().position(|ends| ends.name == exchange.tunnel);
        if let (Some(cause), Some(tunnel)) = (cause, tunnel) {
            self.event(tunnel, &Event::Target { cause, seen: false });
        }
    }

    /// Whether there may be another line for people. Says how many there were no lines for.
    fn may_say(&self) -> bool {
        let (may, more) = self.told().may_say(Instant::now());
        if let Some(more) = more {
            output::say(format_args!("{more} more exchanges within that second"));
        }
        may
    }
}
