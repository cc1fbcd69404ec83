//! What flags, environment and file come to.

use std::time::Duration;

use super::super::Connect;
use super::*;
use crate::client::HostHeader;
use crate::cmd::config::tests::{parse, parse_here};
use crate::cmd::env::{self, Env};
use crate::cmd::exit::Exit;
use crate::cmd::parsed;

const URLS: [&str; 2] = ["https://host/foo", "http://localhost:1"];

fn settle(args: &[&str], env: &Env) -> Result<Config, Failure> {
    let mut args = parsed::<Connect>("connect", args);
    let (mut flags, from) = (args.flags(), Sources::new("connect", env, []));
    Process::settle(&mut flags, &from)?;
    args.settle(flags, &from).map(|tunnel| tunnel.config)
}

#[track_caller]
fn check<T: PartialEq + std::fmt::Debug>(args: &[&str], env: &Env, seen: fn(Config) -> T, expected: T) {
    let config = settle(&[args, &URLS[..]].concat(), env).map_err(|failure| failure.sentence);
    assert_eq!(config.map(seen), Ok(expected), "{args:?}");
}

#[track_caller]
fn refused(args: &[&str], sentence: &str) {
    assert_eq!(settle(args, &Env::default()).err(), Some(Failure::new(Exit::Usage, sentence)), "{args:?}");
}

#[test]
fn settings() {
    let none = Env::default();
    check(&[], &none, |config| config.source.prefix().to_string(), "foo".to_owned());
    check(&[], &none, |config| config.target.port(), 1);
    check(&[], &none, |config| config.max_ttl, Duration::from_secs(10));
    check(&["-max-ttl=1m30s"], &none, |config| config.max_ttl, Duration::from_secs(90));
    check(&[], &none, |config| config.wire, Wire::Auto);
    check(&["--wire", "auto"], &none, |config| config.wire, Wire::Auto);
    check(&["--wire=v1"], &none, |config| config.wire, Wire::V1);
    check(&["-wire", "v2"], &none, |config| config.wire, Wire::V2);
    check(&[], &Env::from([(env::WIRE, "v1")]), |config| config.wire, Wire::V1);
    check(&["--wire=v2"], &Env::from([(env::WIRE, "v1")]), |config| config.wire, Wire::V2);
    check(&[], &none, |config| config.target_tls, TargetTls::Verified);
    check(&["--target-insecure"], &none, |config| config.target_tls, TargetTls::Insecure);
    check(&[], &none, |config| config.host_header, HostHeader::Keep);
    check(&["--host-header=keep"], &none, |config| config.host_header, HostHeader::Keep);
    check(&["--host-header", "target"], &none, |config| config.host_header, HostHeader::Target);
    check(&["--host-header=b:1"], &none, |config| config.host_header, HostHeader::Fixed("b:1".to_owned()));
    check(&[], &none, |config| config.path, SourcePath::Kept);
    check(&["--strip-prefix"], &none, |config| config.path, SourcePath::Stripped);
    let holds = |config: Config| (config.hold.as_secs(), config.target_hold.as_secs());
    check(&[], &none, holds, (10, 5));
    check(&["--hold=3s"], &none, holds, (3, 3));
    check(&[], &none, |config| config.basic_auth.is_some(), false);
    check(&["--basic-auth", "u:p"], &none, |config| config.basic_auth.is_some(), true);
    check(&[], &Env::from([(env::BASIC_AUTH, "u:p")]), |config| config.basic_auth.is_some(), true);
    let networks = |config: Config| config.allow_ip.iter().map(ToString::to_string).collect::<Vec<_>>();
    check(&[], &none, networks, Vec::new());
    let both = vec!["192.0.2.0/24".to_owned(), "::1/128".to_owned()];
    check(&["--allow-ip=192.0.2.0/24", "--allow-ip", "::1"], &none, networks, both);
    check(&[], &none, |config| config.token.is_some(), false);
    check(&["-token="], &Env::from([(env::TOKEN, "t")]), |config| config.token.is_some(), false);
    check(&["-token", "t"], &none, |config| config.token.is_some(), true);
    check(&[], &Env::from([(env::TOKEN, "t")]), |config| config.token.is_some(), true);
}

#[test]
fn refusals() {
    let [source, destination] = URLS;
    refused(
        &["https://host", destination],
        "the source URL `https://host` needs a path whose last segment is the prefix, like `https://host/prefix`",
    );
    refused(
        &[source, "http://localhost/x"],
        "the destination URL `http://localhost/x` must have no path: paths are forwarded whole, prefix included",
    );
    refused(
        &["-max-ttl=0", source, destination],
        "wrong `--max-ttl`: `0` is no use: the length of time must be more than zero",
    );
    refused(
        &["--host-header=a/b", source, destination],
        "wrong `--host-header`: `a/b` is neither `keep` nor `target` nor a host, with a port or without",
    );
    refused(
        &["--hold=0s", source, destination],
        "wrong `--hold`: `0s` is no use: the length of time must be more than zero",
    );
    refused(
        &["--allow-ip=10/8", source, destination],
        "wrong `--allow-ip`: `10/8` is no range of addresses; write it like `192.0.2.0/24`, `2001:db8::/32` or `192.0.2.7`",
    );
    refused(
        &["--basic-auth=u", source, destination],
        "wrong `--basic-auth`: a user and a password are written `USER:PASS`, neither empty, without control characters",
    );
    refused(&["--wire=v3", source, destination], "wrong `--wire`: `v3` is no wire; choose `auto`, `v1` or `v2`");
    refused(
        &["-log=loud", source, destination],
        "wrong `--log`: `loud` is no log level; choose `error`, `warn`, `info`, `debug` or `trace`",
    );
}

