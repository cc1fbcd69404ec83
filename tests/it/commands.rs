//! What a person is told who typed what cannot be meant: one sentence, and an exit code.

use std::process::Stdio;

use tempfile::TempDir;
use tokio::net::TcpListener;

use crate::world::{Program, sendit};

/// What a command line comes to: exit code, standard output, standard error.
async fn run(args: &[&str], env: &[(&str, &str)]) -> (Option<i32>, String, String) {
    let mut command = sendit();
    command.args(args).envs(env.iter().copied());
    let mut program = Program::start(command);
    let code = program.ended().await;
    let output = program.all().await;
    (code, output.stdout, output.stderr)
}

async fn check(args: &[&str], code: i32, sentence: &str) {
    let expected = (Some(code), String::new(), format!("error: {sentence}\n"));
    assert_eq!(run(args, &[]).await, expected, "{args:?}");
}

const URL: &str = "http://127.0.0.1:1/foo";
const TARGET: &str = "http://127.0.0.1:1";

#[tokio::test]
async fn flags() {
    check(&[], 2, "no command is given; try `sendit demo`, or see `sendit --help`").await;
    check(&["sevre"], 2, "there is no command `sevre`; see `sendit --help`").await;
    check(&["serve", "--adr", ":1"], 2, "unknown flag `--adr`; see `sendit serve --help`").await;
    check(&["serve", "--addr"], 2, "`--addr` needs a value; see `sendit serve --help`").await;
    check(&["serve", "-https-redir=x"], 2, "`--https-redir` is either `true` or `false`; see `sendit serve --help`")
        .await;
    check(&["serve", "here"], 2, "unexpected argument `here`; see `sendit serve --help`").await;
    check(
        &["serve", "--addr", "5050"],
        2,
        "wrong `--addr`: `5050` is no address to listen on; write it like `127.0.0.1:5050`",
    )
    .await;
    check(
        &["serve", "--http-prefix", "a b"],
        2,
        "wrong `--http-prefix`: `a b` is no path prefix: a path prefix is segments of letters, digits and `-._~`, with slashes between them",
    )
    .await;
    check(
        &["serve", "--public-url", "example.com"],
        2,
        "wrong `--public-url`: `example.com` is no public URL; write scheme and host alone, like `https://example.com`",
    )
    .await;
    check(
        &["serve", "--addr", ":0"],
        2,
        "`:0` can be reached from other machines, and there is no secret: give `--secret-file`, listen on \
         `127.0.0.1`, or let anybody open tunnels with `--insecure`",
    )
    .await;
    check(&["connect", URL], 2, "the argument `DESTINATION` is missing; see `sendit connect --help`").await;
    check(
        &["connect", "--log", "loud", URL, TARGET],
        2,
        "wrong `--log`: `loud` is no log level; choose `error`, `warn`, `info`, `debug` or `trace`",
    )
    .await;
    for (ttl, cause) in [
        ("0", "`0` is no use: the length of time must be more than zero"),
        ("0s", "`0s` is no use: the length of time must be more than zero"),
        ("-5s", "`-5s` is no use: the length of time must be more than zero"),
        ("15", "`15` has no unit; write it like `15s`, `1m30s`, `500ms` or `30d`"),
        ("soon", "`soon` is no length of time; write it like `15s`, `1m30s`, `500ms` or `30d`"),
    ] {
        check(&["connect", "--max-ttl", ttl, URL, TARGET], 2, &format!("wrong `--max-ttl`: {cause}")).await;
    }
    check(&["doctor"], 2, "the argument `URL` is missing; see `sendit doctor --help`").await;
    let sentence = "`example.com` must start with `https://` or `http://`, like `https://host/prefix`";
    check(&["doctor", "example.com"], 2, sentence).await;
    check(&["doctor", "--longest", "1h", URL], 2, "wrong `--longest`: `1h` is more than 10m").await;
    check(
        &["doctor", "http://127.0.0.1:1/Foo"],
        2,
        "the source URL `http://127.0.0.1:1/Foo` ends in no valid prefix: a prefix is 3 to 64 of `a-z`, `0-9` and `-`",
    )
    .await;
    check(
        &["doctor", "--token-file", "/nowhere/token", URL],
        7,
        "cannot read the token file `/nowhere/token`: there is no such file or directory",
    )
    .await;
    check(&["token"], 2, "there is no secret to sign with; give the server's with `--secret-file` or `--secret`").await;
}

#[tokio::test]
async fn urls() {
    let rule = "a prefix is 3 to 64 of `a-z`, `0-9` and `-`";
    for (source, sentence) in [
        (
            "http://127.0.0.1:1",
            "the source URL `http://127.0.0.1:1` needs a path whose last segment is the prefix, like \
             `https://host/prefix`",
        ),
        ("http://h/ab", &format!("the source URL `http://h/ab` ends in no valid prefix: {rule}")),
        ("http://h/Foo", &format!("the source URL `http://h/Foo` ends in no valid prefix: {rule}")),
        ("http://h/a_b", &format!("the source URL `http://h/a_b` ends in no valid prefix: {rule}")),
        ("h/foo", "`h/foo` must start with `https://` or `http://`, like `https://host/prefix`"),
        ("ftp://h/foo", "`ftp://h/foo` must start with `https://` or `http://`, like `https://host/prefix`"),
        ("http://h/foo?x=1", "`http://h/foo?x=1` must have no user, no `?` and no `#`"),
    ] {
        check(&["connect", source, TARGET], 2, sentence).await;
    }
    for (destination, sentence) in [
        (
            "http://localhost:1/x",
            "the destination URL `http://localhost:1/x` must have no path: paths are forwarded whole, prefix included",
        ),
        (
            "localhost:1",
            "`localhost:1` must start with `http://`, `https://` or `h2c://`, like `http://localhost:3000`",
        ),
        ("70000", "`70000` must start with `http://`, `https://` or `h2c://`, like `http://localhost:3000`"),
        ("0", "`0` must start with `http://`, `https://` or `h2c://`, like `http://localhost:3000`"),
        ("http://u:p@localhost", "`http://u:p@localhost` must have no user, no `?` and no `#`"),
    ] {
        check(&["connect", URL, destination], 2, sentence).await;
    }
}

