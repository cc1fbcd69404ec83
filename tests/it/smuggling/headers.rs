//! Headers that end, hide or name others, and heads that are too large.

use super::Case;
use super::cases::post;

pub(super) fn all() -> Vec<Case> {
    let mut cases = Vec::new();
    for name in
        ["Host", "Content-Length", "Transfer-Encoding", "Cookie", "X-Forwarded-For", "Connection", "Upgrade", "Expect"]
    {
        for (place, lines) in [
            ("folded with a space", format!("X: a\r\n {name}: b\r\n")),
            ("folded with a tab", format!("X: a\r\n\t{name}: b\r\n")),
            ("behind a line feed", format!("X: a\n{name}: b\r\n")),
            ("behind a carriage return", format!("X: a\r{name}: b\r\n")),
            ("behind a NUL", format!("X: a\0{name}: b\r\n")),
            ("with a space before its colon", format!("{name} : b\r\n")),
            ("with a space in it", format!("{} {name}: b\r\n", "X")),
            ("behind an empty name", format!(": {name}: b\r\n")),
        ] {
            cases.push(Case::refused(format!("`{name}` {place}"), post(&lines, "")));
        }
    }
    // What `Connection` names ends at the hop, and takes nothing with it that frames the message.
    for named in [
        "host",
        "content-length",
        "transfer-encoding",
        "trailer",
        "x, content-length",
        "te, host",
        "\"",
        "a b",
        ",,,",
        "Content-Length:",
    ] {
        let lines = format!("Connection: {named}\r\nContent-Length: 5\r\n");
        cases.push(Case::one(format!("Connection: {named}"), post(&lines, "hello"), "hello"));
        let lines = format!("Connection: {named}\r\nTransfer-Encoding: chunked\r\n");
        cases.push(Case::one(
            format!("Connection: {named}, chunked"),
            post(&lines, "5\r\nhello\r\n0\r\n\r\n"),
            "hello",
        ));
    }
    for (name, lines) in [
        ("101 lines", "X: y\r\n".repeat(101)),
        ("a line of 70 KB", format!("X: {}\r\n", "a".repeat(70_000))),
        ("a name of 70 KB", format!("{}: a\r\n", "X".repeat(70_000))),
        ("a head of 70 KB", format!("X: {}\r\n", "a".repeat(2_000)).repeat(35)),
    ] {
        cases.push(Case::refused(name, post(&lines, "")));
    }
    cases.push(Case::refused("a target of 70 KB", format!("GET {{path}}/{} HTTP/1.1\r\n", "a".repeat(70_000))));
    for lines in ["X: y\r\n".repeat(98), format!("X: {}\r\n", "a".repeat(60_000))] {
        cases.push(Case::one("as large as it may be", post(&lines, ""), ""));
    }
    cases
}
