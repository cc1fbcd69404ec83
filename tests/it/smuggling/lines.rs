//! Hosts, request lines, and each control character in each place of a head.

use super::Case;
use super::cases::HOST;

pub(super) fn all() -> Vec<Case> {
    [hosts(), lines()].concat()
}

fn hosts() -> Vec<Case> {
    let mut cases = Vec::new();
    let get = |target: &str, lines: &str| format!("GET {target} HTTP/1.1\r\n{lines}\r\n");
    for lines in [
        "",
        "Host:\r\n",
        "Host: a b\r\n",
        "Host: a.example\r\nHost: b.example\r\n",
        "Host: a.example\r\nhost: a.example\r\n",
        "Host: a.example, b.example\r\n",
        "Host: u@a.example\r\n",
        "Host: a.example/x\r\n",
        "Host: http://a.example\r\n",
        "Host: a.example\0\r\n",
        "Host: a.example#\r\n",
        "Host: a.example?\r\n",
        "Host : a.example\r\n",
        " Host: a.example\r\n",
        "Host: a.example\r\n Host: b.example\r\n",
        "Host: a\\b\r\n",
        "Host: \u{e9}\r\n",
        "Host: a.example:80:81\r\n",
    ] {
        cases.push(Case::refused(format!("{lines:?}"), get("{path}/one", lines)));
    }
    for lines in [
        "Host: a.example:81\r\n",
        "Host:a.example\r\n",
        "Host: [::1]:80\r\n",
        "Host: A.EXAMPLE\r\n",
        "Host: 127.0.0.1\r\n",
    ] {
        cases.push(Case::one(format!("{lines:?}"), get("{path}/one", lines), ""));
    }
    for (target, passes) in [
        ("http://b.example{path}/one", true),
        ("HTTP://b.example:80{path}/one", true),
        ("http://u@b.example{path}/one", false),
        ("http://u:p@b.example{path}/one", false),
        ("http://{path}/one", false),
        ("{path}/one#/../canary", false),
        ("{path}/one b", false),
        ("{path}/one\t", false),
        ("{path}/o\0ne", false),
        ("a.example:80", false),
    ] {
        let bytes = get(target, HOST);
        let case = Case::one(target, &bytes, "");
        cases.push(if passes { case } else { Case::refused(target, bytes) });
    }
    cases
}

/// Each control character in each place of a head where one might stand.
fn lines() -> Vec<Case> {
    let mut cases = Vec::new();
    for byte in (0..0x20).chain([0x7f]) {
        let byte = char::from(byte);
        for (place, head) in [
            ("in the method", format!("GE{byte}T {{path}}/one HTTP/1.1\r\n{HOST}")),
            ("in the target", format!("GET {{path}}/o{byte}ne HTTP/1.1\r\n{HOST}")),
            ("in the version", format!("GET {{path}}/one HTTP/1{byte}.1\r\n{HOST}")),
            ("behind the version", format!("GET {{path}}/one HTTP/1.1{byte}\r\n{HOST}")),
            ("in a name", format!("GET {{path}}/one HTTP/1.1\r\n{HOST}X{byte}Y: a\r\n")),
            ("before a colon", format!("GET {{path}}/one HTTP/1.1\r\n{HOST}X{byte}: a\r\n")),
            ("before a name", format!("GET {{path}}/one HTTP/1.1\r\n{HOST}{byte}X: a\r\n")),
            ("before a value", format!("GET {{path}}/one HTTP/1.1\r\n{HOST}X:{byte}a\r\n")),
            ("in a value", format!("GET {{path}}/one HTTP/1.1\r\n{HOST}X: a{byte}b\r\n")),
            ("behind a value", format!("GET {{path}}/one HTTP/1.1\r\n{HOST}X: a{byte}\r\n")),
        ] {
            let (name, bytes) = (format!("{byte:?} {place}"), format!("{head}\r\n"));
            let tab = byte == '\t' && place.ends_with("value");
            cases.push(if tab { Case::one(name, bytes, "") } else { Case::refused(name, bytes) });
        }
    }
    let get = format!("GET {{path}}/one HTTP/1.1\r\n{HOST}\r\n");
    for (name, bytes) in [
        ("line feeds alone", get.replace("\r\n", "\n")),
        ("carriage returns alone", get.replace("\r\n", "\r")),
        ("a line feed alone behind the request line", get.replacen("\r\n", "\n", 1)),
        ("an empty line of a line feed", get.replace("\r\n\r\n", "\r\n\n")),
        ("an empty line with a space", get.replace("\r\n\r\n", "\r\n \r\n\r\n")),
        ("a space before the request line", format!(" {get}")),
        ("a line feed before the request line", format!("\n{get}")),
        ("two spaces", get.replacen(' ', "  ", 1)),
        ("a tab for a space", get.replacen(' ', "\t", 1)),
        ("no version", "GET {path}/one\r\n\r\n".to_owned()),
        ("a header line first", format!("X: y\r\n{get}")),
        ("a line without a colon", get.replace("Host", "NoColon\r\nHost")),
        ("a line without a name", get.replace("Host", ": a\r\nHost")),
        ("a folded line first", get.replace("Host", " a: b\r\nHost")),
        ("another request line", get.replace("Host", "GET /app/canary HTTP/1.1\r\nHost")),
    ] {
        cases.push(Case::refused(name, bytes));
    }
    cases.push(Case::one("an empty line before the request line", format!("\r\n{get}"), ""));
    cases
}