/// Where a tunnel begins and ends that has these arguments and this file.
fn ends(args: &[&str], env: &Env, file: &str) -> Result<(String, String), String> {
    let file = parse(file).map_err(|failure| failure.sentence)?;
    let mut args = parsed::<Connect>("connect", args);
    let (flags, from) = (args.flags(), Sources::new("connect", env, [&file.top]));
    let tunnel = args.settle(flags, &from).map_err(|failure| failure.sentence)?;
    assert_eq!(tunnel.config.target.to_string(), tunnel.target);
    Ok((tunnel.source, tunnel.target))
}

#[test]
fn where_a_tunnel_begins() {
    let none = Env::default();
    let check = |args: &[&str], env: &Env, file: &str, source: &str, target: &str| {
        assert_eq!(ends(args, env, file), Ok((source.to_owned(), target.to_owned())), "{args:?}");
    };
    let file = "server = 'https://file/base/'";
    let port = "http://localhost:3000";
    check(&["--prefix=app", "3000"], &none, file, "https://file/base/app", port);
    check(&["--prefix=app", "https://localhost"], &none, file, "https://file/base/app", "https://localhost");
    check(&["--server=https://flag", "--prefix=app", "3000"], &none, file, "https://flag/app", port);
    let env = Env::from([("SENDIT_SERVER", "https://env"), ("SENDIT_PREFIX", "of-env")]);
    check(&["3000"], &env, file, "https://env/of-env", port);
    check(&["--prefix=app", "3000"], &env, file, "https://env/app", port);
    // What is said in full needs nothing else, and a port stands for this machine's.
    check(&[URLS[0], "3000"], &Env::default(), "", URLS[0], port);
    check(&["--strip-prefix", URLS[0], "3000"], &env, file, URLS[0], port);
    check(&URLS, &env, file, URLS[0], URLS[1]);
}

#[test]
fn what_is_wanting_or_too_much() {
    let none = Env::default();
    let refused = |args: &[&str], file: &str, sentence: &str| {
        assert_eq!(ends(args, &none, file).err().as_deref(), Some(sentence), "{args:?}");
    };
    refused(
        &["--prefix=app", "3000"],
        "",
        "no server is given; write `--server URL`, or `server = \"URL\"` into `dir/sendit.toml`",
    );
    let [source, destination] = URLS;
    refused(
        &["--prefix=app", source, destination],
        "",
        "SOURCE says where the tunnel begins, and so do `--server` and `--prefix`; leave one away",
    );
    let file = "server = 'https://host'";
    refused(&["--prefix=A", "3000"], file, "wrong `--prefix`: a prefix is 3 to 64 of `a-z`, `0-9` and `-`");
    refused(
        &["--prefix=app", "70000"],
        file,
        "`70000` must start with `http://`, `https://` or `h2c://`, like `http://localhost:3000`",
    );
}

#[test]
fn folders_make_prefixes() {
    let check = |folder: &str, prefix: Option<&str>| {
        assert_eq!(prefix_of(Path::new(folder)).map(|prefix| prefix.to_string()).as_deref(), prefix, "{folder}");
    };
    check("/home/jo/my-app", Some("my-app"));
    check("My App.v2", Some("my-app-v2"));
    check("_build_", Some("build"));
    check("ab", None);
    check("été", None);
    check("/", None);
}

/// A tunnel's own table goes before the file's beginning, and both behind what was typed.
#[test]
fn the_particular_goes_before_the_general() {
    let text = "max_ttl = '1s'\nhold = '2s'\nallow_ip = ['::1', '::2']\nstrip_prefix = true\n\
                [tunnels.web]\nmax_ttl = '3s'\nallow_ip = '::3'\nstrip_prefix = false\n";
    let file = parse(text).map_err(|failure| failure.sentence).unwrap();
    let (env, section) = (Env::from([("SENDIT_SERVER", "https://host")]), file.tunnel("web").map_err(|_| ()).unwrap());
    let from = Sources::new("start", &env, [section, &file.top]);
    let flags = Flags { hold: Some("4s".to_owned()), ..Flags::default() };
    let tunnel = Tunnel::to(&target("1").unwrap(), flags, &from, || Ok("web".to_owned()));
    let config = tunnel.map_err(|failure| failure.sentence).unwrap().config;
    let networks: Vec<_> = config.allow_ip.iter().map(ToString::to_string).collect();
    assert_eq!((config.max_ttl.as_secs(), config.hold.as_secs(), config.path), (3, 4, SourcePath::Kept));
    assert_eq!(networks, ["::3/128"]);
}

