//! Foreign text, fit for a message.

/// The start of a foreign text: at most 64 characters, everything but printable ASCII escaped.
pub(crate) fn excerpt(text: &str) -> Box<str> {
    bounded(text, 64)
}

/// A message that may contain foreign text: at most 512 characters, everything but printable ASCII escaped.
pub(crate) fn one_line(message: &str) -> Box<str> {
    bounded(message, 512)
}

fn bounded(text: &str, limit: usize) -> Box<str> {
    let mut characters = text.chars();
    let mut bounded = String::new();
    for character in characters.by_ref().take(limit) {
        // Quotes stay as they are; they can do no harm in a line.
        if character == ' ' || character.is_ascii_graphic() {
            bounded.push(character);
        } else {
            bounded.extend(character.escape_default());
        }
    }
    if characters.next().is_some() {
        bounded.push('…');
    }
    bounded.into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn foreign_text_is_shortened_and_escaped() {
        assert_eq!(&*excerpt("it's\u{202e}\nb"), r"it's\u{202e}\nb");
        assert_eq!(&*excerpt(&"x".repeat(64)), "x".repeat(64));
        assert_eq!(&*excerpt(&"x".repeat(65)), format!("{}…", "x".repeat(64)));
        assert_eq!(one_line(&"x".repeat(2000)).chars().count(), 513);
    }
}
