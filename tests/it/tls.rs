//! TLS at the server's own listener: visitors and clients come by it, certificates are replaced while they do, an end is
//! told from a cut, and who only begins a handshake is in nobody's way.

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::time::timeout;
use tokio_rustls::rustls::pki_types::{CertificateDer, ServerName};
use trials::load::{LARGEST, Mix, Public, run};

use crate::certificates::{Authority, GOOD};
use crate::left_out;
use crate::peer::{End, Peer};
use crate::programs::curl;
use crate::target::Target;
use crate::tunnel::{Client, Server, Tunnel};
use crate::world::{PATIENCE, Program, sendit};

/// A tunnel both of whose ends are reached by TLS.
async fn tunnel(authority: &Authority, target: &str, connect: &[&str]) -> Tunnel {
    let server = authority.serve(&[], &[]).await;
    let source = format!("https://{}/app", server.addr);
    let ca = authority.path("ca.pem");
    let client = Client::start(&source, target, &[&["--ca-file", &ca], connect].concat()).await;
    Tunnel { server, client }
}

#[tokio::test]
async fn curl_comes_by_http_1_and_2() {
    if !left_out::is_here("curl", "curl as a visitor by TLS") {
        return;
    }
    let (authority, mut target) = (Authority::new(), Target::start());
    let mut tunnel = tunnel(&authority, &target.url(), &[]).await;
    tunnel.client.streams().await;
    let (ca, addr) = (authority.path("ca.pem"), tunnel.server.addr);
    let url = format!("https://{addr}/app/x");
    for (flag, spoken) in [("--http1.1", "1.1"), ("--http2", "2"), ("--tls-max=1.2", "2")] {
        let flags: Vec<&str> = flag.split('=').collect();
        let visit = async {
            let args = ["-sf", "--cacert", &ca, "-w", " %{http_version}", &url];
            curl(&[&flags[..], &args].concat()).await
        };
        let answer = async {
            let mut service = target.accept().await;
            let head = service.head().await;
            assert_eq!(head.value("x-forwarded-proto"), Some("https"), "{head:?}");
            assert_eq!(head.value("x-forwarded-port"), Some(&*addr.port().to_string()), "{head:?}");
            service.send("HTTP/1.1 200 OK\r\nContent-Length: 5\r\nConnection: close\r\n\r\nhello").await;
        };
        let (said, ()) = tokio::join!(visit, answer);
        assert_eq!(said, format!("hello {spoken}"));
    }
}

#[tokio::test]
async fn what_is_agreed_on_is_what_openssl_asks_for() {
    if !left_out::is_here("openssl", "openssl's client by TLS") {
        return;
    }
    let authority = Authority::new();
    let server = authority.serve(&[], &[]).await;
    let (ca, addr) = (authority.path("ca.pem"), server.addr.to_string());
    for (args, agreed) in [
        (&["-alpn", "h2,http/1.1"][..], "ALPN protocol: h2"),
        (&["-alpn", "http/1.1"], "ALPN protocol: http/1.1"),
        (&["-tls1_2"], "No ALPN negotiated"),
        (&["-tls1_3"], "No ALPN negotiated"),
    ] {
        let mut openssl = crate::world::program("openssl");
        openssl.args(["s_client", "-connect", &addr, "-CAfile", &ca, "-verify_return_error"]).args(args);
        let said = openssl.stdin(std::process::Stdio::null()).output().await.expect("it starts");
        let said = String::from_utf8_lossy(&said.stdout).into_owned();
        assert!(said.contains(agreed) && said.contains("Verify return code: 0 (ok)"), "{args:?}: {said}");
    }
}

