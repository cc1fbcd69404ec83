//! What a run came to, beside what is promised.

use std::fmt;

/// What a figure is measured in, and so what can spoil it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Measure {
    /// A number of something, or an amount of memory: the same on any machine.
    Count,
    /// How one time compares with another of the same run.
    Ratio,
    /// A time: a machine that does much else makes it longer.
    Clock,
}

/// One figure.
#[derive(Clone, Debug)]
pub struct Figure {
    /// Of what.
    pub what: String,
    /// How much.
    pub value: f64,
    /// Of which unit.
    pub unit: &'static str,
    /// At most so much is promised, if anything is.
    pub most: Option<f64>,
    /// What it is measured in.
    pub measure: Measure,
}

/// The figures of a run.
#[derive(Clone, Debug, Default)]
pub struct Figures(pub Vec<Figure>);

impl Figures {
    /// Adds what has no bound.
    pub fn tell(&mut self, what: impl Into<String>, value: f64, unit: &'static str) {
        self.0.push(Figure { what: what.into(), value, unit, most: None, measure: Measure::Clock });
    }

    /// Adds what has one.
    pub fn bound(&mut self, measure: Measure, what: impl Into<String>, value: f64, unit: &'static str, most: f64) {
        self.0.push(Figure { what: what.into(), value, unit, most: Some(most), measure });
    }

    /// Those of the `measures` that are beyond their bound.
    #[must_use]
    pub fn beyond(&self, measures: &[Measure]) -> Self {
        let beyond = |figure: &&Figure| figure.most.is_some_and(|most| figure.value > most);
        Self(self.0.iter().filter(|figure| measures.contains(&figure.measure)).filter(beyond).cloned().collect())
    }
}

impl fmt::Display for Figures {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for Figure { what, value, unit, most, .. } in &self.0 {
            let digits = usize::from(value.fract() != 0.0) * 2;
            write!(f, "{what:64} {value:10.digits$} {unit}")?;
            match most {
                Some(most) => writeln!(f, "  (at most {most}){}", if value > most { "  BEYOND" } else { "" })?,
                None => writeln!(f)?,
            }
        }
        Ok(())
    }
}
