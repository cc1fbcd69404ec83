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

/// One figure. One that is no number, as where there was nothing to measure, keeps no bound.
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

impl Figure {
    fn is_beyond(&self) -> bool {
        !self.most.is_none_or(|most| self.value <= most)
    }
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
        let beyond = |figure: &&Figure| measures.contains(&figure.measure) && figure.is_beyond();
        Self(self.0.iter().filter(beyond).cloned().collect())
    }
}

impl fmt::Display for Figures {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for figure in &self.0 {
            let Figure { what, value, unit, most, .. } = figure;
            let digits = usize::from(value.fract() != 0.0) * 2;
            write!(f, "{what:64} {value:10.digits$} {unit}")?;
            match most {
                Some(most) => writeln!(f, "  (at most {most}){}", if figure.is_beyond() { "  BEYOND" } else { "" })?,
                None => writeln!(f)?,
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_not_measured_keeps_no_bound() {
        let mut figures = Figures::default();
        for value in [1.0, 2.0, f64::NAN] {
            figures.bound(Measure::Ratio, format!("{value}"), value, "times", 1.0);
        }
        figures.bound(Measure::Clock, "another measure", 2.0, "s", 1.0);
        figures.tell("no bound", f64::NAN, "");
        let beyond = figures.beyond(&[Measure::Ratio]);
        assert_eq!(beyond.0.iter().map(|figure| figure.what.as_str()).collect::<Vec<_>>(), ["2", "NaN"]);
    }
}