/// Both what visitors bring and the carriers, each of which lives for 100 ms.
#[tokio::test]
async fn certificates_are_replaced_under_load() {
    const TIMES: usize = 4;
    let authority = Authority::new();
    let target = trials::load::Target::start(TcpListener::bind("127.0.0.1:0").await.unwrap()).unwrap();
    let url = format!("http://{}", target.address);
    let mut tunnel = tunnel(&authority, &url, &["--max-ttl", "100ms"]).await;
    let (address, _relay) = authority.secured(tunnel.server.addr).await;
    let public = Public { address, prefix: "/app".to_owned() };
    let mix = Mix { at_once: 8, seed: 1, first_id: 0, largest: LARGEST.min(16) };
    let before = shown(&authority, &tunnel.server).await;
    let server = &mut tunnel.server.program;
    let replaced = async {
        for times in 1..=TIMES {
            authority.renew(&[], GOOD);
            if times % 2 == 0 {
                server.signal("-HUP").await;
            }
            server.printed(|output| output.stderr.matches("the certificate is shown").count() >= times).await;
        }
    };
    let figures = run(&mix, &public, replaced).await;
    assert_eq!((figures.failed, figures.wrong, figures.hung), (0, 0, 0), "{figures}");
    assert!(figures.exchanges > 20, "{figures}");
    assert_ne!(shown(&authority, &tunnel.server).await, before);
    let said = tunnel.client.program.output().stderr;
    assert_eq!(said.matches("Ready; ").count(), 1, "{said}");
}

/// What a server shows of itself.
async fn shown(authority: &Authority, server: &Server) -> CertificateDer<'static> {
    let stream = authority.visit(server).await;
    stream.get_ref().1.peer_certificates().expect("they are known")[0].clone()
}

#[tokio::test]
async fn a_certificate_that_is_of_no_use_is_not_shown() {
    let authority = Authority::new();
    let mut server = authority.serve(&[], &[]).await;
    let [certificate, key] = ["cert.pem", "key.pem"].map(|name| authority.path(name));
    let first = shown(&authority, &server).await;
    let (other, _) = authority.issue(&[], GOOD);
    authority.write("cert.pem", &other);
    let cause = format!("the certificate in `{certificate}` is not for the key in `{key}`");
    server.program.printed(|output| output.stderr.contains(&cause)).await;
    let [certificate, _] = authority.renew(&[], (2000, 2001));
    let cause = format!("the certificate in `{certificate}` has expired, at 2001-01-01T00:00:00Z");
    let said = server.program.printed(|output| output.stderr.contains(&cause)).await.stderr;
    assert!(said.contains("the certificate cannot be used; the one before is still shown"), "{said}");
    assert_eq!(shown(&authority, &server).await, first);
    authority.renew(&[], GOOD);
    server.program.printed(|output| output.stderr.contains("the certificate is shown")).await;
    assert_ne!(shown(&authority, &server).await, first);
}

#[tokio::test]
async fn no_server_starts_with_a_certificate_that_is_of_no_use() {
    let authority = Authority::new();
    let check = async |(certificate, key): (&str, &str), exit: i32, sentence: &str| {
        let mut command = sendit();
        command.args(["serve", "--addr", "127.0.0.1:0", "--tls-cert", certificate, "--tls-key", key]);
        let mut server = Program::start(command);
        assert_eq!(server.ended().await, Some(exit), "{sentence}");
        let sentence = sentence.replace("CERT", &format!("`{certificate}`")).replace("KEY", &format!("`{key}`"));
        assert_eq!(server.all().await.stderr, format!("error: {sentence}\n"));
    };
    let (good, key) = authority.issue(&[], GOOD);
    let files = [("good", &good), ("key", &key), ("other", &authority.issue(&[], GOOD).1)]
        .map(|(name, text)| authority.write(name, text));
    let [good, key, other] = files.each_ref().map(String::as_str);
    check((good, other), 12, "the certificate in CERT is not for the key in KEY: give the two that were made together")
        .await;
    check(
        (key, key),
        12,
        "there is no certificate in CERT: give a PEM file with the certificate first, then those that vouch for it",
    )
    .await;
    check((good, good), 12, "there is no private key in KEY: give a PEM file with a key that has no password").await;
    let gone = authority.path("gone");
    check((&gone, key), 7, "cannot read the certificate CERT: there is no such file or directory").await;
    check((good, &gone), 7, "cannot read the key KEY: there is no such file or directory").await;
    let [old, old_key] = authority.renew(&[], (2000, 2001));
    check((&old, &old_key), 12, "the certificate in CERT has expired, at 2001-01-01T00:00:00Z: renew it").await;
    let [early, early_key] = authority.renew(&[], (3000, 3001));
    check(
        (&early, &early_key),
        12,
        "the certificate in CERT is not good before 3000-01-01T00:00:00Z: wait, or set this machine's clock",
    )
    .await;
}

