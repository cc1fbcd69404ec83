//! Where the engine is, as a person spells it.

use std::str::FromStr;

use redis::{ConnectionAddr, ConnectionInfo, RedisConnectionInfo};

/// Where the engine is: one address, or several of which one is the primary, or those of sentinels that know it.
#[derive(Clone, Debug)]
pub struct Engine {
    pub(super) places: Vec<ConnectionAddr>,
    /// Who we are there.
    pub(super) login: RedisConnectionInfo,
    pub(super) transport: Transport,
    /// What sentinels call it, where these are the places.
    pub(super) service: Option<String>,
}

/// What a connection to the engine is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Transport {
    Plain,
    Tls,
}

/// Why a text is no [`Engine`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "write it like `redis://[USER:PASSWORD@]HOST[:PORT][,HOST…][/DATABASE]`, with `rediss` for TLS, \
     `redis+sentinel://…/SERVICE`, or `unix:/PATH`"
)]
pub struct InvalidEngine;

impl FromStr for Engine {
    type Err = InvalidEngine;

    fn from_str(text: &str) -> Result<Self, InvalidEngine> {
        let (scheme, rest) = text.split_once(':').ok_or(InvalidEngine)?;
        let transport = if scheme == "rediss" { Transport::Tls } else { Transport::Plain };
        let (urls, service) = match scheme {
            "unix" => (vec![text.to_owned()], None),
            "redis" | "rediss" => (each(rest)?, None),
            "redis+sentinel" => {
                let (rest, service) = rest.rsplit_once('/').ok_or(InvalidEngine)?;
                (each(rest)?, Some(service.to_owned()))
            }
            _ => return Err(InvalidEngine),
        };
        let infos = urls.iter().map(|url| url.parse().map_err(|_| InvalidEngine));
        let infos: Vec<ConnectionInfo> = infos.collect::<Result<_, _>>()?;
        let login = infos.first().ok_or(InvalidEngine)?.redis_settings().clone();
        let places = infos.iter().map(|info| info.addr().clone()).collect();
        let service = service.filter(|service| !service.is_empty());
        if scheme == "redis+sentinel" && service.is_none() {
            Err(InvalidEngine)
        } else {
            Ok(Self { places, login, transport, service })
        }
    }
}

/// A URL for each host.
fn each(rest: &str) -> Result<Vec<String>, InvalidEngine> {
    let rest = rest.strip_prefix("//").ok_or(InvalidEngine)?;
    let (login, rest) =
        rest.rsplit_once('@').map_or((String::new(), rest), |(login, rest)| (format!("{login}@"), rest));
    let (hosts, path) = rest.split_once('/').unwrap_or((rest, ""));
    if hosts.split(',').any(str::is_empty) {
        return Err(InvalidEngine);
    }
    Ok(hosts.split(',').map(|host| format!("redis://{login}{host}/{path}")).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(text: &str, places: &[&str], database: i64, service: Option<&str>) {
        let engine: Engine = text.parse().unwrap();
        assert_eq!(engine.places.iter().map(ToString::to_string).collect::<Vec<_>>(), places, "{text}");
        assert_eq!((engine.login.db(), engine.service.as_deref()), (database, service), "{text}");
    }

    #[test]
    fn where_an_engine_is() {
        check("redis://a", &["a:6379"], 0, None);
        check("rediss://:p%40ss@a:1,b:2/3", &["a:1", "b:2"], 3, None);
        check("redis+sentinel://user:x@[::1]:26379,b/main", &["::1:26379", "b:6379"], 0, Some("main"));
        check("unix:/run/redis.sock", &["/run/redis.sock"], 0, None);
        let login = "redis://me:p%40ss@a".parse::<Engine>().unwrap().login;
        assert_eq!((login.username(), login.password()), (Some("me"), Some("p@ss")));
    }

    #[test]
    fn what_is_no_engine() {
        for text in [
            "",
            "a:6379",
            "http://a",
            "redis:a",
            "redis://",
            "redis://a,",
            "redis://a/x",
            "redis+sentinel://a",
            "redis+sentinel://a/",
        ] {
            assert_eq!(text.parse::<Engine>().err(), Some(InvalidEngine), "{text}");
        }
    }
}
