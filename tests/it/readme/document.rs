//! A document as data: its commands, section by section.

use std::fs;
use std::path::Path;

/// A command and what its document shows below it.
pub(super) struct Step {
    pub(super) place: String,
    pub(super) command: String,
    pub(super) shown: String,
}

/// The column of a table whose commands are run too.
const COLUMN: &str = "you type here";

/// The `$` lines of the `console` blocks, and the commands of tables that have a column for them, section by section.
pub(super) fn sections(document: &str) -> Vec<Vec<Step>> {
    let text = fs::read_to_string(root().join(document)).unwrap();
    let (mut sections, mut steps, mut fence) = (Vec::new(), Vec::<Step>::new(), None);
    let mut column = None;
    for (at, line) in text.lines().enumerate() {
        let place = format!("{document}:{}", at + 1);
        let commands = typed(line, &mut column);
        steps.extend(commands.map(|command| Step { place: place.clone(), command, shown: String::new() }));
        match (line.strip_prefix("```"), fence) {
            (Some(kind), None) => fence = Some(kind),
            (Some(_), Some(_)) => fence = None,
            (None, Some("console")) => match (line.strip_prefix("$ "), steps.last_mut()) {
                (Some(command), _) => steps.push(Step { place, command: command.to_owned(), shown: String::new() }),
                (None, Some(step)) => step.shown.extend([line, "\n"]),
                (None, None) => panic!("{place}: output without a command"),
            },
            (None, Some(kind)) => assert!(!line.starts_with("$ "), "{place}: a command in a `{kind}` block is not run"),
            (None, None) if line.starts_with('#') => sections.push(std::mem::take(&mut steps)),
            (None, None) => {}
        }
    }
    sections.push(steps);
    sections.retain(|steps| !steps.is_empty());
    sections
}

/// The commands of a table's row. `column` is where the table has them, if it has any.
fn typed(line: &str, column: &mut Option<usize>) -> impl Iterator<Item = String> {
    let row = line.strip_prefix('|');
    let cells: Vec<&str> = row.map(|row| row.split('|').map(str::trim).collect()).unwrap_or_default();
    *column = column.filter(|_| row.is_some()).or_else(|| cells.iter().position(|cell| *cell == COLUMN));
    let cell = column.and_then(|column| cells.get(column).copied()).unwrap_or_default();
    cell.split('`').skip(1).step_by(2).map(str::to_owned).collect::<Vec<_>>().into_iter()
}

/// The blocks of one kind, each with its lines.
pub(super) fn blocks(document: &str, kind: &str) -> Vec<String> {
    let text = fs::read_to_string(root().join(document)).unwrap();
    let fence = format!("\n```{kind}\n");
    let fences = text.split(&fence).skip(1);
    fences.map(|block| block.split("```").next().unwrap_or_default().to_owned()).collect()
}

pub(super) fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}
