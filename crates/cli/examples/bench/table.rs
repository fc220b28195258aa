//! What was measured, beside what it may cost.

use std::fmt;

/// One figure.
#[derive(Debug)]
pub(crate) struct Row {
    what: String,
    value: f64,
    unit: Unit,
    budget: Option<f64>,
    remark: String,
}

/// What a figure counts.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Unit {
    /// Nanoseconds.
    Nanoseconds,
    /// Microseconds.
    Microseconds,
    /// Milliseconds.
    Milliseconds,
    /// 2^20 bytes.
    Mebibytes,
    /// How many times as much as something else.
    Times,
    /// A number of things.
    Pieces,
}

/// All figures of a run, in Markdown.
#[derive(Debug, Default)]
pub(crate) struct Table(Vec<Row>);

impl Row {
    /// A figure that is only told.
    pub(crate) fn new(what: impl Into<String>, value: f64, unit: Unit) -> Self {
        Self {
            what: what.into(),
            value,
            unit,
            budget: None,
            remark: String::new(),
        }
    }

    /// The most that the figure may be.
    pub(crate) fn at_most(self, budget: f64) -> Self {
        Self {
            budget: Some(budget),
            ..self
        }
    }

    /// What else a reader has to know.
    pub(crate) fn remark(self, remark: impl Into<String>) -> Self {
        Self {
            remark: remark.into(),
            ..self
        }
    }

    fn budget(&self) -> String {
        self.budget.map_or_else(String::new, |budget| {
            format!("≤ {}", self.unit.show(budget))
        })
    }

    fn verdict(&self) -> &'static str {
        match self.budget {
            None => "",
            Some(budget) if self.value <= budget => "within",
            Some(_) => "over",
        }
    }
}

impl Unit {
    fn show(self, value: f64) -> String {
        match self {
            Self::Nanoseconds => format!("{value:.0} ns"),
            Self::Microseconds => format!("{value:.1} µs"),
            Self::Milliseconds => format!("{value:.1} ms"),
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