/// An answer that cannot be finished ends as no whole one does: neither by TLS's own word nor by TCP's.
#[tokio::test]
async fn an_answer_that_is_cut_is_a_reset() {
    let (authority, mut target) = (Authority::new(), Target::start());
    let tunnel = tunnel(&authority, &target.url(), &[]).await;
    let mut visitor = authority.visit(&tunnel.server).await;
    visitor.write_all(b"GET /app HTTP/1.0\r\nHost: a.example\r\n\r\n").await.unwrap();
    let mut service = target.accept().await;
    service.head().await;
    service.send("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n").await;
    let mut said = Vec::new();
    while !said.ends_with(b"hello") {
        timeout(PATIENCE, visitor.read_buf(&mut said)).await.expect("in time").expect("an answer");
    }
    service.cut();
    let end = timeout(PATIENCE, visitor.read_to_end(&mut said)).await.expect("an end");
    assert_eq!(end.map_err(|cause| cause.kind()), Err(std::io::ErrorKind::ConnectionReset));
}

const UPGRADE: &str = "GET /app HTTP/1.1\r\nHost: a.example\r\nConnection: upgrade\r\nUpgrade: own\r\n\r\n";

#[tokio::test]
async fn an_end_is_told_from_a_cut() {
    let (authority, mut target) = (Authority::new(), Target::start());
    let tunnel = tunnel(&authority, &target.url(), &[]).await;
    for (in_order, end) in [(true, End::Closed), (false, End::Reset)] {
        let mut visitor = Peer::new(authority.visit(&tunnel.server).await);
        visitor.send(UPGRADE).await;
        let mut service = target.accept().await;
        service.head().await;
        service.send("HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\nUpgrade: own\r\n\r\n").await;
        visitor.head().await;
        visitor.send("said").await;
        service.expect("said").await;
        if in_order {
            visitor.finish().await;
        } else {
            // TCP's end alone, as anybody on the way could say it.
            let (mut socket, _) = visitor.into_stream().into_inner();
            socket.shutdown().await.unwrap();
            assert_eq!(service.rest().await, (String::new(), end));
            continue;
        }
        assert_eq!(service.rest().await, (String::new(), end));
        service.send("heard").await;
        service.finish().await;
        assert_eq!(visitor.rest().await, ("heard".to_owned(), End::Closed));
    }
}

/// Who has said all, in TLS's own words, is answered.
#[tokio::test]
async fn a_visitor_who_has_said_all_is_answered() {
    let (authority, mut target) = (Authority::new(), Target::start());
    let tunnel = tunnel(&authority, &target.url(), &[]).await;
    let mut visitor = Peer::new(authority.visit(&tunnel.server).await);
    visitor.send("GET /app HTTP/1.1\r\nHost: a.example\r\n\r\n").await;
    visitor.finish().await;
    let mut service = target.accept().await;
    service.head().await;
    service.send("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello").await;
    assert_eq!(visitor.head().await.status(), "200");
    assert_eq!(visitor.rest().await, ("hello".to_owned(), End::Closed));
}

