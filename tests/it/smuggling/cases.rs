//! What is sent: the classes of request smuggling, crossed with each other.

use super::{CANARY, Case, Meant, chunked, framings, headers, lines};

pub(super) const HOST: &str = "Host: a.example\r\n";

pub(super) fn all() -> Vec<Case> {
    [framings::all(), lengths(), headers::all(), chunked::all(), lines::all(), pipelines(), others()].concat()
}

/// A request to `/one` with these header lines and this body.
pub(super) fn post(lines: &str, body: &str) -> String {
    format!("POST {{path}}/one HTTP/1.1\r\n{HOST}{lines}\r\n{body}")
}

/// A body in chunks that hides a request from who reads the length, and one with a length that hides one from who
/// reads chunks.
pub(super) fn bodies() -> [(&'static str, String); 3] {
    let canary = CANARY.replace("{path}", "/app/xxxx");
    [
        ("chunked ends first", format!("0\r\n\r\n{canary}")),
        ("length ends first", format!("{:x}\r\n{canary}\r\n0\r\n\r\n", canary.len())),
        ("both end", "0\r\n\r\n".to_owned()),
    ]
}

/// Lengths that are none, alone and beside one that is.
fn lengths() -> Vec<Case> {
    let odd = [
        "+5",
        "-5",
        "-0",
        "5 5",
        "5,5",
        "5, 5",
        "5,",
        ",5",
        "0x5",
        "5x",
        "05",
        "00",
        "5.0",
        "5e0",
        "\"5\"",
        "",
        "five",
        "\u{665}",
        "5;a",
        "5\u{b}",
        "\u{c}5",
        "5\0",
        "18446744073709551616",
        "18446744073709551621",
        "9223372036854775808",
        "99999999999999999999999999",
        "5\r\n ",
        "\r\n 5",
        "5\n",
        "5\r",
    ];
    let mut cases = Vec::new();
    for length in odd {
        for lines in [
            format!("Content-Length: {length}\r\n"),
            format!("Content-Length: {length}\r\nContent-Length: 5\r\n"),
            format!("Content-Length: 5\r\nContent-Length: {length}\r\n"),
        ] {
            cases.push(Case::refused(format!("{lines:?}"), post(&lines, "hello")));
        }
    }
    for lines in [
        "Content-Length: 5\r\nContent-Length: 6\r\n",
        "Content-Length: 0\r\nContent-Length: 5\r\n",
        "Content-Length: 5\r\nX: y\r\ncontent-length: 0\r\n",
        "Content-Length : 5\r\n",
        "Content-Length\t: 5\r\n",
        " Content-Length: 5\r\n",
        "Content_Length: 5\r\n",
        "Content-Length\0: 5\r\n",
    ] {
        cases.push(Case::refused(format!("{lines:?}"), post(lines, "hello")));
    }
    for lines in [
        "Content-Length: 5\r\n",
        "content-length:5\r\n",
        "Content-Length:\t5 \r\n",
        "Content-Length: 5\r\nContent-Length: 5\r\n",
    ] {
        cases.push(Case::one(format!("{lines:?}"), post(lines, "hello"), "hello"));
    }
    // CL.0: a body that is a request stays a body, whatever the method and what `Connection` says of its length.
    for method in ["GET", "HEAD", "DELETE", "OPTIONS", "POST", "PUT", "QUERY"] {
        for extra in ["", "Connection: Content-Length\r\n", "Connection: keep-alive, content-length\r\n"] {
            let body = "GET /app/xxxx/canary HTTP/1.1\r\nHost: a.example\r\n\r\n";
            let bytes =
                format!("{method} {{path}}/one HTTP/1.1\r\n{HOST}Content-Length: {}\r\n{extra}\r\n{body}", body.len());
            cases.push(Case::one(format!("{method} with a request as its body, {extra:?}"), bytes, body));
        }
    }
    cases
}

fn pipelines() -> Vec<Case> {
    let get = |end: &str| format!("GET {{path}}/{end} HTTP/1.1\r\n{HOST}\r\n");
    let bad = "GET {path}/bad HTTP/1.1\r\nHost : a.example\r\n\r\n";
    let put = "PUT {path}/put HTTP/1.1\r\nHost: a.example\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nhi\r\n0\r\n\r\n";
    let (one, two): ((&str, Vec<u8>), _) = (("one", Vec::new()), ("two", Vec::new()));
    let hi = ("put", b"hi".to_vec());
    let requests = [one.clone(), hi.clone(), two.clone()].to_vec();
    vec![
        Case::new("three at once", [get("one"), put.to_owned(), get("two")].concat(), Meant::Requests(requests)),
        Case::new(
            "a bad one in second place",
            [&*get("one"), bad, &get("two")].concat(),
            Meant::Refused(vec![one.clone()]),
        ),
        Case::new("a bad one in third place", [&*get("one"), put, bad].concat(), Meant::Refused(vec![one, hi])),
        Case::refused("a bad one first", [bad, &get("one")].concat()),
    ]
}

/// Expectations, upgrades, old versions and injections.
fn others() -> Vec<Case> {
    let mut cases = Vec::new();
    let body = "GET /app/xxxx/canary HTTP/1.1\r\nHost: a.example\r\n\r\n";
    let length = format!("Content-Length: {}\r\n", body.len());
    for expect in [
        "100-continue",
        "100-Continue",
        " 100-continue ",
        "x",
        "100-continue, x",
        "x 100-continue",
        "100-continue\r\nExpect: 100-continue",
        "",
    ] {
        let bytes = post(&format!("Expect:{expect}\r\n{length}"), body);
        cases.push(Case::one(format!("Expect:{expect}"), bytes, body));
    }
    // A target that stays with HTTP is one that has been asked nothing else.
    for upgrade in ["websocket", "h2c", "HTTP/2.0", "TLS/1.0", "x, y", ""] {
        for connection in ["Upgrade", "keep-alive, upgrade", "close-not", "HTTP2-Settings, Upgrade"] {
            let bytes = post(&format!("Connection: {connection}\r\nUpgrade: {upgrade}\r\n{length}"), body);
            cases.push(Case::one(format!("Upgrade: {upgrade}, Connection: {connection}"), bytes, body));
        }
    }
    for injected in
        ["%0d%0aX:%20y", "%0d%0a%0d%0aGET%20/", "%00", "%20HTTP/1.1%0d%0a", "?a=%0d%0a", "\\r\\n", "%E5%98%8A%E5%98%8D"]
    {
        let bytes = format!("GET {{path}}/{injected} HTTP/1.1\r\n{HOST}\r\n");
        cases.push(Case::new(injected, bytes, Meant::Requests(vec![(injected, Vec::new())])));
    }
    for method in ["CONNECT", "SENDIT-REFUSED", "PRI", "G(T", "", "GET\u{e9}"] {
        let target = if method == "PRI" { "*" } else { "{path}/one" };
        let version = if method == "PRI" { "2.0" } else { "1.1" };
        cases.push(Case::refused(format!("{method:?}"), format!("{method} {target} HTTP/{version}\r\n{HOST}\r\n")));
    }
    let old = format!("POST {{path}}/one HTTP/1.0\r\n{HOST}Connection: keep-alive\r\n{length}\r\n{body}");
    cases.push(Case::one("HTTP/1.0 with a length", old, body));
    cases
}

/// What a head of the public corpus makes of each body, its length said where the head says it.
pub(super) fn of_template(name: &str, head: &str) -> Vec<Case> {
    let case = |(shape, body): (&str, String)| {
        let head = head
            .replace("__METHOD__", "POST")
            .replace("__ENDPOINT__?cb=__RANDOM__", "{path}/one")
            .replace("__ENDPOINT__", "{path}/one")
            .replace("__HOST__", "a.example")
            .replace("__RANDOM__", "1")
            .replace("__REPLACE_CL__", &body.len().to_string());
        let line = if head.contains("Content-Length") { "" } else { "Content-Length: 0\r\n" };
        Case::new(format!("{name}, {shape}"), format!("{head}{line}\r\n{body}"), Meant::Either)
    };
    bodies().into_iter().map(case).collect()
}
