//! What the client asks of the server's hop, and what follows where it does not get it. Pure: the answer is an argument.

use std::time::Duration;

use super::config::HOLD;
use super::{Config, HostHeader, SourcePath, Wire};
use crate::wire::v2::{Asked, Given, Wish};

impl Config {
    /// What is said at `open` of wire v2.
    pub(super) fn asked(&self) -> Asked {
        Asked {
            prefix: self.source.prefix().to_string(),
            client: concat!("sendit/", env!("CARGO_PKG_VERSION")).to_owned(),
            attempt: None,
            host_header: match &self.host_header {
                HostHeader::Keep => None,
                HostHeader::Target => Some(self.target.authority().to_owned()),
                HostHeader::Fixed(host) => Some(host.clone()),
            },
            strip_prefix: self.path == SourcePath::Stripped,
            hold_ms: (self.hold != HOLD).then(|| u64::try_from(self.hold.as_millis()).unwrap_or(u64::MAX)),
            basic_auth: self.basic_auth.clone(),
            allow_ip: self.allow_ip.clone(),
            http2: self.target.is_http2(),
            waits: self.inspector.is_some(),
        }
    }

    /// Why the configuration cannot be meant: something is asked for that the wire it names cannot do.
    #[must_use]
    pub fn contradiction(&self) -> Option<String> {
        (self.wire == Wire::V1).then(|| self.beyond_v1()).flatten()
    }

    /// Why there can be no tunnel on wire v1, if something was asked for that it cannot do. A service that was to be
    /// protected is not shared without, and one that expects another host or path does not work.
    pub(super) fn beyond_v1(&self) -> Option<String> {
        let flag = typed(self.asked().wishes().next()?);
        let source = &self.source;
        Some(match self.wire {
            Wire::V1 => format!("{flag} takes wire v2: leave `--wire v1` away"),
            Wire::Auto | Wire::V2 => format!(
                "{flag} takes wire v2, which the server at `{source}` does not speak: check the URL, or bring the server up to date"
            ),
        })
    }

    /// Why there can be no tunnel with what the server gives.
    pub(super) fn refused_by(&self, given: &Given) -> Option<String> {
        let wish = self.asked().wishes().find(|wish| !given.grants(*wish))?;
        Some(format!("the server at `{}` does not know {}: bring it up to date", self.source, typed(wish)))
    }

    /// What v1 does not do of what was asked for, where that harms nobody.
    pub(super) fn lacking_on_v1(&self) -> Option<String> {
        (self.hold != HOLD)
            .then(|| "visitors wait for a client that is gone on wire v2 alone, whatever `--hold` says".to_owned())
    }

    /// What the server gives less of than was asked for, where that harms nobody.
    pub(super) fn lacking(&self, given: &Given) -> Option<String> {
        let hold = Duration::from_millis(given.hold_ms);
        (self.hold != HOLD && hold < self.hold).then(|| {
            format!(
                "the server lets visitors wait for {:.1} s at most, not as long as `--hold` says",
                hold.as_secs_f64()
            )
        })
    }
}

/// How a person asks for it.
fn typed(wish: Wish) -> &'static str {
    match wish {
        Wish::HostHeader => "`--host-header`",
        Wish::StripPrefix => "`--strip-prefix`",
        Wish::BasicAuth => "`--basic-auth`",
        Wish::AllowIp => "`--allow-ip`",
        Wish::Http2 => "an `h2c://` destination",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn config(change: fn(&mut Config)) -> Config {
        let mut config = Config::new("https://host/foo".parse().unwrap(), "http://localhost:3000".parse().unwrap());
        change(&mut config);
        config
    }

    fn given(granted: &[&str], hold_ms: u64) -> Given {
        let granted = granted.iter().map(|&name| name.to_owned()).collect();
        let (session, secret) = (String::new(), String::new());
        Given { session, secret, grace_ms: 0, batch: 0, hold_ms, url: None, carriers: None, granted }
    }

    #[track_caller]
    fn check(change: fn(&mut Config), name: &str, flag: &str) {
        let config = config(change);
        let sentence = format!(
            "{flag} takes wire v2, which the server at `https://host/foo` does not speak: check the URL, or bring the server up to date"
        );
        assert_eq!(config.beyond_v1(), Some(sentence));
        let chosen = Config { wire: Wire::V1, ..config.clone() };
        assert_eq!(chosen.beyond_v1(), Some(format!("{flag} takes wire v2: leave `--wire v1` away")));
        let sentence = format!("the server at `https://host/foo` does not know {flag}: bring it up to date");
        assert_eq!(config.refused_by(&given(&["made_up"], 0)), Some(sentence));
        assert_eq!(config.refused_by(&given(&["made_up", name], 0)), None);
    }

    #[test]
    fn what_a_server_cannot_do_is_named() {
        check(|config| config.basic_auth = "u:p".parse().ok(), "basic_auth", "`--basic-auth`");
        check(|config| config.allow_ip = vec!["::1".parse().unwrap()], "allow_ip", "`--allow-ip`");
        check(|config| config.host_header = HostHeader::Target, "host_header", "`--host-header`");
        check(|config| config.path = SourcePath::Stripped, "strip_prefix", "`--strip-prefix`");
        check(|config| config.target = "h2c://a:1".parse().unwrap(), "http2", "an `h2c://` destination");
    }

    #[test]
    fn what_asks_for_nothing_gets_along_with_every_server() {
        let plain = config(|_| ());
        assert_eq!(
            (plain.beyond_v1(), plain.refused_by(&given(&[], 0)), plain.lacking(&given(&[], 0))),
            (None, None, None)
        );
    }

    #[test]
    fn the_target_is_told_its_own_name_or_another() {
        let host = |change| config(change).asked().host_header;
        assert_eq!(host(|_| ()), None);
        assert_eq!(host(|config| config.host_header = HostHeader::Target), Some("localhost:3000".to_owned()));
        assert_eq!(host(|config| config.host_header = HostHeader::Fixed("b".to_owned())), Some("b".to_owned()));
    }

    #[test]
    fn a_hold_that_is_cut_short_is_told() {
        let long = config(|config| config.hold = Duration::from_secs(90));
        let sentence = "the server lets visitors wait for 60.0 s at most, not as long as `--hold` says";
        assert_eq!(long.lacking(&given(&[], 60_000)).as_deref(), Some(sentence));
        assert_eq!(long.lacking(&given(&[], 90_000)), None);
        assert_eq!(long.asked().hold_ms, Some(90_000));
        let sentence = "visitors wait for a client that is gone on wire v2 alone, whatever `--hold` says";
        assert_eq!(long.lacking_on_v1().as_deref(), Some(sentence));
        assert_eq!(config(|_| ()).lacking_on_v1(), None);
    }
}
