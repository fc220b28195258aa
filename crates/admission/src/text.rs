//! Strings of a request body: borrowed where the JSON has no escapes, and fit to be shown.

use std::borrow::Cow;
use std::fmt;
use std::ops::Deref;

use serde::Deserialize;

/// A string of the request, borrowed from its body unless it had to be unescaped.
///
/// Serde borrows a bare `Cow<str>` field, but not one inside an `Option` or a `Vec`; this type borrows everywhere.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash, Deserialize)]
#[serde(transparent)]
pub struct Text<'a>(#[serde(borrow)] Cow<'a, str>);

impl Deref for Text<'_> {
    type Target = str;

    fn deref(&self) -> &str {
        &self.0
    }
}

impl<'a> From<&'a str> for Text<'a> {
    fn from(text: &'a str) -> Self {
        Self(Cow::Borrowed(text))
    }
}

impl From<String> for Text<'_> {
    fn from(text: String) -> Self {
        Self(Cow::Owned(text))
    }
}

/// Shows foreign text in a message: on one line, without control characters, and no longer than `limit` characters.
///
/// What is too long loses its middle, because the end of an image name tells images apart.
pub(crate) fn shown(text: &str, limit: usize) -> Shown<'_> {
    Shown { text, limit }
}

/// Text that displays as [`shown`] says.
pub(crate) struct Shown<'a> {
    text: &'a str,
    limit: usize,
}

const CUT: &str = "...";

impl fmt::Display for Shown<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // A byte count bounds the character count, so the common cases need no walk over the characters.
        if self.text.len() <= self.limit {
            if self.text.bytes().all(|byte| matches!(byte, b' '..=b'~')) {
                return f.write_str(self.text);
            }
            return write_plain(f, self.text.chars());
        }
        let count = self.text.chars().count();
        if count <= self.limit {
            return write_plain(f, self.text.chars());
        }
        let kept = self.limit.saturating_sub(CUT.len());
        let tail = kept / 2;
        write_plain(f, self.text.chars().take(kept - tail))?;
        f.write_str(CUT)?;
        write_plain(f, self.text.chars().skip(count - tail))
    }
}

fn write_plain(f: &mut fmt::Formatter<'_>, text: impl Iterator<Item = char>) -> fmt::Result {
    use fmt::Write as _;
    text.map(|c| if is_printable(c) { c } else { '\u{fffd}' })
        .try_for_each(|c| f.write_char(c))
}

/// Line and paragraph separators and directional overrides are no control characters to Unicode, but they too would let
/// an image name rewrite the message around it.
fn is_printable(c: char) -> bool {
    !c.is_control()
        && !matches!(c, '\u{2028}' | '\u{2029}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{200e}' | '\u{200f}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shown_text_is_one_bounded_line() {
        for (text, limit, expected) in [
            ("nginx", 10, "nginx"),
            ("nginx", 5, "nginx"),
            ("a\nb\tc\u{7}", 10, "a\u{fffd}b\u{fffd}c\u{fffd}"),
            ("0123456789", 9, "012...789"),
            ("ééééé", 5, "ééééé"),
            ("\u{202e}evil", 10, "\u{fffd}evil"),
        ] {
            assert_eq!(shown(text, limit).to_string(), expected, "{text:?}");
        }
    }

    #[test]
    fn strings_without_escapes_are_borrowed_even_inside_options_and_lists() {
        let texts: Vec<Option<Text<'_>>> =
            serde_json::from_str(r#"["plain", null, "esc\u0061ped"]"#).unwrap();
        assert!(matches!(texts[0], Some(Text(Cow::Borrowed("plain")))));
        assert_eq!(texts[1], None);
        assert!(matches!(&texts[2], Some(Text(Cow::Owned(text))) if text == "escaped"));
    }
}
