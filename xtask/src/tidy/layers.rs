//! Who may import whom: the module table of ARCHITECTURE.md as data, and the check of one file against it.

use super::Finding;
use super::lexer::Token;
use super::paths::Path;

/// The top modules and their layers. A module imports itself and lower layers, nothing else, so that those of one
/// layer stay strangers.
const LAYERS: [(&str, u8); 15] = [
    ("wire", 0),
    ("pieces", 0),
    ("proxy", 1),
    ("inspect", 1),
    ("mux", 1),
    ("pipe", 1),
    ("auth", 1),
    ("metrics", 1),
    ("acme", 1),
    ("cluster", 1),
    ("server", 2),
    ("client", 2),
    ("cmd", 3),
    ("fuzzing", 3),
    ("main", 4),
];

/// Edges that point downward and are forbidden all the same, with the reason.
const FORBIDDEN: [(&str, &str, &str); 1] = [("client", "auth", "it carries an opaque token")];

/// The module that a file under `src/` is, outermost first: `src/server/public.rs` is `["server", "public"]`.
pub(crate) fn module(file: &str) -> Option<Vec<&str>> {
    let inside = file.strip_prefix("src/")?.strip_suffix(".rs")?;
    let mut module: Vec<&str> = inside.split('/').collect();
    if module.len() > 1 {
        module.pop_if(|last| *last == "mod");
    }
    Some(module)
}

/// Every edge of one file that the table does not have.
pub(crate) fn check(module: &[&str], paths: &[Path<'_>]) -> Vec<Finding> {
    let home = module[0];
    // The list of modules names them all, and must not hide one behind a re-export.
    if home == "lib" {
        return Vec::new();
    }
    let Some(layer) = layer(home) else {
        let rule = format!("`{home}` is no module of the table in ARCHITECTURE.md");
        return vec![Finding { line: 1, rule }];
    };
    let broken = |path: &Path<'_>| {
        let rule = broken_rule(home, layer, reached(module, path)?)?;
        Some(Finding { line: path.line, rule })
    };
    paths.iter().filter_map(broken).collect()
}

fn layer(module: &str) -> Option<u8> {
    LAYERS.iter().find(|(name, _)| *name == module).map(|(_, layer)| *layer)
}

fn broken_rule(home: &str, layer_of_home: u8, target: &str) -> Option<String> {
    if home == target {
        return None;
    }
    let Some(layer) = layer(target) else {
        return Some(format!("`{home}` names `{target}` of the crate's root, which holds modules of the table only"));
    };
    if let Some((.., reason)) = FORBIDDEN.iter().find(|(from, to, _)| (*from, *to) == (home, target)) {
        return Some(format!("`{home}` may not import `{target}`: {reason}"));
    }
    let rule = format!("`{home}` (layer {layer_of_home}) may not import `{target}` (layer {layer}): only downward");
    (layer >= layer_of_home).then_some(rule)
}

/// The top module that a path leads to; none where it leads out of the crate or names no module at all. An empty
/// name is the crate's root itself.
fn reached<'a>(module: &[&'a str], path: &Path<'a>) -> Option<&'a str> {
    let renamed = path.next == Some(Token::Word("as"));
    if path.segments.len() == 1 && !renamed {
        return None;
    }
    // In `main.rs`, `crate` is the program, which has no modules.
    let in_main = module == ["main"];
    let mut place: Vec<&str> = match path.segments[0] {
        "sendit" => Vec::new(),
        "crate" if !in_main => Vec::new(),
        "self" | "super" if !in_main => module.iter().chain(&path.scope).copied().collect(),
        _ => return None,
    };
    for segment in &path.segments {
        match *segment {
            "crate" | "sendit" | "self" => {}
            "super" => drop(place.pop()),
            name => place.push(name),
        }
    }
    Some(place.first().copied().unwrap_or_default())
}
