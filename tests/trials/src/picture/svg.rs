//! What a terminal shows as an SVG, in light and in dark, and the text of such a picture. Pure.

use std::fmt::Write as _;

/// How wide and how high a character's place is; what the font makes of it is stretched to that.
const PLACE: (usize, usize) = (8, 19);

/// What is left free around the text.
const MARGIN: usize = 16;

/// The colours of a terminal, each by its number and as a class.
const CLASSES: [(&str, &str); 6] =
    [("1", "bold"), ("2", "dim"), ("31", "red"), ("32", "green"), ("33", "yellow"), ("36", "cyan")];

const STYLE: &str = "\
text { font: 13px ui-monospace, SFMono-Regular, Menlo, Consolas, 'DejaVu Sans Mono', monospace; fill: #1f2328; white-space: pre }
rect { fill: #f6f8fa; stroke: #d1d9e0 }
.bold { font-weight: 600 } .dim { fill: #59636e }
.red { fill: #cf222e } .green { fill: #116329 } .yellow { fill: #7d4e00 } .cyan { fill: #1b7c83 }
@media (prefers-color-scheme: dark) {
  text { fill: #f0f6fc } rect { fill: #151b23; stroke: #3d444d }
  .dim { fill: #9198a1 } .red { fill: #ff7b72 } .green { fill: #56d364 } .yellow { fill: #e3b341 } .cyan { fill: #76e3ea }
}
";

/// A picture of what a terminal of `wide` characters shows.
#[must_use]
pub fn draw(shown: &str, wide: usize) -> String {
    let rows: Vec<_> = shown.lines().flat_map(|line| rows(line, wide)).collect();
    let (width, height) = (wide * PLACE.0 + 2 * MARGIN, rows.len() * PLACE.1 + 2 * MARGIN);
    let mut svg = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{width}\" height=\"{height}\" viewBox=\"0 0 {width} {height}\">\n\
         <style>\n{STYLE}</style>\n\
         <rect x=\"0.5\" y=\"0.5\" width=\"{}\" height=\"{}\" rx=\"6\"/>\n",
        width - 1,
        height - 1
    );
    for (at, row) in rows.iter().enumerate() {
        // The baseline, above what hangs below it.
        let (y, length) = (MARGIN + (at + 1) * PLACE.1 - 5, row.len() * PLACE.0);
        // Writing to a string cannot fail.
        let _ = writeln!(svg, "<text x=\"{MARGIN}\" y=\"{y}\" textLength=\"{length}\">{}</text>", marked(row));
    }
    svg + "</svg>\n"
}

/// The text of a picture, row by row.
#[must_use]
pub fn text(svg: &str) -> String {
    let rows = svg.lines().filter(|line| line.starts_with("<text "));
    let plain = |row: &str| {
        let pieces = row.split('<').filter_map(|piece| piece.split_once('>'));
        let text: String = pieces.map(|(_, text)| text).collect();
        text.replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&") + "\n"
    };
    rows.map(plain).collect()
}

/// A character and the class of its colour, if it has one.
type Cell = (char, &'static str);

/// The rows that a line takes: one that is too long goes on in the next, as at a terminal.
fn rows(line: &str, wide: usize) -> Vec<Vec<Cell>> {
    let mut cells = Vec::new();
    for (at, piece) in line.split('\u{1b}').enumerate() {
        let (code, text) = if at == 0 { ("0", piece) } else { piece.split_once('m').unwrap_or(("", piece)) };
        let code = code.trim_start_matches('[');
        let class = CLASSES.iter().find(|(number, _)| *number == code).map_or("", |(_, class)| class);
        cells.extend(text.chars().map(|character| (character, class)));
    }
    cells.chunks(wide).map(<[Cell]>::to_vec).collect()
}

fn marked(row: &[Cell]) -> String {
    let pieces = row.chunk_by(|(_, one), (_, other)| one == other).map(|piece| {
        let text: String = piece.iter().map(|(character, _)| *character).collect();
        let text = text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;");
        match piece[0].1 {
            "" => text,
            class => format!("<tspan class=\"{class}\">{text}</tspan>"),
        }
    });
    pieces.collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(shown: &str, marks: &str, plain: &str) {
        let svg = draw(shown, 12);
        assert!(svg.contains(marks), "{svg}");
        assert_eq!(text(&svg), plain);
    }

    #[test]
    fn a_picture_has_the_text_and_its_colours() {
        check("\u{1b}[2mpublic\u{1b}[0m  a", "><tspan class=\"dim\">public</tspan>  a</text>", "public  a\n");
        check("<a> & b", ">&lt;a&gt; &amp; b</text>", "<a> & b\n");
        check("\u{1b}[35mx\u{1b}[0m", ">x</text>", "x\n");
    }

    #[test]
    fn what_is_too_long_goes_on_in_the_next_row() {
        check("0123456789\u{1b}[31mabcd\u{1b}[0m", "<tspan class=\"red\">cd</tspan>", "0123456789ab\ncd\n");
        assert!(draw("a\nb", 12).contains("height=\"70\""));
    }
}
