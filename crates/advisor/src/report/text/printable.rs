/// Foreign text on one line of a report: what would move a cursor or turn the direction of writing is replaced.
pub(super) fn printable(text: &str) -> String {
    let is_printable = |character: char| {
        !character.is_control()
            && !matches!(
                character,
                '\u{2028}' | '\u{2029}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{200e}' | '\u{200f}'
            )
    };
    text.chars()
        .map(|character| {
            if is_printable(character) {
                character
            } else {
                '\u{fffd}'
            }
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn foreign_text_keeps_to_its_line() {
        assert_eq!(printable("é ok"), "é ok");
        assert_eq!(
            printable("a\u{1b}[2J\n\u{202e}b"),
            "a\u{fffd}[2J\u{fffd}\u{fffd}b"
        );
    }
}
