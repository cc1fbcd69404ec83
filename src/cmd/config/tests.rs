//! Files, and what they say.

use super::*;
use crate::cmd::env;
use crate::cmd::exit::Exit;
use crate::cmd::file_keys;

pub(crate) fn parse(text: &str) -> Result<File, Failure> {
    File::parse(Arc::new(Origin::named("dir/sendit.toml")), text, &file_keys())
}

/// As if it lay in the working folder.
pub(crate) fn parse_here(text: &str) -> Result<File, Failure> {
    File::parse(Arc::new(Origin::here()), text, &file_keys())
}

#[track_caller]
fn check(text: &str, section: fn(&File) -> &Section, key: &str, expected: &[&str], line: usize) {
    let file = parse(text).map_err(|failure| failure.sentence).unwrap();
    let (texts, position) = section(&file).get(key).unwrap();
    assert_eq!(texts, expected);
    assert_eq!(position.to_string(), format!("`{key}` in `dir/sendit.toml`, line {line}"));
    assert_eq!(position.beside("token"), Ok("dir/token".into()));
    assert_eq!(position.beside("/token"), Ok("/token".into()));
}

#[test]
fn values_and_their_lines() {
    check("server = \"https://host\"", |file| &file.top, "server", &["https://host"], 1);
    check("\n# a comment\nquiet = true\n", |file| &file.top, "quiet", &["true"], 3);
    let tunnels =
        "[tunnels.web]\ntarget = 3_000\n\n[tunnels.api]\nallow_ip = [\n \"::1\",\n \"10.0.0.0/8\" ]\nhold = '3s'";
    check(tunnels, |file| &file.tunnels["web"], "target", &["3000"], 2);
    check(tunnels, |file| &file.tunnels["api"], "allow_ip", &["::1", "10.0.0.0/8"], 5);
    check(tunnels, |file| &file.tunnels["api"], "hold", &["3s"], 8);
    check("allow_ip = '::1'", |file| &file.top, "allow_ip", &["::1"], 1);
    check("[serve]\nmax_sessions = 5", |file| &file.serve, "max_sessions", &["5"], 2);
    check("serve.addr = ':80'", |file| &file.serve, "addr", &[":80"], 1);
}

#[test]
fn the_prefix_of_a_tunnel_is_its_name_unless_it_says_another() {
    let file = parse("[tunnels.web]\n[tunnels.api]\nprefix = 'v2-api'").map_err(|failure| failure.sentence).unwrap();
    let prefixes: Vec<_> = file.tunnels.iter().map(|(name, section)| prefix(name, section)).collect();
    assert_eq!(prefixes, ["v2-api", "web"]);
}

#[track_caller]
fn refused(text: &str, sentence: &str) {
    assert_eq!(parse(text).err(), Some(Failure::new(Exit::Usage, sentence)), "{text}");
}

#[test]
fn refusals() {
    refused("# one\nsevrer = 'x'", "unknown key `sevrer` in `dir/sendit.toml`, line 2; did you mean `server`?");
    refused(
        "[tunnels.web]\nstrip-prefix = true",
        "unknown key `strip-prefix` in `dir/sendit.toml`, line 2; did you mean `strip_prefix`?",
    );
    refused(
        "prefix = 'x'",
        "unknown key `prefix` in `dir/sendit.toml`, line 1; it belongs into a tunnel's table, such as `[tunnels.web]`",
    );
    refused("[tunnel.web]", "unknown key `tunnel` in `dir/sendit.toml`, line 1; did you mean `tunnels`?");
    refused("colour = 1", "unknown key `colour` in `dir/sendit.toml`, line 1; docs/configuration.md has every key");
    refused("[serve]\ngrase = '1m'", "unknown key `grase` in `dir/sendit.toml`, line 2; did you mean `grace`?");
    let wrong =
        |key: &str, line: usize, cause: &str| format!("wrong `{key}` in `dir/sendit.toml`, line {line}: {cause}");
    refused(
        "[tunnels.web]\nstrip_prefix = 'yes'",
        &wrong("strip_prefix", 2, "write `strip_prefix = true` or `strip_prefix = false`"),
    );
    let text = |key: &str| wrong(key, 1, &format!("write a text, such as `{key} = \"…\"`"));
    for value in ["true", "['a']", "5", "{ a = 1 }", "1979-05-27"] {
        refused(&format!("server = {value}"), &text("server"));
        refused(&format!("token = {value}"), &text("token"));
    }
    refused("max_ttl = 15", &text("max_ttl"));
    refused("max_ttl = 1.5", &wrong("max_ttl", 1, "write a text, such as `max_ttl = \"…\"`"));
    for value in ["[1.5]", "[1]", "1", "[['::1']]"] {
        refused(
            &format!("allow_ip = {value}"),
            &wrong("allow_ip", 1, "write a text or a list of them, such as `allow_ip = [\"…\", \"…\"]`"),
        );
    }
    for value in ["1.5", "true", "[1]", "0xff"] {
        refused(
            &format!("[serve]\nmax_sessions = {value}"),
            &wrong("max_sessions", 2, "write a number, such as `max_sessions = 16`"),
        );
        refused(
            &format!("[tunnels.web]\ntarget = {value}"),
            &wrong("target", 2, "write a port or a text, such as `target = 3000`"),
        );
    }
    refused("serve = 1", &wrong("serve", 1, "it has to be a table, `[serve]`"));
    refused("tunnels = 1", &wrong("tunnels", 1, "it has to be tables, such as `[tunnels.web]`"));
    refused("tunnels.web = 3000", &wrong("web", 1, "it has to be a table, such as `[tunnels.web]`"));
    for (text, key, line, other, first) in [
        ("[tunnels.web]\n[tunnels.api]\nprefix = 'web'\n", "api", 2, "web", 1),
        ("[tunnels.api]\nprefix = 'web'\n[tunnels.web]\n", "web", 3, "api", 1),
        ("tunnels.z.prefix = 'web'\ntunnels.m.target = 1\ntunnels.a.prefix = 'web'\n", "a", 3, "z", 1),
    ] {
        let cause =
            format!("it has the prefix `web`, and so has `{other}`, line {first}; give one of them another `prefix`");
        refused(text, &wrong(key, line, &cause));
    }
    refused(
        "a = 1\nb = \n",
        "`dir/sendit.toml`, line 2, is no TOML: string values must be quoted, expected literal string",
    );
}

