//! `sendit config check`.

use std::fs;

use super::{Folder, SECRET};
use crate::world::Program;

/// What `serve` and `start` would refuse is refused by a check: both say why, in one sentence.
#[tokio::test]
async fn a_check_refuses_what_the_commands_would() {
    let text = "server = 'https://host'\n[tunnels.web]\ntarget = 1\n[serve]\nsecret_file = 'secret'\n";
    for (more, cause) in [
        ("admin = ':0'", "`:0` can be reached from other machines, and there is no admin token: "),
        ("admin_token_file = 'token'", "`admin_token_file` in `sendit.toml`, line 6, is of no use without `admin`"),
        ("tls_cert = 'c'", "`tls_cert` in `sendit.toml`, line 6, takes `tls_key` as well: the key of the certificate"),
        ("tls_key = 'k'", "`tls_key` in `sendit.toml`, line 6, takes `tls_cert` as well: the certificate of the key"),
        (
            "redirect_addr = ':0'",
            "`redirect_addr` in `sendit.toml`, line 6, is of no use without `tls_cert` or `acme`: ",
        ),
        (
            "client_ca_file = 'c'",
            "`client_ca_file` in `sendit.toml`, line 6, is of no use without `tls_cert` or `acme`: ",
        ),
        ("acme_cache = 'c'", "`acme_cache` in `sendit.toml`, line 6, is of no use without `acme`"),
        ("acme = 'a.example'", "`acme` in `sendit.toml`, line 6, takes `acme_cache` as well: "),
        ("acme = 'a.example'\nacme_cache = 'sendit.toml'", "the ACME cache `sendit.toml` cannot be written to: "),
        ("acme = 'a.example'\ntls_cert = 'c'", "`tls_cert` in `sendit.toml`, line 7, names one; leave one away"),
        ("acme = 'a.example'\nacme_cache = 'c'\ndomain = 'a.example'", "wrong `domain` in `sendit.toml`, line 8: "),
        ("advertise = 'http://a:1'", "`advertise` in `sendit.toml`, line 6, is of no use without `cluster`"),
        ("cluster = 'redis://a'", "`cluster` in `sendit.toml`, line 6, takes `advertise` as well: "),
        (
            "cluster = 'redis://a'\nadvertise = 'http://127.0.0.1:0'",
            "`cluster` in `sendit.toml`, line 6, takes `cluster_secret_file` as well: ",
        ),
        (
            "cluster = 'redis://a'\ncluster_secret_file = 'secret'\nadvertise = 'http://no.such.host.invalid:0'",
            "the others cannot reach `http://no.such.host.invalid:0`: there is no host of that name",
        ),
        (
            "cluster = 'redis://a'\ncluster_secret_file = 'secret'\nadvertise = 'http://0.0.0.0:0'",
            "the others cannot reach `http://0.0.0.0:0`: it means all addresses of a machine; ",
        ),
        (
            "cluster = 'redis://a'\ncluster_secret_file = 'secret'\nadvertise = 'http://[::]:0'",
            "the others cannot reach `http://[::]:0`: it means all addresses of a machine; ",
        ),
        (
            "cluster = 'redis://a'\ncluster_secret_file = 'secret'\nadvertise = 'http://[::ffff:0.0.0.0]:0'",
            "the others cannot reach `http://[::ffff:0.0.0.0]:0`: it means all addresses of a machine; ",
        ),
        (
            "cluster = 'redis://a'\ncluster_secret_file = 'secret'\nadvertise = 'http://127.0.0.1:0'\n\
             cluster_addr = 'no.such.host.invalid:0'",
            "cannot listen on `no.such.host.invalid:0`: there is no host of that name",
        ),
        ("addr = 'no.such.host.invalid:0'", "cannot listen on `no.such.host.invalid:0`: "),
        ("grace = '0s'", "wrong `grace` in `sendit.toml`, line 6: "),
        ("trusted_proxy = '10/8'", "wrong `trusted_proxy` in `sendit.toml`, line 6: "),
        ("public_url = 'host'", "wrong `public_url` in `sendit.toml`, line 6: "),
    ] {
        let folder = Folder::with(&format!("{text}{more}\n"));
        folder.write("secret", SECRET);
        for command in [&["config", "check"][..], &["serve"]] {
            let (code, printed, said) = folder.run(command).await;
            assert!(code.is_some_and(|code| code > 0) && printed.is_empty(), "{more} {command:?} {said}");
            assert!(said.starts_with("error: ") && said.contains(cause), "{more} {command:?} {said}");
        }
        let left = fs::read_dir(folder.path("")).unwrap().count();
        assert_eq!(left, 2, "nothing is written for {more}");
    }
    let folder = Folder::with("[serve]\naddr = '0.0.0.0:0'\n");
    let cause = "`0.0.0.0:0` can be reached from other machines, and there is no secret: ";
    for (command, place) in [(&["serve"][..], ""), (&["config", "check"], "wrong `addr` in `sendit.toml`, line 2: ")] {
        let (code, _, said) = folder.run(command).await;
        assert!(code == Some(2) && said.starts_with(&format!("error: {place}{cause}")), "{said}");
    }
    folder.write("sendit.toml", "inspect = '0.0.0.0:0'\nserver = 'http://127.0.0.1:1'\n[tunnels.web]\ntarget = 1\n");
    let cause = "`--inspect 0.0.0.0:0` would show to other machines what passes; ";
    for command in [&["start", "web"][..], &["config", "check"]] {
        let mut command = folder.command(command);
        command.env_remove("SENDIT_INSPECT");
        let mut program = Program::start(command);
        assert_eq!(program.ended().await, Some(2));
        assert!(program.all().await.stderr.contains(cause));
    }
}

#[tokio::test]
async fn a_check_reads_all_of_it_and_opens_nothing() {
    let text = "server = 'https://host/base'\n[tunnels.web]\ntarget = 3000\n[serve]\naddr = ':0'\n";
    let folder = Folder::with(&format!("{text}secret_file = 'secret'"));
    let sentence = "error: cannot read the secret file `secret`: there is no such file or directory\n";
    assert_eq!(folder.run(&["config", "check"]).await, (Some(7), String::new(), sentence.to_owned()));
    folder.write("secret", SECRET);
    let answer = "`sendit.toml` can be used\ntunnel web: https://host/base/web -> http://localhost:3000\nserver: :0\n";
    assert_eq!(folder.run(&["config", "check"]).await, (Some(0), answer.to_owned(), String::new()));
    folder.write("sendit.toml", &text.replace("3000", "'3000x'"));
    let (code, _, said) = folder.run(&["config", "check"]).await;
    assert_eq!(code, Some(2));
    assert!(said.starts_with("error: wrong `target` in `sendit.toml`, line 3: "), "{said}");
    // A stranger's file does nothing to the terminal.
    folder.write("sendit.toml", "server = 'https://host'\n[tunnels.\"\\u001b[31mred\"]\nprefix = 'red'\ntarget = 1\n");
    let (code, said, _) = folder.run(&["config", "check"]).await;
    assert_eq!(code, Some(0));
    assert!(said.contains("31mred: https://host/red") && !said.contains('\u{1b}'), "{said:?}");
}
