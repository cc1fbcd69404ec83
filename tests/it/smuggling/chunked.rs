//! Chunked bodies: sizes, extensions, line ends and trailers that readers take differently.

use super::Case;
use super::cases::post;

const CHUNKED: &str = "Transfer-Encoding: chunked\r\n";

pub(super) fn all() -> Vec<Case> {
    let mut cases = Vec::new();
    for (body, content) in [
        ("5\r\nhello\r\n0\r\n\r\n", "hello"),
        ("00005\r\nhello\r\n000\r\n\r\n", "hello"),
        ("A\r\n0123456789\r\n0\r\n\r\n", "0123456789"),
        ("a\r\n0123456789\r\n0\r\n\r\n", "0123456789"),
        ("5;a\r\nhello\r\n0;b=c\r\n\r\n", "hello"),
        ("5;a=\"b;c\"\r\nhello\r\n0\r\n\r\n", "hello"),
        ("5;\r\nhello\r\n0\r\n\r\n", "hello"),
        ("5\r\n\r\n0\r\n\r\n0\r\n\r\n", "\r\n0\r\n"),
        ("1\r\nh\r\n1\r\ni\r\n0\r\n\r\n", "hi"),
        // Framing and routing in a trailer is none: it does not reach the target.
        ("2\r\nhi\r\n0\r\nContent-Length: 9\r\n\r\n", "hi"),
        ("2\r\nhi\r\n0\r\nTransfer-Encoding: chunked\r\n\r\n", "hi"),
        ("2\r\nhi\r\n0\r\nHost: b.example\r\n\r\n", "hi"),
        ("2\r\nhi\r\n0\r\nX: y\r\n\r\n", "hi"),
    ] {
        cases.push(Case::one(format!("{body:?}"), post(CHUNKED, body), content));
    }
    for size in sizes() {
        for (name, body) in [
            ("first", format!("{size}\r\nhello\r\n0\r\n\r\n")),
            ("second", format!("2\r\nhi\r\n{size}\r\nhello\r\n0\r\n\r\n")),
        ] {
            cases.push(Case::refused(format!("the size {size:?}, {name}"), post(CHUNKED, &body)));
        }
    }
    let ends = [
        "5\r\nhello0\r\n\r\n",
        "5\r\nhello\n0\r\n\r\n",
        "5\r\nhello\r0\r\n\r\n",
        "5\r\nhello!\r\n0\r\n\r\n",
        "5\r\nhello\r\r\n0\r\n\r\n",
        "5\r\nhello\r\n\r\n0\r\n\r\n",
        "5\nhello\n0\n\n",
        "0\n\r\n",
        "0\r\n\n",
        "0\r\r\n\r\n",
        "0\r\n X: folded\r\n\r\n",
        "0\r\nX : y\r\n\r\n",
        "0\r\nX\r\n\r\n",
        "0\r\n: y\r\n\r\n",
        "0\r\nX: y\n\r\n",
        "0\r\nX: y\rZ: z\r\n\r\n",
        "0\r\nX: \0\r\n\r\n",
        "0\r\nX: y\r\n folded\r\n\r\n",
        "0\r\nGET /app/xxxx/canary HTTP/1.1\r\n\r\n",
    ];
    cases.extend(ends.map(|body| Case::refused(format!("{body:?}"), post(CHUNKED, body))));
    cases
}

/// Sizes that are none, each of which someone reads as 5, as 0, or as what is left of it after an overflow.
fn sizes() -> Vec<String> {
    let plain = [
        "",
        " 5",
        "5 ",
        "\t5",
        "5\t",
        "+5",
        "-5",
        "-0",
        "-ffffffff",
        "0x5",
        "0X5",
        "5x",
        "5h",
        "x5",
        "5,5",
        "5.0",
        "5 5",
        "\"5\"",
        "5:",
        "5=a",
        "5\0",
        "\u{0}5",
        "5\u{b}",
        "5\u{c}",
        "5 ;a",
        "5;a\nb",
        "5;a\rb",
        "5;\0",
        "5;\n",
        "5\n",
        "\n5",
        "\r\n5",
        "5\r",
        "５",
        "\u{665}",
        "five",
        "_5",
        "1_0",
        "10000000000000005",
        "ffffffffffffffff",
        "fffffffffffffffff",
        "100000000000000000000000000000005",
        "0000000000000000000000000000000000000005",
    ];
    let mut sizes: Vec<String> = plain.map(ToOwned::to_owned).to_vec();
    sizes.push(format!("5;{}", "a".repeat(2_000)));
    sizes
}
