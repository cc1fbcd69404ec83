//! What is wrong with the engine, in sentences; each is in the log once when it begins and once when it is over.

use std::sync::Mutex;

use redis::{ErrorKind, RedisError, ServerErrorKind};

/// How far the node's clock and the engine's may be apart.
pub(super) const APART: u64 = 60;

/// What is wrong.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Trouble {
    /// Nobody answers there.
    #[error("the engine at `{0}` is not reached: {1}")]
    Unreachable(String, String),
    /// It takes us for somebody else.
    #[error("the engine at `{0}` refuses the user or password: {1}")]
    Denied(String, String),
    /// It lacks what is needed.
    #[error("the engine at `{0}` is version {1}, and 6.2 is the lowest that will do")]
    TooOld(String, String),
    /// It may throw away who holds what.
    #[error(
        "the engine at `{0}` throws entries away when its memory is full: set its `maxmemory-policy` to `noeviction`"
    )]
    Evicts(String),
    /// It is a replica.
    #[error("the engine at `{0}` is read-only: name its primary, or all of them with commas between")]
    ReadOnly(String),
    /// Sentinels know none by that name.
    #[error("the sentinel at `{0}` knows no `{1}`: name it as its `sentinel monitor` line does")]
    NoPrimary(String, String),
    /// It says no for another reason.
    #[error("the engine at `{0}` refuses a command: {1}")]
    Refused(String, String),
    /// The clocks disagree.
    #[error("this machine's clock is more than {APART} s from the engine's: set both by NTP")]
    Apart,
    /// Somebody else writes there.
    #[error(
        "the engine has entries that are none of this version's, `{0}` among them, and they are left alone: delete what nobody needs, or give the cluster a database of its own"
    )]
    Unreadable(String),
}

impl Trouble {
    /// That it is over.
    fn over(&self) -> String {
        match self {
            Self::Unreachable(place, _) => format!("the engine at `{place}` is reached again"),
            Self::Denied(place, _) => format!("the engine at `{place}` accepts user and password"),
            Self::TooOld(place, _) => format!("the engine at `{place}` is new enough"),
            Self::Evicts(place) => format!("the engine at `{place}` keeps its entries"),
            Self::ReadOnly(place) => format!("the engine at `{place}` takes what is written"),
            Self::NoPrimary(place, name) => format!("the sentinel at `{place}` knows `{name}`"),
            Self::Refused(place, _) => format!("the engine at `{place}` does what it is told again"),
            Self::Apart => "this machine's clock agrees with the engine's again".to_owned(),
            Self::Unreadable(_) => "the engine has no entries any more that are none of this version's".to_owned(),
        }
    }

    /// Why a command to the engine at `place` has failed.
    pub(super) fn of(place: &str, error: &RedisError) -> Self {
        let (place, cause) = (place.to_owned(), error.to_string());
        match (error.kind(), error.code()) {
            (ErrorKind::AuthenticationFailed, _) | (_, Some("WRONGPASS" | "NOAUTH")) => Self::Denied(place, cause),
            (ErrorKind::Server(ServerErrorKind::ReadOnly), _) => Self::ReadOnly(place),
            (ErrorKind::Io | ErrorKind::Parse, _) => Self::Unreachable(place, cause),
            _ => Self::Refused(place, cause),
        }
    }
}

/// All that is wrong now.
#[derive(Debug, Default)]
pub(super) struct Troubles(Mutex<[Option<Trouble>; 3]>);

/// What can go wrong, one thing of each at a time.
#[derive(Clone, Copy, Debug)]
pub(super) enum Part {
    Engine = 0,
    Clock = 1,
    Entries = 2,
}

impl Troubles {
    /// This is how it is now.
    pub(super) fn set(&self, part: Part, trouble: Option<Trouble>) {
        let mut troubles = self.0.lock().expect("nothing panics while it is held");
        let kind = |trouble: &Option<Trouble>| trouble.as_ref().map(std::mem::discriminant);
        let before = std::mem::replace(&mut troubles[part as usize], trouble.clone());
        // The same in other words is no news.
        if kind(&before) == kind(&trouble) {
            return;
        }
        if let Some(before) = before {
            tracing::info!("{}", before.over());
        }
        if let Some(trouble) = trouble {
            tracing::warn!("{trouble}");
        }
    }

    pub(super) fn first(&self) -> Option<Trouble> {
        let troubles = self.0.lock().expect("nothing panics while it is held");
        troubles.iter().flatten().next().cloned()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_over_is_not_told_as_if_it_went_on() {
        let (place, cause) = (|| "redis.internal:6379".to_owned(), || "refused".to_owned());
        for (trouble, over) in [
            (Trouble::Unreachable(place(), cause()), "the engine at `redis.internal:6379` is reached again"),
            (Trouble::Denied(place(), cause()), "the engine at `redis.internal:6379` accepts user and password"),
            (Trouble::ReadOnly(place()), "the engine at `redis.internal:6379` takes what is written"),
            (Trouble::Apart, "this machine's clock agrees with the engine's again"),
        ] {
            assert_eq!(trouble.over(), over);
        }
    }
}
