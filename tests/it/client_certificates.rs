//! Clients that say by a certificate who they are, beside their token; visitors need none.

use tokio::net::TcpStream;
use tokio_rustls::rustls::pki_types::ServerName;

use crate::certificates::{Authority, GOOD, connector};
use crate::peer::Peer;
use crate::target::Target;
use crate::tunnel::{Client, Server};
use crate::world::{Program, sendit};

/// A server, who vouches for it, and who vouches for its clients.
struct Place {
    authority: Authority,
    clients: Authority,
    server: Server,
}

impl Place {
    async fn new() -> Self {
        let (authority, clients) = (Authority::new(), Authority::new());
        let ca = clients.path("ca.pem");
        let server = authority.serve(&[], &["--client-ca-file", &ca, "--admin", "127.0.0.1:0"]).await;
        Self { authority, clients, server }
    }

    /// The flags of a client with a certificate that this authority has issued.
    fn flags(&self, by: &Authority, years: (i32, i32)) -> Vec<String> {
        let [certificate, key] = by.renew(&["jo.example"], years);
        let ca = self.authority.path("ca.pem");
        ["--ca-file", &ca, "--client-cert", &certificate, "--client-key", &key].map(ToOwned::to_owned).to_vec()
    }

    fn begin(&self, flags: &[String], more: &[&str], target: &Target) -> Client {
        let flags: Vec<&str> = flags.iter().map(String::as_str).chain(more.iter().copied()).collect();
        Client::begin(&format!("https://{}/app", self.server.addr), &target.url(), &flags)
    }
}

#[tokio::test]
async fn clients_present_one_and_visitors_need_none() {
    let (place, mut target) = (Place::new().await, Target::start());
    let flags = place.flags(&place.clients, GOOD);
    for (wire, ready) in [("v2", 1), ("v1", 1)] {
        let mut client = place.begin(&flags, &["--wire", wire, "--max-ttl", "100ms"], &target);
        client.ready(ready).await;
        let mut visitor = Peer::new(place.authority.visit(&place.server).await);
        visitor.send("GET /app HTTP/1.1\r\nHost: a.example\r\nConnection: close\r\n\r\n").await;
        let mut service = target.accept().await;
        service.head().await;
        service.send("HTTP/1.1 204 No Content\r\nConnection: close\r\n\r\n").await;
        assert_eq!(visitor.head().await.status(), "204");
        client.program.terminate().await;
        assert_eq!(client.program.ended().await, Some(0));
    }
}

/// Each ends with exit code 12 and a sentence, on either wire, and so does an examination.
#[tokio::test]
async fn a_client_without_one_that_is_good_is_told_why() {
    let (mut place, target, stranger) = (Place::new().await, Target::start(), Authority::new());
    let none = ["--ca-file".to_owned(), place.authority.path("ca.pem")].to_vec();
    for (flags, cause) in [
        (none.clone(), "a client certificate is asked for, and none was presented"),
        (place.flags(&stranger, GOOD), "the client certificate is of no authority that is known here"),
        (place.flags(&place.clients, (2020, 2021)), "the certificate in `CERT` has expired"),
    ] {
        for wire in ["v2", "v1"] {
            let mut client = place.begin(&flags, &["--wire", wire], &target);
            assert_eq!(client.program.ended().await, Some(12), "{cause} {wire}");
            let said = client.program.all().await.stderr;
            let cause = cause.replace("CERT", &place.clients.path("cert.pem"));
            assert!(said.contains(&cause), "{said}");
        }
    }
    let mut doctor = sendit();
    doctor.arg("doctor").args(none).arg(format!("https://{}", place.server.addr));
    let mut doctor = Program::start(doctor);
    assert_eq!(doctor.ended().await, Some(12));
    assert!(doctor.all().await.stderr.contains("none was presented"));
    // A client knows by itself that its certificate has expired, and asks nobody.
    let counted = place.server.told("/metrics").await.1;
    for line in ["missing\"} 3\n", "expired\"} 0\n", "unknown\"} 2\n"] {
        assert!(counted.contains(&format!("sendit_clients_uncertified_total{{certificate=\"{line}")), "{counted}");
    }
}

