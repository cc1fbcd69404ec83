//! Heads of HTTP by hand, as far as the control requests need them.

use std::io;

use super::chunked::Buffered;

/// A head: its first line, and its fields.
pub(super) struct Head {
    pub(super) start: String,
    fields: Vec<(String, String)>,
}

impl Head {
    pub(super) async fn read(connection: &mut Buffered) -> io::Result<Self> {
        let start = connection.line().await?;
        let mut fields = Vec::new();
        loop {
            let line = connection.line().await?;
            let Some((name, value)) = line.split_once(':') else { return Ok(Self { start, fields }) };
            fields.push((name.to_ascii_lowercase(), value.trim().to_owned()));
        }
    }

    /// A field by its lower-case name, empty where it is missing.
    pub(super) fn field(&self, name: &str) -> &str {
        self.fields.iter().find(|(field, _)| field == name).map_or("", |(_, value)| value)
    }

    pub(super) fn is_chunked(&self) -> bool {
        self.field("transfer-encoding") == "chunked"
    }

    pub(super) fn content_length(&self) -> usize {
        self.field("content-length").parse().unwrap_or_default()
    }

    /// The status of an answer.
    pub(super) fn status(&self) -> u16 {
        self.start.split(' ').nth(1).and_then(|status| status.parse().ok()).unwrap_or_default()
    }

    /// The path of a request, and its query.
    pub(super) fn target(&self) -> (&str, &str) {
        let target = self.start.split(' ').nth(1).unwrap_or_default();
        target.split_once('?').unwrap_or((target, ""))
    }
}

/// A field of a form or of a query.
pub(super) fn form_field(form: &str, name: &str) -> String {
    let mut fields = form_urlencoded::parse(form.as_bytes());
    fields.find(|(field, _)| field == name).map(|(_, value)| value.into_owned()).unwrap_or_default()
}
