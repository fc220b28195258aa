//! The answers as a table that a person can read.

use crate::guard::Answer;

/// Prints one row for each question, and below it what was said.
pub(crate) struct Table {
    /// The host and port that every image of the story comes from; shown once, not in each row.
    registry: String,
}

const IMAGE_WIDTH: usize = 36;
const POLICY_WIDTH: usize = 36;
const TEXT_WIDTH: usize = 100;

/// How much of a digest tells it from the others.
const DIGEST_SHOWN: usize = "sha256:".len() + 12;

impl Table {
    /// A table of images that come from `registry`, or from elsewhere.
    pub(crate) fn of(registry: &str) -> Self {
        println!(
            "   {:IMAGE_WIDTH$} {:POLICY_WIDTH$} {:9} {:>8}",
            "image", "policy", "answer", "ms"
        );
        println!("   {}", "─".repeat(IMAGE_WIDTH + POLICY_WIDTH + 20));
        Self {
            registry: format!("{registry}/"),
        }
    }

    /// One question and its answer.
    pub(crate) fn row(&self, image: &str, policy: &str, answer: &Answer) {
        let milliseconds = answer.time.as_secs_f64() * 1000.0;
        let image = shorten(image.strip_prefix(&self.registry).unwrap_or(image));
        let (word, text) = match &answer.outcome {
            Ok(Some(digest)) => ("admitted", format!("pinned to {digest}")),
            Ok(None) => ("admitted", "as it is".to_owned()),
            Err(message) => ("REFUSED", message.clone()),
        };
        println!("   {image:IMAGE_WIDTH$} {policy:POLICY_WIDTH$} {word:9} {milliseconds:>8.1}");
        let warnings = answer
            .warnings
            .iter()
            .map(|warning| format!("warning: {warning}"));
        let lines = text.lines().map(ToOwned::to_owned).chain(warnings);
        lines
            .flat_map(|line| wrap(&line))
            .for_each(|line| println!("       {line}"));
    }
}

fn shorten(image: &str) -> String {
    match image.split_once('@') {
        Some((name, digest)) => format!(
            "{name}@{}…",
            digest.chars().take(DIGEST_SHOWN).collect::<String>()
        ),
        None => image.to_owned(),
    }
}

/// Cuts a line at blanks into pieces of at most [`TEXT_WIDTH`]; a word that is longer stays whole.
fn wrap(line: &str) -> Vec<String> {
    let mut pieces = vec![String::new()];
    for word in line.split_inclusive(' ') {
        match pieces.last_mut() {
            Some(piece)
                if piece.chars().count() + word.trim_end().chars().count() <= TEXT_WIDTH =>
            {
                piece.push_str(word);
            }
            _ => pieces.push(format!("  {word}")),
        }
    }
    pieces
}