/// A handshake that does not go on keeps nobody out, and where there is room enough it has as long as a head.
#[tokio::test]
async fn who_only_begins_a_handshake_makes_room() {
    let authority = Authority::new();
    let server = authority.serve(&[], &["--max-connections", "4"]).await;
    let mut silent = Vec::new();
    for said in [&b""[..], &[22, 3, 1], &[22, 3, 1, 1, 0, 1], &[22, 3, 1, 2, 0, 1, 0, 1, 252, 3, 3]] {
        let mut visitor = server.visit().await;
        visitor.send(said).await;
        silent.push(visitor);
        // By now the server waits for the rest of it.
        answered(&authority, &server).await;
    }
    for _ in 0..4 {
        answered(&authority, &server).await;
    }
    for mut visitor in silent {
        visitor.rest().await;
    }
}

/// A visit that goes well.
async fn answered(authority: &Authority, server: &Server) {
    let mut visitor = Peer::new(authority.visit(server).await);
    visitor.send("GET / HTTP/1.1\r\nHost: a.example\r\nConnection: close\r\n\r\n").await;
    assert_eq!(visitor.head().await.status(), "200");
    visitor.rest().await;
}

/// Where all are at work who comes is told so in TLS's own words, for an answer would take a handshake.
#[tokio::test]
async fn who_finds_no_place_is_told_so() {
    let authority = Authority::new();
    let server = authority.serve(&[], &["--max-connections", "2"]).await;
    let mut busy = Vec::new();
    for _ in 0..2 {
        let mut visitor = Peer::new(authority.visit(&server).await);
        let head = format!("POST {} HTTP/1.1\r\nHost: a.example\r\nContent-Length: 100\r\n", crate::v2::OPEN);
        visitor.send(format!("{head}Expect: 100-continue\r\n\r\n")).await;
        assert_eq!(visitor.head().await.status(), "100");
        busy.push(visitor);
    }
    let stream = TcpStream::connect(server.addr).await.unwrap();
    let refused = timeout(PATIENCE, authority.connector(&[]).connect(ServerName::from(server.addr.ip()), stream)).await;
    let cause = refused.expect("in time").expect_err("no handshake");
    assert!(cause.to_string().contains("InternalError"), "{cause}");
}

/// What is no TLS ends at once.
#[tokio::test]
async fn what_is_no_tls_is_not_served() {
    let authority = Authority::new();
    let server = authority.serve(&[], &[]).await;
    for said in ["GET / HTTP/1.1\r\nHost: a.example\r\n\r\n", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", "\0\0\0\0\0\0"] {
        let mut visitor = server.visit().await;
        visitor.send(said).await;
        let (said, _) = visitor.rest().await;
        assert!(!said.contains("HTTP/1.1 200"), "{said}");
    }
}

#[tokio::test]
async fn plain_visitors_are_sent_to_https_and_clients_are_not() {
    let (authority, target) = (Authority::new(), Target::start());
    let mut server = authority.serve(&[], &["--redirect-addr", "127.0.0.1:0"]).await;
    let said = server.program.printed(|output| output.stderr.contains("Redirecting to https: ")).await.stderr;
    let plain = said.lines().find_map(|line| line.split_once("Redirecting to https: ")).unwrap().1.to_owned();
    let mut visitor = Peer::new(TcpStream::connect(&plain).await.unwrap());
    visitor.send("GET /app/x?y HTTP/1.1\r\nHost: a.example:8080\r\n\r\n").await;
    let head = visitor.head().await;
    let location = format!("https://a.example:{}/app/x?y", server.addr.port());
    assert_eq!((head.status(), head.value("location")), ("307", Some(&*location)));
    let mut client = Client::begin(&format!("http://{plain}/app"), &target.url(), &[]);
    assert_eq!(client.program.ended().await, Some(8));
    let told = client.program.all().await.stderr;
    assert!(told.contains("tokens are taken over `https://` alone"), "{told}");
}
