use super::printable::printable;

/// Columns of text, each as wide as its widest cell, with three blanks between them.
pub(super) struct Table {
    titles: &'static [&'static str],
    rows: Vec<Vec<String>>,
}

const BETWEEN: &str = "   ";

impl Table {
    pub(super) fn new(titles: &'static [&'static str]) -> Self {
        Self {
            titles,
            rows: Vec::new(),
        }
    }

    /// One without a line of titles.
    pub(super) fn untitled() -> Self {
        Self::new(&[])
    }

    /// Adds a row. Its cells may be foreign text.
    pub(super) fn row<const N: usize>(&mut self, cells: [&str; N]) {
        self.rows.push(cells.map(printable).to_vec());
    }

    pub(super) fn is_empty(&self) -> bool {
        self.rows.is_empty()
    }

    pub(super) fn write(&self, text: &mut String) {
        let titles: Vec<String> = self.titles.iter().map(ToString::to_string).collect();
        let head = (!titles.is_empty()).then_some(&titles);
        let lines: Vec<_> = head.into_iter().chain(&self.rows).collect();
        let width = |column: usize| {
            let cells = lines.iter().filter_map(|cells| cells.get(column));
            cells.map(|cell| cell.chars().count()).max().unwrap_or(0)
        };
        let widest = lines.iter().map(|cells| cells.len()).max().unwrap_or(0);
        let widths: Vec<usize> = (0..widest).map(width).collect();
        for cells in lines {
            let padded = cells.iter().zip(&widths);
            let padded: Vec<_> = padded
                .map(|(cell, width)| format!("{cell:width$}"))
                .collect();
            text.push_str(padded.join(BETWEEN).trim_end());
            text.push('\n');
        }
    }
}