/// Whether what is said is sent to a server that the file names, or the line before it is.
#[track_caller]
fn kept(args: &[&str], env: &Env, text: &str, place: Option<&str>) {
    let settled = |file: crate::cmd::config::File| {
        let mut args = parsed::<Connect>("connect", &[&["--prefix=foo", "1"], args].concat());
        let (flags, from) = (args.flags(), Sources::new("connect", env, [&file.top]));
        args.settle(flags, &from).map(|tunnel| tunnel.notices)
    };
    let [meant, here] = [parse(text), parse_here(text)].map(|file| file.map_err(|failure| failure.sentence).unwrap());
    assert_eq!(settled(meant), Ok(Vec::new()));
    let expected = match place {
        None => Ok(vec!["settings are those of `sendit.toml`; the server is `http://host`".to_owned()]),
        Some(place) => Err(Failure::usage(format!(
            "only `sendit.toml` names the server `http://host`, so what {place} says is not sent there; give `--server`, or \
             say with `--config sendit.toml` that the file is meant"
        ))),
    };
    assert_eq!(settled(here), expected, "{args:?} {text}");
}

#[test]
fn what_is_said_in_secret_is_kept_from_servers_that_nobody_has_named() {
    let (none, token) = (Env::default(), Env::from([(env::TOKEN, "t")]));
    let server = "server = 'http://host'";
    kept(&[], &none, server, None);
    kept(&["--token", "t"], &none, server, Some("`--token`"));
    kept(&["--token", "t"], &none, &format!("{server}\ntoken = 'f'"), Some("`--token`"));
    kept(&["--basic-auth", "u:p"], &none, server, Some("`--basic-auth`"));
    kept(&[], &token, server, Some("environment variable `SENDIT_TOKEN`"));
    kept(&[], &Env::from([(env::BASIC_AUTH, "u:p")]), server, Some("environment variable `SENDIT_BASIC_AUTH`"));
    kept(&[], &none, &format!("{server}\ntoken = 'f'\nbasic_auth = 'u:p'"), None);
    kept(&["--token="], &token, server, None);
    kept(&["--server", "http://host"], &token, "quiet = true", None);
    kept(&[], &Env::from([(env::TOKEN, "t"), ("SENDIT_SERVER", "http://host")]), server, None);
}

/// An authority that a file in the working folder names is believed where that file names the server too.
#[test]
fn a_strangers_authority_vouches_for_no_server_of_mine() {
    let folder = tempfile::tempdir().unwrap();
    let certificate = rcgen::generate_simple_self_signed(["a.example".to_owned()]).unwrap().cert.pem();
    let path = folder.path().join("ca.pem").to_str().unwrap().to_owned();
    std::fs::write(&path, certificate).unwrap();
    let (none, set) = (Env::default(), Env::from([("SENDIT_SERVER", "https://mine")]));
    let both = "server = 'https://theirs'\nca_file = 'gone.pem'";
    let alone = "ca_file = 'gone.pem'";
    let aside = "`ca_file` in `sendit.toml`, line LINE, does not count, for the file does not name the server; give \
                 `--ca-file`, or say with `--config sendit.toml` that the file is meant";
    let check = |args: &[&str], env: &Env, text: &str, expected: Result<(bool, Option<usize>), &str>| {
        let file = parse_here(text).map_err(|failure| failure.sentence).unwrap();
        let mut args = parsed::<Connect>("connect", args);
        let (flags, from) = (args.flags(), Sources::new("connect", env, [&file.top]));
        let seen = args.settle(flags, &from).map_err(|failure| failure.sentence);
        let seen = seen.map(|tunnel| {
            let mut notices = tunnel.notices.into_iter();
            (tunnel.config.authorities.is_some(), notices.find(|notice| notice.starts_with("`ca_file`")))
        });
        let notice = |line: Option<usize>| line.map(|line| aside.replace("LINE", &line.to_string()));
        let expected = expected.map(|(believed, line)| (believed, notice(line))).map_err(ToOwned::to_owned);
        assert_eq!(seen, expected, "{text}");
    };
    // What would be read is not there: it is looked for only where it counts.
    let gone = "cannot read the file `gone.pem`: there is no such file or directory";
    check(&["--prefix=foo", "1"], &none, both, Err(gone));
    check(&["--prefix=foo", "1"], &set, both, Ok((false, Some(2))));
    check(&["--prefix=foo", "1"], &set, alone, Ok((false, Some(1))));
    check(&["--server=https://flag", "--prefix=foo", "1"], &none, both, Ok((false, Some(2))));
    check(&URLS, &none, both, Ok((false, Some(2))));
    check(&["--ca-file", &path, "--prefix=foo", "1"], &set, both, Ok((true, None)));
    // Who the client is, is for the servers that its person has named.
    let kept = "only `sendit.toml` names the server `https://theirs`, so what `--client-cert` says is not sent there; give \
                `--server`, or say with `--config sendit.toml` that the file is meant";
    check(&["--client-cert=c", "--client-key=k", "--prefix=foo", "1"], &none, both, Err(kept));
}
