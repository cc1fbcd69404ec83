//! A load that knows each byte it should see: bodies made from seeds and compared at both ends, and a target that
//! counts how often each exchange reached it. Knows the tunnel as a public URL only.

mod exchange;

mod seeded;

mod figures;

mod ledger;

mod target;

mod moved;

mod visitor;

mod run;

#[cfg(test)]
mod tests;

pub use exchange::{Exchange, LARGEST, Manner};
pub use figures::{Figures, Outcome};
pub use ledger::{Ledger, Receipts};
pub use run::{Mix, run, run_among};
pub use target::Target;
pub use visitor::{Public, Visitor};
