//! What a benchmark has measured, beside what it may cost.

use std::fmt;

/// One figure.
#[derive(Debug)]
pub struct Row {
    what: String,
    value: f64,
    unit: Unit,
    budget: Option<Budget>,
    remark: String,
}

/// What a figure has to keep to.
#[derive(Clone, Copy, Debug)]
enum Budget {
    AtMost(f64),
    AtLeast(f64),
}

/// What a figure counts.
#[derive(Clone, Copy, Debug)]
pub enum Unit {
    /// Nanoseconds.
    Nanoseconds,
    /// Microseconds.
    Microseconds,
    /// Milliseconds.
    Milliseconds,
    /// Seconds.
    Seconds,
    /// 2^20 bytes.
    Mebibytes,
    /// How many times as much as something else.
    Times,
    /// A number of things.
    Pieces,
}

/// All figures of a run, in Markdown.
#[derive(Debug, Default)]
pub struct Table(Vec<Row>);

impl Row {
    /// A figure that is only told.
    pub fn new(what: impl Into<String>, value: f64, unit: Unit) -> Self {
        Self {
            what: what.into(),
            value,
            unit,
            budget: None,
            remark: String::new(),
        }
    }

    /// The most that the figure may be.
    #[must_use]
    pub fn at_most(self, budget: f64) -> Self {
        Self {
            budget: Some(Budget::AtMost(budget)),
            ..self
        }
    }

    /// The least that the figure may be.
    #[must_use]
    pub fn at_least(self, budget: f64) -> Self {
        Self {
            budget: Some(Budget::AtLeast(budget)),
            ..self
        }
    }

    /// What else a reader has to know.
    #[must_use]
    pub fn remark(self, remark: impl Into<String>) -> Self {
        Self {
            remark: remark.into(),
            ..self
        }
    }

    fn budget(&self) -> String {
        match self.budget {
            None => String::new(),
            Some(Budget::AtMost(most)) => format!("≤ {}", self.unit.show(most)),
            Some(Budget::AtLeast(least)) => format!("≥ {}", self.unit.show(least)),
        }
    }

    fn verdict(&self) -> &'static str {
        match self.budget {
            None => "",
            Some(Budget::AtMost(most)) if self.value <= most => "within",
            Some(Budget::AtMost(_)) => "over",
            Some(Budget::AtLeast(least)) if self.value >= least => "within",
            Some(Budget::AtLeast(_)) => "under",
        }
    }
}

impl Unit {
    fn show(self, value: f64) -> String {
        match self {
            Self::Nanoseconds => format!("{value:.0} ns"),
            Self::Microseconds => format!("{value:.1} µs"),
            Self::Milliseconds => format!("{value:.1} ms"),
            Self::Seconds => format!("{value:.1} s"),
            Self::Mebibytes => format!("{value:.1} MiB"),
            Self::Times => format!("{value:.2} ×"),
            Self::Pieces => format!("{value:.0}"),
        }
    }
}

impl Extend<Row> for Table {
    fn extend<T: IntoIterator<Item = Row>>(&mut self, rows: T) {
        self.0.extend(rows);
    }
}

impl fmt::Display for Table {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut lines = vec![
            ["what", "measured", "budget", "", "remark"].map(str::to_owned),
            ["---", "---:", "---:", "---", "---"].map(str::to_owned),
        ];
        lines.extend(self.0.iter().map(|row| {
            [
                row.what.clone(),
                row.unit.show(row.value),
                row.budget(),
                row.verdict().to_owned(),
                row.remark.clone(),
            ]
        }));
        let width = |column: usize| {
            let cells = lines.iter().filter_map(|line| line.get(column));
            cells.map(|cell| cell.chars().count()).max().unwrap_or(0)
        };
        let widths = [width(0), width(1), width(2), width(3)];
        for [what, measured, budget, verdict, remark] in &lines {
            writeln!(
                f,
                "| {what:0$} | {measured:>1$} | {budget:>2$} | {verdict:3$} | {remark} |",
                widths[0], widths[1], widths[2], widths[3],
            )?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_table_says_what_keeps_to_its_budget() {
        let row = |value| Row::new("it", value, Unit::Milliseconds);
        for (row, verdict) in [
            (row(5.0), "|   5.0 ms |        |"),
            (row(5.0).at_most(5.0), "| ≤ 5.0 ms | within |"),
            (row(5.1).at_most(5.0), "| ≤ 5.0 ms | over |"),
            (row(5.0).at_least(5.0), "| ≥ 5.0 ms | within |"),
            (row(4.9).at_least(5.0), "| ≥ 5.0 ms | under |"),
        ] {
            let mut table = Table::default();
            table.extend([row]);
            let table = table.to_string();
            assert!(table.contains(verdict), "{verdict} is not in:\n{table}");
        }
    }
}
