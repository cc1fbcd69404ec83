//! A public URL as a QR code for a telephone's camera, two modules to a character. Pure.

use qrcodegen::{QrCode, QrCodeEcc};

/// The light frame that readers need to find the code, in modules. (ISO/IEC 18004, section 9.1)
const QUIET: i32 = 4;

/// How a code is drawn.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Ink {
    /// Black on white by colours of its own, whatever the terminal's are.
    Coloured,
    /// By blocks alone: what is light is drawn, as most terminals are dark. Cameras read it the other way round as well.
    Plain,
}

/// The lines of a code that says `text`; none where it is more than a code can hold, which is nearly 3 000 bytes.
pub(crate) fn lines(text: &str, ink: Ink) -> Option<Vec<String>> {
    let code = QrCode::encode_text(text, QrCodeEcc::Low).ok()?;
    let rows = (-QUIET..code.size() + QUIET).step_by(2);
    Some(rows.map(|y| line(&code, y, ink)).collect())
}

fn line(code: &QrCode, y: i32, ink: Ink) -> String {
    let columns = -QUIET..code.size() + QUIET;
    // Beyond the code everything is light; below the frame nothing is drawn.
    let light = |x, y| !code.get_module(x, y) && y < code.size() + QUIET;
    let blocks = columns.map(|x| match (light(x, y), light(x, y + 1)) {
        (true, true) => '█',
        (true, false) => '▀',
        (false, true) => '▄',
        (false, false) => ' ',
    });
    let blocks: String = blocks.collect();
    match ink {
        // Bright white on black, of the colours that themes do not touch.
        Ink::Coloured => format!("\u{1b}[38;5;231;48;5;16m{blocks}\u{1b}[0m"),
        Ink::Plain => blocks,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The modules that `lines` show, dark ones true, without the frame.
    fn modules(lines: &[String]) -> Vec<Vec<bool>> {
        let halves = |block| match block {
            '█' => (false, false),
            '▀' => (false, true),
            '▄' => (true, false),
            _ => (true, true),
        };
        let rows = lines.iter().flat_map(|line| {
            let (upper, lower): (Vec<_>, Vec<_>) = line.chars().map(halves).unzip();
            [upper, lower]
        });
        let frame = usize::try_from(QUIET).expect("it is positive");
        let rows: Vec<Vec<bool>> = rows.collect();
        let size = rows[0].len() - 2 * frame;
        rows[frame..frame + size].iter().map(|row| row[frame..frame + size].to_vec()).collect()
    }

    #[test]
    fn each_module_is_drawn() {
        let text = "https://example.com/my-app";
        let code = QrCode::encode_text(text, QrCodeEcc::Low).unwrap();
        let seen = modules(&lines(text, Ink::Plain).unwrap());
        for (y, row) in (0..).zip(&seen) {
            for (x, dark) in (0..).zip(row) {
                assert_eq!(*dark, code.get_module(x, y), "{x} {y}");
            }
        }
        assert_eq!(seen.len(), usize::try_from(code.size()).unwrap());
    }

    #[test]
    fn a_frame_of_light_stands_around_it() {
        let lines = lines("https://example.com/my-app", Ink::Plain).unwrap();
        let light = |line: &String| line.chars().all(|block| block == '█');
        assert!(lines[..2].iter().all(light), "{lines:?}");
        assert!(lines.iter().rev().skip(1).all(|line| line.starts_with("████") && line.ends_with('█')), "{lines:?}");
        // The last line may be half a line.
        assert!(lines.last().unwrap().chars().all(|block| block == '▀' || block == '█'));
    }

    #[test]
    fn colours_are_of_its_own() {
        let line = &lines("x", Ink::Coloured).unwrap()[0];
        assert!(line.starts_with("\u{1b}[38;5;231;48;5;16m█") && line.ends_with("█\u{1b}[0m"), "{line:?}");
        assert_eq!(lines(&"x".repeat(4_000), Ink::Plain), None);
    }
}
