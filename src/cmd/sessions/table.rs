//! The list of sessions as a person reads it: a row for each, columns as wide as what stands in them.

use super::Listed;
use crate::cmd::units::size;

const HEAD: [&str; 12] = [
    "PREFIX",
    "SESSION",
    "SERVER",
    "SUBJECT",
    "FROM",
    "SINCE",
    "WIRE",
    "CARRIED",
    "CLIENT",
    "THREAD",
    "EXCHANGES",
    "UP/DOWN",
];

/// The table, without the end of its last line.
pub(super) fn of(sessions: &[Listed]) -> String {
    let rows: Vec<[String; 12]> = std::iter::once(HEAD.map(str::to_owned)).chain(sessions.iter().map(row)).collect();
    let has_several = sessions.iter().any(|session| session.server.is_some());
    let width = |column: usize| rows.iter().map(|row| row[column].chars().count()).max().unwrap_or_default();
    let shown = (0..HEAD.len()).filter(|column| has_several || HEAD[*column] != "SERVER");
    let widths: Vec<(usize, usize)> = shown.map(|column| (column, width(column))).collect();
    let line = |row: &[String; 12]| {
        let cells = widths.iter().map(|&(column, width)| format!("{:width$}", row[column]));
        cells.collect::<Vec<_>>().join("  ").trim_end().to_owned()
    };
    rows.iter().map(line).collect::<Vec<_>>().join("\n")
}

fn row(session: &Listed) -> [String; 12] {
    let Listed {
        since,
        prefix,
        id,
        server,
        subject,
        from,
        wire,
        down,
        up,
        client,
        thread,
        exchanges,
        bytes_up,
        bytes_down,
    } = session;
    let carried = if down == up { down.clone() } else { format!("{down} down, {up} up") };
    [
        prefix.clone(),
        id.chars().take(12).collect(),
        server.clone().unwrap_or_else(|| "-".to_owned()),
        // Whoever made the token has chosen it.
        subject.as_ref().map_or_else(|| "-".to_owned(), |subject| subject.escape_default().to_string()),
        from.map_or_else(|| "-".to_owned(), |from| from.to_string()),
        since.clone(),
        wire.clone(),
        carried,
        client.clone(),
        thread.to_string(),
        exchanges.to_string(),
        format!("{}/{}", size(*bytes_up), size(*bytes_down)),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_stand_below_their_heads() {
        let session = |prefix: &str, subject: Option<&str>, up: &str| Listed {
            since: "2025-11-26T04:06:40Z".to_owned(),
            prefix: prefix.to_owned(),
            id: "0123456789abcdef".to_owned(),
            server: None,
            subject: subject.map(str::to_owned),
            from: None,
            wire: "v2".to_owned(),
            down: "streams".to_owned(),
            up: up.to_owned(),
            client: "attended".to_owned(),
            thread: 2,
            exchanges: 3,
            bytes_up: 7,
            bytes_down: 12_345,
        };
        let sessions = [session("my-app", None, "streams"), session("a-longer-one", Some("jo\u{1b}"), "batches")];
        assert_eq!(
            of(&sessions),
            "\
PREFIX        SESSION       SUBJECT   FROM  SINCE                 WIRE  CARRIED                   CLIENT    THREAD  EXCHANGES  UP/DOWN
my-app        0123456789ab  -         -     2025-11-26T04:06:40Z  v2    streams                   attended  2       3          7 B/12 kB
a-longer-one  0123456789ab  jo\\u{1b}  -     2025-11-26T04:06:40Z  v2    streams down, batches up  attended  2       3          7 B/12 kB"
        );
        assert_eq!(of(&[]), HEAD.join("  ").replace("SERVER  ", ""));
        let on = |server: &str| Listed { server: Some(server.to_owned()), ..session("my-app", None, "streams") };
        let table = of(&[on("0a1b2c3d")]);
        let columns: Vec<_> = table.lines().map(|line| line.split_whitespace().take(3).collect::<Vec<_>>()).collect();
        assert_eq!(columns, [["PREFIX", "SESSION", "SERVER"], ["my-app", "0123456789ab", "0a1b2c3d"]]);
    }
}
