//! A tunnel, as it is told of.

use std::sync::Arc;

/// A tunnel's two ends.
pub(crate) struct Ends {
    /// What the tunnel is called, where there are several.
    pub(crate) name: Option<Arc<str>>,
    /// The public URL, as it was typed.
    pub(crate) source: String,
    /// The target's.
    pub(crate) target: String,
}

impl Ends {
    /// A sentence, with the tunnel's name where it has one.
    pub(super) fn of(&self, sentence: &str) -> String {
        self.name.as_ref().map_or_else(|| sentence.to_owned(), |name| format!("{name}: {sentence}"))
    }
}
