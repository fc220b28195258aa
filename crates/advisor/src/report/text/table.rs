use super::printable::printable;

/// Columns of text, each as wide as its widest cell, with three blanks between them.
pub(super) struct Table {
    titles: &'static [&'static str],
    /// The title of a column that is left out where no row has anything in it.
    if_known: Option<&'static str>,
    rows: Vec<Vec<String>>,
}

const BETWEEN: &str = "   ";

impl Table {
    pub(super) fn new(titles: &'static [&'static str]) -> Self {
        Self {
            titles,
            if_known: None,
            rows: Vec::new(),
        }
    }

    /// Leaves a column out where no row has anything in it.
    pub(super) fn with_if_known(mut self, title: &'static str) -> Self {
        self.if_known = Some(title);
        self
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
        let empty = self.empty_column();
        let shown = |cells: &Vec<String>| -> Vec<String> {
            let cells = cells.iter().enumerate();
            let cells = cells.filter(|(column, _)| Some(*column) != empty);
            cells.map(|(_, cell)| cell.clone()).collect()
        };
        let lines: Vec<_> = head.into_iter().chain(&self.rows).map(shown).collect();
        let width = |column: usize| {
            let cells = lines.iter().filter_map(|cells| cells.get(column));
            cells.map(|cell| cell.chars().count()).max().unwrap_or(0)
        };
        let widest = lines.iter().map(Vec::len).max().unwrap_or(0);
        let widths: Vec<usize> = (0..widest).map(width).collect();
        for cells in &lines {
            let padded = cells.iter().zip(&widths);
            let padded: Vec<_> = padded
                .map(|(cell, width)| format!("{cell:width$}"))
                .collect();
            text.push_str(padded.join(BETWEEN).trim_end());
            text.push('\n');
        }
    }
    fn empty_column(&self) -> Option<usize> {
        let title = self.if_known?;
        let column = self.titles.iter().position(|one| *one == title)?;
        let mut cells = self.rows.iter().filter_map(|cells| cells.get(column));
        cells.all(String::is_empty).then_some(column)
    }
}