#[test]
fn a_tunnel_that_is_not_there() {
    let file = parse("[tunnels.web]\n[tunnels.api]").map_err(|failure| failure.sentence).unwrap();
    let unknown = |name: &str| file.tunnel(name).err().map(|failure| failure.sentence);
    assert_eq!(unknown("web"), None);
    let sentence = "there is no tunnel `wep` in `dir/sendit.toml`; did you mean `web`?";
    assert_eq!(unknown("wep").as_deref(), Some(sentence));
    let sentence = "there is no tunnel `other` in `dir/sendit.toml`; it has `api`, `web`";
    assert_eq!(unknown("other").as_deref(), Some(sentence));
    let none = parse("").map_err(|failure| failure.sentence).unwrap();
    let sentence = "there is no tunnel `web` in `dir/sendit.toml`; there are none";
    assert_eq!(none.tunnel("web").err(), Some(Failure::usage(sentence)));
}

#[cfg(unix)]
#[test]
fn a_secret_that_others_can_read() {
    use std::fs::{Permissions, set_permissions, write};
    use std::os::unix::fs::PermissionsExt as _;
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join(NAME);
    for (text, mode, warns) in [
        ("token = 'x'", 0o644, true),
        ("token = 'x'", 0o600, false),
        ("token_file = 'x'", 0o644, false),
        ("[tunnels.web]\nbasic_auth = 'u:p'", 0o640, true),
        ("[serve]\nsecret = 'x'", 0o604, true),
        ("[serve]\ncluster = 'redis://u:p@10.0.0.2'", 0o644, true),
        ("[serve]\ncluster = 'rediss://:p@a,b/1'", 0o644, true),
        ("[serve]\ncluster = 'redis://u:p@10.0.0.2'", 0o600, false),
        ("[serve]\ncluster = 'redis://10.0.0.2:6379'", 0o644, false),
        ("[serve]\ncluster = 'redis://u@10.0.0.2:6379'", 0o644, false),
    ] {
        write(&path, text).unwrap();
        set_permissions(&path, Permissions::from_mode(mode)).unwrap();
        let file =
            File::read(Arc::new(Origin::named(&path)), &file_keys()).map_err(|failure| failure.sentence).unwrap();
        assert_eq!(file.warning().is_some(), warns, "{text} {mode:o}");
    }
}

#[test]
fn which_file_is_read() {
    let folder = tempfile::tempdir().unwrap();
    let (own, named) = (folder.path().join("sendit"), folder.path().join("named.toml"));
    std::fs::create_dir(&own).unwrap();
    std::fs::write(own.join(NAME), "").unwrap();
    std::fs::write(&named, "").unwrap();
    let home = folder.path().to_str().unwrap();
    let base = if cfg!(windows) { "APPDATA" } else { "XDG_CONFIG_HOME" };
    let found = |flag: Option<&str>, env: &Env| {
        let file = File::find(flag, env, &file_keys()).map_err(|failure| failure.sentence);
        file.map(|file| file.map(|file| file.path().to_owned()))
    };
    let (named, named_text) = (named.clone(), named.to_str().unwrap());
    assert_eq!(found(None, &Env::default()), Ok(None));
    assert_eq!(found(None, &Env::from([(base, home)])), Ok(Some(own.join(NAME))));
    assert_eq!(found(Some(named_text), &Env::from([(base, home)])), Ok(Some(named.clone())));
    assert_eq!(found(None, &Env::from([(base, home), (env::CONFIG, named_text)])), Ok(Some(named)));
    let gone = folder.path().join("gone").display().to_string();
    let sentence = format!("cannot read the configuration file `{gone}`: there is no such file or directory");
    assert_eq!(found(Some(&gone), &Env::default()), Err(sentence));
}

proptest::proptest! {
    #![proptest_config(proptest::prelude::ProptestConfig { failure_persistence: None, ..Default::default() })]

    #[test]
    fn lines_are_counted_from_1(text in "[ab\n]{0,40}", at in 0..40_usize) {
        let source = Source::new(Arc::new(Origin::named("x")), &text);
        let before = text.bytes().take(at).filter(|byte| *byte == b'\n').count();
        proptest::prop_assert_eq!(source.line(at), before + 1);
    }
}