#[tokio::test]
async fn files() {
    let folder = TempDir::new().unwrap();
    let path = |name: &str| folder.path().join(name).to_str().unwrap().to_owned();
    let (none, empty, large, secret) = (path("none"), path("empty"), path("large"), path("secret"));
    std::fs::write(&secret, "0123456789abcdef\n").unwrap();
    std::fs::write(&empty, "\n").unwrap();
    std::fs::write(&large, vec![b'x'; 100_000]).unwrap();
    let folder = folder.path().to_str().unwrap();

    let no_file = format!("cannot read the secret file `{none}`: there is no such file or directory");
    check(&["serve", "--addr", "127.0.0.1:0", "--secret-file", &none], 7, &no_file).await;
    check(&["token", "--secret-file", &none], 7, &no_file).await;
    let directory = format!("cannot read the secret file `{folder}`: it is a directory");
    check(&["token", "--secret-file", folder], 7, &directory).await;
    let sentence = format!("the secret file `{large}` is larger than 64 KiB; is it the right one?");
    check(&["token", "--secret-file", &large], 7, &sentence).await;
    let sentence = format!("the file `{empty}` holds no secret; `openssl rand -hex 32` makes one");
    check(&["token", "--secret-file", &empty], 7, &sentence).await;
    check(&["serve", "--addr", "127.0.0.1:0", "--secret-file", &empty], 7, &sentence).await;
    check(&["token", "--secret", ""], 2, "the secret is empty; give one of 32 random bytes or more").await;
    let sentence = format!("cannot read the token file `{none}`: there is no such file or directory");
    check(&["connect", "--token-file", &none, URL, TARGET], 7, &sentence).await;
    let sentence = format!("the file `{empty}` holds no token; `sendit token` makes one");
    check(&["connect", "--token-file", &empty, URL, TARGET], 7, &sentence).await;
    let sentence = format!("the file `{secret}` holds no token; `sendit token` makes one");
    check(&["connect", "--token-file", &secret, URL, TARGET], 7, &sentence).await;
    for (name, sentence) in [
        ("SENDIT_LOG", "`loud` is no log level; choose `error`, `warn`, `info`, `debug` or `trace`"),
        ("SENDIT_LOG_FORMAT", "`loud` is no log format; choose `text` or `json`"),
        ("SENDIT_WIRE", "`loud` is no wire; choose `auto`, `v1` or `v2`"),
    ] {
        let (code, _, said) = run(&["connect", URL, TARGET], &[(name, "loud")]).await;
        let sentence = format!("error: wrong environment variable `{name}`: {sentence}\n");
        assert_eq!((code, said), (Some(2), sentence));
    }
    let (code, _, said) = run(&["serve"], &[("SENDIT_HTTPS_REDIR", "yes")]).await;
    assert_eq!(code, Some(2));
    assert_eq!(said, "error: wrong environment variable `SENDIT_HTTPS_REDIR`: it is `1` or `0`, not `yes`\n");
}

#[tokio::test]
async fn a_port_that_is_taken() {
    let taken = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let addr = taken.local_addr().unwrap().to_string();
    let sentence = format!("cannot listen on `{addr}`: another program has the port; choose one with `--addr`");
    check(&["serve", "--addr", &addr], 6, &sentence).await;
    let sentence = "cannot listen on `no.such.invalid:1`: there is no host of that name";
    check(&["serve", "--secret", &"s".repeat(32), "--addr", "no.such.invalid:1"], 6, sentence).await;
}

#[tokio::test]
async fn help_and_versions_are_answers() {
    for args in [
        &["--help"][..],
        &["help"],
        &["serve", "-h"],
        &["help", "connect"],
        &["token", "-help"],
        &["-version"],
        &["-V"],
    ] {
        let (code, answer, said) = run(args, &[]).await;
        assert_eq!((code, said.as_str()), (Some(0), ""), "{args:?}");
        assert!(answer.contains("sendit"), "{args:?}: {answer}");
    }
}

#[tokio::test]
async fn a_reader_that_has_gone_is_no_error() {
    let (reader, writer) = std::io::pipe().unwrap();
    drop(reader);
    let mut command = sendit();
    command.arg("--help").stdout(writer).stderr(Stdio::piped());
    let output = command.spawn().unwrap().wait_with_output().await.unwrap();
    assert_eq!((output.status.code(), String::from_utf8(output.stderr).unwrap().as_str()), (Some(1), ""));
}