/// What a session's own secret would prove is not enough.
#[tokio::test]
async fn no_control_endpoint_does_without() {
    let place = Place::new().await;
    let ca = std::fs::read_to_string(place.authority.path("ca.pem")).unwrap();
    for (wire, endpoint) in [
        ("v1", "open"),
        ("v1", "read"),
        ("v1", "write"),
        ("v1", "drain"),
        ("v2", "open"),
        ("v2", "read"),
        ("v2", "write"),
        ("v2", "drain"),
        ("v2", "examine"),
        ("v2", "measure/down"),
        ("v2", "measure/up"),
    ] {
        let stream = TcpStream::connect(place.server.addr).await.unwrap();
        let name = ServerName::from(place.server.addr.ip());
        let mut client = Peer::new(connector(&ca, &["http/1.1"]).connect(name, stream).await.unwrap());
        let path = format!("/.well-known/sendit/{wire}/{endpoint}");
        client
            .send(format!("POST {path} HTTP/1.1\r\nHost: a.example\r\nConnection: close\r\nContent-Length: 0\r\n\r\n"))
            .await;
        assert_eq!(client.head().await.status(), "403", "{path}");
        let (body, _) = client.rest().await;
        assert!(body.contains("a client certificate is asked for"), "{path}: {body}");
    }
}

/// A client whose authority is believed no more is let in no more: not with the next carrier either.
#[tokio::test]
async fn authorities_are_read_again() {
    let (mut place, target, other) = (Place::new().await, Target::start(), Authority::new());
    let flags = place.flags(&place.clients, GOOD);
    let mut client = place.begin(&flags, &["--max-ttl", "100ms"], &target);
    client.ready(1).await;
    let text = std::fs::read_to_string(other.path("ca.pem")).unwrap();
    place.clients.write("ca.pem", "no certificate");
    let unusable = "the authorities of clients cannot be used; those before are still believed";
    place.server.program.printed(|output| output.stderr.contains(unusable)).await;
    place.clients.write("ca.pem", &text);
    place.server.program.signal("-HUP").await;
    place.server.program.printed(|output| output.stderr.contains("the authorities of clients have changed")).await;
    assert_eq!(client.program.ended().await, Some(12));
    let flags = place.flags(&other, GOOD);
    place.begin(&flags, &[], &target).ready(1).await;
}

#[tokio::test]
async fn files_that_are_of_no_use_are_refused_at_the_start() {
    let authority = Authority::new();
    let [certificate, key] = authority.renew(&[], GOOD);
    let (ca, gone) = (authority.path("ca.pem"), authority.path("gone"));
    let tls = ["--tls-cert", &certificate, "--tls-key", &key];
    let check = async |command: &[&str], args: &[&str], exit: i32, sentence: &str| {
        let mut started = sendit();
        started.args(command).args(args);
        let mut program = Program::start(started);
        assert_eq!(program.ended().await, Some(exit), "{sentence}");
        assert_eq!(program.all().await.stderr, format!("error: {sentence}\n"));
    };
    let serve = &["serve", "--addr", "127.0.0.1:0"];
    let sentence =
        "`--client-ca-file` is of no use without `--tls-cert` or `--acme`: certificates are shown by TLS alone";
    check(serve, &["--client-ca-file", &ca], 2, sentence).await;
    let sentence = format!("cannot read the file `{gone}`: there is no such file or directory");
    check(serve, &[&tls[..], &["--client-ca-file", &gone]].concat(), 7, &sentence).await;
    let sentence =
        format!("the file `{key}` cannot be used: there is no certificate of an authority in it; give a PEM file");
    check(serve, &[&tls[..], &["--client-ca-file", &key]].concat(), 12, &sentence).await;
    let connect = &["connect", "https://127.0.0.1:1/app", "http://127.0.0.1:1"];
    let sentence = "`--client-cert` takes `--client-key` as well: the key of the certificate";
    check(connect, &["--client-cert", &certificate], 2, sentence).await;
    let sentence = format!("there is no private key in `{ca}`: give a PEM file with a key that has no password");
    check(connect, &["--client-cert", &certificate, "--client-key", &ca], 12, &sentence).await;
}
