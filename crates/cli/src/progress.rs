//! Progress of long work: lines on a terminal, nothing elsewhere.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::future::Future;
use std::io::{self, IsTerminal as _, Write as _};
use std::pin::pin;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use crate::terminal::{Colour, Style};

/// How often lines change.
const EVERY: Duration = Duration::from_millis(200);

/// How much of a line is shown: one that is wider than the terminal could not be taken back.
const COLUMNS: usize = 79;

/// A line that says where the work is. It is gone when this is dropped.
pub(crate) struct Progress(Board);

impl Progress {
    pub(crate) fn start() -> Self {
        Self(Board::new())
    }

    /// Shows what `line` says, unless something was shown just now.
    pub(crate) fn show(&self, line: impl FnOnce() -> String) {
        if self.0.is_due() {
            self.0.show(0, line());
        }
    }
}

/// Lines that say where several pieces of work are, in the order of their numbers. They are gone when this is dropped.
pub(crate) struct Board(Option<Mutex<Lines>>);

impl Board {
    /// One that nobody sees, unless standard error is a terminal.
    pub(crate) fn new() -> Self {
        let stderr = io::stderr();
        let is_seen = stderr.is_terminal();
        Self(is_seen.then(|| Mutex::new(Lines::new(Style::of(&stderr)))))
    }

    /// Shows where a piece of work is, now or with the next one of another.
    pub(crate) fn show(&self, number: usize, line: String) {
        let Some(mut lines) = self.lines() else {
            return;
        };
        let now = Instant::now();
        lines.set(number, line, now);
        if lines.is_due(now) {
            let text = lines.redraw(now);
            // Nobody is there to be told if that fails.
            let _ = io::stderr().write_all(text.as_bytes());
        }
    }

    /// A piece of work is done: its line goes, and all are out of the way of what is printed next.
    pub(crate) fn done(&self, number: usize) {
        if let Some(mut lines) = self.lines() {
            lines.remove(number);
            let _ = io::stderr().write_all(lines.erase().as_bytes());
        }
    }

    fn is_due(&self) -> bool {
        self.lines()
            .is_some_and(|lines| lines.is_due(Instant::now()))
    }

    fn lines(&self) -> Option<MutexGuard<'_, Lines>> {
        let lines = self.0.as_ref()?;
        Some(lines.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

impl Drop for Board {
    fn drop(&mut self) {
        if let Some(mut lines) = self.lines() {
            let _ = io::stderr().write_all(lines.erase().as_bytes());
        }
    }
}

/// Does the work, and looks at it again and again meanwhile.
pub(crate) async fn watched<T>(work: impl Future<Output = T>, look: impl Fn()) -> T {
    let mut work = pin!(work);
    let mut looks = tokio::time::interval(EVERY);
    loop {
        tokio::select! {
            biased;
            done = &mut work => return done,
            _ = looks.tick() => look(),
        }
    }
}

/// What is shown, and how it is taken back.
struct Lines {
    style: Style,
    texts: BTreeMap<usize, Line>,
    drawn: usize,
    drawn_at: Option<Instant>,
}

struct Line {
    text: String,
    since: Instant,
}

impl Lines {
    fn new(style: Style) -> Self {
        Self {
            style,
            texts: BTreeMap::new(),
            drawn: 0,
            drawn_at: None,
        }
    }

    fn set(&mut self, number: usize, text: String, now: Instant) {
        let since = self.texts.get(&number).map_or(now, |line| line.since);
        self.texts.insert(number, Line { text, since });
    }

    fn remove(&mut self, number: usize) {
        self.texts.remove(&number);
    }

    fn is_due(&self, now: Instant) -> bool {
        self.drawn_at
            .is_none_or(|last| now.duration_since(last) >= EVERY)
    }

    /// What takes back the lines that are shown: up to the first one, and away with all from there.
    fn erase(&mut self) -> String {
        let up = self.drawn.saturating_sub(1);
        let erased = match (self.drawn, up) {
            (0, _) => String::new(),
            (_, 0) => "\r\u{1b}[J".to_owned(),
            _ => format!("\r\u{1b}[{up}A\u{1b}[J"),
        };
        self.drawn = 0;
        self.drawn_at = None;
        erased
    }

    fn redraw(&mut self, now: Instant) -> String {
        let mut text = self.erase();
        for (position, line) in self.texts.values().enumerate() {
            let separator = if position == 0 { "" } else { "\r\n" };
            // Writing to a string cannot fail.
            let _ = write!(text, "{separator}{}", line.shown(self.style, now));
        }
        self.drawn = self.texts.len();
        self.drawn_at = Some(now);
        text
    }
}

impl Line {
    fn shown(&self, style: Style, now: Instant) -> String {
        let time = format!(" ({} s)", now.duration_since(self.since).as_secs());
        let room = COLUMNS.saturating_sub(time.len());
        // What comes from elsewhere may move no cursor.
        let printable = self.text.chars().filter(|one| !one.is_control());
        let text: String = printable.take(room).collect();
        format!("{text}{}", style.paint(Colour::Dim, &time))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    #[test]
    fn each_piece_of_work_has_a_line_with_its_own_time() {
        let begun = Instant::now();
        let mut lines = Lines::new(Style::Plain);
        lines.set(1, "second".to_owned(), begun);
        assert_eq!(lines.redraw(begun), "second (0 s)");
        lines.set(0, "first".to_owned(), begun + 5 * SECOND);
        lines.set(1, "second, further".to_owned(), begun + 5 * SECOND);
        let shown = lines.redraw(begun + 7 * SECOND);
        assert_eq!(
            shown, "\r\u{1b}[Jfirst (2 s)\r\nsecond, further (7 s)",
            "the one line from before is taken back"
        );
        lines.remove(0);
        let shown = lines.redraw(begun + 8 * SECOND);
        assert_eq!(shown, "\r\u{1b}[1A\u{1b}[Jsecond, further (8 s)");
        assert_eq!(lines.erase(), "\r\u{1b}[J");
        assert_eq!(lines.erase(), "", "nothing is left");
    }

    #[test]
    fn lines_change_only_so_often() {
        let begun = Instant::now();
        let mut lines = Lines::new(Style::Plain);
        assert!(lines.is_due(begun));
        lines.redraw(begun);
        assert!(!lines.is_due(begun + EVERY / 2));
        assert!(lines.is_due(begun + EVERY));
    }

    #[test]
    fn a_line_keeps_to_its_width_and_its_place() {
        let begun = Instant::now();
        let mut lines = Lines::new(Style::Plain);
        lines.set(0, format!("\u{1b}[2J\n{}", "x".repeat(200)), begun);
        let shown = lines.redraw(begun);
        assert_eq!(shown.chars().count(), COLUMNS);
        assert!(!shown.contains(['\u{1b}', '\n']), "{shown:?}");
        assert!(shown.ends_with("x (0 s)"));
    }

    #[test]
    fn the_time_is_dimmed_where_colours_are_wanted() {
        let begun = Instant::now();
        let mut lines = Lines::new(Style::Coloured);
        lines.set(0, "work".to_owned(), begun);
        assert_eq!(lines.redraw(begun), "work\u{1b}[2m (0 s)\u{1b}[0m");
    }
}
