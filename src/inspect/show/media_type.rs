//! The value of a `Content-Type`. Knows its grammar, and no type.

/// A media type: what it says, however it is written. (RFC 9110, section 8.3.1)
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(in crate::inspect) struct MediaType {
    /// Type and subtype, in lower case.
    pub(in crate::inspect) essence: String,
    parameters: Vec<(String, String)>,
}

impl MediaType {
    /// Reads it; of what is malformed it takes what it can.
    pub(in crate::inspect) fn parse(value: &str) -> Self {
        let mut pieces = pieces(value).into_iter();
        let essence = pieces.next().unwrap_or_default().trim().to_ascii_lowercase();
        let parameter = |piece: String| {
            let (name, value) = piece.split_once('=')?;
            Some((name.trim().to_ascii_lowercase(), unquoted(value.trim())))
        };
        Self { essence, parameters: pieces.filter_map(parameter).collect() }
    }

    /// The value of a parameter, by its name in lower case.
    pub(in crate::inspect) fn parameter(&self, name: &str) -> Option<&str> {
        self.parameters.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    }

    /// Whether it is `wanted` or, by its suffix, made of it: `application/problem+json` is JSON. (RFC 6838, section 4.2.8)
    pub(super) fn is_or_ends_in(&self, wanted: &[&str], suffix: &str) -> bool {
        wanted.contains(&self.essence.as_str()) || self.essence.ends_with(suffix)
    }
}

/// Splits at each semicolon that stands in no quotes.
fn pieces(value: &str) -> Vec<String> {
    let (mut pieces, mut quoted, mut escaped) = (vec![String::new()], false, false);
    for c in value.chars() {
        if c == ';' && !quoted {
            pieces.push(String::new());
            continue;
        }
        quoted ^= c == '"' && !escaped;
        escaped = quoted && c == '\\' && !escaped;
        if let Some(piece) = pieces.last_mut() {
            piece.push(c);
        }
    }
    pieces
}

/// The inside of a quoted string. (RFC 9110, section 5.6.4)
fn unquoted(value: &str) -> String {
    let Some(inside) = value.strip_prefix('"') else { return value.to_owned() };
    let (mut text, mut chars) = (String::new(), inside.chars());
    while let Some(c) = chars.next() {
        match c {
            '"' => break,
            '\\' => text.extend(chars.next()),
            c => text.push(c),
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(value: &str, essence: &str, parameters: &[(&str, &str)]) {
        let read = MediaType::parse(value);
        let seen: Vec<_> = read.parameters.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
        assert_eq!((read.essence.as_str(), &seen[..]), (essence, parameters), "{value}");
    }

    #[test]
    fn however_it_is_written() {
        check("text/html", "text/html", &[]);
        check(" Text/HTML ; Charset=UTF-8", "text/html", &[("charset", "UTF-8")]);
        check("a/b;c=\"d;e\\\"f\";g=h", "a/b", &[("c", "d;e\"f"), ("g", "h")]);
        check("multipart/form-data; boundary=\"", "multipart/form-data", &[("boundary", "")]);
        check("a/b; c", "a/b", &[]);
        check("", "", &[]);
        check(";;=;", "", &[("", "")]);
    }
}
