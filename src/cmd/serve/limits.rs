//! The flags of `sendit serve` that say how long something may take and how much of it there may be.

use super::Serve;
use crate::cmd::duration;
use crate::cmd::exit::Failure;
use crate::cmd::sources::Sources;
use crate::server::Config;

impl Serve {
    /// Takes over what was said of how long and how much there may be.
    pub(super) fn set_limits(&self, config: &mut Config, from: &Sources<'_>) -> Result<(), Failure> {
        let Config { limits, grace, ready_within, max_hold, target_timeout, .. } = config;
        *target_timeout = from.read(self.target_timeout.clone(), "--target-timeout", duration::parse)?;
        for (flag, typed, limit) in [
            ("--grace", &self.grace, grace),
            ("--ready-within", &self.ready_within, ready_within),
            ("--max-hold", &self.max_hold, max_hold),
        ] {
            if let Some(time) = from.read(typed.clone(), flag, duration::parse)? {
                *limit = time;
            }
        }
        for (flag, typed, limit) in [
            ("--max-connections", &self.max_connections, &mut limits.connections),
            ("--max-connections-per-address", &self.max_connections_per_address, &mut limits.connections_per_address),
            ("--max-sessions", &self.max_sessions, &mut limits.sessions),
            ("--max-sessions-per-token", &self.max_sessions_per_token, &mut limits.sessions_per_token),
            ("--max-exchanges", &self.max_exchanges, &mut limits.exchanges),
            ("--max-exchanges-per-session", &self.max_exchanges_per_session, &mut limits.exchanges_per_session),
            ("--max-exchanges-per-token", &self.max_exchanges_per_token, &mut limits.exchanges_per_token),
            ("--max-held-per-session", &self.max_held_per_session, &mut limits.held_per_session),
            ("--max-failed-opens", &self.max_failed_opens, &mut limits.failed_opens),
            ("--max-replay", &self.max_replay, &mut limits.replay),
        ] {
            if let Some(number) = from.read(typed.clone(), flag, number)? {
                *limit = number;
            }
        }
        Ok(())
    }
}

fn number(text: &str) -> Result<usize, String> {
    let number = text.parse().ok().filter(|number| *number > 0);
    number.ok_or_else(|| format!("`{text}` is no number from 1 on"))
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::super::Settings;
    use super::super::tests::{check, refused};
    use crate::cmd::env::Env;
    use crate::server::Limits;

    #[test]
    fn limits() {
        let limits = |settings: Settings| settings.config.limits;
        check(&[], &Env::default(), limits, Limits::default());
        let typed = Limits {
            connections: 8,
            connections_per_address: 9,
            sessions: 1,
            sessions_per_token: 2,
            exchanges: 3,
            exchanges_per_session: 4,
            exchanges_per_token: 8,
            held_per_session: 5,
            failed_opens: 6,
            replay: 7,
        };
        let args = [
            "--max-connections=8",
            "--max-connections-per-address=9",
            "--max-sessions=1",
            "--max-sessions-per-token=2",
            "--max-exchanges=3",
            "--max-exchanges-per-session=4",
            "--max-exchanges-per-token=8",
            "--max-held-per-session=5",
            "--max-failed-opens=6",
            "--max-replay=7",
        ];
        check(&args, &Env::default(), limits, typed);
        let ready_within = |settings: Settings| settings.config.ready_within;
        check(&["--ready-within", "5s"], &Env::default(), ready_within, Duration::from_secs(5));
        for wrong in ["0", "-1", "many", ""] {
            let sentence = format!("wrong `--max-sessions`: `{wrong}` is no number from 1 on");
            refused(&[&format!("--max-sessions={wrong}")], &Env::default(), &sentence);
        }
    }
}
