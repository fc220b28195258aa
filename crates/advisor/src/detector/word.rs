//! Foreign text that is kept: words that are compared, and text that is only shown.

/// How long a name, a version or an architecture may be. File names, of which they are parts, end at 255 bytes.
const MAX_WORD_BYTES: usize = 512;

/// How much of a text for people is kept.
const MAX_TEXT_CHARACTERS: usize = 256;

/// A name, a version or an architecture: visible ASCII without blanks, as all package managers demand, of a bounded length.
pub(super) fn word(bytes: &[u8]) -> Option<&str> {
    let is_word =
        (1..=MAX_WORD_BYTES).contains(&bytes.len()) && bytes.iter().all(u8::is_ascii_graphic);
    str::from_utf8(bytes).ok().filter(|_| is_word)
}

/// The start of a text for people, in which nothing drives a terminal or turns the direction of writing.
pub(super) fn text(bytes: &[u8]) -> Box<str> {
    let shown = |character: char| {
        if character.is_control() || turns_writing(character) {
            char::REPLACEMENT_CHARACTER
        } else {
            character
        }
    };
    // A character has at most four bytes, so that no more of a long text needs decoding.
    let start = bytes.get(..4 * MAX_TEXT_CHARACTERS).unwrap_or(bytes);
    let decoded = String::from_utf8_lossy(start);
    let shown: String = decoded
        .chars()
        .take(MAX_TEXT_CHARACTERS)
        .map(shown)
        .collect();
    shown.trim_ascii_end().into()
}

/// The explicit directional characters of Unicode's bidirectional algorithm (UAX #9 §2).
fn turns_writing(character: char) -> bool {
    matches!(character, '\u{61c}' | '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_word_is_visible_ascii_of_bounded_length() {
        let longest = "x".repeat(MAX_WORD_BYTES);
        for good in ["1:2.3~rc1+dfsg-4^git", "libstdc++6", &longest] {
            assert_eq!(word(good.as_bytes()), Some(good));
        }
        let too_long = "x".repeat(MAX_WORD_BYTES + 1);
        for bad in ["", "a b", "a\tb", "a\u{1b}[2J", "naïve", &too_long] {
            assert_eq!(word(bad.as_bytes()), None, "{bad:?}");
        }
        assert_eq!(word(b"\xff"), None);
    }

    #[test]
    fn a_text_for_people_cannot_drive_a_terminal() {
        assert_eq!(
            &*text("Jürgen <j@example.com>".as_bytes()),
            "Jürgen <j@example.com>"
        );
        assert_eq!(&*text(b"a\x1b[2J\xff"), "a\u{fffd}[2J\u{fffd}");
        assert_eq!(&*text(b"a b \t "), "a b \u{fffd}");
        assert_eq!(&*text("a\u{202e}b".as_bytes()), "a\u{fffd}b");
        assert_eq!(
            text("é".repeat(1000).as_bytes()).chars().count(),
            MAX_TEXT_CHARACTERS
        );
    }
}
