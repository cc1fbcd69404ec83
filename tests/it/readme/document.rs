//! A document as data: its commands, section by section.

use std::fs;
use std::path::Path;

/// A command and what its document shows below it.
pub(super) struct Step {
    pub(super) place: String,
    pub(super) command: String,
    pub(super) shown: String,
}

/// The `$` lines of the `console` blocks, section by section.
pub(super) fn sections(document: &str) -> Vec<Vec<Step>> {
    let text = fs::read_to_string(root().join(document)).unwrap();
    let (mut sections, mut steps, mut fence) = (Vec::new(), Vec::<Step>::new(), None);
    for (at, line) in text.lines().enumerate() {
        let place = format!("{document}:{}", at + 1);
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
