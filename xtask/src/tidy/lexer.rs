//! Rust source as tokens with their lines. Comments, strings, characters and lifetimes are gone, so that what is
//! left is code. Knows the lexical grammar and nothing of modules.

/// What is left of the source, in order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Token<'a> {
    /// An identifier or a keyword.
    Word(&'a str),
    /// `::`
    Separator,
    /// Any other character that is not white space.
    Mark(char),
}

/// A token and the line that it stands on, counted from 1.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Located<'a> {
    pub(crate) line: usize,
    pub(crate) token: Token<'a>,
}

/// Splits `source`; text that is no Rust gives some tokens too, never a panic.
pub(crate) fn tokens(source: &str) -> Vec<Located<'_>> {
    let mut found = Vec::new();
    let (mut rest, mut line) = (source, 1);
    while let Some(first) = rest.chars().next() {
        let (length, token) = next(rest, first);
        found.extend(token.map(|token| Located { line, token }));
        line += rest[..length].matches('\n').count();
        rest = &rest[length..];
    }
    found
}

/// How many bytes come off the front of `rest`, which starts with `first`, and which token they are, if any.
fn next(rest: &str, first: char) -> (usize, Option<Token<'_>>) {
    if rest.starts_with("//") {
        (rest.find('\n').unwrap_or(rest.len()), None)
    } else if rest.starts_with("/*") {
        (block_comment(rest), None)
    } else if let Some(length) = string(rest) {
        (length, None)
    } else if first == '\'' {
        (character_or_lifetime(rest), None)
    } else if is_word(first) {
        let length = word(rest);
        let token = if first.is_ascii_digit() { None } else { Some(Token::Word(&rest[..length])) };
        (length, token)
    } else if rest.starts_with("::") {
        (2, Some(Token::Separator))
    } else if first.is_whitespace() {
        (first.len_utf8(), None)
    } else {
        (first.len_utf8(), Some(Token::Mark(first)))
    }
}

fn is_word(c: char) -> bool {
    c == '_' || c.is_alphanumeric()
}

fn word(rest: &str) -> usize {
    rest.find(|c| !is_word(c)).unwrap_or(rest.len())
}

/// Block comments nest.
fn block_comment(rest: &str) -> usize {
    let (mut at, mut depth) = (0, 0_usize);
    while let Some(found) = rest[at..].find(['/', '*']) {
        at += found;
        if rest[at..].starts_with("/*") {
            depth += 1;
            at += 2;
        } else if rest[at..].starts_with("*/") {
            depth -= 1;
            at += 2;
            if depth == 0 {
                return at;
            }
        } else {
            at += 1;
        }
    }
    rest.len()
}

/// The length of the string literal at the front: plain, byte, C, raw.
fn string(rest: &str) -> Option<usize> {
    let prefix = ["br", "cr", "b", "c", "r", ""].into_iter().find(|prefix| rest.starts_with(prefix))?;
    let after = &rest[prefix.len()..];
    let hashes = if prefix.ends_with('r') { after.len() - after.trim_start_matches('#').len() } else { 0 };
    let body = after[hashes..].strip_prefix('"')?;
    let opening = prefix.len() + hashes + 1;
    let closing = if prefix.ends_with('r') {
        let end = format!("\"{}", "#".repeat(hashes));
        body.find(&end).map(|at| at + end.len())
    } else {
        unescaped(body, '"')
    };
    Some(closing.map_or(rest.len(), |closing| opening + closing))
}

/// The length up to and with the first `end` that no backslash precedes.
fn unescaped(body: &str, end: char) -> Option<usize> {
    let mut escaped = false;
    for (at, c) in body.char_indices() {
        if escaped {
            escaped = false;
        } else if c == '\\' {
            escaped = true;
        } else if c == end {
            return Some(at + c.len_utf8());
        }
    }
    None
}

/// `'a'` is a character, `'a` a lifetime; the second character after the quote tells them apart.
fn character_or_lifetime(rest: &str) -> usize {
    let body = &rest[1..];
    let mut chars = body.chars();
    match (chars.next(), chars.next()) {
        (Some('\\'), _) | (Some(_), Some('\'')) => 1 + unescaped(body, '\'').unwrap_or(0),
        _ => 1 + word(body),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(source: &str, expected: &str) {
        let text = |located: Located<'_>| match located.token {
            Token::Word(word) => format!("{}:{word}", located.line),
            Token::Separator => "::".to_owned(),
            Token::Mark(mark) => mark.to_string(),
        };
        assert_eq!(tokens(source).into_iter().map(text).collect::<Vec<_>>().join(" "), expected, "{source}");
    }

    #[test]
    fn only_code_is_left() {
        check("a::b\nc", "1:a :: 1:b 2:c");
        check("a // crate::x\nb", "1:a 2:b");
        check("a /* crate::x /* nested */ still */ b", "1:a 1:b");
        check("/* never closed a", "");
        check(r#"f("crate::x \" y", b)"#, "1:f ( , 1:b )");
        check("f(\"two\nlines\") b", "1:f ( ) 2:b");
        check(r##"r#"crate::"x"# br"y\" c"z" b"##, "1:b");
        check("r#type", "1:r # 1:type");
        check("'a' '\\'' '\\u{1F600}' '\"' b", "1:b");
        check("fn f<'a>(x: &'static str)", "1:fn 1:f < > ( 1:x : & 1:str )");
        check("1_000u64 0..3", ". .");
        check("\"never closed", "");
    }
}
