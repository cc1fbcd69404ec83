//! The list of exchanges, what is asked of it, and one of them. Knows heads and kept bodies as bytes that are looked through.

use std::sync::Arc;

use axum::extract::{Path, RawQuery, State};
use axum::response::Response;
use serde::Serialize;

use super::Api;
use super::answer::{Refusal, done, json};
use super::json::Detail;
use super::search::{Search, is_path};
use super::summary::Summary;
use crate::inspect::{Exchange, Id, Message};

/// How many are listed where nobody says how many, and at most.
const LIMIT: usize = 100;
const MAX_LIMIT: usize = 1_000;

#[derive(Serialize)]
struct List {
    exchanges: Vec<Summary>,
    total: u64,
    kept: usize,
    evicted: u64,
}

pub(super) async fn list(State(api): State<Api>, RawQuery(query): RawQuery) -> Result<Response, Refusal> {
    let wish = Wish::read(query.as_deref().unwrap_or_default())?;
    let (store, mut search) = (api.0.inspector.store(), wish.text.as_deref().map(Search::new));
    let see = |exchange: &Exchange| {
        let passes = wish.passes(exchange) && search.as_mut().is_none_or(|search| search.finds(exchange));
        passes.then(|| Summary::of(exchange, &api.0.webhooks))
    };
    let exchanges = store.newest(wish.limit, wish.before, see);
    let totals = store.totals();
    Ok(json(&List { exchanges, total: totals.seen, kept: totals.kept, evicted: totals.evicted }))
}

pub(super) async fn detail(State(api): State<Api>, Path(id): Path<String>) -> Result<Response, Refusal> {
    Ok(json(&Detail::of(&*api.exchange(&id)?, &api.0.webhooks)))
}

pub(super) async fn clear(State(api): State<Api>) -> Response {
    api.0.inspector.store().clear();
    done()
}

impl Api {
    /// The exchange that a path names.
    pub(super) fn exchange(&self, id: &str) -> Result<Arc<Exchange>, Refusal> {
        let id = id.parse().map_err(|_| Refusal::unknown())?;
        self.0.inspector.store().get(id).ok_or_else(Refusal::unknown)
    }
}

/// What a list shall hold.
#[derive(Debug, Default, PartialEq, Eq)]
struct Wish {
    limit: usize,
    before: Option<Id>,
    text: Option<String>,
    method: Option<String>,
    status: Option<Status>,
    path: Option<String>,
}

/// Which statuses: all of a class, or one.
#[derive(Debug, PartialEq, Eq)]
enum Status {
    Class(u16),
    One(u16),
}

impl Wish {
    /// Reads a query. An empty text counts as none.
    fn read(query: &str) -> Result<Self, Refusal> {
        let mut wish = Self { limit: LIMIT, ..Self::default() };
        for (name, value) in form_urlencoded::parse(query.as_bytes()) {
            match &*name {
                "text" | "method" | "status" | "path" if value.is_empty() => {}
                "limit" => wish.limit = limit(&value)?,
                "before" => wish.before = Some(before(&value)?),
                "text" => wish.text = Some(value.into_owned()),
                "method" => wish.method = Some(value.into_owned()),
                "status" => wish.status = Some(Status::read(&value)?),
                "path" => wish.path = Some(value.into_owned()),
                _ => {}
            }
        }
        Ok(wish)
    }

    fn passes(&self, exchange: &Exchange) -> bool {
        let request = &exchange.request;
        let status = exchange.response.as_ref().and_then(Message::status);
        self.method.as_ref().is_none_or(|method| request.method().eq_ignore_ascii_case(method.as_bytes()))
            && self.status.as_ref().is_none_or(|wanted| status.is_some_and(|status| wanted.is(status)))
            && self.path.as_ref().is_none_or(|path| is_path(path, request.path()))
    }
}

/// The number of exchanges that somebody wants at once.
pub(super) fn limit(value: &str) -> Result<usize, Refusal> {
    let wrong = || Refusal::wrong(format!("`limit` is a number from 1 to {MAX_LIMIT}, and not `{value}`"));
    value.parse().ok().filter(|limit| (1..=MAX_LIMIT).contains(limit)).ok_or_else(wrong)
}

fn before(value: &str) -> Result<Id, Refusal> {
    let is_number = !value.is_empty() && value.bytes().all(|byte| byte.is_ascii_digit());
    let wrong = || Refusal::wrong(format!("`before` is the `id` of a request, and not `{value}`"));
    // All that are kept are older than a number that no `id` can have.
    is_number.then(|| value.parse().unwrap_or(Id::MAX)).ok_or_else(wrong)
}

impl Status {
    fn read(value: &str) -> Result<Self, Refusal> {
        let class =
            value.strip_suffix("xx").and_then(|class| class.parse().ok()).filter(|class| (1..=9).contains(class));
        let one = || value.parse().ok().filter(|status| (100..1_000).contains(status));
        let wrong = || Refusal::wrong(format!("`status` is written like `404` or `4xx`, and not `{value}`"));
        class.map(Self::Class).or_else(|| one().map(Self::One)).ok_or_else(wrong)
    }

    fn is(&self, status: u16) -> bool {
        match self {
            Self::Class(class) => status / 100 == *class,
            Self::One(one) => status == *one,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(query: &str, expected: Result<Wish, &str>) {
        assert_eq!(Wish::read(query).map_err(|refusal| refusal.sentence), expected.map_err(ToOwned::to_owned));
    }

    #[test]
    fn wishes() {
        let none = || Wish { limit: LIMIT, ..Wish::default() };
        check("", Ok(none()));
        check("text=&method=&status=&path=&other=1", Ok(none()));
        check("limit=1000&before=7", Ok(Wish { limit: 1_000, before: Some(7), ..none() }));
        let words = Wish {
            text: Some("a b".to_owned()),
            method: Some("get".to_owned()),
            path: Some("/x".to_owned()),
            ..none()
        };
        check("text=a+b&method=get&path=%2Fx", Ok(words));
        check("status=2xx", Ok(Wish { status: Some(Status::Class(2)), ..none() }));
        check("status=404", Ok(Wish { status: Some(Status::One(404)), ..none() }));
        for limit in ["", "0", "1001", "-1", "x"] {
            check(&format!("limit={limit}"), Err(&format!("`limit` is a number from 1 to 1000, and not `{limit}`")));
        }
        check("before=99999999999999999999", Ok(Wish { before: Some(Id::MAX), ..none() }));
        check("before=x", Err("`before` is the `id` of a request, and not `x`"));
        for status in ["xx", "0xx", "10xx", "99", "1000", "2x"] {
            check(
                &format!("status={status}"),
                Err(&format!("`status` is written like `404` or `4xx`, and not `{status}`")),
            );
        }
    }
}
